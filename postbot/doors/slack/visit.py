"""Who is there, and what they may see: one person before all sites, each as it was last seen, with its own roles.

Nothing here changes anything, and nothing asks the site's host. Slack is asked who somebody is (`postbot.roster`),
every five minutes at most. Who cannot be told is nobody, and sees nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from postbot.core.plan.people import with_opinions
from postbot.core.plan.rights import Action, Person
from postbot.core.posting import Posting
from postbot.doors.service.desk import Desk, Glimpse
from postbot.doors.slack.views import Found, Scene, Sight, found_by
from postbot.roster import Refused, Roster

_NOT_YET = "postbot has not looked at the site yet. Try again in a minute."
_NOBODY = "Nobody may ask for anything from Slack here. Whoever keeps postbot can grant it, under `roles`."


@dataclass(frozen=True, slots=True)
class Place:
    """One site before one person."""

    desk: Desk
    scene: Scene
    roster: Roster
    person: Person
    obstacle: str


@dataclass(frozen=True)  # without slots: what is looked up often is indexed once
class Visit:
    """One person before the sites that know them. `trouble` is why there is none, in a sentence."""

    places: Sequence[Place]
    trouble: str = ""

    @property
    def scenes(self) -> Sequence[Scene]:
        """What there is to be seen."""
        return [place.scene for place in self.places]

    @property
    def sight(self) -> Sight:
        """What this person may do, each posting by the roles of its own site."""
        return Sight(lambda action, posting: not self.refusal(action, posting))

    def refusal(self, action: Action, posting: Posting) -> str:
        """Why they may not do this to a posting that is seen here, in a sentence; empty where they may."""
        place = self.place(posting)
        return place.roster.refusal(action, place.person, posting)

    def place(self, posting: Posting) -> Place:
        """The site of a posting that is seen here."""
        return self._owners[id(posting)]

    def found(self, ref: str) -> Found | None:
        """The posting of this name, if there is one that they may see."""
        return found_by(self.scenes, ref, self.sight)

    @cached_property
    def _owners(self) -> dict[int, Place]:
        return {id(posting): place for place in self.places for posting in place.scene.postings}


def visit(desks: Sequence[Desk], member: str) -> Visit:
    """What a member of the workspace finds. Raises `LedgerError`."""
    places, troubles = [], []
    for desk in desks:
        found = _place(desk, member, alone=len(desks) == 1)
        if isinstance(found, Place):
            places.append(found)
        else:
            troubles.append(found)
    return Visit(places) if places else Visit((), troubles[0] if troubles else _NOT_YET)


def _place(desk: Desk, member: str, *, alone: bool) -> Place | str:
    glimpse = desk.glimpse()
    if glimpse is None:
        return _NOT_YET
    if glimpse.roster is None:
        return _NOBODY
    person = glimpse.roster.person(member)
    if isinstance(person, Refused):
        return person.words
    return Place(desk, _scene("" if alone else desk.name, glimpse), glimpse.roster, person, glimpse.obstacle)


def _scene(name: str, glimpse: Glimpse) -> Scene:
    country, _, part = glimpse.holidays.partition("-")
    return Scene(
        name=name,
        seen=replace(glimpse.seen, snapshot=with_opinions(glimpse.seen.snapshot, glimpse.seen.memory.opinions)),
        plan=glimpse.plan,
        policy=glimpse.policy,
        voice=glimpse.voice,
        now=glimpse.now,
        country=country,
        subdivision=part,
    )

"""Who is there, and what they may see: one person before all sites, each as it was last seen, with its own roles.

Nothing asks the site's host. Slack is asked who somebody is (`postbot.roster`), every five minutes at most, and all
sites together wait for it no longer than one. Who cannot be told is nobody, and sees nothing. A site that does not
answer in time is left out and named, and the others go on. All that is changed is the audit, where it is put down that
somebody came to whom postbot does not listen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from postbot import steady
from postbot.core.plan.people import may_approve, with_logins, with_opinions
from postbot.core.plan.rights import Action, Person
from postbot.core.posting import Posting
from postbot.core.site import Pull
from postbot.doors.service import logs
from postbot.doors.service.desk import Desk, Glimpse
from postbot.doors.slack.looks import Looks
from postbot.doors.slack.views import Found, Scene, Sight, found_by
from postbot.ledger import LedgerError
from postbot.roster import PATIENCE, Refused, Roster

_NOT_YET: Final = "postbot has not looked at the site yet. Try again in a minute."
_NOBODY: Final = "Nobody may ask for anything from Slack here. Whoever keeps postbot can allow it."
_LATE: Final = "Its ledger has not answered in time."
_MOST_NAMED: Final = 3

_A_LITTLE: Final = 0.3
"""Seconds beyond `PATIENCE`, in which it is told that Slack has not said within that who somebody is."""


@dataclass(frozen=True, slots=True)
class Place:
    """One site before one person."""

    desk: Desk
    scene: Scene
    roster: Roster
    person: Person
    obstacle: str

    @property
    def asker(self) -> str:
        """How they hear of what they have asked for, which is also the name that never changes."""
        return f"slack:{self.person.id}"

    def counts(self, pull: Pull) -> bool:
        """Whether their own approval would count, by the two-person rule."""
        return may_approve(self.person.signed, self.asker, self.scene.request_of(pull), self.scene.policy)


@dataclass(frozen=True, slots=True)
class _Closed:
    """A site that shows nothing to this person, and why, in a sentence.

    `refused`: postbot does not listen to them. `passes`: only at this moment. `away`: it may well know them, and cannot
    be asked.
    """

    desk: Desk
    why: str
    refused: bool = False
    passes: bool = False
    away: bool = False


@dataclass(frozen=True)  # without slots: what is looked up often is indexed once
class Visit:
    """One person before the sites that know them.

    `trouble` is why there is none, in a sentence, and `passes` whether that is only so at this moment. `away` says
    which sites do not answer, though others do; it is empty where all answer.
    """

    places: Sequence[Place]
    trouble: str = ""
    passes: bool = False
    away: str = ""

    @property
    def scenes(self) -> Sequence[Scene]:
        """What there is to be seen."""
        return [place.scene for place in self.places]

    @cached_property
    def sight(self) -> Sight:
        """What this person may do, each posting by the roles of its own site."""
        return Sight(
            lambda action, posting: not self.refusal(action, posting),
            lambda pull, posting: self.place(posting).counts(pull),
        )

    def refusal(self, action: Action, posting: Posting, also: Sequence[Action] = ()) -> str:
        """Why they may not do this to a posting that is seen here, as `Roster.refusal` has it; empty where they may."""
        place = self.place(posting)
        return place.roster.refusal(action, place.person, posting, also)

    def place(self, posting: Posting) -> Place:
        """The site of a posting that is seen here."""
        return self._owners[id(posting)]

    def found(self, ref: str) -> Found | None:
        """The posting of this name, if there is one that they may see."""
        return found_by(self.scenes, ref, self.sight)

    @cached_property
    def _owners(self) -> dict[int, Place]:
        return {id(posting): place for place in self.places for posting in place.scene.postings}


def visit(looks: Looks, desks: Sequence[Desk], member: str) -> Visit:
    """What a member of the workspace finds. A site whose ledger fails or hangs is left out, and the log says why."""
    until, alone = steady.seconds() + PATIENCE, len(desks) == 1
    looked = looks.at(desks, lambda desk: _place(desk, member, until, alone=alone), until + _A_LITTLE)
    found = [each or _silent(desk, _LATE) for desk, each in zip(desks, looked, strict=True)]
    places = [each for each in found if isinstance(each, Place)]
    closed = [each for each in found if isinstance(each, _Closed)]
    if turned_away := next((each for each in closed if each.refused), None):
        _on_record(turned_away, member)
    if places:
        return Visit(places, away=_away([each.desk.name for each in closed if each.away]))
    first = next((each for each in closed if each.passes), closed[0] if closed else None)
    return Visit((), first.why, first.passes) if first else Visit((), _NOT_YET, passes=True)


def _place(desk: Desk, member: str, until: float, *, alone: bool) -> Place | _Closed:
    try:
        glimpse = desk.glimpse()
    except LedgerError as error:
        return _silent(desk, str(error))
    if glimpse is None:
        return _Closed(desk, _NOT_YET, passes=True)
    if glimpse.roster is None:
        return _Closed(desk, _NOBODY)
    person = glimpse.roster.person(member, until)
    if isinstance(person, Refused):
        return _Closed(desk, person.words, refused=person.final, passes=not person.final, away=not person.final)
    return Place(desk, _scene("" if alone else desk.name, glimpse), glimpse.roster, person, glimpse.obstacle)


def _silent(desk: Desk, why: str) -> _Closed:
    logs.line("error", desk.name, "site does not answer", why=why)
    return _Closed(desk, _away([desk.name]), passes=True, away=True)


def _away(names: Sequence[str]) -> str:
    """Which sites do not answer, in a sentence; empty for none."""
    if not names:
        return ""
    more = len(names) - _MOST_NAMED
    told = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    one = len(names) == 1
    return f"{'Site' if one else 'Sites'} {told} {'does' if one else 'do'} not answer at the moment. Try again later."


def _on_record(closed: _Closed, member: str) -> None:
    """One row at one site, whichever of them is first: it is the workspace that tells who somebody is."""
    try:
        closed.desk.turned_away(member, closed.why)
    except LedgerError as error:  # they are turned away all the same
        logs.line("error", closed.desk.name, "refusal not on record", why=str(error), member=member)


def _scene(name: str, glimpse: Glimpse) -> Scene:
    country, _, part = glimpse.holidays.partition("-")
    seen = glimpse.seen
    return Scene(
        name=name,
        seen=replace(seen, snapshot=with_opinions(seen.snapshot, seen.memory.opinions, seen.unheard)),
        plan=glimpse.plan,
        policy=with_logins(glimpse.policy, glimpse.seen.logins),
        voice=glimpse.voice,
        now=glimpse.now,
        country=country,
        subdivision=part,
    )

"""A bakery that looks for people: its postings, and what the real plan makes of them on some days in March 2030."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from postbot.app import words
from postbot.core.announce import FOLLOWED, Announcement, Audience, Event, Message
from postbot.core.announce.routes import Route, events_of
from postbot.core.announce.words import RELEASE, Voice, messages
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Opinion, Request, Said, Spoken
from postbot.core.plan.people import digest
from postbot.core.plan.rights import Person
from postbot.core.plan.steps import MergeWhen, Tell
from postbot.core.posting import Posting
from postbot.core.site import Path, Pull
from postbot.doors.slack.views import Scene
from tests.values import Values, policy

NOW = datetime(2030, 3, 6, 15, 0, tzinfo=UTC)
"""Wednesday, 10 am where the bakery is."""
DUE = datetime(2030, 3, 8, 14, 0, tzinfo=UTC)
"""When the cake decorator is to open."""
ROBIN = Person("U024ROBIN", "Robin Mill")
ANN = Person("U024ANN00", "Ann Ryder")

_LIST, _TEAM = "jobs@lists.bakery.example", "C024BAKERS"
VOICE = Voice(
    words(),
    (
        Route("email", _LIST, events_of(Audience.PUBLIC)),
        Route("slack", _TEAM, events_of(Audience.PUBLIC) | events_of(Audience.STAFF) | FOLLOWED),
    ),
    name="Jobs at the bakery",
    url="https://jobs.bakery.example",
    edit="https://github.com/bakery/jobs/edit/main",
    desk="bakery/jobs@main",
)

_FILLED = """\
series: '0301'
apply_url: https://apply.bakery.example/{slug}
supervisory_status: 'NO'
"""
_GAPS = """\
# series: '0301' ENTER SERIES IF DIFFERENT
# apply_url: APPLICATION URL
# supervisory_status: 'YES' or 'NO'
"""
_TEXT = """\
---
title: {title}
permalink: jobs/{slug}/
state: {state}

# INSTRUCTIONS UPCOMING: These fields are required for upcoming

opens: {opens}
closes: {closes}
contact_name: 'Robin Mill'
contact_email: 'robin@bakery.example'

# INSTRUCTIONS OPEN: These fields are required for open

{rest}---
Come and bake with us.
"""


def text(title: str, state: str, opens: str, closes: str, rest: str = _FILLED) -> str:
    """The file of one posting."""
    slug = slug_of(title)
    return _TEXT.format(title=title, slug=slug, state=state, opens=opens, closes=closes, rest=rest.format(slug=slug))


def slug_of(title: str) -> str:
    return title.lower().replace(" ", "-")


POSTINGS = (
    ("Cake Decorator", "upcoming", "March 8, 2030, 9:00 am EST", "March 22, 2030, 11:59 pm EDT"),
    ("Pastry Chef", "upcoming", "March 11, 2030, 9:00 am EDT", "March 25, 2030, 11:59 pm EDT", _GAPS),
    ("Night Baker", "open", "February 25, 2030, 9:00 am EST", "March 11, 2030, 11:59 pm EDT"),
    ("Oven Technician", "open", "March 4, 2030, 9:00 am EST", "March 29, 2030, 11:59 pm EDT"),
    ("Flour Buyer", "closed", "February 1, 2030, 9:00 am EST", "February 15, 2030, 11:59 pm EST"),
)


@dataclass
class Bakery:
    """The site, and all that was said of it so far."""

    world: Values = field(default_factory=lambda: Values(policy(MergeWhen.WHEN_DUE, followed=True), now=NOW))
    said: list[Announcement] = field(default_factory=list)

    @classmethod
    def on_wednesday(cls) -> "Bakery":
        """As `NOW` finds it, looked at once."""
        bakery = cls()
        seen = bakery.world.seen
        bakery.world.seen = replace(seen, memory=replace(seen.memory, released=frozenset({RELEASE})))
        for title, *rest in POSTINGS:
            bakery.world.write(path_of(title), text(title, *rest))
        bakery.look()
        return bakery

    def look(self, at: datetime | None = None) -> None:
        """Do and say what is due, as a tick does; a pull request gets the address that a host would give it."""
        world = self.world
        world.now = at or world.now
        while (plan := world.plan()).steps:
            self.said += [step.announcement for step in plan.steps if isinstance(step, Tell) and not step.quiet]
            world.take(plan.steps)
            for pull in world.pulls():
                world.change(pull, url=f"https://github.com/bakery/jobs/pull/{pull.number}")
        world.seen = replace(world.seen, memory=replace(world.seen.memory, last_tick=world.now))

    def ask(self, title: str, wish: Wish, by: Person = ROBIN) -> None:
        """Somebody asks for something, as they do by confirming a summary."""
        seen = self.world.seen
        request = Request(9, path_of(title), wish, by.signed, self.world.now)
        self.world.seen = replace(seen, memory=replace(seen.memory, requests=(*seen.memory.requests, request)))

    def opine(self, title: str, said: Said, by: Person = ANN, words: str = "") -> None:
        """Somebody approves a pull request on its card, or asks for changes."""
        seen, pull = self.world.seen, self.pull(title)
        about = digest(pull, seen.snapshot.files)
        opinion = Opinion(pull.branch, about, said, by.signed, self.world.now, words)
        self.world.seen = replace(seen, memory=replace(seen.memory, opinions=(*seen.memory.opinions, opinion)))

    def announce(self, title: str) -> None:
        """The news of an opening have reached everybody."""
        seen = self.world.seen
        spoken = tuple(
            Spoken(path_of(title), Event.OPENED, "opened:1", route.channel, route.recipient, "sent", self.world.now)
            for route in VOICE.routes
        )
        self.world.seen = replace(seen, memory=replace(seen.memory, spoken=spoken))

    def pull(self, title: str) -> Pull:
        return next(pull for pull in self.world.pulls() if path_of(title) in pull.paths)

    def scene(self) -> Scene:
        """What Slack's door sees."""
        return Scene("", self.world.seen, self.world.plan(), self.world.policy, VOICE, self.world.now)

    def posting(self, title: str) -> Posting:
        found = self.world.seen.postings[path_of(title)]
        assert isinstance(found, Posting)
        return found

    def heard(self, event: Event, title: str) -> Iterator[Message]:
        """What the team's channel was told of an event, in order."""
        for announcement in self.said:
            if announcement.event is event and announcement.slug == slug_of(title):
                yield from (each for each in messages(announcement, VOICE) if each.channel == "slack")


def path_of(title: str) -> Path:
    return Path(f"jobs/{slug_of(title)}.md")


def new_closing(days: int) -> Wish:
    """A wish for a later closing."""
    day = NOW + timedelta(days=days)
    return Wish(Transition.EXTEND, {"closes": day.date().isoformat()})

"""Seven pieces of a posting's life, each as commands at their times, and how one of them is lived with a kill in it.

Whoever is killed is started again soon; a person whose command died looks whether it is on record, and asks again
if it is not. Then ticks follow as long as something is still on its way.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from signal import SIGKILL

from postbot.progress import Edge, Step
from tests.crashes.judge import Happened, happened, wrong
from tests.crashes.kit import Kill, Lab, Point, Site, later, path_of, posting
from tests.world import at

ROBIN = "robin"
AGAIN = (0.5, 2, 10, 90)
"""Minutes after a kill at which postbot looks again: soon, once Slack can be believed, and as the back-off has it."""
AFTERWARDS = (24 * 60, 24 * 60 + 10, 26 * 60)
"""Minutes after all is done at which the last looks find nothing to do, and nothing to say a second time."""
ON_THE_WAY: tuple[Point, ...] = (
    (Step.CLAIM, Edge.AFTER),
    *((step, edge) for step in (Step.CONNECT, Step.MAIL, Step.RCPT, Step.DATA, Step.DOT) for edge in Edge),
    (Step.SETTLE, Edge.BEFORE),
)
"""The points at which a mail has been claimed and not settled: whoever is killed there leaves it to a person."""
GONE_OUT: tuple[Point, ...] = ((Step.DOT, Edge.AFTER), (Step.SETTLE, Edge.BEFORE))
"""Of these, the points at which the server has taken it."""

MARCH = {"opens": "March 9, 2026, 8:00 am EDT", "closes": "March 20, 2026, 11:59 pm EDT"}
AUTO = ", ".join(f"{each}: {{lead: 2 days, merge: auto}}" for each in ("open", "close"))
AUTO += ", " + ", ".join(f"{each}: {{merge: auto}}" for each in ("extend", "reopen"))
BY_HAND = AUTO.replace("close: {lead: 2 days, merge: auto}", "close: {lead: 2 days, merge: review}")


def _nothing(_: Site) -> None:
    """Nobody does anything."""


@dataclass(frozen=True)
class Moment:
    """One process: what a person does before it, and the command."""

    when: str
    words: tuple[str, ...] = ("tick",)
    before: Callable[[Site], None] = _nothing

    @property
    def now(self) -> datetime:
        return at(self.when)


@dataclass(frozen=True)
class Scenario:
    """What stands at first, and what happens then."""

    moments: tuple[Moment, ...]
    words: Mapping[str, str] = field(default_factory=lambda: MARCH)
    transitions: str = AUTO

    def begin(self, lab: Lab, folder: Path) -> Site:
        postings = {"pilot": posting("pilot", **self.words), "baker": posting("baker")}
        return Site.begin(lab, folder, postings, self.transitions)


def _rename(site: Site) -> None:
    old, new = path_of("pilot"), path_of("captain")
    text = posting("pilot", **MARCH)
    site.lab.github.push("main", {old: None, new: text}, by=ROBIN, message="A better name")


def _merge(site: Site) -> None:
    site.lab.github.merge(1, "squash", by=ROBIN)


_ASKS = ("--by", ROBIN)
_APPLY = "apply_url=https://apply.example.gov/again"
SCENARIOS = {
    "open": Scenario((Moment("2026-03-08T08:00", ("open", "pilot", *_ASKS)), Moment("2026-03-09T08:00"))),
    "close": Scenario((Moment("2026-03-19T08:00"), Moment("2026-03-20T23:59")), MARCH | {"state": "open"}),
    "extend": Scenario(
        (Moment("2026-03-10T09:00", ("extend", "pilot", "2026-03-27", *_ASKS)),), MARCH | {"state": "open"}
    ),
    "reopen": Scenario(
        (
            Moment(
                "2026-03-30T09:00",
                ("reopen", "pilot", "--opens", "2026-04-06", "--closes", "2026-04-20", "--set", _APPLY, *_ASKS),
            ),
            Moment("2026-04-04T09:00"),
            Moment("2026-04-06T00:00"),
        ),
        MARCH | {"state": "closed"},
    ),
    "rename": Scenario(
        (
            Moment("2026-03-07T08:00", ("open", "pilot", *_ASKS)),
            Moment("2026-03-08T08:00", before=_rename),
            Moment("2026-03-09T08:00"),
        )
    ),
    "hand merge": Scenario(
        (
            Moment("2026-03-11T09:00", ("close", "pilot", "--reason", "filled", *_ASKS)),
            Moment("2026-03-11T15:00", before=_merge),
        ),
        MARCH | {"state": "open"},
        BY_HAND,
    ),
    "request": Scenario(
        (Moment("2026-03-11T09:00", ("close", "pilot", "--reason", "filled", *_ASKS)),), MARCH | {"state": "open"}
    ),
}


BEYOND: Mapping[str, frozenset[Step]] = {
    "close": frozenset({Step.RECEIVE, Step.FILE, Step.ACKNOWLEDGE}),  # the clock asks, and nobody else does
}
"""The steps that a scenario cannot come to."""


@dataclass(frozen=True)
class Unharmed:
    """A scenario that nobody disturbed: where it began, the points of each process, and what had happened after it."""

    scenario: Scenario
    start: Site
    trails: tuple[tuple[Point, ...], ...]
    so_far: tuple[Happened, ...]

    def strikes(self, point: Point) -> list[tuple[int, Kill]]:
        """The first and the last time that a process comes to this point: which moment, and the kill there."""
        passed = [(at, trail.count(point)) for at, trail in enumerate(self.trails) if point in trail]
        if not passed:
            return []
        (first, _), (last, count) = passed[0], passed[-1]
        found = [(first, Kill(1, *point)), (last, Kill(count, *point))]
        return found if found[0] != found[1] else found[:1]


def unharmed(lab: Lab, folder: Path, scenario: Scenario) -> Unharmed:
    """Live a scenario as it should be."""
    start = scenario.begin(lab, folder)
    trails, so_far = [], []
    with start.copied() as site:
        for moment in scenario.moments:
            moment.before(site)
            assert site.run(moment.now, *moment.words) == 0, site.printed()
            trails.append(tuple(site.trail()))
            so_far.append(happened(site))
        _look_afterwards(site, scenario)
        so_far.append(happened(site))
    return Unharmed(scenario, start, tuple(trails), tuple(so_far))


def killed(life: Unharmed, strike: int, kill: Kill) -> list[str]:
    """Live it with a kill in the process of that moment, and say what is wrong in the end."""
    doubtful = 1 if (kill.step, kill.edge) in ON_THE_WAY else 0
    with life.start.copied() as site:
        for number, moment in enumerate(life.scenario.moments):
            moment.before(site)
            end = site.run(moment.now, *moment.words, kill=kill if number == strike else None)
            assert end == (-SIGKILL if number == strike else 0), site.printed()
            if number == strike:
                _recover(site, moment, life.so_far[number], doubtful)
        _look_afterwards(site, life.scenario)
        got = happened(site)
    return [*wrong(got, life.so_far[-1], doubtful=doubtful), *_wrongly_held(got, life.so_far[-1], kill)]


def _look_afterwards(site: Site, scenario: Scenario) -> None:
    with closing(site.stay()) as running:
        for now in later(scenario.moments[-1].now, *AFTERWARDS):
            running.look(now)
        assert running.code is None, site.printed()


def _recover(site: Site, moment: Moment, wanted: Happened, doubtful: int) -> None:
    """What follows a kill: a person who asks again, and ticks until all is as it should be by then."""
    asks = moment.words != ("tick",)
    if asks and not site.is_on_record(ROBIN):
        assert site.run(moment.now, *moment.words) == 0, site.printed()
    for now in later(moment.now, *AGAIN):
        assert site.run(now, "tick") == 0, site.printed()
        if not wrong(happened(site), wanted, doubtful=doubtful):
            return


def _wrongly_held(got: Happened, wanted: Happened, kill: Kill) -> list[str]:
    """A mail that was killed before its last line has certainly not come; one that came later is not held for it."""
    gone_out = (kill.step, kill.edge) in GONE_OUT
    return [
        f"held, and it had {'not ' * gone_out}come: {to}: {subject}"
        for to, subject in got.held
        if any(got.mails[mail] != gone_out for mail in wanted.mails if (mail.to, mail.subject) == (to, subject))
    ]

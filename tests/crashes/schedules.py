"""Lives of a small site of three postings in which postbot is killed at random, and the twins fail now and then.

A seed says everything: which life, where the kills fall, and what fails when. Most kills fall at a point that
`postbot.progress` tells of, or while GitHub has a request in its hands, and replay there; a tenth falls after a span of
time, and replays about there.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory

from tests.crashes.judge import Happened, happened, lost_or_doubled
from tests.crashes.kit import Kill, Lab, Site, later, posting
from tests.crashes.scenarios import AUTO, ROBIN
from tests.twins.github.client import KINDS
from tests.world import NEW_YORK, at

LIVES = 12
"""How many lives there are. Each is lived once without harm, to know how it must end."""
MOST_KILLS = 5
WAYS = {"point": 6, "request": 3, "time": 1}
"""What a kill waits for, and how often of ten: a point, a request that GitHub has taken, or a span of time."""
LONGEST = 0.3
"""Seconds that a look may live before a kill that falls in time."""
FAULTY = 0.15
"""The share of looks at which something fails."""
REQUESTS = 12
"""The requests to GitHub among which a kill falls."""
SOON = 40
"""The points of a look among which a kill falls that follows upon another."""
AGAIN = (0.5, 2, 10, 50)
"""Minutes after something went wrong at which postbot looks again."""
AFTERWARDS = (3 * 60, 24 * 60, 48 * 60)
"""Minutes after a life at which it looks for the last times, with nothing failing any more."""

_GITHUB = [kind for kind in KINDS if kind not in ("hang", "drip")]
_POST = [
    *(("connect", kind) for kind in ("drop", "garbage", "421 4.3.2 Not now")),
    *((step, kind) for step in ("ehlo", "mail", "rcpt", "data") for kind in ("drop", "half", "451 4.3.0 Not now")),
    *(("body", kind) for kind in ("drop", "early")),
    *(("dot", kind) for kind in ("drop", "drop-kept", "garbage-kept", "half-kept", "451 4.3.0 Not now")),
    ("quit", "drop"),
]
_SLACK = [
    *(("before", kind) for kind in ("429", "ratelimited", "500", "502", "internal_error", "drop", "reset", "html")),
    *(("after", kind) for kind in ("500", "502", "internal_error", "drop", "reset", "html", "truncated", "nothing")),
]


def life_of(seed: int) -> int:
    """Which life a seed is about; some that follow each other are about the same."""
    return seed // 5 % LIVES


@dataclass(frozen=True)
class Look:
    """One look of the clock, or what somebody asks for then by a command of their own."""

    now: datetime
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Life:
    """A site lived without harm: where it began, its looks with the number of points of each, and how it ended."""

    start: Site
    looks: tuple[Look, ...]
    points: tuple[int, ...]
    end: Happened


@dataclass(frozen=True)
class Verdict:
    """What came of a seed: how many kills struck, which faults happened, and what was wrong in the end."""

    seed: int
    kills: int
    faults: int
    held: int
    wrong: tuple[str, ...]


def lived(lab: Lab, folder: Path, number: int) -> Life:
    """One of the lives, as it should be."""
    postings, looks = _written(random.Random(f"life {number}"))  # noqa: S311 - for tests
    start = Site.begin(lab, folder, postings, AUTO)
    points, passed = [], 0
    with start.copied() as site, closing(site.stay()) as running:
        for look in looks:
            if look.words:
                assert site.run(look.now, *look.words) == 0, site.printed()
                passed = 0  # a command begins the trail anew
            else:
                running.look(look.now)
            points.append(len(site.trail()) - passed)
            passed = len(site.trail())
        end = happened(site)
    return Life(start, looks, tuple(points), end)


def _written(chance: random.Random) -> tuple[dict[str, str], tuple[Look, ...]]:
    """Three postings (one is to open and to close, one to be extended and to close, one to close), and the looks."""
    days = [at("2026-03-03T00:00") + timedelta(days=day) for day in range(9)]
    opens, closes, extended, last = (
        days[chance.choice(each)] + timedelta(hours=chance.randint(6, 20)) for each in ((1, 2), (5, 6), (3, 4), (7, 8))
    )
    early = days[chance.choice((2, 4, 6))] + timedelta(hours=chance.randint(6, 20))
    asked = days[chance.choice((1, 2))] + timedelta(hours=chance.randint(0, 23), minutes=30)
    postings = {
        "ash": posting("ash", opens=_said(opens), closes=_said(closes)),
        "birch": posting("birch", state="open", opens="March 1, 2026, 8:00 am ET", closes=_said(extended)),
        "cedar": posting("cedar", state="open", opens="March 1, 2026, 8:00 am ET", closes=_said(early)),
    }
    dues = {opens, closes, last, early, *(day + timedelta(hours=9) for day in days)}
    asks = Look(asked, ("extend", "birch", f"{last.astimezone(NEW_YORK):%Y-%m-%dT%H:%M}", "--by", ROBIN))
    return postings, tuple(sorted([*map(Look, dues), asks], key=lambda look: look.now))


def _said(when: datetime) -> str:
    text = f"{when.astimezone(NEW_YORK):%B %-d, %Y, %-I:%M %p} ET"
    return text.replace("AM", "am").replace("PM", "pm")


# With harm


def tried(life: Life, seed: int) -> Verdict:
    """Live this life with the kills and faults of this seed."""
    chance = random.Random(f"crashes {seed}")  # noqa: S311 - for tests
    with life.start.copied() as site, closing(_Run(site, life, chance)) as run:
        run.live()
        faults, got = run.faults(), happened(site)
    wrong = (*run.odd, *lost_or_doubled(got, life.end))
    return Verdict(seed, run.kills, faults, got.held.total(), wrong)


class _Run:
    """A life under way: the process that is there, and what has befallen it."""

    def __init__(self, site: Site, life: Life, chance: random.Random) -> None:
        self._site, self._life, self._chance = site, life, chance
        self._running = site.stay()
        self.kills = 0
        self.odd: list[str] = []

    def live(self) -> None:
        looks, chance = self._life.looks, self._chance
        many = chance.randint(1, MOST_KILLS)
        struck = Counter(chance.choices(range(len(looks)), weights=self._life.points, k=many))
        ends = [look.now for look in looks[1:]] + [looks[-1].now + timedelta(days=1)]
        for number, (look, end) in enumerate(zip(looks, ends, strict=True)):
            self._look(look, struck[number], self._life.points[number], end)
        for now in later(looks[-1].now, *AFTERWARDS):
            self._tick(now)

    def close(self) -> None:
        """Let the process go."""
        self._running.close()

    def faults(self) -> int:
        """How often a twin has failed."""
        lab = self._site.lab
        return len(lab.github.fired()) + len(lab.post.fired()) + len(lab.slack.fired())

    def _look(self, look: Look, kills: int, points: int, end: datetime) -> None:
        """Look, with so many kills in it and after it; then look again while time is, if anything went wrong."""
        fails = self._chance.random() < FAULTY
        if fails:
            self._fail()
        nth = self._chance.randint(1, points) if kills else 0
        self._ask(look, nth) if look.words else self._tick(look.now, nth)
        self._site.lab.heal()
        for now in (now for now in later(look.now, *AGAIN) if (kills or fails) and now < end):
            kills -= 1
            self._tick(now, self._chance.randint(1, SOON) if kills > 0 else 0)

    def _tick(self, now: datetime, nth: int = 0) -> None:
        """Have it look, and where a point is given, kill it there or in another way."""
        [way] = self._chance.choices([*WAYS], weights=[*WAYS.values()])
        github = self._site.lab.github
        if nth and way == "request":
            github.hold(nth=self._chance.randint(1, REQUESTS), when=self._chance.choice(("before", "after")))
            self._running.look(now, until=lambda: github.held(0))
            github.release()  # what was only held before its effect has it now, with nobody there to hear of it
        elif nth and way == "time":
            ends = time.monotonic() + self._chance.uniform(0, LONGEST)
            self._running.look(now, until=lambda: time.monotonic() > ends)
        else:
            self._running.look(now, nth=nth)
        self._see_to_its_end()

    def _see_to_its_end(self) -> None:
        if self._running.code is not None:
            self._struck(self._running.code)
            self._running.close()
            self._running = self._site.stay()

    def _ask(self, look: Look, nth: int) -> None:
        """A person asks by a command, and asks again if it has died or failed with nothing on record."""
        code = self._site.run(look.now, *look.words, kill=Kill(nth) if nth else None)
        self._struck(code) if code < 0 else None
        self._site.lab.heal()
        if not self._site.is_on_record(ROBIN) and self._site.run(look.now, *look.words) != 0:
            self.odd.append(f"asked again and refused: {self._site.printed()[-300:]}")

    def _struck(self, code: int) -> None:
        self.kills += code == -SIGKILL
        if code != -SIGKILL:
            self.odd.append(f"a process ended with {code}: {self._site.printed()[-2000:]}")

    def _fail(self) -> None:
        """Have one of the twins fail once, at one of its next requests."""
        lab, chance = self._site.lab, self._chance
        match chance.choice(("GitHub", "mail", "Slack")):
            case "GitHub":
                lab.github.fault(
                    chance.choice(_GITHUB), nth=chance.randint(1, 8), when=chance.choice(("before", "after"))
                )
            case "mail":
                lab.post.fault(*chance.choice(_POST), nth=chance.randint(1, 2))
            case _:
                when, kind = chance.choice(_SLACK)
                lab.slack.fault(kind, chance.choice(("chat.postMessage", "chat.update")), when=when)


# Many


class Lives:
    """The lives, each lived once without harm when it is first needed."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab, self._folder, self._lives = lab, folder, dict[int, Life]()

    def life(self, seed: int) -> Life:
        """The life that a seed is about."""
        number = life_of(seed)
        if number not in self._lives:
            self._lives[number] = lived(self._lab, self._folder / f"life-{number}", number)
        return self._lives[number]

    def verdict(self, seed: int) -> Verdict:
        """Try a seed."""
        return tried(self.life(seed), seed)


@contextmanager
def lives() -> Iterator[Lives]:
    """The lives, with twins of their own."""
    with TemporaryDirectory(prefix="crashes-") as name, Lab.start(Path(name)) as lab:
        yield Lives(lab, Path(name))


def verdicts(seeds: Sequence[int]) -> list[Verdict]:
    """Try these seeds one after the other."""
    with lives() as each:
        return [each.verdict(seed) for seed in seeds]

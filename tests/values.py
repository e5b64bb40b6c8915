"""A world of values for properties of the plan: no git, no ledger, but the same plan carried out by `forecast.apply`.

Thousands of worlds a minute. What this host leaves out (races, crashes, bytes on a disk) is the stories' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha1
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.decide import make_plan
from postbot.core.plan.forecast import apply
from postbot.core.plan.memory import Memory, Request
from postbot.core.plan.steps import Handling, MergeWhen, Plan, Policy, Seen, Step
from postbot.core.posting import Posting, read_posting
from postbot.core.problem import Problem
from postbot.core.profile import Profile
from postbot.core.site import File, Path, Pull, PullStatus, Snapshot
from tests import examples
from tests.examples import EASTERN

BEGIN = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
MOST_ROUNDS = 8


@cache
def profile(name: str) -> Profile:
    return examples.profile(name)


@cache
def _read(path: Path, data: bytes, kind: str, zone: ZoneInfo) -> Posting | Problem:
    return read_posting(path, data, profile(kind), zone)


def policy(merge: MergeWhen = MergeWhen.AUTO, **others: object) -> Policy:
    """Every transition handled alike, three days ahead; nothing is held for the number of its moves."""
    handling = {transition: Handling(timedelta(days=3), merge) for transition in Transition}
    return replace(Policy(EASTERN, handling, most_moves=1000), **others)  # type: ignore[arg-type]


@dataclass(repr=False)
class Values:
    """A site, its memory and its clock as values that a test may change between two settlings."""

    policy: Policy
    kind: str = "jekyll-state"
    now: datetime = BEGIN
    seen: Seen = field(default_factory=lambda: Seen(Snapshot("0", BEGIN, {}), {}, Memory()))
    commits: int = 0

    def __repr__(self) -> str:
        texts = "\n".join(f"{path}:\n{file.data.decode()}" for path, file in self.seen.snapshot.files.items())
        pulls = "\n".join(f"{pull.branch} {pull.status} {pull.approved_by}" for pull in self.seen.snapshot.pulls)
        known = "\n".join(f"{w.path} {w.state} {w.generation}" for w in self.seen.memory.witnesses.values())
        asked = "\n".join(map(str, self.seen.memory.requests))
        return f"{self.now}\n{self.policy.handling[Transition.OPEN]}\n{texts}\n{pulls}\n{known}\n{asked}"

    def write(self, path: str, text: str) -> None:
        data = text.encode()
        file = File(Path(path), sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest(), data)
        files, postings = dict(self.seen.snapshot.files), dict(self.seen.postings)
        files[file.path] = file
        postings[file.path] = _read(file.path, data, self.kind, self.policy.zone)
        self._commit(files=files)
        self.seen = replace(self.seen, postings=postings)

    def remove(self, path: str) -> None:
        self._commit(files={p: file for p, file in self.seen.snapshot.files.items() if p != path})
        self.seen = replace(self.seen, postings={p: found for p, found in self.seen.postings.items() if p != path})

    def text(self, path: str) -> str:
        return self.seen.snapshot.files[Path(path)].data.decode()

    def request(self, path: str, wish: Wish) -> None:
        filed = self.seen.memory.requests
        number = 1 + max((request.number for request in filed), default=self.commits)
        self.commits = number
        made = Request(number, Path(path), wish, "robin", self.now)
        self.seen = replace(self.seen, memory=replace(self.seen.memory, requests=(*filed, made)))

    def pulls(self) -> list[Pull]:
        return [pull for pull in self.seen.snapshot.pulls if pull.status is PullStatus.OPEN]

    def change(self, pull: Pull, **words: object) -> None:
        """A person approves, rejects or touches a pull request."""
        changed = replace(pull, **words)  # type: ignore[arg-type]
        others = (other for other in self.seen.snapshot.pulls if other.branch != pull.branch)
        self._commit(pulls=tuple(sorted((*others, changed), key=lambda each: each.number)))

    def take(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.seen = apply(self.seen, step, self.now)

    def plan(self) -> Plan:
        return make_plan(self.seen, self.now, self.policy)

    def settle(self) -> list[Plan]:
        """Plan and carry out until nothing is left to do, as a tick does; more rounds than a tick has is a failure."""
        plans: list[Plan] = []
        for _ in range(MOST_ROUNDS):
            plan = self.plan()
            if not plan.steps:
                break
            plans.append(plan)
            self.take(plan.steps)
        else:
            raise AssertionError([step for plan in plans for step in plan.steps])
        if plan.held is None:
            self.seen = replace(self.seen, memory=replace(self.seen.memory, last_tick=self.now))
        return plans

    def _commit(self, **changes: object) -> None:
        self.seen = replace(self.seen, snapshot=replace(self.seen.snapshot, **changes))  # type: ignore[arg-type]


# What such worlds are made of ----------------------------------------------------------------------------------------

_STATE = """\
---
title: {title}
state: {state}

# INSTRUCTIONS UPCOMING: These fields are required for upcoming

opens: {opens}
closes: {closes}
contact_email: 'jobs@agency.example'

# INSTRUCTIONS OPEN: These fields are required for open

# series: '0301' ENTER SERIES IF DIFFERENT
{apply}
---
Join us.
"""
_DATES = """\
---
title: "{title}"
opens: {opens}
closes: {closes}
{apply}
---
Join us.
"""
_HUGO = """\
---
title: {title}
date: {opens}
expiryDate: {closes}
draft: {draft}
weight: {weight}
---
Join us.
"""
_TIMES = ("March 3, 2026, 8:00 am EST", "March 8, 2026, 3:00 am EDT", "March 16, 2026, 11:59 pm EDT")
_DAYS = ("2026-02-20", "2026-03-01", "2026-03-02", "2026-03-05", "2026-03-09", "2026-03-20", "2026-11-01")
_UNKNOWN = ("TBD", "", "sometime soon", "2026-02-30")
_LINKS = ("apply_url: https://apply.example.gov/{}", "# apply_url: APPLICATION URL", "apply_url: APPLICATION URL")


@st.composite
def texts(draw: st.DrawFn, kind: str, name: str = "pilot") -> str:
    """One posting of this kind: whole, incomplete, contradictory or broken."""
    broken = draw(st.sampled_from([False] * 9 + [True]))
    unknown = _UNKNOWN if draw(st.booleans()) else ()
    if kind == "jekyll-state":
        dates = st.sampled_from(_TIMES + _DAYS + unknown)
        words = {
            "state": draw(st.sampled_from(["upcoming", "upcoming", "open", "open", "closed", "opem", "draft"])),
            "apply": draw(st.sampled_from(_LINKS)).format(name),
        }
        form = _STATE
    elif kind == "jekyll-dates":
        dates = st.sampled_from(_DAYS + unknown)
        link = f"application link: https://apply.example.gov/{name}"
        words = {"apply": draw(st.sampled_from([link, f"# {link}", "closed_on: 2026-03-04"]))}
        form = _DATES
    else:
        stamps = tuple(f"{day}T09:00:00-05:00" for day in _DAYS)
        dates = st.sampled_from(stamps + _DAYS + unknown)
        words = {"draft": draw(st.sampled_from(["false", "true"])), "weight": draw(st.sampled_from("01"))}
        form = _HUGO
    text = form.format(title=name, opens=draw(dates), closes=draw(dates), **words)
    return text.replace("title: ", "title: 'x ", 1) if broken else text


KINDS = ("jekyll-state", "jekyll-dates", "hugo")
WISHES = st.builds(
    Wish,
    st.sampled_from(list(Transition)),
    st.dictionaries(
        st.sampled_from(["opens", "closes", "apply_url", "title"]),
        st.sampled_from(["2026-03-04", "2026-03-12", "2026-03-25T17:00", "https://apply.example.gov/9", "TBD"]),
        max_size=2,
    ),
    st.sampled_from([None, "filled"]),
)


def _rules(merge: MergeWhen, two_people: bool, prestage: bool, followed: bool) -> Policy:
    rules = policy(merge, two_people=two_people, staff=("hr",), followed=followed)
    closing = replace(rules.handling[Transition.CLOSE], prestage=prestage)
    return replace(rules, handling={**rules.handling, Transition.CLOSE: closing})


POLICIES = st.builds(_rules, st.sampled_from(list(MergeWhen)), st.booleans(), st.booleans(), st.booleans())
SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=12))

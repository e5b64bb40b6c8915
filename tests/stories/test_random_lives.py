"""Random lives of a small site against a model that knows nothing of plans: states, dates, approvals, what was heard.

The site is made of values and `forecast.apply` is its host, so that a run holds hundreds of lives.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postbot.core.announce import Audience
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.steps import Forget, Merge, MergeWhen, Record
from postbot.core.site import Pull, PullStatus
from tests.values import BEGIN, Values, policy

KEPT = ("plain git",)  # hundreds of lives

NAMES = ("ash", "birch")
HOURS = st.sampled_from([1, 5, 24, 72, 240])
FORM = """\
---
title: {name}
state: {state}
opens: {opens}
closes: {closes}
contact_email: 'jobs@agency.example'
apply_url: https://apply.example.gov/{name}
---
"""


@dataclass
class Model:
    """What one posting must look like. `refused` are the instants for which the clock has had its answer."""

    state: str
    opens: datetime
    closes: datetime
    refused: frozenset[tuple[str, datetime]] = frozenset()
    approved: bool = False
    broken: bool = False

    def due(self, now: datetime) -> tuple[str, datetime] | None:
        """What the clock asks for by now, and since when."""
        if self.state == "closed" or (self.state == "upcoming" and self.opens > now):
            return None
        if self.closes <= now:
            return "closed", self.closes
        return ("open", self.opens) if self.state == "upcoming" else None

    def pass_by(self, now: datetime) -> None:
        """Let the clock move the posting on, as far as people let it: closing is automatic, opening takes an approval."""
        found = self.due(now)
        if self.broken or found is None or found in self.refused or (found[0] == "open" and not self.approved):
            return
        self.state, self.refused = found[0], self.refused | {found}


class Lives(RuleBasedStateMachine):
    """People edit, break, mend, approve, reject and ask; time passes; after each step postbot has looked."""

    @initialize()
    def begin(self) -> None:
        rules = policy(MergeWhen.WHEN_DUE)
        handling = {
            t: h if t is Transition.OPEN else type(h)(h.lead, MergeWhen.AUTO) for t, h in rules.handling.items()
        }
        self.world = Values(policy(handling=handling))
        self.model = {name: Model("upcoming", BEGIN + timedelta(days=9), BEGIN + timedelta(days=30)) for name in NAMES}
        self.heard: Counter[str] = Counter()
        for name in NAMES:
            self.put(name)
        self.look()

    def put(self, name: str) -> None:
        mine = self.model[name]
        words = {"opens": mine.opens.isoformat(), "closes": mine.closes.isoformat(), "state": mine.state, "name": name}
        text = FORM.format(**words)
        self.world.write(f"jobs/{name}.md", text.replace("title: ", "title: 'x ") if mine.broken else text)

    def look(self) -> None:
        told = self.world.seen.memory.told
        for plan in self.world.settle():
            for step in plan.steps:
                if isinstance(step, Record | Forget):
                    said = [a.key for a in step.announcements if a.event.audience is Audience.PUBLIC]
                    self.heard.update(key for key in said if key not in told)
                if isinstance(step, Merge):
                    assert step.pull.approved_by or step.transition is not Transition.OPEN
        for mine in self.model.values():
            mine.pass_by(self.world.now)
            mine.pass_by(self.world.now)
            mine.approved = False

    def pull(self, name: str) -> Pull | None:
        return next((pull for pull in self.world.pulls() if f"jobs/{name}.md" in pull.files), None)

    @rule(name=st.sampled_from(NAMES), opens=HOURS, closes=HOURS)
    def move_the_dates(self, name: str, opens: int, closes: int) -> None:
        mine = self.model[name]
        mine.opens = self.world.now + timedelta(hours=opens)
        mine.closes = mine.opens + timedelta(hours=closes)
        self.put(name)
        self.look()

    @rule(name=st.sampled_from(NAMES), state=st.sampled_from(["upcoming", "open", "closed"]))
    def set_the_state_by_hand(self, name: str, state: str) -> None:
        self.model[name].state = state
        self.put(name)
        self.look()

    @rule(name=st.sampled_from(NAMES), broken=st.booleans())
    def break_or_mend(self, name: str, broken: bool) -> None:
        self.model[name].broken = broken
        self.put(name)
        self.look()

    @rule(name=st.sampled_from(NAMES))
    def approve_at_the_due_moment(self, name: str) -> None:
        """A person approves what is open; time goes on to its moment."""
        mine, pull = self.model[name], self.pull(name)
        if pull is None or mine.broken or mine.state != "upcoming" or mine.opens < self.world.now:
            return
        self.world.change(pull, approved_by=("robin",))
        mine.approved = True
        self.world.now = mine.opens
        self.look()

    @rule(name=st.sampled_from(NAMES))
    def reject(self, name: str) -> None:
        mine, pull = self.model[name], self.pull(name)
        if pull is None:
            return
        if "open" in pull.labels:
            mine.refused |= {("open", mine.opens)}
        else:
            mine.refused |= {("closed", mine.closes)}
        self.world.change(pull, status=PullStatus.REJECTED, head="", closed_by="robin")
        self.look()

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.world.now += timedelta(hours=hours)
        self.look()

    @rule(name=st.sampled_from(NAMES))
    def ask_to_close(self, name: str) -> None:
        mine = self.model[name]
        self.world.request(f"jobs/{name}.md", Wish(Transition.CLOSE, reason="filled"))
        self.look()
        if not mine.broken and mine.state != "closed":
            mine.state = "closed"

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def every_posting_stands_where_the_model_says(self) -> None:
        for name, mine in self.model.items():
            assert f"\nstate: {mine.state}\n" in self.world.text(f"jobs/{name}.md"), (name, mine)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def nothing_is_left_to_do_and_nothing_was_done_twice(self) -> None:
        assert self.world.plan().steps == ()
        assert max(self.heard.values(), default=1) == 1
        paths = [path for pull in self.world.pulls() for path in pull.files]
        assert len(paths) == len(set(paths))
        assert self.world.seen.memory.requests == ()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=max(40, settings.default.max_examples // 20), stateful_step_count=25)

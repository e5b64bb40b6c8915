"""Random lives of a real site: real git, a real ledger, real mail in a folder, judged by bytes and mail alone.

What `test_random_lives` does hundreds of times with values is done here a few times with everything that a tick has.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from postbot.core.site import Path as SitePath
from postbot.core.site import Pull
from tests.stories.test_random_lives import FORM, HOURS, Model
from tests.world import World

KEPT = ("plain git",)  # hundreds of sites

NAMES = ("ash", "birch")
SUBJECTS = {
    ("upcoming", "open"): {"now open", "open again"},
    ("open", "closed"): {"closed", "closed early"},
    ("open", "open"): {"more time to apply", "closing date corrected"},
}


class Sites(RuleBasedStateMachine):
    """People edit, approve, reject and ask; time passes; the bot is restarted; after each step it has ticked once."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        start = self.world.now
        self.model = {
            "ash": Model("upcoming", start + timedelta(days=2), start + timedelta(days=12)),
            "birch": Model("open", start - timedelta(days=2), start + timedelta(days=4)),
        }
        self.heard: Counter[str] = Counter()
        self.told: set[tuple[object, ...]] = set()
        for name in NAMES:
            self.put(name)
        self.before = {name: replace(mine) for name, mine in self.model.items()}
        self.look()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.bot.ledger.close()
            self.folder.cleanup()

    def put(self, name: str) -> None:
        mine = self.model[name]
        words = {"opens": mine.opens.isoformat(), "closes": mine.closes.isoformat(), "state": mine.state}
        self.world.write(name, FORM.format(name=name, **words))

    def look(self) -> None:
        """Let the bot and the model each do what is due, and compare what can be seen of them from outside."""
        self.world.tick()
        for name, mine in self.model.items():
            mine.pass_by(self.world.now)
            mine.approved = False
            assert self.world.text(name).count(f"\nstate: {mine.state}\n") == 1, (name, mine)
            self.listen(name, self.before[name], mine)
        self.before = {name: replace(mine) for name, mine in self.model.items()}
        tips = self.world.branches(), len(self.world.mail())
        self.world.tick()
        assert (self.world.branches(), len(self.world.mail())) == tips

    def listen(self, name: str, was: Model, now: Model) -> None:
        """The list hears one mail for each step that it has to hear of, and none for any other."""
        said = Counter(subject for subject in self.world.said() if subject.startswith(f"{name}: "))
        new = said - Counter({subject: n for subject, n in self.heard.items() if subject.startswith(f"{name}: ")})
        # Dates that go back and forth are told once for each way of standing: (later or not, opens, closes).
        news = (name, was.state, now.state, now.closes > was.closes, now.opens, now.closes)
        heard = (was.state != now.state or was.closes != now.closes) and news not in self.told
        expected = SUBJECTS.get((was.state, now.state), set()) if heard else set()
        if heard:
            self.told.add(news)
        assert sum(new.values()) == (1 if expected else 0), (was, now, new)
        assert {subject.partition(": ")[2] for subject in new} <= expected
        self.heard += new

    def pull(self, name: str) -> Pull | None:
        path = SitePath(f"positions/{name}.md")
        return next((pull for pull in self.world.pulls() if path in pull.files), None)

    @rule(name=st.sampled_from(NAMES), opens=HOURS, closes=HOURS)
    def move_the_dates(self, name: str, opens: int, closes: int) -> None:
        mine = self.model[name]
        mine.opens = self.world.now + timedelta(hours=opens)
        mine.closes = mine.opens + timedelta(hours=closes)
        self.put(name)
        self.look()

    @rule(name=st.sampled_from(NAMES))
    def approve_at_the_due_moment(self, name: str) -> None:
        mine, pull = self.model[name], self.pull(name)
        if pull is None or mine.state != "upcoming" or mine.opens < self.world.now:
            return
        self.world.approve(pull.number)
        mine.approved = True
        self.world.now = mine.opens
        self.look()

    @rule(name=st.sampled_from(NAMES))
    def reject(self, name: str) -> None:
        mine, pull = self.model[name], self.pull(name)
        if pull is None:
            return
        mine.refused |= {("open", mine.opens) if "open" in pull.labels else ("closed", mine.closes)}
        self.world.reject(pull.number)
        self.look()

    @rule(hours=HOURS, crash=st.booleans())
    def wait(self, hours: int, crash: bool) -> None:
        self.world.now += timedelta(hours=hours)
        if crash:
            self.world.restart()
        self.look()

    @rule(name=st.sampled_from(NAMES))
    def ask_to_close(self, name: str) -> None:
        self.world.ask(name, "close", reason="filled")
        if self.model[name].state != "closed":
            self.model[name].state = "closed"
        self.look()


TestSites = Sites.TestCase
# Every step is real git, so a failing run is shown as it came: shrinking it would take longer than reading it.
TestSites.settings = settings(max_examples=15, stateful_step_count=20, phases=(Phase.explicit, Phase.generate))

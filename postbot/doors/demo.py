"""`postbot demo`: a month in the life of a small site, on this machine.

The real bot on a real git repository in a temporary folder; only the clock is the demo's. No account, no network. What
people do in the story goes through the same host and ledger that the other commands use.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from postbot.app import build
from postbot.config import load, shipped
from postbot.core.announce.words import RELEASE
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.steps import Merge, Propose
from postbot.core.problem import Problem
from postbot.core.site import Path as SitePath
from postbot.core.site import PullStatus
from postbot.doors.views import rows
from postbot.hosts.local import LocalHost
from postbot.reconcile import Bot, Report

WIDTH = 104
FIRST, DAYS = date(2026, 3, 2), 31
PICTURE_ENDS = date(2026, 3, 9)
DOWN = (date(2026, 3, 24), date(2026, 3, 30))
"""The days on which the bot is switched off, the second one excluded."""
TICKS = ("08:00", "09:00", "14:00", "23:59")
"""When the bot looks, each day, in the site's zone. A real one looks every few minutes."""


# Rich's picture without its web fonts: it asks nobody for anything, and the reader's own monospace serves.
_NO_WEB_FONTS = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


@dataclass
class Story:
    """The site, the bot, and the page that the story is told on. `heard` is what the console channel printed last."""

    repo: Path
    bot: Bot
    page: Console
    heard: list[str]
    now: datetime
    heading: str = ""
    known: set[Problem] = field(default_factory=set)

    @property
    def host(self) -> LocalHost:
        """The plain git host, where people approve and merge."""
        assert isinstance(self.bot.host, LocalHost)
        return self.bot.host

    def says(self, who: str, style: str, words: str) -> None:
        """One line of the story, under the day's heading."""
        if self.heading:
            self.page.print(Text(self.heading, "bold cyan"))
            self.heading = ""
        local = self.now.astimezone(self.bot.policy.zone).strftime("%H:%M")
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(Text(f"  {local}", "dim"), Text(f"{who:<7}", style), Text(words))
        self.page.print(line)

    def below(self, what: Text | Syntax) -> None:
        """Something that belongs to the line before."""
        self.page.print(Padding(what, (0, 0, 0, 18), expand=False))

    def person(self, name: str, command: str) -> None:
        """What somebody does, as the command that does it."""
        self.says(name, "bold yellow", f"$ {command}")


def run(svg: Path | None = None) -> None:
    """Tell the story on the terminal; also save its first days as a picture where asked."""
    page = Console(width=WIDTH, record=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="postbot-demo-") as folder:
        story = _begin(Path(folder), page)
        try:
            _tell(story, svg)
        finally:
            story.bot.ledger.close()


def _begin(folder: Path, page: Console) -> Story:
    shutil.copytree(shipped() / "demo", folder, dirs_exist_ok=True)
    repo = folder / "site"
    repo.mkdir()
    (folder / "positions").rename(repo / "positions")
    _git(repo, "init", "--quiet")
    _git(repo, "checkout", "--quiet", "-b", "main")
    _commit(repo, "Six example postings")
    heard: list[str] = []
    bot = build(load(folder / "postbot.yaml"), write=heard.append)
    return Story(repo, bot, page, heard, datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC))


def _tell(story: Story, svg: Path | None) -> None:
    story.page.print(
        Text("A site in git with six posting files, one of them broken. The bot looks after it for a month.")
    )
    for day in (FIRST + timedelta(days=n) for n in range(DAYS)):
        if day == DOWN[0]:
            last = DOWN[1] - timedelta(days=1)
            story.page.print(Text(f"{day:%A, %B} {day.day} to {last:%A, %B} {last.day}", "bold cyan"))
            story.page.print(Text("         The bot is switched off.", "dim"))
        if not DOWN[0] <= day < DOWN[1]:
            story.heading = f"{day:%A, %B} {day.day}"
            _day(story, day)
        if svg is not None and day == PICTURE_ENDS:
            story.page.save_svg(
                str(svg), title="postbot demo: the first week", unique_id="demo", code_format=_NO_WEB_FONTS
            )
    _end(story)


def _day(story: Story, day: date) -> None:
    for tick in TICKS:
        at = datetime.fromisoformat(f"{day}T{tick}").replace(tzinfo=story.bot.policy.zone)
        story.now = at.astimezone(UTC)
        for deed in _DEEDS.get(f"{day} {tick}", ()):
            deed(story)
        _show(story, story.bot.tick(story.now))


def _show(story: Story, report: Report) -> None:
    """Tell one tick: problems, pull requests with their diff, merges, and every message as its reader gets it."""
    for problem in report.plan.problems:
        if problem not in story.known:
            story.known.add(problem)
            story.says("postbot", "bold red", "finds a problem, leaves that file alone, and goes on with the others:")
            story.below(Text(f"{problem}\n{problem.fix or ''}".rstrip(), "red"))
    for step in report.done:
        if isinstance(step, Propose):
            story.says("postbot", "bold green", f"opens a pull request: {step.change.title}")
            story.below(
                Syntax(_diff(step.change.diff), "diff", background_color="default", theme="ansi_dark", word_wrap=True)
            )
        elif isinstance(step, Merge):
            story.says("postbot", "bold green", f"merges: {step.pull.title}")
    for message in story.heard:
        head, _, rest = message.partition("\n")
        story.says("postbot", "bold magenta", f"tells {head.removeprefix('To ')}")
        lines = [line[4:] for line in rest.strip("\n").splitlines() if line.strip()]
        story.below(Text("\n".join(lines), "dim"))
    story.heard.clear()


def _diff(diff: str) -> str:
    """The changed lines without the names of the file, which the title tells."""
    return "\n".join(line for line in diff.splitlines() if not line.startswith(("---", "+++")))


def _end(story: Story) -> None:
    story.page.print(Text("\nWhere everything stands", "bold cyan"))
    for row in rows(story.bot.observe(), story.now):
        story.page.print(Text(f"  {row['slug']:<24}{row['state'] or '?'}"))
    merged = sum(pull.status is PullStatus.MERGED for pull in story.host.look().pulls)
    story.page.print(Text(f"  {merged} pull requests merged; every file differs only in the lines shown above."))


# What people do ----------------------------------------------------------------------------------------------------


def _mends_the_broken_file(story: Story) -> None:
    story.person("Ada", "git commit positions/accessibility-lead.md   # closes the quote")
    path = story.repo / "positions" / "accessibility-lead.md"
    path.write_text(path.read_text(encoding="utf-8").replace("'Portland, OR\n", "'Portland, OR'\n"), encoding="utf-8")
    _git(story.repo, "add", "--all")
    _commit(story.repo, "Close the quote")


def _fills_in_what_is_missing(story: Story) -> None:
    values = {
        "num_vacancies": "3",
        "apply_url": "https://apply.agency.example/jobs/2071",
        "supervisory_status": "NO",
    }
    sets = " ".join(f"--set {key}={value}" for key, value in values.items())
    story.person("Ada", f"postbot open data-engineer {sets}")
    _file(story, "data-engineer", Wish(Transition.OPEN, values))


def _approves(number: int) -> Callable[[Story], None]:
    def approve(story: Story) -> None:
        story.person("Grace", f"postbot approve {number}")
        story.host.approve(number, "Grace", story.now)

    return approve


def _closes_early(story: Story) -> None:
    story.person("Ada", "postbot close content-designer --reason 'cap reached'")
    _file(story, "content-designer", Wish(Transition.CLOSE, reason="cap reached"))


def _extends(story: Story) -> None:
    story.person("Ada", "postbot extend budget-analyst 2026-03-27")
    _file(story, "budget-analyst", Wish(Transition.EXTEND, {"closes": "2026-03-27"}))


def _file(story: Story, slug: str, wish: Wish) -> None:
    story.bot.ledger.file(SitePath(f"positions/{slug}.md"), wish, "Ada", story.now)


def _lets_it_speak(story: Story) -> None:
    story.person("Ada", f"postbot release {RELEASE}")
    story.bot.ledger.release(RELEASE, "Ada", story.now)


_DEEDS: dict[str, Sequence[Callable[[Story], None]]] = {
    "2026-03-02 09:00": (_lets_it_speak,),
    "2026-03-02 14:00": (_mends_the_broken_file,),
    "2026-03-05 09:00": (_fills_in_what_is_missing,),
    "2026-03-06 09:00": (_approves(1),),
    "2026-03-09 14:00": (_approves(2),),
    "2026-03-12 14:00": (_closes_early,),
    "2026-03-16 09:00": (_extends,),
}


def _commit(repo: Path, words: str) -> None:
    _git(repo, "add", "--all")
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@agency.example", "-c", "commit.gpgsign=false")
    _git(repo, *person, "commit", "--quiet", f"--message={words}")


def _git(repo: Path, *args: str) -> None:
    # Whoever runs this from a git hook has GIT_DIR set: without it, and without their hooks, it is the demo's own.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(repo), "-c", "core.hooksPath=/dev/null", *args]
    subprocess.run(command, env=own, check=True)  # noqa: S603 - a list, no shell

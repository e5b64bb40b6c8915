"""The figures that are times: a site of 5,000 postings read and planned cold, a second tick, and `postbot --help`.

Each cold look is a process of its own (`python -m tests.bench.speed FOLDER`), in which libyaml parses the same front
matter beside it. Compare the ratios; the seconds are those of this machine.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import yaml

from postbot.app import build
from postbot.config import load
from postbot.core.plan.decide import make_plan
from postbot.reconcile import Bot
from tests.bench.material import Material, fields, front

POSTINGS = 5000
LOOKS = 3
NOW = datetime(2035, 1, 2, 15, tzinfo=UTC)
_CONFIG = """\
site: {repo: site.git, profile: jekyll-dates, timezone: America/New_York, folders: [positions]}
transitions:
  open: {lead: 3 days, merge: when-due}
  close: {lead: 2 days, merge: auto}
routes: [{to: "folder:openings", hear: public}, {to: "folder:staff", hear: staff}]
"""


@dataclass(frozen=True)
class Look:
    """One process: seconds of a cold look, of libyaml and (where asked for) of a second tick; memory in bytes."""

    cold: float
    libyaml: float
    memory: int
    second: float | None

    @property
    def ratio(self) -> float:
        """How many times as long as libyaml the cold look took."""
        return self.cold / self.libyaml


def site(material: Material, folder: Path) -> None:
    """Build a bare repository of 5,000 different postings, every one of which loads, and its configuration."""
    loadable = [data for path in material.postings if fields(data := path.read_bytes()) is not None]
    stream = [b"commit refs/heads/main\ncommitter Pat <pat@sea.example> 1700000000 +0000\ndata 5\nBegin\n"]
    for number, data in enumerate(islice(cycle(loadable), POSTINGS)):
        text = data + b"\n<!-- %d -->\n" % number
        stream.append(b"M 100644 inline positions/posting-%04d.md\ndata %d\n%b\n" % (number, len(text), text))
    repo = folder / "site.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
    subprocess.run(["git", "-C", repo, "fast-import", "--quiet"], input=b"".join(stream), check=True)
    (folder / "postbot.yaml").write_text(_CONFIG, encoding="utf-8")


def looks(folder: Path) -> tuple[Look, ...]:
    """Look at the site cold, each time in a fresh process; the last one also ticks twice."""
    return tuple(_look(folder, "ticks" if number == LOOKS - 1 else "look") for number in range(LOOKS))


def _look(folder: Path, what: str) -> Look:
    command = [sys.executable, "-m", "tests.bench.speed", str(folder), what]
    done = subprocess.run(command, capture_output=True, check=True)
    return Look(**json.loads(done.stdout))


def help_time() -> float:
    """Seconds that `postbot --help` takes: the median of five."""
    script = Path(sys.executable).with_name("postbot")
    return median(
        _seconds(lambda: subprocess.run([script, "--help"], capture_output=True, check=True)) for _ in range(5)
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _measure(folder: Path, *, ticks: bool) -> Look:
    bot = _bot(folder)
    cold = _seconds(lambda: make_plan(bot.observe(), NOW, bot.policy))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    snapshot = bot.observe().snapshot
    fronts = [text for file in snapshot.files.values() if (text := front(file.data)) is not None]
    libyaml = median(_seconds(lambda: _parse(fronts)) for _ in range(LOOKS))
    bot.ledger.close()
    return Look(cold, libyaml, memory, _second_tick(folder) if ticks else None)


def _second_tick(folder: Path) -> float:
    """The second tick of a bot that was started on a site it has seen before: the first finds nothing to do."""
    _bot(folder).tick(NOW)
    bot = _bot(folder)
    bot.tick(NOW)
    return _seconds(lambda: bot.tick(NOW))


def _bot(folder: Path) -> Bot:
    return build(load(folder / "postbot.yaml"), write=lambda _: None, now=lambda: NOW)


def _parse(fronts: Sequence[str]) -> None:
    for text in fronts:
        yaml.load(text, Loader=yaml.CSafeLoader)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[1]), ticks=sys.argv[2] == "ticks").__dict__))

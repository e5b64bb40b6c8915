"""The figures of a service of many sites that have nothing to do: its share of a core, its memory, what it asks GitHub.

The service is the real `postbot run`, a process of its own; the far end is the twin of GitHub, which does the counting.
All sites read one repository there, each with a ledger of its own, so that their looks are as many and as costly as
those of so many repositories. Measured is a window after every site has been adopted, in which each has its heartbeats.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from tests.crashes.kit import posting
from tests.postgres import PASSWORD, Postgres
from tests.twins.github.client import Twin

SITES, POSTINGS = 200, 100
GROWING_SITES, GROWING_POSTINGS = (25, 50, 100, 200), (10, 100, 1000)
FEW = 50
"""How many sites there are where the postings grow."""
MINUTE = 60
PATIENCE = 300
_CONFIG = """\
site: {{repo: ., profile: jekyll-state, timezone: America/New_York, folders: [positions]}}
github: {{repository: {repo}, server: '{url}', pace: 0 seconds}}
routes: [{{to: folder:openings, hear: public}}, {{to: folder:staff, hear: staff}}]
{ledger}"""
SECRET = f":{quote(PASSWORD, safe='')}@"
_TICKS = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Idle:
    """A service at rest: so many sites of so many postings, looked at once a minute.

    `core` is its share of one core, `memory` its resident bytes, `asked` the requests in an hour, and `counted` those
    of them that GitHub counts: an answer that nothing has changed costs nothing
    (docs.github.com, Best practices for using the REST API: conditional requests).
    """

    sites: int
    postings: int
    core: float
    memory: int
    asked: float
    counted: float


@dataclass(frozen=True)
class Growth:
    """Services at rest: of more and more sites, the same with their ledgers on PostgreSQL, and of more postings."""

    by_sites: Sequence[Idle]
    shared: Sequence[Idle]
    by_postings: Sequence[Idle]


def idle(folder: Path, sites: int, postings: int, heartbeat: int = MINUTE, *, database: Postgres | None = None) -> Idle:
    """Run a service of its own in an empty folder for one heartbeat (seconds) after its beginning.

    With a shorter heartbeat than a minute, what is measured is brought to that of a minute. The ledgers lie in files,
    or in a `database`, which is watched for what other replicas leave, as often whatever the heartbeat.
    """
    folder.mkdir(parents=True)
    repo = _repository(folder, postings)
    with Twin.start(repo) as twin:
        for number in range(sites):
            site = folder / "sites" / f"{number:03}"
            site.mkdir(parents=True)
            ledger = f"ledger: '{database.url().replace(SECRET, '@')}'\n" if database else ""
            (site / "postbot.yaml").write_text(_CONFIG.format(repo=twin.repo, url=twin.url, ledger=ledger))
        (folder / "service.yaml").write_text(
            f"sites: [sites/*/postbot.yaml]\nheartbeat: {heartbeat} seconds\nlisten: 127.0.0.1:0\n"
        )
        with _service(folder, twin.token) as process:
            return _measured(process, folder, twin, Idle(sites, postings, 0, 0, 0, 0), heartbeat)


def _measured(process: "subprocess.Popen[bytes]", folder: Path, twin: Twin, of: Idle, heartbeat: int) -> Idle:
    _settled(folder / "log", process)
    time.sleep(heartbeat)  # the first looks after the beginning may read the whole once more
    twin.reset_requests()
    begun, before = time.monotonic(), _cpu(process.pid)
    time.sleep(heartbeat)
    spent, seconds = _cpu(process.pid) - before, time.monotonic() - begun
    asked = twin.requests()
    hourly = 3600 / seconds * heartbeat / MINUTE
    counted = sum(status != 304 for _, _, status in asked)
    core = spent / seconds * heartbeat / MINUTE
    return Idle(of.sites, of.postings, core, _memory(process.pid), len(asked) * hourly, counted * hourly)


def _repository(folder: Path, postings: int) -> Path:
    """A bare repository of postings that are open for a long time."""
    stream = [b"commit refs/heads/main\ncommitter Pat <pat@sea.example> 1700000000 +0000\ndata 5\nBegin\n"]
    for number in range(postings):
        text = posting(f"pilot-{number}", state="open", opens="March 9, 2020", closes="March 9, 2090").encode()
        stream.append(b"M 100644 inline positions/pilot-%d.md\ndata %d\n%b\n" % (number, len(text), text))
    repo = folder / "site.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
    subprocess.run(["git", "-C", repo, "fast-import", "--quiet"], input=b"".join(stream), check=True)
    return repo


@contextmanager
def _service(folder: Path, token: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", "from postbot.doors.cli import main; main()", "run", "--service", "service.yaml"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "POSTBOT_GITHUB_TOKEN": token, "POSTBOT_LEDGER_PASSWORD": PASSWORD},
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def _settled(log: Path, process: "subprocess.Popen[bytes]") -> None:
    """Wait until every site has been looked at and is fine."""
    ask = build_opener(ProxyHandler({})).open
    ends, port = time.monotonic() + PATIENCE, 0
    while time.monotonic() < ends and process.poll() is None:
        time.sleep(0.5)
        lines: Sequence[dict[str, object]] = [
            json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"
        ]
        port = port or next((int(str(line["port"])) for line in lines if line.get("event") == "listening"), 0)
        try:
            if port and ask(f"http://127.0.0.1:{port}/readyz", timeout=10).status == 200:
                return
        except OSError:  # not yet
            continue
    raise RuntimeError(f"The service did not come to rest ({process.poll()}):\n{log.read_text()[-2000:]}")


def _cpu(pid: int) -> float:
    """Seconds of processor that a process has used (proc(5))."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) * _TICKS


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def growth(folder: Path) -> Growth:
    """How the cost grows with the sites, and with the postings of each."""
    with Postgres.started() as database:
        return Growth(
            by_sites=[idle(folder / f"sites-{sites}", sites, POSTINGS, 15) for sites in GROWING_SITES],
            shared=[idle(folder / f"shared-{sites}", sites, POSTINGS, database=database) for sites in GROWING_SITES],
            by_postings=[idle(folder / f"postings-{number}", FEW, number, 15) for number in GROWING_POSTINGS],
        )


def draw(grown: Growth, where: Path) -> None:
    """The growth as a picture (SVG)."""
    import pygal  # noqa: PLC0415 - only who draws needs it

    chart = pygal.XY(
        title="A service at rest, looked at once a minute",
        x_title=f"sites of {POSTINGS} postings; or postings of each of {FEW} sites",
        y_title="% of a core",
        logarithmic=False,
        legend_at_bottom=True,
        js=[],
    )
    chart.add(f"by sites, {POSTINGS} postings each", [(each.sites, 100 * each.core) for each in grown.by_sites])
    chart.add("the same, ledgers on PostgreSQL", [(each.sites, 100 * each.core) for each in grown.shared])
    chart.add(f"by postings, {FEW} sites", [(each.postings, 100 * each.core) for each in grown.by_postings])
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(chart.render())

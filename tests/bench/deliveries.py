"""The figures of a large audience: one opening for a thousand recipients in one tick, judged by what the far ends got.

The far ends are the twins, processes of their own over real SMTP and HTTP. Each tick runs in a fresh process, so that
its memory is its own; growth is that of a tick for a thousand over that of one for a hundred.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from postbot.app import build
from postbot.config import load
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import CONFIG, World, at

RECIPIENTS, CHANNELS = 1000, 20
OPENS = "2026-03-09T08:00"


@dataclass(frozen=True)
class Tick:
    """One tick that tells of one opening: its seconds, the peak memory of its process, and what the far ends got."""

    seconds: float
    memory: int
    mails: int
    posts: int
    doubles: int


def ticks(folder: Path) -> tuple[Tick, Tick]:
    """The tick for a hundred recipients, then that for a thousand."""
    with SmtpTwin.start() as post, SlackTwin.start() as slack:
        return (
            _told(folder / "hundred", post, slack, RECIPIENTS // 10),
            _told(folder / "thousand", post, slack, RECIPIENTS),
        )


def _told(folder: Path, post: SmtpTwin, slack: SlackTwin, recipients: int) -> Tick:
    post.forget()
    slack.forget()
    channels = [slack.channel(f"C0JOBS{number:02}") for number in range(CHANNELS)]
    to = [f"slack:{name}" for name in channels]
    to += [f"email:reader-{number}@lists.example.org" for number in range(recipients - CHANNELS)]
    routes = f"routes:\n  - {{{{hear: public, to: {json.dumps(to)}}}}}\n"
    ends = (
        f"email: {{{{server: 127.0.0.1, port: {post.port}, security: none, sender: jobs@agency.example}}}}\n"
        f"slack: {{{{server: '{slack.url}'}}}}\n"
    )
    os.environ["POSTBOT_SLACK_TOKEN"] = slack.token
    config = CONFIG.partition("routes:")[0].replace("when-due", "auto") + routes + ends
    world = World(folder, config=config)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    world.bot.ledger.close()
    command = [sys.executable, "-m", "tests.bench.deliveries", str(folder)]
    done = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    got = [to for taken in post.accepted() for to in taken.recipients]
    posts = [len(slack.messages(name)) for name in channels]
    doubles = len(got) - len(set(got)) + sum(count - 1 for count in posts if count > 1)
    return Tick(done["seconds"], done["memory"], len(set(got)), sum(map(bool, posts)), doubles)


def _measure(folder: Path) -> dict[str, float]:
    now = at(OPENS)
    bot = build(load(folder / "postbot.yaml"), write=lambda _: None, now=lambda: now)
    start = time.perf_counter()
    bot.tick(now)
    seconds = time.perf_counter() - start
    bot.tick(now)  # which must say nothing more
    bot.ledger.close()
    scale = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[1]))))

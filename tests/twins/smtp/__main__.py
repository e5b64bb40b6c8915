"""Run the twin: `python -m tests.twins.smtp --folder DIR --security starttls`, told what to do by lines of JSON."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from threading import Thread
from typing import Any

from tests.twins.smtp.faults import Fault
from tests.twins.smtp.server import Line, Post

HERE = "127.0.0.1"


class Control:
    """What tests may ask of a running twin; one line of JSON each, answered by one."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.port = 0
        self.server: asyncio.Server | None = None

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Line(self.post), HERE, self.port, reuse_address=True)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            told = json.loads(line)
            try:
                answer = {"result": await getattr(self, f"do_{told.pop('do')}")(**told)}
            except (TypeError, ValueError, AttributeError) as error:
                answer = {"error": repr(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def do_fault(self, **told: Any) -> None:
        fault = Fault(**told)
        if fault.kind == "refuse" and self.server is not None:
            self.server.close()
            self.server = None
        elif (fault.step, fault.kind) == ("starttls", "missing"):
            self.post.offers_starttls = False
        elif (fault.step, fault.kind) == ("auth", "missing"):
            self.post.offers_login = False
        else:
            self.post.faults.add(fault)

    async def do_heal(self) -> None:
        self.post.faults.waiting.clear()
        self.post.offers_starttls = self.post.offers_login = True
        if self.server is None:
            await self.listen()

    async def do_fired(self) -> list[str]:
        return self.post.faults.fired

    async def do_heard(self) -> list[tuple[str, str, bool]]:
        return self.post.heard

    async def do_forget(self) -> None:
        """Begin afresh, as if nothing had come yet."""
        await self.do_heal()
        self.post.faults.fired.clear()
        self.post.heard.clear()
        self.post.log.write_text("")


async def run(post: Post) -> None:
    control = Control(post)
    await control.listen()
    asked = await asyncio.start_server(control.serve, HERE, 0)
    ready = {"port": control.port, "control": asked.sockets[0].getsockname()[1], "authority": str(post.authority)}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait_for_parent() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    Thread(target=wait_for_parent, daemon=True).start()
    await ended.wait()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, required=True)
    words.add_argument("--security", choices=("none", "starttls", "tls"), default="none")
    words.add_argument("--login", help="USER:PASSWORD, without which no mail is taken")
    words.add_argument("--mechanisms", nargs="*", default=["PLAIN", "LOGIN"])
    given = words.parse_args()
    login = tuple(given.login.split(":", 1)) if given.login else None
    asyncio.run(run(Post(given.folder, given.security, login, given.mechanisms)))


if __name__ == "__main__":
    main()

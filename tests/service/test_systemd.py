"""What systemd hears: by a socket of our own in its place."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from postbot.doors.service import systemd


@pytest.fixture(params=["a file", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "a file" else f"@postbot-{os.getpid()}"
    if request.param == "abstract" and os.uname().sysname != "Linux":
        pytest.skip("Only Linux has sockets with abstract names.")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as line:
        line.bind(name.replace("@", "\0"))
        line.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield line


def test_it_hears_each_state(heard: socket.socket):
    for state in (systemd.READY, systemd.ALIVE, systemd.STOPPING):
        systemd.tell(state)
    assert [heard.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_where_nobody_listens_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.tell(systemd.READY)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    systemd.tell(systemd.READY)


@pytest.mark.parametrize(
    ("microseconds", "process", "seconds"),
    [("30000000", None, 15.0), ("30000000", "own", 15.0), ("30000000", "1", None), ("", None, None), ("0", None, None)],
)
def test_it_wants_to_hear_twice_in_the_time_it_waits_at_most_and_only_from_the_process_it_means(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, process: str | None, seconds: float | None
):
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if process:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if process == "own" else process)
    assert systemd.rhythm() == seconds

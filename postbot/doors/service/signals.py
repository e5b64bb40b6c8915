"""Signals as they come, one after the other, to whoever waits for them.

A signal may arrive at any instruction, so nothing is done in a handler: its number goes through a pipe (Python's
`signal.set_wakeup_fd`), and is taken out where that is safe. Only the main thread may make and use this.
"""

import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
END: Final = frozenset({signal.SIGTERM, signal.SIGINT})


class Signals:
    """The signals that have come."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe

    def wait(self, seconds: float) -> set[int]:
        """The signals that have come since the last time, waiting for the first of them if none has."""
        if not select.select([self._pipe], [], [], seconds)[0]:
            return set()
        with suppress(BlockingIOError):
            return set(self._pipe.recv(1024))
        return set()


@contextmanager
def signals() -> Iterator[Signals]:
    """Take the signals of this process until the block ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for end in (ours, theirs):
            end.setblocking(False)  # noqa: FBT003 - the socket's own name for it
        before = {each: signal.signal(each, lambda *_: None) for each in HEARD}
        told = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield Signals(ours)
        finally:
            signal.set_wakeup_fd(told)
            for each, handler in before.items():
                signal.signal(each, handler)

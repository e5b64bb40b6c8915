"""Where work stands: each step that a tick goes through is told to whoever watches, before it begins and once it ended.

Who watches is the service, which must know at what a tick hangs, and the tests, which end the process at each of these
points. A step that fails is not told to have ended. Nothing here decides anything, and nothing depends on it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps between which postbot may be killed, in about the order in which a tick takes them.

    Those of a person's request come before it; those of a mail and of Slack are the one moment in which a message goes
    out.
    """

    RECEIVE = "receive a request"
    FILE = "file a request"
    ACKNOWLEDGE = "acknowledge a request"
    LEASE = "take the ledger"
    LOOK = "look at the site"
    READ = "read the postings"
    PLAN = "plan"
    INTEND = "write down what is about to be done"
    COMMIT = "make a commit"
    BRANCH = "move a branch"
    PULL = "open a pull request"
    DRESS = "label a pull request"
    DONE = "write down what is done"
    WITNESS = "write down what was seen"
    QUEUE = "queue messages"
    CLAIM = "claim a message"
    CONNECT = "connect to the mail server"
    MAIL = "name the sender"
    RCPT = "name the recipient"
    DATA = "hand over the text"
    DOT = "end the text"
    QUIT = "leave the mail server"
    POST = "post to Slack"
    SETTLE = "settle a message"


class Edge(StrEnum):
    """Which end of a step."""

    BEFORE = "before"
    AFTER = "after"


Watcher = Callable[[Step, Edge], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A step that a thread is in, and since when (seconds of `time.monotonic`)."""

    step: Step
    since: float


_watchers: list[Watcher] = []
_places: dict[int, list[Place]] = {}


def watch(watcher: Watcher) -> None:
    """Have every step of this process told, in the thread that takes it."""
    _watchers.append(watcher)


def place(thread: int) -> Place | None:
    """The innermost step that a thread (`threading.get_ident`) is in; None between two."""
    inside = _places.get(thread)
    return inside[-1] if inside else None


@contextmanager
def doing(step: Step) -> Iterator[None]:
    """Take a step."""
    _tell(step, Edge.BEFORE)
    inside = _places.setdefault(threading.get_ident(), [])
    inside.append(Place(step, time.monotonic()))
    try:
        yield
    finally:
        inside.pop()
        if not inside:
            _places.pop(threading.get_ident(), None)
    _tell(step, Edge.AFTER)


def _tell(step: Step, edge: Edge) -> None:
    for watcher in _watchers:
        watcher(step, edge)

"""Each act once: what comes in again is answered like the first time, and nothing more comes of it.

What is answered is kept in this process only, and for `KEPT`. That an act has one effect, for all time and whichever
replica hears of it, is the ledger's promise, by the same keys; this keeps the answers the same, and has those who come
at the same moment wait for the one that is at work.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

from postbot import steady

KEPT: Final = 600.0
"""Seconds: twice as long as Slack's signatures are believed, which is five minutes from when they were made."""

_MOST: Final = 10_000
"""Answers that are kept at a time; the oldest go first."""

T = TypeVar("T")


class Once(Generic[T]):
    """The answers of late, by the keys of what they were answers to. Its methods may be called by any thread.

    An answer that `passes` is given to those who wait for it, and to nobody who comes later.
    """

    def __init__(self, passes: Callable[[T], bool] = lambda _: False) -> None:
        self._passes = passes
        self._known: dict[str, tuple[float, Future[T]]] = {}
        self._turn = threading.Lock()

    def do(self, key: str, make: Callable[[], T]) -> tuple[T, bool]:
        """The answer to `key`, and whether it was made for this call. What fails may be tried again."""
        with self._turn:
            self._forget()
            known = self._known.get(key)
            mine: Future[T] = Future()
            if known is None:
                self._known[key] = steady.seconds(), mine
        if known is not None:
            return known[1].result(), False
        try:
            made = make()
        except BaseException as error:
            self._drop(key, mine)
            mine.set_exception(error)
            raise
        if self._passes(made):
            self._drop(key, mine)
        mine.set_result(made)
        return made, True

    def _drop(self, key: str, mine: Future[T]) -> None:
        with self._turn:
            if self._known.get(key, (0.0, None))[1] is mine:  # it may have been forgotten, and another be at work
                del self._known[key]

    def _forget(self) -> None:
        """They are in the order in which they came."""
        since = steady.seconds() - KEPT
        while self._known and (len(self._known) >= _MOST or next(iter(self._known.values()))[0] < since):
            del self._known[next(iter(self._known))]

"""Looks at several sites at once, for somebody who waits: one that hangs keeps nobody from the others.

A look is whatever asks a site and its ledger, which may take as long as it likes: nobody waits for it beyond a moment,
and none that is stuck is joined by another one at the same site. Nothing here knows what is looked for.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Final, TypeVar

from postbot import steady
from postbot.doors.service.desk import Desk

_AT_ONCE: Final = 8
"""Looks that are begun together."""

_QUIET: Final = 0.2
"""Seconds after which as many more are begun beside those that are still under way."""

T = TypeVar("T")


class Looks:
    """The looks under way at the sites of one service. Its methods may be called by any thread."""

    def __init__(self) -> None:
        self._stuck: set[Desk] = set()
        self._turn = threading.Lock()

    def at(self, desks: Sequence[Desk], look: Callable[[Desk], T], until: float) -> list[T | None]:
        """What a look at each site finds, in their order; raises what a look raises.

        None for one that has not ended by `until` (as `steady.seconds` counts), and at once for a site at which such a
        one is still stuck.
        """
        with self._turn:
            answers = {desk: Future[T]() for desk in desks if desk not in self._stuck}
        left = deque(answers.items())
        while (rest := until - steady.seconds()) > 0 and not all(each.done() for each in answers.values()):
            for _ in range(min(_AT_ONCE, len(left))):
                threading.Thread(target=self._work, args=(left, look), name="slack-look", daemon=True).start()
            wait(answers.values(), min(rest, _QUIET))
        with self._turn:
            waiting = dict(left)
            left.clear()
            self._stuck |= {desk for desk, each in answers.items() if not each.done() and desk not in waiting}
        return [answers[desk].result() if desk in answers and answers[desk].done() else None for desk in desks]

    def _work(self, left: deque[tuple[Desk, Future[T]]], look: Callable[[Desk], T]) -> None:
        """Look at one site after the other, of those that nobody looks at yet."""
        while True:
            try:
                with self._turn:
                    desk, answer = left.popleft()
            except IndexError:
                return
            try:
                found = look(desk)
            except BaseException as error:  # noqa: BLE001 - for whoever waits
                self._ended(desk, answer.set_exception, error)
            else:
                self._ended(desk, answer.set_result, found)

    def _ended(self, desk: Desk, tell: Callable[[T], None], what: T) -> None:
        with self._turn:
            tell(what)
            self._stuck.discard(desk)

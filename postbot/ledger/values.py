"""What the ledger hands out: deliveries, what happened to a posting, rows of the audit, and its refusals.

Plain values. They know nothing of tables, and nothing here reads or writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from postbot.core.announce import Message, Root
from postbot.core.plan.memory import Request
from postbot.core.problem import PostbotError
from postbot.core.site import Path

ATTEMPTS: Final = 12
"""How often a message is tried before it is held for a person."""

BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360))
"""How long to wait after each attempt that did not send; the last one stands for all that follow."""

LONGEST_WAIT: Final = timedelta(days=1)
"""The longest wait that a far end is granted: a slip of its own must not silence it for years."""

CLOCK: Final = "postbot"
"""Who acts where no person does."""


class LedgerError(PostbotError):
    """The ledger could not be read or written, and nothing was changed. The sentence says what to do."""


class LedgerBusy(LedgerError):  # noqa: N818 - an answer of the world, not a fault
    """Another postbot is at work on this ledger, and for how long (`left`) at least if it dies, where that is known.

    By the clock of the database; that of who waits may show another time.
    """

    def __init__(self, sentence: str, left: timedelta | None = None) -> None:
        super().__init__(sentence)
        self.left = left


class LedgerDamaged(LedgerError):  # noqa: N818 - the same
    """A file does not hold what was written to it, or is no ledger at all."""


class LedgerUnready(LedgerError):  # noqa: N818 - the same
    """There is no ledger yet, or one of an older schema (`is_there`), and whoever only looks changes nothing."""

    def __init__(self, sentence: str, *, is_there: bool = False) -> None:
        super().__init__(sentence)
        self.is_there = is_there


class AskedBefore(Exception):  # noqa: N818 - an answer, not a fault
    """Somebody else has an open request for the same posting, so this one was not filed."""

    def __init__(self, request: Request) -> None:
        super().__init__(f"{request.by} has asked to {request.wish.transition} {request.path} before.")
        self.request = request


class DeliveryStatus(StrEnum):
    """Where a message stands on its way.

    To be sent; being sent; sent, but the answer was lost (to be looked for); sent; held for a person; dropped by one;
    no news any more before it could be sent.
    """

    DUE = "due"
    CLAIMED = "claimed"
    DOUBTFUL = "doubtful"
    SENT = "sent"
    HELD = "held"
    DROPPED = "dropped"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way. `attempts` counts the finished ones; `next_at` is None for a first attempt.

    `root` is the message under which it goes, or went: of one not claimed yet, as things stand now. `changed_at` says
    when anything befell it last, `claimed_at` when it was last taken to be sent, `place` where its channel put it.
    """

    number: int
    message: Message
    status: DeliveryStatus
    attempts: int
    next_at: datetime | None
    detail: str | None
    root: Root | None
    queued_at: datetime
    changed_at: datetime
    claimed_at: datetime | None
    place: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A person's word, at an instant (UTC), that nothing is to be done or said until somebody lets it go on."""

    by: str
    at: datetime
    why: str


LEASE: Final = timedelta(seconds=15)
"""How long a lease lasts that is not renewed: so long is a replica that was killed in mid-work waited for."""

RENEWAL: Final = timedelta(seconds=5)
"""How often a lease is renewed."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Which of several replicas works. Instants are UTC, and `now` is the database's clock, which alone counts.

    `holder` is the host and process, empty where nobody works; `epoch` counts how often the lease was taken.
    `ticked_at` is when the last tick ended well, `wakes_at` what it left to wait for, if anything. `is_ours` says that
    nobody has taken it since the ledger that was asked did.
    """

    holder: str
    epoch: int
    until: datetime | None
    ticked_at: datetime | None
    wakes_at: datetime | None
    now: datetime
    is_ours: bool

    @property
    def free(self) -> bool:
        """Whether another one may take it: it was given back, or has run out.

        One that ends later than any lease can was made before the database's clock was set back. One that is
        corrected by less than it takes to renew the lease changes nothing: who works renews it.
        """
        left = self.until - self.now if self.holder and self.until else timedelta(0)
        return not timedelta(0) < left <= LEASE + RENEWAL


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a posting, at an instant (UTC). `path` is what it was called then."""

    at: datetime
    path: Path
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that was done or seen: by whom, under which key, and what it changed. `hash` chains it to all before.

    `at` is the text that is stored, an ISO instant in UTC, for that is what the hash is of.
    """

    number: int
    at: str
    path: str | None
    what: str
    detail: str
    by: str
    key: str
    before: str
    after: str
    hash: str


@dataclass(frozen=True, slots=True)
class Copy:
    """What went from one ledger to another: the number of rows by table, and what the audit is like in both."""

    rows: Mapping[str, int]
    verdict: "Verdict"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the audit: how many rows from its beginning are as they were written, and the head's hash.

    `wrong` is the number of the first row that is altered, missing or out of place; None where there is none.
    `sentence` says it in words.
    """

    rows: int
    head: str
    wrong: int | None
    sentence: str

    @property
    def whole(self) -> bool:
        """Whether every row is as it was written."""
        return self.wrong is None

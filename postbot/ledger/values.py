"""What the ledger hands out: deliveries, what happened to a posting, rows of the audit, and its refusals.

Plain values. They know nothing of tables, and nothing here reads or writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from postbot.core.announce import Message, Root
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
    """Another postbot is at work on this ledger."""


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

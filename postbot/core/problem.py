"""A bad posting is a value. A `Problem` says where, what and what to do; it never stops the others.

Pure. Nothing here raises a problem; whoever finds one returns it, and whoever shows one prints it.
"""

from dataclasses import dataclass
from enum import StrEnum


class PostbotError(Exception):
    """Something outside the postings keeps us from working. Its text is a sentence for the person who must act."""


class Severity(StrEnum):
    """How much a problem matters: an error stops this posting, a warning misleads readers, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in one place of one file.

    `line` and `column` count from 1, columns in characters; a problem of the whole file stands at 1:1.
    `code` is a stable kebab-case name. `message` is one sentence for the person who must act, `fix` says what to
    write instead. `repair` holds the values (key, text) that a proven edit may set without asking anybody.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity = Severity.ERROR
    fix: str | None = None
    repair: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.message} [{self.code}]"

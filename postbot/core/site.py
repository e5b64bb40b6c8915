"""What a host shows us and takes from us: files at one commit, our pull requests, a change to propose.

Pure values, the same for a plain git repository and for GitHub. A host deals in bytes; what the bytes mean is the
business of `document` and `posting`. Nothing here knows how a host stores anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from postbot.core.problem import Problem

Path = NewType("Path", str)
"""A file's path inside the repository, with forward slashes, as git spells it."""


@dataclass(frozen=True, slots=True)
class File:
    """One regular file of the base branch: its path, its git blob id and its exact bytes."""

    path: Path
    blob: str
    data: bytes


class PullStatus(StrEnum):
    """Where a pull request stands. Rejected means a person closed it unmerged; withdrawn means we did."""

    OPEN = "open"
    MERGED = "merged"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request of ours, found by its branch name.

    `head` is the commit the branch points at (empty when the branch is gone). `untouched` is true while that commit
    is the one we made. `files` holds the changed files as they would be after a merge, for open pull requests only.
    """

    number: int
    branch: str
    title: str
    body: str
    status: PullStatus
    head: str
    untouched: bool
    opened_at: datetime
    labels: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    files: Mapping[Path, bytes] = field(default_factory=dict)
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A pull request to be: its branch (the idempotency key), its words, and each file before and after.

    `base` is the commit that `before` was read at. `message` is the commit message, trailers included.
    """

    branch: str
    base: str
    title: str
    body: str
    message: str
    before: Mapping[Path, bytes]
    after: Mapping[Path, bytes]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The site at one commit of its base branch, with every pull request of ours, open or ended.

    `problems` are files that could not be read as regular text files (a symlink, a submodule, too large).
    """

    commit: str
    committed_at: datetime
    files: Mapping[Path, File]
    pulls: tuple[Pull, ...] = ()
    problems: tuple[Problem, ...] = ()

"""What a host shows us and takes from us: files at one commit, our pull requests, a change to propose.

Pure values, the same for a plain git repository and for GitHub. A host deals in bytes; what the bytes mean is the
business of `document` and `posting`. Nothing here knows how a host stores anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final, NewType

from postbot.core.problem import Problem

Path = NewType("Path", str)
"""A file's path inside the repository, with forward slashes, as git spells it."""

LARGEST: Final = 1 << 20
"""The largest posting that is read, in bytes."""


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
class Standing:
    """What we say beside a pull request of ours: one comment, rewritten as things change, and a verdict.

    Empty words are no comment. `approved` is the verdict of the two-person rule that a branch rule can ask for: None
    where nobody asks for it; `verdict` is its one line.
    """

    words: str = ""
    approved: bool | None = None
    verdict: str = ""


NO_ON_ITS_PAGE: Final = "has asked for changes."
"""Ends what an open pull request is `blocked` by where a person who may has said no on its page."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request of ours, found by its branch name.

    `head` is the commit the branch points at (empty when the branch is gone). `untouched` is true while that commit is
    the one we made. `files` holds the changed files as they would be after a merge (None: gone), for open pull requests
    only; `paths` names the files it changes, or changed, also once it has ended. `stale` means that the base branch has
    changed these files since an open one was made, so that it is not merged as it is. `again` means that a person had
    put it off. `blocked` says what keeps an open one from being merged now, as far as the host knows, or that nobody
    can tell whether it is put off still; `standing` is what we last said beside it. `put_off_until` is the instant
    (UTC) until which a person has put it off otherwise than by closing it. `known_as` says who those of `approved_by`
    are who have approved it otherwise than on its page: CHANNEL:RECIPIENT by name. `objection` is what somebody wants
    changed who has said so otherwise than on its page, and `overruled_by` are those of `approved_by` who have approved
    it after that.
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
    files: Mapping[Path, bytes | None] = field(default_factory=dict)
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    paths: tuple[Path, ...] = ()
    draft: bool = False
    stale: bool = False
    again: bool = False
    blocked: str | None = None
    standing: Standing = Standing()
    url: str = ""
    put_off_until: datetime | None = None
    known_as: Mapping[str, str] = field(default_factory=dict)
    objection: str = ""
    overruled_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A pull request to be: its branch (the idempotency key), its words, and each file before and after (None: none).

    A draft can be read and worked on, and not be merged. `again` means that a person who closed it asked to be asked
    again by now.

    `base` is the commit that `before` was read at. `message` is the commit message, trailers included. `diff` is the
    changed lines for people to read, one to a line.
    """

    branch: str
    base: str
    title: str
    body: str
    message: str
    before: Mapping[Path, bytes]
    after: Mapping[Path, bytes | None]
    labels: tuple[str, ...] = ()
    diff: str = ""
    draft: bool = False
    again: bool = False


@dataclass(frozen=True)  # without slots: what is looked up by name is indexed once
class Snapshot:
    """The site at one commit of its base branch, with every pull request of ours, open or ended.

    `problems` are files that could not be read as regular text files (a symlink, a submodule, too large).
    """

    commit: str
    committed_at: datetime
    files: Mapping[Path, File]
    pulls: tuple[Pull, ...] = ()
    problems: tuple[Problem, ...] = ()

    @cached_property
    def by_branch(self) -> Mapping[str, Pull]:
        """The pull requests by the names of their branches; the first of each name."""
        return {pull.branch: pull for pull in reversed(self.pulls)}

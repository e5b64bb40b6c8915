"""The twin's records: values that never change, so that what the world was some seconds ago is still there to show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class User:
    login: str
    id: int
    kind: str = "User"
    email: str | None = None

    @property
    def actor(self) -> str:
        """The login as GraphQL's Actor tells it: a bot's has no suffix there."""
        return self.login.removesuffix("[bot]")

    @property
    def address(self) -> str:
        return self.email or f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    pull: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    id: int
    author: str
    state: str
    body: str
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    id: int
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    by: str
    at: datetime
    sha: str


@dataclass(frozen=True, slots=True)
class Pull:
    """`ended_base` is where base stood when the pull request was closed or merged: its diff stays as it was then."""

    id: int
    number: int
    author: str
    title: str
    body: str | None
    draft: bool
    head: str
    head_sha: str
    base: str
    created_at: datetime
    updated_at: datetime
    fork: str | None = None
    closed_at: datetime | None = None
    ended_base: str | None = None
    merge: Merge | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    comments: tuple[int, ...] = ()
    reviews: tuple[Review, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a branch asks of a merge. `pull_requests_only` refuses direct pushes, by everybody.

    `source` is the App that must set the statuses. `also` are further rules by GitHub's names, which are only shown.
    """

    approvals: int = 0
    statuses: tuple[str, ...] = ()
    strict: bool = False
    dismiss_stale: bool = False
    pull_requests_only: bool = False
    methods: tuple[str, ...] = ("merge", "squash", "rebase")
    classic: bool = False
    source: int | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All that the repository is at one moment, apart from its git objects."""

    owner: str
    name: str
    created_at: datetime
    pushed_at: datetime
    updated_at: datetime
    default_branch: str = "main"
    former: tuple[str, ...] = ()
    private: bool = True
    archived: bool = False
    hidden: bool = False
    methods: tuple[str, ...] = ("merge", "squash", "rebase")
    delete_branch_on_merge: bool = False
    drafts: bool = True
    refs: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[int, Pull] = field(default_factory=dict)
    comments: Mapping[int, Comment] = field(default_factory=dict)
    statuses: Mapping[str, tuple[Status, ...]] = field(default_factory=dict)
    checks: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    labels: Mapping[str, Label] = field(default_factory=dict)
    rules: Mapping[str, Rules] = field(default_factory=dict)
    hooks: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

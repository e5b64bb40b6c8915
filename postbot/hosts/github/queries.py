"""What is asked of GitHub's GraphQL interface, and the shapes of its answers.

Texts and values only; nothing here sends anything. Names and nullability follow the published schema
(https://docs.github.com/en/graphql/overview/public-schema). Whatever differs from these shapes fails to validate, and
what fails to validate is no answer.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

VERDICT: Final = "postbot/approval"
"""The name of the commit status that a branch rule can require: somebody else than who asked has approved."""

ABSENT: Final = "0" * 40
"""In a compare-and-swap of refs: that a ref does not exist, before or after."""


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


def _with_typename(name: str) -> str:
    return "__typename" if name == "typename" else to_camel(name)


class Login(_Shape):
    """Somebody's account; `typename` is Bot for an App's."""

    login: str
    typename: str = ""
    model_config = ConfigDict(alias_generator=_with_typename)

    @property
    def name(self) -> str:
        """The login as REST shows it: GraphQL leaves out the `[bot]` that tells an App from a user of the same name."""
        is_bot = self.typename == "Bot" and not self.login.endswith("[bot]")
        return f"{self.login}[bot]" if is_bot else self.login


class Object(_Shape):
    """Any git object, by its id."""

    oid: str


class Leaf(_Shape):
    """One entry of a tree; `mode` is git's own as a number, such as 0o100644."""

    oid: str
    mode: int
    type: str


class Context(_Shape):
    """A commit status; `state` is SUCCESS, PENDING, FAILURE, ERROR or EXPECTED."""

    state: str
    description: str | None
    creator: Login | None = None


class Status(_Shape):
    """The commit statuses of one commit, of which only the verdict is asked for."""

    context: Context | None


class Commit(_Shape):
    """A commit of a pull request."""

    oid: str
    message: str
    status: Status | None = None
    parents: "Parents | None" = None

    @property
    def parent(self) -> str:
        """Its first parent; empty where there is none, or none was asked for."""
        return self.parents.nodes[0].oid if self.parents and self.parents.nodes else ""


class Parent(_Shape):
    """The first parent of a commit, with the entries that were asked for by alias."""

    oid: str
    model_config = ConfigDict(alias_generator=to_camel, extra="allow")


class Parents(_Shape):
    """The parents of a commit, of which only the first is asked for."""

    nodes: list[Parent]


class PullCommit(_Shape):
    """A commit in its place in a pull request."""

    commit: Commit


class Changed(_Shape):
    """A file that a pull request changes; `change_type` DELETED removes it."""

    path: str
    change_type: str


class Review(_Shape):
    """Somebody's latest opinion; `state` APPROVED approves `commit`."""

    state: str
    submitted_at: datetime | None = None
    author: Login | None
    commit: Commit | None


class Comment(_Shape):
    """A comment on a pull request."""

    body: str
    created_at: datetime
    viewer_did_author: bool
    author: Login | None


class Turn(_Shape):
    """A pull request was closed or opened again."""

    typename: str
    created_at: datetime
    actor: Login | None = None
    model_config = ConfigDict(alias_generator=_with_typename)


class Ref(_Shape):
    """A branch and the commit it points at."""

    target: Object | None


class _Label(_Shape):
    name: str


class _Labels(_Shape):
    nodes: list[_Label]


class _Files(_Shape):
    nodes: list[Changed]


class _Commits(_Shape):
    nodes: list[PullCommit]


class _Reviews(_Shape):
    nodes: list[Review]


class _Comments(_Shape):
    nodes: list[Comment]


class _Turns(_Shape):
    nodes: list[Turn]


class PullNode(_Shape):
    """One pull request, whoever made it."""

    id: str
    number: int
    title: str
    body: str
    state: str
    is_draft: bool
    url: str
    created_at: datetime
    updated_at: datetime
    merged_at: datetime | None
    viewer_did_author: bool
    head_ref_name: str
    head_ref_oid: str
    head_ref: Ref | None
    is_cross_repository: bool
    base_ref_name: str
    merged_by: Login | None
    merge_state_status: str
    labels: _Labels | None
    files: _Files | None
    commits: _Commits
    latest_opinionated_reviews: _Reviews | None
    earliest: _Comments
    comments: _Comments
    timeline_items: _Turns

    @property
    def branch_head(self) -> str:
        """The commit its branch points at now; empty when the branch is gone."""
        return self.head_ref.target.oid if self.head_ref and self.head_ref.target else ""

    @property
    def last_commit(self) -> Commit | None:
        """The newest commit that belongs to it."""
        return self.commits.nodes[-1].commit if self.commits.nodes else None


class _Page(_Shape):
    has_next_page: bool
    end_cursor: str | None


class _Pulls(_Shape):
    total_count: int = 0
    page_info: _Page
    nodes: list[PullNode]


class Base(_Shape):
    """The base branch's newest commit, with the entries that were asked for by alias (`f0`, `f1` ...)."""

    oid: str
    committed_date: datetime
    tree: Object
    model_config = ConfigDict(alias_generator=to_camel, extra="allow")


class BaseRef(_Shape):
    """The base branch."""

    target: Base


class Site(_Shape):
    """The repository: its base branch, and one page of its pull requests."""

    id: str
    name_with_owner: str
    is_archived: bool
    pushed_at: datetime | None
    ref: BaseRef | None
    pull_requests: _Pulls


class Overview(_Shape):
    """The site as one look sees it, and who is looking."""

    viewer: Login
    repository: Site


class Tip(_Shape):
    """The newest commit of a branch of ours, with entries by alias as it and as its parent has them."""

    oid: str
    message: str
    parents: Parents
    model_config = ConfigDict(alias_generator=to_camel, extra="allow")


class TipRef(_Shape):
    """One of our branches."""

    target: Tip


class Place(_Shape):
    """What one act depends on: the base branch, the act's own branch, and the pull requests of that branch."""

    id: str
    base: BaseRef | None
    branch: TipRef | None
    pull_requests: _Pulls


class Scene(_Shape):
    """The place of one act, and who is about to act."""

    viewer: Login
    repository: Place


class Blob(_Shape):
    """A file's content: exact only where it is text and not truncated."""

    text: str | None = None
    is_truncated: bool = False


class Text(Blob):
    """A file's content, by the id of its blob."""

    oid: str = ""


class Texts(_Shape):
    """Contents by alias; None where GitHub does not show the blob."""

    repository: dict[str, Text | None]


class Held(Leaf):
    """What a commit has at a path; `object` is the content, where it was asked for and is a file's."""

    object: Blob | None = None


class Holder(_Shape):
    """A commit, and what it has at the path that was asked for."""

    file: Held | None


class Contents(_Shape):
    """Commits by alias; None where GitHub does not show the commit."""

    repository: dict[str, Holder | None]


class _Was(_Shape):
    oid: str
    file: Object | None


class _History(_Shape):
    nodes: list[_Was]


class Past(_Shape):
    """How one path was, commit by commit, newest first."""

    history: _History


class Pasts(_Shape):
    """Histories by alias."""

    repository: dict[str, Past | None]


class Written(_Shape):
    """A comment as REST lists it."""

    id: int
    body: str
    user: Login | None


class _Rest(BaseModel):
    """REST spells its names as Python does."""

    model_config = ConfigDict(frozen=True)


class Opened(_Rest):
    """A pull request that was just opened."""

    number: int
    html_url: str
    created_at: datetime
    draft: bool = False


class _Name(_Rest):
    name: str


class Labelled(_Rest):
    """An issue or pull request as its labels were set."""

    labels: list[_Name]


class Made(_Rest):
    """A git object that was just made."""

    sha: str


class BareRef(_Rest):
    """A ref and what it points at."""

    object: Made


class _Repo(_Rest):
    pushed_at: datetime | None


class _BaseSide(_Rest):
    repo: _Repo


class Newest(_Rest):
    """The pull request that changed last, and with it the repository's newest push."""

    updated_at: datetime
    base: _BaseSide


_OVERVIEW = """
query Overview($owner: String!, $name: String!, $base: String!, $after: String) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    id nameWithOwner isArchived pushedAt
    ref(qualifiedName: $base) { target { ... on Commit { oid committedDate tree { oid } ENTRIES } } }
    pullRequests(first: 100, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
      totalCount pageInfo { hasNextPage endCursor } nodes { ...Pull }
    }
  }
}
"""

_SCENE = """
query Scene($owner: String!, $name: String!, $base: String!, $branch: String!, $head: String!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    id
    base: ref(qualifiedName: $base) { target { ... on Commit { oid committedDate tree { oid } ENTRIES } } }
    branch: ref(qualifiedName: $branch) { target { ... on Commit { oid message ENTRIES
      parents(first: 1) { nodes { oid ENTRIES } } } } }
    pullRequests(first: 100, headRefName: $head, orderBy: {field: CREATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor } nodes { ...Pull }
    }
  }
}
"""

_PULL = """
fragment Pull on PullRequest {
  id number title body state isDraft url createdAt updatedAt mergedAt viewerDidAuthor headRefName headRefOid
  headRef { target { oid } } isCrossRepository baseRefName mergedBy { __typename login } mergeStateStatus
  labels(first: 100) { nodes { name } }
  files(first: 20) { nodes { path changeType } }
  commits(last: 1) { nodes { commit { oid message parents(first: 1) { nodes { oid } } VERDICT } } }
  latestOpinionatedReviews(first: 50, writersOnly: true) {
    nodes { state submittedAt author { __typename login } commit { oid message } } }
  earliest: comments(first: 20) { nodes { body createdAt viewerDidAuthor author { __typename login } } }
  comments(last: 50) { nodes { body createdAt viewerDidAuthor author { __typename login } } }
  timelineItems(last: 5, itemTypes: [CLOSED_EVENT, REOPENED_EVENT]) { nodes { __typename
    ... on ClosedEvent { createdAt actor { __typename login } }
    ... on ReopenedEvent { createdAt actor { __typename login } } } }
}
"""


def overview(folders: Iterable[str], *, verdicts: bool) -> str:
    """The query of one look; `verdicts` asks for commit statuses, which takes a right of its own."""
    return _OVERVIEW.replace("ENTRIES", _entries(folders)) + _pull(verdicts=verdicts)


def scene(paths: Iterable[str], *, verdicts: bool) -> str:
    """The query before one act."""
    return _SCENE.replace("ENTRIES", _entries(paths)) + _pull(verdicts=verdicts)


def contents(asked: Mapping[str, tuple[str, str]], *, text: bool) -> str:
    """The query for what commits have at paths: `(commit, path)` by alias. Texts come along where that is asked."""
    wanted = "oid mode type object { ... on Blob { text isTruncated } }" if text else "oid mode type"
    rows = (
        f"{alias}: object(oid: {_quoted(commit)}) {{ ... on Commit {{ file(path: {_quoted(path)}) {{ {wanted} }} }} }}"
        for alias, (commit, path) in asked.items()
    )
    return _on_repository("Contents", rows)


def texts(blobs: Mapping[str, str]) -> str:
    """The query for the contents of blobs, under their aliases."""
    rows = (
        f"{alias}: object(oid: {_quoted(blob)}) {{ ... on Blob {{ oid text isTruncated }} }}"
        for alias, blob in blobs.items()
    )
    return _on_repository("Texts", rows)


def pasts(asked: Mapping[str, tuple[str, str]]) -> str:
    """The query for how paths came to be as a commit has them: `(commit, path)` by alias."""
    rows = (
        f"{alias}: object(oid: {_quoted(commit)}) {{ ... on Commit {{ history(first: 50, path: {_quoted(path)}) "
        f"{{ nodes {{ oid file(path: {_quoted(path)}) {{ oid }} }} }} }} }}"
        for alias, (commit, path) in asked.items()
    )
    return _on_repository("Pasts", rows)


UPDATE_REFS: Final = """
mutation UpdateRefs($repository: ID!, $updates: [RefUpdate!]!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: $updates}) { clientMutationId }
}
"""

TO_DRAFT: Final = """
mutation ToDraft($pull: ID!) { convertPullRequestToDraft(input: {pullRequestId: $pull}) { clientMutationId } }
"""

READY: Final = """
mutation Ready($pull: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $pull}) { clientMutationId } }
"""


def _on_repository(name: str, rows: Iterable[str]) -> str:
    inside = "\n".join(rows)
    return (
        f"query {name}($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{\n{inside}\n}} }}"
    )


def entries(paths: Iterable[str], found: BaseModel) -> dict[str, Leaf | None]:
    """The entries of a commit that were asked for, by path."""
    extra = found.model_extra or {}
    return {path: _LEAF.validate_python(extra[f"f{at}"]) for at, path in enumerate(paths)}


_LEAF: Final = TypeAdapter[Leaf | None](Leaf | None)


def _entries(paths: Iterable[str]) -> str:
    return " ".join(f"f{at}: file(path: {_quoted(path)}) {{ oid mode type }}" for at, path in enumerate(paths))


def _pull(*, verdicts: bool) -> str:
    status = f'status {{ context(name: "{VERDICT}") {{ state description creator {{ __typename login }} }} }}'
    return _PULL.replace("VERDICT", status if verdicts else "")


def _quoted(text: str) -> str:
    """A GraphQL string literal; JSON's are a part of them. https://spec.graphql.org/October2021/#sec-String-Value."""
    return json.dumps(text, ensure_ascii=False)

"""GraphQL as GitHub answers it, over the part of its schema that stands in schema.graphql."""

import base64
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from tests.twins.github import pulls
from tests.twins.github.clock import stamp
from tests.twins.github.errors import Refusal
from tests.twins.github.model import Comment, Event, Label, Pull, Review, State, Status, User
from tests.twins.github.signin import Token
from tests.twins.github.store import ZERO, Entry
from tests.twins.github.world import Move, World

OID = re.compile(r"[0-9a-f]{40}")
MOST_NODES = 500_000
Json = dict[str, Any]


@dataclass
class Session:
    """One request: who asks, and the state that is shown to it."""

    world: World
    state: State
    token: Token
    origin: str
    limits: Json
    empty_lists: bool = False


Info: TypeAlias = "GraphQLResolveInfo[Session]"


class Git(NamedTuple):
    """A git object, and the path it was found at."""

    oid: str
    kind: str
    path: str = ""


class Branch(NamedTuple):
    name: str
    oid: str


class Changed(NamedTuple):
    """A commit of a pull request."""

    oid: str


class Told(NamedTuple):
    """What commit statuses say of one commit."""

    oid: str
    latest: Sequence[Status]


# Connections


def connect(rows: Sequence[Any], args: Json) -> Json:
    """One page of rows, as Relay cuts it."""
    first, last = args.get("first"), args.get("last")
    start = _index(args["after"]) + 1 if args.get("after") else 0
    end = _index(args["before"]) if args.get("before") else len(rows)
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    shown = rows[start:end]
    page = {"hasNextPage": end < len(rows), "hasPreviousPage": start > 0, "startCursor": None, "endCursor": None}
    if shown:
        page |= {"startCursor": _cursor(start), "endCursor": _cursor(start + len(shown) - 1)}
    return {"nodes": shown, "pageInfo": page, "totalCount": len(rows)}


def _cursor(index: int) -> str:
    return base64.b64encode(f"cursor:v2:{index}".encode()).decode()


def _index(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("cursor:v2:"))
    except ValueError:
        raise Refusal(
            422, f"`{cursor}` does not appear to be a valid cursor.", kind="INVALID_CURSOR_ARGUMENTS"
        ) from None


# What a question costs


@dataclass
class Cost:
    """How many nodes a question may give, and how many connections must be asked for them."""

    nodes: int = 0
    asked: int = 0

    @property
    def points(self) -> int:
        return max(1, math.ceil(self.asked / 100))


def weigh(document: DocumentNode, operation: OperationDefinitionNode, variables: Json, schema: GraphQLSchema) -> Cost:
    """Refuse connections without bounds, and count."""
    variables = {**_defaults(operation), **{name: value for name, value in variables.items() if value is not None}}
    parts = {one.name.value: one for one in document.definitions if hasattr(one, "type_condition")}
    cost = Cost()

    def walk(selections: SelectionSetNode | None, factor: int, kind: Any) -> None:
        for node in selections.selections if selections else ():
            if isinstance(node, FragmentSpreadNode):
                part = parts[node.name.value]
                walk(part.selection_set, factor, schema.get_type(part.type_condition.name.value))
            elif isinstance(node, InlineFragmentNode):
                inner = schema.get_type(node.type_condition.name.value) if node.type_condition else kind
                walk(node.selection_set, factor, inner)
            elif isinstance(node, FieldNode):
                below = _type_of(kind, node.name.value)
                size = _bounds(node, below, variables)
                cost.nodes += factor * (size or 0)
                cost.asked += factor if size else 0
                walk(node.selection_set, factor * (size or 1), below)

    walk(
        operation.selection_set, 1, schema.query_type if operation.operation.value == "query" else schema.mutation_type
    )
    if cost.nodes > MOST_NODES:
        message = f"By the time this query traverses to the last connection, it is requesting up to {cost.nodes:,} possible nodes which exceeds the maximum limit of {MOST_NODES:,}."
        raise Refusal(200, message, kind="MAX_NODE_LIMIT_EXCEEDED")
    return cost


def _defaults(operation: OperationDefinitionNode) -> Json:
    """The numbers that variables have when none is given."""
    given = [(one.variable.name.value, one.default_value) for one in operation.variable_definitions or ()]
    return {name: int(value.value) for name, value in given if isinstance(value, IntValueNode)}


def _type_of(kind: Any, field: str) -> Any:
    found = getattr(kind, "fields", {}).get(field)
    below = found.type if found else None
    while hasattr(below, "of_type"):
        below = below.of_type
    return below


def _bounds(node: FieldNode, below: Any, variables: Json) -> int | None:
    """How many a connection is asked for; None for what is no connection."""
    if not getattr(below, "name", "").endswith("Connection"):
        return None
    sizes = []
    for argument in node.arguments or ():
        if argument.name.value in {"first", "last"}:
            value = argument.value
            given = (
                variables.get(value.name.value)
                if isinstance(value, VariableNode)
                else value.value
                if isinstance(value, IntValueNode)
                else None
            )
            sizes += [] if given is None else [int(given)]
    name = node.name.value
    if not sizes:
        message = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise Refusal(200, message, kind="MISSING_PAGINATION_BOUNDARIES")
    if len(sizes) > 1 or not 1 <= sizes[0] <= 100:
        message = f"Requesting {sizes[0]} records on the `{name}` connection exceeds the `first` limit of 100 records."
        raise Refusal(200, message, kind="EXCESSIVE_PAGINATION")
    return sizes[0]


# Query


def repository(_: Any, info: Info, owner: str, name: str, **args: Any) -> State:
    session = info.context
    state = session.state
    names = {state.full_name, *(state.former if args.get("followRenames", True) else ())}
    if f"{owner}/{name}".lower() not in {one.lower() for one in names} or state.hidden or not session.token.sees:
        raise Refusal(404, f"Could not resolve to a Repository with the name '{owner}/{name}'.", kind="NOT_FOUND")
    return state


def node(_: Any, info: Info, **args: str) -> Any:
    ident = args["id"]
    session = info.context
    if ident == f"R_{session.world.id}":
        return session.state
    number = ident.removeprefix("PR_")
    if ident.startswith("PR_") and number.isdecimal() and int(number) in session.state.pulls:
        return session.state.pulls[int(number)]
    raise Refusal(404, f"Could not resolve to a node with the global id of '{ident}'", kind="NOT_FOUND")


# Repository


def ref(state: State, info: Info, **args: str) -> Branch | None:
    info.context.token.need("contents:read")
    return _branch(state, args["qualifiedName"].removeprefix("refs/heads/"))


def _branch(state: State, name: str) -> Branch | None:
    return Branch(name, state.refs[name]) if name in state.refs else None


def refs(state: State, info: Info, query: str = "", **args: Any) -> Json:
    info.context.token.need("contents:read")
    prefix = args["refPrefix"]
    start = prefix.removeprefix("refs/heads/") if prefix.startswith("refs/heads/") else None
    names = [name for name in sorted(state.refs) if start is not None and name.startswith(start) and query in name]
    return connect([] if info.context.empty_lists else [Branch(name, state.refs[name]) for name in names], args)


def update_rule(branch: Branch, info: Info) -> Json | None:
    """The classic protection of a branch as everybody who may push sees it."""
    rules = info.context.state.rules.get(branch.name)
    if rules is None or not rules.classic:
        return None
    never = ("allowsDeletions", "allowsForcePushes", "blocksCreations", "requiresCodeOwnerReviews")
    return {
        **dict.fromkeys((*never, "requiresConversationResolution", "viewerAllowedToDismissReviews"), False),
        "pattern": branch.name,
        "requiredApprovingReviewCount": rules.approvals or None,
        "requiredStatusCheckContexts": list(rules.statuses),
        "requiresLinearHistory": "required_linear_history" in rules.also,
        "requiresSignatures": "required_signatures" in rules.also,
        "viewerCanPush": not rules.pull_requests_only,
    }


def git_object(state: State, info: Info, oid: str | None = None, expression: str | None = None) -> Git | None:
    session = info.context
    session.token.need("contents:read")
    revision, colon, path = (oid or expression or "").partition(":")
    revision = state.refs.get(revision.removeprefix("refs/heads/"), revision)
    kind = session.world.store.kind(revision) if OID.fullmatch(revision) else None
    if kind is None or session.world.hides(revision):
        return None
    if not colon:
        return Git(revision, kind)
    tree = session.world.store.tree_of(revision)
    entry = session.world.store.at(tree, path) if path else Entry("", 0o40000, "tree", tree)
    return Git(entry.oid, entry.kind, path) if entry and entry.kind != "commit" else None


def pull_request(state: State, info: Info, number: int) -> Pull:
    info.context.token.need("pull_requests:read")
    if number not in state.pulls:
        raise Refusal(404, f"Could not resolve to a PullRequest with the number of {number}.", kind="NOT_FOUND")
    return state.pulls[number]


def pull_requests(state: State, info: Info, **args: Any) -> Json:
    info.context.token.need("pull_requests:read")
    rows = [] if info.context.empty_lists else [pull for pull in state.pulls.values() if _wanted(pull, args)]
    order = args.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    keys: dict[str, Callable[[Pull], Any]] = {
        "UPDATED_AT": lambda pull: (pull.updated_at, pull.number),
        "CREATED_AT": lambda pull: pull.number,
        "COMMENTS": lambda pull: len(pull.comments),
    }
    rows.sort(key=keys[order["field"]], reverse=order["direction"] == "DESC")
    return connect(rows, args)


def _wanted(pull: Pull, args: Json) -> bool:
    if args.get("states") is not None and pull_state(pull) not in args["states"]:
        return False
    if args.get("labels") and not {name.lower() for name in args["labels"]} & {name.lower() for name in pull.labels}:
        return False
    return args.get("headRefName") in {None, pull.head} and args.get("baseRefName") in {None, pull.base}


def _repo_id(state: State, world: World) -> int:
    return world.id if state.owner == world.state.owner else world.user(state.owner).id


# Git


def _commit(thing: Git | Changed, info: Info) -> Any:
    return info.context.world.store.commit(thing.oid)


def file(thing: Git, info: Info, path: str) -> Entry | None:
    store = info.context.world.store
    return store.at(store.tree_of(thing.oid), path)


def entries(thing: Git, info: Info) -> list[Entry]:
    folder = f"{thing.path}/" if thing.path else ""
    return [one._replace(path=folder + one.path) for one in info.context.world.store.level(thing.oid)]


def history(thing: Git, info: Info, path: str | None = None, since: str | None = None, **args: Any) -> Json:
    rows = info.context.world.store.history(thing.oid, path, since)
    return connect([Git(oid, "commit") for oid in rows], args)


def status(thing: Git, info: Info) -> Told | None:
    session = info.context
    session.token.need("statuses:read")
    latest = pulls.latest_statuses(session.state, thing.oid)
    return Told(thing.oid, latest) if latest else None


def rollup(told: Told) -> str:
    states = {one.state.upper() for one in told.latest}
    return next((state for state in ("ERROR", "FAILURE", "PENDING") if state in states), "SUCCESS")


def _data(thing: Git, info: Info) -> bytes:
    return info.context.world.store.blob(thing.oid)


def _binary(data: bytes) -> bool:
    return b"\0" in data[:8000]


def text(thing: Git, info: Info) -> str | None:
    data = _data(thing, info)
    return None if _binary(data) else data[: info.context.world.settings.text_limit].decode("utf-8", "replace")


def _signature(signature: Any) -> Json:
    return {"name": signature.name, "email": signature.email, "date": stamp(_instant(signature.time))}


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# Pull requests


def pull_state(pull: Pull) -> str:
    return "OPEN" if pull.open else "MERGED" if pull.merge else "CLOSED"


def head_ref(pull: Pull, info: Info) -> Branch | None:
    return Branch(pull.head, pull.head_sha) if pull.fork else _branch(info.context.state, pull.head)


def head_repository(pull: Pull, info: Info) -> State:
    state = info.context.state
    return replace(state, owner=pull.fork) if pull.fork else state


def files(pull: Pull, info: Info, **args: Any) -> Json:
    session = info.context
    store, base = session.world.store, session.world.base_of(pull, session.state)
    fork = store.merge_base(base, pull.head_sha) or base
    return connect(store.changes(store.tree_of(fork), store.tree_of(pull.head_sha)), args)


def commits(pull: Pull, info: Info, **args: Any) -> Json:
    session = info.context
    rows = session.world.store.ahead(pull.head_sha, session.world.base_of(pull, session.state))
    return connect([Changed(oid) for oid in rows], args)


def mergeable(pull: Pull, info: Info) -> str:
    session = info.context
    if not pull.open:
        return "UNKNOWN"
    clean = session.world.store.mergeable(session.world.base_of(pull, session.state), pull.head_sha)
    return "MERGEABLE" if clean else "CONFLICTING"


def decision(pull: Pull, info: Info) -> str | None:
    session = info.context
    rules = session.state.rules.get(pull.base)
    if rules is None or not rules.approvals:
        return None
    said = [one.state for one in pulls.opinions(pull) if one.author in session.world.collaborators]
    if "CHANGES_REQUESTED" in said:
        return "CHANGES_REQUESTED"
    return "APPROVED" if said.count("APPROVED") >= rules.approvals else "REVIEW_REQUIRED"


def reviews(pull: Pull, info: Info, states: Any = None, author: str | None = None, **args: Any) -> Json:
    rows = [one for one in pull.reviews if (not states or one.state in states) and author in {None, one.author}]
    return connect(rows, args)


def opinions(pull: Pull, info: Info, **args: Any) -> Json:
    people = info.context.world.collaborators
    rows = [one for one in pulls.opinions(pull) if not args["writersOnly"] or one.author in people]
    return connect(rows, args)


def comments(pull: Pull, info: Info, **args: Any) -> Json:
    known = info.context.state.comments
    rows = [] if info.context.empty_lists else [known[ident] for ident in pull.comments if ident in known]
    return connect(rows, args)


def timeline(pull: Pull, info: Info, skip: int = 0, **args: Any) -> Json:
    kinds = args.get("itemTypes") or ("CLOSED_EVENT", "MERGED_EVENT", "REOPENED_EVENT")
    return connect([one for one in pull.events if f"{one.kind.upper()}_EVENT" in kinds][skip:], args)


def labels(pull: Pull, info: Info, **args: Any) -> Json:
    known = info.context.state.labels
    return connect([known[name.lower()] for name in pull.labels], args)


def _user(info: Info, login: str) -> User:
    return info.context.world.user(login)


# Mutations


def update_refs(_: Any, info: Info, input: Json) -> Json:  # noqa: A002 - the schema's word
    session = info.context
    world, token = session.world, session.token
    _writable(session, "contents:write", input["repositoryId"])
    moves = []
    for one in input["refUpdates"]:
        if not one["name"].startswith("refs/heads/"):
            raise Refusal(422, f"{one['name']} is not a fully qualified branch name")
        before, after = one.get("beforeOid"), one["afterOid"]
        move = Move(
            one["name"].removeprefix("refs/heads/"),
            None if before == ZERO else before,
            None if after == ZERO else after,
            force=one.get("force") or False,
            absent=before == ZERO,
        )
        moves.append(move)
    world.push(moves, token.login, workflows=token.may("workflows:write"))
    return {"clientMutationId": input.get("clientMutationId")}


def _writable(session: Session, right: str, repository_id: str | None = None) -> None:
    state = session.world.state
    if state.hidden or not session.token.sees or repository_id not in {None, f"R_{session.world.id}"}:
        raise Refusal(404, f"Could not resolve to a node with the global id of '{repository_id}'", kind="NOT_FOUND")
    session.token.need(right)
    if state.archived:
        raise Refusal(403, "Repository was archived so is read-only.", kind="FORBIDDEN")


def _draft(*, wanted: bool) -> Callable[..., Json]:
    def act(_: Any, info: Info, input: Json) -> Json:  # noqa: A002 - the schema's word
        session = info.context
        _writable(session, "pull_requests:write")
        number = input["pullRequestId"].removeprefix("PR_")
        if not number.isdecimal() or int(number) not in session.world.state.pulls:
            message = f"Could not resolve to a node with the global id of '{input['pullRequestId']}'"
            raise Refusal(404, message, kind="NOT_FOUND")
        pull = pulls.set_draft(session.world, session.token.login, int(number), draft=wanted)
        return {"clientMutationId": input.get("clientMutationId"), "pullRequest": pull}

    return act


# Who answers what

Field = Callable[..., Any]

GIT: dict[str, Field] = {
    "id": lambda thing, info: f"{thing.kind[0].upper()}_{thing.oid}",
    "abbreviatedOid": lambda thing, info: thing.oid[:7],
}
USER: dict[str, Field] = {
    "id": lambda user, info: f"U_{user.id}",
    "databaseId": lambda user, info: user.id,
    "url": lambda user, info: f"{info.context.origin}/{user.login}",
}
EVENT: dict[str, Field] = {
    "id": lambda event, info: f"EV_{event.kind}_{int(event.at.timestamp())}",
    "actor": lambda event, info: _user(info, event.actor),
    "createdAt": lambda event, info: event.at,
}
ENTRY_NAME: Field = lambda entry, info: entry.path.rpartition("/")[2]  # noqa: E731

FIELDS: dict[str, dict[str, Field]] = {
    "Query": {
        "viewer": lambda _, info: _user(info, info.context.token.login),
        "rateLimit": lambda _, info, **args: info.context.limits,
        "repository": repository,
        "node": node,
    },
    "Mutation": {
        "updateRefs": update_refs,
        "convertPullRequestToDraft": _draft(wanted=True),
        "markPullRequestReadyForReview": _draft(wanted=False),
    },
    "User": USER | {"name": lambda user, info: None},
    "Organization": USER,
    "Bot": USER | {"login": lambda user, info: user.actor},
    "Repository": {
        "id": lambda state, info: f"R_{_repo_id(state, info.context.world)}",
        "databaseId": lambda state, info: _repo_id(state, info.context.world),
        "nameWithOwner": lambda state, info: state.full_name,
        "owner": lambda state, info: _user(info, state.owner),
        "isArchived": lambda state, info: state.archived,
        "isPrivate": lambda state, info: state.private,
        "pushedAt": lambda state, info: state.pushed_at,
        "updatedAt": lambda state, info: state.updated_at,
        "defaultBranchRef": lambda state, info: _branch(state, state.default_branch),
        "ref": ref,
        "refs": refs,
        "object": git_object,
        "pullRequest": pull_request,
        "pullRequests": pull_requests,
    },
    "Ref": {
        "id": lambda branch, info: f"REF_{branch.name}",
        "prefix": lambda branch, info: "refs/heads/",
        "target": lambda branch, info: Git(branch.oid, "commit"),
        "refUpdateRule": update_rule,
    },
    "Commit": GIT
    | {
        "message": lambda thing, info: _commit(thing, info).message,
        "messageHeadline": lambda thing, info: _commit(thing, info).message.partition("\n")[0],
        "messageBody": lambda thing, info: _commit(thing, info).message.partition("\n")[2].strip("\n"),
        "committedDate": lambda thing, info: _instant(_commit(thing, info).committer.time),
        "authoredDate": lambda thing, info: _instant(_commit(thing, info).author.time),
        "author": lambda thing, info: _signature(_commit(thing, info).author),
        "committer": lambda thing, info: _signature(_commit(thing, info).committer),
        "tree": lambda thing, info: Git(str(_commit(thing, info).tree.id), "tree"),
        "file": file,
        "parents": lambda thing, info, **args: connect(
            [Git(str(oid), "commit") for oid in _commit(thing, info).parent_ids], args
        ),
        "history": history,
        "status": status,
    },
    "Tree": GIT | {"entries": entries},
    "TreeEntry": {
        "name": ENTRY_NAME,
        "type": lambda entry, info: entry.kind,
        "size": lambda entry, info: info.context.world.store.size(entry.oid) if entry.kind == "blob" else 0,
        "object": lambda entry, info: Git(entry.oid, entry.kind, entry.path) if entry.kind != "commit" else None,
    },
    "Blob": GIT
    | {
        "byteSize": lambda thing, info: len(_data(thing, info)),
        "isBinary": lambda thing, info: _binary(_data(thing, info)),
        "isTruncated": lambda thing, info: len(_data(thing, info)) > info.context.world.settings.text_limit,
        "text": text,
    },
    "Status": {
        "id": lambda told, info: f"ST_{told.oid}",
        "state": lambda told, info: rollup(told),
        "context": lambda told, info, name: next((one for one in told.latest if one.context == name), None),
        "contexts": lambda told, info: told.latest,
    },
    "StatusContext": {
        "id": lambda one, info: f"SC_{one.id}",
        "state": lambda one, info: one.state.upper(),
        "targetUrl": lambda one, info: one.target_url,
        "createdAt": lambda one, info: one.at,
        "creator": lambda one, info: _user(info, one.creator),
    },
    "PullRequest": {
        "id": lambda pull, info: f"PR_{pull.number}",
        "fullDatabaseId": lambda pull, info: str(pull.id),
        "body": lambda pull, info: pull.body or "",
        "url": lambda pull, info: f"{info.context.origin}/{info.context.state.full_name}/pull/{pull.number}",
        "state": lambda pull, info: pull_state(pull),
        "closed": lambda pull, info: not pull.open,
        "merged": lambda pull, info: pull.merge is not None,
        "isDraft": lambda pull, info: pull.draft,
        "author": lambda pull, info: _user(info, pull.author),
        "viewerDidAuthor": lambda pull, info: pull.author == info.context.token.login,
        "createdAt": lambda pull, info: pull.created_at,
        "updatedAt": lambda pull, info: pull.updated_at,
        "closedAt": lambda pull, info: pull.closed_at,
        "mergedAt": lambda pull, info: pull.merge.at if pull.merge else None,
        "mergedBy": lambda pull, info: _user(info, pull.merge.by) if pull.merge else None,
        "mergeCommit": lambda pull, info: Git(pull.merge.sha, "commit") if pull.merge else None,
        "mergeable": mergeable,
        "mergeStateStatus": lambda pull, info: pulls.merge_state(info.context.world, info.context.state, pull),
        "reviewDecision": decision,
        "headRefName": lambda pull, info: pull.head,
        "headRefOid": lambda pull, info: pull.head_sha,
        "headRef": head_ref,
        "headRepository": head_repository,
        "isCrossRepository": lambda pull, info: pull.fork is not None,
        "baseRefName": lambda pull, info: pull.base,
        "baseRefOid": lambda pull, info: info.context.world.base_of(pull, info.context.state),
        "baseRef": lambda pull, info: _branch(info.context.state, pull.base),
        "labels": labels,
        "assignees": lambda pull, info, **args: connect([_user(info, login) for login in pull.assignees], args),
        "files": files,
        "commits": commits,
        "reviews": reviews,
        "latestOpinionatedReviews": opinions,
        "comments": comments,
        "timelineItems": timeline,
    },
    "Label": {"id": lambda label, info: f"LA_{label.id}"},
    "PullRequestChangedFile": {"changeType": lambda change, info: change.kind},
    "PullRequestCommit": {
        "id": lambda one, info: f"PRC_{one.oid}",
        "commit": lambda one, info: Git(one.oid, "commit"),
    },
    "PullRequestReview": {
        "id": lambda one, info: f"PRR_{one.id}",
        "author": lambda one, info: _user(info, one.author),
        "commit": lambda one, info: Git(one.commit, "commit"),
        "submittedAt": lambda one, info: one.at,
    },
    "IssueComment": {
        "id": lambda said, info: f"IC_{said.id}",
        "databaseId": lambda said, info: said.id,
        "fullDatabaseId": lambda said, info: str(said.id),
        "createdAt": lambda said, info: said.created_at,
        "updatedAt": lambda said, info: said.updated_at,
        "viewerDidAuthor": lambda said, info: said.author == info.context.token.login,
        "author": lambda said, info: _user(info, said.author),
        "url": lambda said, info: (
            f"{info.context.origin}/{info.context.state.full_name}/pull/{said.pull}#issuecomment-{said.id}"
        ),
    },
    "ClosedEvent": EVENT,
    "MergedEvent": EVENT,
    "ReopenedEvent": EVENT,
}

NAMES = {Pull: "PullRequest", State: "Repository", Label: "Label", Review: "PullRequestReview", Comment: "IssueComment"}


def _kind(value: Any, *_: Any) -> str:
    """The type that a value of an interface or union has."""
    if isinstance(value, User):
        return value.kind
    if isinstance(value, Git):
        return value.kind.capitalize()
    if isinstance(value, Event):
        return f"{value.kind.capitalize()}Event"
    return NAMES[type(value)]


def load() -> GraphQLSchema:
    """Our schema with its answers."""
    schema = build_schema((Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8"))
    for name, fields in FIELDS.items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        for field, answer in fields.items():
            if field in kind.fields:
                kind.fields[field].resolve = answer
    for kind in schema.type_map.values():
        if hasattr(kind, "resolve_type"):
            kind.resolve_type = _kind
    cast("GraphQLScalarType", schema.type_map["DateTime"]).coerce_output_value = stamp
    cast("GraphQLScalarType", schema.type_map["GitObjectID"]).coerce_input_value = _oid
    return schema


def _oid(value: Any) -> str:
    if not isinstance(value, str) or not OID.fullmatch(value):
        raise GraphQLError(f"{value!r} is not a GitObjectID")
    return value


SCHEMA = load()


@lru_cache(maxsize=500)
def read(question: str) -> tuple[DocumentNode, tuple[GraphQLError, ...]]:
    document = parse(question)
    return document, tuple(validate(SCHEMA, document))


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in found if name is None or (one.name and one.name.value == name)]
    return named[0] if len(named) == 1 else None


def name_of(body: Any) -> str:
    """The operation's name, by which requests are counted and faulted."""
    if isinstance(body, dict) and body.get("operationName"):
        return str(body["operationName"])
    found = re.search(r"\b(?:query|mutation)\s+(\w+)", str(body.get("query", ""))) if isinstance(body, dict) else None
    return found[1] if found else "anonymous"


def answer(session: Session, body: Any) -> tuple[Json, int]:
    """The answer to one question, and its cost in points."""
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}, 1
    variables = body.get("variables") or {}
    try:
        document, wrong = read(body["query"])
        operation = operation_of(document, body.get("operationName"))
        if wrong or operation is None:
            return {"errors": [_told(one) for one in wrong] or [{"message": "An operation name is required"}]}, 1
        cost = weigh(document, operation, variables, SCHEMA)
    except GraphQLError as error:
        return {"errors": [_told(error)]}, 1
    except Refusal as refusal:
        return {"errors": [{"type": refusal.kind, "message": refusal.message}]}, 1
    session.limits |= {"cost": cost.points, "nodeCount": cost.nodes}
    done = execute_sync(
        SCHEMA, document, context_value=session, variable_values=variables, operation_name=body.get("operationName")
    )
    errors = {"errors": [_told(one) for one in done.errors]} if done.errors else {}
    return {"data": done.data} | errors, cost.points


def _told(error: GraphQLError) -> Json:
    """An error as GitHub tells it."""
    told: Json = {"message": error.message}
    cause = error.original_error
    if isinstance(cause, Refusal):
        told = {"type": cause.kind, "path": error.path, "message": cause.message}
    elif cause is not None:
        raise cause
    if error.locations:
        told["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    return told

"""The REST doors: one function for each, its rights beside its name. Reads show what lag lets be seen; writes the truth."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tests.twins.github import pulls
from tests.twins.github.clock import stamp
from tests.twins.github.errors import Refusal, invalid, not_found
from tests.twins.github.model import Pull, State
from tests.twins.github.shapes import Shapes
from tests.twins.github.signin import SignIn, Token
from tests.twins.github.store import MODES, Person
from tests.twins.github.world import World

OID = re.compile(r"[0-9a-f]{40}")
TALK = ("pull_requests:write", "issues:write")


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class Call:
    """One request, its asker known."""

    world: World
    signin: SignIn
    token: Token
    origin: str
    authorization: str | None
    parts: dict[str, str]
    query: dict[str, str]
    body: Any
    empty_lists: bool = False

    @property
    def seen(self) -> State:
        return self.world.seen()

    @property
    def by(self) -> str:
        return self.token.login

    def shapes(self, state: State | None = None) -> Shapes:
        return Shapes(self.world, state or self.world.state, self.origin, self.token)

    def given(self, name: str, kind: type, default: Any = None) -> Any:
        """A value of the body, of the right type; without a default it must be there."""
        value = self.body.get(name, default)
        if value is None and default is None and kind is not type(None):
            raise invalid("Request", name, code="missing_field")
        if not isinstance(value, kind) and value is not default:
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a {kind.__name__}.")
        return value

    def listed(self, rows: Sequence[Any], draw: Callable[[Any], Any], url: str, wrap: str | None = None) -> Reply:
        """One page, with links to the others."""
        rows = [] if self.empty_lists else rows
        size = min(100, max(1, int(self.query.get("per_page") or 30)))
        page, last = max(1, int(self.query.get("page") or 1)), max(1, -(-len(rows) // size))
        links = {"prev": page - 1, "first": 1} if page > 1 else {}
        links |= {"next": page + 1, "last": last} if page < last else {}
        kept = "&".join(f"{name}={value}" for name, value in self.query.items() if name != "page")
        told = [f'<{url}?{kept + "&" if kept else ""}page={number}>; rel="{rel}"' for rel, number in links.items()]
        drawn = [draw(row) for row in rows[(page - 1) * size : page * size]]
        body = {"total_count": len(rows), wrap: drawn} if wrap else drawn
        return Reply(200, body, {"Link": ", ".join(told)} if told else {})


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One door. `rights` is what one of must be given; `app` doors are for the App itself."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    rights: tuple[str, ...]
    app: bool = False
    repo: bool = True


ROUTES: list[Route] = []


def door(name: str, path: str, *rights: str, app: bool = False, repo: bool = True) -> Callable[[Handler], Handler]:
    method = name.partition(" ")[0]
    pattern = re.compile(re.sub(r"<\*(\w+)>", r"(?P<\1>.+)", re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path)))

    def keep(handler: Handler) -> Handler:
        ROUTES.append(Route(name, method, pattern, handler, rights, app, repo))
        return handler

    return keep


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The door for a path under the repository (or, for doors that are nobody's repository, under the API)."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match and route.method == method:
            return route, {name: unquote(part) for name, part in match.groupdict().items()}
    return None


# The App


@door("GET app", "/app", app=True, repo=False)
def app(call: Call) -> Reply:
    return Reply(200, call.shapes().app(call.signin))


@door("POST access_tokens", "/app/installations/<id>/access_tokens", app=True, repo=False)
def access_tokens(call: Call) -> Reply:
    if call.parts["id"] != str(call.signin.installation):
        raise not_found()
    asked = call.body.get("permissions") if isinstance(call.body, dict) else None
    token = call.signin.grant(asked)
    call.world.effect("token-granted", call.by)
    chosen = {"permissions": token.permissions, "repository_selection": "selected"}
    return Reply(201, {"token": token.text, "expires_at": stamp(token.expires_at), **chosen})


@door("GET installation", "/app/installations/<id>", app=True, repo=False)
def installation(call: Call) -> Reply:
    if call.parts["id"] != str(call.signin.installation):
        raise not_found()
    return Reply(200, call.shapes().installation(call.signin))


# The repository and what the doctor reads


@door("GET repo", "", "metadata:read")
def repo(call: Call) -> Reply:
    return Reply(200, call.shapes(call.seen).full_repo())


@door("GET rules", "/rules/branches/<*branch>", "metadata:read")
def rules(call: Call) -> Reply:
    shapes = call.shapes(call.seen)
    return call.listed(
        shapes.rules(call.parts["branch"]), dict, f"{shapes.repo_api}/rules/branches/{call.parts['branch']}"
    )


@door("GET protection", "/branches/<branch>/protection", "administration:read")
def protection(call: Call) -> Reply:
    if call.parts["branch"] not in call.seen.refs:
        raise Refusal(404, "Branch not found")
    found = call.shapes(call.seen).protection(call.parts["branch"])
    if found is None:
        raise Refusal(404, "Branch not protected")
    return Reply(200, found)


@door("GET label", "/labels/<name>", "issues:read", "pull_requests:read")
def label(call: Call) -> Reply:
    found = call.seen.labels.get(call.parts["name"].lower())
    if found is None:
        raise not_found()
    return Reply(200, call.shapes(call.seen).label(found))


@door("GET collaborator", "/collaborators/<login>", "metadata:read")
def collaborator(call: Call) -> Reply:
    if call.parts["login"] not in call.world.collaborators:
        raise Refusal(404, f"{call.parts['login']} is not a user")
    return Reply(204)


@door("GET hooks", "/hooks")
def hooks(call: Call) -> Reply:
    if call.token.kind == "classic" and not call.token.may("repository_hooks:read"):
        raise not_found()
    call.token.need("repository_hooks:read")
    shapes = call.shapes(call.seen)
    rows = list(enumerate(call.seen.hooks, 1))
    return call.listed(rows, lambda row: shapes.hook(*row), f"{shapes.repo_api}/hooks")


@door("GET check-runs", "/commits/<*ref>/check-runs", "checks:read")
def check_runs(call: Call) -> Reply:
    sha = _commit(call, call.parts["ref"])
    shapes = call.shapes(call.seen)
    rows = call.seen.checks.get(sha, ())
    return call.listed(rows, shapes.check, f"{shapes.repo_api}/commits/{sha}/check-runs", "check_runs")


def _commit(call: Call, ref: str) -> str:
    """The commit that a name stands for: a branch, or a commit's own id."""
    state = call.seen
    oid = state.refs.get(ref.removeprefix("refs/").removeprefix("heads/"), ref)
    if not OID.fullmatch(oid) or call.world.hides(oid) or call.world.store.kind(oid) != "commit":
        raise Refusal(422, f"No commit found for SHA: {ref}")
    return oid


# Git objects


def _not_empty(call: Call) -> None:
    if not call.world.state.refs:
        raise Refusal(409, "Git Repository is empty.")


@door("GET git/ref", "/git/ref/heads/<*branch>", "contents:read")
def git_ref(call: Call) -> Reply:
    _not_empty(call)
    oid = call.seen.refs.get(call.parts["branch"])
    if oid is None:
        raise not_found()
    return Reply(200, call.shapes(call.seen).ref(call.parts["branch"], oid))


@door("GET git/trees", "/git/trees/<*ref>", "contents:read")
def git_tree(call: Call) -> Reply:
    _not_empty(call)
    store = call.world.store
    oid = call.seen.refs.get(call.parts["ref"], call.parts["ref"])
    if not OID.fullmatch(oid) or call.world.hides(oid) or store.kind(oid) not in {"commit", "tree"}:
        raise not_found()
    tree = store.tree_of(oid)
    entries = store.entries(tree) if call.query.get("recursive") else store.level(tree)
    limit = call.world.settings.tree_limit if call.query.get("recursive") else len(entries)
    return Reply(200, call.shapes().tree(tree, entries[:limit], truncated=len(entries) > limit))


@door("GET git/blobs", "/git/blobs/<oid>", "contents:read")
def git_blob(call: Call) -> Reply:
    _not_empty(call)
    oid, store = call.parts["oid"], call.world.store
    if not OID.fullmatch(oid):
        raise Refusal(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    if call.world.hides(oid) or store.kind(oid) != "blob":
        raise not_found()
    if store.size(oid) > call.world.settings.blob_limit:
        raise Refusal(
            403,
            "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API, but you "
            "can always clone the repository via Git to obtain the blob.",
            [{"resource": "Blob", "field": "data", "code": "too_large"}],
        )
    url = f"{call.shapes().repo_api}/git/blobs/{oid}"
    text = base64.encodebytes(store.blob(oid)).decode()
    return Reply(
        200,
        {"sha": oid, "node_id": f"B_{oid}", "size": store.size(oid), "url": url, "content": text, "encoding": "base64"},
    )


@door("GET git/commits", "/git/commits/<oid>", "contents:read")
def git_commit(call: Call) -> Reply:
    if call.world.hides(call.parts["oid"]) or call.world.store.kind(call.parts["oid"]) != "commit":
        raise not_found()
    return Reply(200, call.shapes().commit(call.parts["oid"]))


@door("GET tarball", "/tarball/<*ref>", "contents:read")
def tarball(call: Call) -> Reply:
    _not_empty(call)
    ref = call.parts["ref"]
    oid = call.seen.refs.get(ref, ref)
    if not OID.fullmatch(oid) or call.world.hides(oid) or call.world.store.kind(oid) != "commit":
        raise not_found()
    where = f"{call.origin}/_codeload/{call.seen.full_name}/legacy.tar.gz/{oid}?token={call.world.sign(oid)}"
    return Reply(302, None, {"Location": where})


@door("POST git/blobs", "/git/blobs", "contents:write")
def post_blob(call: Call) -> Reply:
    _not_empty(call)
    content, encoding = call.given("content", str), call.given("encoding", str, "utf-8")
    try:
        data = base64.b64decode("".join(content.split()), validate=True) if encoding == "base64" else content.encode()
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64") from None
    oid = call.world.made_now(call.world.store.write_blob(data))
    call.world.effect("blob", call.by, sha=oid)
    return Reply(201, {"url": f"{call.shapes().repo_api}/git/blobs/{oid}", "sha": oid})


@door("POST git/trees", "/git/trees", "contents:write")
def post_tree(call: Call) -> Reply:
    _not_empty(call)
    base, store = call.body.get("base_tree"), call.world.store
    if base is not None and (not isinstance(base, str) or store.kind(base) != "tree"):
        raise Refusal(422, f"base_tree {base} is not a valid tree oid")
    changes = dict(_tree_entry(call, entry) for entry in call.given("tree", list))
    there = [path for path, put in changes.items() if put is None and (base is None or store.at(base, path) is None)]
    if there or not changes:
        raise Refusal(422, "GitRPC::BadObjectState" if there else "Invalid tree info")
    oid = call.world.made_now(store.write_tree(base, changes))
    call.world.effect("tree", call.by, sha=oid)
    return Reply(201, call.shapes().tree(oid, store.level(oid), truncated=False))


def _tree_entry(call: Call, entry: Any) -> tuple[str, tuple[int, str] | None]:
    if not isinstance(entry, dict):
        raise Refusal(422, "Invalid tree info")
    path, mode, kind = entry.get("path"), entry.get("mode"), entry.get("type")
    if not isinstance(path, str) or not _good_path(path):
        raise Refusal(422, "tree.path contains a malformed path component")
    if mode not in MODES or (kind is not None and kind != MODES[mode]):
        raise Refusal(422, f"tree.mode {mode} is not a valid mode for {kind}")
    if ("sha" in entry) == ("content" in entry):
        raise Refusal(422, "Must supply either tree.sha or tree.content, and not both")
    if "content" in entry:
        if not isinstance(entry["content"], str):
            raise Refusal(422, "tree.content must be a UTF-8 string")
        oid = call.world.made_now(call.world.store.write_blob(entry["content"].encode()))
        return path, (int(mode, 8), oid)
    if entry["sha"] is None:
        return path, None
    if MODES[mode] != "commit" and call.world.store.kind(str(entry["sha"])) != MODES[mode]:
        raise Refusal(422, f"tree.sha {entry['sha']} is not a valid {MODES[mode]}")
    return path, (int(mode, 8), entry["sha"])


def _good_path(path: str) -> bool:
    parts = path.split("/")
    return "\0" not in path and all(part and part not in {".", ".."} and part.lower() != ".git" for part in parts)


@door("POST git/commits", "/git/commits", "contents:write")
def post_commit(call: Call) -> Reply:
    _not_empty(call)
    world, store = call.world, call.world.store
    message, tree, parents = call.given("message", str), call.given("tree", str), call.given("parents", list, [])
    if store.kind(tree) != "tree":
        raise Refusal(422, "Tree SHA does not exist")
    if any(not isinstance(parent, str) or store.kind(parent) != "commit" for parent in parents):
        raise Refusal(422, "Parent SHA does not exist or is not a commit object")
    who = world.user(call.by)
    author, at = _signed(call.body.get("author"), Person(who.login, who.address), world.clock.now())
    committer, _ = _signed(call.body.get("committer"), author, at)
    oid = world.made_now(store.write_commit(message, tree, parents, author, at, committer))
    world.effect("commit", call.by, sha=oid, tree=tree)
    return Reply(201, call.shapes().commit(oid))


def _signed(said: Any, otherwise: Person, now: datetime) -> tuple[Person, datetime]:
    if not isinstance(said, dict):
        return otherwise, now
    if not isinstance(said.get("name"), str) or not isinstance(said.get("email"), str):
        raise Refusal(422, 'Invalid request.\n\n"name" and "email" weren\'t supplied.')
    at = datetime.fromisoformat(said["date"]).astimezone(UTC) if said.get("date") else now
    return Person(said["name"], said["email"]), at


# Pull requests


def _number(call: Call) -> int:
    if not call.parts["number"].isdecimal():
        raise not_found()
    return int(call.parts["number"])


@door("GET pulls", "/pulls", "pull_requests:read")
def list_pulls(call: Call) -> Reply:
    state, query = call.seen, call.query
    rows = [
        pull
        for pull in state.pulls.values()
        if query.get("state", "open") in {"all", "open" if pull.open else "closed"}
    ]
    owner, colon, branch = query.get("head", "").partition(":")
    if colon:  # without an owner the filter is ignored
        rows = [pull for pull in rows if (pull.fork or state.owner, pull.head) == (owner, branch)]
    if query.get("base"):
        rows = [pull for pull in rows if pull.base == query["base"]]
    order = query.get("sort", "created")
    rows.sort(key=lambda pull: (pull.updated_at if order == "updated" else pull.created_at, pull.number))
    if query.get("direction", "desc" if order == "created" else "asc") == "desc":
        rows.reverse()
    shapes = call.shapes(state)
    return call.listed(rows, shapes.pull, f"{shapes.repo_api}/pulls")


@door("GET pull", "/pulls/<number>", "pull_requests:read")
def get_pull(call: Call) -> Reply:
    return Reply(200, call.shapes(call.seen).full_pull(pulls.find(call.seen, _number(call))))


@door("POST pulls", "/pulls", "pull_requests:write")
def post_pull(call: Call) -> Reply:
    head = call.given("head", str).removeprefix(f"{call.world.state.owner}:").removeprefix("refs/heads/")
    made = pulls.open_pull(
        call.world,
        call.by,
        title=call.given("title", str),
        body=call.body.get("body"),
        head=head,
        base=call.given("base", str),
        draft=call.given("draft", bool, default=False),
    )
    return Reply(201, call.shapes().full_pull(made))


@door("PATCH pull", "/pulls/<number>", "pull_requests:write")
def patch_pull(call: Call) -> Reply:
    number = _number(call)
    pull = pulls.find(call.world.state, number)
    wanted = call.body.get("state")
    if wanted not in {None, "open", "closed"}:
        raise invalid("PullRequest", "state")
    if "title" in call.body:
        pulls.check_words("PullRequest", call.body["title"])
    pulls.check_words("PullRequest", body=call.body.get("body"))
    if wanted == "open":
        pulls.reopen(call.world, call.by, number)
    pull = pulls.edit(call.world, call.by, number, title=call.body.get("title"), body=_words(call.body))
    if wanted == "closed":
        pull = pulls.close(call.world, call.by, number)
    return Reply(200, call.shapes().full_pull(pull))


def _words(body: dict[str, Any]) -> str | None:
    """The new text of a body; null clears it."""
    return (body["body"] or "") if "body" in body else None


@door("PUT merge", "/pulls/<number>/merge", "contents:write")
def put_merge(call: Call) -> Reply:
    method = call.given("merge_method", str, "merge")
    if method not in {"merge", "squash", "rebase"}:
        raise invalid("PullRequest", "merge_method")
    pull = pulls.merge(
        call.world,
        call.by,
        _number(call),
        sha=call.body.get("sha"),
        method=method,
        title=call.body.get("commit_title") or "",
        message=call.body.get("commit_message"),
    )
    sha = pull.merge.sha if pull.merge else ""
    return Reply(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@door("POST requested_reviewers", "/pulls/<number>/requested_reviewers", "pull_requests:write")
def post_reviewers(call: Call) -> Reply:
    people, teams = call.given("reviewers", list, []), call.given("team_reviewers", list, [])
    pull = pulls.request_reviews(call.world, call.by, _number(call), people, teams)
    return Reply(201, call.shapes().pull(pull))


@door("PATCH issue", "/issues/<number>", *TALK)
def patch_issue(call: Call) -> Reply:
    number = _number(call)
    pull: Pull = pulls.find(call.world.state, number)
    if "labels" in call.body:
        names = [one.get("name") if isinstance(one, dict) else one for one in call.given("labels", list)]
        pull = pulls.set_labels(call.world, call.by, number, names)
    if "assignees" in call.body:
        pull = pulls.set_assignees(call.world, call.by, number, call.given("assignees", list))
    if {"title", "body"} & call.body.keys():
        pull = pulls.edit(call.world, call.by, number, title=call.body.get("title"), body=_words(call.body))
    if call.body.get("state") == "closed":
        pull = pulls.close(call.world, call.by, number)
    elif call.body.get("state") == "open":
        pull = pulls.reopen(call.world, call.by, number)
    return Reply(200, call.shapes().issue(pull))


# Talk


@door("GET comments", "/issues/<number>/comments", "issues:read", "pull_requests:read")
def list_comments(call: Call) -> Reply:
    state = call.seen
    pull, shapes = pulls.find(state, _number(call)), call.shapes(state)
    rows = [state.comments[ident] for ident in pull.comments]
    return call.listed(rows, shapes.comment, f"{shapes.repo_api}/issues/{pull.number}/comments")


@door("POST comments", "/issues/<number>/comments", *TALK)
def post_comment(call: Call) -> Reply:
    said = pulls.comment(call.world, call.by, _number(call), call.body.get("body"))
    return Reply(201, call.shapes().comment(said))


@door("PATCH comment", "/issues/comments/<number>", *TALK)
def patch_comment(call: Call) -> Reply:
    said = call.world.state.comments.get(_number(call))
    if said is not None and said.author != call.by and not call.token.may("administration:write"):
        raise Refusal(403, "Resource not accessible by integration", kind="FORBIDDEN")
    return Reply(
        200, call.shapes().comment(pulls.edit_comment(call.world, call.by, _number(call), call.body.get("body")))
    )


@door("DELETE comment", "/issues/comments/<number>", *TALK)
def delete_comment(call: Call) -> Reply:
    said = call.world.state.comments.get(_number(call))
    if said is not None and said.author != call.by and not call.token.may("administration:write"):
        raise Refusal(403, "Resource not accessible by integration", kind="FORBIDDEN")
    pulls.delete_comment(call.world, call.by, _number(call))
    return Reply(204)


@door("POST statuses", "/statuses/<sha>", "statuses:write")
def post_status(call: Call) -> Reply:
    sha, state = call.parts["sha"], call.given("state", str)
    if call.world.store.kind(sha) != "commit":
        raise Refusal(422, f"No commit found for SHA: {sha}")
    if state not in {"error", "failure", "pending", "success"}:
        raise invalid("Status", "state", "state is not included in the list", "custom")
    description = call.body.get("description")
    if description is not None and len(description) > 140:
        raise invalid("Status", "description", "description is too long (maximum is 140 characters)", "custom")
    context = call.given("context", str, "default")
    said = pulls.set_status(call.world, call.by, sha, context, state, description, call.body.get("target_url"))
    return Reply(201, call.shapes().status(said, sha))

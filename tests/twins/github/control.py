"""What tests may do with the twin: its clock, its tokens and rules, people's acts, faults, and what it has counted."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from tests.twins.github import faults, pulls
from tests.twins.github.errors import Refusal
from tests.twins.github.interjections import PATIENCE, Interjection
from tests.twins.github.model import Rules
from tests.twins.github.service import Service
from tests.twins.github.signin import Token
from tests.twins.github.store import Person
from tests.twins.github.world import Move, World

Verb = Callable[..., Any]
VERBS: dict[str, Verb] = {}


def verb(act: Verb) -> Verb:
    VERBS[act.__name__] = act
    return act


def perform(service: Service, name: str, told: Mapping[str, Any]) -> Any:
    if name == "held":
        return service.interjections.held.wait(told.get("seconds", PATIENCE))
    with service.lock:
        service.world.sync()
        return VERBS[name](service, **told)


# Time and what was counted


@verb
def set_clock(service: Service, at: str | None) -> str:
    service.clock.set(datetime.fromisoformat(at) if at else None)
    return service.clock.now().isoformat()


@verb
def advance(service: Service, seconds: float) -> str:
    service.clock.advance(seconds)
    return service.clock.now().isoformat()


@verb
def now(service: Service) -> str:
    return service.clock.now().isoformat()


@verb
def requests(service: Service) -> list[list[Any]]:
    return service.requests


@verb
def reset_requests(service: Service) -> None:
    service.requests.clear()


@verb
def reset(service: Service, repo: str, log: str, owner: str, name: str) -> None:
    """Begin anew over another repository, with everything forgotten."""
    service.repo, service.log, service.owner, service.name = Path(repo), Path(log), owner, name
    service.clock.set(None)
    service.__post_init__()


@verb
def settings(service: Service, **limits: Any) -> None:
    for name, value in limits.items():
        if name not in {field.name for field in fields(service.world.settings)}:
            raise ValueError(f"no setting is named {name}")
        setattr(service.world.settings, name, value)


# Who may what


@verb
def token(service: Service, text: str, **told: Any) -> None:
    expires = told.pop("expires_at", None)
    scopes = told.pop("scopes", None)
    at = datetime.fromisoformat(expires) if expires else None
    service.signin.add(Token(text, expires_at=at, scopes=None if scopes is None else tuple(scopes), **told))
    service.world.user(told.get("login", "postbot[bot]"))


@verb
def revoke(service: Service, text: str) -> None:
    del service.signin.tokens[text]


@verb
def app(service: Service, **told: Any) -> None:
    """Set the App's `key` (PEM) and fields of `SignIn`: `app_id`, `installation`, `permissions` and so on."""
    key = told.pop("key", None)
    if key is not None:
        service.signin.set_key(key)
    for name, value in told.items():
        if name not in {"app_id", "client_id", "installation", "permissions", "suspended", "asked", "selection"}:
            raise ValueError(f"an App has no {name}")
        setattr(service.signin, name, value)


@verb
def people(service: Service, logins: list[str], collaborator: bool = True) -> None:
    for login in logins:
        service.world.user(login)
        (service.world.collaborators.add if collaborator else service.world.collaborators.discard)(login)


@verb
def teams(service: Service, slugs: list[str]) -> None:
    service.world.teams = set(slugs)


@verb
def rules(service: Service, branch: str = "main", **told: Any) -> None:
    asked: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    service.world.change(rules={**service.world.state.rules, branch: Rules(**asked)})


@verb
def repository(service: Service, **told: Any) -> None:
    """Set `archived`, `hidden`, `private`, `methods`, `delete_branch_on_merge`, `drafts`, `hooks`; `name` or `owner` renames."""
    state = service.world.state
    if {"name", "owner"} & told.keys():
        told["former"] = (*state.former, state.full_name)
    told = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    service.world.change(**told)


@verb
def rate(service: Service, core: int | None = None, graphql: int | None = None) -> None:
    """Set how many requests are left in this hour."""
    for resource, left in (("core", core), ("graphql", graphql)):
        if left is not None:
            service.limits.spent(resource)
            service.limits.used[resource] = service.limits.allowed[resource] - left


# Faults


@verb
def fault(service: Service, **told: Any) -> None:
    service.faults.waiting.append(faults.build(**told))


@verb
def heal(service: Service) -> None:
    """Every fault, lag, empty list and exhausted limit ends."""
    service.faults.waiting.clear()
    service.world.lag, service.empty_lists = 0, False
    service.limits.reset = None


@verb
def fired(service: Service) -> list[str]:
    return service.faults.fired


@verb
def lag(service: Service, seconds: float) -> None:
    service.world.start_lag(seconds)


@verb
def empty_lists(service: Service, on: bool = True) -> None:
    service.empty_lists = on


# What happens in the gaps


@verb
def interject(service: Service, endpoint: str | None, act: str, nth: int, when: str, told: Mapping[str, Any]) -> None:
    """Have a person do `act` just before or after the nth request of a route (None: any), counted from now."""

    def happen() -> str:
        try:
            return f"done: {perform(service, act, told)}"
        except Refusal as refusal:
            return f"refused: {refusal.message}"

    service.interjections.add(Interjection(happen, endpoint, nth, when))


@verb
def hold(service: Service, endpoint: str | None, nth: int, when: str) -> None:
    """Keep the asker of the nth request of a route waiting until `release`; others are served meanwhile."""
    service.interjections.held, service.interjections.released = Event(), Event()
    service.interjections.add(Interjection(service.interjections.hold, endpoint, nth, when))


@verb
def release(service: Service) -> None:
    service.interjections.waiting.clear()
    service.interjections.released.set()


@verb
def interjected(service: Service) -> list[str]:
    """What came of each interjection: `done: ` and its result, `refused: ` and GitHub's words, or nothing so far."""
    return [rule.outcome for rule in service.interjections.known]


# People's acts


@verb
def review(service: Service, number: int, verdict: str, body: str = "", by: str = "ann") -> int:
    return pulls.review(service.world, by, number, verdict, body).id  # type: ignore[arg-type]


@verb
def dismiss(service: Service, number: int, author: str, by: str = "ann") -> None:
    pulls.dismiss(service.world, by, number, author)


@verb
def close(service: Service, number: int, comment: str | None = None, by: str = "ann") -> None:
    if comment:
        pulls.comment(service.world, by, number, comment)
    pulls.close(service.world, by, number)


@verb
def reopen(service: Service, number: int, by: str = "ann") -> None:
    pulls.reopen(service.world, by, number)


@verb
def merge(
    service: Service, number: int, method: str = "merge", by: str = "ann", title: str = "", message: str | None = None
) -> str:
    done = pulls.merge(service.world, by, number, method=method, title=title, message=message)
    return done.merge.sha if done.merge else ""


@verb
def comment(service: Service, number: int, body: str, by: str = "ann") -> int:
    return pulls.comment(service.world, by, number, body).id


@verb
def chatter(service: Service, number: int, many: int, by: str = "ann") -> None:
    """So many comments, one after the other."""
    for at in range(many):
        pulls.comment(service.world, by, number, f"And another thing, number {at}.")


@verb
def edit_comment(service: Service, id: int, body: str, by: str = "ann") -> None:  # noqa: A002 - a comment's id
    pulls.edit_comment(service.world, by, id, body)


@verb
def delete_comment(service: Service, id: int, by: str = "ann") -> None:  # noqa: A002 - a comment's id
    pulls.delete_comment(service.world, by, id)


@verb
def edit(service: Service, number: int, title: str | None = None, body: str | None = None, by: str = "ann") -> None:
    pulls.edit(service.world, by, number, title=title, body=body)


@verb
def retarget(service: Service, number: int, base: str, by: str = "ann") -> None:
    """Have a pull request go to another branch."""
    found = pulls.find(service.world.state, number)
    if not found.open or found.base == base or base not in service.world.state.refs:
        raise Refusal(422, "Validation Failed")
    service.world.put(replace(found, base=base))
    service.world.effect("pull-retargeted", by, number=number)


@verb
def draft(service: Service, number: int, on: bool = True, by: str = "ann") -> None:
    pulls.set_draft(service.world, by, number, draft=on)


@verb
def label(service: Service, number: int, names: list[str], by: str = "ann") -> None:
    pulls.set_labels(service.world, by, number, names)


@verb
def make_label(service: Service, name: str, by: str = "ann") -> None:
    service.world.label(name, by)


@verb
def status(
    service: Service, sha: str, context: str, state: str, description: str | None = None, by: str = "ann"
) -> None:
    pulls.set_status(service.world, by, sha, context, state, description)


@verb
def check(service: Service, sha: str, name: str, conclusion: str | None = None, by: str = "ann") -> None:
    pulls.set_check(service.world, by, sha, name, conclusion)


@verb
def push(
    service: Service,
    branch: str,
    files: dict[str, str | None],
    by: str = "ann",
    message: str = "work",
    force_from: str | None = None,
    mode: int = 0o100644,
) -> str:
    """One commit on a branch (made from the default branch when new); with `force_from`, on that commit instead."""
    world = service.world
    tip = force_from or world.state.refs.get(branch) or world.state.refs.get(world.state.default_branch)
    sha = _commit(world, tip, files, by, message, mode)
    world.push([Move(branch, world.state.refs.get(branch), sha, force=True)], by)
    return sha


def _commit(
    world: World, tip: str | None, files: Mapping[str, str | None], by: str, message: str, mode: int = 0o100644
) -> str:
    store, user = world.store, world.user(by)
    blobs = {
        path: None if data is None else (mode, store.write_blob(data.encode("utf-8", "surrogateescape")))
        for path, data in files.items()
    }
    tree = store.write_tree(store.tree_of(tip) if tip else None, blobs)
    return store.write_commit(message, tree, [tip] if tip else [], Person(by, user.address), world.clock.now())


@verb
def amend(service: Service, branch: str, files: dict[str, str | None], by: str = "ann", mode: int = 0o100644) -> str:
    """Put these files into the newest commit of a branch and push it over the old one; its message stays."""
    world = service.world
    tip = world.state.refs.get(branch)
    if tip is None:
        raise Refusal(422, f"there is no branch {branch}")
    old = world.store.commit(tip)
    made = _commit(world, tip, files, by, "amended", mode)
    person = Person(by, world.user(by).address)
    tree, now = world.store.tree_of(made), world.clock.now()
    sha = world.store.write_commit(old.message, tree, [str(parent) for parent in old.parent_ids], person, now)
    world.push([Move(branch, tip, sha, force=True)], by)
    return sha


@verb
def delete_branch(service: Service, branch: str, by: str = "ann") -> None:
    service.world.push([Move(branch, None, None)], by)


@verb
def open_pull(
    service: Service, head: str, title: str = "A change", body: str = "", base: str = "main", by: str = "ann"
) -> int:
    return pulls.open_pull(service.world, by, title=title, body=body, head=head, base=base).number


@verb
def fork_pull(
    service: Service, head: str, files: dict[str, str | None], title: str = "A change", body: str = "", by: str = "eve"
) -> int:
    """A pull request from somebody's fork, out of a branch of that name there."""
    world = service.world
    sha = _commit(world, world.state.refs[world.state.default_branch], files, by, title)
    base = world.state.default_branch
    return pulls.open_pull(world, by, title=title, body=body, head=f"{head}@{sha}", base=base, fork=by).number


@verb
def pull(service: Service, number: int) -> dict[str, Any]:
    """What the twin knows of a pull request, for tests to look at."""
    found = service.world.state.pulls[number]
    said = [service.world.state.comments[ident] for ident in found.comments]
    return {
        "number": number,
        "title": found.title,
        "body": found.body or "",
        "state": "open" if found.open else "merged" if found.merge else "closed",
        "draft": found.draft,
        "author": found.author,
        "head": found.head,
        "sha": found.head_sha,
        "labels": list(found.labels),
        "assignees": list(found.assignees),
        "reviewers": list(found.reviewers),
        "comments": [{"id": one.id, "by": one.author, "body": one.body} for one in said],
        "merged_by": found.merge.by if found.merge else None,
    }


@verb
def pull_numbers(service: Service) -> list[int]:
    return sorted(service.world.state.pulls)

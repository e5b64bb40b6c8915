"""What can be done with a pull request, by the bot through the doors or by a person in the browser, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tests.twins.github.errors import Refusal, custom, invalid
from tests.twins.github.model import Check, Comment, Event, Merge, Pull, Review, State, Status
from tests.twins.github.store import Person, Store
from tests.twins.github.world import Move, World

LONGEST_TITLE = 256
LONGEST_BODY = 65_536
WEB_FLOW = Person("GitHub", "noreply@github.com")
DONE = {"success", "neutral", "skipped"}

Verdict = Literal["approve", "request_changes", "comment"]
VERDICTS = {"approve": "APPROVED", "request_changes": "CHANGES_REQUESTED", "comment": "COMMENTED"}


def check_words(resource: str, title: object = "-", body: object = "") -> None:
    if not isinstance(title, str) or not title.strip():
        raise invalid(resource, "title", code="missing_field")
    if len(title) > LONGEST_TITLE:
        raise invalid(resource, "title", f"title is too long (maximum is {LONGEST_TITLE} characters)", "custom")
    if body is not None and not isinstance(body, str):
        raise invalid(resource, "body")
    if body is not None and len(body) > LONGEST_BODY:
        raise invalid(resource, "body", f"body is too long (maximum is {LONGEST_BODY} characters)", "custom")


def open_pull(
    world: World,
    by: str,
    *,
    title: str,
    body: str | None,
    head: str,
    base: str,
    draft: bool = False,
    fork: str | None = None,
) -> Pull:
    """Open a pull request. `head` is a branch, or with `fork` (its owner) a commit in that fork named `head`@sha."""
    check_words("PullRequest", title, body)
    branch, _, sha = head.partition("@") if fork else (head, "", "")
    tip = sha or world.state.refs.get(branch)
    if tip is None:
        raise invalid("PullRequest", "head")
    if base not in world.state.refs:
        raise invalid("PullRequest", "base")
    if draft and not world.state.drafts:
        raise custom("PullRequest", "Draft pull requests are not supported in this repository.")
    _refuse_second(world, branch, base, fork, None)
    if world.store.merge_base(world.state.refs[base], tip) is None:
        raise custom("PullRequest", f"The {head} branch has no history in common with {base}")
    if world.store.contains(world.state.refs[base], tip):
        raise custom("PullRequest", f"No commits between {base} and {head}")
    now = world.moment()
    number = 1 + max(world.state.pulls, default=0)
    pull = Pull(world.new_id(), number, by, title, body, draft, branch, tip, base, now, now, fork)
    world.put(pull, touch=False)
    world.store.mergeable(world.state.refs[base], tip)  # worked out once, in the background as it were
    world.effect("pull-opened", by, number=number, branch=branch, sha=tip)
    return pull


def _refuse_second(world: World, head: str, base: str, fork: str | None, number: int | None) -> None:
    for other in world.state.pulls.values():
        if other.open and (other.head, other.base, other.fork) == (head, base, fork) and other.number != number:
            raise custom("PullRequest", f"A pull request already exists for {fork or world.state.owner}:{head}.")


def find(state: State, number: int) -> Pull:
    if number not in state.pulls:
        raise Refusal(404, "Not Found", kind="NOT_FOUND")
    return state.pulls[number]


def edit(world: World, by: str, number: int, *, title: str | None = None, body: str | None = None) -> Pull:
    pull = find(world.state, number)
    new = replace(pull, title=pull.title if title is None else title, body=pull.body if body is None else body)
    check_words("PullRequest", new.title, new.body)
    if new == pull:
        return pull
    world.effect("pull-edited", by, number=number)
    return world.put(new)


def set_draft(world: World, by: str, number: int, *, draft: bool) -> Pull:
    pull = find(world.state, number)
    if not pull.open:
        raise Refusal(422, "Pull request is closed")
    if pull.draft == draft:
        raise Refusal(422, "Pull request is already a draft" if draft else "Pull request is not a draft")
    world.effect("pull-drafted" if draft else "pull-readied", by, number=number)
    return world.put(replace(pull, draft=draft))


def close(world: World, by: str, number: int) -> Pull:
    pull = find(world.state, number)
    return world.end(pull, by) if pull.open else pull


def reopen(world: World, by: str, number: int) -> Pull:
    pull = find(world.state, number)
    if pull.open:
        return pull
    head, base = pull.head_sha if pull.fork else world.state.refs.get(pull.head), world.state.refs.get(pull.base)
    why = None
    if pull.merge:
        why = "The pull request has been merged."
    elif head is None:
        why = f"The {pull.head} branch has been deleted."
    elif base is None:
        why = f"The {pull.base} branch has been deleted."
    elif not world.store.contains(head, pull.head_sha):
        why = f"The {pull.head} branch was force-pushed or recreated."
    elif world.store.contains(base, head):
        why = f"There are no new commits on the {pull.head} branch."
    if why:
        raise invalid("PullRequest", "state", f"state cannot be changed. {why}")
    _refuse_second(world, pull.head, pull.base, pull.fork, number)
    events = (*pull.events, Event("reopened", by, world.clock.now()))
    world.effect("pull-reopened", by, number=number, branch=pull.head, sha=head)
    return world.put(replace(pull, closed_at=None, ended_base=None, head_sha=head or "", events=events))


def comment(world: World, by: str, number: int, body: object) -> Comment:
    pull = find(world.state, number)
    if not isinstance(body, str) or not body.strip():
        raise invalid("IssueComment", "body", code="missing_field")
    check_words("IssueComment", body=body)
    now = world.moment()
    said = Comment(world.new_id(), number, by, body, now, now)
    world.change(comments={**world.state.comments, said.id: said})
    world.put(replace(pull, updated_at=now, comments=(*pull.comments, said.id)), touch=False)
    world.effect("comment", by, number=number, id=said.id)
    return said


def edit_comment(world: World, by: str, ident: int, body: object) -> Comment:
    if ident not in world.state.comments:
        raise Refusal(404, "Not Found", kind="NOT_FOUND")
    if not isinstance(body, str) or not body.strip():
        raise invalid("IssueComment", "body", code="missing_field")
    check_words("IssueComment", body=body)
    said = replace(world.state.comments[ident], body=body, updated_at=world.clock.now())
    world.change(comments={**world.state.comments, ident: said})
    world.put(world.state.pulls[said.pull])
    world.effect("comment-edited", by, number=said.pull, id=ident)
    return said


def delete_comment(world: World, by: str, ident: int) -> None:
    if ident not in world.state.comments:
        raise Refusal(404, "Not Found", kind="NOT_FOUND")
    said = world.state.comments[ident]
    pull = world.state.pulls[said.pull]
    world.change(comments={key: one for key, one in world.state.comments.items() if key != ident})
    world.put(replace(pull, comments=tuple(one for one in pull.comments if one != ident)))
    world.effect("comment-deleted", by, number=said.pull, id=ident)


def review(world: World, by: str, number: int, verdict: Verdict, body: str = "") -> Review:
    pull = find(world.state, number)
    if by == pull.author and verdict != "comment":
        raise Refusal(422, "Unprocessable Entity", ["Can not approve your own pull request"])
    said = Review(world.new_id(), by, VERDICTS[verdict], body, pull.head_sha, world.clock.now())
    asked = tuple(login for login in pull.reviewers if login != by)
    world.put(replace(pull, reviews=(*pull.reviews, said), reviewers=asked))
    world.effect("review", by, number=number, verdict=verdict, sha=pull.head_sha)
    return said


def dismiss(world: World, by: str, number: int, author: str) -> None:
    """Take back a person's approvals or requests for changes."""
    pull = find(world.state, number)
    reviews = tuple(replace(one, state="DISMISSED") if one.author == author else one for one in pull.reviews)
    world.put(replace(pull, reviews=reviews))
    world.effect("review-dismissed", by, number=number, author=author)


def request_reviews(world: World, by: str, number: int, people: Sequence[str], teams: Sequence[str]) -> Pull:
    pull = find(world.state, number)
    if pull.author in people:
        raise Refusal(422, "Review cannot be requested from pull request author.")
    if not set(people) <= world.collaborators or not set(teams) <= world.teams:
        raise Refusal(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not "
            f"a collaborator of the {world.state.full_name} repository.",
        )
    world.effect("review-requested", by, number=number, reviewers=[*people, *teams])
    new = replace(pull, reviewers=_joined(pull.reviewers, people), teams=_joined(pull.teams, teams))
    return world.put(new)


def set_labels(world: World, by: str, number: int, names: Sequence[object]) -> Pull:
    """Make these the labels; what is not there yet is made."""
    pull = find(world.state, number)
    for name in names:
        if not isinstance(name, str) or not name.strip() or len(name) > 50:
            raise invalid("Label", "name", value=name)
    labels = _joined((), [world.label(str(name), by).name for name in names])
    if labels == pull.labels:
        return pull
    world.effect("labelled", by, number=number, labels=list(labels))
    return world.put(replace(pull, labels=labels))


def set_assignees(world: World, by: str, number: int, logins: Sequence[str]) -> Pull:
    pull = find(world.state, number)
    for login in logins:
        if login not in world.collaborators:
            raise invalid("Issue", "assignees", value=login)
    if tuple(logins) == pull.assignees:
        return pull
    world.effect("assigned", by, number=number, assignees=list(logins))
    return world.put(replace(pull, assignees=tuple(logins)))


def _joined(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*one, *other]))


def set_status(
    world: World, by: str, sha: str, context: str, state: str, description: str | None = None, target: str | None = None
) -> Status:
    said = Status(world.new_id(), context, state, description, target, by, world.clock.now())
    world.change(statuses={**world.state.statuses, sha: (*world.state.statuses.get(sha, ()), said)})
    world.effect("status", by, sha=sha, context=context, state=state)
    return said


def set_check(world: World, by: str, sha: str, name: str, conclusion: str | None) -> Check:
    """Report a check run; without a conclusion it is still running."""
    done = "completed" if conclusion else "in_progress"
    said = Check(world.new_id(), sha, name, done, conclusion, world.clock.now())
    others = tuple(one for one in world.state.checks.get(sha, ()) if one.name != name)
    world.change(checks={**world.state.checks, sha: (*others, said)})
    world.effect("check", by, sha=sha, name=name, conclusion=conclusion)
    return said


def latest_statuses(state: State, sha: str) -> list[Status]:
    """The newest status of each context."""
    return list({one.context: one for one in state.statuses.get(sha, ())}.values())


def opinions(pull: Pull) -> list[Review]:
    """The newest approval or refusal of each person."""
    said = [one for one in pull.reviews if one.state != "COMMENTED"]
    return list({one.author: one for one in said}.values())


# Merging


def unmet(world: World, state: State, pull: Pull) -> list[str]:
    """What the rules of the base branch still ask for, in GitHub's words."""
    rules = state.rules.get(pull.base)
    if rules is None:
        return []
    said = [one for one in opinions(pull) if one.author in world.collaborators]
    approvals = sum(one.state == "APPROVED" for one in said)
    missing = []
    if rules.approvals > approvals:
        missing.append(f"At least {rules.approvals} approving review is required by reviewers with write access.")
    if rules.approvals and any(one.state == "CHANGES_REQUESTED" for one in said):
        missing.append("Changes must be resolved before merging: changes were requested.")
    results = _results(state, pull.head_sha)
    for context in rules.statuses:
        if results.get(context) is None:
            missing.append(f'Required status check "{context}" is expected.')
        elif results[context] != "success":
            missing.append(f'Required status check "{context}" is {results[context]}.')
    return missing


def _results(state: State, sha: str) -> dict[str, str]:
    """`success`, `pending` or `failing` by the name of the status or check."""
    found = {
        one.context: {"success": "success", "pending": "pending"}.get(one.state, "failing")
        for one in latest_statuses(state, sha)
    }
    for check in state.checks.get(sha, ()):
        found[check.name] = (
            "pending" if check.conclusion is None else "success" if check.conclusion in DONE else "failing"
        )
    return found


def merge_state(world: World, state: State, pull: Pull) -> str:
    """GitHub's mergeStateStatus."""
    base = world.base_of(pull, state)
    if not pull.open or not world.asked(pull, base):
        return "UNKNOWN"
    rules = state.rules.get(pull.base)
    if not world.store.mergeable(base, pull.head_sha):
        return "DIRTY"
    if pull.draft:
        return "DRAFT"
    if unmet(world, state, pull):
        return "BLOCKED"
    if rules and rules.strict and not world.store.contains(pull.head_sha, base):
        return "BEHIND"
    return "CLEAN" if set(_results(state, pull.head_sha).values()) <= {"success"} else "UNSTABLE"


def merge(
    world: World,
    by: str,
    number: int,
    *,
    sha: str | None = None,
    method: str = "merge",
    title: str = "",
    message: str | None = None,
) -> Pull:
    pull = find(world.state, number)
    base = world.state.refs.get(pull.base, "")
    _may_merge(world, pull, base, sha, method)
    tip = _merged(world, by, pull, base, method, (title, message))
    try:
        world.push([Move(pull.base, base, tip)], by, landing=number)
    except Refusal:
        raise Refusal(405, "Base branch was modified. Review and try the merge again.") from None
    pull = world.end(replace(pull, ended_base=base), by, Merge(by, world.clock.now(), tip))
    if world.state.delete_branch_on_merge and not pull.fork and pull.head in world.state.refs:
        world.push([Move(pull.head, None, None)], by)
    return pull


def _may_merge(world: World, pull: Pull, base: str, sha: str | None, method: str) -> None:
    if not pull.open:
        raise Refusal(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Refusal(405, "Pull Request is still a draft")
    if sha is not None and sha != pull.head_sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    if method not in world.state.methods or method not in world.rules(pull.base).methods:
        raise Refusal(405, f"{method.capitalize()} merges are not allowed on this repository.")
    if not world.store.mergeable(base, pull.head_sha):
        raise Refusal(405, "Pull Request is not mergeable")
    missing = unmet(world, world.state, pull)
    if world.rules(pull.base).strict and not world.store.contains(pull.head_sha, base):
        missing.append("Head branch is not up to date with the base branch.")
    if missing:
        raise Refusal(405, missing[0])


def _merged(world: World, by: str, pull: Pull, base: str, method: str, words: tuple[str, str | None]) -> str:
    """The commit that base shall stand at."""
    store, at = world.store, world.clock.now()
    who = _person(world, by)
    if method == "rebase":
        return _rebased(store, world, pull, base)
    tree = store.merged_tree(base, pull.head_sha)
    if tree is None:
        raise Refusal(405, "Pull Request is not mergeable")
    title, message = words
    if method == "squash":
        title = title or f"{pull.title} (#{pull.number})"
        author = _person(world, pull.author)
        text = _message(title, store.commit(pull.head_sha).message if message is None else message)
        return world.made_now(store.write_commit(text, tree, [base], author, at, WEB_FLOW))
    title = title or f"Merge pull request #{pull.number} from {pull.fork or world.state.owner}/{pull.head}"
    text = _message(title, pull.title if message is None else message)
    return world.made_now(store.write_commit(text, tree, [base, pull.head_sha], who, at, WEB_FLOW))


def _rebased(store: Store, world: World, pull: Pull, base: str) -> str:
    tip = base
    for oid in store.ahead(pull.head_sha, base):
        tree = store.replay(oid, tip)
        if tree is None:
            raise Refusal(405, "This branch can't be rebased")
        one = store.commit(oid)
        author = Person(one.author.name, one.author.email)
        tip = store.write_commit(one.message, tree, [tip], author, world.clock.now(), WEB_FLOW)
    return world.made_now(tip)


def _message(title: str, body: str) -> str:
    return f"{title}\n\n{body}" if body else title


def _person(world: World, login: str) -> Person:
    user = world.user(login)
    return Person(user.login, user.address)

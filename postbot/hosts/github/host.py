"""GitHub as a host: the site as its base branch shows it, and our pull requests as GitHub keeps them.

Everything is derived from GitHub at each look; nothing is remembered that could not be read again. One question tells
whether anything moved; if it did, one query shows the base branch and the pull requests, and only files that changed
are read. Every act first looks at all that it depends on, in one query, and then does the least. Refs are moved by
compare-and-swap, pull requests are merged by the id of their head, and no write is sent twice: what an answer that was
lost has done, the next look shows, and the same act then goes on from there.

Ours is a pull request that this sign-in made, from a `postbot/` branch of this very repository; it is untouched while
its files are those that its own commit names (`claims`). Bodies, titles and labels are never believed.
"""

import base64
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as Folder
from typing import Any, Final

from postbot.core.site import ChangeSet, Path, Pull, PullStatus, Snapshot, Standing
from postbot.hosts import HostError, Refused
from postbot.hosts.github import claims, queries
from postbot.hosts.github.api import Api, Conflict, NotFound, Reply, read_as
from postbot.hosts.github.claims import Blobs
from postbot.hosts.github.pulls import WITHDRAWN, comment, hindrance, labels, meant, plain, touched
from postbot.hosts.github.queries import ABSENT, VERDICT, Leaf, PullNode, Scene
from postbot.hosts.github.stage import Stage, oid_of
from postbot.hosts.github.store import Store
from postbot.hosts.github.watch import Watch
from postbot.hosts.tree import PREFIX, blob_id, is_branch, is_safe
from postbot.progress import Step, doing

_WAITS: Final = (1, 2)
"""Seconds to wait for GitHub to work out whether a pull request can be merged."""
_LANDED: Final = "What this changes is published already, so there is nothing left to merge."


@dataclass(frozen=True, slots=True)
class Habits:
    """How pull requests are made and merged here. People and teams are GitHub logins, a team as `org/team`."""

    merge_method: str = "squash"
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    verdicts: bool = False


class GitHubHost:
    """The site in one repository on GitHub: `base` is the published branch, `folders` hold the postings.

    Every method raises `HostError` when GitHub cannot be asked, and `Refused` when the act did not happen or nobody
    can tell whether it did; the next look tells. Instants are GitHub's own; `now` is not used here.
    """

    def __init__(
        self,
        api: Api,
        base: str = "main",
        folders: tuple[str, ...] = (),
        *,
        habits: Habits = Habits(),
        cache: Folder | None = None,
    ) -> None:
        self.api = api
        self.base = base
        self._habits = habits
        self._said: dict[int, queries.Written] = {}
        self._store = Store(api, cache)
        self._watch = Watch(api, base, folders, self._store, verdicts=habits.verdicts)

    def look(self, previous: Snapshot | None = None) -> Snapshot:
        """Return the site and our pull requests: `previous` itself, by one request, if nothing moved."""
        return self._watch.look(previous)

    def guard(self, demand: Callable[[], None]) -> None:
        """Have each write demand first that the work is still ours.

        GitHub would make a pull request anew whose branch somebody else has made, merged and deleted meanwhile.
        """
        self.api.guard(demand)

    def clock(self) -> datetime | None:
        """GitHub's own clock, as of its last answer and what has passed since."""
        return self.api.clock()

    def read(self, path: Path) -> bytes | None:
        """A file of the base branch as its tip has it; None where there is no such file."""
        if not is_safe(path):
            raise HostError(f"{path!r} is no path inside the repository.")
        return self._watch.read(path)

    def propose(self, change: ChangeSet, now: datetime) -> Pull:
        """Make or refresh the one pull request of `change.branch`, on top of the base branch as it is now."""
        del now
        _demand_names(change)
        stage = self._stage(change.branch, {*change.before, *change.after})
        files = self._wanted(stage, change)
        pull = self._renewable(stage, change)
        self._watch.moved = True
        head = self._committed(stage, pull, change, files)
        return self._presented(pull, change, files, head)

    def merge(self, pull: Pull, now: datetime) -> None:
        """Merge a pull request that is still as we made it and as `pull` shows it, if GitHub has it green."""
        del now
        stage, node = self._worked_out(pull)
        if not self._watch.is_untouched(node) or node.head_ref_oid != pull.head:
            raise Refused(f"Pull request #{pull.number} has been changed since; a person must merge it.")
        for path in pull.paths:
            if stage.has_moved(path):
                raise Refused(f"{path} has changed on {self.base} since; it was not merged.")
        self._watch.moved = True  # what stands in the way may have moved nothing, as a check does that ends
        self._demand_green(stage, node)
        self._merge(node)
        self._drop(stage.id, pull.branch, pull.head)

    def _worked_out(self, pull: Pull) -> tuple[Stage, PullNode]:
        """What stands, once GitHub has worked out whether it can be merged; GitHub takes its time for that."""
        for wait in (*_WAITS, None):
            stage = self._stage(pull.branch, pull.paths)
            node = self._open(stage, pull.number)
            if node.merge_state_status != "UNKNOWN" or wait is None:
                break
            time.sleep(wait)  # GitHub works it out in the background, once it was asked
        return stage, node

    def withdraw(self, pull: Pull, reason: str, now: datetime) -> None:
        """Take a pull request back; its branch goes too, unless people have added to it."""
        del now
        stage = self._stage(pull.branch, pull.paths)
        self._open(stage, pull.number)
        self._watch.moved = True
        self._say(pull.number, WITHDRAWN + reason)
        self.api.write("PATCH", f"/pulls/{pull.number}", {"state": "closed"})
        if pull.untouched and stage.head == pull.head:
            self._drop(stage.id, pull.branch, pull.head)

    def tidy(self, pull: Pull, now: datetime) -> None:
        """Delete the branch of a pull request that has ended, unless people have gone on with it."""
        del now
        stage = self._stage(pull.branch, ())
        if stage.head != pull.head:
            raise Refused(f"The branch {pull.branch} is not as it was; it was left alone.")
        self._watch.moved = True
        node = stage.pull(self.base)
        if node is not None and node.number == pull.number and node.state == "OPEN":
            self._say(pull.number, _LANDED)
        self._move(stage.id, pull.branch, pull.head, ABSENT)

    def note(self, pull: Pull, standing: Standing, now: datetime) -> None:
        """Keep what we say beside a pull request up to date: one comment, rewritten, and a verdict if there is one."""
        del now
        self._open(self._stage(pull.branch, pull.paths), pull.number)
        self._watch.moved = True
        if standing.words != pull.standing.words:
            self._say(pull.number, standing.words)
        verdict = (standing.approved, standing.verdict)
        if standing.approved is not None and verdict != (pull.standing.approved, pull.standing.verdict):
            state = "success" if standing.approved else "pending"
            body = {"state": state, "context": VERDICT, "description": standing.verdict[:140]}
            self.api.write("POST", f"/statuses/{pull.head}", body)

    # What is done

    def _stage(self, branch: str, paths: Iterable[str]) -> Stage:
        asked = sorted({*paths, *(folder for path in paths for folder in _folders_above(path))})
        text = queries.scene(asked, verdicts=self._habits.verdicts)
        where = {"branch": f"refs/heads/{branch}", "head": branch, "base": self._watch.base_ref}
        seen, _ = self.api.query(text, Scene, **self._watch.names, **where)
        if seen.repository.base is None:
            raise HostError(f"{self.api.repository} has no branch {self.base!r}; name the published one with `base`.")
        self._watch.viewer = seen.viewer.name
        stage = Stage(seen, asked)
        for commit, path, leaf in stage.shown():
            self._watch.remember(commit, path, leaf)
        return stage

    def _wanted(self, stage: Stage, change: ChangeSet) -> Blobs:
        """The files to set, by path; refuse if the base branch has other bytes by now."""
        for path in {*change.before, *change.after}:
            if not _holds(stage.now(path), change.before.get(path)):
                raise Refused(f"{path} has changed on {self.base} since this was planned; the change was not made.")
            if any((above := stage.now(folder)) and above.type != "tree" for folder in _folders_above(path)):
                raise Refused(f"A file and a folder of the same name are in the way on {self.base}.")
        files = {path: None if data is None else blob_id(data, ABSENT) for path, data in change.after.items()}
        wanted = {path: blob for path, blob in files.items() if oid_of(stage.now(path)) != blob}
        if not wanted:
            raise HostError(f"{change.branch} would change nothing.")
        return wanted

    def _renewable(self, stage: Stage, change: ChangeSet) -> PullNode | None:
        """The pull request of this branch that may be brought up to date or opened again; None if there is none."""
        node = stage.pull(self.base)
        if node is None:
            if gone := stage.elsewhere(self.base):
                raise Refused(f"Pull request #{gone.number} goes to {gone.base_ref_name} by now; it was left as it is.")
            if stage.head and not stage.is_own_branch():
                raise Refused(f"The branch {change.branch} holds commits of somebody else; it was left as it is.")
            return None
        self._watch.learn_heads([node], stage.tip)
        status = self._watch.status(node, stage.tip, self._base_blobs(stage, node))
        again = status is PullStatus.REJECTED and change.again
        if status in (PullStatus.MERGED, PullStatus.REJECTED) and not again:
            raise Refused(f"Pull request #{node.number} is already {status}.")
        # Of what has ended only the branch counts: what people have left there is theirs.
        touched_by_people = status is PullStatus.OPEN and not self._watch.is_untouched(node)
        if touched_by_people or (stage.head and not stage.is_own_branch()):
            raise Refused(f"The branch {change.branch} holds commits of somebody else; it was left as it is.")
        return node

    def _base_blobs(self, stage: Stage, node: PullNode) -> dict[str, str]:
        blobs = {path: self._watch.blob_at(stage.tip, path) for path in touched(node)}
        return {path: blob for path, blob in blobs.items() if blob}

    def _committed(self, stage: Stage, pull: PullNode | None, change: ChangeSet, files: Blobs) -> str:
        """Have the branch point at a commit of ours that makes this change, and return its id."""
        message = claims.stated(change.message, files, _modes(stage, files), draft=change.draft)
        there = stage.head
        if pull and not there:
            # GitHub opens a pull request again only while its branch is where it was.
            self._move(stage.id, change.branch, ABSENT, pull.head_ref_oid)
            there = pull.head_ref_oid
        if pull and pull.state != "OPEN":
            self.api.write("PATCH", f"/pulls/{pull.number}", {"state": "open"})
        self._drafted(pull, change)
        if there and self._makes(pull, stage, there, message):
            return there
        with doing(Step.COMMIT):
            commit = self._commit(stage, change, files, message)
        self._move(stage.id, change.branch, there or ABSENT, commit)
        return commit

    def _drafted(self, pull: PullNode | None, change: ChangeSet) -> None:
        """Have an open pull request be a draft or not, before its files change: those show that there is more to do."""
        if pull is None or pull.is_draft == change.draft or pull.last_commit is None:
            return
        if claims.is_draft(pull.last_commit.message) != change.draft:  # else a person has made it what it is
            self.api.mutate(queries.TO_DRAFT if change.draft else queries.READY, pull=pull.id)

    def _makes(self, pull: PullNode | None, stage: Stage, head: str, message: str) -> bool:
        """Whether the commit at the head makes this change already, of the very files that the base branch has now.

        Where its branch has only just been put back nobody knows yet what is below that; the next look tells.
        """
        moved = bool(stage.head) and any(map(stage.has_moved, claims.read(message)))
        last = pull.last_commit.message if pull and pull.last_commit and pull.last_commit.oid == head else stage.message
        return last.rstrip() == message.rstrip() and not moved

    def _commit(self, stage: Stage, change: ChangeSet, files: Blobs, message: str) -> str:
        """Make the commit on top of the base branch. https://docs.github.com/en/rest/git/trees#create-a-tree."""
        items = [self._item(stage.now(path), path, change.after[path], blob) for path, blob in files.items()]
        tree = self.api.write("POST", "/git/trees", {"base_tree": stage.tree, "tree": items})
        body = {"message": message, "tree": _sha(tree), "parents": [stage.tip]}
        commit = _sha(self.api.write("POST", "/git/commits", body))
        for path, blob in files.items():
            leaf = Leaf(oid=blob, mode=_mode(stage.now(path)), type="blob") if blob else None
            self._watch.remember(commit, path, leaf)
            if blob and (data := change.after[path]) is not None:
                self._store.keep(data, blob)
        return commit

    def _item(self, present: Leaf | None, path: str, data: bytes | None, blob: str | None) -> dict[str, Any]:
        item = _named(present, path)
        if data is None:
            return item | {"sha": None}
        try:
            return item | {"content": data.decode()}
        except UnicodeDecodeError:
            text = base64.b64encode(data).decode()
            made = self.api.write("POST", "/git/blobs", {"content": text, "encoding": "base64"})
            if _sha(made) != blob:
                raise Refused(f"GitHub took {path} for other bytes than were sent; it was not used.") from None
            return item | {"sha": blob}

    def _presented(self, pull: PullNode | None, change: ChangeSet, files: Blobs, head: str) -> Pull:
        """Have the pull request say what the change set says, and return it as the next look will show it."""
        if pull is not None:
            self._reworded(pull, change)
            self._dressed(pull.number, labels(pull), change)
            return self._shown_again(change, head)
        with doing(Step.PULL):
            made = self._opened(change)
        return Pull(
            number=made.number,
            branch=change.branch,
            title=change.title,
            body=plain(change.body),
            status=PullStatus.OPEN,
            head=head,
            untouched=True,
            opened_at=made.created_at.astimezone(UTC),
            labels=self._dressed(made.number, (), change),
            files={path: change.after[path] for path in files},
            paths=tuple(sorted(files)),
            draft=made.draft,
            url=made.html_url,
        )

    def _shown_again(self, change: ChangeSet, head: str) -> Pull:
        stage = self._stage(change.branch, change.after)
        node = stage.pull(self.base)
        if node is None:
            raise Refused(f"GitHub does not show the pull request of {change.branch} just now; the next look tells.")
        if node.state != "OPEN":
            if stage.head == head != node.head_ref_oid:  # a person ends it as it was, and may open it again as it was
                self._move(stage.id, change.branch, head, node.head_ref_oid)
            raise Refused(f"Pull request #{node.number} has ended meanwhile; it was left as it was.")
        self._watch.learn_heads([node], stage.tip)
        blobs = {blob: str(path) for path, blob in self._watch.after(node).items() if blob}
        return self._watch.pull(node, PullStatus.OPEN, self._store.contents(blobs, stage.tip))

    def _opened(self, change: ChangeSet) -> queries.Opened:
        """Open the pull request. https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request."""
        wanted = {"title": change.title, "body": change.body, "head": change.branch, "base": self.base}
        try:
            reply = self.api.write("POST", "/pulls", wanted | {"draft": change.draft})
        except Conflict as refusal:
            # Not every repository may have drafts: then it is open, and it says what is missing all the same.
            if not change.draft or "draft" not in str(refusal).lower():
                raise
            reply = self.api.write("POST", "/pulls", wanted)
        return read_as(queries.Opened, reply.data)

    def _reworded(self, pull: PullNode, change: ChangeSet) -> None:
        if (pull.title, plain(pull.body)) != (change.title, plain(change.body)):
            self.api.write("PATCH", f"/pulls/{pull.number}", {"title": change.title, "body": change.body})

    def _dressed(self, number: int, present: tuple[str, ...], change: ChangeSet) -> tuple[str, ...]:
        """Ask for reviewers, then set labels and assignees: a pull request that lacks our labels is not finished."""
        known = {label.casefold() for label in present}  # as GitHub compares them
        lacking = [label for label in (*change.labels, *self._habits.labels) if label.casefold() not in known]
        if not lacking:
            return present
        with doing(Step.DRESS):
            if self._habits.reviewers and known.isdisjoint(label.casefold() for label in change.labels):
                self._ask_for_reviews(number)
            return self._labelled(number, [*present, *dict.fromkeys(lacking)])

    def _labelled(self, number: int, labels: list[str]) -> tuple[str, ...]:
        body = {"labels": labels}
        people = {"assignees": list(self._habits.assignees)} if self._habits.assignees else {}
        reply = self.api.write("PATCH", f"/issues/{number}", body | people)
        return tuple(sorted(label.name for label in read_as(queries.Labelled, reply.data).labels))

    def _ask_for_reviews(self, number: int) -> None:
        """Somebody who cannot be asked is no reason to stop; `postbot doctor` names them."""
        teams = [name.partition("/")[2] for name in self._habits.reviewers if "/" in name]
        people = [name for name in self._habits.reviewers if "/" not in name]
        for body in [{"reviewers": [name]} for name in people] + [{"team_reviewers": [name]} for name in teams]:
            with suppress(Conflict):  # one who cannot be asked keeps nobody else from being asked
                self.api.write("POST", f"/pulls/{number}/requested_reviewers", body)

    def _demand_green(self, stage: Stage, node: PullNode) -> None:
        if node.is_draft:
            raise Refused(f"Pull request #{node.number} is a draft; it was not merged.")
        if node.merge_state_status == "BEHIND":
            self._watch.moved = True
            self._move(stage.id, node.head_ref_name, node.head_ref_oid, self._on_top(stage, node))
            raise Refused(f"Pull request #{node.number} was brought up to date; it is merged once it is green again.")
        if node.merge_state_status == "UNKNOWN":
            raise Refused(f"GitHub does not say yet whether #{node.number} can be merged; the next tick asks again.")
        if blocked := hindrance(node):
            raise Refused(f"Pull request #{node.number} was not merged. {blocked}")

    def _on_top(self, stage: Stage, node: PullNode) -> str:
        """The same commit of ours on top of the base branch as it is now."""
        assert node.last_commit is not None  # only an untouched one is merged, and that has a commit of ours
        files = self._watch.after(node)
        items = [_named(stage.now(path), path) | {"sha": blob} for path, blob in files.items()]
        tree = self.api.write("POST", "/git/trees", {"base_tree": stage.tree, "tree": items})
        message = claims.stated(node.last_commit.message, files, _modes(stage, files), draft=False)
        body = {"message": message, "tree": _sha(tree), "parents": [stage.tip]}
        return _sha(self.api.write("POST", "/git/commits", body))

    def _merge(self, node: PullNode) -> None:
        """Merge, by the id of the head. https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request."""
        assert node.last_commit is not None  # only an untouched one is merged, and that has a commit of ours
        subject, _, trailers = node.last_commit.message.partition("\n\n")  # not its title, which people may edit
        body = {
            "sha": node.head_ref_oid,
            "merge_method": self._habits.merge_method,
            "commit_title": f"{subject} (#{node.number})",
            "commit_message": trailers,
        }
        self.api.write("PUT", f"/pulls/{node.number}/merge", body)

    def _open(self, stage: Stage, number: int) -> PullNode:
        """Return the pull request of this stage if it is still open, or refuse."""
        node = stage.pull(self.base)
        if node is None or node.number != number:
            raise Refused(f"There is no pull request #{number} of this branch in {self.api.repository}.")
        self._watch.learn_heads([node], stage.tip)
        status = self._watch.status(node, stage.tip, self._base_blobs(stage, node))
        if status is not PullStatus.OPEN:
            raise Refused(f"Pull request #{number} is already {status}.")
        return node

    def _say(self, number: int, words: str) -> None:
        """Write the one comment of ours, or write it anew. https://docs.github.com/en/rest/issues/comments."""
        mine = self._said_on(number) or self._said.get(number)
        body = {"body": comment(words)}
        if mine is not None and (meant(mine.body) or "").startswith(WITHDRAWN) and words.startswith(WITHDRAWN):
            return  # the first reason was the true one; what follows from it looks like another
        if mine is None and words:
            made = self.api.write("POST", f"/issues/{number}/comments", body)
            self._said[number] = read_as(queries.Written, made.data)
            self._give_way(number, self._said[number])
        elif mine is not None and meant(mine.body) != words:
            self._say_anew(number, mine, body)

    def _said_on(self, number: int) -> queries.Written | None:
        """The oldest comment of ours on a pull request; a listing may be late to show the newest."""
        listed = [read_as(queries.Written, each) for each in self.api.pages(f"/issues/{number}/comments")]
        return next((each for each in listed if self._is_me(each) and meant(each.body) is not None), None)

    def _give_way(self, number: int, made: queries.Written) -> None:
        """Take our comment away again if another of us was first: of two at work, both may have found none."""
        first = self._said_on(number)
        if first is not None and first.id < made.id:
            self.api.write("DELETE", f"/issues/comments/{made.id}", {})
            self._said[number] = first

    def _say_anew(self, number: int, mine: queries.Written, body: dict[str, str]) -> None:
        try:
            made = self.api.write("PATCH", f"/issues/comments/{mine.id}", body)
        except NotFound:
            self._said.pop(number, None)
            raise Refused(f"Our comment on #{number} has been taken away; the next look says it again.") from None
        self._said[number] = read_as(queries.Written, made.data)

    def _is_me(self, comment: queries.Written) -> bool:
        return comment.user is not None and comment.user.name == self._watch.viewer

    def _move(self, repository: str, branch: str, before: str, after: str) -> None:
        """Move a branch of ours, only if it is still at `before`.

        https://docs.github.com/en/graphql/reference/mutations#updaterefs.
        """
        update = {"name": f"refs/heads/{branch}", "beforeOid": before, "afterOid": after, "force": True}
        with doing(Step.BRANCH):
            self.api.mutate(queries.UPDATE_REFS, repository=repository, updates=[update])

    def _drop(self, repository: str, branch: str, head: str) -> None:
        """Delete a branch of ours if it is still at `head`. Where GitHub did so by itself, nothing is left to do."""
        if head:
            with suppress(Refused):
                self._move(repository, branch, head, ABSENT)


def _demand_names(change: ChangeSet) -> None:
    if not is_branch(change.branch):
        raise HostError(f"{change.branch!r} is no name for a branch of ours; it must begin with {PREFIX}.")
    for path in (*change.before, *change.after):
        if not is_safe(path):
            raise HostError(f"{path!r} is no path inside the repository.")


def _folders_above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: at + 1]) for at in range(len(parts))]


def _holds(leaf: Leaf | None, data: bytes | None) -> bool:
    if leaf is None or data is None:
        return leaf is None and data is None
    return leaf.type == "blob" and leaf.mode in claims.OF_FILES and leaf.oid == blob_id(data, leaf.oid)


def _sha(reply: Reply) -> str:
    return read_as(queries.Made, reply.data).sha


def _named(present: Leaf | None, path: str) -> dict[str, Any]:
    """An item of a tree to make, with the mode that the file has or a plain one."""
    return {"path": path, "mode": f"{_mode(present):06o}", "type": "blob"}


def _mode(present: Leaf | None) -> int:
    return present.mode if present else claims.PLAIN


def _modes(stage: Stage, files: Blobs) -> dict[Path, int]:
    """The modes that files are made with, by path."""
    return {path: _mode(stage.now(path)) for path, blob in files.items() if blob}

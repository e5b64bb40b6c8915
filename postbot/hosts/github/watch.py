"""What GitHub shows: the site as its base branch has it, and our pull requests as they stand.

One conditional request tells whether anything moved; if so, one query shows the branch and the pull requests, and only
files that changed are read. What a git id names can not change, so it is asked for once. Nothing here writes to GitHub.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from postbot.core.site import LARGEST, File, Path, Pull, PullStatus, Snapshot
from postbot.hosts import HostError
from postbot.hosts.github import claims, queries
from postbot.hosts.github.api import Api, Reply, read_as
from postbot.hosts.github.claims import Blobs
from postbot.hosts.github.pulls import (
    approvals,
    closing,
    ending,
    hindrance,
    is_ours,
    is_undecided,
    newest,
    opened_at,
    parent,
    plain,
    said,
    touched,
    was_put_off,
)
from postbot.hosts.github.queries import Base, Leaf, Overview, PullNode
from postbot.hosts.github.store import Store
from postbot.hosts.tree import Entry, is_pointer, is_safe, problem, sift, within

_BATCH: Final = 50
_PASSES: Final = 3
_SETTLED: Final = timedelta(seconds=2)
"""GitHub's times have whole seconds: what moved within the last ones may move again unseen."""
_TRUSTED: Final = timedelta(minutes=10)
"""For so long an unchanged answer is taken to mean an unchanged site; then the whole is read again."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The last look and how to notice that it is out of date."""

    snapshot: Snapshot
    mark: tuple[object, ...]
    at: datetime | None
    settled: bool


@dataclass
class _Known:
    """What can not change any more, by what names it; read once, kept while the process lives."""

    at: dict[tuple[str, str], str | None] = field(default_factory=dict)
    modes: dict[tuple[str, str], int] = field(default_factory=dict)
    landed: dict[tuple[object, ...], bool] = field(default_factory=dict)


class Watch:
    """The reading half of the host. `moved` is set by whoever has changed something since the last look."""

    def __init__(self, api: Api, base: str, folders: tuple[str, ...], store: Store, *, verdicts: bool) -> None:
        self.viewer = ""
        self.moved = False
        self._api = api
        self._base = base
        self._folders = _apart(folders)
        self._store = store
        self._verdicts = verdicts
        self._known = _Known()
        self._ours: dict[int, PullNode] = {}
        self._changed: dict[int, datetime] = {}
        self._last: _Look | None = None
        self._rung: tuple[str, tuple[object, ...]] | None = None
        self._tip: tuple[str, str] | None = None

    def look(self, previous: Snapshot | None = None) -> Snapshot:
        """Return the site and our pull requests: `previous` itself, by one request, if nothing moved."""
        last = self._last
        if last is not None and last.snapshot is previous and self._is_quiet(last):
            return last.snapshot
        self._last = None
        self._last = self._read(previous)
        self.moved = False
        return self._last.snapshot

    def read(self, path: str) -> bytes | None:
        """A file as the newest commit of the base branch has it: one free request where that has not moved."""
        reply = self._api.get(f"/git/ref/heads/{self._base}", etag=self._tip[0] if self._tip else None)
        if reply.data is not None:
            self._tip = reply.headers.get("etag", ""), read_as(queries.BareRef, reply.data).object.sha
        assert self._tip is not None  # only who has an ETag is told that nothing has changed
        tip = self._tip[1]
        self._learn([(tip, path)], text=True)
        blob = self._known.at[tip, path]
        if blob is None:
            return None
        data = self._store.contents({blob: path}, tip)[blob]
        if self._known.modes[tip, path] not in claims.OF_FILES or len(data) > LARGEST:
            raise HostError(f"{path} on {self._base} is no plain file of at most {LARGEST >> 20} MiB; it was not read.")
        return data

    def _is_quiet(self, last: _Look) -> bool:
        """One conditional request: whether the newest push and the newest pull request are still those of the look.

        Checks end without either; while one of ours waits for them there is more to be asked.
        """
        if self.moved or not last.settled or any(pull.blocked for pull in last.snapshot.pulls):
            return False
        path, params = self._bell(last)
        etag = self._rung[0] if self._rung and self._rung[1] == last.mark else None
        reply = self._api.get(path, params, etag=etag)
        if last.at is None or reply.at is None or reply.at - last.at > _TRUSTED:
            return False
        if reply.data is None:
            return True
        mark = _mark(reply)
        self._rung = (reply.headers.get("etag", ""), mark)
        return mark == last.mark

    def _bell(self, last: _Look) -> tuple[str, dict[str, str]]:
        if not last.mark[1:]:
            return f"/git/ref/heads/{self._base}", {}
        return "/pulls", {"state": "all", "sort": "updated", "direction": "desc", "per_page": "1"}

    def _read(self, previous: Snapshot | None) -> _Look:
        seen, reply = self._overview()
        base = seen.repository.ref
        assert base is not None  # _overview demands it
        tip = base.target.oid
        entries, problems = sift(self._leaves(base.target))
        ours = newest(self._ours.values())
        self.learn_heads(ours, tip)
        cases = self._judged(ours, tip, {str(path): entry.blob for path, entry in entries.items()})
        data = self._store.contents({entry.blob: str(path) for path, entry in entries.items()}, tip)
        pointers = {path for path, entry in entries.items() if is_pointer(data[entry.blob])}
        known = previous.files if previous else {}
        snapshot = Snapshot(
            commit=tip,
            committed_at=base.target.committed_date.astimezone(UTC),
            files={
                path: _file(known.get(path), path, entry, data)
                for path, entry in entries.items()
                if path not in pointers
            },
            pulls=tuple(sorted(cases, key=lambda pull: pull.number)),
            problems=tuple(
                sorted(
                    [*problems, *(problem(path, "file-lfs-pointer") for path in pointers)],
                    key=lambda found: (found.path, found.code),
                )
            ),
        )
        self._store.forget_all_but({entry.blob for entry in entries.values()} | self._blobs_of(ours))
        same = previous is not None and snapshot == previous
        mark = _mark_of(seen, max(self._changed.values(), default=None))
        settled = _has_settled(mark, reply.at) and not any(map(_is_being_judged, ours))
        return _Look(previous if same and previous else snapshot, mark, reply.at, settled)

    def _overview(self) -> tuple[Overview, Reply]:
        """Read the base branch, and the pull requests as far back as any of them can have moved since the last look.

        What moves to the front while its page is turned is met on the next pass.
        """
        text = queries.overview(self._folders, verdicts=self._verdicts)
        first: tuple[Overview, Reply] | None = None
        nodes: dict[int, PullNode] = {}
        after: str | None = None
        passes = 0
        while True:
            seen, reply = self._api.query(text, Overview, **self.names, base=self.base_ref, after=after)
            first = first if first and after else (seen, reply)
            self._demand_site(seen)
            page = seen.repository.pull_requests
            nodes |= {node.number: node for node in page.nodes}
            after = page.page_info.end_cursor if page.page_info.has_next_page else None
            passes += after is None
            if after is None and (len(nodes) >= page.total_count or passes == _PASSES):
                self._demand_all(nodes, page.total_count)
                break
            if after and self._is_the_rest_known(page.nodes, nodes):
                break
        self.viewer = first[0].viewer.name
        self._changed |= {number: node.updated_at for number, node in nodes.items()}
        known = self._ours | nodes
        self._ours = {number: node for number, node in known.items() if is_ours(node, self._base)}
        return first

    def _is_the_rest_known(self, page: Sequence[PullNode], read: Mapping[int, PullNode]) -> bool:
        """Newest first: behind one that has not moved since it was last read, none has. Open ones are read always."""
        stale = any(node.state == "OPEN" and number not in read for number, node in self._ours.items())
        return not stale and bool(page) and self._changed.get(page[-1].number) == page[-1].updated_at

    def _demand_all(self, nodes: Mapping[int, PullNode], count: int) -> None:
        """No pull request ever disappears: a listing without one that was there is cut short, or a right was lost."""
        if len(nodes) < count:
            raise HostError(f"GitHub lists {len(nodes)} of {count} pull requests, so its list is not believed.")
        if lost := set(self._changed) - set(nodes):
            raise HostError(
                f"GitHub does not list pull request #{min(lost)} any more, so its list is not believed and nothing was "
                "done. If the next tick says so too, see: postbot doctor"
            )

    def _demand_site(self, seen: Overview) -> None:
        site = seen.repository
        if site.name_with_owner.casefold() != self._api.repository.casefold():
            raise HostError(f"{self._api.repository} is now {site.name_with_owner}; write that into the configuration.")
        if site.is_archived:
            raise HostError(f"{self._api.repository} is archived: nothing can be changed in it any more.")
        if site.ref is None:
            raise HostError(f"{self._api.repository} has no branch {self._base!r}; name the published one with `base`.")

    def _leaves(self, base: Base) -> list[Entry]:
        """The leaves of the folders of postings, and nothing else."""
        if self._folders == ("",):
            return self._store.leaves(base.tree.oid, "")
        found: list[Entry] = []
        for folder, entry in queries.entries(self._folders, base).items():
            if entry is not None and entry.type == "tree":
                found += self._store.leaves(entry.oid, folder)
            elif entry is not None:
                found.append(Entry(f"{entry.mode:06o}", entry.oid, folder.encode()))
        return found

    # Our pull requests

    def learn_heads(self, nodes: Sequence[PullNode], tip: str) -> None:
        """Find out which files pull requests hold, and which were there before, where the base has gone on since."""
        heads = [(node.head_ref_oid, path) for node in nodes if node.state == "OPEN" for path in touched(node)]
        moved = [node for node in nodes if is_undecided(node) and parent(node) not in ("", tip)]
        before = [(parent(node), path) for node in moved for path in touched(node)]
        self._learn(heads, text=True)
        self._learn(before, text=False)

    def _learn(self, names: Iterable[tuple[str, str]], *, text: bool) -> None:
        """Ask what commits have at paths, many at a time; texts come along where they are exact."""
        new = [name for name in dict.fromkeys(names) if name not in self._known.at]
        for start in range(0, len(new), _BATCH):
            batch = {f"o{at}": name for at, name in enumerate(new[start : start + _BATCH])}
            answer, _ = self._api.query(queries.contents(batch, text=text), queries.Contents, **self.names)
            for alias, name in batch.items():
                self._take(name, answer.repository.get(alias))

    def _take(self, name: tuple[str, str], holder: queries.Holder | None) -> None:
        """Take note of what a commit has at a path. A commit that is not shown is not one without the file."""
        if holder is None:
            raise HostError(f"GitHub does not show the commit {name[0]} just now; the next look tells more.")
        self.remember(*name, holder.file)
        text = holder.file.object if holder.file else None
        if holder.file and text and text.text is not None and not text.is_truncated:
            self._store.keep(text.text.encode(), holder.file.oid)

    def remember(self, commit: str, path: str, leaf: Leaf | None) -> None:
        """Take note of what a commit has at a path; what is no file is none."""
        is_file = leaf is not None and leaf.type == "blob"
        self._known.at[commit, path] = leaf.oid if leaf and is_file else None
        self._known.modes[commit, path] = leaf.mode if leaf and is_file else claims.PLAIN

    def blob_at(self, commit: str, path: str) -> str | None:
        """What a commit has at a path: the id of a file, None for nothing."""
        self._learn([(commit, path)], text=False)
        return self._known.at[commit, path]

    def _judged(self, nodes: Sequence[PullNode], tip: str, base: Mapping[str, str]) -> list[Pull]:
        outside = [(tip, path) for node in nodes if is_undecided(node) for path in touched(node) if path not in base]
        self._learn([name for name in outside if not self._is_read(name[1])], text=False)
        statuses = {node.number: self.status(node, tip, base) for node in nodes}
        blobs = {
            blob: path
            for node in nodes
            if statuses[node.number] is PullStatus.OPEN
            for path, blob in self.after(node).items()
            if blob
        }
        data = self._store.contents(blobs, tip) if blobs else {}
        shown = ((self.pull(node, statuses[node.number], data), node) for node in nodes)
        return [replace(pull, stale=self._is_stale(pull, node, tip, base)) for pull, node in shown]

    def _is_read(self, path: str) -> bool:
        return within(path.encode(), tuple(folder.encode() for folder in self._folders)) and path.endswith(
            (".md", ".markdown")
        )

    def status(self, node: PullNode, tip: str, base: Mapping[str, str]) -> PullStatus:
        """Where it stands: as GitHub says, but content that has landed by other means is merged, too."""
        if node.state == "MERGED" or (is_undecided(node) and self._has_landed(node, tip, base)):
            return PullStatus.MERGED
        if node.state == "OPEN":
            return PullStatus.OPEN
        closed = closing(node)
        ours = closed is not None and closed.actor is not None and closed.actor.name == self.viewer
        return PullStatus.WITHDRAWN if ours else PullStatus.REJECTED

    def _has_landed(self, node: PullNode, tip: str, base: Mapping[str, str]) -> bool:
        """Whether people have brought these very files to the base branch by other means since it was proposed."""
        after, below = self.after(node), parent(node)
        if not after or below in ("", tip):
            return False
        now = {path: self._present(tip, path, base) for path in after}
        if now == after:
            return True
        before = {path: self.blob_at(below, path) for path in after}
        if now == before:
            return False
        question = (node.number, node.head_ref_oid, *sorted(now.items(), key=str))
        if question not in self._known.landed:
            self._known.landed[question] = all(self._was(path, blob, below, tip) for path, blob in after.items())
        return self._known.landed[question]

    def _is_stale(self, pull: Pull, node: PullNode, tip: str, base: Mapping[str, str]) -> bool:
        """Whether the base branch has changed its files since it was made; not of what is people's, or has ended."""
        below = parent(node)
        if pull.status is not PullStatus.OPEN or not pull.untouched or below in ("", tip):
            return False
        return any(self.blob_at(below, path) != self._present(tip, path, base) for path in touched(node))

    def _present(self, tip: str, path: str, base: Mapping[str, str]) -> str | None:
        return base.get(path) if path in base or self._is_read(path) else self.blob_at(tip, path)

    def _was(self, path: str, blob: str | None, below: str, tip: str) -> bool:
        """Whether a file has been so on the base branch at some commit after the one that it was proposed on."""
        asked = queries.pasts({"since": (tip, path), "before": (below, path)})
        answer, _ = self._api.query(asked, queries.Pasts, **self.names)
        since, before = answer.repository.get("since"), answer.repository.get("before")
        old = {was.oid for was in before.history.nodes} if before else set()
        new = [was for was in since.history.nodes if was.oid not in old] if since else []
        return any((was.file.oid if was.file else None) == blob for was in new)

    def after(self, node: PullNode) -> Blobs:
        """The files that it changes as its head has them."""
        if node.state != "OPEN":
            return claims.read(node.last_commit.message) if node.last_commit else {}
        return {path: self.blob_at(node.head_ref_oid, path) for path in touched(node)}

    def _blobs_of(self, nodes: Iterable[PullNode]) -> set[str]:
        return {blob for node in nodes if node.state == "OPEN" for blob in self.after(node).values() if blob}

    def is_untouched(self, node: PullNode) -> bool:
        """Whether its files, and their modes, are exactly those that its newest commit names as ours."""
        message = node.last_commit.message if node.last_commit else ""
        stated = claims.read(message)
        if not stated or (node.last_commit and node.last_commit.oid != node.head_ref_oid):
            return False
        if node.state != "OPEN":
            return node.branch_head in ("", node.head_ref_oid)
        modes = {path: self._known.modes[node.head_ref_oid, path] for path in stated}
        return stated == self.after(node) and modes == claims.modes(message)

    def _approvers(self, node: PullNode) -> tuple[str, ...]:
        """Who approves it as it is: an approval counts for its commit, and for any that has the very same files."""
        after = self.after(node) if node.state == "OPEN" else {}
        return tuple(
            login
            for login, commit in approvals(node)
            if commit == node.head_ref_oid
            or (after and all(self.blob_at(commit, path) == blob for path, blob in after.items()))
        )

    def pull(self, node: PullNode, status: PullStatus, data: Mapping[str, bytes]) -> Pull:
        """A pull request of ours as a value; `data` has the files it holds, by id."""
        is_open = status is PullStatus.OPEN
        closed = None if is_open else ending(node, status, self.viewer)
        after = self.after(node)
        return Pull(
            number=node.number,
            branch=node.head_ref_name,
            title=node.title,
            body=plain(node.body),
            status=status,
            head=node.branch_head,
            untouched=self.is_untouched(node),
            opened_at=opened_at(node),
            labels=tuple(label.name for label in node.labels.nodes) if node.labels else (),
            approved_by=self._approvers(node),
            files={path: data[blob] if blob else None for path, blob in after.items()} if is_open else {},
            closed_at=closed.at if closed else None,
            closed_by=closed.by if closed else None,
            reason=closed.reason if closed else None,
            paths=tuple(after) or tuple(touched(node)),
            draft=node.is_draft,
            again=is_open and was_put_off(node, self.viewer),
            blocked=hindrance(node) if is_open and not node.is_draft else None,
            standing=said(node, self.viewer),
            url=node.url,
        )

    @property
    def names(self) -> dict[str, str]:
        """The repository in two words, as GraphQL wants it."""
        owner, _, name = self._api.repository.partition("/")
        return {"owner": owner, "name": name}

    @property
    def base_ref(self) -> str:
        """The base branch by its whole name."""
        return f"refs/heads/{self._base}"


def _mark(reply: Reply) -> tuple[object, ...]:
    """What the bell shows: when was the newest push, and when did a pull request last change; or the base's tip."""
    if isinstance(reply.data, list):
        newest = read_as(queries.Newest, reply.data[0]) if reply.data else None
        return (newest.base.repo.pushed_at, newest.updated_at) if newest else ()
    return (read_as(queries.BareRef, reply.data).object.sha,)


def _mark_of(seen: Overview, changed: datetime | None) -> tuple[object, ...]:
    base = seen.repository.ref
    return (seen.repository.pushed_at, changed) if changed else (base.target.oid if base else "",)


def _has_settled(mark: tuple[object, ...], at: datetime | None) -> bool:
    times = [each for each in mark if isinstance(each, datetime)]
    return at is not None and all(each < at - _SETTLED for each in times)


def _is_being_judged(node: PullNode) -> bool:
    """Whether GitHub has yet to find out what stands in the way of merging it, which moves nothing when it is known."""
    return node.state == "OPEN" and node.merge_state_status == "UNKNOWN"


def _apart(names: Iterable[str]) -> tuple[str, ...]:
    """The folders that hold all that these hold, none of them within another; the root if there are none."""
    folders = tuple(dict.fromkeys(_folder(name) for name in names)) or ("",)
    others = {name: tuple(each.encode() for each in folders if each != name) for name in folders}
    return tuple(name for name in folders if not within(name.encode(), others[name]))


def _folder(name: str) -> str:
    plain = name.strip("/")
    if plain and not is_safe(plain):
        raise HostError(f"{name!r} is no folder inside the repository.")
    return plain


def _file(known: File | None, path: Path, entry: Entry, data: Mapping[str, bytes]) -> File:
    return known if known and known.blob == entry.blob else File(path, entry.blob, data[entry.blob])

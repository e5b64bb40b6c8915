"""Everything that one act depends on, asked for in one query just before it.

Values only; what to make of it is the business of the act.
"""

from collections.abc import Iterator, Sequence

from postbot.hosts.github import claims, queries
from postbot.hosts.github.pulls import is_ours
from postbot.hosts.github.queries import Base, Leaf, Parent, PullNode, Scene, Tip


class Stage:
    """What one act found before it: the entries at its paths, its branch, and that branch's newest pull request."""

    def __init__(self, seen: Scene, paths: Sequence[str]) -> None:
        base = seen.repository.base
        assert base is not None  # demanded when it was asked for
        self._seen = seen.repository
        self._now = queries.entries(paths, base.target)
        self._paths = paths
        self.viewer = seen.viewer.name
        self.id = seen.repository.id
        self.tip = base.target.oid
        self.tree = base.target.tree.oid

    @property
    def head(self) -> str:
        """The commit its branch points at; empty when there is no such branch."""
        return self._seen.branch.target.oid if self._seen.branch else ""

    @property
    def message(self) -> str:
        """What that commit says."""
        return self._seen.branch.target.message if self._seen.branch else ""

    def now(self, path: str) -> Leaf | None:
        """What the base branch has at a path."""
        return self._now[path]

    def was(self, path: str) -> Leaf | None:
        """What the commit below our own had at a path."""
        parents = self._seen.branch.target.parents.nodes if self._seen.branch else []
        return queries.entries(self._paths, parents[0])[path] if parents else None

    def has_moved(self, path: str) -> bool:
        """Whether the base branch has other bytes at a path by now than below our commit.

        Who may execute a file is not our business, and no merge undoes it.
        """
        was, now = self.was(path), self.now(path)
        both_files = was is not None and now is not None and {was.mode, now.mode} <= claims.OF_FILES
        return oid_of(was) != oid_of(now) if both_files else was != now

    def shown(self) -> Iterator[tuple[str, str, Leaf | None]]:
        """What each commit in it has at each path: the commit, the path, the entry."""
        assert self._seen.base is not None
        commits: list[Base | Tip | Parent] = [self._seen.base.target]
        if self._seen.branch:
            commits += [self._seen.branch.target, *self._seen.branch.target.parents.nodes]
        for commit in commits:
            for path, leaf in queries.entries(self._paths, commit).items():
                yield commit.oid, path, leaf

    def is_own_branch(self) -> bool:
        """Whether the branch holds a commit of ours whose pull request was never made."""
        stated = claims.read(self.message)
        if self._seen.branch is None or not stated:
            return False
        held, modes = queries.entries(self._paths, self._seen.branch.target), claims.modes(self.message)
        found = {path: held[path] for path in stated if path in held}
        kept = {path: leaf.mode if leaf else claims.PLAIN for path, leaf in found.items()} == modes
        return kept and {path: oid_of(leaf) for path, leaf in found.items()} == stated

    def elsewhere(self, base: str) -> PullNode | None:
        """An open pull request of ours that a person has made go to another branch."""
        nodes = (node for node in self._seen.pull_requests.nodes if node.state == "OPEN")
        return next((node for node in nodes if is_ours(node, node.base_ref_name) and node.base_ref_name != base), None)

    def pull(self, base: str) -> PullNode | None:
        """The newest pull request of this branch that is ours."""
        return next((node for node in self._seen.pull_requests.nodes if is_ours(node, base)), None)


def oid_of(leaf: Leaf | None) -> str | None:
    """The id of an entry, None where there is none."""
    return leaf.oid if leaf else None

"""What the audit says of an act on the host: what is about to be done, and that it is done.

Pure. The key is the name of the branch, known beforehand, so that an act and its entries are found by each other.
"""

from dataclasses import dataclass, replace

from postbot.core.announce import one_line
from postbot.core.plan.steps import Merge, Note, Propose, Tidy, Withdraw

Outward = Propose | Merge | Withdraw | Tidy | Note
"""The steps that change something on the host."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the audit about an outward act: who, what, by which key, and the commits before and after it."""

    what: str
    key: str
    path: str
    by: str
    before: str
    after: str
    detail: str


@dataclass(frozen=True, slots=True)
class Act:
    """An act by its two entries."""

    begins: Entry
    past: str

    def refused(self, why: str) -> Entry:
        """The entry for when the host did not do it."""
        return replace(self.begins, what="not done", detail=one_line(f"{self.begins.detail}: {why}"))

    def done(self, after: str) -> Entry:
        """The entry for when it is done; `after` is the commit that it made, if it made one."""
        return replace(self.begins, what=self.past, after=after)


def act_of(step: Outward) -> Act:
    """What the audit says of this step."""
    match step:
        case Propose(change=change, path=path, refresh=refresh, by=by):
            words = ("refreshing", "refreshed") if refresh else ("proposing", "proposed")
            return _act(words, change.branch, path, by, change.base, change.title)
        case Merge(pull=pull, path=path, by=by):
            approved = f" Approved by {', '.join(pull.approved_by)}." if pull.approved_by else ""
            return _act(
                ("merging", "merged"), pull.branch, path, by, pull.head, f"#{pull.number} {pull.title}.{approved}"
            )
        case Withdraw(pull=pull, reason=reason):
            said = f"#{pull.number} {pull.title}. {reason}"
            return _act(("withdrawing", "withdrawn"), pull.branch, _path(pull.paths), "", pull.head, said)
        case Tidy(pull=pull):
            words = ("deleting the branch", "deleted the branch")
            return _act(words, pull.branch, _path(pull.paths), "", pull.head, f"#{pull.number} {pull.title}")
        case Note(pull=pull, path=path, standing=standing):
            said = f"#{pull.number}: {standing.words} {standing.verdict}"
            return _act(("commenting", "commented"), pull.branch, path, "", pull.head, said)


def _path(paths: tuple[str, ...]) -> str:
    return next(iter(paths), "")


def _act(words: tuple[str, str], key: str, path: str, by: str, before: str, detail: str) -> Act:
    begins, past = words
    return Act(Entry(begins, key, path, by or US, before, "", one_line(detail)), past)


US = "postbot"
"""Who acts where nobody has asked: the clock."""

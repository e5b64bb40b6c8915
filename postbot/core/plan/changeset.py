"""A proven transition becomes a pull request: its branch, its words, its files.

Pure. The branch name is the idempotency key: the same posting, transition, due instant and request always give the
same name, whatever else has happened. The words are for the person who reviews.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from postbot.core.announce import one_line
from postbot.core.lifecycle import Moved, Transition, Wish
from postbot.core.plan.body import body, commit_message, diff_lines, title_of
from postbot.core.plan.memory import Request
from postbot.core.plan.steps import Seen
from postbot.core.posting import Posting, at_utc
from postbot.core.problem import Problem
from postbot.core.site import ChangeSet, Path

BRANCHES = "postbot/"
"""Every branch of ours begins so; nothing else is ever touched."""


def branch_name(path: str, slug: str, transition: Transition, due: datetime, request: int = 0) -> str:
    """`postbot/<transition>/<slug>-<10 hex>`: letters, digits and dashes only; the hex is of all the others.

    The clock asks once for each due instant (`request` 0). How often the posting has been opened is left out: what a
    person refused or took back stays so until the date changes, also after the ledger was lost. Only what came early
    and was undone before its date is asked for again on it (minus the number of the pull request that undid it).
    """
    digest = sha256("\n".join((path, transition, at_utc(due), str(request))).encode()).hexdigest()[:10]
    readable = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")[:40].strip("-") or "posting"
    return f"{BRANCHES}{transition}/{readable}-{digest}"


def change_set(
    posting: Posting,
    moved: Moved,
    wish: Wish,
    *,
    branch: str,
    base: str,
    due: datetime,
    request: Request | None,
    lacks: Sequence[str] = (),
) -> ChangeSet:
    """Everything a host needs to open the pull request for one proven transition; a draft where something lacks."""
    diff = "\n".join(_diff(posting, moved))
    title = title_of(posting, wish)
    return ChangeSet(
        branch=branch,
        base=base,
        title=title,
        body=body(posting, moved, wish, due, request, diff, lacks),
        message=commit_message(posting, wish, due, request, title),
        before={posting.path: posting.document.data},
        after=_after(posting, moved),
        labels=("postbot", str(wish.transition)),
        diff=diff,
        draft=bool(lacks),
    )


def _after(posting: Posting, moved: Moved) -> dict[Path, bytes | None]:
    """The files as they will be: the posting, or its new file and nothing where it was."""
    data = moved.edited.document.data
    return {posting.path: data} if moved.path is None else {posting.path: None, moved.path: data}


def _diff(posting: Posting, moved: Moved) -> list[str]:
    old, _, *lines = diff_lines(posting.path, moved.edited.proof.lines)
    return [old, f"+++ {one_line(moved.path or posting.path)}", *lines]


def obstacle(seen: Seen, moved: Moved) -> Problem | None:
    """What keeps a file from where it is to go: another one that is there."""
    if moved.path is None or moved.path not in seen.snapshot.files:
        return None
    old = moved.edited.document.path
    message = f"There is a file {moved.path} already, so {old} cannot be moved there."
    return Problem(old, 1, 1, "archive-taken", message, fix="Rename one of the two.")

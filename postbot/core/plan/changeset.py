"""A proven transition becomes a pull request: its branch, its words, its files.

Pure. The branch name is the idempotency key: the same posting, transition, due instant and request always give the
same name, whatever else has happened. The words are for the person who reviews.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from postbot.core.announce import one_line
from postbot.core.dates import say
from postbot.core.lifecycle import Moved, Transition, Wish
from postbot.core.plan.memory import Request
from postbot.core.posting import Posting, at_utc, readiness
from postbot.core.profile import State
from postbot.core.site import ChangeSet
from postbot.core.text.editing import LineChange, Proof

BRANCHES = "postbot/"
"""Every branch of ours begins so; nothing else is ever touched."""

_PUBLIC = {
    Transition.OPEN: "The page says that applications are taken",
    Transition.CLOSE: "The page says that the position is closed",
    Transition.EXTEND: "The page shows the later closing date",
    Transition.POSTPONE: "The page goes back to upcoming",
    Transition.REOPEN: "The page goes back to upcoming, ready to be used again",
    Transition.WITHDRAW: "The page goes back to upcoming, without dates",
}


def branch_name(path: str, slug: str, transition: Transition, due: datetime, request: int = 0) -> str:
    """`postbot/<transition>/<slug>-<10 hex>`: letters, digits and dashes only; the hex is of all the others.

    The clock asks once for each due instant (`request` 0). How often the posting has been opened is left out: what a
    person refused or took back stays so until the date changes, also after the ledger was lost.
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
) -> ChangeSet:
    """Everything a host needs to open the pull request for one proven transition."""
    document, proof = moved.edited.document, moved.edited.proof
    diff = "\n".join(diff_lines(posting.path, proof.lines))
    name = one_line(posting.title)
    title = f"{wish.transition.capitalize()}: {name}"[:200]
    return ChangeSet(
        branch=branch,
        base=base,
        title=title,
        body=_body(posting, moved, wish, due, request, diff),
        message=_commit_message(posting, wish, due, request, title),
        before={posting.path: posting.document.data},
        after={posting.path: document.data},
        labels=("postbot", str(wish.transition)),
        diff=diff,
    )


def _commit_message(posting: Posting, wish: Wish, due: datetime, request: Request | None, title: str) -> str:
    trailers = [
        f"Postbot-Transition: {wish.transition}",
        f"Postbot-Posting: {one_line(posting.path)}",
        f"Postbot-Due: {at_utc(due)}",
    ]
    if request:
        trailers.append(f"Requested-By: {one_line(request.by)}")
    if wish.reason:
        trailers.append(f"Postbot-Reason: {one_line(wish.reason)}")
    return f"{title}\n\n" + "\n".join(trailers) + "\n"


def _body(posting: Posting, moved: Moved, wish: Wish, due: datetime, request: Request | None, diff: str) -> str:
    asked = (
        f"{one_line(request.by)} asked for it on {say(request.filed_at, posting.zone)}."
        if request
        else "The clock asks for it."
    )
    why = f" Reason: {one_line(wish.reason)}." if wish.reason else ""
    parts = [
        f"**{_PUBLIC[wish.transition]}** from {say(due, posting.zone)}, once this is merged.",
        f"{asked}{why}",
        *(f"> **Please note:** {remark}" for remark in moved.remarks),
        "### What changes\n\n" + diff_block(diff),
        "### Proof\n\n" + proof_text(moved.edited.proof),
    ]
    if wish.transition is Transition.OPEN:
        parts.append("### Ready to open?\n\n" + _ready(posting, moved))
    parts.append(
        "To stop this, close the pull request: it will not be opened again for this date. To change it, edit the "
        "posting on the base branch; this pull request follows."
    )
    return "\n\n".join(parts) + "\n"


def _ready(posting: Posting, moved: Moved) -> str:
    taken = {change.key: change.after for change in moved.edited.proof.values}
    rows = [
        f"- `{gap.key}`: the file's own default, {taken.get(gap.key)}"
        for gap in readiness(posting, State.OPEN)
        if gap.default
    ]
    return "\n".join(rows) or "Everything that an open position needs is filled in."


def diff_block(diff: str) -> str:
    """The changed lines as a Markdown block, its fence longer than any run of backticks inside."""
    longest = max(map(len, re.findall(r"`+", diff)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{diff}\n{fence}"


def diff_lines(path: str, changes: Sequence[LineChange]) -> list[str]:
    """The changed lines as a diff without context, each run of neighbours under its own place."""
    lines = [f"--- {one_line(path)}", f"+++ {one_line(path)}"]
    previous = None
    for group in _neighbours(changes):
        if previous != group[0].line:
            lines.append(f"@@ line {group[0].line} @@")
        lines += [f"-{change.before}" for change in group if change.before is not None]
        lines += [f"+{change.after}" for change in group if change.after is not None]
        previous = group[-1].line
    return lines


def _neighbours(changes: Sequence[LineChange]) -> list[list[LineChange]]:
    groups: list[list[LineChange]] = []
    for change in changes:
        if groups and change.line == groups[-1][-1].line + 1:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def proof_text(proof: Proof) -> str:
    """The proof in words: how many lines, which values, which comments, and that the body is the same."""
    used = f", {len(proof.comments_named)} used up by this edit" if proof.comments_named else ""
    rows = [f"- `{value.key}`: {_said(value.before)} becomes {_said(value.after)}" for value in proof.values]
    rows.append(
        f"- {len(proof.lines)} line{'s' if len(proof.lines) != 1 else ''} changed; every other byte is the same"
    )
    rows.append(f"- comments: {proof.comments_before} before, {proof.comments_after} after{used}")
    rows.append(f"- body: unchanged, sha256 {proof.body_sha256[:12]}")
    rows += [f"- `{own}` is this file's own spelling of `{asked}`; it stays" for asked, own in proof.spelling]
    return "\n".join(rows)


def _said(value: str | None) -> str:
    return "(not set)" if value is None else "(empty)" if value == "" else one_line(value)

"""What GitHub's account of a pull request means: whose it is, how it ended and why, who approves it, what we said.

Pure: values in, values out. Titles, bodies and labels are nobody's proof of anything; what counts is who made a pull
request, from which branch, and what its newest commit says that it holds.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from postbot.core.inert import prose
from postbot.core.site import NO_ON_ITS_PAGE, Path, PullStatus, Standing
from postbot.hosts.github import claims
from postbot.hosts.github.queries import PullNode, Turn
from postbot.hosts.tree import PREFIX

_MARK: Final = re.compile(r"<!-- postbot ([A-Za-z0-9+/=]*) -->")
"""Begins the one comment that we keep on a pull request, with its words as they were meant; GitHub does not show it."""

WITHDRAWN: Final = "Withdrawn: "
"""Begins its words once we have taken the pull request back."""

_BLOCKED: Final = {
    "DIRTY": "It conflicts with what is published by now.",
    "UNSTABLE": "A check has not passed.",
    "BLOCKED": "A rule of the branch is not met: a review or a check that it asks for is missing.",
}
"""What GitHub's mergeStateStatus keeps from merging. https://docs.github.com/en/graphql/reference/enums#mergestatestatus."""

_SAME_MOMENT: Final = timedelta(seconds=5)
_DELETED: Final = "the branch was deleted"


@dataclass(frozen=True, slots=True)
class End:
    """How a pull request ended: when (UTC), by whom, and what they said about it."""

    at: datetime | None
    by: str | None
    reason: str | None


def ending(node: PullNode, status: PullStatus, viewer: str) -> End:
    """When, by whom and why a pull request ended. Who lands our bytes by other means is nobody that GitHub knows."""
    if status is PullStatus.MERGED:
        by = node.merged_by.login if node.merged_by else "someone"
        return End(node.merged_at.astimezone(UTC) if node.merged_at else None, by, None)
    closed = closing(node)
    if closed is None:
        return End(None, "someone", None)
    by = closed.actor.login if closed.actor else "someone"
    return End(closed.created_at.astimezone(UTC), by, _reason(node, closed, viewer))


def _reason(node: PullNode, closed: Turn, viewer: str) -> str | None:
    """Our own words for what we took back; of a person, what they wrote with their no."""
    words = _beside(node, closed)
    if closed.actor and closed.actor.name == viewer:
        return words or None
    return words or (None if node.head_ref else _DELETED)


def _beside(node: PullNode, closed: Turn) -> str:
    """What was said with the closing: by us in our comment, by a person in one of that moment."""
    ours = _our_words(node)
    if ours.startswith(WITHDRAWN):
        return ours.removeprefix(WITHDRAWN)
    same = (each for each in node.comments.nodes if each.author == closed.actor and not each.viewer_did_author)
    said = [each.body for each in same if abs(each.created_at - closed.created_at) <= _SAME_MOMENT]
    return said[-1] if said else ""


def closing(node: PullNode) -> Turn | None:
    """When it was last closed, and by whom."""
    return next((turn for turn in reversed(node.timeline_items.nodes) if turn.typename == "ClosedEvent"), None)


def opened_at(node: PullNode) -> datetime:
    """When it was opened, or opened again (UTC)."""
    again = [turn.created_at for turn in node.timeline_items.nodes if turn.typename == "ReopenedEvent"]
    return (again[-1] if again else node.created_at).astimezone(UTC)


def _our_words(node: PullNode) -> str:
    comments = (*node.earliest.nodes, *node.comments.nodes)
    mine = (meant(each.body) for each in comments if each.viewer_did_author)
    return next((words for words in mine if words is not None), "")


def comment(words: str) -> str:
    """Words, paragraph by paragraph, as a comment of ours: nothing in them mentions, links or closes anything."""
    kept = base64.b64encode(words.encode()).decode()
    return f"<!-- postbot {kept} -->\n" + "\n\n".join(prose(paragraph) for paragraph in words.split("\n\n"))


def meant(body: str) -> str | None:
    """The words that a comment of ours was made of; None for any other comment."""
    found = _MARK.match(body)
    try:
        return base64.b64decode(found[1], validate=True).decode() if found else None
    except ValueError:
        return None


def said(node: PullNode, viewer: str) -> Standing:
    """What we last said beside it. A verdict that somebody else has set is none of ours, and is written over."""
    words = _our_words(node)
    status = node.last_commit.status if node.last_commit else None
    context = status.context if status else None
    if context and (context.creator is None or context.creator.name != viewer):
        context = None
    approved = context.state == "SUCCESS" if context else None
    return Standing(words, approved, (context.description or "") if context else "")


def approvals(node: PullNode) -> list[tuple[str, str]]:
    """Who has approved which commit, by login and id. None by an App counts, and none from before it was reopened."""
    reviews = node.latest_opinionated_reviews.nodes if node.latest_opinionated_reviews else []
    since = opened_at(node)
    return [
        (review.author.login, review.commit.oid)
        for review in reviews
        if review.state == "APPROVED" and review.author and review.author.typename != "Bot" and review.commit
        if review.submitted_at is None or review.submitted_at >= since
    ]


def was_put_off(node: PullNode, viewer: str) -> bool:
    """Whether somebody else than we has closed it before."""
    closed = (turn for turn in node.timeline_items.nodes if turn.typename == "ClosedEvent")
    return any(turn.actor is None or turn.actor.name != viewer for turn in closed)


def hindrance(node: PullNode) -> str | None:
    """What keeps an open one from being merged: somebody who may write has asked for changes, or GitHub says no."""
    if node.latest_opinionated_reviews:
        for review in node.latest_opinionated_reviews.nodes:
            if review.state == "CHANGES_REQUESTED" and review.author:
                return f"{review.author.login} {NO_ON_ITS_PAGE}"
    status = node.last_commit.status if node.last_commit else None
    undecided = status is not None and status.context is not None and status.context.state != "SUCCESS"
    if node.merge_state_status == "UNSTABLE" and undecided:  # our own verdict is such a check, and may be the only one
        return "It waits for the approval of somebody else than who asked, or a check has not passed."
    return _BLOCKED.get(node.merge_state_status)


def is_ours(node: PullNode, base: str) -> bool:
    """Whether this sign-in made it, from a branch of ours in this very repository, for the base branch."""
    own = node.viewer_did_author and not node.is_cross_repository
    return own and node.head_ref_name.startswith(PREFIX) and node.base_ref_name == base


def is_undecided(node: PullNode) -> bool:
    """Whether only the base branch can tell what became of it: it is open, or lost its branch without a word.

    People may have brought its files there by other means, such as a squash by hand.
    """
    closed = closing(node)
    return node.state == "OPEN" or (closed is not None and node.head_ref is None and not _beside(node, closed))


def newest(nodes: Iterable[PullNode]) -> list[PullNode]:
    """Of several pull requests of one branch only the last speaks for it."""
    return list({node.head_ref_name: node for node in sorted(nodes, key=lambda node: node.number)}.values())


def touched(node: PullNode) -> list[Path]:
    """The paths that it changes: as its own commit names them, and as GitHub lists them."""
    stated = claims.read(node.last_commit.message) if node.last_commit else {}
    listed = [Path(each.path) for each in node.files.nodes] if node.files else []
    return list(dict.fromkeys([*stated, *listed]))


def parent(node: PullNode) -> str:
    """The commit below its newest one; empty if there is none."""
    return node.last_commit.parent if node.last_commit else ""


def labels(node: PullNode) -> tuple[str, ...]:
    """Its labels, in the order of their names."""
    return tuple(sorted(label.name for label in node.labels.nodes)) if node.labels else ()


def plain(text: str) -> str:
    """A text with the line ends that we write; GitHub's pages store others."""
    return text.replace("\r\n", "\n")

"""What people are told of the requests that have come to their end.

Pure. A request ends when its pull request is merged or closed, when it cannot be done or is done already, when its
posting is gone, when its asker may not have it done, or when another one replaces it; until then nobody is told
anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from postbot.core.announce import Announcement, Event, called
from postbot.core.dates import say
from postbot.core.plan.memory import Memory, Request
from postbot.core.plan.people import approvers, digest_of, has_ended, with_approvals
from postbot.core.plan.steps import Answer, Offer, Policy, Seen
from postbot.core.plan.wants import is_again, is_held_back, outcome, pull_of, queues, replaced, request_branch, turn_of
from postbot.core.posting import Posting, at_utc, slug_of
from postbot.core.site import PullStatus


def answers(seen: Seen, offers: Sequence[Offer], now: datetime, policy: Policy) -> Iterator[Answer]:
    """Answers to the requests that have come to their end; of several for one posting only the first has its turn."""
    by_request = {offer.want.request.number: offer for offer in offers if offer.want.request}
    for queue in queues(seen.memory.requests).values():
        over = replaced(queue, seen.barred)
        for request in (each for each in queue if each.number in over):
            yield _replaced(seen, request, over[request.number], now, policy)
        turn = turn_of(seen, queue, now, policy)
        if is_held_back(seen, turn):
            continue
        offered = by_request.get(turn.number)
        if answer := outcome(offered) if offered else _end(seen, turn, now, policy):
            yield _answer(seen, turn, *answer, policy)


def refusals(seen: Seen, policy: Policy) -> Iterator[Answer]:
    """Answers to the requests whose askers may not, or may not any more, have this done."""
    for request in seen.memory.requests:
        if (bar := seen.barred.get(request.number)) and bar.final:
            yield _answer(seen, request, done=False, words=bar.words, policy=policy)


def _answer(seen: Seen, request: Request, done: bool, words: str, policy: Policy) -> Answer:
    refusal = () if done else (_refusal(request, words),)
    return Answer(request, done, words, (*refusal, *_to_who_asked(seen, request, done, words, policy)))


def _to_who_asked(seen: Seen, request: Request, done: bool, words: str, policy: Policy) -> Iterator[Announcement]:
    """Tell whoever asked what came of it, if they asked from where they can be told, and nobody else."""
    posting = seen.postings.get(request.path)
    title = posting.title if isinstance(posting, Posting) else request.path
    asked = say(request.filed_at, posting.zone) if isinstance(posting, Posting) else ""
    facts = {"title": title, "asked": asked, "done": "yes" if done else "", "why": words}
    yield from _answered(request, facts | {"approved": _approved(seen, request, policy) if done else ""})


def without_a_look(memory: Memory, request: Request, words: str, zone: ZoneInfo) -> tuple[Announcement, ...]:
    """What whoever asked is told of a no that comes while nobody looks at the site; nothing where they see it anyway.

    The posting is called as it was when it was last seen. The instant is shown in `zone`.
    """
    witness = memory.witnesses.get(request.path)
    title, asked = witness.title if witness else request.path, say(request.filed_at, zone)
    return tuple(_answered(request, {"title": title, "asked": asked, "done": "", "why": words, "approved": ""}))


def _answered(request: Request, facts: Mapping[str, str]) -> Iterator[Announcement]:
    if not request.asker:
        return
    told = {"path": request.path, "transition": request.wish.transition, **facts}
    key = f"answered:{request.number}:{at_utc(request.filed_at)}"
    yield Announcement(Event.ANSWERED, key, request.path, told, to=(request.asker,))


def _approved(seen: Seen, request: Request, policy: Policy) -> str:
    """By whom it was approved whose approval counts, on its page or elsewhere, as a sentence; empty where nobody was.

    What was said elsewhere is laid over the pull request as if it were open still, with the lines that it has changed.
    """
    branch = request_branch(request, slug_of(request.path))
    pull, change = seen.snapshot.by_branch.get(branch), seen.changes.get(branch)
    if pull is None:
        return ""
    about = digest_of(change) if change else None
    names = approvers(with_approvals(pull, seen.memory.opinions, about), request, policy)
    return f"Approved by {', '.join(map(called, names))}." if names else ""


def _replaced(seen: Seen, request: Request, by: Request, now: datetime, policy: Policy) -> Answer:
    """Who was overtaken hears by whom, unless their pull request was decided on before."""
    posting = seen.postings.get(request.path)
    ended = _end(seen, request, now, policy) if isinstance(posting, Posting) else None
    rival = f"{called(by.by)}'s {by.wish.transition}, asked later, replaces it."
    said = "Your later wish replaces it." if is_again(request, by) else rival
    if ended:
        return _answer(seen, request, *ended, policy)
    told = tuple(_to_who_asked(seen, request, done=False, words=said, policy=policy))
    return Answer(request, done=False, words=said, announcements=told)


def _end(seen: Seen, request: Request, now: datetime, policy: Policy) -> tuple[bool, str] | None:
    """How a request ended: its pull request was merged or closed, or the posting is gone; None if it merely waits."""
    posting, pull = seen.postings.get(request.path), pull_of(seen, request, now)
    if not isinstance(posting, Posting) and (pull is None or pull.status is not PullStatus.MERGED):
        return False, f"The posting cannot be read: {posting}" if posting else "The posting is gone."
    if pull is None or not has_ended(pull, policy.zone):
        return None
    if pull.status is PullStatus.MERGED:
        return True, f"Pull request #{pull.number} is merged."
    why = f": {pull.reason}" if pull.reason else ""
    return False, f"{pull.closed_by or 'Somebody'} closed pull request #{pull.number}{why}."


def _refusal(request: Request, words: str) -> Announcement:
    facts = {"path": request.path, "transition": request.wish.transition, "by": request.by, "why": words}
    return Announcement(Event.REFUSED, f"refused:{request.number}:{at_utc(request.filed_at)}", request.path, facts)

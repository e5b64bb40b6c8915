"""What people are told of the requests that have come to their end.

Pure. A request ends when its pull request is merged or closed, when it cannot be done or is done already, when its
posting is gone, when its asker may not have it done, or when another one replaces it; until then nobody is told
anything.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from postbot.core.announce import Announcement, Event, one_line
from postbot.core.dates import say
from postbot.core.plan.memory import Request, Said
from postbot.core.plan.people import has_ended
from postbot.core.plan.steps import Answer, Offer, Policy, Seen
from postbot.core.plan.wants import outcome, pull_of, queues, request_branch, turns
from postbot.core.posting import Posting, at_utc, slug_of
from postbot.core.site import PullStatus


def answers(seen: Seen, offers: Sequence[Offer], now: datetime, policy: Policy) -> Iterator[Answer]:
    """Answers to the requests that have come to their end; of several for one posting only the first has its turn."""
    by_request = {offer.want.request.number: offer for offer in offers if offer.want.request}
    for queue in queues(seen.memory.requests).values():
        turn = turns(queue)[0]
        for request in queue[: queue.index(turn)]:
            yield _replaced(seen, request, turn, now, policy)
        offered = by_request.get(turn.number)
        if answer := outcome(offered) if offered else _end(seen, turn, now, policy):
            yield _answer(seen, turn, *answer)


def refusals(seen: Seen) -> Iterator[Answer]:
    """Answers to the requests whose askers may not, or may not any more, have this done."""
    for request in seen.memory.requests:
        if (bar := seen.barred.get(request.number)) and bar.final:
            yield _answer(seen, request, done=False, words=bar.words)


def _answer(seen: Seen, request: Request, done: bool, words: str) -> Answer:
    refusal = () if done else (_refusal(request, words),)
    return Answer(request, done, words, (*refusal, *_to_who_asked(seen, request, done, words)))


def _to_who_asked(seen: Seen, request: Request, done: bool, words: str) -> Iterator[Announcement]:
    """Tell whoever asked what came of it, if they asked from where they can be told, and nobody else."""
    if not request.asker:
        return
    posting = seen.postings.get(request.path)
    facts = {
        "path": request.path,
        "title": posting.title if isinstance(posting, Posting) else request.path,
        "transition": request.wish.transition,
        "asked": say(request.filed_at, posting.zone) if isinstance(posting, Posting) else "",
        "done": "yes" if done else "",
        "why": words,
        "approved": _approved(seen, request) if done else "",
    }
    key = f"answered:{request.number}:{at_utc(request.filed_at)}"
    yield Announcement(Event.ANSWERED, key, request.path, facts, to=(request.asker,))


def _approved(seen: Seen, request: Request) -> str:
    """By whom it was approved, on its page or elsewhere, as a sentence; empty where nobody had to."""
    branch = request_branch(request, slug_of(request.path))
    pull = seen.snapshot.by_branch.get(branch)
    last = {each.by: each for each in seen.memory.opinions if each.branch == branch}
    here = (name for name, each in last.items() if each.said is Said.APPROVE)
    names = [one_line(name) for name in dict.fromkeys((*(pull.approved_by if pull else ()), *here))]
    return f"Approved by {', '.join(names)}." if names else ""


def _replaced(seen: Seen, request: Request, by: Request, now: datetime, policy: Policy) -> Answer:
    """Who was overtaken hears by whom, unless their pull request was decided on before."""
    posting = seen.postings.get(request.path)
    ended = _end(seen, request, now, policy) if isinstance(posting, Posting) else None
    said = f"{one_line(by.by)}'s {by.wish.transition}, asked later, replaces it."
    if ended:
        return _answer(seen, request, *ended)
    told = tuple(_to_who_asked(seen, request, done=False, words=said))
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

"""What is said of a pull request that waits: questions and reminders to the staff, and the one comment beside it.

Pure. The comment holds nothing that changes from look to look: it is written anew when a reminder has gone out or the
reason for waiting is another one. Its words are plain sentences, a blank line between paragraphs; making them harmless
where they are shown is the business of the host.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from postbot.core.announce import Announcement, Event, one_line
from postbot.core.dates import say
from postbot.core.lifecycle import TABLE, Transition
from postbot.core.plan.news import about, window_facts
from postbot.core.plan.people import hold, is_approved, verdict
from postbot.core.plan.steps import MergeWhen, Offer, Policy, Want
from postbot.core.plan.wants import is_borrowed, request_branch
from postbot.core.profile import State
from postbot.core.site import Pull, Standing

_PUT_OFF = "A person put it off until now, so somebody has to approve it."


def hindrance(pull: Pull, offer: Offer, policy: Policy) -> str | None:
    """Why we do not merge an open pull request although it is due, in a sentence; None if we do."""
    merge, request = policy.of(offer.want.wish.transition).merge, offer.want.request
    if not pull.untouched:
        return "Somebody has changed its branch, so a person has to merge it."
    if not offer.ready:
        return f"It is a draft: {' '.join(offer.lacks)}"
    if pull.draft:
        return "It is a draft, and only a person can make it ready."
    if merge is MergeWhen.REVIEW:
        return hold(pull, request, policy) or "A person has to merge it."
    if pull.again and not is_approved(pull, request, policy):
        return _PUT_OFF
    asked = merge is MergeWhen.WHEN_DUE or (policy.two_people and request is not None)
    if asked and not is_approved(pull, request, policy):
        return verdict(pull, request, policy)[1] or "Nobody has approved it yet."
    return hold(pull, request, policy)


# To the staff --------------------------------------------------------------------------------------------------------


def questions(offer: Offer, thread: str, now: datetime, policy: Policy) -> Iterator[Announcement]:
    """Ask for what is missing; after a pause only the latest of the questions that came due.

    `thread` names the opening that they are about.
    """
    want = offer.want
    asked = [span for span in policy.ask if want.due - span <= now]
    if asked:
        facts = window_facts(want.posting) | {
            "missing": offer.lacks,
            "due": say(want.due, want.posting.zone),
            "overdue": "yes" if want.due <= now else "",
        }
        known = about(want.posting, want.posting.state(now), thread)
        key = _question(want, min(asked))
        yield Announcement(Event.NOT_READY, key, want.posting.slug, facts, about=known, at=now)


def reminder(want: Want, pull: Pull, thread: str, now: datetime, policy: Policy) -> Iterator[Announcement]:
    """Say that a pull request waits beyond its instant, what keeps it, and what the public sees meanwhile."""
    overdue = [span for at, span in reminders(want, pull, policy) if at <= now]
    if overdue:
        facts = window_facts(want.posting) | {
            "transition": want.wish.transition,
            "pull": f"#{pull.number} {pull.title}",
            "number": str(pull.number),
            "branch": pull.branch,
            "since": say(want.due, want.posting.zone),
            "public_sees": _public_sees(want, now) or "",
            "touched": "" if pull.untouched else "yes",
            "blocked": hold(pull, want.request, policy) or _put_off(pull, want, policy),
            "url": pull.url,
        }
        known = about(want.posting, want.posting.state(now), thread)
        key = _reminder(want, max(overdue))
        yield Announcement(Event.WAITING, key, want.posting.slug, facts, about=known, at=now)


def _put_off(pull: Pull, want: Want, policy: Policy) -> str:
    return _PUT_OFF if pull.again and not is_approved(pull, want.request, policy) else ""


def reminders(want: Want, pull: Pull | None, policy: Policy) -> list[tuple[datetime, timedelta]]:
    """When people are to be reminded of a pull request. One that was asked for is no surprise when it is opened.

    Nor was the archive, though its turn may come years after it was due.
    """
    if pull is None or (want.request is None and want.wish.transition is not Transition.ARCHIVE):
        return [(want.due + span, span) for span in policy.remind]
    since = max(want.due, pull.opened_at)
    due = want.due.replace(microsecond=0)  # a host's instants may have whole seconds
    return [(since + span, span) for span in policy.remind if span or due > pull.opened_at]


def _question(want: Want, span: timedelta) -> str:
    return f"{Event.NOT_READY}:{want.branch}:{int(span.total_seconds())}"


def _reminder(want: Want, span: timedelta) -> str:
    """The key of a reminder: of the request where there is one, whichever pull request it uses."""
    branch = request_branch(want.request, want.posting.slug) if want.request else want.branch
    return f"{Event.WAITING}:{branch}:{int(span.total_seconds())}"


def _public_sees(want: Want, now: datetime) -> State | None:
    """What the public sees meanwhile; None where that is what it would see anyway."""
    state = want.posting.state(now)
    after = TABLE.get((state, want.wish.transition), (state,))[0] if state else None
    return state if state is not after else None


# Beside the pull request ---------------------------------------------------------------------------------------------

_THEIRS = (
    "From here on this branch is yours. Somebody has added commits to it, so postbot neither changes nor merges it, "
    "whatever the date: please merge it when it is ready, or close it. To hand it back, close it with the words "
    "`ask me on DATE` and delete its branch; on that date postbot makes it anew. Closed without a date, it stays "
    "closed until the wish itself changes."
)
_SETTLED = "What was said here is settled: postbot looks after this pull request as usual."


def standing(pull: Pull, offer: Offer | None, told: Collection[str], now: datetime, policy: Policy) -> Standing:
    """What is to be said beside an open pull request, and its verdict.

    `told` are the keys of what the staff have heard. Without an offer nobody knows any more who asked for it, or why.
    """
    request = offer.want.request if offer else None
    words = _words(pull, offer, told, now, policy)
    by_itself = offer is not None and request is None and policy.of(offer.want.wish.transition).merge is MergeWhen.AUTO
    if policy.two_people and by_itself and pull.untouched:
        return Standing(words, approved=True, verdict="Nobody has to approve what the clock does by itself.")
    approved, line = verdict(pull, request, policy, known=offer is not None)
    return Standing(words, approved, line)


def _words(pull: Pull, offer: Offer | None, told: Collection[str], now: datetime, policy: Policy) -> str:
    parts = [] if pull.untouched else [_THEIRS]
    if offer is None:
        parts.append("Nothing asks for it any more.")
    elif _is_late(offer.want, pull, now, policy):
        why = hindrance(pull, offer, policy)
        if why is None:
            return pull.standing.words  # it is merged by this very plan
        parts += _about_delay(offer, why, told, now, policy)
    return "\n\n".join(parts) or (_SETTLED if pull.standing.words else "")


def _is_late(want: Want, pull: Pull, now: datetime, policy: Policy) -> bool:
    """Whether there is something to explain: from its first reminder on."""
    first = min((at for at, _ in reminders(want, pull, policy)), default=want.due)
    return want.due <= now and first <= now and not want.standby


def _about_delay(offer: Offer, why: str, told: Collection[str], now: datetime, policy: Policy) -> Iterator[str]:
    want, request, zone = offer.want, offer.want.request, offer.want.posting.zone
    if request and is_borrowed(want):
        reason = f": {one_line(request.wish.reason)}" if request.wish.reason else ""
        yield f"{one_line(request.by)} asked for it on {say(request.filed_at, zone)}{reason}."
    yield f"This was due on {say(want.due, zone)} and is not merged. {why}"
    if seen := _public_sees(want, now):
        yield f"Until it is merged, the public sees {one_line(want.posting.title)} as {seen}."
    yield from _reported(want, told, policy)


def _reported(want: Want, told: Collection[str], policy: Policy) -> Iterator[str]:
    """To whom it was reported, and how often so far."""
    staff = _listed([one_line(name) for name in policy.staff])
    spans = [span for span in sorted(policy.remind) if _reminder(want, span) in told]
    asked = any(_question(want, span) in told for span in policy.ask)
    if (spans or asked) and not staff:
        yield "Nobody was told: the configuration names nobody who hears of it under `routes`."
    elif spans:
        yield f"Reported to {staff} {_listed([_after(span) for span in spans])}."
    elif asked:
        yield f"What is missing was asked of {staff}."


def _after(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    count, unit = next(
        (minutes // size, unit) for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")) if minutes % size == 0
    )
    return f"after {count} {unit}{'s' if count != 1 else ''}" if count else "when it was due"


def _listed(words: Sequence[str]) -> str:
    *others, last = words or ("",)
    return f"{', '.join(others)} and {last}" if others else last

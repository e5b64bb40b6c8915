"""What is told ahead of its instant: that a position opens soon, or closes soon.

Pure. Nothing is told of what is in doubt: an opening that is not ready, a draft, a posting with a problem. After a
pause only the latest of what came due is told, and nothing once the instant has passed. What others have just been
told in other words (an opening late in its window, an extension by a day) is noted and not said again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from postbot.core.announce import Announcement, Event
from postbot.core.announce.words import RELEASE
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Witness
from postbot.core.plan.news import HEARD, about, soon_key, window_facts
from postbot.core.plan.offers import gaps
from postbot.core.plan.steps import Forget, Policy, Record, Seen, Tell
from postbot.core.posting import Posting
from postbot.core.profile import State
from postbot.core.site import Path


def soon(
    seen: Seen,
    postings: Mapping[Path, Posting],
    recorded: Sequence[Record | Forget],
    now: datetime,
    policy: Policy,
) -> Iterator[Tell]:
    """What is to be told at `now` of openings and closings ahead, by what these records leave remembered.

    What the first look finds is no news; nor is what a record of this very look has `noted`.
    """
    records = {step.witness.path: step for step in recorded if isinstance(step, Record)}
    first, released = seen.memory.last_tick is None, RELEASE in seen.memory.released
    for path, posting in postings.items():
        record = records.get(path)
        witness = record.witness if record else seen.memory.witnesses.get(path)
        if witness is None:
            continue
        for event, at, key in _due(posting, witness, now, policy):
            if key not in seen.memory.told and not (record and key in record.also):
                heard = (f"{HEARD}{key}",) if released and not first else ()
                yield Tell(_announcement(posting, witness, event, key, at, now), quiet=first, also=heard)


def noted(postings: Mapping[Path, Posting], step: Record | Forget, now: datetime, policy: Policy) -> Record | Forget:
    """The same step with the keys of what its own announcements say as well."""
    if isinstance(step, Forget) or not step.announcements:
        return step
    posting = postings[step.witness.path]
    return replace(step, also=(*step.also, *(key for _, _, key in _due(posting, step.witness, now, policy))))


def instants(posting: Posting, policy: Policy) -> Iterator[datetime]:
    """Every instant at which something may be told ahead."""
    window, zone = posting.window, posting.zone
    yield from (_before(window.opens, span, zone) for span in policy.opening_soon if window.opens)
    yield from (_before(window.closes, span, zone) for span in policy.closing_soon if window.closes)


def _due(posting: Posting, witness: Witness, now: datetime, policy: Policy) -> Iterator[tuple[Event, datetime, str]]:
    """What is to be told ahead by now: the event, its instant and the key."""
    for event, at, spans in _ahead(posting, witness, policy):
        if key := _key(posting, witness, event, at, now, spans):
            yield event, at, key


def _ahead(
    posting: Posting, witness: Witness, policy: Policy
) -> Iterator[tuple[Event, datetime, tuple[timedelta, ...]]]:
    """What lies ahead of a posting and is beyond doubt: the event, its instant, and how long before it is told."""
    opens, closes = posting.window.opens, posting.window.closes
    if posting.problems or posting.outside:
        return
    if witness.state is State.OPEN and closes and policy.closing_soon:
        yield Event.CLOSING_SOON, closes, policy.closing_soon
    if witness.state is State.UPCOMING and opens and policy.opening_soon and _is_ready(posting):
        yield Event.OPENING_SOON, opens, policy.opening_soon


def _is_ready(posting: Posting) -> bool:
    """Whether nothing keeps it from opening; asked last, for it takes a look at every field."""
    return not posting.draft and not gaps(posting, Wish(Transition.OPEN))


def _before(at: datetime, span: timedelta, zone: ZoneInfo) -> datetime:
    """So long before an instant (UTC); days are those of the zone, so that two days before 8:00 is at 8:00."""
    days = timedelta(days=span.days)
    return (at.astimezone(zone) - days).astimezone(UTC) - (span - days)


def _key(
    posting: Posting, witness: Witness, event: Event, at: datetime, now: datetime, spans: tuple[timedelta, ...]
) -> str | None:
    """The key of the latest that came due; None before its time and once the instant has passed."""
    due = [span for span in spans if _before(at, span, posting.zone) <= now < at]
    return f"{soon_key(event, witness.thread, at)}{int(min(due).total_seconds())}" if due else None


def _announcement(
    posting: Posting, witness: Witness, event: Event, key: str, at: datetime, now: datetime
) -> Announcement:
    known = about(posting, witness.state, witness.thread)
    return Announcement(event, key, posting.slug, window_facts(posting), about=known, at=now, expires=at)

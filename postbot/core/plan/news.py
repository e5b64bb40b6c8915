"""What has been witnessed on the base branch since the last look, and what that means for those who follow the site.

Pure. News follow the content of the base branch and nothing else: neither a pull request nor a request is news. The
first run adopts what stands and says nothing, and so does the first look after a memory was put back from a copy.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from postbot.core.address import public_address
from postbot.core.announce import About, Announcement, Event, Fact
from postbot.core.announce.routes import is_address
from postbot.core.announce.words import thread_name
from postbot.core.archive import is_archived
from postbot.core.dates import say
from postbot.core.lifecycle import Transition
from postbot.core.plan.memory import Memory, Witness
from postbot.core.plan.steps import Forget, Record, Seen, Tell
from postbot.core.plan.undoing import Undone, corrected, followed, is_witnessed, keys, latecomers, told_of, undone
from postbot.core.posting import Posting, at_utc, live_field, read_posting, slug_of, texts
from postbot.core.problem import Problem
from postbot.core.profile import State
from postbot.core.site import Path, Pull, PullStatus


def records(seen: Seen, postings: Mapping[Path, Posting], now: datetime) -> Iterator[Record | Forget]:
    """Compare every posting with what was last witnessed: what to remember, what to forget, what to announce."""
    known, gone = seen.memory.witnesses, seen.memory.gone
    states = {path: state for path, posting in postings.items() if (state := posting.state(now))}
    renamed = _renamed(seen, postings, {path: state for path, state in states.items() if path not in known})
    found, taken_back = {witness.path for witness in renamed.values()}, undone(seen.snapshot)
    for path, state in states.items():
        posting, back = postings[path], taken_back.get(path)
        before = known.get(path) or renamed.get(path) or _returned(posting, gone.get(path))
        was = before.path if before and before.path != path else None
        also = (*keys(seen, posting, back, before, now), *(followed(seen, path, was) if was else ()))
        after = _witness(posting, seen, state, before, now)
        if seen.memory.copied:
            yield Record(replace(after, news=after.news + _LOST), was=was, also=also)
        elif before and back and is_witnessed(seen, posting, back, before):
            record = _put_back(seen, posting, back, (before, after), now)
            yield replace(record, was=was, also=(*also, *record.also))
        elif before != after or path not in known or also:
            adopted = before is None and seen.memory.last_tick is None
            said = () if adopted else tuple(_news(posting, before, after, now, seen.memory.told))
            moved = bool(said) or (before is not None and before.state is not state)
            yield Record(replace(after, news=after.news + bool(said)), said, was, moved=moved, also=also)
    for path, witness in known.items():
        if path not in seen.postings and path not in found:
            yield Forget(path, () if seen.memory.copied else _gone(witness))


_LOST = 1000
"""More than has been told of a posting since an older copy was made: no key of what is told from now on was used."""


def _returned(posting: Posting, gone: Witness | None) -> Witness | None:
    """What was known of a file that had gone, if it is back with the same dates; else it is another opening."""
    same = gone is not None and (gone.opens, gone.closes) == (posting.window.opens, posting.window.closes)
    return gone if same else None


def _renamed(seen: Seen, postings: Mapping[Path, Posting], new: Mapping[Path, State]) -> dict[Path, Witness]:
    """The remembered postings that new ones were before they were renamed, by the strongest evidence first.

    A pull request of ours moved it; the same bytes; the same title and state; of several, the one whose file has kept
    its name. Going from evidence to evidence, and not from file to file, keeps a weak likeness from taking what
    another file has the better claim to.
    """
    gone = [witness for path, witness in seen.memory.witnesses.items() if path not in seen.postings]
    if not gone:
        return {}
    moves = _moves(seen)
    here = [(path, seen.snapshot.files[path].blob, postings[path].title, state) for path, state in new.items()]
    there = [(moves.get(each.path, each.path), each.blob, each.title, each.state) for each in gone]
    found: dict[Path, Witness] = {}
    for evidence in _EVIDENCE:
        taken = {witness.path for witness in found.values()}
        claims: dict[object, list[Witness]] = {}
        for witness, traits in zip(gone, there, strict=True):
            if witness.path not in taken:
                claims.setdefault(evidence(traits), []).append(witness)
        for traits in here:
            if traits[0] not in found and (held := claims.get(evidence(traits))):
                found[traits[0]] = held.pop(0)
    return found


_Traits = tuple[Path, str, str, State]
"""What a posting is known again by: its path, blob, title and state."""

_EVIDENCE: tuple[Callable[[_Traits], object], ...] = (
    lambda traits: traits[0],
    lambda traits: (_name(traits), traits[1]),
    lambda traits: traits[1],
    lambda traits: (_name(traits), traits[2:]),
    lambda traits: traits[2:],
)


def _name(traits: _Traits) -> str:
    return traits[0].rpartition("/")[2]


def _moves(seen: Seen) -> dict[Path, Path]:
    """The new path of each file that a merged pull request of ours has moved, by the path it had."""
    merged = (pull.paths for pull in seen.snapshot.pulls if pull.status is PullStatus.MERGED)
    pairs = (paths for paths in merged if len(paths) == _OLD_AND_NEW)
    here = seen.snapshot.files
    return {old: new for one, two in pairs for old, new in ((one, two), (two, one)) if old not in here and new in here}


_OLD_AND_NEW = 2


def _witness(posting: Posting, seen: Seen, state: State, before: Witness | None, now: datetime) -> Witness:
    generation = before.generation if before else 0
    opened = state is State.OPEN and (before is None or before.state is not State.OPEN)
    closing = state is State.CLOSED and before is not None and before.state is State.OPEN
    return Witness(
        thread=_thread(posting.path, generation + opened, state, before, now),
        news=before.news if before else 0,
        path=posting.path,
        blob=seen.snapshot.files[posting.path].blob,
        title=posting.title,
        state=state,
        generation=generation + opened,
        opens=posting.window.opens,
        closes=posting.window.closes,
        reason=_close_reason(posting, seen) if closing else before.reason if before and state is State.CLOSED else None,
    )


def _thread(path: Path, generation: int, state: State, before: Witness | None, now: datetime) -> str:
    """The name of the opening that a posting is or waits for; a closed one that is used again waits for another."""
    again = before is not None and before.state is State.CLOSED and state is not State.CLOSED
    if before and before.thread and not again:
        return before.thread
    return thread_name(path, generation + (state is State.UPCOMING), now)


def _close_reason(posting: Posting, seen: Seen) -> str | None:
    return next(
        (
            r.wish.reason
            for r in seen.memory.requests
            if r.path == posting.path and r.wish.transition is Transition.CLOSE
        ),
        None,
    )


def _news(
    posting: Posting, before: Witness | None, after: Witness, now: datetime, told: Collection[str]
) -> Iterator[Announcement]:
    """What is heard of the step from one witnessed state to the next. Of straight to closed, only the staff hear.

    Unless the opening had been announced: then those who wait for it hear what has become of it. The key counts what
    has been told of this opening, so that a date that moves there and back is told each time.
    """
    events = [_event(before, after, now) or _of_awaited(before, after, told)]
    events += [Event.MISSED] if _missed(posting, before, after, now) else []
    for event in filter(None, events):
        yield Announcement(
            event,
            f"{event}:{after.thread}:{after.news + 1}",
            posting.slug,
            _facts(posting, before, after, now),
            about=about(posting, after.state, after.thread),
            at=now,
            expires=after.closes if after.state is State.OPEN and after.closes and after.closes > now else None,
            is_news=True,
        )


def about(posting: Posting, state: State | None, thread: str) -> About:
    """The posting as announcements and routes know it."""
    return About(
        path=posting.path,
        title=posting.title,
        state=state,
        thread=thread,
        zone=posting.zone,
        opens=posting.window.opens,
        closes=posting.window.closes,
        address=public_address(posting),
        fields=texts(posting),
    )


def _of_awaited(before: Witness | None, after: Witness, told: Collection[str]) -> Event | None:
    """What those hear who were told of a coming opening that now comes later, or not at all."""
    if before is None or before.state is not State.UPCOMING or before.opens is None:
        return None
    awaited = f"{HEARD}{soon_key(Event.OPENING_SOON, before.thread, before.opens)}"
    if not any(key.startswith(awaited) for key in told):
        return None
    later = after.state is State.UPCOMING and (after.opens is None or after.opens > before.opens)
    return Event.CALLED_OFF if after.state is State.CLOSED else Event.POSTPONED if later else None


HEARD = "heard:"
"""How the key begins by which we remember that more than the team heard of a coming opening."""


def soon_key(event: Event, thread: str, at: datetime) -> str:
    """How the keys of what is told ahead of an instant begin; the span follows."""
    return f"{event}:{thread}:{at_utc(at)}:"


def foretold(seen: Seen, posting: Posting, after: Posting, now: datetime) -> tuple[Announcement, ...]:
    """What is heard once this posting stands on the base branch as it does in `after`, if that is witnessed at `now`.

    The same that will be said then, word for word. Where the dates decide, the clock may have moved the posting by
    then, whatever is merged; that is no news of the merge.
    """
    was, state = posting.state(now), after.state(now)
    if was is None or state is None:
        return ()
    before = _witness(posting, seen, was, seen.memory.witnesses.get(posting.path), now)
    return tuple(_news(after, before, _witness(after, seen, state, before, now), now, seen.memory.told))


# What was taken back -------------------------------------------------------------------------------------------------


def _put_back(seen: Seen, posting: Posting, back: Undone, step: tuple[Witness, Witness], now: datetime) -> Record:
    """An undo that is witnessed by this step from one state to another.

    It goes on in the opening that it was, which has not been opened once more. Those who were told otherwise hear so.
    """
    before, after = step
    was = _as_told(seen, posting, back)
    names = told_of(seen, posting.path, back.pull)
    said = correction(was, posting, before.thread, back.key, names, now) if was else ()
    opened = before.state is State.OPEN and after.state is not State.OPEN
    after = replace(
        after,
        thread=before.thread or after.thread,
        generation=before.generation - opened,
        news=before.news + bool(said),
    )
    return Record(
        after,
        said,
        moved=before.state is not after.state,
        also=tuple(corrected(back, name) for name in names),
        takes_back=was is not None and _differs(was, posting, now),
    )


def _as_told(seen: Seen, posting: Posting, back: Undone) -> Posting | None:
    """The posting as it stood until it was taken back."""
    change = seen.changes.get(back.by.branch)
    found = read_posting(posting.path, change.before, posting.profile, posting.zone) if change else None
    return found if isinstance(found, Posting) else None


def correction(
    was: Posting, posting: Posting, thread: str, key: str, to: tuple[str, ...], now: datetime
) -> tuple[Announcement, ...]:
    """What exactly those hear who were told of a posting as it `was`, and it is not; nothing where that is the same."""
    if not to or not _differs(was, posting, now):
        return ()
    known = about(posting, posting.state(now), thread)
    words = {"was": standing_in_words(was, now), "stands": standing_in_words(posting, now)}
    facts = window_facts(posting) | words
    return (Announcement(Event.UNDONE, key, posting.slug, facts, about=known, at=now, is_news=True, to=to),)


def foretold_correction(
    seen: Seen, posting: Posting, after: Posting, pull: Pull, now: datetime
) -> tuple[Announcement, ...]:
    """What is heard once this pull request is taken back, by those who have heard of it so far."""
    witness = seen.memory.witnesses.get(posting.path)
    names = told_of(seen, posting.path, pull)
    return correction(posting, after, witness.thread if witness else "", f"undone:{posting.path}", names, now)


def late_corrections(seen: Seen, postings: Mapping[Path, Posting], now: datetime) -> Iterator[Tell]:
    """The same for those of whom it turned out only later that they had been told."""
    for path, back, names in latecomers(seen):
        posting, witness = postings.get(path), seen.memory.witnesses.get(path)
        was = _as_told(seen, posting, back) if posting else None
        if posting and witness and was:
            for said in correction(was, posting, witness.thread, back.key, names, now):
                yield Tell(said, also=tuple(corrected(back, name) for name in names))


def _differs(was: Posting, posting: Posting, now: datetime) -> bool:
    """Whether what readers were told of one is not true of the other."""
    return standing_in_words(was, now) != standing_in_words(posting, now)


def standing_in_words(posting: Posting, now: datetime) -> str:
    """How a posting stands, in words that follow `it is`."""
    opens, closes = posting.window.opens, posting.window.closes
    match posting.state(now):
        case State.OPEN:
            return f"open for applications{f' until {say_closing(closes, posting.zone)}' if closes else ''}"
        case State.UPCOMING:
            return f"not open yet{f' and opens on {say(opens, posting.zone)}' if opens and opens > now else ''}"
        case State.CLOSED:
            return "closed"
        case None:
            return "in no known state"


def _event(before: Witness | None, after: Witness, now: datetime) -> Event | None:
    was = before.state if before else State.UPCOMING
    match was, after.state:
        case State.UPCOMING | State.CLOSED, State.OPEN:
            return Event.REOPENED if after.generation > 1 else Event.OPENED
        case State.OPEN, State.CLOSED:
            # Early is before the date that was announced, whatever the file says by now.
            announced = before.closes if before else after.closes
            return Event.CLOSED_EARLY if announced and announced > now else Event.CLOSED
        case State.OPEN, State.UPCOMING:
            return Event.POSTPONED
        case State.OPEN, State.OPEN if before and before.closes != after.closes:
            later = before.closes and after.closes and after.closes > before.closes
            return Event.EXTENDED if later else Event.CORRECTED
        case _:
            return None


def _missed(posting: Posting, before: Witness | None, after: Witness, now: datetime) -> bool:
    """Whether a known posting has passed its window without ever being open. Where the dates decide, none can."""
    passed = before is not None and before.state is State.UPCOMING and after.state is State.CLOSED
    return passed and not posting.profile.dates_decide and after.opens is not None and after.opens <= now


def _facts(posting: Posting, before: Witness | None, after: Witness, now: datetime) -> dict[str, Fact]:
    late = _opening(after.opens, posting.zone) if after.state is State.OPEN else after.closes
    return window_facts(posting) | {
        "state": after.state,
        "reason": after.reason or "",
        "was_closing": say_closing(before.closes, posting.zone) if before and before.closes else "",
        "late": _late(late, now),
    }


def window_facts(posting: Posting) -> dict[str, Fact]:
    """What every announcement about a posting may say: its title, its path, whom to ask, and its dates in words."""
    window = posting.window
    contact = live_field(posting.document, posting.profile.emails)
    return {
        "contact": (contact.text or "") if contact and is_address(contact.text or "") else "",
        "title": posting.title,
        "path": posting.path,
        "opens": say(window.opens, posting.zone) if window.opens else "not known yet",
        "closes": say_closing(window.closes, posting.zone) if window.closes else "not known yet",
    }


def say_closing(closes: datetime, zone: ZoneInfo) -> str:
    """A closing in words: one at midnight ends the day before, and people read it as that day's last minute."""
    return say(closes - timedelta(minutes=1) if _is_midnight(closes, zone) else closes, zone)


def _opening(opens: datetime | None, zone: ZoneInfo) -> datetime | None:
    """When an opening begins to be late: one on a day, without a time, is on time for all of that day."""
    return opens + timedelta(days=1) if opens and _is_midnight(opens, zone) else opens


def _is_midnight(at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    return (local.hour, local.minute) == (0, 0)


def _late(since: datetime | None, now: datetime) -> str:
    """How late it is, once that is worth a word: from an hour on."""
    span = now - since if since else timedelta(0)
    if span < timedelta(hours=1):
        return ""
    hours, two_days = int(span.total_seconds() // 3600), 48
    return f"{hours // 24} days" if hours >= two_days else f"{hours} hours" if hours > 1 else "1 hour"


def _gone(witness: Witness) -> tuple[Announcement, ...]:
    if witness.state is State.CLOSED:
        return ()
    key = f"gone:{witness.thread}:{witness.news + 1}"
    facts = {"title": witness.title, "path": witness.path, "state": witness.state}
    return (Announcement(Event.GONE, key, witness.path, facts),)


def broken(seen: Seen, now: datetime) -> Iterator[Tell]:
    """Files that cannot be read as postings, each told once for each of its texts.

    What cannot be followed at all by the first run is noted and not told: it is no news, and every plan shows it.
    """
    first = seen.memory.last_tick is None
    for path, found in seen.postings.items():
        problems = _faults(seen, path, found, now)
        if problems:
            key = f"{Event.BROKEN}:{path}:{seen.snapshot.files[path].blob}"
            facts: dict[str, Fact] = {"path": path, "problems": tuple(map(str, problems))}
            if key not in seen.memory.told:
                strange = path not in seen.memory.witnesses and (isinstance(found, Problem) or not found.state(now))
                yield Tell(Announcement(Event.BROKEN, key, path, facts), quiet=first and strange)


def _faults(seen: Seen, path: Path, found: Posting | Problem, now: datetime) -> tuple[Problem, ...]:
    """What keeps a file from being followed. One that nobody has seen as a posting may be meant for something else.

    What lies closed in the archive is followed no further.
    """
    if isinstance(found, Posting):
        over = found.outside or (is_archived(found) and found.state(now) is State.CLOSED)
        return () if over else found.problems
    stranger = found.code == "front-matter-missing" or _is_template(path, seen.templates)
    return () if stranger and path not in seen.memory.witnesses else (found,)


def _is_template(path: Path, templates: tuple[str, ...]) -> bool:
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return any(fnmatchcase(name.lower(), pattern) for name in (slug_of(path), stem) for pattern in templates)


def undelivered(memory: Memory, now: datetime) -> Iterator[Tell]:
    """The messages that have come to be held, all in one word to the staff.

    A message that says so and is held itself is not told of in turn: `postbot deliveries --held` shows it.
    """
    held = {f"{Event.FAILED}:{each.number}:{each.attempts}": each for each in memory.held}
    fresh = {key: each for key, each in held.items() if key not in memory.told and each.event is not Event.FAILED}
    if fresh:
        key, *also = fresh
        facts: dict[str, Fact] = {
            "count": str(len(fresh)),
            "failures": tuple(f"To {e.channel}:{e.recipient}: {e.subject}. {e.detail}" for e in fresh.values()),
            "command": "postbot deliveries --held",
        }
        yield Tell(Announcement(Event.FAILED, key, "", facts, at=now), also=tuple(also))

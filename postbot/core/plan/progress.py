"""What those are told who follow our pull requests: a card for each, and in its thread what becomes of it.

Pure. Each thing is told once, under a key of the branch and of what it is, and only of a pull request whose card was
told: whoever begins to follow them does not hear at once of all that there are. Every word brings the card as it is
then, so that the card follows; once a pull request has ended, its card asks for nothing any more. What is told here
decides nothing, and nobody hears it whom no route names for it (`Policy.followed`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final

from postbot.core.announce import FOLLOWED, About, Announcement, Event, Fact, called, one_line
from postbot.core.dates import say
from postbot.core.lifecycle import Transition
from postbot.core.plan.memory import Memory, Opinion, Request, Said, Spoken
from postbot.core.plan.news import about, window_facts
from postbot.core.plan.people import approvers, digest, hold, is_approved, is_put_off, lines_of, objection, put_off_to
from postbot.core.plan.steps import Offer, Policy, Propose, Seen, Step, Tell, Withdraw
from postbot.core.plan.undoing import LATE, NEWS
from postbot.core.plan.waiting import hindrance
from postbot.core.posting import Posting, at_utc, read_posting, slug_of
from postbot.core.site import Path, Pull, PullStatus

FOLLOWED_FOR: Final = timedelta(days=14)
"""How long after its end a pull request is followed: so long is what was said to the public kept in mind."""

_MOST_LINES: Final = 12
_LONGEST_LINE: Final = 160
_MOST_NAMES: Final = 6


def progress(
    seen: Seen, offers: Sequence[Offer], acts: Collection[Step], now: datetime, policy: Policy
) -> Iterator[Tell]:
    """What is to be told of each pull request now. One that these acts change or take back is looked at afterwards."""
    if not policy.followed:
        return
    by_branch = {offer.want.branch: offer for offer in offers}
    busy = {step.change.branch for step in acts if isinstance(step, Propose)}
    busy |= {step.pull.branch for step in acts if isinstance(step, Withdraw)}
    told = _told(seen.memory)
    for pull in seen.snapshot.pulls:
        if pull.branch not in busy:
            keys = told.get(pull.branch, frozenset())
            yield from _of(_Followed(seen, pull, by_branch.get(pull.branch), keys, now, policy))


def delivered(seen: Seen, now: datetime, policy: Policy) -> Iterator[Tell]:
    """What is to be told of those that were merged, now that the public has been spoken to."""
    if not policy.followed:
        return
    told = _told(seen.memory)
    for pull in seen.snapshot.pulls:
        if pull.status is PullStatus.MERGED and (keys := told.get(pull.branch)):
            it = _Followed(seen, pull, None, keys, now, policy)
            yield from _tells(it, _spoken_of(it)) if it.is_followed else ()


def is_noted(step: Step) -> bool:
    """Whether a step only notes what becomes of a pull request, as what was told before."""
    return isinstance(step, Tell) and step.quiet and step.announcement.event in FOLLOWED


def _told(memory: Memory) -> dict[str, frozenset[str]]:
    """What was told of each branch."""
    found: dict[str, set[str]] = {}
    for key in memory.told:
        if key.startswith(_BEGINS):
            branch, _, what = key.removeprefix(_BEGINS).partition(":")
            found.setdefault(branch, set()).add(what)
    return {branch: frozenset(keys) for branch, keys in found.items()}


_BEGINS: Final = f"{Event.PROGRESS}:"
_CARD: Final = "card"


@dataclass(frozen=True)  # without slots: what is looked up often is worked out once
class _Followed:
    """One pull request of ours, what can be said of it, and what was."""

    seen: Seen
    pull: Pull
    offer: Offer | None
    told: frozenset[str]
    now: datetime
    policy: Policy

    @property
    def is_open(self) -> bool:
        return self.pull.status is PullStatus.OPEN

    @property
    def is_new(self) -> bool:
        """Whether it was opened since the last look: what stood there before that is followed by nobody."""
        since = self.seen.memory.last_tick or self.now
        return self.is_open and self.pull.opened_at >= since.replace(microsecond=0) - self.policy.clock_slack

    @property
    def is_followed(self) -> bool:
        ended = self.pull.closed_at
        return _CARD in self.told and (self.is_open or ended is None or self.now < ended + FOLLOWED_FOR)

    @cached_property
    def about(self) -> str:
        """The digest of its changed lines; empty once it has ended."""
        return digest(self.pull, self.seen.snapshot.files) if self.is_open else ""

    @cached_property
    def opinions(self) -> tuple[Opinion, ...]:
        return tuple(each for each in self.seen.memory.opinions if each.branch == self.pull.branch)

    @cached_property
    def transition(self) -> Transition | None:
        name = self.pull.branch.split("/")[1]
        return next((each for each in Transition if each == name), None)

    @cached_property
    def path(self) -> Path:
        """Where its posting is now: of an old and a new path the one that is there."""
        here = (path for path in self.pull.paths if path in self.seen.postings)
        return next(here, next(iter(self.pull.paths), Path(self.pull.branch)))

    @cached_property
    def posting(self) -> Posting | None:
        found = self.seen.postings.get(self.path)
        return found if isinstance(found, Posting) else None

    @cached_property
    def after(self) -> Posting | None:
        """The posting as it would be once this is merged; as it is, where nobody can tell."""
        data = next((data for data in self.pull.files.values() if data is not None), None)
        if self.posting is None or data is None:
            return self.posting
        found = read_posting(self.path, data, self.posting.profile, self.posting.zone)
        return found if isinstance(found, Posting) else self.posting

    @cached_property
    def spoken(self) -> tuple[Spoken, ...]:
        """What was said to the public because it was merged."""
        events = NEWS.get(self.transition, frozenset()) if self.transition else frozenset()
        since = (self.pull.closed_at or self.pull.opened_at) - LATE
        return tuple(
            each
            for each in self.seen.memory.spoken
            if each.path in self.pull.paths and each.event in events and each.at >= since
        )

    @cached_property
    def approvers(self) -> tuple[str, ...]:
        """Those whose approval counts; nobody's, where two people are needed and nobody knows who asked."""
        if self.offer is None:
            return () if self.policy.two_people else self.pull.approved_by
        return approvers(self.pull, self.offer.want.request, self.policy)

    @property
    def objection(self) -> str:
        return objection(self.pull, self._request, self.policy)

    @property
    def hold(self) -> str | None:
        return hold(self.pull, self._request, self.policy)

    @property
    def _request(self) -> Request | None:
        return self.offer.want.request if self.offer else None

    def count(self, *kinds: str) -> int:
        """How many things of these kinds were told."""
        return sum(what.partition("=")[0] in kinds for what in self.told)


@dataclass(frozen=True, slots=True)
class _Word:
    """One thing to be told: what it is (once for each pull request), in two or three words, and as a sentence.

    `also` are further things that are told with it.
    """

    what: str
    brief: str
    words: str
    also: tuple[str, ...] = ()


def _of(it: _Followed) -> Iterator[Tell]:
    if it.is_new and _CARD not in it.told:
        yield _tell(it, _announcement(it, Event.PROPOSED, _CARD, {}), _as_it_is(it))
    if it.is_followed or (it.is_new and it.seen.memory.copied):
        yield from _tells(it, _words(it))


def _tells(it: _Followed, words: Iterable[_Word]) -> Iterator[Tell]:
    for word in words:
        if word.what not in it.told:
            facts: dict[str, Fact] = {"brief": word.brief, "happened": word.words}
            yield _tell(it, _announcement(it, Event.PROGRESS, word.what, facts), word.also)


def _tell(it: _Followed, said: Announcement, also: Iterable[str]) -> Tell:
    """After the ledger was put back from an older copy it may have been told already, and is only noted."""
    return Tell(said, quiet=it.seen.memory.copied, also=tuple(_keys(it, also)))


def _keys(it: _Followed, what: Iterable[str]) -> Iterator[str]:
    return (f"{_BEGINS}{it.pull.branch}:{each}" for each in what)


def _announcement(it: _Followed, event: Event, what: str, facts: dict[str, Fact]) -> Announcement:
    [key] = _keys(it, (what,))
    slug = slug_of(it.path)
    known, thread = _about(it), f"pull:{it.pull.branch}"
    return Announcement(event, key, slug, _card(it) | facts, about=known, at=it.now, thread=thread)


def _about(it: _Followed) -> About | None:
    witness = it.seen.memory.witnesses.get(it.path)
    return about(it.posting, it.posting.state(it.now), witness.thread if witness else "") if it.posting else None


# What becomes of it --------------------------------------------------------------------------------------------------


def _as_it_is(it: _Followed) -> Iterator[str]:
    """What its card says from the beginning, and is not told again."""
    yield _named("lines", it.about)
    yield from (_named("blocked", it.hold),) if it.hold else ()
    yield from ("draft=1",) if it.pull.draft else ()


def _words(it: _Followed) -> Iterator[_Word]:
    yield from _of_its_lines(it)
    yield from _said(it)
    yield from _of_rights(it)
    yield from _approvals(it)
    yield from _of_checks(it)
    yield from _turns(it)
    if it.pull.status is PullStatus.MERGED:
        yield from _spoken_of(it)


def _of_its_lines(it: _Followed) -> Iterator[_Word]:
    if not it.is_open:
        return
    lines, draft = _named("lines", it.about), it.count("draft")
    was_draft = draft > it.count("complete")
    if not it.pull.untouched and "touched" not in it.told:
        words = "Somebody has added to its branch, so postbot leaves it alone: a person has to merge it, or close it."
        yield _Word("touched", "changed by hand", words, (lines,))
    elif it.pull.draft and not was_draft:
        lacks = " ".join(it.offer.lacks) if it.offer else ""
        yield _Word(f"draft={draft + 1}", "a draft again", f"It is a draft again. {lacks}".strip(), (lines,))
    elif was_draft and not it.pull.draft:
        yield _Word(f"complete={draft}", "complete", "Nothing is missing any more.", (lines,))
    else:
        words = "It changes other lines than before. Who approves it now approves these."
        yield _Word(lines, "other lines", words)


def _said(it: _Followed) -> Iterator[_Word]:
    """What people have said of it elsewhere than on its page; a yes or a no only to the lines that it changes now."""
    for each in it.opinions:
        name, key = _name(each.by), (each.said, each.by, at_utc(each.at))
        if each.said is Said.SNOOZE and each.until is not None:
            until = say(each.until, it.policy.zone)
            yield _Word(_named("off", *key), "put off", f"{name} put it off until {until}.")
        elif it.is_open and each.about == it.about and each.said is Said.APPROVE and each.by in it.approvers:
            yield _Word(_named("said", *key), "approved", f"Approved by {name}.")
        elif it.is_open and each.about == it.about and each.said is Said.CHANGES:
            why = f": {one_line(each.words).rstrip('.')}" if each.words else ""
            yield _Word(_named("said", *key), "changes asked for", f"{name} asks for changes{why}.")


def _of_rights(it: _Followed) -> Iterator[_Word]:
    """That somebody whose word was told may not decide any more, and that they may again; as often as that changes."""
    if not it.is_open:
        return
    lost = [each for each, bar in it.seen.unheard.items() if bar.final and each.branch == it.pull.branch]
    told = (each for each in (*lost, *it.opinions) if each.about == it.about and each.said is not Said.SNOOZE)
    for each in {each.giver: each for each in told}.values():
        key = (each.said, each.by, at_utc(each.at))
        gone, back = _named("lost", *key), _named("back", *key)
        times = sum(what.startswith(gone) for what in it.told)
        is_gone = times > sum(what.startswith(back) for what in it.told)
        if each in lost and not is_gone and _named("said", *key) in it.told:
            yield _Word(f"{gone}.{times + 1}", "counts no more", _no_more(it, each))
        elif each not in lost and is_gone:
            yield _Word(f"{back}.{times}", "counts again", f"What {_name(each.by)} said counts again.")


def _no_more(it: _Followed, opinion: Opinion) -> str:
    if opinion.said is Said.CHANGES:
        what = "what they asked for does not keep it any more"
    elif it.offer and not it.approvers and hindrance(it.pull, it.offer, it.policy):
        what = "somebody else has to approve it"
    else:
        what = "their approval does not count"
    return f"{_name(opinion.by)} may not decide any more; {what}."


def _approvals(it: _Followed) -> Iterator[_Word]:
    """Those who approved it on its page, and whose approval counts."""
    elsewhere = {each.by for each in it.opinions if each.said is Said.APPROVE}
    for name in it.approvers:
        if name not in elsewhere:
            yield _Word(_named("approved", name), "approved", f"Approved by {_name(name)}.")


def _of_checks(it: _Followed) -> Iterator[_Word]:
    """What keeps it from being merged, once for each reason; and, after that, that nothing does any more."""
    if not it.is_open or it.objection:
        return  # what keeps it is what somebody has said
    if it.pull.blocked:
        yield _Word(_named("blocked", it.pull.blocked), "cannot be merged now", one_line(it.pull.blocked))
    elif blocked := it.count("blocked"):
        yield _Word(f"free={blocked}", "can be merged", "Nothing keeps it from being merged any more.")


def _turns(it: _Followed) -> Iterator[_Word]:
    """That it was merged, closed or put off, and that it is open again."""
    pull = it.pull
    match pull.status:
        case PullStatus.MERGED:
            yield _Word("merged", "merged", f"Merged{f' by {_name(pull.closed_by)}' if pull.closed_by else ''}.")
        case PullStatus.REJECTED:
            yield _closed(it)
        case PullStatus.WITHDRAWN if not pull.put_off_until:
            why = one_line(pull.reason or "")
            yield _Word(
                _named("closed", _moment(pull.closed_at)), "taken back", f"Taken back by postbot. {why}".strip()
            )
        case PullStatus.OPEN if not is_put_off(pull, it.now, it.policy.zone):
            if ended := it.count("off", "closed"):
                yield _Word(f"again={ended}", "open again", "It is open again.")


def _closed(it: _Followed) -> _Word:
    pull, name = it.pull, _name(it.pull.closed_by or "somebody")
    if until := put_off_to(pull, it.policy.zone):
        words = f"{name} put it off until {say(until, it.policy.zone)}."
        return _Word(_named("off", _moment(pull.closed_at)), "put off", words)
    why = f": {one_line(pull.reason).rstrip('.')}" if pull.reason else ""
    return _Word(_named("closed", _moment(pull.closed_at)), "closed", f"{name} closed it{why}.")


def _spoken_of(it: _Followed) -> Iterator[_Word]:
    """That the page shows it, once the first has gone out that waits for that; and whom it was announced to."""
    if it.policy.live and any(each.standing == _SENT for each in it.spoken):
        yield _Word("live", "live", "The public page shows it.")
    if it.spoken and all(each.standing != _DUE for each in it.spoken):
        yield _Word("announced", "announced", _announced(it.spoken))


_SENT, _DUE = "sent", "due"


def _announced(spoken: Sequence[Spoken]) -> str:
    sent = [each for each in spoken if each.standing == _SENT]
    listed = "; ".join(_recipients(sent)) or "nobody"
    others = Counter(each.standing for each in spoken if each.standing != _SENT)
    rest = "; ".join((f"{len(sent)} of {len(spoken)}", *(f"{count} {how}" for how, count in sorted(others.items()))))
    return f"Announced to {listed}{f' ({rest})' if others else ''}."


def _recipients(sent: Sequence[Spoken]) -> Iterator[str]:
    """Whom it went to by each channel, as people call them; ids of Slack say nothing to anybody, and are counted."""
    for channel in dict.fromkeys(each.channel for each in sent):
        names = list(dict.fromkeys(one_line(each.recipient) for each in sent if each.channel == channel))
        if channel == _SLACK:
            rooms = sum(name.startswith(_ROOMS) for name in names)
            counted = ((rooms, "channel", "channels"), (len(names) - rooms, "person", "people"))
            yield from (f"{count} {one if count == 1 else more} in Slack" for count, one, more in counted if count)
        else:
            left = [f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
            yield f"{', '.join((*names[:_MOST_NAMES], *left))} by {one_line(channel)}"


_SLACK: Final = "slack"
_ROOMS: Final = ("C", "G")
"""What the ids of Slack's channels begin with."""


def _named(kind: str, *parts: str) -> str:
    """A name for one thing of a kind, of letters that stand in any key."""
    return f"{kind}={sha256(chr(0).join(parts).encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _moment(at: datetime | None) -> str:
    return at_utc(at) if at else ""


def _name(name: str) -> str:
    return called(name) or "somebody"


# The card ------------------------------------------------------------------------------------------------------------


def _card(it: _Followed) -> dict[str, Fact]:
    """Everything that the card says now."""
    pull, offer, request = it.pull, it.offer, it.offer.want.request if it.offer else None
    agreed = is_approved(pull, request, it.policy) and not it.objection
    decided = agreed or pull.draft or bool(it.offer and it.offer.want.standby)
    return _window(it) | {
        "transition": it.transition or "change",
        "number": str(pull.number),
        "pull": f"#{pull.number} {pull.title}",
        "branch": pull.branch,
        "shown": it.about,
        "url": pull.url,
        "due": say(offer.want.due, it.policy.zone) if offer and it.is_open else "",
        "asked": _asked(it),
        "lines": tuple(_lines(it)),
        "missing": offer.lacks if offer and it.is_open else (),
        "standing": _standing(it),
        "is_open": "yes" if it.is_open else "",
        "approvable": "yes" if it.is_open and not decided else "",
        "brief": "",
        "happened": "",
    }


def _window(it: _Followed) -> dict[str, Fact]:
    """The title, and the dates that the posting has once this is merged."""
    if it.posting is None or it.after is None:
        unknown = "not known yet"
        return {"title": it.pull.title, "path": it.path, "contact": "", "opens": unknown, "closes": unknown}
    return window_facts(it.after) | {"title": it.posting.title, "path": it.path}


def _asked(it: _Followed) -> str:
    request = it.offer.want.request if it.offer else None
    if request is None or not it.is_open:
        return ""
    reason = f": {one_line(request.wish.reason).rstrip('.')}" if request.wish.reason else ""
    return f"{_name(request.by)} asked for it on {say(request.filed_at, it.policy.zone)}{reason}."


def _lines(it: _Followed) -> Iterator[str]:
    """The lines that go and come, as far as a card has room for them; none once it has ended."""
    lines = list(lines_of(it.pull, it.seen.snapshot.files)) if it.is_open else []
    for line in lines[:_MOST_LINES]:
        yield f"{line[:_LONGEST_LINE]}…" if len(line) > _LONGEST_LINE else line
    if (more := len(lines) - _MOST_LINES) > 0:
        yield f"and {more} more line{'s' if more > 1 else ''}"


def _standing(it: _Followed) -> str:
    """Where it stands, in a sentence."""
    words = list(_spoken_of(it) if it.pull.status is PullStatus.MERGED else ())
    if words:
        return words[-1].words
    ended = list(_turns(it))
    if not it.is_open:
        return ended[-1].words if ended else _put_off(it)
    if it.offer is None:
        return "Nothing asks for it any more."
    if is_put_off(it.pull, it.now, it.policy.zone):
        return _put_off(it)
    return _waits(it, it.offer)


def _put_off(it: _Followed) -> str:
    until = put_off_to(it.pull, it.policy.zone)
    return f"Put off until {say(until, it.policy.zone)}." if until else "Put off."


def _waits(it: _Followed, offer: Offer) -> str:
    """What an open one waits for: a person, or its date."""
    if offer.lacks:
        return "It is a draft until nothing is missing."
    if why := it.hold or hindrance(it.pull, offer, it.policy):
        return one_line(why)
    when = "Merged on its date" if offer.want.due > it.now else "Merged at the next look"
    names = ", ".join(map(_name, it.approvers))
    return f"Approved by {names}. {when}." if names else f"{when}, unless somebody objects."

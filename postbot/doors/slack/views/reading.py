"""What was filled in: a wish that can be carried out, or what is wrong, at the field and in plain words.

Pure. Only what the form asks for is read, and no value that comes out holds a line break or anything unseen. Dates come
out as YYYY-MM-DD, with THH:MM for a time of the site's own clock. A wish that comes out has been proven against the
posting: exactly its lines change.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from postbot.core.announce import one_line
from postbot.core.dates import Moment, Unreadable, read_moment, say
from postbot.core.lifecycle import Wish
from postbot.core.plan.news import say_closing
from postbot.core.plan.undoing import meant
from postbot.core.plan.wants import offered
from postbot.core.posting import Posting
from postbot.core.problem import Problem
from postbot.core.profile import CloseReason
from postbot.core.text.scalar import unprintable
from postbot.doors.slack.views.asks import Ask, Kind, asks, bound_of, misfit
from postbot.doors.slack.views.form import MOST_REASON, MOST_WORDS, REASON, UNTIL, WORDS
from postbot.doors.slack.views.parts import VALUE, excess
from postbot.doors.slack.views.scene import Scene, Verb

Errors = dict[str, str]
"""A sentence for each block whose input is wrong, as `response_action: errors` wants it."""
Values = Mapping[str, Mapping[str, Any]]
"""What `view.state.values` of a submission holds: by block, then by element."""

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(slots=True)
class _Filled:
    """What has been read so far. `dates` are those that were given, `at` their instants (UTC)."""

    values: dict[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)
    at: dict[Kind, datetime] = field(default_factory=dict)


def read(scene: Scene, posting: Posting, verb: Verb, values: Values) -> Wish | Errors:
    """What the form of a verb asks for, as a wish. `verb` is one that moves a posting; else `ValueError` is raised."""
    if verb.transition is None:
        raise ValueError(f"{verb} moves no posting.")
    asked, filled = asks(posting, verb, scene.now), _Filled()
    for ask in asked:
        _take(scene, posting, verb, ask, values, filled)
    filled.errors = _order(scene, posting, verb, asked, filled) | filled.errors
    reason = _reason(verb, values, filled.errors)
    if filled.errors:
        return filled.errors
    asks_for = Wish(verb.transition, _needed(verb, asked, filled.values), reason)
    wish = meant(scene.seen, posting, asks_for, scene.now, scene.policy)
    return _unfit(scene, posting, wish, asked) or wish


def read_words(values: Values) -> str | Errors:
    """What should be different, on one line: what stood on several is put together."""
    text = one_line(_entered(values, WORDS, "value").replace("\n", " "))
    if not text:
        return {WORDS: "Say what should be different."}
    if len(text) > MOST_WORDS:
        return {WORDS: f"This is {len(text)} characters long, and there is room for {MOST_WORDS}."}
    return text


def read_until(scene: Scene, values: Values) -> datetime | Errors:
    """From when on (UTC) somebody wants to be asked again: the beginning of a day of the site, soon to come."""
    day = _day(_entered(values, UNTIL, "selected_date"))
    if day is None:
        return {UNTIL: "Choose a day."}
    at = datetime(day.year, day.month, day.day, tzinfo=scene.zone).astimezone(UTC)
    if at - scene.now > _LONGEST_WAIT:
        return {UNTIL: f"Choose a day within the next {_LONGEST_WAIT.days} days."}
    return at if at > scene.now else {UNTIL: "Choose a day that is still to come."}


_LONGEST_WAIT: Final = timedelta(days=90)
"""For so long something can be put off: whatever else is asked of the posting may have to wait for it."""


# Fields -------------------------------------------------------------------------------------------------------------


def _take(scene: Scene, posting: Posting, verb: Verb, ask: Ask, values: Values, filled: _Filled) -> None:
    """Read one field into what is filled, or say there what is wrong with it."""
    if ask.kind.is_day:
        _take_date(scene, posting, verb, ask, values, filled)
        return
    text, wrong = _text(posting, ask, values)
    if wrong:
        filled.errors[ask.block_id] = wrong
    elif text:
        filled.values[ask.key] = text


def _text(posting: Posting, ask: Ask, values: Values) -> tuple[str, str]:
    """The text of a field, and what is wrong with it."""
    if ask.kind is Kind.CHOICE:
        chosen = _chosen(values, ask.block_id, ask.choices)
        return (chosen, "") if chosen is not None else ("", f"Choose {_either(ask.choices)}.")
    text = _entered(values, ask.block_id, "value").strip()
    return text, _not_a_line(text) or misfit(posting, ask, text)


def _not_a_line(text: str) -> str:
    """Why a text is not what people would see on one line; empty where it is."""
    if any(mark in text for mark in "\n\r\x0b\x0c\x85\u2028\u2029"):
        return "This has to be on one line."
    if unprintable(text) or one_line(text) != " ".join(text.split()):
        return "This holds a character that cannot be seen. Type it anew rather than pasting it."
    return ""


def _chosen(values: Values, block_id: str, choices: Sequence[str]) -> str | None:
    """The choice that was made; None for none, or for one that was not offered."""
    option = values.get(block_id, {}).get(VALUE, {}).get("selected_option") or {}
    place = str(option.get("value", ""))
    named = {str(at): text for at, text in enumerate(choices)}
    return named.get(place)


def _either(choices: Sequence[str]) -> str:
    few = choices[:5]
    return " or ".join(one_line(each)[:40] for each in few) + (
        " or another of these" if len(choices) > len(few) else ""
    )


def _entered(values: Values, block_id: str, name: str) -> str:
    return str(values.get(block_id, {}).get(VALUE, {}).get(name) or "")


def _reason(verb: Verb, values: Values, errors: Errors) -> str | None:
    """Why: one of the reasons for a closing, or a line for a withdrawal."""
    if verb is Verb.CLOSE:
        chosen = _chosen(values, REASON, [reason.value for reason in CloseReason])
        if chosen is None:
            errors[REASON] = "Choose why it closes."
        return chosen
    text = _entered(values, REASON, "value").strip() if verb is Verb.WITHDRAW else ""
    wrong = _not_a_line(text)
    if wrong or len(text) > MOST_REASON:
        errors[REASON] = wrong or f"This is {len(text)} characters long, and there is room for {MOST_REASON}."
    return text or None


# Dates --------------------------------------------------------------------------------------------------------------


def _take_date(scene: Scene, posting: Posting, verb: Verb, ask: Ask, values: Values, filled: _Filled) -> None:
    day = _day(_entered(values, ask.block_id, "selected_date"))
    clock = _entered(values, ask.time_id, "selected_time") if ask.timed else ""
    if day is None:
        if clock or not ask.optional:
            filled.errors[ask.block_id] = "Choose the day, too." if clock else "Choose a day."
        return
    if clock and not _TIME.fullmatch(clock):
        filled.errors[ask.time_id] = "Choose a time of day."
        return
    text = f"{day.isoformat()}T{clock}" if clock else day.isoformat()
    found = read_moment(text, bound_of(posting, ask.kind), posting.zone)
    if not isinstance(found, Moment):
        place = ask.time_id if clock else ask.block_id
        filled.errors[place] = found.message if isinstance(found, Unreadable) else "Choose another day."
    elif wrong := _out_of_time(scene, posting, verb, ask.kind, found):
        filled.errors[ask.block_id] = wrong
    else:
        filled.values[ask.key], filled.at[ask.kind] = text, found.at


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _out_of_time(scene: Scene, posting: Posting, verb: Verb, kind: Kind, found: Moment) -> str:
    """Why a date cannot be meant at this moment; empty where it can."""
    today = scene.now.astimezone(scene.zone).date()
    begins_today = verb is Verb.OPEN and kind is Kind.OPENS and not found.has_time and found.wall.date() == today
    if found.at <= scene.now and not begins_today:
        return f"This is past; now it is {say(scene.now, scene.zone)}."
    present = posting.window.closes
    if verb is Verb.EXTEND and present and found.at <= present:
        return f"This is not later than the present closing, {say_closing(present, scene.zone)}."
    return ""


def _order(scene: Scene, posting: Posting, verb: Verb, asked: Sequence[Ask], filled: _Filled) -> Errors:
    """What is wrong where the posting would close before it opens."""
    window, given = posting.window, filled.at
    stays = verb in (Verb.OPEN, Verb.EXTEND)
    opens = given.get(Kind.OPENS) or (window.opens if stays else None)
    closes = given.get(Kind.CLOSES) or (window.closes if stays or Kind.OPENS in given else None)
    closes = closes if verb is not Verb.REOPEN else given.get(Kind.CLOSES)
    if not (opens and closes and closes <= opens):
        return {}
    wrong = next((ask for ask in asked if ask.kind is Kind.CLOSES), asked[0] if asked else None)
    sentence = f"It would close before it opens, which is on {say(opens, scene.zone)}."
    return {wrong.block_id: sentence} if wrong else {}


def _needed(verb: Verb, asked: Sequence[Ask], values: Mapping[str, str]) -> dict[str, str]:
    """What was filled in, without a closing date that a new opening leaves as it is."""
    moves = verb is Verb.POSTPONE and any(ask.kind is Kind.OPENS and ask.key in values for ask in asked)
    same = {ask.key for ask in asked if moves and ask.kind is Kind.CLOSES and values.get(ask.key) == _initially(ask)}
    return {key: text for key, text in values.items() if key not in same}


def _initially(ask: Ask) -> str:
    return f"{ask.initial}T{ask.time}" if ask.time else ask.initial


# As a whole ---------------------------------------------------------------------------------------------------------


def _unfit(scene: Scene, posting: Posting, wish: Wish, asked: Sequence[Ask]) -> Errors:
    """What keeps the wish from being carried out, at the field that comes nearest to it."""
    if over := excess(wish):
        longest = max(asked, key=lambda ask: len(wish.values.get(ask.key, "")), default=None)
        place = longest.block_id if longest else REASON
        return {place: f"Together this is about {over} characters more than Slack can hold. Shorten the longest ones."}
    offer = offered(scene.seen, posting, wish, scene.now, scene.policy)
    sentences = list(offer.lacks)
    if isinstance(offer.change, Problem):
        sentences.append(offer.change.message)
    elif offer.change is None and not sentences:
        sentences.append("The posting says so already: nothing would change.")
    errors: Errors = {}
    for place, sentence in _placed(sentences, asked):
        errors[place] = f"{errors[place]} {sentence}" if place in errors else sentence
    return {place: text[:_MOST_ERROR] for place, text in errors.items()}


_MOST_ERROR: Final = 1000


def _placed(sentences: Sequence[str], asked: Sequence[Ask]) -> Iterator[tuple[str, str]]:
    """Each sentence at the field that it names, else at the first."""
    first = asked[0].block_id if asked else REASON
    for sentence in sentences:
        named = (ask.block_id for ask in asked if f"`{ask.key}`" in sentence)
        yield next(named, first), one_line(sentence)

"""Dates that read, and yet are hardly what their writer meant, or are not what the site generator reads.

A date that does not read at all, or not for the site's templates, is a problem of the posting itself, and is not
repeated here.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from postbot.core.dates import Bound, Doubt, Moment, say
from postbot.core.lint.subject import Subject
from postbot.core.posting import closing_bound, live_field, reading
from postbot.core.problem import Problem, Severity
from postbot.core.profile import Grain, OffsetlessTimes, State
from postbot.core.text.document import Field
from postbot.core.text.scalar import TIME, Quoting, tag_11

_FAR = timedelta(days=2 * 365)


def _dates(subject: Subject) -> Iterator[tuple[Field, Moment]]:
    """The dates of the window that read, opening first."""
    posting, profile = subject.posting, subject.profile
    closed_on = (profile.closed_on,) if profile.closed_on else ()
    bounds = ((profile.opens, Bound.OPENS), (profile.closes, closing_bound(profile)), (closed_on, Bound.OPENS))
    for names, bound in bounds:
        field, read_as = reading(posting.document, names, bound, posting.zone)
        if field and isinstance(read_as, Moment):
            yield field, read_as


def doubtful(subject: Subject) -> Iterator[Problem]:
    """A date with one reading whose words are not what a careful person writes."""
    closes = live_field(subject.document, subject.profile.closes)
    for field, moment in _dates(subject):
        for doubt in moment.doubts:
            # 11:59 am is a slip for 11:59 pm only where a day is to end.
            if doubt.code != "date-noon" or field is closes:
                yield _doubt(subject, field, doubt)


def _doubt(subject: Subject, field: Field, doubt: Doubt) -> Problem:
    message, severity = f"`{field.key}`: {doubt.message}", subject.weigh(Severity.WARNING)
    repair = ((field.key, doubt.corrected),) if doubt.corrected else ()
    return subject.problem(field.value.start, doubt.code, message, severity, fix=doubt.fix, repair=repair)


_OFFSET = re.compile(r"(?:Z|[+-]\d{1,2}(?::?\d\d)?)\s*$")


def read_as_utc(subject: Subject) -> Iterator[Problem]:
    """A bare time without an offset, where the site generator takes such a time for UTC."""
    if subject.profile.grain is not Grain.MINUTE or subject.profile.offsetless_times is not OffsetlessTimes.UTC:
        return
    for field, moment in _dates(subject):
        local = moment.at.astimezone(subject.posting.zone)
        text = (field.text or "").strip()
        bare = field.quoting is Quoting.PLAIN and moment.has_time and tag_11(text) == TIME
        if not bare or _OFFSET.search(text) or not local.utcoffset():
            continue
        message = (
            f"The site generator reads `{field.key}` as UTC, while {say(moment.at, subject.posting.zone)} is meant."
        )
        offset = f"{local:%z}"
        fix = f"Write '{text}' in quotes, or with its offset: {text}{offset[:3]}:{offset[3:5]}."
        yield subject.problem(field.value.start, "date-utc", message, subject.weigh(Severity.WARNING), fix=fix)


def far_away(subject: Subject) -> Iterator[Problem]:
    """A date so far ahead that its year is more likely a slip."""
    if subject.state is State.CLOSED:
        return
    for field, moment in _dates(subject):
        if moment.at - subject.now > _FAR:
            message = f"`{field.key}` is more than two years away: {say(moment.at, subject.posting.zone)}."
            yield subject.problem(field.value.start, "date-far", message, Severity.NOTE, fix="Check the year.")

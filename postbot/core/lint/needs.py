"""What the state needs: fields that are missing, waiting in a comment, not known yet, or still a template's.

What a state asks for is decided in `postbot.core.posting`; here it is only weighed and told.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from postbot.core.dates import say
from postbot.core.lint.addresses import fake_link_in
from postbot.core.lint.subject import Subject, short
from postbot.core.posting import Gap, GapKind, live_field, readiness, required
from postbot.core.problem import Problem, Severity
from postbot.core.profile import State
from postbot.core.text.hints import is_placeholder

_SOON = timedelta(days=5)  # before an opening, what is missing concerns today's editor
_GAP_CODES = {
    GapKind.MISSING: "field-missing",
    GapKind.COMMENTED: "field-commented",
    GapKind.PLACEHOLDER: "field-placeholder",
    GapKind.NOT_KNOWN: "field-not-known",
}


def unmet_needs(subject: Subject) -> Iterator[Problem]:
    """What an open posting lacks, and an upcoming one that opens within days; else one note for all."""
    if subject.state is State.UPCOMING and not _has_a_life(subject):
        return
    posting = subject.posting
    match subject.state:
        case State.OPEN:
            yield from _each(subject, readiness(posting, State.OPEN), Severity.ERROR, "an open posting needs it")
        case State.UPCOMING if _opens_soon(subject):
            assert posting.window.opens
            why = f"it is needed when the posting opens, {say(posting.window.opens, posting.zone)}"
            yield from _each(subject, readiness(posting, State.OPEN), Severity.WARNING, why)
        case State.UPCOMING:
            now = [gap for gap in readiness(posting, State.UPCOMING) if not _may_wait(subject, gap)]
            yield from _each(subject, now, Severity.WARNING, "an upcoming posting needs it")
            yield from _later(subject, {gap.key for gap in now})
        case _:
            return


def _has_a_life(subject: Subject) -> bool:
    """Whether the file speaks of a state or of dates at all; a page about an author that does not never opens."""
    profile, document = subject.profile, subject.document
    names = {name.lower() for name in (*profile.opens, *profile.closes, profile.state.name if profile.state else "")}
    return any(key.lower() in names for key in (*document.fields, *(found.key for found in document.commented)))


def _opens_soon(subject: Subject) -> bool:
    window = subject.posting.window
    over = window.closes is not None and window.closes <= subject.now
    return window.opens is not None and window.opens <= subject.now + _SOON and not over and not subject.posting.draft


def _may_wait(subject: Subject, gap: Gap) -> bool:
    """A date that is not known is what upcoming means, and `TBD` is an honest answer to anything."""
    dates = {name.lower() for name in (*subject.profile.opens, *subject.profile.closes)}
    return gap.kind is GapKind.NOT_KNOWN or gap.key.lower() in dates


def _each(subject: Subject, gaps: Iterable[Gap], severity: Severity, why: str) -> Iterator[Problem]:
    for gap in gaps:
        if gap.kind is GapKind.PLACEHOLDER and fake_link_in(subject.profile, subject.posting.text(gap.key) or ""):
            continue  # said by `link-fake`
        message = f"{gap.says.removesuffix('.')}, but {why}."
        yield Problem(subject.posting.path, gap.line, gap.column, _GAP_CODES[gap.kind], message, severity, _how(gap))


def _how(gap: Gap) -> str:
    match gap.kind:
        case GapKind.MISSING:
            return f"Add a line `{gap.key}:` with its value."
        case GapKind.COMMENTED if gap.default:
            return f"Write `{gap.key}: {gap.default}` without the #, or another value."
        case GapKind.COMMENTED:
            return f"Remove the # and write the value of `{gap.key}`."
        case _:
            return f"Write the real value of `{gap.key}`."


def _later(subject: Subject, said: set[str]) -> Iterator[Problem]:
    keys = [gap.key for gap in readiness(subject.posting, State.OPEN) if gap.key not in said]
    if not keys:
        return
    opens = live_field(subject.document, subject.profile.opens)
    line, column = (opens.line, opens.column) if opens else (1, 1)
    still = "one field is" if len(keys) == 1 else f"{len(keys)} fields are"
    message = f"Before this posting may open, {still} still to be filled in: {', '.join(keys)}."
    yield Problem(subject.posting.path, line, column, "open-not-ready", message, Severity.NOTE)


def placeholders(subject: Subject) -> Iterator[Problem]:
    """A placeholder left in a field that no state asks for; the others are told by `unmet_needs`."""
    asked = set() if subject.state is State.CLOSED else set(required(subject.posting, State.OPEN))
    for scalar in subject.values:
        value = scalar.node.value
        if scalar.key in asked or not is_placeholder(scalar.key, value) or fake_link_in(subject.profile, value):
            continue
        message = f"`{scalar.key}` still holds the placeholder {short(value)}."
        severity = subject.weigh(Severity.WARNING)
        yield subject.problem(scalar.start, "field-placeholder", message, severity, fix="Write the real value.")

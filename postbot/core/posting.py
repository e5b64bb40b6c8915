"""A posting: what a file means once its profile is known. Its state, its window, what it still lacks.

Pure. The clock comes in as `now` (aware, UTC). A date that cannot be read is a problem of the posting and never a
guess: such a posting has no instant there, so nothing moves it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from postbot.core.dates import Bound, Moment, NotKnown, Unreadable, read_moment, say
from postbot.core.problem import Problem
from postbot.core.profile import DayEdge, Grain, Profile, State, StateField
from postbot.core.site import Path
from postbot.core.text.document import Commented, Document, Field, read
from postbot.core.text.hints import is_placeholder
from postbot.core.text.scalar import Quoting

Reading = Moment | NotKnown | Unreadable
_UNDECIDED = re.compile(r"tb[dac]|to be (?:determined|announced|confirmed)", re.IGNORECASE)
NOTHING = NotKnown("", placeholder=False)


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a posting takes applications: instants in UTC, None where not known."""

    opens: datetime | None
    closes: datetime | None

    @property
    def reversed(self) -> bool:
        """Whether it ends before it begins, or as it begins: then nobody can tell what was meant."""
        return self.opens is not None and self.closes is not None and self.closes <= self.opens


@dataclass(frozen=True, slots=True)
class Posting:
    """One posting as its file and its profile say it.

    `stated` is the state that the file writes down: None where the dates decide, or where its word is not known.
    `outside` means a word such as `draft`, which keeps it out of the life cycle, or a template of the site.
    `problems` are what keeps its state or its dates from being read, or its dates from making sense.
    """

    document: Document
    profile: Profile
    zone: ZoneInfo
    slug: str
    title: str
    stated: State | None
    outside: bool
    draft: bool
    window: Window
    closed_on: datetime | None
    problems: tuple[Problem, ...]

    @property
    def path(self) -> Path:
        """The file's path inside the repository."""
        return self.document.path

    def text(self, key: str) -> str | None:
        """The live value of a field, None where it is missing or holds a list."""
        field = self.document.fields.get(key)
        return field.text if field else None

    def state(self, now: datetime) -> State | None:
        """What the public sees at `now`; None where the file's word for it is not known or keeps it out of the life."""
        if self.outside or (self.stated is None and not self.profile.dates_decide):
            return None
        return self.stated or self._derived(now)

    def _derived(self, now: datetime) -> State:
        """Where the dates decide: closed from `closed_on` or the closing on, open from the opening on, else upcoming.

        A window that is not known on the opening side, or a draft, is upcoming: so do the site's own templates.
        """
        opens, closes = self.window.opens, self.window.closes
        if self.draft:
            return State.UPCOMING
        if (self.closed_on and self.closed_on <= now) or (closes and closes <= now):
            return State.CLOSED
        return State.OPEN if opens and opens <= now else State.UPCOMING


class GapKind(StrEnum):
    """What is wrong with a field that an open posting needs."""

    MISSING = "missing"
    COMMENTED = "commented out"
    PLACEHOLDER = "still a placeholder"
    NOT_KNOWN = "not known yet"


@dataclass(frozen=True, slots=True)
class Gap:
    """One field that keeps a posting from a state. `default` is the file's own offer, which may be taken as it is."""

    key: str
    kind: GapKind
    line: int
    column: int
    says: str
    default: str | None = None


def read_posting(path: Path, data: bytes, profile: Profile, zone: ZoneInfo) -> Posting | Problem:
    """Read one file as a posting of this kind of site, or say what keeps anybody from reading it."""
    document = read(path, data)
    return document if isinstance(document, Problem) else as_posting(document, profile, zone)


def as_posting(document: Document, profile: Profile, zone: ZoneInfo) -> Posting:
    """Read a document as a posting of this kind of site. Times are read in `zone`, the site's own."""
    problems: list[Problem] = []
    slug = slug_of(document.path)
    stated, outside = _stated(document, profile, problems)
    draft = live_field(document, (profile.draft,)) if profile.draft else None
    title = live_field(document, profile.title)
    window = Window(
        _instant(document, profile, (profile.opens, Bound.OPENS), zone, problems),
        _instant(document, profile, (profile.closes, closing_bound(profile)), zone, problems),
    )
    if window.reversed and stated is not State.CLOSED:
        problems.append(_reversed(document, profile, window, zone))
    return Posting(
        document=document,
        profile=profile,
        zone=zone,
        slug=slug,
        title=(title.text or slug) if title else slug,
        stated=stated,
        outside=outside or is_template(document.path, profile),
        draft=draft is not None and (draft.text or "").lower() == "true",
        window=window,
        closed_on=_closed_on(document, profile, zone, problems),
        problems=tuple(problems),
    )


def _reversed(document: Document, profile: Profile, window: Window, zone: ZoneInfo) -> Problem:
    closes = live_field(document, profile.closes)
    assert closes is not None
    assert window.opens is not None
    assert window.closes is not None
    when = "the moment it opens" if window.opens == window.closes else f"before it opens, {say(window.opens, zone)}"
    message = f"The posting closes {when}: `{closes.key}` means {say(window.closes, zone)}."
    place = (document.path, closes.value_line, closes.value_column)
    return Problem(*place, "window-reversed", message, fix="Correct one of the two dates.")


def slug_of(path: str) -> str:
    """The name people call a posting by: its file's name without ending, or its folder's for an index page."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return folder.rpartition("/")[2] if stem in ("index", "_index") and folder else stem


def closing_bound(profile: Profile) -> Bound:
    """Which edge of its day a closing date without a time stands for on this kind of site."""
    return Bound.CLOSES if profile.date_only_closes is DayEdge.END else Bound.OPENS


def live_field(document: Document, names: tuple[str, ...]) -> Field | None:
    """The first of these fields that the file holds live, compared exactly, then in any case (`expirydate`)."""
    for name in names:
        if name in document.fields:
            return document.fields[name]
    lowered = {key.lower(): field for key, field in document.fields.items()} if names else {}
    return next((lowered[name.lower()] for name in names if name.lower() in lowered), None)


def is_template(path: str, profile: Profile) -> bool:
    """Whether a file of this name is one that people only copy from on this kind of site."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return any(fnmatchcase(name.lower(), pattern) for name in (slug_of(path), stem) for pattern in profile.templates)


def _stated(document: Document, profile: Profile, problems: list[Problem]) -> tuple[State | None, bool]:
    """The state that the file writes down, and whether its word keeps it out of the life cycle."""
    if profile.state is None:
        return None, False
    field = live_field(document, (profile.state.name,))
    if field is None or not field.text:
        problems.append(_no_state(document, profile.state, field))
        return None, False
    if field.text in profile.state.outside:
        return None, True
    for state, word in profile.state.values.items():
        if field.text == word:
            return state, False
    problems.append(_unknown_state(document, profile, field))
    return None, is_placeholder(field.key, field.text)


def _no_state(document: Document, state: StateField, field: Field | None) -> Problem:
    message = f"There is no `{state.name}`, so nobody can tell whether this posting is open."
    fix = f"Add `{state.name}: {state.values[State.UPCOMING]}`."
    line, column = (field.line, 1) if field else (1, 1)
    commented = next((found for found in document.commented if found.key == state.name), None)
    if field is None and commented:
        line, column = commented.line, commented.column
        message = f"`{state.name}` is commented out, so nobody can tell whether this posting is open."
        fix = f"Uncomment it: take the # away, and write {_either(list(state.values.values()))}."
    return Problem(document.path, line, column, "state-missing", message, fix=fix)


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _unknown_state(document: Document, profile: Profile, field: Field) -> Problem:
    assert profile.state is not None
    words = [*profile.state.values.values(), *profile.state.outside]
    near = next((word for word in words if word.lower() == (field.text or "").lower()), None) or _nearest(
        field.text or "", words
    )
    return Problem(
        document.path,
        field.value_line,
        field.value_column,
        "state-unknown",
        f"`{field.text}` is no state; this site knows {_either(words)}.",
        fix=f"Write `{field.key}: {near}`." if near else None,
        repair=((field.key, near),) if near else (),
    )


def _nearest(word: str, known: list[str]) -> str | None:
    """The known word that differs by one letter (`opem`), if there is just one."""
    close = [other for other in known if abs(len(word) - len(other)) <= 1 and _differ_by_one(word.lower(), other)]
    return close[0] if len(close) == 1 else None


def _differ_by_one(one: str, two: str) -> bool:
    if len(one) == len(two):
        return sum(a != b for a, b in zip(one, two, strict=True)) == 1
    short, long = sorted((one, two), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def reading(document: Document, names: tuple[str, ...], bound: Bound, zone: ZoneInfo) -> tuple[Field | None, Reading]:
    """The field that holds this date, and what its text means; a missing field is not known."""
    field = live_field(document, names)
    if field is None:
        return None, NOTHING
    if field.text is None:
        return field, Unreadable("date-not-a-text", f"`{field.key}` holds a list where a date belongs.", 0)
    return field, read_moment(field.text, bound, zone)


def _instant(
    document: Document, profile: Profile, date: tuple[tuple[str, ...], Bound], zone: ZoneInfo, problems: list[Problem]
) -> datetime | None:
    field, read_as = reading(document, *date, zone)
    if field is None or isinstance(read_as, NotKnown):
        return None
    if isinstance(read_as, Unreadable):
        problems.append(date_problem(document, field, read_as))
        return None
    if profile.grain is Grain.DAY and not _is_plain(field, read_as):
        problems.append(_not_plain(document, field, read_as))
        return None
    return read_as.at


def _is_plain(field: Field, moment: Moment) -> bool:
    return field.quoting is Quoting.PLAIN and field.text == moment.wall.date().isoformat()


def _not_plain(document: Document, field: Field, moment: Moment) -> Problem:
    """Where the templates know only days, a date must be a YAML date: quotes, words or a time make it a text."""
    day = moment.wall.date().isoformat()
    what = "with a time of day" if moment.has_time else "in quotes" if field.text == day else "in this form"
    message = f"The site's templates do not understand `{field.key}` {what}: the posting would stay upcoming for ever."
    place = (document.path, field.value_line, field.value_column)
    repair = () if moment.has_time else ((field.key, day),)
    return Problem(*place, "date-not-plain", message, fix=f"Write {day} without quotes.", repair=repair)


def date_problem(document: Document, field: Field, wrong: Unreadable) -> Problem:
    """Put a date that cannot be read at its exact place: the wrong part inside the value, past an opening quote."""
    quote = 1 if field.quoting in (Quoting.SINGLE, Quoting.DOUBLE) else 0
    column = field.value_column + quote + wrong.offset
    message = f"`{field.key}` cannot be read: {wrong.message}"
    return Problem(document.path, field.value_line, column, wrong.code, message, fix=wrong.fix)


def _closed_on(document: Document, profile: Profile, zone: ZoneInfo, problems: list[Problem]) -> datetime | None:
    """The day of an early closing. It counts from that day's start: who closes today means now."""
    if profile.closed_on is None:
        return None
    return _instant(document, profile, ((profile.closed_on,), Bound.OPENS), zone, problems)


# Readiness ---------------------------------------------------------------------------------------------------------


def readiness(posting: Posting, state: State) -> tuple[Gap, ...]:
    """What is missing, commented out or still a placeholder before the posting may be in `state`, in file order.

    Asked from the file's own INSTRUCTIONS sections (an open posting needs what an upcoming one needs, too) and from
    the profile.
    """
    gaps = [gap for key in required(posting, state) if (gap := _gap(posting, key))]
    return tuple(sorted(gaps, key=lambda gap: (gap.kind is GapKind.MISSING, gap.line)))


def required(posting: Posting, state: State) -> tuple[str, ...]:
    """The fields that a state needs, as the file spells them."""
    wanted: list[State] = [State.UPCOMING, state] if state is State.OPEN else [state]
    keys = dict.fromkeys(_in_sections(posting.document, wanted))
    for each in wanted:
        for name in posting.profile.requires.get(each, ()):
            keys.setdefault(_own_name(posting, name))
    return tuple(keys)


def _in_sections(document: Document, states: list[State]) -> Iterator[str]:
    spans = [section.span for section in document.sections if section.state in states]
    places = sorted(
        [(found.span.start, found.key) for found in document.commented]
        + [(found.span.start, found.key) for found in document.fields.values()]
    )
    return (key for at, key in places if any(span.start <= at < span.end for span in spans))


def _own_name(posting: Posting, name: str) -> str:
    """The window's fields may be called otherwise on this site or in this file; others are called by their name."""
    for names in (posting.profile.opens, posting.profile.closes, (name,)):
        if name in names and (field := live_field(posting.document, names)):
            return field.key
    return name


def _gap(posting: Posting, key: str) -> Gap | None:
    """What is wrong with one required field; None when it is filled in."""
    field = posting.document.fields.get(key)
    if field is None:
        commented = next((found for found in posting.document.commented if found.key == key), None)
        return (
            _commented_gap(posting, commented) if commented else Gap(key, GapKind.MISSING, 1, 1, f"`{key}` is missing.")
        )
    if field.text is None:
        return None
    text = field.text.strip()
    if text and is_placeholder(key, text):
        return Gap(
            key,
            GapKind.PLACEHOLDER,
            field.value_line,
            field.value_column,
            f"`{key}` is still the placeholder {text}.",
        )
    if not text or _not_known(posting, key, text):
        says = f"`{key}` is {'empty' if not text else f'{text}, not known yet'}."
        return Gap(key, GapKind.NOT_KNOWN, field.value_line, field.value_column, says)
    return None


def _commented_gap(posting: Posting, commented: Commented) -> Gap:
    """A commented field offers its default unless that has gone stale, is a date, or leaves a choice."""
    profile, hint = posting.profile, commented.hint
    ask = commented.key in (*profile.reset, *profile.opens, *profile.closes)
    default = None if ask or not hint.default or _not_known(posting, commented.key, hint.default) else hint.default
    offer = f", offering {default}" if default else f", waiting for {hint.placeholder}" if hint.placeholder else ""
    choices = f", one of {' / '.join(hint.choices)}" if hint.choices else ""
    says = f"`{commented.key}` is commented out{offer}{choices}."
    return Gap(commented.key, GapKind.COMMENTED, commented.line, commented.column, says, default)


def _not_known(posting: Posting, key: str, text: str) -> bool:
    """Whether a value says that it is not known yet: a date in any of a date's ways, anything else by a plain TBD."""
    if key.lower() in {name.lower() for name in (*posting.profile.opens, *posting.profile.closes)}:
        return is_not_known(posting, text)
    return bool(_UNDECIDED.fullmatch(text))


def is_not_known(posting: Posting, text: str) -> bool:
    """Whether a date's text says that the date is not known yet."""
    return isinstance(read_moment(text, Bound.OPENS, posting.zone), NotKnown)


def texts(posting: Posting) -> dict[str, str]:
    """What the fields of the front matter hold, as far as that is text."""
    return {key: field.text for key, field in posting.document.fields.items() if field.text is not None}


def at_utc(moment: datetime) -> str:
    """One spelling for an instant, for keys and for memory."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")

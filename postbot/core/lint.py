"""Everything that `postbot check` says about postings: what a careful editor would want to hear, each at its place.

Pure, and never raises: whatever cannot be judged is left alone. Findings that need a person's answer carry a `fix`
in words; only where one value is right beyond doubt does a finding carry a `repair`. What applicants meet weighs
most: the same slip is an error in an open posting, a warning in an upcoming one, and a note in a closed one.
Templates and pages outside the life cycle are judged by their spelling only, as their placeholders are meant.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

import yaml

from postbot.core.dates import Bound, Doubt, Moment, say
from postbot.core.document import Document, Field, line_end, line_start
from postbot.core.editing import is_misspelling, own_spelling
from postbot.core.hints import is_placeholder
from postbot.core.lifecycle import is_not_known
from postbot.core.posting import (
    Gap,
    GapKind,
    Posting,
    closing_bound,
    live_field,
    read_posting,
    readiness,
    reading,
    required,
)
from postbot.core.problem import Problem, Severity
from postbot.core.profile import Grain, Profile, State
from postbot.core.scalar import BOOL, STR, TIME, Quoting, differs, tag_11
from postbot.core.site import Path

CODES: Mapping[str, str] = MappingProxyType(
    {
        "config-missing": "There is no configuration.",
        "config-missing-key": "The configuration lacks a key that it needs.",
        "config-unknown-key": "The configuration holds a key that postbot does not know.",
        "config-unreadable": "The configuration cannot be read.",
        "config-unwritable": "The configuration cannot be written.",
        "config-value": "A value of the configuration is not one that fits there.",
        "config-yaml": "The configuration does not load as YAML.",
        "date-calendar": "The date is not in the calendar, such as February 30.",
        "date-far": "The date is more than two years away.",
        "date-gap": "The clocks skip this time on that day.",
        "date-half": "The time of day does not fit its am or pm.",
        "date-incomplete": "The date lacks its day, month or year.",
        "date-midnight": "A closing at 12 am ends the day before, which is rarely meant.",
        "date-noon": "A closing at 11:59 am is one minute before noon, which is rarely meant.",
        "date-not-a-text": "A list stands where a date belongs.",
        "date-not-plain": "The site's templates understand this date only as YYYY-MM-DD without quotes.",
        "date-number": "A number in the date is neither day nor year.",
        "date-numbers": "The date is written in figures that are not YYYY-MM-DD.",
        "date-ordinal": "The day's ending is wrong, such as 2th.",
        "date-shape": "The parts of the date stand in no known order.",
        "date-grain": "The site knows whole days, and the value has a time of day.",
        "date-time": "The time of day does not exist.",
        "date-too-long": "The text is too long for a date.",
        "date-twice": "The clocks show this time twice on that day, and the text does not say which is meant.",
        "date-utc": "The site generator reads this time as UTC, not as the site's own time.",
        "date-weekday": "The weekday contradicts the date.",
        "date-word": "A word has no place in a date.",
        "date-year": "The year is a slip of the finger or a parked date.",
        "date-zone": "The time zone's name does not name one zone for this site.",
        "date-zone-season": "The time zone's name is that of the other half of the year.",
        "edit-complex-key": "The new field's name would be no plain text.",
        "edit-flow-mapping": "The front matter is one `{...}`, which is not edited.",
        "edit-no-field": "There is no such field to comment out.",
        "edit-no-key": "The new field has no name.",
        "edit-not-a-text": "The field holds a list or a group, which a single value cannot replace.",
        "edit-not-one-line": "The value is not one line of printable text.",
        "edit-twice": "One edit changes the same field twice.",
        "edit-unlocated": "The YAML parsers disagree about where the field stands.",
        "edit-unproven": "The edit would change more than it says.",
        "edit-yaml-12": "YAML 1.2 cannot read the file.",
        "email-invalid": "The value is not one e-mail address.",
        "encoding": "The file is not UTF-8.",
        "field-commented": "A field that the posting needs is commented out.",
        "field-missing": "A field that the posting needs is missing.",
        "field-not-known": "A field that the posting needs is empty or not known yet.",
        "field-placeholder": "A template's placeholder was left as the value.",
        "file-lfs-pointer": "The file's content lies in Git LFS, not in the repository.",
        "file-name-clash": "Two files' names differ only by case or by how their letters are encoded.",
        "file-name-not-utf8": "The file's name is not UTF-8.",
        "file-submodule": "A submodule stands where a posting belongs.",
        "file-symlink": "A symbolic link stands where a posting belongs.",
        "file-too-large": "The file is too large for a posting.",
        "file-unreadable": "The file cannot be read.",
        "front-matter-json": "The front matter is JSON.",
        "front-matter-missing": "The file has no front matter.",
        "front-matter-not-first": "Something stands before the front matter.",
        "front-matter-toml": "The front matter is TOML.",
        "front-matter-too-deep": "The front matter nests too deep.",
        "front-matter-too-large": "The front matter is too large.",
        "front-matter-unclosed": "The front matter has no closing `---`.",
        "key-misspelt": "A field's name is almost one that the site knows.",
        "key-spelling-kept": "The file's own spelling of a field's name was kept.",
        "legend-value": "The value is not among those that the comment above it explains.",
        "link-fake": "A template's example link was left in.",
        "link-shared": "Two postings have the same apply link.",
        "open-not-ready": "Fields are still to be filled in before the posting may open.",
        "order-invalid": "A line of a batch is no order that postbot understands.",
        "permalink-shared": "Two pages claim the same address.",
        "posting-misplaced": "A posting stands outside the folder of postings.",
        "profile-unknown": "There is no profile of this name, or none fits the file.",
        "state-missing": "The posting does not say its state.",
        "state-unknown": "The state is none that the site knows.",
        "text-invisible": "The value holds a character that nobody sees.",
        "text-lookalike": "A word mixes letters of two scripts that look alike.",
        "text-lost-after-hash": "YAML takes the rest of the value for a comment.",
        "transition-needs-a-date": "The transition needs a new date.",
        "transition-not-allowed": "This transition does not exist from the present state.",
        "transition-not-reached": "The posting would not be in the wanted state afterwards.",
        "url-invalid": "The value is no link.",
        "window-reversed": "The posting closes before it opens.",
        "yaml-alias": "A value starts with `*` or `&`, which YAML reads as an alias or anchor.",
        "yaml-colon-in-text": "A colon inside a text reads as a new field.",
        "yaml-comma-start": "A value starts with a comma.",
        "yaml-complex-key": "A field's name is no plain text.",
        "yaml-control-character": "An invisible control character stands in the front matter.",
        "yaml-directive": "A line starts with `%`, which is an order to the YAML reader.",
        "yaml-document": "A second YAML document starts inside the front matter.",
        "yaml-duplicate-key": "A field is set twice.",
        "yaml-escape": "A backslash in double quotes starts an escape that does not exist.",
        "yaml-flow": "A bracket opens a list or map that does not end properly.",
        "yaml-hash-in-text": "A `#` cuts a text short, and the rest does not load.",
        "yaml-indent": "A line is not in line with its neighbours.",
        "yaml-invalid": "The front matter does not load as YAML.",
        "yaml-missing-space": "A space is missing after a colon or dash.",
        "yaml-nbsp": "A no-break space stands where YAML needs an ordinary one.",
        "yaml-not-a-field": "A line is no `key: value`.",
        "yaml-not-a-mapping": "The front matter is no list of fields.",
        "yaml-special-start": "A value starts with a sign that YAML keeps for itself.",
        "yaml-tab": "A tab stands where YAML allows only spaces.",
        "yaml-tag": "A `!` at the start of a value reads as a YAML type.",
        "yaml-text-after-quote": "Text follows a quoted value.",
        "yaml-unclosed-quote": "A quote is not closed.",
        "yaml-versions": "YAML 1.1 and 1.2 read the value differently.",
    }
)
"""Every code that postbot can report, with one line about each."""

_SOON = timedelta(days=5)  # before an opening, what is missing concerns today's editor
_FAR = timedelta(days=2 * 365)
_SHOWN = 60  # characters of a value in a sentence


class _Scalar(NamedTuple):
    """One text of the front matter, at any depth; `key` is the top-level field that it stands in."""

    key: str
    node: yaml.ScalarNode
    start: int
    end: int
    depth: int
    is_name: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """A posting as the checks look at it: with its state at `now` and all its texts."""

    posting: Posting
    now: datetime
    state: State | None
    scalars: tuple[_Scalar, ...]

    @property
    def document(self) -> Document:
        return self.posting.document

    @property
    def profile(self) -> Profile:
        return self.posting.profile

    @property
    def values(self) -> Iterator[_Scalar]:
        return (scalar for scalar in self.scalars if not scalar.is_name)

    def weigh(self, when_open: Severity) -> Severity:
        """How much a slip that readers meet matters in this posting's state."""
        if self.state is State.CLOSED:
            return Severity.NOTE
        return when_open if self.state is State.OPEN else Severity.WARNING


def check_file(path: Path, data: bytes, profile: Profile, zone: ZoneInfo, now: datetime) -> tuple[Problem, ...]:
    """Check one file's bytes: the problem that keeps anybody from reading it, or all that `check_posting` finds."""
    posting = read_posting(path, data, profile, zone)
    return (posting,) if isinstance(posting, Problem) else check_posting(posting, now)


def check_posting(posting: Posting, now: datetime) -> tuple[Problem, ...]:
    """Everything to say about one posting at `now` (aware), by place. Includes the posting's own problems."""
    seen = _Seen(posting, now, posting.state(now), tuple(_scalars(posting.document)))
    checks = _SPELLING if posting.outside else (*_SPELLING, *_CONTENT)
    # A template need not say a state; whatever else is wrong with a posting is told.
    own = (one for one in posting.problems if not (posting.outside and one.code == "state-missing"))
    found = chain(own, *(check(seen) for check in checks))
    return _by_place(found)


def check_site(
    postings: Mapping[Path, Posting | Problem], folders: tuple[str, ...], now: datetime
) -> tuple[Problem, ...]:
    """Findings that need more than one file, or its place: shared links and addresses, postings outside `folders`.

    What is wrong inside a file is not repeated here. An empty `folders` (or one that is the whole site) says nothing.
    """
    read = [found for found in postings.values() if isinstance(found, Posting) and not found.outside]
    return _by_place(chain(_shared_links(read, now), _shared_addresses(read), _misplaced(read, folders)))


def _by_place(found: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line, one.column, one.code)))


def _scalars(document: Document) -> Iterator[_Scalar]:
    """Every text of the front matter in file order. The depth is capped by whoever read the document."""
    base = document.front.start
    for name, value in document.root.value if document.root else ():
        stack: list[tuple[yaml.Node, int, bool]] = [(value, 1, False), (name, 0, True)]
        while stack:
            node, depth, is_name = stack.pop()
            if isinstance(node, yaml.ScalarNode):
                start, end = base + node.start_mark.index, base + node.end_mark.index
                yield _Scalar(name.value, node, start, end, depth, is_name)
            elif isinstance(node, yaml.MappingNode):
                stack.extend(
                    child for k, v in reversed(node.value) for child in ((v, depth + 1, False), (k, depth + 1, True))
                )
            else:
                stack.extend((item, depth + 1, False) for item in reversed(node.value))


def _at(
    document: Document,
    offset: int,
    code: str,
    message: str,
    severity: Severity,
    *,
    fix: str | None,
    repair: tuple[tuple[str, str], ...] = (),
) -> Problem:
    line, column = document.line_of(offset), document.column_of(offset)
    return Problem(document.path, line, column, code, message, severity, fix, repair)


def _offset_of(document: Document, scalar: _Scalar, part: str) -> int:
    """Where a part of a value stands in the file; the value's start where it is spelt otherwise (an escape, a fold)."""
    at = document.text.find(part, scalar.start, scalar.end)
    return at if at >= 0 else scalar.start


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 2] + " …"


# Names of fields ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _machine_names(window: tuple[str, ...], others: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in (*window, *others) if name)


def _machine(profile: Profile) -> frozenset[str]:
    """Names (in lower case) of the fields that machines read: state, dates, switches, addresses."""
    state = profile.state.name if profile.state else ""
    others = (state, profile.draft or "", profile.closed_on or "", *profile.per_state, *profile.emails, *profile.urls)
    return _machine_names((*profile.opens, *profile.closes), others)


def _names(profile: Profile) -> tuple[str, ...]:
    """Every field that the profile names, as it spells it."""
    state = (profile.state.name,) if profile.state else ()
    required_names = chain.from_iterable(profile.requires.values())
    single = (name for name in (profile.draft, profile.closed_on) if name)
    window = (*profile.title, *profile.opens, *profile.closes)
    rest = (*profile.reset, *profile.emails, *profile.urls, *profile.per_state)
    return tuple(dict.fromkeys((*profile.known, *state, *window, *single, *required_names, *rest)))


def _misspelt_keys(seen: _Seen) -> Iterator[Problem]:
    """A name that comes close to one the site knows, live or waiting in a comment."""
    names = _names(seen.profile)
    live = seen.document.fields
    places = [(key, field.line, field.column, Severity.WARNING) for key, field in live.items()]
    for found in seen.document.commented:
        column = found.column + len(found.lead)
        places.append((found.key, found.line, column, Severity.NOTE))
    for key, line, column, severity in places:
        meant = _meant(key, names)
        if meant and meant not in live:
            message = f"`{key}` is not a field of this site; `{meant}` is, and was probably meant."
            yield Problem(seen.posting.path, line, column, "key-misspelt", message, severity, _rename(seen, key, meant))


def _meant(key: str, names: tuple[str, ...]) -> str | None:
    """The known name that a key comes close to; a known name is never a misspelling of another."""
    # A generator that writes capitals inside its own names (publishDate) compares names in any case.
    any_case = any(name != name.lower() for name in names)
    if key in names or (any_case and key.lower() in {name.lower() for name in names}):
        return None
    return next((name for name in names if is_misspelling(key, name)), None)


def _rename(seen: _Seen, key: str, meant: str) -> str:
    body = seen.document.text[seen.document.front.end :]
    used = re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", body)
    return f"Write `{meant}:`" + (f", and rename `{key}` in the text below, which uses it." if used else ".")


# How values are spelt ----------------------------------------------------------------------------------------------


def _read_differently(seen: _Seen) -> Iterator[Problem]:
    """A value without quotes that YAML 1.1 and 1.2 take for different things."""
    weighty = _machine(seen.profile) | {name.lower() for name in _names(seen.profile)}
    for scalar in seen.values:
        node = scalar.node
        if (
            node.style not in (None, "")
            or not node.value
            or tag_11(node.value) == TIME
            or not (how := differs(node.value))
        ):
            continue
        known = scalar.depth == 1 and scalar.key.lower() in weighty
        severity = Severity.WARNING if known else Severity.NOTE
        switch = " If a switch is meant, write true or false." if tag_11(node.value) == BOOL else ""
        fix = f"Write '{node.value}' in quotes to keep it as text.{switch}"
        yield _at(seen.document, scalar.start, "yaml-versions", f"`{scalar.key}`: {how}.", severity, fix=fix)


_LOST = re.compile(r"[ \t]+(?P<lost>#\w[^\r\n]*)")


def _text_lost(seen: _Seen) -> Iterator[Problem]:
    """A text that a `#` cuts short. Behind a state, a date or a number a remark is more likely than lost text."""
    text, machine = seen.document.text, _machine(seen.profile)
    for scalar in seen.values:
        node = scalar.node
        found = _LOST.match(text, scalar.end, line_end(text, scalar.end))
        if (
            not found
            or node.style not in (None, "")
            or not node.value
            or node.tag != STR
            or scalar.key.lower() in machine
        ):
            continue
        lost = _short(found["lost"].rstrip())
        message = f"YAML takes `{lost}` for a comment, so `{scalar.key}` is only `{_short(node.value)}`."
        fix = "Put quotes around the whole value; if it is a remark, put a space after the #."
        yield _at(seen.document, found.start("lost"), "text-lost-after-hash", message, Severity.WARNING, fix=fix)


_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SOFT_HYPHEN = "\u00ad"
_JOINERS = "\u200c\u200d"  # emoji and several scripts need them


def _invisible(seen: _Seen) -> Iterator[Problem]:
    """Characters that nobody sees: blanks that are no space, zero-width marks, marks that turn the text around."""
    machine = _machine(seen.profile)
    for scalar in seen.scalars:
        value = scalar.node.value
        hidden = [] if value.isascii() else [found for found in _INVISIBLE.finditer(value) if not _is_joiner(found)]
        if not hidden:
            continue
        sign, blank = hidden[0][0], all(unicodedata.category(found[0]) == "Zs" for found in hidden)
        inside = scalar.key.lower() not in machine and not scalar.is_name
        name = unicodedata.name(sign, "without a name").lower()
        more = f", and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        message = f"`{scalar.key}` holds an invisible character: U+{ord(sign):04X} ({name}){more}."
        fix = "Type an ordinary space instead." if blank else "Delete it."
        harmless = blank or {found[0] for found in hidden} == {_SOFT_HYPHEN}
        severity = Severity.NOTE if harmless and inside else Severity.WARNING
        yield _at(seen.document, _offset_of(seen.document, scalar, sign), "text-invisible", message, severity, fix=fix)


def _is_joiner(found: re.Match[str]) -> bool:
    before = found.string[: found.start()][-1:]
    return found[0] in _JOINERS and bool(before) and not before.isascii()


_FOREIGN_WORD = re.compile(r"[^\W\d_]{3,}")
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK"})


def _lookalikes(seen: _Seen) -> Iterator[Problem]:
    """A word with letters of two scripts, such as `open` with a Cyrillic o: it reads as one thing and is another."""
    for scalar in seen.scalars:
        if scalar.node.value.isascii():
            continue
        for word in _FOREIGN_WORD.findall(scalar.node.value):
            strangers = _strangers(word)
            if strangers:
                sign = strangers[0]
                name = unicodedata.name(sign).lower()
                message = f"`{word}` mixes two scripts: its {sign} is U+{ord(sign):04X} ({name})."
                offset = _offset_of(seen.document, scalar, word) + word.index(sign)
                yield _at(
                    seen.document, offset, "text-lookalike", message, Severity.WARNING, fix="Type the word again."
                )
                break


def _strangers(word: str) -> list[str]:
    """The letters of the rarer script; none where all are of one, or of scripts that nobody confuses."""
    scripts = defaultdict(list)
    for sign in word:
        scripts[unicodedata.name(sign, "?").partition(" ")[0]].append(sign)
    if len(scripts) < 2 or not scripts.keys() <= _ALIKE:  # noqa: PLR2004 - two scripts make a mix
        return []
    return min(scripts.items(), key=lambda found: (len(found[1]), found[0] == "LATIN"))[1]


# What the state needs ----------------------------------------------------------------------------------------------

_GAP_CODES = {
    GapKind.MISSING: "field-missing",
    GapKind.COMMENTED: "field-commented",
    GapKind.PLACEHOLDER: "field-placeholder",
    GapKind.NOT_KNOWN: "field-not-known",
}


def _gaps(seen: _Seen) -> Iterator[Problem]:
    """What an open posting lacks, and an upcoming one that opens within days; else one note for all."""
    if seen.state is State.UPCOMING and not _has_a_life(seen):
        return
    match seen.state:
        case State.OPEN:
            yield from _each(seen, readiness(seen.posting, State.OPEN), Severity.ERROR, "an open posting needs it")
        case State.UPCOMING if _opens_soon(seen):
            assert seen.posting.window.opens
            when = say(seen.posting.window.opens, seen.posting.zone)
            why = f"it is needed when the posting opens, {when}"
            yield from _each(seen, readiness(seen.posting, State.OPEN), Severity.WARNING, why)
        case State.UPCOMING:
            now = [gap for gap in readiness(seen.posting, State.UPCOMING) if not _may_wait(seen, gap)]
            yield from _each(seen, now, Severity.WARNING, "an upcoming posting needs it")
            yield from _later(seen, {gap.key for gap in now})
        case _:
            return


def _has_a_life(seen: _Seen) -> bool:
    """Whether the file speaks of a state or of dates at all; a page about an author that does not never opens."""
    profile, document = seen.profile, seen.document
    names = {name.lower() for name in (*profile.opens, *profile.closes, profile.state.name if profile.state else "")}
    return any(key.lower() in names for key in (*document.fields, *(found.key for found in document.commented)))


def _opens_soon(seen: _Seen) -> bool:
    window = seen.posting.window
    over = window.closes is not None and window.closes <= seen.now
    return window.opens is not None and window.opens <= seen.now + _SOON and not over and not seen.posting.draft


def _may_wait(seen: _Seen, gap: Gap) -> bool:
    """A date that is not known is what upcoming means, and `TBD` is an honest answer to anything."""
    dates = {name.lower() for name in (*seen.profile.opens, *seen.profile.closes)}
    return gap.kind is GapKind.NOT_KNOWN or gap.key.lower() in dates


def _each(seen: _Seen, gaps: Iterable[Gap], severity: Severity, why: str) -> Iterator[Problem]:
    for gap in gaps:
        if gap.kind is GapKind.PLACEHOLDER and _fake_in(seen.profile, seen.posting.text(gap.key) or ""):
            continue  # said by `link-fake`
        message = f"{gap.says.removesuffix('.')}, but {why}."
        yield Problem(seen.posting.path, gap.line, gap.column, _GAP_CODES[gap.kind], message, severity, _how(gap))


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


def _later(seen: _Seen, said: set[str]) -> Iterator[Problem]:
    keys = [gap.key for gap in readiness(seen.posting, State.OPEN) if gap.key not in said]
    if not keys:
        return
    opens = live_field(seen.document, seen.profile.opens)
    line, column = (opens.line, opens.column) if opens else (1, 1)
    still = "one field is" if len(keys) == 1 else f"{len(keys)} fields are"
    message = f"Before this posting may open, {still} still to be filled in: {', '.join(keys)}."
    yield Problem(seen.posting.path, line, column, "open-not-ready", message, Severity.NOTE)


def _placeholders(seen: _Seen) -> Iterator[Problem]:
    """A placeholder left in a field that no state asks for; the others are told by `_gaps`."""
    asked = set() if seen.state is State.CLOSED else set(required(seen.posting, State.OPEN))
    for scalar in seen.values:
        value = scalar.node.value
        if scalar.key in asked or not is_placeholder(scalar.key, value) or _fake_in(seen.profile, value):
            continue
        message = f"`{scalar.key}` still holds the placeholder {_short(value)}."
        severity = seen.weigh(Severity.WARNING)
        yield _at(seen.document, scalar.start, "field-placeholder", message, severity, fix="Write the real value.")


# Dates -------------------------------------------------------------------------------------------------------------


def _dates(seen: _Seen) -> Iterator[tuple[Field, Moment]]:
    """The dates of the window that read, opening first."""
    posting, profile = seen.posting, seen.profile
    closed_on = (profile.closed_on,) if profile.closed_on else ()
    bounds = ((profile.opens, Bound.OPENS), (profile.closes, closing_bound(profile)), (closed_on, Bound.OPENS))
    for names, bound in bounds:
        field, read_as = reading(posting.document, names, bound, posting.zone)
        if field and isinstance(read_as, Moment):
            yield field, read_as


def _doubtful(seen: _Seen) -> Iterator[Problem]:
    for field, moment in _dates(seen):
        for doubt in moment.doubts:
            yield _doubt(seen, field, doubt)


def _doubt(seen: _Seen, field: Field, doubt: Doubt) -> Problem:
    message, severity = f"`{field.key}`: {doubt.message}", seen.weigh(Severity.WARNING)
    repair = ((field.key, doubt.corrected),) if doubt.corrected else ()
    return _at(seen.document, field.value.start, doubt.code, message, severity, fix=doubt.fix, repair=repair)


def _reversed(seen: _Seen) -> Iterator[Problem]:
    window, document = seen.posting.window, seen.document
    closes = live_field(document, seen.profile.closes)
    if not (window.opens and window.closes and closes) or window.opens < window.closes:
        return
    zone = seen.posting.zone
    when = "the moment it opens" if window.opens == window.closes else f"before it opens, {say(window.opens, zone)}"
    message = f"The posting closes {when}: `{closes.key}` means {say(window.closes, zone)}."
    # A state that is written down hides the slip once it says closed; where dates decide, the posting never opens.
    severity = Severity.NOTE if seen.posting.stated is State.CLOSED else Severity.ERROR
    yield _at(document, closes.value.start, "window-reversed", message, severity, fix="Correct one of the two dates.")


def _not_plain(seen: _Seen) -> Iterator[Problem]:
    """Where the templates know only days, a date must be a YAML date: quotes, words or a time make it a text."""
    if seen.profile.grain is not Grain.DAY:
        return
    for field, moment in _dates(seen):
        day = moment.wall.date().isoformat()
        if field.text == day and field.quoting is Quoting.PLAIN:
            continue
        what = "with a time of day" if moment.has_time else "in quotes" if field.text == day else "in this form"
        message = (
            f"The site's templates do not understand `{field.key}` {what}: the posting would stay upcoming for ever."
        )
        repair = () if moment.has_time else ((field.key, day),)
        fix = f"Write {day} without quotes."
        yield _at(seen.document, field.value.start, "date-not-plain", message, Severity.ERROR, fix=fix, repair=repair)


_OFFSET = re.compile(r"(?:Z|[+-]\d{1,2}(?::?\d\d)?)\s*$")


def _read_as_utc(seen: _Seen) -> Iterator[Problem]:
    """Ruby's YAML takes a bare time for UTC. Hugo, which has a draft switch of its own, takes the site's zone."""
    if seen.profile.grain is not Grain.MINUTE or seen.profile.draft:
        return
    for field, moment in _dates(seen):
        local = moment.at.astimezone(seen.posting.zone)
        text = (field.text or "").strip()
        bare = field.quoting is Quoting.PLAIN and moment.has_time and tag_11(text) == TIME
        if not bare or _OFFSET.search(text) or not local.utcoffset():
            continue
        message = f"The site generator reads `{field.key}` as UTC, while {say(moment.at, seen.posting.zone)} is meant."
        offset = f"{local:%z}"
        fix = f"Write '{text}' in quotes, or with its offset: {text}{offset[:3]}:{offset[3:5]}."
        yield _at(seen.document, field.value.start, "date-utc", message, seen.weigh(Severity.WARNING), fix=fix)


def _far_away(seen: _Seen) -> Iterator[Problem]:
    if seen.state is State.CLOSED:
        return
    for field, moment in _dates(seen):
        if moment.at - seen.now > _FAR:
            message = f"`{field.key}` is more than two years away: {say(moment.at, seen.posting.zone)}."
            yield _at(seen.document, field.value.start, "date-far", message, Severity.NOTE, fix="Check the year.")


# Addresses ---------------------------------------------------------------------------------------------------------

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"]+@(?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_][\w-]+")
_URL = re.compile(r"https?://(?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_][\w-]+(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)


def _is_email(text: str) -> bool:
    return bool(_EMAIL.fullmatch(text.removeprefix("mailto:")))


def _is_url(text: str) -> bool:
    """A link to somewhere: on the web, to a mailbox, or within the site."""
    if text.startswith("/"):
        return not re.search(r"\s", text)
    return bool(_URL.fullmatch(text)) or (text.startswith("mailto:") and _is_email(text.partition("?")[0]))


def _addresses(seen: _Seen) -> Iterator[Problem]:
    """Fields that must hold an e-mail address or a link, and hold neither one nor an honest `TBD`."""
    emails = _unlike(seen, seen.profile.emails, _is_email)
    for field, text in emails:
        message = f"`{field.key}` is not one e-mail address: {_short(text)}."
        severity = seen.weigh(Severity.ERROR)
        yield _at(
            seen.document,
            field.value.start,
            "email-invalid",
            message,
            severity,
            fix="Write one address, as in name@agency.gov.",
        )
    for field, text in _unlike(seen, seen.profile.urls, _is_url):
        message = f"`{field.key}` is no link: {_short(text)}."
        severity = seen.weigh(Severity.ERROR)
        yield _at(seen.document, field.value.start, "url-invalid", message, severity, fix=_link_fix(text))


def _link_fix(text: str) -> str:
    with_scheme = f"https://{text}"
    return f"Write {with_scheme}." if _is_url(with_scheme) else "Write the whole link, beginning with https://."


def _unlike(seen: _Seen, names: Iterable[str], fits: Callable[[str], bool]) -> Iterator[tuple[Field, str]]:
    for name in names:
        field = seen.document.fields.get(own_spelling(seen.document, name))
        text = (field.text or "").strip() if field else ""
        if field and text and not fits(text) and not _says_nothing(seen.posting, field.key, text):
            yield field, text


def _says_nothing(posting: Posting, key: str, text: str) -> bool:
    """Whether a value is a placeholder, not known yet, or a template's fake link: told by others, or fine."""
    return is_placeholder(key, text) or is_not_known(posting, text) or bool(_fake_in(posting.profile, text))


_CUT_SHORT = r"https?://\S{0,300}?(?:\.\.\.|…)(?![^\s)\]}>\"',;])"


@lru_cache(maxsize=64)
def _fake_pattern(links: tuple[str, ...]) -> re.Pattern[str]:
    """A template's links, as hosts or with a path, and any link whose end was cut off."""
    known = "|".join(re.escape(link) for link in links)
    whole = rf"|(?<![\w.-])(?:https?://)?(?:[\w-]{{1,63}}\.){{0,5}}(?:{known})(?![\w-])" if known else ""
    return re.compile(_CUT_SHORT + whole, re.IGNORECASE)


def _fake_in(profile: Profile, text: str) -> re.Match[str] | None:
    return _fake_pattern(tuple(profile.fake_links)).search(text) if "." in text or "…" in text else None


def _fake_links(seen: _Seen) -> Iterator[Problem]:
    for scalar in seen.values:
        if found := _fake_in(seen.profile, scalar.node.value):
            message = f"`{scalar.key}` holds a template's example link, not a real one: `{_short(found[0])}`."
            offset = _offset_of(seen.document, scalar, found[0])
            severity = seen.weigh(Severity.ERROR)
            yield _at(
                seen.document, offset, "link-fake", message, severity, fix="Write the real link, or take the entry out."
            )


# Legends -----------------------------------------------------------------------------------------------------------

_ENTRY = re.compile(
    r"#+\s*(?P<value>-?\d+|'[^']+'|\"[^\"]+\"|[\w.]+)\s*(?P<sign>--?|[\u2013\u2014:)]|==?>?|->)\s+(?P<says>\S.*)"
)
_NUMBER_FIRST = re.compile(r"#+\s*-?\d")
_WORDS = re.compile(r"[^\W\d_]{3,}")


def legend_of(document: Document, field: Field) -> Mapping[str, str]:
    """What the comment above a field says of its values (`# 0 -- hidden`), value to meaning; empty if nothing.

    A legend is at least two lines of value, sign and meaning, under a heading that names the field or under none. One
    that holds more than plain values (`# 1-10 -- rank`) lists no values, and is not read.
    """
    block = _comment_above(document, field)
    heading, listed = _split(block)
    entries = [found for line in listed if (found := _ENTRY.fullmatch(line))]
    unread = any(_NUMBER_FIRST.match(line) and not _ENTRY.fullmatch(line) for line in listed)
    if len(entries) < 2 or unread or not _is_about(field.key, heading, block[-1]) or not _is_list(entries):  # noqa: PLR2004
        return {}
    return {found["value"].strip("'\""): found["says"].strip() for found in entries}


def _comment_above(document: Document, field: Field) -> list[str]:
    """The comment lines right above a field, from the top, blank lines left out."""
    block: list[str] = []
    at = line_start(document.text, field.span.start)
    while at > document.front.start:
        above = line_start(document.text, at - 1)
        line = document.text[above:at].strip()
        if line and not line.startswith("#"):
            break
        block.append(line)
        at = above
    return [line for line in reversed(block) if line]


def _split(block: list[str]) -> tuple[list[str], list[str]]:
    """The heading, and the legend from its first entry on; an entry counts figures, or has another beside it."""
    starts = (
        n
        for n, line in enumerate(block)
        if _ENTRY.fullmatch(line) and (n + 1 < len(block)) and _ENTRY.fullmatch(block[n + 1])
    )
    first = next(starts, len(block))
    return block[:first], block[first:]


def _is_about(key: str, heading: list[str], last: str) -> bool:
    """A heading names its field; without one, the legend must stand right above it."""
    said = {word.lower() for word in _WORDS.findall(" ".join(heading))}
    names = {word.lower() for word in _WORDS.findall(key.replace("_", " "))}
    return bool(said & names) if heading else bool(_ENTRY.fullmatch(last))


def _is_list(entries: list[re.Match[str]]) -> bool:
    """Figures make a legend with any sign; words only with one sign for all, and not a colon, which makes fields."""
    if all(found["value"].lstrip("-").isdigit() for found in entries):
        return True
    return len({found["sign"] for found in entries}) == 1 and entries[0]["sign"] not in ":)"


def _outside_legend(seen: _Seen) -> Iterator[Problem]:
    for field in seen.document.fields.values():
        text = (field.text or "").strip()
        if not text or " " in text or not (legend := legend_of(seen.document, field)) or text in legend:
            continue
        known = ", ".join(f"{value} ({_short(says)})" for value, says in legend.items())
        message = f"`{field.key}` is {_short(text)}, which the comment above it does not list: {known}."
        fix = f"Write one of {', '.join(legend)}, or add {_short(text)} to the comment."
        yield _at(seen.document, field.value.start, "legend-value", message, Severity.ERROR, fix=fix)


_SPELLING = (_misspelt_keys, _read_differently, _text_lost, _invisible, _lookalikes)
_CONTENT = (
    _gaps,
    _placeholders,
    _doubtful,
    _reversed,
    _not_plain,
    _read_as_utc,
    _far_away,
    _addresses,
    _fake_links,
    _outside_legend,
)


# Across files ------------------------------------------------------------------------------------------------------


class _Claim(NamedTuple):
    """One place of one posting where a link or an address stands."""

    posting: Posting
    key: str
    text: str
    line: int
    column: int

    @property
    def place(self) -> str:
        return f"{self.posting.path}:{self.line}"


def _shared_links(postings: Iterable[Posting], now: datetime) -> Iterator[Problem]:
    """The same apply link in two postings: a copy that was never changed. Closed postings are not accused."""
    for claims in _shared(chain.from_iterable(map(_apply_links, postings)), _bare_link):
        for claim in claims:
            if claim.posting.state(now) is not State.CLOSED:
                message = f"`{claim.key}` is the same link as in {_others(claim, claims)}."
                yield _claimed(claim, "link-shared", message, Severity.WARNING, "Write the link of this posting.")


def _apply_links(posting: Posting) -> Iterator[_Claim]:
    for name in posting.profile.urls:
        field = posting.document.fields.get(own_spelling(posting.document, name))
        text = (field.text or "").strip() if field else ""
        if field and _is_url(text) and not _says_nothing(posting, field.key, text):
            yield _Claim(posting, field.key, text, field.value_line, field.value_column)


def _bare_link(text: str) -> str:
    """A link without what browsers ignore; nothing for a front page, where several postings may well apply."""
    address = text.partition("#")[0].partition("://")[2]
    host, _, path = address.rstrip("/").partition("/")
    return f"{host.lower().removeprefix('www.')}/{path}" if path else ""


_ADDRESS_FIELDS = ("permalink", "redirect_from", "url", "aliases")
"""Jekyll's and Hugo's own names for a page's address and for its former ones."""


def _shared_addresses(postings: Iterable[Posting]) -> Iterator[Problem]:
    """Two pages at one address: the generator writes one over the other, or a redirect over a page."""
    for claims in _shared(chain.from_iterable(map(_claimed_addresses, postings)), _bare_address):
        for claim in claims:
            message = f"`{claim.key}` claims the address {claim.text}, and so does {_others(claim, claims)}."
            yield _claimed(claim, "permalink-shared", message, Severity.ERROR, "Give each page an address of its own.")


def _claimed_addresses(posting: Posting) -> Iterator[_Claim]:
    document = posting.document
    for scalar in _scalars(document):
        if scalar.key in _ADDRESS_FIELDS and not scalar.is_name and scalar.node.tag == STR:
            line, column = document.line_of(scalar.start), document.column_of(scalar.start)
            yield _Claim(posting, scalar.key, scalar.node.value, line, column)


def _bare_address(text: str) -> str:
    """An address without its outer slashes; nothing for one that the generator still has to work out (`:title`)."""
    return "" if re.search(r"[:{]", text) else text.strip().removesuffix("index.html").strip("/")


def _shared(claims: Iterable[_Claim], bare: Callable[[str], str]) -> Iterator[list[_Claim]]:
    """The groups of claims to one thing by more than one file."""
    groups: dict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        groups[bare(claim.text)].append(claim)
    groups.pop("", None)
    return (group for group in groups.values() if len({claim.posting.path for claim in group}) > 1)


def _others(claim: _Claim, claims: list[_Claim]) -> str:
    return " and ".join(sorted(other.place for other in claims if other.posting.path != claim.posting.path))


def _claimed(claim: _Claim, code: str, message: str, severity: Severity, fix: str) -> Problem:
    return Problem(claim.posting.path, claim.line, claim.column, code, message, severity, fix=fix)


def _misplaced(postings: Iterable[Posting], folders: tuple[str, ...]) -> Iterator[Problem]:
    """A file that is a posting beyond doubt, where the site does not look for postings."""
    homes = [folder.removeprefix("./").rstrip("/") for folder in folders]
    if not homes or {"", "."} & set(homes):
        return
    for posting in postings:
        home = any(posting.path.startswith(f"{folder}/") for folder in homes)
        if not home and _is_surely_a_posting(posting):
            where = " or ".join(f"{folder}/" for folder in homes)
            message = f"This is a posting, but the site lists only those in {where}."
            name = posting.path.rpartition("/")[2]
            fix = f"Move it to {homes[0]}/{name}."
            yield Problem(posting.path, 1, 1, "posting-misplaced", message, Severity.WARNING, fix)


def _is_surely_a_posting(posting: Posting) -> bool:
    """A state of this kind of site, or both dates; and a title."""
    document, profile = posting.document, posting.profile
    window = live_field(document, profile.opens) and live_field(document, profile.closes)
    marked = posting.stated is not None or (profile.dates_decide and window is not None)
    return marked and live_field(document, profile.title) is not None

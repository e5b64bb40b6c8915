"""The words of dates and the tokens they make: every part of a text with its kind and its offset.

Pure. Knows no calendar; the order of the tokens must be one of the shapes in `SHAPE`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _numbered(names: tuple[str, ...], first: int, **also: int) -> dict[str, int]:
    lower = [name.lower() for name in names]
    whole = {name: n for n, name in enumerate(lower, first)}
    return whole | {name[:3]: n for name, n in whole.items()} | also


MONTH = _numbered(MONTHS, 1, sept=9)
WEEKDAY = _numbered(WEEKDAYS, 0, tues=1, wednes=2, thur=3, thurs=3)
_JOINTS = {"at": "@", "on": "o", "noon": "T", "midnight": "T"}

PENDING = frozenset((
    "tbd", "tba", "tbc", "determined", "announced", "confirmed", "decided", "upcoming", "unknown", "known",
    "pending", "soon", "later", "future", "none", "null", "nil",
))  # fmt: skip
PENDING_FILLER = frozenset(("to", "be", "a", "an", "the", "not", "yet", "date", "coming", "is"))
PENDING_MARKS = frozenset("-\u2013\u2014?~.\u2026/()[]")
# What a template's word stands for. The values only lend their shape; `None` shows no shape.
TEMPLATE: dict[str, str | None] = {
    "month": "November", "day": "30", "dd": "30", "year": "2018", "yyyy": "2018", "mm": "11",
    "weekday": "Friday", "time": "8:00 pm", "hh": "20", "ss": "00", "ddthh": "30T20", "ssz": "00Z",
    "date": None, "hour": None, "enter": None, "insert": None, "timezone": None,
}  # fmt: skip

# The six families of clocks of the United States, by word, letter and the city that keeps the rules.
_FAMILIES = (
    ("Eastern", "E", "America/New_York"), ("Central", "C", "America/Chicago"),
    ("Mountain", "M", "America/Denver"), ("Pacific", "P", "America/Los_Angeles"),
    ("Alaska", "AK", "America/Anchorage"), ("Hawaii", "H", "Pacific/Honolulu"),
)  # fmt: skip


class _Named(NamedTuple):
    city: str
    exact: str  # the abbreviation that the name insists on; empty when it fits summer and winter


def _american() -> Iterator[tuple[str, _Named]]:
    for word, letter, city in _FAMILIES:
        for name in (f"{letter}T", word, f"{word} Time"):
            yield name.upper(), _Named(city, "")
        # Hawaii has no summer time: HDT is the Aleutians'.
        for season in ("Standard",) if word == "Hawaii" else ("Standard", "Daylight"):
            abbreviation = f"{letter}{season[0]}T"
            yield abbreviation, _Named(city, abbreviation)
            yield f"{word} {season} Time".upper(), _Named(city, abbreviation)


AMERICAN = dict(_american())
UTC_NAMES = ("Z", "UTC", "GMT")


# Kinds: W weekday, M month, D day, Y year, I ISO day, N other joined numbers, T time, Z zone, J the T between
# ISO day and time, @ 'at', o 'on', comma, ! a number that is neither day nor year, ? anything else.


class Token(NamedTuple):
    """One part of a text: its kind (a letter, see above), its text, and where it starts."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.text)


LONGEST = 100  # characters; the longest honest date text has about 60, and every step below is linear in this
_LETTERS = r"[^\W\d_]"
HALF = rf"[ap]\.?m(?!{_LETTERS})\.?"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<I>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?![0-9]))
    | (?P<N>[0-9]+(?P<by>[-/.])[0-9]+(?P=by)[0-9]+)
    | (?P<T>12(?::00)?\s+noon(?!{_LETTERS})|[0-9]+\s*{HALF}
       |[0-9]+(?::[0-9]+)+(?:[.,][0-9]{{1,9}})?(?:\s*{HALF})?)
    | (?P<number>[0-9]+(?:st|nd|rd|th)?)
    | (?P<Z>[+-][0-9]{{2}}(?::?[0-9]{{2}})?(?![0-9])|(?<=[0-9])Z(?!{_LETTERS})
       |(?:eastern|central|mountain|pacific|alaska|hawaii)(?:(?:\s+(?:standard|daylight))?\s+time)?(?!{_LETTERS}))
    | (?P<J>(?<=[0-9])T(?=[0-9]))
    | (?P<word>{_LETTERS}+)
    | (?P<comma>,)
    | (?P<other>\S)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_DAY = r"(?:(?:W,?)?(?:MD,?Y|DM,?Y)|I)"
_CLOCK = r"T(?:,?Z)?"
SHAPE = re.compile(rf"{_DAY}(?:,?@?{_CLOCK})?|IJ{_CLOCK}|{_CLOCK},?o?{_DAY}")


def cut(text: str) -> list[Token]:
    """Cut a text into tokens; nothing but blanks is left out."""
    found: list[Token] = []
    end = len(text.rstrip())
    position = 0
    while position < end:
        match = _TOKEN.match(text, position)
        assert match is not None, "every character that is not blank is a token"
        group = str(match.lastgroup)
        token = Token(group, match[group], match.start(group))
        found.append(_classified(token, text, after_time=bool(found) and found[-1].kind == "T"))
        position = found[-1].end
    return found


def _classified(token: Token, text: str, *, after_time: bool) -> Token:
    match token.kind:
        case "comma":
            return token._replace(kind=",")
        case "other":
            return token._replace(kind="?")
        case "number":
            return token._replace(kind=_number_kind(token.text))
        case "word":
            kind = _word_kind(token.text, after_time=after_time)
            dotted = kind in "WM" and text[token.end : token.end + 1] == "."
            return Token(kind, token.text + "." * dotted, token.start)
    return token


def _number_kind(text: str) -> str:
    digits = len(text.rstrip("stndrhSTNDRH"))
    if digits == len("2018") and text.isdigit():
        return "Y"
    return "D" if digits <= len("30") else "!"


def _word_kind(text: str, *, after_time: bool) -> str:
    word = text.lower()
    if word in MONTH:
        return "M"
    if word in WEEKDAY:
        return "W"
    if word in _JOINTS:
        return _JOINTS[word]
    # Other zones' names are known only to the site's own zone, so after a time any capitals may be one.
    foreign = after_time and text.isupper() and len(text) <= len("AKDT") + 1 and not is_template(text)
    return "Z" if foreign or text.upper() in AMERICAN or text.upper() in UTC_NAMES else "?"


def is_template(word: str) -> bool:
    """Whether a word is a template's, such as MONTH or XX."""
    return word.lower() in TEMPLATE or (len(word) > 1 and set(word.lower()) == {"x"})

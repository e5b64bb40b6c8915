"""What a template's comment says about a field: its placeholder, default, hint, examples and choices.

Pure. Templates tell people what to fill in by words in capitals, by examples in brackets and by quoted values:
`'0301' ENTER SERIES IF DIFFERENT`, `'YES' or 'NO'`, `'ENTER THE GS LEVEL' (13, 14, 15, etc.)`. These are read by
their form, not by a list of known templates.
"""

import re
from dataclasses import dataclass

from postbot.core.text.scalar import Quoting

_QUOTED = re.compile(r"""'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)\"""")
_ALTERNATIVE = re.compile(r"""\s*(?:,|/|\bor\b|,\s*or\b)\s*(?='|")""")
_BRACKETS = re.compile(r"\(([^()]*)\)\s*$")
_LIST_SEPARATOR = re.compile(r"\s*(?:,(?!\d{3}\b)|\bor\b|/|\|)\s*")
_OPEN_ENDED = re.compile(r"^(?:etc\.?|\.\.\.|…|and so on)$", re.IGNORECASE)
_SHOUTED_RUN = re.compile(r"\b[A-Z]{2,}(?: [A-Z]+)+\b")
_WORD = re.compile(r"[A-Za-z]+")
_NOTE_TAIL = re.compile(r"\s+#.*$")

# A template speaks in the imperative ...
_ASKS = frozenset(
    ("ENTER", "INSERT", "ADD", "TYPE", "YOUR", "FILL", "PROVIDE", "REPLACE", "CHANGE", "PASTE", "CHOOSE", "SELECT",
     "PUT", "WRITE")
)  # fmt: skip
# ... or names the thing that belongs here.
_NAMES_A_THING = frozenset(
    ("URL", "LINK", "NAME", "EMAIL", "ADDRESS", "NUMBER", "TITLE", "DATE", "MONTH", "DAY", "YEAR", "TIME", "HERE",
     "LEVEL", "LOCATION", "LOCATIONS", "PHONE", "TEXT", "PLACEHOLDER", "DESCRIPTION")
)  # fmt: skip
# One word in capitals may as well be an abbreviation or a choice: only these are never a value.
_NEVER_A_VALUE = frozenset(("URL", "LINK", "EMAIL", "NAME", "NUMBER", "TITLE", "DATE"))
_MASK = re.compile(r"X{2,}[X,.\- ]*|Y{4}-?M{2}-?D{2}")
_ELLIPSIS_END = re.compile(r"(?:\.\.\.|…)$")


@dataclass(frozen=True, slots=True)
class Hint:
    """What the text after a field's colon offers to the person who fills it in.

    Exactly one of `placeholder` and `default` is set unless `choices` are, or the text is empty. `examples` are
    values that the template shows and does not limit to; `choices` are all there are. `quoting` is how the comment
    writes its value.
    """

    placeholder: str | None = None
    default: str | None = None
    hint: str | None = None
    examples: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    quoting: Quoting = Quoting.PLAIN


def read_hint(key: str, rest: str) -> Hint:
    """Read the text after `key:` in a commented-out field. Never fails: what has no form is a default."""
    rest = rest.strip()
    if not rest:
        return Hint(quoting=Quoting.EMPTY)
    quoted = _QUOTED.match(rest)
    if quoted is None:
        return _read_plain(key, _NOTE_TAIL.sub("", rest))
    quoting = Quoting.SINGLE if rest[0] == "'" else Quoting.DOUBLE
    value, tail = _unquote(quoted), rest[quoted.end() :]
    if _ALTERNATIVE.match(tail):
        return Hint(choices=tuple(_unquote(found) for found in _QUOTED.finditer(rest)), quoting=quoting)
    return _with_tail(key, value, _NOTE_TAIL.sub("", tail).strip(), quoting)


def _read_plain(key: str, rest: str) -> Hint:
    head, tail = rest, ""
    if brackets := _BRACKETS.search(rest):
        head, tail = rest[: brackets.start()].rstrip(), brackets.group()
        if not is_placeholder(key, head):  # `Virtual (100% Remote)`: the brackets belong to the value
            head, tail = rest, ""
    elif (dash := rest.find(" - '")) > 0 and is_placeholder(key, rest[:dash]):
        return Hint(placeholder=rest[:dash], examples=(rest[dash + 3 :].strip("'"),))
    return _with_tail(key, head, tail, Quoting.PLAIN)


def _with_tail(key: str, value: str, tail: str, quoting: Quoting) -> Hint:
    """Combine the value with what follows it: brackets with a list give examples or choices, other words a hint."""
    hint = tail.strip("() ") or None
    if not is_placeholder(key, value):
        return Hint(default=value, hint=hint, quoting=quoting)
    items = _listed(tail)
    if len(items) <= 1:
        return Hint(placeholder=value, hint=hint, quoting=quoting)
    listed = tuple(item for item in items if not _OPEN_ENDED.match(item))
    if len(listed) < len(items):
        return Hint(placeholder=value, examples=listed, quoting=quoting)
    return Hint(placeholder=value, choices=listed, quoting=quoting)


def _listed(tail: str) -> list[str]:
    """The items of `(13, 14, 15, etc.)`; nothing when the brackets hold a mask or no list."""
    brackets = _BRACKETS.fullmatch(tail)
    if brackets is None or _MASK.fullmatch(brackets.group(1)):
        return []
    return [item.strip(" '\"") for item in _LIST_SEPARATOR.split(brackets.group(1)) if item]


def _unquote(found: re.Match[str]) -> str:
    single, double = found.group(1), found.group(2)
    return single.replace("''", "'") if single is not None else re.sub(r"\\(.)", r"\1", double)


def is_placeholder(key: str, text: str) -> bool:
    """Whether a value only says what belongs there: capitals that ask or name it, a mask of Xs, a link cut short.

    `key` is the field's name: `APPLICATION URL` under `apply_url` repeats a word of its own key. A single word asks
    for something only if the key holds it, too (`location: LOCATION`), or if it never is a value (`URL`).
    """
    text = text.strip()
    if _MASK.fullmatch(text) or (_ELLIPSIS_END.search(text) and "://" in text):
        return True
    words = _WORD.findall(_BRACKETS.sub("", text))
    if any(run.split()[0] in _ASKS for run in _SHOUTED_RUN.findall(text)):
        return True
    shouted = [word for word in words if word.isupper() and len(word) > 1]
    if not shouted or len(shouted) < len(words):
        return False
    nouns = _NAMES_A_THING if len(shouted) > 1 else _NEVER_A_VALUE
    return bool(set(shouted) & (nouns | {word.upper() for word in _WORD.findall(key)}))

"""How one value is spelt in YAML: its quoting, and what each version of YAML makes of it.

Pure. Jekyll reads YAML 1.1 (Ruby's Psych), Hugo something near 1.2; a value written here must mean the same to both,
so whatever the two read differently is quoted. This module spells single values; where they stand is not its business.
"""

import re
from datetime import date
from enum import StrEnum
from functools import lru_cache
from io import StringIO

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode as ScalarNode12
from ruamel.yaml.resolver import VersionedResolver


class Quoting(StrEnum):
    """How a value is written in the file."""

    PLAIN = "plain"
    SINGLE = "single"
    DOUBLE = "double"
    LITERAL = "literal"
    FOLDED = "folded"
    LIST = "list"
    MAP = "map"
    EMPTY = "empty"


STR, INT, FLOAT, BOOL, NULL, TIME = (
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")
)
_NAMES = {INT: "a whole number", FLOAT: "a number", BOOL: "true or false", NULL: "nothing", TIME: "a date", STR: "text"}

_V11 = yaml.resolver.Resolver()
_V12 = VersionedResolver(version=(1, 2), loader=YAML(typ="safe", pure=True))
_CANONICAL_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_GROUPED_NUMBER = re.compile(r"[-+]?[0-9][0-9,_]*[,_][0-9,_]*")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def tag_11(text: str) -> str:
    """The YAML 1.1 type of a plain value."""
    return str(_V11.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]  # so are its stubs


def tag_12(text: str) -> str:
    """The YAML 1.2 core schema type of a plain value."""
    return str(_V12.resolve(ScalarNode12, text, (True, False)))


@lru_cache(maxsize=4096)
def differs(text: str) -> str | None:
    """Say how YAML 1.1 and 1.2 read a plain value differently; None if they agree.

    Ruby's Psych also takes grouped digits (`105,123`) for a number, which no YAML version does: counted as 1.1.
    """
    if text in ("y", "Y", "n", "N"):
        return f"YAML 1.1 reads {text} as true or false, YAML 1.2 as text"
    if _GROUPED_NUMBER.fullmatch(text):
        return f"the site generator may read {text} as a number and drop its separators"
    old, new = tag_11(text), tag_12(text)
    if old != new:
        one, two = (_NAMES.get(tag, "something else") for tag in (old, new))
        return f"YAML 1.1 reads {text} as {one}, YAML 1.2 as {two}"
    if old in (INT, FLOAT) and not _CANONICAL_NUMBER.fullmatch(text) and _value_11(text) != _value_12(text):
        return f"YAML 1.1 reads {text} as {_value_11(text)}, YAML 1.2 as {_value_12(text)}"
    return None


def unprintable(text: str) -> str | None:
    """Return the first character of a value that no YAML line may hold, or None: line breaks, controls, surrogates."""
    found = _UNPRINTABLE.search(text)
    return found.group() if found else None


def spell(text: str, quoting: Quoting, *, was: str = STR) -> str:
    """Write `text` as one YAML value on one line, in the given quoting where that keeps its meaning.

    `was` is the type that the value had before: only a value that was true or false may become a bare `true`, only
    one that was a time a bare time of day.
    A plain or missing style falls back to single quotes where plain would change what it means. The caller has
    refused text with `unprintable` characters.
    """
    match quoting:
        case Quoting.DOUBLE:
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Quoting.SINGLE:
            return _single(text)
        case _:
            return text if _plain_keeps(text, was) else _single(text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain_keeps(text: str, was: str) -> bool:
    """Whether `text` may stand without quotes: one plain scalar, read alike by both versions, and not by accident."""
    if not text or differs(text) or not _is_one_plain_scalar(text):
        return False
    tag = tag_11(text)
    if tag == TIME and was == TIME:
        return isinstance(_value_11(text), date)  # a day that does not exist is none
    return tag == STR or (tag == BOOL and was == BOOL) or _is_canonical(text)


def _is_canonical(text: str) -> bool:
    """Whether a number or date is spelt the one way that every reader of YAML agrees on."""
    if _CANONICAL_NUMBER.fullmatch(text):
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_one_plain_scalar(text: str) -> bool:
    try:
        node = yaml.compose(f"k: {text}\n", Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError):
        return False
    if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
        return False
    value = node.value[0][1]
    return isinstance(value, yaml.ScalarNode) and value.style is None and value.value == text


def _value_11(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text


def _value_12(text: str) -> object:
    try:
        return YAML(typ="safe", pure=True).load(StringIO(text))
    except Exception:  # noqa: BLE001 - ruamel raises more than its own errors for odd numbers
        return text

"""Where reading stops: the place where a parser gives up, or the first thing it reads that a posting may not hold.

Says what the parsers say, and no more; what the person did wrong is for the guesses.
"""

import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, cast

import yaml
from ruamel.yaml import YAML

_DEPTH = 100  # deeper nesting overruns the recursion of whoever builds the values
_LibYaml = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why front matter does not load, and where.

    `line` and `column` count from 1 within the text given, columns in characters. `code` is a stable name,
    `message` one sentence for the person who must edit, `fix` what to write instead.
    """

    line: int
    column: int
    code: str
    message: str
    fix: str | None


# Message and fix. A guess may come to the same as a refusal.
DIRECTIVE = (
    "A line that starts with % is an order to the YAML reader, which a posting may not give.",
    "Remove the line, or put quotes around the text.",
)
DOCUMENT = (
    "A second YAML document starts here, but front matter is one.",
    "Remove the '...' or '---' that separates them.",
)
ALIAS = (
    "A value that starts with * or & is a YAML alias or anchor, not text.",
    "Put quotes around the whole value.",
)
_COMPLEX = (
    "This field's name is no plain text; braces, brackets or a ? start something else in YAML.",
    "Put quotes around the whole text.",
)


class _Mark(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _Event(Protocol):
    @property
    def start_mark(self) -> _Mark: ...


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a parser gave up (counting from 0), in its own words; `fault` when our policy refuses."""

    line: int
    column: int
    problem: str
    at: int  # the line of the parser's own mark: at or below `line`
    reader: Callable[[list[str]], "Stop | None"]
    fault: Fault | None = None


def first_stop(lines: list[str]) -> Stop | None:
    """Ask both parsers; the one that stops first is the one to explain."""
    stops = [stop for stop in (_libyaml(lines), _ruamel(lines)) if stop]
    return min(stops, key=lambda stop: (stop.line, stop.column), default=None)


def _libyaml(lines: list[str]) -> Stop | None:
    # Its stubs let a mark be None; an event that was parsed from text has one.
    return _read(lines, lambda text: cast("Iterable[_Event]", yaml.parse(text, Loader=_LibYaml)), _libyaml)


def _ruamel(lines: list[str]) -> Stop | None:
    return _read(lines, lambda text: YAML(typ="rt", pure=True).parse(text), _ruamel)


def _read(
    lines: list[str],
    events: Callable[[str], Iterable[_Event]],
    reader: Callable[[list[str]], Stop | None],
) -> Stop | None:
    text = "\n".join(lines)
    try:
        fault = _refused(events(text), lines)
    except Exception as error:  # noqa: BLE001 - the parsers leak ValueError, UnicodeError and more beside YAMLError
        return _stop(error, reader)
    if fault is None:
        return None
    return Stop(fault.line - 1, fault.column - 1, fault.message, fault.line - 1, reader, fault)


def _stop(error: Exception, reader: Callable[[list[str]], Stop | None]) -> Stop:
    """Turn a parser's error into a place: the start of the token it could not end, else where it gave up."""
    problem = str(getattr(error, "problem", None) or error)
    mark: _Mark | None = getattr(error, "problem_mark", None)
    if mark is None:
        return Stop(0, 0, problem, 0, reader)
    token: _Mark | None = getattr(error, "context_mark", None)
    in_token = re.search("scanning|flow|quoted", str(getattr(error, "context", None)))
    place = token if token and in_token else mark
    return Stop(place.line, place.column, problem, mark.line, reader)


# What loads, but is refused.


@dataclass(slots=True)
class _Level:
    """An open mapping (with the lines of its keys) or list (None) of the event stream."""

    keys: dict[str, int] | None
    at_key: bool = True


def _refused(events: Iterable[_Event], lines: list[str]) -> Fault | None:
    """Walk the events once; the first that our policy refuses, or the parser's own exception."""
    levels: list[_Level] = []
    documents = 0
    for event in events:
        kind = type(event).__name__
        documents += kind == "DocumentStartEvent"
        fault = (
            _refused_document(event, documents)
            or _refused_shape(event, kind, levels, lines)
            or _refused_mark(event, kind)
        )
        if fault:
            return fault
        _step(event, kind, levels)
    return None


def _at(mark: _Mark, code: str, message: str, fix: str | None) -> Fault:
    return Fault(mark.line + 1, mark.column + 1, code, message, fix)


def _refused_document(event: _Event, documents: int) -> Fault | None:
    if getattr(event, "version", None) or (documents and isinstance(getattr(event, "tags", None), dict)):
        return _at(event.start_mark, "yaml-directive", *DIRECTIVE)
    if documents > 1:
        return _at(event.start_mark, "yaml-document", *DOCUMENT)
    return None


def _refused_mark(event: _Event, kind: str) -> Fault | None:
    if kind == "AliasEvent" or getattr(event, "anchor", None):
        return _at(event.start_mark, "yaml-alias", *ALIAS)
    if kind not in _OPENING or not getattr(event, "tag", None):
        return None
    return _at(
        event.start_mark,
        "yaml-tag",
        "The ! at the start of this value reads as a YAML type tag, and a posting may not use tags.",
        "Remove the tag, or put quotes around the value.",
    )


_OPENING = {"ScalarEvent", "AliasEvent", "MappingStartEvent", "SequenceStartEvent"}


def _refused_shape(event: _Event, kind: str, levels: list[_Level], lines: list[str]) -> Fault | None:
    if kind not in _OPENING:
        return None
    if not levels:
        return None if kind == "MappingStartEvent" or _is_nothing(event) else _not_a_mapping(event)
    if len(levels) > _DEPTH:
        return _at(event.start_mark, "yaml-invalid", "The values are nested too deep to be read.", None)
    level = levels[-1]
    if level.keys is None or not level.at_key:
        return None
    return _refused_key(event, kind, level.keys, lines)


def _is_nothing(event: _Event) -> bool:
    return getattr(event, "value", None) == "" and bool(getattr(event, "implicit", (False,))[0])


def _not_a_mapping(event: _Event) -> Fault:
    return _at(
        event.start_mark,
        "yaml-not-a-mapping",
        "The front matter must be lines of 'key: value', but it reads as one text or list.",
        "Start each field with its name, a colon and a space.",
    )


def _refused_key(event: _Event, kind: str, keys: dict[str, int], lines: list[str]) -> Fault | None:
    mark = event.start_mark
    explicit = lines[mark.line : mark.line + 1] and lines[mark.line][: mark.column].rstrip().endswith("?")
    if explicit or kind in {"MappingStartEvent", "SequenceStartEvent"}:
        return _at(mark, "yaml-complex-key", *_COMPLEX)
    key = str(getattr(event, "value", ""))
    if kind == "ScalarEvent" and key in keys:
        return _at(
            mark,
            "yaml-duplicate-key",
            f"'{short(key)}' is set twice, on line {keys[key]} and again on line {mark.line + 1}.",
            "Keep the one that is right and delete the other.",
        )
    return None


def _step(event: _Event, kind: str, levels: list[_Level]) -> None:
    """Keep the stack of open mappings and lists, and whose turn it is: key or value."""
    if kind in {"MappingEndEvent", "SequenceEndEvent"}:
        levels.pop()
        return
    if kind not in _OPENING:
        return
    if levels:
        level = levels[-1]
        if level.keys is not None and level.at_key:
            level.keys[str(getattr(event, "value", ""))] = event.start_mark.line + 1
        level.at_key = not level.at_key
    if kind not in {"ScalarEvent", "AliasEvent"}:
        levels.append(_Level({} if kind == "MappingStartEvent" else None))


def short(text: str) -> str:
    """Cut a text to what fits in a sentence."""
    return textwrap.shorten(text, 40, placeholder=" …")

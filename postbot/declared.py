"""A YAML file of settings becomes declared values; every mistake is a `Problem` at the line it stands on.

YAML here is plain: texts, decimal numbers, yes and no, nothing, lists and settings. A date and a time stay the text
that they are, a key that is written twice is a mistake and not a choice, and a file that is huge, or would be once its
aliases are written out, is refused. What does not fit is told in a sentence that says what to write, never in the words
of a library. Nothing here knows any setting by name or opens anything but the file that it is given.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from yaml.constructor import ConstructorError

from postbot.core.problem import PostbotError, Problem

Place = tuple[str, ...]
"""Where a setting stands: the names on the way to it, and the numbers of places in lists, from 0."""

_MOST: Final = 100_000
"""So many values a file may hold once its aliases are written out; the largest configuration has some hundreds."""
_LONGEST: Final = 64 * 1024
"""So many bytes a file may have: a hundred times what is usual, and read within a second."""
_KEY: Final = "[key]"
"""How pydantic says that the name itself is meant, and not what it stands for."""

_Value = TypeVar("_Value")


class ConfigError(PostbotError):
    """The configuration cannot be used; `problems` says every reason at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{problem} {problem.fix or ''}".rstrip() for problem in problems))
        self.problems = tuple(problems)


class Declared(BaseModel):
    """A section of a configuration: its settings are its fields, and any other is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Written:
    """One file as it is written: its path for people, what it says, and the line (from 1) of each setting.

    `problems` are those of the writing itself: names that stand there twice.
    """

    path: str
    data: object
    lines: Mapping[Place, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, where: Place) -> int:
        """The line of the deepest part of a place that the file has."""
        known = (self.lines[where[:depth]] for depth in range(len(where), 0, -1) if where[:depth] in self.lines)
        return next(known, 1)

    def problem(self, where: Place, message: str, code: str = "config-value", fix: str | None = None) -> Problem:
        """Something that is wrong at one place."""
        return Problem(self.path, self.line(where), 1, code, message, fix=fix)


def text_of(path: Path, how_to_make: str = "") -> str:
    """The text of a file; `how_to_make` is said where there is none. Raises `ConfigError`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"There is no {path.name} here.{how_to_make}"
        raise ConfigError([Problem(str(path), 1, 1, "config-missing", message)]) from None
    except (OSError, ValueError) as error:
        said = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8 text"
        message = f"{path.name} cannot be read: {said}."
        raise ConfigError([Problem(str(path), 1, 1, "config-unreadable", message)]) from None


def parse(text: str, path: str) -> Written:
    """Read YAML. Raises `ConfigError` where it is none, or too long; `path` is what people are told of the file."""
    if len(text.encode(errors="replace")) > _LONGEST:
        said = f"{path} is too long: a file of settings has {_LONGEST >> 10} KiB at most."
        raise ConfigError([Problem(path, 1, 1, "config-unreadable", said)])
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Written(path, None)
        if _weight(node, {}) > _MOST:
            raise _unreadable(path, 1, 1, "it is far too large once its aliases are written out")
        lines, problems = _placed(node, path)
        return Written(path, loader.construct_document(node), lines, problems)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise _unreadable(path, line, 1, "there is a character that no text holds") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _unreadable(path, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, error.problem) from None
    except RecursionError:
        raise _unreadable(path, 1, 1, "it is nested far too deeply") from None
    finally:
        if loader is not None:
            loader.dispose()


def _unreadable(path: str, line: int, column: int, why: str | None) -> ConfigError:
    return ConfigError([Problem(path, line, column, "config-yaml", f"This is not valid YAML: {why}.")])


_INT, _FLOAT, _DATE = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))
_NUMBERS: Final[Mapping[str, re.Pattern[str]]] = {
    _INT: re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"),
    _FLOAT: re.compile(r"(?:[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|\.(?i:inf))|\.(?i:nan))\Z"),
}
"""Decimal numbers, nearly as in YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema). Those of YAML 1.1 to the base
of 60 take time that grows with the square of their length, and are what nobody means who writes 12:30."""


class _Loader(yaml.SafeLoader):
    """Plain values only. What a tag promises and the text does not keep is an error with its place."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as yaml declares it
        first: [(tag, _NUMBERS.get(tag, pattern)) for tag, pattern in found if tag != _DATE]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            _demand_plain(node)
            value = super().construct_object(node, deep)
            if isinstance(value, str):
                value.encode()  # half of a character can be written in YAML, and kept nowhere
                _demand_text(value)
        except (ValueError, KeyError, AttributeError, TypeError):
            said = "what stands here is no value of its kind"
            raise ConstructorError(None, None, said, node.start_mark) from None
        return value


def _demand_plain(node: yaml.Node) -> None:
    """Refuse what is no plain number and has its tag written out, so that nobody has looked at its shape."""
    if node.tag in _NUMBERS and not _NUMBERS[node.tag].match(str(node.value)):
        raise ValueError(node.value)


def _demand_text(value: str) -> None:
    """Refuse what ends every name in the system, and so would be one thing here and another there."""
    if "\0" in value:
        raise ValueError(value)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for once its aliases are written out; without end where it holds itself."""
    if id(node) not in known:
        known[id(node)] = _MOST
        known[id(node)] = 1 + sum(_weight(child, known) for child in _children(node))
    return known[id(node)]


def _placed(node: yaml.Node, path: str) -> tuple[dict[Place, int], tuple[Problem, ...]]:
    """The line of each setting, that of the last where a name stands there twice, and the problems of those."""
    lines: dict[Place, int] = {}
    problems: list[Problem] = []
    for where, mark in _places(node, (), set()):
        if where in lines:
            said = f"`{'.'.join(where)}` stands here a second time; the first is in line {lines[where]}. Keep one."
            problems.append(Problem(path, mark.line + 1, mark.column + 1, "config-doubled-key", said))
        lines[where] = mark.line + 1
    return lines, tuple(problems)


def _places(node: yaml.Node, above: Place, seen: set[int]) -> Iterator[tuple[Place, yaml.Mark]]:
    if id(node) in seen:
        return
    seen.add(id(node))
    parts: list[tuple[str, yaml.Mark, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), key.start_mark, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(str(at), item.start_mark, item) for at, item in enumerate(node.value)]
    names = set()
    for name, mark, below in parts:
        yield (*above, name), mark
        if name not in names:  # what stands below a second one is as wrong as that
            yield from _places(below, (*above, name), seen)
        names.add(name)


# What does not fit ---------------------------------------------------------------------------------------------------


def check(
    shape: TypeAdapter[_Value], written: Written, nothing: object = None
) -> tuple[_Value, list[Problem]] | tuple[None, list[Problem]]:
    """The declared value, or None and every problem in the file's order. `nothing` stands for an empty file."""
    data = written.data if written.data is not None else {} if nothing is None else nothing
    try:
        value: _Value = shape.validate_python(data)
    except ValidationError as error:
        found = [_problem(written, dict(each), shape) for each in error.errors()]
        return None, sorted((*found, *written.problems), key=lambda problem: problem.line)
    return (None, list(written.problems)) if written.problems else (value, [])


def checked(shape: TypeAdapter[_Value], written: Written, nothing: object = None) -> _Value:
    """The declared value. Raises `ConfigError` with every problem."""
    value, problems = check(shape, written, nothing)
    if problems or value is None:
        raise ConfigError(problems)
    return value


def _problem(written: Written, found: Mapping[str, Any], shape: TypeAdapter[_Value]) -> Problem:
    parts = tuple(str(part) for part in found["loc"] if not str(part).startswith(("function-", "(")))
    is_name = parts[-1:] == (_KEY,)
    where = parts[:-1] if is_name else parts
    name = ".".join(where) or "the file"
    context = found.get("ctx", {})
    match found["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            fix = nearest(where[-1], _names(shape.json_schema(), where[:-1]))
            return written.problem(where, f"`{name}` is not a setting.", "config-unknown-key", fix)
        case "invalid_key":
            return written.problem(where, f"`{name}` is not a setting.", "config-unknown-key")
        case "enum" if is_name:
            fix = nearest(where[-1], re.findall("'([^']+)'", str(context["expected"])))
            return written.problem(where, f"`{name}` is not a setting.", "config-unknown-key", fix)
        case "missing" | "missing_argument":
            return written.problem(where, f"`{name}` is needed and not given.", "config-missing-key")
        case "value_error":
            said = str(found["msg"]).removeprefix("Value error, ")
            return written.problem(where, f"`{name}`: {said[:1].lower()}{said[1:]}.")
    return written.problem(where, f"`{name}`: {_wanted(str(found['type']), context)}.")


def _wanted(kind: str, context: Mapping[str, Any]) -> str:
    """What to write where something of another kind stands. https://docs.pydantic.dev/latest/errors/validation_errors."""
    match kind:
        case "enum" | "literal_error":
            return f"write {context['expected']}"
        case "greater_than_equal":
            return f"write {context['ge']:g} or more"
        case "less_than_equal":
            return f"write {context['le']:g} or less"
        case "too_short":
            return "name at least one"
    sentences = (words for begins, words in _WANTED.items() if kind.startswith(begins))
    return next(sentences, "this cannot be used; the shipped example shows what can")


_WANTED: Final[Mapping[str, str]] = {
    "string": "write text; what looks like a number, like true or like nothing needs quotes around it",
    "int": "write a whole number, without quotes",
    "float": "write a number such as 0.2, without quotes",
    "finite": "write a number such as 0.2",
    "bool": "write true or false",
    "tuple": "write a list such as [this, that]; [] is an empty one",
    "list": "write a list such as [this, that]; [] is an empty one",
    "dict": "write settings below it, each as NAME: VALUE",
    "mapping": "write settings below it, each as NAME: VALUE",
    "model": "write settings below it, each as NAME: VALUE",
    "dataclass": "write settings below it, each as NAME: VALUE",
    "path": "write the path of a file or of a folder",
}
"""What to write, by the kind of value that is wanted: how the names of pydantic's errors begin."""


def nearest(word: str, words: Sequence[str]) -> str | None:
    """The question whether the likeliest of these words is meant; None where none is like it."""
    near = difflib.get_close_matches(word, words, 1)
    return f"Did you mean `{near[0]}`?" if near else None


def _names(schema: Mapping[str, Any], where: Place) -> list[str]:
    """The settings that may stand at this place of the configuration."""
    here = list(shapes(schema, schema))
    for part in where:
        below = (_below(shape, part) for shape in here)
        here = [shape for found in below if found for shape in shapes(found, schema)]
    return [name for shape in here for name in shape.get("properties", {})]


def shapes(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What may stand in one place: the shape itself, and every other that it refers to."""
    yield shape
    others = (*shape.get("anyOf", ()), *shape.get("oneOf", ()))
    if "$ref" in shape:
        others = (*others, schema["$defs"][shape["$ref"].rsplit("/", 1)[-1]])
    for other in others:
        yield from shapes(other, schema)


def _below(shape: Mapping[str, Any], part: str) -> Mapping[str, Any] | None:
    """What may stand under a name, or at a place of a list."""
    others = shape.get("items") if part.isdigit() else shape.get("additionalProperties")
    found = shape.get("properties", {}).get(part) or others
    return found if isinstance(found, Mapping) else None

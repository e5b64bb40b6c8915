"""How a line of front matter looks, loadable or not, and what a guess at its fault consists of.

Knows no rule and asks no parser.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from postbot.core.text.diagnosis.stops import Fault, Stop

_ABOVE = 12  # content lines looked at above the place where the parser gave up
KEY = r"[^\W\d][\w-]*(?: [^\W\d][\w-]*){0,2}"
FIELD = re.compile(rf" *(?:- +)*(?:{KEY}|'[^']*'|\"[^\"]*\") ?:(?: |$)")
_VALUE = re.compile(r" *(?:- +)*(?:(?:[^\s'\"#:*&!@`%|>,[{][^'\"#:]*|'[^']*'|\"[^\"]*\"):\s+)?(?=\S)")
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"")
COLON = re.compile(r":(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Guess:
    """A fault that may be the cause, and its line as it would read without it."""

    fault: Fault
    repaired: str


Rule = Callable[[list[str], Stop], Iterator[Guess]]
"""Guesses of one kind at all lines, given where reading stops."""


def guess_at(row: int, column: int, code: str, words: tuple[str, str], repaired: str) -> Guess:
    """Guess at a row and column counted from 0; `words` are message and fix."""
    message, fix = words
    return Guess(Fault(row + 1, column + 1, code, message, fix), repaired)


def is_content(line: str) -> bool:
    """Tell whether a line is more than blanks and a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def suspects(lines: list[str], stop: Stop) -> list[int]:
    """List the lines worth a look: where the parser's token starts, then from where it gave up upwards."""
    last = min(stop.at, len(lines) - 1)
    upwards = (row for row in range(last, -1, -1) if is_content(lines[row]))
    rows = [min(stop.line, len(lines) - 1), *islice(upwards, _ABOVE)]
    return list(dict.fromkeys(rows))


def value_at(line: str) -> int | None:
    """Find where the value of a field or list item starts on its line."""
    found = _VALUE.match(line)
    return found.end() if found and is_content(line) else None


def kinds(line: str) -> set[str]:
    """Tell what the line can be a neighbour of: list items, fields, or both; a lone dash is neither."""
    item = {"item"} if line.lstrip().startswith("- ") and line.strip() != "-" else set()
    return item | ({"field"} if FIELD.match(line) else set())


def is_field(line: str) -> bool:
    """Tell whether a line starts a field, in a list item or not."""
    return bool(FIELD.match(line))


def depth_of(line: str) -> int:
    """Count the spaces before what stands on the line."""
    return len(line) - len(line.lstrip(" "))


def depths_of(line: str) -> tuple[int, int]:
    """Measure the depths a line opens: its own, and that of what stands after its dashes."""
    return depth_of(line), depth_of(re.sub(r"^( *)((?:- +)*)", lambda m: " " * len(m[0]), line))

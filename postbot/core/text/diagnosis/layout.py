"""Guesses at how lines stand: blanks, tabs, separators, indentation, and lines that are no field at all.

Each rule yields guesses, each with its repair; whether one is believed is for the verdict.
"""

import bisect
import re
from collections.abc import Iterator

from postbot.core.text.diagnosis.lines import (
    COLON,
    KEY,
    Guess,
    depth_of,
    depths_of,
    guess_at,
    is_content,
    is_field,
    kinds,
    suspects,
)
from postbot.core.text.diagnosis.stops import DIRECTIVE, DOCUMENT, Stop

_BLANK = re.compile(r"[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_FAKE_SPACE = re.compile(rf"(?:^[ \t]*|[:-]){_BLANK.pattern}")
_JOINED = re.compile(rf"(?P<key> *(?:- +)*{KEY} ?:)(?![\s:]|//)|(?P<dash> *-)(?![\s-])(?={KEY})")


def no_break_space(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a blank that only looks like a space, where YAML needs one."""
    words = (
        "The space here is a no-break space, which YAML takes for a letter, so the line is no field.",
        "Delete it and type an ordinary space.",
    )
    for row in suspects(lines, stop):
        found = _FAKE_SPACE.search(lines[row])
        if found:
            column = found.end() - 1
            yield guess_at(row, column, "yaml-nbsp", words, _BLANK.sub(" ", lines[row]))


def tab(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a tab; which width it stands for is tried."""
    words = ("A tab stands where YAML allows only spaces.", "Use spaces instead of the tab.")
    for row in suspects(lines, stop):
        line = lines[row]
        column = line.find("\t")
        if column < 0:
            continue
        for width in (1, 2, 4, 0, 8):
            yield guess_at(row, column, "yaml-tab", words, line.replace("\t", " " * width))


def separator(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a line that YAML takes for its own: a directive, or the end of the document."""
    for row in suspects(lines, stop):
        line = lines[row]
        if line.startswith("%"):
            yield guess_at(row, 0, "yaml-directive", DIRECTIVE, f"# {line}")
        elif re.match(r"(?:---|\.\.\.)(?:\s|$)", line):
            yield guess_at(row, 0, "yaml-document", DOCUMENT, f"# {line}")


def missing_space(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a colon or a dash that runs into what follows it."""
    for row in suspects(lines, stop):
        line = lines[row]
        found = _JOINED.match(line)
        if not found or not is_content(line):
            continue
        sign = "colon" if found["key"] else "dash"
        words = (f"There is no space after the {sign}.", f"Put a space after the {sign}.")
        end = found.end()
        yield guess_at(row, end, "yaml-missing-space", words, f"{line[:end]} {line[end:]}")


def misplaced(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Try a field or list item, or one just above it, at the depths of its neighbours."""
    content = [row for row, line in enumerate(lines[: stop.at + 40]) if is_content(line)]
    here = bisect.bisect_left(content, stop.at)
    if here == len(content) or not _may_be_misplaced(lines, content, here, stop):
        return
    for place in range(here, max(-1, here - 4), -1):
        row = content[place]
        if kinds(lines[row]) and (place == here or kinds(lines[row]) & kinds(lines[content[here]])):
            near = [lines[other] for other in content[max(0, place - 8) : place + 4]]
            yield from _reindented(row, lines[row], near)


def _may_be_misplaced(lines: list[str], content: list[int], here: int, stop: Stop) -> bool:
    """Doubt a parser that trips over a colon: prose below prose is no misplaced field."""
    line = lines[content[here]]
    if "mapping values" not in stop.problem:
        return bool(kinds(line))
    return is_field(line) and here > 0 and is_field(lines[content[here - 1]])


def _reindented(row: int, line: str, near: list[str]) -> Iterator[Guess]:
    depth = depth_of(line)
    what = "list item" if "item" in kinds(line) else "field"
    spaces = "1 space" if depth == 1 else f"{depth} spaces"
    words = (
        f"This {what} is not in line with its neighbours: it starts after {spaces}.",
        "Give it the same number of spaces as the others of its kind.",
    )
    depths = {0, *(d for text in near for d in depths_of(text))}
    if what == "list item":  # its first field may line up with the fields below it
        depths |= {d - (depths_of(line)[1] - depth) for d in depths}
    for target in sorted((d for d in depths if d >= 0), key=lambda d: abs(d - depth)):
        # A field at the left edge is where it belongs.
        if target != depth and (depth or what == "list item"):
            yield guess_at(row, depth, "yaml-indent", words, " " * target + line.lstrip())


def prose(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a line of text between the fields."""
    if stop.fault and not any(map(is_field, lines)):  # the whole is prose
        return
    for row in suspects(lines, stop)[:3]:
        line = lines[row]
        if is_content(line) and not COLON.search(line):
            words = _PROSE_INSIDE if depth_of(line) else _PROSE_AT_EDGE
            yield guess_at(row, depth_of(line), "yaml-not-a-field", words, f"# {line}")


_PROSE_AT_EDGE = (
    "This line is no 'key: value', and it is not indented as part of the value above.",
    "Indent it by two spaces to continue the text above, or delete it.",
)
_PROSE_INSIDE = (
    "This line is no 'key: value', and the value above it is already complete.",
    "Move it inside the value above, or delete it.",
)

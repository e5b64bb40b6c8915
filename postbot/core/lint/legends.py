"""Legends: what the comment above a field says of its values, and values that it does not list.

Reads only what is plainly a list of values; prose that happens to look like one is left alone.
"""

import re
from collections.abc import Iterator, Mapping

from postbot.core.lint.subject import Subject, short
from postbot.core.problem import Problem, Severity
from postbot.core.text.document import Document, Field, line_start

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
    if len(entries) < 2 or unread or not _is_about(field.key, heading, block[-1]) or not _is_list(entries):  # noqa: PLR2004 - one entry is no legend
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


def outside_legend(subject: Subject) -> Iterator[Problem]:
    """A value that is not among those that the comment above its field explains."""
    for field in subject.document.fields.values():
        text = (field.text or "").strip()
        if not text or " " in text or not (legend := legend_of(subject.document, field)) or text in legend:
            continue
        known = ", ".join(f"{value} ({short(says)})" for value, says in legend.items())
        message = f"`{field.key}` is {short(text)}, which the comment above it does not list: {known}."
        fix = f"Write one of {', '.join(legend)}, or add {short(text)} to the comment."
        yield subject.problem(field.value.start, "legend-value", message, Severity.ERROR, fix=fix)

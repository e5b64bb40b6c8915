"""Guesses at how a value is written: its quotes, its first sign, and colons or hashes inside it.

Each rule yields guesses, each with its repair; whether one is believed is for the verdict.
"""

import re
from collections.abc import Iterator

from postbot.core.text.diagnosis.lines import (
    COLON,
    FIELD,
    QUOTED,
    Guess,
    depth_of,
    guess_at,
    is_content,
    kinds,
    suspects,
    value_at,
)
from postbot.core.text.diagnosis.stops import ALIAS, Stop, short

_AFTER_QUOTE = re.compile(r"\s*(?:#.*)?$")
_COMMENT_START = re.compile(r"(?<=\s)#(?=[^\s#])")


def broken_quote(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a quote that is never closed, or closed before the text ends."""
    for row in range(min(stop.at, len(lines) - 1), -1, -1):
        line = lines[row]
        column = value_at(line)
        if column is None or line[column] not in "'\"":
            continue
        closed = QUOTED.match(line, column)
        if closed is None:
            yield _unclosed(row, column, line)
        elif not _AFTER_QUOTE.match(line, closed.end()):
            yield _after_quote(row, line, column, closed.end())


def _unclosed(row: int, column: int, line: str) -> Guess:
    quote = line[column]
    body = line[column + 1 :].rstrip()
    other = body[-1:]
    if other in {"'", '"'} and other != quote:
        words = (f"The text opens with {quote} but ends with {other}.", f"End it with {quote}, too.")
        body = body[:-1]
    else:
        words = (
            f"The quote {quote} that opens here is never closed.",
            f"Put {quote} at the end of the text.",
        )
    return guess_at(row, column, "yaml-unclosed-quote", words, line[: column + 1] + _inner(body, quote) + quote)


def _inner(body: str, quote: str) -> str:
    """Write the body as it must stand between such quotes."""
    return body.replace("'", "''") if quote == "'" else body.replace("\\", "\\\\").replace('"', '\\"')


def _after_quote(row: int, line: str, column: int, end: int) -> Guess:
    quote = line[column]
    rest = line[end:].rstrip()
    if rest.endswith(quote) or (quote == "'" and line[end : end + 1].isalpha()):
        words = (
            f"The {quote} in the middle of this text ends it early.",
            "Double the apostrophe ('') or use double quotes around the text."
            if quote == "'"
            else 'Use single quotes around the text, or write \\" inside it.',
        )
        body = line[column + 1 :].rstrip().removesuffix(quote)
        return guess_at(row, end - 1, "yaml-text-after-quote", words, line[: column + 1] + _inner(body, quote) + quote)
    shift = end + len(line[end:]) - len(line[end:].lstrip())
    words = (
        f"More text follows the closing quote: {short(rest.strip())}",
        "Delete what follows the quote, put # before it, or move it inside the quotes.",
    )
    return guess_at(row, shift, "yaml-text-after-quote", words, line[:end])


_SPECIAL = {
    "*": ("yaml-alias", ALIAS),
    "&": ("yaml-alias", ALIAS),
    ",": (
        "yaml-comma-start",
        ("The value starts with a comma.", "Write what belongs before the comma, or quote it."),
    ),
}


def special_start(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a value that starts with a sign that means something else in YAML; quoting it is the cure."""
    for row in suspects(lines, stop):
        line = lines[row]
        column = value_at(line)
        if column is not None and _is_special(line, column):
            code, words = _SPECIAL.get(line[column]) or _special(line[column])
            yield guess_at(row, column, code, words, line[:column] + _single_quoted(line[column:]))


def _is_special(line: str, column: int) -> bool:
    after_colon = line[:column].rstrip().endswith(":")
    return line[column] in "*&,@`%|>!]}[{" or (after_colon and line[column : column + 2] in {"- ", "? "})


def _special(sign: str) -> tuple[str, tuple[str, str]]:
    if sign in "[{":
        message = f"The {sign} here opens a YAML list or map that does not end properly."
        return "yaml-flow", (message, "Close the bracket, or put quotes around the whole value.")
    return "yaml-special-start", (
        f"A value may not start with {sign} unless it is quoted.",
        "Put quotes around the whole value.",
    )


def _single_quoted(text: str) -> str:
    return f"'{_inner(text.strip(), chr(39))}'"


def unknown_escape(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a backslash in double quotes."""
    words = (
        "A backslash inside double quotes starts an escape, and this one does not exist.",
        "Write two backslashes, or use single quotes around the text.",
    )
    for row in suspects(lines, stop):
        line = lines[row]
        column = line.find("\\")
        if column >= 0:
            repaired = re.sub(r'\\(?!")', r"\\\\", line)
            yield guess_at(row, column, "yaml-escape", words, repaired)


def quoted_parent(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect the quotes of a list item with bullets below it: unquoted, they would be part of its text."""
    words = (
        "The quote ends this list item, so the bullets below it belong to nothing.",
        "Remove the quotes (and any colon inside), or start the bullets in line with this item.",
    )
    at, *above = (*suspects(lines, stop), 0)
    line = lines[above[0]]
    start = value_at(line)
    if start is None or "item" not in kinds(line) & kinds(lines[at]) or depth_of(lines[at]) < depth_of(line) + 2:
        return
    if (quoted := QUOTED.fullmatch(line.rstrip(), start)) is not None:
        plain = re.sub("[:#]", ";", quoted[0][1:-1])
        yield guess_at(above[0], start, "yaml-text-after-quote", words, line[:start] + plain)


def cut_by_hash(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a ` #` that takes the rest of a text for a comment."""
    words = (
        "Everything after ' #' is a comment, so this text is cut short and what follows does not fit it.",
        "Remove the # or put quotes around the whole text.",
    )
    for row in suspects(lines, stop)[:4]:
        line = lines[row]
        found = _COMMENT_START.search(line)
        if found and is_content(line):
            plain = COLON.sub(";", line[found.end() :])
            yield guess_at(row, found.start(), "yaml-hash-in-text", words, line[: found.start()] + plain)


def colon_in_text(lines: list[str], stop: Stop) -> Iterator[Guess]:
    """Suspect a colon inside a text, which reads as a new field."""
    words = (
        "The text holds a colon followed by a space or the line's end, which YAML takes for a new field.",
        "Put quotes around the whole text, or write it without the colon.",
    )
    for row in suspects(lines, stop)[:3]:
        line = lines[row]
        field = FIELD.match(line)
        start = stop.column if row == stop.line else (field.end() if field else 0)
        found = COLON.search(line, start)
        if found:
            repaired = line[: found.start()] + COLON.sub(";", line[found.start() :])
            yield guess_at(row, found.start(), "yaml-colon-in-text", words, repaired)

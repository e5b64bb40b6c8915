"""Why a posting's front matter does not load: one sentence, at the line and column where a person must edit.

Both parsers that matter are asked: libyaml, which builds the site (Jekyll), and ruamel.yaml, which locates
our edits. A parser says where it gave up, often far below the mistake. So every rule here is a guess with a
repair, and a guess is believed when its repair lets the parser read further. The repair is a probe: it never
leaves this module, and nothing here changes a posting.

Pure. It must not raise, whatever the text, and must not guess at what a value means.
"""

import bisect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, cast

import yaml
from ruamel.yaml import YAML

_DEPTH = 100  # deeper nesting overruns the recursion of whoever builds the values
_ABOVE = 12  # content lines looked at above the place where the parser gave up
_TRIES = 24  # repairs tried per rule

_LibYaml = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANK = re.compile(r"[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_FAKE_SPACE = re.compile(rf"(?:^[ \t]*|[:-]){_BLANK.pattern}")
_KEY = r"[^\W\d][\w-]*(?: [^\W\d][\w-]*){0,2}"
_FIELD = re.compile(rf" *(?:- +)*(?:{_KEY}|'[^']*'|\"[^\"]*\") ?:(?: |$)")
_JOINED = re.compile(rf"(?P<key> *(?:- +)*{_KEY} ?:)(?![\s:]|//)|(?P<dash> *-)(?![\s-])(?={_KEY})")
_VALUE = re.compile(r" *(?:- +)*(?:(?:[^\s'\"#:*&!@`%|>,[{][^'\"#:]*|'[^']*'|\"[^\"]*\"):\s+)?(?=\S)")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"")
_AFTER_QUOTE = re.compile(r"\s*(?:#.*)?$")
_COMMENT_START = re.compile(r"(?<=\s)#(?=[^\s#])")
_COLON = re.compile(r":(?=\s|$)")


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


def explain(front: str) -> Fault | None:
    """Say why the text between the two `---` lines does not load; None when it does.

    It loads when both parsers read it as one mapping (or nothing) without a repeated key, alias, anchor,
    explicit tag, directive or key that is no text. Any newline style; the size is the caller's to cap. Raises
    nothing.
    """
    lines = _NEWLINE.split(front)
    if _first_stop(lines) is None:
        return None
    # The parsers do not agree which control characters end a line; without them their line numbers are ours.
    clean = [_UNPRINTABLE.sub(" ", line) for line in lines]
    stop = _first_stop(clean)
    return _diagnose(clean, stop) if stop else _control_character(lines)


def _control_character(lines: list[str]) -> Fault:
    places = ((row, found) for row, line in enumerate(lines) for found in _UNPRINTABLE.finditer(line))
    row, found = next(places)
    message = f"An invisible control character (U+{ord(found[0]):04X}) stands here."
    fix = "Delete it, or put a space instead."
    return Fault(row + 1, found.start() + 1, "yaml-control-character", message, fix)


# Where reading stops.


class _Mark(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _Event(Protocol):
    @property
    def start_mark(self) -> _Mark: ...


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where a parser gave up (counting from 0), in its own words; `fault` when our policy refuses."""

    line: int
    column: int
    problem: str
    at: int  # the line of the parser's own mark: at or below `line`
    reader: Callable[[list[str]], "_Stop | None"]
    fault: Fault | None = None


def _first_stop(lines: list[str]) -> _Stop | None:
    """Ask both parsers; the one that stops first is the one to explain."""
    stops = [stop for stop in (_libyaml(lines), _ruamel(lines)) if stop]
    return min(stops, key=lambda stop: (stop.line, stop.column), default=None)


def _libyaml(lines: list[str]) -> _Stop | None:
    # Its stubs let a mark be None; an event that was parsed from text has one.
    return _read(lines, lambda text: cast("Iterable[_Event]", yaml.parse(text, Loader=_LibYaml)), _libyaml)


def _ruamel(lines: list[str]) -> _Stop | None:
    return _read(lines, lambda text: YAML(typ="rt", pure=True).parse(text), _ruamel)


def _read(
    lines: list[str],
    events: Callable[[str], Iterable[_Event]],
    reader: Callable[[list[str]], _Stop | None],
) -> _Stop | None:
    text = "\n".join(lines)
    try:
        fault = _refused(events(text), lines)
    except Exception as error:  # noqa: BLE001 - the parsers leak ValueError, UnicodeError and more beside YAMLError
        return _stop(error, reader)
    if fault is None:
        return None
    return _Stop(fault.line - 1, fault.column - 1, fault.message, fault.line - 1, reader, fault)


def _stop(error: Exception, reader: Callable[[list[str]], _Stop | None]) -> _Stop:
    """Turn a parser's error into a place: the start of the token it could not end, else where it gave up."""
    problem = str(getattr(error, "problem", None) or error)
    mark: _Mark | None = getattr(error, "problem_mark", None)
    if mark is None:
        return _Stop(0, 0, problem, 0, reader)
    token: _Mark | None = getattr(error, "context_mark", None)
    in_token = re.search("scanning|flow|quoted", str(getattr(error, "context", None)))
    place = token if token and in_token else mark
    return _Stop(place.line, place.column, problem, mark.line, reader)


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
        return _at(event.start_mark, "yaml-directive", *_DIRECTIVE)
    if documents > 1:
        return _at(event.start_mark, "yaml-document", *_DOCUMENT)
    return None


def _refused_mark(event: _Event, kind: str) -> Fault | None:
    if kind == "AliasEvent" or getattr(event, "anchor", None):
        return _at(event.start_mark, "yaml-alias", *_ALIAS)
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
            f"'{_short(key)}' is set twice, on line {keys[key]} and again on line {mark.line + 1}.",
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


_DIRECTIVE = (
    "A line that starts with % is an order to the YAML reader, which a posting may not give.",
    "Remove the line, or put quotes around the text.",
)
_DOCUMENT = (
    "A second YAML document starts here, but front matter is one.",
    "Remove the '...' or '---' that separates them.",
)
_ALIAS = (
    "A value that starts with * or & is a YAML alias or anchor, not text.",
    "Put quotes around the whole value.",
)
_COMPLEX = (
    "This field's name is no plain text; braces, brackets or a ? start something else in YAML.",
    "Put quotes around the whole text.",
)


# Guesses: each a fault, and the line as it would read without it.


@dataclass(frozen=True, slots=True)
class _Guess:
    fault: Fault
    repaired: str


_Rule = Callable[[list[str], _Stop], Iterator[_Guess]]


def _diagnose(lines: list[str], stop: _Stop) -> Fault:
    if stop.fault and stop.fault.code != "yaml-not-a-mapping":
        return stop.fault
    return next(_believed(lines, stop), None) or stop.fault or _unverified(lines, stop)


def _believed(lines: list[str], stop: _Stop) -> Iterator[Fault]:
    """Yield the faults whose repair lets the parser read further, one per rule, the surest rule first."""
    for rule in _RULES:
        best, reach = None, (stop.line, stop.column)
        for guess in islice(rule(lines, stop), _TRIES):
            got = _reach(lines, stop, guess)
            if got > reach:
                best, reach = guess.fault, got
        if best:
            yield best


_END = (1 << 30, 0)


def _reach(lines: list[str], stop: _Stop, guess: _Guess) -> tuple[int, int]:
    """How far the parser reads after the repair, in the columns of the text before it."""
    row = guess.fault.line - 1
    after = stop.reader([*lines[:row], guess.repaired, *lines[row + 1 :]])
    if after is None:
        return _END
    grown = len(guess.repaired) - len(lines[row]) if after.line == row else 0
    return after.line, after.column - max(0, grown)


def _unverified(lines: list[str], stop: _Stop) -> Fault:
    """Where two mistakes meet, no single repair helps: take the surest guess on the spot."""
    guesses = (guess.fault for rule in _RULES for guess in islice(rule(lines, stop), _TRIES))
    spot = {stop.line + 1, stop.at + 1}
    likely = (fault for fault in guesses if fault.line in spot or _swallows_a_field(lines, fault))
    return next(likely, None) or _parsers_words(stop)


def _swallows_a_field(lines: list[str], fault: Fault) -> bool:
    """Tell an open quote that runs into the next field from one that wraps, which any mistake may follow."""
    if fault.code != "yaml-unclosed-quote":
        return False
    opening = lines[fault.line - 1]
    for line in lines[fault.line :]:
        if _is_field_line(line) and _depth(line) <= _depth(opening):
            return True
        if opening[fault.column - 1] in line:
            return False
    return False


def _parsers_words(stop: _Stop) -> Fault:
    words = " ".join(stop.problem.split())[:120]
    return Fault(stop.line + 1, stop.column + 1, "yaml-invalid", f"YAML cannot be read here: {words}.", None)


def _guess(row: int, column: int, code: str, words: tuple[str, str], repaired: str) -> _Guess:
    message, fix = words
    return _Guess(Fault(row + 1, column + 1, code, message, fix), repaired)


def _short(text: str) -> str:
    return textwrap.shorten(text, 40, placeholder=" …")


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _suspects(lines: list[str], stop: _Stop) -> list[int]:
    """List the lines worth a look: where the parser's token starts, then from where it gave up upwards."""
    last = min(stop.at, len(lines) - 1)
    upwards = (row for row in range(last, -1, -1) if _is_content(lines[row]))
    rows = [min(stop.line, len(lines) - 1), *islice(upwards, _ABOVE)]
    return list(dict.fromkeys(rows))


def _nbsp(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    words = (
        "The space here is a no-break space, which YAML takes for a letter, so the line is no field.",
        "Delete it and type an ordinary space.",
    )
    for row in _suspects(lines, stop):
        found = _FAKE_SPACE.search(lines[row])
        if found:
            column = found.end() - 1
            yield _guess(row, column, "yaml-nbsp", words, _BLANK.sub(" ", lines[row]))


def _tab(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    words = ("A tab stands where YAML allows only spaces.", "Use spaces instead of the tab.")
    for row in _suspects(lines, stop):
        line = lines[row]
        column = line.find("\t")
        if column < 0:
            continue
        for width in (1, 2, 4, 0, 8):
            yield _guess(row, column, "yaml-tab", words, line.replace("\t", " " * width))


def _separator(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    for row in _suspects(lines, stop):
        line = lines[row]
        if line.startswith("%"):
            yield _guess(row, 0, "yaml-directive", _DIRECTIVE, f"# {line}")
        elif re.match(r"(?:---|\.\.\.)(?:\s|$)", line):
            yield _guess(row, 0, "yaml-document", _DOCUMENT, f"# {line}")


def _value_at(line: str) -> int | None:
    """Find where the value of a field or list item starts on its line."""
    found = _VALUE.match(line)
    return found.end() if found and _is_content(line) else None


def _quote(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    for row in range(min(stop.at, len(lines) - 1), -1, -1):
        line = lines[row]
        column = _value_at(line)
        if column is None or line[column] not in "'\"":
            continue
        closed = _QUOTED.match(line, column)
        if closed is None:
            yield _unclosed(row, column, line)
        elif not _AFTER_QUOTE.match(line, closed.end()):
            yield _after_quote(row, line, column, closed.end())


def _unclosed(row: int, column: int, line: str) -> _Guess:
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
    return _guess(row, column, "yaml-unclosed-quote", words, line[: column + 1] + _inner(body, quote) + quote)


def _inner(body: str, quote: str) -> str:
    """Write the body as it must stand between such quotes."""
    return body.replace("'", "''") if quote == "'" else body.replace("\\", "\\\\").replace('"', '\\"')


def _after_quote(row: int, line: str, column: int, end: int) -> _Guess:
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
        return _guess(
            row, end - 1, "yaml-text-after-quote", words, line[: column + 1] + _inner(body, quote) + quote
        )
    shift = end + len(line[end:]) - len(line[end:].lstrip())
    words = (
        f"More text follows the closing quote: {_short(rest.strip())}",
        "Delete what follows the quote, put # before it, or move it inside the quotes.",
    )
    return _guess(row, shift, "yaml-text-after-quote", words, line[:end])


def _space(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    for row in _suspects(lines, stop):
        line = lines[row]
        found = _JOINED.match(line)
        if not found or not _is_content(line):
            continue
        sign = "colon" if found["key"] else "dash"
        words = (f"There is no space after the {sign}.", f"Put a space after the {sign}.")
        end = found.end()
        yield _guess(row, end, "yaml-missing-space", words, f"{line[:end]} {line[end:]}")


_SPECIAL = {
    "*": ("yaml-alias", _ALIAS),
    "&": ("yaml-alias", _ALIAS),
    ",": (
        "yaml-comma-start",
        ("The value starts with a comma.", "Write what belongs before the comma, or quote it."),
    ),
}


def _start(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    """Suspect a value that starts with a sign that means something else in YAML; quoting it is the cure."""
    for row in _suspects(lines, stop):
        line = lines[row]
        column = _value_at(line)
        if column is not None and _is_special(line, column):
            code, words = _SPECIAL.get(line[column]) or _special(line[column])
            yield _guess(row, column, code, words, line[:column] + _single_quoted(line[column:]))


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


def _escape(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    words = (
        "A backslash inside double quotes starts an escape, and this one does not exist.",
        "Write two backslashes, or use single quotes around the text.",
    )
    for row in _suspects(lines, stop):
        line = lines[row]
        column = line.find("\\")
        if column >= 0:
            repaired = re.sub(r'\\(?!")', r"\\\\", line)
            yield _guess(row, column, "yaml-escape", words, repaired)


def _indent(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    """Try a field or list item, or one just above it, at the depths of its neighbours."""
    content = [row for row, line in enumerate(lines[: stop.at + 40]) if _is_content(line)]
    here = bisect.bisect_left(content, stop.at)
    if here == len(content) or not _may_be_misplaced(lines, content, here, stop):
        return
    for place in range(here, max(-1, here - 4), -1):
        row = content[place]
        if _kind(lines[row]) and (place == here or _kind(lines[row]) & _kind(lines[content[here]])):
            near = [lines[other] for other in content[max(0, place - 8) : place + 4]]
            yield from _reindented(row, lines[row], near)


def _may_be_misplaced(lines: list[str], content: list[int], here: int, stop: _Stop) -> bool:
    """Doubt a parser that trips over a colon: prose below prose is no misplaced field."""
    line = lines[content[here]]
    if "mapping values" not in stop.problem:
        return bool(_kind(line))
    return _is_field_line(line) and here > 0 and _is_field_line(lines[content[here - 1]])


def _kind(line: str) -> set[str]:
    """Tell what the line can be a neighbour of: list items, fields, or both; a lone dash is neither."""
    item = {"item"} if line.lstrip().startswith("- ") and line.strip() != "-" else set()
    return item | ({"field"} if _FIELD.match(line) else set())


def _reindented(row: int, line: str, near: list[str]) -> Iterator[_Guess]:
    depth = _depth(line)
    what = "list item" if "item" in _kind(line) else "field"
    spaces = "1 space" if depth == 1 else f"{depth} spaces"
    words = (
        f"This {what} is not in line with its neighbours: it starts after {spaces}.",
        "Give it the same number of spaces as the others of its kind.",
    )
    depths = {0, *(d for text in near for d in _depths(text))}
    if what == "list item":  # its first field may line up with the fields below it
        depths |= {d - (_depths(line)[1] - depth) for d in depths}
    for target in sorted((d for d in depths if d >= 0), key=lambda d: abs(d - depth)):
        # A field at the left edge is where it belongs.
        if target != depth and (depth or what == "list item"):
            yield _guess(row, depth, "yaml-indent", words, " " * target + line.lstrip())


def _is_field_line(line: str) -> bool:
    return bool(_FIELD.match(line))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _depths(line: str) -> tuple[int, int]:
    """Measure the depths a line opens: its own, and that of what stands after its dashes."""
    return _depth(line), _depth(re.sub(r"^( *)((?:- +)*)", lambda m: " " * len(m[0]), line))


def _quoted_parent(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    """Suspect the quotes of a list item with bullets below it: unquoted, they would be part of its text."""
    words = (
        "The quote ends this list item, so the bullets below it belong to nothing.",
        "Remove the quotes (and any colon inside), or start the bullets in line with this item.",
    )
    at, *above = (*_suspects(lines, stop), 0)
    line = lines[above[0]]
    start = _value_at(line)
    if start is None or "item" not in _kind(line) & _kind(lines[at]) or _depth(lines[at]) < _depth(line) + 2:
        return
    if (quoted := _QUOTED.fullmatch(line.rstrip(), start)) is not None:
        plain = re.sub("[:#]", ";", quoted[0][1:-1])
        yield _guess(above[0], start, "yaml-text-after-quote", words, line[:start] + plain)


def _hash(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    words = (
        "Everything after ' #' is a comment, so this text is cut short and what follows does not fit it.",
        "Remove the # or put quotes around the whole text.",
    )
    for row in _suspects(lines, stop)[:4]:
        line = lines[row]
        found = _COMMENT_START.search(line)
        if found and _is_content(line):
            plain = _COLON.sub(";", line[found.end() :])
            yield _guess(row, found.start(), "yaml-hash-in-text", words, line[: found.start()] + plain)


def _prose(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    if stop.fault and not any(map(_is_field_line, lines)):  # the whole is prose
        return
    for row in _suspects(lines, stop)[:3]:
        line = lines[row]
        if _is_content(line) and not _COLON.search(line):
            words = _PROSE_INSIDE if _depth(line) else _PROSE_AT_EDGE
            yield _guess(row, _depth(line), "yaml-not-a-field", words, f"# {line}")


_PROSE_AT_EDGE = (
    "This line is no 'key: value', and it is not indented as part of the value above.",
    "Indent it by two spaces to continue the text above, or delete it.",
)
_PROSE_INSIDE = (
    "This line is no 'key: value', and the value above it is already complete.",
    "Move it inside the value above, or delete it.",
)


def _colon(lines: list[str], stop: _Stop) -> Iterator[_Guess]:
    words = (
        "The text holds a colon followed by a space or the line's end, which YAML takes for a new field.",
        "Put quotes around the whole text, or write it without the colon.",
    )
    for row in _suspects(lines, stop)[:3]:
        line = lines[row]
        field = _FIELD.match(line)
        start = stop.column if row == stop.line else (field.end() if field else 0)
        found = _COLON.search(line, start)
        if found:
            repaired = line[: found.start()] + _COLON.sub(";", line[found.start() :])
            yield _guess(row, found.start(), "yaml-colon-in-text", words, repaired)


_RULES: tuple[_Rule, ...] = (
    _nbsp,
    _separator,
    _quote,
    _space,
    _start,
    _tab,
    _escape,
    _hash,
    _quoted_parent,
    _indent,
    _colon,
    _prose,
)

"""One posting file, byte for byte: front matter, body, every field and every commented-out field with its place.

Pure, and read-only: `editing` makes changes. `read` answers with a `Document` or with the `Problem` that stops it and
never raises. Reading uses libyaml, as the site generators do; positions are offsets into `Document.text`, the file
decoded as UTF-8 without its byte order mark, so that splicing there and encoding again leaves every other byte alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import yaml

from postbot.core.problem import Problem
from postbot.core.site import Path
from postbot.core.text.diagnosis import explain
from postbot.core.text.hints import Hint, read_hint
from postbot.core.text.scalar import Quoting

MAX_FRONT_MATTER = 64 * 1024
"""Bytes of front matter that are parsed at all; the largest real one seen has 20 KiB."""
MAX_DEPTH = 50
"""Levels of nesting that are parsed at all; real front matter has three."""

_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Jekyll and Hugo take `---` at the very start, blanks after it allowed, and the next such line as the end.
_OPENING = re.compile(r"---[ \t]*(?:\r\n|\n|\r)")
_CLOSING = re.compile(r"-(?<=[\r\n]-)--[ \t]*(?=[\r\n]|\Z)")
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_COMMENT = re.compile(r"(?:(?<=[ \t\r\n])|\A)#[^\r\n]*")
_COMMENTED_FIELD = re.compile(
    r"^(?P<indent>[ \t]*)(?P<marker>#+)(?P<space>[ \t]*)"
    r"(?P<key>[a-z_][\w.-]*(?: [\w.-]+)*)[ \t]*:(?P<rest>[ \t][^\r\n]*)?$"
)
_SECTION = re.compile(r"^#+\s*INSTRUCTIONS[ _](?P<state>[A-Z]+)\b(?P<says>.*)$")
# Words that open a remark, in any template; nobody names a field so.
_REMARK_WORDS = frozenset(
    ("note", "nb", "ps", "todo", "fixme", "tip", "hint", "example", "eg", "important", "warning", "see", "or", "and")
)
_NESTED_AFTER = 3
# The sign comes first: a pattern that starts with a set of characters is searched several times faster.
_ANCHOR_OR_TAG = re.compile(r"[&!*](?<![^\s,\[{:].)\S")
# As many blanks at the start of a line; within a line they nest nothing.
_DEEP_INDENTS = tuple(end + " " * MAX_DEPTH for end in "\n\r\x85\u2028\u2029")
# YAML 1.1 counts these as line breaks, editors do not.
_ODD_BREAKS = "\x85\u2028\u2029"


class Span(NamedTuple):
    """A stretch of `Document.text`: the first character, and the one after the last."""

    start: int
    end: int


class Field(NamedTuple):
    """One `key: value` at the top level of the front matter.

    `start` is the key's offset, `value` the place of its value; `text` is the value as YAML reads it, None for a list
    or map. `line` and `column` are those of the key, `value_line` and `value_column` those of the value, all from 1
    in the file. `comment` is what follows the value on its last line, `#` included. `tag` is the YAML 1.1 type.
    """

    key: str
    start: int
    value: Span
    line: int
    column: int
    value_line: int
    value_column: int
    quoting: Quoting
    text: str | None
    tag: str
    comment: str | None

    @property
    def span(self) -> Span:
        """From the key to the end of its value."""
        return Span(self.start, self.value.end)


@dataclass(frozen=True, slots=True)
class Commented:
    """One commented-out field, `# apply_url: APPLICATION URL`, with what its comment holds.

    `span` is the line without its line break. `section` is the state whose INSTRUCTIONS heading it stands under.
    """

    key: str
    span: Span
    line: int
    column: int
    indent: str
    lead: str
    rest: str
    hint: Hint
    section: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading such as `# INSTRUCTIONS OPEN: These fields are required for open`, up to the next one."""

    state: str
    span: Span
    line: int


@dataclass(frozen=True)
class Document:
    """A posting file that reads. `fields` are the live ones by key, in file order; `front` lies between the fences.

    A site keeps thousands of documents and looks into a few, so text and nodes are made again when asked for.
    """

    path: Path
    data: bytes
    front: Span
    fields: Mapping[str, Field]

    @cached_property
    def text(self) -> str:
        """The whole file, without its byte order mark."""
        return self.data.decode("utf-8-sig")

    @cached_property
    def root(self) -> yaml.MappingNode | None:
        """The nodes of the front matter, None where it is empty. Their marks count from the start of `front`."""
        root = yaml.compose(self.text[self.front.start : self.front.end], Loader=_LOADER)
        assert root is None or isinstance(root, yaml.MappingNode)  # `read` has refused whatever else there is
        return root

    @property
    def newline(self) -> str:
        """The line break that ends the opening fence; new lines are written with it."""
        found = _LINE_BREAK.search(self.text, 3)
        return found.group() if found else "\n"

    @property
    def indent(self) -> str:
        """The blanks before every top-level key: none, but for a few files that indent them all."""
        first = next(iter(self.fields.values()), None)
        return " " * (first.column - 1) if first else ""

    @cached_property
    def body_sha256(self) -> str:
        """Hash of everything from the closing fence on, in hexadecimal."""
        return sha256(self.text[self.front.end :].encode()).hexdigest()

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The INSTRUCTIONS headings in file order."""
        headings = [
            (span, found) for span in self._comment_spans if (found := _SECTION.match(self.text[span.start : span.end]))
        ]
        if not headings:
            return ()
        ends = [*(span.start for span, _ in headings), self.front.end][1:]
        return tuple(
            Section(found["state"].lower(), Span(span.start, end), self.line_of(span.start))
            for (span, found), end in zip(headings, ends, strict=True)
        )

    @cached_property
    def commented(self) -> tuple[Commented, ...]:
        """Every commented-out field in file order. Prose, headings and the inside of a commented list are none."""
        return tuple(self._commented_fields())

    @cached_property
    def comments(self) -> tuple[str, ...]:
        """Every comment of the front matter in file order, without the blanks around it."""
        return self.comments_within(self.front)

    def comments_within(self, span: Span) -> tuple[str, ...]:
        """The comments that begin inside `span`, in file order, without the blanks around them."""
        return tuple(self.text[at:end].rstrip() for at, end in self._comment_spans if span.start <= at < span.end)

    def line_of(self, offset: int) -> int:
        """Line of the file, from 1, that the character at `offset` stands in."""
        return len(_LINE_BREAK.findall(self.text, 0, offset)) + 1

    def column_of(self, offset: int) -> int:
        """Column, from 1 and in characters, of the character at `offset`."""
        return offset - line_start(self.text, offset) + 1

    def section_at(self, offset: int) -> str | None:
        """State whose section the offset lies in, or None above the first heading."""
        return next((s.state for s in self.sections if s.span.start <= offset < s.span.end), None)

    @cached_property
    def _comment_spans(self) -> tuple[Span, ...]:
        """Places of the comments: a `#` outside every scalar, at a line's start or after a blank."""
        spans: list[Span] = []
        at = self.front.start
        for start, end in [*_leaf_spans(self.root, self.front.start), (self.front.end, self.front.end)]:
            spans += (Span(*found.span()) for found in _COMMENT.finditer(self.text, at, max(at, start)))
            at = max(at, end)
        return tuple(spans)

    def _commented_fields(self) -> Iterator[Commented]:
        parent_space = -1  # blanks after `#` of an empty commented key, while the lines below belong to it
        for span in self._comment_spans:
            start = line_start(self.text, span.start)
            found = _COMMENTED_FIELD.match(self.text[start : span.end].rstrip())
            if found is None or self.text[start : span.start].strip():
                parent_space = parent_space if self.text[span.start : span.end].lstrip("#").startswith("  ") else -1
                continue
            space = len(found["space"])
            if not self._names_a_field(found["key"]) or space >= _NESTED_AFTER or -1 < parent_space < space:
                continue
            if any(field.span.start < start < field.span.end for field in self.fields.values()):
                continue  # inside a list or map: no top-level field could stand here
            rest = found["rest"] or ""
            parent_space = space if not rest.strip() else -1
            yield Commented(
                key=found["key"],
                span=Span(start, span.end),
                line=self.line_of(start),
                column=len(found["indent"]) + 1,
                indent=found["indent"],
                lead=found["marker"] + found["space"],
                rest=rest,
                hint=read_hint(found["key"], rest),
                section=self.section_at(start),
            )

    def _names_a_field(self, key: str) -> bool:
        """A single word names a field unless it opens a remark; several words only if a live field is called so."""
        return key in self.fields or (" " not in key and key.rstrip(".") not in _REMARK_WORDS)


def line_start(text: str, offset: int) -> int:
    """Offset of the first character of the line that `offset` stands in."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """Offset of the line break (or the end) that ends the line which `offset` stands in."""
    feed = text.find("\n", offset)
    end = len(text) if feed < 0 else feed
    back = text.find("\r", offset, end)
    return end if back < 0 else back


def lines(text: str) -> list[str]:
    """Split into lines that keep their breaks; only LF, CR LF and CR count, as in every editor."""
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)


def read(path: Path, data: bytes) -> Document | Problem:
    """Read one file. The answer is a `Document`, or the first `Problem` that keeps anybody from reading it."""
    text = _decode(path, data)
    if isinstance(text, Problem):
        return text
    front = _frame(path, text)
    if isinstance(front, Problem):
        return front
    room = MAX_FRONT_MATTER // 4  # no character takes more than four bytes
    if front.end - front.start > room and len(text[front.start : front.end].encode()) > MAX_FRONT_MATTER:
        message = f"The front matter is larger than {MAX_FRONT_MATTER // 1024} KiB; postbot does not parse it."
        return Problem(path, 1, 1, "front-matter-too-large", message, fix="Move long texts into the body.")
    return _compose(path, data, text, front)


def _decode(path: Path, data: bytes) -> str | Problem:
    """Decode UTF-8; a byte order mark at the start is left out of the text, and put back by whoever writes."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        message = "The file is UTF-16; Jekyll and Hugo read UTF-8."
        return Problem(path, 1, 1, "encoding", message, fix="Save the file as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line = len(_LINE_BREAK.findall(before)) + 1
        column = len(before) - line_start(before, len(before)) + 1
        message = f"The byte 0x{data[error.start]:02X} here is not UTF-8."
        return Problem(path, line, column, "encoding", message, fix="Save the file as UTF-8.")


def _frame(path: Path, text: str) -> Span | Problem:
    """Find what lies between the opening and the closing fence."""
    opening = _OPENING.match(text)
    if opening is None:
        return _no_front_matter(path, text)
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        message = "The front matter is never closed: there is no second line with only `---`."
        return Problem(path, 1, 1, "front-matter-unclosed", message, fix="Put a line `---` after the last field.")
    # A byte order mark that stands here, pasted with the text, is none of the first key's letters.
    return Span(opening.end() + text.startswith("\ufeff", opening.end()), closing.start())


def _no_front_matter(path: Path, text: str) -> Problem:
    if text.startswith("+++"):
        return Problem(
            path,
            1,
            1,
            "front-matter-toml",
            "The front matter is TOML; postbot reads YAML.",
            fix="Write it as YAML between `---` lines.",
        )
    if text.lstrip().startswith("{"):
        return Problem(
            path,
            1,
            1,
            "front-matter-json",
            "The front matter is JSON; postbot reads YAML.",
            fix="Write it as YAML between `---` lines.",
        )
    if re.match(r"\s*(?:#[^\n]*\n\s*)*---[ \t]*$", text, re.MULTILINE):
        message = "Something stands before the opening `---`, so site generators see no front matter."
        return Problem(path, 1, 1, "front-matter-not-first", message, fix="Make `---` the first line.")
    message = "The file has no front matter: its first line is not `---`."
    return Problem(
        path, 1, 1, "front-matter-missing", message, fix="Begin with a line `---`, the fields, and a line `---`."
    )


def _compose(path: Path, data: bytes, text: str, front: Span) -> Document | Problem:
    """Parse the front matter within the caps; whatever is refused is explained at its place."""
    source = text[front.start : front.end]
    if _too_deep(source):
        message = f"The front matter nests deeper than {MAX_DEPTH} levels; postbot does not parse it."
        return Problem(path, 2, 1, "front-matter-too-deep", message)
    try:
        root = yaml.compose(source, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError):
        return _explained(path, source)
    if root is None:
        return Document(path, data, front, {})
    if not isinstance(root, yaml.MappingNode) or _refused(source, root):
        return _explained(path, source)
    return Document(path, data, front, _fields(text, front, root))


def _explained(path: Path, source: str) -> Problem:
    """Turn the fault found in the front matter into a problem of the file. A blank line stands in for the fence."""
    fault = explain("\n" + source)
    if fault is None:
        return Problem(path, 2, 1, "yaml-invalid", "The front matter does not load as YAML.")
    return Problem(path, fault.line, fault.column, fault.code, fault.message, fix=fault.fix)


def _too_deep(source: str) -> bool:
    """Measure nesting without recursion, and only where a cheap upper bound does not settle it."""
    openers = source.count("[") + source.count("{") + source.count("- ") + source.count("? ")
    if openers < MAX_DEPTH and not any(indent in source for indent in _DEEP_INDENTS):
        return False
    depth = 0
    try:
        for event in yaml.parse(source, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return True
    except (yaml.YAMLError, ValueError):
        return False
    return False


def _refused(source: str, root: yaml.MappingNode) -> bool:
    """Whether it composes and is refused all the same: keys twice, complex keys, aliases, anchors, explicit tags."""
    if _ANCHOR_OR_TAG.search(source) and any(
        isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None)
        for event in yaml.parse(source, Loader=_LOADER)
    ):
        return True
    return _has_bad_keys(root)


def _has_bad_keys(node: yaml.Node) -> bool:
    """Whether any mapping holds a key twice or a key that is no text. The depth is capped, so recursion is safe."""
    if isinstance(node, yaml.MappingNode):
        keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        return len(keys) < len(node.value) or any(
            _has_bad_keys(value) for _, value in node.value if not _is_leaf(value)
        )
    return any(_has_bad_keys(item) for item in node.value if not _is_leaf(item))


def _is_leaf(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


_QUOTING = {
    None: Quoting.PLAIN,
    "": Quoting.PLAIN,
    "'": Quoting.SINGLE,
    '"': Quoting.DOUBLE,
    "|": Quoting.LITERAL,
    ">": Quoting.FOLDED,
}


def _fields(text: str, front: Span, root: yaml.MappingNode) -> dict[str, Field]:
    fields = {key.value: _field(text, front.start, key, value) for key, value in root.value}
    if any(text.find(odd, front.start, front.end) >= 0 for odd in _ODD_BREAKS):
        return {key: _replaced(text, field) for key, field in fields.items()}
    return fields


def _replaced(text: str, field: Field) -> Field:
    """Count lines and columns anew, by the breaks that people see."""

    def place(offset: int) -> tuple[int, int]:
        start = line_start(text, offset)
        return len(_LINE_BREAK.findall(text, 0, start)) + 1, offset - start + 1

    (line, column), (value_line, value_column) = place(field.span.start), place(field.value.start)
    return field._replace(line=line, column=column, value_line=value_line, value_column=value_column)


def _field(text: str, base: int, key: yaml.ScalarNode, node: yaml.Node) -> Field:
    start, value_start, value_end = (
        base + key.start_mark.index,
        base + node.start_mark.index,
        base + node.end_mark.index,
    )
    quoting, is_block = _written(node)
    if value_start == value_end:
        quoting = Quoting.EMPTY
    elif is_block:
        value_end = _content_end(text, value_start, base + _last_leaf(node).end_mark.index)
    return Field(
        key=key.value,
        start=start,
        value=Span(value_start, value_end),
        line=key.start_mark.line + 2,
        column=key.start_mark.column + 1,
        value_line=node.start_mark.line + 2,
        value_column=node.start_mark.column + 1,
        quoting=quoting,
        text=node.value if isinstance(node, yaml.ScalarNode) else None,
        tag=node.tag,
        comment=_trailing_comment(text, value_end),
    )


def _written(node: yaml.Node) -> tuple[Quoting, bool]:
    """The style of a value, and whether it is a block, whose mark may lie below its last line."""
    if isinstance(node, yaml.ScalarNode):
        return _QUOTING[node.style], node.style in ("|", ">")
    return Quoting.LIST if isinstance(node, yaml.SequenceNode) else Quoting.MAP, _is_block_collection(node)


def _is_block_collection(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _last_leaf(node: yaml.Node) -> yaml.Node:
    """The last part of a block: the block's own mark would count the comments below to it, this one does not."""
    while _is_block_collection(node):
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return node


def _content_end(text: str, start: int, end: int) -> int:
    """End of a block's last line, without the blank lines that the parser counts to it."""
    return line_end(text, start + len(text[start:end].rstrip(" \t\r\n")))


def _trailing_comment(text: str, end: int) -> str | None:
    if text[end : end + 1] in ("\n", "\r", ""):
        return None
    rest = text[end : line_end(text, end)].strip()
    return rest if rest.startswith("#") else None


def _leaf_spans(root: yaml.Node | None, base: int) -> list[tuple[int, int]]:
    """Where scalars stand, keys included, in order: a `#` in there is no comment."""
    spans: list[tuple[int, int]] = []
    stack: list[yaml.Node] = [root] if root else []
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.ScalarNode):
            spans.append((base + node.start_mark.index, base + node.end_mark.index))
        elif isinstance(node, yaml.MappingNode):
            stack.extend(child for pair in node.value for child in pair)
        else:
            stack.extend(node.value)
    return sorted(spans)

"""Exact edits: the named lines change, or nothing does.

Pure. ruamel.yaml locates each value, the new text is spliced into the original, and the result is parsed again: under
YAML 1.1 and 1.2 exactly the intended values must differ, the body must be the same, and every comment that was not
named must still be there. Anything else is refused with a `Problem`. A document is never dumped.
"""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as YAMLError12
from ruamel.yaml.nodes import MappingNode as MappingNode12
from ruamel.yaml.nodes import ScalarNode as ScalarNode12

from postbot.core.problem import Problem
from postbot.core.text.document import Commented, Document, Field, Span, line_end, line_start, lines, read
from postbot.core.text.scalar import STR, Quoting, spell, unprintable

BOM = b"\xef\xbb\xbf"
_SEQ = "tag:yaml.org,2002:seq"
_DASH = re.compile(r"-[ \t]*")
_LONG_KEY = 8
_ONE_LETTER = 2
"""Characters that one mistyped letter touches: the wrong one and the right one; or two that are swapped."""
_BLOCK_HEADER_COMMENT = re.compile(r"[|>][-+0-9]*[ \t]+(?P<comment>#[^\r\n]*)")


@dataclass(frozen=True, slots=True)
class Set:
    """Give a field this value: set it where it is live, uncomment it where it is commented out, else insert it.

    `after` names fields, best first; an inserted field goes behind the first of them that the file holds.
    `quoting` is the style of an inserted value, and replaces the file's own style where it is given. `asked` is the
    name that was asked for, where whoever made this edit knows that the file spells it as `key`.
    """

    key: str
    value: str
    after: tuple[str, ...] = ()
    quoting: Quoting | None = None
    asked: str | None = None


@dataclass(frozen=True, slots=True)
class CommentOut:
    """Comment a field out again, with its old placeholder where one is known, else with its last value."""

    key: str
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Put one more text at the end of a list, unless it is there; a missing or empty field becomes a list of it.

    `after` places an inserted field, as in `Set`.
    """

    key: str
    value: str
    after: tuple[str, ...] = ()


Edit = Set | CommentOut | Append


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line of the file before and after; None where it was inserted or taken away. Lines count from 1."""

    line: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One field's value before and after; None means that the field was not live."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What an edit changed, and what it left: the evidence that every door can show.

    `comments_named` are the comments that the edit was told to use up; all others are still there.
    `spelling` are keys (as asked, as the file spells them) where the file's own spelling was kept.
    """

    lines: tuple[LineChange, ...]
    values: tuple[ValueChange, ...]
    comments_before: int
    comments_after: int
    comments_named: tuple[str, ...]
    body_sha256: str
    spelling: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """The document after the edit, and the proof."""

    document: Document
    proof: Proof


@dataclass(frozen=True, slots=True)
class _Splice:
    """Replace `span` by `text`; `named` are the comments that this uses up, `made` those that it makes.

    The field's value becomes `value`, or has it as one more item where `is_item`.
    """

    key: str
    value: str | None
    span: Span
    text: str
    named: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    is_item: bool = False


def edit(document: Document, edits: Sequence[Edit]) -> Edited | Problem:
    """Apply all edits at once and prove them.

    1. Find the file's own spelling of each key.
    2. Make one splice for each edit; ruamel.yaml's marks must agree about the place.
    3. Splice into the original text.
    4. Read the result again and compare (`_unproven`).
    """
    spelt = [(change, own_spelling(document, change.key)) for change in edits]
    doubled = [key for key, count in Counter(key for _, key in spelt).items() if count > 1]
    if doubled:
        return _refuse(document, "edit-twice", f"`{doubled[0]}` is to be changed twice in one edit.")
    splices: list[_Splice] = []
    for change, key in spelt:
        splice = _splice(document, change, key)
        if isinstance(splice, Problem):
            return splice
        splices.append(splice)
    splices = [splice for splice in splices if document.text[splice.span.start : splice.span.end] != splice.text]
    root = _compose_12(document)
    if isinstance(root, Problem):
        return root
    if fault := _unlocated(document, root, splices):
        return fault
    data = _spliced(document, splices)
    after = read(document.path, data)
    if isinstance(after, Problem):
        return _refuse(document, "edit-unproven", f"The edit would break the file: {after.message}")
    if fault := _unproven(document, root, after, splices):
        return fault
    spelling = tuple((asked, key) for change, key in spelt if (asked := _asked(change)) != key)
    return Edited(after, _proof(document, after, splices, spelling))


def restored(document: Document, data: bytes) -> Edited | Problem:
    """Put back the very bytes that a file had before its front matter was edited, with the proof of what that changes.

    The text below the front matter must be the same, for no edit of ours has ever changed it.
    """
    after = read(document.path, data)
    if isinstance(after, Problem):
        return _refuse(document, "edit-unproven", f"What was there before cannot be read: {after.message}")
    if after.body_sha256 != document.body_sha256:
        return _refuse(document, "edit-unproven", "The text below the front matter is another one by now.")
    was, now = _shapes(document.root), _shapes(after.root)
    changed = [key for key in {**was, **now} if was.get(key) != now.get(key)]
    proof = Proof(
        lines=_line_changes(document, after),
        values=tuple(ValueChange(key, _text_in(document, key), _text_in(after, key)) for key in changed),
        comments_before=len(document.comments),
        comments_after=len(after.comments),
        comments_named=tuple((Counter(document.comments) - Counter(after.comments)).elements()),
        body_sha256=after.body_sha256,
    )
    return Edited(after, proof)


def _asked(change: Edit) -> str:
    return change.asked or change.key if isinstance(change, Set) else change.key


def own_spelling(document: Document, key: str) -> str:
    """The file's own name for a field: the same, or one that differs only by case, blanks, `_` and `-`.

    A letter more, less or other may make another field (`location_a`, `location_b`), which only a profile can tell.
    """
    held = (*document.fields, *(found.key for found in document.commented))
    return key if key in held else next((own for own in held if _bare(own) == _bare(key)), key)


def is_misspelling(own: str, key: str) -> bool:
    """Whether two different keys may well be one: `ohrm_comtact_email` and `ohrm_contact_email`, `info link`.

    Digits never count as mistyped (`address1`, `address2`), nor does the last letter, which tells siblings apart
    (`location`, `locations`; `text_en`, `text_es`), nor do short keys, which may be words of their own.
    """
    one, two = _bare(own), _bare(key)
    if own == key or one == two:
        return own != key
    if min(len(one), len(two)) < _LONG_KEY or abs(len(one) - len(two)) > 1:
        return False
    if one[-1] != two[-1] or one.startswith(two) or two.startswith(one):
        return False
    changes = [op for op in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes() if op[0] != "equal"]
    touched = "".join(one[a:b] + two[c:d] for _, a, b, c, d in changes)
    if len(changes) == 1:
        return len(touched) <= _ONE_LETTER and not any(map(str.isdigit, touched))
    moved = [a for a, b in zip(one, two, strict=False) if a != b]
    return sorted(one) == sorted(two) and len(moved) == _ONE_LETTER and not any(map(str.isdigit, moved))


def _bare(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")


def _refuse(document: Document, code: str, message: str, line: int = 1, column: int = 1) -> Problem:
    return Problem(document.path, line, column, code, message)


# Making splices ----------------------------------------------------------------------------------------------------


def _splice(document: Document, change: Edit, key: str) -> _Splice | Problem:
    field = document.fields.get(key)
    if fault := _not_lines(document, field):
        return fault
    if odd := unprintable((change.placeholder or "") if isinstance(change, CommentOut) else change.value):
        message = f"The value for `{key}` holds the character U+{ord(odd):04X}; a value is one line of text."
        return _refuse(document, "edit-not-one-line", message)
    if isinstance(change, CommentOut):
        if field is None:
            return _refuse(document, "edit-no-field", f"There is no field `{key}` to comment out.")
        return _comment_out(document, field, change)
    if isinstance(change, Append):
        return _append(document, field, change)
    if field:
        return _set(document, field, change)
    commented = next((found for found in document.commented if found.key == key), None)
    if commented:
        return _uncomment(document, commented, change)
    return _insert(document, change, " " + spell(change.value, change.quoting or Quoting.PLAIN))


def _not_lines(document: Document, field: Field | None) -> Problem | None:
    """Refuse what is not written as `key: value` on lines of its own: `{state: open}`, `? state`."""
    if document.root is not None and document.root.flow_style:
        message = "The front matter is one `{...}`; write it as one field a line first."
        return _refuse(document, "edit-flow-mapping", message, document.line_of(document.front.start))
    if field and document.text[line_start(document.text, field.span.start) : field.span.start].strip(" \ufeff"):
        message = f"Something stands before `{field.key}` on its line; write it as `{field.key}: value` first."
        return _refuse(document, "edit-complex-key", message, field.line, field.column)
    return None


def _set(document: Document, field: Field, change: Set) -> _Splice | Problem:
    if field.text is None:
        kind = "a list" if field.quoting is Quoting.LIST else "a group of fields"
        return _refuse(
            document,
            "edit-not-a-text",
            f"`{field.key}` holds {kind}, which a single value cannot replace.",
            field.line,
            field.column,
        )
    if field.text == change.value and not change.quoting:
        return _Splice(field.key, change.value, Span(field.value.start, field.value.start), "")
    if field.quoting is Quoting.EMPTY:
        return _fill(document, field, change)
    own = field.quoting if field.quoting in (Quoting.SINGLE, Quoting.DOUBLE) else Quoting.PLAIN
    new = spell(change.value, change.quoting or own, was=field.tag)
    header = _BLOCK_HEADER_COMMENT.match(document.text, field.value.start)
    made = (header["comment"].rstrip(),) if header and field.quoting in (Quoting.LITERAL, Quoting.FOLDED) else ()
    return _Splice(field.key, change.value, field.value, " ".join((new, *made)), made=made)


def _fill(document: Document, field: Field, change: Set) -> _Splice:
    """Write behind the colon of an empty field: parsers put the mark of a missing value elsewhere, even lines below."""
    colon = document.text.index(":", field.span.start + len(field.key))
    rest = document.text[colon + 1 : line_end(document.text, colon)]
    new = spell(change.value, change.quoting or Quoting.PLAIN, was=field.tag)
    blank = 1 if rest[:1] in (" ", "\t") and rest.strip() == "" else 0
    return _Splice(field.key, change.value, Span(colon + 1, colon + 1 + blank), " " + new)


def _uncomment(document: Document, commented: Commented, change: Set) -> _Splice:
    """Write the line anew without its `#`: the key as spelt, the blanks as they were, the hint gone."""
    blanks = commented.rest[: len(commented.rest) - len(commented.rest.lstrip())] or " "
    new = spell(change.value, change.quoting or commented.hint.quoting)
    whole = document.text[commented.span.start : commented.span.end]
    line = f"{document.indent}{commented.key}:{blanks}{new}"
    return _Splice(commented.key, change.value, commented.span, line, named=(whole.strip(),))


def _append(document: Document, field: Field | None, change: Append) -> _Splice | Problem:
    """Write one more item below a list in blocks, before the bracket of one in brackets, or the first of a new one."""
    first = f"\n{document.indent}  - {spell(change.value, Quoting.PLAIN)}"
    if field is None:
        made = _insert(document, change, first)
        return made if isinstance(made, Problem) else replace(made, is_item=True)
    if field.quoting is Quoting.EMPTY:
        at = line_end(document.text, field.span.start)
        new = first.replace("\n", _break_at(document, at))
        return _Splice(field.key, change.value, Span(at, at), new, is_item=True)
    if field.quoting is not Quoting.LIST:
        message = f"`{field.key}` is no list, so it cannot take {change.value} as well; write it as a list first."
        return _refuse(document, "edit-not-a-list", message, field.line, field.column)
    if (STR, change.value) in _items_of(_shapes(document.root)[field.key]):
        return _Splice(field.key, change.value, Span(field.value.start, field.value.start), "")
    return _one_more(document, field, change)


def _one_more(document: Document, field: Field, change: Append) -> _Splice:
    """Write the item as the list writes its own: behind the blanks and the dash of the first, or behind a comma."""
    start, end = field.value
    text, item = document.text, spell(change.value, Quoting.PLAIN)
    if dash := _DASH.match(text, start):
        at = line_end(text, end)
        new = f"{_break_at(document, at)}{text[line_start(text, start) : start]}{dash.group()}{item}"
    else:
        held = text[start + 1 : end - 1].rstrip()
        at = start + 1 + len(held)
        new = ("" if not held else " " if held.endswith(",") else ", ") + item
    return _Splice(field.key, change.value, Span(at, at), new, is_item=True)


def _insert(document: Document, change: Set | Append, rest: str) -> _Splice | Problem:
    """Write a new field, `rest` behind its colon, behind the first of `after` that is there, else the last field."""
    if unprintable(change.key) or spell(change.key, Quoting.PLAIN) != change.key:
        return _refuse(document, "edit-no-key", f"`{change.key!r}` cannot be the name of a field.")
    places = {found.key: found.span for found in document.commented}
    places |= {key: field.span for key, field in document.fields.items()}
    anchor = next((places[key] for key in change.after if key in places), None)
    if anchor is None and document.fields:
        anchor = list(document.fields.values())[-1].span
    line = f"{document.indent}{change.key}:{rest}"
    if anchor is None:
        new = f"{line}\n".replace("\n", document.newline)
        return _Splice(change.key, change.value, Span(document.front.start, document.front.start), new)
    at = line_end(document.text, anchor.end)
    return _Splice(change.key, change.value, Span(at, at), f"\n{line}".replace("\n", _break_at(document, at)))


def _break_at(document: Document, at: int) -> str:
    """The line break at the end of a line: in a file of mixed ones each keeps its own, and the fence follows one."""
    return lines(document.text[at : at + 2])[0]


def _comment_out(document: Document, field: Field, change: CommentOut) -> _Splice:
    """Put `# ` before every line of the field; a single value is replaced by the placeholder where one is known."""
    start, end = line_start(document.text, field.span.start), line_end(document.text, field.span.end)
    whole = document.text[start:end]
    if change.placeholder is not None and field.text is not None:
        quoting = field.quoting if field.quoting in (Quoting.SINGLE, Quoting.DOUBLE) else Quoting.PLAIN
        value = change.placeholder if quoting is Quoting.PLAIN else spell(change.placeholder, quoting)
        new = f"{document.indent}# {field.key}: {value}"
    else:
        new = "".join(f"{document.indent}# {line.removeprefix(document.indent)}" for line in lines(whole))
    named = document.comments_within(Span(start, end))
    made = tuple(line.strip() for line in lines(new))
    return _Splice(field.key, None, Span(start, end), new, named=named, made=made)


# Proving -----------------------------------------------------------------------------------------------------------


def _unlocated(document: Document, root: MappingNode12 | None, splices: Sequence[_Splice]) -> Problem | None:
    """ruamel.yaml must see every named value where libyaml sees it; `root` is what it read."""
    places = {key.value: (key.start_mark.index, value) for key, value in root.value} if root else {}
    for splice in splices:
        field = document.fields.get(splice.key)
        if field is None:
            continue
        at, node = places.get(splice.key, (-1, None))
        start = document.front.start
        same_value = field.quoting is Quoting.EMPTY or (
            node is not None and start + node.start_mark.index == field.value.start
        )
        if start + at != field.span.start or not same_value:
            return _refuse(
                document,
                "edit-unlocated",
                f"The parsers disagree about where `{splice.key}` stands.",
                field.line,
                field.column,
            )
    return None


def _compose_12(document: Document) -> MappingNode12 | Problem | None:
    try:
        root = YAML(typ="rt", pure=True).compose(document.text[document.front.start : document.front.end])
    except (YAMLError12, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (document.line_of(document.front.start) + mark.line, mark.column + 1) if mark else (1, 1)
        says = getattr(error, "problem", None) or str(error).splitlines()[0]
        return _refuse(document, "edit-yaml-12", f"YAML 1.2 cannot read this file: {says}.", line, column)
    return root if isinstance(root, MappingNode12) else None


def _spliced(document: Document, splices: Sequence[_Splice]) -> bytes:
    parts: list[str] = []
    at = 0
    # At one place a value comes before the lines behind it, and those keep their order.
    for splice in sorted(splices, key=lambda splice: (splice.span, splice.key not in document.fields)):
        parts += document.text[at : splice.span.start], splice.text
        at = splice.span.end
    mark = BOM if document.data.startswith(BOM) else b""
    return mark + "".join([*parts, document.text[at:]]).encode()


def _unproven(
    before: Document, old: MappingNode12 | None, after: Document, splices: Sequence[_Splice]
) -> Problem | None:
    """Compare the two documents: values under both YAML versions, body, and comments. None when all is as intended."""
    if before.body_sha256 != after.body_sha256:
        return _refuse(before, "edit-unproven", "The edit would change the body.")
    new = _compose_12(after)
    if isinstance(new, Problem):
        return new
    wanted = {splice.key: splice for splice in splices}
    shapes = ((_shapes(before.root), _shapes(after.root)), (_shapes(old), _shapes(new)))
    for was, now in shapes:
        wrong = [key for key in was.keys() | now.keys() if not _as_wanted(key, wanted, was, now)]
        if wrong:
            return _refuse(before, "edit-unproven", f"The edit would not leave `{min(wrong)}` as intended.")
    return _comments_kept(before, after, splices)


def _comments_kept(before: Document, after: Document, splices: Sequence[_Splice]) -> Problem | None:
    """Every comment is still there that was not named, and none is new that was not made."""
    named = Counter(comment for splice in splices for comment in splice.named)
    made = Counter(comment for splice in splices for comment in splice.made)
    if missing := Counter(before.comments) - Counter(after.comments) - named:
        return _refuse(before, "edit-unproven", f"The edit would lose the comment `{next(iter(missing))}`.")
    if new := Counter(after.comments) - Counter(before.comments) - made:
        return _refuse(before, "edit-unproven", f"The edit would leave `{next(iter(new))}` as a comment.")
    return None


def _as_wanted(key: str, wanted: Mapping[str, _Splice], was: Mapping[str, object], now: Mapping[str, object]) -> bool:
    splice = wanted.get(key)
    if splice is None:
        return was.get(key) == now.get(key)
    if splice.is_item:
        return now.get(key) == (_SEQ, (*_items_of(was.get(key)), (STR, splice.value)))
    return key not in now if splice.value is None else _text_of(now.get(key)) == splice.value


def _items_of(shape: object) -> tuple[object, ...]:
    """The items of a list; none of a field that is missing or empty."""
    match shape:
        case (str(tag), tuple(items)) if tag == _SEQ:
            return items
        case _:
            return ()


def _text_of(shape: object) -> object:
    return shape[1] if isinstance(shape, tuple) else None


def _shapes(root: yaml.MappingNode | MappingNode12 | None) -> dict[str, object]:
    """Every top-level value as nested (type, text) tuples, the same for both parsers' nodes."""
    return {key.value: _shape(value) for key, value in root.value} if root else {}


def _shape(node: yaml.Node) -> tuple[str, object]:
    if isinstance(node, yaml.ScalarNode | ScalarNode12):
        return str(node.tag), node.value
    children = [_shape(part) for child in node.value for part in (child if isinstance(child, tuple) else (child,))]
    return str(node.tag), tuple(children)


def _proof(
    before: Document, after: Document, splices: Sequence[_Splice], spelling: tuple[tuple[str, str], ...]
) -> Proof:
    return Proof(
        lines=_line_changes(before, after),
        values=tuple(ValueChange(s.key, _value(before, s), _value(after, s)) for s in splices),
        comments_before=len(before.comments),
        comments_after=len(after.comments),
        comments_named=tuple(comment for splice in splices for comment in splice.named),
        body_sha256=after.body_sha256,
        spelling=spelling,
    )


def _value(document: Document, splice: _Splice) -> str | None:
    """A field's text; of a list that gains an item, the texts in it."""
    field = document.fields.get(splice.key)
    return _text_in(document, splice.key) if splice.is_item else field.text if field else None


def _text_in(document: Document, key: str) -> str | None:
    """A field's text; of a list, the texts in it; None where it is not live."""
    field = document.fields.get(key)
    if field is None or field.text is not None:
        return field.text if field else None
    return ", ".join(text for item in _items_of(_shapes(document.root)[key]) if isinstance(text := _text_of(item), str))


def _line_changes(before: Document, after: Document) -> tuple[LineChange, ...]:
    """The lines that differ, numbered as in the file after the edit (a line taken away: as before it)."""
    old, new = lines(before.text[: before.front.end]), lines(after.text[: after.front.end])
    changes: list[LineChange] = []
    for op, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if op == "equal":
            continue
        for step in range(max(b - a, d - c)):
            was = old[a + step].rstrip("\r\n") if a + step < b else None
            now = new[c + step].rstrip("\r\n") if c + step < d else None
            changes.append(LineChange((c if now is not None else a) + step + 1, was, now))
    return tuple(changes)

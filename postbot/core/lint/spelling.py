"""How values are spelt: what YAML reads as something else than a person does, and signs that nobody sees.

Holds for any page, templates too: no state and no meaning of a field is asked for here, only whether machines read it.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from postbot.core.lint.names import machine_names
from postbot.core.lint.subject import Subject, short
from postbot.core.problem import Problem, Severity
from postbot.core.text.document import line_end
from postbot.core.text.scalar import BOOL, STR, TIME, differs, tag_11


def read_differently(subject: Subject) -> Iterator[Problem]:
    """A value without quotes that YAML 1.1 and 1.2 take for different things."""
    weighty = machine_names(subject.profile) | {name.lower() for name in subject.profile.names}
    for scalar in subject.values:
        node = scalar.node
        if (
            node.style not in (None, "")
            or not node.value
            or tag_11(node.value) == TIME
            or not (how := differs(node.value))
        ):
            continue
        known = scalar.depth == 1 and scalar.key.lower() in weighty
        severity = Severity.WARNING if known else Severity.NOTE
        switch = " If a switch is meant, write true or false." if tag_11(node.value) == BOOL else ""
        fix = f"Write '{node.value}' in quotes to keep it as text.{switch}"
        yield subject.problem(scalar.start, "yaml-versions", f"`{scalar.key}`: {how}.", severity, fix=fix)


_LOST = re.compile(r"[ \t]+(?P<lost>#\w[^\r\n]*)")


def lost_after_hash(subject: Subject) -> Iterator[Problem]:
    """A text that a `#` cuts short. Behind a state, a date or a number a remark is more likely than lost text."""
    text, machine = subject.document.text, machine_names(subject.profile)
    for scalar in subject.values:
        node = scalar.node
        found = _LOST.match(text, scalar.end, line_end(text, scalar.end))
        if (
            not found
            or node.style not in (None, "")
            or not node.value
            or node.tag != STR
            or scalar.key.lower() in machine
        ):
            continue
        lost = short(found["lost"].rstrip())
        message = f"YAML takes `{lost}` for a comment, so `{scalar.key}` is only `{short(node.value)}`."
        fix = "Put quotes around the whole value; if it is a remark, put a space after the #."
        yield subject.problem(found.start("lost"), "text-lost-after-hash", message, Severity.WARNING, fix=fix)


_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SOFT_HYPHEN = "\u00ad"
_JOINERS = "\u200c\u200d"  # emoji and several scripts need them


def invisible(subject: Subject) -> Iterator[Problem]:
    """Characters that nobody sees: blanks that are no space, zero-width marks, marks that turn the text around."""
    machine = machine_names(subject.profile)
    for scalar in subject.scalars:
        value = scalar.node.value
        hidden = [] if value.isascii() else [found for found in _INVISIBLE.finditer(value) if not _is_joiner(found)]
        if not hidden:
            continue
        sign, blank = hidden[0][0], all(unicodedata.category(found[0]) == "Zs" for found in hidden)
        inside = scalar.key.lower() not in machine and not scalar.is_name
        name = unicodedata.name(sign, "without a name").lower()
        more = f", and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        message = f"`{scalar.key}` holds an invisible character: U+{ord(sign):04X} ({name}){more}."
        fix = "Type an ordinary space instead." if blank else "Delete it."
        harmless = blank or {found[0] for found in hidden} == {_SOFT_HYPHEN}
        severity = Severity.NOTE if harmless and inside else Severity.WARNING
        yield subject.problem(subject.offset_of(scalar, sign), "text-invisible", message, severity, fix=fix)


def _is_joiner(found: re.Match[str]) -> bool:
    before = found.string[: found.start()][-1:]
    return found[0] in _JOINERS and bool(before) and not before.isascii()


_FOREIGN_WORD = re.compile(r"[^\W\d_]{3,}")
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK"})


def lookalikes(subject: Subject) -> Iterator[Problem]:
    """A word with letters of two scripts, such as `open` with a Cyrillic o: it reads as one thing and is another."""
    for scalar in subject.scalars:
        if scalar.node.value.isascii():
            continue
        for word in _FOREIGN_WORD.findall(scalar.node.value):
            strangers = _strangers(word)
            if strangers:
                sign = strangers[0]
                name = unicodedata.name(sign).lower()
                message = f"`{word}` mixes two scripts: its {sign} is U+{ord(sign):04X} ({name})."
                offset = subject.offset_of(scalar, word) + word.index(sign)
                yield subject.problem(offset, "text-lookalike", message, Severity.WARNING, fix="Type the word again.")
                break


def _strangers(word: str) -> list[str]:
    """The letters of the rarer script; none where all are of one, or of scripts that nobody confuses."""
    scripts = defaultdict(list)
    for sign in word:
        scripts[unicodedata.name(sign, "?").partition(" ")[0]].append(sign)
    if len(scripts) < 2 or not scripts.keys() <= _ALIKE:  # noqa: PLR2004 - two scripts make a mix
        return []
    return min(scripts.items(), key=lambda found: (len(found[1]), found[0] == "LATIN"))[1]

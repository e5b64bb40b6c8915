"""What the checks look at: a posting with its state, every text of its front matter, and findings at their places.

Judges nothing itself; each check does, and all of them stand on this module.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import yaml

from postbot.core.posting import Posting
from postbot.core.problem import Problem, Severity
from postbot.core.profile import Profile, State
from postbot.core.text.document import Document

_SHOWN = 60  # characters of a value in a sentence


class Scalar(NamedTuple):
    """One text of the front matter, at any depth; `key` is the top-level field that it stands in."""

    key: str
    node: yaml.ScalarNode
    start: int
    end: int
    depth: int
    is_name: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A posting as the checks look at it: with its state at `now` and all its texts."""

    posting: Posting
    now: datetime
    state: State | None
    scalars: tuple[Scalar, ...]

    @property
    def document(self) -> Document:
        """Its file as it was read."""
        return self.posting.document

    @property
    def profile(self) -> Profile:
        """What its kind of site calls things."""
        return self.posting.profile

    @property
    def values(self) -> Iterator[Scalar]:
        """Its texts without the names of fields."""
        return (scalar for scalar in self.scalars if not scalar.is_name)

    def weigh(self, when_open: Severity) -> Severity:
        """How much a slip that readers meet matters in this posting's state."""
        if self.state is State.CLOSED:
            return Severity.NOTE
        return when_open if self.state is State.OPEN else Severity.WARNING

    def offset_of(self, scalar: Scalar, part: str) -> int:
        """Where a part of a value stands in the file; its start where it is spelt otherwise (an escape, a fold)."""
        at = self.document.text.find(part, scalar.start, scalar.end)
        return at if at >= 0 else scalar.start

    def problem(
        self,
        offset: int,
        code: str,
        message: str,
        severity: Severity,
        *,
        fix: str | None,
        repair: tuple[tuple[str, str], ...] = (),
    ) -> Problem:
        """A finding at an offset of the file."""
        line, column = self.document.line_of(offset), self.document.column_of(offset)
        return Problem(self.document.path, line, column, code, message, severity, fix, repair)


def scalars_of(document: Document) -> Iterator[Scalar]:
    """Every text of the front matter in file order. The depth is capped by whoever read the document."""
    base = document.front.start
    for name, value in document.root.value if document.root else ():
        stack: list[tuple[yaml.Node, int, bool]] = [(value, 1, False), (name, 0, True)]
        while stack:
            node, depth, is_name = stack.pop()
            if isinstance(node, yaml.ScalarNode):
                start, end = base + node.start_mark.index, base + node.end_mark.index
                yield Scalar(name.value, node, start, end, depth, is_name)
            elif isinstance(node, yaml.MappingNode):
                stack.extend(
                    child for k, v in reversed(node.value) for child in ((v, depth + 1, False), (k, depth + 1, True))
                )
            else:
                stack.extend((item, depth + 1, False) for item in reversed(node.value))


def short(text: str) -> str:
    """A value on one line, cut to what fits in a sentence."""
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 2] + " …"

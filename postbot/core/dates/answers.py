"""What reading a date can answer: an instant, not known yet, or a refusal with its place.

Pure values.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Bound(Enum):
    """Which end of a window a text gives: a date alone opens as it begins and closes as it ends."""

    OPENS = "opens"
    CLOSES = "closes"


@dataclass(frozen=True, slots=True)
class Doubt:
    """The text has one reading, yet its words are not what a careful person writes.

    `corrected` is the whole text with the wrong word put right, where only one correction exists.
    """

    code: str
    message: str
    fix: str | None
    corrected: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A text that was read.

    `at` is the instant, aware, in UTC. `wall` is the naive local time in the site's zone (`fold` tells the
    two passes of an autumn hour apart); for a date alone it is 00:00 of the day as written, at both bounds.
    """

    at: datetime
    wall: datetime
    has_time: bool
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The text says that nobody knows yet (`TBD`, blank); `placeholder` when it is a template's own words."""

    text: str
    placeholder: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The text was refused. `offset` counts characters from 0 to the wrong part, or to where one lacks."""

    code: str
    message: str
    offset: int
    fix: str | None = None


class Refusal(Exception):  # noqa: N818 - it is an answer on its way, not a fault
    """Carries a refusal from deep inside up to `read_moment`, never further."""

    def __init__(self, code: str, message: str, offset: int, fix: str | None = None) -> None:
        self.answer = Unreadable(code, message, offset, fix)

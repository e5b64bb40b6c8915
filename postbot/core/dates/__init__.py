"""The date texts that job postings hold, read exactly or refused, and written in their neighbours' style.

A text is cut into tokens that know their offset, their order must be one of a few shapes, and then every part is
checked against calendar, clock and zone. The tokens of an example are also its `Style`.
"""

from postbot.core.dates.answers import Bound, Doubt, Moment, NotKnown, Unreadable
from postbot.core.dates.reading import read_moment
from postbot.core.dates.spelling import say
from postbot.core.dates.tokens import MONTHS, WEEKDAYS
from postbot.core.dates.writing import Style, parse_machine, style_of, write_moment

__all__ = [
    "MONTHS",
    "WEEKDAYS",
    "Bound",
    "Doubt",
    "Moment",
    "NotKnown",
    "Style",
    "Unreadable",
    "parse_machine",
    "read_moment",
    "say",
    "style_of",
    "write_moment",
]

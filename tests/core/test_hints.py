"""What a template's comment offers is read by its form, not by a list of known templates."""

import pytest

from postbot.core.text.hints import Hint, is_placeholder, read_hint
from postbot.core.text.scalar import Quoting

S, D, E = Quoting.SINGLE, Quoting.DOUBLE, Quoting.EMPTY

HINTS = {
    "a default with a hint": (
        "series",
        " '0301' ENTER SERIES IF DIFFERENT",
        Hint(default="0301", hint="ENTER SERIES IF DIFFERENT", quoting=S),
    ),
    "a default with a hint in brackets": (
        "pd_job_title",
        " 'Pilot' (ENTER TITLE IF DIFFERENT)",
        Hint(default="Pilot", hint="ENTER TITLE IF DIFFERENT", quoting=S),
    ),
    "a default with a remark": ("pay", " '105,123'  # no dollar sign", Hint(default="105,123", quoting=S)),
    "a plain default": ("gs_level", " 15", Hint(default="15")),
    "a plain default with brackets of its own": ("location", " Remote (or Lisbon)", Hint(default="Remote (or Lisbon)")),
    "an abbreviation is no placeholder": ("org", " NOAA", Hint(default="NOAA")),
    "a quote inside a default": ("title", " 'Pilot''s Mate'", Hint(default="Pilot's Mate", quoting=S)),
    "a choice of two": ("supervisory_status", " 'YES' or 'NO'", Hint(choices=("YES", "NO"), quoting=S)),
    "a choice of three": ("shift", " 'DAY', 'NIGHT', or 'TIDE'", Hint(choices=("DAY", "NIGHT", "TIDE"), quoting=S)),
    "a choice with a slash": ("mode", ' "sea" / "land"', Hint(choices=("sea", "land"), quoting=D)),
    "a placeholder with examples": (
        "promotion_potential",
        " 'ENTER THE GS LEVEL' (13, 14, 15, etc.)",
        Hint(placeholder="ENTER THE GS LEVEL", examples=("13", "14", "15"), quoting=S),
    ),
    "a placeholder with all its choices": (
        "grade",
        " ENTER GRADE (13, 14)",
        Hint(placeholder="ENTER GRADE", choices=("13", "14")),
    ),
    "a placeholder with an example behind a dash": (
        "num_vacancies",
        " NUMBER - '3'",
        Hint(placeholder="NUMBER", examples=("3",)),
    ),
    "a placeholder with a mask": (
        "phone",
        " 'ENTER PHONE' (XXX-XXX-XXXX)",
        Hint(placeholder="ENTER PHONE", hint="XXX-XXX-XXXX", quoting=S),
    ),
    "a plain placeholder": ("apply_url", " APPLICATION URL", Hint(placeholder="APPLICATION URL")),
    "a date placeholder": (
        "closes",
        " MONTH DAY, YEAR, TIME EDT",
        Hint(placeholder="MONTH DAY, YEAR, TIME EDT"),
    ),
    "a link cut short": ("link", " https://example.org/...", Hint(placeholder="https://example.org/...")),
    "nothing": ("closes", "", Hint(quoting=E)),
    "only blanks": ("closes", "  \t", Hint(quoting=E)),
}


@pytest.mark.parametrize(("key", "rest", "expected"), HINTS.values(), ids=HINTS)
def test_a_comment_offers(key, rest, expected):
    assert read_hint(key, rest) == expected


PLACEHOLDERS = [
    ("apply_url", "APPLICATION URL"),
    ("num_vacancies", "ENTER NUMBER OF VACANCIES"),
    ("contact_name", "YOUR NAME"),
    ("state", "ENTER STATE HERE (upcoming, open, closed)"),
    ("harbour", "HARBOUR TOWN"),
    ("opens", "YYYY-MM-DD"),
    ("phone", "XXX-XXX-XXXX"),
    ("pay", "XXX,XXX"),
    ("link", "https://example.org/..."),
    ("location", "LOCATION"),
    ("apply", "URL"),
    ("opens", "DATE"),
    ("closes", "MONTH DAY, YEAR, TIME EDT"),
]
REAL_VALUES = [
    ("org", "NOAA"),
    ("title", "IT Specialist"),
    ("title", "GS-14 Pilot"),
    ("opens", "TBD"),
    ("supervisory_status", "NO"),
    ("shift", "DAY"),
    ("location", "CA"),
    ("rank", "LEVEL"),
    ("location", "Washington, DC"),
    ("link", "https://example.org/apply"),
    ("summary", "Wait for the tide..."),
    ("summary", "Enter here"),
    ("title", ""),
]


@pytest.mark.parametrize(("key", "text"), PLACEHOLDERS)
def test_words_that_only_say_what_belongs_here_are_a_placeholder(key, text):
    assert is_placeholder(key, text)


@pytest.mark.parametrize(("key", "text"), REAL_VALUES)
def test_a_real_value_is_no_placeholder(key, text):
    assert not is_placeholder(key, text)

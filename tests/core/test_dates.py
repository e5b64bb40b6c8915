"""Every text is the right instant or a refusal that points at the wrong part; what is written reads back the same."""

# ruff: noqa: DTZ001, DTZ007 - wall clocks are naive by meaning

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postbot.core.dates import (
    Bound,
    Doubt,
    Moment,
    NotKnown,
    Unreadable,
    parse_machine,
    read_moment,
    say,
    style_of,
    write_moment,
)

NEW_YORK = ZoneInfo("America/New_York")
PHOENIX = ZoneInfo("America/Phoenix")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KOLKATA = ZoneInfo("Asia/Kolkata")
LONDON = ZoneInfo("Europe/London")
BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str, zone: ZoneInfo = NEW_YORK, bound: Bound = Bound.OPENS) -> Moment:
    answer = read_moment(text, bound, zone)
    assert isinstance(answer, Moment), answer
    return answer


def refusal(text: str, zone: ZoneInfo = NEW_YORK) -> Unreadable:
    answer = read_moment(text, Bound.OPENS, zone)
    assert isinstance(answer, Unreadable), answer
    return answer


def codes(doubts: tuple[Doubt, ...]) -> list[str]:
    return [doubt.code for doubt in doubts]


# Each stands for one shape; all are the evening of Tuesday, June 4, 2024 in New York.
EVENINGS = [
    "June 4, 2024, 8:00 pm EDT",
    "June 4, 2024 at 8pm EDT",
    "June 4, 2024, at 8pm EDT",
    "June 4, 2024 8:00PM EDT",
    "June 4 2024 8 p.m. ET",
    "june 4th, 2024, 8PM et",
    "Jun 4, 2024, 8:00 pm Eastern",
    "Jun. 4, 2024, 8:00 pm Eastern Time",
    "June 4, 2024, 8:00 pm Eastern Daylight Time",
    "Tuesday, June 4, 2024 8:00pm EDT",
    "Tuesday June 4, 2024 at 20:00",
    "TUE, JUNE 4TH, 2024 AT 8:00 PM EDT",
    "Tues. June 4, 2024, 8:00 pm, EDT",
    "8:00pm EDT Tuesday, June 4, 2024",
    "8pm on June 4, 2024",
    "4 June 2024, 20:00",
    "Tue, 04 Jun 2024 20:00:00 -0400",
    "04 June 2024 at 7pm CT",
    "June 4, 2024, 5 p.m. PDT",
    "2024-06-04 20:00",
    "2024-06-04T20:00",
    "2024-06-04t20:00:00",
    "2024-06-04 20:00:00 -0400",
    "2024-06-04T20:00:00.000-04:00",
    "2024-06-05T00:00:00Z",
    "2024-06-05 0:00:00 UTC",
    "2024-06-05 02:00 +02",
    "2024-06-04 at 8:00 pm ET",
    "  June 4, 2024,\t8:00 pm EDT ",
]


@pytest.mark.parametrize("text", EVENINGS)
def test_every_shape_of_one_evening_is_the_same_instant(text: str):
    read = moment(text)
    assert read == Moment(datetime(2024, 6, 5, tzinfo=UTC), datetime(2024, 6, 4, 20), has_time=True)


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("May 6, 2024 at noon", (12, 0)),
        ("May 6, 2024, 12 noon ET", (12, 0)),
        ("May 6, 2024, 12pm", (12, 0)),
        ("May 6, 2024, 12:00 am", (0, 0)),
        ("May 6, 2024, 12:01 a.m.", (0, 1)),
        ("May 6, 2024 at 00:30", (0, 30)),
        ("6 May 2024 09:05", (9, 5)),
        ("2024-05-06 9:05", (9, 5)),
    ],
)
def test_hours_are_read_as_clocks_show_them(text: str, wall: tuple[int, int]):
    assert moment(text).wall == datetime(2024, 5, 6, *wall)


@pytest.mark.parametrize(
    "text",
    ["2024-02-29", "February 29, 2024", "Thursday, Feb. 29th, 2024", "29 February 2024", "Thu 29 Feb 2024"],
)
def test_a_date_alone_is_the_whole_local_day(text: str):
    opens, closes = moment(text), moment(text, bound=Bound.CLOSES)
    assert (opens.at, closes.at) == (
        datetime(2024, 2, 29, 5, tzinfo=UTC),
        datetime(2024, 3, 1, 5, tzinfo=UTC),
    )
    assert opens.wall == closes.wall == datetime(2024, 2, 29)
    assert not opens.has_time


@pytest.mark.parametrize(("name", "hours"), [("Pacific/Kiritimati", 14), ("Etc/GMT+12", -12), ("Asia/Kolkata", 5.5)])
def test_each_of_400_days_is_whole_at_both_ends_of_the_earth(name: str, hours: float):
    zone = ZoneInfo(name)
    for n in range(400):  # holds 29 February 2024
        day = datetime(2023, 12, 1, tzinfo=UTC) + timedelta(days=n)
        text = f"{day.date()}"
        assert moment(text, zone).at == day - timedelta(hours=hours)
        assert moment(text, zone, Bound.CLOSES).at == day + timedelta(days=1) - timedelta(hours=hours)


def test_fractions_of_a_second_are_kept():
    assert moment("2024-05-06T09:05:07.5Z").at == datetime(2024, 5, 6, 9, 5, 7, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("day", ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th"])
def test_right_ordinals_are_read(day: str):
    assert moment(f"November {day}, 2024").wall == datetime(2024, 11, int(day[:-2]))


def test_a_day_that_begins_late_because_its_midnight_is_skipped_opens_at_its_first_moment():
    assert moment("2018-11-04", ZoneInfo("America/Sao_Paulo")).at == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_a_day_whose_midnight_comes_twice_opens_at_the_first():
    assert moment("2024-11-03", ZoneInfo("America/Havana")).at == datetime(2024, 11, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "   ", "TBD", "tbd", " Tbd ", "tbd EDT", "TBA", "to be determined", "an upcoming date",
                                  "not yet known", "coming soon", "None", "null", "n/a", "N/A", "-", "???"])  # fmt: skip
def test_what_nobody_knows_yet_is_not_known(text: str):
    assert read_moment(text, Bound.CLOSES, NEW_YORK) == NotKnown(text, placeholder=False)


@pytest.mark.parametrize(
    "text",
    [
        "MONTH DAY, YEAR, TIME EDT",
        "Month Day, Year",
        "YYYY-MM-DD",
        "YYYY-MM-DDTHH:MM:SSZ",
        "XXX",
        "ENTER OPENING DATE",
        "[INSERT DATE]",
        "MONTH DAY, 2024",
        "June XX, 2024",
    ],
)
def test_a_templates_own_words_are_a_placeholder(text: str):
    assert read_moment(text, Bound.OPENS, NEW_YORK) == NotKnown(text, placeholder=True)


REFUSALS = [
    # text, code, the text from the offset on
    ("Wensday, June 5, 2024", "date-word", "Wensday, June 5, 2024"),
    ("Janary 22, 2024", "date-word", "Janary 22, 2024"),
    ("Closes June 5, 2024", "date-word", "Closes June 5, 2024"),
    ("June 5, 2024 or so", "date-word", "or so"),
    ("June 5, 2024 - June 9, 2024", "date-word", "- June 9, 2024"),
    ("TBD 2024", "date-word", "TBD 2024"),
    ("open until filled", "date-word", "open until filled"),
    ("June 5, 2024 some time", "date-word", "some time"),
    (
        "\u0662\u0660\u0661\u0668-\u0660\u0667-\u0660\u0662",
        "date-word",
        "\u0662\u0660\u0661\u0668-\u0660\u0667-\u0660\u0662",
    ),
    ("1\uff11 June 2024", "date-word", "\uff11 June 2024"),
    ("Wednesday, June 5th", "date-incomplete", ""),
    ("Wednesday, June 5th at 8pm EDT", "date-incomplete", " at 8pm EDT"),
    ("Wednesday, June, 2024 at 8pm", "date-incomplete", ", 2024 at 8pm"),
    (", 2024, 8pm EDT", "date-incomplete", ", 2024, 8pm EDT"),
    ("5, 2024", "date-incomplete", "5, 2024"),
    ("June", "date-incomplete", ""),
    ("8pm", "date-incomplete", "8pm"),
    ("10", "date-incomplete", ""),
    ("May 2024", "date-incomplete", " 2024"),
    ("June 5, 2024, EDT", "date-shape", "EDT"),
    ("2024-06-05 EDT", "date-shape", "EDT"),
    ("2024-06-05T", "date-word", "T"),
    ("June 5, 2024,", "date-shape", ","),
    ("June 5, 2024 June 6, 2024", "date-shape", "June 6, 2024"),
    ("2024 June 5", "date-shape", "2024 June 5"),
    ("02/03/2024", "date-numbers", "02/03/2024"),
    ("by 2024/11/18", "date-word", "by 2024/11/18"),
    ("2024/11/18", "date-numbers", "2024/11/18"),
    ("18.11.2024", "date-numbers", "18.11.2024"),
    ("2024-010-22", "date-numbers", "010-22"),
    ("2024-10-022", "date-numbers", "022"),
    ("2024-6-5", "date-numbers", "6-5"),
    ("June 5, 20245", "date-number", "20245"),
    ("June 022, 2024", "date-number", "022, 2024"),
    ("June 31, 2024", "date-calendar", "31, 2024"),
    ("30 February 2024", "date-calendar", "30 February 2024"),
    ("2023-02-29", "date-calendar", "29"),
    (" 2024-13-01", "date-calendar", "13-01"),
    ("2024-00-01", "date-calendar", "00-01"),
    ("2024-12-32", "date-calendar", "32"),
    ("June 0, 2024", "date-calendar", "0, 2024"),
    ("June 22th, 2024", "date-ordinal", "22th, 2024"),
    ("0024-06-05", "date-year", "0024-06-05"),
    ("June 5, 2204", "date-year", "2204"),
    ("June 5, 1989", "date-year", "1989"),
    ("Monday, June 5, 2024", "date-weekday", "Monday, June 5, 2024"),
    ("June 5, 2024 at 24:00", "date-time", "24:00"),
    ("June 5, 2024, 25:00", "date-time", "25:00"),
    ("June 5, 2024, 13:00pm EDT", "date-time", "13:00pm EDT"),
    ("June 5, 2024, 0:30 am", "date-time", "0:30 am"),
    ("June 5, 2024, 8:75 pm", "date-time", "8:75 pm"),
    ("June 5, 2024, 8:5 pm", "date-time", "8:5 pm"),
    ("June 5, 2024, 1159pm", "date-time", "1159pm"),
    ("2024-06-05 10:20:30:40", "date-time", "10:20:30:40"),
    ("June 5, 2024 at 11:59 EDT", "date-half", "11:59 EDT"),
    ("5 June 2024, 8:00", "date-half", "8:00"),
    ("June 5, 2024 at midnight", "date-midnight", "midnight"),
    ("June 5, 2024 at 8pm IST", "date-zone", "IST"),
    ("June 5, 2024 at 8pm HDT", "date-zone", "HDT"),
    ("June 5, 2024 at 8pm -9900", "date-zone", "-9900"),
    ("2024-06-05 08:00 +05:75", "date-zone", "+05:75"),
    ("March 8, 2026, 2:30 am", "date-gap", "2:30 am"),
    ("March 8, 2026, 2:30 am EST", "date-gap", "2:30 am EST"),
    ("November 1, 2026, 1:30 am", "date-twice", "1:30 am"),
    ("November 1, 2026, 1:30 am ET", "date-twice", "1:30 am ET"),
    ("x" * 101, "date-too-long", "x"),
]


@pytest.mark.parametrize(("text", "code", "rest"), REFUSALS, ids=[f"{code}: {text[:40]}" for text, code, _ in REFUSALS])
def test_what_has_no_single_reading_is_refused_at_its_place(text: str, code: str, rest: str):
    answer = refusal(text)
    assert (answer.code, text[answer.offset :]) == (code, rest)
    assert answer.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("Janary 22, 2024", "Did you mean 'January 22, 2024'?"),
        ("2024/11/18", "Write 2024-11-18."),
        ("11/18/2024", "Write 2024-11-18."),
        ("02/03/2024", "Write it as YYYY-MM-DD."),
        ("2024-010-22", "Write 2024-10-22."),
        ("June 5, 2024, 13:30pm", "Write 1:30 pm."),
        ("November 1, 2026, 1:30 am", "Say which one is meant: EDT or EST."),
    ],
)
def test_a_refusal_says_what_to_write_where_that_is_evident(text: str, fix: str):
    assert refusal(text).fix == fix


def test_a_wrong_weekday_names_both_readings():
    assert "a Wednesday, not a Monday" in refusal("Monday, June 5, 2024").message


# ------------------------------------------------------------------------------------------------------------- zones


@pytest.mark.parametrize(
    ("text", "corrected", "hour"),
    [
        ("January 9, 2024, 8pm EDT", "January 9, 2024, 8pm EST", 1),
        (" July 9, 2024 at 8:00 pm est ", " July 9, 2024 at 8:00 pm edt ", 0),
        ("8pm PDT Tuesday, January 9, 2024", "8pm PST Tuesday, January 9, 2024", 4),
        ("January 9, 2024, 8pm Eastern Daylight Time", "January 9, 2024, 8pm Eastern Standard Time", 1),
    ],
)
def test_a_zone_name_of_the_wrong_season_means_the_wall_clock_and_is_doubted(text: str, corrected: str, hour: int):
    read = moment(text)
    assert read.at.hour == hour
    assert [(doubt.code, doubt.corrected) for doubt in read.doubts] == [("date-zone-season", corrected)]
    assert moment(corrected) == Moment(read.at, read.wall, has_time=True)


@pytest.mark.parametrize(
    ("text", "zone", "hour"),
    [
        ("6 July 2024, 20:00 CEST", BERLIN, 18),
        ("6 July 2024, 20:00 BST", LONDON, 19),
        ("6 December 2024, 20:00 GMT", LONDON, 20),
        ("6 July 2024, 20:00 GMT", BERLIN, 20),
        ("6 July 2024, 20:00 IST", KOLKATA, 14),
        ("6 July 2024, 20:00 CST", ZoneInfo("Asia/Shanghai"), 12),
        ("July 6, 2024, 8pm MST", PHOENIX, 3),
        ("July 6, 2024, 8pm MDT", PHOENIX, 2),
        ("July 6, 2024, 8pm HST", ZoneInfo("Pacific/Honolulu"), 6),
        ("July 6, 2024, 8pm ET", ZoneInfo("Pacific/Honolulu"), 0),
        ("July 6, 2024, 8pm AKDT", NEW_YORK, 4),
    ],
)
def test_a_zone_name_that_the_site_itself_uses_or_a_us_family_there_is_read(text: str, zone: ZoneInfo, hour: int):
    read = moment(text, zone)
    assert (read.at.hour, read.doubts) == (hour, ())


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("6 July 2024, 20:00 EST", BERLIN),
        ("6 July 2024, 20:00 ET", LONDON),
        ("6 July 2024, 20:00 CST", KOLKATA),
        ("6 July 2024, 20:00 GMT", LONDON),  # the town's clock, or UTC
        ("July 6, 2024, 8pm MT", PHOENIX),  # Denver's clock, or the town's own
        ("July 6, 2024, 8pm CT", ZoneInfo("America/Havana")),
    ],
)
def test_a_zone_name_with_two_readings_is_refused(text: str, zone: ZoneInfo):
    assert refusal(text, zone).code == "date-zone"


@pytest.mark.parametrize(
    ("text", "zone", "code"),
    [
        ("2026-10-04 02:15", LORD_HOWE, "date-gap"),
        ("2026-04-05 01:45", LORD_HOWE, "date-twice"),
        ("2026-03-08 02:30", PHOENIX, None),
        ("2026-11-01 01:30", PHOENIX, None),
        ("2026-10-04 02:30", LORD_HOWE, None),
        ("2026-04-05 02:00", LORD_HOWE, None),
        ("2026-04-05 01:45 +1030", LORD_HOWE, None),
    ],
)
def test_only_clocks_that_change_have_gaps_and_doubles(text: str, zone: ZoneInfo, code: str | None):
    answer = read_moment(text, Bound.OPENS, zone)
    assert (answer.code if isinstance(answer, Unreadable) else None) == code


def test_the_zone_name_tells_the_two_passes_of_an_autumn_hour_apart():
    first, second = moment("November 1, 2026, 1:30 am EDT"), moment("November 1, 2026, 1:30 am EST")
    assert second.at - first.at == timedelta(hours=1)
    assert (first.wall.fold, second.wall.fold) == (0, 1)


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
@pytest.mark.parametrize("zone", [NEW_YORK, LORD_HOWE, PHOENIX], ids=str)
def test_each_minute_of_a_day_of_change_is_the_one_instant_that_shows_it_or_refused(day: date, zone: ZoneInfo):
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    shown: dict[datetime, list[datetime]] = {}
    for minute in range(3 * 24 * 60):
        at = begin + timedelta(minutes=minute)
        shown.setdefault(at.astimezone(zone).replace(tzinfo=None), []).append(at)
    for minute in range(24 * 60):
        wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
        answer = read_moment(f"{wall:%Y-%m-%d %H:%M}", Bound.OPENS, zone)
        assert shown.get(wall, []) == [answer.at] if isinstance(answer, Moment) else len(shown.get(wall, [])) != 1


# ------------------------------------------------------------------------------------------------------------ doubts


@pytest.mark.parametrize(
    ("text", "bound", "expected"),
    [
        ("June 5, 2024, 12:00 am", Bound.CLOSES, ["date-midnight"]),
        ("June 5, 2024, 12am", Bound.CLOSES, ["date-midnight"]),
        ("June 5, 2024, 12:00 am", Bound.OPENS, []),
        ("June 5, 2024, 12:01 am", Bound.CLOSES, []),
        ("2024-06-05 00:00", Bound.CLOSES, []),
        ("June 5, 2024, 11:59 am", Bound.CLOSES, ["date-noon"]),
        ("June 5, 2024, 11:59 pm", Bound.CLOSES, []),
        ("January 5, 2024, 11:59 am EDT", Bound.OPENS, ["date-zone-season", "date-noon"]),
    ],
)
def test_a_time_that_is_often_a_slip_is_read_and_doubted(text: str, bound: Bound, expected: list[str]):
    assert codes(moment(text, bound=bound).doubts) == expected


# ----------------------------------------------------------------------------------------------------------- writing

WINTER, SUMMER, DAY = datetime(2018, 11, 30, 20), datetime(2019, 5, 3, 9, 5), date(2019, 9, 2)


@pytest.mark.parametrize(
    ("like", "winter", "summer", "day"),
    [
        ("MONTH DAY, YEAR, TIME EDT", "November 30, 2018, 8:00 pm EST", "May 3, 2019, 9:05 am EDT", "September 2, 2019"),
        ("Weekday, Month Day, Year at TIME ET", "Friday, November 30, 2018 at 8:00 pm ET", "Friday, May 3, 2019 at 9:05 am ET", "Monday, September 2, 2019"),
        ("June 4, 2024 at 8pm EDT", "November 30, 2018 at 8pm EST", "May 3, 2019 at 9:05am EDT", "September 2, 2019"),
        ("Tuesday, June 4th, 2024 at 11:59PM EDT", "Friday, November 30th, 2018 at 8:00PM EST", "Friday, May 3rd, 2019 at 9:05AM EDT", "Monday, September 2nd, 2019"),
        ("8:00 p.m. Eastern Time Tue., Jun. 4, 2024", "8:00 p.m. Eastern Time Fri., Nov. 30, 2018", "9:05 a.m. Eastern Time Fri., May 3, 2019", "Mon., Sep. 2, 2019"),
        ("June 4, 2024, 5pm PT", "November 30, 2018, 5pm PT", "May 3, 2019, 6:05am PT", "September 2, 2019"),
        ("June 4, 2024 at noon Eastern Daylight Time", "November 30, 2018 at 8:00 pm Eastern Standard Time", "May 3, 2019 at 9:05 am Eastern Daylight Time", "September 2, 2019"),
        ("June 4, 2024 20:00", "November 30, 2018 20:00", "May 3, 2019 9:05 am", "September 2, 2019"),
        ("04 Jun 2024, 20:00", "30 Nov 2018, 20:00", "03 May 2019, 09:05", "02 Sep 2019"),
        ("June 4, 2024", "November 30, 2018, 8:00 pm EST", "May 3, 2019, 9:05 am EDT", "September 2, 2019"),
        ("2024-06-04", None, None, "2019-09-02"),
        ("YYYY-MM-DD", None, None, "2019-09-02"),
        ("YYYY-MM-DD HH:MM:SS", "2018-11-30 20:00:00", "2019-05-03 09:05:00", "2019-09-02"),
        ("2024-06-04 5:52:31 -0400", "2018-11-30 20:00:00 -0500", "2019-05-03 9:05:00 -0400", "2019-09-02"),
        ("2024-06-04T08:00:00.000-04:00", "2018-11-30T20:00:00.000-05:00", "2019-05-03T09:05:00.000-04:00", "2019-09-02"),
        ("2024-06-04T08:00:00Z", "2018-12-01T01:00:00Z", "2019-05-03T13:05:00Z", "2019-09-02"),
    ],
)  # fmt: skip
def test_a_new_date_looks_like_the_example(like: str, winter: str | None, summer: str | None, day: str):
    style = style_of(like)
    assert style is not None
    assert [write_moment(local, style, NEW_YORK) for local in (WINTER, SUMMER, DAY)] == [winter, summer, day]


@pytest.mark.parametrize("text", ["", "TBD", "XXX", "ENTER OPENING DATE", "MM/DD/YYYY", "Monday, June 3rd", "y" * 500])
def test_a_text_that_shows_no_shape_has_no_style(text: str):
    assert style_of(text) is None


@pytest.mark.parametrize(
    ("local", "like"),
    [
        (datetime(2026, 3, 8, 2, 30), "June 4, 2024, 8pm EDT"),
        (datetime(2026, 11, 1, 1, 30), "June 4, 2024, 8pm ET"),
        (datetime(2026, 11, 1, 1, 30), "2024-06-04 20:00"),
        (datetime(2026, 5, 1, 1, 30, 5), "June 4, 2024, 8pm ET"),
        (datetime(2026, 5, 1, 1, 30), "June 4, 2024, 8pm IST"),
        (date(2204, 5, 1), "2024-06-04"),
    ],
)
def test_what_a_style_cannot_say_is_not_written(local: date, like: str):
    style = style_of(like)
    assert style is not None
    assert write_moment(local, style, NEW_YORK) is None


def test_both_passes_of_an_autumn_hour_are_written_by_name():
    style = style_of("June 4, 2024, 8pm EDT")
    assert style is not None
    passes = [write_moment(datetime(2026, 11, 1, 1, 30, fold=fold), style, NEW_YORK) for fold in (0, 1)]
    assert passes == ["November 1, 2026, 1:30am EDT", "November 1, 2026, 1:30am EST"]


def test_an_aware_time_is_moved_to_the_site_first():
    style = style_of("2024-06-04 20:00")
    assert style is not None
    assert write_moment(datetime(2024, 7, 1, 12, tzinfo=UTC), style, NEW_YORK) == "2024-07-01 08:00"


STYLES = [style for text in EVENINGS if (style := style_of(text))]
MINUTES = st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 30)).map(lambda t: t.replace(second=0, microsecond=0))


US = [ZoneInfo(f"America/{city}") for city in ("New_York", "Chicago", "Denver", "Los_Angeles")]


def unique(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the local time exists once, on the site's clocks and on those that a style may name."""
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    walls = [(at.astimezone(there).replace(tzinfo=None, fold=0), there) for there in US]
    once = all(w.replace(tzinfo=z).utcoffset() == w.replace(tzinfo=z, fold=1).utcoffset() for w, z in walls)
    return once and at.astimezone(zone).replace(tzinfo=None) == wall


def test_every_shape_of_the_table_has_a_style():
    assert len(STYLES) == len(EVENINGS)


@settings(deadline=None)
@given(
    local=MINUTES,
    style=st.sampled_from(STYLES),
    zone=st.sampled_from([NEW_YORK, ZoneInfo("America/Los_Angeles")]),
)
def test_what_is_written_reads_back_as_the_same_wall_time(local, style, zone):
    text = write_moment(local, style, zone)
    if text is None:
        assert not unique(local, zone)
    else:
        assert moment(text, zone).wall == local
        assert "date-zone-season" not in codes(moment(text, zone).doubts)


@settings(deadline=None)
@given(day=st.dates(date(1990, 1, 1), date(2100, 12, 31)), style=st.sampled_from(STYLES))
def test_a_day_is_written_without_a_time_and_reads_back(day, style):
    text = write_moment(day, style, BERLIN)
    assert text is not None
    assert (moment(text, BERLIN).wall.date(), moment(text, BERLIN).has_time) == (day, False)


WORDS = st.sampled_from(["June", "4", "2024", "Tuesday", "8pm", "20:00", "EDT", "at", ",", "T", "Z", "-0400", "2024-06-04", "TBD", "31", "9:99", "XX", "noon", "²"])  # fmt: skip


@settings(deadline=None)
@given(text=st.one_of(st.text(max_size=120), st.lists(WORDS, max_size=9).map(" ".join), st.lists(WORDS, max_size=9).map("".join)))  # fmt: skip
@example("\u0662\u0660\u0661\u0668-\u0660\u0667-\u0660\u0662")
@example("2024-06-04 20:00 +14:00")
@example("2024-06-04 20:00 +14:30")
def test_any_text_is_answered_in_any_zone(text):
    for zone, bound in itertools.product((NEW_YORK, KOLKATA), Bound):
        answer = read_moment(text, bound, zone)
        if isinstance(answer, Unreadable):
            assert 0 <= answer.offset <= len(text)
        elif isinstance(answer, Moment):
            assert answer.at.tzinfo is UTC
    style = style_of(text)
    assert style is None or write_moment(DAY, style, NEW_YORK)


# -------------------------------------------------------------------------------------------- for machines and people


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2018-11-30", date(2018, 11, 30)),
        ("2018-11-30T20:00", datetime(2018, 11, 30, 20)),
        ("2018-11-30 20:00:05", datetime(2018, 11, 30, 20, 0, 5)),
        ("2018-11-30T20:00Z", datetime(2018, 11, 30, 15)),
        ("2018-11-30T20:00:00+0100", datetime(2018, 11, 30, 14)),
        ("2018-02-30", None),
        ("2018-11-30T24:00", None),
        ("2018-11-30T20", None),
        ("20181130", None),
        (" 2018-11-30", None),
        ("tomorrow", None),
    ],
)
def test_a_command_line_takes_iso_8601_and_nothing_else(text: str, value: date | None):
    assert parse_machine(text, NEW_YORK) == value


def test_people_are_told_the_weekday_the_time_and_the_zone():
    at = datetime(2018, 12, 1, 1, tzinfo=UTC)
    assert say(at, NEW_YORK) == "Friday, November 30, 2018, 8:00 pm EST"
    assert say(at, LONDON) == "Saturday, December 1, 2018, 1:00 am GMT"
    assert say(at + timedelta(hours=11.5), LONDON) == "Saturday, December 1, 2018, 12:30 pm GMT"
    assert say(at, ZoneInfo("America/Sao_Paulo")) == "Friday, November 30, 2018, 11:00 pm UTC-02:00"


# ---------------------------------------------------------------------------------------------------- the real texts

SHARED = Path(__file__).resolve().parents[2] / "../shared"
FIELD = re.compile(
    r"""^[\s#]*(?:opens|closes|date|expirydate|publishdate|end_date)\s*:(.*)$""", re.IGNORECASE | re.MULTILINE
)
FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S %z", "%B %d, %Y", "%B %d, %Y %I:%M%p", "%B %d, %Y %I%p")


def real_texts() -> set[str]:
    pages = [
        path.read_text("utf-8", "replace")
        for name in ("corpus", "corpus-hugo")
        for path in (SHARED / name).rglob("*.md")
    ]
    return {text.strip().strip("'\"") for page in pages for text in FIELD.findall(page)}


def independent(text: str) -> datetime:
    """Read the known shapes another way: weekday, ordinal and zone cut off, the rest by strptime."""
    plain = re.sub(r"\b(EDT|EST|ET|Eastern Time)\b|(?<=[0-9])(st|nd|rd|th)\b|\b[A-Z][a-z]+day\b,?", "", text.strip())
    clock = re.match(r"\s*([0-9:]+pm)(.*)", plain)
    plain = f"{clock[2]} {clock[1]}" if clock else plain
    plain = re.sub(r" +(?=[ap]m)", "", " ".join(re.sub(r",? at |(?<=[0-9]{4}),", " ", plain).split()))
    for form in FORMATS:
        try:
            read = datetime.strptime(plain, form)
        except ValueError:
            continue
        return read if read.tzinfo else read.replace(tzinfo=NEW_YORK)
    raise AssertionError(f"no simple reading of {text!r} ({plain!r})")


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real postings lie in ../shared, beside a development checkout only"
)
def test_every_real_text_is_the_instant_that_a_simple_second_reading_gives_or_refused():
    texts = real_texts()
    answers = {text: read_moment(text, Bound.OPENS, NEW_YORK) for text in texts}
    read = {text: answer for text, answer in answers.items() if isinstance(answer, Moment)}
    assert {text: answer.at for text, answer in read.items()} == {
        text: independent(text).astimezone(UTC) for text in read
    }
    assert len(read) > 0.8 * len(texts)
    assert all(isinstance(answer, Moment | NotKnown | Unreadable) for answer in answers.values())

"""The clock only moves a posting on; people may go back; each step writes exactly the lines it needs."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from postbot.core.dates import Bound, Unreadable, read_moment
from postbot.core.lifecycle import (
    TABLE,
    Actor,
    Due,
    Moved,
    Transition,
    Wish,
    allowed,
    carry_out,
    due,
    move,
    not_offered,
    own_name,
    set_value,
    upcoming,
)
from postbot.core.posting import Posting, read_posting
from postbot.core.problem import Problem
from postbot.core.profile import State
from postbot.core.text.document import Document, read
from postbot.core.text.editing import Edited, Set, edit
from tests.examples import DATES, EASTERN, HUGO, OPEN_STATE, SHARED, SLUG, STATE, posting, profile

NOW = datetime(2030, 3, 6, 15, 0, tzinfo=UTC)
"""A Wednesday, 10 am on the East Coast: between the dates of the examples."""
SECOND = timedelta(seconds=1)
PEOPLE = {Actor.AUTHOR, Actor.REQUEST}
EVERYBODY = {*Actor}

MOVES = {
    (State.UPCOMING, Transition.OPEN): EVERYBODY,
    (State.UPCOMING, Transition.CLOSE): EVERYBODY,
    (State.UPCOMING, Transition.EXTEND): PEOPLE,
    (State.UPCOMING, Transition.POSTPONE): PEOPLE,
    (State.UPCOMING, Transition.WITHDRAW): PEOPLE,
    (State.OPEN, Transition.CLOSE): EVERYBODY,
    (State.OPEN, Transition.EXTEND): PEOPLE,
    (State.OPEN, Transition.POSTPONE): PEOPLE,
    (State.OPEN, Transition.WITHDRAW): PEOPLE,
    (State.CLOSED, Transition.REOPEN): PEOPLE,
    (State.CLOSED, Transition.EXTEND): PEOPLE,
    (State.CLOSED, Transition.ARCHIVE): {Actor.CLOCK, Actor.REQUEST},
    **{(state, Transition.UNDO): {Actor.REQUEST} for state in State},
}
RANK = {State.UPCOMING: 0, State.OPEN: 1, State.CLOSED: 2}


@pytest.mark.parametrize(("state", "step", "actor"), list(product(State, Transition, Actor)))
def test_who_may_make_which_transition(state, step, actor):
    assert allowed(state, step, actor) == (actor in MOVES.get((state, step), ()))


def test_whatever_the_clock_may_do_goes_on_and_never_back():
    for (start, step), (target, actors) in TABLE.items():
        assert Actor.CLOCK not in actors or RANK[target] > RANK[start] or step is Transition.ARCHIVE


# When --------------------------------------------------------------------------------------------------------------

OPENS, CLOSES = datetime(2030, 3, 4, 14, 0, tzinfo=UTC), datetime(2030, 3, 16, 3, 59, tzinfo=UTC)


def stated(
    state: str, opens: str = "March 4, 2030, 9:00 am EST", closes: str = "March 15, 2030, 11:59 pm EDT"
) -> Posting:
    return posting(f"---\ntitle: x\nstate: {state}\nopens: {opens}\ncloses: {closes}\n---\n", "jekyll-state")


INSTANTS = {
    "a second before opening": (stated("upcoming"), OPENS - SECOND, None),
    "at the opening": (stated("upcoming"), OPENS, Due(Transition.OPEN, OPENS)),
    "a second after opening": (stated("upcoming"), OPENS + SECOND, Due(Transition.OPEN, OPENS)),
    "both have passed": (stated("upcoming"), CLOSES, Due(Transition.CLOSE, CLOSES)),
    "a second before closing": (stated("open"), CLOSES - SECOND, None),
    "at the closing": (stated("open"), CLOSES, Due(Transition.CLOSE, CLOSES)),
    "long after the closing": (stated("open"), CLOSES + timedelta(days=90), Due(Transition.CLOSE, CLOSES)),
    "open by hand before its opening": (stated("open"), OPENS - SECOND, None),
    "closed by hand before its closing": (stated("closed"), OPENS, None),
    "closed, and its window lies ahead": (stated("closed"), OPENS - SECOND, None),
    "an old closing beside an unknown opening": (stated("upcoming", opens="tbd"), CLOSES + SECOND, None),
    "an opening without a year": (stated("upcoming", opens="Monday, March 4th"), CLOSES + SECOND, None),
    "an unknown closing": (stated("open", closes="TBD"), CLOSES + SECOND, None),
    "a window that ends before it begins": (stated("upcoming", closes="March 1, 2030"), CLOSES, None),
    "such a window, and open all the same": (
        stated("open", closes="March 1, 2030"),
        CLOSES,
        Due(Transition.CLOSE, datetime(2030, 3, 2, 5, tzinfo=UTC)),
    ),
    "a draft": (stated("draft"), CLOSES + SECOND, None),
    "a misspelt state": (stated("opem"), CLOSES + SECOND, None),
}


@pytest.mark.parametrize(("found", "now", "expected"), INSTANTS.values(), ids=INSTANTS)
def test_what_the_clock_asks_for(found, now, expected):
    assert due(found, now) == expected


def test_what_the_clock_will_ask_for_comes_soonest_first():
    opening, closing = Due(Transition.OPEN, OPENS), Due(Transition.CLOSE, CLOSES)

    assert upcoming(stated("upcoming"), OPENS - SECOND) == (opening, closing)
    assert upcoming(stated("upcoming"), OPENS) == (closing,)
    assert upcoming(stated("open"), OPENS - SECOND) == (closing,)
    assert upcoming(stated("open"), CLOSES) == ()
    for never in (stated("closed"), stated("draft"), stated("upcoming", opens="tbd")):
        assert upcoming(never, OPENS - SECOND) == ()


def test_dates_alone_decide_where_nobody_writes_the_state_down():
    found = posting(DATES, "jekyll-dates")
    opens, closes = datetime(2030, 3, 4, 5, tzinfo=UTC), datetime(2030, 3, 16, 4, tzinfo=UTC)

    assert [found.state(at) for at in (opens - SECOND, opens, closes - SECOND, closes)] == [
        State.UPCOMING,
        State.OPEN,
        State.OPEN,
        State.CLOSED,
    ]
    assert all(due(found, at) is None for at in (opens, closes))


def test_a_hugo_page_closes_as_its_expiry_day_begins_and_a_draft_does_not_move():
    found, draft = posting(HUGO, "hugo"), posting(HUGO.replace("weight: 1", "draft: true\nweight: 1"), "hugo")
    expires = datetime(2030, 3, 15, 4, tzinfo=UTC)

    assert (found.state(expires - SECOND), found.state(expires)) == (State.OPEN, State.CLOSED)
    assert (draft.state(expires), due(draft, expires), upcoming(draft, OPENS)) == (State.UPCOMING, None, ())


windows = st.tuples(*[st.none() | st.dates(date(2030, 1, 1), date(2031, 12, 31))] * 2)
first, last = datetime(2029, 12, 1, tzinfo=UTC), datetime(2032, 2, 1, tzinfo=UTC)
seconds = st.integers(0, int((last - first).total_seconds()))
moments = st.lists(seconds.map(lambda after: first + timedelta(seconds=after)), min_size=2, max_size=6)


@given(windows, moments, st.sampled_from(["upcoming", "open", "closed"]))
def test_the_clock_never_moves_a_posting_back(window, moments, state):
    opens, closes = (day.isoformat() if day else "TBD" for day in window)
    found = stated(state, opens, closes)
    seen = [found.state(moments[0])]
    for now in sorted(moments):
        while step := due(found, now):
            assert step.at <= now
            moved = carry_out(found, Wish(step.transition), now)
            assert isinstance(moved, Moved), moved
            found = posting(moved.edited.document.text, "jekyll-state")
            seen.append(found.state(now))
    assert all(RANK[before] < RANK[after] for before, after in pairwise(seen))


# What is written ---------------------------------------------------------------------------------------------------


def lines_of(
    found: Posting, transition: Transition, now: datetime = NOW, **values: str
) -> list[tuple[str | None, str | None]]:
    moved = carry_out(found, Wish(transition, {key.replace("__", " "): text for key, text in values.items()}), now)
    assert isinstance(moved, Moved), moved
    return [(change.before, change.after) for change in moved.edited.proof.lines]


def test_opening_takes_the_files_defaults_and_leaves_what_somebody_must_choose():
    written = lines_of(
        posting(STATE, "jekyll-state"), Transition.OPEN, apply_url="https://example.gov/1", opens="2030-03-06"
    )

    assert written == [
        ("state: upcoming", "state: open"),
        ("opens: tbd", "opens: March 6, 2030"),
        ("# location: 'Lisbon, PT'", "location: 'Lisbon, PT'"),
        ("# gs_level: 14", "gs_level: 14"),
        ("# salary_min: '105,123'", "salary_min: '105,123'"),
        ("# org: 'Pilots and Lights'", "org: 'Pilots and Lights'"),
        ("# pd_job_title: 'Pilot' (ENTER TITLE IF DIFFERENT)", "pd_job_title: 'Pilot'"),
        ("# series: '0301' ENTER SERIES IF DIFFERENT", "series: '0301'"),
        ("# apply_url: APPLICATION URL", "apply_url: https://example.gov/1"),
    ]


EXTENSIONS = [
    ("2030-03-20T17:00", "March 20, 2030, 5:00 pm EDT"),
    ("2030-03-08T23:59", None),
    ("2030-11-29T17:00", "November 29, 2030, 5:00 pm EST"),
]


@pytest.mark.parametrize(("asked", "written"), EXTENSIONS)
def test_extending_writes_the_date_as_the_file_writes_dates_with_the_right_zone_name(asked, written):
    found = posting(OPEN_STATE, "jekyll-state")
    if written is None:
        refusal = carry_out(found, Wish(Transition.EXTEND, {"closes": asked}), NOW)
        assert isinstance(refusal, Problem)
        assert refusal.code == "transition-needs-a-date"
    else:
        assert lines_of(found, Transition.EXTEND, closes=asked) == [
            ("closes: March 15, 2030, 11:59 pm EDT", f"closes: {written}")
        ]


def test_a_field_that_the_file_lacks_goes_behind_those_that_its_profile_lists_before_it():
    text = "---\ntitle: x\nstate: upcoming\n# INSTRUCTIONS OPEN: required\n# pd_job_title: 'X'\n# series: '0301'\n---\n"
    found = posting(text, "jekyll-state")
    edits = [set_value(found, key, value) for key, value in {"num_vacancies": "2", "own_field": "x"}.items()]
    edited = edit(found.document, [change for change in edits if isinstance(change, Set)])
    assert isinstance(edited, Edited)
    assert edited.document.text.splitlines()[1:9] == [
        "title: x",
        "state: upcoming",
        "own_field: x",
        "# INSTRUCTIONS OPEN: required",
        "# pd_job_title: 'X'",
        "num_vacancies: 2",
        "# series: '0301'",
        "---",
    ]


def test_extending_a_commented_closing_follows_its_placeholder():
    written = lines_of(posting(STATE, "jekyll-state"), Transition.EXTEND, closes="2030-12-01T20:00")

    assert written == [("# closes: MONTH DAY, YEAR, TIME EDT", "closes: December 1, 2030, 8:00 pm EST")]


EXACTLY = {
    "close on time": (OPEN_STATE, "jekyll-state", Transition.CLOSE, {}, [("state: open", "state: closed")]),
    "postpone to a day": (
        OPEN_STATE,
        "jekyll-state",
        Transition.POSTPONE,
        {"opens": "2030-04-01T09:00"},
        [
            ("state: open", "state: upcoming"),
            ("opens: March 4, 2030, 9:00 am EST", "opens: April 1, 2030, 9:00 am EDT"),
        ],
    ),
    "withdraw": (
        OPEN_STATE,
        "jekyll-state",
        Transition.WITHDRAW,
        {},
        [
            ("state: open", "state: upcoming"),
            ("opens: March 4, 2030, 9:00 am EST", "opens: tbd"),
            ("closes: March 15, 2030, 11:59 pm EDT", "closes: tbd"),
        ],
    ),
    "reopen": (
        OPEN_STATE.replace("state: open\njob", "state: closed\njob"),
        "jekyll-state",
        Transition.REOPEN,
        {},
        [
            ("state: closed", "state: upcoming"),
            ("opens: March 4, 2030, 9:00 am EST", "opens: tbd"),
            ("closes: March 15, 2030, 11:59 pm EDT", "closes: tbd"),
            (
                "job_announcement_number: '30PORT7'  # ours",
                "# job_announcement_number: 'ENTER JOB ANNOUNCEMENT NUMBER'",
            ),
            ("apply_url: https://example.gov/apply/1", "# apply_url: APPLICATION URL"),
        ],
    ),
    "reopen with a new link": (
        OPEN_STATE.replace("state: open\njob", "state: closed\njob"),
        "jekyll-state",
        Transition.REOPEN,
        {"apply_url": "https://example.gov/2", "opens": "2030-04-01T09:00", "closes": "2030-04-08T23:59"},
        [
            ("state: closed", "state: upcoming"),
            ("opens: March 4, 2030, 9:00 am EST", "opens: April 1, 2030, 9:00 am EDT"),
            ("closes: March 15, 2030, 11:59 pm EDT", "closes: April 8, 2030, 11:59 pm EDT"),
            (
                "job_announcement_number: '30PORT7'  # ours",
                "# job_announcement_number: 'ENTER JOB ANNOUNCEMENT NUMBER'",
            ),
            ("apply_url: https://example.gov/apply/1", "apply_url: https://example.gov/2"),
        ],
    ),
    "close early by dates": (DATES, "jekyll-dates", Transition.CLOSE, {}, [(None, "closed_on: 2030-03-06")]),
    "extend by dates": (
        DATES,
        "jekyll-dates",
        Transition.EXTEND,
        {"closes": "2030-03-22"},
        [("closes: 2030-03-15", "closes: 2030-03-22")],
    ),
    "withdraw by dates": (
        DATES,
        "jekyll-dates",
        Transition.WITHDRAW,
        {},
        [("opens: 2030-03-04", "opens: TBD"), ("closes: 2030-03-15", "closes: TBD")],
    ),
    "close a Hugo page early": (
        HUGO,
        "hugo",
        Transition.CLOSE,
        {},
        [("expirydate: 2030-03-15", "expirydate: 2030-03-06T10:00:00-05:00"), ("weight: 1", "weight: 0")],
    ),
    "extend a Hugo page": (
        HUGO,
        "hugo",
        Transition.EXTEND,
        {"expiryDate": "2030-03-22"},
        [("expirydate: 2030-03-15", "expirydate: 2030-03-22")],
    ),
    "open a Hugo draft": (
        HUGO.replace("weight: 1", "draft: true\nweight: 0"),
        "hugo",
        Transition.OPEN,
        {},
        [("draft: true", "draft: false"), ("weight: 0", "weight: 1")],
    ),
}


@pytest.mark.parametrize(("text", "kind", "transition", "values", "expected"), EXACTLY.values(), ids=EXACTLY)
def test_a_transition_writes_exactly(text, kind, transition, values, expected):
    assert lines_of(posting(text, kind), transition, **values) == expected


def test_reopening_by_dates_takes_the_early_closing_back_and_resets_what_is_stale():
    closed = DATES.replace("closes: 2030-03-15\n", "closes: 2030-03-15\nclosed_on: 2030-03-05\n")
    moved = carry_out(posting(closed, "jekyll-dates"), Wish(Transition.REOPEN), NOW)

    assert isinstance(moved, Moved)
    after = moved.edited.document
    assert not {"closed_on", "application link", "info sessions"} & after.fields.keys()
    assert "# application link: https://www.usajobs.gov/job/apply/whatever\n" in after.text
    assert "#     text: 'Monday: 1:30 pm ET'\n" in after.text
    assert {change.key for change in moved.edited.proof.values} == {
        "opens", "closes", "closed_on", "application link", "info sessions",
    }  # fmt: skip


def test_closing_early_by_a_back_date_says_so_plainly():
    found = posting(DATES, "jekyll-dates", early_close="back-date")
    moved = carry_out(found, Wish(Transition.CLOSE, reason="cap reached"), NOW)

    assert isinstance(moved, Moved)
    assert [(line.before, line.after) for line in moved.edited.proof.lines] == [
        ("closes: 2030-03-15", "closes: 2030-03-05")
    ]
    assert len(moved.remarks) == 1
    assert "not the day it closes" in moved.remarks[0]
    assert "2030-03-15" in moved.remarks[0]


def test_a_misspelt_field_keeps_its_spelling_and_is_reported():
    found = posting(STATE, "jekyll-state")
    values = {
        "ohrm_contact_email": "hr@example.gov",
        "State": "open",
        "opens": "2030-03-06",
        "apply_url": "https://x.example",
    }
    moved = move(found, State.OPEN, values, NOW)

    assert isinstance(moved, Moved)
    assert ("ohrm_contact_email", "ohrm_comtact_email") in moved.edited.proof.spelling
    assert moved.edited.document.fields["ohrm_comtact_email"].text == "hr@example.gov"


SIBLINGS = {
    "a letter at the end": ("location_a: Boston", "location_b"),
    "a letter inside": ("team_a_contact: Ana", "team_b_contact"),
    "a language": ("description_en: Text", "description_es"),
    "a plural": ("locations: Boston", "location"),
    "a name that the profile knows, too": ("contact_name: Ana", "contact_email"),
    "a figure": ("address_1: Boston", "address_2"),
    "a name that the profile does not know": ("related_perfomance_profile: x", "related_performance_profile"),
    "two that come close": ("ohrm_comtact_email: x\nohrm_contect_email: x", "ohrm_contact_email"),
}


@pytest.mark.parametrize(("front", "asked"), SIBLINGS.values(), ids=SIBLINGS)
def test_a_value_never_goes_into_another_field(front, asked):
    found = posting(f"---\ntitle: x\nstate: upcoming\n{front}\n---\n", "jekyll-state")
    made = set_value(found, asked, "Paris")
    assert isinstance(made, Set)
    edited = edit(found.document, [made])
    assert isinstance(edited, Edited)

    assert made.asked is None
    assert [(line.before, line.after) for line in edited.proof.lines] == [(None, f"{asked}: Paris")]


def test_a_field_that_the_profile_knows_is_no_misspelling_of_another():
    known = ["team_a_contact", "team_b_contact"]
    found = posting("---\nstate: open\nteam_a_contact: Ana\n---\n", "jekyll-state", known=known)

    assert own_name(found, "team_b_contact") == "team_b_contact"


def test_the_name_that_was_asked_for_is_kept_beside_the_files_own():
    found = posting("---\nstate: open\nOpens: tbd\nohrm_comtact_email: x\n---\n", "jekyll-state")

    assert own_name(found, "ohrm_contact_email") == "ohrm_comtact_email"
    assert set_value(found, "opens", "tbd") == Set("Opens", "tbd", ("job_post_type", "state"), asked="opens")


GAP, TWICE = "2030-03-10T02:30", "2030-11-03T01:30"
NO_ONE_INSTANT = [(GAP, "date-gap"), (TWICE, "date-twice"), (TWICE.replace("T", " "), "date-twice")]
ZONED = {
    "the first pass": (f"{TWICE}-04:00", "November 3, 2030, 1:30 am EDT"),
    "the second pass": (f"{TWICE}-05:00", "November 3, 2030, 1:30 am EST"),
    "an offset that the place does not have": (f"{GAP}-05:00", "March 10, 2030, 3:30 am EDT"),
}


@pytest.mark.parametrize(("asked", "code"), NO_ONE_INSTANT)
@pytest.mark.parametrize(
    ("text", "kind", "key"), [(OPEN_STATE, "jekyll-state", "closes"), (HUGO, "hugo", "expiryDate")]
)
def test_a_time_that_the_clocks_skip_or_show_twice_is_not_written(text, kind, key, asked, code):
    found = posting(text, kind)
    read_as = read_moment(asked, Bound.OPENS, EASTERN)
    assert isinstance(read_as, Unreadable)

    assert set_value(found, key, asked) == Problem(SLUG, 1, 1, code, read_as.message, fix=read_as.fix)


@pytest.mark.parametrize("step", [Transition.CLOSE, Transition.EXTEND, Transition.POSTPONE, Transition.WITHDRAW])
def test_no_transition_writes_such_a_time(step):
    refusal = carry_out(posting(OPEN_STATE, "jekyll-state"), Wish(step, {"closes": TWICE}), NOW)

    assert isinstance(refusal, Problem)
    assert refusal.code == "date-twice"


def test_an_opening_at_such_a_time_is_not_taken_for_today():
    refusal = carry_out(posting(STATE, "jekyll-state"), Wish(Transition.OPEN, {"opens": GAP}), NOW)

    assert isinstance(refusal, Problem)
    assert refusal.code == "date-gap"


@pytest.mark.parametrize(("asked", "written"), ZONED.values(), ids=ZONED)
def test_a_time_with_an_offset_is_one_instant(asked, written):
    made = set_value(posting(OPEN_STATE, "jekyll-state"), "closes", asked)

    assert isinstance(made, Set)
    assert made.value == written


def test_the_clock_is_refused_what_only_people_may_do():
    found, wish = posting(OPEN_STATE, "jekyll-state"), Wish(Transition.WITHDRAW)
    refusal = carry_out(found, wish, NOW, Actor.CLOCK)

    assert isinstance(refusal, Problem)
    assert refusal.code == "transition-not-allowed"
    assert refusal.message == "harbour-pilot is open; from there the clock can close, not withdraw."
    assert isinstance(carry_out(found, wish, NOW, Actor.AUTHOR), Moved)
    assert isinstance(carry_out(found, Wish(Transition.CLOSE), NOW, Actor.CLOCK), Moved)


def test_the_clock_can_do_nothing_about_a_closed_posting():
    found = posting(OPEN_STATE.replace("state: open\njob", "state: closed\njob"), "jekyll-state")
    refusal = carry_out(found, Wish(Transition.REOPEN), NOW, Actor.CLOCK)

    assert isinstance(refusal, Problem)
    assert refusal.message == "harbour-pilot is closed; from there the clock can do nothing, not reopen."


OFFERED = "---\nstate: upcoming\n# supervisory_status: 'YES' or 'NO'\n# org: 'Pilots'\n# ohrm_comtact_email: 'a' or 'b'\n---\n"


def test_a_value_that_the_comment_does_not_offer_is_told_with_what_it_offers():
    values = {"supervisory_status": "MAYBE", "org": "Lights", "ohrm_contact_email": "c", "own_field": "x"}
    found = not_offered(posting(OFFERED, "jekyll-state"), values)

    assert [(p.code, str(p.severity), p.line, p.column) for p in found] == [
        ("value-not-offered", "warning", 3, 1),
        ("value-not-offered", "warning", 5, 1),
    ]
    assert found[0].message == "`supervisory_status` is to be MAYBE, but its comment offers YES or NO."
    assert found[0].fix == "Write YES or NO."


def test_a_value_that_the_comment_offers_is_fine():
    assert not_offered(posting(OFFERED, "jekyll-state"), {"supervisory_status": "YES"}) == ()


NOT_PLAIN = {
    "quotes": ("'2030-03-04'", "in quotes", (("opens", "2030-03-04"),)),
    "words": ("March 4, 2030", "in this form", (("opens", "2030-03-04"),)),
    "a time of day": ("2030-03-04 09:00", "with a time of day", ()),
}


@pytest.mark.parametrize(("text", "what", "repair"), NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_a_date_that_the_templates_cannot_read_leaves_a_posting_upcoming(text, what, repair):
    found = posting(DATES.replace("\nopens: 2030-03-04", f"\nopens: {text}"), "jekyll-dates")
    (problem,) = found.problems

    assert (problem.code, problem.fix, problem.repair) == ("date-not-plain", "Write 2030-03-04 without quotes.", repair)
    assert problem.message == (
        f"The site's templates do not understand `opens` {what}: the posting would stay upcoming for ever."
    )
    assert found.window.opens is None
    assert found.window.closes is not None
    assert found.state(NOW) is State.UPCOMING


def test_such_a_closing_date_never_closes():
    found = posting(DATES.replace("\ncloses: 2030-03-15", "\ncloses: 'March 15, 2030'"), "jekyll-dates")

    assert found.window.closes is None
    assert found.state(NOW + timedelta(days=90)) is State.OPEN


@pytest.mark.parametrize("text", ["TBD", "", "'TBD'"])
def test_an_unknown_date_is_no_problem_where_templates_read_days(text):
    found = posting(DATES.replace("\nopens: 2030-03-04", f"\nopens: {text}"), "jekyll-dates")

    assert found.problems == ()
    assert found.window.opens is None


def test_an_opening_that_the_templates_would_not_read_is_refused_with_the_reason():
    found = posting(DATES.replace("\nopens: 2030-03-04", "\nopens: TBD"), "jekyll-dates")
    refusal = move(found, State.OPEN, {"opens": "March 4, 2030"}, NOW)

    assert isinstance(refusal, Problem)
    assert refusal.code == "transition-not-reached"
    assert "do not understand `opens` in this form" in refusal.message


def test_reopening_leaves_a_value_that_is_given_anew_in_another_spelling():
    text = DATES.replace("2030-03", "2030-01")
    written = lines_of(posting(text, "jekyll-dates"), Transition.REOPEN, application_link="https://example.gov/apply/2")

    assert [after for before, after in written if "application link" in (before or "")] == [
        "application link: https://example.gov/apply/2"
    ]


REFUSED = {
    "a step that does not exist": (OPEN_STATE, Wish(Transition.REOPEN), "transition-not-allowed"),
    "an extension without a date": (OPEN_STATE, Wish(Transition.EXTEND), "transition-needs-a-date"),
    "an extension into the past": (
        OPEN_STATE,
        Wish(Transition.EXTEND, {"closes": "2030-03-10"}),
        "transition-needs-a-date",
    ),
    "an unknown state": (STATE.replace("upcoming\njob", "opem\njob"), Wish(Transition.OPEN), "transition-not-allowed"),
    "a value of two lines": (OPEN_STATE, Wish(Transition.CLOSE, {"org": "a\nb"}), "edit-not-one-line"),
}


@pytest.mark.parametrize(("text", "wish", "code"), REFUSED.values(), ids=REFUSED)
def test_a_transition_is_refused(text, wish, code):
    problem = carry_out(posting(text, "jekyll-state"), wish, NOW)

    assert isinstance(problem, Problem)
    assert problem.code == code


def test_a_time_of_day_is_refused_where_the_site_knows_only_days():
    problem = carry_out(posting(DATES, "jekyll-dates"), Wish(Transition.EXTEND, {"closes": "2030-03-22T17:00"}), NOW)

    assert isinstance(problem, Problem)
    assert problem.code == "date-grain"


# The real corpus ---------------------------------------------------------------------------------------------------


def openings() -> list[dict[str, str]]:
    if not SHARED.is_dir():
        pytest.skip("The real postings are not beside this repository.")
    rows = map(json.loads, (SHARED / "corpus/transitions.jsonl").read_text(encoding="utf-8").splitlines())
    return [row for row in rows if (row["from"], row["to"]) == ("upcoming", "open")]


def loaded(document: Document) -> dict[str, object]:
    return yaml.safe_load(document.text[slice(*document.front)])


def test_every_real_opening_can_be_replayed_with_the_persons_values_or_names_a_fault():
    replayed, faults = 0, []
    for row in openings():
        before = read_posting(SLUG, (SHARED / "corpus" / row["before"]).read_bytes(), profile("jekyll-state"), EASTERN)
        person = read(SLUG, (SHARED / "corpus" / row["after"]).read_bytes())
        if isinstance(before, Problem) or isinstance(person, Problem):
            faults += [found.code for found in (before, person) if isinstance(found, Problem)]
            continue
        live = before.document.fields
        values = {
            key: field.text
            for key, field in person.fields.items()
            if field.text is not None and (key not in live or live[key].text != field.text)
        }
        moved = move(before, State.OPEN, values, NOW)
        assert isinstance(moved, Moved), (row, moved)
        own = dict(moved.edited.proof.spelling)
        written, wanted = loaded(moved.edited.document), loaded(person)
        assert {key: written[own.get(key, key)] for key in values} == {key: wanted[key] for key in values}
        named = tuple(own.get(key, key) for key in values)
        touched = [line for change in moved.edited.proof.lines for line in (change.before, change.after) if line]
        assert all(line.lstrip("# ").startswith(named) for line in touched)
        replayed += 1
    assert replayed >= 25
    assert all(code.startswith("yaml-") for code in faults)

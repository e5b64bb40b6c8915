"""What is filled in becomes a wish that can be carried out, or a sentence at the field that is wrong."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postbot.core.lifecycle import Moved, Transition, Wish, carry_out, own_name, wished_window
from postbot.core.profile import CloseReason
from postbot.core.text.scalar import unprintable
from postbot.doors.slack.views import Carried, Verb, form, read, read_until, read_words, summary, warnings
from tests.doors.slack.scenes import CLOSED, KINDS, NOW, UPCOMING, filled, one, pieces, shown
from tests.examples import DATES, HUGO, OPEN_STATE, STATE
from tests.twins.slack.surfaces import view_flaws

GIVEN = {
    "field__job_announcement_number": "30PORT7",
    "field__apply_url": "https://agency.gov/apply/1",
    "field__ohrm_contact_email": "ohrm@agency.gov",
    "field__promotion_potential": "14",
    "field__supervisory_status": "1",
}


def answer(text: str, verb: Verb, kind: str = "jekyll-state", **given: str | None) -> Wish | dict[str, str]:
    site, posting = one(text, kind)
    return read(site, posting, verb, filled(form(site, posting, verb), **given))


def entered(text: str, verb: Verb, kind: str = "jekyll-state") -> dict[str, dict[str, Any]]:
    site, posting = one(text, kind)
    return {block["block_id"]: block["element"] for block in pieces(form(site, posting, verb), "input")}


# What is asked -------------------------------------------------------------------------------------------------------


def test_an_opening_asks_only_for_what_is_missing_each_as_it_is_best_entered():
    asked = {name: element["type"] for name, element in entered(UPCOMING, Verb.OPEN).items()}
    assert asked == {
        "field:location": "plain_text_input",
        "field:gs_level": "plain_text_input",
        "field:salary_min": "plain_text_input",
        "field:org": "plain_text_input",
        "field:job_announcement_number": "plain_text_input",
        "field:pd_job_title": "plain_text_input",
        "field:series": "plain_text_input",
        "field:apply_url": "url_text_input",
        "field:ohrm_contact_email": "email_text_input",
        "field:promotion_potential": "plain_text_input",
        "field:supervisory_status": "static_select",
    }
    assert entered(UPCOMING, Verb.OPEN)["field:series"]["initial_value"] == "0301"
    options = entered(UPCOMING, Verb.OPEN)["field:supervisory_status"]["options"]
    assert [each["text"]["text"] for each in options] == ["YES", "NO"]


def test_dates_that_nobody_knows_are_asked_for_with_a_time_only_where_the_site_understands_one():
    assert {"field:opens", "time:opens", "field:closes", "time:closes"} <= set(entered(STATE, Verb.OPEN))
    unknown = DATES.replace("2030-03-04", "TBD").replace("2030-03-15", "TBD")
    asked = entered(unknown, Verb.OPEN, "jekyll-dates")
    assert {"field:opens", "field:closes"} <= set(asked)
    assert not any(name.startswith("time:") for name in asked)


@pytest.mark.parametrize(
    ("text", "verb", "day", "clock"),
    [
        (OPEN_STATE, Verb.EXTEND, "2030-03-15", "23:59"),
        (UPCOMING, Verb.POSTPONE, "2030-03-29", "23:59"),
        (CLOSED.replace("March 15", "March 1"), Verb.REOPEN, None, None),
    ],
)
def test_a_date_stands_in_the_form_as_the_posting_says_it_while_it_is_still_to_come(text, verb, day, clock):
    asked = entered(text, verb)
    assert asked["field:closes"].get("initial_date") == day
    assert asked["time:closes"].get("initial_time") == clock


def test_a_day_and_a_reason_behind_the_name_are_filled_in():
    site, posting = one(OPEN_STATE)
    extend = form(site, posting, Verb.EXTEND, day="2030-04-30")
    assert read(site, posting, Verb.EXTEND, filled(extend)) == Wish(Transition.EXTEND, {"closes": "2030-04-30"})
    close = form(site, posting, Verb.CLOSE, reason=CloseReason.FILLED)
    assert read(site, posting, Verb.CLOSE, filled(close)) == Wish(Transition.CLOSE, {}, "filled")


# Wishes --------------------------------------------------------------------------------------------------------------


def test_an_opening_takes_what_is_filled_in_and_the_defaults_of_the_file():
    wish = answer(UPCOMING, Verb.OPEN, **GIVEN)
    assert isinstance(wish, Wish), wish
    assert wish.transition is Transition.OPEN
    assert wish.values == {
        "location": "Lisbon, PT",
        "gs_level": "14",
        "salary_min": "105,123",
        "org": "Pilots and Lights",
        "job_announcement_number": "30PORT7",
        "pd_job_title": "Pilot",
        "series": "0301",
        "apply_url": "https://agency.gov/apply/1",
        "ohrm_contact_email": "ohrm@agency.gov",
        "promotion_potential": "14",
        "supervisory_status": "NO",
    }


def test_dates_come_out_as_iso_text_of_the_sites_own_clock():
    given = {"field__closes": "2030-04-30", "time__closes": "17:00"}
    assert answer(OPEN_STATE, Verb.EXTEND, **given) == Wish(Transition.EXTEND, {"closes": "2030-04-30T17:00"})
    given = {"field__closes": "2030-04-30", "time__closes": None}
    assert answer(OPEN_STATE, Verb.EXTEND, **given) == Wish(Transition.EXTEND, {"closes": "2030-04-30"})
    wish = answer(HUGO, Verb.EXTEND, "hugo", field__expiryDate="2030-04-30", time__expiryDate=None)
    assert wish == Wish(Transition.EXTEND, {"expiryDate": "2030-04-30"})


def test_a_later_opening_leaves_the_closing_as_it_is():
    wish = answer(UPCOMING, Verb.POSTPONE, field__opens="2030-03-22")
    assert wish == Wish(Transition.POSTPONE, {"opens": "2030-03-22T09:00"})


@pytest.mark.parametrize(("place", "reason"), list(enumerate(CloseReason)))
def test_a_closing_says_why(place, reason):
    assert answer(OPEN_STATE, Verb.CLOSE, reason=str(place)) == Wish(Transition.CLOSE, {}, reason)


def test_a_later_opening_of_a_hugo_page_keeps_its_closing_whatever_case_its_fields_have():
    text = HUGO.replace("2030-03-04 09:00:00 -0500", "2030-03-10 09:00:00 -0400").replace("weight: 1", "weight: 0")
    wish = answer(text, Verb.POSTPONE, "hugo", field__date="2030-03-12", time__date="10:00")
    assert isinstance(wish, Wish), wish
    _, posting = one(text, "hugo")
    moved = carry_out(posting, wish, NOW)
    assert isinstance(moved, Moved), moved
    assert [line.before for line in moved.edited.proof.lines] == ["date: 2030-03-10 09:00:00 -0400"]


# Errors at the field -------------------------------------------------------------------------------------------------

LATER = {"field__closes": "2030-04-30", "time__closes": None}


@pytest.mark.parametrize(
    ("text", "verb", "given", "place", "says"),
    [
        (UPCOMING, Verb.OPEN, {"field__apply_url": None}, "field:apply_url", "This is needed."),
        (UPCOMING, Verb.OPEN, {"field__apply_url": "apply here"}, "field:apply_url", "Write the whole link"),
        (UPCOMING, Verb.OPEN, {"field__apply_url": "https://example.com/x"}, "field:apply_url", "example link"),
        (UPCOMING, Verb.OPEN, {"field__apply_url": "APPLICATION URL"}, "field:apply_url", "only says what belongs"),
        (UPCOMING, Verb.OPEN, {"field__ohrm_contact_email": "ana"}, "field:ohrm_contact_email", "one e-mail address"),
        (UPCOMING, Verb.OPEN, {"field__ohrm_contact_email": "a@b.gov, c@d.gov"}, "field:ohrm_contact_email", "one e"),
        (UPCOMING, Verb.OPEN, {"field__supervisory_status": "2"}, "field:supervisory_status", "Choose YES or NO."),
        (UPCOMING, Verb.OPEN, {"field__supervisory_status": "YES"}, "field:supervisory_status", "Choose YES or NO."),
        (UPCOMING, Verb.OPEN, {"field__series": "0301\nstate: open"}, "field:series", "has to be on one line"),
        (UPCOMING, Verb.OPEN, {"field__series": "0301\u2028x"}, "field:series", "has to be on one line"),
        (UPCOMING, Verb.OPEN, {"field__series": "03\x0701"}, "field:series", "cannot be seen"),
        (UPCOMING, Verb.OPEN, {"field__series": "\u202e1030"}, "field:series", "cannot be seen"),
        (UPCOMING, Verb.OPEN, {"field__series": "x" * 501}, "field:series", "501 characters long"),
        (STATE, Verb.OPEN, {"field__closes": None}, "field:closes", "Choose a day."),
        (
            STATE,
            Verb.OPEN,
            {"field__closes": "2030-03-05"},
            "field:closes",
            "This is past; now it is Wednesday, March 6",
        ),
        (STATE, Verb.OPEN, LATER | {"field__opens": "2030-03-05"}, "field:opens", "This is past"),
        (STATE, Verb.OPEN, LATER | {"field__opens": "2030-05-05"}, "field:closes", "It would close before it opens"),
        (STATE, Verb.OPEN, LATER | {"time__opens": "10:00"}, "field:opens", "Choose the day, too."),
        (OPEN_STATE, Verb.EXTEND, {}, "field:closes", "not later than the present closing, Friday, March 15, 2030"),
        (OPEN_STATE, Verb.EXTEND, {"field__closes": None}, "field:closes", "Choose the day, too."),
        (OPEN_STATE, Verb.EXTEND, {"field__closes": "2030-02-30"}, "field:closes", "Choose the day, too."),
        (OPEN_STATE, Verb.EXTEND, {"field__closes": "2999-01-01"}, "time:closes", "outside 1990 to 2100"),
        (OPEN_STATE, Verb.EXTEND, {"time__closes": "25:00"}, "time:closes", "Choose a time of day."),
        (UPCOMING, Verb.POSTPONE, {"field__opens": "2030-03-06", "time__opens": None}, "field:opens", "This is past"),
        (UPCOMING, Verb.POSTPONE, {"field__opens": "2030-04-06"}, "field:closes", "It would close before it opens"),
        (UPCOMING, Verb.POSTPONE, {}, "field:opens", "nothing would change"),
        (OPEN_STATE, Verb.CLOSE, {}, "reason", "Choose why it closes."),
        (OPEN_STATE, Verb.CLOSE, {"reason": "4"}, "reason", "Choose why it closes."),
        (OPEN_STATE, Verb.WITHDRAW, {"reason": "a\nb"}, "reason", "has to be on one line"),
        (OPEN_STATE, Verb.WITHDRAW, {"reason": "a" * 201}, "reason", "room for 200"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_in_plain_words(text, verb, given, place, says):
    found = answer(text, verb, **given)
    assert isinstance(found, dict)
    assert says in found[place]


@pytest.mark.parametrize(("day", "clock"), [("2031-03-09", "02:30"), ("2030-11-03", "01:30")])
def test_a_time_that_the_clocks_skip_or_show_twice_is_an_error_at_the_time(day, clock):
    found = answer(OPEN_STATE, Verb.EXTEND, field__closes=day, time__closes=clock)
    assert isinstance(found, dict)
    assert list(found) == ["time:closes"]
    assert "clocks go" in found["time:closes"]


def test_what_the_life_cycle_does_not_allow_is_an_error_and_no_wish():
    site, posting = one(CLOSED)
    found = read(site, posting, Verb.CLOSE, {"reason": {"value": {"selected_option": {"value": "0"}}}})
    assert isinstance(found, dict)
    assert "harbour-pilot is closed" in found["reason"]


def test_a_wish_that_slack_could_not_carry_on_is_an_error_at_the_longest_field():
    found = answer(UPCOMING, Verb.OPEN, **GIVEN | dict.fromkeys(("field__location", "field__org"), "\u4e2d" * 499))
    assert isinstance(found, dict)
    assert list(found) == ["field:location"]
    assert "more than Slack can hold" in found["field:location"]


def test_a_verb_that_moves_nothing_cannot_be_read():
    site, posting = one(OPEN_STATE)
    with pytest.raises(ValueError, match="moves no posting"):
        read(site, posting, Verb.APPROVE, {})


def test_what_was_never_asked_for_is_not_read():
    site, posting = one(OPEN_STATE)
    values = filled(form(site, posting, Verb.EXTEND), field__closes="2030-04-30", time__closes=None)
    odd = {"field:state": {"value": {"type": "plain_text_input", "value": "closed"}}, "field:title": {"x": {}}}
    assert read(site, posting, Verb.EXTEND, values | odd) == Wish(Transition.EXTEND, {"closes": "2030-04-30"})


# Anything at all -----------------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=60) | st.sampled_from(["a\nstate: open", "x: y # z", "'", '"', "---", "{{ x }}", "- a", "\r"])
SLOW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(st.fixed_dictionaries(dict.fromkeys(("field__series", "field__location", "field__org"), TEXTS)))
def test_whatever_is_typed_only_the_asked_fields_change_and_no_line_is_added(typed):
    site, posting = one(UPCOMING)
    found = read(site, posting, Verb.OPEN, filled(form(site, posting, Verb.OPEN), **GIVEN | typed))
    if isinstance(found, dict):
        assert set(found) <= {name.replace("__", ":") for name in typed}
        return
    assert not any(unprintable(text) for text in found.values.values())
    moved = carry_out(posting, found, wished_window(posting, found).opens or NOW)
    assert isinstance(moved, Moved), moved
    assert {value.key for value in moved.edited.proof.values} == {*found.values, "state"}
    before, after = posting.document, moved.edited.document
    assert len(after.text.splitlines()) == len(before.text.splitlines())
    for key, text in found.values.items():
        assert after.fields[own_name(posting, key)].text == text
    same = {key: field.text for key, field in before.fields.items() if key != "state"}
    assert same.items() <= {key: field.text for key, field in after.fields.items()}.items()


@SLOW
@given(
    st.sampled_from([(OPEN_STATE, Verb.EXTEND), (UPCOMING, Verb.POSTPONE), (STATE, Verb.OPEN), (CLOSED, Verb.REOPEN)]),
    st.dates(date(2029, 12, 1), date(2032, 1, 1)).map(str) | st.text(max_size=12),
    st.times().map(lambda at: f"{at:%H:%M}") | st.text(max_size=6) | st.none(),
)
def test_whatever_day_and_time_comes_in_a_date_that_comes_out_is_one(made, day, clock):
    text, verb = made
    found = answer(text, verb, field__closes=day, time__closes=clock)
    if isinstance(found, Wish):
        assert found.values["closes"] == (f"{day}T{clock}" if clock else day)


@given(st.text(max_size=3000))
def test_what_should_be_different_comes_out_on_one_line(typed):
    found = read_words({"words": {"value": {"value": typed}}})
    assert isinstance(found, dict) or (found and unprintable(found) is None and len(found) <= 2000)


def test_a_day_to_be_asked_again_is_one_that_is_still_to_come():
    site, posting = one(UPCOMING)
    view = form(site, posting, Verb.SNOOZE)
    found = read_until(site, filled(view))
    assert found == NOW.replace(hour=5) + timedelta(days=1)
    assert read_until(site, filled(view, until="2030-03-06")) == {"until": "Choose a day that is still to come."}
    assert read_until(site, filled(view, until="2030-06-04")) == NOW.replace(month=6, day=4, hour=4)
    too_late = {"until": "Choose a day within the next 90 days."}
    assert read_until(site, filled(view, until="2030-06-05")) == too_late
    assert read_until(site, filled(view, until="9999-12-31")) == too_late
    assert read_until(site, filled(view, until="soon")) == {"until": "Choose a day."}


# From form to summary ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_wish_that_is_read_fits_into_its_summary(kind):
    profile, _ = KINDS[kind]
    text = {"state": OPEN_STATE, "dates": DATES, "hugo": HUGO}[kind]
    closes = {"hugo": "expiryDate"}.get(kind, "closes")
    given = {f"field__{closes}": "2030-07-04"} | ({} if kind == "dates" else {f"time__{closes}": None})
    site, posting = one(text, profile)
    view = form(site, posting, Verb.EXTEND, heard_of=10**9)
    wish = read(site, posting, Verb.EXTEND, filled(view, **given))
    assert isinstance(wish, Wish), wish
    carried = Carried.read(view["private_metadata"])
    assert carried is not None
    after = summary(site, posting, wish, carried)
    assert view_flaws(after) == []
    again = Carried.read(after["private_metadata"])
    assert again is not None
    assert again.wish == wish


def test_the_longest_wish_that_is_read_fits_into_its_summary():
    site, posting = one(UPCOMING)
    view = form(site, posting, Verb.OPEN, heard_of=10**9)
    wish = read(site, posting, Verb.OPEN, filled(view, **GIVEN | {"field__location": "\u4e2d" * 490}))
    assert isinstance(wish, Wish), wish
    carried = Carried.read(view["private_metadata"])
    assert carried is not None
    after = summary(site, posting, wish, carried)
    assert view_flaws(after) == []
    assert len(after["private_metadata"].encode()) <= 3000


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2030-07-04", ["it closes on a public holiday (Independence Day): Thursday, July 4, 2030, 11:59 pm EDT."]),
        ("2030-07-06", ["it closes on a Saturday: Saturday, July 6, 2030, 11:59 pm EDT."]),
        ("2030-07-08", []),
    ],
)
def test_a_weekend_or_a_holiday_is_said_with_weekday_and_zone_and_never_refused(day, says):
    site, posting = one(OPEN_STATE)
    wish = answer(OPEN_STATE, Verb.EXTEND, field__closes=day, time__closes=None)
    assert isinstance(wish, Wish), wish
    assert list(warnings(site, posting, wish)) == says
    said = shown(summary(site, posting, wish, Carried(Verb.EXTEND, site.ref(posting), site.blob(posting))))
    assert all(f"Mind: {sentence}" in said for sentence in says)
    abroad = replace(site, country="PT")
    assert not any("holiday" in sentence for sentence in warnings(abroad, posting, wish))
    assert not any("holiday" in sentence for sentence in warnings(replace(site, country="XX"), posting, wish))

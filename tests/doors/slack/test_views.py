"""Every view is one that Slack takes, whatever the postings are called and however many there are."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.decide import make_plan
from postbot.core.plan.rights import Action
from postbot.core.plan.steps import Held, MergeWhen
from postbot.core.posting import Posting
from postbot.core.profile import CloseReason
from postbot.doors.slack.views import (
    Carried,
    Found,
    Group,
    Scene,
    Sight,
    Turn,
    Verb,
    as_modal,
    board,
    busy,
    changed,
    form,
    found_by,
    help_text,
    history,
    home,
    lines_named,
    named,
    notice,
    pressed,
    ref_of,
    several,
    show,
    summary,
    unclear,
)
from postbot.doors.slack.words import Command, Search
from tests.announcements import VOICE
from tests.doors.slack.scenes import (
    BLIND,
    CLOSED,
    KINDS,
    NOW,
    SIGHT,
    TITLES,
    UPCOMING,
    many,
    one,
    pieces,
    pull_of,
    quoted,
    scene,
    shown,
    strings,
    titled,
)
from tests.examples import OPEN_STATE, SHARED, STATE
from tests.twins.slack import mrkdwn
from tests.twins.slack.blocks import flaws
from tests.twins.slack.surfaces import view_flaws
from tests.values import Values, policy

SIZES = (0, 1, 40, 400)
MOVES = tuple(verb for verb in Verb if verb.transition)
FORMS = (*MOVES, Verb.UNDO, Verb.CHANGES, Verb.SNOOZE, Verb.APPROVE)


@dataclass(frozen=True)
class Entry:
    at: datetime
    what: str
    detail: str


def entries(count: int, detail: str = "by robin") -> list[Entry]:
    return [Entry(NOW - timedelta(hours=count - at), "asked", detail) for at in range(count)]


def verbs(found: Any) -> list[Verb]:
    """What the buttons of some blocks are for."""
    return [verb for name, _ in offered(found) if (verb := Verb.of_action(name))]


def offered(found: Any) -> list[tuple[str, str]]:
    """The name and the value of every button, and of all that can be chosen from the menus."""
    chosen = [
        pressed(menu | {"selected_option": each}) for menu in pieces(found, "overflow") for each in menu["options"]
    ]
    return [pressed(each) for each in pieces(found, "button")] + chosen


# Slack takes them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize("count", SIZES)
def test_the_board_and_the_home_fit_into_slack_however_many_postings_there_are(count, title):
    site = many(count, title)
    for turn in (Turn(), *(Turn(group, page) for group in Group for page in (0, 99))):
        said = board([site], SIGHT, turn)
        assert flaws(list(said.blocks)) == []
        assert said.text.startswith("Postings: ")
        assert view_flaws(home([site], SIGHT, turn)) == []
        assert view_flaws(as_modal(said, "Postings")) == []


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize("text", [STATE, UPCOMING, OPEN_STATE, CLOSED], ids=["new", "upcoming", "open", "closed"])
def test_every_form_fits_into_slack_whatever_the_posting_is_called(text, title):
    site, posting = one(titled(text, title), pulls=["jobs/harbour-pilot.md"])
    for verb in FORMS:
        view = form(site, posting, verb, told=[title], pull=site.pull(posting), heard_of=1)
        assert view_flaws(view) == []
        carried = Carried.read(view["private_metadata"])
        assert carried is not None
        assert (carried.verb, carried.ref, carried.blob) == (verb, site.ref(posting), site.blob(posting))
        assert (len(carried.lines), carried.pull, carried.heard_of) == (16, 1, 1)
        assert view_flaws(changed(site, posting, carried)) == []


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_every_message_fits_into_slack_whatever_the_posting_is_called(title):
    site, posting = one(titled(UPCOMING, title), pulls=["jobs/harbour-pilot.md"])
    for count in SIZES:
        crowd = tuple(Found(scene_, each) for scene_ in (many(count, title),) for each in scene_.postings)
        for said in (
            show(site, posting, SIGHT),
            history(site, posting, entries(count, title)),
            several(Verb.CLOSE, Search(crowd), SIGHT),
            several(Verb.CLOSE, Search(near=crowd), SIGHT),
            unclear(Command(None, title, offers=(Verb.CLOSE, Verb.OPEN)), Search(crowd[:1]), SIGHT),
            notice(title),
            help_text(),
        ):
            assert flaws(list(said.blocks)) == []
            assert said.text.strip()
            assert view_flaws(as_modal(said, title)) == []


def test_every_view_of_every_real_posting_fits_into_slack():
    if not (SHARED / "corpus/versions").is_dir():
        pytest.skip("The real postings (shared/corpus beside the repository) are not here.")
    files = sorted((SHARED / "corpus/versions").rglob("*.md"))
    texts = {f"jobs/{at}.md": path.read_text("utf-8") for at, path in enumerate(files) if not at % 10}
    for kind in ("jekyll-state", "jekyll-dates"):
        site = scene(texts, kind)
        assert flaws(list(board([site], SIGHT).blocks)) == []
        assert view_flaws(home([site], SIGHT)) == []
        for posting in site.postings:
            assert flaws(list(show(site, posting, SIGHT).blocks)) == []
            for verb in MOVES:
                assert view_flaws(form(site, posting, verb)) == []
        assert len(site.postings) > 20


@pytest.mark.parametrize(("count", "left"), [(60, 0), (120, 43)])
def test_a_form_for_sixty_missing_fields_fits_and_what_does_not_fit_is_counted(count, left):
    lacks = "".join(f"# field_{at}: 'ENTER FIELD {at}'\n" for at in range(count))
    site, posting = one(STATE.replace("# job_announcement_number", f"{lacks}# job_announcement_number"))
    view = form(site, posting, Verb.OPEN)
    assert view_flaws(view) == []
    assert len(view["private_metadata"].encode()) <= 3000
    entered = {block["block_id"] for block in pieces(view, "input")}
    assert sum(block_id.startswith("field:") for block_id in entered) == min(90, count + 13)
    assert (f"{left} more fields are missing." in shown(view)) == bool(left)


def test_a_form_with_more_to_say_than_fits_is_cut_at_its_end():
    site, posting = one(OPEN_STATE)
    view = form(site, posting, Verb.CLOSE, told=["Somebody else is at it."] * 120)
    assert len(view["blocks"]) == 100
    assert view_flaws(view) == []


# Harmless ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_no_title_mentions_links_or_formats_anything(title):
    plain, hostile = (
        one(titled(UPCOMING.replace("'Ana Reis'", quoted(words)), words), pulls=["jobs/harbour-pilot.md"])
        for words in ("x", title)
    )
    for make in (
        lambda site, posting: list(board([site], SIGHT).blocks),
        lambda site, posting: home([site], SIGHT)["blocks"],
        lambda site, posting: list(show(site, posting, SIGHT).blocks),
        lambda site, posting: form(site, posting, Verb.CLOSE, told=[posting.title])["blocks"],
        lambda site, posting: list(several(Verb.OPEN, Search((Found(site, posting),)), SIGHT).blocks),
        lambda site, posting: list(history(site, posting, entries(2, posting.title)).blocks),
        lambda site, posting: list(notice(posting.title).blocks),
    ):
        assert mrkdwn.of_blocks(make(*hostile)) == mrkdwn.of_blocks(make(*plain))
        assert not any("\n" in text and "x" not in text for text in strings(make(*hostile)))


def test_what_changed_is_shown_as_it_is_and_does_nothing():
    evil = "<!channel> ``` <https://evil.example|x> *b*"
    site, posting = one(OPEN_STATE.replace("closes: March 15", "closes: March 14"))
    carried = Carried(Verb.EXTEND, site.ref(posting), "0", was={"closes": evil, "title": evil})
    view = changed(site, posting, carried)
    assert view_flaws(view) == []
    assert not [token for token in mrkdwn.of_blocks(view["blocks"]) if token.startswith("<")]
    assert "March 14" in shown(view)
    [block] = pieces(view, "mrkdwn")
    assert block["text"].count("```") == 2


def test_a_request_by_somebody_with_an_odd_name_is_told_in_plain_words():
    site = scene({"a.md": OPEN_STATE}, requests={"a.md": Wish(Transition.EXTEND, {"closes": "2030-05-01"})})
    request = replace(site.seen.memory.requests[0], by="<!channel>\nrobin")
    said = notice(busy(request, site.zone, Verb.EXTEND))
    assert mrkdwn.of_blocks(list(said.blocks)) == []
    memory = replace(site.seen.memory, requests=(replace(request, by="<!channel> *robin* <https://evil.example|x>"),))
    site = replace(site, seen=replace(site.seen, memory=memory))
    assert mrkdwn.of_blocks(home([site], SIGHT)["blocks"]) == []
    assert "robin" in shown(home([site], SIGHT))
    assert "robin has asked to extend this posting, on Wednesday, March 6, 2030, 10:00 am EST" in said.text


# What they show ------------------------------------------------------------------------------------------------------


def test_each_posting_stands_once_under_what_is_most_pressing_of_it():
    site = scene(
        {
            "jobs/approval.md": titled(OPEN_STATE, "Approval"),
            "jobs/lacking.md": titled(UPCOMING, "Lacking"),
            "jobs/closing.md": titled(OPEN_STATE.replace("March 15", "March 9"), "Closing"),
            "jobs/long.md": titled(OPEN_STATE, "Long"),
            "jobs/someday.md": titled(STATE, "Someday"),
            "jobs/past.md": titled(CLOSED, "Past"),
        },
        pulls=["jobs/approval.md"],
    )
    said = shown(board([site], SIGHT).blocks).splitlines()
    heads = ["Waiting for approval (1)", "Not ready (1)", "Closing within 7 days (1)", "Open (1)", "Upcoming (1)"]
    names = ["Approval · open", "Lacking · upcoming", "Closing · open", "Long · open", "Someday · upcoming"]
    places = [said.index(line) for pair in zip(heads, names, strict=True) for line in pair]
    assert places == sorted(places)
    assert "Closed (1)" in said
    assert "There are 6 (3 open, 2 upcoming, 1 closed)." in said
    assert "Past · closed" in shown(board([site], SIGHT, Turn(Group.CLOSED)).blocks)


def test_an_empty_board_says_so():
    assert "There are no postings that you may see." in shown(board([scene({})], SIGHT).blocks)
    assert "There are no postings that you may see." in shown(board([many(40)], BLIND).blocks)
    assert pieces(home([many(40)], BLIND), "button") == []


@pytest.mark.parametrize("count", [40, 400])
def test_every_posting_is_reached_by_the_buttons_of_the_board_and_how_many_are_left_out_is_said(count):
    site = many(count)
    for first in (board([site], SIGHT).blocks, home([site], SIGHT)["blocks"]):
        reached: set[str] = set()
        ways = {each["value"] for each in pieces(first, "button") if each["action_id"].startswith("turn:")}
        walked = {Turn().value}
        while ways - walked:
            way = min(ways - walked)
            walked.add(way)
            blocks = board([site], SIGHT, Turn.of_value(way)).blocks
            if Turn.of_value(way).group:
                ways |= {each["value"] for each in pieces(blocks, "button") if each["action_id"].startswith("turn:")}
                reached |= {value for name, value in offered(blocks) if name == "do:show"}
        shown_at_once = {value for name, value in offered(first) if name == "do:show"}
        assert reached | shown_at_once == {site.ref(posting) for posting in site.postings}
    upcoming = board([site], SIGHT, Turn(Group.UPCOMING)).blocks
    assert "more" in shown(upcoming) or count == 40


@pytest.mark.parametrize("text", [STATE, OPEN_STATE, CLOSED], ids=["upcoming", "open", "closed"])
@pytest.mark.parametrize("rights", [*((each,) for each in Action), (), (Action.EXTEND, Action.REOPEN)])
def test_a_button_is_there_exactly_where_the_person_may_and_the_life_cycle_allows(text, rights):
    site, posting = one(text, pulls=["jobs/harbour-pilot.md"])
    sight = Sight(lambda action, _: action in (Action.SEE, *rights))
    allowed = {
        STATE: {"open", "close", "extend", "postpone", "withdraw"},
        OPEN_STATE: {"close", "extend", "postpone", "withdraw"},
        CLOSED: {"reopen", "extend"},
    }[text] | {"approve"}
    expected = allowed & {right.value for right in rights}
    if text is CLOSED and rights == (Action.EXTEND,):  # to extend what has closed is to open it again
        expected = set()
    for blocks in (home([site], sight)["blocks"], show(site, posting, sight).blocks):
        assert {verb.value for verb in verbs(blocks)} - {"show", "history"} == expected


@pytest.mark.parametrize("count", [1, 40, 400])
def test_each_posting_of_the_board_has_two_buttons_at_most_and_a_menu_of_the_rest(count):
    rows = [row for row in pieces(board([many(count)], SIGHT).blocks, "actions") if verbs(row)]
    rows += [row for row in pieces(home([many(count)], SIGHT)["blocks"], "actions") if verbs(row)]
    assert rows or count == 1
    for row in rows:
        kinds = [each["type"] for each in row["elements"]]
        assert kinds in (["button"], ["button"] * 2, ["button", "overflow"], ["button"] * 2 + ["overflow"])
        assert Verb.SHOW in verbs(row)


def test_what_fits_into_no_menu_is_there_where_the_posting_is_shown():
    world = Values(policy(MergeWhen.WHEN_DUE), now=NOW)
    world.write("jobs/pilot.md", UPCOMING)
    site = Scene("", world.seen, make_plan(world.seen, NOW, world.policy), world.policy, VOICE, NOW)
    pull = pull_of(1, "jobs/pilot.md")
    site = replace(site, seen=replace(site.seen, snapshot=replace(site.seen.snapshot, pulls=(pull,))))
    [posting] = site.postings
    here, there = verbs(board([site], SIGHT).blocks), verbs(show(site, posting, SIGHT).blocks)
    assert here[:2] == [Verb.APPROVE, Verb.SHOW]
    assert set(here) - {Verb.SHOW} <= set(there)
    assert set(there) == {verb for verb in MOVES if verb in there} | {Verb.APPROVE, Verb.HISTORY}


def test_who_decides_on_a_pull_request_sees_its_lines_and_whether_they_are_those_of_the_card():
    world = Values(policy(MergeWhen.WHEN_DUE), now=NOW)
    world.write("jobs/pilot.md", OPEN_STATE.replace("March 15", "March 7"))
    world.take(world.plan().steps)
    site = Scene("", world.seen, world.plan(), world.policy, VOICE, NOW)
    [posting] = site.postings
    [value] = [value for name, value in offered(board([site], SIGHT).blocks) if name == "do:approve"]
    same = lines_named(value)
    assert (named(value), len(same)) == ((site.ref(posting), 1), 16)
    for verb in (Verb.APPROVE, Verb.CHANGES, Verb.SNOOZE):
        for seen, told in ((same, False), ("", False), ("0f1e2d3c4b5a6978", True)):
            view = form(site, posting, verb, pull=site.pull(posting), seen=seen)
            assert view_flaws(view) == []
            assert "-state: open\n+state: closed" in shown(view)
            assert ("The lines have changed since the card was written" in shown(view)) is told


def test_the_home_shows_state_dates_gaps_pull_request_and_who_asked():
    asked = {"jobs/pilot.md": Wish(Transition.EXTEND, {"closes": "2030-05-01"})}
    site = scene({"jobs/pilot.md": UPCOMING, "jobs/far.md": STATE}, pulls=["jobs/pilot.md"], requests=asked)
    said = shown(home([site], SIGHT))
    assert "Harbour Pilot · upcoming" in said
    assert "Opens: Wednesday, March 20, 2030, 9:00 am EDT" in said
    assert "Closes: Friday, March 29, 2030, 11:59 pm EDT" in said
    assert "Missing: job_announcement_number, apply_url" in said
    assert "<https://github.com/agency/site/pull/1|Pull request #1>: waits for approval" in said
    assert "robin asked to extend, Wednesday, March 6, 2030, 10:00 am EST" in said
    assert site.ref(site.postings[0]) not in json.dumps(home([site], SIGHT)["blocks"][:6])


def test_an_address_that_is_none_is_no_link():
    site, posting = one(OPEN_STATE)
    pull = replace(pull_of(1, posting.path), url="javascript:alert(1)|<x>")
    site = replace(site, seen=replace(site.seen, snapshot=replace(site.seen.snapshot, pulls=(pull,))))
    assert "Pull request #1: waits for approval" in shown(show(site, posting, SIGHT).blocks)


def test_a_held_plan_is_said_on_the_board():
    site = many(40)
    assert site.plan is not None
    held = replace(site, plan=replace(site.plan, held=Held("Many moves: 40 postings would move at once.", "0")))
    assert "Many moves: 40 postings would move at once." in shown(board([held], SIGHT).blocks)


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize(("merge", "waits"), [(MergeWhen.AUTO, False), (MergeWhen.WHEN_DUE, True)])
def test_what_merges_by_itself_waits_for_nobody_also_while_nothing_moves(merge, waits, is_held):
    world = Values(policy(merge), now=NOW)
    world.write("jobs/pilot.md", OPEN_STATE.replace("March 15", "March 7"))
    world.take(world.plan().steps)
    world.seen = replace(world.seen, memory=replace(world.seen.memory, last_tick=NOW))
    assert [pull.status for pull in world.pulls()] == ["open"]
    now = NOW - timedelta(days=1) if is_held else NOW
    plan = make_plan(world.seen, now, world.policy)
    assert bool(plan.held) is is_held
    site = Scene("", world.seen, plan, world.policy, VOICE, now)
    said = shown(board([site], SIGHT).blocks)
    assert ("Waiting for approval (1)" in said) is waits
    assert (Verb.APPROVE in verbs(board([site], SIGHT).blocks)) is waits


def test_help_fits_on_a_phone():
    [block] = pieces(help_text().blocks, "mrkdwn")
    rows = block["text"].splitlines()
    assert len(rows) <= 12
    assert max(map(len, rows)) <= 65


def test_a_long_past_says_how_much_of_it_is_left_out():
    site, posting = one(OPEN_STATE)
    said = shown(history(site, posting, entries(400)).blocks)
    assert "380 older entries are left out" in said
    assert "Wednesday, March 6, 2030, 9:00 am EST. asked: by robin" in said


def test_the_past_tells_by_which_channel_something_was_announced_and_nobodys_address():
    site, posting = one(OPEN_STATE)
    by_mail = [f"opened to {name}@lists.example by email: Accepted for {name}@lists.example." for name in "abc"]
    details = [*by_mail, "opened to C024BE91L by slack: Posted.", "Ann Ryder (U024ANN00) asked to close (cap reached)."]
    past = [
        Entry(NOW, "sent" if " by " in detail else "asked", detail)
        for detail in (*details, "moved to tears by all: it is no message")
    ]
    rows = shown(history(site, posting, past).blocks).splitlines()[1:]
    assert [row.partition(" EST. ")[2] for row in rows] == [
        "sent: moved to tears by all: it is no message",
        "asked: Ann Ryder asked to close (cap reached).",
        "sent: opened, to 1 by slack",
        "sent: opened, to 3 by email",
    ]


def test_several_postings_of_a_name_are_offered_and_the_rest_is_counted():
    site = many(40)
    found = tuple(Found(site, each) for each in site.postings)
    said = several(Verb.CLOSE, Search(found), SIGHT)
    assert verbs(said.blocks) == [Verb.CLOSE] * 10
    assert "30 more fit, too. Type more of the name." in shown(said.blocks)
    assert "There is no posting of that name." in several(Verb.CLOSE, Search(), SIGHT).text


# Names that come back ------------------------------------------------------------------------------------------------


def test_a_posting_is_found_by_its_ref_and_by_nothing_else():
    site = many(40)
    for posting in site.postings:
        found = found_by([site], site.ref(posting), SIGHT)
        assert found is not None
        assert found.posting is posting
        assert len(found.ref) == 16
    for odd in ("", "jobs/pilot-1.md", "../x", "é", "\ud800", "0" * 16):
        assert found_by([site], odd, SIGHT) is None
    assert found_by([site], site.ref(site.postings[0]), BLIND) is None
    assert ref_of("one", "a.md") != ref_of("", "a.md")


@pytest.mark.parametrize("value", ["", "x", "OPEN/-1", "OPEN/9999999999", "NONE/2", "OPEN/\u0663", "/"])
def test_an_odd_turn_is_one_that_exists(value):
    site = many(40)
    assert flaws(list(board([site], SIGHT, Turn.of_value(value)).blocks)) == []
    assert Turn.of_value(Turn(Group.OPEN, 3).value) == Turn(Group.OPEN, 3)


def test_a_value_names_a_posting_and_perhaps_a_pull_request():
    assert named("0123/17") == ("0123", 17)
    assert [named(odd) for odd in ("0123", "0123/", "0123/x", "0123/\u0663", "0123/99999999999")] == [("0123", 0)] * 5
    assert named("0123/17/0f1e") == ("0123", 17)
    assert [lines_named(each) for each in ("0123/17/0f1e", "0123/17", "0123", "")] == ["0f1e", "", "", ""]


@pytest.mark.parametrize(
    ("action", "means"),
    [
        ({"action_id": "do:close", "value": "0123"}, ("do:close", "0123")),
        ({"action_id": "more", "selected_option": {"value": "do:extend 0123"}}, ("do:extend", "0123")),
        ({"action_id": "do:close", "selected_option": {"value": "do:extend 0123"}}, ("do:close", "")),
        ({"action_id": "more", "selected_option": {"value": "do:extend"}}, ("do:extend", "")),
        ({"action_id": "more", "selected_option": None}, ("more", "")),
        ({"action_id": "more", "selected_option": "x"}, ("more", "")),
        ({}, ("", "")),
    ],
)
def test_what_is_chosen_from_a_menu_comes_back_as_if_its_button_had_been_pressed(action, means):
    assert pressed(action) == means


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"verb":"open"}', '{"verb":"x","ref":"","blob":""}', "\ud800"]
)
def test_what_we_have_not_carried_is_not_read(text):
    assert Carried.read(text) is None


def test_what_is_carried_comes_back_and_drops_what_the_fields_held_before_anything_else():
    wish = Wish(Transition.EXTEND, {"closes": "2030-05-01", "t": "é" * 900}, "why")
    carried = Carried(Verb.EXTEND, "0" * 16, "f" * 40, "a" * 16, 7, 3, wish, {"closes": "March 15"})
    assert Carried.read(carried.write()) == carried
    full = replace(carried, was={str(at): "x" * 60 for at in range(60)})
    assert Carried.read(full.write()) == replace(carried, was={})
    assert len(full.write().encode()) <= 3000


# Confirmed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_shows_exactly_the_lines_that_change_and_who_is_told(kind):
    profile, text = KINDS[kind]
    text = OPEN_STATE if kind == "state" else text
    site, posting = one(text, profile)
    wish = Wish(Transition.CLOSE, reason=CloseReason.CAP_REACHED)
    carried = Carried(Verb.CLOSE, site.ref(posting), site.blob(posting), heard_of=3)
    view = summary(site, posting, wish, carried)
    assert view_flaws(view) == []
    [code] = pieces(view, "mrkdwn")
    assert {
        "state": "-state: open\n+state: closed",
        "dates": "+closed_on: 2030-03-06",
        "hugo": "-expirydate: 2030-03-15\n+expirydate: 2030-03-06",
    }[kind] in code["text"]
    assert "Closed early: " in shown(view)
    assert Carried.read(view["private_metadata"]) == replace(carried, wish=wish)
    assert view["submit"]["text"] == "Confirm"


def test_before_postbot_speaks_to_the_public_the_summary_says_that_only_the_team_hears():
    for released in (frozenset(), frozenset({"public"})):
        site, posting = one(OPEN_STATE, memory={"released": released})
        carried = Carried(Verb.CLOSE, site.ref(posting), site.blob(posting))
        said = shown(summary(site, posting, Wish(Transition.CLOSE, reason="filled"), carried))
        assert ("Closed early: openings@lists.agency.example by email." in said) == bool(released)
        assert ("Only the team, until postbot speaks to the public." in said) != bool(released)


def test_a_summary_counts_the_lines_that_do_not_fit():
    fields = {f"field_{at}": "<" * 450 for at in range(40)}
    lacks = "".join(f"# {key}: 'ENTER FIELD'\n" for key in fields)
    site, posting = one(STATE.replace("# job_announcement_number", f"{lacks}# job_announcement_number"))
    view = summary(site, posting, Wish(Transition.EXTEND, {"closes": "2030-05-01"} | fields), _carried(site, posting))
    assert view_flaws(view | {"private_metadata": ""}) == []
    [code] = pieces(view, "mrkdwn")
    assert "more lines\n```" in code["text"]
    assert "… and " in code["text"]


def _carried(site: Any, posting: Posting) -> Carried:
    return Carried(Verb.EXTEND, site.ref(posting), site.blob(posting))


def test_of_a_posting_that_has_changed_the_summary_of_the_change_is_shown_and_one_may_begin_again():
    site, posting = one(OPEN_STATE)
    carried = Carried.read(form(site, posting, Verb.EXTEND)["private_metadata"])
    assert carried is not None
    later, now = one(OPEN_STATE.replace("March 15", "March 22"))
    assert later.blob(now) != carried.blob
    view = changed(later, now, carried)
    said = shown(view)
    assert "closes: March 15, 2030, 11:59 pm EDT has become March 22, 2030, 11:59 pm EDT" in said
    [again] = pieces(view, "button")
    assert (Verb.of_action(again["action_id"]), again["value"]) == (Verb.EXTEND, later.ref(now))
    other, same = one(OPEN_STATE.replace("Ana Reis", "Bo Reis"))
    assert "Something else in the file has changed" in shown(changed(other, same, carried))

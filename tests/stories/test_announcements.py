"""What is said, to whom, in which order, and what is not said: judged by the files that the folder channel leaves."""

import json
from email.message import EmailMessage
from pathlib import Path

import pytest
from icalendar import Calendar

from postbot.core.announce import Event
from postbot.core.announce.words import RELEASE
from postbot.ledger import DeliveryStatus
from tests.world import CONFIG, World

AUTO = CONFIG.replace("merge: when-due", "merge: auto").replace(
    "routes:", "  extend: {{merge: auto}}\n  postpone: {{merge: auto}}\nroutes:"
)
SOON = AUTO.replace("soon: {{closing: []}}", "soon: {{opening: [2 days], closing: [3 days, 1 day]}}")
MARCH = {"opens": "March 9, 2026, 8:00 am EDT", "closes": "March 20, 2026, 11:59 pm EDT"}
PILOT_OPENS, PILOT_CLOSES = "2026-03-09T08:00", "2026-03-20T23:59"


def begun(folder: Path, config: str = AUTO, **words: str) -> World:
    """A site that postbot has looked at for the first time, with one posting that opens in March."""
    world = World(folder, config=config)
    world.write("pilot", **(MARCH | words))
    world.write("baker")
    world.tick()
    return world


def opened(folder: Path, config: str = AUTO) -> World:
    world = begun(folder, config)
    world.tick(PILOT_OPENS)
    assert world.said() == ["Pilot: now open"]
    return world


def entry(mail: EmailMessage) -> dict[str, object]:
    """The one event of a mail's calendar, by its properties, and the method."""
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    whole = Calendar.from_ical(part.get_content())
    [event] = whole.walk("VEVENT")
    return {name: event.get(name) for name in ("UID", "SEQUENCE", "STATUS", "DTSTART")} | {"METHOD": whole["METHOD"]}


# To the team only ----------------------------------------------------------------------------------------------------


def test_a_new_installation_speaks_to_the_team_only_until_a_person_releases_it(tmp_path: Path) -> None:
    world = World(tmp_path, config=AUTO, released=False)
    world.write("pilot", **MARCH)
    world.tick()
    world.tick(PILOT_OPENS)
    assert world.said() == []
    assert world.asked() == ["Pilot: now open"]
    assert "Only the team hears this" in world.read("Pilot: now open")
    assert "folder:openings@list.example" in world.read("Pilot: now open")
    assert f"postbot release {RELEASE}" in world.read("Pilot: now open")

    world.bot.ledger.release(RELEASE, "robin", world.now)
    world.tick("2026-03-09T09:00")
    assert world.said() == [], "what was said to the team is not said again"
    world.tick(PILOT_CLOSES)
    assert world.said() == ["Pilot: closed"]


def test_a_lost_ledger_announces_nothing_and_speaks_to_the_team_only_again(tmp_path: Path) -> None:
    world = opened(tmp_path)
    world.bot.ledger.close()
    for file in (tmp_path / ".postbot").glob("ledger.db*"):
        file.unlink()
    world.restart()
    world.tick("2026-03-10T08:00")
    assert world.said() == ["Pilot: now open"]
    world.tick(PILOT_CLOSES)
    assert world.said() == ["Pilot: now open"]
    assert world.asked()[-1] == "Pilot: closed"


def test_whom_only_the_posting_names_hears_nothing_before_the_release_and_a_list_is_no_team(tmp_path: Path) -> None:
    more = (
        "  - {{to: 'folder:{{contact_email}}', hear: everything}}\n  - {{to: 'folder:list', hear: [opened, missed]}}\n"
    )
    world = World(tmp_path, config=AUTO.replace("routes:\n", f"routes:\n{more}"), released=False)
    world.write("pilot", **MARCH)
    world.write("cook", **MARCH)
    world.change("cook", "apply_url: https", "# apply_url: APPLICATION URL https")
    world.tick()
    world.tick(PILOT_OPENS)
    assert (world.said("jobs@agency.example"), world.said("list"), world.said()) == ([], [], [])
    assert "Pilot: now open" in world.asked()
    assert "Cook: cannot open" in world.asked()


# Ahead ---------------------------------------------------------------------------------------------------------------


def test_those_who_follow_hear_before_it_opens_and_before_it_closes_each_once(tmp_path: Path) -> None:
    world = begun(tmp_path, SOON)
    world.tick("2026-03-07T07:59")
    assert world.said() == []
    for when in ("2026-03-07T08:00", "2026-03-07T08:05", "2026-03-08T08:00", PILOT_OPENS, "2026-03-17T23:58"):
        world.tick(when)
    assert world.said() == ["Pilot: opening soon", "Pilot: now open"]
    for when in ("2026-03-17T23:59", "2026-03-18T08:00", "2026-03-19T23:59", "2026-03-20T08:00", PILOT_CLOSES):
        world.tick(when)
    assert world.said()[2:] == ["Pilot: closing soon", "Pilot: closing soon", "Pilot: closed"]


def test_after_a_pause_only_the_latest_is_told_and_nothing_of_what_has_passed(tmp_path: Path) -> None:
    world = begun(tmp_path, SOON)
    world.tick(PILOT_OPENS)
    world.tick("2026-03-20T12:00")
    assert world.said() == ["Pilot: now open", "Pilot: closing soon"]
    world.write("cook", opens="2026-03-21", closes="2026-03-30")
    world.tick("2026-03-20T13:00")
    world.tick("2026-04-02T08:00")
    assert "Cook: opening soon" in world.said()
    assert not {"Cook: now open", "Cook: closing soon"} & set(world.said()), "both passed: straight to closed"


def test_who_has_just_heard_the_date_is_not_told_that_it_comes_soon(tmp_path: Path) -> None:
    world = begun(tmp_path, SOON, opens="March 18, 2026, 8:00 am EDT")
    world.tick("2026-03-18T08:00")
    assert world.said() == ["Pilot: now open"]
    world.tick("2026-03-18T09:00")
    assert world.said() == ["Pilot: now open"]
    world.ask("pilot", "extend", closes="2026-03-21T12:00")
    world.tick("2026-03-19T09:00")
    world.tick("2026-03-19T10:00")
    assert world.said() == ["Pilot: now open", "Pilot: more time to apply"]
    world.tick("2026-03-20T12:00")
    assert world.said()[2:] == ["Pilot: closing soon"]


def test_an_opening_in_doubt_is_not_announced_ahead(tmp_path: Path) -> None:
    world = World(tmp_path, config=SOON)
    world.write("pilot", **MARCH)
    world.change("pilot", "apply_url: https", "# apply_url: APPLICATION URL https")
    world.tick()
    world.tick("2026-03-08T08:00")
    assert world.said() == []
    assert world.asked() == ["Pilot: not ready to open"]


@pytest.mark.parametrize(
    ("old", "new", "subject"),
    [
        ("opens: March 9", "opens: March 12", "Pilot: postponed"),
        ("opens: March 9, 2026, 8:00 am EDT", "opens: TBD", "Pilot: postponed"),
        ("state: upcoming", "state: closed", "Pilot: will not open"),
    ],
)
def test_who_waits_for_an_opening_hears_what_becomes_of_it(tmp_path: Path, old: str, new: str, subject: str) -> None:
    world = begun(tmp_path, SOON)
    world.tick("2026-03-07T08:00")
    assert world.said() == ["Pilot: opening soon"]
    world.change("pilot", old, new)
    world.tick("2026-03-07T09:00")
    assert world.said() == ["Pilot: opening soon", subject]


def test_the_staff_hear_that_an_opening_was_missed_and_those_who_waited_for_it_that_it_will_not_be(
    tmp_path: Path,
) -> None:
    world = begun(tmp_path, SOON)
    world.tick("2026-03-07T08:00")
    world.tick("2026-03-25T08:00")
    assert world.said() == ["Pilot: opening soon", "Pilot: will not open"]
    assert world.asked() == ["Pilot: never opened"]


def test_what_the_first_look_noted_or_only_the_team_heard_is_put_off_without_a_word(tmp_path: Path) -> None:
    for folder, released, first in (("noted", True, "2026-03-07T09:00"), ("team", False, "2026-03-02T09:00")):
        world = World(tmp_path / folder, config=SOON, released=released)
        world.write("pilot", **MARCH)
        world.write("baker")
        world.tick(first)
        world.tick("2026-03-07T10:00")
        world.bot.ledger.release(RELEASE, "robin", world.now)
        world.change("pilot", "opens: March 9", "opens: March 12")
        world.tick("2026-03-07T11:00")
        assert world.said() == [], folder


def test_an_opening_that_nobody_was_told_of_is_put_off_without_a_word(tmp_path: Path) -> None:
    world = begun(tmp_path, SOON)
    world.change("pilot", "opens: March 9", "opens: March 12")
    world.tick("2026-03-03T09:00")
    assert world.said() == []


# Threads and calendars -----------------------------------------------------------------------------------------------


def test_later_news_reply_to_the_first_mail_of_the_opening_also_under_another_name(tmp_path: Path) -> None:
    world = opened(tmp_path)
    world.rename("pilot", "harbour-pilot")
    world.tick("2026-03-10T08:00")
    world.ask("harbour-pilot", "extend", closes="2026-03-27")
    world.tick("2026-03-11T08:00")
    world.tick("2026-03-28T08:00")
    first, second, third = [mail for mail in world.mail() if mail["To"] == "openings@list.example"]
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == third["In-Reply-To"] == first["Message-ID"]
    assert len({mail["Message-ID"] for mail in world.mail()}) == len(world.mail())


def test_the_deadline_in_the_calendar_moves_with_an_extension_and_is_cancelled_by_an_early_close(
    tmp_path: Path,
) -> None:
    world = opened(tmp_path)
    world.ask("pilot", "extend", closes="2026-03-27")
    world.tick("2026-03-11T08:00")
    world.ask("pilot", "close", reason="filled")
    world.tick("2026-03-12T08:00")
    first, second, third = (entry(mail) for mail in world.mail() if mail["To"] == "openings@list.example")
    assert first["UID"] == second["UID"] == third["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"] < third["SEQUENCE"]  # type: ignore[operator]
    assert [each["METHOD"] for each in (first, second, third)] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert third["STATUS"] == "CANCELLED"
    assert second["DTSTART"].dt > first["DTSTART"].dt  # type: ignore[attr-defined]


def test_used_again_months_later_a_posting_begins_a_thread_of_its_own(tmp_path: Path) -> None:
    world = opened(tmp_path)
    world.tick("2026-03-21T08:00")
    world.write("pilot", opens="June 1, 2026, 8:00 am EDT", closes="June 12, 2026, 11:59 pm EDT")
    world.tick("2026-05-20T08:00")
    world.tick("2026-06-01T08:00")
    again = world.mail()[-1]
    assert (again["Subject"], again["In-Reply-To"]) == ("Pilot: open again", None)


# Stale news ----------------------------------------------------------------------------------------------------------


def block(world: World) -> Path:
    """Put a file where the folder channel wants its folder, so that nothing can be sent."""
    folder = world.folder / ".postbot" / "announcements"
    if folder.is_dir():
        folder.rename(folder.with_name("before"))
    folder.write_text("in the way")
    return folder


def test_no_now_open_for_a_closed_position(tmp_path: Path) -> None:
    """The channel is down from before the opening until after an early close."""
    world = begun(tmp_path)
    folder = block(world)
    world.tick(PILOT_OPENS)
    world.ask("pilot", "close", reason="filled")
    world.tick("2026-03-11T08:00")
    folder.unlink()
    world.tick("2026-03-12T08:00")
    assert world.said() == ["Pilot: closed early"]
    statuses = {each.message.event: each.status for each in world.bot.ledger.deliveries()}
    assert statuses[Event.OPENED] is DeliveryStatus.EXPIRED


def test_what_waits_goes_out_in_the_order_in_which_it_happened(tmp_path: Path) -> None:
    world = begun(tmp_path)
    folder = block(world)
    world.tick(PILOT_OPENS)
    world.ask("pilot", "extend", closes="2026-03-27")
    world.tick("2026-03-09T08:02")
    folder.unlink()
    world.tick("2026-03-09T08:04")
    assert world.said() == [], "the first one waits for its next try, and the second one for the first"
    world.tick("2026-03-09T12:00")
    assert world.said() == ["Pilot: now open", "Pilot: more time to apply"]


UNDELIVERED = "1 message held for a person"


def test_a_date_that_moves_there_and_back_is_told_each_time(tmp_path: Path) -> None:
    world = opened(tmp_path)
    for old, new in (("20", "27"), ("27", "20"), ("20", "27"), ("27", "20"), ("20", "18")):
        world.change("pilot", f"closes: March {old}", f"closes: March {new}")
        world.advance(minutes=5)
    moved = ["Pilot: more time to apply", "Pilot: closing date corrected"]
    assert world.said() == ["Pilot: now open", *moved, *moved, moved[1]]


def test_a_position_that_is_open_again_is_not_called_closed_afterwards(tmp_path: Path) -> None:
    world = opened(tmp_path)
    folder = block(world)
    world.change("pilot", "state: open", "state: closed")
    world.advance(minutes=5)
    folder.unlink()
    world.change("pilot", "state: closed", "state: open")
    world.advance(seconds=20)
    world.advance(hours=1)
    assert world.said()[-1] == "Pilot: open again"
    assert "Pilot: closed early" not in world.said()


def test_a_position_whose_file_has_gone_is_not_called_open(tmp_path: Path) -> None:
    world = begun(tmp_path)
    folder = block(world)
    world.tick(PILOT_OPENS)
    world.remove("pilot")
    world.advance(minutes=30)
    folder.unlink()
    world.advance(hours=2)
    assert (world.said(), world.asked()) == ([], ["Pilot: gone from the site"])


def test_a_file_that_comes_back_as_it_was_is_no_news_and_each_going_is_told(tmp_path: Path) -> None:
    world = opened(tmp_path)
    text = world.text("pilot")
    for _ in range(2):
        world.remove("pilot")
        world.advance(minutes=5)
        world.write("pilot", text)
        world.advance(minutes=5)
    assert world.said() == ["Pilot: now open"]
    assert world.asked() == ["Pilot: gone from the site"] * 2
    world.tick(PILOT_CLOSES)
    first, last = [mail for mail in world.mail() if mail["To"] == "openings@list.example"]
    assert last["In-Reply-To"] == first["Message-ID"]


def test_a_file_made_anew_under_an_old_name_begins_a_thread_of_its_own(tmp_path: Path) -> None:
    world = opened(tmp_path)
    world.remove("pilot")
    world.advance(minutes=5)
    world.write("pilot", opens="March 8, 2027, 8:00 am EST", closes="March 19, 2027, 11:59 pm EDT")
    world.tick("2027-01-10T08:00")
    world.tick("2027-03-08T08:00")
    assert world.said() == ["Pilot: now open"] * 2
    assert world.mail()[-1]["In-Reply-To"] is None
    assert entry(world.mail()[-1])["UID"] != entry(world.mail()[0])["UID"]


def test_while_a_plan_is_held_nothing_more_is_said_to_the_public(tmp_path: Path) -> None:
    world = begun(tmp_path)
    folder = block(world)
    world.tick(PILOT_OPENS)
    folder.unlink()
    for slug in ("pilot", "baker"):
        (world.repo / world.path(slug)).unlink()
    world.commit("Everything is gone")
    report = world.advance(minutes=10)
    assert report.plan.held is not None
    assert (world.said(), world.asked()) == ([], ["Held: postbot does nothing until somebody looks"])


def test_words_of_ones_own_that_fail_for_one_posting_silence_neither_it_nor_the_others(tmp_path: Path) -> None:
    words = tmp_path / "words" / "opened"
    words.mkdir(parents=True)
    (words / "subject.txt").write_text(
        "{{ title }}: open{% if fields.months %} for {{ 12 // (fields.months|int) }}{% endif %}"
    )
    world = begun(tmp_path, AUTO.replace("soon:", "words: words\nsoon:"))
    world.write("cook", **MARCH)
    world.change("cook", "location:", "months: '0'\nlocation:")
    world.tick(PILOT_OPENS)
    assert sorted(world.said()) == ["Cook: now open", "Pilot: open"]
    [odd] = [each for each in world.bot.ledger.deliveries() if each.message.slug == "cook"]
    assert "The words for opened cannot be used" in odd.message.why


# What could not be said ----------------------------------------------------------------------------------------------


def test_a_message_that_is_given_up_is_told_to_the_staff_once_and_can_be_sent_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = AUTO.replace("routes:", "routes:\n  - {{to: 'apprise:teams', hear: [opened]}}").replace(
        "soon:", "apprise: [teams]\nsoon:"
    )
    world = begun(tmp_path, AUTO)
    (tmp_path / "postbot.yaml").write_text(config.format(**vars(world)) + world.people.settings)
    monkeypatch.setenv("POSTBOT_APPRISE_TEAMS", "nosuch://service")
    world.restart()
    world.tick(PILOT_OPENS)
    assert world.said() == ["Pilot: now open"], "one channel's fault is nobody else's"
    world.tick("2026-03-09T08:05")
    assert world.asked() == [UNDELIVERED]
    assert "apprise:teams" in world.read(UNDELIVERED)
    for when in ("2026-03-09T08:10", "2026-03-10T08:10"):
        world.tick(when)
    assert world.asked() == [UNDELIVERED]
    [held] = world.bot.ledger.deliveries(held_only=True)
    world.bot.ledger.resend(held.number, "robin", world.now)
    world.tick("2026-03-10T08:15")
    world.tick("2026-03-10T08:20")
    assert world.asked() == [UNDELIVERED] * 2


# Routes --------------------------------------------------------------------------------------------------------------

ROUTED = AUTO.replace(
    'routes:\n  - {{to: "folder:openings@list.example", hear: public}}',
    'routes:\n  - {{to: "folder:openings@list.example", hear: public, where: {{location: [portland*, denver*]}}}}\n'
    "  - {{to: 'folder:{{contact_email}}', hear: [opened, closed]}}\n"
    "  - {{to: 'folder:south', hear: public, where: {{LOCATION: austin*}}}}",
)


def test_who_hears_is_decided_by_the_fields_of_the_posting(tmp_path: Path) -> None:
    world = opened(tmp_path, ROUTED)
    assert world.said("jobs@agency.example") == ["Pilot: now open"]
    assert world.said("south") == []
    found = next((tmp_path / ".postbot" / "announcements").glob("*-opened-*.json"))
    assert "location is Denver, CO" in json.loads(found.read_text())["why"] or "contact_email" in found.read_text()


# In the pull request -------------------------------------------------------------------------------------------------


def test_the_pull_request_shows_what_is_announced_to_whom_and_why(tmp_path: Path) -> None:
    world = begun(tmp_path, AUTO.replace("merge: auto", "merge: review", 1))
    world.tick("2026-03-06T08:00")
    [pull] = world.pulls()
    assert "`folder:openings@list.example`" in pull.body
    assert "`postbot.yaml line" in pull.body
    assert "Pilot: now open" in pull.body


# The audit -----------------------------------------------------------------------------------------------------------


def test_every_act_on_the_host_and_every_message_has_its_entry_and_the_chain_is_whole(tmp_path: Path) -> None:
    world = opened(tmp_path)
    world.ask("pilot", "close", reason="filled", by="ada")
    world.tick("2026-03-11T08:00")
    rows = world.bot.ledger.audit()
    for pull in world.pulls(None):
        about = [row.what for row in rows if row.key == pull.branch]
        assert {"proposing", "proposed", "merging", "merged"} <= set(about)
    assert {row.by for row in rows if "/close/" in row.key} == {"ada"}
    keys = {mail["X-Postbot-Key"].replace(" ", "") for mail in world.mail()}
    assert keys <= {row.key.replace(" ", "") for row in rows if row.what == "sent"}
    assert world.bot.ledger.verify().whole

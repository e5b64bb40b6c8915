"""Who people in Slack are to postbot: full members by their roles, and nobody else, and nobody at all while it is silent."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from postbot import steady
from postbot.channels.slack import client
from postbot.config import shipped_profiles
from postbot.core.plan.rights import Action, Person, Role
from postbot.core.posting import Posting, read_posting
from postbot.core.site import Path as SitePath
from postbot.roster import KEPT, SILENT, SULKS, Refused, Roster, Workspace
from tests.twins.slack.client import SlackTwin
from tests.world import NEW_YORK, READY

HR, ADA, BEN = "S0HRTEAM", "U0ADA1", "U0BEN1"
TWO_SECONDS = timedelta(seconds=2)


@pytest.fixture(scope="module")
def running() -> Iterator[SlackTwin]:
    with SlackTwin.start() as twin:
        yield twin


@pytest.fixture
def twin(running: SlackTwin) -> SlackTwin:
    running.forget()
    running.user(ADA, "ada@agency.example", real_name="Ada Lovelace")
    running.user(BEN, "ben@agency.example", real_name="Ben")
    running.group(HR, ADA)
    running.scopes("users:read", "users:read.email", "usergroups:read")
    return running


def posting(path: str = "positions/baker.md") -> Posting:
    text = READY.format(title="Baker", slug="baker", state="upcoming", opens="tbd", closes="tbd")
    found = read_posting(SitePath(path), text.encode(), shipped_profiles()["jekyll-state"], NEW_YORK)
    assert isinstance(found, Posting)
    return found


def roster(twin: SlackTwin, *roles: Role, two_people: bool = False, **people: str) -> Roster:
    return Roster(workspace(twin), roles, people, two_people)


def workspace(twin: SlackTwin, clock: Sequence[float] = ()) -> Workspace:
    """What the workspace says; by a clock of the test's own where it has one."""
    now = (lambda: clock[0]) if clock else steady.seconds
    return Workspace(client(twin.token, twin.url, TWO_SECONDS), now)


def role(who: str, *may: Action, **where: str) -> Role:
    return Role(frozenset({who}), frozenset(may), {name: (pattern,) for name, pattern in where.items()})


def words(found: Refused | None) -> str:
    return found.words if found else ""


def test_a_member_of_a_group_may_what_the_group_may_and_nothing_else(twin: SlackTwin):
    people = roster(twin, role(HR, Action.CLOSE))
    assert people.person(ADA) == Person(ADA, "Ada Lovelace", frozenset({HR}))
    assert people.vet(ADA, Action.CLOSE, posting()) is None
    assert people.vet(ADA, Action.SEE, posting()) is None
    assert "You may not open Baker." in words(people.vet(ADA, Action.OPEN, posting()))
    assert "You may not close this posting." in words(people.vet(BEN, Action.CLOSE, posting()))


def test_a_role_is_for_the_postings_that_it_names(twin: SlackTwin):
    people = roster(twin, role(ADA, *Action, path="positions/*"), role(BEN, *Action, Contact_Email="*@OTHER.example"))
    assert people.vet(ADA, Action.CLOSE, posting()) is None
    assert people.vet(ADA, Action.CLOSE, posting("elsewhere/baker.md"))
    assert people.vet(BEN, Action.CLOSE, posting())


def test_everybody_means_every_full_member(twin: SlackTwin):
    people = roster(twin, role("everybody", Action.CLOSE))
    assert people.vet(BEN, Action.CLOSE, posting()) is None


@pytest.mark.parametrize(
    ("traits", "sentence"),
    [
        ({"disabled": True}, "This account is deactivated."),
        ({"bot": True}, "postbot takes nothing from bots."),
        ({"guest": True}, "postbot takes nothing from guests."),
        ({"single_channel": True}, "postbot takes nothing from guests."),
        ({"stranger": True}, "postbot takes nothing from people of other workspaces."),
        ({"team": "T0OTHER"}, "postbot takes nothing from people of other workspaces."),
    ],
)
def test_who_is_no_full_member_is_refused_whatever_a_role_says(twin: SlackTwin, traits: dict, sentence: str):
    twin.user("U0ODD1", **traits)
    found = roster(twin, role("everybody", *Action), role("U0ODD1", *Action)).vet("U0ODD1", Action.CLOSE, posting())
    assert found == Refused(sentence)


@pytest.mark.parametrize("member", ["U0NOBODY", "", "C0JOBS1", "U0ADA1&team=x", "<@U0ADA1>"])
def test_who_is_not_there_may_nothing(twin: SlackTwin, member: str):
    found = roster(twin, role("everybody", *Action)).vet(member, Action.CLOSE, posting())
    assert found is not None
    assert found.final


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list", "auth.test"])
def test_while_slack_does_not_say_who_somebody_is_they_may_nothing_and_that_passes(twin: SlackTwin, method: str):
    clock = [1000.0]
    people = Roster(workspace(twin, clock), (role(HR, *Action),))
    twin.fault("500", method)
    assert people.vet(ADA, Action.CLOSE, posting()) == Refused(SILENT, final=False)
    twin.heal()
    clock[0] += SULKS
    assert people.vet(ADA, Action.CLOSE, posting()) is None


def test_a_missing_scope_means_no(twin: SlackTwin):
    twin.scopes("users:read")
    assert roster(twin, role(HR, *Action)).vet(ADA, Action.CLOSE, posting()) == Refused(SILENT, final=False)


def test_a_user_group_that_is_gone_or_switched_off_has_nobody_in_it_and_takes_no_right_from_others(
    twin: SlackTwin, caplog: pytest.LogCaptureFixture
):
    clock = [1000.0]
    twin.group("S0OFF", BEN, disabled=True)
    roles = (role("S0GONE", *Action), role("S0OFF", *Action), role(ADA, Action.CLOSE))
    people = Roster(workspace(twin, clock), roles)
    for _ in range(3):
        assert people.vet(ADA, Action.CLOSE, posting()) is None
        assert "You may not close" in words(people.vet(BEN, Action.CLOSE, posting()))
        clock[0] += KEPT
    assert sorted(record.getMessage().partition(",")[0] for record in caplog.records) == [
        "Slack knows no user group S0GONE (no_such_subteam)",
        "Slack knows no user group S0OFF (no_such_subteam)",
    ]


def test_many_questions_of_a_few_minutes_are_asked_once(twin: SlackTwin):
    people = roster(twin, role(HR, *Action))
    for _ in range(20):
        people.vet(ADA, Action.CLOSE, posting())
    assert sorted(twin.requests()) == ["auth.test", "usergroups.users.list", "users.info"]


def test_a_crowd_that_comes_at_once_asks_once(twin: SlackTwin):
    twin.fault("hang", "users.info", seconds=0.3, times=1)
    people = roster(twin, role(HR, *Action))
    with ThreadPoolExecutor(20) as crowd:
        said = list(crowd.map(lambda _: people.vet(ADA, Action.CLOSE, posting()), range(20)))
    assert len(set(said)) == 1
    assert sorted(twin.requests()) == ["auth.test", "usergroups.users.list", "users.info"]


def test_all_sites_of_a_workspace_ask_it_once(twin: SlackTwin):
    asked = workspace(twin)
    sites = [Roster(asked, (role(HR, *Action),), {}) for _ in range(200)]
    assert [each.vet(ADA, Action.CLOSE, posting()) for each in sites] == [None] * 200
    assert sorted(twin.requests()) == ["auth.test", "usergroups.users.list", "users.info"]


def test_a_slack_that_hangs_keeps_one_waiting_and_the_next_hear_at_once_without_asking_it(twin: SlackTwin):
    people = roster(twin, role("everybody", *Action))
    twin.fault("hang", "users.info", seconds=4, times=100)
    assert people.vet(ADA, Action.CLOSE, posting()) == Refused(SILENT, final=False)
    for member in (ADA, BEN, *(f"U0CROWD{number}" for number in range(50))):
        assert people.vet(member, Action.CLOSE, posting()) == Refused(SILENT, final=False)
    assert twin.requests().count("users.info") == 1


def test_what_failed_is_asked_again_after_some_seconds_and_not_before(twin: SlackTwin):
    clock = [1000.0]
    asks = workspace(twin, clock)
    people = Roster(asks, (role("everybody", *Action),))
    twin.fault("500", "users.info")
    for _ in range(3):
        assert people.vet(ADA, Action.CLOSE, posting()) == Refused(SILENT, final=False)
    assert twin.requests().count("users.info") == 1
    clock[0] += SULKS
    assert people.vet(ADA, Action.CLOSE, posting()) is None


def test_what_slack_said_five_minutes_ago_counts_for_nothing_though_it_is_silent_now(twin: SlackTwin):
    clock = [1000.0]
    asks = workspace(twin, clock)
    people = Roster(asks, (role("everybody", *Action),))
    assert people.vet(ADA, Action.CLOSE, posting()) is None
    twin.fault("500", None, times=100)
    clock[0] += KEPT - 1
    assert people.vet(ADA, Action.CLOSE, posting()) is None
    clock[0] += 1
    assert people.vet(ADA, Action.CLOSE, posting()) == Refused(SILENT, final=False)


def test_people_are_known_on_the_host_by_their_id_or_a_verified_address(twin: SlackTwin):
    twin.user("U0CAT1", "cat@agency.example", confirmed=False)
    named = {ADA: "ada-gov", "Ben@agency.example": "ben-gov", "cat@agency.example": "cat-gov"}
    people = roster(twin, role("everybody", *Action), **named)
    signed = [found.signed for name in (ADA, BEN, "U0CAT1") if isinstance(found := people.person(name), Person)]
    assert signed[:2] == ["ada-gov", "ben-gov"]
    assert signed[2].endswith("(U0CAT1)")


def test_where_two_people_are_needed_who_is_not_known_on_the_host_may_only_look(twin: SlackTwin):
    people = roster(twin, role("everybody", *Action), two_people=True, U0ADA1="ada-gov")
    assert people.vet(ADA, Action.CLOSE, posting()) is None
    assert people.vet(BEN, Action.SEE, posting()) is None
    assert "does not know by which name you would approve" in words(people.vet(BEN, Action.CLOSE, posting()))


def test_nothing_that_is_looked_up_is_written_anywhere(twin: SlackTwin, tmp_path: Path):
    roster(twin, role("everybody", *Action)).vet(ADA, Action.CLOSE, posting())
    assert twin.effects() == []

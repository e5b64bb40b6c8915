"""The whole loop with a mail server and a Slack at its ends, well or faulty: judged by what these have got."""

import re
from base64 import b64encode
from pathlib import Path

import pytest

from postbot.ledger import DeliveryStatus
from tests.contract.test_email import FAULTS as MAIL_FAULTS
from tests.contract.test_email import NAMES, PASSWORD, SLOW_KINDS, USER
from tests.contract.test_slack import FAULTS as SLACK_FAULTS
from tests.stories.test_announcements import AUTO, MARCH, PILOT_OPENS, UNDELIVERED
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import World

KEPT = ("plain git",)
LIST, JOBS, ANN = "openings@lists.example.org", "C0JOBS", "U0ANN"
ROUTES = """\
routes:
  - {{to: [email:openings@lists.example.org, slack:C0JOBS], hear: public}}
  - {{to: 'email:{{contact_email}}', hear: [opened, closed-early]}}
  - {{to: "folder:hr@agency.example", hear: staff}}
"""
LATER = (2, 10, 60, 6 * 60, 24 * 60)
"""Minutes after the opening at which the loop looks again."""


def begun(folder: Path, post: SmtpTwin, slack: SlackTwin, security: str = "none", timeout: str = "10 seconds") -> World:
    ends = (
        f"email: {{{{server: 127.0.0.1, port: {post.port}, security: {security}, username: {USER}, "
        f"sender: Agency jobs <jobs@agency.example>, timeout: {timeout}}}}}\n"
        f"slack: {{{{server: '{slack.url}'}}}}\n"
    )
    world = World(folder, config=re.sub(r"routes:\n(  - .*\n)+", ROUTES + ends, AUTO))
    world.write("pilot", **MARCH)
    world.write("baker")
    world.tick()
    return world


def subjects(post: SmtpTwin, to: str = LIST) -> list[str]:
    return [str(taken.mail["Subject"]) for taken in post.accepted() if to in taken.recipients]


def test_one_opening_reaches_list_person_and_channel_and_what_follows_belongs_to_it(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin
) -> None:
    world = begun(tmp_path, post, slack)
    world.tick(PILOT_OPENS)
    world.ask("pilot", "extend", closes="2026-03-27")
    world.tick("2026-03-10T09:00")
    world.ask("pilot", "close", reason="filled")
    world.tick("2026-03-11T09:00")
    world.tick("2026-03-11T09:05")
    said = ["Pilot: now open", "Pilot: more time to apply", "Pilot: closed early"]
    assert subjects(post) == said
    assert subjects(post, "jobs@agency.example") == [said[0], said[2]]
    first, *later = [taken.mail for taken in post.accepted() if LIST in taken.recipients]
    assert [mail["In-Reply-To"] for mail in later] == [first["Message-ID"]] * 2

    card, *replies = slack.messages(JOBS)
    assert (card["updates"], [reply["thread_ts"] for reply in replies]) == (2, [card["ts"]] * 2)
    assert card["text"] == replies[-1]["text"] == said[2]
    assert {token for message in (card, *replies) for token in message["tokens"]} <= {"*"}, "no more than a bold label"


@pytest.mark.parametrize(
    ("post", "step", "kind", "final", "slow"),
    [(row[0], row[1], row[2], row[5], row[2].startswith(SLOW_KINDS)) for row in MAIL_FAULTS],
    ids=NAMES,
    indirect=["post"],
)
def test_whatever_a_mail_server_does_each_mail_comes_once_or_somebody_is_told(
    tmp_path: Path,
    post: SmtpTwin,
    slack: SlackTwin,
    request: pytest.FixtureRequest,
    step: str,
    kind: str,
    final: bool,
    slow: bool,
) -> None:
    security = request.node.callspec.params["post"]
    world = begun(tmp_path, post, slack, security, "1 second" if slow else "20 seconds")
    post.fault(step, kind)
    world.tick(PILOT_OPENS)
    post.heal()
    for minutes in LATER:
        world.advance(minutes=minutes)
    got = {to: subjects(post, to) for to in (LIST, "jobs@agency.example")}
    told = [subject for subject in world.asked() if "held for a person" in subject]
    held = world.bot.ledger.deliveries(held_only=True)
    for to, heard in got.items():
        assert heard in ([], ["Pilot: now open"]), "never twice"
        assert heard or to in {each.message.recipient for each in held}, "nothing is lost in silence"
    assert len(told) == (1 if held else 0)
    assert [message["text"] for message in slack.messages(JOBS)] == ["Pilot: now open"], "the other channel goes on"
    assert held or not final
    assert all(PASSWORD not in (each.detail or "") for each in world.bot.ledger.deliveries())


@pytest.mark.parametrize(("kind", "when"), SLACK_FAULTS, ids=lambda word: word)
def test_whatever_slack_does_the_channel_hears_once(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin, kind: str, when: str
) -> None:
    world = begun(tmp_path, post, slack)
    slack.fault(kind, when=when, seconds=0.4)
    world.tick(PILOT_OPENS)
    for minutes in LATER:
        world.advance(minutes=minutes)
    assert [message["text"] for message in slack.messages(JOBS)] == ["Pilot: now open"]
    assert subjects(post) == ["Pilot: now open"]
    assert world.asked() == []
    assert {each.status for each in world.bot.ledger.deliveries()} == {DeliveryStatus.SENT}


def test_an_answer_of_slack_that_nobody_can_look_up_is_held_and_not_repeated(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin
) -> None:
    world = begun(tmp_path, post, slack)
    slack.scopes("chat:write")
    slack.fault("drop", when="after")
    world.tick(PILOT_OPENS)
    for minutes in LATER:
        world.advance(minutes=minutes)
    assert len(slack.messages(JOBS)) == 1
    assert world.asked() == [UNDELIVERED]
    [held] = world.bot.ledger.deliveries(held_only=True)
    assert held.message.channel == "slack"
    world.bot.ledger.drop(held.number, "robin", world.now)
    world.advance(minutes=5)
    assert len(slack.messages(JOBS)) == 1


def test_a_slack_that_asks_for_time_gets_it(tmp_path: Path, post: SmtpTwin, slack: SlackTwin) -> None:
    world = begun(tmp_path, post, slack)
    slack.fault("429", retry_after="1800")
    world.tick(PILOT_OPENS)
    for _ in range(29):
        world.advance(minutes=1)
    assert slack.messages(JOBS) == []
    world.advance(minutes=1)
    assert len(slack.messages(JOBS)) == 1


def test_no_secret_is_in_the_ledger_in_what_is_said_or_in_what_slack_and_the_list_get(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    world = begun(tmp_path, post, slack)
    post.fault("auth", "535 5.7.8 {heard}")
    post.fault("dot", "451 4.3.0 {heard}")
    slack.fault("invalid_auth")
    world.tick(PILOT_OPENS)
    world.advance(minutes=5)
    told = "\n".join((caplog.text, *map(str, world.mail()), *map(repr, world.bot.ledger.audit()), *slack.traffic()))
    kept = b"".join(file.read_bytes() for file in (tmp_path / ".postbot").glob("ledger.db*"))
    assert b"Pilot: now open" in kept
    for secret in (PASSWORD, slack.token):
        for form in (secret, b64encode(secret.encode()).decode()):
            assert form not in told
            assert form.encode() not in kept

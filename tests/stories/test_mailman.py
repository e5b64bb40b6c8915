"""A real GNU Mailman list: each member hears once, and what the list's password does not approve is heard by nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from postbot.channels.email import Email, MailingList, Security, Server
from postbot.core.announce import Event, Message, Outcome, Receipt
from tests.mailman.relay import relaying
from tests.mailman.server import DOMAIN, HOST, HOW, MASTER, Mailman
from tests.twins.smtp.client import SmtpTwin, Taken
from tests.world import CONFIG, World

KEPT = ("plain git",)

# One Mailman is enough: with `--dist loadgroup` these tests share a worker.
pytestmark = [pytest.mark.skipif(not MASTER.exists(), reason=HOW), pytest.mark.xdist_group("mailman")]

MEMBERS = ("ana@agency.example", "bo@agency.example", "chris@agency.example")
APPROVED = "let-the-news-pass-4711"
SENDER = "Agency jobs <jobs@agency.example>"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HTML = '<!DOCTYPE html>\n<html lang="en"><body><h1>Bäcker</h1><p>Apply by Friday.</p></body></html>\n'
NUMBERS = count(1)
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n"


@dataclass
class Lists:
    """Mailman with a relay before it and a mail server behind it, which keeps what the members get."""

    mailman: Mailman
    members: SmtpTwin
    port: int

    def got(self) -> list[tuple[str, Taken]]:
        """Each member's mails, once Mailman has done with all that it has taken."""
        self.mailman.finish()
        return sorted(
            ((to, taken) for taken in self.members.accepted() for to in taken.recipients), key=lambda each: each[0]
        )

    def hearers(self) -> list[str]:
        return [to for to, _ in self.got()]


@pytest.fixture(scope="module")
def running() -> Iterator[Lists]:
    with SmtpTwin.start() as members, Mailman.start(members.port) as mailman, relaying(mailman.lmtp) as port:
        yield Lists(mailman, members, port)


@pytest.fixture
def lists(running: Lists) -> Lists:
    running.members.forget()
    return running


@pytest.fixture
def openings(lists: Lists) -> str:
    """A list with three members, made for this test."""
    return lists.mailman.make_list(f"openings-{next(NUMBERS)}", MEMBERS, APPROVED)


def message(recipient: str) -> Message:
    return Message(
        key=f"jobs/baker.md|1|opened|email|{recipient}",
        event=Event.OPENED,
        slug="baker",
        channel="email",
        recipient=recipient,
        subject="Bäcker (m/w/d): now open",
        body="The position Bäcker is open.\n\nFrom Monday on.\n.\nApproved: by Friday\n",
        html=HTML,
        calendar=CALENDAR,
    )


def send(lists: Lists, to: str, approved: str = APPROVED) -> Receipt:
    server = Server(HOST, lists.port, Security.NONE)
    channel = Email(server, SENDER, lists={to: MailingList(approved)}, now=lambda: NOON)
    receipt = channel.send(message(to), None)
    channel.rest()
    return receipt


def test_each_member_gets_the_whole_mail_once(lists: Lists, openings: str):
    receipt = send(lists, openings)
    assert receipt.outcome is Outcome.SENT
    assert lists.hearers() == list(MEMBERS)
    for _, taken in lists.got():
        mail = taken.mail
        assert mail["Message-ID"] == receipt.place
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Subject"].endswith(message(openings).subject)
        assert mail["From"] == SENDER
        assert (mail["Date"].datetime, mail["To"]) == (NOON, openings)
        said = {
            part.get_content_type(): part.get_content()
            for part in reversed(list(mail.walk()))
            if not part.is_multipart()
        }
        assert said["text/plain"].splitlines() == message(openings).body.splitlines()
        assert said["text/html"].splitlines() == HTML.splitlines()
        assert said["text/calendar"].splitlines() == CALENDAR.splitlines()


def test_the_password_stays_with_mailman(lists: Lists, openings: str):
    send(lists, openings)
    assert lists.hearers() == list(MEMBERS)
    for _, taken in lists.got():
        assert APPROVED.encode() not in taken.data
        assert taken.mail["Approved"] is None


@pytest.mark.parametrize("approved", ["", "let-the-news-pass-4712"], ids=["none", "wrong"])
def test_without_the_right_password_a_moderator_must_look(lists: Lists, openings: str, approved: str):
    assert send(lists, openings, approved).outcome is Outcome.SENT
    assert lists.hearers() == []
    (subject,) = lists.mailman.held(openings)
    assert "now open" in subject


def test_a_list_that_mailman_does_not_know_is_no_use_to_try_again(lists: Lists):
    receipt = send(lists, f"nosuch@{DOMAIN}")
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert lists.hearers() == []


# The whole loop

MAIL = """
email:
  server: 127.0.0.1
  port: {port}
  security: none
  sender: {sender}
  lists:
    {list}: {{approved: OPENINGS}}
"""
OPENS = {"opens": "March 2, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}


@pytest.fixture
def world(lists: Lists, openings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A site whose public hears by the list."""
    monkeypatch.setenv("POSTBOT_APPROVED_OPENINGS", APPROVED)
    mail = MAIL.format(port=lists.port, sender=SENDER, list=openings)
    config = CONFIG.replace("folder:openings@list.example", f"email:{openings}") + mail.replace("{", "{{").replace(
        "}", "}}"
    )
    world = World(tmp_path, config=config)
    world.tick()
    yield world
    world.bot.ledger.close()


def subjects(lists: Lists, member: str) -> list[str]:
    return [taken.mail["Subject"].partition("] ")[2] for to, taken in lists.got() if to == member]


def test_of_one_opening_each_member_hears_once(lists: Lists, world: World):
    world.write("harbour-pilot", state="open", **OPENS)
    for _ in range(3):
        world.tick()
        world.restart()
    assert lists.hearers() == list(MEMBERS)
    (told,) = subjects(lists, MEMBERS[0])
    assert "Harbour Pilot" in told


def test_what_is_said_later_of_an_opening_is_under_the_mail_that_told_of_it(lists: Lists, world: World):
    world.write("harbour-pilot", state="open", **OPENS)
    world.tick()
    world.change("harbour-pilot", "March 20", "March 27")
    world.tick()
    for member in MEMBERS:
        first, second = (taken.mail for to, taken in lists.got() if to == member)
        assert second["In-Reply-To"] == first["Message-ID"]
        assert second["References"] == first["Message-ID"]

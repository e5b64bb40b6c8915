"""Mails by SMTP to a real server on loopback, which fails at every step; what it has taken is the judge."""

import logging
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from postbot.channels.email import Email, MailError, MailingList, Security, Server, self_test
from postbot.channels.mime import compose
from postbot.channels.smtp import Conversation, Failure
from postbot.core.announce import Event, Message, Outcome, Receipt, Root
from tests.twins.smtp.client import SmtpTwin

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SENDER = "Jobs at the agency <jobs@example.org>"
USER, PASSWORD, APPROVED, WRONG = "postbot", "canary-Pässword-51", "canary-approved-52", "canary-wrong-53"
PATIENT, QUICK = timedelta(seconds=5), timedelta(seconds=0.2)
SLOW_KINDS = ("hang", "drip", "endless")

OPENED = Message(
    key="jobs/baker.md|1|opened|mail|bakers@lists.example.org",
    event=Event.OPENED,
    slug="baker",
    channel="mail",
    recipient="bakers@lists.example.org",
    subject="Baker (GS-13): open until Friday",
    body="The position Bäcker is open.\n\nApply by Friday.\n",
    thread="jobs/baker.md|1",
)
CLOSED = replace(OPENED, key="jobs/baker.md|1|closed|mail|bakers@lists.example.org", event=Event.CLOSED)

Twins = Callable[[str], SmtpTwin]


@pytest.fixture(scope="module")
def servers() -> Iterator[Twins]:
    """One server for each kind of line, started when first asked for."""
    running: dict[str, SmtpTwin] = {}
    with ExitStack() as stack:

        def started(security: str) -> SmtpTwin:
            if security not in running:
                running[security] = stack.enter_context(SmtpTwin.start(security=security, login=(USER, PASSWORD)))
            return running[security]

        yield started


@pytest.fixture
def twins(servers: Twins, monkeypatch: pytest.MonkeyPatch) -> Twins:
    """The same, each as if nothing had come yet, and trusted."""

    def fresh(security: str) -> SmtpTwin:
        twin = servers(security)
        twin.forget()
        monkeypatch.setenv("SSL_CERT_FILE", str(twin.authority))
        return twin

    return fresh


@pytest.fixture
def open_channels() -> Iterator[list[Email]]:
    channels: list[Email] = []
    yield channels
    for channel in channels:
        channel.rest()


@dataclass
class Office:
    """A server, and a channel that speaks to it."""

    twin: SmtpTwin
    channel: Email

    def send(self, message: Message = OPENED, root: Root | None = None) -> Receipt:
        return self.channel.send(message, root)

    def kept(self, message: Message = OPENED) -> int:
        return [taken.mail["X-Postbot-Key"] for taken in self.twin.accepted()].count(message.key)


@pytest.fixture
def office(twins: Twins, open_channels: list[Email]) -> Callable[..., Office]:
    def opened(security: str = "none", *, timeout: timedelta = PATIENT, **told: Any) -> Office:
        twin = twins(security)
        server = Server(twin.host, twin.port, Security(security), USER, timeout)
        lists = {"Bakers@Lists.example.org": MailingList(APPROVED, "Bakers <bakers.lists.example.org>")}
        settings = {"password": PASSWORD, "lists": lists, "now": lambda: NOON} | told
        channel = Email(server, SENDER, **settings)
        open_channels.append(channel)
        return Office(twin, channel)

    return opened


def time_for(step: str, kind: str) -> timedelta:
    """Where a server is slow, we are quick to give up; elsewhere a busy machine must not make it seem so."""
    if (step, kind) == ("dot", "drip-kept"):
        return timedelta(seconds=0.7)  # the answer takes longer than a step may, and not as long as a mail may
    return QUICK if kind.startswith(SLOW_KINDS) else PATIENT


def test_a_lists_password_goes_only_with_what_the_configuration_sends_there(office: Callable[..., Office]):
    post = office()
    named = replace(OPENED, key="named by a posting", named_by_posting=True)
    assert [post.send(message).outcome for message in (OPENED, named)] == [Outcome.SENT] * 2
    assert [taken.mail["Approved"] for taken in post.twin.accepted()] == [APPROVED, None]


def shifted(number: int) -> Message:
    return replace(OPENED, key=f"{OPENED.key}|{number}")


# Every step, every fault

SENT, NOT_SENT, UNKNOWN, EITHER = Outcome.SENT, Outcome.NOT_SENT, Outcome.UNKNOWN, None
FAULTS: list[tuple[str, str, str, int, Outcome | None, bool]] = [
    # security, step, fault, mails that the server then has, what we say, whether a person must act
    ("none", "connect", "refuse", 0, NOT_SENT, False),
    ("none", "connect", "421 4.3.2 Closing", 0, NOT_SENT, False),
    ("none", "connect", "554 5.3.2 No mail here", 0, NOT_SENT, False),
    ("none", "connect", "hang", 0, NOT_SENT, False),
    ("none", "connect", "drop", 0, NOT_SENT, False),
    ("none", "connect", "half", 0, NOT_SENT, False),
    ("none", "connect", "garbage", 0, NOT_SENT, False),
    ("none", "connect", "drip", 0, NOT_SENT, False),
    ("none", "connect", "endless", 0, NOT_SENT, False),
    ("tls", "tls", "garbage", 0, NOT_SENT, False),
    ("tls", "tls", "hang", 0, NOT_SENT, False),
    ("tls", "tls", "drop", 0, NOT_SENT, False),
    ("tls", "tls", "wrong-name", 0, NOT_SENT, False),
    ("tls", "tls", "expired", 0, NOT_SENT, False),
    ("tls", "tls", "stranger", 0, NOT_SENT, False),
    ("starttls", "starttls", "missing", 0, NOT_SENT, False),
    ("starttls", "starttls", "454 4.7.0 Not now", 0, NOT_SENT, False),
    ("starttls", "starttls", "501 5.5.2 What?", 0, NOT_SENT, False),
    ("starttls", "starttls", "twice", 0, NOT_SENT, False),
    ("starttls", "starttls", "inject", 0, NOT_SENT, False),
    ("starttls", "starttls", "hang", 0, NOT_SENT, False),
    ("starttls", "starttls", "drop", 0, NOT_SENT, False),
    ("starttls", "tls", "garbage", 0, NOT_SENT, False),
    ("starttls", "tls", "wrong-name", 0, NOT_SENT, False),
    ("starttls", "tls", "stranger", 0, NOT_SENT, False),
    ("none", "ehlo", "421 4.3.2 Closing", 0, NOT_SENT, False),
    ("none", "ehlo", "450 4.3.2 Not now", 0, NOT_SENT, False),
    ("none", "ehlo", "drop", 0, NOT_SENT, False),
    ("none", "ehlo", "garbage", 0, NOT_SENT, False),
    ("tls", "auth", "535 5.7.8 No", 0, NOT_SENT, True),
    ("tls", "auth", "454 4.7.0 Not now", 0, NOT_SENT, False),
    ("tls", "auth", "missing", 0, NOT_SENT, False),
    ("tls", "auth", "hang", 0, NOT_SENT, False),
    ("tls", "auth", "drop", 0, NOT_SENT, False),
    ("none", "mail", "421 4.3.2 Closing", 0, NOT_SENT, False),
    ("none", "mail", "451 4.3.0 Not now", 0, NOT_SENT, False),
    ("none", "mail", "550 5.7.1 Not you", 0, NOT_SENT, True),
    ("none", "mail", "drop", 0, NOT_SENT, False),
    ("none", "mail", "hang", 0, NOT_SENT, False),
    ("none", "mail", "garbage", 0, NOT_SENT, False),
    ("none", "mail", "999 What", 0, NOT_SENT, False),
    ("none", "rcpt", "450 4.2.0 Greylisted", 0, NOT_SENT, False),
    ("none", "rcpt", "550 5.1.1 Nobody", 0, NOT_SENT, True),
    ("none", "rcpt", "drop", 0, NOT_SENT, False),
    ("none", "rcpt", "hang", 0, NOT_SENT, False),
    ("none", "rcpt", "drip", 0, NOT_SENT, False),
    ("none", "rcpt", "endless", 0, NOT_SENT, False),
    ("none", "data", "451 4.3.0 Not now", 0, NOT_SENT, False),
    ("none", "data", "554 5.5.1 Nothing for you", 0, NOT_SENT, True),
    ("none", "data", "250 2.0.0 Already", 0, NOT_SENT, False),
    ("none", "data", "drop", 0, NOT_SENT, False),
    ("none", "data", "hang", 0, NOT_SENT, False),
    # A short text is on its way as a whole before the line can be seen to be cut; of a long one, see below.
    ("none", "body", "drop", 0, EITHER, False),
    ("none", "body", "early", 0, EITHER, False),
    ("none", "body", "ahead", 0, NOT_SENT, False),
    ("none", "dot", "421 4.3.2 Closing", 0, NOT_SENT, False),
    ("none", "dot", "451 4.3.0 Not now", 0, NOT_SENT, False),
    ("none", "dot", "554 5.7.1 Not that", 0, NOT_SENT, True),
    ("none", "dot", "hang", 0, UNKNOWN, False),
    ("none", "dot", "hang-kept", 1, UNKNOWN, False),
    ("none", "dot", "drop", 0, UNKNOWN, False),
    ("none", "dot", "drop-kept", 1, UNKNOWN, False),
    ("none", "dot", "half", 0, UNKNOWN, False),
    ("none", "dot", "half-kept", 1, UNKNOWN, False),
    ("none", "dot", "garbage", 0, UNKNOWN, False),
    ("none", "dot", "garbage-kept", 1, UNKNOWN, False),
    ("none", "dot", "long", 0, UNKNOWN, False),
    ("none", "dot", "long-kept", 1, UNKNOWN, False),
    ("none", "dot", "endless-kept", 1, UNKNOWN, False),
    ("none", "dot", "354 Go on", 0, UNKNOWN, False),
    ("none", "dot", "drip-kept", 1, SENT, False),
    ("tls", "dot", "451 4.3.0 Not now", 0, NOT_SENT, False),
    ("tls", "dot", "hang-kept", 1, UNKNOWN, False),
    ("tls", "dot", "drop", 0, UNKNOWN, False),
    ("tls", "dot", "drop-kept", 1, UNKNOWN, False),
    ("starttls", "dot", "drop-kept", 1, UNKNOWN, False),
    ("none", "quit", "drop", 1, SENT, False),
    ("none", "quit", "hang", 1, SENT, False),
    ("none", "quit", "554 5.0.0 No", 1, SENT, False),
    ("none", "quit", "garbage", 1, SENT, False),
]
NAMES = [f"{security}-{step}-{kind.split(' ')[0]}" for security, step, kind, *_ in FAULTS]


@pytest.mark.parametrize(("security", "step", "kind", "kept", "outcome", "final"), FAULTS, ids=NAMES)
def test_whatever_breaks_nothing_is_lost_in_silence_and_nothing_comes_twice(
    office: Callable[..., Office], security: str, step: str, kind: str, kept: int, outcome: Outcome | None, final: bool
):
    post = office(security, timeout=time_for(step, kind))
    post.twin.fault(step, kind)

    receipt = post.send()
    post.channel.rest()

    assert post.kept() == kept
    assert outcome is EITHER or (receipt.outcome, receipt.final) == (outcome, final), receipt
    assert receipt.outcome is not SENT or kept == 1
    assert step == "quit" or receipt.outcome is SENT or str(post.twin.port) in receipt.detail
    post.twin.heal()
    if receipt.outcome is NOT_SENT:
        assert post.send().outcome is SENT
        assert post.kept() == 1


LATER = [each for each in FAULTS if each[1] in ("mail", "rcpt", "data", "body", "dot") and each[2] != "hang"]


@pytest.mark.parametrize(
    ("security", "step", "kind"), [each[:3] for each in LATER], ids=[NAMES[FAULTS.index(each)] for each in LATER]
)
def test_the_same_holds_of_a_connection_that_has_carried_a_mail(
    office: Callable[..., Office], security: str, step: str, kind: str
):
    post = office(security, timeout=time_for(step, kind))
    assert post.send(CLOSED).outcome is SENT
    post.twin.fault(step, kind)

    receipt = post.send()
    kept = post.kept()

    assert kept <= 1
    assert receipt.outcome is not SENT or kept == 1
    assert receipt.outcome is not UNKNOWN or step in ("body", "dot")
    assert receipt.outcome is not NOT_SENT or kept == 0
    post.channel.rest()
    post.twin.heal()
    if receipt.outcome is NOT_SENT:
        assert post.send().outcome is SENT
        assert post.kept() == 1
    assert post.kept(CLOSED) == 1


@pytest.mark.parametrize(("security", "kind"), [("none", "drop"), ("none", "hang"), ("none", "early"), ("tls", "drop")])
def test_a_text_that_breaks_off_half_way_has_certainly_not_gone_out(twins: Twins, security: str, kind: str):
    twin = twins(security)
    twin.fault("body", kind)
    line = Conversation.begin(Server(twin.host, twin.port, Security(security), USER, timedelta(seconds=0.5)), PASSWORD)
    with pytest.raises(Failure) as failure:
        line.hand_over("jobs@example.org", "bakers@example.org", ("x" * 78 + "\r\n") * 150_000)
    assert not failure.value.unsure
    assert not line.is_open()
    assert twin.accepted() == []


def test_a_mail_that_is_left_in_the_middle_is_not_gone_on_with(twins: Twins):
    """By whatever ends it: here a text that is not ASCII, which nobody above lets through."""
    twin = twins("none")
    line = Conversation.begin(Server(twin.host, twin.port, Security.NONE, USER, PATIENT), PASSWORD)
    with pytest.raises(UnicodeEncodeError):
        line.hand_over("jobs@example.org", "bakers@example.org", "Bäcker\r\n")
    assert not line.is_open()


def test_there_are_forty_cases_and_more():
    assert len(FAULTS) >= 40
    assert len({each[:3] for each in FAULTS}) == len(FAULTS)


# What goes out


def test_a_mail_arrives_as_it_was_written(office: Callable[..., Office]):
    body = ".\n..\n.hidden\nFrom here on\n\nBäcker, 10 €\n" + "long " * 400 + "\n.\n"
    post = office()
    receipt = post.send(replace(OPENED, body=f"From the start\n{body}"))
    (taken,) = post.twin.accepted()
    assert taken.sender == "jobs@example.org"
    assert taken.recipients == (OPENED.recipient,)
    assert taken.mail.get_content().replace("\r\n", "\n") == f"From the start\n{body}"
    assert taken.mail["Subject"] == OPENED.subject
    assert taken.mail["Message-ID"] == receipt.place
    assert receipt.detail == f"{post.twin.host}:{post.twin.port} took it: 250 2.0.0 Taken."


def test_a_later_mail_answers_the_first(office: Callable[..., Office]):
    post = office()
    receipt = post.send()
    post.send(CLOSED, Root(OPENED.key, receipt.place))
    first, second = post.twin.accepted()
    assert second.mail["In-Reply-To"] == first.mail["Message-ID"]


def test_only_a_list_gets_its_password_and_its_name(office: Callable[..., Office]):
    post = office("tls")
    post.send(replace(OPENED, recipient=OPENED.recipient.upper()))
    post.send(replace(CLOSED, recipient="anne@example.org"))
    listed, other = (taken.mail for taken in post.twin.accepted())
    assert (listed["Approved"], listed["List-Id"]) == (APPROVED, "Bakers <bakers.lists.example.org>")
    assert (other["Approved"], other["List-Id"]) == (None, None)


@pytest.mark.parametrize(
    "subject",
    [
        "Baker\r\nBcc: evil@example.com",
        "Baker\vBcc: evil@example.com",
        "Baker\x85Bcc: evil@example.com\u2028Bcc: evil@example.com",
        "=?utf-8?q?X=0d=0aBcc=3A_evil=40example=2Ecom?=",
        "Baker\0",
        "Baker " * 400,
    ],
)
def test_a_title_adds_no_header_and_no_recipient(office: Callable[..., Office], subject: str):
    post = office()
    post.send()
    post.send(replace(CLOSED, subject=subject))
    plain, hostile = post.twin.accepted()
    assert hostile.mail.keys() == plain.mail.keys()
    assert hostile.recipients == (OPENED.recipient,)
    assert "evil" not in " ".join(str(hostile.mail[name]) for name in hostile.mail if name != "Subject")


@pytest.mark.parametrize(
    "recipient",
    ["a@example.org, evil@example.com", "bäcker@example.org", "a@example.org\r\nDATA", "<a@example.org>", "#jobs", ""],
)
def test_what_is_not_one_address_gets_no_mail(office: Callable[..., Office], recipient: str):
    post = office()
    receipt = post.send(replace(OPENED, recipient=recipient))
    assert (receipt.outcome, receipt.final) == (NOT_SENT, True)
    assert post.twin.connections() == 0


@pytest.mark.parametrize(
    "told",
    [
        {"password": ""},
        {"password": f"{PASSWORD}\n"},
        {"lists": {OPENED.recipient: MailingList(f"{APPROVED}\r\nBcc: evil@example.com")}},
        {"lists": {OPENED.recipient: MailingList("", "List\r\nBcc: evil@example.com")}},
    ],
)
def test_a_setting_that_cannot_be_sent_is_named_and_not_shown(office: Callable[..., Office], told: dict[str, Any]):
    post = office(**told)
    receipt = post.send()
    assert (receipt.outcome, receipt.final) == (NOT_SENT, True)
    assert "canary" not in receipt.detail
    assert "evil" not in receipt.detail
    assert post.twin.connections() == 0


# Connections


def test_many_mails_share_a_connection_until_rest(office: Callable[..., Office]):
    post = office("tls")
    assert {post.send(shifted(number)).outcome for number in range(20)} == {SENT}
    assert post.twin.connections() == 1
    post.channel.rest()
    assert len(post.twin.heard("quit")) == 1
    post.send(shifted(20))
    assert post.twin.connections() == 2
    assert len({taken.mail["Message-ID"] for taken in post.twin.accepted()}) == 21


@pytest.mark.parametrize("kind", ["drop", "hang", "421 4.7.0 Too many mails", "garbage"])
def test_a_connection_that_has_died_is_made_anew_once(office: Callable[..., Office], kind: str):
    post = office(timeout=time_for("mail", kind))
    post.send(CLOSED)
    post.twin.fault("mail", kind)
    assert post.send().outcome is SENT
    assert post.twin.connections() == 2
    post.twin.fault("mail", kind, times=9)
    assert post.send(shifted(1)).outcome is NOT_SENT
    assert post.twin.connections() == 3
    assert [post.kept(CLOSED), post.kept(), post.kept(shifted(1))] == [1, 1, 0]


def test_a_refused_mail_leaves_the_next_one_alone(office: Callable[..., Office]):
    post = office()
    post.twin.fault("rcpt", "550 5.1.1 Nobody", about="gone@example.org", times=9)
    gone = replace(OPENED, recipient="gone@example.org")
    assert [post.send(message).outcome for message in (gone, CLOSED, gone, OPENED)] == [NOT_SENT, SENT, NOT_SENT, SENT]
    assert {taken.recipients for taken in post.twin.accepted()} == {(OPENED.recipient,)}
    assert post.twin.connections() == 1


@pytest.mark.parametrize(
    ("step", "kind"), [("connect", "hang"), ("connect", "refuse"), ("auth", "535 No"), ("tls", "drop")]
)
def test_a_server_that_is_down_costs_one_wait_and_not_one_for_each_mail(
    office: Callable[..., Office], step: str, kind: str
):
    post = office("tls", timeout=time_for(step, kind))
    post.twin.fault(step, kind, times=99)
    receipts = [post.send(shifted(number)) for number in range(30)]
    assert len(set(receipts)) == 1
    assert receipts[0].outcome is NOT_SENT
    assert post.twin.connections() <= 1
    post.channel.rest()
    post.twin.heal()
    assert post.send().outcome is SENT


def test_a_server_that_falls_silent_ends_the_burst(office: Callable[..., Office]):
    post = office(timeout=QUICK)
    post.twin.fault("rcpt", "hang", times=99)
    assert {post.send(shifted(number)).outcome for number in range(30)} == {NOT_SENT}
    assert post.twin.connections() == 2
    post.channel.rest()
    post.twin.heal()
    assert post.send().outcome is SENT


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "rset"])
def test_a_reply_too_many_shifts_no_answer_to_another_mail(office: Callable[..., Office], step: str):
    post = office()
    post.twin.fault("rcpt", "550 5.1.1 Nobody", about="gone@example.org", times=9)
    post.twin.fault(step, "twice", times=2)
    gone = replace(CLOSED, recipient="gone@example.org")
    outcomes = [post.send(message).outcome for message in (gone, OPENED, gone, shifted(1))]
    post.twin.heal()
    assert [post.kept(message) for message in (OPENED, shifted(1))] == [int(out is SENT) for out in outcomes[1::2]]
    assert SENT not in outcomes[::2]


@pytest.mark.parametrize(
    ("late", "timeout", "outcome"), [(0.05, PATIENT, SENT), (0.45, timedelta(seconds=0.5), NOT_SENT)]
)
def test_a_slow_server_is_waited_for_but_not_for_ever(
    office: Callable[..., Office], late: float, timeout: timedelta, outcome: Outcome
):
    """Five answers, each in the time that a step may take; together they may take as long as four."""
    post = office("starttls", timeout=timeout)
    for step in ("connect", "ehlo", "starttls", "auth"):
        post.twin.fault(step, "late", seconds=late, times=2)
    assert post.send().outcome is outcome
    assert post.kept() == (outcome is SENT)


# Looking


def test_nobody_can_ask_a_mailbox(office: Callable[..., Office]):
    post = office()
    post.twin.fault("dot", "drop-kept")
    assert post.send().outcome is UNKNOWN
    assert post.channel.look(OPENED, None, NOON).outcome is UNKNOWN


def test_a_site_may_prefer_a_second_mail_to_a_missing_one(office: Callable[..., Office]):
    assert office(resends=True).channel.look(OPENED, None, NOON).outcome is NOT_SENT


# Checking


def test_a_check_logs_in_and_sends_nothing(office: Callable[..., Office]):
    post = office("starttls")
    assert post.channel.check() == []
    assert len(post.twin.heard("auth")) == 2
    assert post.twin.heard("mail") == []
    post.twin.fault("auth", f"535 5.7.8 Not {PASSWORD}")
    assert post.channel.check() == [f"{post.twin.host}:{post.twin.port} refused the login: 535."]
    assert post.send().outcome is SENT


@pytest.mark.parametrize(
    ("sender", "told", "words"),
    [
        ("nobody", {}, "sender"),
        (SENDER, {"password": ""}, "no password"),
        (SENDER, {"lists": {"jobs@example.org": MailingList(f"{APPROVED}\n")}}, "Approved"),
        (SENDER, {"lists": {"jobs": MailingList(APPROVED)}}, "not one plain e-mail address"),
        (SENDER, {}, "others can read"),
    ],
)
def test_a_check_names_what_the_configuration_gets_wrong(sender: str, told: dict[str, Any], words: str):
    server = Server("192.0.2.1", 25, Security.NONE, USER, QUICK)
    problems = Email(server, sender, **({"password": PASSWORD, "now": lambda: NOON} | told)).check()
    assert any(words in problem for problem in problems)
    assert "canary" not in str(problems)


# Secrets


@pytest.mark.parametrize("kind", ["missing", "454 4.7.0 Not now", "501 5.5.2 What?", "inject", "drop"])
def test_without_encryption_a_server_hears_neither_login_nor_mail(office: Callable[..., Office], kind: str):
    post = office("starttls")
    post.twin.fault("starttls", kind, times=9)
    receipt = post.send()
    assert receipt.outcome is NOT_SENT
    assert kind != "missing" or "does not offer STARTTLS" in receipt.detail
    assert [heard.step for heard in post.twin.heard("ehlo", "auth", "mail")] == ["ehlo"]


def test_what_is_secret_goes_encrypted(office: Callable[..., Office]):
    for security in ("tls", "starttls"):
        post = office(security)
        assert post.send().outcome is SENT
        private = post.twin.heard("auth", "mail", "rcpt", "data")
        assert all(heard.encrypted for heard in private)
        assert any(PASSWORD in heard.said for heard in private)


@pytest.mark.parametrize("told", [{"lists": {}}, {"password": "", "server": {"username": ""}}])
def test_no_password_goes_over_a_line_that_others_can_read(told: Mapping[str, Any]):
    server = Server("192.0.2.1", 25, Security.NONE, told.get("server", {}).get("username", USER), QUICK)
    lists = told.get("lists", {OPENED.recipient: MailingList(APPROVED)})
    channel = Email(server, SENDER, password=told.get("password", PASSWORD), lists=lists, now=lambda: NOON)
    receipt = channel.send(OPENED, None)
    assert (receipt.outcome, receipt.final) == (NOT_SENT, True)
    assert "others can read" in receipt.detail


def test_a_wrong_password_is_tried_once(office: Callable[..., Office]):
    post = office("tls", password=WRONG)
    receipt = post.send()
    assert (receipt.outcome, receipt.final) == (NOT_SENT, True)
    assert "refused the login: 535" in receipt.detail
    assert post.send(CLOSED) == receipt
    assert [heard.said for heard in post.twin.heard("auth")] == ["PLAIN", f" {USER} {WRONG}"]


def test_a_server_may_know_only_the_older_login(monkeypatch: pytest.MonkeyPatch):
    with SmtpTwin.start(security="tls", login=(USER, PASSWORD), mechanisms=["LOGIN"]) as twin:
        monkeypatch.setenv("SSL_CERT_FILE", str(twin.authority))
        server = Server("localhost", twin.port, Security.TLS, USER, timedelta(seconds=5))
        channel = Email(server, SENDER, password=PASSWORD, now=lambda: NOON)
        assert channel.send(OPENED, None).outcome is SENT
        channel.rest()


SPOKEN = ["connect", "starttls", "ehlo", "auth", "mail", "rcpt", "data", "dot", "quit"]


@pytest.mark.parametrize("step", SPOKEN)
@pytest.mark.parametrize(
    "kind",
    ["550 You said {heard}", f"451 {APPROVED[:9]}\t{APPROVED[9:]}", f"554 {b64encode(PASSWORD.encode()).decode()}"],
)
def test_no_secret_comes_back_in_a_receipt_or_a_log(
    office: Callable[..., Office], caplog: pytest.LogCaptureFixture, step: str, kind: str
):
    post = office("starttls")
    post.twin.fault(step, kind, times=2)
    with caplog.at_level(logging.DEBUG):
        receipts = [post.send(), post.send(CLOSED)]
        post.channel.rest()
    told = f"{receipts} {caplog.text} {post.channel!r} {vars(post.channel)['_server']!r} {MailingList(APPROVED)!r}"
    login = b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    secrets = (PASSWORD, APPROVED, b64encode(PASSWORD.encode()).decode(), login)
    assert [secret for secret in secrets if secret in "".join(told.split())] == []
    assert step in ("ehlo", "quit") or kind[:3] in receipts[0].detail


# The start-up self-test


def test_this_python_and_our_composing_let_no_text_become_a_header():
    self_test()


def test_the_self_test_finds_a_composing_that_does():
    def naive(message: Message, **told: Any) -> EmailMessage:
        mail = compose(message, **told)
        if "=?" in message.subject:
            mail["Bcc"] = "evil@example.com"
        return mail

    with pytest.raises(MailError, match="bcc"):
        self_test(naive)

"""The twin is as strict as the strictest server, tells what it has taken, and tells it also when it is gone."""

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from tests.twins.smtp.client import SmtpTwin

GOOD = "From: a@example.org\r\nDate: Mon, 2 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nOpen.\r\n"
LOGIN = ("ann", "secret")


@pytest.fixture(scope="module")
def running() -> Iterator[SmtpTwin]:
    with SmtpTwin.start() as twin:
        yield twin


@pytest.fixture
def twin(running: SmtpTwin) -> SmtpTwin:
    running.forget()
    return running


@pytest.fixture
def line(twin: SmtpTwin) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(twin.host, twin.port, local_hostname="[127.0.0.1]", timeout=10) as line:
        line.ehlo()
        yield line


def begun(line: smtplib.SMTP) -> None:
    assert line.docmd("MAIL", "FROM:<a@example.org>")[0] == 250
    assert line.docmd("RCPT", "TO:<b@example.org>")[0] == 250


def test_a_good_mail_is_taken_and_told(twin: SmtpTwin, line: smtplib.SMTP):
    begun(line)
    assert line.data(f"{GOOD}.\r\n..\r\n".encode())[0] == 250
    (taken,) = twin.accepted()
    assert (taken.sender, taken.recipients) == ("a@example.org", ("b@example.org",))
    assert taken.data == f"{GOOD}.\r\n..\r\n".encode()
    assert [heard.step for heard in twin.heard()] == ["connect", "ehlo", "mail", "rcpt", "data"]


@pytest.mark.parametrize(
    "data",
    [
        GOOD.replace("Open.\r\n", "Open.\nNow.\r\n").encode(),
        GOOD.replace("Open.", "x" * 999).encode(),
        GOOD.replace("Open.", "Bäcker").encode(),
        GOOD.replace("From: a@example.org\r\n", "").encode(),
        GOOD.replace("Date", "X-Date").encode(),
        GOOD.replace("Message-ID", "X-Id").encode(),
        f"Subject: 1\r\nSubject: 2\r\n{GOOD}".encode(),
        f"To: a@example.org\r\nTo: b@example.org\r\n{GOOD}".encode(),
    ],
)
def test_a_mail_that_breaks_a_rule_is_not_taken(twin: SmtpTwin, line: smtplib.SMTP, data: bytes):
    begun(line)
    assert 500 <= line.data(data)[0] < 600
    assert twin.accepted() == []


@pytest.mark.parametrize(
    ("command", "arg"),
    [
        ("EHLO", "me"),
        ("MAIL", "FROM:a@example.org"),
        ("MAIL", "FROM: <a@example.org>"),
        ("MAIL", "FROM:<a@example.org> SMTPUTF8"),
        ("MAIL", "FROM:<a@example.org, b@example.org>"),
        ("RCPT", "TO:<b@example.org>"),
        ("DATA", ""),
        ("AUTH", "PLAIN"),
        ("STARTTLS", ""),
    ],
)
def test_a_command_that_breaks_a_rule_is_refused(line: smtplib.SMTP, command: str, arg: str):
    assert 500 <= line.docmd(command, arg)[0] < 600


@pytest.mark.parametrize(("security", "kind"), [("starttls", smtplib.SMTP), ("tls", smtplib.SMTP_SSL)])
def test_a_login_is_asked_for_and_only_over_tls(security: str, kind: type[smtplib.SMTP]):
    with SmtpTwin.start(security=security, login=LOGIN) as twin:
        trust = ssl.create_default_context(cafile=str(twin.authority))
        told = {"context": trust} if kind is smtplib.SMTP_SSL else {}
        with kind("localhost", twin.port, local_hostname="[127.0.0.1]", timeout=10, **told) as line:
            line.ehlo()
            if security == "starttls":
                assert not line.has_extn("auth")
                line.starttls(context=trust)
                line.ehlo()
            assert line.docmd("MAIL", "FROM:<a@example.org>")[0] == 530
            with pytest.raises(smtplib.SMTPAuthenticationError):
                line.login("ann", "wrong")
            line.login(*LOGIN)
            begun(line)
            assert line.data(GOOD.encode())[0] == 250
        assert all(heard.encrypted for heard in twin.heard("auth", "mail", "data"))
        twin.kill()
        assert [taken.recipients for taken in twin.accepted()] == [("b@example.org",)]


def test_a_fault_that_nobody_knows_is_refused(twin: SmtpTwin):
    with pytest.raises(ValueError, match="no fault"):
        twin.fault("rcpt", "sulk")
    with pytest.raises(ValueError, match="no fault"):
        twin.fault("lunch", "drop")


def test_a_fault_hits_the_command_that_it_is_about_and_heals(twin: SmtpTwin, line: smtplib.SMTP):
    twin.fault("rcpt", "550 5.1.1 Nobody", about="gone@example.org", times=9)
    line.docmd("MAIL", "FROM:<a@example.org>")
    codes = [line.docmd("RCPT", f"TO:<{name}@example.org>")[0] for name in ("here", "gone", "gone")]
    twin.heal()
    assert [*codes, line.docmd("RCPT", "TO:<gone@example.org>")[0]] == [250, 550, 550, 250]
    assert twin.fired() == ["550 5.1.1 Nobody at rcpt"] * 2

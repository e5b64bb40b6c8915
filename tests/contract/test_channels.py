"""What every channel keeps, and what each does in its own way. Real folders, real processes, real kills."""

import email
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postbot.channels.console import Console
from postbot.channels.folder import Folder
from postbot.core.announce import Event, Message, Outcome, Receipt

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPENED = Message(
    key="jobs/baker.md|1|opened|folder|bakers@example.org",
    event=Event.OPENED,
    slug="baker",
    channel="folder",
    recipient="bakers@example.org",
    subject="Baker (GS-13): open until Friday",
    body="The position Bäcker is open.\n\nApply by Friday.\n",
)
CLOSED = replace(OPENED, key="jobs/baker.md|1|closed|folder|bakers@example.org", event=Event.CLOSED)


class Channel(Protocol):
    def send(self, message: Message) -> Receipt: ...
    def look(self, message: Message) -> Outcome: ...


@dataclass
class Spoken:
    """A channel, and the texts that have come out of it."""

    channel: Channel
    texts: Callable[[], list[str]]
    break_it: Callable[[], None]


def console() -> Spoken:
    printed: list[str] = []
    broken: list[bool] = []

    def write(text: str) -> None:
        if broken:
            raise BrokenPipeError(32, "Broken pipe")
        printed.append(text)

    return Spoken(Console(write), lambda: printed, lambda: broken.append(True))


def folder(path: Path) -> Spoken:
    def break_it() -> None:
        path.write_text("a file where the folder should be")

    return Spoken(Folder(path, lambda: NOON), lambda: [file.read_text() for file in mails(path)], break_it)


def mails(path: Path) -> list[Path]:
    return sorted(file for file in path.glob("*") if not file.name.startswith("."))


@pytest.fixture(params=["console", "folder"])
def spoken(request: pytest.FixtureRequest, tmp_path: Path) -> Spoken:
    return console() if request.param == "console" else folder(tmp_path / "sent")


def test_a_message_is_said_in_its_own_words(spoken: Spoken):
    assert spoken.channel.send(OPENED).outcome is Outcome.SENT
    (text,) = spoken.texts()
    for part in (OPENED.recipient, OPENED.subject, *OPENED.body.split("\n\n")):
        assert part.strip() in text


def test_a_look_tells_before_and_after(spoken: Spoken):
    assert spoken.channel.look(OPENED) is Outcome.NOT_SENT
    spoken.channel.send(OPENED)
    assert (spoken.channel.look(OPENED), spoken.channel.look(CLOSED)) == (Outcome.SENT, Outcome.NOT_SENT)


def test_the_same_key_is_said_once(spoken: Spoken):
    receipts = [spoken.channel.send(message) for message in (OPENED, OPENED, replace(OPENED, body="other words\n"))]
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 3
    assert len(spoken.texts()) == 1


def test_two_keys_are_said_both(spoken: Spoken):
    spoken.channel.send(OPENED)
    spoken.channel.send(CLOSED)
    assert len(spoken.texts()) == 2


def test_what_the_world_refuses_is_not_sent_and_says_why(spoken: Spoken):
    spoken.break_it()
    receipt = spoken.channel.send(OPENED)
    assert receipt.outcome is Outcome.NOT_SENT
    assert receipt.detail.startswith("Cannot")
    assert spoken.channel.look(OPENED) is not Outcome.SENT


def test_what_an_earlier_console_printed_is_gone_with_it():
    console().channel.send(OPENED)
    assert console().channel.look(OPENED) is Outcome.NOT_SENT


def test_a_folder_remembers_what_an_earlier_process_wrote(tmp_path: Path):
    folder(tmp_path).channel.send(OPENED)
    assert folder(tmp_path).channel.look(OPENED) is Outcome.SENT


def test_a_folder_that_cannot_be_read_is_unknown(tmp_path: Path):
    spoken = folder(tmp_path / "sent")
    spoken.break_it()
    assert spoken.channel.look(OPENED) is Outcome.UNKNOWN


def test_another_try_on_another_day_makes_no_second_file(tmp_path: Path):
    Folder(tmp_path, lambda: NOON).send(OPENED)
    again = Folder(tmp_path, lambda: NOON + timedelta(days=1)).send(OPENED)
    assert [str(file) for file in mails(tmp_path)] == [again.detail]


def test_a_file_is_a_mail_that_programs_read(tmp_path: Path):
    Folder(tmp_path, lambda: NOON).send(OPENED)
    (file,) = mails(tmp_path)
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert file.name.startswith("2026-03-02-opened-baker-")
    assert (mail["To"], mail["Subject"]) == (OPENED.recipient, OPENED.subject)
    assert mail["Date"].datetime == NOON
    assert mail["X-Postbot-Key"] == OPENED.key
    assert mail["Message-ID"].split("@")[0].removeprefix("<") in file.name
    assert mail.get_content() == OPENED.body


@pytest.mark.parametrize("slug", ["../../etc/passwd", "a/b", "", "." * 300, "ü" * 300, "x" * 300, "\n"], ids=ascii)
def test_a_slug_never_leads_out_of_the_folder(tmp_path: Path, slug: str):
    receipt = Folder(tmp_path / "sent", lambda: NOON).send(replace(OPENED, slug=slug))
    assert receipt.outcome is Outcome.SENT
    (file,) = mails(tmp_path / "sent")
    assert "--" not in file.name
    assert list(tmp_path.iterdir()) == [tmp_path / "sent"]


HOSTILE = ["a\nBcc: evil@example.org", "a\r\nBcc: x", "a\rb", "a\x0bb", "a\x85b", "a\u2028b", "a\x00b", "\ud800"]
HOSTILE += ["=?utf-8?q?X=0d=0aBcc=3A_evil=40example.org?="]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("field", ["subject", "recipient", "key"])
def test_text_that_could_start_a_header_is_refused(tmp_path: Path, field: str, text: str):
    message = replace(OPENED, **{field: text})
    receipt = Folder(tmp_path, lambda: NOON).send(message)
    assert (receipt.outcome, mails(tmp_path)) == (Outcome.NOT_SENT, [])
    assert field in receipt.detail
    assert Folder(tmp_path, lambda: NOON).look(message) is Outcome.NOT_SENT


HEADERS = {"To", "Subject", "Date", "Message-ID", "X-Postbot-Key", "MIME-Version"}
HEADERS |= {"Content-Type", "Content-Transfer-Encoding"}


@given(subject=st.text(max_size=200), recipient=st.text(max_size=80), body=st.text(max_size=400))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_adds_a_header(tmp_path: Path, subject: str, recipient: str, body: str):
    message = replace(OPENED, key=f"{subject!a}{recipient!a}{body!a}".replace("=?", ""), body=body)
    receipt = Folder(tmp_path, lambda: NOON).send(replace(message, subject=subject, recipient=recipient))
    if receipt.outcome is Outcome.SENT:
        mail = email.message_from_bytes(Path(receipt.detail).read_bytes(), policy=default)
        assert set(mail.keys()) == HEADERS
        assert len(mail.keys()) == len(HEADERS)


def test_many_senders_of_one_message_make_one_file(tmp_path: Path):
    ready, receipts = threading.Barrier(8), []

    def send() -> None:
        ready.wait()
        receipts.append(Folder(tmp_path, lambda: NOON).send(OPENED))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 8
    assert len(mails(tmp_path)) == 1
    assert len(list(tmp_path.iterdir())) == 1


KILLED = textwrap.dedent("""
    import os, signal, sys, tests.contract.test_channels as kit
    from pathlib import Path
    calls, target = 0, int(sys.argv[2])

    def count(event, args):  # the process dies at its n-th touch of the folder, just before the system does it
        global calls
        if any(str(arg).startswith(sys.argv[1]) for arg in args) and event in ("open", "os.link", "os.remove", "os.mkdir"):
            calls += 1
            if calls == target:
                os.kill(os.getpid(), signal.SIGKILL)

    channel = kit.Folder(Path(sys.argv[1]), lambda: kit.NOON)
    sys.addaudithook(count)
    channel.send(kit.OPENED)
""")


@pytest.mark.parametrize("nth", range(1, 6))
def test_a_kill_in_mid_send_leaves_no_file_or_the_whole_file(tmp_path: Path, nth: int):
    sent = tmp_path / "sent"
    command = [sys.executable, "-c", KILLED, sent, str(nth)]
    done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    spoken = folder(sent)
    looked = spoken.channel.look(OPENED)
    assert len(mails(sent)) == (looked is Outcome.SENT)
    assert spoken.channel.send(OPENED).outcome is Outcome.SENT
    (text,) = spoken.texts()
    assert text.endswith(OPENED.body)

"""What every channel keeps, and what each does in its own way. Real folders, real processes, real kills."""

import email
import json
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postbot.channels.console import Console
from postbot.channels.folder import Folder
from postbot.core.announce import Event, Message, Outcome, Receipt, Root
from tests.payloads import PAYLOADS

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
RICH = replace(
    OPENED,
    html="<p>The position Bäcker is open.</p>\n",
    blocks='[{"type": "divider"}]',
    calendar="BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n",
    thread="public:0123",
    why="routes.yaml (hears opened)",
)
ROOT = Root(OPENED.key, "")


class Channel(Protocol):
    settles: timedelta

    def send(self, message: Message, root: Root | None) -> Receipt: ...
    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt: ...
    def rest(self) -> None: ...


@dataclass
class Spoken:
    """A channel, and the texts that have come out of it."""

    channel: Channel
    texts: Callable[[], list[str]]
    break_it: Callable[[], None]

    def send(self, message: Message, root: Root | None = None) -> Outcome:
        return self.channel.send(message, root).outcome

    def look(self, message: Message) -> Outcome:
        return self.channel.look(message, None, NOON).outcome


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
    return sorted(file for file in path.glob("*.eml") if not file.name.startswith("."))


def facts(path: Path) -> list[Path]:
    return sorted(file for file in path.glob("*.json") if not file.name.startswith("."))


def into(path: Path, message: Message = OPENED, root: Root | None = None) -> Receipt:
    return Folder(path, lambda: NOON).send(message, root)


@pytest.fixture(params=["console", "folder"])
def spoken(request: pytest.FixtureRequest, tmp_path: Path) -> Spoken:
    return console() if request.param == "console" else folder(tmp_path / "sent")


def test_a_message_is_said_in_its_own_words(spoken: Spoken):
    assert spoken.send(OPENED) is Outcome.SENT
    (text,) = spoken.texts()
    for part in (OPENED.recipient, OPENED.subject, *OPENED.body.split("\n\n")):
        assert part.strip() in text


def test_a_rich_message_is_said_in_the_same_words_for_who_reads_text(spoken: Spoken):
    assert spoken.send(RICH) is Outcome.SENT
    (text,) = spoken.texts()
    for part in (RICH.recipient, RICH.subject, *RICH.body.split("\n\n")):
        assert part.strip() in text


def test_a_look_tells_before_and_after(spoken: Spoken):
    assert spoken.look(OPENED) is Outcome.NOT_SENT
    spoken.send(OPENED)
    assert (spoken.look(OPENED), spoken.look(CLOSED)) == (Outcome.SENT, Outcome.NOT_SENT)


def test_a_look_is_exact_and_needs_no_time_to_settle(spoken: Spoken):
    assert spoken.channel.settles == timedelta(0)


def test_a_look_tells_the_place_that_the_sending_told(spoken: Spoken):
    sent = spoken.channel.send(OPENED, None)
    assert spoken.channel.look(OPENED, None, NOON + timedelta(days=1)).place == sent.place


def test_the_same_key_is_said_once(spoken: Spoken):
    outcomes = [spoken.send(message) for message in (OPENED, OPENED, replace(OPENED, body="other words\n"))]
    assert outcomes == [Outcome.SENT] * 3
    assert len(spoken.texts()) == 1


def test_two_keys_are_said_both(spoken: Spoken):
    spoken.send(OPENED)
    spoken.send(CLOSED, ROOT)
    assert len(spoken.texts()) == 2


def test_after_a_rest_a_channel_speaks_and_remembers(spoken: Spoken):
    spoken.channel.rest()
    spoken.send(OPENED)
    spoken.channel.rest()
    assert (spoken.look(OPENED), spoken.send(CLOSED)) == (Outcome.SENT, Outcome.SENT)


def test_what_the_world_refuses_is_not_sent_says_why_and_may_be_tried_again(spoken: Spoken):
    spoken.break_it()
    receipt = spoken.channel.send(OPENED, None)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, False)
    assert receipt.detail.startswith("Cannot")
    assert spoken.look(OPENED) is not Outcome.SENT
    spoken.channel.rest()


def test_what_an_earlier_console_printed_is_gone_with_it():
    console().send(OPENED)
    assert console().look(OPENED) is Outcome.NOT_SENT


def test_a_folder_remembers_what_an_earlier_process_wrote(tmp_path: Path):
    folder(tmp_path).send(OPENED)
    assert folder(tmp_path).look(OPENED) is Outcome.SENT


def test_a_folder_that_cannot_be_read_is_unknown(tmp_path: Path):
    spoken = folder(tmp_path / "sent")
    spoken.break_it()
    assert spoken.look(OPENED) is Outcome.UNKNOWN


def test_another_try_on_another_day_makes_no_second_file(tmp_path: Path):
    into(tmp_path)
    again = Folder(tmp_path, lambda: NOON + timedelta(days=1)).send(OPENED, None)
    assert [str(file) for file in mails(tmp_path)] == [again.detail]
    assert len(facts(tmp_path)) == 1


def test_what_was_sent_is_not_told_otherwise_later(tmp_path: Path):
    into(tmp_path)
    into(tmp_path, replace(OPENED, body="other words\n"))
    assert json.loads(facts(tmp_path)[0].read_text())["body"] == OPENED.body


def test_a_mail_without_its_facts_is_sent_all_the_same(tmp_path: Path):
    into(tmp_path)
    facts(tmp_path)[0].unlink()
    Folder(tmp_path, lambda: NOON + timedelta(days=1)).send(OPENED, None)
    assert list(tmp_path.iterdir()) == mails(tmp_path)
    assert len(mails(tmp_path)) == 1


def test_what_was_begun_and_not_sent_yesterday_is_sent_under_its_name_today(tmp_path: Path):
    into(tmp_path)
    (mail,), (known,) = mails(tmp_path), facts(tmp_path)
    mail.unlink()
    known.write_text("of another try")
    assert folder(tmp_path).look(OPENED) is Outcome.NOT_SENT
    receipt = Folder(tmp_path, lambda: NOON + timedelta(days=1)).send(OPENED, None)
    assert (receipt.detail, mails(tmp_path), facts(tmp_path)) == (str(mail), [mail], [known])
    assert json.loads(known.read_text())["body"] == OPENED.body


def test_a_file_is_a_mail_that_programs_read(tmp_path: Path):
    receipt = into(tmp_path)
    (file,) = mails(tmp_path)
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert file.name.startswith("2026-03-02-opened-baker-")
    assert (mail["To"], mail["Subject"]) == (OPENED.recipient, OPENED.subject)
    assert mail["Date"].datetime == NOON
    assert mail["X-Postbot-Key"] == OPENED.key
    assert mail["Message-ID"] == receipt.place
    assert mail.get_content() == OPENED.body


def test_a_rich_file_is_a_mail_that_programs_read_and_people_too(tmp_path: Path):
    into(tmp_path, RICH)
    (file,) = mails(tmp_path)
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert [part.get_content_type() for part in mail.walk()][1:] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert mail.get_body(("plain",)).get_content() == RICH.body
    assert mail.get_body(("html",)).get_content() == RICH.html
    assert RICH.body in file.read_text()
    assert RICH.html in file.read_text()


def test_beside_a_mail_lies_all_that_is_known_of_the_message(tmp_path: Path):
    into(tmp_path, replace(RICH, key=CLOSED.key), ROOT)
    (mail,), (known,) = mails(tmp_path), facts(tmp_path)
    assert known.stem == mail.stem
    assert json.loads(known.read_text()) == {
        "key": CLOSED.key,
        "event": "opened",
        "slug": "baker",
        "recipient": RICH.recipient,
        "why": RICH.why,
        "thread": RICH.thread,
        "in_reply_to": OPENED.key,
        "subject": RICH.subject,
        "body": RICH.body,
        "html": RICH.html,
        "blocks": [{"type": "divider"}],
        "calendar": RICH.calendar,
    }


@pytest.mark.parametrize(("blocks", "shown"), [("", []), ("[1", "[1")])
def test_blocks_that_are_none_are_shown_as_they_are(tmp_path: Path, blocks: str, shown: object):
    assert into(tmp_path, replace(RICH, blocks=blocks)).outcome is Outcome.SENT
    assert json.loads(facts(tmp_path)[0].read_text())["blocks"] == shown


def test_a_reply_in_a_folder_refers_to_the_mail_that_began_the_thread(tmp_path: Path):
    first = into(tmp_path)
    reply = into(tmp_path, CLOSED, Root(OPENED.key, first.place))
    mail = email.message_from_bytes(Path(reply.detail).read_bytes(), policy=default)
    assert (mail["In-Reply-To"], mail["References"]) == (first.place, first.place)


@pytest.mark.parametrize("slug", ["../../etc/passwd", "a/b", "", "." * 300, "ü" * 300, "x" * 300, "\n"], ids=ascii)
def test_a_slug_never_leads_out_of_the_folder(tmp_path: Path, slug: str):
    assert into(tmp_path / "sent", replace(OPENED, slug=slug)).outcome is Outcome.SENT
    (file,) = mails(tmp_path / "sent")
    assert "--" not in file.name
    assert list(tmp_path.iterdir()) == [tmp_path / "sent"]


HOSTILE = ["a\nBcc: evil@example.org", "a\r\nBcc: x", "a\rb", "a\x0bb", "a\x85b", "a\u2028b", "a\x00b", "\ud800"]
HOSTILE += ["=?utf-8?q?X=0d=0aBcc=3A_evil=40example.org?="]


HEADERS = {"To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "X-Postbot-Key"}
HEADERS |= {"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Language"}


def read(file: str) -> EmailMessage:
    return email.message_from_bytes(Path(file).read_bytes(), policy=default)


@pytest.mark.parametrize("field", ["subject", "recipient", "key", "slug"])
def test_text_that_could_start_a_header_stays_on_its_line(tmp_path: Path, field: str):
    for text in HOSTILE + PAYLOADS[::8]:  # all of them: see test_mime
        message = replace(OPENED, **{"key": ascii(text), field: text})
        receipt = into(tmp_path, message)
        assert receipt.outcome is Outcome.SENT
        assert sorted(read(receipt.detail).keys()) == sorted(HEADERS)
        assert json.loads(Path(receipt.detail).with_suffix(".json").read_bytes())[field] == text


@pytest.mark.parametrize("text", ["a\rb", "a\x0bb", "a\x85b", "a\u2028b", "a\x00b", "\ud800", "\x1b[31mred"], ids=ascii)
@pytest.mark.parametrize("field", ["body", "html", "calendar"])
def test_words_with_control_characters_are_never_sent(tmp_path: Path, field: str, text: str):
    message = replace(OPENED, **{field: text})
    receipt = into(tmp_path, message)
    assert (receipt.outcome, receipt.final, list(tmp_path.iterdir())) == (Outcome.NOT_SENT, True, [])
    assert "control characters" in receipt.detail
    assert folder(tmp_path).look(message) is Outcome.NOT_SENT


@given(subject=st.text(max_size=200), recipient=st.text(max_size=80), body=st.text(max_size=400))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_adds_a_header(tmp_path: Path, subject: str, recipient: str, body: str):
    message = replace(OPENED, key=f"{subject!a}{recipient!a}{body!a}", body=body)
    receipt = into(tmp_path, replace(message, subject=subject, recipient=recipient))
    if receipt.outcome is Outcome.SENT:
        assert sorted(read(receipt.detail).keys()) == sorted(HEADERS)


def test_many_senders_of_one_message_make_one_file(tmp_path: Path):
    ready, receipts = threading.Barrier(8), []

    def send() -> None:
        ready.wait()
        receipts.append(into(tmp_path))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 8
    assert sorted(tmp_path.iterdir()) == sorted(mails(tmp_path) + facts(tmp_path))
    assert (len(mails(tmp_path)), len(facts(tmp_path))) == (1, 1)


KILLED = textwrap.dedent("""
    import os, signal, sys, tests.contract.test_channels as kit
    from pathlib import Path
    calls, target = 0, int(sys.argv[2])

    def count(event, args):  # the process dies at its n-th touch of the folder, just before the system does it
        global calls
        if any(str(arg).startswith(sys.argv[1]) for arg in args) and event in ("open", "os.link", "os.rename", "os.remove", "os.mkdir"):
            calls += 1
            if calls == target:
                os.kill(os.getpid(), signal.SIGKILL)

    channel = kit.Folder(Path(sys.argv[1]), lambda: kit.NOON)
    sys.addaudithook(count)
    channel.send(kit.RICH, None)
""")


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_kill_in_mid_send_leaves_no_mail_or_the_whole_mail(tmp_path: Path, nth: int):
    sent = tmp_path / "sent"
    command = [sys.executable, "-c", KILLED, sent, str(nth)]
    done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    spoken = folder(sent)
    looked = spoken.look(RICH)
    assert len(mails(sent)) == (looked is Outcome.SENT)
    assert [json.loads(file.read_text())["body"] for file in facts(sent)] == [RICH.body] * len(facts(sent))
    assert spoken.send(RICH) is Outcome.SENT
    ((file,), (known,)) = mails(sent), facts(sent)
    assert known.stem == file.stem
    assert read(str(file)).get_body(("html",)).get_content() == RICH.html
    assert sorted(sent.iterdir()) == [file, known]

"""What becomes of a message in the post: read back by other readers than the writer, and line by line.

Numbers are those of the list of bad input: 89 control characters, 90 encoded words, 91 NUL, 92 length, 93 two
recipients in one, 94 other alphabets in addresses, 95 lines that mail itself uses.
"""

import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.message import Message as Mail
from email.parser import BytesHeaderParser
from email.utils import parseaddr

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postbot.channels.mime import LONGEST_SUBJECT, compose, compose_for_people, flaw, line, message_id
from postbot.core.announce import Event, Message, Root
from tests.payloads import PAYLOADS, PIECES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SENDER = "postbot@agency.example"
OPENED = Message(
    key="jobs/baker.md|1|opened|email|bakers@list.example",
    event=Event.OPENED,
    slug="baker",
    channel="email",
    recipient="bakers@list.example",
    subject="Baker (GS-13): open until Friday",
    body="The position Bäcker is open.\n\nApply by Friday.\n",
    html="<html lang='en'><body><h1>Bäcker</h1>\n<p>Apply.</p></body></html>\n",
)
PLAIN = replace(OPENED, html="")
ROOT = Root("jobs/baker.md|1|opening-soon|email|bakers@list.example", "")

ALWAYS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"]
ALWAYS += ["X-Postbot-Key", "MIME-Version", "Content-Type", "Content-Language"]
REPLY = ["In-Reply-To", "References"]

HOSTILE = ["a\nBcc: evil@example.org", "a\r\nBcc: x", "a\rb", "a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", "a\u2028b"]  # 89
HOSTILE += ["a\n\nbody", "a\r\n\r\nbody", "\nBcc: x", "a\n Bcc: x", "a\n\tBcc: x"]
HOSTILE += [  # 90
    "=?utf-8?q?X=0d=0aBcc=3A_evil=40example.org?=",
    "=?utf-8?b?WA0KQmNjOiBldmls?=",
    "=?us-ascii?q?X=0aBcc:_evil?= =?us-ascii?q?=0a=0a?=",
    "==?utf-8?q?=3D=3Futf-8=3Fq=3FX=0aBcc:_e=3F=3D?=",
    "=\x00?utf-8?q?X=0aBcc:_e?=",
    "=\u200b?utf-8?q?X=0aBcc:_e?=",
    "ü =?utf-8?q?X=0aBcc:_e?= ü",
]
HOSTILE += ["a\x00b", "\x00", "\ud800", "\udc0a", "\u202egnp.exe", "\u2066x"]  # 91, and what turns or breaks text
HOSTILE += ["x" * 2000, "x " * 1000, "ü" * 2000, "\U0001f600" * 500, "x" * 20_000]  # 92
HOSTILE += ["", " ", "\t", ",", '"', "<", ">", "()", "a, b", "x:;", "\\", "a@b, evil@example.org"]
TEXTS = HOSTILE + PAYLOADS

TWO_OR_NONE = [  # 93, 94
    "a@x.example, evil@y.example",
    "a@x.example,evil@y.example",
    "a@x.example; evil@y.example",
    "a@x.example evil@y.example",
    "a@x.example\nBcc: evil@y.example",
    "a@x.example\r\nRCPT TO:<evil@y.example>",
    "a@x.example\x00",
    "a@x.example\u2028",
    "Evil <a@x.example>",
    "<a@x.example>",
    "all: a@x.example, evil@y.example;",
    '"a@x.example, evil"@y.example',
    "a@[127.0.0.1]",
    "bäcker@x.example",
    "a@bäcker.example",
    "a@x.example(comment)",
    "=?utf-8?q?a=40x=2Eexample?=",
    "@x.example",
    "a@",
    "a",
    "-oProxyCommand@",
    "",
]


def posted(message: Message, **others: object) -> bytes:
    facts = {"root": None, "at": NOON, "sender": SENDER} | others
    return compose(message, **facts).as_bytes(policy=policy.SMTP)


def read(data: bytes) -> EmailMessage:
    """What a mail program of today makes of it."""
    found = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def lines(data: bytes) -> list[bytes]:
    """Every line, of a mail that breaks them as the post asks for."""
    assert data.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", data)
    found = data.split(b"\r\n")
    assert max(map(len, found)) <= 998
    return found


def names(data: bytes) -> list[str]:
    """The names of the headers as the simplest of servers sees them: line by line, none blank, none odd."""
    head = lines(data)[: lines(data).index(b"")]
    assert all(each.strip() for each in head)
    starts = [each for each in head if each[:1] not in b" \t"]
    assert all(re.match(rb"[A-Za-z-]+: ", each) for each in starts)
    return [each.split(b":")[0].decode() for each in starts]


def parts(mail: Mail) -> list[str]:
    return [part.get_content_type() for part in mail.walk()]


def text_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def assert_sound(data: bytes, message: Message, expected: list[str]) -> EmailMessage:
    """The promise: these headers, each once; one recipient; these parts, to the letter."""
    mail = read(data)
    old = BytesHeaderParser().parsebytes(data)
    assert sorted(names(data)) == sorted(mail.keys()) == sorted(old.keys()) == sorted(expected)
    assert [address.addr_spec for address in mail["To"].addresses] == [message.recipient]
    assert [address.addr_spec for address in mail["From"].addresses] == [SENDER]
    assert not mail.defects
    words = ["multipart/alternative", "text/plain", "text/html"] if message.html else ["text/plain"]
    assert parts(mail) == (["multipart/mixed", *words, "text/calendar"] if message.calendar else words)
    assert text_of(mail, "plain") == ended(message.body)
    if message.html:
        assert text_of(mail, "html") == ended(message.html)
    return mail


def ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def test_a_mail_carries_what_is_needed_and_nothing_else():
    mail = assert_sound(posted(OPENED), OPENED, ALWAYS)
    assert (mail["Subject"], mail["Date"].datetime) == (OPENED.subject, NOON)
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (mail["X-Postbot-Key"], mail["Content-Language"]) == (OPENED.key, "en")


def test_no_header_can_be_set_a_second_time():
    mail = compose(OPENED, root=ROOT, at=NOON, sender=SENDER, headers={"Approved": "x"})
    for name in [*ALWAYS, *REPLY, "Approved"]:
        with pytest.raises(ValueError, match="at most 1"):
            mail[name] = "x"


def test_a_mail_of_text_alone_has_one_part():
    assert_sound(posted(PLAIN), PLAIN, [*ALWAYS, "Content-Transfer-Encoding"])


def test_no_text_in_a_header_becomes_another():
    for text in TEXTS:
        message = replace(OPENED, subject=text, key=text, slug=text)
        assert flaw(message) is None
        mail = assert_sound(posted(message, root=ROOT), message, ALWAYS + REPLY)
        assert mail["X-Postbot-Key"] == line(text)
        assert mail["Message-ID"] == message_id(text, SENDER)
        assert_arrived(str(mail["Subject"]), text)


def assert_arrived(subject: str, text: str) -> None:
    """One line of the text, or its beginning; nobody who decodes it a second time finds anything in it."""
    clean = line(text)
    assert subject == clean or (len(clean) > LONGEST_SUBJECT and clean.startswith(subject[:-1].rstrip()))
    assert "=?" not in subject
    assert str(make_header(decode_header(subject))) == subject


def test_an_endless_subject_is_cut_and_says_so():
    for text in ("x" * 2000, "ü" * 2000, "long " * 400):
        subject = str(read(posted(replace(OPENED, subject=text)))["Subject"])
        assert subject.endswith("…")
        assert LONGEST_SUBJECT - 2 < len(subject) <= LONGEST_SUBJECT
    assert read(posted(replace(OPENED, subject="x" * LONGEST_SUBJECT)))["Subject"] == "x" * LONGEST_SUBJECT


def test_words_arrive_to_the_letter_or_are_not_sent():
    sent = 0
    for text in TEXTS:
        message = replace(OPENED, body=text, html=text)
        if flaw(message) is None:
            assert_sound(posted(message), message, ALWAYS if text else [*ALWAYS, "Content-Transfer-Encoding"])
            sent += 1
        else:
            assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\ufeff\ud800-\udfff\ufffe\uffff]", text)
    assert sent > len(TEXTS) * 0.8


@pytest.mark.parametrize("slot", ["body", "html", "calendar"])
@pytest.mark.parametrize("text", ["a\rb", "a\x0bb", "a\x85b", "a\u2028b", "a\x00b", "\ud800", "\x1b[31mred"], ids=ascii)
def test_words_with_control_characters_are_a_flaw_that_is_named(slot: str, text: str):
    assert "holds control characters" in (flaw(replace(OPENED, **{slot: text})) or "")


@pytest.mark.parametrize(
    "text", [".\n", "..\n.\n", "From me\n>From me\n", "a\n.\n\nFrom me\n", "x \n\ty\t\n", "=3D=\n=\n"]
)
def test_lines_that_mail_uses_itself_arrive(text: str):  # 95
    message = replace(OPENED, body=text, html=f"<pre>{text}</pre>\n")
    assert_sound(posted(message), message, ALWAYS)


@pytest.mark.parametrize(
    "text", ["x" * 5000, "ü" * 5000, "Å…\u2003" * 999, "\U0001f600" * 999], ids=lambda text: ascii(text[0])
)
def test_endless_lines_arrive_in_short_ones(text: str):
    message = replace(OPENED, body=text, html=text)
    data = posted(message)
    assert_sound(data, message, ALWAYS)
    assert max(map(len, lines(data))) <= 78


def test_no_part_can_pose_as_another():
    forged = posted(OPENED)
    boundary = read(forged).get_boundary()
    for text in (f"--{boundary}\n\nx\n", f"x\n--{boundary}--\n", forged.decode().replace("\r\n", "\n")):
        message = replace(OPENED, body=text, html=text)
        assert_sound(posted(message), message, ALWAYS)
        mail = read(compose_for_people(message, root=None, at=NOON).as_bytes())
        assert text_of(mail, "plain") == ended(text)
        assert text_of(mail, "html") == ended(text)


@pytest.mark.parametrize("recipient", TWO_OR_NONE, ids=ascii)
def test_a_recipient_is_one_address_or_nobody(recipient: str):
    message = replace(OPENED, recipient=recipient)
    sentence = flaw(message)
    assert sentence
    assert "not one plain e-mail address" in sentence
    assert sentence.isascii()
    assert sentence.isprintable()
    with pytest.raises(ValueError, match="not one plain e-mail address"):
        posted(message)


def test_no_payload_is_more_than_one_recipient():
    for text in PAYLOADS:
        message = replace(OPENED, recipient=text)
        assert flaw(message) or assert_sound(posted(message), message, ALWAYS)["To"] == text


ANY = st.text(max_size=300) | st.lists(st.sampled_from([*PIECES, *HOSTILE[:30], "=?utf-8?q?", "?=", "ü"])).map("".join)


@given(subject=ANY, key=ANY, body=ANY, html=ANY, reply=st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_is_said_the_mail_is_sound_or_is_not_sent(
    subject: str, key: str, body: str, html: str, *, reply: bool
):
    message = replace(OPENED, subject=subject, key=key, body=body, html=html)
    root = Root(key, subject) if reply else None
    data = (
        posted(message, root=root)
        if flaw(message) is None
        else posted(replace(message, body="x\n", html=""), root=root)
    )
    found = names(data)
    assert set(found) - {"Content-Transfer-Encoding"} == set(ALWAYS + (REPLY if reply else []))
    assert len(found) == len(set(found))
    if flaw(message) is None:
        mail = assert_sound(data, message, found)
        assert len(line(subject)) > LONGEST_SUBJECT or mail["Subject"] == line(subject)
        assert mail["X-Postbot-Key"] == line(key)


@given(recipient=ANY, subject=ANY)
@settings(max_examples=100, deadline=None)
def test_a_mail_for_people_is_for_anybody_and_sound_too(recipient: str, subject: str):
    message = replace(OPENED, recipient=recipient, subject=subject)
    data = compose_for_people(message, root=ROOT, at=NOON).as_bytes()
    raw = BytesHeaderParser(policy=policy.default.clone(utf8=True)).parsebytes(data)
    assert sorted(raw.keys()) == sorted([*ALWAYS[1:], *REPLY])
    assert text_of(read(data), "plain") == OPENED.body
    assert data.decode().startswith(f"To: {line(recipient)}\n")


def test_a_reply_refers_to_the_mail_that_began_its_thread_and_to_nothing_else():
    first = read(posted(OPENED))
    for root in (Root(OPENED.key, ""), Root(OPENED.key, str(first["Message-ID"]))):
        reply = read(posted(replace(OPENED, key="another"), root=root))
        assert reply["In-Reply-To"] == reply["References"] == first["Message-ID"]
    assert first["References"] is None


def test_a_reply_finds_a_root_that_another_sender_sent():
    first = read(posted(OPENED, sender="old@elsewhere.example"))
    reply = read(posted(replace(OPENED, key="another"), root=Root(OPENED.key, str(first["Message-ID"]))))
    assert reply["References"] == first["Message-ID"]
    assert str(first["Message-ID"]).endswith("@elsewhere.example>")


def test_a_place_that_is_no_identifier_of_ours_is_not_referred_to():
    for place in ["<a@b>", "C012/1.2", "<" + "0" * 32 + "@x>\nBcc: evil@example.org", *HOSTILE]:
        reply = read(posted(replace(OPENED, key="another"), root=Root(OPENED.key, place)))
        assert reply["References"] == message_id(OPENED.key, SENDER)


def test_an_identifier_belongs_to_its_message_and_never_changes():
    assert message_id("a", SENDER) == message_id("a", f"Somebody Else <{SENDER}>") != message_id("b", SENDER)
    assert re.fullmatch(r"<[0-9a-f]{32}@agency\.example>", message_id("a", SENDER))
    assert re.fullmatch(r"<[0-9a-f]{32}@postbot\.invalid>", message_id("\ud800\n"))
    assert posted(OPENED) == posted(OPENED)
    assert read(posted(OPENED, at=NOON + timedelta(days=9)))["Message-ID"] == read(posted(OPENED))["Message-ID"]


def test_identifiers_under_a_long_domain_stay_whole():
    domain = ".".join(["department"] * 20) + ".example"
    data = posted(OPENED, root=ROOT, sender=f"a@{domain}")
    head = lines(data)
    for name, key in (("Message-ID", OPENED.key), ("In-Reply-To", ROOT.key), ("References", ROOT.key)):
        assert f"{name}: {message_id(key, f'a@{domain}')}".encode() in head


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("postbot@agency.example", ""),
        ("Jobs at Agency <postbot@agency.example>", "Jobs at Agency"),
        ('Bäcker, "HR" <postbot@agency.example>', 'Bäcker, "HR"'),
        ("=?utf-8?q?X=0aBcc:_e?= <postbot@agency.example>", "= ?utf-8?q?X=0aBcc:_e?="),
        ("ü" * 60 + " <postbot@agency.example>", "ü" * 60),
    ],
)
def test_a_sender_may_have_a_name(sender: str, name: str):
    data = posted(OPENED, sender=sender)
    assert_sound(data, OPENED, ALWAYS)
    shown, address = parseaddr(BytesHeaderParser().parsebytes(data)["From"])
    assert (str(make_header(decode_header(shown))), address) == (name, SENDER)


@pytest.mark.parametrize(
    "sender", ["", "nobody", "a@x.example, b@y.example", "A <b>", "<>", "a@x.example\nBcc: e@y.example"]
)
def test_a_sender_that_is_no_address_is_refused(sender: str):
    with pytest.raises(ValueError, match="is not an e-mail address"):
        posted(OPENED, sender=sender)


def test_headers_of_the_configuration_go_out_as_they_stand():
    extra = {
        "Approved": "s3cret =?x?= " + "w" * 60 + "  two  blanks  " + "z" * 80,
        "List-Id": "Jobs <jobs.agency.example>",
    }
    extra["X-Wide"] = "w" * 70 + "  " + "z" * 80  # a fold here must not leave a line of blanks
    data = posted(OPENED, headers=extra)
    assert sorted(names(data)) == sorted([*ALWAYS, *extra])
    old = BytesHeaderParser().parsebytes(data)
    assert {name: re.sub(r"\r\n", "", old[name]) for name in extra} == extra


@pytest.mark.parametrize(
    "name",
    ["To", "bcc", "Cc", "References", "in-reply-to", "Content-Type", "MIME-Version", "a b", "", "A:", "Ä", "a\n"],
)
def test_the_configuration_sets_no_header_of_ours(name: str):
    with pytest.raises(ValueError, match="cannot set the header"):
        posted(OPENED, headers={name: "x"})


@pytest.mark.parametrize(
    "value", ["s3cret\n", "s3cret\r\nBcc: x", "s3crét", "", " s3cret", "s3cret\x00", "s3cret" * 200]
)
def test_a_secret_that_is_no_header_is_refused_and_not_shown(value: str):
    with pytest.raises(ValueError, match="header Approved") as refused:
        posted(OPENED, headers={"Approved": value})
    assert "s3cr" not in str(refused.value)


def deadline(method: str, title: str) -> str:
    entry = icalendar.Event()
    entry.add("uid", "0123@postbot")
    entry.add("dtstamp", NOON)
    entry.add("dtstart", NOON)
    entry.add("summary", title)
    whole = icalendar.Calendar()
    for name, value in {"prodid": "-//postbot//deadlines//EN", "version": "2.0", "method": method}.items():
        whole.add(name, value)
    whole.add_component(entry)
    return whole.to_ical().decode()


@pytest.mark.parametrize("method", ["PUBLISH", "CANCEL"])
@pytest.mark.parametrize("message", [OPENED, PLAIN], ids=["html", "text"])
def test_a_deadline_arrives_as_a_calendar_that_says_what_its_part_says(message: Message, method: str):
    for title in ("Bäcker", "x\nMETHOD:REQUEST", "long " * 60, "ü" * 300, "=?x?q?y?=", "trailing  "):
        calendar = deadline(method, title)
        mail = assert_sound(posted(replace(message, calendar=calendar)), replace(message, calendar=calendar), ALWAYS)
        part = list(mail.iter_parts())[-1]
        assert part.get_content_type() == "text/calendar"
        assert part.is_attachment(), "beside the words, not in place of them"
        data = part.get_payload(decode=True)
        assert data == calendar.encode()
        found = icalendar.Calendar.from_ical(data)
        assert part["Content-Type"].params == {"charset": "utf-8", "method": method, "name": "deadline.ics"}
        assert found["method"] == method
        assert [entry["summary"] for entry in found.walk("VEVENT")] == [title]


def test_a_calendar_without_a_method_is_no_invitation():
    message = replace(OPENED, calendar="BEGIN:VCALENDAR\r\nX:\r\n METHOD:REQUEST\r\nEND:VCALENDAR\r\n")
    part = list(read(posted(message)).iter_parts())[-1]
    assert "method" not in part["Content-Type"].params

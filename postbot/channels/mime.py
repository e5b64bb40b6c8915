"""A message as a mail: its headers, and the same news as text, as HTML and as a calendar's entry.

Pure. What comes from a posting can be nothing but text: a header's value is one line however it came, is taken as it
stands and never decoded, is cut where it is endless, and is folded and encoded here and not by the standard library
(CVE-2024-6923 turns the inside of an encoded word into headers; cpython#79986 encodes the identifiers that make a
thread, which some mail programs then drop). There is one recipient, and no header besides the fixed ones and those
of the configuration. What no cleaning can save is named by `flaw`; nobody may send such a message.

A later message refers to the one that began its thread. There is no identifier that stands for the thread alone: by
RFC 5322, 3.6.4, only what a message in fact bore may be referred to.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueAddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime
from hashlib import sha256
from quopri import encodestring
from types import MappingProxyType
from typing import Any, Final

from postbot.core.announce import Message, Root, one_line
from postbot.core.announce.routes import is_address
from postbot.core.text.scalar import unprintable

LONGEST_SUBJECT: Final = 200
NOBODY: Final = "postbot.invalid"
"""The domain of a Message-ID where no sender lends his: reserved by RFC 2606, so that it can never be somebody's."""

_SENDER: Final = re.compile(r"(?:(?P<name>[^<>]*)<)?(?P<address>[^<>\s]+)>?")
_IDENTIFIER: Final = re.compile(r"<[0-9a-f]{32}@[A-Za-z0-9.-]+>")
_METHOD: Final = re.compile(r"^METHOD:([A-Za-z-]+)\r?$", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_OURS: Final = re.compile(
    r"(From|Sender|To|Cc|Bcc|Reply-To|Subject|Date|Message-ID|In-Reply-To|References|Auto-Submitted|Return-Path"
    r"|X-Auto-Response-Suppress|X-Postbot-Key|(Content|MIME|Resent)-.*)",
    re.IGNORECASE,
)
"""What no configuration sets: whom a mail is from and for, what it answers, and how it is made."""
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_FULL_LINE: Final = 76
_LONGEST_LINE: Final = 900  # 998 by RFC 5322, 2.1.1, and some room for what others add


class _Line(BaseHeader):
    """A header that stands once, holds one line of text and is nothing else: neither parsed nor decoded."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy) -> str:
        name, text = self.name, str(self)
        if isinstance(policy, EmailPolicy) and policy.utf8:
            return f"{name}: {text}{policy.linesep}"
        if not text.isascii() or any(len(word) > _LONGEST_LINE for word in text.split(" ")):
            encoded = Header(text, "utf-8", maxlinelen=_FULL_LINE, header_name=name).encode(linesep=policy.linesep)
            return f"{name}: {encoded}{policy.linesep}"
        if name.lower() in _WHOLE:
            return f"{name}: {text}{policy.linesep}"
        return policy.linesep.join(_folded(f"{name}:", text)) + policy.linesep


_WHOLE: Final = frozenset({"approved"})
"""Never folded: whoever compares it with a password takes it as it stands."""


def _folded(line: str, text: str) -> Iterator[str]:
    """The lines of an ASCII header, broken only at blanks, which stay; no line is blank."""
    words = text.split(" ")
    for at, word in enumerate(words):
        if at and word and len(line) + len(word) >= _FULL_LINE:
            yield line
            line = ""
        line += f" {word}"
    yield line


class _Headers(HeaderRegistry):
    """Everything is a line but the sender, who has a name and an address."""

    def __init__(self) -> None:
        super().__init__(use_default_map=False)
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        """The class of a header; made once, and not at each turn as the library does, which is half of its time."""
        if name not in self._made:
            own = UniqueAddressHeader if name.lower() == "from" else _Line
            self._made[name] = type(own.__name__, (own, BaseHeader), {})
        return self._made[name]


_HEADERS: Final = _Headers()
_FOR_THE_POST: Final = EmailPolicy(linesep="\r\n", max_line_length=_FULL_LINE, cte_type="7bit", header_factory=_HEADERS)
# For people to read: no codes, and one line for each header.
_FOR_PEOPLE: Final = EmailPolicy(utf8=True, max_line_length=0, header_factory=_HEADERS)


def compose(
    message: Message,
    *,
    root: Root | None,
    at: datetime,
    sender: str,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> EmailMessage:
    """The mail from `sender` (an address, or a name and an address in angle brackets) at the aware instant `at`.

    `root` began the thread; `headers` are those of the configuration, such as `List-Id`. Raises `ValueError`, with a
    sentence that holds no secret, for a recipient or sender that is not one address and for headers that are none.
    """
    if not is_address(message.recipient):
        raise ValueError(_not_one(message.recipient))
    mail = EmailMessage(_FOR_THE_POST)
    mail["From"] = _sender(sender)
    _address(mail, message, root, at, sender)
    for name, value in headers.items():
        _add(mail, name, value)
    _fill(mail, message)
    return mail


def compose_for_people(message: Message, *, root: Root | None, at: datetime) -> EmailMessage:
    """The same mail as a file that people read as it stands: from nobody, and to a recipient of any kind."""
    mail = EmailMessage(_FOR_PEOPLE)
    _address(mail, message, root, at, "")
    _fill(mail, message)
    return mail


def message_id(key: str, sender: str = "") -> str:
    """The Message-ID of the message with this key: the same whenever it is sent, under the sender's own domain."""
    domain = _sender(sender).domain if sender else NOBODY
    return f"<{sha256(key.encode(errors='backslashreplace')).hexdigest()[:32]}@{domain}>"


def flaw(message: Message) -> str | None:
    """What makes a message unfit for the post, as a sentence; None where it may be sent."""
    if not is_address(message.recipient):
        return _not_one(message.recipient)
    return flaw_of_text(message)


def flaw_of_text(message: Message) -> str | None:
    """What makes a message's words unfit for any mail: they arrive to the letter, and so are not cleaned."""
    for what, text in (("text", message.body), ("HTML", message.html), ("calendar", message.calendar)):
        if unprintable(text.replace("\r\n" if what == "calendar" else "\n", "").replace("\t", "")):
            return f"The {what} holds control characters; take them out of the posting or the message's template."
    return None


def line(text: str) -> str:
    """A header's text from any text: one line, nothing that hides, and nothing that a mail program would decode."""
    return re.sub(r"=(?=\?)", "= ", one_line(text))


def _not_one(recipient: str) -> str:
    return f"The recipient {line(recipient)!a} is not one plain e-mail address; see the route or field that names it."


def _sender(text: str) -> Address:
    found = _SENDER.fullmatch(text.strip())
    if not found or not is_address(found["address"]):
        raise ValueError(f"The sender {line(text)!a} is not an e-mail address, nor a name with one in angle brackets.")
    return Address(line(found["name"] or ""), addr_spec=found["address"])


def _address(mail: EmailMessage, message: Message, root: Root | None, at: datetime, sender: str) -> None:
    mail["To"] = line(message.recipient)
    mail["Subject"] = _cut(line(message.subject))
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(message.key, sender)
    if root:
        mail["In-Reply-To"] = mail["References"] = _identifier(root, sender)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers a machine
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    mail["X-Postbot-Key"] = line(message.key)


def _identifier(root: Root, sender: str) -> str:
    """What the root in fact bore: the sender may have changed since."""
    return root.place if _IDENTIFIER.fullmatch(root.place) else message_id(root.key, sender)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SUBJECT else text[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _add(mail: EmailMessage, name: str, value: str) -> None:
    """A header of the configuration. Its value may be a secret: no sentence shows it."""
    if not _NAME.fullmatch(name) or _OURS.fullmatch(name) or name in mail:
        raise ValueError(f"The configuration cannot set the header {line(name)!a}: it is ours, or it is no header.")
    if not _VALUE.fullmatch(value) or len(value) > _LONGEST_LINE:
        raise ValueError(f"The configuration's value of the header {name} is empty, too long or not one plain line.")
    mail[name] = value


_FROM = re.compile(rb"^From ", re.MULTILINE)
"""Mail stores, and Mailman, put a `>` before a line that begins so."""


def _fill(mail: EmailMessage, message: Message) -> None:
    """The parts, from the plainest to the richest: a mail program shows the last one that it understands."""
    mail["MIME-Version"] = "1.0"
    mail["Content-Language"] = "en"
    if not message.calendar:
        _fill_words(mail, message)
        return
    mail["Content-Type"] = f'multipart/mixed; boundary="{_boundary(message, "all")}"'
    words, deadline = EmailMessage(mail.policy), EmailMessage(mail.policy)
    _fill_words(words, message)
    # Beside the words, not in place of them: a program that took it for the richest form would show no more than it.
    _write(deadline, _calendar_type(message), message.calendar)
    deadline["Content-Disposition"] = 'attachment; filename="deadline.ics"'
    mail.attach(words)
    mail.attach(deadline)


def _fill_words(mail: EmailMessage, message: Message) -> None:
    if not message.html:
        _write(mail, "text/plain", message.body)
        return
    mail["Content-Type"] = f'multipart/alternative; boundary="{_boundary(message, "words")}"'
    for kind, text in (("text/plain", message.body), ("text/html", message.html)):
        part = EmailMessage(mail.policy)
        _write(part, kind, text)
        mail.attach(part)


def _write(part: EmailMessage, kind: str, text: str) -> None:
    """One text, to the letter: for people as it stands, for the post in codes that no server on the way can spoil."""
    data = (text if text.endswith("\n") else f"{text}\n").replace("\r\n", "\n").encode()
    plain = part.policy.cte_type == "8bit"
    part["Content-Type"] = f'{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "8bit" if plain else "quoted-printable"
    part.set_payload((data if plain else _FROM.sub(b"=46rom ", encodestring(data))).decode("ascii", "surrogateescape"))


def _calendar_type(message: Message) -> str:
    """RFC 6047, 2.4: the parameter must say what the object says, or the part is not taken for an invitation."""
    method = _METHOD.search(message.calendar)
    return f'text/calendar; name="deadline.ics"{f"; method={method[1]}" if method else ""}'


def _boundary(message: Message, of: str) -> str:
    """Named after all that it separates, so that no part can hold it; the same message gives the same bytes."""
    everything = f"{of}\0{message.key}\0{message.body}\0{message.html}\0{message.calendar}"
    return f"=_{sha256(everything.encode(errors='backslashreplace')).hexdigest()[:32]}"

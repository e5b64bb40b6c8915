"""Mails by SMTP: one mail for one message and one recipient, handed to the site's mail server.

The promise: a mail is called sent only when the server has taken it, and not sent only when it certainly has not;
whatever breaks between its final dot and the answer is unknown, and nobody can ask a mailbox. A burst of mails shares
one connection; a server that fails costs one wait, not one for each mail. Certificates and host names are checked
against those that the system trusts, or that `SSL_CERT_FILE` names.

It must not send a password, or a list's, by a line that others can read, nor let one into a receipt: whatever the
server says is left out if it says a secret back. Nothing here is logged.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from threading import Lock
from types import MappingProxyType
from typing import Final

from postbot.channels.mime import compose, flaw
from postbot.channels.smtp import Conversation, Failure, Security, Server, Step
from postbot.core.announce import Event, Message, Outcome, Receipt, Root, one_line
from postbot.core.problem import PostbotError

__all__ = ["Email", "MailError", "MailingList", "Security", "Server", "self_test"]

_LONGEST_LINE: Final = 998  # RFC 5322, 2.1.1
_OK: Final = 250
_MOST_WORDS: Final = 200
_PATIENCE: Final = 2
"""After so many mails in a row that the server left without an answer in time, the rest of the burst is not tried."""

# Besides its own errors, the standard library breaks in these ways on text that it does not understand.
_UNWRITABLE: Final = (LookupError, AttributeError, TypeError, MessageError)

_HEADERS: Final = frozenset(
    {
        "auto-submitted",
        "content-language",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "in-reply-to",
        "message-id",
        "mime-version",
        "references",
        "subject",
        "to",
        "x-auto-response-suppress",
        "x-postbot-key",
    }
)
_HOSTILE: Final = (
    "=?utf-8?q?X=0d=0aBcc=3A_evil=40x?=",
    "=?utf-8?b?WA0KQmNjOiBldmlsQHg=?=",
    "X\r\nBcc: evil@x",
    "X\nBcc: evil@x\n\nText",
    "X\vBcc: evil@x\x85Bcc: evil@x\u2028Bcc: evil@x\0",
)


class MailError(PostbotError):
    """Mails cannot be sent safely from here."""


@dataclass(frozen=True, slots=True)
class MailingList:
    """What a mail to a list carries besides: the moderators' password that lets it pass, and the list's name."""

    approved: str = field(default="", repr=False)
    list_id: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """These as headers, without the empty ones."""
        return {name: text for name, text in (("Approved", self.approved), ("List-Id", self.list_id)) if text}


class Email:
    """Mails from `sender` through one server. `lists` are by address; `now` gives the aware instant of sending.

    Once the server cannot be reached or does not let us in, every mail until `rest` gets the same answer. With
    `resends` the site prefers a second mail to a missing one: a mail of which nobody can tell counts as not sent.
    """

    settles = timedelta(0)

    def __init__(
        self,
        server: Server,
        sender: str,
        *,
        password: str = "",
        lists: Mapping[str, MailingList] = MappingProxyType({}),
        resends: bool = False,
        now: Callable[[], datetime],
    ) -> None:
        self._server = server
        self._sender = sender
        self._password = password
        self._lists = {address.casefold(): each for address, each in lists.items()}
        self._resends = resends
        self._now = now
        self._turn = Lock()
        self._conversation: Conversation | None = None
        self._trouble: Receipt | None = None
        self._silences = 0

    def send(self, message: Message, root: Root | None) -> Receipt:
        """Hand over one mail, under the one that began its thread."""
        if reason := self._unsafe(self._list_of(message)) or flaw(message):
            return Receipt(Outcome.NOT_SENT, reason, final=True)
        try:
            mail = self._compose(message, root)
            text = _as_sent(mail)
        except ValueError as error:  # a sentence about what the configuration holds
            return Receipt(Outcome.NOT_SENT, self._harmless(str(error)), final=True)
        except _UNWRITABLE:
            return Receipt(Outcome.NOT_SENT, "This message cannot be written as a mail.", final=True)
        with self._turn:
            return self._trouble or self._hand_over(message.recipient, text, str(mail["Message-ID"]))

    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt:  # noqa: ARG002 - the port's words
        """Nobody can tell; the site has said what that counts for."""
        if self._resends:
            return Receipt(Outcome.NOT_SENT, "Nobody can ask a mailbox; a second mail is better than none here.")
        return Receipt(Outcome.UNKNOWN, "Nobody can ask a mailbox whether this mail has come.")

    def rest(self) -> None:
        """Say goodbye to the server; the next mail begins a new burst."""
        with self._turn:
            self._trouble, self._silences = None, 0
            conversation, self._conversation = self._conversation, None
            if conversation and conversation.is_open():
                conversation.leave()

    def check(self) -> Sequence[str]:
        """What keeps mails from going out: what the configuration holds, or that the server does not let us in."""
        lists = (("somebody@example.org", MailingList()), *self._lists.items())
        if amiss := {reason for address, listed in lists if (reason := self._amiss(address, listed))}:
            return sorted(amiss)
        try:
            Conversation.begin(self._server, self._password).leave()
        except Failure as failure:
            return [self._detail(failure)]
        return []

    # Before a mail

    def _amiss(self, address: str, listed: MailingList) -> str | None:
        """What a mail to this address would show of the configuration."""
        sample = Message("check", Event.OPENED, "check", "mail", address, "Check", "")
        try:
            self._compose(sample, None)
        except ValueError as error:
            return self._harmless(str(error))
        return self._unsafe(listed)

    def _unsafe(self, listed: MailingList) -> str | None:
        """Why no password may be sent with such a mail, in words for whoever can change that; None where it may."""
        approved = listed.approved
        if not all(text.isprintable() for text in (self._server.username, self._password, approved)):
            return "A user name or password holds what cannot be sent, perhaps a line break at its end; set it anew."
        if self._server.username and not self._password:
            return f"There is a user name for {self._server} but no password; set it, or take the name out."
        if (self._server.username or approved) and not self._server.private:
            return f"A password must go to {self._server}, and others can read that line; set its security to tls."
        return None

    def _list_of(self, message: Message) -> MailingList:
        """What the configuration grants to a recipient of its own; a posting's word opens no moderated list."""
        if message.named_by_posting:
            return MailingList()
        return self._lists.get(message.recipient.casefold(), MailingList())

    def _compose(self, message: Message, root: Root | None) -> EmailMessage:
        headers = self._list_of(message).headers
        return compose(message, root=root, at=self._now(), sender=self._sender, headers=headers)

    # The mail

    def _hand_over(self, recipient: str, text: str, identifier: str) -> Receipt:
        try:
            words = self._converse(recipient, text)
        except Failure as failure:
            return self._failed(failure)
        self._silences = 0
        return Receipt(Outcome.SENT, self._told("took it", _OK, words), place=identifier)

    def _converse(self, recipient: str, text: str) -> str:
        """Hand over by the open connection; if that turns out to be dead, by a new one."""
        old, self._conversation = self._conversation, None
        if old and old.is_open():
            try:
                return self._by(old, recipient, text)
            except Failure as failure:
                if old.is_open() or failure.unsure:
                    raise
        return self._by(Conversation.begin(self._server, self._password), recipient, text)

    def _by(self, conversation: Conversation, recipient: str, text: str) -> str:
        self._conversation = conversation
        sender = self._sender.strip().rpartition("<")[2].removesuffix(">")  # of its one form that `compose` takes
        return conversation.hand_over(sender, recipient, text)

    # After it

    def _failed(self, failure: Failure) -> Receipt:
        self._silences = self._silences + 1 if failure.slow else 0
        detail = self._detail(failure)
        if failure.unsure:
            receipt = Receipt(Outcome.UNKNOWN, f"{detail} The mail may have gone out all the same.")
        else:
            receipt = Receipt(Outcome.NOT_SENT, detail, final=failure.final)
        if failure.step.opens:
            self._trouble = receipt
        elif self._silences >= _PATIENCE:
            self._trouble = Receipt(Outcome.NOT_SENT, f"{self._server} is too slow to take mails now; this one waits.")
        return receipt

    def _detail(self, failure: Failure) -> str:
        return self._told(failure.reason, failure.code, "" if failure.step is Step.LOGIN else failure.words)

    def _told(self, what: str, code: int, words: str) -> str:
        """A sentence of ours, and what the server said."""
        said = f": {code} {self._harmless(words)}" if code else ""
        return f"{self._server} {what}{said}".rstrip(" .") + "."

    def _harmless(self, words: str) -> str:
        """Another's words in one line, cut where they are long, and left out if they say a secret back."""
        heard = _squeezed(words)
        if any(_holds_a_part(heard, _squeezed(secret)) for secret in self._secrets()):
            return "(words that hold a secret are left out here)"
        return one_line(words)[:_MOST_WORDS]

    def _secrets(self) -> set[str]:
        plain = {self._password, *(each.approved for each in self._lists.values())} - {""}
        login = {f"\0{self._server.username}\0{self._password}"} if self._password else set()
        return plain | {b64encode(secret.encode()).decode() for secret in plain | login}


def _holds_a_part(heard: str, secret: str) -> bool:
    """Whether words hold a secret, or so much of a longer one that they may be a torn echo of it."""
    size = min(len(secret), _TELLING)
    return any(secret[at : at + size] in heard for at in range(len(secret) - size + 1))


_TELLING: Final = 10


def self_test(composes: Callable[..., EmailMessage] = compose) -> None:
    """Fail if this Python lets a text become a header (CVE-2024-6923): versions mislead, since some are mended."""
    for text in _HOSTILE:
        names = _header_names(text, composes)
        if names != sorted(_HEADERS):
            odd = sorted(set(names) ^ _HEADERS) or names
            raise MailError(
                "This Python's e-mail library lets a title add headers to a mail (CVE-2024-6923), here "
                f"{', '.join(odd)}; run postbot with a newer Python."
            )


def _header_names(text: str, composes: Callable[..., EmailMessage]) -> list[str]:
    """The headers that a reader finds in a mail with a hostile text wherever one can get in."""
    message = Message(text, Event.OPENED, text, "mail", "a@example.org", text, "Open.\n", thread=text, why=text)
    mail = composes(
        message, root=Root(text, text), at=datetime(2026, 1, 1, tzinfo=UTC), sender=f"{text} <b@example.org>"
    )
    return sorted(name.lower() for name in message_from_bytes(mail.as_bytes(), policy=policy.default))


def _as_sent(mail: EmailMessage) -> str:
    """The mail as every server takes it: ASCII, CRLF, short lines."""
    text = mail.as_bytes().decode("ascii")
    if any(len(line) > _LONGEST_LINE for line in text.split("\r\n")):
        raise ValueError("The mail holds a line that is longer than mails may have.")
    return text


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()

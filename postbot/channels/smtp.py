"""One conversation with a mail server, which always knows how far a mail has come.

The promise: whoever hands over a mail here learns what became of it. Until its final dot is being written, a mail has
certainly not gone out, whatever breaks. From then until the server's answer is complete, nobody can tell. The
standard library's client says the same of both, hence this one: it keeps smtplib's grammar and replaces how bytes are
written and read. Each step has a time limit and so has the whole mail, also against a server that sends a byte a
second; what a server has said before the dot is never taken for its answer to the mail.

It must not try anything a second time, log in or send by a line that others can read if encryption was asked for, or
put words of its own choice (a password above all) into a failure.
"""

import smtplib
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

from postbot.progress import Step as At
from postbot.progress import doing

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STEPS: Final = 4
"""A whole mail may take as long as so many steps that each take as long as one may."""
_GOODBYE: Final = 5
"""Seconds that a server may take to say goodbye, which changes nothing."""
_LONGEST_LINE: Final = 8192
_MOST_LINES: Final = 500
_BEHIND_A_CODE: Final = (b" ", b"-", b"", b"\r")
_CHUNK: Final = 65536

_DONE: Final = range(200, 300)
_LOGGED_IN: Final = range(235, 236)
_GO_AHEAD: Final = range(354, 355)
_CHALLENGE: Final = 334
_REFUSED: Final = range(400, 600)
_LAST: Final = range(500, 600)
_LEAVES: Final = 421


class Security(StrEnum):
    """How the line to a server is kept from other readers: encrypted from the first byte, after a word, or not."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. `timeout` is how long one step may take; without a `username` nobody logs in."""

    host: str
    port: int
    security: Security
    username: str = ""
    timeout: timedelta = timedelta(seconds=30)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether nobody else can read the line: it is encrypted, or does not leave this machine."""
        return self.security is not Security.NONE or _is_loopback(self.host)


class Step(StrEnum):
    """How far a conversation has come, in words that complete `refused ...` and `broke off at ...`."""

    CONNECTION = "the connection"
    ENCRYPTION = "the encryption"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "the recipient"
    TEXT = "the text"
    MAIL = "the mail"

    @property
    def opens(self) -> bool:
        """Whether it comes before any mail, so that what fails here fails for every mail."""
        return self in _OPENING


_OPENING: Final = frozenset({Step.CONNECTION, Step.ENCRYPTION, Step.LOGIN})


class Failure(Exception):  # noqa: N818 - a word of this module, which ends up as a receipt and never as a traceback
    """A mail was not handed over; with `unsure`, nobody can tell. `reason` follows the server's name in a sentence.

    `code` and `words` are the server's own, 0 and empty where it gave none; they may hold anything that it has heard.
    """

    def __init__(
        self, step: Step, reason: str, *, code: int = 0, words: str = "", slow: bool = False, unsure: bool = False
    ) -> None:
        super().__init__(reason)
        self.step = step
        self.reason = reason
        self.code = code
        self.words = words
        self.slow = slow
        self.unsure = unsure

    @property
    def final(self) -> bool:
        """Whether another try is no use before a person has acted: a lasting no to who we are or to this mail."""
        return self.code in _LAST and self.step not in {Step.CONNECTION, Step.ENCRYPTION}


class Conversation(smtplib.SMTP):
    """A connection that takes one mail after the other. After a failure that closed it, `is_open` says no."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seconds = server.timeout.total_seconds()
        self._whole_ends = self._step_ends = monotonic()
        self._heard = bytearray()
        self._step = Step.CONNECTION
        super().__init__(local_hostname="localhost", timeout=self._seconds)

    @classmethod
    def begin(cls, server: Server, password: str) -> Self:
        """Connect, encrypt and log in as the server's entry says, or fail with nothing left open."""
        conversation = cls(server)
        try:
            with doing(At.CONNECT):
                conversation._open(password)
        except Failure:
            conversation.close()
            raise
        return conversation

    def is_open(self) -> bool:
        """Whether the line stands, as far as we know."""
        return self.sock is not None

    def hand_over(self, sender: str, recipient: str, text: str) -> str:
        """Hand over one mail (ASCII, CRLF) for one recipient; what the server says when it has taken it."""
        self._allow(_STEPS * self._seconds)
        try:
            return self._hand_over(sender, recipient, text)
        except Failure as failure:
            if failure.code:
                self._forget()
            else:
                self.close()
            raise
        except BaseException:
            self.close()  # else the next mail would go on where this one was left
            raise

    def leave(self) -> None:
        """Say goodbye, whatever comes back."""
        self._allow(min(self._seconds, _GOODBYE))
        with doing(At.QUIT):
            with suppress(Failure):
                self.docmd("QUIT")
            self.close()

    # The steps

    def _open(self, password: str) -> None:
        self._allow(_STEPS * self._seconds)
        self._connect()
        if self._server.security is Security.TLS:
            self._encrypt()
        self._step = Step.CONNECTION
        self._accept(_DONE, self.getreply())
        self._greet()
        if self._server.security is Security.STARTTLS:
            self._start_encryption()
        if self._server.username:
            self._log_in(password)

    def _connect(self) -> None:
        with self._failing("cannot be reached"):
            self.sock = create_connection((self._server.host, self._server.port), timeout=self._seconds)
            # Else the dot, a small write of its own, waits for the far end's delayed acknowledgement of the text.
            self.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

    def _greet(self) -> None:
        name = _literal(self._line())
        code, words = self.ehlo(name)
        self._accept(_DONE, self.helo(name) if code in _LAST else (code, words))

    def _start_encryption(self) -> None:
        self._step = Step.ENCRYPTION
        if not self.has_extn("starttls"):
            raise self._broken("does not offer STARTTLS, and nothing is sent by a line that others can read")
        self._accept(_DONE, self.docmd("STARTTLS"))
        if self._heard:  # slipped in before the encryption, to be taken for what comes after it
            raise self._out_of_turn()
        self._encrypt()
        self._greet()

    def _encrypt(self) -> None:
        self._step = Step.ENCRYPTION
        self._step_ends = monotonic() + self._seconds
        line = self._line()
        with self._failing("and we cannot agree on an encrypted line"):
            line.settimeout(self._left())
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(line, server_hostname=self._server.host)

    def _log_in(self, password: str) -> None:
        """Log in by one way, once: a wrong password that is tried by every way there is locks the account."""
        self._step = Step.LOGIN
        username = self._server.username
        ways = {"PLAIN": (f"\0{username}\0{password}",), "LOGIN": (username, password)}
        offered = self.esmtp_features.get("auth", "").upper().split()
        way = next((way for way in ways if way in offered), None)
        if way is None:
            raise self._broken("offers no login by PLAIN or LOGIN")
        reply = self.docmd("AUTH", way)
        for answer in ways[way]:
            if reply[0] != _CHALLENGE:
                break
            reply = self.docmd(b64encode(answer.encode()).decode())
        self._accept(_LOGGED_IN, reply)

    def _hand_over(self, sender: str, recipient: str, text: str) -> str:
        self._step = Step.SENDER
        with doing(At.MAIL):
            self._accept(_DONE, self.mail(sender, [f"size={len(text)}"] if self.has_extn("size") else []))
        self._step = Step.RECIPIENT
        with doing(At.RCPT):
            self._accept(_DONE, self.rcpt(recipient))
        self._step = Step.TEXT
        with doing(At.DATA):
            self._accept(_GO_AHEAD, self.docmd("DATA"))
            self.send(smtplib.quotedata(text))
            self._listen()
        self._step = Step.MAIL  # from here on nobody can tell, until the answer is complete
        with doing(At.DOT):
            self._write(b".\r\n")
            # To give up costs a person's time now: the server may take all that is left.
            return self._accept(_DONE, self._reply(self._whole_ends))

    def _forget(self) -> None:
        """Take back a mail that was refused, so that the next one starts afresh."""
        try:
            code = self.rset()[0] if self.is_open() else 0
        except Failure:
            code = 0
        if code not in _DONE:
            self.close()

    def _accept(self, accepted: range, reply: tuple[int, bytes]) -> str:
        code, words = reply[0], reply[1].decode("utf-8", "replace")
        if code in accepted:
            return words
        if code == _LEAVES:
            self.close()
        if code in _REFUSED:
            raise Failure(self._step, f"refused {self._step}", code=code, words=words)
        raise self._broken(f"gave an answer to {self._step} that is none")

    # How bytes go and come, in place of smtplib's own

    def send(self, s: "ReadableBuffer | str") -> None:
        """Write it all, in the time of one step."""
        self._write(s.encode("ascii") if isinstance(s, str) else bytes(s))

    def getreply(self) -> tuple[int, bytes]:
        """One whole reply, in the time of one step."""
        return self._reply(monotonic() + self._seconds)

    def close(self) -> None:
        """Let go of the line."""
        self._heard.clear()
        super().close()

    def _allow(self, seconds: float) -> None:
        self._whole_ends = monotonic() + seconds

    def _left(self) -> float:
        left = min(self._step_ends, self._whole_ends) - monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _line(self) -> socket:
        if self.sock is None:
            raise self._broken(f"broke off at {self._step}")
        return self.sock

    def _write(self, data: bytes) -> None:
        self._step_ends = monotonic() + self._seconds
        line, rest = self._line(), memoryview(data)
        with self._failing(f"broke off at {self._step}"):
            while rest:
                line.settimeout(self._left())
                rest = rest[line.send(rest[:_CHUNK]) :]

    def _listen(self) -> None:
        """Fail if the server has spoken or left unasked. Before the dot is on its way, that is a sure answer."""
        line = self._line()
        with self._failing(f"broke off at {self._step}"), suppress(BlockingIOError, ssl.SSLWantReadError):
            line.settimeout(0)
            self._heard += _some_of(line)
        if self._heard:
            raise self._out_of_turn()

    def _out_of_turn(self) -> Failure:
        """What a server says unasked: most often why it leaves."""
        try:
            self._accept(range(0), self.getreply())
        except Failure as failure:
            return failure
        finally:
            self.close()
        raise AssertionError  # nothing is accepted

    def _reply(self, ends: float) -> tuple[int, bytes]:
        """One reply, whole to its last line break."""
        self._step_ends = ends
        code, lines = b"", list[bytes]()
        while len(lines) < _MOST_LINES:
            line = self._next_line()
            code = code or line[:3]
            # RFC 5321, 4.2.1: the same code on each line, and a blank, a dash or nothing behind it.
            if not code.isdigit() or line[:3] != code or line[3:4] not in _BEHIND_A_CODE:
                break
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(code), b"\n".join(lines)
        raise self._broken(f"gave an answer to {self._step} that is none")

    def _next_line(self) -> bytes:
        line = self._line()
        with self._failing(f"broke off at {self._step}"):
            while b"\n" not in self._heard and len(self._heard) < _LONGEST_LINE:
                line.settimeout(self._left())
                self._heard += _some_of(line)
        whole, end, rest = self._heard.partition(b"\n")
        self._heard = rest
        return bytes(whole) if end else b""

    @contextmanager
    def _failing(self, reason: str) -> Iterator[None]:
        """Tell what breaks in our own words: a line's errors are of many kinds."""
        try:
            yield
        except TimeoutError:
            raise self._broken(f"did not answer in time at {self._step}", slow=True) from None
        except ssl.SSLCertVerificationError as error:
            raise self._broken(f"shows a certificate that we cannot trust ({error.verify_message})") from None
        except (OSError, ValueError) as error:
            cause = _cause(error)
            raise self._broken(f"{reason} ({cause})" if cause else reason) from None

    def _broken(self, reason: str, *, slow: bool = False) -> Failure:
        return Failure(self._step, reason, slow=slow, unsure=self._step is Step.MAIL)


def _some_of(line: socket) -> bytes:
    data = line.recv(_CHUNK)
    if not data:
        raise ConnectionError
    return data


def _cause(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "").replace("_", " ").lower()
    return (error.strerror or "") if isinstance(error, OSError) else "the name is none"


def _literal(line: socket) -> str:
    """Who we are, as an address literal: true of every machine, and no name server is asked."""
    address = ip_address(line.getsockname()[0].partition("%")[0])
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"  # noqa: PLR2004 - the version


def _is_loopback(host: str) -> bool:
    try:
        return host.casefold() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

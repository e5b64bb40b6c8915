"""The server itself, on aiosmtpd: every step may fail first, and what is taken is on disk before anybody is told."""

# ruff: noqa: N802 - aiosmtpd finds its hooks by the names of commands

import asyncio
import base64
import json
import ssl
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.twins.smtp.certificates import Authority
from tests.twins.smtp.faults import Fault, Faults
from tests.twins.smtp.strict import NAME, PATH, amiss

CUT_SHORT = {
    "garbage": b"\x15\x03\x03\x00\x02\x02\x28 HTTP/1.1 400 Bad Request\r\n\r\n",
    "long": b"250 " + b"x" * 20_000,
    "early": b"552 5.3.4 Too much\r\n",
}
BODY_BYTES = 100


class Post:
    """What all conversations share: the faults, what was heard, what was taken."""

    def __init__(self, folder: Path, security: str, login: tuple[str, str] | None, mechanisms: list[str]) -> None:
        self.security, self.login, self.mechanisms = security, login, mechanisms
        self.log = folder / "accepted.jsonl"
        self.log.touch()
        self.faults = Faults()
        self.heard: list[tuple[str, str, bool]] = []
        self.offers_starttls = self.offers_login = True
        authority, stranger = Authority.found(folder, "authority"), Authority.found(folder, "stranger")
        self.authority = authority.file
        here = ("localhost", "127.0.0.1")
        self.contexts = {
            "": context(authority.sign(folder / "here.pem", *here)),
            # `SmtpTwin.host` is the other name of this machine.
            "wrong-name": context(authority.sign(folder / "elsewhere.pem", "localhost")),
            "expired": context(authority.sign(folder / "expired.pem", *here, days=-1)),
            "stranger": context(stranger.sign(folder / "strange.pem", *here)),
        }

    def keep(self, envelope: Envelope) -> None:
        row = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": base64.b64encode(envelope.original_content or b"").decode(),
        }
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _way: str, given: LoginPassword) -> AuthResult:
        right = self.login is not None and (given.login.decode(), given.password.decode()) == self.login
        return AuthResult(success=right, handled=False)


def context(file: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    return made


class Handler:
    """What aiosmtpd asks when a mail is whole."""

    def __init__(self, post: Post) -> None:
        self.post = post

    async def handle_EHLO(
        self, server: "Line", session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        hidden = set()
        if not server.post.offers_starttls or server.post.security != "starttls":
            hidden.add("STARTTLS")
        if not server.post.offers_login or server.post.login is None:
            hidden.add("AUTH")
        return [reply for reply in replies if reply[4:].split()[0] not in hidden]

    async def handle_DATA(self, server: "Line", session: Session, envelope: Envelope) -> str:
        fault = await server.waited(self.post.faults.take("dot", " ".join(envelope.rcpt_tos)))
        if fault is not None and not fault.kind.endswith("-kept"):
            return await server.fail(fault, "250 2.0.0 Taken")
        if reply := amiss(envelope.original_content or b""):
            return reply
        self.post.keep(envelope)
        if fault is not None:
            return await server.fail(fault, "250 2.0.0 Taken")
        return "250 2.0.0 Taken"


class Line(SMTP):
    """One conversation."""

    line_length_limit = 65536  # how much aiosmtpd reads at once; `amiss` counts the lines

    def __init__(self, post: Post) -> None:
        self.post = post
        self.silent = False
        super().__init__(
            Handler(post),
            hostname="twin.example.org",
            ident="ESMTP",
            tls_context=post.contexts[""],
            auth_required=post.login is not None,
            auth_require_tls=post.security != "none",
            authenticator=post.authenticate,
            auth_exclude_mechanism=[way for way in ("PLAIN", "LOGIN") if way not in post.mechanisms],
        )

    async def push(self, status: str | bytes) -> None:
        if not self.silent:
            await super().push(status.encode() if isinstance(status, str) else status)

    async def _handle_client(self) -> None:
        self.heard("connect", "")
        if self.post.security == "tls":
            await self.handshake()
        if fault := await self.waited(self.post.faults.take("connect")):
            await self.push(await self.fail(fault, "220 twin.example.org ESMTP"))
            await self.cut()
        await super()._handle_client()

    def heard(self, step: str, arg: str) -> None:
        self.post.heard.append((step, arg, self._tls_protocol is not None))

    # Faults

    async def fail(self, fault: Fault, reply: str) -> str:
        """Fail in the way asked for; what remains to be said, if anything does."""
        kind = fault.kind.removesuffix("-kept")
        if kind[:3].isdigit():
            return kind.replace("{heard}", " ".join(arg for _, arg, _ in self.post.heard))
        if kind == "hang":
            await asyncio.Event().wait()
        if kind == "drip":
            await self.drip(f"{reply}\r\n".encode(), fault.seconds)
        if kind == "endless":
            while True:
                await self.say(reply.replace(" ", "-", 1).encode() + b"\r\n")
                await asyncio.sleep(fault.seconds)
        if kind == "twice":
            return f"{reply}\r\n{reply}"
        if kind == "half":
            await self.say(reply[: len(reply) // 2].encode())
        if kind in CUT_SHORT:
            await self.say(CUT_SHORT[kind])
        await self.cut()
        raise AssertionError  # the line is cut

    async def drip(self, data: bytes, seconds: float) -> None:
        for at in range(len(data)):
            await self.say(data[at : at + 1])
            await asyncio.sleep(seconds)

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def cut(self) -> None:
        """Cut the line, what was said before it still going out; this conversation is then cancelled."""
        assert self.transport is not None
        self.transport.close()
        await asyncio.Event().wait()

    async def step(self, step: str, arg: str | None, reply: str = "250 OK") -> bool:
        """Note a command. Whether it has failed already."""
        fault = await self.step_of(step, arg)
        if fault is not None:
            await self.push(await self.fail(fault, reply))
        return fault is not None

    async def step_of(self, step: str, arg: str | None) -> Fault | None:
        """Note a command, and how it must fail."""
        self.heard(step, arg or "")
        return await self.waited(self.post.faults.take(step, arg or ""))

    async def waited(self, fault: Fault | None) -> Fault | None:
        """The fault, or none once it was only to be late."""
        if fault is None or fault.kind != "late":
            return fault
        await asyncio.sleep(fault.seconds)
        return None

    # The steps

    async def smtp_EHLO(self, hostname: str) -> None:
        if await self.step("ehlo", hostname, "250 twin.example.org"):
            return
        if NAME.fullmatch(hostname or "") is None:
            await self.push("501 5.5.4 Neither a domain nor an address literal")
            return
        await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self.post.security != "starttls" or not self.post.offers_starttls:
            await self.push("502 5.5.1 Not offered")
        elif (fault := await self.step_of("starttls", arg)) is None:
            await self.push("220 2.0.0 Go ahead")
            await self.handshake()
        elif fault.kind == "inject":
            await self.push("220 2.0.0 Go ahead\r\n250 2.0.0 Whatever you ask")
            await self.handshake()
        else:
            await self.push(await self.fail(fault, "220 2.0.0 Go ahead"))

    async def handshake(self) -> None:
        fault = self.post.faults.take("tls")
        if fault is not None and fault.kind not in self.post.contexts:
            await self.fail(fault, "")
        self.tls_context = self.post.contexts[fault.kind if fault else ""]
        self.silent = True  # aiosmtpd says only what has been said already
        await super().smtp_STARTTLS("")
        self.silent = False

    async def smtp_AUTH(self, arg: str) -> None:
        if self.post.login is None or not self.post.offers_login:
            await self.push("502 5.5.1 Not offered")
        elif not await self.step("auth", arg, "235 2.7.0 Welcome"):
            await super().smtp_AUTH(arg)

    async def challenge_auth(self, challenge: str | bytes, *args: Any, **told: Any) -> Any:
        answer = await super().challenge_auth(challenge, *args, **told)
        if isinstance(answer, bytes):
            self.heard("auth", answer.decode(errors="replace").replace("\0", " "))
        return answer

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not await self.step("mail", arg):
            await super().smtp_MAIL(well_formed(arg, "FROM:"))

    async def smtp_RCPT(self, arg: str | None) -> None:
        if not await self.step("rcpt", arg):
            await super().smtp_RCPT(well_formed(arg, "TO:"))

    async def smtp_DATA(self, arg: str) -> None:
        if await self.step("data", arg, "354 Go ahead"):
            return
        assert self.envelope is not None
        fault = self.post.faults.take("body", " ".join(self.envelope.rcpt_tos))
        if fault is None:
            await super().smtp_DATA(arg)
            return
        if fault.kind == "ahead":
            await self.push("354 Go ahead\r\n250 2.0.0 Taken")
            await self._reader.readuntil(b"\r\n.\r\n")
            await self.push("554 5.7.1 Not that")
            return
        await self.push("354 Go ahead")
        await self._reader.readexactly(BODY_BYTES)
        await self.push(await self.fail(fault, "250 OK"))

    async def smtp_RSET(self, arg: str) -> None:
        if not await self.step("rset", arg):
            await super().smtp_RSET(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        if not await self.step("quit", arg, "221 Bye"):
            await super().smtp_QUIT(arg)


def well_formed(arg: str | None, word: str) -> str | None:
    """The argument, or what aiosmtpd refuses: it is more lenient than the grammar."""
    if arg is None or not arg.upper().startswith(word) or PATH.fullmatch(arg[len(word) :]) is None:
        return None
    return arg

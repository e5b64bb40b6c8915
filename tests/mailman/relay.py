"""The mail server before Mailman: it takes mails by SMTP and passes them on by LMTP, as Postfix or Exim would.

It keeps the envelope and every byte of a mail, writes its own `Received` above it, and answers with what Mailman has
said: it has no queue, so a mail that it has taken is one that Mailman has taken.
"""
# ruff: noqa: N802 - aiosmtpd finds its hooks by the names of commands

import asyncio
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.mailman.server import HOST, free_port


class Relay:
    """What aiosmtpd asks when a mail is whole."""

    def __init__(self, lmtp: int) -> None:
        self._lmtp = lmtp

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return await asyncio.to_thread(self._pass_on, envelope)

    def _pass_on(self, envelope: Envelope) -> str:
        stamp = f"Received: by relay.example.org with ESMTP; {formatdate()}\r\n"
        mail = stamp.encode() + (envelope.original_content or b"")
        try:
            with smtplib.LMTP(HOST, self._lmtp, timeout=20) as line:
                line.sendmail(envelope.mail_from, envelope.rcpt_tos, mail)
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = next(iter(refused.recipients.values()))
            return f"{code} {words.decode(errors='replace')}"
        except (smtplib.SMTPException, OSError):
            return "451 4.3.0 The lists cannot be reached"
        return "250 2.0.0 Taken"


@contextmanager
def relaying(lmtp: int) -> Iterator[int]:
    """Run a relay until the block ends; it listens at the port that is returned."""
    controller = Controller(Relay(lmtp), hostname=HOST, port=free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()

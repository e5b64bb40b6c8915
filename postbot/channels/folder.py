"""A folder in which each message becomes one file, as a mail program would save it.

A crash leaves no file or the whole file, and a key never makes two: the file's name ends in the key's hash, a file
appears under it all at once, and it is looked for before it is made. What must not happen is that text from a
posting becomes a header: a subject or recipient that could start one is refused.
"""

import hashlib
import os
import re
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from postbot.core.announce import Message, Outcome, Receipt
from postbot.core.text.scalar import unprintable

_HEADERS: Final = HeaderRegistry()
# A folder's recipient is any text; the standard library's parser of addresses fails on some (`"` is enough).
# Header types are mix-ins; what the stubs ask for here does not exist.
_HEADERS.map_to_type("to", UniqueUnstructuredHeader)  # type: ignore[arg-type]
# For people to read: no codes, and one line for each header.
_POLICY: Final = EmailPolicy(utf8=True, max_line_length=0, header_factory=_HEADERS)
_LONGEST_SLUG: Final = 60
# The standard library decodes such words when it takes a header, and line breaks hidden in them with it.
_ENCODED_WORD: Final = "=?"


class Folder:
    """Files under `path`, which is made when first needed; `now` gives the aware instant of sending."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now

    def send(self, message: Message) -> Receipt:
        """Write one message, unless its file is there already."""
        if flaw := _flaw(message):
            return Receipt(Outcome.NOT_SENT, flaw)
        try:
            return Receipt(Outcome.SENT, str(self._find(message) or self._write(message)))
        except OSError as error:
            return Receipt(Outcome.NOT_SENT, f"Cannot write into {self._path}: {error.strerror or error}.")

    def look(self, message: Message) -> Outcome:
        """Whether the message's file is there; unknown while the folder cannot be read."""
        try:
            sent = self._find(message)
            self._sweep(message)
        except OSError:
            return Outcome.UNKNOWN
        return Outcome.SENT if sent else Outcome.NOT_SENT

    def _find(self, message: Message) -> Path | None:
        # Not `glob`, which takes a folder that cannot be read for an empty one.
        ending = f"-{_digest(message)}.eml"
        try:
            return next((file for file in self._path.iterdir() if file.name.endswith(ending)), None)
        except FileNotFoundError:
            return None

    def _write(self, message: Message) -> Path:
        at = self._now()
        self._path.mkdir(parents=True, exist_ok=True)
        file = self._path / _name(message, at)
        part = self._path / f".{_digest(message)}-{uuid4().hex}.part"
        try:
            _write_through(part, _compose(message, at).as_bytes())
            os.link(part, file)
        except FileExistsError:
            return file
        except FileNotFoundError:  # somebody else has sent it meanwhile, and swept
            if found := self._find(message):
                return found
            raise
        finally:
            self._sweep(message)
        _sync(self._path)
        return file

    def _sweep(self, message: Message) -> None:
        """Take away what was begun for this message, by us or by one that was killed."""
        for part in self._path.glob(f".{_digest(message)}-*.part"):
            part.unlink(missing_ok=True)


def _flaw(message: Message) -> str | None:
    headers = {"subject": message.subject, "recipient": message.recipient, "key": message.key}
    for what, text in headers.items():
        if unprintable(text) or _ENCODED_WORD in text:
            return f"The {what} {text!a} could start a header line of its own; take the odd characters out of it."
    if unprintable(message.body.replace("\n", "").replace("\t", "")):
        return "The text holds control characters; take them out of the posting or the message's template."
    return None


def _compose(message: Message, at: datetime) -> EmailMessage:
    mail = EmailMessage(_POLICY)
    mail["To"] = message.recipient
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{_digest(message)}@postbot>"
    mail["X-Postbot-Key"] = message.key
    mail.set_content(message.body, cte="8bit")
    return mail


def _name(message: Message, at: datetime) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", message.slug.lower())[:_LONGEST_SLUG].strip("-") or "site"
    return f"{at:%Y-%m-%d}-{message.event}-{slug}-{_digest(message)}.eml"


def _digest(message: Message) -> str:
    return hashlib.sha256(message.key.encode(errors="backslashreplace")).hexdigest()[:16]


def _write_through(file: Path, data: bytes) -> None:
    with file.open("xb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    # A new name survives the loss of power once its folder is written too.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

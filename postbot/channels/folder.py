"""A folder in which each message becomes one mail, as a mail program would save it, and a JSON file with all we know.

A crash leaves no mail or the whole mail, and a key never makes two: the file's name ends in the key's hash, a file
appears under it all at once, and it is looked for before it is made. The `.eml` file is the mark of a message that
was sent; its `.json` is there before it, and one without an `.eml` beside it was begun and not sent. What must not
happen is that text from a posting becomes a header: see `mime`.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from postbot.channels.mime import compose_for_people, flaw_of_text, message_id
from postbot.core.announce import Message, Outcome, Receipt, Root

_LONGEST_SLUG: Final = 60


class Folder:
    """Files under `path`, which is made when first needed; `now` gives the aware instant of sending."""

    settles = timedelta(0)

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now

    def send(self, message: Message, root: Root | None) -> Receipt:
        """Write one message, unless its mail is there already."""
        if flaw := flaw_of_text(message):
            return Receipt(Outcome.NOT_SENT, flaw, final=True)
        try:
            return _sent(message, self._find(message, "eml") or self._write(message, root))
        except OSError as error:
            return Receipt(Outcome.NOT_SENT, f"Cannot write into {self._path}: {error.strerror or error}.")

    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt:  # noqa: ARG002 - the file tells
        """Whether the message's mail is there, whenever it came; unknown while the folder cannot be read."""
        try:
            sent = self._find(message, "eml")
            self._sweep(message)
        except OSError as error:
            return Receipt(Outcome.UNKNOWN, f"Cannot read {self._path}: {error.strerror or error}.")
        return _sent(message, sent) if sent else Receipt(Outcome.NOT_SENT, f"It is not in {self._path}.")

    def rest(self) -> None:
        """Nothing is kept open."""

    def check(self) -> Sequence[str]:
        """Whether the folder, or the nearest one above it that is there, can be written."""
        there = next(each for each in (self._path, *self._path.absolute().parents) if each.exists())
        if not there.is_dir():
            return (f"{there} is a file, so messages cannot be put into {self._path}.",)
        return () if os.access(there, os.W_OK) else (f"{there} cannot be written to.",)

    def _find(self, message: Message, kind: str) -> Path | None:
        ending = f"-{_digest(message)}.{kind}"
        return next((self._path / name for name in self._names() if name.endswith(ending)), None)

    def _names(self) -> list[str]:
        # Not `glob`, which takes a folder that cannot be read for an empty one; nor paths, of which there are many.
        try:
            with os.scandir(self._path) as files:
                return [file.name for file in files]
        except FileNotFoundError:
            return []

    def _write(self, message: Message, root: Root | None) -> Path:
        at = self._now()
        self._path.mkdir(parents=True, exist_ok=True)
        # One that was killed in between, perhaps yesterday, has left a name that is to be used.
        facts = self._find(message, "json") or self._path / _name(message, at)
        try:
            self._part(message, _facts(message, root)).replace(facts)
            return self._appear(message, compose_for_people(message, root=root, at=at).as_bytes(), facts)
        except FileNotFoundError:  # somebody else has sent it meanwhile, and swept
            if found := self._find(message, "eml"):
                return found
            raise
        finally:
            self._sweep(message)

    def _appear(self, message: Message, mail: bytes, facts: Path) -> Path:
        """Put the whole mail beside its facts at once, unless another has."""
        file = facts.with_suffix(".eml")
        try:
            os.link(self._part(message, mail), file)
        except FileExistsError:
            return file
        _sync(self._path)
        return file

    def _part(self, message: Message, data: bytes) -> Path:
        part = self._path / f".{_digest(message)}-{uuid4().hex}.part"
        with part.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        return part

    def _sweep(self, message: Message) -> None:
        """Take away what was begun for this message, by us or by one that was killed."""
        beginning = f".{_digest(message)}-"
        for part in (name for name in self._names() if name.startswith(beginning)):
            (self._path / part).unlink(missing_ok=True)


def _sent(message: Message, file: Path) -> Receipt:
    return Receipt(Outcome.SENT, str(file), message_id(message.key))


def _facts(message: Message, root: Root | None) -> bytes:
    """All that a program may want to know of the message, for it to read."""
    facts = {
        "key": message.key,
        "event": message.event,
        "slug": message.slug,
        "recipient": message.recipient,
        "why": message.why,
        "thread": message.thread,
        "in_reply_to": root.key if root else None,
        "subject": message.subject,
        "body": message.body,
        "html": message.html,
        "blocks": _parsed(message.blocks),
        "calendar": message.calendar,
    }
    # Half a character, which UTF-8 cannot hold, is written as JSON's own escape for it.
    return json.dumps(facts, ensure_ascii=False, indent=2).encode(errors="backslashreplace") + b"\n"


def _parsed(blocks: str) -> object:
    try:
        return json.loads(blocks or "[]")
    except ValueError:  # not for us to judge: they are shown as they are
        return blocks


def _name(message: Message, at: datetime) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", message.slug.lower())[:_LONGEST_SLUG].strip("-") or "site"
    return f"{at:%Y-%m-%d}-{message.event}-{slug}-{_digest(message)}.json"


def _digest(message: Message) -> str:
    return hashlib.sha256(message.key.encode(errors="backslashreplace")).hexdigest()[:16]


def _sync(folder: Path) -> None:
    # A new name survives the loss of power once its folder is written too.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""`postbot announce SLUG EVENT --preview`: the messages of an event as they would go out, to whom and why.

Values in, text or plain values out, and files where asked for. Nothing is sent, and nothing is written down.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from textwrap import indent
from typing import Any

from postbot.channels.folder import Folder
from postbot.core.announce import FOLLOWED, Event, Message, Outcome, one_line
from postbot.core.announce.words import RELEASE, messages
from postbot.core.plan.preview import as_if
from postbot.core.plan.steps import Seen
from postbot.core.posting import Posting
from postbot.doors.terminal import fail, mention, misuse
from postbot.reconcile import Bot


def event_named(name: str) -> Event:
    """The event of this name; another one ends the command and names those that there are."""
    if name not in list(Event):
        misuse(f"There is no event {name}. There are {', '.join(Event)}.")
    return Event(name)


def messages_of(bot: Bot, seen: Seen, posting: Posting, event: Event, now: datetime) -> tuple[Message, ...]:
    """What everybody would hear of this event, as of `now`."""
    announcement = as_if(seen, posting, event, now)
    return messages(announcement, bot.voice, released=RELEASE in seen.memory.released)


def text(shown: Sequence[Message], event: Event) -> str:
    """Every message for a terminal: to whom, why, and the words; the same words to several are shown once."""
    if not shown:
        hear = Event.PROGRESS if event in FOLLOWED else event.audience
        missing = f"Nobody hears {event}: no route of the configuration leads there."
        return f"{missing} One with `hear: {hear}` would; routes.yaml shows how to write it.\n"
    told: dict[tuple[str, str], list[Message]] = {}
    for message in shown:
        told.setdefault((message.subject, message.body), []).append(message)
    return "\n".join(_one(subject, body, to) for (subject, body), to in told.items())


def _one(subject: str, body: str, to: Sequence[Message]) -> str:
    lines = [f"To {one_line(each.channel)}:{one_line(each.recipient)}\n    because {one_line(each.why)}" for each in to]
    parts = [name for name, there in _parts(to[0]) if there]
    waits = f"Waits until {to[0].page.url or 'the page'} shows: {one_line(to[0].page.shows)}\n" if to[0].page else ""
    return "\n".join([*lines, f"Subject: {subject}", f"With: {', '.join(parts)}", waits, indent(body, "    ")])


def _parts(message: Message) -> tuple[tuple[str, str], ...]:
    """What the message holds, by name."""
    given = (message.body, message.html, message.blocks, message.calendar)
    return tuple(zip(("text", "HTML", "Slack blocks", "calendar"), given, strict=True))


def put(shown: Sequence[Message], folder: Path, now: datetime) -> None:
    """Put the messages into a folder, each as a mail program would save it, and as JSON; and say where they are."""
    channel = Folder(folder, lambda: now)
    for message in shown:
        receipt = channel.send(message, None)
        if receipt.outcome is not Outcome.SENT:
            fail(receipt.detail)
        mention(f"{message.channel}:{message.recipient}: {receipt.detail}")


def as_json(shown: Sequence[Message]) -> list[Mapping[str, Any]]:
    """The messages as plain values."""
    return [
        {
            "channel": message.channel,
            "recipient": message.recipient,
            "why": message.why,
            "subject": message.subject,
            "text": message.body,
            "html": message.html,
            "blocks": json.loads(message.blocks or "[]"),
            "calendar": message.calendar,
            "page": {"url": message.page.url, "shows": message.page.shows} if message.page else None,
        }
        for message in shown
    ]

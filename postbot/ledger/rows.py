"""Rows and values: what each row means, how each value is stored, and how the audit puts them in words.

Pure: nothing here asks anything of a database.
"""

from typing import Any

from postbot.core.announce import Event, Message, Page, Root
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Change, Opinion, Request, Said, Spoken, Undelivered, Witness
from postbot.core.profile import State
from postbot.core.site import Path
from postbot.ledger.tables import Row
from postbot.ledger.values import Delivery, DeliveryStatus


def witness_of(row: Row) -> Witness:
    """The posting that a row remembers."""
    return Witness(
        path=Path(row.path),
        blob=row.blob,
        title=row.title,
        state=State(row.state),
        generation=row.generation,
        opens=row.opens,
        closes=row.closes,
        reason=row.reason,
        thread=row.thread,
        news=row.news,
    )


def request_of(row: Row) -> Request:
    """The request that a row keeps."""
    wish = Wish(Transition(row.transition), row.wanted, row.reason, row.undoes)
    return Request(row.number, Path(row.path), wish, row.by, row.filed_at, row.asker)


def opinion_of(row: Row) -> Opinion:
    """What somebody has said of a pull request, as a row keeps it."""
    return Opinion(row.branch, row.about, Said(row.said), row.by, row.at, row.words, row.until, row.asker)


def change_of(row: Row) -> Change:
    """What a pull request of ours makes of its posting, as a row keeps it."""
    return Change(row.branch, Path(row.path), bytes(row.before), bytes(row.after), row.at)


def spoken_of(row: Row) -> Spoken:
    """What the plan needs to know of a message to the public."""
    return Spoken(
        path=Path(row.path),
        event=Event(row.event),
        key=row.key,
        channel=row.channel,
        recipient=row.recipient,
        standing=standing(row.status),
        at=row.queued_at,
    )


def standing(status: str) -> str:
    """Where a message stands for those who only care whether it got there: whatever is on its way is `due`."""
    on_its_way = (DeliveryStatus.DUE, DeliveryStatus.CLAIMED, DeliveryStatus.DOUBTFUL)
    return DeliveryStatus.DUE.value if status in on_its_way else status


def message_row(message: Message) -> dict[str, Any]:
    """The columns of a message."""
    page = message.page
    return {
        "key": message.key,
        "event": message.event.value,
        "audience": message.event.audience.value,
        "slug": message.slug,
        "channel": message.channel,
        "recipient": message.recipient,
        "subject": message.subject,
        "body": message.body,
        "html": message.html,
        "blocks": message.blocks,
        "calendar": message.calendar,
        "thread": message.thread,
        "why": message.why,
        "page_url": page.url if page else None,
        "page_shows": page.shows if page else None,
        "expires_at": message.expires,
        "named_by_posting": message.named_by_posting,
        "card": message.card,
    }


def message_of(row: Row) -> Message:
    """The message that a row keeps."""
    return Message(
        key=row.key,
        event=Event(row.event),
        slug=row.slug,
        channel=row.channel,
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        html=row.html,
        blocks=row.blocks,
        calendar=row.calendar,
        thread=row.thread,
        why=row.why,
        page=None if row.page_url is None else Page(row.page_url, row.page_shows or ""),
        expires=row.expires_at,
        path=row.path or "",
        named_by_posting=row.named_by_posting,
        card=row.card,
    )


def delivery_of(row: Row) -> Delivery:
    """The delivery that a row keeps, with the key and place of its root beside it."""
    return Delivery(
        number=row.number,
        message=message_of(row),
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        next_at=row.next_at,
        detail=row.detail,
        root=None if row.root_key is None else Root(row.root_key, row.root_place),
        queued_at=row.queued_at,
        changed_at=row.changed_at,
        claimed_at=row.claimed_at,
        place=row.place,
    )


def undelivered_of(row: Row) -> Undelivered:
    """What the plan needs to know of a held message."""
    return Undelivered(
        number=row.number,
        attempts=row.attempts,
        event=Event(row.event),
        subject=row.subject,
        channel=row.channel,
        recipient=row.recipient,
        detail=row.detail or "",
    )


def witness_in_words(witness: Witness) -> str:
    """A posting as last seen."""
    window = [at.isoformat(timespec="minutes") if at else "not known" for at in (witness.opens, witness.closes)]
    reason = f", {witness.reason}" if witness.reason else ""
    return f"{witness.state}{reason}; opens {window[0]}, closes {window[1]}."


def state_in_words(witness: Witness | None) -> str:
    """The state and the very bytes of a posting; empty for one that was not known."""
    return f"{witness.state} {witness.blob}" if witness else ""


def wish_in_words(wish: Wish) -> str:
    """What somebody asked for."""
    values = ", ".join(f"{key}={value}" for key, value in wish.values.items())
    reason = f", because: {wish.reason}" if wish.reason else ""
    undone = f" #{wish.undoes}" if wish.undoes else ""
    return f"{wish.transition}{undone}{' with ' if values else ''}{values}{reason}"


def opinion_in_words(opinion: Opinion) -> str:
    """What somebody has said of a pull request."""
    until = f" until {opinion.until.isoformat(timespec='minutes')}" if opinion.until else ""
    return f"{opinion.by} says {opinion.said}{until}{f': {opinion.words}' if opinion.words else '.'}"


def delivery_in_words(row: Row, detail: str) -> str:
    """A delivery and what is to be said of it."""
    return f"{row.event} to {row.recipient} by {row.channel}: {detail}"

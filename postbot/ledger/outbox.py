"""Steps of a transaction on what is on its way: queue, expire, claim, settle, and what a person decides.

A step is made only where the delivery still stands as its caller knows it, so that an old claim settles nothing. What
is no news any more is never sent: each message may carry an end, and a later one can bring the end of an earlier one
to the same recipient forward. Nothing here sends, begins or ends a transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeGuard

import sqlalchemy as sa

from postbot.core.announce import BEGINS, Audience, Event, Message, Outcome, Receipt
from postbot.core.plan.memory import Spoken, Undelivered
from postbot.core.site import Path
from postbot.ledger.audit import Writer
from postbot.ledger.rows import delivery_in_words, delivery_of, message_row, spoken_of, standing, undelivered_of
from postbot.ledger.tables import Instant, Row, outbox
from postbot.ledger.values import (
    ATTEMPTS,
    BACK_OFF,
    CLOCK,
    LONGEST_WAIT,
    Delivery,
    DeliveryStatus,
    LedgerError,
)

DUE, CLAIMED, DOUBTFUL = DeliveryStatus.DUE, DeliveryStatus.CLAIMED, DeliveryStatus.DOUBTFUL
SENT, HELD = DeliveryStatus.SENT, DeliveryStatus.HELD
DROPPED, EXPIRED = DeliveryStatus.DROPPED, DeliveryStatus.EXPIRED

_MOST: Final = 2**31 - 1  # the greatest number that PostgreSQL has
_FARTHEST: Final = LONGEST_WAIT + max(BACK_OFF)
"""No wait is longer. What is to wait longer was put off by a clock that ran ahead, and has its turn at once."""

# Statements that are made once: to put one together takes longer than to carry it out.


def _is(*statuses: DeliveryStatus) -> sa.ColumnElement[bool]:
    return sa.or_(*(outbox.c.status == status.value for status in statuses))


_earlier = outbox.alias("earlier")
_root = outbox.alias("root")
_BEGAN: Final = (
    sa.select(sa.func.min(_earlier.c.number))
    .where(
        outbox.c.thread != "",
        *(_earlier.c[name] == outbox.c[name] for name in ("thread", "channel", "recipient")),
        _earlier.c.status == SENT.value,
        _earlier.c.number < outbox.c.number,
    )
    .correlate(outbox)
    .scalar_subquery()
)
"""The first message of a thread that went out to the same recipient, of those made before."""

# From its claim on a message keeps the root that it went under: a look must search where it was put.
_NUMBER_OF_ROOT: Final = sa.case((_is(CLAIMED, DOUBTFUL, SENT), outbox.c.root), else_=_BEGAN)
_LISTED: Final = sa.select(
    outbox,
    _root.c.number.label("root_number"),
    _root.c.key.label("root_key"),
    _root.c.place.label("root_place"),
).select_from(outbox.outerjoin(_root, _root.c.number == _NUMBER_OF_ROOT))
_ONE: Final = _LISTED.where(outbox.c.number == sa.bindparam("this"))
_IN_DOUBT: Final = _LISTED.where(_is(CLAIMED, DOUBTFUL)).order_by(outbox.c.number)
_STANDING: Final = sa.select(
    *(outbox.c[name] for name in ("number", "path", "key", "event", "channel", "recipient", "subject")),
    *(outbox.c[name] for name in ("status", "attempts", "expires_at", "audience")),
).where(outbox.c.number == sa.bindparam("this"))
_CHANGE: Final = sa.update(outbox).where(outbox.c.number == sa.bindparam("this"))
_CLAIMABLE: Final = _ONE.with_for_update(of=outbox, skip_locked=True)  # SQLite needs none and takes no notice
_QUEUED: Final = sa.select(outbox.c.number).where(outbox.c.key == sa.bindparam("this"))
_QUEUE: Final = sa.insert(outbox).returning(outbox.c.number)
_SAME: Final = ("path", "audience", "channel", "recipient")
_OVERTAKE: Final = (
    sa.update(outbox)
    .where(
        *(outbox.c[name] == sa.bindparam(f"its_{name}") for name in _SAME),
        outbox.c.number < sa.bindparam("this"),
        outbox.c.event.in_(sa.bindparam("stale", expanding=True)),
        _is(DUE, HELD, CLAIMED, DOUBTFUL),
        sa.or_(outbox.c.expires_at.is_(None), outbox.c.expires_at > sa.bindparam("now", type_=Instant)),
    )
    .values(expires_at=sa.bindparam("now", type_=Instant))
)
_BEGUN: Final = sa.update(outbox).where(
    *(outbox.c[name] == sa.bindparam(f"its_{name}") for name in _SAME),
    outbox.c.number < sa.bindparam("this"),
    outbox.c.event.in_([event.value for event in sorted(BEGINS)]),
)
_END_HELD: Final = _BEGUN.where(_is(HELD)).values(expires_at=sa.bindparam("now", type_=Instant))
_MOVE_ON: Final = _BEGUN.where(_is(DUE, CLAIMED, DOUBTFUL)).values(
    expires_at=sa.bindparam("end", type_=Instant),
    page_url=sa.case((outbox.c.page_url.is_not(None), sa.bindparam("url")), else_=None),
    page_shows=sa.case((outbox.c.page_shows.is_not(None), sa.bindparam("shows")), else_=None),
)
"""Where a date has moved, an opening that is still to be told ends with the new one, and waits for the same page.

One that is held is not told any more, for it may be long after the news of the new date.
"""
_END: Final = (
    sa.update(outbox)
    .where(
        outbox.c.path == sa.bindparam("its_path"),
        outbox.c.event.in_(sa.bindparam("stale", expanding=True)),
        _is(DUE, HELD, CLAIMED, DOUBTFUL),
    )
    .values(expires_at=sa.bindparam("now", type_=Instant))
)


_planned = sa.func.coalesce(outbox.c.next_at, outbox.c.changed_at)
_its_turn = sa.case(
    (_planned > sa.bindparam("farthest", type_=Instant), sa.bindparam("now", type_=Instant)), else_=_planned
)
_ends_before = outbox.c.expires_at < _its_turn
_NEXT: Final = sa.select(
    sa.func.min(sa.case((_ends_before, outbox.c.expires_at), else_=_its_turn), type_=Instant)
).where(_is(DUE, CLAIMED, DOUBTFUL))

_before = outbox.alias("before")
_IN_TURN: Final = ~sa.exists().where(
    *(_before.c[name] == outbox.c[name] for name in _SAME),
    sa.or_(*(_before.c.status == status.value for status in (DUE, CLAIMED, DOUBTFUL))),
    _before.c.number < outbox.c.number,
)
"""Nothing of the same posting that was said before is still on its way to the same recipient."""


# What is listed ----------------------------------------------------------------------------------------------------


def due(connection: sa.Connection, at: datetime, limit: int, audiences: Collection[Audience]) -> list[Delivery]:
    """The oldest of what is to be sent at `at`, oldest first; of each posting only what has its turn."""
    ripe = sa.or_(outbox.c.next_at.is_(None), outbox.c.next_at <= at, outbox.c.next_at > at + _FARTHEST)
    heard = _heard_by(audiences)
    wanted = _LISTED.where(_is(DUE), ripe, heard, _IN_TURN)
    return _listed(connection, wanted.order_by(outbox.c.number).limit(limit))


def _heard_by(audiences: Collection[Audience]) -> sa.ColumnElement[bool]:
    return outbox.c.audience.in_([audience.value for audience in audiences])


def next_due(connection: sa.Connection, at: datetime) -> datetime | None:
    """When the next message that waits is to be tried, or looked for, or is no news any more."""
    found: datetime | None = connection.scalar(_NEXT, {"now": at, "farthest": at + _FARTHEST})
    return found


def in_doubt(connection: sa.Connection) -> list[Delivery]:
    """What was taken and not settled, oldest first."""
    return _listed(connection, _IN_DOUBT)


def latest(connection: sa.Connection, limit: int, *, held_only: bool) -> list[Delivery]:
    """The latest deliveries, newest first."""
    wanted = _LISTED.order_by(outbox.c.number.desc()).limit(limit)
    return _listed(connection, wanted.where(_is(HELD)) if held_only else wanted)


def held(connection: sa.Connection) -> tuple[Undelivered, ...]:
    """What waits for a person, oldest first."""
    names = ("number", "attempts", "event", "subject", "channel", "recipient", "detail")
    wanted = sa.select(*(outbox.c[name] for name in names)).where(_is(HELD))
    return tuple(map(undelivered_of, connection.execute(wanted.order_by(outbox.c.number))))


def held_count(connection: sa.Connection) -> int:
    """How much waits for a person."""
    return connection.execute(sa.select(sa.func.count()).where(_is(HELD))).scalar_one()


def spoken(connection: sa.Connection, since: datetime | None) -> tuple[Spoken, ...]:
    """What was queued for the public about postings, from an instant on if one is given, oldest first."""
    names = ("path", "event", "key", "channel", "recipient", "status", "queued_at")
    public = sa.and_(outbox.c.audience == Audience.PUBLIC.value, outbox.c.path.is_not(None))
    wanted = sa.select(*(outbox.c[name] for name in names)).where(public).order_by(outbox.c.number)
    late = wanted if since is None else wanted.where(outbox.c.queued_at >= since)
    return tuple(map(spoken_of, connection.execute(late)))


def _listed(connection: sa.Connection, wanted: sa.Select[tuple[Any, ...]]) -> list[Delivery]:
    return [delivery_of(row) for row in connection.execute(wanted)]


# What the loop does ------------------------------------------------------------------------------------------------


def queue(writer: Writer, path: Path | None, messages: Sequence[Message], at: datetime) -> None:
    """Queue messages, each key once for all time; what they overtake is no news from now on."""
    new = {"status": DUE.value, "attempts": 0, "queued_at": at, "changed_at": at, "place": ""}
    for message in messages:
        where = message.path or path
        if writer.scalar(_QUEUED, {"this": message.key}) is not None:
            continue
        number = writer.execute(_QUEUE, message_row(message) | new | {"path": where}).scalar_one()
        if where:
            _overtake(writer, message, where, number, at)


def _overtake(writer: Writer, message: Message, path: str, number: int, at: datetime) -> None:
    """Bring the end of what this message leaves untrue forward. What waits for a look may turn out not to be sent."""
    stale = message.event.overtakes
    same = {"its_path": path, "its_audience": message.event.audience.value, "this": number}
    same |= {"its_channel": message.channel, "its_recipient": message.recipient}
    if stale:
        writer.execute(_OVERTAKE, same | {"now": at, "stale": [event.value for event in stale]})
    if message.event in (Event.EXTENDED, Event.CORRECTED):
        page = message.page
        waits = {"url": page.url if page else None, "shows": page.shows if page else None}
        writer.execute(_MOVE_ON, same | waits | {"end": message.expires})
        writer.execute(_END_HELD, same | {"now": at})


def end(writer: Writer, path: Path, audience: Audience, at: datetime) -> None:
    """Nothing that was to be said of this posting is news any more."""
    stale = [event.value for event in Event if event.audience is audience]
    writer.execute(_END, {"its_path": path, "stale": stale, "now": at})


def settle_reminders(writer: Writer, path: Path, at: datetime) -> None:
    """What the staff were to be asked about this posting is settled."""
    writer.execute(_END, {"its_path": path, "stale": [Event.WAITING.value, Event.NOT_READY.value], "now": at})


def expire(writer: Writer, at: datetime, audiences: Collection[Audience] = tuple(Audience)) -> None:
    """Send these audiences no more what is no news any more."""
    over = sa.select(outbox.c.number).where(_is(DUE), outbox.c.expires_at <= at).where(_heard_by(audiences))
    for number in writer.execute(over.order_by(outbox.c.number)).scalars().all():
        _step(writer, _found(writer, number), EXPIRED, at, "It is no news any more.")


def claim(writer: Writer, delivery: Delivery, at: datetime) -> Delivery | None:
    """Take a due delivery for oneself; None for all but one."""
    row = writer.execute(_CLAIMABLE, {"this": delivery.number}).one_or_none()
    if not _is_as_known(row, delivery, DUE):
        return None
    changed = {"status": CLAIMED.value, "changed_at": at, "claimed_at": at}
    writer.execute(_CHANGE, changed | {"this": delivery.number, "root": row.root_number})
    return replace(delivery_of(row), status=CLAIMED, changed_at=at, claimed_at=at)


def settle(writer: Writer, delivery: Delivery, receipt: Receipt, at: datetime) -> None:
    """What became of a delivery that was taken."""
    row = _standing(writer, delivery.number)
    if _is_as_known(row, delivery, CLAIMED, DOUBTFUL):
        attempts = delivery.attempts + 1
        status, next_at = _fate(receipt, attempts, at)
        became: dict[str, Any] = {"attempts": attempts, "next_at": next_at, "place": receipt.place}
        _step(writer, row, status, at, receipt.detail, what="tried" if status is DUE else "", **became)


def doubt(writer: Writer, delivery: Delivery, receipt: Receipt, at: datetime) -> None:
    """Nobody knows yet whether a delivery went out: it is to be looked for."""
    row = _standing(writer, delivery.number)
    if _is_as_known(row, delivery, CLAIMED):
        _step(writer, row, DOUBTFUL, at, receipt.detail)


def wait(writer: Writer, delivery: Delivery, until: datetime, why: str, at: datetime) -> None:
    """Put a due delivery off. Nothing was tried: no attempt is counted, and the audit has nothing to say."""
    if _is_as_known(_standing(writer, delivery.number), delivery, DUE):
        writer.execute(_CHANGE, {"this": delivery.number, "next_at": until, "detail": why, "changed_at": at})


def hold(writer: Writer, delivery: Delivery, why: str, at: datetime) -> None:
    """Leave a due delivery to a person."""
    row = _standing(writer, delivery.number)
    if _is_as_known(row, delivery, DUE):
        _step(writer, row, HELD, at, why, next_at=None)


def _fate(receipt: Receipt, attempts: int, at: datetime) -> tuple[DeliveryStatus, datetime | None]:
    """Where a delivery stands after so many attempts, and when it is tried again."""
    if receipt.outcome is Outcome.SENT:
        return SENT, None
    if receipt.outcome is Outcome.NOT_SENT and attempts < ATTEMPTS and not receipt.final:
        back_off = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
        return DUE, at + max(back_off, min(receipt.wait or back_off, LONGEST_WAIT))
    return HELD, None


# What a person decides ---------------------------------------------------------------------------------------------


def resend(writer: Writer, number: int, by: str, at: datetime) -> Delivery:
    """Let a held delivery be sent at once, whatever its page shows. Raises `LedgerError`."""
    row = _found(writer, number)
    if row.status != HELD.value:
        raise LedgerError(f"Delivery {number} is {row.status}; only one that is held can be sent again.")
    if row.expires_at is not None and row.expires_at <= at:
        raise LedgerError(
            f"Delivery {number} ({row.subject}) is not sent again, for that is no news any more. "
            f"To be rid of it: postbot deliveries drop {number}"
        )
    freed: dict[str, Any] = {"next_at": None, "page_url": None, "page_shows": None}
    _step(writer, row, DUE, at, f"{by} lets it be sent again.", what="resend", by=by, **freed)
    return _now(writer, number)


def drop(writer: Writer, number: int, by: str, at: datetime) -> Delivery:
    """Give up a delivery that is held or due. Raises `LedgerError`."""
    row = _found(writer, number)
    if row.status not in (HELD.value, DUE.value):
        raise LedgerError(f"Delivery {number} is {row.status}; only one that is held or due can be dropped.")
    _step(writer, row, DROPPED, at, f"{by} dropped it.", by=by, next_at=None)
    return _now(writer, number)


def _now(writer: Writer, number: int) -> Delivery:
    return delivery_of(writer.execute(_ONE, {"this": number}).one())


def _found(writer: Writer, number: int) -> Row:
    row = _standing(writer, number) if 0 < number <= _MOST else None
    if row is None:
        raise LedgerError(f"There is no delivery {number}. All there are: postbot deliveries")
    return row


def hold_all(writer: Writer, why: str, at: datetime) -> int:
    """Leave everything that is still on its way to a person; how much that is."""
    expire(writer, at)
    moving = sa.select(outbox.c.number).where(_is(DUE, CLAIMED, DOUBTFUL)).order_by(outbox.c.number)
    numbers = writer.execute(moving).scalars().all()
    for number in numbers:
        _step(writer, _found(writer, number), HELD, at, why, next_at=None)
    return len(numbers)


# How a delivery moves ----------------------------------------------------------------------------------------------


def _standing(writer: Writer, number: int) -> Row | None:
    """How a delivery stands. It stays so until the transaction ends, for only one at a time may write."""
    return writer.execute(_STANDING, {"this": number}).one_or_none()


def _is_as_known(row: Row | None, delivery: Delivery, *statuses: DeliveryStatus) -> TypeGuard[Row]:
    """Whether a delivery still stands as its caller knows it."""
    return row is not None and row.status in {each.value for each in statuses} and row.attempts == delivery.attempts


def _step(
    writer: Writer,
    row: Row,
    status: DeliveryStatus,
    at: datetime,
    detail: str,
    *,
    what: str = "",
    by: str = CLOCK,
    **others: Any,  # noqa: ANN401 - columns
) -> None:
    """Bring a delivery to another status, with a row in the audit."""
    changed = {"this": row.number, "status": status.value, "detail": detail, "changed_at": at}
    writer.execute(_CHANGE, changed | others)
    words = delivery_in_words(row, detail)
    did = what or status.value
    writer.note(at, did, words, path=row.path, by=by, key=row.key, before=row.status, after=status.value)
    public = row.audience == Audience.PUBLIC.value and row.path is not None
    if HELD.value in (row.status, status.value) or (public and standing(row.status) != standing(status.value)):
        writer.turn()

"""How messages on their way, and the audit, look to the person at the terminal.

Values in, plain values or sentences out (and rich tables, printed). A message shows by its subject and recipient;
what it says in full, and whatever a channel keeps secret, is not shown. Decisions are the ledger's.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from postbot.core.announce import one_line
from postbot.core.posting import at_utc
from postbot.doors.options import DeliveryAction
from postbot.ledger import AuditRow, Delivery, DeliveryStatus, Ledger, Verdict

Json = Mapping[str, Any]
_NO_END = 10_000


def rows(deliveries: Sequence[Delivery]) -> list[Json]:
    """Deliveries as plain values, in the order given."""
    return [_row(delivery) for delivery in deliveries]


def _row(delivery: Delivery) -> Json:
    message = delivery.message
    return {
        "number": delivery.number,
        "key": message.key,
        "status": delivery.status,
        "event": message.event,
        "slug": message.slug,
        "channel": message.channel,
        "recipient": message.recipient,
        "why": message.why,
        "subject": message.subject,
        "attempts": delivery.attempts,
        "next_at": _utc(delivery.next_at),
        "detail": delivery.detail,
        "thread": message.thread,
        "under": delivery.root.key if delivery.root else None,
        "place": delivery.place,
        "queued_at": at_utc(delivery.queued_at),
        "changed_at": at_utc(delivery.changed_at),
        "expires_at": _utc(message.expires),
    }


def _utc(at: datetime | None) -> str | None:
    return at_utc(at) if at else None


def print_rows(deliveries: Sequence[Delivery], zone: ZoneInfo, *, held_only: bool = False) -> None:
    """Deliveries as a table, and what a person can do about those that are held."""
    if not deliveries:
        _page().print("Nothing is held." if held_only else "Nothing is on its way.")
        return
    table = Table("#", "status", "event", "to", "subject", "attempts", "next try", "detail", box=None, pad_edge=False)
    for each in deliveries:
        told = (each.message.event, _to(each), each.message.subject, each.attempts)
        _add(table, each.number, each.status, *told, _next(each, zone), each.detail or "")
    _page().print(table)
    held = [each.number for each in deliveries if each.status is DeliveryStatus.HELD]
    if held:
        _page().print(Text(_help(held)), soft_wrap=True)


def _to(delivery: Delivery) -> str:
    return f"{delivery.message.channel}:{delivery.message.recipient}"


def _next(delivery: Delivery, zone: ZoneInfo) -> str:
    if delivery.status is not DeliveryStatus.DUE:
        return ""
    return _local(at_utc(delivery.next_at), zone) if delivery.next_at else "at the next tick"


def _help(held: Sequence[int]) -> str:
    names = ", ".join(map(str, held))
    it = "one" if len(held) > 1 else "it"
    return (
        f"Held for a person: {names}. To send {it} again: postbot deliveries resend {held[0]}. "
        f"To give {it} up: postbot deliveries drop {held[0]}."
    )


def settle(ledger: Ledger, action: DeliveryAction, number: int, by: str, at: datetime) -> str:
    """Do what a person has decided about one message, and say so. Raises `LedgerError` with the reason why not."""
    match action:
        case DeliveryAction.RESEND:
            return f"The next tick sends it: {_named(ledger.resend(number, by, at))}.\n"
        case DeliveryAction.DROP:
            return f"Dropped: {_named(ledger.drop(number, by, at))}.\n"
        case _:
            assert_never(action)


def _named(delivery: Delivery) -> str:
    return one_line(f"{delivery.message.subject} (number {delivery.number}, to {_to(delivery)})")


def audit_rows(audit: Sequence[AuditRow]) -> list[Json]:
    """Rows of the audit as plain values."""
    return [_audit_json(row) for row in audit]


def _audit_json(row: AuditRow) -> Json:
    return {
        "number": row.number,
        "at": row.at,
        "by": row.by,
        "what": row.what,
        "path": row.path,
        "key": row.key,
        "before": row.before,
        "after": row.after,
        "detail": row.detail,
        "hash": row.hash,
    }


def print_audit(audit: Sequence[AuditRow], zone: ZoneInfo) -> None:
    """Rows of the audit as a table."""
    if not audit:
        _page().print("Nothing has been done yet.")
        return
    table = Table("#", "at", "by", "what", "about", "before", "after", "detail", box=None, pad_edge=False)
    for row in audit:
        about = row.path or row.key
        _add(table, row.number, _local(row.at, zone), row.by, row.what, about, row.before, row.after, row.detail)
    _page().print(table)


def verdict_json(verdict: Verdict) -> Json:
    """What became of the audit, as plain values."""
    return {
        "whole": verdict.whole,
        "rows": verdict.rows,
        "head": verdict.head,
        "wrong": verdict.wrong,
        "sentence": verdict.sentence,
    }


def verdict_text(verdict: Verdict) -> str:
    """What became of the audit, in words."""
    return f"{one_line(verdict.sentence)}\n"


def _page() -> Console:
    """The terminal; a file or a pipe gets whole lines, for nobody can widen those."""
    return Console() if sys.stdout.isatty() else Console(width=_NO_END)


def _add(table: Table, *cells: object) -> None:
    table.add_row(*(Text(one_line(str(cell))) for cell in cells))


def _local(instant: str, zone: ZoneInfo) -> str:
    """An instant on the site's own clock; one that a stranger's hand has spoilt, as it stands."""
    try:
        return f"{datetime.fromisoformat(instant).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    except (TypeError, ValueError):
        return str(instant)

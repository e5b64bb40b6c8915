"""Steps of a transaction on what is remembered: postings as last seen, requests, what was told and what is free.

Each step writes within the transaction that it is handed and says so in the audit; none begins or ends one. Only one
transaction at a time writes, so that what a step has just seen still holds when it writes.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from postbot.core.announce.words import RELEASE
from postbot.core.lifecycle import Wish
from postbot.core.plan.memory import Change, Memory, Opinion, Request, Witness
from postbot.core.plan.undoing import KEPT
from postbot.core.site import Path
from postbot.ledger.audit import Writer
from postbot.ledger.outbox import held, spoken
from postbot.ledger.rows import (
    change_of,
    opinion_in_words,
    opinion_of,
    request_of,
    state_in_words,
    wish_in_words,
    witness_in_words,
    witness_of,
)
from postbot.ledger.tables import (
    Row,
    changes,
    events,
    heard,
    opinions,
    outbox,
    pulse,
    released,
    requests,
    told,
    witnesses,
)
from postbot.ledger.values import AskedBefore, Entry, LedgerError, Pause

_A_YEAR: Final = timedelta(days=365)
_AT_ONCE: Final = 500  # names in one statement; databases take so many only

MOVED: Final = "the ledger was moved to "
"""How the reason begins for which a ledger is paused that was moved away."""

_RENAMED: Final = "renamed"  # the entry whose detail is the path before, by which a history is followed back

# Made once: to put a statement together takes longer than to carry it out.
_NAMES: Final = (witnesses.c.path == sa.bindparam("path_now"), witnesses.c.path == sa.bindparam("path_before"))
_KNOWN: Final = sa.select(witnesses).where(sa.or_(*_NAMES))
_FORGET: Final = sa.delete(witnesses).where(sa.or_(*_NAMES))
_REMEMBER: Final = sa.insert(witnesses)
_TOLD: Final = sa.select(told.c.key).where(told.c.key == sa.bindparam("this"))
_RELEASED: Final = sa.select(released.c.digest).where(released.c.digest == sa.bindparam("this"))


def remembered(connection: sa.Connection) -> Memory:
    """Everything remembered."""
    still_open = sa.select(requests).where(requests.c.answered_at.is_(None)).order_by(requests.c.number)
    seen = [(row.gone, witness_of(row)) for row in connection.execute(sa.select(witnesses))]
    last_tick, copied = connection.execute(sa.select(pulse.c.last_tick, pulse.c.copied)).one()
    return Memory(
        witnesses={witness.path: witness for gone, witness in seen if not gone},
        gone={witness.path: witness for gone, witness in seen if gone},
        requests=tuple(map(request_of, connection.execute(still_open))),
        told=frozenset(connection.scalars(sa.select(told.c.key))),
        released=frozenset(connection.scalars(sa.select(released.c.digest))),
        last_tick=last_tick,
        held=held(connection),
        copied=copied,
        opinions=tuple(map(opinion_of, connection.execute(sa.select(opinions).order_by(opinions.c.number)))),
        spoken=spoken(connection, None if last_tick is None else last_tick - KEPT),
    )


def see(writer: Writer, witness: Witness, was: Path | None, at: datetime) -> None:
    """Remember a witness, under its new path where it has been renamed."""
    names = {"path_now": witness.path, "path_before": was or witness.path}
    rows = writer.execute(_KNOWN, names).all()
    known = {row.path: witness_of(row) for row in rows}
    if known == {witness.path: witness} and not rows[0].gone:
        return
    writer.execute(_FORGET, names)
    writer.execute(_REMEMBER, asdict(witness) | {"gone": False})
    before = known.get(witness.path)
    if was is not None and was in known and was != witness.path:
        _rename(writer, was, witness, at)
        before = known[was]
    _note(writer, witness, before, at)


def adopt(writer: Writer, found: Sequence[Witness], at: datetime) -> None:
    """Remember postings as they stand, in as few statements as for one."""
    known = {row.path: (row.gone, witness_of(row)) for row in writer.execute(sa.select(witnesses))}
    new = [witness for witness in found if known.get(witness.path) != (False, witness)]
    if again := [{"path_now": each.path, "path_before": each.path} for each in new if each.path in known]:
        writer.execute(_FORGET, again)
    if new:
        writer.execute(_REMEMBER, [asdict(each) | {"gone": False} for each in new])
    for each in new:
        _, before = known.get(each.path, (False, None))
        _note(writer, each, before, at)


def _note(writer: Writer, witness: Witness, before: Witness | None, at: datetime) -> None:
    writer.note(
        at,
        "seen",
        witness_in_words(witness),
        path=witness.path,
        key=witness.thread,
        before=state_in_words(before),
        after=state_in_words(witness),
    )
    writer.turn()


def _rename(writer: Writer, was: Path, witness: Witness, at: datetime) -> None:
    """What is still open about a posting goes where the posting went; what has happened stays as it was."""
    path = witness.path
    waiting = sa.and_(requests.c.path == was, requests.c.answered_at.is_(None))
    writer.execute(sa.update(requests).where(waiting).values(path=path))
    writer.execute(sa.update(outbox).where(outbox.c.path == was).values(path=path))
    writer.note(at, _RENAMED, was, path=path, key=witness.thread, before=was, after=path)


def forget(writer: Writer, path: Path, at: datetime) -> None:
    """Remember that a posting's file has gone: what it was stays known, in case it comes back."""
    here = sa.and_(witnesses.c.path == path, witnesses.c.gone.is_(False))
    gone_now = sa.update(witnesses).where(here).values(gone=True, news=witnesses.c.news + 1)
    row = writer.execute(gone_now.returning(*witnesses.c)).one_or_none()
    if row is not None:
        gone, words = witness_of(row), "The file is no longer on the base branch."
        writer.note(at, "gone", words, path=path, key=gone.thread, before=state_in_words(gone))
        writer.turn()


def tell(writer: Writer, keys: Sequence[str], at: datetime) -> None:
    """Remember that this was told."""
    for key in keys:
        if writer.scalar(_TOLD, {"this": key}) is None:
            writer.execute(sa.insert(told).values(key=key, at=at))
            writer.turn()


def filed(connection: sa.Connection, key: str) -> Request | None:
    """The request that came in with this key, answered or not."""
    known = connection.execute(sa.select(requests).where(requests.c.key == key)).one_or_none()
    return None if known is None else request_of(known)


def file(
    writer: Writer, path: Path, wish: Wish, by: str, at: datetime, *, asker: str, key: str, heard_of: int | None
) -> Request:
    """Keep a person's wish; of several that came in with the same key, the first. Raises `AskedBefore`."""
    if key and (known := filed(writer.connection, key)):
        return known
    if heard_of is not None and (other := _other(writer, path, (by, asker), heard_of)):
        raise AskedBefore(other)
    row = {
        "path": path,
        "transition": wish.transition.value,
        "wanted": dict(wish.values),
        "reason": wish.reason,
        "undoes": wish.undoes,
        "by": by,
        "filed_at": at,
        "asker": asker,
        "key": key or None,
    }
    made = request_of(writer.execute(sa.insert(requests).values(row).returning(*requests.c)).one())
    words = f"{by} asked to {wish_in_words(wish)}."
    writer.note(at, "asked", words, path=path, by=by, key=_key(made), after="asked")
    writer.turn()
    return made


def _other(writer: Writer, path: Path, mine: tuple[str, str], after: int) -> Request | None:
    """The first open request behind that number that somebody else has for this posting."""
    open_ones = sa.and_(requests.c.path == path, requests.c.answered_at.is_(None), requests.c.number > after)
    theirs = sa.and_(requests.c.by.not_in(mine), requests.c.asker.not_in(mine))
    found = sa.select(requests).where(open_ones, theirs).order_by(requests.c.number).limit(1)
    row = writer.execute(found).one_or_none()
    return None if row is None else request_of(row)


def opine(writer: Writer, opinion: Opinion, path: Path | None, key: str) -> bool:
    """Keep what a person says of a pull request; false where it came in with this key before."""
    if key and writer.scalar(sa.select(opinions.c.number).where(opinions.c.key == key)) is not None:
        return False
    writer.execute(sa.insert(opinions).values(asdict(opinion) | {"said": opinion.said.value, "key": key or None}))
    words = opinion_in_words(opinion)
    writer.note(opinion.at, "said", words, path=path, by=opinion.by, key=opinion.branch, after=opinion.said.value)
    writer.turn()
    return True


def keep(writer: Writer, change: Change) -> None:
    """Keep what a pull request of ours is about to make of its posting, in place of what it was to make of it before.

    What is a year old is let go: nobody takes it back any more.
    """
    old = changes.c.at < change.at - _A_YEAR
    writer.execute(sa.delete(changes).where(sa.or_(changes.c.branch == change.branch, old)))
    writer.execute(sa.insert(changes).values(asdict(change)))


def kept(connection: sa.Connection, branches: Sequence[str]) -> dict[str, Change]:
    """What these pull requests make of their postings, as far as it is kept."""
    found: dict[str, Change] = {}
    for at in range(0, len(branches), _AT_ONCE):
        wanted = sa.select(changes).where(changes.c.branch.in_(branches[at : at + _AT_ONCE]))
        found |= {row.branch: change_of(row) for row in connection.execute(wanted)}
    return found


def answer(writer: Writer, request: Request, done: bool, words: str, by: str, at: datetime) -> Path | None:
    """Close an open request: the path that it is about by now, or None where it was answered before."""
    mine = sa.and_(requests.c.number == request.number, requests.c.answered_at.is_(None))
    answered: dict[str, Any] = {"answered_at": at, "done": done, "words": words}
    path = writer.scalar(sa.update(requests).where(mine).values(answered).returning(requests.c.path))
    if path is None:
        return None
    what = "answered" if done else "refused"
    writer.note(at, what, words, path=path, by=by, key=_key(request), before="asked", after=what)
    writer.turn()
    return Path(path)


def _key(request: Request) -> str:
    return f"request {request.number}"


def release(writer: Writer, digest: str, by: str, at: datetime) -> None:
    """Free what has this digest, once."""
    if writer.scalar(_RELEASED, {"this": digest}) is None:
        writer.execute(sa.insert(released).values(digest=digest, by=by, at=at))
        what = "lets postbot speak to everybody" if digest == RELEASE else f"released plan {digest}"
        writer.note(at, "released", f"{by} {what}.", by=by, key=digest, before="held", after="released")
        writer.turn()


def demand_in_use(writer: Writer) -> None:
    """Raise `LedgerError` in a ledger that was left for another, where nobody would see to what is written."""
    standing = paused(writer.connection)
    if standing and standing.why.startswith(MOVED) and writer.scalar(sa.select(pulse.c.copied)):
        raise LedgerError(f"This is no longer the ledger in use: {standing.why}. Nothing was changed; do it there.")


def pause(writer: Writer, by: str, why: str, at: datetime) -> None:
    """Have nothing done or said any more. The last word counts."""
    writer.execute(sa.update(pulse).values(paused_by=by, paused_at=at, paused_why=why))
    writer.note(at, "paused", f"{by} stopped everything{f': {why}' if why else '.'}", by=by, after="paused")
    writer.turn()


def resume(writer: Writer, by: str, at: datetime) -> bool:
    """Let it go on; false where it was not paused."""
    if paused(writer.connection) is None:
        return False
    writer.execute(sa.update(pulse).values(paused_by=None, paused_at=None, paused_why=""))
    writer.note(at, "resumed", f"{by} lets it go on.", by=by, before="paused")
    writer.turn()
    return True


def paused(connection: sa.Connection) -> Pause | None:
    """Who has stopped everything, if anybody has."""
    row = connection.execute(sa.select(pulse.c.paused_by, pulse.c.paused_at, pulse.c.paused_why)).one()
    return None if row.paused_by is None else Pause(row.paused_by, row.paused_at, row.paused_why)


def hear(writer: Writer, key: str, at: datetime, keep: timedelta) -> bool:
    """Whether this came in from outside for the first time. What is older than `keep` is forgotten, for it is late."""
    writer.execute(sa.delete(heard).where(heard.c.at <= at - keep))
    if writer.scalar(sa.select(heard.c.key).where(heard.c.key == key)) is not None:
        return False
    writer.execute(sa.insert(heard).values(key=key, at=at))
    return True


def history(connection: sa.Connection, path: Path) -> list[Entry]:
    """What happened to a posting, oldest first, also under the names that it had before."""
    trail: list[Row] = []
    name: str | None = path
    before: int | None = None
    while name is not None:
        part = connection.execute(_events_of(name, before)).all()
        renamed = next((row for row in part if row.what == _RENAMED), None)
        trail += [row for row in part if renamed is None or row.number >= renamed.number]
        name, before = (renamed.detail, renamed.number) if renamed else (None, None)
    return [Entry(row.at, Path(row.path), row.what, row.detail) for row in reversed(trail)]


def _events_of(name: str, before: int | None) -> sa.Select[tuple[Any, ...]]:
    wanted = sa.select(events).where(events.c.path == name).order_by(events.c.number.desc())
    return wanted if before is None else wanted.where(events.c.number < before)

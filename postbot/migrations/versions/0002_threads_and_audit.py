"""Messages in threads, with all their forms, an end and a place; an audit that shows whether anybody has touched it.

Nothing here is imported from the rest of postbot, whose rules may change while those of this step may not.
"""

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_AT_ONCE = 1000

_WITNESSES = sa.table("witnesses", *map(sa.column, ("path", "state", "generation", "thread")))
_NOTED = ("at", "path", "what", "detail", "by", "key", "before", "after")
_EVENTS = sa.table("events", *map(sa.column, ("number", *_NOTED, "hash")))
_PULSE = sa.table("pulse", *map(sa.column, ("events", "head")))


def upgrade() -> None:
    """Add the columns, name the thread of each posting, let a site that speaks go on speaking, and chain the audit."""
    _threads()
    _messages()
    _freedom()
    _audit()


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, server_default=default)


def _threads() -> None:
    op.add_column("witnesses", _text("thread"))
    op.add_column("witnesses", sa.Column("news", sa.Integer, nullable=False, server_default="0"))
    op.add_column("witnesses", sa.Column("gone", sa.Boolean, nullable=False, server_default="0"))
    connection = op.get_bind()
    known = connection.execute(sa.select(*(_WITNESSES.c[name] for name in ("path", "state", "generation")))).all()
    for path, state, generation in known:
        opening = generation if state in ("open", "closed") else generation + 1
        thread = sha256(f"{path}\n{opening}".encode()).hexdigest()[:16]
        connection.execute(sa.update(_WITNESSES).where(_WITNESSES.c.path == path).values(thread=thread))


def _messages() -> None:
    for name in ("html", "blocks", "calendar", "thread", "why", "place"):
        op.add_column("outbox", _text(name))
    for name in ("page_url", "page_shows", "expires_at", "claimed_at"):
        op.add_column("outbox", sa.Column(name, sa.String))
    op.add_column("outbox", sa.Column("root", sa.Integer))
    op.add_column("outbox", _text("audience"))
    op.add_column("outbox", sa.Column("named_by_posting", sa.Boolean, nullable=False, server_default="0"))
    op.create_index("outbox_by_thread", "outbox", ["thread", "channel", "recipient"])
    op.create_index("outbox_by_path", "outbox", ["path", "audience", "channel", "recipient"])
    op.execute(
        "UPDATE outbox SET audience = CASE WHEN event IN "
        "('missed', 'not-ready', 'waiting', 'held', 'broken', 'gone', 'refused') THEN 'staff' ELSE 'public' END"
    )
    # What has not gone out yet belongs to the opening that its posting is, and ends with it.
    op.execute(
        "UPDATE outbox SET thread = audience || ':' || "
        "(SELECT thread FROM witnesses WHERE witnesses.path = outbox.path) WHERE path IN (SELECT path FROM witnesses)"
    )
    op.execute(
        "UPDATE outbox SET expires_at = (SELECT closes FROM witnesses WHERE witnesses.path = outbox.path) "
        "WHERE event IN ('opened', 'reopened', 'extended', 'corrected') AND status IN ('due', 'claimed', 'held')"
    )
    op.execute("UPDATE outbox SET claimed_at = changed_at WHERE status = 'claimed'")


def _freedom() -> None:
    """A site that has had a tick already speaks to everybody, and must not fall silent."""
    op.execute(
        'INSERT INTO released (digest, "by", at) '
        "SELECT 'public', 'upgrade', last_tick FROM pulse WHERE last_tick IS NOT NULL"
    )


def _audit() -> None:
    op.add_column("events", _text("by", "postbot"))
    for name in ("key", "before", "after", "hash"):
        op.add_column("events", _text(name))
    op.add_column("pulse", sa.Column("events", sa.Integer, nullable=False, server_default="0"))
    op.add_column("pulse", _text("head"))
    # Who asked and who released was written into the words only, and words are not to be taken apart.
    op.execute("UPDATE events SET \"by\" = '' WHERE what IN ('asked', 'released')")
    _chain()


def _chain() -> None:
    """Number the rows without gaps, in the order that they have, and link each to the one before."""
    connection = op.get_bind()
    number, head, at = 0, "", -1
    columns = sa.select(_EVENTS.c.number, *(_EVENTS.c[name] for name in _NOTED)).order_by(_EVENTS.c.number)
    while rows := connection.execute(columns.where(_EVENTS.c.number > at).limit(_AT_ONCE)).all():
        linked = []
        for was, *noted in rows:
            number += 1
            text = json.dumps([number, *noted], ensure_ascii=True, separators=(",", ":"), default=repr)
            head = sha256(f"{head}{text}".encode()).hexdigest()
            linked.append({"was": was, "number": number, "hash": head})
        connection.execute(sa.update(_EVENTS).where(_EVENTS.c.number == sa.bindparam("was")), linked)
        at = rows[-1][0]
    connection.execute(sa.update(_PULSE).values(events=number, head=head))

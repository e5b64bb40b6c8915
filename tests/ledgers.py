"""The kit for tests of the ledger: both places that can keep one, examples, other processes, and a stranger's hand.

What is said of the ledger holds wherever it is kept, so `ledger` and `place` come once as a file and once as a schema
of a real PostgreSQL. A module about files alone overrides `place`.
"""

import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from postbot.core.announce import Event, Message, Outcome, Receipt
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Witness
from postbot.core.profile import State
from postbot.core.site import Path
from postbot.ledger import Ledger

ROOT = FilePath(__file__).parents[1]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
BAKER, MILLER = Path("jobs/baker.md"), Path("jobs/miller.md")
OPEN = Witness(BAKER, "b10b", "Baker", State.OPEN, 1, NOON, NOON + timedelta(days=9))
CLOSED = replace(OPEN, state=State.CLOSED, reason="cap reached")
WISH = Wish(Transition.EXTEND, {"closes": "2026-04-01"}, "few applicants")
OPENED = Message("baker|1|opened|ann", Event.OPENED, "baker", "console", "ann", "Baker: open", "It is open.\n")
OF_BAKER = replace(OPENED, path=BAKER)
SHUT = replace(OPENED, key="baker|1|closed|ann", event=Event.CLOSED)
SENT, NOT_SENT = Receipt(Outcome.SENT, "printed"), Receipt(Outcome.NOT_SENT, "The line is down.")
UNKNOWN = Receipt(Outcome.UNKNOWN, "No reply came.")
DONE, REFUSED = True, False

Place = FilePath | str
KINDS = ("SQLite", "PostgreSQL")


@pytest.fixture
def path(tmp_path: FilePath) -> FilePath:
    """Where a ledger's file may be made."""
    return tmp_path / "postbot" / "ledger.db"


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """A schema of PostgreSQL that nobody has yet."""
    return str(request.getfixturevalue("postgres").url())


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Place:
    """Where a ledger may be made: a path, or a URL."""
    found: Place = request.getfixturevalue("path" if request.param == "SQLite" else "url")
    return found


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """A new ledger."""
    opened = Ledger.open(place)
    yield opened
    opened.close()


# Other processes


def python(code: str, *args: object) -> subprocess.Popen[str]:
    """Another process that has the ledger module and this one at hand, as `module` and `kit`."""
    head = "import os, signal, sys, time\nimport postbot.ledger as module, tests.ledgers as kit\n"
    command = [sys.executable, "-c", head + textwrap.dedent(code), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT)


@contextmanager
def zombie(code: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """A process that stops itself, and is ended whatever becomes of the test."""
    process = python(code, *args)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate()
    return process.returncode, said.strip()


def await_word(process: subprocess.Popen[str], word: str) -> None:
    """Wait until the other process has said so much."""
    assert process.stdout
    assert process.stdout.readline() == f"{word}\n"


def go_on(process: subprocess.Popen[str]) -> None:
    """Let a process that reads a line go on."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


# A hand that does not belong to postbot


def by_hand(place: Place) -> sa.Engine:
    """What reaches the tables of a ledger from outside."""
    if isinstance(place, FilePath):
        return sa.create_engine(f"sqlite:///{place}", poolclass=sa.NullPool)
    url = sa.make_url(place).set(drivername="postgresql+psycopg")
    options = f"-c search_path={url.query['schema']} -c lock_timeout=30s"
    where = url.difference_update_query(["schema"])
    return sa.create_engine(where, poolclass=sa.NullPool, connect_args={"options": options})


def change(place: Place, *statements: str, **values: object) -> None:
    """Change what is in the tables."""
    with by_hand(place).begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), values)


# Schemas

RELEASED = {
    "0001": """
        CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
        CREATE TABLE witnesses (path VARCHAR NOT NULL PRIMARY KEY, blob VARCHAR NOT NULL, title VARCHAR NOT NULL,
            state VARCHAR NOT NULL, generation INTEGER NOT NULL, opens VARCHAR, closes VARCHAR, reason VARCHAR);
        CREATE TABLE requests (number INTEGER NOT NULL PRIMARY KEY, path VARCHAR NOT NULL,
            transition VARCHAR NOT NULL, wanted JSON NOT NULL, reason VARCHAR, "by" VARCHAR NOT NULL,
            filed_at VARCHAR NOT NULL, answered_at VARCHAR, done BOOLEAN, words VARCHAR);
        CREATE INDEX requests_by_answer ON requests (answered_at);
        CREATE TABLE told ("key" VARCHAR NOT NULL PRIMARY KEY, at VARCHAR NOT NULL);
        CREATE TABLE released (digest VARCHAR NOT NULL PRIMARY KEY, "by" VARCHAR NOT NULL, at VARCHAR NOT NULL);
        CREATE TABLE pulse (number INTEGER NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, last_tick VARCHAR);
        CREATE TABLE outbox (number INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR NOT NULL UNIQUE, path VARCHAR,
            event VARCHAR NOT NULL, slug VARCHAR NOT NULL, channel VARCHAR NOT NULL, recipient VARCHAR NOT NULL,
            subject VARCHAR NOT NULL, body VARCHAR NOT NULL, status VARCHAR NOT NULL, attempts INTEGER NOT NULL,
            queued_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL, next_at VARCHAR, detail VARCHAR);
        CREATE INDEX outbox_by_status ON outbox (status);
        CREATE TABLE events (number INTEGER NOT NULL PRIMARY KEY, at VARCHAR NOT NULL, path VARCHAR,
            what VARCHAR NOT NULL, detail VARCHAR NOT NULL);
        CREATE INDEX events_by_path ON events (path);
        INSERT INTO alembic_version VALUES ('0001');
        INSERT INTO witnesses VALUES ('jobs/baker.md', 'b10b', 'Baker', 'open', 1,
            '2026-03-02T12:00:00.000000+00:00', '2026-03-11T12:00:00.000000+00:00', NULL);
        INSERT INTO requests VALUES (4, 'jobs/baker.md', 'extend', '{"closes": "2026-04-01"}', 'few applicants',
            'ann', '2026-03-02T12:00:00.000000+00:00', NULL, NULL, NULL);
        INSERT INTO told VALUES ('baker|1|opened', '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO pulse VALUES (1, 3, '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO outbox VALUES (9, 'baker|1|opened|ann', 'jobs/baker.md', 'opened', 'baker', 'console', 'ann',
            'Baker: open', 'It is open.' || char(10), 'due', 1, '2026-03-02T12:00:00.000000+00:00',
            '2026-03-02T12:00:00.000000+00:00', '2026-03-02T12:01:00.000000+00:00', 'The line is down.');
    """,
    "0002": """
        CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
        CREATE TABLE witnesses (path VARCHAR NOT NULL PRIMARY KEY, blob VARCHAR NOT NULL, title VARCHAR NOT NULL,
            state VARCHAR NOT NULL, generation INTEGER NOT NULL, opens VARCHAR, closes VARCHAR, reason VARCHAR,
            thread VARCHAR DEFAULT '' NOT NULL, news INTEGER DEFAULT '0' NOT NULL, gone BOOLEAN DEFAULT '0' NOT NULL);
        CREATE TABLE requests (number INTEGER NOT NULL PRIMARY KEY, path VARCHAR NOT NULL,
            transition VARCHAR NOT NULL, wanted JSON NOT NULL, reason VARCHAR, "by" VARCHAR NOT NULL,
            filed_at VARCHAR NOT NULL, answered_at VARCHAR, done BOOLEAN, words VARCHAR);
        CREATE INDEX requests_by_answer ON requests (answered_at);
        CREATE TABLE told ("key" VARCHAR NOT NULL PRIMARY KEY, at VARCHAR NOT NULL);
        CREATE TABLE released (digest VARCHAR NOT NULL PRIMARY KEY, "by" VARCHAR NOT NULL, at VARCHAR NOT NULL);
        CREATE TABLE pulse (number INTEGER NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, last_tick VARCHAR,
            events INTEGER DEFAULT '0' NOT NULL, head VARCHAR DEFAULT '' NOT NULL);
        CREATE TABLE outbox (number INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR NOT NULL UNIQUE, path VARCHAR,
            event VARCHAR NOT NULL, slug VARCHAR NOT NULL, channel VARCHAR NOT NULL, recipient VARCHAR NOT NULL,
            subject VARCHAR NOT NULL, body VARCHAR NOT NULL, status VARCHAR NOT NULL, attempts INTEGER NOT NULL,
            queued_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL, next_at VARCHAR, detail VARCHAR,
            html VARCHAR DEFAULT '' NOT NULL, blocks VARCHAR DEFAULT '' NOT NULL,
            calendar VARCHAR DEFAULT '' NOT NULL, thread VARCHAR DEFAULT '' NOT NULL, why VARCHAR DEFAULT '' NOT NULL,
            place VARCHAR DEFAULT '' NOT NULL, page_url VARCHAR, page_shows VARCHAR, expires_at VARCHAR,
            claimed_at VARCHAR, root INTEGER, audience VARCHAR DEFAULT '' NOT NULL,
            named_by_posting BOOLEAN DEFAULT '0' NOT NULL);
        CREATE INDEX outbox_by_status ON outbox (status);
        CREATE INDEX outbox_by_thread ON outbox (thread, channel, recipient);
        CREATE INDEX outbox_by_path ON outbox (path, audience, channel, recipient);
        CREATE TABLE events (number INTEGER NOT NULL PRIMARY KEY, at VARCHAR NOT NULL, path VARCHAR,
            what VARCHAR NOT NULL, detail VARCHAR NOT NULL, "by" VARCHAR DEFAULT 'postbot' NOT NULL,
            "key" VARCHAR DEFAULT '' NOT NULL, "before" VARCHAR DEFAULT '' NOT NULL,
            "after" VARCHAR DEFAULT '' NOT NULL, hash VARCHAR DEFAULT '' NOT NULL);
        CREATE INDEX events_by_path ON events (path);
        INSERT INTO alembic_version VALUES ('0002');
        INSERT INTO witnesses VALUES ('jobs/baker.md', 'b10b', 'Baker', 'open', 1,
            '2026-03-02T12:00:00.000000+00:00', '2026-03-11T12:00:00.000000+00:00', NULL, '8e96fd1403c47f1f', 0, 0);
        INSERT INTO requests VALUES (4, 'jobs/baker.md', 'extend', '{"closes": "2026-04-01"}', 'few applicants',
            'ann', '2026-03-02T12:00:00.000000+00:00', NULL, NULL, NULL);
        INSERT INTO told VALUES ('baker|1|opened', '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO released VALUES ('public', 'ann', '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO pulse VALUES (1, 3, '2026-03-02T12:00:00.000000+00:00', 2,
            '92a5a96f32413334b49399cb8ca8a8921375e7ad938573938dc8fca236e14729');
        INSERT INTO outbox VALUES (9, 'baker|1|opened|ann', 'jobs/baker.md', 'opened', 'baker', 'console', 'ann',
            'Baker: open', 'It is open.' || char(10), 'due', 1, '2026-03-02T12:00:00.000000+00:00',
            '2026-03-02T12:00:00.000000+00:00', '2026-03-02T12:01:00.000000+00:00', 'The line is down.',
            '', '', '', 'public:8e96fd1403c47f1f', '', '', NULL, NULL,
            '2026-03-11T12:00:00.000000+00:00', NULL, NULL, 'public', 0);
        INSERT INTO events VALUES (1, '2026-03-02T12:00:00.000000+00:00', 'jobs/baker.md', 'seen',
            'open; opens 2026-03-02T12:00+00:00, closes 2026-03-11T12:00+00:00.',
            'postbot', '8e96fd1403c47f1f', '', 'open b10b',
            '516be05964c1d28710766988aebaa380b2847942e8d1db825b878d531d89f626');
        INSERT INTO events VALUES (2, '2026-03-02T12:00:00.000000+00:00', 'jobs/baker.md', 'asked',
            'ann asked to extend with closes=2026-04-01, because: few applicants.',
            'ann', 'request 4', '', 'asked',
            '92a5a96f32413334b49399cb8ca8a8921375e7ad938573938dc8fca236e14729');
    """,
}
RELEASED["0003"] = "".join(
    [
        RELEASED["0002"],
        """
        ALTER TABLE pulse ADD COLUMN paused_by VARCHAR;
        ALTER TABLE pulse ADD COLUMN paused_at VARCHAR;
        ALTER TABLE pulse ADD COLUMN paused_why VARCHAR DEFAULT '' NOT NULL;
        ALTER TABLE pulse ADD COLUMN copied BOOLEAN DEFAULT 0 NOT NULL;
        CREATE TABLE lease (number INTEGER NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, holder VARCHAR NOT NULL,
            until VARCHAR, ticked_at VARCHAR, wakes_at VARCHAR);
        INSERT INTO lease VALUES (1, 0, '', NULL, NULL, NULL);
        CREATE TABLE heard ("key" VARCHAR NOT NULL PRIMARY KEY, at VARCHAR NOT NULL);
        UPDATE alembic_version SET version_num = '0003';
        """,
    ]
)
RELEASED["0004"] = "".join(
    [
        RELEASED["0003"],
        """
        ALTER TABLE requests ADD COLUMN asker VARCHAR DEFAULT '' NOT NULL;
        ALTER TABLE requests ADD COLUMN "key" VARCHAR;
        CREATE UNIQUE INDEX requests_by_key ON requests ("key");
        ALTER TABLE outbox ADD COLUMN card VARCHAR DEFAULT '' NOT NULL;
        CREATE TABLE opinions (number INTEGER NOT NULL PRIMARY KEY, branch VARCHAR NOT NULL, about VARCHAR NOT NULL,
            said VARCHAR NOT NULL, "by" VARCHAR NOT NULL, at VARCHAR NOT NULL, words VARCHAR NOT NULL, until VARCHAR,
            "key" VARCHAR);
        CREATE UNIQUE INDEX opinions_by_key ON opinions ("key");
        CREATE TABLE changes (branch VARCHAR NOT NULL PRIMARY KEY, path VARCHAR NOT NULL, before BLOB NOT NULL,
            after BLOB NOT NULL, at VARCHAR NOT NULL);
        UPDATE alembic_version SET version_num = '0004';
        """,
    ]
)
RELEASED["0005"] = "".join(
    [
        RELEASED["0004"],
        """
        ALTER TABLE opinions ADD COLUMN asker VARCHAR DEFAULT '' NOT NULL;
        ALTER TABLE requests ADD COLUMN undoes INTEGER;
        UPDATE alembic_version SET version_num = '0005';
        """,
    ]
)
"""Every schema ever released, with data, as its postbot left it. Never edited: a new schema is a new entry."""


def released(place: Place, schema: str) -> None:
    """Put the ledger of an older postbot there. On PostgreSQL its own steps make the tables for the same rows."""
    if isinstance(place, FilePath):
        place.parent.mkdir()
        connection = sqlite3.connect(place)
        connection.executescript(RELEASED[schema])
        connection.close()
        return
    with _example(schema) as example, by_hand(place).begin() as target:
        target.execute(sa.schema.CreateSchema(sa.make_url(place).query["schema"]))
        config = Config()
        config.set_main_option("script_location", "postbot:migrations")
        config.attributes["connection"] = target
        command.upgrade(config, schema)
        tables = sa.MetaData()
        tables.reflect(target)
        for table in tables.sorted_tables:
            target.execute(sa.delete(table))
            if rows := [row._asdict() for row in example.execute(sa.select(table))]:
                target.execute(sa.insert(table), rows)
        for name in ("requests", "outbox"):
            target.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{name}', 'number'), 9)"))


@contextmanager
def _example(schema: str) -> Iterator[sa.Connection]:
    raw = sqlite3.connect(":memory:")
    raw.executescript(RELEASED[schema])
    engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()

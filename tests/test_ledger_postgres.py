"""The ledger in PostgreSQL: what is said when it cannot be reached or used, and what a pooler in between may do to it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path as FilePath

import psycopg
import pytest
import sqlalchemy as sa

from postbot.ledger import Ledger, LedgerBusy, LedgerError
from tests.ledgers import LATER, NOON, OPEN, OPENED, SENT, WISH, by_hand, change, finish, python
from tests.postgres import DATABASE, PASSWORD, USER, Postgres
from tests.twins.pooler import Pooler

SECRETS = (PASSWORD, "p%40ss", "canary")


def refusal(url: str) -> str:
    """What is said instead of opening; no part of a password is in it, nor in what a traceback would show."""
    with pytest.raises(LedgerError) as refused:
        Ledger.open(url)
    error: BaseException | None = refused.value
    while error is not None:
        assert not any(secret in f"{error!r} {error}" for secret in SECRETS)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return str(refused.value)


# What is said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:canary@127.0.0.1:port/site",
        "postgresql://ann:canary@127.0.0.1",
        "postgresql://ann:canary@127.0.0.1/",
    ],
)
def test_what_is_no_address_is_a_sentence(url: str):
    assert refusal(url).startswith("This is no address of a PostgreSQL ledger; write postgresql://USER@HOST")


@pytest.mark.parametrize("name", ["Jobs", "my-site", "pg_site", "1st", "x" * 64, 'a"; DROP SCHEMA public; --'])
def test_a_schema_has_a_plain_name(postgres: Postgres, name: str):
    assert "The ledger cannot be in a schema" in refusal(postgres.url("SCHEMA").replace("SCHEMA", name))


def test_a_server_that_is_not_there_is_a_sentence(postgres: Postgres):
    sentence = refusal(postgres.url("s", port=1))
    assert sentence.startswith(f"Cannot reach the ledger postgresql://{USER}@127.0.0.1:1/{DATABASE}?schema=s: ")
    assert sentence.endswith(f"See that PostgreSQL runs there and lets {USER} in.")


def test_a_wrong_password_is_a_sentence_that_says_where_to_put_the_right_one(postgres: Postgres):
    sentence = refusal(postgres.url().replace("p%40ss", "canary"))
    assert f"refuses the password of {USER}. Put the right one into POSTBOT_LEDGER_PASSWORD" in sentence
    assert "refuses the password" in refusal(postgres.url().replace(":p%40ss%20w%2Frd%3A%2541", ""))


def test_a_database_that_does_not_exist_is_a_sentence(postgres: Postgres):
    assert 'database "nosuch" does not exist' in refusal(postgres.url().replace(f"/{DATABASE}?", "/nosuch?"))


def test_a_parameter_that_does_not_exist_is_a_sentence(postgres: Postgres):
    assert 'invalid connection option "shcema"' in refusal(f"{postgres.url()}&shcema=x")


def test_a_socket_does_as_well_as_a_port(postgres: Postgres):
    ledger = Ledger.open(postgres.url(socket=True))
    ledger.ticked(NOON)
    assert str(postgres.folder).replace("/", "%2F") in ledger.name
    ledger.close()


def test_a_schema_is_called_postbot_where_none_is_named(postgres: Postgres):
    ledger = Ledger.open(postgres.url("postbot").partition("?")[0])
    assert ledger.name.endswith("?schema=postbot")
    assert postgres.execute("SELECT count(*) FROM witnesses", schema="postbot") == [(0,)]
    ledger.close()


def test_tables_of_somebody_else_are_left_alone(postgres: Postgres):
    postgres.execute("CREATE SCHEMA theirs AUTHORIZATION postbot")
    postgres.execute("CREATE TABLE theirs.outbox (number integer)")
    assert "holds tables, but no ledger of postbot" in refusal(postgres.url("theirs"))
    assert postgres.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'theirs'") == [("outbox",)]


def test_a_user_that_may_not_make_the_schema_or_its_tables_is_told_who_must(postgres: Postgres):
    postgres.execute("CREATE ROLE ann LOGIN PASSWORD 'canary'")
    theirs = postgres.url("anns").replace(f"{USER}:p%40ss%20w%2Frd%3A%2541", "ann:canary")
    assert refusal(theirs).startswith("ann may not do this in the ledger")
    postgres.execute("CREATE SCHEMA anns AUTHORIZATION postbot")
    assert refusal(theirs).startswith("ann may not do this in the ledger")
    postgres.execute("ALTER SCHEMA anns OWNER TO ann")
    Ledger.open(theirs).close()


def test_a_database_that_knows_few_letters_is_a_sentence_and_nothing_is_kept(postgres: Postgres):
    postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 OWNER postbot")
    ledger = Ledger.open(postgres.url().replace(f"/{DATABASE}?", "/latin?"))
    with pytest.raises(LedgerError, match="encoding UTF8"):
        ledger.record(replace(OPEN, title="\U0001f9c1"), None, [OPENED], [], NOON)
    assert (ledger.memory().witnesses, ledger.deliveries()) == ({}, [])
    ledger.close()


def test_tables_that_are_gone_are_a_sentence(postgres: Postgres, url: str):
    ledger = Ledger.open(url)
    change(url, "DROP TABLE witnesses")
    with pytest.raises(LedgerError, match="are gone"):
        ledger.memory()
    ledger.close()


def test_who_waited_for_a_ledger_that_was_replaced_by_hand_writes_nothing(postgres: Postgres, url: str):
    ledger = Ledger.open(url)
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'postbot'"
    with ThreadPoolExecutor() as threads:
        with by_hand(url).begin() as hand:
            hand.execute(sa.text("CREATE TEMPORARY TABLE saved AS SELECT * FROM pulse"))
            hand.execute(sa.text("DELETE FROM pulse"))
            hand.execute(sa.text("INSERT INTO pulse SELECT * FROM saved"))
            filing = threads.submit(ledger.file, OPEN.path, WISH, "ann", NOON)
            while not postgres.execute(waiting):
                time.sleep(0.02)
        with pytest.raises(LedgerError, match="was replaced meanwhile"):
            filing.result()
    assert ledger.memory().requests == ()
    ledger.close()


def test_a_server_that_may_only_be_read_is_a_sentence(postgres: Postgres, url: str):
    ledger = Ledger.open(url)
    ledger.ticked(NOON)
    with postgres.standing_by():
        assert ledger.memory().last_tick == NOON
        with pytest.raises(LedgerError, match=r"is read-only .*Name the server that may be written to"):
            ledger.ticked(LATER)
    ledger.ticked(LATER)
    ledger.close()


def test_a_postbot_without_the_driver_says_how_to_get_it(url: str):
    code = """
        sys.modules["psycopg"] = None  # as if it had never been installed
        try:
            module.Ledger.open(sys.argv[1])
        except module.LedgerError as error:
            print(error)
    """
    assert finish(python(code, url))[1].endswith("which is not installed: pip install 'postbot[postgres]'")


def test_a_file_needs_no_driver(path: FilePath):
    code = """
        module.Ledger.open(sys.argv[1]).ticked(kit.NOON)
        print("psycopg" in sys.modules)
    """
    assert finish(python(code, path))[1] == "False"


def test_a_message_that_somebody_else_has_in_hand_is_not_waited_for(url: str):
    ledger = Ledger.open(url)
    ledger.tell([OPENED], [], NOON)
    (delivery,) = ledger.due(NOON)
    with by_hand(url).begin() as connection:
        connection.exec_driver_sql("SELECT number FROM outbox FOR UPDATE")
        assert ledger.claim(delivery, NOON) is None
    assert ledger.claim(delivery, NOON) is not None
    ledger.close()


# Behind a pooler in transaction mode


@pytest.fixture
def pooler(postgres: Postgres) -> Iterator[Pooler]:
    address = f"host=127.0.0.1 port={postgres.port} user={USER} dbname={DATABASE}"
    with Pooler.started(psycopg.conninfo.make_conninfo(address, password=PASSWORD)) as running:
        yield running


def test_a_pooler_keeps_nothing_of_a_session_from_one_transaction_to_the_next(pooler: Pooler):
    """What this twin is worth: that which postbot does without does not work here."""
    where = f"host=127.0.0.1 port={pooler.port} user={USER} dbname={DATABASE}"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("SET search_path = elsewhere")
        shown = [connection.execute("SHOW search_path").fetchone() for _ in range(3)]
        assert len(set(shown)) == 2  # one session of three was set, and the next client finds it so
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter: options"):
        psycopg.connect(where, options="-c search_path=elsewhere")
    with psycopg.connect(where, prepare_threshold=0) as connection, connection.transaction():
        connection.execute("SELECT %s::int", [1])  # prepared, in the session of this transaction
    refused = pytest.raises(psycopg.Error, match="prepared statement")
    with psycopg.connect(where, autocommit=True, prepare_threshold=0) as connection, refused:
        connection.execute("SELECT %s::int", [1])


def test_a_ledger_behind_a_pooler_works_as_without_one(postgres: Postgres, pooler: Pooler):
    url = postgres.url()
    pooled = url.replace(f":{postgres.port}/", f":{pooler.port}/")
    one, other = Ledger.open(pooled), Ledger.open(pooled)
    with one.working():
        with pytest.raises(LedgerBusy), other.working():
            pass
        one.adopt([replace(OPEN, path=f"jobs/{number}.md") for number in range(50)], NOON)
        one.tell([replace(OPENED, key=str(number)) for number in range(8)], [], NOON)
        filing = [threading.Thread(target=other.file, args=(OPEN.path, WISH, "ann", NOON)) for _ in range(8)]
        for thread in filing:
            thread.start()
        for delivery in one.due(NOON):
            taken = one.claim(delivery, NOON)
            assert taken is not None
            one.settle(taken, SENT, NOON)
        for thread in filing:
            thread.join()
        one.ticked(NOON)
        one.rested(LATER)
    change(url, "UPDATE lease SET epoch = epoch + 1, holder = 'another', until = '2026-01-01T00:00:00.000000+00:00'")
    with other.working(), pytest.raises(LedgerBusy), one.working():
        pass
    straight = Ledger.open(url)
    assert straight.memory() == one.memory()
    assert len(straight.memory().requests) == len(straight.deliveries()) == 8
    assert straight.verify().whole
    assert pooler.transactions >= 3 * 8  # each request, claim and settlement is one of its own
    for ledger in (one, other, straight):
        ledger.close()


def test_a_lease_that_could_not_be_given_back_is_taken_again_at_once_by_who_had_it(postgres: Postgres):
    url = postgres.url()
    one, other = Ledger.open(url), Ledger.open(url)
    with one.working():
        change(url, "ALTER TABLE lease RENAME TO lost")
    change(url, "ALTER TABLE lost RENAME TO lease")
    with pytest.raises(LedgerBusy), other.working():
        pass
    with one.working():
        one.acted("merge", at=NOON)
    with other.working():
        assert len(other.audit()) == 1
    one.close()
    other.close()


def test_whose_work_was_taken_over_writes_nothing_behind_a_pooler_either(postgres: Postgres, pooler: Pooler):
    url = postgres.url()
    zombie = Ledger.open(url.replace(f":{postgres.port}/", f":{pooler.port}/"))
    with zombie.working():
        change(url, "UPDATE lease SET epoch = epoch + 1")
        with pytest.raises(LedgerError, match="has taken over"):
            zombie.acted("merge", at=NOON)
    assert zombie.audit() == []
    zombie.close()

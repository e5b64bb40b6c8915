"""`postbot ledger`: migrate, backup, restore and move, at the command line, with a file and with PostgreSQL."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from postbot.ledger import HEAD, Ledger
from tests.doors.command import Done, footprint, postbot
from tests.ledgers import NOON, OPEN, OPENED, WISH, Place, change, python, released
from tests.postgres import PASSWORD

CONFIG = "site: {{repo: site, profile: jekyll-state, timezone: UTC}}\nledger: {ledger}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "ledger.db"


@pytest.fixture
def site(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose configuration names a ledger in a file, or in PostgreSQL."""
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    (tmp_path / "postbot.yaml").write_text(CONFIG.format(ledger=as_written(place)))
    return tmp_path


def as_written(place: Place) -> str:
    """How a configuration names it: without a password."""
    return "kept/ledger.db" if isinstance(place, Path) else place.replace(f":{quote(PASSWORD, safe='')}@", "@")


@pytest.fixture
def lived(site: Path, ledger: Ledger) -> Ledger:
    ledger.record(OPEN, None, [OPENED], ["opened"], NOON)
    ledger.file(OPEN.path, WISH, "ann", NOON)
    ledger.ticked(NOON)
    return ledger


ROWS = "0 changes, 2 events, 0 heard, 0 opinions, 1 outbox, 1 pulse, 0 released, 1 requests, 1 told, 1 witnesses"


def run(*words: str, site: Path) -> Done:
    done = postbot("ledger", *words, cwd=site)
    assert PASSWORD not in done.out + done.err
    assert quote(PASSWORD, safe="") not in done.out + done.err
    return done


def called(place: Place) -> str:
    return as_written(place)


# migrate


def test_migrate_makes_a_ledger_and_says_so_and_does_it_once(site: Path, place: Place):
    done = run("migrate", site=site)
    assert (done.code, done.out) == (0, f"The ledger {called(place)} was made, with schema {HEAD}.\n")
    again = run("migrate", site=site)
    assert (again.code, again.out) == (0, f"The ledger {called(place)} has the schema {HEAD} already.\n")
    assert run("migrate", "--json", site=site).json() == {"ledger": called(place), "from": HEAD, "to": HEAD}


def test_migrate_says_from_which_schema_to_which(site: Path, place: Place):
    released(place, "0001")
    assert run("migrate", site=site).out == f"The ledger {called(place)} was brought from schema 0001 to {HEAD}.\n"


def test_a_ledger_that_somebody_works_on_is_not_migrated(site: Path, path: Path):
    (site / "postbot.yaml").write_text(CONFIG.format(ledger="kept/ledger.db"))
    worker = at_work(path)
    change(path, "UPDATE alembic_version SET version_num = '0002'")
    done = run("migrate", site=site)
    assert (done.code, "Another postbot is at work" in done.err) == (1, True)
    worker.communicate("\n")


def at_work(place: Place):
    code = """
        with module.Ledger.open(sys.argv[1]).working():
            print("working", flush=True), sys.stdin.readline()
    """
    worker = python(code, place)
    assert worker.stdout
    assert worker.stdout.readline() == "working\n"
    return worker


# backup and restore


def test_a_backup_is_one_whole_file_made_while_another_works(site: Path, lived: Ledger, place: Place):
    with lived.working():
        done = run("backup", "saved.db", site=site)
    verdict = lived.verify().sentence
    assert (done.code, done.out) == (0, f"Saved {called(place)} in saved.db: {ROWS}.\n{verdict}\n")
    assert [each.name for each in site.iterdir() if "saved" in each.name] == ["saved.db"]
    with closing(Ledger.open(site / "saved.db")) as saved:
        assert (saved.memory(), saved.deliveries(), saved.audit()) == (
            lived.memory(),
            lived.deliveries(),
            lived.audit(),
        )


def test_a_backup_says_in_json_what_it_holds(site: Path, lived: Ledger):
    told = run("backup", "saved.db", "--json", site=site).json()
    assert told["rows"]["events"] == told["audit"]["rows"] == 2
    assert told["audit"]["head"] == lived.verify().head


def test_a_backup_replaces_nothing_and_needs_a_folder(site: Path, lived: Ledger):
    (site / "there.db").write_text("mine")
    before = footprint(site)
    assert run("backup", "there.db", site=site).code == 2
    assert run("backup", "nosuch/saved.db", site=site).code == 2
    assert footprint(site) == before


def test_a_backup_takes_no_file_of_anybody_elses_and_leaves_none_but_itself(site: Path, lived: Ledger):
    for ending in (".new", ".new-wal", ".new-shm", "-wal"):
        (site / f"saved.db{ending}").write_text("mine")
    before = footprint(site)
    assert run("backup", "saved.db", site=site).code == 0
    after = footprint(site)
    assert after.pop("saved.db")
    assert {name: print_ for name, print_ in after.items() if "ledger.db" not in name} == {
        name: print_ for name, print_ in before.items() if "ledger.db" not in name
    }


def test_what_is_restored_is_marked_as_older_than_the_world(site: Path, lived: Ledger, place: Place):
    run("backup", "saved.db", site=site)
    saved = (site / "saved.db").read_bytes()
    lived.tell([], ["later"], NOON)
    refused = run("restore", "saved.db", site=site)
    assert (refused.code, "put a backup back with --replace" in refused.err) == (1, True)
    done = run("restore", "saved.db", "--replace", site=site)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Put saved.db back into {called(place)}: {ROWS}.\n")
    assert "the next tick holds what was on its way" in done.out
    assert (lived.memory().told, lived.memory().copied) == (frozenset({"opened"}), True)
    assert (site / "saved.db").read_bytes() == saved


def test_what_is_put_back_stays_paused_whether_it_was_then_or_is_now(site: Path, lived: Ledger):
    run("backup", "before.db", site=site)
    lived.pause("ann", "wrong week", NOON)
    run("backup", "paused.db", site=site)
    now = lived.paused()
    done = run("restore", "before.db", "--replace", site=site)
    assert (done.code, "ann has paused it: wrong week." in done.out) == (0, True)
    assert lived.paused() == now
    assert lived.verify().whole
    assert [(row.what, row.by, row.at[:19]) for row in lived.audit()][-1] == ("paused", "ann", "2026-03-02T12:00:00")
    assert postbot("resume", cwd=site).code == 0
    assert lived.paused() is None
    run("restore", "paused.db", "--replace", site=site)
    assert lived.paused() == now
    lived.pause("ben", "another week", NOON)
    run("restore", "paused.db", "--replace", site=site)
    standing = lived.paused()
    assert standing is not None
    assert (standing.by, standing.why) == ("ben", "another week")


def test_a_backup_of_an_older_schema_is_restored_and_stays_as_it_is(site: Path, place: Place, tmp_path: Path):
    old = tmp_path / "old" / "saved.db"
    released(old, "0001")
    before = old.read_bytes()
    assert run("restore", str(old), site=site).code == 0
    assert old.read_bytes() == before
    with closing(Ledger.open(place)) as ledger:
        assert [request.by for request in ledger.memory().requests] == ["ann"]


def test_nothing_is_restored_under_the_hands_of_another(site: Path, lived: Ledger, place: Place):
    run("backup", "saved.db", site=site)
    worker = at_work(place)
    done = run("restore", "saved.db", "--replace", site=site)
    assert (done.code, "is at work on" in done.err) == (1, True)
    worker.communicate("\n")
    assert not lived.memory().copied


def test_what_is_no_ledger_is_not_put_back(site: Path, lived: Ledger):
    before = lived.memory()
    done = run("restore", "postbot.yaml", "--replace", site=site)
    assert (done.code, done.err) == (1, "postbot.yaml is no ledger, or is damaged. Nothing was put back.\n")
    assert lived.memory() == before


@pytest.mark.parametrize("state", ["damaged", "missing"])
def test_a_backup_takes_the_place_of_a_file_that_is_damaged_or_gone(site: Path, path: Path, state: str):
    (site / "postbot.yaml").write_text(CONFIG.format(ledger="kept/ledger.db"))
    with closing(Ledger.open(path)) as ledger, ledger.working():
        ledger.file(OPEN.path, WISH, "ann", NOON)
    run("backup", "saved.db", site=site)
    path.unlink() if state == "missing" else path.write_text("no ledger" * 500)
    done = run("restore", "saved.db", site=site)
    moved = (
        "The ledger kept/ledger.db is damaged. It was moved to kept/ledger.db.damaged-1. "
        "If it was paused, that is forgotten: postbot pause\n"
    )
    assert (done.code, done.err) == (0, moved if state == "damaged" else "")
    assert path.with_name("ledger.db.damaged-1").exists() is (state == "damaged")
    with closing(Ledger.open(path)) as back:
        assert (back.memory().copied, [request.by for request in back.memory().requests]) == (True, ["ann"])


def test_a_damaged_file_stays_where_it_is_while_another_works_or_the_backup_is_none(site: Path, path: Path):
    (site / "postbot.yaml").write_text(CONFIG.format(ledger="kept/ledger.db"))
    Ledger.open(path).close()
    run("backup", "saved.db", site=site)
    (site / "empty.db").write_text("")
    worker = at_work(path)
    path.write_text("no ledger" * 500)
    assert "is at work on" in run("restore", "saved.db", site=site).err
    worker.communicate("\n")
    assert "There is no ledger in empty.db." in run("restore", "empty.db", site=site).err
    assert path.read_text() == "no ledger" * 500


def test_a_ledger_that_was_put_back_by_other_means_is_an_older_copy_once_somebody_says_so(site: Path, lived: Ledger):
    done = run("restored", site=site)
    assert (done.code, "the next tick holds what was on its way" in done.out) == (0, True)
    assert lived.come_back(NOON)
    assert [each.status.value for each in lived.deliveries()] == ["held"]


@pytest.mark.parametrize(
    ("text", "code", "said"), [(None, 2, "There is no file saved.db."), ("no ledger" * 500, 1, "is damaged")]
)
def test_what_is_no_backup_is_not_restored(site: Path, lived: Ledger, text: str | None, code: int, said: str):
    if text:
        (site / "saved.db").write_text(text)
    done = run("restore", "saved.db", "--replace", site=site)
    assert (done.code, said in done.err) == (code, True)
    assert not lived.memory().copied


def test_an_audit_that_was_altered_is_told_and_ends_with_1(site: Path, lived: Ledger, place: Place):
    change(place, "UPDATE events SET detail = 'nothing' WHERE number = 1")
    done = run("backup", "saved.db", site=site)
    assert (done.code, "Row 1 (" in done.out) == (1, True)
    assert (site / "saved.db").exists()


# move


def test_a_ledger_moves_to_the_other_kind_of_place_and_back(
    site: Path, lived: Ledger, place: Place, request: pytest.FixtureRequest
):
    other: Place = request.getfixturevalue("url") if isinstance(place, Path) else "elsewhere/moved.db"
    verdict = lived.verify().sentence
    done = run("move", as_written(other), site=site)
    assert (done.code, done.err) == (0, "")
    name = as_written(other)
    assert done.out == (
        f"Copied {called(place)} to {name}: {ROWS}.\n{verdict}\n"
        f"{called(place)} is an older copy from now on, and paused: whoever still works there does and says nothing. "
        f"Have postbot.yaml name the new place, before anything else runs:\n\nledger: {name}\n\n"
        "Whoever goes back to the old one says so first: postbot resume\n"
    )
    paused = lived.paused()
    assert paused is not None
    assert paused.why == f"the ledger was moved to {name}"
    there = site / other if other == "elsewhere/moved.db" else other
    with closing(Ledger.open(there)) as moved:
        assert (moved.memory(), moved.audit()) == (replace(lived.memory(), copied=False), lived.audit()[:-1])
        assert moved.paused() is None
        head = moved.verify().head
    assert lived.memory().copied
    assert (lived.audit()[-1].what, lived.verify().whole) == ("paused", True)
    (site / "postbot.yaml").write_text(CONFIG.format(ledger=name))
    back = run("move", "again.db", "--json", site=site).json()
    assert back["audit"]["head"] == head
    again = run("move", as_written(place), site=site)
    assert (again.code, "holds something already" in again.err) == (1, True)


def test_who_moves_back_resumes_the_old_ledger(site: Path, lived: Ledger):
    lived.pause("ann", "wrong week", NOON)
    assert run("move", "moved.db", "--by", "robin", site=site).code == 0
    with closing(Ledger.open(site / "moved.db")) as moved:
        pause = moved.paused()
    assert pause is not None
    assert (pause.by, pause.why) == ("ann", "wrong week"), "what was paused stays so in its new place"
    paused = lived.paused()
    assert paused is not None
    assert (paused.by, paused.why) == ("robin", "the ledger was moved to moved.db")
    again = postbot("pause", cwd=site)
    assert (again.code, again.out) == (1, "")
    assert "Not paused: This is no longer the ledger in use: the ledger was moved to moved.db." in again.err
    assert lived.paused() == paused
    assert postbot("resume", cwd=site).code == 0
    assert lived.paused() is None
    assert lived.memory().copied


@pytest.mark.parametrize("words", [("backup", "saved.db"), ("move", "moved.db")], ids=["backup", "move"])
def test_what_is_saved_is_neither_made_nor_migrated_for_that(site: Path, place: Place, words: tuple[str, str]):
    none = run(*words, site=site)
    assert (none.code, "There is no ledger in" in none.err) == (1, True)
    released(place, "0002")
    older = run(*words, site=site)
    assert (older.code, "is of an older schema (0002" in older.err) == (1, True)
    assert not (site / words[1]).exists()


def test_nothing_is_moved_or_restored_under_a_service_on_a_file(site: Path, path: Path):
    (site / "postbot.yaml").write_text(CONFIG.format(ledger="kept/ledger.db"))
    with closing(Ledger.open(path)) as served, served.serving():
        run("backup", "saved.db", site=site)
        for words in (("move", "moved.db"), ("restore", "saved.db", "--replace")):
            done = run(*words, site=site)
            assert (done.code, "Another postbot service runs on kept/ledger.db. Stop it" in done.err) == (1, True)
        assert not served.memory().copied


def test_a_place_that_is_none_or_the_same_is_refused(site: Path, lived: Ledger, place: Place):
    before = lived.audit()
    for where, said in (
        (as_written(place), "That is where the ledger is."),
        ("postgresql://ann:canary@127.0.0.1/site", "POSTBOT_LEDGER_PASSWORD"),
        ("mysql://127.0.0.1/site", "postgresql://user@host/database"),
    ):
        done = run("move", where, site=site)
        assert (done.code, said in done.err, "canary" in done.err) == (2, True, False)
    assert lived.audit() == before


def test_nothing_is_moved_under_the_hands_of_another(site: Path, lived: Ledger, place: Place):
    worker = at_work(place)
    done = run("move", "moved.db", site=site)
    assert (done.code, "is at work on" in done.err) == (1, True)
    worker.communicate("\n")


# doctor


def test_doctor_makes_no_ledger_and_migrates_none(site: Path, place: Place):
    before = footprint(site)
    (unready,) = [each for each in postbot("doctor", "--json", cwd=site).json() if each["subject"] == "ledger"]
    assert unready["level"] == "note"
    assert footprint(site) == before
    released(place, "0002")
    (older,) = [each for each in postbot("doctor", "--json", cwd=site).json() if each["subject"] == "ledger"]
    assert (older["level"], "postbot ledger migrate" in older["says"]) == ("note", True)
    run("migrate", site=site)
    (fine,) = [each for each in postbot("doctor", "--json", cwd=site).json() if each["subject"] == "ledger"]
    assert (fine["level"], fine["says"]) == ("fine", f"{called(place)} can be read and written.")


def test_doctor_says_what_keeps_postgresql_from_being_used(site: Path, url: str, monkeypatch: pytest.MonkeyPatch):
    (site / "postbot.yaml").write_text(CONFIG.format(ledger=as_written(url)))
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", "canary-wrong")
    done = postbot("doctor", "--json", cwd=site)
    (fault,) = [each for each in done.json() if each["subject"] == "ledger"]
    assert (fault["level"], "refuses the password" in fault["says"]) == ("fault", True)
    assert "canary" not in done.out + done.err

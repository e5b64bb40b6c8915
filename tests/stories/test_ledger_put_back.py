"""A ledger that was put back from an older copy repeats nothing, neither in words nor on the site; then all goes on.

Told of a file that somebody copied back by hand, of `postbot ledger restore`, and of a restore into PostgreSQL.
"""

import re
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from postbot.core.announce import Event, Message
from postbot.ledger import DeliveryStatus
from tests.contract.test_email import USER
from tests.doors.command import postbot
from tests.postgres import PASSWORD
from tests.stories.test_announcements import AUTO
from tests.twins.smtp.client import SmtpTwin
from tests.world import READY, World

LIST = "openings@lists.example.org"
OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "May 29, 2026"}
SOON = {"state": "upcoming", "opens": "March 9, 2026, 8:00 am EDT", "closes": "March 20, 2026, 11:59 pm EDT"}
LEDGER = ".postbot/ledger.db"


def begun(folder: Path, post: SmtpTwin, ledger: str = "") -> World:
    """A site of forty open positions and one to come, after its first tick."""
    ends = (
        f"routes:\n  - {{{{to: 'email:{LIST}', hear: public}}}}\n"
        "  - {{to: 'folder:hr@agency.example', hear: staff}}\n"
        f"email: {{{{server: 127.0.0.1, port: {post.port}, security: none, username: {USER}, "
        f"sender: Agency jobs <jobs@agency.example>}}}}\n{ledger}"
    )
    world = World(folder, config=re.sub(r"routes:\n(  - .*\n)+", ends, AUTO))
    (world.repo / world.postings).mkdir()
    for slug, words in {**{f"job-{number}": OPEN for number in range(40)}, "pilot": SOON}.items():
        (world.repo / world.path(slug)).write_text(READY.format(slug=slug, title=slug.title(), **words))
    world.commit("Forty-one postings")
    world.tick()
    return world


def queue(world: World) -> None:
    """A message that is on its way when the ledger is copied."""
    said = Message("job-7|corrected", Event.CORRECTED, "job-7", "email", LIST, "Job-7: a word", "Corrected.\n")
    world.bot.ledger.tell([said], [], world.now)


def lived(world: World) -> None:
    """What happens after the copy was made."""
    world.tick("2026-03-05T10:00")
    world.tick("2026-03-05T10:05")
    world.tick("2026-03-09T08:00")
    world.change("job-3", "state: open", "state: closed")
    world.remove("job-4")
    world.rename("job-5", "job-50")
    world.advance(minutes=5)


def subjects(post: SmtpTwin) -> list[str]:
    return [str(taken.mail["Subject"]) for taken in post.accepted() if LIST in taken.recipients]


def save(world: World, how: str) -> None:
    if how == "by hand":
        world.bot.ledger.close()
        shutil.copy(world.folder / LEDGER, world.folder / "saved.db")
        world.restart()
    else:
        assert postbot("ledger", "backup", "saved.db", cwd=world.folder).code == 0


def put_back(world: World, how: str) -> None:
    world.bot.ledger.close()
    if how == "by hand":
        for ending in ("-wal", "-shm"):
            (world.folder / (LEDGER + ending)).unlink(missing_ok=True)
        shutil.copy(world.folder / "saved.db", world.folder / LEDGER)
    else:
        done = postbot("ledger", "restore", "saved.db", "--replace", cwd=world.folder)
        assert (done.code, done.err) == (0, "")
    world.restart()


TOLD = ["Job-7: a word", "Job-7: more time to apply", "Pilot: now open", "Job-3: closed early"]


@pytest.mark.parametrize("how", ["by hand", "by restore", "into PostgreSQL"])
def test_an_older_copy_says_nothing_twice_opens_nothing_twice_and_then_goes_on(
    tmp_path: Path, post: SmtpTwin, how: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ""
    if how == "into PostgreSQL":
        where = f"ledger: {request.getfixturevalue('url').replace(':' + quote(PASSWORD, safe='') + '@', '@')}\n"
        monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    world = begun(tmp_path, post, where)
    queue(world)
    asked = world.ask("job-7", "extend", closes="2026-06-30")
    save(world, how)
    lived(world)
    assert subjects(post) == TOLD
    pulls = [(pull.branch, pull.status) for pull in world.pulls(None)]
    staff, before, postings = (
        world.asked(),
        len(world.bot.ledger.audit()),
        [world.text(f"job-{number}") for number in (3, 7)],
    )

    put_back(world, how)
    assert len(world.bot.ledger.audit()) < before
    report = world.tick("2026-03-09T08:10")
    world.advance(minutes=5)
    world.advance(hours=1)

    assert report.plan.held is None
    assert subjects(post) == TOLD
    assert [(pull.branch, pull.status) for pull in world.pulls(None)] == pulls
    assert [world.text(f"job-{number}") for number in (3, 7)] == postings
    assert world.answer(asked) == (
        False,
        "The ledger was put back from an older copy; look at the posting, and ask again if need be.",
    )
    (held,) = world.bot.ledger.deliveries(held_only=True)
    assert (held.message.subject, held.status) == ("Job-7: a word", DeliveryStatus.HELD)
    assert world.asked()[len(staff) :] == ["1 message held for a person"]
    assert {"put back", "caught up"} <= {row.what for row in world.bot.ledger.audit()}
    assert world.bot.ledger.verify().whole
    assert not world.bot.ledger.memory().copied

    world.ask("pilot", "extend", closes="2026-04-10")
    world.ask("job-7", "extend", closes="2026-07-31")  # which was told once before, after the copy was made
    world.change("job-9", "state: open", "state: closed")
    world.advance(minutes=5)
    world.advance(minutes=5)
    world.tick("2026-04-11T00:00")
    assert sorted(subjects(post)[len(TOLD) : -1]) == [
        "Job-7: more time to apply",
        "Job-9: closed early",
        "Pilot: more time to apply",
    ]
    assert subjects(post)[-1] == "Pilot: closed"
    keys = [str(taken.mail["Message-ID"]) for taken in post.accepted()]
    assert len(keys) == len(set(keys))
    world.bot.ledger.close()


def test_what_looks_strange_is_held_and_taken_for_known_only_once_it_is_right(tmp_path: Path, post: SmtpTwin) -> None:
    """An older copy beside a site that shows no postings: nothing is forgotten for that."""
    world = begun(tmp_path, post)
    save(world, "by restore")
    world.tick("2026-03-09T08:00")
    put_back(world, "by restore")
    settings = tmp_path / "postbot.yaml"
    right = settings.read_text()
    settings.write_text(right.replace("[positions]", "[elsewhere]"))
    world.restart()
    held = world.tick("2026-03-09T08:10").plan.held
    assert held is not None
    assert world.bot.ledger.memory().copied
    assert len(world.bot.ledger.memory().witnesses) == 41
    settings.write_text(right)
    world.restart()
    world.advance(minutes=5)
    assert subjects(post) == ["Pilot: now open"]
    assert not world.bot.ledger.memory().copied
    assert len(world.bot.ledger.memory().witnesses) == 41

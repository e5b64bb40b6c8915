"""The disk of the ledger is full, or read-only: what cannot be written down is not done, and the person is told.

The disk is a real one, a file system of one megabyte in memory, where root may mount one; the same by a limit on the
size of files, in a process of its own, runs everywhere.
"""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from postbot.ledger import LedgerError
from postbot.reconcile import Report
from tests import depth
from tests.doors.command import as_anybody, really
from tests.world import CONFIG, World

KIBI = 1024
SIZE = 1024 * KIBI
STEP = depth.at(28, soak=4) * KIBI
"""By how much more room is left each time: at the best, a page of the ledger."""
LITTLE, MUCH = 4 * KIBI, 600 * KIBI
"""With less room nothing can be written; with so much everything can. In between it fails somewhere on the way."""
ROOM = (*range(0, 300 * KIBI, STEP), MUCH)
AUTO = CONFIG.replace("merge: when-due", "merge: auto") + "ledger: disk/ledger.db\n"
OPENING = "2026-03-09T08:00"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk for the ledger and nothing else."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("Only root may mount a small disk, and only where the system lets it.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def a_site_before_its_day(folder: Path) -> World:
    """One position is to open and one to close at the same instant, and neither has a pull request yet."""
    world = World(folder, config=AUTO)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="April 20, 2026, 11:59 pm EDT")
    world.write("baker", state="open", opens="March 1, 2026", closes="March 9, 2026, 8:00 am EDT")
    world.tick("2026-03-05T09:00")
    world.restart()
    return world


def fill(disk: Path, room: int) -> Path:
    """Fill the disk up to so many bytes, and return the file that does."""
    filler = disk / "filler"
    free = os.statvfs(disk)
    filler.write_bytes(bytes(max(0, free.f_bavail * free.f_bsize - room)))
    return filler


def looked(world: World, when: str) -> Report | None:
    """One look, if the ledger lets it happen; what it says if not must tell what to do."""
    try:
        return world.tick(when)
    except LedgerError as error:
        told = str(error)
        assert "Make room" in told or "Look at the disk" in told or "may write there" in told, told
        return None


def without_a_row(world: World) -> set[str]:
    """What others can see of our acts that the ledger knows nothing of."""
    rows = {(row.what, row.key) for row in world.bot.ledger.audit()}
    pulls = world.pulls(None)
    acts = {("proposing", pull.branch) for pull in pulls} | {
        ("merging", p.branch) for p in pulls if p.status == "merged"
    }
    sent = {str(mail["X-Postbot-Key"]) for mail in world.mail()}
    begun = {each.message.key for each in world.bot.ledger.deliveries() if each.status in ("claimed", "sent")}
    return {f"{what} {key}" for what, key in acts - rows} | (sent - begun)


@pytest.mark.parametrize("room", ROOM)
def test_however_little_room_is_left_nothing_is_done_that_is_not_written_down(
    tmp_path: Path, disk: Path, room: int
) -> None:
    world = a_site_before_its_day(tmp_path)
    filler = fill(disk, room)
    report = looked(world, OPENING)
    assert bool(report) == (room >= MUCH) or LITTLE <= room < MUCH
    filler.unlink()
    assert without_a_row(world) == set()

    world.restart()
    for when in ("2026-03-09T08:05", "2026-03-09T08:10"):
        assert looked(world, when)
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]
    assert sorted(pull.status for pull in world.pulls(None)) == ["merged", "merged"]
    assert world.branches() == []
    assert world.bot.ledger.verify().whole


def test_a_disk_that_has_become_read_only_stops_everything_outward(tmp_path: Path, disk: Path) -> None:
    world = a_site_before_its_day(tmp_path)
    world.bot.ledger.close()
    remount = ["mount", "-o", "remount,ro", str(disk)]
    if subprocess.run(remount, capture_output=True, check=False).returncode != 0:
        pytest.skip("This system does not let a disk become read-only.")
    with pytest.raises(LedgerError, match=r"read-only|Cannot lock|Cannot open"):
        world.tick(OPENING)
    assert (world.pulls(None), world.mail()) == ([], [])
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    world.tick(OPENING)
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]


# The command, in a process of its own ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [4 * KIBI, 32 * KIBI])
def test_the_command_says_that_it_cannot_write_and_ends_with_1(tmp_path: Path, limit: int) -> None:
    """No file may become larger than this, as if the disk were full there."""
    world = a_site_before_its_day(tmp_path)
    world.bot.ledger.close()
    full = really(
        *("tick", "--at", OPENING),
        cwd=tmp_path,
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert full.code == 1
    assert "ledger" in full.err
    assert "Traceback" not in full.err
    world.restart()
    assert without_a_row(world) == set()
    world.tick(OPENING)
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]


def test_the_command_cannot_write_into_a_folder_that_is_read_only(tmp_path: Path) -> None:
    world = a_site_before_its_day(tmp_path)
    world.bot.ledger.close()
    (tmp_path / "disk").chmod(0o500)
    for file in (tmp_path / "disk").iterdir():
        file.chmod(0o400)
    refused = really("tick", "--at", OPENING, cwd=tmp_path, before=as_anybody)
    assert refused.code == 1
    assert "writable" in refused.err or "may write there" in refused.err or "Cannot lock" in refused.err
    assert "Traceback" not in refused.err
    (tmp_path / "disk").chmod(0o700)
    assert (world.pulls(None), world.mail()) == ([], [])

"""Take each guard away in a copy of the tree, run the tests that should notice, and print what came of it.

`python -m tests.mutants [NAME...]`: all guards, or those whose name holds one of the words. Ends with 1 if a guard can
go unnoticed. A run in which the tests could not even begin counts as unnoticed, for it shows nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from tests.mutants.guards import GUARDS, Guard

ROOT = Path(__file__).parents[2]
FAILED = 1
"""What pytest ends with when tests ran and one failed (docs.pytest.org, reference/exit-codes)."""
PATIENCE = 300


@dataclass(frozen=True)
class Noticed:
    """What became of the tests without a guard."""

    guard: Guard
    by: str
    trouble: str = ""


def main() -> int:
    """Try the guards and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", help="only guards whose name holds one of these")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    asked = parser.parse_args()
    chosen = [guard for guard in GUARDS if not asked.names or any(word in guard.what for word in asked.names)]
    console = Console(width=None if sys.stdout.isatty() else 160)
    with copies(asked.workers) as free, ThreadPoolExecutor(asked.workers) as pool:
        found = []
        for each in pool.map(lambda guard: tried(guard, free), chosen):
            console.print(f"  {each.guard.what}: {each.by or each.trouble}", markup=False, highlight=False)
            found.append(each)
    table = Table("guard", "taken out of", "noticed by")
    for each in found:
        table.add_row(each.guard.what, each.guard.file, each.by or f"NOBODY: {each.trouble}")
    console.print(table)
    missed = [each for each in found if not each.by]
    console.print(f"{len(found) - len(missed)} of {len(found)} guards are watched by a test.")
    return 1 if missed else 0


@contextmanager
def copies(count: int) -> Iterator["SimpleQueue[Path]"]:
    """So many copies of the tree, free to be used."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="postbot-mutants-") as name:
        for number in range(count):
            tree = Path(name) / str(number)
            shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__"))
            (tree / ".venv").symlink_to(ROOT / ".venv")
            free.put(tree)
        yield free


def tried(guard: Guard, free: "SimpleQueue[Path]") -> Noticed:
    """Run the tests that should notice with the guard taken out of a free copy; the copy is whole again afterwards."""
    tree = free.get()
    file = tree / guard.file
    text = file.read_text()
    try:
        if text.count(guard.old) != 1:
            return Noticed(guard, "", f"its text stands {text.count(guard.old)} times in {guard.file}")
        file.write_text(text.replace(guard.old, guard.new))
        return judged(guard, tree)
    finally:
        file.write_text(text)
        free.put(tree)


def judged(guard: Guard, tree: Path) -> Noticed:
    """What pytest says."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *guard.tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("CI", None)
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return Noticed(guard, "", f"the tests did not end within {PATIENCE} seconds")
    failed = [line.removeprefix("FAILED ").split(" - ")[0] for line in done.stdout.splitlines() if "FAILED " in line]
    if done.returncode == FAILED and failed:
        return Noticed(guard, failed[0].rpartition("::")[2])
    last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), done.stderr[-200:])
    return Noticed(guard, "", last)


if __name__ == "__main__":
    sys.exit(main())

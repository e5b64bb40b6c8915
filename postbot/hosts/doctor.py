"""What a doctor finds, and the doctor of plain git sites: is everything there that a tick will need.

It reads and never writes, and whatever it cannot read is a finding, too, not an error. It judges nothing but whether
postbot can work; what is wrong inside the postings is for `postbot check`.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from postbot.hosts import HostError
from postbot.hosts.git import Git

OLDEST_GIT: Final = (2, 30)
"""The first git that has every command which the plain git host gives."""


class Level(StrEnum):
    """How much a finding matters. A fault keeps postbot from its work; a warning is a risk; a note is good to know."""

    FINE = "fine"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at (`subject`, a word or two), what was seen, and what to do about it, each in a sentence."""

    level: Level
    subject: str
    says: str
    do: str | None = None


def fine(subject: str, says: str) -> Finding:
    """All is well."""
    return Finding(Level.FINE, subject, says)


def note(subject: str, says: str, do: str | None = None) -> Finding:
    """Good to know; nothing need be done."""
    return Finding(Level.NOTE, subject, says, do)


def warning(subject: str, says: str, do: str | None = None) -> Finding:
    """It works, at a risk."""
    return Finding(Level.WARNING, subject, says, do)


def fault(subject: str, says: str, do: str | None = None) -> Finding:
    """It does not work like this."""
    return Finding(Level.FAULT, subject, says, do)


def examine(repo: Path, base: str, folders: Sequence[str]) -> tuple[Finding, ...]:
    """Look at a plain git site: git itself, the repository, the branch that is published, the folders of postings."""
    found: list[Finding] = []
    try:
        found.extend(_findings(Git(repo, "postbot", "postbot@localhost"), base, folders))  # keeps what came before
    except HostError as error:
        found.append(fault("repository", str(error)))
    return tuple(found)


def _findings(git: Git, base: str, folders: Sequence[str]) -> Iterator[Finding]:
    yield _git(git.version())
    tip = git.refs(f"refs/heads/{base}").get(f"refs/heads/{base}")
    kept = git.objects_folder()
    if os.access(kept, os.W_OK | os.X_OK):
        yield fine("repository", f"{git.repo} is a git repository that can be written to.")
    else:
        yield fault("repository", f"{kept} cannot be written to.", "Let the user that runs postbot write there.")
    if tip is None:
        yield fault("base branch", f"There is no branch {base}.", "Name the published one with `base`.")
        return
    yield fine("base branch", f"{base} is at {tip[:7]}.")
    yield from folders_found(folders, {name for name in folders if git.leaves(tip, [_plain(name)])}, base)


def _git(version: str) -> Finding:
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if numbers < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        return fault("git", f"This is {version}; postbot needs {oldest} or newer.", "Install a newer git.")
    return fine("git", f"This is {version}.")


def folders_found(folders: Sequence[str], there: set[str], base: str) -> Iterator[Finding]:
    """Say of each folder of postings whether the base branch has it."""
    for name in folders:
        if name in there:
            yield fine("folder", f"{name} is there.")
        else:
            yield fault("folder", f"There is no {name} on {base}.", "Name the folders of postings with `folders`.")
    if not folders:
        yield note("folder", "No folder is named, so postings are looked for everywhere.")


def _plain(folder: str) -> bytes:
    return folder.strip("/").encode()

"""The leaves of a git tree, whoever reads them, and which of them are postings: the same rules for every host.

Pure. What is no plain text file of a reasonable size is a `Problem` and never a posting; nothing here opens a file,
follows a link or knows where the repository is.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from postbot.core.problem import Problem, Severity
from postbot.core.site import LARGEST, Path

PREFIX: Final = "postbot/"
"""Begins the name of every branch of ours; no other is ever touched."""

_BRANCH: Final = re.compile(rf"{PREFIX}[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9][A-Za-z0-9-]*)*")

REGULAR: Final = frozenset({"100644", "100755"})
SYMLINK: Final = "120000"
SUBMODULE: Final = "160000"

_MARKDOWN: Final = (b".md", b".markdown")
_LFS: Final = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf of a tree. `path` is raw, as git keeps it; `size` in bytes, 0 for what is no blob."""

    mode: str
    blob: str
    path: bytes
    size: int = 0


def blob_id(data: bytes, like: str) -> str:
    """Return the id git gives these bytes, in a repository whose ids look like `like` (SHA-1 or SHA-256)."""
    algorithm = "sha1" if len(like) == 40 else "sha256"  # noqa: PLR2004 - hex digits of a SHA-1
    return hashlib.new(algorithm, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def is_branch(name: str) -> bool:
    """Whether this can be the name of a branch of ours; git itself allows far more."""
    return _BRANCH.fullmatch(name) is not None


def within(path: bytes, folders: tuple[bytes, ...]) -> bool:
    """Whether a path lies in one of these folders; the empty one holds everything."""
    return any(folder in (b"", path) or path.startswith(folder + b"/") for folder in folders)


def is_safe(path: str) -> bool:
    """Whether this names a place inside the repository, and not git's own."""
    parts = path.split("/")
    plain = "\0" not in path and not any("\ud800" <= letter <= "\udfff" for letter in path)
    return plain and not any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)


def is_pointer(data: bytes) -> bool:
    """Whether these bytes stand for a file that is kept in Git LFS."""
    return data.startswith(_LFS)


_SENTENCES: Final = {
    "file-symlink": "This is a symbolic link; postbot does not follow it.",
    "file-submodule": "This is a submodule; postbot does not look into it.",
    "file-lfs-pointer": "This file is kept in Git LFS; git has only a pointer to it, nothing to read.",
    "file-too-large": f"This file is larger than {LARGEST >> 20} MiB, which no posting is; it was not read.",
    "file-name-not-utf8": "The name of this file is not UTF-8, so it cannot be named safely; rename it.",
}


def sift(leaves: Iterable[Entry]) -> tuple[dict[Path, Entry], list[Problem]]:
    """Part the leaves of a tree into postings to read, by path, and problems; the rest is passed over."""
    entries: dict[Path, Entry] = {}
    problems: list[Problem] = []
    for leaf in leaves:
        code = _code(leaf)
        if code:
            problems.append(problem(shown(leaf.path), code, _severity(leaf)))
        elif leaf.path.lower().endswith(_MARKDOWN):
            entries[Path(leaf.path.decode())] = leaf
    return entries, problems + _clashes(entries)


def _code(leaf: Entry) -> str | None:
    """Name what keeps a leaf from being read; a link or a submodule may hide postings under any name."""
    if leaf.mode == SUBMODULE:
        return "file-submodule"
    if leaf.mode == SYMLINK:
        return "file-symlink"
    if not leaf.path.lower().endswith(_MARKDOWN):
        return None
    if leaf.size > LARGEST:
        return "file-too-large"
    return None if _is_utf8(leaf.path) else "file-name-not-utf8"


def _severity(leaf: Entry) -> Severity:
    return Severity.ERROR if leaf.path.lower().endswith(_MARKDOWN) else Severity.NOTE


def _clashes(paths: Iterable[Path]) -> list[Problem]:
    """Find names that are one file on a Mac or on Windows, where a checkout keeps only one of them."""
    first: dict[str, Path] = {}
    problems = []
    for path in sorted(paths):
        other = first.setdefault(normalize("NFC", normalize("NFC", path).casefold()), path)
        if other != path:
            said = f"On Mac and Windows this is the same file as {other!r}; rename one of them."
            problems.append(Problem(path, 1, 1, "file-name-clash", said, Severity.WARNING))
    return problems


def problem(path: str, code: str, severity: Severity = Severity.ERROR) -> Problem:
    """What is wrong with a leaf that is not read."""
    return Problem(path, 1, 1, code, _SENTENCES[code], severity)


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def shown(path: bytes) -> str:
    """A raw path for people to read."""
    return path.decode(errors="backslashreplace")

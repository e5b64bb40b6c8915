"""What a commit of ours says that it holds: one trailer for each file, so that nobody has to remember it.

    Postbot-File: 4b825dc642cb6eb9a060e54bf8d69288fbee4904 jobs/baker.md

While the files at the head of a branch are the ones that its own commit names, nobody has touched them since; no
account, signature or ledger has to be believed for that, and a person who amends our commit changes the files and not
the trailer. A file that is gone is named with `gone`, one that may be executed with a `+x` at its id. Texts and values
only.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from postbot.core.site import Path

Blobs = Mapping[Path, str | None]
"""The files that a change leaves behind, by path: the id of each, None for one that is gone."""

_NAME: Final = "Postbot-File"
_DRAFT: Final = "Postbot-Draft: yes"
_ROW: Final = re.compile(rf"^{_NAME}: ([0-9a-f]{{40}}|gone)(\+x)? (.+)\n?", re.MULTILINE)


PLAIN: Final = 0o100644
EXECUTABLE: Final = 0o100755
"""Git's modes of the two kinds of files."""

OF_FILES: Final = frozenset({PLAIN, EXECUTABLE})


def stated(message: str, files: Blobs, modes: Mapping[Path, int], *, draft: bool) -> str:
    """A commit message with its trailers, and ours behind them in place of those that it had."""
    marks = {path: "+x" if mode == EXECUTABLE else "" for path, mode in modes.items()}
    rows = [f"{_NAME}: {blob or 'gone'}{marks.get(path, '')} {_quoted(path)}" for path, blob in sorted(files.items())]
    rows += [_DRAFT] * draft
    return _ROW.sub("", message).replace(f"{_DRAFT}\n", "").rstrip("\n") + "\n" + "\n".join(rows) + "\n"


def read(message: str) -> Blobs:
    """What a message says that its commit holds; empty for a commit that is not ours."""
    return {Path(_unquoted(name)): None if blob == "gone" else blob for blob, _, name in _ROW.findall(message)}


def is_draft(message: str) -> bool:
    """Whether it was made as a draft, so that what a person has made of it since can be told."""
    return _DRAFT in message.splitlines()


def modes(message: str) -> Mapping[Path, int]:
    """The modes that a message says that its files have; a plain one where there is no file."""
    return {Path(_unquoted(name)): EXECUTABLE if mark else PLAIN for _, mark, name in _ROW.findall(message)}


def _quoted(path: str) -> str:
    """A path without a letter that could mean something in a commit message, such as `#12`, `@team` or `[skip ci]`."""
    return quote(path, safe="/")


def _unquoted(name: str) -> str:
    return unquote(name)

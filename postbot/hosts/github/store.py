"""What a repository on GitHub holds: trees by their ids, files by theirs, read whole or not at all.

A git id names its content for all time, so what was read once is kept, in memory and in a folder on disk, and every
content is checked against its id before it is believed. A listing that was cut short or came back empty is an error,
never a smaller site. Nothing here writes to GitHub.
"""

import base64
import binascii
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as Folder
from typing import Final, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from postbot.core.site import LARGEST
from postbot.hosts import HostError
from postbot.hosts.github import queries
from postbot.hosts.github.api import Api, Reply
from postbot.hosts.tree import Entry, blob_id

EMPTY: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of a tree with nothing in it, the one tree whose listing may be empty."""

_FEW: Final = 20
"""So many files are read one by one; more come in one archive of the whole commit."""
_BATCH: Final = 50
"""So many files are asked for in one query, where the archive does not have them as they are."""
_FOLDERS: Final = 32
"""So many folders are remembered as they were last listed."""
_ARCHIVE_SECONDS: Final = 300
_KINDS: Final = {"blob", "commit"}

_Shape = TypeVar("_Shape", bound=BaseModel)


class _Item(BaseModel):
    path: str
    mode: str
    type: str
    sha: str
    size: int = 0


class _Tree(BaseModel):
    sha: str
    tree: list[_Item]
    truncated: bool


class _Blob(BaseModel):
    sha: str
    content: str
    encoding: str


class Store:
    """Files and folders by git's ids; `cache` is a folder that outlives the process, or None.

    Raises `HostError` where GitHub does not show the whole of what was asked for.
    """

    def __init__(self, api: Api, cache: Folder | None = None) -> None:
        self._api = api
        self._cache = cache
        self._blobs: dict[str, bytes] = {}
        self._leaves: dict[tuple[str, str], list[Entry]] = {}

    def leaves(self, tree: str, under: str) -> list[Entry]:
        """Every leaf below a tree that stands at the folder `under` (empty for the root), with its whole path.

        A tree too large for one listing is read folder by folder.
        https://docs.github.com/en/rest/git/trees#get-a-tree.
        """
        if tree == EMPTY:
            return []
        if (tree, under) not in self._leaves:
            self._leaves = dict(list(self._leaves.items())[-_FOLDERS:]) | {(tree, under): self._listed(tree, under)}
        return self._leaves[tree, under]

    def _listed(self, tree: str, under: str) -> list[Entry]:
        listed = self._tree(tree, recursive=True)
        if not listed.truncated:
            return [_entry(item, under) for item in listed.tree if item.type in _KINDS]
        listed = self._tree(tree, recursive=False)
        if listed.truncated:
            raise HostError(f"The folder {under or '/'} has more entries than GitHub lists; nothing in it was read.")
        found: list[Entry] = []
        for item in listed.tree:
            inside = f"{under}/{item.path}".strip("/")
            found += self._listed(item.sha, inside) if item.type == "tree" else [_entry(item, under)]
        return found

    def contents(self, wanted: Mapping[str, str], commit: str) -> dict[str, bytes]:
        """The bytes of files, by id. `wanted` gives for each id a path at which `commit` has it."""
        missing = {blob: path for blob, path in wanted.items() if self.known(blob) is None}
        if len(missing) > _FEW:
            self._unpack(missing, commit)
            self._ask_for([blob for blob in missing if blob not in self._blobs])
        for blob in missing:
            if blob not in self._blobs:
                self.keep(self._blob(blob), blob)
        return {blob: self._blobs[blob] for blob in wanted}

    def known(self, blob: str) -> bytes | None:
        """A content that was read or written before, and is still what its id says."""
        if blob not in self._blobs and (data := self._cached(blob)) is not None:
            self._blobs[blob] = data
        return self._blobs.get(blob)

    def keep(self, data: bytes, blob: str) -> bool:
        """Remember a content, if it is that of the id."""
        if blob_id(data, blob) != blob:
            return False
        self._blobs[blob] = data
        if self._cache:
            _write(self._cache / blob[:2] / blob[2:], data)
        return True

    def forget_all_but(self, blobs: Iterable[str]) -> None:
        """Free the memory of what the site no longer shows; the folder keeps it."""
        self._blobs = {blob: self._blobs[blob] for blob in blobs if blob in self._blobs}

    def _tree(self, tree: str, *, recursive: bool) -> _Tree:
        reply = self._api.get(f"/git/trees/{tree}", {"recursive": "1"} if recursive else None)
        listed = _read(_Tree, reply, "a folder")
        if not listed.tree:
            raise HostError("GitHub shows a folder as empty that is not. Nothing was read; the next tick looks again.")
        return listed

    def _blob(self, blob: str) -> bytes:
        found = _read(_Blob, self._api.get(f"/git/blobs/{blob}"), "a file")
        try:
            data = base64.b64decode(found.content) if found.encoding == "base64" else found.content.encode()
        except (binascii.Error, ValueError):
            data = b""
        if blob_id(data, blob) != blob:
            raise HostError(f"GitHub shows the file {blob} with other bytes than its id says; it was not read.")
        return data

    def _unpack(self, missing: Mapping[str, str], commit: str) -> None:
        """Take what is missing out of one archive. What attributes of the repository alter in there is not taken."""
        by_path = {path: blob for blob, path in missing.items()}

        def take(response: requests.Response) -> None:
            try:
                with tarfile.open(fileobj=response.raw, mode="r|gz") as archive:
                    for member in archive:
                        blob = by_path.pop(member.name.partition("/")[2], None)
                        stream = archive.extractfile(member) if blob and member.size <= LARGEST else None
                        if blob and stream:
                            self.keep(stream.read(), blob)
                        if not by_path:
                            return
            except (tarfile.TarError, EOFError, zlib.error) as error:
                raise requests.ConnectionError from error  # cut short: had again, as any broken read

        self._api.download(f"/tarball/{commit}", take, _ARCHIVE_SECONDS)

    def _ask_for(self, blobs: Sequence[str]) -> None:
        """Take texts many at a time, if there are many; what is too long for that, or no text, is read alone."""
        owner, _, name = self._api.repository.partition("/")
        for start in range(0, len(blobs) if len(blobs) > _FEW else 0, _BATCH):
            names = {f"o{at}": blob for at, blob in enumerate(blobs[start : start + _BATCH])}
            answer, _ = self._api.query(queries.texts(names), queries.Texts, owner=owner, name=name)
            for found in answer.repository.values():
                if found and found.text is not None and not found.is_truncated:
                    self.keep(found.text.encode(), found.oid)

    def _cached(self, blob: str) -> bytes | None:
        if self._cache is None:
            return None
        try:
            data = (self._cache / blob[:2] / blob[2:]).read_bytes()
        except OSError:
            return None
        return data if blob_id(data, blob) == blob else None


def _entry(item: _Item, under: str) -> Entry:
    """A leaf. JSON has no bytes that are not UTF-8; what stands in their place is taken for some of those."""
    path = f"{under}/{item.path}".lstrip("/").encode(errors="surrogateescape")
    return Entry(item.mode, item.sha, path.replace("\ufffd".encode(), b"\xff"), item.size)


def _read(shape: type[_Shape], reply: Reply, what: str) -> _Shape:
    try:
        return shape.model_validate(reply.data)
    except ValidationError:
        raise HostError(f"GitHub's answer about {what} is not what it documents; it was not used.") from None


def _write(path: Folder, data: bytes) -> None:
    """Put a file in place whole. A cache that cannot be written is no reason to stop."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Folder(name).replace(path)
        finally:
            Folder(name).unlink(missing_ok=True)
    except OSError:
        return

"""`postbot transition`: edit single files, with or without a site around them.

It edits what it is told and proves it. What is merely wrong for readers is a warning beside the result, and a refusal
under `strict`; what cannot be edited exactly is always refused. Nothing is written here but to standard output or, on
request, to the very file that was read.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path as FilePath
from tempfile import NamedTemporaryFile
from typing import Any
from zoneinfo import ZoneInfo

from postbot.core.dates import parse_machine
from postbot.core.lifecycle import move, not_offered, set_value
from postbot.core.lint import check_posting
from postbot.core.plan.body import diff_lines
from postbot.core.plan.render import Json, problem_json
from postbot.core.posting import Posting, as_posting, readiness
from postbot.core.problem import Problem, Severity
from postbot.core.profile import PLAIN, Profile, State, infer
from postbot.core.site import LARGEST, Path
from postbot.core.text.document import Document, read
from postbot.core.text.editing import Edited, Proof, edit

UTC = ZoneInfo("UTC")
_OFFSET = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of one file: a state, values, or both. `named` is its path in the very words of who asks."""

    path: FilePath
    to: State | None = None
    values: Mapping[str, str] | None = None
    profile: str | None = None
    named: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One file after the order, or why it was refused. `data` are the new bytes, `problems` what readers would mind."""

    path: str
    data: bytes | None = None
    proof: Proof | None = None
    problem: Problem | None = None
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """The result as `--batch` and `--json` print it."""
        return {
            "path": self.path,
            "ok": self.problem is None,
            "problem": problem_json(self.problem) if self.problem else None,
            "problems": [problem_json(problem) for problem in (*self.problems, *self._notes())],
            "changed_lines": [change.line for change in self.proof.lines] if self.proof else [],
            "text": self.data.decode() if self.data is not None else None,
        }

    def _notes(self) -> Iterator[Problem]:
        """The remarks, for readers who see nothing but problems."""
        line = self.proof.lines[0].line if self.proof and self.proof.lines else 1
        for remark in self.remarks:
            yield Problem(self.path, line, 1, "please-note", remark, Severity.NOTE)

    def diff(self) -> str:
        """The changed lines; empty when nothing changes."""
        lines = diff_lines(self.path, self.proof.lines) if self.proof and self.proof.lines else []
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What single files are read with: the profiles there are, the site's own one, its zone, and the present moment."""

    profiles: Mapping[str, Profile]
    profile: Profile | None
    zone: ZoneInfo | None
    now: datetime
    strict: bool = False


def edit_file(order: Order, around: Surroundings) -> Result:
    """Read one file and do what is asked. Every failure is a result."""
    name = str(order.path) if order.named is None else order.named
    data = bytes_of(order.path, name)
    document = data if isinstance(data, Problem) else read(Path(name), data)
    if isinstance(document, Problem):
        return Result(name, problem=document)
    profile = _profile(document, order, around)
    if isinstance(profile, Problem):
        return Result(name, problem=profile)
    zone = around.zone or zone_of(document, profile)
    return _edited(as_posting(document, profile, zone or UTC), order, around, assumed=zone is None)


def bytes_of(path: FilePath, name: str) -> bytes | Problem:
    """The whole of one file. Read no further than any posting is long, for it may be a device without end."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
        said = error.strerror if isinstance(error, OSError) else "no file can have this name"
        return Problem(name, 1, 1, "file-unreadable", f"The file cannot be read: {said}.")
    if len(data) > LARGEST:
        message = f"This file is larger than {LARGEST >> 20} MiB, which no posting is; it was not read."
        return Problem(name, 1, 1, "file-too-large", message)
    return data


def write_bytes(path: FilePath, data: bytes) -> Problem | None:
    """Replace a file's bytes, all or none, keeping its mode and symbolic links; a refusal of the disk is a problem."""
    made: FilePath | None = None
    try:
        real = path.resolve(strict=True)
        with real.open("r+b"):
            pass  # a file that may not be written is not replaced either
        with NamedTemporaryFile(dir=real.parent, prefix=f".{real.name}-", delete=False) as file:
            made = FilePath(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(real, made)
        made.replace(real)
    except OSError as error:
        if made is not None:
            made.unlink(missing_ok=True)
        return Problem(str(path), 1, 1, "file-unwritable", f"The file cannot be written: {error.strerror or error}.")
    return None


def written(result: Result) -> Result:
    """The same result once its file holds it, or the refusal of the disk."""
    if result.data is None or not result.proof or not result.proof.lines:
        return result
    problem = write_bytes(FilePath(result.path), result.data)
    return Result(result.path, problem=problem, problems=result.problems) if problem else result


def zone_of(document: Document, profile: Profile) -> ZoneInfo | None:
    """The zone of a file without a site: what its own dates name; None if they name none."""
    from postbot.core.infer import infer_zone  # noqa: PLC0415 - only files without a site need it

    wanted = {name.lower() for name in (*profile.opens, *profile.closes)}
    texts = [field.text for key, field in document.fields.items() if key.lower() in wanted and field.text]
    texts += [found.rest for found in document.commented if found.key.lower() in wanted]
    name = infer_zone(texts)
    return ZoneInfo(name) if name else None


def profile_of(document: Document, around: Surroundings) -> Profile | None:
    """The site's own profile, else the shipped one that knows most of the file's fields."""
    keys = [*document.fields, *(found.key for found in document.commented)]
    return around.profile or infer(list(around.profiles.values()), keys)


def _profile(document: Document, order: Order, around: Surroundings) -> Profile | Problem:
    if order.profile is not None and order.profile not in around.profiles:
        message = f"There is no profile `{order.profile}`; there are {', '.join(around.profiles)}."
        return Problem(document.path, 1, 1, "profile-unknown", message)
    found = around.profiles[order.profile] if order.profile is not None else profile_of(document, around)
    if found is None and order.to is not None:
        message = "No profile knows this file's fields, so it has no state to move to; name one with --profile."
        return Problem(document.path, 1, 1, "profile-unknown", message)
    return found or PLAIN


def _edited(posting: Posting, order: Order, around: Surroundings, *, assumed: bool) -> Result:
    """Edit one posting; `assumed` means that nobody has named its zone, so UTC stands in."""
    made = _made(posting, order, around.now)
    if isinstance(made, Problem):
        return Result(posting.path, problem=made)
    edited, remarks = made
    after = as_posting(edited.document, posting.profile, posting.zone)
    beside = [*not_offered(posting, order.values or {}), *(_assumed(after, order.values or {}) if assumed else ())]
    minded = (*beside, *_minded(after, edited.proof, order.to, around.now))
    if around.strict and (worst := next((p for p in minded if p.severity is not Severity.NOTE), None)):
        return Result(posting.path, problem=worst, problems=minded)
    return Result(posting.path, edited.document.data, edited.proof, None, minded, remarks)


def _made(posting: Posting, order: Order, now: datetime) -> tuple[Edited, tuple[str, ...]] | Problem:
    values = order.values or {}
    if order.to is not None:
        moved = move(posting, order.to, values, now)
        return moved if isinstance(moved, Problem) else (moved.edited, moved.remarks)
    edits = [set_value(posting, key, text) for key, text in values.items()]
    wrong = next((each for each in edits if isinstance(each, Problem)), None)
    edited = wrong or edit(posting.document, [each for each in edits if not isinstance(each, Problem)])
    return edited if isinstance(edited, Problem) else (edited, ())


def _assumed(after: Posting, values: Mapping[str, str]) -> Iterator[Problem]:
    """Warn of a time of day given without an offset where nobody knows whose clock is meant."""
    for key, text in values.items():
        if isinstance(parse_machine(text, UTC), datetime) and not _OFFSET.search(text):
            field = after.document.fields.get(key)
            line, column = (field.value_line, field.value_column) if field else (1, 1)
            message = f"No zone is named anywhere, so `{key}` was taken as UTC."
            fix = "Name one with --timezone."
            yield Problem(after.path, line, column, "zone-assumed", message, Severity.WARNING, fix=fix)


def _minded(after: Posting, proof: Proof, to: State | None, now: datetime) -> tuple[Problem, ...]:
    """What readers would mind about the result, as warnings: the file can be edited all the same."""
    found = [*check_posting(after, now), *_gaps(after, to), *_spelling(after, proof)]
    calmed = (replace(p, severity=Severity.WARNING) if p.severity is Severity.ERROR else p for p in found)
    unique = {(p.line, p.column, p.code): p for p in calmed}
    return tuple(sorted(unique.values(), key=lambda p: (p.line, p.column, p.code)))


def _gaps(after: Posting, to: State | None) -> Iterator[Problem]:
    for gap in readiness(after, to) if to is State.OPEN else ():
        code = f"field-{gap.kind.name.lower().replace('_', '-')}"
        yield Problem(after.path, gap.line, gap.column, code, gap.says, Severity.WARNING)


def _spelling(after: Posting, proof: Proof) -> Iterator[Problem]:
    for asked, own in proof.spelling:
        field = after.document.fields.get(own)
        line, column = (field.line, field.column) if field else (1, 1)
        message = f"This file spells `{asked}` as `{own}`; its own spelling was kept."
        yield Problem(after.path, line, column, "key-spelling-kept", message, Severity.NOTE)


def batch(lines: Iterable[bytes], around: Surroundings) -> Iterator[Json]:
    """Answer each JSON line of orders with one JSON line, in the same order; a line that is none is answered, too."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            order = _order(line, number)
            yield (order if isinstance(order, Result) else edit_file(order, around)).as_json()


def _order(line: bytes, number: int) -> Order | Result:
    try:
        asked: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _no_order("", number, f"This is not JSON: {error}")
    if not isinstance(asked, dict) or not isinstance(asked.get("path"), str):
        return _no_order("", number, 'An order is an object with "path" and any of "to", "set", "profile"')
    if unknown := asked.keys() - {"path", "to", "set", "profile"}:
        return _no_order(asked["path"], number, f'An order knows "path", "to", "set", "profile", not "{min(unknown)}"')
    values = {} if asked.get("set") is None else asked["set"]
    if not isinstance(values, dict) or any(
        value is None or isinstance(value, list | dict) for value in values.values()
    ):
        return _no_order(asked["path"], number, '"set" is an object of texts')
    if asked.get("to") not in (None, *State):
        return _no_order(asked["path"], number, f'"to" is one of {", ".join(State)}')
    if not isinstance(asked.get("profile"), str | None):
        return _no_order(asked["path"], number, '"profile" is the name of one')
    to = State(asked["to"]) if asked.get("to") else None
    texts = {key: _text(value) for key, value in values.items()}
    return Order(FilePath(asked["path"]), to, texts, asked.get("profile"), asked["path"])


def _no_order(path: str, number: int, why: str) -> Result:
    return Result(path, problem=Problem(path, number, 1, "order-invalid", f"{why}."))


def _text(value: object) -> str:
    """Values are text; JSON's own numbers and truth values are taken as YAML writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)

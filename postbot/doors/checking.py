"""`postbot check`: read files, find what is wrong, put it into words, and make the safe repairs.

Reads the files it is told, and the rest of the site to compare them with; writes only under `--fix`, and only by the
same proven edits as everybody else.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path as FilePath

from postbot.core.lifecycle import set_value
from postbot.core.lint import check_posting, check_site
from postbot.core.plan.render import problem_json
from postbot.core.posting import Posting, as_posting
from postbot.core.problem import Problem, Severity
from postbot.core.site import Path
from postbot.core.text.document import read
from postbot.core.text.editing import Edited, LineChange, Set, edit
from postbot.doors.transition import UTC, Surroundings, bytes_of, profile_of, write_bytes, zone_of

MARKDOWN = (".md", ".markdown")
MOST_REPAIRS = 20  # rounds for one file; a repair may uncover the next

Progress = Callable[[int, int, str], None]


def collect(paths: Iterable[FilePath]) -> list[FilePath]:
    """The Markdown files at these places, in order, each once; a file named by itself is taken as it is."""
    found: dict[str, FilePath] = {}
    for path in paths:
        for each in sorted(filter(_is_text, _direct(path).rglob("*"))) if path.is_dir() else [path]:
            found.setdefault(os.path.abspath(each), each)  # noqa: PTH100 - links are not followed, two links are two files
    return list(found.values())


def _direct(folder: FilePath) -> FilePath:
    """A folder without detours: not by way of the folder that its configuration is in (`.github/../positions`)."""
    return FilePath(os.path.relpath(folder.resolve())) if ".." in folder.parts else folder


def _is_text(path: FilePath) -> bool:
    """Whether this is a Markdown file, or a link that says so; no folder of such a name, no pipe that never ends."""
    return path.suffix.lower() in MARKDOWN and ".git" not in path.parts and (path.is_file() or path.is_symlink())


def run(
    files: Sequence[FilePath],
    around: Surroundings,
    *,
    fix: bool,
    progress: Progress,
    folders: Sequence[FilePath] = (),
) -> tuple[Problem, ...]:
    """Check each file, then the site as a whole, whose postings belong into `folders`. Every file is answered.

    What else is in `folders` is only compared with the files (a link that was copied), and nothing is said of it.
    """
    problems: list[Problem] = []
    postings: dict[Path, Posting | Problem] = {}
    for number, path in enumerate(files, 1):
        progress(number, len(files), "Checking")
        found, posting = _check(path, around, fix=fix)
        problems += found
        postings[Path(str(path))] = posting
    beside = {Path(str(path)): _read(path, around) for path in collect((*files, *folders))[len(files) :]}
    shared = check_site({**postings, **beside}, _spelled(folders), around.now)
    problems += (problem for problem in shared if problem.path in postings)
    return tuple(sorted(problems, key=lambda problem: (problem.path, problem.line, problem.column)))


def _spelled(folders: Sequence[FilePath]) -> tuple[str, ...]:
    """The folders in every way that a file's path may begin: as given, from here, and absolute."""
    real = [folder.resolve() for folder in folders]
    return (*map(os.path.normpath, map(str, folders)), *map(os.path.relpath, map(str, real)), *map(str, real))


def _check(path: FilePath, around: Surroundings, *, fix: bool) -> tuple[tuple[Problem, ...], Posting | Problem]:
    posting = _read(path, around)
    if isinstance(posting, Problem):
        return (posting,), posting
    if fix:
        repaired = _repaired(posting, around)
        changed = repaired.document.data != posting.document.data
        unwritten = write_bytes(path, repaired.document.data) if changed else None
        if unwritten:
            return (unwritten, *check_posting(posting, around.now)), posting
        posting = repaired
    return check_posting(posting, around.now), posting


def _read(path: FilePath, around: Surroundings) -> Posting | Problem:
    name = Path(str(path))
    data = bytes_of(path, name)
    document = data if isinstance(data, Problem) else read(name, data)
    if isinstance(document, Problem):
        return document
    profile = profile_of(document, around)
    if profile is None:
        message = "No profile knows this file's fields, so it is not checked as a posting."
        return Problem(name, 1, 1, "profile-unknown", message, Severity.NOTE)
    return as_posting(document, profile, around.zone or zone_of(document, profile) or UTC)


def _repaired(posting: Posting, around: Surroundings) -> Posting:
    """Make the safe repairs one after the other; one that cannot be proven is left as it is."""
    tried: set[tuple[tuple[str, str], ...]] = set()
    for _ in range(MOST_REPAIRS):
        repairs = (p.repair for p in check_posting(posting, around.now) if p.repair and p.repair not in tried)
        repair = next(repairs, None)
        if repair is None:
            break
        tried.add(repair)
        edited = _edited(posting, repair)
        if isinstance(edited, Edited):
            posting = as_posting(edited.document, posting.profile, posting.zone)
    return posting


def _edited(posting: Posting, repair: Sequence[tuple[str, str]]) -> Edited | Problem:
    made = [set_value(posting, key, text) for key, text in repair]
    return edit(posting.document, [each for each in made if isinstance(each, Set)])


def suggestion(problem: Problem, around: Surroundings) -> tuple[LineChange, ...]:
    """The lines that the problem's own repair would change, proven as `--fix` proves it; none where it has no repair.

    The file is read again, for a problem does not hold it.
    """
    posting = _read(FilePath(problem.path), around) if problem.repair else problem
    edited = posting if isinstance(posting, Problem) else _edited(posting, problem.repair)
    return () if isinstance(edited, Problem) else edited.proof.lines


def any_serious(problems: Iterable[Problem]) -> bool:
    """Whether anything found is more than a note."""
    return any(problem.severity is not Severity.NOTE for problem in problems)


def render(problems: Sequence[Problem], files: int, *, as_json: bool) -> str:
    """What was found: a line each for people, with its fix below and a count at the end, or a JSON list."""
    if as_json:
        return json.dumps([problem_json(problem) for problem in problems], indent=2, ensure_ascii=False) + "\n"
    lines = [str(problem) + (f"\n    {problem.fix}" if problem.fix else "") for problem in problems]
    return "\n".join([*lines, counted(problems, files)]) + "\n"


def counted(problems: Sequence[Problem], files: int) -> str:
    """How many files were checked, and how much was found in them."""
    if not files:
        return "No Markdown files here, so nothing was checked."
    counts = [(sum(problem.severity is severity for problem in problems), severity) for severity in Severity]
    said = [several(count, severity) for count, severity in counts if count]
    return f"{several(files, 'file')} checked: {', '.join(said) or 'nothing found'}."


def several(count: int, what: str) -> str:
    """A number and what it counts: 1 error, 2 errors."""
    return f"{count} {what}{'s' if count != 1 else ''}"

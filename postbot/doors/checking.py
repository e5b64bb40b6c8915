"""`postbot check`: read files, find what is wrong, print it, and make the safe repairs.

Reads only the files it is told; writes only under `--fix`, and only by the same proven edits as everybody else.
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
from postbot.core.text.editing import Set, edit
from postbot.doors.transition import UTC, Surroundings, bytes_of, profile_of, write_bytes, zone_of

MARKDOWN = (".md", ".markdown")
MOST_REPAIRS = 20  # rounds for one file; a repair may uncover the next

Progress = Callable[[int, int, str], None]


def collect(paths: Iterable[FilePath]) -> list[FilePath]:
    """The Markdown files at these places, in order, each once; a file named by itself is taken as it is."""
    found: dict[str, FilePath] = {}
    for path in paths:
        for each in sorted(filter(_is_text, path.rglob("*"))) if path.is_dir() else [path]:
            found.setdefault(os.path.abspath(each), each)  # noqa: PTH100 - links are not followed, two links are two files
    return list(found.values())


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
    """Check each file, then the site as a whole, whose postings belong into `folders`. Every file is answered."""
    problems: list[Problem] = []
    postings: dict[Path, Posting | Problem] = {}
    for number, path in enumerate(files, 1):
        progress(number, len(files), "Checking")
        found, posting = _check(path, around, fix=fix)
        problems += found
        postings[Path(str(path))] = posting
    problems += check_site(postings, _spelled(folders), around.now)
    return tuple(sorted(problems, key=lambda problem: (problem.path, problem.line, problem.column)))


def _spelled(folders: Sequence[FilePath]) -> tuple[str, ...]:
    """The folders in every way that a file's path may begin: as given, from here, and absolute."""
    real = [folder.resolve() for folder in folders]
    return (*map(os.path.normpath, map(str, folders)), *map(os.path.relpath, map(str, real)), *map(str, real))


def _check(path: FilePath, around: Surroundings, *, fix: bool) -> tuple[tuple[Problem, ...], Posting | Problem]:
    data = bytes_of(path, str(path))
    posting = data if isinstance(data, Problem) else _posting(Path(str(path)), data, around)
    if isinstance(posting, Problem):
        return (posting,), posting
    if fix:
        repaired = _repaired(posting, around)
        unwritten = write_bytes(path, repaired.document.data) if repaired.document.data != data else None
        if unwritten:
            return (unwritten, *check_posting(posting, around.now)), posting
        posting = repaired
    return check_posting(posting, around.now), posting


def _posting(path: Path, data: bytes, around: Surroundings) -> Posting | Problem:
    document = read(path, data)
    if isinstance(document, Problem):
        return document
    profile = profile_of(document, around)
    if profile is None:
        message = "No profile knows this file's fields, so it is not checked as a posting."
        return Problem(path, 1, 1, "profile-unknown", message, Severity.NOTE)
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
        made = [set_value(posting, key, text) for key, text in repair]
        edited = edit(posting.document, [each for each in made if isinstance(each, Set)])
        if not isinstance(edited, Problem):
            posting = as_posting(edited.document, posting.profile, posting.zone)
    return posting


def any_serious(problems: Iterable[Problem]) -> bool:
    """Whether anything found is more than a note."""
    return any(problem.severity is not Severity.NOTE for problem in problems)


def render(problems: Sequence[Problem], form: str, files: int) -> str:
    """What was found: a line each for people, a JSON list, or GitHub's workflow commands."""
    if form == "json":
        return json.dumps([problem_json(problem) for problem in problems], indent=2, ensure_ascii=False) + "\n"
    if form == "github":
        return "".join(_annotation(problem) + "\n" for problem in problems)
    lines = [str(problem) + (f"\n    {problem.fix}" if problem.fix else "") for problem in problems]
    return "\n".join([*lines, _summary(problems, files)]) + "\n"


def _summary(problems: Sequence[Problem], files: int) -> str:
    counts = [(severity, sum(problem.severity is severity for problem in problems)) for severity in Severity]
    said = [f"{count} {severity}{'s' if count != 1 else ''}" for severity, count in counts if count]
    looked = f"{files} file{'s' if files != 1 else ''}" if files else "No Markdown files here, so nothing was"
    return f"{looked} checked: {', '.join(said) or 'nothing found'}." if files else f"{looked} checked."


_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def _annotation(problem: Problem) -> str:
    """A workflow command. https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    place = f"file={_property(problem.path)},line={problem.line},col={problem.column},title={_property(problem.code)}"
    text = problem.message + (f" {problem.fix}" if problem.fix else "")
    return f"::{_LEVELS[problem.severity]} {place}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

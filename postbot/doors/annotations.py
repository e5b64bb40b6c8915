"""`postbot check --format github`: what was found as GitHub's workflow commands, and as the summary of its run.

A posting is written by people, and a line of a log that begins with `::` is an order to the machine that runs the
check. So whatever comes from a file, its name or its text, stands escaped inside a command or inert in the summary;
the last line, which is no command, holds numbers only. Writes nothing but the summary, to the file that GitHub names.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

from postbot.core.inert import block, cell
from postbot.core.plan.body import diff_lines
from postbot.core.problem import Problem, Severity
from postbot.core.text.editing import LineChange
from postbot.doors.checking import counted, several, suggestion
from postbot.doors.transition import Surroundings

SHOWN = 10
"""So many annotations of each kind does GitHub make of what one step prints; the others are only logged.

https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations
"""
LONGEST = 4096
"""Where GitHub cuts a message, in UTF-16 units: `_maxIssueMessageLength` in the runner's ExecutionContext.cs."""
SUMMARY = "GITHUB_STEP_SUMMARY"
"""The environment variable that names the file for the summary, in Markdown."""
LARGEST_SUMMARY = 1 << 20
"""The most that GitHub takes for one step, in bytes; it drops a longer summary as a whole."""

_SENTENCES = 1024  # bytes kept for what stands around the rows and blocks
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem, where GitHub looks for it (`path`, from the root of the repository), and what its repair changes."""

    problem: Problem
    path: str
    changes: tuple[LineChange, ...] = ()


def findings(problems: Iterable[Problem], around: Surroundings) -> list[Finding]:
    """The problems with their suggested changes, errors first: of many, these are shown."""
    ordered = sorted(problems, key=lambda problem: list(_LEVELS).index(problem.severity))
    return [Finding(each, _in_repository(each.path), suggestion(each, around)) for each in ordered]


def _in_repository(path: str) -> str:
    """A path from the root of the repository that holds the file; without one, from here."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - a link is annotated where it stands
    return Path(os.path.relpath(whole, _root(whole.parent))).as_posix()


@cache
def _root(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), Path.cwd())


# The log ------------------------------------------------------------------------------------------------------------


def commands(found: Iterable[Finding]) -> str:
    """One workflow command a line. https://docs.github.com/actions/reference/workflow-commands-for-github-actions."""
    return "".join(_command(finding) + "\n" for finding in found)


def _command(finding: Finding) -> str:
    problem = finding.problem
    place = f"file={_property(finding.path)},line={problem.line},col={problem.column},title={_property(problem.code)}"
    words = _words(problem)
    whole = "\n\n".join((words, *map(_should_read, finding.changes)))
    # Half a line is no suggestion: what GitHub would cut goes without.
    fits = len(whole.encode("utf-16-le", "surrogatepass")) <= 2 * LONGEST
    return f"::{_LEVELS[problem.severity]} {place}::{_data(whole if fits else words)}"


def _words(problem: Problem) -> str:
    return problem.message + (f" {problem.fix}" if problem.fix else "")


def _should_read(change: LineChange) -> str:
    return (
        f"Line {change.line} should go." if change.after is None else f"Line {change.line} should read:\n{change.after}"
    )


def _data(text: str) -> str:
    """Escaped as `escapeData` does: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escaped as `escapeProperty` does in the same file."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# The summary --------------------------------------------------------------------------------------------------------


def summarise(found: Sequence[Finding], files: int) -> str:
    """Add the summary to the file that GitHub names, if it names one. The answer is the last line of the log."""
    line = counted([finding.problem for finding in found], files)
    hidden = _hidden(found)
    target = os.environ.get(SUMMARY)
    if not target:
        return f"{line} {hidden}".rstrip()
    try:
        with Path(target).open("ab") as file:
            file.write(_bytes(summary(found, files, LARGEST_SUMMARY - file.tell())))
    except OSError as error:
        return f"{line} {hidden} The summary cannot be written: {error.strerror or error}.".replace("  ", " ")
    return f"{line} {hidden} All of it is in the summary of this run.".replace("  ", " ") if found else line


def _hidden(found: Sequence[Finding]) -> str:
    """How many GitHub does not show at their lines; empty if it shows all."""
    counts = [(sum(each.problem.severity is severity for each in found) - SHOWN, severity) for severity in _LEVELS]
    more = [several(count, severity) for count, severity in counts if count > 0]
    return f"GitHub shows {SHOWN} of each kind at their lines, and not {' and '.join(more)} more." if more else ""


def summary(found: Sequence[Finding], files: int, room: int) -> str:
    """A table of the problems, and a diff to copy for each that has a repair, in at most `room` bytes of UTF-8."""
    repairable = [finding for finding in found if finding.changes]
    rows = _fitting(list(map(_row, found)), room - _SENTENCES)
    blocks = _fitting(list(map(_suggested, repairable)), room - _SENTENCES - len(_bytes("".join(rows))))
    told = f"{counted([finding.problem for finding in found], files)} {_hidden(found)}".rstrip()
    parts = [f"## postbot check\n\n{told}\n"]
    if rows:
        parts += ["\n| | Where | What | Instead | Code |\n|---|---|---|---|---|\n", *rows]
    if blocks:
        parts += ["\n### Suggested changes\n", *blocks]
    left = (len(found) - len(rows), "problem"), (len(repairable) - len(blocks), "suggested change")
    parts += [f"\nNo room is left here for {several(count, what)} more.\n" for count, what in left if count]
    return "".join(parts)


def _row(finding: Finding) -> str:
    problem = finding.problem
    instead = cell(problem.fix) if problem.fix else ""
    place = cell(f"{finding.path}:{problem.line}")
    return f"| {problem.severity} | {place} | {cell(problem.message)} | {instead} | {cell(problem.code)} |\n"


def _suggested(finding: Finding) -> str:
    return "\n" + block("\n".join(diff_lines(finding.path, finding.changes)), "diff") + "\n"


def _fitting(texts: Sequence[str], room: int) -> list[str]:
    """As many, from the first on, as have room."""
    ends = accumulate(len(_bytes(text)) for text in texts)
    return [text for text, end in zip(texts, ends, strict=True) if end <= room]


def _bytes(text: str) -> bytes:
    return text.encode(errors="backslashreplace")  # a file's name need not be UTF-8

"""`postbot demo` on any machine: the whole story, in order, and nothing left behind."""

import os
import re
from pathlib import Path

import pytest

from tests.doors.command import Done, footprint, really

STORY = [
    r"08:00 +postbot +finds a problem",
    r"positions/accessibility-lead\.md:\d+:\d+: error: .+",
    r"tells hiring team: Data Engineer: not ready",
    r"Ada +\$ postbot open data-engineer --set num_vacancies=3",
    r"postbot +opens a pull request: Open: Data Engineer",
    r"-state: upcoming\s+\+state: open",
    r"Grace +\$ postbot approve 1",
    r"postbot +merges: Open: Data Engineer",
    r"tells openings@list\.example: Data Engineer: now open",
    r"Ada +\$ postbot close content-designer --reason 'cap reached'",
    r"merges: Close: .*Content Designer",
    r"tells openings@list\.example: Content Designer.*: closed early",
    r"Ada +\$ postbot extend budget-analyst 2026-03-27",
    r"tells openings@list\.example: .*Budget Analyst",
    r"The bot is switched off\.",
    r"Monday, March 30",
    r"merges: Close: .*Budget Analyst",
    r"tells openings@list\.example: Budget Analyst.*: closed",
    r"Where everything stands",
    r"\d+ pull requests merged; every file differs only in the lines shown above\.",
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The story as somebody hears it who has nothing: no git identity, no language, odd git settings, a git hook around."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "tmp").mkdir()
    (folder / "hooks").mkdir()
    hook = folder / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (folder / ".gitconfig").write_text(
        f"[init]\n\tdefaultBranch = odd/branch\n[core]\n\thooksPath = {folder / 'hooks'}\n[commit]\n\tgpgsign = true\n"
    )
    env = {"HOME": str(folder), "XDG_CONFIG_HOME": None, "TMPDIR": str(folder / "tmp"), "LANG": "C", "LC_ALL": "C"}
    odd = {"PYTHONIOENCODING": "ascii", "GIT_DIR": str(folder / "elsewhere.git"), "GIT_AUTHOR_DATE": "nonsense"}
    done = really("demo", cwd=folder, env={**env, **odd})
    assert footprint(folder / "tmp") == {}, "the demo leaves nothing behind"
    assert not (folder / "elsewhere.git").exists()
    return done


def test_it_runs_on_a_machine_that_has_nothing(told: Done):
    assert (told.code, told.err) == (0, "")
    assert told.out.isascii()


def test_it_tells_the_whole_story_in_order(told: Done):
    at = 0
    for words in STORY:
        found = re.compile(words).search(told.out, at)
        assert found, f"{words!r} does not come after:\n{told.out[max(0, at - 300) : at]}"
        at = found.end()


def test_every_posting_ends_where_its_dates_say(told: Done):
    ends = dict(line.split() for line in told.out.partition("Where everything stands")[2].splitlines()[1:7])
    assert ends == {
        "accessibility-lead": "upcoming",
        "budget-analyst": "closed",
        "content-designer": "closed",
        "data-engineer": "closed",
        "product-manager": "closed",
        "zz_template_position": "outside",
    }


def test_nobody_is_told_anything_twice(told: Done):
    heard = re.findall(r"postbot +tells ([^\n]*openings@list\.example: [^\n]+)", told.out)
    assert heard
    assert len(heard) == len(set(heard))


def test_it_needs_no_folder_that_it_may_write_to(told: Done, tmp_path: Path):
    tmp_path.chmod(0o555)
    again = really("demo", cwd=tmp_path if os.geteuid() else Path("/proc"), env={"HOME": None, "XDG_CONFIG_HOME": None})
    assert (again.code, again.err) == (0, "")
    assert again.out.encode("ascii", "backslashreplace").decode() == told.out

"""The shape of the code: what imports what, how long things are, and what every module says of itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import ROOT

PACKAGE = ROOT / "postbot"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]

MOST_LINES = 600
LONGER: dict[str, str] = {}
LONGEST_FUNCTION = 60


def test_imports_go_down_and_the_core_is_pure():
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed; make setup brings it.")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_opens_with_its_promise(path: Path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "say what the module promises and what it must not do"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_file_is_not_too_long_to_be_read(path: Path):
    name = str(path.relative_to(ROOT))
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES or name in LONGER, f"{name} has {lines} lines; split it, or say here why not"


def test_no_exception_outlives_its_reason():
    short = [name for name in LONGER if len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= MOST_LINES]
    assert short == []


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_function_is_longer_than_a_screen(path: Path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions if f.end_lineno}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_nothing_is_left_for_later(path: Path):
    text = path.read_text(encoding="utf-8")
    assert [word for word in ("TODO", "FIXME", "XXX", "breakpoint(", "pdb") if word in text] == []


@pytest.mark.parametrize("path", TESTS, ids=[str(path.relative_to(ROOT)) for path in TESTS])
def test_nothing_of_ours_is_patched(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    patching = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] in ("patch", "setattr")]
    aimed = [ast.unparse(call) for call in patching if "postbot" in ast.unparse(call)]
    assert aimed == []
    assert modules.isdisjoint({"unittest.mock", "pytest_mock"})


def test_the_core_reads_no_clock():
    clocks = {"now", "utcnow", "today", "time", "monotonic"}
    found = [
        f"{path.name}:{node.lineno} {ast.unparse(node)}"
        for path in MODULES
        if "core" in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in clocks
        and ast.unparse(node.func.value) in ("datetime", "date", "time", "datetime.datetime", "datetime.date")
    ]
    assert found == []

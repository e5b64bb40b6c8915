"""The command line as a person has it: the same `main`, in this process for tables, or in one of its own."""

import ctypes
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from postbot.doors.cli import main

REAL = (sys.executable, "-c", "from postbot.doors.cli import main; main()")


@dataclass(frozen=True)
class Done:
    """What one command left behind: its exit code and its two outputs."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def postbot(*args: str | Path, cwd: Path, stdin: bytes = b"") -> Done:
    """Run one command in this process; whatever would be a traceback is raised."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    kept = sys.argv, sys.stdin, sys.excepthook, threading.excepthook
    sys.argv, sys.stdin = ["postbot", *map(str, args)], io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    code = 0
    try:
        with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv, sys.stdin, sys.excepthook, threading.excepthook = kept
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Done(code, *said)


def really(
    *args: str | bytes | Path,
    cwd: Path,
    stdin: bytes = b"",
    env: Mapping[str, str | None] | None = None,
    before: Callable[[], None] | None = None,
) -> Done:
    """Run one command as a process of its own; None takes a variable out of its environment."""
    own = {key: value for key, value in {**os.environ, **(env or {})}.items() if value is not None}
    done = subprocess.run(
        [*REAL, *args], cwd=cwd, input=stdin, capture_output=True, env=own, check=False, timeout=120, preexec_fn=before
    )
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def as_anybody() -> None:
    """Give up root's power to read and write whatever the permissions say, for the program that is started next.

    See capabilities(7): what leaves the bounding set cannot come back by running another program.
    """
    if os.geteuid() == 0:
        drop_from_bounding_set, capabilities = 24, (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
        for capability in capabilities:
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def footprint(folder: Path) -> dict[str, str]:
    """Every file below a folder with its bytes and mode in short, git's own included."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink() or not path.is_file():
            found[name] = str(path.readlink()) if path.is_symlink() else "folder"
        else:
            found[name] = f"{path.stat().st_mode:o} {sha256(path.read_bytes()).hexdigest()}"
    return found

"""Speaking to a terminal: printing, failing with a sentence, showing that work is under way.

Standard output is for what was asked, standard error for everything else. Light: every command imports it.
"""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

FINE, FOUND, WRONG_USE = 0, 1, 2
"""Exit codes: fine; found problems or refused; wrong use."""


def prepare() -> None:
    """Make the streams take any text, on any terminal, also where one of them was closed."""
    if sys.stdout is None:  # it was closed: `>&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that is not UTF-8, or a terminal that knows no umlauts
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print what was asked for."""
    sys.stdout.write(text)


def say_json(data: object) -> None:
    """Print data as JSON."""
    say(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def mention(text: str) -> None:
    """Print something beside what was asked for, on standard error."""
    sys.stdout.flush()
    sys.stderr.write(text.rstrip("\n") + "\n")


def fail(text: str) -> NoReturn:
    """End with a sentence: something was found, or refused."""
    mention(text)
    raise SystemExit(FOUND)


def misuse(text: str) -> NoReturn:
    """End with a sentence: the command was not used as it can be."""
    mention(text)
    raise SystemExit(WRONG_USE)


def lost_output(error: OSError) -> NoReturn:
    """End because the output went nowhere: a full disk, most often, or a reader that hung up."""
    with suppress(OSError):  # there may be no file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    fail(f"{error.filename or 'The output'} cannot be written: {error.strerror or error}.")


def progress(done: int, whole: int, what: str) -> None:
    """Show how far a long job has come, when a person watches."""
    if sys.stderr.isatty():
        end = "\r" if done < whole else "\r" + " " * 60 + "\r"
        sys.stderr.write(f"{what} {done} of {whole}{end}")
        sys.stderr.flush()


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show that work is under way, when a person watches; nothing of it stays."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only a watched terminal needs it

    with Console(stderr=True).status(what):
        yield

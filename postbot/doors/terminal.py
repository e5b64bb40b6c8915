"""Speaking to a terminal: printing, failing with a sentence, showing that work is under way.

Standard output is for what was asked, standard error for everything else; that holds no secret, whoever writes it.
Light: every command imports it.
"""

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import NoReturn

from postbot.censor import censored

FINE, FOUND, WRONG_USE = 0, 1, 2
"""Exit codes: fine; found problems or refused; wrong use."""


def prepare() -> None:
    """Make the streams take any text, on any terminal, also where one was closed; and no failure tell a secret."""
    if sys.stdout is None:  # it was closed: `>&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that is not UTF-8, or a terminal that knows no umlauts
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook, threading.excepthook = _crashed, _thread_crashed
    if logging.lastResort is not None:  # what libraries warn of where nobody has set logging up
        logging.lastResort.setFormatter(_Censored())


def say(text: str) -> None:
    """Print what was asked for."""
    sys.stdout.write(text)


def say_json(data: object) -> None:
    """Print data as JSON."""
    say(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def mention(text: str) -> None:
    """Print something beside what was asked for, on standard error."""
    sys.stdout.flush()
    sys.stderr.write(censored(text).rstrip("\n") + "\n")


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


class _Censored(logging.Formatter):
    """A record as the library wrote it, its traceback too, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return censored(super().format(record))


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    mention("".join(format_exception(kind, error, trace)))


def _thread_crashed(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        _crashed(told.exc_type, told.exc_value, told.exc_traceback)

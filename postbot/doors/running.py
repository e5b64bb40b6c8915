"""The commands about running: `doctor`, `run`, `pause`, `resume`. Registered by `cli`, under its rules."""
# ruff: noqa: PLC0415 - heavy imports wait until a command needs them, so that `--help` is quick

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from postbot.censor import censored
from postbot.core.problem import PostbotError
from postbot.doors.options import (
    DEFAULT_CONFIG,
    ByOption,
    ConfigOption,
    EverySiteOption,
    JsonOption,
    ServiceOption,
)
from postbot.doors.session import as_far_as_known, asker, demand_text, sites_meant, standing_ledger
from postbot.doors.terminal import FINE, FOUND, busy, mention, misuse, say, say_json

if TYPE_CHECKING:
    from typing import NoReturn

    from postbot.core.problem import Problem
    from postbot.ledger import Ledger
    from postbot.serviceconfig import ServiceConfig

_AT_ONCE: Final = 16
"""So many ledgers are reached at a time; one that does not answer is waited for ten seconds."""


def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    service: ServiceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether everything that postbot needs is there: rights, rules, branches, Slack. Changes nothing."""
    from postbot.doors import doctor as door

    with busy("Looking at everything ..."):
        found = door.examine(as_far_as_known(config), service)
    say_json(door.as_json(found)) if as_json else say(door.text(found))
    raise typer.Exit(FOUND if door.has_fault(found) else FINE)


def run(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration of one site.", envvar="POSTBOT_CONFIG")
    ] = None,
    service: Annotated[
        Path | None,
        typer.Option("--service", help="The configuration of a service; ./service.yaml if it is there."),
    ] = None,
) -> None:
    """Tick for ever: at each heartbeat, and the moment that something is due. SIGHUP reads the configuration again."""
    from postbot.doors.service.runner import Service
    from postbot.doors.service.signals import signals

    if config and service:
        misuse("Name one site with --config, or a service with --service, not both.")
    serving = Service(lambda: _settings(config, service), _aloud)
    with signals() as heard:
        code = FOUND
        try:
            serving.run(heard)
            code = FINE
        except PostbotError as error:
            mention(str(error))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told, and ends the process
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            _end(code)


def _settings(config: Path | None, service: Path | None) -> ServiceConfig:
    from postbot.serviceconfig import SERVICE_NAME, default_service, load_service

    if service is None and config is None and Path(SERVICE_NAME).exists():
        service = Path(SERVICE_NAME)
    return load_service(service) if service else default_service(config or DEFAULT_CONFIG)


def _aloud(text: str) -> None:
    """The console channel of a service: whoever follows its output sees a message when it is said."""
    say(text)
    sys.stdout.flush()


def _end(code: int) -> NoReturn:
    """End the process now, threads that hang and all: what they were at is found again by the next start.

    Python's own end would wait for every thread that has ever had a turn, for as long as that hangs.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a full disk, a reader that hung up, a stream that was closed
            stream.flush()
    os._exit(code)


def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who find it paused.")] = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    service: EverySiteOption = None,
) -> None:
    """Have postbot do and say nothing from now on, not even what it is in the middle of. It still looks and plans."""
    from postbot.app import clock
    from postbot.core.announce import one_line

    demand_text(reason)
    who, why, at = asker(by), one_line(reason), clock()

    def stop(ledger: Ledger) -> tuple[bool, str]:
        ledger.pause(who, why, at)
        return True, f"Paused in the ledger {ledger.name}."

    until = f"postbot resume --service {shlex.quote(str(service))}" if service else "postbot resume"
    then = f"Whoever works there does and says nothing until: {until}\n"
    _everywhere("paused", stop, then, _meant(context, config, service), is_service=service is not None)


def resume(
    context: typer.Context,
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    service: EverySiteOption = None,
) -> None:
    """Let postbot go on where it was paused; what has come to be due since is done by the next tick."""
    from postbot.app import clock

    who, at = asker(by), clock()

    def go_on(ledger: Ledger) -> tuple[bool, str]:
        was_paused = ledger.resume(who, at)
        return was_paused, f"{'Resumed' if was_paused else 'It was not paused'} in the ledger {ledger.name}."

    then = "The next tick there goes on.\n"
    _everywhere("resumed", go_on, then, _meant(context, config, service), is_service=service is not None)


def _meant(context: typer.Context, config: Path, service: Path | None) -> tuple[Sequence[Path], Sequence[Problem]]:
    source = context.get_parameter_source("config")
    if service and source and source.name == "COMMANDLINE":  # the environment may name a site for other commands
        misuse("Name one site with --config, or a service with --service, not both.")
    return sites_meant(config, service)


def _everywhere(
    what: str,
    act: Callable[[Ledger], tuple[bool, str]],
    then: str,
    meant: tuple[Sequence[Path], Sequence[Problem]],
    *,
    is_service: bool,
) -> None:
    """Do this to the ledger of each site, and tell what came of it, and last where it could not be done.

    At many sites at once, for one whose database does not answer must not keep the others from being stopped.
    """
    from concurrent.futures import ThreadPoolExecutor

    sites, missing = meant
    is_done, doubts, refused = False, [], [str(problem) for problem in missing]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for site, came in zip(sites, threads.map(lambda site: _done(site, act), sites), strict=True):
            name = f"{site}: " if is_service else ""
            if came.refused:
                refused.append(f"{name}Not {what}: {came.refused}")
                continue
            say(f"{name}{came.said}\n")
            is_done = is_done or came.is_done
            doubts += [came.doubt] if came.doubt else []
    say(then if is_done else "")
    for each in (*doubts, *refused):
        mention(each)
    raise typer.Exit(FINE if is_done and not (refused or doubts) else FOUND)


class _Came(NamedTuple):
    """What came of it at one site: what was done, or why nothing could be; and what to look at all the same."""

    is_done: bool = False
    said: str = ""
    refused: str = ""
    doubt: str = ""


def _done(site: Path, act: Callable[[Ledger], tuple[bool, str]]) -> _Came:
    from postbot.config import examine
    from postbot.ledger import LedgerUnready

    try:
        with standing_ledger(site) as ledger:
            is_done, said = act(ledger)
    except LedgerUnready as error:
        other = f"If a service runs with another ledger, write its place under `ledger` in {site}, and try again."
        return _Came(refused=str(error) if error.is_there else f"{error}. {other}")
    except PostbotError as error:
        return _Came(refused=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, what became of the others is told
        return _Came(refused=censored(f"{type(error).__name__}: {error}"))
    _, problems = examine(site)
    doubt = (
        f"{site} cannot be used as it stands, and a service goes on by what it read before: see that this is its ledger"
    )
    return _Came(
        is_done, said, doubt=f"{doubt}. What is wrong: postbot config check --config {site}" if problems else ""
    )

"""The commands about running: `doctor`, `run`, `pause`, `resume`. Registered by `cli`, under its rules."""
# ruff: noqa: PLC0415 - heavy imports wait until a command needs them, so that `--help` is quick

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postbot.core.problem import PostbotError
from postbot.doors.options import DEFAULT_CONFIG, ByOption, ConfigOption, JsonOption, ServiceOption
from postbot.doors.session import as_far_as_known, asker, demand_text, ledger_of
from postbot.doors.terminal import FINE, FOUND, busy, mention, misuse, say, say_json

if TYPE_CHECKING:
    from typing import NoReturn

    from postbot.serviceconfig import ServiceConfig


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
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who find it paused.")] = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Have postbot do and say nothing from now on, not even what it is in the middle of. It still looks and plans."""
    from postbot.app import clock
    from postbot.core.announce import one_line

    demand_text(reason)
    with ledger_of(config) as ledger:
        ledger.pause(asker(by), one_line(reason), clock())
    say("Paused. Nothing is done or said until: postbot resume\n")


def resume(by: ByOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let postbot go on where it was paused; what has come to be due since is done by the next tick."""
    from postbot.app import clock

    with ledger_of(config) as ledger:
        was_paused = ledger.resume(asker(by), clock())
    say("The next tick goes on.\n" if was_paused else "It was not paused.\n")
    raise typer.Exit(FINE if was_paused else FOUND)

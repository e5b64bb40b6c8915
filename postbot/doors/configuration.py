"""`postbot config`: is the configuration right, what is in force, and its schema for editors. Changes nothing.

`check` looks at everything that can be looked at without doing anything: both files, the profile, the settings on the
base branch, and whether the secrets are there. Secrets are told by name only.
"""
# ruff: noqa: PLC0415 - heavy imports wait until a command needs them, so that `--help` is quick

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postbot.doors.options import DEFAULT_CONFIG, ConfigOption, JsonOption, ServiceOption
from postbot.doors.session import configured
from postbot.doors.terminal import FINE, FOUND, say, say_json

if TYPE_CHECKING:
    from postbot.config import Config
    from postbot.core.problem import Problem

config_app = typer.Typer(help="Look at the configuration: whether it is right, and what is in force.")


class SchemaOf(StrEnum):
    """Which file a schema is of."""

    SITE = "site"
    SERVICE = "service"


@config_app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    service: ServiceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find everything that is wrong in the configuration, at once, and which secrets are missing."""
    from postbot.core.plan.render import problem_json
    from postbot.doors.checking import several

    found = list(dict.fromkeys(problems_of(config, service)))
    if as_json:
        say_json([problem_json(problem) for problem in found])
    else:
        for problem in found:
            say(f"{problem}\n" + (f"    {problem.fix}\n" if problem.fix else ""))
        say(f"{several(len(found), 'problem')}.\n" if found else "Nothing is wrong.\n")
    raise typer.Exit(FOUND if found else FINE)


def problems_of(config: Path, service: Path | None = None) -> Iterator[Problem]:
    """Whatever is wrong with a site's configuration, and with the service's and its other sites where there is one."""
    from postbot.config import clashes
    from postbot.declared import ConfigError
    from postbot.serviceconfig import SERVICE_NAME, load_service

    beside = config.parent / SERVICE_NAME
    named = service or (beside if beside.exists() else None)
    sites: tuple[Path, ...] = ()
    if named is not None:
        try:
            sites = load_service(named).sites
        except ConfigError as error:
            yield from error.problems
    # Whoever names a service's configuration in a folder without a site means the sites that it names.
    own = (config,) if service is None or config.exists() else ()
    whole: list[Config] = []
    for path in {each.resolve(): each for each in (*own, *sites)}.values():
        yield from _of_site(path, whole)
    yield from clashes(whole)


def _of_site(path: Path, whole: list[Config]) -> Iterator[Problem]:
    """What is wrong with one site; its configuration joins the `whole` ones if it can be used."""
    from postbot.config import examine

    config, problems = examine(path)
    yield from problems
    yield from _of_profile(path)
    if config is not None:
        config = yield from _with_settings(path, config)
        whole.append(config)
        yield from _of_secrets(config)


def _with_settings(path: Path, config: Config) -> Generator[Problem, None, Config]:
    """The configuration with the settings of the base branch; as it is where these cannot be had or used."""
    from postbot import app
    from postbot.declared import ConfigError
    from postbot.hosts import HostError

    if config.site.settings is None:
        return config
    try:
        return app.configured(path)
    except ConfigError as error:
        yield from error.problems
    except HostError as error:
        yield config.problem(("site", "settings"), str(error), "config-unreadable")
    return config


def _of_profile(path: Path) -> Iterator[Problem]:
    """What is wrong with the profile that a configuration names, also where the rest of it cannot be used."""
    from postbot.config import read_profile, shipped_profiles
    from postbot.declared import ConfigError, parse, text_of

    with suppress(ConfigError):  # what is wrong with the file itself is told already
        data = parse(text_of(path), str(path)).data
        site = data.get("site") if isinstance(data, dict) else None
        name = site.get("profile") if isinstance(site, dict) else None
        if not isinstance(name, str) or name in shipped_profiles():
            return
        try:
            read_profile(path.parent / name)
        except ConfigError as error:
            yield from error.problems


def _of_secrets(config: Config) -> Iterator[Problem]:
    from postbot.declared import ConfigError
    from postbot.secrets import demand

    for name in config.secret_names:
        try:
            demand(name, config.secrets)
        except ConfigError as error:
            yield from error.problems
    try:
        _ = config.ledger_at
    except ConfigError as error:
        yield from error.problems


@config_app.command()
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show what is in force: every setting, its defaults filled in, and where it comes from."""
    loaded = configured(config)
    if as_json:
        places = {".".join(where): str(spot) for where, spot in loaded.places.items()}
        say_json({"settings": _settings(loaded), "places": places, "secrets": _secrets(loaded)})
    else:
        say("".join(f"{line}\n" for line in _lines(loaded)))


def _settings(config: Config) -> dict[str, Any]:
    """Every setting as it would be written, also those of transitions that the configuration does not name."""
    from postbot.core.lifecycle import Transition
    from postbot.sections import TransitionConfig

    handled = {each: config.transitions.get(each, TransitionConfig()) for each in Transition}
    return config.model_copy(update={"transitions": handled}).model_dump(mode="json")


def _secrets(config: Config) -> dict[str, str]:
    """Of each secret that is needed whether it is set; of none what it is."""
    from postbot.secrets import is_set

    names = (*config.secret_names, *(["POSTBOT_LEDGER_PASSWORD"] if isinstance(config.ledger, str) else []))
    return {name: "set" if is_set(name, config.secrets) else "not set" for name in names}


def _lines(config: Config) -> Iterator[str]:
    """YAML that would be read as the same configuration, with the place of each setting behind it."""
    yield f"# What is in force by {config.path}, and where each setting is written."
    for section, value in _settings(config).items():
        if isinstance(value, dict) and value:
            yield f"{section}:"
            yield from (f"  {name}: {_flow(each)}  # {_from(config, section, name)}" for name, each in value.items())
        elif section == "routes" and value:
            yield "routes:"
            yield from (f"  - {_flow(each)}  # {_from(config, 'routes', str(at))}" for at, each in enumerate(value))
        else:
            yield f"{section}: {_flow(value)}  # {_from(config, section)}"
    if secrets := _secrets(config):
        yield "# Secrets, of the environment:"
    yield from (f"#   {name}: {state}" for name, state in secrets.items())


def _from(config: Config, *where: str) -> str:
    return str(config.places.get(where, "default"))


def _flow(value: object) -> str:
    """A value on one line."""
    import yaml

    text = yaml.safe_dump([value], default_flow_style=True, width=1 << 20, allow_unicode=True, sort_keys=False)
    return str(text).strip()[1:-1]


@config_app.command()
def schema(of: Annotated[SchemaOf, typer.Argument(help="The file that it is of.")] = SchemaOf.SITE) -> None:
    """Print the JSON schema of a site's configuration, or of the service's, for an editor."""
    from postbot import schema as made

    say_json(made.site_schema() if of is SchemaOf.SITE else made.service_schema())

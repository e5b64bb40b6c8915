"""The configuration of the service, `service.yaml`: which sites one process keeps, and how it is watched.

Told and frozen like a site's own configuration. The service's secrets are of the environment: POSTBOT_SERVICE_TOKEN
lets others than this machine ask how it fares, POSTBOT_WEBHOOK_SECRET is what GitHub signs its calls with,
POSTBOT_SLACK_SIGNING_SECRET what Slack does; POSTBOT_SLACK_TOKEN speaks for the app in Slack, and
POSTBOT_SLACK_APP_TOKEN opens its Socket Mode. Nothing here reads a site's configuration or opens a port.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, WithJsonSchema

from postbot.core.problem import Problem
from postbot.declared import ConfigError, Declared, Written, check, checked, parse, text_of
from postbot.secrets import optional, secret, unusable
from postbot.settings import HostName, Listen, Patience, Server, is_loopback

SERVICE_NAME = "service.yaml"
TOKEN: Final = "POSTBOT_SERVICE_TOKEN"  # noqa: S105 - the name of a variable
WEBHOOK: Final = "POSTBOT_WEBHOOK_SECRET"
SLACK_TOKEN: Final = "POSTBOT_SLACK_TOKEN"  # noqa: S105 - the name of a variable
SLACK_SIGNING: Final = "POSTBOT_SLACK_SIGNING_SECRET"
SLACK_APP: Final = "POSTBOT_SLACK_APP_TOKEN"

_SHORTEST: Final = 16
"""So many characters a token has at least: a shorter one can be guessed."""


_WORKSPACE: Final = re.compile(r"T[A-Z0-9]{2,20}")


def _workspace(value: object) -> object:
    if not isinstance(value, str) or not _WORKSPACE.fullmatch(value):
        raise ValueError(
            "write the id of the workspace, which begins with T, as in its address app.slack.com/client/T..."
        )
    return value


Workspace = Annotated[
    str, BeforeValidator(_workspace), WithJsonSchema({"type": "string", "pattern": f"^{_WORKSPACE.pattern}$"})
]


class SlackDoor(Declared):
    """How people in Slack reach the sites: over HTTP or by Socket Mode, and from which one workspace."""

    by: Literal["http", "socket"]
    workspace: Workspace
    server: Server = "https://slack.com/api/"

    @property
    def token(self) -> str:
        """What the app speaks with. Raises `ConfigError`."""
        return secret(SLACK_TOKEN)

    @property
    def signing_secret(self) -> str:
        """What Slack signs its requests with, by HTTP; empty by Socket Mode, where none are. Raises `ConfigError`."""
        return secret(SLACK_SIGNING) if self.by == "http" else ""

    @property
    def app_token(self) -> str:
        """What opens Socket Mode; empty by HTTP. Raises `ConfigError`."""
        return secret(SLACK_APP) if self.by == "socket" else ""


class ServiceConfig(Declared):
    """Everything that `service.yaml` says. `sites` are the files of the sites once it is loaded, each once, in order.

    `listen` is host and port, None for no HTTP; port 0 is any free one. Without `slack` nobody asks from there.
    """

    sites: Annotated[tuple[Path, ...], Field(min_length=1)]
    heartbeat: Patience = timedelta(minutes=1)
    patience: Patience = timedelta(minutes=10)
    listen: Listen | None = ("127.0.0.1", 8087)
    names: tuple[HostName, ...] = ()
    logs: Literal["json", "text"] = "json"
    slack: SlackDoor | None = None

    @property
    def token(self) -> str:
        """What whoever asks from another machine must show; empty if there is none. Raises `ConfigError`."""
        text = optional(TOKEN)
        if text and len(text) < _SHORTEST:
            raise unusable(TOKEN, f"{TOKEN} is too short to be safe; make one of {_SHORTEST} characters or more.")
        return text

    @property
    def webhook_secret(self) -> str:
        """What GitHub signs its calls with; empty if there is none, and then no call can be believed.

        Raises `ConfigError` also for one that is set and blank: what is signed with nothing can be signed by anybody.
        """
        return optional(WEBHOOK)


_SERVICE: Final = TypeAdapter(ServiceConfig)


def load_service(path: Path) -> ServiceConfig:
    """Read `service.yaml` and find the files of the sites that it names. Raises `ConfigError` with every problem."""
    written = parse(text_of(path), str(path))
    given, problems = check(_SERVICE, written)
    if given is None:
        raise ConfigError([*problems, *_secret_problems()])
    sites, missing = _found(given.sites, path.parent, written)
    wrong = [*missing, *_open_to_others(given, written), *_unheard(given, written), *_secret_problems(given.slack)]
    if wrong:
        raise ConfigError(sorted(wrong, key=lambda problem: problem.line))
    return given.model_copy(update={"sites": sites})


def named_sites(path: Path) -> tuple[Sequence[Path], Sequence[Problem]]:
    """The files of the sites that `service.yaml` names, and what is wrong with those names.

    Nothing else in it has to be right. Raises `ConfigError`.
    """
    written = parse(text_of(path), str(path))
    given = written.data if isinstance(written.data, dict) else {}
    kept = {"sites": given["sites"]} if "sites" in given else {}
    named = checked(_SERVICE, replace(written, data=kept, problems=())).sites
    return _found(named, path.parent, written)


def default_service(config: Path) -> ServiceConfig:
    """One site and the defaults, for whoever has no `service.yaml`. Raises `ConfigError` for an unusable secret."""
    if wrong := list(_secret_problems()):
        raise ConfigError(wrong)
    return ServiceConfig(sites=(config,))


def _found(patterns: Iterable[Path], root: Path, written: Written) -> tuple[tuple[Path, ...], list[Problem]]:
    """The files that the patterns name, in order and each once, and what is wrong with those that name none."""
    sites: dict[Path, Path] = {}
    problems = []
    for number, pattern in enumerate(patterns):
        names = glob(str(pattern), root_dir=root, recursive=True)  # noqa: PTH207 - Path's takes no absolute pattern
        files, wrong = _files(root, sorted(names))
        sites |= {whole: path for whole, path in files.items() if whole not in sites}
        if not files and not wrong:
            wrong = ["nothing is called like that" if has_magic(str(pattern)) else "there is no such file"]
        at = ("sites", str(number))
        problems += [written.problem(at, f"`sites`: {pattern}: {said}.") for said in wrong]
    return tuple(sites.values()), problems


def _files(root: Path, names: Iterable[str]) -> tuple[dict[Path, Path], list[str]]:
    """Those of the names that are files, by where they really are, and what is wrong with those nobody can look at."""
    files: dict[Path, Path] = {}
    wrong = []
    for name in names:
        path = root / name
        try:
            if path.is_file():
                files.setdefault(path.resolve(), path)
        except (OSError, RuntimeError) as error:  # the latter for links that go round in a circle by now
            why = error.strerror if isinstance(error, OSError) else "its links lead in a circle"
            wrong.append(f"{name} cannot be looked at: {why}")
    return files, wrong


def _open_to_others(given: ServiceConfig, written: Written) -> Iterator[Problem]:
    if given.listen is None or is_loopback(given.listen[0]):
        return
    try:
        if given.token:
            return
    except ConfigError:  # told with the other secrets
        return
    said = (
        f"`listen`: other machines can reach {given.listen[0]}, so they must show a token. Set {TOKEN}, "
        f"{_SHORTEST} characters or more, or listen on 127.0.0.1."
    )
    yield written.problem(("listen",), said)


def _unheard(given: ServiceConfig, written: Written) -> Iterator[Problem]:
    if given.listen is None and given.slack is not None and given.slack.by == "http":
        said = "`slack.by`: over http Slack calls the HTTP server, and `listen` is null; say where, or write socket."
        yield written.problem(("slack", "by"), said)


def _secret_problems(slack: SlackDoor | None = None) -> Iterator[Problem]:
    service = ServiceConfig(sites=(Path(),))
    wanted = [(service, name) for name in ("token", "webhook_secret")]
    wanted_by_slack = [(slack, name) for name in ("token", "signing_secret", "app_token")] if slack else []
    for section, name in (*wanted, *wanted_by_slack):
        try:
            getattr(section, name)
        except ConfigError as error:
            yield from error.problems

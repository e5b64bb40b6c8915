"""Configuration: `postbot.yaml`, and the routes, profiles and settings of the base branch that it names, frozen.

What counts is the local file, and for what postings do also one on the base branch (`site.settings`), never one of a
pull request. Every mistake is found at once and told as a `Problem` with file, line and the nearest valid key. Unknown
keys are errors. Nothing here opens a repository, a ledger or a connection.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from os.path import realpath
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from pydantic import Field, PrivateAttr, TypeAdapter

from postbot.core.announce import Event
from postbot.core.announce.routes import Route, field_of
from postbot.core.lifecycle import Transition
from postbot.core.plan.rights import Role
from postbot.core.plan.steps import Policy
from postbot.core.problem import Problem
from postbot.core.profile import Profile, State
from postbot.declared import ConfigError, Declared, Place, Written, check, checked, nearest, parse, text_of
from postbot.secrets import optional, password, secret
from postbot.sections import (
    AppConfig,
    ApprovalConfig,
    EmailConfig,
    FolderConfig,
    GitHubConfig,
    ListConfig,
    PublicConfig,
    RoleConfig,
    RouteConfig,
    Routes,
    SafetyConfig,
    SiteConfig,
    SlackConfig,
    SoonConfig,
    TransitionConfig,
)
from postbot.settings import FROM_OPENING, LEDGER_SCHEMA, LedgerPlace, SecretName, Span, Window

__all__ = [
    "CONFIG_NAME", "ROUTES_NAME", "SETTINGS", "AppConfig", "Config", "ConfigError", "EmailConfig", "GitHubConfig",
    "ListConfig", "Spot", "clashes", "examine", "ledger_place", "load", "load_profile", "password", "read_profile",
    "secret", "shipped", "shipped_profiles", "with_settings",
]  # fmt: skip

CONFIG_NAME = "postbot.yaml"
ROUTES_NAME = "routes.yaml"

SETTINGS: Final = ("transitions", "ask", "remind", "undo", "safety", "approval", "announce", "soon", "routes")
"""What the settings on the base branch may hold: whoever can push there must not send secrets or memory elsewhere."""


class Spot(NamedTuple):
    """A line (from 1) of a file, by the name that people know it by."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class _Read:
    """What a configuration knows of the files that it was read from."""

    path: str = CONFIG_NAME
    places: Mapping[Place, Spot] = field(default_factory=dict, compare=False)  # a comment more changes nothing
    heard: tuple[Route, ...] = ()


class Config(Declared):
    """Everything that `postbot.yaml` says. Relative paths are relative to the folder that file is in.

    `ledger` is the path of a file or the address of a schema in PostgreSQL. `routes` are always the routes themselves
    once it is loaded, wherever they are written.
    """

    site: SiteConfig
    github: GitHubConfig | None = None
    ledger: LedgerPlace = Path(".postbot/ledger.db")
    secrets: SecretName = ""
    transitions: dict[Transition, TransitionConfig] = Field(default_factory=dict)
    ask: tuple[Span, ...] = (timedelta(days=5), timedelta(days=2), timedelta(days=1), timedelta(0))
    remind: tuple[Span, ...] = (timedelta(0), timedelta(hours=4), timedelta(hours=24))
    undo: Window = timedelta(days=1)
    safety: SafetyConfig = SafetyConfig()
    approval: ApprovalConfig = ApprovalConfig()
    roles: tuple[RoleConfig, ...] = ()
    announce: Literal["merged", "live"] = "merged"
    public: PublicConfig = PublicConfig()
    soon: SoonConfig = SoonConfig()
    routes: Routes = ()
    words: Path | None = None
    email: EmailConfig | None = None
    slack: SlackConfig = SlackConfig()
    apprise: tuple[SecretName, ...] = ()
    folder: FolderConfig = FolderConfig()
    _read: _Read = PrivateAttr(default_factory=_Read)

    @property
    def policy(self) -> Policy:
        """The rules of the plan."""
        return Policy(
            zone=self.site.timezone,
            handling={name: given.handling for name, given in self.transitions.items()},
            ask=self.ask,
            remind=self.remind,
            undo=self.undo,
            most_moves=self.safety.most_moves,
            most_share=self.safety.most_share,
            opening_soon=self.soon.opening,
            closing_soon=self.soon.closing,
            staff=tuple(dict.fromkeys(each.recipient for each in self.heard if _is_for_staff(each))),
            two_people=self.approval.two_people,
            people=self.approval.people,
            followed=any(Event.PROPOSED in each.hears for each in self.heard),
            live=self.announce == "live",
        )

    @property
    def rights(self) -> tuple[Role, ...]:
        """Who in Slack may do what."""
        return tuple(each.role for each in self.roles)

    @property
    def path(self) -> str:
        """The file that it was read from, for people."""
        return self._read.path

    @property
    def root(self) -> Path:
        """The folder that this file is in."""
        return Path(self._read.path).parent

    @property
    def heard(self) -> tuple[Route, ...]:
        """The routes, one for each recipient."""
        return self._read.heard

    @property
    def places(self) -> Mapping[Place, Spot]:
        """Where each setting that is not left to its default is written."""
        return self._read.places

    def at(self, path: Path | str) -> Path:
        """A path of the configuration, seen from the folder that its file is in."""
        return self.root / path

    def problem(self, where: Place, message: str, code: str = "config-value") -> Problem:
        """Something that is wrong with one setting, at the place where it is written."""
        spot = self.places.get(where, Spot(self.path, 1))
        return Problem(spot.file, spot.line, 1, code, message)

    @property
    def ledger_at(self) -> Path | str:
        """Where the ledger is: a path, or an address of PostgreSQL with its password, which nobody may be shown.

        The password is POSTBOT_LEDGER_PASSWORD, if the server wants one. Raises `ConfigError` when it cannot be used.
        """
        if isinstance(self.ledger, Path):
            return self.at(self.ledger)
        given = optional("POSTBOT_LEDGER_PASSWORD", self.secrets)
        parts = urlsplit(self.ledger)
        user, at, host = parts.netloc.rpartition("@")
        signed = f"{user}:{quote(given, safe='')}{at}{host}" if given else parts.netloc
        return urlunsplit(parts._replace(netloc=signed))

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The secrets that a bot of this configuration needs, by the names that they have without `secrets`."""
        return tuple(dict.fromkeys(_secret_names(self)))


def _is_for_staff(route: Route) -> bool:
    """Whether a route hears what waits for a person, whatever the posting."""
    return Event.WAITING in route.hears and not route.where and field_of(route.recipient) is None


def _secret_names(config: Config) -> Iterator[str]:
    if config.github:
        yield "POSTBOT_GITHUB_KEY" if config.github.app else "POSTBOT_GITHUB_TOKEN"
    used = {route.channel for route in config.heard}
    if config.email and "email" in used:
        yield from ("POSTBOT_SMTP_PASSWORD",) if config.email.username else ()
        yield from (f"POSTBOT_APPROVED_{each.approved}" for each in config.email.lists.values() if each.approved)
    if "slack" in used or config.roles:
        yield "POSTBOT_SLACK_TOKEN"
    if "apprise" in used:
        yield from (f"POSTBOT_APPRISE_{name.upper()}" for name in config.apprise)


# Reading -------------------------------------------------------------------------------------------------------------

_CONFIG: Final = TypeAdapter(Config)
_ROUTES: Final[TypeAdapter[tuple[RouteConfig, ...]]] = TypeAdapter(tuple[RouteConfig, ...])
_PROFILE: Final = TypeAdapter(Profile)


@dataclass(frozen=True, slots=True)
class _Given:
    """The routes, and where they are written: the file, by the name that messages give it, and the setting above."""

    routes: tuple[RouteConfig, ...]
    written: Written
    called: str
    above: Place = ()

    def heard(self) -> Iterator[Route]:
        """Each recipient of each route."""
        for number, each in enumerate(self.routes):
            place = f"{self.called} line {self.written.line((*self.above, str(number)))}"
            for channel, recipient in each.to:
                yield Route(channel, recipient, each.hear, each.where, place)

    def problem(self, number: int, message: str) -> Problem:
        """Something that is wrong with one route."""
        return self.written.problem((*self.above, str(number), "to"), message)


def load(path: Path) -> Config:
    """Read `postbot.yaml`, and the routes where it names a file of them. Raises `ConfigError` with every problem."""
    config, problems = examine(path)
    if config is None:
        raise ConfigError(problems)
    return config


def examine(path: Path) -> tuple[Config | None, list[Problem]]:
    """The configuration, or None and every problem of `postbot.yaml` and of the routes that it names."""
    how_to_make = " Make one with: postbot init" if path.name == CONFIG_NAME else ""
    try:
        written = parse(text_of(path, how_to_make), str(path))
    except ConfigError as error:
        return None, list(error.problems)
    config, problems = check(_CONFIG, written)
    given, more = _given_routes(config, written, path.parent)
    if config is None or given is None:
        return None, problems + more
    if wrong := [*_contradictions(config, written), *_contradicting_routes(config, given)]:
        return None, wrong
    places = _spots(written) | ({} if given.above else _spots(given.written, ("routes",)))
    return _with(config, {"routes": given.routes}, _Read(str(path), places, tuple(given.heard()))), []


def ledger_place(path: Path) -> Path | str:
    """Where the ledger is by this file, whatever else is wrong with that: as `Config.ledger_at` says it.

    For who must reach it at once: a service goes on by what it read before, however the file has become since. Raises
    `ConfigError` where the file cannot be read, or what it says of the ledger cannot be used or stands there twice.
    """
    written = _legible(path)
    given = written.data if isinstance(written.data, dict) else {}
    kept = {name: given[name] for name in _OF_THE_LEDGER if name in given}
    lines = {written.lines.get((name,)) for name in kept}
    problems = tuple(problem for problem in written.problems if problem.line in lines)
    data = kept | {"site": {"profile": "", "timezone": "UTC"}}
    return _with(checked(_CONFIG, replace(written, data=data, problems=problems)), {}, _Read(str(path))).ledger_at


_OF_THE_LEDGER: Final = ("ledger", "secrets")


def _legible(path: Path) -> Written:
    """What is written in the file; of one that is no YAML, as in the midst of an edit, the lines about the ledger.

    Raises `ConfigError` where such a file speaks of a ledger otherwise than in a line that can be told: to take it for
    one that names none would be to take the default for its ledger.
    """
    text = text_of(path)
    try:
        return parse(text, str(path))
    except ConfigError:
        begins = tuple(f"{name}:" for name in _OF_THE_LEDGER)
        lines = text.removeprefix("\ufeff").splitlines()
        kept = [line if line.startswith(begins) else "" for line in lines]
        spoken_of = any("ledger" in line.lower() for line in lines if not line.lstrip().startswith("#"))
        if spoken_of and not any(line.startswith("ledger:") for line in kept):
            raise
        return parse("\n".join(kept), str(path))


def _with(config: Config, settings: Mapping[str, object], read: _Read) -> Config:
    made = config.model_copy(update=settings)
    made._read = read  # noqa: SLF001 - it is made here
    return made


def _given_routes(config: Config | None, written: Written, root: Path) -> tuple[_Given | None, list[Problem]]:
    """The routes, also where the rest of the configuration has problems, so that all are told at once."""
    name = written.data.get("routes") if isinstance(written.data, dict) else None
    if not isinstance(name, str):
        routes = config.routes if config and not isinstance(config.routes, Path) else ()
        return _Given(routes, written, Path(written.path).name, ("routes",)), []
    file = root / name
    try:
        routes_file = parse(text_of(file), str(file))
    except ConfigError as error:
        return None, list(error.problems)
    found, problems = check(_ROUTES, routes_file, ())
    return None if found is None else _Given(found, routes_file, file.name), problems


def _spots(written: Written, above: Place = ()) -> dict[Place, Spot]:
    return {(*above, *where): Spot(written.path, line) for where, line in written.lines.items()}


def with_settings(config: Config, text: bytes, name: str) -> Config:
    """The configuration with the settings of the base branch laid over it; `name` is what their file is called.

    Raises `ConfigError` with every problem, each placed in that file: what may not be set there, what is set in both
    files, and what makes no sense.
    """
    written = parse(_decoded(text, name), name)
    kept, problems = _kept(config, written)
    found, more = check(_CONFIG, kept)
    if found is None or problems:
        raise ConfigError(sorted((*problems, *more), key=lambda problem: problem.line))
    laid: dict[str, object] = {key: getattr(found, key) for key in SETTINGS if key in found.model_fields_set}
    given = _Given(found.routes if isinstance(found.routes, tuple) else (), written, name, ("routes",))
    heard = tuple(given.heard()) if "routes" in laid else config.heard
    whole = _with(config, laid, _Read(config.path, {**config.places, **_spots(written)}, heard))
    if wrong := [*_contradictions(whole, written), *_contradicting_routes(whole, given)]:
        raise ConfigError(wrong)
    return whole


def _decoded(text: bytes, name: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        said = f"{name} cannot be read: it is not UTF-8 text."
        raise ConfigError([Problem(name, 1, 1, "config-unreadable", said)]) from None


def _kept(config: Config, written: Written) -> tuple[Written, list[Problem]]:
    """What of a file of settings may count, as a whole configuration; and what is wrong with the rest."""
    given = written.data if written.data is not None else {}
    if not isinstance(given, dict):
        return written, []
    problems = [each for key in given for each in _trespass(config, written, str(key))]
    if isinstance(given.get("routes"), str):
        said = (
            "`routes`: write the routes themselves here, as a list; a file of them can be named in the local file only."
        )
        problems.append(written.problem(("routes",), said))
    kept = {key: given[key] for key in SETTINGS if key in given and (key, type(given[key])) != ("routes", str)}
    return replace(written, data=kept | {"site": {"profile": config.site.profile, "timezone": "UTC"}}), problems


def _trespass(config: Config, written: Written, key: str) -> Iterator[Problem]:
    if key in SETTINGS and (spot := config.places.get((key,))):
        yield written.problem((key,), f"`{key}` is set here and in {spot}; keep one of the two.", "config-doubled-key")
    elif key in Config.model_fields and key not in SETTINGS:
        said = f"`{key}` can be set in {config.path} only: whoever can push here must not reach secrets or memory."
        yield written.problem((key,), said, "config-not-here")
    elif key not in SETTINGS:
        fix = nearest(key, SETTINGS)
        yield written.problem((key,), f"`{key}` is not a setting.", "config-unknown-key", fix)


# What makes no sense together ----------------------------------------------------------------------------------------


def _contradictions(config: Config, written: Written) -> Iterator[Problem]:
    """What is readable setting by setting and makes no sense."""
    for transition, handling in config.transitions.items():
        if handling.lead == FROM_OPENING and transition is not Transition.CLOSE:
            why = f"`{FROM_OPENING}` is a lead for close only; write a span for {transition}."
            yield written.problem(("transitions", transition, "lead"), why)
    if len({name.casefold() for name in config.apprise}) < len(config.apprise):
        why = "Two names differ by case only, and so would share one address in the environment."
        yield written.problem(("apprise",), why)
    if config.announce == "live" and config.public.url is None:
        why = "`live` waits for the public page, and there is no `public.url` that says where it is."
        yield written.problem(("announce",), why)
    for state in State if config.announce == "live" else ():
        if not config.public.shows.get(state, "").strip():
            why = f"`live` waits until the page shows the new state, and `public.shows` does not say what `{state}` is."
            yield written.problem(("announce",), why)


def _contradicting_routes(config: Config, given: _Given) -> Iterator[Problem]:
    """Routes that lead to what is not there."""
    for number, each in enumerate(given.routes):
        if config.email is None and any(channel == "email" for channel, _ in each.to):
            why = "This route leads to email, and there is no `email` that says which mail server to use."
            yield given.problem(number, why)
        for name in sorted({name for channel, name in each.to if channel == "apprise"} - set(config.apprise)):
            yield given.problem(number, f"This route leads to apprise:{name}, and `apprise` does not name it.")


def clashes(configs: Iterable[Config]) -> list[Problem]:
    """Every two sites of one service that would share one ledger, and so take each other's memory for their own."""
    first: dict[tuple[str, ...], Config] = {}
    problems = []
    for config in configs:
        other = first.setdefault(_identity(config), config)
        if other is not config:
            said = f"This is the ledger of {other.path}, too; every site needs one of its own."
            problems.append(config.problem(("ledger",), said))
    return problems


def _identity(config: Config) -> tuple[str, ...]:
    """What tells one ledger from another: a file wherever it is seen from, or a schema whoever signs in."""
    if isinstance(config.ledger, Path):
        return (realpath(config.at(config.ledger)),)  # which takes links that lead in a circle, too
    address = urlsplit(config.ledger)
    given = parse_qs(address.query)
    host = given.get("host", [address.hostname or ""])[0]
    return host, str(address.port or 5432), unquote(address.path), given.get("schema", [LEDGER_SCHEMA])[0]


# Profiles ------------------------------------------------------------------------------------------------------------


def load_profile(config: Config) -> Profile:
    """The profile that the configuration names: a shipped one, or a file of the site's own."""
    name = config.site.profile
    profile = shipped_profiles().get(name)
    if profile is None:
        own = config.at(Path(name))
        if not own.exists():
            raise ConfigError([config.problem(("site", "profile"), _no_profile(name), "config-missing")])
        profile = read_profile(own)
    return replace(profile, early_close=config.site.early_close) if config.site.early_close else profile


def _no_profile(name: str) -> str:
    shipped = sorted(shipped_profiles())
    said = f"`profile`: {name} is no profile that comes with postbot ({', '.join(shipped)}), and no file."
    return " ".join(filter(None, (said, nearest(name, shipped))))


@cache
def shipped_profiles() -> Mapping[str, Profile]:
    """The profiles that come with postbot, by name."""
    return {path.stem: read_profile(path) for path in sorted((shipped() / "profiles").glob("*.yaml"))}


def read_profile(path: Path) -> Profile:
    """Read one profile file. Raises `ConfigError` with every problem."""
    return checked(_PROFILE, parse(text_of(path), str(path)))


def shipped() -> Path:
    """The folder of the shipped configuration: inside the installed package, or `config/` of a checkout."""
    package = Path(__file__).parent
    inside = package / "config"
    return inside if inside.is_dir() else package.parent / "config"

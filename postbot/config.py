"""Configuration: `postbot.yaml` and the profiles it names, read once and frozen.

Every mistake is found at once and told as a `Problem` with file, line and the nearest valid key. Unknown keys are
errors. Nothing here opens a repository, a ledger or a connection.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from postbot.core.announce import Audience, Route
from postbot.core.lifecycle import Transition
from postbot.core.plan.steps import Handling, MergeWhen, Policy
from postbot.core.problem import PostbotError, Problem
from postbot.core.profile import EarlyClose, Profile

CONFIG_NAME = "postbot.yaml"

FROM_OPENING: Final = "from opening"
"""The lead of a closing whose pull request is prepared as soon as the position is open."""

_SPAN = re.compile(r"(\d+)\s*(second|minute|hour|day|week)s?", re.IGNORECASE)
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


class ConfigError(PostbotError):
    """The configuration cannot be used; `problems` says every reason at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{problem} {problem.fix or ''}".rstrip() for problem in problems))
        self.problems = tuple(problems)


def _span(value: object) -> object:
    """Read `5 days`, `90 minutes`, `0 hours`."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a span such as 5 days, 4 hours or 30 minutes")
    try:
        return timedelta(**{f"{found[2].lower()}s": int(found[1])})
    except OverflowError:
        raise ValueError("that is longer than calendars go") from None


def _lead(value: object) -> object:
    """Read a span, or `from opening`."""
    return value if value == FROM_OPENING else _span(value)


def _zone(value: object) -> object:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value}; write an IANA name such as America/New_York") from None


def _route(value: object) -> object:
    channel, colon, recipient = str(value).partition(":")
    if not colon or not channel or not recipient.strip():
        raise ValueError("write CHANNEL:RECIPIENT, such as folder:openings@example.org")
    return channel.strip(), recipient.strip()


def _server(value: object) -> object:
    address = urlsplit(value) if isinstance(value, str) else None
    if not address or not address.hostname or address.scheme not in ("https", "http"):
        raise ValueError("write the address of the server's interface, such as https://github.example.org/api/v3")
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("write https: over http anybody on the way could read the sign-in")
    return value


def _repository(value: object) -> object:
    if not isinstance(value, str) or not _REPOSITORY.fullmatch(value):
        raise ValueError("write OWNER/NAME, as in the repository's address")
    return value


Span = Annotated[timedelta, BeforeValidator(_span)]
Lead = Annotated[timedelta | Literal["from opening"], BeforeValidator(_lead)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Server = Annotated[str, BeforeValidator(_server)]
Repository = Annotated[str, BeforeValidator(_repository)]
Recipient = Annotated[tuple[str, str], BeforeValidator(_route)]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class SiteConfig(_Declared):
    """Which repository, branch and folders hold the postings, and what kind of site it is."""

    repo: Path = Path()
    base: str = "main"
    folders: tuple[str, ...] = ()
    profile: str
    timezone: Zone
    early_close: EarlyClose | None = None


class AppConfig(_Declared):
    """The GitHub App that postbot signs in as; its private key is a secret of the environment."""

    id: int | str
    installation: int


class GitHubConfig(_Declared):
    """The repository on GitHub that holds the postings, and how its pull requests are made and merged."""

    repository: Repository
    server: Server = "https://api.github.com"
    app: AppConfig | None = None
    merge_method: Literal["merge", "squash", "rebase"] = "squash"
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    pace: Span = timedelta(seconds=1)
    cache: Path = Path(".postbot/cache")


class TransitionConfig(_Declared):
    """When the pull request for a transition is opened (for a closing also: from the opening on), and who merges it."""

    lead: Lead = timedelta(0)
    merge: MergeWhen = MergeWhen.REVIEW

    @property
    def handling(self) -> Handling:
        """The same as a rule of the plan."""
        if self.lead == FROM_OPENING:
            return Handling(merge=self.merge, prestage=True)
        return Handling(self.lead, self.merge)


class ApprovalConfig(_Declared):
    """Whether who asks for something may approve it, and by which name each who asks approves."""

    two_people: bool = False
    people: dict[str, str] = Field(default_factory=dict)


class SafetyConfig(_Declared):
    """How many postings may move in one look before the plan is held."""

    most_moves: int = Field(default=5, ge=1)
    most_share: float = Field(default=0.2, ge=0, le=1)


class FolderConfig(_Declared):
    """Where the folder channel puts its files."""

    path: Path = Path(".postbot/announcements")


class Config(_Declared):
    """Everything that `postbot.yaml` says. Relative paths are relative to the folder that file is in."""

    site: SiteConfig
    github: GitHubConfig | None = None
    ledger: Path = Path(".postbot/ledger.db")
    transitions: dict[Transition, TransitionConfig] = Field(default_factory=dict)
    ask: tuple[Span, ...] = (timedelta(days=5), timedelta(days=2), timedelta(days=1), timedelta(0))
    remind: tuple[Span, ...] = (timedelta(0), timedelta(hours=4), timedelta(hours=24))
    safety: SafetyConfig = SafetyConfig()
    approval: ApprovalConfig = ApprovalConfig()
    folder: FolderConfig = FolderConfig()
    announce: dict[Audience, tuple[Recipient, ...]] = Field(default_factory=dict)
    root: Path = Field(default=Path(), exclude=True)

    @property
    def policy(self) -> Policy:
        """The rules of the plan."""
        return Policy(
            zone=self.site.timezone,
            handling={name: given.handling for name, given in self.transitions.items()},
            ask=self.ask,
            remind=self.remind,
            most_moves=self.safety.most_moves,
            most_share=self.safety.most_share,
            staff=tuple(recipient for _, recipient in self.announce.get(Audience.STAFF, ())),
            two_people=self.approval.two_people,
            people=self.approval.people,
        )

    @property
    def routes(self) -> tuple[Route, ...]:
        """Who hears what."""
        return tuple(
            Route(audience, channel, recipient)
            for audience, recipients in self.announce.items()
            for channel, recipient in recipients
        )

    def at(self, path: Path) -> Path:
        """A path of the configuration, seen from the folder that its file is in."""
        return self.root / path


def load(path: Path) -> Config:
    """Read `postbot.yaml`. Raises `ConfigError` with every problem."""
    text = _text(path)
    config: Config = _checked(TypeAdapter(Config), text, str(path))
    if wrong := [_value_problem(str(path), text, where, message) for where, message in _contradictions(config)]:
        raise ConfigError(wrong)
    return config.model_copy(update={"root": path.parent})


def _contradictions(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is readable setting by setting and makes no sense: the place of each, and a sentence."""
    for name, given in config.transitions.items():
        if given.lead == FROM_OPENING and name is not Transition.CLOSE:
            yield ("transitions", name, "lead"), f"`{FROM_OPENING}` is a lead for close only; write a span for {name}."
    channels = {channel for recipients in config.announce.values() for channel, _ in recipients}
    for unknown in sorted(channels - {"console", "folder"}):
        yield ("announce",), f"There is no channel `{unknown}`; there are console and folder."


def _value_problem(path: str, text: str, where: tuple[str, ...], message: str) -> Problem:
    return Problem(path, _line_of(text, where), 1, "config-value", message)


def load_profile(config: Config) -> Profile:
    """The profile that the configuration names: a shipped one, or a file of the site's own."""
    name = config.site.profile
    profile = shipped_profiles().get(name) or read_profile(config.at(Path(name)))
    return replace(profile, early_close=config.site.early_close) if config.site.early_close else profile


@cache
def shipped_profiles() -> Mapping[str, Profile]:
    """The profiles that come with postbot, by name."""
    return {path.stem: read_profile(path) for path in sorted((shipped() / "profiles").glob("*.yaml"))}


def read_profile(path: Path) -> Profile:
    """Read one profile file. Raises `ConfigError` with every problem."""
    profile: Profile = _checked(TypeAdapter(Profile), _text(path), str(path))
    return profile


def secret(name: str) -> str:
    """A secret of the environment: the variable `name`, or the text of the file that `NAME_FILE` names.

    Raises `ConfigError` when there is none or it cannot be used; what it holds is in no message.
    """
    text, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if not text and path:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise _unusable(name, f"{name}_FILE names {path}, which cannot be read: {why}.") from None
    text = text.strip()
    if not text:
        raise _unusable(name, f"There is no {name}. Set it, or name a file that holds it with {name}_FILE.")
    if not text.startswith("-----BEGIN") and not all("!" <= letter <= "~" for letter in text):
        raise _unusable(name, f"{name} holds blanks or characters that no such secret has; was it pasted whole?")
    return text


def _unusable(name: str, message: str) -> ConfigError:
    return ConfigError([Problem(name, 1, 1, "config-secret", message)])


def shipped() -> Path:
    """The folder of the shipped configuration: inside the installed package, or `config/` of a checkout."""
    package = Path(__file__).parent
    inside = package / "config"
    return inside if inside.is_dir() else package.parent / "config"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"There is no {path.name} here. Make one with: postbot init"
        raise ConfigError([Problem(str(path), 1, 1, "config-missing", message)]) from None
    except (OSError, UnicodeDecodeError) as error:
        said = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            [Problem(str(path), 1, 1, "config-unreadable", f"{path.name} cannot be read: {said}.")]
        ) from None


def _checked(adapter: TypeAdapter[Any], text: str, path: str) -> Any:  # noqa: ANN401 - the caller names the type
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"This is not valid YAML: {getattr(error, 'problem', None) or error}."
        raise ConfigError([Problem(path, line, column, "config-yaml", message)]) from None
    try:
        return adapter.validate_python(data if data is not None else {})
    except ValidationError as error:
        problems = [_problem(path, text, dict(found), adapter) for found in error.errors()]
        raise ConfigError(sorted(problems, key=lambda problem: problem.line)) from None


def _problem(path: str, text: str, found: dict[str, Any], adapter: TypeAdapter[Any]) -> Problem:
    where = tuple(str(part) for part in found["loc"] if not str(part).startswith("function-"))
    name = ".".join(where) or "the file"
    line = _line_of(text, where)
    match found["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            fix = _nearest(where[-1], _keys(adapter.json_schema(), where[:-1]))
            return Problem(path, line, 1, "config-unknown-key", f"`{name}` is not a setting.", fix=fix)
        case "enum" if where[-1:] == ("[key]",):
            fix = _nearest(where[-2], re.findall("'([^']+)'", found["ctx"]["expected"]))
            name = ".".join(where[:-1])
            return Problem(path, line, 1, "config-unknown-key", f"`{name}` is not a setting.", fix=fix)
        case "missing" | "missing_argument":
            return Problem(path, line, 1, "config-missing-key", f"`{name}` is needed and not given.")
        case _:
            words = str(found["msg"]).removeprefix("Value error, ")
            return Problem(path, line, 1, "config-value", f"`{name}`: {words[:1].lower()}{words[1:]}.")


def _nearest(word: str, words: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(word, words, 1)
    return f"Did you mean `{near[0]}`?" if near else None


def _keys(schema: Mapping[str, Any], where: Sequence[str]) -> list[str]:
    """The settings that may stand at this place of the configuration."""
    here: Mapping[str, Any] = schema
    for part in ("", *where):
        here = here.get("properties", {}).get(part, here.get("additionalProperties") or here) if part else here
        options = [here, *here.get("anyOf", ())]
        reference = next((option["$ref"] for option in options if "$ref" in option), None)
        if reference:
            here = schema["$defs"][reference.rsplit("/", 1)[-1]]
    return list(here.get("properties", {}))


def _line_of(text: str, where: Sequence[str]) -> int:
    """The line of the deepest part of the path that the file has."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
    return line

"""Configuration: `postbot.yaml`, and the routes and profiles it names, read once and frozen.

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
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
)

from postbot.censor import keep
from postbot.core.announce import Event
from postbot.core.announce.routes import Route, field_of
from postbot.core.lifecycle import Transition
from postbot.core.plan.steps import Handling, MergeWhen, Policy
from postbot.core.problem import PostbotError, Problem
from postbot.core.profile import EarlyClose, Profile, State
from postbot.core.text.scalar import unprintable
from postbot.settings import (
    FROM_OPENING,
    Hears,
    Lead,
    ListAddress,
    ListId,
    Patience,
    Patterns,
    Recipients,
    Repository,
    SecretName,
    Sender,
    Server,
    SiteAddress,
    Span,
    Zone,
)

CONFIG_NAME = "postbot.yaml"
ROUTES_NAME = "routes.yaml"


class ConfigError(PostbotError):
    """The configuration cannot be used; `problems` says every reason at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{problem} {problem.fix or ''}".rstrip() for problem in problems))
        self.problems = tuple(problems)


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


class SoonConfig(_Declared):
    """How long before an opening and a closing those who follow the site are told of it."""

    opening: tuple[Span, ...] = ()
    closing: tuple[Span, ...] = (timedelta(days=3),)


class PublicConfig(_Declared):
    """The published site: its name and address, and how its pages show that they are up to date."""

    name: str = ""
    url: SiteAddress | None = None
    within: Span = timedelta(minutes=30)
    shows: dict[State, str] = Field(default_factory=dict)


class RouteConfig(_Declared):
    """Who hears what: recipients, events, and which postings."""

    to: Recipients
    hear: Hears
    where: dict[str, Patterns] = Field(default_factory=dict)


Routes = Annotated[
    Annotated[Path, Tag("(file)")] | Annotated[tuple[RouteConfig, ...], Tag("(list)")],
    Discriminator(lambda given: "(file)" if isinstance(given, str | Path) else "(list)"),
]
"""A file of routes, or the routes themselves. The tags are in brackets so that no place of a problem names them."""


class ListConfig(_Declared):
    """A mailing list: the name of the secret that lets our mail through, and its List-Id where the list is ours."""

    approved: SecretName = ""
    list_id: ListId = ""


class EmailConfig(_Declared):
    """The mail server, and whom mails are from. With a username its password is a secret of the environment."""

    server: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    username: str = ""
    sender: Sender
    timeout: Patience = timedelta(seconds=30)
    when_unknown: Literal["hold", "send again"] = "hold"
    lists: dict[ListAddress, ListConfig] = Field(default_factory=dict)


class SlackConfig(_Declared):
    """Where Slack is. The token is a secret of the environment."""

    server: Server = "https://slack.com/api/"


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
    announce: Literal["merged", "live"] = "merged"
    public: PublicConfig = PublicConfig()
    soon: SoonConfig = SoonConfig()
    routes: Routes = ()
    words: Path | None = None
    email: EmailConfig | None = None
    slack: SlackConfig = SlackConfig()
    apprise: tuple[SecretName, ...] = ()
    folder: FolderConfig = FolderConfig()
    root: Path = Field(default=Path(), exclude=True)
    heard: tuple[Route, ...] = Field(default=(), exclude=True)

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
            opening_soon=self.soon.opening,
            closing_soon=self.soon.closing,
            staff=tuple(dict.fromkeys(each.recipient for each in self.heard if _is_for_staff(each))),
            two_people=self.approval.two_people,
            people=self.approval.people,
        )

    def at(self, path: Path) -> Path:
        """A path of the configuration, seen from the folder that its file is in."""
        return self.root / path


def _is_for_staff(route: Route) -> bool:
    """Whether a route hears what waits for a person, whatever the posting."""
    return Event.WAITING in route.hears and not route.where and field_of(route.recipient) is None


def load(path: Path) -> Config:
    """Read `postbot.yaml`, and the routes where it names a file of them. Raises `ConfigError` with every problem."""
    text = _text(path)
    config: Config = _checked(TypeAdapter(Config), text, str(path))
    where, written, given = (str(path), text, config.routes)
    if isinstance(given, Path):
        where = str(path.parent / given)
        written = _text(Path(where))
        given = _checked(TypeAdapter(tuple[RouteConfig, ...]), written, where, empty=())
    inline = where == str(path)
    wrong = [_value_problem(str(path), text, place, message) for place, message in _contradictions(config, given)]
    if wrong:
        raise ConfigError(wrong)
    heard = tuple(_routes(given, Path(where).name, written, ("routes",) if inline else ()))
    return config.model_copy(update={"root": path.parent, "heard": heard})


def _routes(given: Sequence[RouteConfig], name: str, text: str, above: tuple[str, ...]) -> Iterator[Route]:
    for number, each in enumerate(given):
        place = f"{name} line {_line_of(text, (*above, str(number)))}"
        for channel, recipient in each.to:
            yield Route(channel, recipient, each.hear, each.where, place)


def _contradictions(config: Config, given: Sequence[RouteConfig]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is readable setting by setting and makes no sense: the place of each, and a sentence."""
    for transition, handling in config.transitions.items():
        if handling.lead == FROM_OPENING and transition is not Transition.CLOSE:
            why = f"`{FROM_OPENING}` is a lead for close only; write a span for {transition}."
            yield ("transitions", transition, "lead"), why
    to = {recipient for each in given for recipient in each.to}
    if config.email is None and any(channel == "email" for channel, _ in to):
        yield ("routes",), "A route leads to email, and there is no `email` that says which mail server to use."
    for name in sorted({name for channel, name in to if channel == "apprise"} - set(config.apprise)):
        yield ("routes",), f"A route leads to apprise:{name}, and `apprise` does not name it."
    if len({name.casefold() for name in config.apprise}) < len(config.apprise):
        yield ("apprise",), "Two names differ by case only, and so would share one address in the environment."
    yield from _live_contradictions(config)


def _live_contradictions(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    if config.announce != "live":
        return
    if config.public.url is None:
        yield ("announce",), "`live` waits for the public page, and there is no `public.url` that says where it is."
    for state in State:
        if not config.public.shows.get(state, "").strip():
            why = f"`live` waits until the page shows the new state, and `public.shows` does not say what `{state}` is."
            yield ("announce",), why


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


def secret(name: str, also: str = "") -> str:
    """A secret of the environment: the variable `name`, or the text of the file that `NAME_FILE` names.

    It is plain ASCII without blanks; `also` are other characters that it may hold. Raises `ConfigError` when there is
    none or it cannot be used; what it holds is in no message.
    """
    text = _secret_text(name)
    if not text.startswith("-----BEGIN") and not all("!" <= letter <= "~" or letter in also for letter in text):
        raise _unusable(name, f"{name} holds blanks or characters that no such secret has; was it pasted whole?")
    return text


def password(name: str) -> str:
    """A secret that a person may have chosen: unlike a token it may hold blanks and any letters. Raises as `secret`."""
    text = _secret_text(name)
    if unprintable(text):
        raise _unusable(name, f"{name} holds a line break or a control character; was it pasted whole?")
    return text


def _secret_text(name: str) -> str:
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
    return keep(text)


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
        how = " Make one with: postbot init" if path.name == CONFIG_NAME else ""
        message = f"There is no {path.name} here.{how}"
        raise ConfigError([Problem(str(path), 1, 1, "config-missing", message)]) from None
    except (OSError, UnicodeDecodeError) as error:
        said = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            [Problem(str(path), 1, 1, "config-unreadable", f"{path.name} cannot be read: {said}.")]
        ) from None


def _checked(adapter: TypeAdapter[Any], text: str, path: str, empty: object = None) -> Any:  # noqa: ANN401 - the caller names the type
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"This is not valid YAML: {getattr(error, 'problem', None) or error}."
        raise ConfigError([Problem(path, line, column, "config-yaml", message)]) from None
    try:
        return adapter.validate_python(data if data is not None else {} if empty is None else empty)
    except ValidationError as error:
        problems = [_problem(path, text, dict(found), adapter) for found in error.errors()]
        raise ConfigError(sorted(problems, key=lambda problem: problem.line)) from None


def _problem(path: str, text: str, found: dict[str, Any], adapter: TypeAdapter[Any]) -> Problem:
    where = tuple(str(part) for part in found["loc"] if not str(part).startswith(("function-", "(")))
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
    here = list(_shapes(schema, schema))
    for part in where:
        below = (_below(shape, part) for shape in here)
        here = [shape for found in below if found for shape in _shapes(found, schema)]
    return [name for shape in here for name in shape.get("properties", {})]


def _shapes(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What may stand in one place: the shape itself, and every other that it refers to."""
    yield shape
    others = (*shape.get("anyOf", ()), *shape.get("oneOf", ()))
    if "$ref" in shape:
        others = (*others, schema["$defs"][shape["$ref"].rsplit("/", 1)[-1]])
    for other in others:
        yield from _shapes(other, schema)


def _below(shape: Mapping[str, Any], part: str) -> Mapping[str, Any] | None:
    """What may stand under a name, or at a place of a list."""
    others = shape.get("items") if part.isdigit() else shape.get("additionalProperties")
    found = shape.get("properties", {}).get(part) or others
    return found if isinstance(found, Mapping) else None


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

"""The sections of `postbot.yaml` as frozen values: what may stand in each, and what holds where it says nothing.

A section's class says what it is for; each setting is explained where it is shown, in `config/postbot.yaml`. Nothing
here reads a file or looks at two sections together; that is the business of `postbot.config`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from postbot.core.plan.rights import Role
from postbot.core.plan.steps import Handling, MergeWhen
from postbot.core.profile import EarlyClose, State
from postbot.declared import Declared
from postbot.settings import (
    FROM_OPENING,
    Actions,
    AppId,
    Country,
    Hears,
    Lead,
    ListAddress,
    ListId,
    Members,
    Patience,
    Patterns,
    Port,
    Recipients,
    Repository,
    RepositoryPath,
    SecretName,
    Sender,
    Server,
    Share,
    SiteAddress,
    Span,
    Whole,
    YesNo,
    Zone,
)


class SiteConfig(Declared):
    """Which repository, branch and folders hold the postings, and what kind of site it is."""

    repo: Path = Path()
    base: str = "main"
    folders: tuple[str, ...] = ()
    profile: str
    timezone: Zone
    early_close: EarlyClose | None = None
    holidays: Country | None = None
    settings: RepositoryPath | None = None


class AppConfig(Declared):
    """The GitHub App that postbot signs in as; its private key is a secret of the environment."""

    id: AppId
    installation: Whole


class GitHubConfig(Declared):
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


class TransitionConfig(Declared):
    """When the pull request for a transition is opened (for a closing also: from the opening on), and who merges it."""

    lead: Lead = timedelta(0)
    merge: MergeWhen = MergeWhen.REVIEW

    @property
    def handling(self) -> Handling:
        """The same as a rule of the plan."""
        if self.lead == FROM_OPENING:
            return Handling(merge=self.merge, prestage=True)
        return Handling(self.lead, self.merge)


class ApprovalConfig(Declared):
    """Whether who asks for something may approve it, and by which name each who asks approves."""

    two_people: YesNo = False
    people: dict[str, str] = Field(default_factory=dict)


class SafetyConfig(Declared):
    """How many postings may move in one look before the plan is held."""

    most_moves: Whole = Field(default=5, ge=1)
    most_share: Share = 0.2


class SoonConfig(Declared):
    """How long before an opening and a closing those who follow the site are told of it."""

    opening: tuple[Span, ...] = ()
    closing: tuple[Span, ...] = (timedelta(days=3),)


class PublicConfig(Declared):
    """The published site: its name and address, and how its pages show that they are up to date."""

    name: str = ""
    url: SiteAddress | None = None
    within: Span = timedelta(minutes=30)
    shows: dict[State, str] = Field(default_factory=dict)


class RouteConfig(Declared):
    """Who hears what: recipients, events, and which postings."""

    to: Recipients
    hear: Hears
    where: dict[str, Patterns] = Field(default_factory=dict)


Routes = Annotated[
    Annotated[Path, Tag("(file)")] | Annotated[tuple[RouteConfig, ...], Tag("(list)")],
    Discriminator(lambda given: "(file)" if isinstance(given, str | Path) else "(list)"),
]
"""A file of routes, or the routes themselves. The tags are in brackets so that no place of a problem names them."""


class RoleConfig(Declared):
    """Who in Slack may have what done to which postings."""

    who: Members
    may: Actions
    where: dict[str, Patterns] = Field(default_factory=dict)

    @property
    def role(self) -> Role:
        """The same as a value of the core."""
        return Role(frozenset(self.who), self.may, self.where)


class ListConfig(Declared):
    """A mailing list: the name of the secret that lets our mail through, and its List-Id where the list is ours."""

    approved: SecretName = ""
    list_id: ListId = ""


class EmailConfig(Declared):
    """The mail server, and whom mails are from. With a username its password is a secret of the environment."""

    server: str
    port: Port = 587
    security: Literal["tls", "starttls", "none"] = "starttls"
    username: str = ""
    sender: Sender
    timeout: Patience = timedelta(seconds=30)
    when_unknown: Literal["hold", "send again"] = "hold"
    lists: dict[ListAddress, ListConfig] = Field(default_factory=dict)


class SlackConfig(Declared):
    """Where Slack is. The token is a secret of the environment."""

    server: Server = "https://slack.com/api/"


class FolderConfig(Declared):
    """Where the folder channel puts its files."""

    path: Path = Path(".postbot/announcements")

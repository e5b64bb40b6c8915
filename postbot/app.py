"""The only wiring: a configuration becomes a bot. The one place that names concrete hosts and channels."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from postbot.channels.console import Console
from postbot.channels.folder import Folder
from postbot.config import Config, GitHubConfig, load_profile, secret
from postbot.core.announce import Words
from postbot.hosts.github import Api, App, GitHubHost, Habits, SignIn, Token
from postbot.hosts.local import LocalHost
from postbot.ledger import Ledger
from postbot.reconcile import Bot, Channel


def build(
    config: Config,
    *,
    write: Callable[[str], None] = print,
    now: Callable[[], datetime] | None = None,
    ledger: Path | None = None,
) -> Bot:
    """Make the bot that the configuration describes. `write` is where the console channel speaks.

    `ledger` replaces the ledger's path, for whoever only looks at a site that has none yet.

    Raises `ConfigError`, `HostError` and `LedgerError`, each a sentence for the person who must act.
    """
    channels: dict[str, Channel] = {
        "console": Console(write),
        "folder": Folder(config.at(config.folder.path), now or clock),
    }
    return Bot(
        host(config),
        Ledger.open(ledger or config.at(config.ledger)),
        channels,
        profile=load_profile(config),
        policy=config.policy,
        routes=config.routes,
        words=words(),
    )


def host(config: Config) -> LocalHost | GitHubHost:
    """The host that keeps the site. Raises `ConfigError` when its sign-in is missing."""
    site, github = config.site, config.github
    if github is None:
        return LocalHost(config.at(site.repo), site.base, site.folders)
    api = Api(github.repository, sign_in(github), github.server, github.pace)
    habits = Habits(
        merge_method=github.merge_method,
        labels=github.labels,
        reviewers=github.reviewers,
        assignees=github.assignees,
        verdicts=config.policy.two_people,
    )
    return GitHubHost(api, site.base, site.folders, habits=habits, cache=config.at(github.cache))


def sign_in(github: GitHubConfig) -> SignIn:
    """Who we are to GitHub; the secret is taken from the environment."""
    if github.app is None:
        return Token(secret("POSTBOT_GITHUB_TOKEN"))
    return App(str(github.app.id), github.app.installation, secret("POSTBOT_GITHUB_KEY"))


def words() -> Words:
    """The texts of every message, by event and part."""
    folder = Path(__file__).parent / "messages"
    return {f"{path.parent.name}/{path.name}": path.read_text(encoding="utf-8") for path in folder.glob("*/*.txt")}


def clock() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)

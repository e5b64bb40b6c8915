"""The only wiring: a configuration becomes a bot. The one place that names concrete hosts and channels."""

import difflib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from postbot.channels.console import Console
from postbot.channels.folder import Folder
from postbot.config import Config, ConfigError, load, load_profile, with_settings
from postbot.core.announce.words import Voice, Words, WordsError
from postbot.core.plan.preview import try_words
from postbot.core.site import Path as SitePath
from postbot.hosts.local import LocalHost
from postbot.ledger import Ledger
from postbot.reconcile import Bot
from postbot.roster import PATIENCE, Roster, Workspace
from postbot.secrets import password, secret
from postbot.sections import EmailConfig, GitHubConfig, ListConfig
from postbot.speaking import Channel

if TYPE_CHECKING:
    from postbot.hosts.github import GitHubHost, SignIn
    from postbot.page import PublicSite


def configured(path: Path) -> Config:
    """The configuration that counts: the local file, and the settings on the base branch where it names them.

    Raises `ConfigError` with every problem, and `HostError` where the branch cannot be read.
    """
    config = load(path)
    name = config.site.settings
    if name is None:
        return config
    text = host(config).read(SitePath(name))
    if text is None:
        said = f"There is no {name} on the branch {config.site.base}, and `site.settings` names it."
        raise ConfigError([config.problem(("site", "settings"), said, "config-missing")])
    return with_settings(config, text, f"{config.site.base}:{name}")


def build(
    config: Config,
    *,
    write: Callable[[str], None] = print,
    now: Callable[[], datetime] | None = None,
    ledger: Path | None = None,
    speaks: bool = True,
) -> Bot:
    """Make the bot that the configuration describes. `write` is where the console channel speaks.

    `ledger` replaces the ledger's path, for whoever only looks at a site that has none yet. Who only looks says that it
    does not speak, and needs no channel's secret.

    Raises `ConfigError`, `HostError`, `LedgerError` and `WordsError`, each a sentence for the person who must act.
    """
    return Bot(
        host(config),
        channels=channels(config, write, now or clock) if speaks else {},
        profile=load_profile(config),
        policy=config.policy,
        voice=voice(config),
        public=_public(config),
        within=config.public.within,
        roster=roster(config),
        ledger=Ledger.open(ledger or config.ledger_at),  # last, for whoever opens it has to close it again
    )


def _public(config: Config) -> "PublicSite | None":
    """The pages that are looked at before a message goes out; None where none goes by them."""
    if config.announce != "live" or not config.public.url:
        return None
    from postbot.page import PublicSite  # noqa: PLC0415 - slow to import, and few look

    return PublicSite(config.public.url)


def roster(config: Config) -> Roster | None:
    """Who in Slack may ask for what; None where nobody may. Raises `ConfigError` for a missing secret."""
    if not config.roles:
        return None
    workspace = _workspace(secret("POSTBOT_SLACK_TOKEN", site=config.secrets), config.slack.server)
    return Roster(workspace, config.rights, config.approval.people, config.approval.two_people)


@cache
def _workspace(token: str, server: str) -> Workspace:
    """One for all sites of a process that have the same token, so that Slack is asked once about a person."""
    from postbot.channels.slack import client  # noqa: PLC0415 - slow to import, and few have roles

    # Longer than anybody waits, so that it shows who hangs and who only fails.
    return Workspace(client(token, server, timedelta(seconds=2 * PATIENCE)))


def channels(config: Config, write: Callable[[str], None], now: Callable[[], datetime]) -> dict[str, Channel]:
    """The channels that the routes use, and the two that need nothing. Raises `ConfigError` for a missing secret."""
    used = {route.channel for route in config.heard}
    made: dict[str, Channel] = {"console": Console(write), "folder": Folder(config.at(config.folder.path), now)}
    if "email" in used and config.email:
        made["email"] = email(config.email, now, config.secrets)
    if "slack" in used or config.roles:  # who asks from there is answered there
        from postbot.channels.slack import Slack  # noqa: PLC0415 - slow to import, and only who speaks needs it

        made["slack"] = Slack(secret("POSTBOT_SLACK_TOKEN", site=config.secrets), server=config.slack.server)
    if "apprise" in used:
        made["apprise"] = _apprise(config.apprise, config.secrets)
    return made


def email(given: EmailConfig, now: Callable[[], datetime], site: str = "") -> Channel:
    """The mail channel; `site` names the site's own secrets.

    Raises `ConfigError` for a missing secret, `MailError` where a subject could add a header.
    """
    from postbot.channels.email import Email, MailingList, Security, Server, self_test  # noqa: PLC0415 - for who speaks

    self_test()
    return Email(
        Server(given.server, given.port, Security(given.security), given.username, given.timeout),
        given.sender,
        password=password("POSTBOT_SMTP_PASSWORD", site) if given.username else "",
        lists={address: MailingList(_approved(each, site), each.list_id) for address, each in given.lists.items()},
        resends=given.when_unknown == "send again",
        now=now,
    )


def _approved(given: ListConfig, site: str) -> str:
    """The password of a list's moderator: one line of a header, and so plain ASCII."""
    return secret(f"POSTBOT_APPROVED_{given.approved}", also=" ", site=site) if given.approved else ""


def _apprise(names: Iterable[str], site: str) -> Channel:
    from postbot.channels.apprise import Apprise  # noqa: PLC0415 - an extra that few have

    return Apprise({name: secret(f"POSTBOT_APPRISE_{name.upper()}", site=site) for name in names})


def host(config: Config) -> "LocalHost | GitHubHost":
    """The host that keeps the site. Raises `ConfigError` when its sign-in is missing."""
    if config.github is None:
        return LocalHost(config.at(config.site.repo), config.site.base, config.site.folders)
    return _on_github(config, config.github)


def _on_github(config: Config, github: GitHubConfig) -> "GitHubHost":
    from postbot.hosts.github import Api, GitHubHost, Habits  # noqa: PLC0415 - slow to import, and plain git needs none

    api = Api(github.repository, sign_in(github, config.secrets), github.server, github.pace)
    habits = Habits(
        merge_method=github.merge_method,
        labels=github.labels,
        reviewers=github.reviewers,
        assignees=github.assignees,
        verdicts=config.policy.two_people,
    )
    return GitHubHost(api, config.site.base, config.site.folders, habits=habits, cache=config.at(github.cache))


def sign_in(github: GitHubConfig, site: str = "") -> "SignIn":
    """Who we are to GitHub; the secret is taken from the environment, first from those of `site`."""
    from postbot.hosts.github import App, Token  # noqa: PLC0415 - slow to import, and only GitHub asks

    if github.app is None:
        return Token(secret("POSTBOT_GITHUB_TOKEN", site=site))
    return App(github.app.id, github.app.installation, secret("POSTBOT_GITHUB_KEY", site=site))


def voice(config: Config) -> Voice:
    """How the site speaks. Raises `WordsError` where its own words cannot be used."""
    live = config.announce == "live"
    return Voice(
        words(config.at(config.words) if config.words else None),
        config.heard,
        name=config.public.name,
        url=config.public.url or "",
        edit=_edit_address(config),
        desk=_desk(config) if config.roles else "",
        sender=parseaddr(config.email.sender)[1] if config.email else "",
        shows=config.public.shows if live else {},
        shipped=words() if config.words else None,
    )


def _desk(config: Config) -> str:
    """A name for the site that it has wherever it is looked after: where it is kept, and as which branch."""
    kept = config.github.repository if config.github else config.at(config.site.repo).resolve()
    return f"{kept}@{config.site.base}"


def _edit_address(config: Config) -> str:
    """Where a person edits a file of the base branch: on GitHub's pages, under its path."""
    if config.github is None:
        return ""
    address = urlsplit(config.github.server)
    web = "github.com" if address.hostname == "api.github.com" else address.netloc
    return f"{address.scheme}://{web}/{config.github.repository}/edit/{quote(config.site.base)}"


def words(own: Path | None = None) -> Words:
    """The texts of every message by event and part, those in a site's own folder in place of the shipped ones."""
    shipped = _shipped_words()
    given = _texts(own) if own else {}
    for name in given:
        if name not in shipped.names:
            near = difflib.get_close_matches(name, shipped.names, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise WordsError(f"{name} in {own} is no part of any message.{hint}")
    if own is None:
        return shipped
    if not given:
        raise WordsError(f"There are no words in {own}. Put a file such as opened/body.txt there.")
    made = Words(_texts(_MESSAGES) | given)
    try_words(made)
    return made


_MESSAGES = Path(__file__).parent / "messages"


@cache
def _shipped_words() -> Words:
    """Read once for all sites of a process: a template is compiled when it is first needed, and that takes a while."""
    return Words(_texts(_MESSAGES))


def _texts(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): _text(path) for path in files}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise WordsError(f"The words in {path} cannot be read: {why}.") from None


def clock() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)

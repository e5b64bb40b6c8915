"""What commands need before they can ask anything: the configuration, the bot, the time meant, the posting meant.

Heavy imports wait until a command needs them, so that `--help` is quick.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postbot.doors.options import DEFAULT_CONFIG
from postbot.doors.terminal import fail, mention, misuse, say

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from postbot.config import Config
    from postbot.core.lifecycle import Wish
    from postbot.core.plan.steps import Policy, Seen
    from postbot.core.posting import Posting
    from postbot.core.problem import Problem
    from postbot.doors.transition import Surroundings
    from postbot.hosts.github import GitHubHost
    from postbot.hosts.local import LocalHost
    from postbot.ledger import Ledger
    from postbot.reconcile import Bot


def configuration(path: Path) -> Config:
    """The site's configuration as its local file has it."""
    from postbot.config import load

    _demand_there(path)
    return load(path)


def configured(path: Path) -> Config:
    """The site's configuration, with the settings on its base branch."""
    from postbot import app

    _demand_there(path)
    return app.configured(path)


def _demand_there(path: Path) -> None:
    if not path.exists():
        option = "" if path == DEFAULT_CONFIG else f" --config {path}"
        misuse(f"There is no {path}. Make one with: postbot init{option}")


def as_far_as_known(path: Path) -> Config:
    """The same; without the settings on the base branch where the site cannot be asked for them."""
    from postbot.hosts import HostError

    try:
        return configured(path)
    except HostError:
        return configuration(path)


def any_host(path: Path) -> LocalHost | GitHubHost:
    """The host that keeps the site."""
    from postbot.app import host

    return host(configuration(path))


def plain_host(path: Path) -> LocalHost:
    """The plain git host, where people merge and reject by our commands; on GitHub they do so on its pages."""
    from postbot.hosts.local import LocalHost

    kept = any_host(path)
    if not isinstance(kept, LocalHost):
        misuse("This site is on GitHub; approve, merge and close its pull requests there. See: postbot pulls")
    return kept


def by_hand(config: Path, what: str, number: int, by: str, reason: str = "") -> None:
    """Write into the audit what a person has done with a pull request of a plain git site."""
    from postbot.app import clock

    with bot_of(config, looks=True) as bot:
        pull = next(pull for pull in bot.host.look().pulls if pull.number == number)
        detail = f"{by} {what} #{number} {pull.title}{f': {reason}' if reason else ''}"
        path = next(iter(pull.paths), None)
        bot.ledger.acted(what, key=pull.branch, path=path, by=by, before=pull.head, after="", detail=detail, at=clock())


@contextmanager
def bot_of(path: Path, *, looks: bool = False, write: Callable[[str], None] = say) -> Iterator[Bot]:
    """The site's bot. Whoever only looks leaves no ledger behind on a site that has none yet.

    `write` is where the console channel speaks. At the end, a checkout that a merge has left behind is mentioned.
    """
    from tempfile import TemporaryDirectory

    from postbot.app import build

    config = configured(path)
    with TemporaryDirectory(prefix="postbot-") as elsewhere:
        none_yet = looks and isinstance(config.ledger, Path) and not config.at(config.ledger).exists()
        elsewhere_yet = Path(elsewhere) / "ledger.db" if none_yet else None
        bot = build(config, write=write, ledger=elsewhere_yet, speaks=not looks)
        try:
            yield bot
        finally:
            bot.ledger.close()
    mention_checkout(path)


@contextmanager
def ledger_of(path: Path) -> Iterator[Ledger]:
    """The ledger alone, made where there is none yet."""
    from postbot.ledger import Ledger

    ledger = Ledger.open(configuration(path).ledger_at)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def standing_ledger(path: Path) -> Iterator[Ledger]:
    """The ledger that is there, and never a new one: who must stop postbot can, whatever else does not work.

    Of the configuration only what says where the ledger is has to be right. Raises `ConfigError` where that is not, and
    `LedgerUnready` where no ledger is there.
    """
    from postbot.config import ledger_place
    from postbot.ledger import Ledger

    ledger = Ledger.open(ledger_place(path), migrate=False)
    try:
        yield ledger
    finally:
        ledger.close()


def sites_meant(config: Path, service: Path | None) -> tuple[Sequence[Path], Sequence[Problem]]:
    """The files of the one site, or of all that a service names, and what is wrong with what it names.

    Of the service's configuration only `sites` has to be right. Raises `ConfigError`.
    """
    from postbot.serviceconfig import SERVICE_NAME, named_sites

    if service is not None:
        return named_sites(service)
    if not config.exists() and (config.parent / SERVICE_NAME).exists():
        misuse(f"There is no {config}. For every site of the service: --service {config.parent / SERVICE_NAME}")
    _demand_there(config)
    return [config], []


def mention_checkout(path: Path) -> None:
    """Say how to catch up, for as long as the checked-out branch has moved on under somebody's files."""
    if configuration(path).github is None and (behind := plain_host(path).behind_checkout()):
        mention(behind)


def mention_no_postings(path: Path, bot: Bot) -> None:
    """Say where postings were looked for, if there are none: a wrong folder looks like a site at rest."""
    if bot.snapshot is not None and not bot.snapshot.files:
        site = configuration(path).site
        where = f" in {' or '.join(site.folders)}" if site.folders else ""
        mention(f"There are no postings{where} on {site.base}. If there should be, name their folders in `folders`.")


def surroundings(config: Path, at: str | None, zone_name: str | None, *, strict: bool = False) -> Surroundings:
    """What single files are read with: the site's own ways if it has a configuration, else what each file shows."""
    from postbot.config import load_profile, shipped_profiles
    from postbot.doors.transition import Surroundings

    named = _zone(zone_name) if zone_name else None
    if config == DEFAULT_CONFIG and not config.exists():
        return Surroundings(shipped_profiles(), None, named, instant(at, named or _zone("UTC")), strict)
    loaded = configuration(config)
    zone = named or loaded.site.timezone
    return Surroundings(shipped_profiles(), load_profile(loaded), zone, instant(at, zone), strict)


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        misuse(f"{name} is no time zone; write an IANA name such as America/New_York.")


def posting_folders(config: Path) -> list[Path]:
    """Where the site's postings are; empty without a configuration."""
    if not config.exists():
        return []
    loaded = configuration(config)
    repo = loaded.at(loaded.site.repo)
    return [repo / folder for folder in loaded.site.folders] or [repo]


def instant(at: str | None, zone: ZoneInfo) -> datetime:
    """The time asked for, a plain day meaning its start in the site's zone; the present moment if none was given."""
    from postbot.app import clock
    from postbot.core.dates import Bound, Moment, parse_machine, read_moment

    if at is None:
        return clock()
    if parse_machine(at, zone) is None:
        misuse(f"--at {at} is no time; write 2026-03-01 or 2026-03-01T09:30.")
    found = read_moment(at, Bound.OPENS, zone)
    if not isinstance(found, Moment):
        misuse(f"--at {at}: {getattr(found, 'message', 'it is no time.')}")
    return found.at.astimezone(UTC)


def find(seen: Seen, slug: str) -> Posting:
    """The one posting of this name, chosen from those there are; a path tells two of one name apart."""
    import difflib

    from postbot.core.posting import Posting, slug_of

    named = [found for path, found in seen.postings.items() if slug in (path, slug_of(path))]
    if not named:
        near = difflib.get_close_matches(slug, [slug_of(path) for path in seen.postings], 3)
        misuse(f"There is no posting {slug}." + (f" Did you mean {' or '.join(near)}?" if near else ""))
    if len(named) > 1:
        misuse(f"There are several postings {slug}; name one by its path: {', '.join(found.path for found in named)}.")
    if not isinstance(named[0], Posting):
        fail(str(named[0]))
    return named[0]


def values_of(given: list[str] | None) -> dict[str, str]:
    """KEY=VALUE arguments by key."""
    values: dict[str, str] = {}
    for each in given or []:
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            misuse(f"--set {each} is not KEY=VALUE.")
        values[key.strip()] = value
    demand_text(*values.values())
    return values


def asker(by: str) -> str:
    """Who asks, on one line: the name given, else the one that the system knows."""
    import getpass

    from postbot.core.announce import one_line

    demand_text(by)
    try:
        return one_line(by) or getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "somebody"


def demand_text(*given: str) -> None:
    """Refuse arguments that are not Unicode: nothing that keeps text could keep them."""
    if any("\ud800" <= letter <= "\udfff" for text in given for letter in text):
        misuse("An argument is not UTF-8 text.")


def demand_possible(seen: Seen, posting: Posting, wish: Wish, now: datetime, policy: Policy) -> None:
    """Refuse at once what would only be refused later, when the requests before it are done; and any undo."""
    from postbot.core.lifecycle import Transition
    from postbot.core.plan.wants import why_not

    queued = any(request.path == posting.path for request in seen.memory.requests)
    if (queued or wish.transition is Transition.UNDO) and (why := why_not(seen, posting, wish, now, policy)):
        fail(f"Refused: {why}")

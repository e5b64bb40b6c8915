"""`postbot doctor`: is everything there that a tick will need. It reads and never writes.

What the configuration, the profile, the ledger and the routes are like is looked at here; the site itself by its
host's doctor, the door in Slack by the door's, and what a channel needs by the channel.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from postbot.app import channels, clock, host, voice
from postbot.config import Config, ConfigError, load_profile
from postbot.core.announce import Audience, one_line
from postbot.core.announce.routes import TEAM, events_of, without_contacts
from postbot.core.announce.words import RELEASE
from postbot.core.problem import PostbotError
from postbot.doors.checking import several
from postbot.doors.terminal import say
from postbot.hosts import HostError
from postbot.hosts import doctor as plain
from postbot.hosts.doctor import Finding, Level, fault, fine, note, warning
from postbot.hosts.github import GitHubHost
from postbot.hosts.github import doctor as github
from postbot.ledger import Ledger, LedgerUnready
from postbot.serviceconfig import SERVICE_NAME, SlackDoor, load_service

_MAKE_A_DOOR: Final = "Write `slack` into the service's configuration, or name that with --service."


def examine(config: Config, service: Path | None = None) -> tuple[Finding, ...]:
    """Look at everything, in the order in which a tick needs it; what is said twice is said once.

    `service` is the service's configuration; where none is named, the `service.yaml` beside that of the site.
    """
    beside = Path(config.path).parent / SERVICE_NAME
    named = service or (beside if beside.exists() else None)
    found = (*_profile(config), *_ledger(config), *_site(config), *_hearers(config))
    first: dict[str, Finding] = {}
    # The door before the channels, for without its token more is lost.
    for each in (*found, *_door(config, named), *_channels(config)):
        first.setdefault(each.says, each)
    return tuple(first.values())


def _profile(config: Config) -> Iterator[Finding]:
    name = config.site.profile
    try:
        load_profile(config)
    except ConfigError as error:
        for each in error.problems:
            yield fault("profile", f"{each.path}:{each.line}: {each.message}", each.fix)
    else:
        yield fine("profile", f"{name} is read.")


def _ledger(config: Config) -> Iterator[Finding]:
    try:
        where = config.ledger_at
    except ConfigError as error:
        yield from (fault("ledger", problem.message, problem.fix) for problem in error.problems)
        return
    if isinstance(where, Path):
        yield from _file(where)
    else:
        yield _opened(where)


def _file(path: Path) -> Iterator[Finding]:
    there = next(each for each in (path, *path.absolute().parents) if os.access(each, os.F_OK))
    # SQLite keeps files of its own beside the ledger, so its folder counts, too.
    places = [path, path.parent] if there == path else [there]
    if closed := [each for each in places if not os.access(each, os.W_OK)]:
        yield fault("ledger", f"{closed[0]} cannot be written to.", "Let the user that runs postbot write there.")
    elif there != path and not there.is_dir():
        yield fault("ledger", f"{there} is a file, so there can be no {path}.", "Name another place with `ledger`.")
    elif there != path:
        yield note("ledger", f"There is no {path} yet; the first tick adopts the site as it stands and says nothing.")
    else:
        yield _opened(path)


def _opened(where: Path | str) -> Finding:
    try:
        with closing(Ledger.open(where, migrate=False)) as ledger:
            return fine("ledger", f"{ledger.name} can be read and written.")
    except LedgerUnready as unready:
        return note("ledger", str(unready))
    except PostbotError as error:
        return fault("ledger", str(error))


def _site(config: Config) -> tuple[Finding, ...]:
    try:
        kept = host(config)
    except ConfigError as error:
        return tuple(fault("sign-in", problem.message, problem.fix) for problem in error.problems)
    except HostError as error:
        return (fault("site", str(error)),)
    if isinstance(kept, GitHubHost):
        return github.examine(kept.api, config)
    return plain.examine(config.at(config.site.repo), config.site.base, config.site.folders)


def _hearers(config: Config) -> Iterator[Finding]:
    """Whether anybody hears what is for the public and what is for the staff, and whether the public is spoken to."""
    for audience in Audience:
        if not any(route.hears & events_of(audience) for route in config.heard):
            yield warning(
                "routes", f"No route leads to anybody who hears what is for {audience}.", "Add one to `routes`."
            )
    released = _released(config)
    if not released and not any(route.hears & TEAM and not route.where for route in without_contacts(config.heard)):
        nobody = f"No route leads to a team: until `postbot release {RELEASE}`, nobody hears what is for the public."
        yield warning("routes", nobody, "Let somebody hear `staff`, or at least `held`.")
    if released is False:
        yield note("speaking", "postbot speaks to the team only.", f"When it may speak: postbot release {RELEASE}")


def _released(config: Config) -> bool | None:
    """Whether postbot speaks to everybody; None where there is no ledger yet, or none that can be read."""
    # A ledger that is not there, or cannot be read, is told of above.
    with suppress(PostbotError), closing(Ledger.open(config.ledger_at, migrate=False)) as ledger:
        return RELEASE in ledger.memory().released
    return None


def _door(config: Config, service: Path | None) -> Iterator[Finding]:
    """Whether people in Slack can ask for something, and whether those whom the roles name are somebody there."""
    try:
        given = load_service(service) if service else None
    except ConfigError as error:
        yield from (fault("service", problem.message, problem.fix) for problem in error.problems)
        return
    if given is None or given.slack is None:
        if config.roles:
            what = f"{service} has no `slack`" if service else f"there is no {SERVICE_NAME}"
            yield note("Slack door", f"Nobody can ask from Slack, whatever `roles` say: {what}.", _MAKE_A_DOOR)
        return
    if not config.roles:
        yield note("roles", "Nobody may ask for anything from Slack.", "Where somebody should, say so under `roles`.")
    if Path(config.path).resolve() not in {site.resolve() for site in given.sites}:
        yield note("Slack door", f"{service} does not lead to {config.path}.", "Name it under `sites`.")
    yield from _in_slack(given.slack, config)


def _in_slack(door: SlackDoor, config: Config) -> Iterator[Finding]:
    from postbot.doors.slack import doctor as slack  # noqa: PLC0415 - slow to import, and few have a door there

    found = tuple(slack.examine(door))
    yield from found
    if config.roles and has_fault(found):
        yield note("roles", "Whom `roles` name is not looked up in Slack while the door has a fault.")
    elif config.roles:
        with suppress(ConfigError):  # a secret of the site, of which its channel tells
            yield from slack.named(config)


def _channels(config: Config) -> Iterator[Finding]:
    """Whether the site's words can be used, and what each channel that the routes lead to says of itself."""
    try:
        voice(config)
        made = channels(config, say, clock)
    except ConfigError as error:
        yield from (fault("channels", problem.message, problem.fix) for problem in error.problems)
    except PostbotError as error:
        yield fault("channels", str(error))
    else:
        for name, channel in made.items():
            yield from (warning(name, sentence) for sentence in channel.check())


def has_fault(found: Iterable[Finding]) -> bool:
    """Whether anything keeps postbot from its work."""
    return any(each.level is Level.FAULT for each in found)


def text(found: Sequence[Finding]) -> str:
    """The findings, a line each, and below it what to do."""
    widths = [max(len(word) for word in words) for words in zip(*((f.level, f.subject) for f in found), strict=True)]
    lines = []
    for each in found:
        lines.append(f"{each.level:<{widths[0]}}  {one_line(each.subject):<{widths[1]}}  {one_line(each.says)}")
        if each.do:
            lines.append(f"{'':<{widths[0]}}  {'':<{widths[1]}}  > {one_line(each.do)}")
    return "\n".join([*lines, _sum(found)]) + "\n"


def _sum(found: Sequence[Finding]) -> str:
    counted = [(level, sum(each.level is level for each in found)) for level in (Level.FAULT, Level.WARNING)]
    told = ", ".join(several(count, level) for level, count in counted if count)
    return told[:1].upper() + told[1:] + "." if told else "Nothing is wrong."


def as_json(found: Iterable[Finding]) -> list[dict[str, str | None]]:
    """The findings as plain values."""
    return [{"level": each.level, "subject": each.subject, "says": each.says, "do": each.do} for each in found]

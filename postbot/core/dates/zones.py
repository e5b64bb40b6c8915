"""Which clock a zone word means on a site, and the instant that a wall time has there.

Pure. A word that could mean two clocks is refused, and so is a time that does not exist or comes twice. The rules come
from `zoneinfo`.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from postbot.core.dates.answers import Doubt, Refusal
from postbot.core.dates.spelling import clock_text, day_text, plain, zone_text
from postbot.core.dates.tokens import AMERICAN, UTC_NAMES, Token


def instant(
    text: str, wall: datetime, time: Token, token: Token | None, site: ZoneInfo
) -> tuple[datetime, tuple[Doubt, ...]]:
    """The instant (UTC) of a wall time by the zone word beside it, else by the site's zone; and what to doubt."""
    zone, exact = _clock_named(token, wall, site) if token else (site, "")
    found = _readings(wall, zone)
    chosen = [one for one in found if one.tzname() == exact] or found
    if not chosen:
        message = f"The clocks go forward over {clock_text(wall)} on {day_text(wall)}: that time does not exist."
        raise Refusal("date-gap", message, time.start)
    if len(chosen) > 1:
        names = " or ".join(str(one.tzname()) for one in chosen)
        message = f"The clocks go back on {day_text(wall)}, so {clock_text(wall)} comes twice."
        raise Refusal("date-twice", message, time.start, f"Say which one is meant: {names}.")
    at = chosen[0]
    wrong = token is not None and exact not in ("", at.tzname())
    doubts = (_season_doubt(text, token, at),) if token and wrong else ()
    return at.astimezone(UTC), doubts


def _readings(wall: datetime, zone: tzinfo) -> list[datetime]:
    """List the instants at which that zone's clocks show `wall`: none in spring's gap, two in autumn."""
    both = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    real = [one for one in both if one.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall]
    return real if len({one.astimezone(UTC) for one in real}) > 1 else real[:1]


def _clock_named(token: Token, wall: datetime, site: ZoneInfo) -> tuple[tzinfo, str]:
    """Find whose clock a zone's name or offset means on this site, and the abbreviation it insists on."""
    name = plain(token.text)
    if name[0] in "+-":
        return _fixed(token), ""
    zone, exact = whose_clock(name, wall.year, site)
    if zone is None:
        message = f"'{token.text}' does not name one time zone for a site in {site}."
        fix = "Write an offset such as -0500, or leave it out for the site's own time."
        raise Refusal("date-zone", message, token.start, fix)
    # In July 'MT' is Denver's clock or, in Phoenix, the town's own; 'GMT' is UTC or London's own.
    rival = UTC if name == "GMT" else site
    shared = name == "GMT" or _abbreviations(site, wall.year) & _abbreviations(zone, wall.year)
    here, there = wall.replace(tzinfo=zone), wall.replace(tzinfo=rival)
    if shared and here.utcoffset() != there.utcoffset() and here.tzname() != exact:
        message = f"'{token.text}' may be the clock of {zone} or of {rival}, and they differ on that day."
        raise Refusal("date-zone", message, token.start, "Write an offset such as -0500.")
    return zone, exact


def whose_clock(name: str, year: int, site: ZoneInfo) -> tuple[tzinfo | None, str]:
    """The clock that a zone word means on this site, and the abbreviation it insists on; None where it means none."""
    if name in _abbreviations(site, year):
        return site, name
    if name in UTC_NAMES:
        return UTC, ""
    named = AMERICAN.get(name)
    at_home = str(site).startswith(("America/", "US/", "Canada/")) or str(site) == "Pacific/Honolulu"
    return (ZoneInfo(named.city), named.exact) if named and at_home else (None, "")


def _abbreviations(zone: tzinfo, year: int) -> set[str]:
    names = (str(datetime(year, month, 1, tzinfo=zone).tzname()) for month in (1, 7))
    return {name for name in names if name.isalpha()}


def _fixed(token: Token) -> timezone:
    digits = token.text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset > timedelta(hours=14) or digits[2:] > "59":
        raise Refusal("date-zone", f"No place on earth is at {token.text}.", token.start)
    return timezone(offset if token.text[0] == "+" else -offset)


def _season_doubt(text: str, token: Token, at: datetime) -> Doubt:
    right = zone_text(token.text, at)
    message = f"On {day_text(at)} the zone is {right}, not {token.text}; read as {clock_text(at)} {right}."
    corrected = text[: token.start] + right + text[token.end :]
    return Doubt("date-zone-season", message, f"Write {right}.", corrected)

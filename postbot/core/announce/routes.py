"""Who hears: routes match announcements by event and by any field of the posting, and name recipients.

Pure. A recipient is written in the configuration, or is what one field of the posting holds; such a value counts only
if it is one plain e-mail address, so that nobody's text can add a second recipient or a header. What a channel
understands under a recipient is its own business.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from postbot.core.announce import FOLLOWED, Announcement, Audience, Event, one_line

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.)+[A-Za-z]{{2,63}}")
_LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_FIELD = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One recipient and what it hears.

    `recipient` is what the channel understands, or `{field}`: the address that this field of the posting holds.
    `where` names fields of the posting (in any case; `path` is its path) and for each the patterns of which one must
    match; a route with conditions hears only of postings (and by `path` of any file). `place` says where it is written.
    """

    channel: str
    recipient: str
    hears: frozenset[Event]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One recipient of one announcement, and why."""

    channel: str
    recipient: str
    why: str
    named_by_posting: bool = False


def events_of(audience: Audience) -> frozenset[Event]:
    """Every event that an audience hears, but for what only those hear who follow pull requests, or who asked."""
    return frozenset(event for event in Event if event.audience is audience) - FOLLOWED - {Event.ANSWERED}


def is_address(text: str) -> bool:
    """Whether a text is one plain e-mail address (RFC 5321's dot-string and domain, ASCII) and nothing else.

    An encoded word is made of the same letters and is decoded into others, so whatever holds `=?` is refused.
    """
    fits = len(text) <= _LONGEST_ADDRESS and len(text.partition("@")[0]) <= _LONGEST_LOCAL
    return fits and "=?" not in text and bool(_ADDRESS.fullmatch(text))


def field_of(recipient: str) -> str | None:
    """The field of the posting that holds the recipient; None where the configuration names it."""
    found = _FIELD.fullmatch(recipient)
    return found[1].strip() if found else None


def heard(announcement: Announcement, routes: Sequence[Route]) -> tuple[Hearing, ...]:
    """Everybody who hears an announcement, each once, with every reason; those whom it names itself, and no others."""
    if announcement.to is not None:
        return _each_once(_named(name, routes) for name in announcement.to)
    return _each_once(_matching(announcement, routes, frozenset({announcement.event})))


_NAMED = "it is for those whom it concerns, whatever the routes say"


def _named(name: str, routes: Sequence[Route]) -> Hearing:
    """The hearing of CHANNEL:RECIPIENT; one whom the configuration does not name was named by a posting."""
    channel, _, recipient = name.partition(":")
    known = any((route.channel, route.recipient) == (channel, recipient) for route in routes)
    return Hearing(channel, recipient, _NAMED, named_by_posting=not known)


def team(announcement: Announcement, routes: Sequence[Route]) -> tuple[Hearing, ...]:
    """Who hears it while postbot speaks to the team only: whom the configuration names for what holds postbot up."""
    found = _each_once(_matching(announcement, without_contacts(routes), TEAM))
    return tuple(replace(each, why=f"{each.why}, as the team") for each in found)


TEAM = frozenset({Event.HELD})
"""Who hears this is the team: a list that hears of one thing or another that is for the staff is not."""


def without_contacts(routes: Sequence[Route]) -> list[Route]:
    """The routes that lead to whom the configuration names, and not to a contact that a posting names."""
    return [route for route in routes if field_of(route.recipient) is None]


def _matching(announcement: Announcement, routes: Sequence[Route], events: frozenset[Event]) -> Iterator[Hearing]:
    for route in routes:
        recipient = _recipient(announcement, route)
        if recipient and route.hears & events and _fits(announcement, route):
            event = announcement.event if announcement.event in events else min(events & route.hears)
            yield Hearing(
                route.channel, recipient, _why(announcement, route, event), field_of(route.recipient) is not None
            )


def _each_once(hearings: Iterator[Hearing]) -> tuple[Hearing, ...]:
    same: dict[tuple[str, str], list[Hearing]] = {}
    for each in hearings:
        same.setdefault((each.channel, _who(each.recipient)), []).append(each)
    return tuple(
        Hearing(
            each[0].channel,
            each[0].recipient,
            "; ".join(dict.fromkeys(one.why for one in each)),
            all(one.named_by_posting for one in each),
        )
        for each in same.values()
    )


def _who(recipient: str) -> str:
    """One person's or list's address in any case is one recipient; of other names only their channel can tell."""
    return recipient.casefold() if is_address(recipient) else recipient


def _recipient(announcement: Announcement, route: Route) -> str | None:
    name = field_of(route.recipient)
    if name is None:
        return route.recipient
    text = (_value(*_held(announcement), name) or "").strip().removeprefix("mailto:")
    return text if is_address(text) else None


def _fits(announcement: Announcement, route: Route) -> bool:
    path, fields = _held(announcement)
    return matches(route.where, path, fields)


def _held(announcement: Announcement) -> tuple[str | None, Mapping[str, str]]:
    """The path and the fields that conditions are about; no fields where it is about no posting."""
    about = announcement.about
    if about is not None:
        return about.path, about.fields
    path = announcement.facts.get("path")
    return (path if isinstance(path, str) else None), {}


def matches(where: Mapping[str, Sequence[str]], path: str | None, fields: Mapping[str, str]) -> bool:
    """Whether every named field holds what fits one of its patterns, in any case; `path` is the path."""
    return all(
        (value := _value(path, fields, name)) is not None
        and any(fnmatchcase(value.casefold(), pattern.casefold()) for pattern in patterns)
        for name, patterns in where.items()
    )


def _value(path: str | None, fields: Mapping[str, str], name: str) -> str | None:
    """What is held under this name, in whatever case and with blanks, dashes or underscores between."""
    if plain_name(name) == "path":
        return path
    if name in fields:
        return fields[name]
    return next((value for key, value in fields.items() if plain_name(key) == plain_name(name)), None)


def plain_name(name: str) -> str:
    """A field's name in any case, and with blanks, dashes or underscores between its words."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _why(announcement: Announcement, route: Route, event: Event) -> str:
    conditions = [f"{name} is {one_line(_value(*_held(announcement), name) or '')}" for name in route.where]
    if name := field_of(route.recipient):
        conditions.append(f"{name} names it")
    return f"{route.place or 'the configuration'} ({', '.join([f'hears {event}', *conditions])})"

"""How each kind of setting is read: spans, zones, addresses, recipients, events.

Pure: text in, a value out, or a `ValueError` whose sentence says what to write instead. Where a setting stands, and how
a mistake is told with its place, is the business of `postbot.config`.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from postbot.core.announce import Audience, Event
from postbot.core.announce.routes import events_of, field_of, is_address
from postbot.core.text.scalar import unprintable

FROM_OPENING: Final = "from opening"
"""The lead of a closing whose pull request is prepared as soon as the position is open."""

_SPAN = re.compile(r"(\d+)\s*(second|minute|hour|day|week)s?", re.IGNORECASE)
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


def _span(value: object) -> object:
    """Read `5 days`, `90 minutes`, `0 hours`."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a span such as 5 days, 4 hours or 30 minutes")
    try:
        return timedelta(**{f"{found[2].lower()}s": int(found[1])})
    except OverflowError:
        raise ValueError("that is longer than calendars go") from None


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("write a span of a second or more")
    return value


def _list_address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value} is not one e-mail address")
    return value


def _list_id(value: str) -> str:
    """RFC 2919: the id itself stands in angle brackets."""
    if value and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value):
        raise ValueError("write the id of the list, such as openings.lists.agency.example")
    return f"<{value}>" if value else ""


def _secret_name(value: object) -> object:
    """A part of the name of a variable."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_]*", value):
        raise ValueError("write a name of letters, digits and underscores, for it is part of the name of a variable")
    return value


def _lead(value: object) -> object:
    """Read a span, or `from opening`."""
    return value if value == FROM_OPENING else _span(value)


def _zone(value: object) -> object:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value}; write an IANA name such as America/New_York") from None


def _recipient(value: object) -> object:
    channel, colon, recipient = str(value).partition(":")
    if not colon or not channel.strip() or not recipient.strip():
        raise ValueError("write CHANNEL:RECIPIENT, such as email:openings@lists.example.org")
    if channel.strip() not in CHANNELS:
        raise ValueError(f"there is no channel {channel.strip()}; there are {', '.join(CHANNELS)}")
    return channel.strip(), CHANNELS[channel.strip()](recipient.strip())


def _any_text(recipient: str) -> str:
    return recipient


def _mailbox(recipient: str) -> str:
    if not (field_of(recipient) or is_address(recipient)):
        raise ValueError(
            f"{recipient} is not one e-mail address; write one such as openings@lists.example.org (a domain with other "
            "letters in its xn-- form), or {FIELD} for the address that a field of the posting holds"
        )
    return recipient


def _in_slack(recipient: str) -> str:
    if not (field_of(recipient) or is_address(recipient) or _SLACK.fullmatch(recipient)):
        raise ValueError(
            f"{recipient} is nobody in Slack; write the id of a channel (C024BE91L) or of a person (U024BE7LH), as "
            "Slack shows it under the name, a person's e-mail address, or {FIELD} for that in a field of the posting"
        )
    return recipient


_SLACK = re.compile(r"[CGDUW][A-Z0-9]{5,20}")
CHANNELS: Final[Mapping[str, Callable[[str], str]]] = {
    "email": _mailbox,
    "slack": _in_slack,
    "apprise": _any_text,
    "folder": _any_text,
    "console": _any_text,
}
"""Every channel, and what it takes for a recipient."""


def _several(value: object) -> object:
    """One of something stands for a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


def _hears(value: object) -> frozenset[Event]:
    """Events by their names; `public` and `staff` stand for all that these hear, `everything` for all."""
    found: set[Event] = set()
    for name in value if isinstance(value, list | tuple) else (value,):
        if name not in _HEARD:
            near = difflib.get_close_matches(str(name), list(_HEARD), 1)
            hint = f"; the nearest is {near[0]}" if near else ""
            raise ValueError(f"there is no event {name}{hint or '; there are ' + ', '.join(_HEARD)}")
        found |= _HEARD[name]
    return frozenset(found)


_HEARD: Final[Mapping[Any, frozenset[Event]]] = {
    **{str(audience): events_of(audience) for audience in Audience},
    "everything": frozenset(Event),
    **{str(event): frozenset({event}) for event in Event},
}


_SENDER = re.compile(
    r"""(?:"(?P<quoted>[^"<>]*)"|(?P<name>[^"<>,;:()@]*))\s*<(?P<address>[^<>\s]+)>|(?P<bare>[^<>\s]+)"""
)


def _sender(value: object) -> object:
    found = _SENDER.fullmatch(value.strip()) if isinstance(value, str) else None
    address = (found["address"] or found["bare"]) if found else ""
    if not found or not is_address(address) or unprintable(str(value)):
        raise ValueError("write who mails are from, such as Agency jobs <jobs@agency.example>")
    name = (found["quoted"] or found["name"] or "").strip()
    return f"{name} <{address}>" if name else address


def _site_address(value: object) -> object:
    address = urlsplit(value) if isinstance(value, str) else None
    odd = address is None or not address.hostname or address.query or address.fragment or "@" in address.netloc
    if odd or address is None or address.scheme not in ("https", "http"):
        raise ValueError("write the address of the published site, such as https://jobs.example.org")
    return str(value).rstrip("/")


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
Patience = Annotated[timedelta, BeforeValidator(_span), AfterValidator(_some_time)]
ListAddress = Annotated[str, AfterValidator(_list_address)]
ListId = Annotated[str, AfterValidator(_list_id)]
SecretName = Annotated[str, BeforeValidator(_secret_name)]
Lead = Annotated[timedelta | Literal["from opening"], BeforeValidator(_lead)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Server = Annotated[str, BeforeValidator(_server)]
Repository = Annotated[str, BeforeValidator(_repository)]
Sender = Annotated[str, BeforeValidator(_sender)]
SiteAddress = Annotated[str, BeforeValidator(_site_address)]
Recipient = Annotated[tuple[str, str], BeforeValidator(_recipient)]
Hears = Annotated[frozenset[Event], BeforeValidator(_hears)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_several)]
Recipients = Annotated[tuple[Recipient, ...], BeforeValidator(_several)]

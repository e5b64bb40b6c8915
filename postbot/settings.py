"""How each kind of setting is read and written: spans, zones, addresses, recipients, events.

Pure: text in, a value out, or a `ValueError` whose sentence says what to write instead; and the value as text again.
Where a setting stands, and how a mistake is told with its place, is the business of `postbot.declared`.
"""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeGuard
from urllib.parse import SplitResult, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, Strict, WithJsonSchema

from postbot.core.announce import FOLLOWED, Audience, Event
from postbot.core.announce.routes import events_of, field_of, is_address
from postbot.core.plan.rights import EVERYBODY, Action
from postbot.core.plan.undoing import KEPT
from postbot.core.text.scalar import unprintable

LEDGER_SCHEMA: Final = "postbot"
"""The schema of PostgreSQL that a ledger is in whose address names none."""

FROM_OPENING: Final = "from opening"
"""The lead of a closing whose pull request is prepared as soon as the position is open."""

_SPAN = re.compile(r"(\d+)\s*(second|minute|hour|day|week)s?", re.IGNORECASE)
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


_LONGEST: Final = timedelta(days=3653)
"""Ten years. No span of a site is longer, and no date that anybody plans for leaves the calendar by one."""

_MOST: Final = 10**12 - 1


def _span(value: object) -> object:
    """Read `5 days`, `90 minutes`, `0 hours`; ten years at most."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a span such as 5 days, 4 hours or 30 minutes")
    try:
        span = timedelta(**{f"{found[2].lower()}s": int(found[1])})
    except (OverflowError, ValueError):  # the latter for more digits than Python reads
        span = timedelta.max
    if span > _LONGEST:
        raise ValueError("write a span of ten years (3653 days) at most")
    return span


def _two_weeks(value: timedelta) -> timedelta:
    if value > KEPT:
        raise ValueError(f"write {span_text(KEPT)} at most, for so long postbot keeps in mind who was told of what")
    return value


def span_text(value: timedelta | str) -> str:
    """The largest unit that divides a span."""
    if not isinstance(value, timedelta):
        return value
    seconds = int(value.total_seconds())
    unit, length = next((unit, length) for unit, length in _UNITS.items() if seconds % length == 0)
    count = seconds // length
    return f"{count} {unit}{'' if count == 1 else 's'}"


_UNITS: Final[Mapping[str, int]] = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
"""Seconds of each unit, the largest first. (Weeks are read and not written.)"""


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("write a span of a second or more")
    return value


def _no_huge_number(value: int) -> int:
    if abs(value) > _MOST:
        raise ValueError("write a whole number of twelve digits at most")
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


def _recipient_text(value: tuple[str, str]) -> str:
    return ":".join(value)


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
    """Events by their names; `public` and `staff` stand for all that these hear, `everything` for all.

    `progress` is the card of each pull request and what becomes of it. An answer goes to whoever asked, by no route.
    """
    found: set[Event] = set()
    for name in value if isinstance(value, list | tuple) else (value,):
        if not isinstance(name, str) or name not in _HEARD:
            near = difflib.get_close_matches(str(name), list(_HEARD), 1)
            hint = f"; the nearest is {near[0]}" if near else ""
            raise ValueError(f"there is no event {name}{hint or '; there are ' + ', '.join(_HEARD)}")
        found |= _HEARD[name]
    return frozenset(found)


_HEARD: Final[Mapping[Any, frozenset[Event]]] = {
    **{str(audience): events_of(audience) for audience in Audience},
    "everything": frozenset(Event) - {Event.ANSWERED},
    **{str(event): frozenset({event}) for event in Event if event not in FOLLOWED | {Event.ANSWERED}},
    str(Event.PROGRESS): FOLLOWED,
}


def _may(value: object) -> frozenset[Action]:
    """Rights by their names; `everything` stands for all."""
    found: set[Action] = set()
    for name in value if isinstance(value, list | tuple) else (value,):
        if not isinstance(name, str) or name not in _MAY:
            near = difflib.get_close_matches(str(name), list(_MAY), 1)
            hint = f"; the nearest is {near[0]}" if near else ""
            raise ValueError(f"there is no right {name}{hint or '; there are ' + ', '.join(_MAY)}")
        found |= _MAY[name]
    return frozenset(found)


_MAY: Final[Mapping[str, frozenset[Action]]] = {
    "everything": frozenset(Action),
    **{action.value: frozenset({action}) for action in Action},
}


def _may_names(value: frozenset[Action]) -> str | list[str]:
    return "everything" if value == frozenset(Action) else [action.value for action in Action if action in value]


def _member(value: str) -> str:
    if value != EVERYBODY and not _MEMBER.fullmatch(value):
        raise ValueError(
            f"{value} is nobody in Slack; write the id of a person (U024BE7LH) or of a user group (S0614TZR7), as "
            f"Slack shows it under the name, or {EVERYBODY} for every full member of the workspace"
        )
    return value


_MEMBER = re.compile(r"[SUW][A-Z0-9]{5,20}")


def _country(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value):
        raise ValueError("write the code of a country (ISO 3166), such as US, or of a part of one, such as US-DC")
    return value


_SENDER = re.compile(
    r"""(?:"(?P<quoted>[^"<>]*)"|(?P<name>[^"<>,;:()@]*))\s*<(?P<address>[^<>\s]+)>|(?P<bare>[^<>\s]+)"""
)


def _hears_names(value: frozenset[Event]) -> str | list[str]:
    """The fewest names that stand for these events."""
    whole = next((str(name) for name, events in _HEARD.items() if events == value), None)
    return whole or [name for name, events in _HEARD.items() if events <= value and name in set(Event)]


def _sender(value: object) -> object:
    found = _SENDER.fullmatch(value.strip()) if isinstance(value, str) else None
    address = (found["address"] or found["bare"]) if found else ""
    if not found or not is_address(address) or unprintable(str(value)):
        raise ValueError("write who mails are from, such as Agency jobs <jobs@agency.example>")
    name = (found["quoted"] or found["name"] or "").strip()
    return f"{name} <{address}>" if name else address


def _split(value: object) -> SplitResult | None:
    """The parts of an address; None for what is none."""
    try:
        return urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_plain(address: SplitResult | None) -> TypeGuard[SplitResult]:
    """An address of the web with nothing in it but a host and a path: no name, no password, no query, no fragment."""
    if address is None or not address.hostname or address.scheme not in ("https", "http"):
        return False
    return not (address.query or address.fragment or "@" in address.netloc)


def _site_address(value: object) -> object:
    address = _split(value)
    if not _is_plain(address):
        raise ValueError("write the address of the published site, such as https://jobs.example.org")
    return str(value).rstrip("/")


def _server(value: object) -> object:
    address = _split(value)
    if not _is_plain(address):
        raise ValueError(
            "write the address of the server's interface, such as https://github.example.org/api/v3, without a name or "
            "password in it"
        )
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("write https: over http anybody on the way could read the sign-in")
    return value


def _repository(value: object) -> object:
    if not isinstance(value, str) or not _REPOSITORY.fullmatch(value):
        raise ValueError("write OWNER/NAME, as in the repository's address")
    return value


def _ledger(value: object) -> object:
    """The path of an SQLite file, or the address of a schema in PostgreSQL. The password is none of its parts.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("write the path of a file, or postgresql://user@host/database?schema=NAME")
    if not re.match(r"[a-z][a-z0-9+]+://", value, re.IGNORECASE):
        return Path(value)
    try:
        address = urlsplit(value)
        port = address.port
    except ValueError:
        raise ValueError(
            "the port of the ledger's address is none; write postgresql://user@host:5432/database"
        ) from None
    if address.password is not None:
        raise ValueError(
            "put the password into POSTBOT_LEDGER_PASSWORD, or a file that POSTBOT_LEDGER_PASSWORD_FILE names"
        )
    if address.scheme != "postgresql" or not address.path.strip("/") or "/" in address.path[1:] or address.fragment:
        raise ValueError("write the path of a file, or postgresql://user@host/database?schema=NAME")
    if port == 0:
        raise ValueError("the port of the ledger's address is none; write postgresql://user@host:5432/database")
    _demand_parameters(address)
    return value


def _demand_parameters(address: SplitResult) -> None:
    given = parse_qsl(address.query, keep_blank_values=True)
    for name, text in given:
        if name not in _PARAMETERS:
            raise ValueError(
                f"there is no parameter {name} of the ledger's address; there are {', '.join(_PARAMETERS)}"
            )
        if not re.fullmatch(_PARAMETERS[name], text):
            raise ValueError(f"{text or 'nothing'} cannot be the {name} of the ledger")
    if len({name for name, _ in given}) < len(given):
        raise ValueError("a parameter of the ledger's address stands there twice")
    if not address.hostname and "host" not in dict(given):
        raise ValueError("the ledger's address names no host; write postgresql://user@host/database")


_PARAMETERS: Final[Mapping[str, str]] = {
    "schema": r"[a-z_][a-z0-9_]{0,62}",
    "sslmode": "disable|allow|prefer|require|verify-ca|verify-full",
    "host": r"/.+",
}
"""What may stand behind the `?`: a schema by a name that needs no quotes, how TLS is used, and a folder of sockets."""


def _app_id(value: object) -> object:
    if isinstance(value, bool) or not re.fullmatch(r"[A-Za-z0-9._-]+", str(value)):
        raise ValueError("write the App's id, a number on the App's page (or its client id)")
    return str(value)


def _inside(value: object) -> object:
    """A file's path inside the repository, as git spells it."""
    parts = value.split("/") if isinstance(value, str) else [""]
    if {"", ".", ".."} & set(parts) or any(part.lower() == ".git" for part in parts) or unprintable(str(value)):
        raise ValueError("write the path of a file as the repository spells it, such as .github/postbot.yaml")
    return value


def _address(value: object) -> object:
    """Where a server listens: HOST:PORT, an IPv6 address in brackets. Port 0 is any free one."""
    found = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"]) > _LAST_PORT:
        raise ValueError("write HOST:PORT, such as 127.0.0.1:8087, or null for no HTTP")
    return found["six"] or found["host"], int(found["port"])


_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>\d{1,5})")
_LAST_PORT: Final = 65535


def address_text(value: tuple[str, int]) -> str:
    """Host and port as they are written together."""
    host, port = value
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it. A name other than localhost may mean anything, so it is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host_name(value: object) -> object:
    """RFC 1123: letters, digits, hyphens and dots; in any case, and so in small letters."""
    label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if not isinstance(value, str) or not re.fullmatch(rf"{label}(\.{label})*", value):
        raise ValueError(
            "write the name of a host, without https:// and without a port, such as postbot.agency.example"
        )
    return value.lower()


def _one_or_more(value: Collection[object]) -> Collection[object]:
    if not value:
        raise ValueError("name at least one")
    return value


_AS_SPAN: Final = {
    "type": "string",
    "pattern": r"^\s*[0-9]+\s*([Ss]econd|[Mm]inute|[Hh]our|[Dd]ay|[Ww]eek)s?\s*$",
    "examples": ["5 days", "4 hours", "30 minutes"],
}
_AS_TEXT: Final = {"type": "string"}
_AS_RECIPIENT: Final = {"type": "string", "pattern": rf"^\s*({'|'.join(CHANNELS)})\s*:.*\S"}
_AS_EVENT: Final = {"enum": list(_HEARD)}


def _one_or_several(shape: Mapping[str, object]) -> dict[str, object]:
    return {"anyOf": [shape, {"type": "array", "items": shape, "minItems": 1}]}


YesNo = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), AfterValidator(_no_huge_number)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
Span = Annotated[timedelta, BeforeValidator(_span), PlainSerializer(span_text), WithJsonSchema(_AS_SPAN)]
Patience = Annotated[Span, AfterValidator(_some_time)]
Window = Annotated[Span, AfterValidator(_two_weeks)]
Lead = Annotated[
    timedelta | Literal["from opening"],
    BeforeValidator(_lead),
    PlainSerializer(span_text),
    WithJsonSchema({"anyOf": [_AS_SPAN, {"const": FROM_OPENING}]}),
]
ListAddress = Annotated[str, AfterValidator(_list_address)]
ListId = Annotated[str, AfterValidator(_list_id), PlainSerializer(lambda written: written.strip("<>"))]
SecretName = Annotated[
    str, BeforeValidator(_secret_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_]*$"})
]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone), PlainSerializer(str), WithJsonSchema(_AS_TEXT)]
Server = Annotated[str, BeforeValidator(_server)]
Repository = Annotated[
    str, BeforeValidator(_repository), WithJsonSchema({"type": "string", "pattern": f"^{_REPOSITORY.pattern}$"})
]
AppId = Annotated[str, BeforeValidator(_app_id), WithJsonSchema({"type": ["integer", "string"]})]
RepositoryPath = Annotated[str, BeforeValidator(_inside)]
Sender = Annotated[str, BeforeValidator(_sender)]
SiteAddress = Annotated[str, BeforeValidator(_site_address)]
LedgerPlace = Annotated[Path | str, BeforeValidator(_ledger), PlainSerializer(str), WithJsonSchema(_AS_TEXT)]
Listen = Annotated[
    tuple[str, int],
    BeforeValidator(_address),
    PlainSerializer(address_text),
    WithJsonSchema({"type": "string", "pattern": r"^\S+:[0-9]+$"}),
]
HostName = Annotated[str, BeforeValidator(_host_name)]
Country = Annotated[str, BeforeValidator(_country)]
Actions = Annotated[
    frozenset[Action],
    BeforeValidator(_may),
    AfterValidator(_one_or_more),
    PlainSerializer(_may_names),
    WithJsonSchema(_one_or_several({"enum": list(_MAY)})),
]
Members = Annotated[
    tuple[Annotated[str, AfterValidator(_member)], ...],
    BeforeValidator(_several),
    AfterValidator(_one_or_more),
    WithJsonSchema(_one_or_several({"type": "string", "pattern": f"^({EVERYBODY}|{_MEMBER.pattern})$"})),
]
Recipient = Annotated[
    tuple[str, str],
    BeforeValidator(_recipient),
    PlainSerializer(_recipient_text),
    WithJsonSchema(_AS_RECIPIENT),
]
Hears = Annotated[
    frozenset[Event],
    BeforeValidator(_hears),
    AfterValidator(_one_or_more),
    PlainSerializer(_hears_names),
    WithJsonSchema(_one_or_several(_AS_EVENT)),
]
Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(_several),
    AfterValidator(_one_or_more),
    WithJsonSchema(_one_or_several(_AS_TEXT)),
]
Recipients = Annotated[
    tuple[Recipient, ...],
    BeforeValidator(_several),
    AfterValidator(_one_or_more),
    WithJsonSchema(_one_or_several(_AS_RECIPIENT)),
]

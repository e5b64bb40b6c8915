"""The small pieces of Block Kit: keys, texts, options, confirmations; each flaw with the place where it is.

Limits are from docs.slack.dev/reference/block-kit/composition-objects.
"""

from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any
from urllib.parse import urlsplit

Flaws = Iterator[str]
TEXTS = ("plain_text", "mrkdwn")
PLAIN = ("plain_text",)
KEYS = {
    "plain_text": {"text": True, "emoji": False},
    "mrkdwn": {"text": True, "verbatim": False},
    "option": {"text": True, "value": True, "description": False},
    "group": {"label": True, "options": True},
    "confirm": {"title": True, "text": True, "confirm": True, "deny": True, "style": False},
}
"""The keys of each kind, and whether it must have them."""


def keys(found: dict[str, Any], place: str, known: dict[str, bool]) -> Flaws:
    yield from (f"invalid additional property: {name} [{place}]" for name in found if name not in {*known, "type"})
    yield from (
        f"missing required field: {name} [{place}]" for name, must in known.items() if must and name not in found
    )


def items(found: Any, place: str, most: int, each: Callable[[Any, str], Flaws], *, least: int = 1) -> Flaws:
    if not isinstance(found, list) or not least <= len(found) <= most:
        yield f"must have {least} to {most} items [{place}]"
        return
    for at, one in enumerate(found):
        yield from each(one, f"{place}/{at}")


def text(found: Any, place: str, most: int, types: tuple[str, ...] = TEXTS) -> Flaws:
    if not isinstance(found, dict) or found.get("type") not in types:
        yield f"must be a text of type {' or '.join(types)} [{place}]"
        return
    yield from keys(found, place, KEYS[found["type"]])
    words = found.get("text")
    if not isinstance(words, str) or not words.strip():
        yield f"must be more than 0 characters [{place}/text]"
    elif len(words) > most:
        yield f"must be less than {most + 1} characters [{place}/text]"
    yield from flags(found, place, "emoji", "verbatim")


def flags(found: dict[str, Any], place: str, *names: str) -> Flaws:
    yield from (f"must be a boolean [{place}/{name}]" for name in names if not isinstance(found.get(name, False), bool))


def string(found: dict[str, Any], name: str, place: str, most: int, *, least: int = 1) -> Flaws:
    """A string that may be left out, and is no longer and no shorter than so many characters."""
    value = found.get(name, "x" * least)
    if not isinstance(value, str) or not least <= len(value) <= most:
        yield f"must be a string of {least} to {most} characters [{place}/{name}]"


def number(found: dict[str, Any], name: str, place: str, least: int, most: int) -> Flaws:
    value = found.get(name, least)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        yield f"must be a whole number from {least} to {most} [{place}/{name}]"


def one_of(found: dict[str, Any], name: str, place: str, *values: str) -> Flaws:
    if name in found and found[name] not in values:
        yield f"must be one of {', '.join(values)} [{place}/{name}]"


def option(found: Any, place: str, types: tuple[str, ...] = PLAIN, *, led: bool = False) -> Flaws:
    """One option. `led`: whether it may have a url, as in an overflow menu only."""
    if not isinstance(found, dict) or "type" in found:
        yield f"must be an option [{place}]"
        return
    yield from keys(found, place, {**KEYS["option"], **({"url": False} if led else {})})
    yield from text(found.get("text"), f"{place}/text", 75, types)
    yield from string(found, "value", place, 150)
    if "description" in found:
        yield from text(found["description"], f"{place}/description", 75, types)
    if "url" in found and led:
        yield from url(found, place)


def group(found: Any, place: str) -> Flaws:
    if not isinstance(found, dict) or "type" in found:
        yield f"must be a group of options [{place}]"
        return
    yield from keys(found, place, KEYS["group"])
    yield from text(found.get("label"), f"{place}/label", 75, PLAIN)
    yield from items(found.get("options"), f"{place}/options", 100, option)


def confirm(found: Any, place: str) -> Flaws:
    if not isinstance(found, dict) or "type" in found:
        yield f"must be a confirmation [{place}]"
        return
    yield from keys(found, place, KEYS["confirm"])
    for name, most in {"title": 100, "text": 300, "confirm": 30, "deny": 30}.items():
        yield from text(found.get(name), f"{place}/{name}", most, PLAIN)
    yield from one_of(found, "style", place, "primary", "danger")


def url(found: dict[str, Any], place: str) -> Flaws:
    value = found.get("url")
    if not isinstance(value, str) or len(value) > 3000 or not is_url(value):
        yield f"must be a valid URL of up to 3000 characters [{place}/url]"


def is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    plain = value.isascii() and value.isprintable() and " " not in value
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def is_email(value: str) -> bool:
    name, at, host = value.rpartition("@")
    plain = value.isascii() and value.isprintable() and not set(value) & set(' <>,;:"()[]\\')
    return plain and bool(at and name) and "@" not in name and "." in host.strip(".") and host == host.strip(".")


def is_date(value: Any) -> bool:
    """Whether it is YYYY-MM-DD, and there is such a day."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_time(value: Any) -> bool:
    """Whether it is HH:mm, of 24 hours."""
    try:
        return isinstance(value, str) and time.fromisoformat(value).strftime("%H:%M") == value
    except ValueError:
        return False

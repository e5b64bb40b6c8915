"""Whether Slack would take some blocks: the limits of Block Kit, and no key or type that it does not have."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

MOST_BLOCKS = 50
KEYS: dict[str, dict[str, bool]] = {
    "header": {"text": True, "block_id": False},
    "section": {"text": False, "fields": False, "block_id": False},
    "context": {"elements": True, "block_id": False},
    "actions": {"elements": True, "block_id": False},
    "divider": {"block_id": False},
    "button": {"text": True, "url": False, "action_id": False, "value": False, "style": False},
    "plain_text": {"text": True, "emoji": False},
    "mrkdwn": {"text": True, "verbatim": False},
}
"""The keys of each kind, and whether it must have them."""
TEXTS = ("plain_text", "mrkdwn")


def flaws(blocks: Any) -> list[str]:
    """What is wrong, each with the place where it is; empty where nothing is."""
    if not isinstance(blocks, list):
        return ["blocks must be a list"]
    many = [f"no more than {MOST_BLOCKS} items allowed"] if len(blocks) > MOST_BLOCKS else []
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    twice = ["block_id must be unique"] if len(ids) != len(set(ids)) else []
    return many + twice + [flaw for at, block in enumerate(blocks) for flaw in _block(block, f"/blocks/{at}")]


def _block(block: Any, place: str) -> Iterator[str]:
    if not isinstance(block, dict) or block.get("type") not in ("header", "section", "context", "actions", "divider"):
        yield f"unsupported block type [{place}/type]"
        return
    yield from _shape(block, place)
    match block["type"]:
        case "header":
            yield from _text(block.get("text"), f"{place}/text", 150, ("plain_text",))
        case "section":
            yield from _section(block, place)
        case "context":
            yield from _list(block.get("elements"), f"{place}/elements", 10, lambda each, at: _text(each, at, 3000))
        case "actions":
            yield from _list(block.get("elements"), f"{place}/elements", 25, _button)


def _section(block: dict[str, Any], place: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield f"a section needs a text or fields [{place}]"
    if "text" in block:
        yield from _text(block["text"], f"{place}/text", 3000)
    if "fields" in block:
        yield from _list(block["fields"], f"{place}/fields", 10, lambda each, at: _text(each, at, 2000))


def _list(found: Any, place: str, most: int, each: Any) -> Iterator[str]:
    if not isinstance(found, list) or not 1 <= len(found) <= most:
        yield f"must have 1 to {most} items [{place}]"
        return
    for at, one in enumerate(found):
        yield from each(one, f"{place}/{at}")


def _text(found: Any, place: str, most: int, types: tuple[str, ...] = TEXTS) -> Iterator[str]:
    if not isinstance(found, dict) or found.get("type") not in types:
        yield f"must be a text of type {' or '.join(types)} [{place}]"
        return
    yield from _shape(found, place)
    text = found.get("text")
    if not isinstance(text, str) or not text.strip():
        yield f"must be more than 0 characters [{place}/text]"
    elif len(text) > most:
        yield f"must be less than {most + 1} characters [{place}/text]"
    yield from _flags(found, place)


def _flags(found: dict[str, Any], place: str) -> Iterator[str]:
    for name in ("emoji", "verbatim"):
        if not isinstance(found.get(name, False), bool):
            yield f"must be a boolean [{place}/{name}]"


def _button(found: Any, place: str) -> Iterator[str]:
    if not isinstance(found, dict) or found.get("type") != "button":
        yield f"unsupported element [{place}]"
        return
    yield from _shape(found, place)
    yield from _text(found.get("text"), f"{place}/text", 75, ("plain_text",))
    url = found.get("url", "https://example.org")
    if not isinstance(url, str) or len(url) > 3000 or not _is_url(url):
        yield f"must be a valid URL of up to 3000 characters [{place}/url]"


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _shape(found: dict[str, Any], place: str) -> Iterator[str]:
    keys = KEYS[found["type"]]
    yield from (f"invalid additional property: {name} [{place}]" for name in found if name not in {*keys, "type"})
    yield from (
        f"missing required field: {name} [{place}]" for name, must in keys.items() if must and name not in found
    )

"""Whether Slack would take some blocks: the limits of Block Kit, and no key or type that it does not have.

Limits are from docs.slack.dev/reference/block-kit/blocks.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.twins.slack.elements import element
from tests.twins.slack.shapes import PLAIN, Flaws, flags, items, keys, string, text

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
KEYS: dict[str, dict[str, bool]] = {
    "header": {"text": True},
    "section": {"text": False, "fields": False, "accessory": False, "expand": False},
    "context": {"elements": True},
    "actions": {"elements": True},
    "divider": {},
    "input": {"label": True, "element": True, "hint": False, "optional": False, "dispatch_action": False},
}
"""The keys of each kind beside `block_id`, and whether it must have them."""


def flaws(blocks: Any, surface: str = "message") -> list[str]:
    """What is wrong, each with the place where it is; empty where nothing is. `surface`: message, modal or home."""
    if not isinstance(blocks, list):
        return ["blocks must be a list"]
    most = MOST_BLOCKS[surface]
    many = [f"no more than {most} items allowed"] if len(blocks) > most else []
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    twice = ["block_id must be unique"] if len(ids) != len(set(map(str, ids))) else []
    focused = sum(each.get("focus_on_load") is True for _, each in actionable(blocks))
    focus = ["only one element can have focus_on_load"] if focused > 1 else []
    own = [flaw for at, block in enumerate(blocks) for flaw in _block(block, f"/blocks/{at}", surface)]
    return many + twice + focus + own


def actionable(blocks: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each block with each element in it that a person can use, as far as they are there at all."""
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, dict) or block.get("type") not in ("section", "actions", "input"):
            continue
        inside = block.get("elements")
        found = [block.get("accessory"), block.get("element"), *(inside if isinstance(inside, list) else [])]
        yield from ((block, each) for each in found if isinstance(each, dict))


def _block(block: Any, place: str, surface: str) -> Flaws:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in KEYS:
        yield f"unsupported block type [{place}/type]"
        return
    yield from keys(block, place, {**KEYS[kind], "block_id": False})
    yield from string(block, "block_id", place, 255)
    match kind:
        case "header":
            yield from text(block.get("text"), f"{place}/text", 150, PLAIN)
        case "section":
            yield from _section(block, place, surface)
        case "context":
            yield from items(block.get("elements"), f"{place}/elements", 10, lambda each, at: text(each, at, 3000))
        case "actions":
            yield from _actions(block, place, surface)
        case "input":
            yield from _input(block, place, surface)


def _section(block: dict[str, Any], place: str, surface: str) -> Flaws:
    if "text" not in block and "fields" not in block:
        yield f"a section needs a text or fields [{place}]"
    if "text" in block:
        yield from text(block["text"], f"{place}/text", 3000)
    if "fields" in block:
        yield from items(block["fields"], f"{place}/fields", 10, lambda each, at: text(each, at, 2000))
    if "accessory" in block:
        yield from element(block["accessory"], f"{place}/accessory", "section", surface)
    yield from flags(block, place, "expand")


def _actions(block: dict[str, Any], place: str, surface: str) -> Flaws:
    found = block.get("elements")
    yield from items(found, f"{place}/elements", 25, lambda each, at: element(each, at, "actions", surface))
    ids = Counter(str(each["action_id"]) for _, each in actionable([block]) if "action_id" in each)
    yield from (f"action_id {name} must be unique in its block [{place}]" for name, many in ids.items() if many > 1)


def _input(block: dict[str, Any], place: str, surface: str) -> Flaws:
    yield from text(block.get("label"), f"{place}/label", 2000, PLAIN)
    if "hint" in block:
        yield from text(block["hint"], f"{place}/hint", 2000, PLAIN)
    yield from flags(block, place, "optional", "dispatch_action")
    yield from element(block.get("element"), f"{place}/element", "input", surface)

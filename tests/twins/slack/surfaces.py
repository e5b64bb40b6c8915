"""Whether Slack would take a view: a modal or an App Home.

Limits are from docs.slack.dev/reference/views.
"""

import json
from typing import Any

from tests.twins.slack.blocks import flaws
from tests.twins.slack.shapes import PLAIN, Flaws, flags, keys, string, text

MOST_BYTES = 250_000
SHARED = {"blocks": True, "private_metadata": False, "callback_id": False, "external_id": False}
KEYS: dict[str, dict[str, bool]] = {
    "modal": {
        **SHARED,
        "title": True,
        **dict.fromkeys(("submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"), False),
    },
    "home": SHARED,
}


def view_flaws(view: Any) -> list[str]:
    """What is wrong, each with the place where it is; empty where nothing is."""
    kind = view.get("type") if isinstance(view, dict) else None
    if not isinstance(kind, str) or kind not in KEYS:
        return ["must be a view of type modal or home [/type]"]
    large = [f"must be no more than {MOST_BYTES} bytes"] if too_large(view) else []
    return [*large, *_frame(view, kind), *flaws(view.get("blocks"), kind), *_filled(view)]


def too_large(view: Any) -> bool:
    return len(json.dumps(view).encode()) > MOST_BYTES


def _frame(view: dict[str, Any], kind: str) -> Flaws:
    yield from keys(view, "", KEYS[kind])
    for name, most in {"private_metadata": 3000, "callback_id": 255, "external_id": 255}.items():
        yield from string(view, name, "", most, least=0)
    yield from flags(view, "", "clear_on_close", "notify_on_close", "submit_disabled")
    for name in ("title", "submit", "close"):
        if name in view:
            yield from text(view[name], f"/{name}", 24, PLAIN)


def _filled(view: dict[str, Any]) -> Flaws:
    blocks = view.get("blocks")
    if blocks == []:
        yield "must have at least 1 item [/blocks]"
    fields = any(isinstance(each, dict) and each.get("type") == "input" for each in blocks or [])
    if view["type"] == "modal" and fields and "submit" not in view:
        yield "must define submit to use input block [/submit]"

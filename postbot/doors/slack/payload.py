"""What Slack sends, as a value: read from its three forms, told apart from its doubles, and whose workspace it is from.

Pure. Only what was proven to come from Slack may be read here. Nothing in it is trusted beyond that: ids are compared
with what there is, texts are for the views to make harmless.

Forms: docs.slack.dev, interactivity/implementing-slash-commands (a form), reference/interaction-payloads (a form with
one field of JSON), apis/events-api (JSON). We read them ourselves, for Bolt takes every command in whose text the word
`payload` stands for an empty one.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

Json = dict[str, Any]

_MOST_FIELDS: Final = 100


class Unreadable(ValueError):  # noqa: N818 - a verdict, and no fault of ours
    """It has none of the forms in which Slack sends."""


def payload_of(kind: str, body: str) -> Json:
    """What a body of this content type holds. Raises `Unreadable`, also where a field of a form stands there twice."""
    try:
        if kind.partition(";")[0].strip().lower() == "application/json":
            return _object(json.loads(body))
        pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_FIELDS)
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise Unreadable
        return _object(json.loads(fields["payload"])) if fields.keys() == {"payload"} else dict(fields)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error


def _object(found: object) -> Json:
    if not isinstance(found, dict):
        raise Unreadable
    return found


def key_of(payload: Mapping[str, Any]) -> str:
    """A name for what a person did once, the same for every delivery of it: whatever comes in under it has one effect.

    Slack makes a `trigger_id` for each act, and an `event_id` for each event. Who presses a form's button twice submits
    the same view with the same in it twice, and means it once, also where it was shown anew in between because nobody
    knew what had come of the first time: what tells one step of a view from the next is what it carries.
    """
    kind = payload.get("type") or ("command" if "command" in payload else "")
    match kind:
        case "view_submission":
            view = within(payload, "view")
            said = [view.get(name) for name in ("id", "callback_id", "private_metadata", "state")]
        case "event_callback":
            said = [payload.get("event_id") or payload]
        case _:
            acts = [payload.get(name) for name in ("callback_id", "actions", "text")]
            said = [payload.get("trigger_id") or payload, *acts]
    who = payload.get("user_id") or within(payload, "user").get("id")
    return sha256(json.dumps([kind, who, said], sort_keys=True).encode()).hexdigest()


def is_from(payload: Mapping[str, Any], workspace: str) -> bool:
    """Whether it comes from this workspace, and the person too, where it says so. What says nothing does not.

    In a channel that is shared with others, a person's own `team_id` is that of their workspace.
    """
    team = payload.get("team_id") or within(payload, "team").get("id")
    return team == workspace and within(payload, "user").get("team_id", workspace) == workspace


def within(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within another; an empty one where there is none."""
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def text(found: Mapping[str, Any], *names: str) -> str:
    """A text within an object; empty where it holds none there."""
    for name in names[:-1]:
        found = within(found, name)
    value = found.get(names[-1])
    return value if isinstance(value, str) else ""

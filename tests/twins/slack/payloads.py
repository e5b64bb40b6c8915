"""What Slack sends when somebody does something: the exact shapes, from docs.slack.dev/reference/interaction-payloads.

`facts` is what the twin tells of a person who is about to do something (`Server.do_approach`).
"""

import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

Told = dict[str, Any]
VERIFICATION, APP = "twin-verification", "A0POSTBOT"
INNER = ("updates", "tokens", "channel", "to", "is_ephemeral", "metadata")


def team(workspace: str) -> Told:
    return {"id": workspace, "domain": "agency"}


def command(facts: Told, workspace: str, name: str, text: str) -> dict[str, str]:
    """The form of a slash command."""
    return {
        "token": VERIFICATION,
        "team_id": workspace,
        "team_domain": "agency",
        "channel_id": facts["channel"]["id"],
        "channel_name": facts["channel"]["name"],
        "user_id": facts["user"]["id"],
        "user_name": facts["user"]["username"],
        "command": name,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": facts["response_url"],
        "trigger_id": facts["trigger_id"],
    }


def interaction(facts: Told, workspace: str, kind: str, **own: Any) -> Told:
    """What all interactions have in common, and what this one has of its own."""
    return {
        "type": kind,
        "user": facts["user"],
        "api_app_id": APP,
        "token": VERIFICATION,
        "team": team(workspace),
        "enterprise": None,
        "is_enterprise_install": False,
        **own,
    }


def on_view(view: Told, action: Told, facts: Told) -> Told:
    """The part of `block_actions` that is of a modal or a home."""
    container = {"type": "view", "view_id": view["id"]}
    return {
        "trigger_id": facts["trigger_id"],
        "container": container,
        "view": view,
        "state": view["state"],
        "actions": [action],
    }


def on_message(message: Told, values: Told, action: Told, facts: Told) -> Told:
    """The part of `block_actions` that is of a message."""
    hidden = bool(message.get("is_ephemeral"))
    container = {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]}
    container |= {"is_ephemeral": hidden, **({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {})}
    return {
        "trigger_id": facts["trigger_id"],
        "container": container,
        "channel": facts["channel"],
        # Of an ephemeral message Slack tells nothing more than where it is.
        **({} if hidden else {"message": without_inner(message)}),
        "state": {"values": values},
        "response_url": facts["response_url"],
        "actions": [action],
    }


def action(block: Told, element: Told, state: Told | None = None) -> Told:
    """One use of one element; `state` is what was chosen."""
    told: Told = {name: element[name] for name in ("text", "value", "style", "url", "placeholder") if name in element}
    own = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    return {**own, **told, **(state or {}), "action_ts": stamp()}


def event(workspace: str, inner: Told) -> Told:
    """The envelope of the Events API."""
    grant = {"enterprise_id": None, "team_id": workspace, "user_id": "U0POSTBOT", "is_bot": True}
    return {
        "token": VERIFICATION,
        "team_id": workspace,
        "api_app_id": APP,
        "event": inner,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [{**grant, "is_enterprise_install": False}],
        "is_ext_shared_channel": False,
    }


def without_inner(message: Told) -> Told:
    return {name: value for name, value in message.items() if name not in INNER}


def stamp() -> str:
    return f"{time.time():.6f}"


def of_command(form: dict[str, str]) -> bytes:
    return urlencode(form).encode()


def of_interaction(payload: Told) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()

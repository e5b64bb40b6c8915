"""The Web API's methods: which there are, who may ask, and in what form."""

from collections.abc import Callable
from typing import Any

from tests.twins.slack import members, views
from tests.twins.slack.faults import Refusal
from tests.twins.slack.world import World

Told = dict[str, Any]

METHODS: dict[str, Callable[[World, Told], Told]] = {
    "auth.test": World.auth_test,
    "chat.postMessage": World.post,
    "chat.update": World.update,
    "chat.postEphemeral": World.whisper,
    "conversations.history": World.history,
    "conversations.replies": World.replies,
    "conversations.open": World.open,
    "users.info": members.info,
    "users.lookupByEmail": members.by_email,
    "usergroups.list": members.groups,
    "usergroups.users.list": members.group_members,
    "views.open": views.open_view,
    "views.push": views.push_view,
    "views.update": views.update_view,
    "views.publish": views.publish_view,
}
CONNECT = "apps.connections.open"
JSON_TOO: tuple[str, ...] = (
    "auth.test",
    "chat.postMessage",
    "chat.update",
    "chat.postEphemeral",
    "conversations.open",
    CONNECT,
)
JSON_TOO += ("views.open", "views.push", "views.update", "views.publish")
"""The methods that take JSON; for the others a body of JSON is none."""
GET_TOO: tuple[str, ...] = ("conversations.history", "conversations.replies", "users.info", "users.lookupByEmail")
GET_TOO += ("usergroups.list", "usergroups.users.list")
"""The methods that may be asked by GET: those that only read."""


def call(world: World, method: str, header: str, told: Told, *, connect: Callable[[], str]) -> Told:
    """Answer one method; `connect` makes an address for Socket Mode. Raises `Refusal`."""
    if method not in METHODS and method != CONNECT:
        raise Refusal("unknown_method", req_method=method)
    if not header:
        raise Refusal("not_authed")
    own, other = (world.app_token, world.token) if method == CONNECT else (world.token, world.app_token)
    if header == f"Bearer {other}":
        raise Refusal("not_allowed_token_type")
    if "token" in told or header != f"Bearer {own}":
        raise Refusal("invalid_auth")
    if world.revoked:
        raise Refusal(world.revoked)
    # Bolt says with everything for which workspace it asks.
    if told.pop("team_id", members.TEAM) != members.TEAM:
        raise Refusal("invalid_arguments")
    return {"ok": True, **({"url": connect()} if method == CONNECT else METHODS[method](world, told))}

"""The addresses that Slack hands out with what people do: `response_url`, good for five answers in thirty minutes.

From docs.slack.dev/interactivity/handling-user-interaction.
"""

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.twins.slack.faults import Refusal

if TYPE_CHECKING:
    from tests.twins.slack.world import World

MOST_USES, SECONDS = 5, 30 * 60
KNOWN = {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts", "parse", "link_names"}


@dataclass
class Url:
    """Where an answer goes: to whom, in which conversation, and which message it stands for, if any."""

    user: str
    channel: str
    ts: str = ""
    uses: int = 0
    born: float = 0.0


class Urls:
    def __init__(self) -> None:
        self.found: dict[str, Url] = {}

    def new(self, user: str, channel: str, ts: str = "") -> str:
        token = secrets.token_hex(12)
        self.found[token] = Url(user, channel, ts, born=time.monotonic())
        return token

    def use(self, token: str) -> Url:
        """Count a use. Raises `Refusal`."""
        found = self.found.get(token)
        if found is None or time.monotonic() - found.born > SECONDS:
            raise Refusal("expired_url")
        if found.uses >= MOST_USES:
            raise Refusal("used_url")
        found.uses += 1
        return found


def respond(world: "World", token: str, told: Any) -> None:
    """Do what was posted to a `response_url`. Raises `Refusal`."""
    url = world.urls.use(token)
    answer(world, url.user, url.channel, told, url.ts)
    world.note("responded", user=url.user, channel=url.channel, told=told)


def answer(world: "World", user: str, channel: str, told: Any, ts: str = "") -> None:
    """Show what the app says in answer to a person: a new message, or one instead of the message at `ts`."""
    kind = told.get("response_type", "ephemeral") if isinstance(told, dict) else None
    if kind not in ("ephemeral", "in_channel") or set(told) - KNOWN:
        raise Refusal("invalid_payload")
    if ts and told.get("delete_original"):
        gone(world, channel, ts)
    elif ts and told.get("replace_original"):
        replace(world, channel, ts, told)
    elif kind == "ephemeral":
        world.hush(channel, user, told)
    else:
        world.speak(channel, told)


def original(world: "World", channel: str, ts: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The list that a message is in, and the message."""
    inside = world.channels[channel].messages if channel in world.channels else []
    for messages in (world.whispers, inside):
        for each in messages:
            if each["ts"] == ts:
                return messages, each
    raise Refusal("message_not_found")


def gone(world: "World", channel: str, ts: str) -> None:
    messages, message = original(world, channel, ts)
    messages.remove(message)
    world.note("deleted", channel=channel, ts=ts)


def replace(world: "World", channel: str, ts: str, told: dict[str, Any]) -> None:
    _, message = original(world, channel, ts)
    made = world.made(told)
    message.pop("blocks", None)
    message |= made
    message["updates"] += 1
    world.note("updated", channel=channel, told=told, ts=ts)

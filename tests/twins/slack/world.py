"""The workspace: who and what is in it, what has been said, and what may be asked of it."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.twins.slack.blocks import flaws
from tests.twins.slack.faults import Refusal
from tests.twins.slack.members import TEAM, Group, User
from tests.twins.slack.mrkdwn import of_message
from tests.twins.slack.urls import Urls
from tests.twins.slack.views import Views

BOT_USER, BOT, APP = "U0POSTBOT", "B0POSTBOT", "A0POSTBOT"
SCOPES = (
    "chat:write",
    "channels:history",
    "groups:history",
    "im:history",
    "im:write",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "commands",
)
PREFIX = {"public": "channels", "private": "groups", "im": "im"}
MOST_TEXT, MOST_METADATA = 40_000, 8_000
POSTED = {"channel", "text", "blocks", "metadata", "thread_ts", "parse", "mrkdwn", "unfurl_links", "unfurl_media"}
POSTED |= {"link_names", "reply_broadcast"}
UPDATED = {"channel", "ts", "text", "blocks", "metadata", "parse", "link_names"}
WHISPERED = {"channel", "user", "text", "blocks", "thread_ts", "parse", "link_names"}

Told = dict[str, Any]


@dataclass
class Channel:
    """A conversation. `threads` says what a reply to a thread that is gone becomes: `unthread` or `refuse`."""

    id: str
    kind: str = "public"
    joined: bool = True
    archived: bool = False
    threads: str = "unthread"
    edits: str = ""
    name: str = ""
    messages: list[Told] = field(default_factory=list)


class World:
    """One workspace with one app in it, whose bot the token speaks for."""

    def __init__(self, log: Path, token: str, app_token: str) -> None:
        self.log, self.token, self.app_token = log, token, app_token
        self.forget()

    def forget(self) -> None:
        self.revoked = ""
        self.scopes: list[str] = list(SCOPES)
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, User] = {BOT_USER: User(BOT_USER, bot=True)}
        self.groups: dict[str, Group] = {}
        self.whispers: list[Told] = []
        self.views, self.urls = Views(self.note), Urls()
        self.page = 200
        self._ts = 0
        self.log.write_text("")

    def note(self, kind: str, **told: Any) -> None:
        """One line of the log of effects, on disk before anybody is answered."""
        with self.log.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"kind": kind, **told}) + "\n")

    def stamp(self) -> str:
        """A ts later than any before."""
        self._ts = max(self._ts + 1, int(time.time() * 1_000_000))
        return f"{self._ts // 1_000_000}.{self._ts % 1_000_000:06d}"

    # Asking

    def need(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Refusal("missing_scope", needed=scope, provided=",".join(self.scopes))

    def channel(self, told: Told, *, within: bool = True) -> Channel:
        found = self.channels.get(str(told.get("channel", "")))
        if found is None or (found.kind == "private" and not found.joined):
            raise Refusal("channel_not_found")
        if within and not found.joined:
            raise Refusal("not_in_channel")
        return found

    # Methods

    def auth_test(self, told: Told) -> Told:
        return {"team": "Agency", "team_id": TEAM, "user": "postbot", "user_id": BOT_USER, "bot_id": BOT}

    def post(self, told: Told) -> Told:
        self.need("chat:write")
        only(told, POSTED)
        channel = self.channel(told)
        if channel.archived:
            raise Refusal("is_archived")
        message = {"type": "message", "user": BOT_USER, "bot_id": BOT, "team": TEAM, **content(told)}
        if "metadata" in told:
            message["metadata"] = metadata(told["metadata"])
        thread = told.get("thread_ts")
        if thread is not None and find(channel, thread) is None:
            if channel.threads == "refuse":
                raise Refusal("thread_not_found")
            thread = None
        return self.put(channel, message, thread, told)

    def put(self, channel: Channel, message: Told, thread: str | None, told: Told) -> Told:
        """Put a message where it belongs, and into the log."""
        message = {**message, "ts": self.stamp(), **({"thread_ts": thread} if thread else {})}
        channel.messages.append({**message, "updates": 0, "tokens": tokens(told, message)})
        self.note("posted", channel=channel.id, by=message["user"], told=told, ts=message["ts"], thread=thread)
        return {"channel": channel.id, "ts": message["ts"], "message": without_metadata(message)}

    def update(self, told: Told) -> Told:
        self.need("chat:write")
        only(told, UPDATED)
        channel = self.channel(told)
        if channel.archived:
            raise Refusal("is_archived")
        found = find(channel, str(told.get("ts")))
        if found is None:
            raise Refusal("message_not_found")
        if found["user"] != BOT_USER:
            raise Refusal("cant_update_message")
        if channel.edits:
            raise Refusal(channel.edits)
        # A text without blocks takes the blocks away; without metadata the former stays, an empty one takes it away.
        made = content(told)
        found.pop("blocks", None)
        found |= made
        if "metadata" in told:
            found["metadata"] = metadata(told["metadata"]) if told["metadata"] != {} else None
        found["updates"] += 1
        # Unlike a post, an update without `parse` is read like what a person types.
        found["tokens"] = tokens({"parse": "client", **told}, found)
        self.note("updated", channel=channel.id, told=told, ts=found["ts"])
        return {"channel": channel.id, "ts": found["ts"], "text": found["text"]}

    def whisper(self, told: Told) -> Told:
        """`chat.postEphemeral`: a message that one person sees."""
        self.need("chat:write")
        only(told, WHISPERED)
        channel, user = self.channel(told), self.users.get(str(told.get("user", "")))
        if channel.archived:
            raise Refusal("is_archived")
        if user is None or user.disabled:
            raise Refusal("user_not_in_channel")
        return {"message_ts": self.hush(channel.id, user.id, told)}

    def hush(self, channel: str, user: str, told: Told) -> str:
        """Show a message to one person only; its ts."""
        message = {"type": "message", "user": BOT_USER, "bot_id": BOT, "team": TEAM, **self.made(told), "updates": 0}
        message |= {"ts": self.stamp(), "channel": channel, "to": user, "is_ephemeral": True}
        if told.get("thread_ts"):
            message["thread_ts"] = told["thread_ts"]
        self.whispers.append(message)
        self.note("ephemeral", channel=channel, user=user, told=told, ts=message["ts"])
        return str(message["ts"])

    def speak(self, channel: str, told: Told) -> None:
        """Say something in answer to a person, where the person is, whether the app is in there or not."""
        message = {"type": "message", "user": BOT_USER, "bot_id": BOT, "team": TEAM, **content(told)}
        self.put(self.conversation(channel), message, told.get("thread_ts"), told)

    def made(self, told: Told) -> Told:
        """Text, blocks, and what they would do."""
        message = content(told)
        return {**message, "tokens": tokens(told, message)}

    def conversation(self, id: str) -> Channel:  # noqa: A002 - Slack's word
        """A channel, or a person's own with the app, which is there when somebody writes in it."""
        if id not in self.channels and id.startswith("D"):
            self.channels[id] = Channel(id, "im")
        return self.channels[id]

    def history(self, told: Told) -> Told:
        channel = self.readable(told)
        found = [each for each in channel.messages if "thread_ts" not in each]
        return self.paged(found[::-1], told)

    def replies(self, told: Told) -> Told:
        channel = self.readable(told)
        root = find(channel, str(told.get("ts")))
        if root is None:
            raise Refusal("thread_not_found")
        found = [each for each in channel.messages if each.get("thread_ts") == root["ts"]]
        page = self.paged(found, told)
        return {**page, "messages": [shown(root, told), *page["messages"]]}

    def readable(self, told: Told) -> Channel:
        channel = self.channel(told, within=False)
        self.need(f"{PREFIX[channel.kind]}:history")
        return self.channel(told)

    def paged(self, found: list[Told], told: Told) -> Told:
        oldest, inclusive = float(told.get("oldest") or 0), told.get("inclusive") == "1"
        found = [each for each in found if later(float(each["ts"]), oldest, inclusive=inclusive)]
        size, start = min(int(told.get("limit") or 100), self.page), int(told.get("cursor") or 0)
        more = start + size < len(found)
        return {
            "messages": [shown(each, told) for each in found[start : start + size]],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }

    def open(self, told: Told) -> Told:
        self.need("im:write")
        user = self.users.get(str(told.get("users", "")))
        if user is None:
            raise Refusal("user_not_found")
        if user.disabled:
            raise Refusal("user_disabled")
        if user.bot:
            raise Refusal("cannot_dm_bot")
        channel = f"D{user.id[1:]}"
        if channel not in self.channels:
            self.channels[channel] = Channel(channel, "im")
            self.note("opened", channel=channel, user=user.id)
        return {"channel": {"id": channel}}


def only(told: Told, known: set[str]) -> None:
    if odd := set(told) - known:
        raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] unknown {sorted(odd)}"]})


def content(told: Told) -> Told:
    """Text and blocks of a message, as far as Slack takes them."""
    text, blocks = told.get("text", ""), told.get("blocks", [])
    if not isinstance(text, str) or not whole(text) or not whole(blocks):
        raise Refusal("invalid_arguments")
    if found := flaws(blocks):
        raise Refusal(
            "invalid_blocks", errors=found, response_metadata={"messages": [f"[ERROR] {each}" for each in found]}
        )
    if not text.strip():
        raise Refusal("no_text")
    if len(text) > MOST_TEXT:
        raise Refusal("msg_too_long")
    return {"text": text, **({"blocks": blocks} if blocks else {})}


def whole(found: Any) -> bool:
    """Whether it can be text at all: half of a surrogate pair cannot."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def metadata(told: Any) -> Told:
    fits = isinstance(told, dict) and set(told) == {"event_type", "event_payload"}
    if not fits or not isinstance(told["event_type"], str) or not isinstance(told["event_payload"], dict):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(told)) > MOST_METADATA:
        raise Refusal("metadata_too_large")
    return dict(told)


def tokens(told: Told, message: Told) -> list[str]:
    """What the message would do, by how it was to be read."""
    ways = {name: told[name] for name in ("parse", "link_names", "mrkdwn") if name in told}
    return of_message({**message, **ways})


def find(channel: Channel, ts: str) -> Told | None:
    return next((each for each in channel.messages if each["ts"] == ts), None)


def later(ts: float, oldest: float, *, inclusive: bool) -> bool:
    return ts >= oldest if inclusive else ts > oldest


def without_metadata(message: Told) -> Told:
    return {name: value for name, value in message.items() if name not in ("metadata", "updates", "tokens")}


def shown(message: Told, told: Told) -> Told:
    """A message as a reader gets it: its metadata only where they are asked for."""
    asked = told.get("include_all_metadata") in ("1", "true") and message.get("metadata")
    return {**without_metadata(message), **({"metadata": message["metadata"]} if asked else {})}

"""What each person has on the screen: the modals, one on the other, and the app's home; and what may be done to them.

From docs.slack.dev/reference/methods/views.open and its like, and docs.slack.dev/surfaces/modals. Raises `Refusal`.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.twins.slack import entry
from tests.twins.slack.faults import Refusal
from tests.twins.slack.members import TEAM
from tests.twins.slack.surfaces import too_large, view_flaws

if TYPE_CHECKING:
    from tests.twins.slack.world import World

BOT, APP = "B0POSTBOT", "A0POSTBOT"
MOST_VIEWS = 3
ACTIONS = {"errors": {"errors"}, "update": {"view"}, "push": {"view"}, "clear": set[str]()}
Told = dict[str, Any]


@dataclass
class Trigger:
    """What a person has just done: good for one view, for a short time."""

    user: str
    born: float
    modal: bool
    used: bool = False


class Views:
    """All the views of all people."""

    def __init__(self, note: Callable[..., None]) -> None:
        self.note = note
        self.seconds = 3.0
        self.triggers: dict[str, Trigger] = {}
        self.stacks: dict[str, list[Told]] = {}
        self.homes: dict[str, Told] = {}
        self.errors: dict[str, dict[str, str]] = {}

    # What people do

    def trigger(self, user: str, *, modal: bool = False) -> str:
        """A new trigger; `modal`: whether something in a modal was used, so that another may go on top."""
        name = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[name] = Trigger(user, time.monotonic(), modal)
        return name

    def find(self, id: str) -> tuple[str, Told]:  # noqa: A002 - Slack's word
        """Whose view that is, and the view. Raises `Refusal`."""
        for user, stack in [*self.stacks.items(), *((user, [home]) for user, home in self.homes.items())]:
            for view in stack:
                if view["id"] == id:
                    return user, view
        raise Refusal("not_found")

    def enter(self, id: str, values: entry.Values) -> None:  # noqa: A002 - Slack's word
        self.find(id)[1]["state"]["values"] = values

    def answered(self, id: str, told: Any) -> None:  # noqa: A002 - Slack's word
        """Do what the app answers to a submitted view. ValueError where Slack would not take the answer."""
        user, view = self.find(id)
        self.errors.pop(user, None)
        if told is None:
            return self.close(id)
        action = told.get("response_action") if isinstance(told, dict) else None
        if action not in ACTIONS or set(told) != {"response_action", *ACTIONS[action]}:
            raise ValueError(f"Slack takes no such answer to a view: {told!r}")
        match action:
            case "clear":
                self.stacks[user] = []
            case "errors":
                self.errors[user] = errors(view, told["errors"])
            case "update":
                self._update(user, view, told["view"])
            case "push":
                self._push(user, told["view"])
        return None

    def close(self, id: str, *, cleared: bool = False) -> None:  # noqa: A002 - Slack's word
        """Take a view away, or all of that person's."""
        user, view = self.find(id)
        self.stacks[user] = [] if cleared else [each for each in self.stacks[user] if each is not view]

    # What the app asks for

    def open(self, told: Told) -> Told:
        trigger = self._trigger(told)
        self.stacks[trigger.user] = []
        return self._push(trigger.user, told["view"])

    def push(self, told: Told) -> Told:
        trigger = self._trigger(told)
        if not trigger.modal or not self.stacks.get(trigger.user):
            raise Refusal("invalid_trigger_id")
        return self._push(trigger.user, told["view"])

    def update(self, told: Told) -> Told:
        id = str(told.get("view_id"))  # noqa: A001 - Slack's word
        if told.get("external_id"):
            views = [each for stack in self.stacks.values() for each in stack]
            id = next((each["id"] for each in views if each["external_id"] == told["external_id"]), "")  # noqa: A001
        user, view = self.find(id)
        if "hash" in told and told["hash"] != view["hash"]:
            raise Refusal("hash_conflict")
        return self._update(user, view, told.get("view"))

    def publish(self, user: str, told: Told) -> Told:
        before = self.homes.get(user)
        if "hash" in told and told["hash"] != (before or {}).get("hash"):
            raise Refusal("hash_conflict")
        view = self._made(told.get("view"), "home")
        if before:
            view |= {"id": before["id"], "root_view_id": before["id"]}
            view["state"] = {"values": entry.kept(view, before["state"]["values"])}
        self.homes[user] = view
        self.note("view-published", user=user, view=told["view"], id=view["id"])
        return view

    def _trigger(self, told: Told) -> Trigger:
        found = self.triggers.get(str(told.get("trigger_id") or told.get("interactivity_pointer")))
        if found is None:
            raise Refusal("invalid_trigger_id")
        if found.used:
            raise Refusal("exchanged_trigger_id")
        if time.monotonic() - found.born > self.seconds:
            raise Refusal("expired_trigger_id")
        checked(told.get("view"), "modal")
        found.used = True
        return found

    def _push(self, user: str, told: Any) -> Told:
        view, stack = self._made(told, "modal"), self.stacks.setdefault(user, [])
        if len(stack) >= MOST_VIEWS:
            raise Refusal("push_limit_reached")
        if view["external_id"] and view["external_id"] in [each["external_id"] for each in stack]:
            raise Refusal("duplicate_external_id")
        if stack:
            view |= {"previous_view_id": stack[-1]["id"], "root_view_id": stack[0]["id"]}
        stack.append(view)
        self.note("view-opened", user=user, view=told, id=view["id"])
        return view

    def _update(self, user: str, view: Told, told: Any) -> Told:
        made = self._made(told, view["type"])
        made |= {name: view[name] for name in ("id", "root_view_id", "previous_view_id")}
        made["state"] = {"values": entry.kept(made, view["state"]["values"])}
        view.clear()
        view |= made
        self.note("view-updated", user=user, view=told, id=view["id"])
        return view

    def _made(self, told: Any, kind: str) -> Told:
        """A view as Slack keeps and tells it."""
        told = checked(told, kind)
        id = f"V{secrets.token_hex(5).upper()}"  # noqa: A001 - Slack's word
        texts: Told = dict.fromkeys(("title", "submit", "close"))
        flags = dict.fromkeys(("clear_on_close", "notify_on_close"), False)
        empty = {"callback_id": "", "private_metadata": "", "external_id": ""}
        view = {**texts, **flags, **empty, **told, "blocks": entry.named(told["blocks"]), "id": id}
        view |= {"team_id": TEAM, "app_id": APP, "app_installed_team_id": TEAM, "bot_id": BOT}
        view |= {"hash": f"{int(time.time())}.{secrets.token_hex(4)}", "root_view_id": id, "previous_view_id": None}
        return {**view, "state": {"values": entry.initial(view)}}


def checked(told: Any, kind: str) -> Told:
    """The view that was given, be it as JSON in a form. Raises `Refusal`."""
    if isinstance(told, str):
        try:
            told = json.loads(told)
        except ValueError:
            raise Refusal("invalid_arguments") from None
    if too_large(told):
        raise Refusal("view_too_large")
    found = view_flaws(told)
    if not found and told["type"] != kind:
        found = [f"must be a view of type {kind} [/type]"]
    if found:
        raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {each}" for each in found]})
    return dict(told)


def errors(view: Told, told: Any) -> dict[str, str]:
    """The errors that an app tells of a view: each at an input that is there. ValueError otherwise."""
    fields = {each["block_id"] for each in view["blocks"] if each["type"] == "input"}
    fits = isinstance(told, dict) and bool(told) and set(told) <= fields
    if not fits or not all(isinstance(each, str) and each.strip() for each in told.values()):
        raise ValueError(f"errors must name inputs of the view, {sorted(fields)}, each with a sentence: {told!r}")
    return dict(told)


def open_view(world: "World", told: Told) -> Told:
    return {"view": bare(world.views.open(only(told, "trigger_id", "interactivity_pointer", "view")))}


def push_view(world: "World", told: Told) -> Told:
    return {"view": bare(world.views.push(only(told, "trigger_id", "interactivity_pointer", "view")))}


def update_view(world: "World", told: Told) -> Told:
    return {"view": bare(world.views.update(only(told, "view_id", "external_id", "hash", "view")))}


def publish_view(world: "World", told: Told) -> Told:
    only(told, "user_id", "hash", "view")
    user = world.users.get(str(told.get("user_id", "")))
    if user is None or user.disabled:
        raise Refusal("user_not_found")
    return {"view": bare(world.views.publish(user.id, told))}


def only(told: Told, *known: str) -> Told:
    if "view" not in told or set(told) - set(known):
        raise Refusal("invalid_arguments")
    return told


def bare(view: Told) -> Told:
    """A view as a method answers it: nothing has been entered as far as it says."""
    return {**view, "state": {"values": {}}}

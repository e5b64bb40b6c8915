"""What a person gets for what they did: what goes back with the acknowledgement, and what is asked of Slack after it.

What is here decides nothing. A call that is made after the acknowledgement shows something and has no other effect, so
one that fails costs a sentence and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from postbot.channels.slack import SILENT
from postbot.doors.slack.payload import Json, text, within
from postbot.doors.slack.views import CHANGED, MOST_IN_VIEW, Said, as_modal, notice

Call = Callable[[WebClient], object]

_PATIENCE: Final = 10
"""Seconds that Slack has to take what is said to it."""


class Outcome(StrEnum):
    """What came of a request, for the figures: it was shown something, filed, refused, or it failed."""

    SHOWN = "shown"
    FILED = "filed"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` goes back with the acknowledgement, `then` is called after it.

    One that `passes` holds for this moment only: whoever does the same again may hear something else.
    """

    outcome: Outcome
    body: Json | None = None
    then: Call | None = None
    passes: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody did something, and so where they look for what comes of it.

    `trigger` opens a view within three seconds; `reply` is a `response_url`, empty where there is no message. `modal`
    is the view that they did it in, empty outside of one; `home` is true of the App Home. docs.slack.dev,
    interactivity/handling-user-interaction.
    """

    member: str
    trigger: str
    reply: str = ""
    modal: str = ""
    hash: str = ""
    again: bool = False
    home: bool = False

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Spot":
        """Where this came from."""
        view = within(payload, "view")
        is_modal = view.get("type") == "modal"
        return cls(
            member=text(payload, "user_id") or text(payload, "user", "id") or text(payload, "event", "user"),
            trigger=text(payload, "trigger_id"),
            reply=text(payload, "response_url"),
            modal=text(view, "id") if is_modal else "",
            hash=text(view, "hash"),
            again=view.get("callback_id") == CHANGED,
            home=view.get("type") == "home",
        )

    def show(self, view: Json) -> Call:
        """Show a modal: over the one that they are in, in the place of one that has done its duty, or by itself."""
        if self.modal and self.again:
            return lambda client: client.views_update(view_id=self.modal, hash=self.hash, view=view)
        if self.modal:
            return lambda client: client.views_push(trigger_id=self.trigger, view=view)
        return lambda client: client.views_open(trigger_id=self.trigger, view=view)

    def turn(self, said: Said, home: Json) -> Call:
        """Show another page of the board in the very place of this one."""
        if self.home:
            return lambda client: client.views_publish(user_id=self.member, view=home)
        if self.modal:
            view = as_modal(said, BOARD)
            return lambda client: client.views_update(view_id=self.modal, hash=self.hash, view=view)
        return lambda _: self._write(said, replace=True)

    def tell(self, said: Said, title: str = "postbot") -> Call:
        """Say something that only they see, by a message where there is one, else by a modal."""
        return (lambda _: self._write(said)) if self.reply else self.show(as_modal(said, title))

    def _write(self, said: Said, *, replace: bool = False) -> None:
        hook = WebhookClient(self.reply, timeout=_PATIENCE, logger=SILENT, retry_handlers=[])
        blocks = list(said.blocks)
        answer = hook.send(text=said.text, blocks=blocks, response_type="ephemeral", replace_original=replace)
        if answer.status_code != _FINE:
            raise OSError(f"Slack answered with status {answer.status_code} to what was said to a person.")


BOARD: Final = "Postings"
_FINE: Final = 200


def message(said: Said) -> Json:
    """An answer to a command that only who typed it sees."""
    return {"response_type": "ephemeral", "text": said.text, "blocks": list(said.blocks)}


def update(view: Json) -> Json:
    """An answer to a submit: another view in the place of that one."""
    return {"response_action": "update", "view": view}


def closing(sentence: str, title: str = "postbot") -> Json:
    """An answer to a submit that leaves a sentence to be read."""
    return update(as_modal(notice(sentence), title))


def still_there(view: Mapping[str, Any], sentence: str) -> Json:
    """An answer to a submit that leaves the view as it is, with a sentence in it.

    Nothing that was filled in is lost, and the same button can be pressed again. An error can only stand at an input
    that the view has; one without any is shown once more with the sentence on top. docs.slack.dev,
    reference/interaction-payloads/view-interactions-payload.
    """
    blocks = [block for block in view.get("blocks") or () if isinstance(block, dict)]
    if inputs := [block["block_id"] for block in blocks if block.get("type") == "input" and block.get("block_id")]:
        return {"response_action": "errors", "errors": {inputs[0]: sentence}}
    kept = {name: view[name] for name in _OURS if view.get(name)}
    if not blocks or not {"type", "title"} <= kept.keys():
        return closing(sentence)
    told = [{**block, "block_id": _TROUBLE} for block in notice(sentence).blocks[:1]]
    rest = [block for block in blocks if block.get("block_id") != _TROUBLE]
    return update({**kept, "blocks": [*told, *rest][:MOST_IN_VIEW]})


_OURS: Final = ("type", "callback_id", "title", "submit", "close", "private_metadata")
_TROUBLE: Final = "trouble"

"""What a person gets for what they did: what goes back with the acknowledgement, and what is asked of Slack after it.

What is here decides nothing. A call that is made after the acknowledgement shows something and has no other effect, so
one that fails costs a sentence and nothing else.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from postbot.doors.slack.payload import Json, text, within
from postbot.doors.slack.views import CHANGED, Said, as_modal, notice

Call = Callable[[WebClient], object]

SILENT: Final = logging.Logger("postbot.doors.slack", logging.CRITICAL + 1)  # noqa: LOG001 - see below
"""Made by hand, so that it stands outside the tree of loggers; it lets nothing through. At DEBUG the libraries log
whole requests, with what people type and where they may be answered."""

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
    """`body` goes back with the acknowledgement, `then` is called after it."""

    outcome: Outcome
    body: Json | None = None
    then: Call | None = None


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

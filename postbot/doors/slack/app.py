"""The Bolt app: what comes in, over HTTP or Socket Mode, goes to the act that it is; the answer goes back, once.

The promise: an effect is in the ledger before Slack has its acknowledgement; what comes in a second time is answered
like the first, and has no second effect; where something fails the person hears a sentence, and the log has the fault.
What is asked of Slack besides (a form to be opened) is asked after the acknowledgement, in threads of its own, so that
a Slack that hangs keeps nobody waiting.

Nothing comes in here that was not proven to be Slack's: over HTTP by its signature (`http`), by Socket Mode because it
came through the connection that we opened. Bolt's and the SDK's own logs are silenced: they hold whole requests.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack import Ack
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk.errors import SlackApiError
from starlette.routing import Route

from postbot.channels.slack import SILENT, client
from postbot.core.problem import PostbotError
from postbot.doors.service import logs
from postbot.doors.service.desk import Desk
from postbot.doors.slack.acts import Acts
from postbot.doors.slack.answers import Answer, Outcome, Spot, message, still_there
from postbot.doors.slack.http import Events
from postbot.doors.slack.link import Link
from postbot.doors.slack.once import Once
from postbot.doors.slack.payload import Json, is_from, key_of, text, within
from postbot.doors.slack.views import FORM, SUMMARY, notice
from postbot.serviceconfig import SlackDoor

COMMAND: Final = "/posting"
SHORTCUT: Final = "posting"
"""The callback_id of the global shortcut and of the one on messages."""
PATH: Final = "/slack/events"

_PATIENCE: Final = timedelta(seconds=10)
_AFTERWARDS: Final = 8
"""Threads that ask Slack for something after an acknowledgement."""

_FAILED: Final = "This went wrong in postbot. Try again in a minute; the log says why."
_UNSURE: Final = (
    "This went wrong in postbot, and it may have been filed all the same. Press the button again in a minute: what was "
    "filed is not filed twice. The log says why."
)
_FOREIGN: Final = "postbot does not listen to this workspace."

Act = Callable[[Json, str], Answer]


class Door:
    """People in one workspace, before some sites. Made once; `close` ends its threads and its connection."""

    def __init__(self, settings: SlackDoor, desks: Callable[[], Sequence[Desk]], registry: CollectorRegistry) -> None:
        """Raise `ConfigError` for a secret that is missing."""
        self._settings = settings
        self._client = client(settings.token, settings.server, _PATIENCE)
        self._once: Once[Answer] = Once(lambda answer: answer.passes)
        self._after = ThreadPoolExecutor(_AFTERWARDS, thread_name_prefix="slack-after")
        about = "What people in Slack did, by what kind of act it was and what came of it."
        self._counted = Counter("postbot_slack_requests", about, ["kind", "outcome"], registry=registry)
        self._bolt = self._made(Acts(desks))
        self._link = Link(settings.app_token, self._client, self.take) if settings.by == "socket" else None

    @property
    def routes(self) -> Sequence[Route]:
        """What the HTTP server is to serve for it."""
        if self._link is not None:
            return ()
        events = Events(self._settings.signing_secret, self.take, lambda why: self._count("http", why))
        return (Route(PATH, events.take, methods=["POST"]),)

    def open(self) -> None:
        """Begin to listen by Socket Mode, if that is how; over HTTP the server does."""
        if self._link is not None:
            self._link.begin()

    def close(self) -> None:
        """Take nothing more. What is still being asked of Slack is left behind."""
        if self._link is not None:
            self._link.end()
        self._after.shutdown(wait=False, cancel_futures=True)

    def take(self, payload: Json) -> BoltResponse:
        """Handle what was proven to be Slack's, and answer it."""
        try:
            return self._bolt.dispatch(BoltRequest(mode="socket_mode", body=payload))
        except Exception as error:  # noqa: BLE001 - Bolt reads some of it before it minds what fails
            return self._unhandled(error)

    # How Bolt is made

    def _made(self, acts: Acts) -> App:
        """Bolt asks whom it speaks for, which is nobody: we do. Who somebody is and may do is for the roster to say."""
        bolt = App(
            logger=SILENT,
            name="slack-door",  # Bolt silences the logger of this name, too; that of `postbot` is ours
            client=client("", self._settings.server, _PATIENCE),
            authorize=lambda team_id: AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=""),
            process_before_response=True,
            raise_error_for_unhandled_request=True,
            ssl_check_enabled=False,
        )
        bolt.use(self._ours)
        bolt.command(COMMAND)(self._handled("command", acts.command))
        bolt.shortcut(SHORTCUT)(self._handled("shortcut", acts.shortcut))
        bolt.event("app_home_opened")(self._handled("home", acts.home))
        bolt.action(re.compile(""))(self._handled("press", acts.press))
        bolt.view(re.compile(f"{FORM}|{SUMMARY}"))(self._handled("submit", acts.submit))
        bolt.error(self._unhandled)
        return bolt

    def _ours(self, body: Json, next: Callable[[], object]) -> BoltResponse | None:  # noqa: A002 - Bolt's word
        if is_from(body, self._settings.workspace):
            next()
            return None
        self._count("any", "foreign")
        return BoltResponse(status=200, body=message(notice(_FOREIGN)) if "command" in body else "")

    def _handled(self, kind: str, act: Act) -> Callable[..., object]:
        def handle(body: Json, ack: Ack) -> None:
            answer = self._answer(kind, act, body)
            ack(answer.body) if answer.body is not None else ack()

        return handle

    def _unhandled(self, error: Exception) -> BoltResponse:
        """What no act is for is acknowledged and dropped; else Slack would send it again."""
        if not isinstance(error, BoltUnhandledRequestError):
            logs.fault("", "slack request failed", error)
        self._count("any", "unknown")
        return BoltResponse(status=200, body="")

    # What comes of it

    def _answer(self, kind: str, act: Act, body: Json) -> Answer:
        """The answer to an act, and what is to follow it, set going once however often it comes."""
        key = key_of(body)
        try:
            answer, is_new = self._once.do(key, lambda: act(body, key))
        except Exception as error:  # noqa: BLE001 - whatever it is, the person hears of it and the others go on
            answer, is_new = self._failed(kind, body, error), True
        self._count(kind, answer.outcome.value if is_new else "again")
        if is_new and answer.then is not None:
            self._after.submit(self._follow, answer.then, Spot.of(body))
        return answer

    def _failed(self, kind: str, body: Json, error: Exception) -> Answer:
        if isinstance(error, PostbotError):
            logs.line("error", "", "slack request failed", kind=kind, why=str(error))
        else:
            logs.fault("", "slack request failed", error)
        if kind == "command":
            return Answer(Outcome.FAILED, message(notice(_FAILED)))
        if kind == "submit":
            return Answer(Outcome.FAILED, still_there(within(body, "view"), _UNSURE))
        spot = Spot.of(body)
        return Answer(Outcome.FAILED, None, spot.tell(notice(_FAILED)) if spot.trigger or spot.reply else None)

    def _follow(self, call: Callable[[Any], object], spot: Spot) -> None:
        """Ask Slack for what is to be shown. What fails shows nothing, and there is no effect to be lost."""
        try:
            call(self._client)
        except SlackApiError as error:
            logs.line("warning", "", "slack shows nothing", why=text(error.response.data, "error"), member=spot.member)
        except Exception as error:  # noqa: BLE001 - an answer that never came, or none that can be read
            logs.line("warning", "", "slack shows nothing", why=type(error).__name__, member=spot.member)
        else:
            return
        self._count("shown", Outcome.FAILED.value)
        if spot.reply:
            self._apologize(spot)

    def _apologize(self, spot: Spot) -> None:
        try:
            spot.tell(notice("Slack did not take what was to be shown. Try again, please."))(self._client)
        except Exception as error:  # noqa: BLE001 - said once; who hears nothing presses again
            logs.line("warning", "", "slack says nothing", why=type(error).__name__, member=spot.member)

    def _count(self, kind: str, outcome: str) -> None:
        self._counted.labels(kind, outcome).inc()

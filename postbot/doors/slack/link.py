"""Socket Mode: one connection that we open to Slack, watched, and made anew when it says nothing any more.

A line may be dead although the client takes it for connected, also one that the far end has closed. So every connection
is judged by the last answer to our own pings, and one that has been silent for `SILENCE` is left behind for a new one:
nobody is unheard for longer than a minute. Where Slack asks for another connection, that is there before the old one
goes; the library would let go first, and hear nothing for seconds. What was not acknowledged is delivered again by
Slack, and counts once (`app`). Nothing here knows what is said.

docs.slack.dev, apis/events-api/using-socket-mode.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from slack_bolt.adapter.socket_mode.internals import send_response
from slack_bolt.response import BoltResponse
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from postbot import steady
from postbot.channels.slack import SILENT
from postbot.doors.service import logs
from postbot.doors.slack.payload import Json

SILENCE: Final = 10.0
"""Seconds without an answer to a ping after which a connection is taken for dead. The library's own look takes longer,
and never ends where there was no answer at all."""

_PING: Final = 3.0
_LOOK: Final = 0.5
"""Seconds between two looks at a connection."""

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 20.0
"""Seconds between two attempts to connect: they grow, and stay well below a minute with the silence before them."""

_DRAINS: Final = 2.0
"""Seconds that a connection has to acknowledge what it brought, once there is another one."""

_ENDS: Final = 3.0


class _Session(SocketModeClient):
    """The library's client, but that it asks for another connection in place of making it."""

    def __init__(self, token: str, client: WebClient) -> None:
        self.outlived = threading.Event()
        super().__init__(
            app_token=token,
            web_client=client,
            logger=SILENT,
            auto_reconnect_enabled=False,  # whether it lives is for `Link` to judge
            ping_interval=_PING,
        )

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - as the library has it
        """Slack wants another connection in place of this one."""
        self.outlived.set()

    def retire(self, after: float = 0.0) -> None:
        """End, in a thread of its own: a dead line may keep its closer waiting."""
        ending = threading.Timer(after, self.close)
        ending.daemon = True
        ending.start()


class Link:
    """The connection of one app. `take` handles what comes in; a response that is not 200 is not acknowledged."""

    def __init__(self, token: str, client: WebClient, take: Callable[[Json], BoltResponse]) -> None:
        self._token, self._client, self._take = token, client, take
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="slack-link", daemon=True)

    def begin(self) -> None:
        """Connect, and stay so, in a thread of its own."""
        self._thread.start()

    def end(self) -> None:
        """Take nothing more. Waits a few seconds at most for what is under way."""
        self._leaving.set()
        if self._thread.is_alive():
            self._thread.join(_ENDS)

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        session: _Session | None = None
        while not self._leaving.is_set():
            before, session = session, self._connected()
            if before is not None:
                before.retire(_DRAINS)
            since = steady.seconds()
            if session is not None:
                self._mind(session)
            lasted = session is not None and steady.seconds() - since > _LONGEST_PAUSE
            pause = _FIRST_PAUSE if lasted else min(2 * pause, _LONGEST_PAUSE)
            if session is None or not session.outlived.is_set():
                self._leaving.wait(pause)
        if session is not None:
            session.retire()

    def _connected(self) -> _Session | None:
        session = _Session(self._token, self._client)
        session.socket_mode_request_listeners.append(self._heard)
        try:
            session.connect()
            why = "" if session.is_connected() else "It did not take the connection."
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            why = type(error).__name__
        if not why:
            logs.line("info", "", "slack connected")
            return session
        logs.line("warning", "", "slack not connected", why=why)
        session.retire()
        return None

    def _mind(self, session: _Session) -> None:
        """Return once the connection is of no use any more, or another one is wanted."""
        heard, since = None, steady.seconds()
        while not self._leaving.wait(_LOOK):
            connection = session.current_session
            if session.outlived.is_set():
                why = "Slack asks for another connection."
            elif connection is None or not session.is_connected():
                why = "The connection was closed."
            elif heard != connection.last_ping_pong_time:
                heard, since = connection.last_ping_pong_time, steady.seconds()
                continue
            elif steady.seconds() - since > SILENCE:
                why = "It has been silent for too long."
            else:
                continue
            logs.line("info", "", "slack disconnected", why=why)
            return

    def _heard(self, session: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Handle one envelope. One whose acknowledgement is lost comes again."""
        answer = self._take(request.payload)
        with suppress(Exception):
            send_response(session, request, answer, 0.0)

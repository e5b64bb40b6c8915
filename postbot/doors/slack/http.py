"""`POST /slack/events`: what Slack sends over HTTP, once it is proven to be Slack's.

In this order: the size, the two headers, the signature over the bytes as they came, and only then what they say. Who
does not know the secret has nothing parsed, learns nothing but 401, and starts nothing. What is proven is handled in
threads of its own, so that no other page waits for it.

docs.slack.dev, authentication/verifying-requests-from-slack.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from postbot.doors.service.bodies import Refusal, body_of
from postbot.doors.slack.payload import Json, Unreadable, payload_of

_AT_ONCE: Final = 16
"""Threads that handle what people do."""

_MOST_WAITING: Final = 256
"""Requests that are taken in at a time; Slack tells whoever comes beyond that to try again."""

_STAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


class Events:
    """The endpoint. `take` handles what was proven to be Slack's; `counted` hears of what was not, by a word for why.

    `secret` is what Slack signs with; it must not be empty.
    """

    def __init__(self, secret: str, take: Callable[[Json], BoltResponse], counted: Callable[[str], None]) -> None:
        self._verifier = SignatureVerifier(secret)  # refuses an empty one
        self._take, self._counted = take, counted
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="slack")
        self._waiting = 0

    async def take(self, request: Request) -> Response:
        """Answer one request: 401 unless it is Slack's, 503 where there are too many at once."""
        if self._waiting >= _MOST_WAITING:
            self._counted("busy")
            return PlainTextResponse("Too many at once. Try again.\n", HTTPStatus.SERVICE_UNAVAILABLE)
        self._waiting += 1
        try:
            return await self._taken(request)
        except Refusal as refusal:
            self._counted("forged" if refusal.status == HTTPStatus.UNAUTHORIZED else "unreadable")
            return PlainTextResponse(f"{refusal.sentence}\n", refusal.status)
        finally:
            self._waiting -= 1

    async def _taken(self, request: Request) -> Response:
        body = await body_of(request)
        self._verify(request, body)
        try:
            payload = payload_of(request.headers.get("content-type", ""), body.decode())
        except Unreadable:
            raise Refusal(HTTPStatus.BAD_REQUEST, "It is signed, and nothing that can be read.") from None
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._take, payload)
        return Response(answer.body, answer.status, dict(answer.first_headers_without_set_cookie()))

    def _verify(self, request: Request, body: bytes) -> None:
        """Only what the verifier can compare reaches it: it fails by an error for a time that is no number."""
        stamps = request.headers.getlist("X-Slack-Request-Timestamp")
        signatures = request.headers.getlist("X-Slack-Signature")
        fits = (
            len(stamps) == len(signatures) == 1 and _STAMP.fullmatch(stamps[0]) and _SIGNATURE.fullmatch(signatures[0])
        )
        if not fits or not _is_text(body) or not self._verifier.is_valid(body, stamps[0], signatures[0]):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "This is not signed by Slack, or was signed too long ago.")


def _is_text(body: bytes) -> bool:
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False

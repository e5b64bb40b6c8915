"""What is sent to an endpoint from outside, read whole and no further than it may go; and how it is turned away.

Nothing here knows who sends or what it says: no more than `LARGEST` is ever held for somebody who has not proven
anything yet.
"""

from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect, Request

LARGEST: Final = 1 << 20
"""The largest body that is read, in bytes. GitHub's deliveries go up to 25 MB, but those that move a site are far
smaller; Slack's largest are some hundred KB."""


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """What is answered in place of taking it: a status, and a sentence for who set the sender up."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


async def body_of(request: Request) -> bytes:
    """The body as it came. Raises `Refusal` where it is too large, or does not come whole."""
    told = request.headers.get("content-length", "")
    too_large = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may have {LARGEST} bytes at most.")
    if told.isdecimal() and int(told) > LARGEST:
        raise too_large
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                raise too_large
    except ClientDisconnect:
        raise Refusal(HTTPStatus.BAD_REQUEST, "It did not come whole.") from None
    return bytes(body)

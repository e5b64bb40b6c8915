"""Hints from GitHub: a signed delivery has the sites of its repository look again, once. Nothing else of it is used.

In this order: the size, the signature over the bytes as they came, the other headers, and only then what they say. So
who does not know the secret learns nothing and has nothing parsed. No answer repeats what was sent.

The id of a delivery is not signed: who has caught a signed delivery can bring it again under another id, and gains one
more look, which is all that a hint is good for; how soon one look may follow another is the business of who is poked.
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry, Counter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from postbot.doors.service import logs
from postbot.doors.service.bodies import Refusal, body_of
from postbot.doors.service.health import Watched
from postbot.ledger import LedgerError

AT_ONCE: Final = 32
"""How many signed deliveries are written down at a time: fewer than the threads that wait for ledgers (40), so that
pages have some."""

READERS: Final = 192
"""How many bodies are read at a time, signed or not: each may be of `bodies.LARGEST`, and some connections stay for
pages."""

_DELIVERY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENT: Final = re.compile(r"[a-z_]{1,64}")


class Webhooks:
    """`POST /github` for all sites. `secret` is what GitHub signs with; it must not be empty."""

    def __init__(self, sites: Callable[[], Sequence[Watched]], secret: str, registry: CollectorRegistry) -> None:
        if not secret:
            raise ValueError("Without a secret everybody could sign.")
        self._sites = sites
        self._secret = secret.encode()
        self._reading = self._hearing = 0
        self._counted = Counter(
            "postbot_webhook_deliveries",
            "Deliveries of webhooks, by the status answered.",
            ["status"],
            registry=registry,
        )

    async def take(self, request: Request) -> PlainTextResponse:
        """Answer one delivery: 200 for a ping, 202 for what is taken or concerns nobody, else why not."""
        try:
            answer = await self._taken(request)
        except Refusal as refusal:
            answer = _said(refusal.status, refusal.sentence)
        self._counted.labels(answer.status_code).inc()
        return answer

    async def _taken(self, request: Request) -> PlainTextResponse:
        body = await self._read(request)
        self._verify(request, body)
        delivery = _one(request, "X-GitHub-Delivery", _DELIVERY)
        event = _one(request, "X-GitHub-Event", _EVENT)
        repository = _repository(_payload(request.headers.get("content-type", ""), body))
        if event == "ping":
            return _said(HTTPStatus.OK, "The webhook is set up.")
        concerned = [site for site in self._sites() if repository and site.repository.casefold() == repository]
        if not await self._heard(concerned, f"github:{delivery}"):
            why = "It could not be written down. Redeliver this one later."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, why)
        return _said(HTTPStatus.ACCEPTED, "Taken as a hint.")

    async def _read(self, request: Request) -> bytes:
        """Whoever has signed nothing may be slow here, and takes no place from who is heard."""
        if self._reading >= READERS:
            raise _too_many()
        self._reading += 1
        try:
            return await body_of(request)
        finally:
            self._reading -= 1

    async def _heard(self, sites: Sequence[Watched], key: str) -> bool:
        if self._hearing >= AT_ONCE:
            raise _too_many()
        self._hearing += 1
        try:
            return await run_in_threadpool(_hear, sites, key)
        finally:
            self._hearing -= 1

    def _verify(self, request: Request, body: bytes) -> None:
        """The signature is compared in constant time, as bytes: a header may hold any of them."""
        wanted = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}".encode()
        given = [value.encode("latin-1") for value in request.headers.getlist("X-Hub-Signature-256")]
        if len(given) != 1 or not hmac.compare_digest(wanted, given[0]):
            why = "The signature (X-Hub-Signature-256) is not ours. Set the same secret on both sides."
            raise Refusal(HTTPStatus.UNAUTHORIZED, why)


def _too_many() -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many deliveries at once. Redeliver this one later.")


def _hear(sites: Sequence[Watched], key: str) -> bool:
    """Poke each site that has not heard of this before; false where one could not write it down."""
    written = True
    for site in sites:
        try:
            if site.heard(key):
                logs.line("info", site.name, "to look again", why="GitHub says that something has happened.", key=key)
                site.poke()
        except LedgerError:
            written = False
    return written


def _one(request: Request, header: str, shape: re.Pattern[str]) -> str:
    given = [value.lower() for value in request.headers.getlist(header)]
    if len(given) != 1 or not shape.fullmatch(given[0]):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{header} is missing, or is not what GitHub sends.")
    return given[0]


def _payload(kind: str, body: bytes) -> object:
    """What was sent, in either of the two forms that GitHub offers."""
    try:
        match kind.partition(";")[0].strip().lower():
            case "application/json":
                return json.loads(body)
            case "application/x-www-form-urlencoded":
                fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=1)
                return json.loads(fields["payload"][0])
    except (ValueError, KeyError, RecursionError):
        raise Refusal(HTTPStatus.BAD_REQUEST, "The payload is not JSON that can be read.") from None
    raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Set the webhook's content type to application/json.")


def _repository(payload: object) -> str:
    """OWNER/NAME that a delivery is about, case folded; empty where it is about none, as of an organization."""
    if not isinstance(payload, dict):
        raise Refusal(HTTPStatus.BAD_REQUEST, "The payload is no JSON object.")
    repository = payload.get("repository")
    name = repository.get("full_name") if isinstance(repository, dict) else None
    return name.casefold() if isinstance(name, str) else ""


def _said(status: HTTPStatus, sentence: str) -> PlainTextResponse:
    return PlainTextResponse(f"{sentence}\n", status)

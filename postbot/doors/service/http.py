"""The service's HTTP server: how the sites fare, for whoever watches, and GitHub's hints.

It shows and pokes; it decides nothing and changes nothing. It answers only under its own names, so that no page in
somebody's browser can ask it by a name that was made to point here (DNS rebinding). No answer repeats what was asked,
and none holds a posting's title, a recipient or a secret. Who is slow is cut off after `PATIENCE`. There is room for
`_BUSY` connections, and whoever fills it keeps others from an answer for as long as that: they get 503, and may ask
again. A proxy in front of it is what limits how many come from one address. No site ever waits for any of them.
"""

import asyncio
import hmac
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from postbot.censor import censored
from postbot.core.problem import PostbotError
from postbot.doors.service.health import Health, Outcome, Watched
from postbot.doors.service.metrics import Standing
from postbot.doors.service.webhooks import Webhooks
from postbot.serviceconfig import ServiceConfig

PATIENCE: Final = 10.0
"""Seconds that a client has for one request: its headers, its body, and to take the answer. GitHub's own limit, too."""

_BUSY: Final = 256
"""Connections from which on the answer is 503."""

_FULL: Final = 512
"""Connections beyond which one is closed unheard: each takes a file, of which a process often has 1,024."""

_LONGEST_HEAD: Final = 16 * 1024
"""The most bytes of headers that are read."""

_LAST: Final = 2
"""Seconds that answers under way have when the server stops."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class HttpError(PostbotError):
    """The HTTP server cannot be there. The sentence says what to do."""


def application(
    sites: Callable[[], Sequence[Watched]],
    settings: ServiceConfig,
    registry: CollectorRegistry,
    *,
    works: Callable[[], bool],
    more: Sequence[Route] = (),
) -> Starlette:
    """The pages and the webhook. `sites` and `works` are asked at each request; `registry` is what `/metrics` shows.

    `more` are the routes of other doors, behind the same guard.

    `works` says whether the process does its work, whatever one of its sites is at.
    Raises `ConfigError` for a secret of the service that cannot be used.
    """
    registry.register(Standing(sites))
    pages = _Pages(sites, settings.token, registry, works)
    routes = [
        Route("/", pages.index),
        Route("/healthz", pages.healthz),
        Route("/readyz", pages.readyz),
        Route("/metrics", pages.metrics),
    ]
    if secret := settings.webhook_secret:
        hooks = Webhooks(sites, secret, registry)
        routes.append(Route("/github", hooks.take, methods=["POST"]))
    routes.extend(more)
    names = frozenset(name.lower().rstrip(".") for name in settings.names)
    guard = Middleware(_Guard, names=names)
    app = Starlette(routes=routes, middleware=[guard], exception_handlers={Exception: _broken})
    app.router.redirect_slashes = False
    return app


class _Pages:
    """What can be read. Those that say more than `ok` ask for the token, where there is one."""

    def __init__(
        self,
        sites: Callable[[], Sequence[Watched]],
        token: str,
        registry: CollectorRegistry,
        works: Callable[[], bool],
    ) -> None:
        self._sites, self._token, self._registry, self._works = sites, token.encode(), registry, works

    async def index(self, _request: Request) -> Response:
        return PlainTextResponse("postbot\n/healthz\n/readyz\n/metrics\n")

    async def healthz(self, _request: Request) -> Response:
        """Whether the process works; a container asks, without a token, and restarts it if not.

        A site that fares badly is the business of `/readyz`: a restart would end the turns of all others, too.
        """
        well = self._works()
        return PlainTextResponse("ok\n" if well else "not ok\n", 200 if well else 503)

    async def readyz(self, request: Request) -> Response:
        """Whether every site has ended a tick well of late, and how each fares."""
        if refusal := self._refusal(request):
            return refusal
        health, now = self._health(), datetime.now(UTC)
        ready = bool(health) and all(_is_ready(each) for each in health)
        shown = {"ready": ready, "sites": [_shown(each, now) for each in health]}
        return JSONResponse(shown, 200 if ready else 503)

    def metrics(self, request: Request) -> Response:
        """The figures, as Prometheus reads them. Not a coroutine: with many sites it takes a moment of a thread."""
        refusal = self._refusal(request)
        return refusal or Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def _health(self) -> list[Health]:
        return [site.health() for site in self._sites()]

    def _refusal(self, request: Request) -> Response | None:
        """https://www.rfc-editor.org/rfc/rfc6750: the answer to who does not bring the token; None for who does."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        if not self._token or (scheme.lower() == "bearer" and known):
            return None
        return PlainTextResponse("Bring the token of the service.\n", 401, {"WWW-Authenticate": "Bearer"})


def _is_ready(health: Health) -> bool:
    failing = health.hangs or health.overdue or health.outcome is Outcome.FAILED
    return health.ended_at is not None and not failing


def _shown(health: Health, now: datetime) -> dict[str, object]:
    """A site for `/readyz`. Ages and waits are seconds."""
    ended, wakes = health.ended_at, health.wakes_at
    return {
        "name": health.name,
        "outcome": health.outcome,
        "detail": censored(health.detail),
        "last_ended_ago": round((now - ended).total_seconds(), 3) if ended else None,
        "wakes_in": round((wakes - now).total_seconds(), 3) if wakes else None,
        "running_for": None if health.running is None else round(health.running, 3),
        "at": health.at,
        "hangs": health.hangs,
        "overdue": health.overdue,
        "rejected": censored(health.rejected),
    }


# Who may ask, and how long --------------------------------------------------------------------------------------------


class _Guard:
    """Answers only under its own names, and dresses every answer in the headers that browsers must heed."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        ours = scope["type"] == "http" and self._is_ours(Headers(scope=scope).get("host", ""))
        misdirected = PlainTextResponse("Nothing is served under this name.\n", HTTPStatus.MISDIRECTED_REQUEST)
        await (self._app if ours else misdirected)(scope, receive, dressed)

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host.lower()).rstrip(".")
        return name == "localhost" or name in self._names or _is_loopback(name)


def _without_port(host: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2: an IPv6 address stands in brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _broken(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("This went wrong; the log says why.\n", 500, _HEADERS)


def _impatient(patience: float) -> type[H11Protocol]:
    """The HTTP of uvicorn, which waits for ever for a request that has begun, with an end to that."""

    class Impatient(H11Protocol):
        _end: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            if len(self.connections) > _FULL:
                transport.abort()
            else:
                self._wait()

        def on_response_complete(self) -> None:
            self._wait()
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._stop_waiting()
            self._end = self.loop.call_later(patience, self.transport.abort)

        def _stop_waiting(self) -> None:
            if self._end is not None:
                self._end.cancel()

    return Impatient


# Running --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, in a thread of its own."""

    port: int
    _uvicorn: uvicorn.Server
    _thread: threading.Thread

    def stop(self) -> None:
        """Take no more requests, and end. Takes a few seconds at most; what still runs then ends with the process."""
        self._uvicorn.should_exit = True
        self._thread.join(_LAST + 2)


def serve(app: Starlette, host: str, port: int, *, patience: float = PATIENCE) -> Server:
    """Serve the application; port 0 takes a free one. Signals are left to the caller. Raises `HttpError`."""
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        http=_impatient(patience),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_BUSY,
        timeout_graceful_shutdown=_LAST,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="http", daemon=True)
    thread.start()
    return Server(listener.getsockname()[1], server, thread)


def _listener(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on, also before the server's thread has begun to answer."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        why = error.strerror or str(error)
        raise HttpError(
            f"The HTTP server cannot listen on {host} port {port}: {why}. Say another address with `listen` in "
            "service.yaml, or end what is there."
        ) from None

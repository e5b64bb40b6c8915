"""From a request to its answer: which door, who asks, what they may, how often, and what fails on the way."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import format_datetime
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.twins.github import graphql, rest
from tests.twins.github.clock import Clock
from tests.twins.github.errors import Refusal, not_found
from tests.twins.github.faults import ANSWERS, Fault, Faults
from tests.twins.github.interjections import Interjections
from tests.twins.github.limits import Limits
from tests.twins.github.rest import Call, Reply
from tests.twins.github.signin import SignIn, Token
from tests.twins.github.store import Store
from tests.twins.github.world import World

API, GRAPHQL, CODELOAD = "/api/v3", "/api/graphql", "/_codeload/"
READS = {"GET", "HEAD"}
UNKNOWN_ASKER = 401


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str] | Message
    data: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    def json(self) -> Any:
        try:
            told = json.loads(self.data) if self.data else {}
            json.dumps(told, ensure_ascii=False).encode()  # a lone surrogate is no text
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        return told


@dataclass
class Service:
    """The whole twin, apart from sockets. `requests` tells (method, route, status); 0 is a reply that never came."""

    repo: Path
    log: Path
    owner: str
    name: str
    origin: str = ""
    clock: Clock = field(default_factory=Clock)
    lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self.world = World(Store(self.repo), self.clock, self.log, self.owner, self.name)
        self.signin = SignIn(self.clock)
        self.signin.add(Token("ghs_postbot"))
        self.limits = Limits(self.clock)
        self.faults = Faults()
        self.interjections = Interjections()
        self.requests: list[list[Any]] = []
        self.empty_lists = False

    # Naming

    def place(self, asked: Asked) -> tuple[str, str] | None:
        """The repository a path names (owner/name) and what follows; its number where it names it so."""
        match = re.fullmatch(rf"{API}/repos/([^/]+/[^/]+)(/.*)?", asked.path)
        match = match or re.fullmatch(rf"{API}/repositories/(\d+)(/.*)?", asked.path)
        return (unquote(match[1]), match[2] or "") if match else None

    def name_of(self, asked: Asked) -> str:
        """The stable name of the door that a request is for."""
        if asked.path == GRAPHQL:
            try:
                return f"POST graphql {graphql.name_of(asked.json())}"
            except Refusal:
                return "POST graphql anonymous"
        if asked.path.startswith(CODELOAD):
            return "GET codeload"
        place = self.place(asked)
        found = rest.find(asked.method, place[1] if place else asked.path.removeprefix(API))
        return found[0].name if found else f"{asked.method} {asked.path}"

    # Answering

    def serve(self, asked: Asked) -> tuple[Reply, Fault | None]:
        """The reply, and what shall happen to its bytes. The effect comes first or not at all, as the fault says.

        What people do just before or just after it, they do while the asker waits for the answer.
        """
        name = self.name_of(asked)
        with self.lock:
            called = self.interjections.take(name)
        for each in (each for each in called if each.when == "before"):
            each.happen()
        reply, fault = self._served(asked, name)
        for each in (each for each in called if each.when == "after"):
            each.happen()
        return reply, fault

    def _served(self, asked: Asked, name: str) -> tuple[Reply, Fault | None]:
        with self.lock:
            self.world.sync()
            fault = self.faults.take(name)
            reply = Reply(200) if fault and fault.when == "before" else self.finished(asked)
            if fault and fault.kind in ANSWERS:
                reply = self.dressed(
                    ANSWERS[fault.kind](reply, self.limits), "graphql" if asked.path == GRAPHQL else "core"
                )
            lost = fault is not None and fault.kind not in ANSWERS and fault.kind != "drip"
            self.requests.append([asked.method, name, 0 if lost else reply.status])
            return reply, fault

    def finished(self, asked: Asked) -> Reply:
        """The true answer with all its headers; 304 where the asker has it already."""
        resource = "graphql" if asked.path == GRAPHQL else "core"
        try:
            reply = self.answer(asked)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body(), refusal.headers)
        same = self._tagged(asked, reply)
        if resource == "core" and not same and reply.status != UNKNOWN_ASKER and not asked.path.startswith(CODELOAD):
            self.limits.use("core")
        return self.dressed(reply, resource)

    def _tagged(self, asked: Asked, reply: Reply) -> bool:
        """Give a read its ETag; whether it is the one asked about."""
        if asked.method not in READS or reply.status != 200 or reply.raw is not None:
            return False
        tag = f'W/"{hashlib.sha256(json.dumps(reply.body).encode()).hexdigest()}"'
        reply.headers |= {
            "ETag": tag,
            "Cache-Control": "private, max-age=60, s-maxage=60",
            "Vary": "Accept, Authorization",
        }
        known = {one.strip().removeprefix("W/") for one in asked.headers.get("If-None-Match", "").split(",")}
        same = tag.removeprefix("W/") in known
        if same:
            reply.status, reply.body = 304, None
        return same

    def dressed(self, reply: Reply, resource: str) -> Reply:
        now = self.clock.now()
        fixed = {
            "Date": format_datetime(now, usegmt=True),
            "Server": "GitHub.com",
            "X-GitHub-Media-Type": "github.v3; format=json",
        }
        fixed["X-GitHub-Request-Id"] = f"TWIN:{len(self.requests)}"
        reply.headers = {**fixed, **self.limits.headers(resource), **reply.headers}
        return reply

    def answer(self, asked: Asked) -> Reply:
        if asked.path.startswith(CODELOAD):
            return self.codeload(asked)
        if not asked.headers.get("User-Agent"):
            raise Refusal(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            )
        if asked.path == GRAPHQL:
            return self.by_graphql(asked)
        return self.by_rest(asked)

    def codeload(self, asked: Asked) -> Reply:
        """The archive behind a signed address; no Authorization is asked for, nor wanted."""
        oid = asked.path.rpartition("/")[2]
        if not self.world.signed(oid, asked.query.get("token", "-")):
            return Reply(404, headers={"Content-Type": "text/plain"}, raw=b"404: Not Found")
        state = self.world.state
        data = self.world.store.archive(oid, f"{state.owner}-{state.name}-{oid[:7]}")
        return Reply(200, headers={"Content-Type": "application/x-gzip"}, raw=data)

    def by_graphql(self, asked: Asked) -> Reply:
        token = self.signin.who(asked.headers.get("Authorization"))
        if self.limits.spent("graphql"):
            return self.limits.refusal("graphql")
        if asked.method != "POST":
            raise not_found()
        state = self.world.seen()
        session = graphql.Session(self.world, state, token, self.origin, self.limits.told(), self.empty_lists)
        told, points = graphql.answer(session, asked.json())
        self.limits.use("graphql", points)
        return Reply(200, told, _scopes(token))

    def by_rest(self, asked: Asked) -> Reply:
        header, place = asked.headers.get("Authorization"), self.place(asked)
        found = rest.find(asked.method, place[1] if place else asked.path.removeprefix(API))
        token = self._asker(header, found)
        if self.limits.spent("core"):
            return self.limits.refusal("core")
        moved = self._moved(asked, place, token)
        if moved is not None:
            return moved
        if found is None or found[0].repo != (place is not None):
            raise not_found()
        route, parts = found
        if route.rights:
            token.need(*route.rights)
        if self.world.state.archived and route.repo and asked.method not in READS:
            raise Refusal(403, "Repository was archived so is read-only.")
        body = asked.json()
        if not isinstance(body, dict):
            raise Refusal(400, "Body should be a JSON object")
        call = Call(self.world, self.signin, token, self.origin, header, parts, asked.query, body, self.empty_lists)
        reply = route.handler(call)
        reply.headers |= _scopes(token)
        return reply

    def _asker(self, header: str | None, found: tuple[rest.Route, dict[str, str]] | None) -> Token:
        if found is not None and found[0].app:
            self.signin.app(header)
            return Token("", permissions={})
        if self.signin.is_claim(header):
            raise Refusal(401, "A JSON web token could not be decoded")
        return self.signin.who(header)

    def _moved(self, asked: Asked, place: tuple[str, str] | None, token: Token) -> Reply | None:
        """404 for another repository or one out of sight; for a former name, the way to the present one."""
        if place is None:
            return None
        which, rest_of_path = place
        state = self.world.state
        if state.hidden or not token.sees:
            raise not_found()
        if which.lower() == state.full_name.lower() or which == str(self.world.id):
            return None
        if which not in state.former:
            raise not_found()
        query = urlsplit(asked.target).query
        where = f"{self.origin}{API}/repositories/{self.world.id}{rest_of_path}{'?' if query else ''}{query}"
        status = 301 if asked.method in READS else 307
        word = "Moved Permanently" if status == 301 else "Temporary Redirect"
        return Reply(
            status,
            {"message": word, "url": where, "documentation_url": "https://docs.github.com/rest"},
            {"Location": where},
        )


def _scopes(token: Token) -> dict[str, str]:
    return {} if token.scopes is None else {"X-OAuth-Scopes": ", ".join(token.scopes)}

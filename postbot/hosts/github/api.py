"""GitHub over HTTP: one request at a time, bounded in time, its answer checked, its failures told in sentences.

PyGithub does the talking (signing in, TLS, headers). What is our own is what its defaults would get wrong for a bot
that must never act twice: reads are tried again, writes never are; no call waits for a rate limit to pass; no answer
may drip for longer than `_PATIENCE`; half an answer counts as none. Nothing here knows what is asked or why, and no
token, key or signed address appears in an error or a log. Proxies and certificates are those that `HTTPS_PROXY`,
`NO_PROXY` and `REQUESTS_CA_BUNDLE` name.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import jwt
import requests
import urllib3
from github import Auth, Github
from github.GithubException import GithubException
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
from pydantic import BaseModel, ValidationError

from postbot import steady
from postbot.censor import censored
from postbot.hosts import HostError, Refused, Unavailable

PUBLIC: Final = "https://api.github.com"

_SILENCE: Final = 10
"""Seconds without a byte after which a connection counts as dead."""
_PATIENCE: Final = timedelta(seconds=25)
"""After so long a call is given up, its further tries included, even while bytes keep dripping in."""
_TRIES: Final = 3
_LIMIT_WORDS: Final = ("rate limit", "abuse detection")
_UNPROCESSABLE: Final = frozenset({405, 409, 422})

_MOVED: Final = "GitHub sends us to another address: the repository or the server has moved. See: postbot doctor"
_QUERY: Final = re.compile(r"\?[^\s\"']*")

_Model = TypeVar("_Model", bound=BaseModel)
_Result = TypeVar("_Result")
Json = Any


class RateLimited(Unavailable):
    """GitHub takes no more requests for now. The tick ends here and a later one goes on; nothing is lost."""


class Denied(HostError):  # noqa: N818 - said as it is
    """The sign-in is not accepted, or lacks a right; a person must act."""


class NotAccepted(Unavailable):
    """The sign-in itself is not accepted; a person must act."""


class Conflict(Refused):
    """GitHub understood the request and would not do it as things stand; nothing was changed."""


class NotFound(HostError):  # noqa: N818 - said as it is
    """GitHub knows no such thing, or does not show it to this sign-in."""


class _Flaky(HostError):  # noqa: N818 - said as it is
    """No usable answer. A read may be tried again; what a write did is for the next look to find out."""


class _Down(_Flaky, Unavailable):
    """The connection itself failed: the next request would fare no better."""


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App's own sign-in. `key` is its private key in PEM form. The installation is the repository owner's."""

    id: str
    installation: int
    key: str

    def __repr__(self) -> str:
        return f"App(id={self.id!r}, installation={self.installation}, key=***)"


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token, or the token of an Action."""

    secret: str

    def __repr__(self) -> str:
        return "Token(***)"


SignIn = App | Token


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status, its headers by lower-case name, and its body read as JSON (None for none)."""

    status: int
    headers: Mapping[str, str]
    data: Json

    @property
    def at(self) -> datetime | None:
        """GitHub's own clock when it answered (UTC). https://www.rfc-editor.org/rfc/rfc9110#name-date."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return None


class Api:
    """GitHub's two interfaces, REST below `/repos/OWNER/NAME` and GraphQL, for one repository.

    `pace` is the pause between two writes; GitHub asks for a second
    (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api). `sent` counts requests.
    `budget_left` is how many requests GitHub said it would take until its hour ends, None while it has not said:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api. Its own clock is known from its
    last answer.
    """

    def __init__(
        self,
        repository: str,
        sign_in: SignIn,
        base_url: str = PUBLIC,
        pace: timedelta = timedelta(seconds=1),
        patience: timedelta = _PATIENCE,
    ) -> None:
        if urlsplit(base_url).scheme not in ("https", "http") or not urlsplit(base_url).hostname:
            raise HostError(f"{base_url!r} is no address of GitHub; write `server` as https://HOST/api/v3.")
        self.repository = repository
        self.base_url = base_url
        self.sent = 0
        self.budget_left: int | None = None
        self._heard: tuple[datetime, float] | None = None
        self.sign_in = sign_in
        self._pace = pace.total_seconds()
        self._patience = patience.total_seconds()
        self._wrote_at = float("-inf")
        self._demand: Callable[[], None] = lambda: None
        self._connect()

    def guard(self, demand: Callable[[], None]) -> None:
        """Call this just before each write; it raises where that may not be sent any more."""
        self._demand = demand

    def clock(self) -> datetime | None:
        """What GitHub's clock shows now (UTC), give or take a second and the answer's way; None before it has told."""
        if self._heard is None:
            return None
        told, heard = self._heard
        return told + timedelta(seconds=steady.seconds() - heard)

    # Reading: tried again

    def get(self, path: str, params: Mapping[str, str] | None = None, *, etag: str | None = None) -> Reply:
        """Read one resource of the repository (`path` begins with a slash; empty means the repository itself).

        With an `etag`, the status may be 304 and the data None. https://docs.github.com/en/rest.
        """
        headers = {"If-None-Match": etag} if etag else {}
        return self._again(lambda until: self._send("GET", self._in(path), until, params=params, headers=headers))

    def get_app(self, path: str = "") -> Reply:
        """Read what GitHub tells an App of itself (`path` below `/app`), signed in as the App and no installation."""
        assert isinstance(self.sign_in, App)
        github, address = self._connected(self._app_auth(self.sign_in)), f"/app{path}"
        ask = partial(self._raw, "GET", address, github=github)
        return self._again(lambda until: _good(f"GET {address}", self._bounded(ask, until)))

    def pages(self, path: str, most: int = 100) -> list[Json]:
        """Read a whole listing, a hundred to a page. One that has more than `most` pages is an error."""
        found: list[Json] = []
        for page in range(1, most + 1):
            reply = self.get(path, {"per_page": "100", "page": str(page)})
            if not isinstance(reply.data, list):
                raise _odd(f"GET {path}")
            found += reply.data
            if 'rel="next"' not in reply.headers.get("link", ""):
                return found
        raise HostError(f"GitHub lists more than {most} pages under {path}; that is not read.")

    def query(self, text: str, shape: type[_Model], **variables: Json) -> tuple[_Model, Reply]:
        """Ask GraphQL and return the answer in `shape`. An answer with any error in it is no answer."""
        return self._again(lambda until: self._ask(text, shape, variables, until))

    def download(self, path: str, take: Callable[[requests.Response], _Result], patience: float) -> _Result:
        """Follow `path` to where GitHub keeps a large file and hand its stream to `take`, for `patience` seconds."""
        return self._again(lambda until: self._bounded(lambda: self._stream(path, take), until), patience)

    # Writing: never tried again

    def write(self, verb: str, path: str, body: Mapping[str, Json]) -> Reply:
        """Change something in the repository, once.

        Raises `Conflict` where GitHub declines, and `Refused` where its answer does not tell what happened.
        """
        reply = self._once(lambda until: self._send(verb, self._in(path), until, body=body))
        if verb != "DELETE" and not isinstance(reply.data, dict):  # all that we change is shown as it then stands
            raise Refused(f"{_odd(f'{verb} {path}')} Whether it was done, the next look tells.")
        return reply

    def mutate(self, text: str, **variables: Json) -> None:
        """Change something by GraphQL, once. Raises as `write` does."""
        self._once(lambda until: self._ask(text, _Anything, variables, until))

    # How

    def _connect(self) -> None:
        """Begin anew: by another connection, and for an App with another token."""
        self._line = _line(self.base_url)
        self._github = self._connected(self._auth())

    def _connected(self, auth: Auth.Auth) -> Github:
        return Github(
            auth=auth,
            base_url=self.base_url,
            timeout=_SILENCE,
            user_agent="postbot",
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def _auth(self) -> Auth.Auth:
        match self.sign_in:
            case Token(secret):
                return Auth.Token(secret)
            case App(installation=installation) as app:
                return self._app_auth(app).get_installation_auth(installation)

    def _app_auth(self, app: App) -> Auth.AppAuth:
        return Auth.AppAuth(app.id, sign_func=partial(_signed, app.key))

    def _in(self, path: str) -> str:
        return f"/repos/{self.repository}{path}"

    def _once(self, act: Callable[[float], _Result]) -> _Result:
        # GitHub asks for a pause between two writes; at most `pace`.
        time.sleep(max(0.0, self._wrote_at + self._pace - time.monotonic()))
        until = time.monotonic() + self._patience
        try:
            self._get_leave(until)
            return act(until)
        except _Down:
            raise
        except _Flaky as error:
            raise Refused(f"{error} Whether it was done, the next look tells.") from error
        finally:
            self._wrote_at = time.monotonic()

    def _get_leave(self, until: float) -> None:
        """See that a write may be sent, last of all: for an App, to sign in is a request of its own, and takes time."""
        auth = self._github.requester.auth
        if auth is not None:
            self._bounded(lambda: auth.token, until)
        self._demand()

    def _again(self, read: Callable[[float], _Result], patience: float | None = None) -> _Result:
        until = time.monotonic() + (patience or self._patience)
        for tried in range(1, _TRIES):
            try:
                return read(until)
            except _Flaky:
                pause = self._pace * tried / 2
                if time.monotonic() + pause >= until:
                    raise
                time.sleep(pause)  # a moment for what is flaky to pass, within the deadline of the read
        return read(until)

    def _ask(self, text: str, shape: type[_Model], variables: Mapping[str, Json], until: float) -> tuple[_Model, Reply]:
        address = self._github.requester.graphql_url
        reply = self._send("POST", address, until, body={"query": text, "variables": variables})
        if not isinstance(reply.data, dict):
            raise _odd("GraphQL")
        if errors := reply.data.get("errors"):
            raise _graphql_fault(errors, reply)
        try:
            return shape.model_validate(reply.data.get("data")), reply
        except ValidationError as error:
            raise _odd(f"GraphQL ({'.'.join(map(str, error.errors()[0]['loc']))})") from None

    def _send(
        self,
        verb: str,
        address: str,
        until: float,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json = None,
    ) -> Reply:
        """Send one request, signing in anew once if GitHub no longer knows the App's token: nothing was done then."""
        for first in (True, False):
            reply = self._bounded(lambda: self._raw(verb, address, params, headers, body), until)
            if reply.status != HTTPStatus.UNAUTHORIZED or not first or not isinstance(self.sign_in, App):
                break
            self._connect()
            self._get_leave(until)
        return _good(f"{verb} {address}", reply)

    def _raw(
        self,
        verb: str,
        address: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json = None,
        github: Github | None = None,
    ) -> Reply:
        self.sent += 1
        status, received, text = (github or self._github).requester.requestJson(
            verb, address, dict(params or {}), dict(headers or {}), body, self._line
        )
        reply = Reply(status, received, _read_json(status, text, f"{verb} {address}"))
        self._heard = (reply.at, steady.seconds()) if reply.at else self._heard
        if (left := received.get("x-ratelimit-remaining", "")).isdecimal():
            self.budget_left = int(left)
        return reply

    def _stream(self, path: str, take: Callable[[requests.Response], _Result]) -> _Result:
        """Two requests: GitHub's API names an address that carries its own leave, and that needs no token."""
        self.sent += 1
        status, headers, text = self._github.requester.requestJson("GET", self._in(path), cnx=self._line)
        if status != HTTPStatus.FOUND or "location" not in headers:
            _good(f"GET {path}", Reply(status, headers, _read_json(status, text, f"GET {path}")))
            raise _odd(f"GET {path}")
        self.sent += 1
        address, nobody = headers["location"], Requester.noopAuth  # who is in `.netrc` has no business there
        with requests.get(address, auth=nobody, stream=True, timeout=_SILENCE, allow_redirects=False) as response:
            told = {name.lower(): value for name, value in response.headers.items()}
            _good("to send the archive of the repository", Reply(response.status_code, told, None))
            return take(response)

    def _bounded(self, call: Callable[[], _Result], until: float) -> _Result:
        """Run a call in a thread of its own: a server that sends a byte now and then would hold us for ever."""
        results: list[_Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(call())
            except BaseException as error:  # noqa: BLE001 - handed on to the caller, whatever it is
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            self._connect()
            raise _Down("GitHub took too long to answer.")
        if errors:
            raise _told(errors[0]) from None
        return results[0]


class _Anything(BaseModel):
    """An answer of which nothing is used."""


def read_as(shape: type[_Model], data: Json) -> _Model:
    """Take an answer in the shape that is documented. What a write has done, the next look tells."""
    try:
        return shape.model_validate(data)
    except ValidationError:
        raise Refused("GitHub's answer is not what it documents; it was not used. The next look tells more.") from None


def _read_json(status: int, text: str, what: str) -> Json:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        if status >= HTTPStatus.BAD_REQUEST:
            return None
        raise _odd(what) from None


def _good(what: str, reply: Reply) -> Reply:
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES and reply.status != HTTPStatus.NOT_MODIFIED:
        raise _fault(what, reply)
    return reply


def _line(base_url: str) -> HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass:
    """PyGithub's own connection, but one that is not sent away with half of what it asks."""
    where = urlsplit(base_url)
    kind = HTTPSRequestsConnectionClass if where.scheme == "https" else HTTPRequestsConnectionClass
    line = kind(str(where.hostname), where.port, timeout=_SILENCE)
    line.session.hooks["response"].append(_stay)
    return line


def _stay(response: requests.Response, *_: object, **__: object) -> None:
    """Have PyGithub follow no 301 of a query: it leaves the query out, and a part of a folder passes for the whole."""
    if response.status_code == HTTPStatus.MOVED_PERMANENTLY and "?" in str(response.request.url):
        response.headers.pop("location", None)


def _signed(key: str, claim: dict[str, Any]) -> str:
    """The App's word for who it is. https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app."""
    try:
        return jwt.encode(claim, key, algorithm="RS256")
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
        raise NotAccepted("The sign-in to GitHub could not be made: the App's private key cannot be read.") from None


def _hide(record: logging.LogRecord) -> bool:
    """Let a record of a library pass without the queries of addresses: that of an archive is its key."""
    record.msg, record.args = _QUERY.sub("?...", record.getMessage()), ()
    return True


def _drop(record: logging.LogRecord) -> bool:
    """Let no record of a single request pass: PyGithub's hold whole answers, the App's token among them."""
    return record.levelno > logging.DEBUG


logging.getLogger("github.Requester").addFilter(_drop)
logging.getLogger("urllib3.connectionpool").addFilter(_hide)


def _odd(what: str) -> _Flaky:
    return _Flaky(f"GitHub's answer to {what} is not what it documents; it was not used.")


def _told(error: BaseException) -> BaseException:
    """A failure of the connection in a sentence, without the address and headers that libraries put into theirs."""
    match error:
        case HostError():
            return error
        case requests.Timeout():
            return _Down(f"GitHub did not answer within {_SILENCE} seconds.")
        case OSError() if "CA certificate" in str(error):
            return NotAccepted("The certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be read.")
        case requests.exceptions.SSLError():
            return _Down("The encrypted connection to GitHub failed; a proxy or a certificate may be in the way.")
        case requests.RequestException() | urllib3.exceptions.HTTPError() | OSError():
            return _Down("GitHub could not be reached, or dropped the connection.")
        case GithubException(status=404):  # raised while signing in only: all else is read from plain statuses
            return NotAccepted("GitHub knows no such installation of the App; see `app` in the configuration.")
        case GithubException(status=status, data=data, headers=headers):
            return _fault("signing in", Reply(status, headers or {}, data))
        case RuntimeError() | AssertionError():
            return NotAccepted(_MOVED)
        case ValueError() | TypeError():
            return _Flaky("GitHub's answer is not what it documents; it was not used.")
        case _:
            return error


def _fault(what: str, reply: Reply) -> HostError:
    """What a status of 400 or more means. https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api."""
    said = _message(reply.data)
    limited = "retry-after" in reply.headers or any(word in said.lower() for word in _LIMIT_WORDS)
    match reply.status:
        case 403 | 429 if limited or reply.status == 429:  # noqa: PLR2004 - beside its fellow
            return RateLimited(f"GitHub takes no more requests for now{_until(reply)}. What is left is done then.")
        case 301 | 302 | 303 | 307 | 308:
            return NotAccepted(_MOVED)
        case 401:
            return NotAccepted(
                "GitHub does not accept the sign-in. Check the token, or the App's id, installation and key."
            )
        case 403:
            return Denied(f"GitHub forbids {what}{_because(said or 'a right is missing')} See: postbot doctor")
        case 404 | 410 | 451:
            return NotFound(f"GitHub knows nothing of {what}, or does not show it to this sign-in. See: postbot doctor")
        case status if status in _UNPROCESSABLE:
            return Conflict(f"GitHub declines {what}{_because(said)}")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return _Flaky(f"GitHub is in trouble ({status}).")
        case status:
            return HostError(f"GitHub declines {what} ({status}){_because(said)}")


def _graphql_fault(errors: Json, reply: Reply) -> HostError:
    """Errors inside an answer of status 200. https://spec.graphql.org/October2021/#sec-Errors."""
    listed = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    kinds = {str(error.get("type")) for error in listed}
    said = _short("; ".join(str(error.get("message", "")) for error in listed))
    if "RATE_LIMITED" in kinds or any(word in said.lower() for word in _LIMIT_WORDS):
        return RateLimited(f"GitHub takes no more requests for now{_until(reply)}. What is left is done then.")
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return Denied(f"GitHub forbids it{_because(said)} See: postbot doctor")
    if "NOT_FOUND" in kinds:
        return NotFound(f"GitHub knows nothing of it, or does not show it to this sign-in{_because(said)}")
    if kinds & {"UNPROCESSABLE", "STALE_DATA"}:
        return Conflict(f"GitHub declines it{_because(said)}")
    return _Flaky(f"GitHub could not answer in full{_because(said)}")


def _because(said: str) -> str:
    """What GitHub gives for a reason, as the end of a sentence of ours."""
    return f": {said.rstrip('.')}." if said else "."


def _message(data: Json) -> str:
    """GitHub's own words for why, the details of a 422 included, on one line."""
    if not isinstance(data, dict):
        return ""
    told = data.get("errors")
    details = told if isinstance(told, list) else []
    more = [
        str(each.get("message") or each.get("code") or "") if isinstance(each, dict) else str(each) for each in details
    ]
    return _short(" ".join([str(data.get("message", "")), *more]))


def _short(text: str) -> str:
    """On one line, cut where it is long; without secrets before that, for half a secret would not be known as one."""
    return " ".join(censored(text).split())[:300]


def _until(reply: Reply) -> str:
    """When GitHub says that it will listen again. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api."""
    try:
        if "retry-after" in reply.headers:
            return f", for {int(reply.headers['retry-after'])} seconds"
        if reply.headers.get("x-ratelimit-remaining") == "0":
            return f", until {datetime.fromtimestamp(int(reply.headers['x-ratelimit-reset']), UTC):%Y-%m-%d %H:%M} UTC"
    except (KeyError, ValueError, OverflowError, OSError):
        pass
    return ""

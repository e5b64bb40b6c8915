"""The published site, as a reader sees it: whether a page shows the news that is about to go out.

One look at a page is one look: nothing is kept, nothing is tried again. It reads the configured site and nothing else.
Every request is made to that site's own scheme, host and port, whatever a posting or a redirect says; no cookie and no
password goes with it. A look ends in time, however the server drips, and takes up little memory, however much is sent.
Whatever the far end does is told as a sentence and never raised. Proxies and certificates are those that `HTTPS_PROXY`,
`NO_PROXY` and `REQUESTS_CA_BUNDLE` name.
"""

import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message as Headers
from html.parser import HTMLParser
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from postbot.core.announce import Page
from postbot.core.problem import PostbotError

NOT_FOUND: Final = "not found"
"""What a page shows that the site has taken down."""

_REDIRECTS: Final = 3
_PIECE: Final = 4096
"""Bytes taken from the line at a time: unpacked, a piece is a thousand times as large at worst."""
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_MARKUP: Final = frozenset({"text/html", "application/xhtml+xml"})
_PACKED: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ASKED: Final = {
    "User-Agent": "postbot",
    "Accept": "text/html, application/xhtml+xml, text/plain;q=0.9",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Connection": "close",
}
_LONGEST_QUOTE: Final = 80


class PageError(PostbotError):
    """The configured address is not that of a site."""


@dataclass(frozen=True, slots=True)
class Showing:
    """Whether a page shows what it must, and a sentence for staff that says what was seen."""

    shown: bool
    detail: str


class PublicSite:
    """The site published at `url`. A look waits `timeout` for each step, `deadline` in all, and reads `most` bytes.

    Raises `PageError` for what is no address of a site.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: timedelta = timedelta(seconds=5),
        most: int = 1 << 20,
        deadline: timedelta = timedelta(seconds=15),
    ) -> None:
        self._origin = _origin_of(url)
        self._timeout = timeout.total_seconds()
        self._most = most
        self._deadline = deadline.total_seconds()

    def shows(self, page: Page) -> Showing:
        """Look at a page once. It must show its text, or be gone where the text is `not found`."""
        if not page.url:
            return _hidden("Nobody can tell the page's address, so nobody can see whether it shows the news.")
        target = self._target(page.url)
        if target is None:
            return _hidden(f"The page's address is not on {self._origin}, and postbot reads no other site.")
        try:
            return _judged(page, self._answer(target))
        except _Unseen as unseen:
            return _hidden(str(unseen))

    def _target(self, url: str, seen_from: str = "") -> str | None:
        """Path and query of an address of this site, None for any other. Whatever they hold, they lead nowhere else."""
        try:
            parts = urlsplit(urljoin(seen_from, url))
            same = _Origin.of(parts) == self._origin
        except ValueError:
            return None
        return f"/{parts.path.removeprefix('/')}" + (f"?{parts.query}" if parts.query else "") if same else None

    def _answer(self, target: str) -> "_Answer":
        """Read in a thread of its own, which has to end with the deadline: its connections are shut under it."""
        look, found = _Look(), list[_Answer | Exception]()

        def run() -> None:
            try:
                found.append(self._read(target, look))
            except Exception as error:  # noqa: BLE001 - handed on to the caller, whatever it is
                found.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self._deadline)
        if thread.is_alive():
            look.end()
            thread.join(_MOMENT)
            raise _Unseen(f"The public page did not come within {self._deadline:g} seconds.")
        if isinstance(found[0], Exception):
            raise _told(found[0]) from None
        return found[0]

    def _read(self, target: str, look: "_Look") -> "_Answer":
        with requests.Session() as session, closing(_Adapter(look.opened)) as line:
            for _ in range(_REDIRECTS + 1):
                with self._asked(target, session, line) as response:
                    where = session.get_redirect_target(response)
                    if where is None:
                        return self._taken(response)
                target = self._followed(target, where)
        raise _Unseen(f"The public page sends its readers on more than {_REDIRECTS} times.")

    def _asked(self, target: str, session: requests.Session, line: "_Adapter") -> requests.Response:
        """Send one request; not by the session, which would keep cookies and read all that comes with a redirect."""
        address = f"{self._origin}{target}"
        request = session.prepare_request(requests.Request("GET", address, headers=_ASKED, auth=_nobody))
        surroundings = session.merge_environment_settings(address, {}, stream=True, verify=None, cert=None)
        return line.send(request, timeout=self._timeout, **surroundings)

    def _followed(self, target: str, where: str) -> str:
        further = self._target(where, seen_from=f"{self._origin}{target}")
        if further is None:
            raise _Unseen(
                f"The public page sends its readers away from {self._origin}, and postbot reads no other site."
            )
        return further

    def _taken(self, response: requests.Response) -> "_Answer":
        if response.status_code != HTTPStatus.OK:
            return _Answer(response.status_code)
        kind, charset = _type_of(response.headers)
        if kind not in _MARKUP | {"text/plain"}:
            raise _Unseen(f"The public page is no page for readers: its type is {kind or 'not told'}.")
        if response.headers.get("Content-Encoding", "").strip().lower() not in _PACKED:
            raise _Unseen("The public page is packed in a way that nobody asked for.")
        text = _decoded(self._body(response), charset)
        return _read(text) if kind in _MARKUP else _Answer(HTTPStatus.OK, _on_one_line(text))

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > self._most:
                raise _Unseen(f"The public page is larger than {self._most} bytes, more than postbot reads.")
        return bytes(body)


class _Unseen(Exception):  # noqa: N818 - said as it is
    """The page could not be seen; the sentence says why."""


_MOMENT: Final = 1.0
"""Seconds in which a thread whose connections were shut must have noticed."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Scheme, host and port: what makes two addresses the same site. https://www.rfc-editor.org/rfc/rfc6454#section-4."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, parts: SplitResult) -> "_Origin | None":
        """The origin of an address; None for one that is not a plain address of the web. Raises `ValueError`."""
        scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
        if scheme not in _DEFAULT_PORTS or not host or not _PLAIN_PLACE.fullmatch(parts.netloc):
            return None
        return cls(scheme, host, parts.port or _DEFAULT_PORTS[scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


_PLAIN_PLACE: Final = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?")
"""Host and port without a user, a password or a character that two readers of addresses could take differently."""


def _origin_of(url: str) -> _Origin:
    try:
        origin = _Origin.of(urlsplit(url))
    except ValueError:
        origin = None
    if origin is None:  # the address is not repeated: a password may stand in it
        raise PageError("The site's address cannot be used; write it as https://HOST/PATH, without user and password.")
    return origin


class _Look:
    """The connections of one look, and its end."""

    def __init__(self) -> None:
        self._over = False
        self._open: list[socket.socket] = []

    def opened(self, line: socket.socket) -> None:
        """Keep a connection in mind; one that comes too late is shut at once."""
        self._open.append(line)
        if self._over:
            self.end()

    def end(self) -> None:
        """Shut whatever is open, so that whoever still reads from it stops."""
        self._over = True
        for line in self._open:
            try:
                # Not the method of an encrypted connection, which would pull its state away from under its reader.
                socket.socket.shutdown(line, socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


class _Adapter(HTTPAdapter):
    """Requests' own way to connect, without a second try, which tells of each connection once it is there."""

    def __init__(self, opened: Callable[[socket.socket], None]) -> None:
        self._opened = opened
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> urllib3.HTTPConnectionPool:  # noqa: ANN401 - handed on as they are
        pool = super().get_connection_with_tls_context(*args, **options)
        kind, opened = pool.ConnectionCls, self._opened

        def connect(connection: Any) -> None:  # noqa: ANN401 - encrypted or not
            kind.connect(connection)
            opened(connection.sock)

        pool.ConnectionCls = type("Told", (kind,), {"connect": connect})
        return pool


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sign in as nobody: who is in `.netrc` has no business here."""
    return request


def _told(error: Exception) -> Exception:
    """What the line, the server or its certificate made a library raise, in a sentence; a mistake of ours as it is."""
    match error:
        case requests.exceptions.SSLError():
            return _Unseen("The public page cannot be read: the site's certificate is not accepted.")
        case requests.exceptions.ProxyError():
            return _Unseen("The public page cannot be read: the proxy that the environment names does not help.")
        case requests.Timeout() | TimeoutError():
            return _Unseen("The public page cannot be read: the site takes too long to answer.")
        case requests.exceptions.ContentDecodingError():
            return _Unseen("The public page cannot be read: it does not unpack.")
        case OSError() if "CA certificate" in str(error):
            return _Unseen("The certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names cannot be read.")
        case OSError() | urllib3.exceptions.HTTPError() | HTTPException() | ValueError():
            return _Unseen("The public page cannot be read: the site cannot be reached, or drops the connection.")
        case _:
            return error


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came: the status, and where there is a page what readers see of it, and what its <meta> elements say."""

    status: int
    text: str = ""
    marks: tuple[str, ...] = ()


def _judged(page: Page, answer: _Answer) -> Showing:
    awaited = _on_one_line(page.shows)
    if awaited == NOT_FOUND:
        return (
            _shown("The public page is gone.") if answer.status in _GONE else _hidden("The public page is still there.")
        )
    if answer.status != HTTPStatus.OK:
        return _hidden(f"The public page cannot be read: the site answers {answer.status}.")
    if not awaited:
        return _hidden("Nobody can tell what the public page should show: `public.shows` and the posting say nothing.")
    # A mark counts as a whole, and in a text no word goes on behind it: `March 2` is not shown by `March 20`.
    if awaited in answer.marks or re.search(rf"(?<!\w){re.escape(awaited)}(?!\w)", answer.text):
        return _shown(f"The public page shows {_quoted(awaited)}.")
    return _hidden(f"The public page does not show {_quoted(awaited)} yet.")


def _shown(detail: str) -> Showing:
    return Showing(shown=True, detail=detail)


def _hidden(detail: str) -> Showing:
    return Showing(shown=False, detail=detail)


def _quoted(text: str) -> str:
    short = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]} ..."
    return f'"{short}"'


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


# Text


def _type_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """The type that the server tells, and its character set; each is empty where it tells none."""
    told = Headers()
    told["Content-Type"] = _on_one_line(headers.get("Content-Type", ""))
    if "/" not in told["Content-Type"]:
        return "", ""
    return told.get_content_type(), str(told.get_content_charset(""))


_CHARSET: Final = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_PROLOGUE: Final = 1024
"""Where a page may name its own character set. https://html.spec.whatwg.org/multipage/semantics.html#charset."""
_KNOWN: Final = re.compile(r"utf-8|utf-16|(us-)?ascii|iso-8859-\d+|windows-125\d")
"""Not every codec of the standard library is a character set of the web, or quick."""


def _decoded(body: bytes, charset: str) -> str:
    named = _CHARSET.search(body[:_PROLOGUE])
    for name in (charset, named.group(1).decode() if named else "", "utf-8"):
        if _KNOWN.fullmatch(name.lower()):
            try:
                return body.decode(name)
            except ValueError:
                continue
    return body.decode("windows-1252", "replace")  # what browsers take a page for that says nothing


def _read(html: str) -> _Answer:
    """What a reader could see of a page, on one line, and what its <meta> elements say, each on one."""
    reader = _Reader()
    # What the parser raises for a `<![` or a `&#` that it cannot take: what stands before it has been read.
    with suppress(AssertionError, ValueError):
        # Never closed: what stands in a comment or a tag that does not end is not shown.
        reader.feed(f"{html} ")
    return _Answer(HTTPStatus.OK, _on_one_line("".join(reader.seen)), tuple(map(_on_one_line, reader.marks)))


_UNSEEN: Final = frozenset({"script", "style", "template"})
_PHRASE: Final = re.compile(
    "a|abbr|b|bdi|bdo|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|time|u|var|wbr"
)
"""Elements that do not end a word."""


class _Reader(HTMLParser):
    """Collects the text of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self.marks: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside += tag in _UNSEEN
        if tag == "meta" and not self._inside:
            self.marks.append(dict(attrs).get("content") or "")
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside = max(0, self._inside - (tag in _UNSEEN))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.seen.append(data)

    def _break(self, tag: str) -> None:
        if not _PHRASE.fullmatch(tag):
            self.seen.append(" ")

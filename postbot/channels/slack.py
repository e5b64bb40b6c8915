"""Slack, by its Web API: one message for each key, a thread for each opening, and its card kept up to date.

Slack has no key that would make a second post harmless. So a post is tried once, never by the library again; where it
may have gone out, the answer is unknown, and a look finds it by the key in its metadata. Everything before the post
(whom an address belongs to, the card above) may be done twice, so that whatever fails there is not sent. Which errors
mean what is a rule and no list: an answer with an error's name is a refusal that a person must mend, but for the few
names that pass by themselves (`_PASSING`) or leave the outcome open (`_OPEN`), as 5xx and broken answers do.

The token travels in one header of requests to the one server, and must appear nowhere else: what the library would
log, at whatever level, is dropped, and no text of an exception is passed on but the system's own of a connection
that could not be made.

Methods, errors, scopes: docs.slack.dev, reference/methods. That a reply to a thread which is gone becomes a message
of its own, unasked: github.com/slack-go/slack/issues/1571.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from ssl import create_default_context
from typing import Any, Final
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from postbot import steady
from postbot.core.announce import Message, Outcome, Receipt, Root, one_line
from postbot.core.announce.blocks import of_text, shortened, without_format
from postbot.core.announce.routes import is_address
from postbot.progress import Step, doing

_EVENT: Final = "postbot_message"
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_PLACE = re.compile(rf"({_CHANNEL.pattern})/(\d+\.\d+)")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,79}")
_TOKEN = re.compile(r"[!-~]+")
_SECONDS = re.compile(r"\d{1,6}")
_SCOPES = re.compile(r"[a-z:., ]{1,200}")

_PAGE: Final = 200
_MOST_PAGES: Final = 100
_EARLIER: Final = timedelta(minutes=5)
"""Slack's clock and ours may differ; a look begins so much earlier."""
_MOST_TEXT: Final = 3000
_MOST_BYTES: Final = 32 * 1024 * 1024

_FINE: Final = 200
_SLOW_DOWN: Final = 429
_TIMED_OUT: Final = 408
_REFUSING: Final = range(400, 500)

_OPEN: Final = frozenset({"internal_error", "fatal_error", "service_unavailable"})
_PASSING: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "request_timeout",
        "team_added_to_org",
        "org_login_required",
    }
)
_NO_THREAD: Final = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message", "invalid_thread_ts"})

_BAD_SIGN_IN = "it does not accept the token ({code}); set another one, and install the app again if it was removed"
_NOBODY = "there is nobody behind {recipient} to write to ({code}); name somebody else in the routes"
_TOO_LONG = "the message is too long ({code}); shorten its words"
_SENTENCES: Final[Mapping[str, str]] = {
    "channel_not_found": "postbot sees no channel {channel}; check its id in the routes, and if it is private, "
    "invite the app into it",
    "not_in_channel": "postbot is not in the channel {channel}; invite the app into it",
    "is_archived": "the channel {channel} is archived; name another one in the routes",
    "missing_scope": "the app lacks the scope {needed}; add it and install the app again",
    "invalid_auth": _BAD_SIGN_IN,
    "not_authed": _BAD_SIGN_IN,
    "account_inactive": _BAD_SIGN_IN,
    "token_revoked": _BAD_SIGN_IN,
    "token_expired": _BAD_SIGN_IN,
    "users_not_found": "nobody in the workspace has the address {recipient}; name another one in the routes",
    "user_not_found": _NOBODY,
    "user_disabled": _NOBODY,
    "cannot_dm_bot": _NOBODY,
    "invalid_blocks": "it does not accept the blocks of this message; mend its blocks.json",
    "msg_too_long": _TOO_LONG,
    "msg_blocks_too_long": _TOO_LONG,
    "restricted_action": "the workspace does not let postbot write into {channel}; ask its administrators",
    "ratelimited": "it asks for fewer messages; this one waits",
    "rate_limited": "it asks for fewer messages; this one waits",
}
_OTHERWISE = "it says {code}; see docs.slack.dev for what that asks for"

_NEEDED: Final[Mapping[str, str]] = {
    "chat:write": "nothing can be posted",
    "channels:history": "what may have gone out to a public channel cannot be looked up, and waits for a person",
    "groups:history": "what may have gone out to a private channel cannot be looked up, and waits for a person",
    "im:history": "what may have gone out to a person cannot be looked up, and waits for somebody",
    "im:write": "no person can be written to",
    "users:read": "no person can be found by an address",
    "users:read.email": "no person can be found by an address",
}
"""The scopes that postbot uses, and what does not work without each."""

SILENT: Final = logging.Logger("postbot.channels.slack", logging.CRITICAL + 1)  # noqa: LOG001 - outside of the tree
"""For whatever speaks with Slack. Made by hand, so that it stands outside the tree of loggers; it lets nothing through.
At DEBUG the libraries log whole messages and requests, with what people type and where they may be answered."""


class _Failed(Exception):  # noqa: N818 - it failed; whether that is an error is for the caller to say
    """One call that brought no answer to use.

    `code` is Slack's name for why. `final`: only a person can mend it. `may_have_worked`: its effect may have come
    about all the same.
    """

    def __init__(
        self,
        detail: str,
        code: str = "",
        *,
        final: bool = False,
        may_have_worked: bool = False,
        wait: timedelta | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail, self.code, self.final, self.may_have_worked, self.wait = detail, code, final, may_have_worked, wait

    def receipt(self, outcome: Outcome) -> Receipt:
        return Receipt(outcome, self.detail, final=self.final and outcome is Outcome.NOT_SENT, wait=self.wait)


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nowhere: it becomes the answer."""


class _Client(WebClient):
    """The library's client, but that it stays at its server.

    The library would follow a redirect, the token in hand, with another question, and take the answer to that for
    the answer to the first. A test sees to it that this is still where the library asks.
    """

    @cached_property
    def _opener(self) -> OpenerDirector:
        proxies = ProxyHandler({"http": self.proxy, "https": self.proxy} if self.proxy else None)
        # One context for all connections: to make one, every known authority is read.
        context = create_default_context() if self.base_url.startswith("https:") else None
        return build_opener(_NoRedirects, proxies, HTTPSHandler(context=context))

    def _perform_urllib_http_request_internal(self, _url: str, req: Request) -> dict[str, Any]:
        with self._opener.open(req, timeout=self.timeout) as answer:
            data = answer.read(_MOST_BYTES)
            charset = answer.headers.get_content_charset() or "utf-8"
            return {"status": answer.status, "headers": answer.headers, "body": data.decode(charset)}


def client(token: str, server: str, timeout: timedelta) -> WebClient:
    """What asks Slack: each call once, nowhere but at this server, and without a word in any log."""
    return _Client(
        token=token,
        base_url=server,
        timeout=timeout.total_seconds(),  # type: ignore[arg-type]  # the socket takes any number
        retry_handlers=[],
        logger=SILENT,
    )


@dataclass(frozen=True, slots=True)
class _Where:
    """A conversation, and within it the thread, by the message that began it."""

    channel: str
    thread: str | None = None


class Slack:
    """One workspace, by a bot's token.

    A recipient is a conversation's id (C, G or D and so on), a person's (U or W), or a person's e-mail address.
    """

    settles = timedelta(minutes=2)
    """Longer than a claim, a message on its way to being posted (`stale`), one request and two clocks that differ by a
    minute take together: by then a post has been seen, or will never be made."""
    stale = timedelta(seconds=20)
    """How long a message may take until it is posted; who slept on the way posts no more."""

    def __init__(
        self,
        token: str,
        *,
        server: str = "https://slack.com/api/",
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._token_fits = bool(_TOKEN.fullmatch(token.strip()))
        self._client = client(token, server, timeout)
        self._people: dict[str, str] = {}
        self._own: tuple[str, ...] = ()
        self._trouble: Receipt | None = None
        self._until = 0.0

    def send(self, message: Message, root: Root | None) -> Receipt:
        """Bring the card above up to date, then post once: under it, or where there is none, by itself.

        A Slack that does not answer, or asks for time, is left alone until `rest`: nothing more is sent to it.
        """
        if self._trouble:
            return self._trouble
        self._until = steady.seconds() + self.stale.total_seconds()
        receipt = self._sent(message, root)
        if receipt.wait or receipt.outcome is Outcome.UNKNOWN:
            self._trouble = Receipt(Outcome.NOT_SENT, receipt.detail, wait=receipt.wait)
        return receipt

    def _sent(self, message: Message, root: Root | None) -> Receipt:
        try:
            where = self._where(message, root)
            card = self._update_card(where, root, message) if root and where.thread else ""
        except _Failed as failed:
            return failed.receipt(Outcome.NOT_SENT)
        return self._post(message, where, card)

    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt:
        """Whether our message with this key stands in the conversation or its thread."""
        try:
            where = self._where(message, root)
            place = self._find(message, where, since)
        except _Failed as failed:
            return failed.receipt(Outcome.UNKNOWN)
        if place:
            return Receipt(Outcome.SENT, f"Slack: found in {where.channel}.", place)
        return Receipt(Outcome.NOT_SENT, f"Slack: it is not in {where.channel}.")

    def rest(self) -> None:
        """Forget who is behind which address: until the next tick that may change. No connection is kept open."""
        self._people.clear()
        self._trouble = None

    def check(self) -> tuple[str, ...]:
        """What will keep postbot from speaking here, one sentence each. Reads only."""
        try:
            answer = self._ask(self._client.auth_test)
        except _Failed as failed:
            return (failed.detail,)
        granted = _header(answer, "x-oauth-scopes")
        if granted is None:
            return ("Slack: it does not say which scopes the app has; compare them with the documentation.",)
        scopes = {scope.strip() for scope in granted.split(",")}
        return tuple(
            f"Slack: the app lacks the scope {scope}, so {lost}; add it and install the app again."
            for scope, lost in _NEEDED.items()
            if scope not in scopes
        )

    # Where

    def _where(self, message: Message, root: Root | None) -> _Where:
        """Where a message belongs. A thread stays where it began."""
        if root and (found := _PLACE.fullmatch(root.place)):
            return _Where(found[1], found[2])
        return _Where(self._conversation(message.recipient))

    def _conversation(self, recipient: str) -> str:
        if _CHANNEL.fullmatch(recipient):
            return recipient
        found = self._people.get(recipient) or self._conversation_with(recipient)
        self._people[recipient] = found
        return found

    def _conversation_with(self, recipient: str) -> str:
        if is_address(recipient):
            answer = self._ask(self._client.users_lookupByEmail, recipient, email=recipient)
            return self._open(_text(answer, "user", "id"), recipient)
        if not _PERSON.fullmatch(recipient):
            said = f"{one_line(recipient)!a} is no channel's id, no person's id and no e-mail address; mend the routes"
            raise _Failed(f"Slack: {said}.", final=True)
        return self._open(recipient, recipient)

    def _open(self, person: str, recipient: str) -> str:
        if not _PERSON.fullmatch(person):
            raise _Failed("Slack: it named nobody for this address; postbot tries again.")
        channel = _text(self._ask(self._client.conversations_open, recipient, users=person), "channel", "id")
        if not _CHANNEL.fullmatch(channel):
            raise _Failed("Slack: it named no conversation for this person; postbot tries again.")
        return channel

    # Saying

    def _post(self, message: Message, where: _Where, card: str) -> Receipt:
        if steady.seconds() > self._until:  # it was asleep; another may have taken the message up
            return Receipt(Outcome.NOT_SENT, "Slack: it took so long to get there that it was not posted.")
        try:
            with doing(Step.POST):
                answer = self._ask(
                    self._client.chat_postMessage,
                    where.channel,
                    channel=where.channel,
                    thread_ts=where.thread,
                    metadata=_metadata(message.key),
                    unfurl_links=False,
                    unfurl_media=False,
                    mrkdwn=False,
                    **_content(message),
                )
        except _Failed as failed:
            if where.thread and failed.code in _NO_THREAD:
                return self._post(message, _Where(where.channel), card)
            return failed.receipt(Outcome.UNKNOWN if failed.may_have_worked else Outcome.NOT_SENT)
        place = f"{_text(answer, 'channel')}/{_text(answer, 'ts')}"
        if not _PLACE.fullmatch(place):
            return Receipt(Outcome.UNKNOWN, "Slack: its answer does not say where the message is; a look will tell.")
        gone = "" if not where.thread or _text(answer, "message", "thread_ts") else "; its thread is gone"
        return Receipt(Outcome.SENT, f"Slack: in {where.channel}{gone}{card}.", place)

    def _update_card(self, where: _Where, root: Root, message: Message) -> str:
        """Make the card above say what is so now: what the message brings for it, or else the same as itself.

        Returns what to add to the receipt where Slack does not let us.

        The metadata goes along, so that the card keeps the key of the message that it was posted for.
        """
        try:
            self._ask(
                self._client.chat_update,
                where.channel,
                channel=where.channel,
                ts=where.thread,
                metadata=_metadata(root.key),
                **_content(replace(message, blocks=message.card or message.blocks)),
            )
        except _Failed as failed:
            if not failed.final:
                raise
            # If the channel itself is the matter, the post says so better.
            return f"; the card above could not be brought up to date ({failed.code})"
        return ""

    # Looking

    def _find(self, message: Message, where: _Where, since: datetime) -> str:
        """The place of our message; empty where it is in neither the thread nor the conversation.

        Both are read, for a reply whose thread is gone stands in the conversation.
        """
        oldest = f"{(since - _EARLIER).timestamp():.6f}"
        wanted = _metadata(message.key)
        for each in self._everything(where, oldest):
            if each.get("metadata") == wanted and self._is_ours(each):
                return f"{where.channel}/{each.get('ts')}"
        return ""

    def _everything(self, where: _Where, oldest: str) -> Iterator[dict[str, Any]]:
        if where.thread:
            try:
                yield from self._pages(self._client.conversations_replies, where.channel, oldest, ts=where.thread)
            except _Failed as failed:
                if failed.code not in _NO_THREAD:
                    raise
        yield from self._pages(self._client.conversations_history, where.channel, oldest)

    def _pages(
        self, read: Callable[..., SlackResponse], channel: str, oldest: str, **more: str
    ) -> Iterator[dict[str, Any]]:
        """Every message from `oldest` on; raises `_Failed` unless it comes to the end."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            answer = self._ask(
                read,
                channel,
                channel=channel,
                oldest=oldest,
                inclusive=True,
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor,
                **more,
            )
            found = answer.get("messages")
            if not isinstance(found, list):
                raise _Failed(f"Slack: it shows nothing of {channel} that can be read.")
            yield from (each for each in found if isinstance(each, dict))
            cursor = _text(answer, "response_metadata", "next_cursor")
            if not cursor:
                if answer.get("has_more"):
                    raise _Failed(f"Slack: it does not show all of {channel}.")
                return
        raise _Failed(f"Slack: too much was written in {channel} to look through it.")

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        """Whether the bot of this token wrote it: anybody else could copy a key."""
        if not self._own:
            answer = self._ask(self._client.auth_test)
            own = (_text(answer, "user_id"), _text(answer, "bot_id"))
            if not own[0]:
                raise _Failed("Slack: it does not say who postbot is there.")
            self._own = own
        user, bot = self._own
        return found.get("user") == user or bool(bot and found.get("bot_id") == bot)

    # Asking

    def _ask(self, call: Callable[..., SlackResponse], whom: str = "", **arguments: object) -> SlackResponse:
        """One call, once. Raises `_Failed`, with `whom` it was about in the sentence."""
        if not self._token_fits:
            raise _Failed("Slack: the token is empty or holds what no token holds; set it again.", final=True)
        try:
            return call(**arguments)
        except SlackApiError as error:
            raise _refused(error.response, whom) from None
        except URLError as error:
            # urllib says so only while it connects and sends; what did not arrive whole has no effect.
            raise _Failed(f"Slack: cannot be reached ({_system(error)}).") from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the request has gone out
            raise _Failed(
                f"Slack: no answer that can be read ({type(error).__name__}).", may_have_worked=True
            ) from None


def _metadata(key: str) -> dict[str, Any]:
    digest = sha256(key.encode(errors="backslashreplace")).hexdigest()[:32]
    return {"event_type": _EVENT, "event_payload": {"key": digest}}


def _content(message: Message) -> dict[str, Any]:
    """The words: blocks, and for notifications a text in which nothing means anything to Slack."""
    blocks = message.blocks or of_text(message.body)
    try:
        made = json.loads(blocks)
    except ValueError:
        raise _Failed("Slack: the blocks of this message are no JSON; mend its blocks.json.", final=True) from None
    text = without_format(message.subject) or message.event  # Slack wants some text
    return {"text": shortened(text, _MOST_TEXT), "blocks": made or json.loads(of_text(message.body)), "parse": "none"}


def _refused(response: SlackResponse, whom: str) -> _Failed:
    """What an answer other than success means."""
    status, code = response.status_code, _code(response)
    if status == _SLOW_DOWN:
        return _Failed(f"Slack: {_SENTENCES['ratelimited']}.", code or "", wait=_wait(response))
    if code is None:
        refused = status in _REFUSING and status != _TIMED_OUT
        detail = f"Slack: it answered with status {status} and nothing that can be read."
        return _Failed(detail, may_have_worked=not refused, wait=_wait(response))
    if code in _OPEN or status not in (_FINE, *_REFUSING):
        return _Failed(f"Slack: it answered with {code}.", code, may_have_worked=True, wait=_wait(response))
    return _Failed(f"Slack: {_told(response, code, whom)}.", code, final=code not in _PASSING, wait=_wait(response))


def _told(response: SlackResponse, code: str, whom: str) -> str:
    needed = _text(response, "needed")
    return (_SENTENCES.get(code) or _OTHERWISE).format(
        code=code,
        channel=whom or "that was named",
        recipient=whom or "that was named",
        needed=needed if _SCOPES.fullmatch(needed) else "that this takes",
    )


def _code(response: SlackResponse) -> str | None:
    """The name of the error; None where the answer is not Slack's, or broken."""
    if not isinstance(response.data, dict) or response.data.get("ok") is not False:
        return None
    code = response.data.get("error")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _wait(response: SlackResponse) -> timedelta | None:
    seconds = (_header(response, "retry-after") or "").strip()
    return timedelta(seconds=int(seconds)) if _SECONDS.fullmatch(seconds) else None


def _header(response: SlackResponse, name: str) -> str | None:
    return next((str(value) for key, value in response.headers.items() if key.lower() == name), None)


def _text(answer: SlackResponse, *path: str) -> str:
    """A text within an answer; empty where it holds none there."""
    found: Any = answer.data
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _system(error: URLError) -> str:
    """The system's own words for a connection that could not be made."""
    reason = error.reason
    return one_line(reason.strerror or str(reason)) if isinstance(reason, OSError) else type(error).__name__

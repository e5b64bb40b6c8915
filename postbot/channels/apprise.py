"""Teams, Matrix, Discord and many others, by the Apprise library: an optional part, brought by `postbot[apprise]`.

A recipient is a name; the address behind it is a secret of the environment and must never be seen: not in a receipt,
not in a log. Apprise and the libraries beneath it log addresses, so nothing that is logged while a message goes out
leaves here. Apprise says yes, or not yes: the second may be a message that did arrive, so that it counts as unknown,
is never sent again blindly, and Apprise's own second tries are switched off.

Only subject and text are sent. In some of these services a text can call people or hide where a link leads; whatever
would do so is taken apart by a character that nobody sees.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from postbot.core.announce import Message, Outcome, Receipt, Root, one_line
from postbot.core.problem import PostbotError

_CALLS: Final = re.compile(
    r"""
    (?<![\w.+-])@(?=\w)                                    # somebody's name; but no e-mail address
    | @(?=(?:everyone|here|channel|all|room)\b)            # everybody, wherever it stands, be it in an address
    | <(?=[@!\#])                                          # both, as Slack and Discord write it
    | \](?=\()                                             # a link under other words
    """,
    re.VERBOSE,
)
_UNSEEN: Final = "\u200b"
_NO_LEVEL: Final = -1  # below what any logger or handler can be set to


class AppriseMissingError(PostbotError):
    """The library is not installed; the sentence says how to get it."""


class Apprise:
    """Sends by the Apprise library; `urls` holds the secret address behind each name."""

    settles = timedelta(0)

    def __init__(self, urls: Mapping[str, str]) -> None:
        """Raises `AppriseMissingError`. The library is loaded when first needed: it is slow to import."""
        if find_spec("apprise") is None:
            raise AppriseMissingError(
                "Messages to Teams, Matrix, Discord and others need a part of postbot that is not installed. "
                "Install it with: pip install 'postbot[apprise]'"
            )
        self._urls = urls
        _mute()

    def send(self, message: Message, root: Root | None) -> Receipt:  # noqa: ARG002 - these services share no threads
        """Hand one message to the service behind its recipient."""
        url = self._urls.get(message.recipient)
        if url is None:
            return _never(f"There is no address named {message.recipient} for Apprise in the configuration.")
        with _unheard():
            return _handed_over(message, url)

    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt:  # noqa: ARG002 - none can be asked
        """Nobody can tell: Apprise only sends."""
        return Receipt(Outcome.UNKNOWN, "Apprise cannot tell whether a message went out.")

    def rest(self) -> None:
        """Nothing is kept open."""

    def check(self) -> Sequence[str]:
        """Which addresses Apprise cannot use. It asks nobody: whether one is there shows when something is sent."""
        with _unheard():
            return tuple(
                f"Apprise cannot use the address named {name}; see its URL in the environment."
                for name, url in self._urls.items()
                if _service(url) is None
            )


def _handed_over(message: Message, url: str) -> Receipt:
    try:
        service = _service(url)
        if service is None:
            return _never(f"Apprise cannot use the address named {message.recipient}; see its URL in the environment.")
        sent = _speaks(service, one_line(message.subject), message.body)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and its words may hold the address
        return _unknown(message, f": it failed with {type(error).__name__}")
    return Receipt(Outcome.SENT, f"sent to {message.recipient} by Apprise") if sent else _unknown(message, "")


def _service(url: str) -> Any:  # noqa: ANN401 - the library is optional, and so are its types
    """The one service behind an address, which tries once; None if Apprise knows none."""
    from apprise import Apprise as Library  # noqa: PLC0415 - optional, and slow to import
    from apprise import AppriseAsset  # noqa: PLC0415 - the same

    try:
        service = Library.instantiate(url, asset=AppriseAsset(async_mode=False, interpret_emojis=False))
    except Exception:  # noqa: BLE001 - a plug-in may raise anything over an address
        return None
    if service is not None:
        service.retry = 0
    return service


def _speaks(service: Any, subject: str, body: str) -> bool:  # noqa: ANN401 - as above
    from apprise import Apprise as Library  # noqa: PLC0415 - as above
    from apprise import NotifyFormat  # noqa: PLC0415 - the same

    one = Library()
    one.add(service)
    return bool(one.notify(title=_harmless(subject), body=_harmless(body), body_format=NotifyFormat.TEXT))


def _harmless(text: str) -> str:
    return _CALLS.sub(rf"\g<0>{_UNSEEN}", text)


def _never(why: str) -> Receipt:
    return Receipt(Outcome.NOT_SENT, why, final=True)


def _unknown(message: Message, why: str) -> Receipt:
    return Receipt(Outcome.UNKNOWN, f"Apprise does not say whether {message.recipient} was reached{why}.")


_speaking: Final[list[object]] = []
"""Who speaks now. Of the whole process, for a plug-in may have threads of its own."""


@contextmanager
def _unheard() -> Iterator[None]:
    """Let nothing out that is logged meanwhile, by whatever library and in whatever thread."""
    who = object()
    _speaking.append(who)
    try:
        yield
    finally:
        _speaking.remove(who)


@cache
def _mute() -> None:
    """Have every record that is made while Apprise speaks emptied and passed by; a filter would know one logger."""
    make = logging.getLogRecordFactory()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - whatever logging passes on
        record = make(*args, **kwargs)
        if _speaking:
            record.levelno, record.msg, record.args = _NO_LEVEL, "", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return record

    logging.setLogRecordFactory(made)

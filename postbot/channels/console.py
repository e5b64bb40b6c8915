"""A terminal, or whatever takes lines of text: one readable block for each message.

It must not be used where nobody watches. A console is gone with its process and so is whoever watched it; hence a
message that another process printed counts as not sent, and is printed again rather than lost.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from textwrap import indent

from postbot.core.announce import Message, Outcome, Receipt, Root


class Console:
    """Prints messages through `write`, which takes whole blocks and may raise OSError."""

    settles = timedelta(0)

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._printed: set[str] = set()

    def send(self, message: Message, root: Root | None) -> Receipt:  # noqa: ARG002 - a terminal has no threads
        """Print one message, once in the life of this console."""
        if message.key in self._printed:
            return Receipt(Outcome.SENT, "already printed")
        body = indent(message.body.rstrip(), "    ")
        try:
            self._write(f"To {message.recipient}: {message.subject}\n\n{body}\n\n")
        except OSError as error:
            return Receipt(Outcome.NOT_SENT, f"Cannot print: {error.strerror or error}.")
        self._printed.add(message.key)
        return Receipt(Outcome.SENT, "printed")

    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt:  # noqa: ARG002 - it remembers all
        """Whether this console has printed the message."""
        if message.key in self._printed:
            return Receipt(Outcome.SENT, "printed")
        return Receipt(Outcome.NOT_SENT, "This console has not printed it.")

    def rest(self) -> None:
        """Nothing is kept open."""

    def check(self) -> Sequence[str]:
        """Nothing can be amiss before something is printed."""
        return ()

"""What can go wrong in a conversation: at which step, how, how often."""

from collections.abc import Sequence
from dataclasses import dataclass

STEPS: Sequence[str] = (
    "connect",  # instead of the greeting
    "tls",  # the handshake, of either kind
    "ehlo",
    "starttls",
    "auth",
    "mail",
    "rcpt",
    "data",  # the command
    "body",  # after the first bytes of the text
    "dot",  # after the whole mail
    "rset",
    "quit",
)

KINDS: Sequence[str] = (
    "drop",  # the line is cut
    "hang",  # nothing is said any more
    "garbage",  # what is no SMTP
    "twice",  # the true reply, and once more
    "drip",  # the true reply, a byte a time
    "half",  # the first half of the true reply, and the line is cut
    "endless",  # a reply that goes on and on
    "long",  # a reply's line that is longer than any, without its end, and the line is cut
    "late",  # nothing for some seconds, and then all is well; not at tls
    "refuse",  # connect only: nobody listens, until healed
    "missing",  # starttls and auth only: not offered
    "wrong-name",  # tls only: somebody else's certificate
    "expired",  # tls only
    "stranger",  # tls only: an authority that nobody knows
    "inject",  # starttls only: a reply in plain text behind the true one
    "early",  # body only: a refusal before the mail is whole, and the line is cut
    "ahead",  # body only: the thanks before the mail, and then a refusal
)
"""Besides these any reply, such as `451 4.3.0 Not now`. `{heard}` in one is all that the client has said so far.

At `dot`, `-kept` behind a kind (`drop-kept`, `hang-kept`) means that the mail is taken first.
"""


@dataclass
class Fault:
    """Fails a step for the `nth` time that it comes, counted from when it was asked for, and `times` in all.

    `about` is text that the command (at `body` and `dot`: one of the recipients) must hold.
    """

    step: str
    kind: str
    nth: int = 1
    times: int = 1
    about: str = ""
    seconds: float = 0.05
    seen: int = 0

    def fits(self, step: str, said: str) -> bool:
        if self.step != step or self.about not in said:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def spent(self) -> bool:
        return self.seen >= self.nth + self.times - 1


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.fired: list[str] = []

    def add(self, fault: Fault) -> None:
        known = fault.kind.removesuffix("-kept")
        if fault.step not in STEPS or not (known in KINDS or fault.kind[:3].isdigit()):
            raise ValueError(f"There is no fault {fault.kind} at {fault.step}.")
        self.waiting.append(fault)

    def take(self, step: str, said: str = "") -> Fault | None:
        """The fault of this step, if one is due."""
        found = [fault for fault in self.waiting if fault.fits(step, said)]
        self.waiting = [fault for fault in self.waiting if not fault.spent]
        if found:
            self.fired.append(f"{found[0].kind} at {step}")
        return found[0] if found else None

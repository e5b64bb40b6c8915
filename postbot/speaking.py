"""Step 5 of the loop: what is queued is claimed, sent and settled, and what may have gone out is looked for first.

The promise: nothing is sent that was not claimed in the ledger before, so that whoever is killed in between leaves a
trace; what may have gone out is never sent again before a look has shown that it did not. The port `Channel` is
declared here by the one who uses it. Nothing here decides what is news, when it is due or who hears it: that is the
business of the plan and of the outbox.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from postbot import steady
from postbot.censor import censored
from postbot.core.announce import Audience, Message, Outcome, Page, Receipt, Root
from postbot.ledger import Delivery, Ledger
from postbot.progress import Step, doing

if TYPE_CHECKING:
    from postbot.page import PublicSite, Showing

PATIENCE: Final = timedelta(minutes=5)
"""How long one tick speaks at most; what far ends are too slow for waits for the next, with a clock that is right."""

STALE: Final = timedelta(seconds=5)
"""How long a claim may be older than the sending that follows it; a process that slept in between sends nothing."""

MOST_AT_ONCE: Final = 500
"""How many messages are held in memory at a time."""

_AGAIN: Final = timedelta(minutes=1)
"""How soon the public page is looked at again."""

_NOBODY_KNOWS: Final = Receipt(Outcome.UNKNOWN, "Its channel is no longer in the configuration, so nobody can tell.")
_OVERSLEPT: Final = Receipt(
    Outcome.NOT_SENT, "Too long after its claim: it was not sent, for another may have taken it up."
)


class Channel(Protocol):
    """How we speak. Nothing here raises for what the far end does; it answers.

    `root` is the message that began a message's thread, as it went out to the same recipient; without one, the message
    begins a thread or stands alone. `settles` is how long after an attempt a look that finds nothing can be believed.
    """

    @property
    def settles(self) -> timedelta:
        """Zero where a look is exact; where the far end may still be at work, how long that takes at most."""

    def send(self, message: Message, root: Root | None) -> Receipt:
        """Send one message. Not sent means that it may be sent again; unknown means that it may have gone out."""

    def look(self, message: Message, root: Root | None, since: datetime) -> Receipt:
        """Whether this very message has gone out at or after an instant (UTC); unknown where nobody can tell."""

    def rest(self) -> None:
        """There is nothing more to send for now: let go of what was kept open."""

    def check(self) -> Sequence[str]:
        """What keeps this channel from sending, or will: a sentence for each. Sends nothing, changes nothing."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery and what came of it."""

    delivery: Delivery
    receipt: Receipt


@dataclass
class Spoken:
    """What was said; what waits for the public page to show its news, and what that shows; why no more was said."""

    sent: list[Sent] = field(default_factory=list)
    unseen: list[tuple[Delivery, str]] = field(default_factory=list)
    halted: str = ""


class Speaker:
    """The channels of one site, and the outbox in its ledger.

    `halted` says why nothing may be said at this moment, empty where it may. With `public`, news wait until the public
    page shows them; those that it does not show `within` that time are held.
    """

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        halted: Callable[[], str],
        *,
        public: "PublicSite | None" = None,
        within: timedelta = timedelta(0),
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._halted = halted
        self._public = public
        self._within = within

    def recover(self, now: datetime) -> None:
        """Ask the channels for what a crash left claimed, and for what was sent without an answer."""
        for delivery in self._ledger.in_doubt():
            channel, since = self._channels.get(delivery.message.channel), delivery.claimed_at or delivery.queued_at
            found = channel.look(delivery.message, delivery.root, since) if channel else _NOBODY_KNOWS
            is_settled = channel is None or not channel.settles or now - since >= channel.settles
            if found.outcome is not Outcome.NOT_SENT or is_settled:
                self._settled(delivery, found, now)

    def speak(self, now: datetime, began: float, audiences: Collection[Audience]) -> Spoken:
        """Claim, send and settle what is due to these audiences at `now`, one after the other.

        `began` is what `steady.seconds` showed when it was `now`.
        """
        spoken = Spoken()
        seen: dict[Page, Showing] = {}
        ends = steady.seconds() + PATIENCE.total_seconds()
        try:
            while steady.seconds() < ends and (batch := self._ledger.due(now, MOST_AT_ONCE, audiences)):
                moved = [self._deliver(each, seen, now, began, spoken) for each in batch if steady.seconds() < ends]
                if spoken.halted or not any(moved):
                    break  # nothing may be said, or somebody else has taken them all
        finally:
            for channel in self._channels.values():
                channel.rest()
        return spoken

    def _deliver(
        self, delivery: Delivery, seen: "dict[Page, Showing]", now: datetime, began: float, spoken: Spoken
    ) -> bool:
        """Bring one due message on its way; false where another has taken it, or nothing may be said."""
        spoken.halted = spoken.halted or self._halted()
        if spoken.halted:
            return False
        if why := self._not_public_yet(delivery.message.page, seen):
            self._wait(delivery, why, now)
            spoken.unseen.append((delivery, why))
            return True
        claimed_at = steady.seconds()
        with doing(Step.CLAIM):  # as of the true present: how old a claim is decides when a look can be believed
            taken = self._ledger.claim(delivery, now + timedelta(seconds=claimed_at - began))
        if taken is None:
            return False
        late = steady.seconds() - claimed_at > STALE.total_seconds()
        receipt = self._settled(taken, _OVERSLEPT, now) if late else self._send(taken, now)
        # What was said need not be kept in full by whoever only counts.
        told = replace(taken.message, html="", blocks="", calendar="", card="")
        spoken.sent.append(Sent(replace(taken, message=told), receipt))
        return True

    def _send(self, delivery: Delivery, now: datetime) -> Receipt:
        """Send what was claimed, and settle it; where the answer was lost, look at once, and later if need be."""
        message, root = delivery.message, delivery.root
        channel = self._channels.get(message.channel)
        if channel is None:
            missing = f"There is no channel {message.channel} in the configuration."
            return self._settled(delivery, Receipt(Outcome.NOT_SENT, missing, final=True), now)
        receipt = channel.send(message, root)
        if receipt.outcome is Outcome.UNKNOWN:
            found = channel.look(message, root, delivery.claimed_at or now)
            if found.outcome is Outcome.NOT_SENT and channel.settles:
                self._ledger.doubt(delivery, receipt, now)
                return receipt
            receipt = receipt if found.outcome is Outcome.UNKNOWN else found
        return self._settled(delivery, receipt, now)

    def _settled(self, delivery: Delivery, receipt: Receipt, now: datetime) -> Receipt:
        said = replace(receipt, detail=censored(receipt.detail))
        with doing(Step.SETTLE):
            self._ledger.settle(delivery, said, now)
        return said

    def _not_public_yet(self, page: Page | None, seen: "dict[Page, Showing]") -> str:
        """What keeps readers from seeing the news on the public page; empty where they see it, or nobody waits."""
        if page is None or self._public is None:
            return ""
        if page not in seen:
            seen[page] = self._public.shows(page)
        return "" if seen[page].shown else seen[page].detail

    def _wait(self, delivery: Delivery, why: str, now: datetime) -> None:
        until, page = delivery.queued_at + self._within, delivery.message.page
        if now >= until:
            where = f" Looked for at {page.url}." if page and page.url else ""
            self._ledger.hold(delivery, f"{why}{where}", now)
        else:
            self._ledger.wait(delivery, min(now + _AGAIN, until), why, now)

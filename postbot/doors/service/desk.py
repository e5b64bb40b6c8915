"""One site for those who ask from elsewhere: what its last look has shown, and a place to leave what they want.

Nothing here asks the host, so that whoever asks is answered while that hangs. What is left here is in the ledger when
the call returns; what becomes of it is the next tick's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postbot.core.announce.words import Voice
from postbot.core.lifecycle import Wish
from postbot.core.plan.memory import Opinion, Request
from postbot.core.plan.steps import Plan, Policy, Seen
from postbot.core.site import Path
from postbot.ledger import Entry
from postbot.roster import Roster


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A site as it was last seen, with what has been asked since; `now` is the present (UTC).

    `roster` is None where nobody may ask for anything. `obstacle` is why nothing is done at the moment, in a sentence;
    empty where all goes on. `holidays` is the code of a country (US), or of a part of one (US-DC), empty for none.
    """

    seen: Seen
    plan: Plan
    policy: Policy
    voice: Voice
    roster: Roster | None
    holidays: str
    obstacle: str
    now: datetime


class Desk(Protocol):
    """What can be asked of a site, and left with it. Every method may raise `LedgerError`."""

    @property
    def name(self) -> str:
        """What the site is called among those of the service."""

    def glimpse(self) -> Glimpse | None:
        """What is known of it; None before its first look, and while its configuration cannot be used."""

    def file(self, path: Path, wish: Wish, by: str, *, asker: str, key: str, heard_of: int) -> Request:
        """File a wish and have it looked at soon; of several with one key, only the first counts.

        Raises `AskedBefore` where somebody else has asked for something of the posting since they last `heard_of` one,
        by its number (0 for none).
        """

    def filed(self, key: str) -> bool:
        """Whether a wish came in with this key."""

    def opine(self, opinion: Opinion, path: Path, *, key: str) -> bool:
        """Keep what somebody says of a pull request; false where that came with this key before."""

    def refused(self, path: Path, what: str, by: str, why: str) -> None:
        """Have it on record, once an hour for each act and posting, that somebody asked for what they may not."""

    def turned_away(self, who: str, why: str) -> None:
        """Have it on record, once an hour for each reason, that somebody came to whom postbot does not listen."""

    def history(self, path: Path) -> Sequence[Entry]:
        """What has become of a posting, oldest first."""

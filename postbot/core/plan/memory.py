"""What postbot remembers between two looks: what it has witnessed, what people asked for, what has been said.

Pure values. The ledger stores them; the plan compares them with the site as it stands. What a posting says is never
remembered as truth: git stays the only record of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postbot.core.announce import Event
from postbot.core.lifecycle import Wish
from postbot.core.profile import State
from postbot.core.site import Path


@dataclass(frozen=True, slots=True)
class Witness:
    """A posting as last seen on the base branch. Instants are UTC.

    `generation` counts how often it has been opened, and `thread` names the opening that it is, or waits for.
    `reason` is why it was closed early, where that was said. `news` counts what has been told of it, so that the same
    change is told again when it happens again.
    """

    path: Path
    blob: str
    title: str
    state: State
    generation: int
    opens: datetime | None
    closes: datetime | None
    reason: str | None = None
    thread: str = ""
    news: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A person's wish for one posting, filed at an instant (UTC) and not yet answered.

    `asker` is how they hear of its end, CHANNEL:RECIPIENT; empty for who sees it anyway.
    """

    number: int
    path: Path
    wish: Wish
    by: str
    filed_at: datetime
    asker: str = ""


class Said(StrEnum):
    """What a person says of a pull request: yes, not like this, or not before a date."""

    APPROVE = "approve"
    CHANGES = "changes"
    SNOOZE = "snooze"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person has said of a pull request of ours otherwise than on its page, at an instant (UTC).

    `about` is the digest of the changed lines that they saw (`people.digest`); a yes to other lines is none. `until`
    is the instant (UTC) before which they do not want to be asked again. `asker` is who they are, whatever they are
    called by now, CHANNEL:RECIPIENT; empty where only the name is known.
    """

    branch: str
    about: str
    said: Said
    by: str
    at: datetime
    words: str = ""
    until: datetime | None = None
    asker: str = ""

    @property
    def giver(self) -> str:
        """Whose opinion it is: what they say last counts, under whichever name."""
        return self.asker or self.by


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message to the public about a posting: for whom, and what has become of it. `at` (UTC) is when it was queued.

    `standing` is `due` for whatever is on its way, else as a delivery's status: sent, held, dropped, expired.
    """

    path: Path
    event: Event
    key: str
    channel: str
    recipient: str
    standing: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What a pull request of ours makes of its posting: the exact bytes before and after it, as of its last proposal.

    `at` is the instant (UTC) of that.
    """

    branch: str
    path: Path
    before: bytes
    after: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that is held for a person: nobody knows whether it went out, or it cannot. `detail` says why."""

    number: int
    attempts: int
    event: Event
    subject: str
    channel: str
    recipient: str
    detail: str


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything remembered. `told` holds the keys of announcements made, `released` the digests of freed plans.

    With `public` among them, postbot speaks to others than the team. `last_tick` is None on the very first run, and
    after the ledger was lost. `held` are the messages that wait for a person. `gone` are postings whose file has gone,
    as they were last seen: one that comes back as it was is no news. A memory that is `copied` is older than what was
    done and said since: what stands is taken for known at the next look, and none of it is news. `opinions` are in the
    order in which they were given; `spoken` is what was said to the public in the two weeks before the last tick.
    """

    witnesses: Mapping[Path, Witness] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    told: frozenset[str] = frozenset()
    released: frozenset[str] = frozenset()
    last_tick: datetime | None = None
    held: tuple[Undelivered, ...] = ()
    gone: Mapping[Path, Witness] = field(default_factory=dict)
    copied: bool = False
    opinions: tuple[Opinion, ...] = ()
    spoken: tuple[Spoken, ...] = ()

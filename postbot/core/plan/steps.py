"""What a plan is made from and made of: the world as seen, the rules of the site, the steps to take.

Pure values. `plan` makes them, `forecast` follows them on values, the loop carries them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from postbot.core.announce import Announcement
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Change, Memory, Opinion, Request, Witness
from postbot.core.posting import Posting
from postbot.core.problem import Problem
from postbot.core.profile import State
from postbot.core.site import ChangeSet, Path, Pull, Snapshot, Standing

CLOCK_SLACK: Final = timedelta(minutes=1)
"""How far our clock and that of the site's host may be apart without anybody minding."""


class MergeWhen(StrEnum):
    """Who merges: a person; we at the due instant once a person approved; we at the due instant."""

    REVIEW = "review"
    WHEN_DUE = "when-due"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Handling:
    """How one transition is handled: how long before its instant the pull request is opened, and who merges it.

    `prestage`, of a closing, has its pull request prepared as soon as the position is open, whatever `lead` says.
    """

    lead: timedelta = timedelta(0)
    merge: MergeWhen = MergeWhen.REVIEW
    prestage: bool = False

    def starts(self, at: datetime, now: datetime) -> bool:
        """Whether the pull request for what is due at `at` is to be there by `now`."""
        return self.prestage or at - self.lead <= now


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one site. Spans are counted back from the opening (`ask`) or on from the due instant (`remind`).

    `opening_soon` and `closing_soon` are counted back from the opening and the closing that those who follow the site
    hear of. `staff` are those who hear the reminders. With `two_people` nobody's approval counts for what they have
    asked for themselves; `people` maps the names that requests carry to those that approvals carry, where they differ.
    `undo` is how long after its merge what a pull request of ours has changed can be taken back. `followed` says that
    there is somebody to be told what becomes of pull requests, `live` that news wait until the public page shows them.
    """

    zone: ZoneInfo
    handling: Mapping[Transition, Handling] = field(default_factory=dict)
    ask: tuple[timedelta, ...] = (timedelta(days=5), timedelta(days=2), timedelta(days=1), timedelta(0))
    remind: tuple[timedelta, ...] = (timedelta(0), timedelta(hours=4), timedelta(hours=24))
    opening_soon: tuple[timedelta, ...] = ()
    closing_soon: tuple[timedelta, ...] = ()
    most_moves: int = 5
    most_share: float = 0.2
    clock_slack: timedelta = CLOCK_SLACK
    staff: tuple[str, ...] = ()
    two_people: bool = False
    people: Mapping[str, str] = field(default_factory=dict)
    undo: timedelta = timedelta(days=1)
    followed: bool = False
    live: bool = False

    def of(self, transition: Transition) -> Handling:
        """How this transition is handled; a person merges where nothing is said."""
        return self.handling.get(transition, Handling())

    def most(self, postings: int) -> int:
        """How many of so many postings may move at once without being held."""
        return max(self.most_moves, int(self.most_share * postings))


@dataclass(frozen=True, slots=True)
class Skew:
    """How far our clock is from another, ahead of it where `by` is positive.

    `to_host`: from the clock of the site's host. Otherwise from where it would be if nobody had set it since postbot
    began to run, which tells nothing of how right it was before.
    """

    by: timedelta = timedelta(0)
    to_host: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a request is not carried out, or an opinion does not count: whoever it is of may not have that done.

    Where it is not `final`, only nobody can tell at this moment.
    """

    words: str
    final: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the world: the site, its postings by path (or why one cannot be read), our memory, and our clock.

    `barred` are the requests, by number, that must not be carried out now; `unheard` are the opinions that do not count
    now, and so are not in the memory, and `vetted` says that there are some of which the next look may find otherwise.
    `logins` is what people (CHANNEL:RECIPIENT) are called on the host, as far as known.

    `templates` are the name patterns (lower case) of files that are patterns for postings and none themselves.
    `changes` are what the pull requests of ours that were merged of late have made of their postings, by branch.
    """

    snapshot: Snapshot
    postings: Mapping[Path, Posting | Problem]
    memory: Memory
    templates: tuple[str, ...] = ()
    skew: Skew = Skew()
    barred: Mapping[int, Bar] = field(default_factory=dict)
    unheard: Mapping[Opinion, Bar] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    vetted: bool = False
    logins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """Remember a posting as it now stands, and announce what that means. `was` is its former path if it was renamed.

    `also` are keys of what need not be told any more, since these announcements say as much. Where it `takes_back` what
    was news before, nothing that is still on its way about this posting goes out to the public.
    """

    witness: Witness
    announcements: tuple[Announcement, ...] = ()
    was: Path | None = None
    moved: bool = False
    also: tuple[str, ...] = ()
    takes_back: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """A remembered posting is gone from the site."""

    path: Path
    announcements: tuple[Announcement, ...]


@dataclass(frozen=True, slots=True)
class Propose:
    """Open this pull request, or bring the open one of the same branch up to date. `foretold` is what its merge tells.

    One that is far ahead of its date, or a draft, moves nothing yet. `by` is who asked for it, if anybody did.
    """

    change: ChangeSet
    path: Path
    transition: Transition
    due: datetime
    refresh: bool = False
    foretold: tuple[Announcement, ...] = ()
    moves: bool = True
    by: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """Merge this pull request of ours, now. `by` is who asked for it, if anybody did."""

    pull: Pull
    path: Path
    transition: Transition
    by: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Close this pull request of ours: nothing asks for it any more."""

    pull: Pull
    reason: str


@dataclass(frozen=True, slots=True)
class Tidy:
    """Delete the branch of this pull request of ours: it was merged, or taken back."""

    pull: Pull


@dataclass(frozen=True, slots=True)
class Note:
    """Say this beside an open pull request of ours, in place of what was said there before."""

    pull: Pull
    standing: Standing
    path: Path


@dataclass(frozen=True, slots=True)
class Tell:
    """Say something that no change of the site brings about.

    Quiet only notes it as said: it was there before we came, or other news say as much. `also` are further keys that
    are said with it.
    """

    announcement: Announcement
    quiet: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request and take it off the list."""

    request: Request
    done: bool
    words: str
    announcements: tuple[Announcement, ...] = ()


Step = Record | Forget | Propose | Merge | Withdraw | Tidy | Note | Tell | Answer


@dataclass(frozen=True, slots=True)
class Want:
    """The transition that one posting wants: since or from when (`due`), and the instant it is worked out for (`when`).

    `early` means that it is too soon for its pull request, and only what is missing is asked for; `ahead`, that it is
    prepared long before its date. One on `standby` is kept ready beside what a person has asked for, and does nothing.
    """

    posting: Posting
    wish: Wish
    due: datetime
    when: datetime
    branch: str
    request: Request | None = None
    early: bool = False
    ahead: bool = False
    standby: bool = False

    @property
    def target(self) -> str:
        """Where the posting would go: the state for an opening or a closing, else the transition's own name."""
        return LEADS_TO.get(self.wish.transition, self.wish.transition)


LEADS_TO: Mapping[Transition, str] = {Transition.OPEN: State.OPEN, Transition.CLOSE: State.CLOSED}
"""The state that the clock's transitions end in."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be done for a want: the pull request, or why there is none (None: there is nothing left to change).

    `lacks` are sentences on what is missing or wrong before readers may see it; `foretold` is what a merge on time
    would tell.
    """

    want: Want
    change: ChangeSet | Problem | None
    lacks: tuple[str, ...]
    foretold: tuple[Announcement, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it can be merged as it is: a draft cannot."""
        return isinstance(self.change, ChangeSet) and not self.change.draft


@dataclass(frozen=True, slots=True)
class Held:
    """Why nothing is done, the digest that releases it, and which postings would have moved where."""

    reason: str
    digest: str
    moves: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps, what is wrong on the site, whether the steps are held, and when to look again at the latest.

    When `held` is set, `steps` only tell the staff so. `wakes_at` is
    the next instant (UTC) at which an unchanged world may need another plan; None when the clock alone changes nothing.
    `wanted` is the transition that each posting wants, whether or not there is anything left to do about it, and
    `offers` what can be done for them, worked out only where the plan is not held.
    """

    at: datetime
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]
    held: Held | None
    wakes_at: datetime | None
    wanted: tuple[Want, ...] = ()
    offers: tuple[Offer, ...] = ()

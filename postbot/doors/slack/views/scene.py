"""What there is to be shown: each site as its last tick saw it, who looks, and the names that come back with a click.

Pure values. A posting is named by a digest, which is compared with those that there are: no path ever comes in from
outside. What a person may not see is not there for them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hmac import compare_digest
from zoneinfo import ZoneInfo

from postbot.core.announce.words import Voice, ref_of
from postbot.core.lifecycle import Actor, Transition, allowed
from postbot.core.plan.memory import Request
from postbot.core.plan.people import is_approved, objection
from postbot.core.plan.rights import Action, actions_of
from postbot.core.plan.steps import MergeWhen, Plan, Policy, Seen, Want
from postbot.core.plan.undoing import Undo, undoable
from postbot.core.posting import Posting
from postbot.core.profile import CloseReason, State
from postbot.core.site import Path, Pull, PullStatus


class Verb(StrEnum):
    """What a command, a button or a form is for. The first eight are what a person may ask to be done to a posting."""

    OPEN = "open"
    CLOSE = "close"
    EXTEND = "extend"
    POSTPONE = "postpone"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    UNDO = "undo"
    APPROVE = "approve"
    CHANGES = "changes"
    SNOOZE = "snooze"
    SHOW = "show"
    HISTORY = "history"
    BOARD = "board"
    HELP = "help"

    @property
    def right(self) -> Action:
        """The right that it takes: to ask for changes and to put off are part of approving, all that shows is SEE."""
        if self in (Verb.CHANGES, Verb.SNOOZE):
            return Action.APPROVE
        return next((action for action in Action if action.value == self.value), Action.SEE)

    @property
    def transition(self) -> Transition | None:
        """The transition that it asks for, if it asks for one."""
        return next((step for step in Transition if step.value == self.value), None)

    @property
    def action_id(self) -> str:
        """The name of its buttons."""
        return f"{_DO}{self.value}"

    def rights(self, state: State | None) -> tuple[Action, ...]:
        """Every right that it takes with a posting in that state."""
        return actions_of(self.transition, state) if self.transition else (self.right,)

    @property
    def label(self) -> str:
        """What stands on its buttons."""
        return _LABELS.get(self, self.value.capitalize())

    @classmethod
    def of_action(cls, action_id: str) -> "Verb | None":
        """The verb that a button of this `action_id` is for; None for any other button."""
        name = action_id.removeprefix(_DO) if action_id.startswith(_DO) else ""
        return next((verb for verb in cls if verb.value == name), None)


_DO = "do:"
_LABELS = {Verb.CHANGES: "Ask for changes", Verb.SNOOZE: "Not now"}
MOVES = tuple(verb for verb in Verb if verb.transition)
"""The verbs that move a posting, in the order in which they are offered."""


class Group(StrEnum):
    """Under what a posting stands on the board: the first of these that is true of it."""

    WAITING = "waiting for approval"
    NOT_READY = "not ready"
    CLOSING = "closing within 7 days"
    OPEN = "open"
    UPCOMING = "upcoming"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Turn:
    """Which part of the board is shown: all groups in short, or (from 0) one page of a group."""

    group: Group | None = None
    page: int = 0

    @property
    def value(self) -> str:
        """How a button names it."""
        return f"{self.group.name if self.group else ''}/{self.page}"

    @classmethod
    def of_value(cls, value: str) -> "Turn":
        """The turn that a button names; the whole board for a value that names none."""
        name, _, page = value.partition("/")
        return cls(Group.__members__.get(name), number_in(page))


def number_in(text: str) -> int:
    """The number that comes back with a click; 0 for what is none, or longer than any that we have given."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONG_NUMBER else 0


_LONG_NUMBER = 10


@dataclass(frozen=True)  # without slots: what is looked up often is indexed once
class Scene:
    """One site as its last tick saw it. `name` is empty where the service keeps one site only.

    `now` is an aware instant. `country` and `subdivision` say whose public holidays are worth a word, by the codes of
    ISO 3166; without a subdivision they are those of the whole country.
    """

    name: str
    seen: Seen
    plan: Plan | None
    policy: Policy
    voice: Voice
    now: datetime
    country: str = "US"
    subdivision: str = ""

    def undoable(self, posting: Posting) -> Undo | str:
        """What of this posting can be taken back now, or why nothing can."""
        return undoable(self.seen, posting, self.now, self.policy)

    @property
    def zone(self) -> ZoneInfo:
        """The site's own zone, in which all of its dates are shown."""
        return self.policy.zone

    @cached_property
    def postings(self) -> tuple[Posting, ...]:
        """What takes part in the life of a posting, by path; files that cannot be read are none."""
        found = (self.seen.postings[path] for path in sorted(self.seen.postings))
        return tuple(each for each in found if isinstance(each, Posting) and not each.outside)

    @cached_property
    def _pulls(self) -> Mapping[Path, Sequence[Pull]]:
        by_path: dict[Path, list[Pull]] = {}
        for pull in sorted(self.seen.snapshot.pulls, key=self._weight, reverse=True):
            if pull.status is PullStatus.OPEN:
                for path in pull.paths:
                    by_path.setdefault(path, []).append(pull)
        return by_path

    def _weight(self, pull: Pull) -> tuple[bool, bool, int]:
        return not pull.draft, self.request_of(pull) is not None, pull.number

    @cached_property
    def _wants(self) -> Mapping[str, Want]:
        """What each branch is for, which is known also while the plan is held and nothing is offered."""
        return {want.branch: want for want in self.plan.wanted} if self.plan else {}

    def ref(self, posting: Posting) -> str:
        """How this posting is named in whatever goes to Slack: as in the site's messages, where these can ask."""
        return self.voice.ref(posting.path) or ref_of(self.name, posting.path)

    def blob(self, posting: Posting) -> str:
        """Git's name for the posting's present text; empty where it is not known."""
        file = self.seen.snapshot.files.get(posting.path)
        return file.blob if file else ""

    def pull(self, posting: Posting, number: int = 0) -> Pull | None:
        """The open pull request of that number that is about it.

        Without a number, of several (a closing may stand by) one that is no draft, and that somebody has asked for; of
        such the latest.
        """
        return next((each for each in self._pulls.get(posting.path, ()) if number in (0, each.number)), None)

    def request(self, posting: Posting) -> Request | None:
        """The oldest open request for it."""
        return next((each for each in self.seen.memory.requests if each.path == posting.path), None)

    def request_of(self, pull: Pull) -> Request | None:
        """The request that a pull request carries out, if it is for one."""
        want = self._wants.get(pull.branch)
        return want.request if want else None

    def merges_by_hand(self, pull: Pull) -> bool:
        """Whether only a person merges it, however many have approved."""
        want = self._wants.get(pull.branch)
        return want is None or self.policy.of(want.wish.transition).merge is MergeWhen.REVIEW

    def waits(self, posting: Posting) -> Pull | None:
        """Its pull request, if that waits for somebody's approval."""
        pull = self.pull(posting)
        return pull if pull and self.is_waiting(pull) else None

    def is_waiting(self, pull: Pull) -> bool:
        """Whether an open pull request waits for somebody's approval."""
        want, request = self._wants.get(pull.branch), self.request_of(pull)
        needed = pull.again or (request is not None and self.policy.two_people)
        by_itself = want is not None and self.policy.of(want.wish.transition).merge is MergeWhen.AUTO and not needed
        decided = by_itself or is_approved(pull, request, self.policy)
        return not pull.draft and (not decided or bool(self.no(pull)))

    def no(self, pull: Pull) -> str:
        """Whose no a later yes would lift, which was said otherwise than on its page: a sentence; empty for none."""
        return objection(pull, self.request_of(pull), self.policy)


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks: whether they may do something to a posting. What they may not see is not shown.

    `counts` says whether their own approval of a pull request about a posting would, by the two-person rule.
    """

    may: Callable[[Action, Posting], bool]
    counts: Callable[[Pull, Posting], bool] = lambda _pull, _posting: True

    def sees(self, posting: Posting) -> bool:
        """Whether they may know of it at all."""
        return self.may(Action.SEE, posting)

    def allows(self, verb: Verb, posting: Posting, state: State | None) -> bool:
        """Whether they have every right that a verb takes with a posting in that state."""
        return all(self.may(right, posting) for right in verb.rights(state))

    def moves(self, posting: Posting, scene: Scene) -> Iterator[Verb]:
        """What they may ask for, of what the life cycle allows from the posting's state; an undo while it can be."""
        state = posting.state(scene.now)
        for verb in MOVES:
            step = verb.transition
            if step and state and allowed(state, step, Actor.REQUEST) and self.allows(verb, posting, state):
                lost = step is Transition.UNDO and isinstance(scene.undoable(posting), str)
                yield from () if lost else (verb,)


@dataclass(frozen=True, slots=True)
class Found:
    """One posting and where it is."""

    scene: Scene
    posting: Posting

    @property
    def ref(self) -> str:
        """How it is named in whatever goes to Slack."""
        return self.scene.ref(self.posting)

    @property
    def state(self) -> State | None:
        """What the public sees of it at the scene's moment."""
        return self.posting.state(self.scene.now)


def visible(scenes: Sequence[Scene], sight: Sight) -> list[Found]:
    """Every posting that this person may see."""
    return [Found(scene, each) for scene in scenes for each in scene.postings if sight.sees(each)]


def found_by(scenes: Sequence[Scene], ref: str, sight: Sight) -> Found | None:
    """The posting of this name, if there is one and this person may see it."""
    name = ref.encode("utf-8", "replace")
    found = (Found(scene, each) for scene in scenes for each in scene.postings)
    same = (each for each in found if compare_digest(each.ref.encode(), name))
    return next((each for each in same if sight.sees(each.posting)), None)


# What was typed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed. `verb` is None where none is known; `offers` are then those that may have been meant.

    `day` (YYYY-MM-DD) and `reason` are what stood behind the name, to be filled into the form; they decide nothing.
    """

    verb: Verb | None
    name: str = ""
    day: str = ""
    reason: CloseReason | None = None
    offers: tuple[Verb, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """The postings that a name may mean: those that fit it, else those that come near."""

    fit: tuple[Found, ...] = ()
    near: tuple[Found, ...] = ()

    @property
    def only(self) -> Found | None:
        """The one posting that fits, where there is exactly one."""
        return self.fit[0] if len(self.fit) == 1 else None

"""Who may do what to which posting, for people who are known by more than the name that they give.

Pure. What is not granted is refused: nobody has a right by default. Whether a person is who they seem, and which groups
they are in, is for whoever asked the workspace; here it is a value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from postbot.core.announce.routes import matches
from postbot.core.lifecycle import Transition
from postbot.core.posting import Posting, texts
from postbot.core.profile import State

EVERYBODY: Final = "everybody"
"""Stands in a role for every full member of the workspace."""


class Action(StrEnum):
    """What a person may be allowed to do. `approve` is also to ask for changes, and to put off to a date."""

    SEE = "see"
    OPEN = "open"
    CLOSE = "close"
    EXTEND = "extend"
    POSTPONE = "postpone"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    UNDO = "undo"
    APPROVE = "approve"


def actions_of(transition: Transition, state: State | None) -> tuple[Action, ...]:
    """The rights, all of them, that a transition takes from a state; none for one that no right grants.

    To extend a posting that has closed is to open it again, and takes that right as well.
    """
    own = tuple(action for action in Action if action.value == transition.value)
    again = transition is Transition.EXTEND and state is State.CLOSED
    return (*own, Action.REOPEN) if again else own


@dataclass(frozen=True, slots=True)
class Person:
    """A full member of the workspace, by the id that never changes. `groups` are the ids of their user groups.

    `login` is what their approvals on the host are called, empty where nobody knows it.
    """

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    login: str = ""

    @property
    def signed(self) -> str:
        """How requests and approvals name them: as the host does, else by their name and the id that is theirs."""
        return self.login or f"{self.name} ({self.id})"


@dataclass(frozen=True, slots=True)
class Role:
    """Who (ids of people and user groups, or `EVERYBODY`) may do what to the postings that fit `where`.

    `where` is as a route's: fields of the posting in any case, `path` its path, for each the patterns of which one must
    match. Without conditions it is every posting.
    """

    who: frozenset[str]
    may: frozenset[Action]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def grants(self, action: Action, person: Person, posting: Posting) -> bool:
        """Whether it lets this person do this to this posting. Who may do anything may see it."""
        theirs = bool(self.who & {person.id, EVERYBODY, *person.groups})
        return theirs and (action in self.may or action is Action.SEE) and self._fits(posting)

    def _fits(self, posting: Posting) -> bool:
        return matches(self.where, posting.path, texts(posting))


def may(roles: Iterable[Role], action: Action, person: Person, posting: Posting) -> bool:
    """Whether any role lets this person do this to this posting."""
    return any(role.grants(action, person, posting) for role in roles)


def groups_of(roles: Sequence[Role]) -> frozenset[str]:
    """The user groups whose members have to be known to apply these roles (Slack's ids begin with S)."""
    return frozenset(name for role in roles for name in role.who if name.startswith("S"))

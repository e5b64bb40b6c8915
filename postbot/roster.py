"""Who people in Slack are, and whether they may: asked of the workspace, kept for five minutes, no where it is silent.

A right is decided by `core.plan.rights`; here it is found out who asks. Guests, bots, people of other workspaces and
those who have left are refused whatever a role says. Where Slack does not answer nobody may do anything: that is said
as a sentence of its own, for it passes. Nothing here changes anything in Slack.

Methods: docs.slack.dev, reference/methods: users.info, usergroups.users.list, auth.test.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from postbot import steady
from postbot.core.announce import one_line
from postbot.core.plan.memory import Request
from postbot.core.plan.rights import Action, Person, Role, action_of, groups_of, may
from postbot.core.plan.steps import Bar
from postbot.core.posting import Posting
from postbot.core.problem import Problem
from postbot.core.site import Path

if TYPE_CHECKING:
    from slack_sdk import WebClient

KEPT: Final = 300.0
"""Seconds for which an answer of Slack's counts: so long a person keeps a right that was taken from them."""

_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_NOBODY: Final = frozenset({"user_not_found", "user_not_visible", "users_not_found"})

SILENT: Final = "Slack does not say who you are at the moment, so postbot does nothing. Try again in a minute."


@dataclass(frozen=True, slots=True)
class Refused:
    """Why somebody may not; `final` unless it is only that nobody can tell at this moment."""

    words: str
    final: bool = True


@dataclass
class Roster:
    """The people of one workspace, as one site's roles see them. Its methods may be called by any thread.

    `people` are names on the host by id or by verified e-mail address; with `two_people` who has none may ask for
    nothing, for nobody could tell them from whoever approves it.
    """

    client: "WebClient"
    roles: Sequence[Role]
    people: Mapping[str, str] = field(default_factory=dict)
    two_people: bool = False
    _known: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def person(self, member: str) -> Person | Refused:
        """The full member behind an id, or why there is none that postbot would listen to."""
        if not _PERSON.fullmatch(member):
            return Refused("postbot does not know who asks.")
        try:
            told = self._ask(member, lambda: self.client.users_info(user=member)["user"])
            if refusal := _refusal(told, self._ask("", lambda: self.client.auth_test()["team_id"])):
                return Refused(refusal)
            groups = frozenset(name for name in groups_of(self.roles) if member in self._members(name))
        except Exception as error:  # noqa: BLE001 - whatever it is: who cannot be looked up may not
            response = getattr(error, "response", None)
            gone = response is not None and response.get("error") in _NOBODY
            return Refused("There is nobody like you in this workspace.") if gone else Refused(SILENT, final=False)
        return Person(member, _name(told), groups, self._login(member, told))

    def refusal(self, action: Action, person: Person, posting: Posting) -> str:
        """Why a person may not do this to a posting, in a sentence; empty where they may."""
        if not may(self.roles, action, person, posting):
            seen = may(self.roles, Action.SEE, person, posting)
            what = one_line(posting.title) if seen else "this posting"
            return (
                f"You may not {_WORDS.get(action, action)} {what}. Whoever keeps postbot can grant it, under `roles`."
            )
        if self.two_people and action is not Action.SEE and not person.login:
            return (
                "What you ask for needs somebody else's approval, and postbot does not know by which name you would "
                "approve. Whoever keeps postbot can say it, under `approval: people`."
            )
        return ""

    def vet(self, member: str, action: Action, posting: Posting) -> Refused | None:
        """Why what a member asked for may not be carried out now; None where it may."""
        found = self.person(member)
        if isinstance(found, Refused):
            return found
        refusal = self.refusal(action, found, posting)
        return Refused(refusal) if refusal else None

    def _members(self, group: str) -> frozenset[str]:
        return frozenset(self._ask(group, lambda: self.client.usergroups_users_list(usergroup=group)["users"]))

    def _login(self, member: str, told: Mapping[str, Any]) -> str:
        """What the configuration says of them, by the id or by an address that Slack has verified."""
        profile = told.get("profile") or {}
        address = str(profile.get("email") or "").casefold() if told.get("is_email_confirmed") is True else ""
        known = {name.casefold(): login for name, login in self.people.items()}
        return known.get(member.casefold()) or (known.get(address, "") if address else "")

    def _ask(self, key: str, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON
        """An answer of Slack's, kept for a while; one at a time, so that a crowd asks once."""
        with self._turn:
            at, known = self._known.get(key, (float("-inf"), None))
            if steady.seconds() - at >= KEPT:
                known = ask()
                self._known[key] = (steady.seconds(), known)
            return known


def barred_by(
    roster: Roster | None, requests: Iterable[Request], postings: Mapping[Path, Posting | Problem]
) -> Iterator[tuple[int, Bar]]:
    """The requests from Slack that must not be carried out now, by number: who asked may not, or may not any more."""
    for request in requests:
        channel, _, member = request.asker.partition(":")
        posting, action = postings.get(request.path), action_of(request.wish.transition)
        if channel != "slack":
            continue
        if not isinstance(posting, Posting):  # renamed, perhaps: nobody can tell yet whose it is now
            yield request.number, Bar("Its posting is not where it was.", final=False)
        elif roster is None or action is None:
            yield request.number, Bar("Nobody may ask for this from Slack any more.", final=True)
        elif refused := roster.vet(member, action, posting):
            yield request.number, Bar(refused.words, refused.final)


_WORDS: Final[Mapping[Action, str]] = {
    Action.APPROVE: "decide on what is proposed for",
    Action.UNDO: "take back what was done to",
}


def _refusal(told: Mapping[str, Any], team: str) -> str:
    """Why a member of these traits is nobody to listen to. What is not said to be fine is not."""
    if told.get("deleted") is not False:
        return "This account is deactivated."
    if told.get("is_bot") is not False or told.get("id") == "USLACKBOT":
        return "postbot takes nothing from bots."
    if told.get("team_id") != team or told.get("is_stranger"):
        return "postbot takes nothing from people of other workspaces."
    if told.get("is_restricted") is not False or told.get("is_ultra_restricted") is not False:
        return "postbot takes nothing from guests."
    return ""


def _name(told: Mapping[str, Any]) -> str:
    profile = told.get("profile") or {}
    return one_line(str(profile.get("real_name") or told.get("real_name") or told.get("name") or "")) or "somebody"

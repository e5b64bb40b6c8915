"""Who people in Slack are, and whether they may: asked of the workspace, kept for five minutes, no where it is silent.

A right is decided by `core.plan.rights`; here it is found out who asks. Guests, bots, people of other workspaces and
those who have left are refused whatever a role says. Where Slack does not answer nobody may do anything: that is said
as a sentence of its own, for it passes. Nothing here changes anything in Slack.

What the workspace says is kept in one place for all sites that ask it with the same token (`Workspace`). A Slack that
hangs keeps nobody waiting for longer than `PATIENCE`, and for `SULKS` after that nobody at all.

Methods: docs.slack.dev, reference/methods: users.info, usergroups.users.list, auth.test.
"""

import logging
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from postbot import steady
from postbot.core.announce import one_line
from postbot.core.plan.memory import Opinion, Request, Said
from postbot.core.plan.rights import Action, Person, Role, actions_of, groups_of, may
from postbot.core.plan.steps import Bar, Seen
from postbot.core.plan.wants import request_branch
from postbot.core.posting import Posting, slug_of
from postbot.core.problem import Problem
from postbot.core.site import Path, Pull, PullStatus

if TYPE_CHECKING:
    from slack_sdk import WebClient

KEPT: Final = 300.0
"""Seconds for which an answer of Slack's counts: so long a person keeps a right that was taken from them."""

PATIENCE: Final = 1.5
"""Seconds that somebody waits for all that is asked about them. Slack gives an act three (docs.slack.dev,
interactivity/handling-user-interaction)."""

SULKS: Final = 5.0
"""Seconds for which a question that failed is not asked again, and nothing is after one that got no answer in time."""

_GIVEN_UP: Final = 30.0
"""Seconds after which a question that is still under way is asked once more: its connection may be dead."""

_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_NOBODY: Final = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
NO_GROUP: Final = frozenset({"no_such_subteam", "plan_upgrade_required"})  # a plan without groups has none

_LOG: Final = logging.getLogger(__name__)

AGAIN: Final = "To extend what has closed takes the right to reopen it. Whoever keeps postbot can allow it."
"""What somebody hears who may extend and not reopen."""

SILENT: Final = "Slack does not say who you are at the moment, so postbot does nothing. Try again in a minute."


@dataclass(frozen=True, slots=True)
class Refused:
    """Why somebody may not; `final` unless it is only that nobody can tell at this moment."""

    words: str
    final: bool = True


class _Silent(Exception):  # noqa: N818 - an answer, not a fault
    """Slack does not say at the moment."""


class _Nobody(Exception):  # noqa: N818 - the same
    """There is nobody of that id."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the workspace says of a member: their traits as in `users.info`, its own id, and groups they are in."""

    traits: Mapping[str, Any]
    team: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Question:
    """Something that was asked of Slack at a moment (`steady`), and what has come of it so far."""

    asked: float
    answer: Future[Any] = field(default_factory=Future)

    def counts(self, now: float) -> bool:
        """Whether it need not be asked again yet: it is under way, was answered of late, or failed a moment ago."""
        age = now - self.asked
        if not self.answer.done():
            return age < _GIVEN_UP
        return age < (KEPT if self.answer.exception() is None else SULKS)

    def wait(self, seconds: float) -> Any:  # noqa: ANN401 - JSON
        """What was answered, within so many seconds."""
        try:
            return self.answer.result(max(0.0, seconds))
        except TimeoutError:
            raise _Silent from None


class Workspace:
    """What one workspace says of its people, by one client. Its methods may be called by any thread.

    `now` tells seconds that only go on. Each question is under way once at a time, however many wait for it. What was
    answered counts from when it was asked, for `KEPT`; nothing older is ever used.
    """

    def __init__(self, client: "WebClient", now: Callable[[], float] = steady.seconds) -> None:
        self._client = client
        self._now = now
        self._questions: dict[str, _Question] = {}
        self._silent_until = float("-inf")
        self._missed: set[str] = set()
        self._turn = threading.Lock()

    def tell(self, member: str, groups: Collection[str], until: float) -> _Told:
        """What it says of a member, and which of these user groups they are in; all is asked for at once.

        Waits for `PATIENCE` at most, and not beyond `until`. Raises `_Silent`, or `_Nobody` for an id that is nobody's.
        """
        person = self._asked(member, lambda: self._client.users_info(user=member)["user"])
        team = self._asked("", lambda: self._client.auth_test()["team_id"])
        lists = {name: self._asked(name, self._members(name)) for name in sorted(groups)}
        try:
            traits = self._heard(person, until)
            theirs = frozenset(name for name, members in lists.items() if member in self._heard(members, until))
            return _Told(traits, self._heard(team, until), theirs)
        except _Silent:
            self._silent_until = self._now() + SULKS
            raise
        except Exception as error:
            raise (_Nobody if _word(error) in _NOBODY else _Silent) from error

    def _heard(self, question: _Question, until: float) -> Any:  # noqa: ANN401 - JSON
        """An answer. What has been under way for longer than anybody waits is not waited for again."""
        return question.wait(min(until, question.asked + PATIENCE) - self._now())

    def _members(self, group: str) -> Callable[[], frozenset[str]]:
        """How to ask who is in a group. One that is gone, or was switched off, has nobody in it: that is no silence."""

        def ask() -> frozenset[str]:
            try:
                found = frozenset(self._client.usergroups_users_list(usergroup=group)["users"])
            except Exception as error:
                if _word(error) not in NO_GROUP:
                    raise
                self._miss(group, _word(error))
                return frozenset()
            self._missed.discard(group)
            return found

        return ask

    def _miss(self, group: str, word: str) -> None:
        """Say once of a group that Slack does not know it."""
        if group not in self._missed:
            self._missed.add(group)
            _LOG.warning(
                "Slack knows no user group %s (%s), so nobody has a right by it. Take it out of `roles`, or switch it "
                "on again in Slack.",
                group,
                word,
            )

    def _asked(self, key: str, ask: Callable[[], Any]) -> _Question:
        """The question of this name, asked by a thread of its own where that has to be done."""
        with self._turn:
            known = self._questions.get(key)
            now = self._now()
            if known is not None and known.counts(now):
                return known
            if now < self._silent_until:
                raise _Silent
            self._questions = {name: each for name, each in self._questions.items() if each.counts(now)}
            made = self._questions[key] = _Question(now)
        threading.Thread(target=_answer, args=(made.answer, ask), name="slack-asks", daemon=True).start()
        return made


def _word(error: Exception) -> str:
    """The word by which Slack refused; empty where it has said nothing."""
    response = getattr(error, "response", None)
    return str(response.get("error") or "") if response is not None else ""


def _answer(answer: Future[Any], ask: Callable[[], Any]) -> None:
    try:
        answer.set_result(ask())
    except Exception as error:  # noqa: BLE001 - whatever it is: who cannot be looked up may not
        answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of one workspace, as one site's roles see them. Its methods may be called by any thread.

    `people` are names on the host by id or by verified e-mail address; with `two_people` who has none may ask for
    nothing, for nobody could tell them from whoever approves it.
    """

    workspace: Workspace
    roles: Sequence[Role]
    people: Mapping[str, str] = field(default_factory=dict)
    two_people: bool = False

    def person(self, member: str, until: float = float("inf")) -> Person | Refused:
        """The full member behind an id, or why there is none that postbot would listen to.

        Waits for Slack for `PATIENCE` at most, and not beyond `until` (as `steady.seconds` counts).
        """
        if not _PERSON.fullmatch(member):
            return Refused("postbot does not know who asks.")
        try:
            told = self.workspace.tell(member, groups_of(self.roles), until)
        except _Silent:
            return Refused(SILENT, final=False)
        except _Nobody:
            return Refused("There is nobody like you in this workspace.")
        if refusal := _refusal(told.traits, told.team):
            return Refused(refusal)
        return Person(member, _name(told.traits), told.groups, self._login(member, told.traits))

    def refusal(self, action: Action, person: Person, posting: Posting, also: Sequence[Action] = ()) -> str:
        """Why a person may not do this to a posting, in a sentence; empty where they may.

        `also` are the further rights that it takes there: to extend what has closed is to reopen it.
        """
        if not may(self.roles, action, person, posting):
            seen = may(self.roles, Action.SEE, person, posting)
            what = one_line(posting.title) if seen else "this posting"
            return f"You may not {_WORDS.get(action, action)} {what}. Whoever keeps postbot can allow it."
        if self.two_people and action is not Action.SEE and not person.login:
            return (
                "What you ask for needs somebody else's approval, and postbot does not know by which name you would "
                "approve. Whoever keeps postbot can tell it your name on GitHub."
            )
        return "" if all(may(self.roles, each, person, posting) for each in also) else AGAIN

    def vet(self, member: str, action: Action, posting: Posting, also: Sequence[Action] = ()) -> Refused | None:
        """Why what a member asked for may not be carried out now, as `refusal` has it; None where it may."""
        found = self.person(member)
        if isinstance(found, Refused):
            return found
        refusal = self.refusal(action, found, posting, also)
        return Refused(refusal) if refusal else None

    def _login(self, member: str, told: Mapping[str, Any]) -> str:
        """What the configuration says of them, by the id or by an address that Slack has verified."""
        profile = told.get("profile") or {}
        address = str(profile.get("email") or "").casefold() if told.get("is_email_confirmed") is True else ""
        known = {name.casefold(): login for name, login in self.people.items()}
        return known.get(member.casefold()) or (known.get(address, "") if address else "")


def with_rights(seen: Seen, roster: Roster | None) -> Seen:
    """The same look, without the opinions that do not count at this moment, and with whom and what that bars.

    Only those are asked about whose word can still matter: of an open pull request, of one that is put off to a day to
    come, or of an open request.
    """
    memory, postings = seen.memory, seen.postings
    asked = {request_branch(each, slug_of(each.path)) for each in memory.requests}
    off = {each.branch for each in memory.opinions if _is_to_come(each, memory.last_tick)}
    pulls = {each.branch: each for each in seen.snapshot.pulls if _matters(each, asked, off)}
    theirs = tuple(each for each in memory.opinions if each.branch in pulls and _member(each.asker))
    lost = dict(_unheard(roster, theirs, pulls, postings))
    heard = tuple(each for each in memory.opinions if each not in lost)
    askers = {*(each.asker for each in memory.requests), *(each.asker for each in theirs)}
    return replace(
        seen,
        memory=replace(memory, opinions=heard),
        barred=dict(_barred_by(roster, memory.requests, postings)),
        unheard=lost,
        vetted=any(each.said is not Said.SNOOZE for each in theirs),
        logins=_logins(roster, askers),
    )


def _is_to_come(opinion: Opinion, last: datetime | None) -> bool:
    """Whether it puts something off to a day that had not come at the last tick."""
    return opinion.said is Said.SNOOZE and (last is None or opinion.until is None or opinion.until > last)


def _matters(pull: Pull, asked: Collection[str], off: Collection[str]) -> bool:
    """Whether what was said of it can matter: `asked` and `off` are the branches of open requests and of what waits."""
    withdrawn = pull.status is PullStatus.WITHDRAWN and pull.branch in off
    return pull.status is PullStatus.OPEN or withdrawn or pull.branch in asked


def _barred_by(
    roster: Roster | None, requests: Iterable[Request], postings: Mapping[Path, Posting | Problem]
) -> Iterator[tuple[int, Bar]]:
    """The requests from Slack that must not be carried out now, by number: who asked may not, or may not any more.

    Which rights a wish takes is judged by the state in which it was asked for: where the dates decide, what was asked
    for in time is not refused because the closing has come before somebody's yes.
    """
    for request in requests:
        member = _member(request.asker)
        if not member:
            continue
        posting = postings.get(request.path)
        if not isinstance(posting, Posting):  # renamed, perhaps: nobody can tell yet whose it is now
            yield request.number, Bar("Its posting is not where it was.", final=False)
            continue
        actions = actions_of(request.wish.transition, posting.state(request.filed_at))
        if roster is None or not actions:
            yield request.number, Bar("Nobody may ask for this from Slack any more.", final=True)
        elif refused := roster.vet(member, actions[0], posting, actions[1:]):
            yield request.number, Bar(refused.words, refused.final)


def _unheard(
    roster: Roster | None,
    opinions: Iterable[Opinion],
    pulls: Mapping[str, Pull],
    postings: Mapping[Path, Posting | Problem],
) -> Iterator[tuple[Opinion, Bar]]:
    """What people in Slack have said of these pull requests (by branch), and does not count now, and why.

    A yes counts while whoever gave it may approve and Slack says so: it is kept, and counts again when Slack answers.
    A no counts while Slack is silent, for silence merges nothing; but not of somebody who may decide no more. What
    somebody has put off stays put off: that was done when they said it, it ends by itself, and a yes is needed then.
    """
    for each in opinions:
        if each.said is Said.SNOOZE:
            continue
        refused = _may_not_decide(roster, _member(each.asker), pulls[each.branch], postings)
        if refused and (refused.final or each.said is Said.APPROVE):
            yield each, Bar(refused.words, refused.final)


def _may_not_decide(
    roster: Roster | None, member: str, pull: Pull, postings: Mapping[Path, Posting | Problem]
) -> Refused | None:
    if roster is None:
        return Refused("Nobody may decide on this from Slack any more.")
    found = (postings.get(path) for path in pull.paths)
    posting = next((each for each in found if isinstance(each, Posting)), None)
    if posting is None:
        return Refused("Its posting is not where it was.", final=False)
    return roster.vet(member, Action.APPROVE, posting)


def _logins(roster: Roster | None, askers: Iterable[str]) -> dict[str, str]:
    """What those of these people (CHANNEL:RECIPIENT) are called on the host of whom that is known at this moment."""
    members = {asker: member for asker in askers if (member := _member(asker))} if roster else {}
    people = {asker: roster.person(member) for asker, member in members.items()} if roster else {}
    return {asker: found.login for asker, found in people.items() if isinstance(found, Person) and found.login}


def _member(asker: str) -> str:
    """The id of a person in Slack; empty for anybody else."""
    channel, _, member = asker.partition(":")
    return member if channel == "slack" else ""


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

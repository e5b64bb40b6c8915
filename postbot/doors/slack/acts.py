"""What people do in Slack, and what comes of it: shown something, or what they want is filed; never done here.

Each act goes the same way: who is it, what do they mean, may they, is it still what they saw; then it is written down,
and only then acknowledged. Rights are looked at for a command or a button, again when a form comes back, and once more
by the tick that carries it out. Everything shown is from the last look at the site; GitHub is never asked here.

What comes in is signed by Slack and still not trusted: a posting is found by comparing with those that there are, a
form's values are read by the form that asked for them, and a wish that comes back is proven anew.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from postbot import steady
from postbot.core.announce import one_line
from postbot.core.lifecycle import Wish
from postbot.core.plan.memory import Opinion, Request, Said
from postbot.core.plan.people import digest
from postbot.core.plan.rights import Action
from postbot.core.plan.wants import replaced, why_not
from postbot.doors.service import logs
from postbot.doors.service.desk import Desk
from postbot.doors.slack import views
from postbot.doors.slack.answers import BOARD, Answer, Outcome, Spot, closing, message, still_there, update
from postbot.doors.slack.looks import Looks
from postbot.doors.slack.payload import Json, text, within
from postbot.doors.slack.views import Carried, Found, Turn, Verb
from postbot.doors.slack.visit import Place, Visit, visit
from postbot.doors.slack.words import Command, find, meant_by
from postbot.ledger import AskedBefore, LedgerError

MOST_EFFECTS: Final = 20
"""So many things one person may have done within `_SPAN`: more than anybody means to, fewer than do harm unseen."""

_SPAN: Final = 600.0

_GONE: Final = "This posting is not there any more, or you may not see it. Type /posting to see all of them."
_STALE: Final = "What you saw there is out of date. Type /posting and begin again."
_Values = Mapping[str, Mapping[str, Any]]
_OPINIONS: Final = {Verb.APPROVE: Said.APPROVE, Verb.CHANGES: Said.CHANGES, Verb.SNOOZE: Said.SNOOZE}


class Acts:
    """What can be done by the people of one workspace, at some sites. Its methods may be called by any thread.

    `desks` are asked for at each act. Each method takes what Slack sent, with the key under which it counts once, and
    may raise `LedgerError`.
    """

    def __init__(self, desks: Callable[[], Sequence[Desk]]) -> None:
        self._desks = desks
        self._looks = Looks()
        self._pace = _Pace()

    # What people begin with

    def command(self, payload: Json, _key: str) -> Answer:
        """`/posting` with whatever stands behind it."""
        spot, there = self._comes(payload)
        if there.trouble:
            return Answer(Outcome.REFUSED, message(views.notice(there.trouble)), passes=there.passes)
        meant, search = meant_by(text(payload, "text"), there.scenes, there.sight)
        if meant.verb is Verb.BOARD:
            return Answer(Outcome.SHOWN, message(_telling(there, views.board(there.scenes, there.sight))))
        if meant.verb is Verb.HELP:
            return Answer(Outcome.SHOWN, message(views.help_text()))
        if meant.verb is None:
            return Answer(Outcome.SHOWN, message(_telling(there, views.unclear(meant, search, there.sight))))
        if search.only is None:
            return Answer(Outcome.SHOWN, message(_telling(there, views.several(meant.verb, search, there.sight))))
        return self._typed(there, search.only, meant, spot)

    def _typed(self, there: Visit, found: Found, meant: Command, spot: Spot) -> Answer:
        """A verb and a posting: told at once where it only shows something, else refused, or asked for the rest."""
        verb = meant.verb or Verb.SHOW
        if verb is Verb.SHOW:
            return Answer(Outcome.SHOWN, message(views.show(found.scene, found.posting, there.sight)))
        if verb is Verb.HISTORY:
            return Answer(Outcome.SHOWN, message(_past(there, found)))
        if refusal := _refusal(there, found, verb) or _undecidable(there, found, verb, 0):
            return Answer(Outcome.REFUSED, message(views.notice(refusal)))
        undo = found.scene.undoable(found.posting) if verb is Verb.UNDO else None
        if isinstance(undo, str):
            return Answer(Outcome.REFUSED, message(views.notice(undo)))
        return Answer(Outcome.SHOWN, None, spot.show(_form(there, found, meant)))

    def shortcut(self, payload: Json, _key: str) -> Answer:
        """The board from anywhere; from a message that names one posting, that posting."""
        spot, there = self._comes(payload)
        if there.trouble:
            trouble = views.as_modal(views.notice(there.trouble), BOARD)
            return Answer(Outcome.REFUSED, None, spot.show(trouble), passes=there.passes)
        said = text(payload, "message", "text").partition("\n")[0]
        one = find(said.partition(":")[0], there.scenes, there.sight).only if said else None
        board = views.show(one.scene, one.posting, there.sight) if one else views.board(there.scenes, there.sight)
        return Answer(Outcome.SHOWN, None, spot.show(views.as_modal(_telling(there, board), BOARD)))

    def home(self, payload: Json, _key: str) -> Answer:
        """Somebody opens the App Home."""
        spot, there = self._comes(payload)
        if text(payload, "event", "tab") not in ("", "home"):
            return Answer(Outcome.SHOWN)
        if there.trouble:
            shown: Json = {"type": "home", "callback_id": views.PLAIN, "blocks": views.notice(there.trouble).blocks}
        else:
            shown = _topped(views.home(there.scenes, there.sight), there.away)
        return Answer(Outcome.SHOWN, None, lambda client: client.views_publish(user_id=spot.member, view=shown))

    # Buttons

    def press(self, payload: Json, _key: str) -> Answer:
        """A button. One that only leads somewhere has led there already."""
        pressed: Json = next(iter(payload.get("actions") or ()), {})
        name, value = views.pressed(pressed)
        verb = Verb.of_action(name)
        if verb is None and not name.startswith("turn:"):
            return Answer(Outcome.SHOWN)
        spot, there = self._comes(payload)
        if there.trouble:
            return Answer(Outcome.REFUSED, None, spot.tell(views.notice(there.trouble)), passes=there.passes)
        if verb is None:
            turn = Turn.of_value(value)
            board = _telling(there, views.board(there.scenes, there.sight, turn))
            return Answer(Outcome.SHOWN, None, spot.turn(board, views.home(there.scenes, there.sight, turn)))
        return self._pressed(there, verb, value, spot)

    def _pressed(self, there: Visit, verb: Verb, value: str, spot: Spot) -> Answer:
        ref, number = views.named(value)
        found = there.found(ref)
        if found is None:
            return Answer(Outcome.REFUSED, None, spot.tell(views.notice(there.away or _GONE)))
        if verb is Verb.HISTORY:
            return Answer(Outcome.SHOWN, None, spot.show(views.as_modal(_past(there, found), BOARD)))
        if verb.right is Action.SEE:
            shown = views.show(found.scene, found.posting, there.sight)
            return Answer(Outcome.SHOWN, None, spot.show(views.as_modal(shown, BOARD)))
        if refusal := _refusal(there, found, verb) or _undecidable(there, found, verb, number):
            return Answer(Outcome.REFUSED, None, spot.tell(views.notice(refusal)))
        return Answer(Outcome.SHOWN, None, spot.show(_form(there, found, Command(verb), value)))

    # Forms

    def submit(self, payload: Json, key: str) -> Answer:
        """A form that was filled, or a summary that was confirmed."""
        _, there = self._comes(payload)
        view = within(payload, "view")
        carried = Carried.read(text(view, "private_metadata"))
        found = there.found(carried.ref) if carried else None
        if carried is None or found is None:
            return _not_found(there, view)
        refusal = _refusal(there, found, carried.verb) or _undecidable(there, found, carried.verb, carried.pull)
        if refusal:
            return Answer(Outcome.REFUSED, closing(refusal))
        if carried.verb in _OPINIONS:
            return self._opines(there, found, carried, view, key)
        if carried.verb.transition is None:
            return Answer(Outcome.REFUSED, closing(_STALE))
        if text(view, "callback_id") == views.SUMMARY:
            return self._confirmed(there, found, carried, view, key)
        return self._filled(found, carried, view)

    def _filled(self, found: Found, carried: Carried, view: Mapping[str, Any]) -> Answer:
        """Show what a filled form would bring about, or what is wrong with it."""
        if _is_changed(found, carried):
            return Answer(Outcome.REFUSED, update(views.changed(found.scene, found.posting, carried)))
        read = views.read(found.scene, found.posting, carried.verb, _values(view))
        if not isinstance(read, Wish) and not _values(view):  # a form that asks for nothing has no place for an error
            return Answer(Outcome.REFUSED, closing(" ".join(read.values())))
        if not isinstance(read, Wish):
            return Answer(Outcome.SHOWN, {"response_action": "errors", "errors": read})
        return Answer(Outcome.SHOWN, update(views.summary(found.scene, found.posting, read, carried)))

    def _confirmed(self, there: Visit, found: Found, carried: Carried, view: Mapping[str, Any], key: str) -> Answer:
        """File it, unless it cannot be carried out, or somebody has come before and this person has not heard of it."""
        scene, posting, wish, place = found.scene, found.posting, carried.wish, there.place(found.posting)
        if place.desk.filed(key):  # its answer was lost, and what it asked for may have been done since
            return Answer(Outcome.FILED, closing(_filed(place)))
        if _is_changed(found, carried):
            return Answer(Outcome.REFUSED, update(views.changed(scene, posting, carried)))
        if wish is None or wish.transition is not carried.verb.transition:
            return Answer(Outcome.REFUSED, closing(_STALE))
        if why := why_not(scene.seen, posting, wish, scene.now, scene.policy):
            return Answer(Outcome.REFUSED, closing(f"This cannot be done: {why}"))
        try:
            with self._pace.one(place.person.id):
                by, asker = place.person.signed, place.asker
                place.desk.file(posting.path, wish, by, asker=asker, key=key, heard_of=carried.heard_of)
        except _TooMany:
            return Answer(Outcome.REFUSED, still_there(view, _TOO_MANY), passes=True)
        except AskedBefore as before:
            return Answer(Outcome.SHOWN, update(_after(before.request, place, found, wish, carried)))
        return Answer(Outcome.FILED, closing(_filed(place)))

    def _opines(self, there: Visit, found: Found, carried: Carried, view: Mapping[str, Any], key: str) -> Answer:
        """Keep what they say of the pull request that they saw, if it still changes the lines that it did."""
        pull, values = found.scene.pull(found.posting, carried.pull), _values(view)
        if pull is None or carried.lines != digest(pull, found.scene.seen.snapshot.files):
            return Answer(Outcome.REFUSED, closing("The pull request has changed since. Look at it again, please."))
        words = views.read_words(values) if carried.verb is Verb.CHANGES else ""
        until = views.read_until(found.scene, values) if carried.verb is Verb.SNOOZE else None
        for read in (words, until):
            if isinstance(read, dict):
                return Answer(Outcome.SHOWN, {"response_action": "errors", "errors": read})
        place = there.place(found.posting)
        opinion = Opinion(
            branch=pull.branch,
            about=carried.lines,
            said=_OPINIONS[carried.verb],
            by=place.person.signed,
            at=found.scene.now,
            words=words if isinstance(words, str) else "",
            until=until if not isinstance(until, dict) else None,
            asker=place.asker,
        )
        try:
            with self._pace.one(place.person.id):
                place.desk.opine(opinion, found.posting.path, key=key)
        except _TooMany:
            return Answer(Outcome.REFUSED, still_there(view, _TOO_MANY), passes=True)
        return Answer(Outcome.FILED, closing(f"{_SAID[carried.verb]}{_but(place)}"))

    def _comes(self, payload: Json) -> tuple[Spot, Visit]:
        spot = Spot.of(payload)
        return spot, visit(self._looks, self._desks(), spot.member)


class _TooMany(Exception):  # noqa: N818 - an answer, not a fault
    """Somebody has had so much done of late that nothing more is."""


class _Pace:
    """How much each person has had done of late, in this process.

    Where several replicas listen each has its own count, so that somebody whose acts are spread over all of them may
    have so many times as much done.
    """

    def __init__(self) -> None:
        self._known: dict[str, deque[float]] = {}
        self._turn = threading.Lock()

    @contextmanager
    def one(self, member: str) -> Iterator[None]:
        """Have one thing more done, which counts unless it fails. Raises `_TooMany` in place of doing it."""
        with self._turn:
            now, mine = steady.seconds(), self._known.setdefault(member, deque())
            while mine and now - mine[0] >= _SPAN:
                mine.popleft()
            if len(mine) >= MOST_EFFECTS:
                raise _TooMany
            mine.append(now)
        try:
            yield
        except BaseException:
            with self._turn, suppress(ValueError):
                mine.remove(now)
            raise


_TOO_MANY: Final = (
    f"You have asked for {MOST_EFFECTS} things within ten minutes, so nothing was filed. Wait a little; if this was "
    "not you, tell whoever keeps postbot."
)
_SAID: Final = {
    Verb.APPROVE: "Your approval is noted.",
    Verb.CHANGES: "What you ask for is noted; these lines are not merged until somebody approves them after all.",
    Verb.SNOOZE: "Put off; you are asked again on that day.",
}


def _values(view: Mapping[str, Any]) -> _Values:
    found = within(within(view, "state"), "values")
    return {name: block for name, block in found.items() if isinstance(block, dict)}


def _telling(there: Visit, said: views.Said) -> views.Said:
    """What is said, below a word on the sites that do not answer."""
    told = views.notice(there.away).blocks if there.away else []
    return views.Said(said.text, [*told, *said.blocks][: views.MOST_IN_MESSAGE])


def _topped(view: Json, sentence: str) -> Json:
    """A view below a sentence, if there is one."""
    told = views.notice(sentence).blocks if sentence else []
    return {**view, "blocks": [*told, *view["blocks"]][: views.MOST_IN_VIEW]}


def _not_found(there: Visit, view: Mapping[str, Any]) -> Answer:
    """An answer to a form about a posting that this person does not see now: kept open where that may pass."""
    if there.away or there.passes:
        return Answer(Outcome.REFUSED, still_there(view, there.away or there.trouble), passes=True)
    return Answer(Outcome.REFUSED, closing(there.trouble or _GONE))


def _is_changed(found: Found, carried: Carried) -> bool:
    """Whether the posting has another text than the form was made from."""
    return carried.blob != found.scene.blob(found.posting)


def _refusal(there: Visit, found: Found, verb: Verb) -> str:
    """Why this person may not do this to this posting; put on record where they may not."""
    own, *more = verb.rights(found.state)
    refusal = there.refusal(own, found.posting, more)
    if refusal:
        _on_record(there.place(found.posting), found, verb, refusal)
    return refusal


def _on_record(place: Place, found: Found, verb: Verb, refusal: str) -> None:
    try:
        place.desk.refused(found.posting.path, verb.value, place.person.signed, refusal)
    except LedgerError as error:  # they are refused all the same
        logs.line("error", place.desk.name, "refusal not on record", why=str(error), member=place.person.id)


def _past(there: Visit, found: Found) -> views.Said:
    return views.history(found.scene, found.posting, there.place(found.posting).desk.history(found.posting.path))


def _form(there: Visit, found: Found, meant: Command, value: str = "") -> Json:
    """The form of a verb, which says first who else is at it and what keeps postbot from doing anything.

    `value` is that of the button that led here.
    """
    verb, place = meant.verb or Verb.SHOW, there.place(found.posting)
    pull = found.scene.pull(found.posting, views.named(value)[1]) if verb in _OPINIONS else None
    others = [] if pull else _others(place, found)
    return views.form(
        found.scene,
        found.posting,
        verb,
        told=[*_busy(others, found, verb), *filter(None, [place.obstacle])],
        pull=pull,
        heard_of=_last(others),
        day=meant.day,
        reason=meant.reason,
        seen=views.lines_named(value),
    )


def _undecidable(there: Visit, found: Found, verb: Verb, number: int) -> str:
    """Why this person's word on a pull request would be worth nothing, in a sentence; empty where it counts."""
    if verb not in _OPINIONS:
        return ""
    if (pull := found.scene.pull(found.posting, number)) is None:
        return "There is no such pull request any more, so there is nothing to decide."
    own = verb is Verb.APPROVE and not there.place(found.posting).counts(pull)
    return "You have asked for this yourself, so it needs somebody else's approval." if own else ""


def _others(place: Place, found: Found) -> list[Request]:
    """The open requests that others have for it, as they were filed."""
    mine = (place.person.signed, place.asker)
    return [each for each in _queue(found) if each.by not in mine and each.asker not in mine]


def _queue(found: Found) -> list[Request]:
    return [each for each in found.scene.seen.memory.requests if each.path == found.posting.path]


def _busy(others: Sequence[Request], found: Found, verb: Verb) -> list[str]:
    """A sentence on each of the latest requests of others that has not been overtaken already."""
    known = {each.number: each for each in (*_queue(found), *others)}
    over = replaced([known[number] for number in sorted(known)])
    told = [each for each in others if each.number not in over]
    return [views.busy(each, found.scene.zone, verb) for each in told[-_MOST_TOLD:]]


def _last(requests: Sequence[Request]) -> int:
    return max((each.number for each in requests), default=0)


def _after(before: Request, place: Place, found: Found, wish: Wish, carried: Carried) -> Json:
    """The summary once more, with a word on who has come before; whoever confirms that goes on."""
    known = {each.number: each for each in (*_others(place, found), before) if each.number > carried.heard_of}
    others = [known[number] for number in sorted(known)]
    view = views.summary(found.scene, found.posting, wish, replace(carried, heard_of=_last(others)))
    return _topped(view, " ".join([*_busy(others, found, carried.verb), "Confirm once more to go on all the same."]))


_MOST_TOLD: Final = 3
"""So many requests of others are told of."""


def _filed(place: Place) -> str:
    return f"Filed. You will hear what comes of it.{_but(place)}"


def _but(place: Place) -> str:
    return f" It waits, though: {one_line(place.obstacle)}" if place.obstacle else ""

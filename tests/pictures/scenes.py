"""What each picture shows: the real views and messages, on a few days at the bakery."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, cast

from postbot.core.announce import Event
from postbot.core.lifecycle import Wish
from postbot.core.plan.memory import Said as Opinion
from postbot.core.plan.rights import Action, Role
from postbot.core.profile import CloseReason
from postbot.doors.slack.views import (
    Carried,
    Json,
    Sight,
    Verb,
    board,
    form,
    home,
    notice,
    read,
    summary,
)
from postbot.roster import Roster
from tests.doors.slack.scenes import filled
from tests.pictures import slack
from tests.pictures.bakery import DUE, NOW, ROBIN, Bakery, new_closing

SIGHT = Sight(lambda _action, _posting: True)


@cache
def wednesday() -> Bakery:
    """The bakery on an ordinary morning; Robin has asked for a later closing."""
    bakery = Bakery.on_wednesday()
    bakery.ask("Oven Technician", new_closing(45))
    bakery.look()
    return bakery


@cache
def friday() -> Bakery:
    """The bakery a moment after an opening that can still be taken back."""
    bakery = Bakery.on_wednesday()
    approved(bakery)
    merged(bakery)
    return bakery


def card(*then: Callable[[Bakery], None]) -> str:
    """The card of a pull request after some things have happened, with its thread."""
    bakery = Bakery.on_wednesday()
    for happens in then:
        happens(bakery)
    [first] = bakery.heard(Event.PROPOSED, "Cake Decorator")
    return slack.message(first, list(bakery.heard(Event.PROGRESS, "Cake Decorator")))


def changes(bakery: Bakery) -> None:
    bakery.opine("Cake Decorator", Opinion.CHANGES, words="The title should say that it is part-time.")
    bakery.look(NOW + timedelta(minutes=30))


def approved(bakery: Bakery) -> None:
    bakery.opine("Cake Decorator", Opinion.APPROVE)
    bakery.look(NOW + timedelta(hours=1))


def merged(bakery: Bakery) -> None:
    bakery.look(DUE)


def announced(bakery: Bakery) -> None:
    bakery.announce("Cake Decorator")
    bakery.look(DUE + timedelta(minutes=2))


def reminder() -> str:
    [said] = wednesday().heard(Event.NOT_READY, "Pastry Chef")
    return slack.message(said)


def form_of(title: str, verb: Verb, **others: CloseReason) -> Json:
    scene, posting = wednesday().scene(), wednesday().posting(title)
    return form(scene, posting, verb, pull=scene.pull(posting) if verb is Verb.APPROVE else None, **others)


def typed(view: Json, **given: str) -> Json:
    """A form with some of its fields filled in, as Slack shows it from then on."""
    blocks = [dict(block) for block in view["blocks"]]
    for block in blocks:
        if (value := given.get(block.get("block_id", "").removeprefix("field:"))) is not None:
            element = dict(block["element"])
            chosen = [each for each in element.get("options", ()) if each["text"]["text"] == value]
            block["element"] = element | ({"initial_option": chosen[0]} if chosen else {"initial_value": value})
    return view | {"blocks": blocks}


def wrong() -> str:
    """The form of an opening as it comes back with something wrong in it."""
    view = typed(form_of("Pastry Chef", Verb.OPEN), apply_url="https://example.com")
    errors = read(wednesday().scene(), wednesday().posting("Pastry Chef"), Verb.OPEN, filled(view))
    assert isinstance(errors, dict)
    return slack.view(view, errors)


def last_step() -> Json:
    """The summary of an opening."""
    link = "https://apply.bakery.example/pastry-chef"
    view = typed(form_of("Pastry Chef", Verb.OPEN), apply_url=link, supervisory_status="NO")
    scene, posting = wednesday().scene(), wednesday().posting("Pastry Chef")
    wish, carried = read(scene, posting, Verb.OPEN, filled(view)), Carried.read(view["private_metadata"])
    assert isinstance(wish, Wish)
    assert carried is not None
    return summary(scene, posting, wish, carried)


def refusal() -> str:
    """What somebody hears who may look, and not close."""
    roster = Roster(cast("Any", None), [Role(frozenset({ROBIN.id}), frozenset({Action.SEE}))])
    return slack.answer(notice(roster.refusal(Action.CLOSE, ROBIN, wednesday().posting("Night Baker"))))


def pages() -> Mapping[str, str]:
    """The HTML of every picture, by its name."""
    scene = wednesday().scene()
    return {
        "board": slack.answer(board([scene], SIGHT)),
        "home": slack.view(home([scene], SIGHT)),
        "form-open": slack.view(form_of("Pastry Chef", Verb.OPEN)),
        "form-wrong": wrong(),
        "summary": slack.view(last_step()),
        "form-close": slack.view(form_of("Night Baker", Verb.CLOSE, reason=CloseReason.CAP_REACHED)),
        "reminder": reminder(),
        "card-waits": card(),
        "form-approve": slack.view(form_of("Cake Decorator", Verb.APPROVE)),
        "card-changes": card(changes),
        "card-merged": card(changes, approved, merged),
        "card-announced": card(approved, merged, announced),
        "refusal": refusal(),
    }

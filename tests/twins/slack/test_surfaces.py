"""What Slack would not take is refused: one case for each kind of refusal, at its limit and one beyond."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.twins.slack.blocks import flaws
from tests.twins.slack.surfaces import view_flaws

Told = dict[str, Any]


def plain(words: str | int = "x") -> Told:
    return {"type": "plain_text", "text": "x" * words if isinstance(words, int) else words}


def option(value: str | int = "a", text: str | int = "A", **more: Any) -> Told:
    return {"text": plain(text), "value": "x" * value if isinstance(value, int) else value, **more}


def options(many: int) -> list[Told]:
    return [option(str(each)) for each in range(many)]


def field(kind: str, **element: Any) -> Told:
    return {"type": "input", "label": plain(), "element": {"type": kind, "action_id": "a", **element}}


def actions(*elements: Told) -> Told:
    return {"type": "actions", "elements": list(elements)}


def button(name: str = "a", **more: Any) -> Told:
    return {"type": "button", "text": plain(), "action_id": name, **more}


def select(**more: Any) -> Told:
    return {"type": "static_select", "action_id": "a", **more}


def overflow(many: int) -> Told:
    return actions({"type": "overflow", "action_id": "a", "options": options(many)})


def asked(**more: Any) -> Told:
    sure = {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()}
    return actions(button(confirm={**sure, **more}))


def modal(*blocks: Told, **more: Any) -> Told:
    found = list(blocks) or [{"type": "divider"}]
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": found, **more}


def words(**more: Any) -> Told:
    return field("plain_text_input", **more)


def grouped(groups: int, many: int) -> Told:
    made = [{"label": plain(), "options": [option(f"{at}-{each}") for each in range(many)]} for at in range(groups)]
    return actions(select(option_groups=made))


LIMITS: dict[str, tuple[Callable[[int], Told], int]] = {
    "blocks": (lambda n: modal(*[{"type": "divider"}] * n), 100),
    "title": (lambda n: modal(title=plain(n)), 24),
    "submit": (lambda n: modal(submit=plain(n)), 24),
    "close": (lambda n: modal(close=plain(n)), 24),
    "private_metadata": (lambda n: modal(private_metadata="x" * n), 3000),
    "callback_id": (lambda n: modal(callback_id="x" * n), 255),
    "external_id": (lambda n: modal(external_id="x" * n), 255),
    "block_id": (lambda n: modal({"type": "divider", "block_id": "x" * n}), 255),
    "action_id": (lambda n: modal(actions(button("x" * n))), 255),
    "section": (lambda n: modal({"type": "section", "text": plain(n)}), 3000),
    "header": (lambda n: modal({"type": "header", "text": plain(n)}), 150),
    "button": (lambda n: modal(actions(button(text=plain(n)))), 75),
    "button value": (lambda n: modal(actions(button(value="x" * n))), 2000),
    "elements": (lambda n: modal(actions(*[button(str(each)) for each in range(n)])), 25),
    "options": (lambda n: modal(actions(select(options=options(n)))), 100),
    "groups": (lambda n: modal(grouped(n, 1)), 100),
    "options of a group": (lambda n: modal(grouped(1, n)), 100),
    "option text": (lambda n: modal(actions(select(options=[option(text=n)]))), 75),
    "option value": (lambda n: modal(actions(select(options=[option(n)]))), 150),
    "overflow": (lambda n: modal(overflow(n)), 5),
    "checkboxes": (lambda n: modal(field("checkboxes", options=options(n))), 10),
    "label": (lambda n: modal({**words(), "label": plain(n)}), 2000),
    "hint": (lambda n: modal({**words(), "hint": plain(n)}), 2000),
    "placeholder": (lambda n: modal(words(placeholder=plain(n))), 150),
    "max_length": (lambda n: modal(words(max_length=n)), 3000),
    "initial_value": (lambda n: modal(words(max_length=7, initial_value="x" * n)), 7),
    "confirm title": (lambda n: modal(asked(title=plain(n))), 100),
    "confirm text": (lambda n: modal(asked(text=plain(n))), 300),
    "confirm button": (lambda n: modal(asked(confirm=plain(n))), 30),
    "deny button": (lambda n: modal(asked(deny=plain(n))), 30),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_where_slack_draws_it(what: str):
    make, most = LIMITS[what]
    assert view_flaws(make(most)) == []
    assert view_flaws(make(most + 1)) != []


REFUSED: dict[str, tuple[Told, str]] = {
    "no view": ({"type": "message"}, "must be a view"),
    "no title": ({"type": "modal", "blocks": [{"type": "divider"}]}, "missing required field: title"),
    "a formatted title": (modal(title={"type": "mrkdwn", "text": "x"}), "must be a text"),
    "a key that is not": (modal(colour="red"), "invalid additional property: colour"),
    "no blocks": (modal() | {"blocks": []}, "at least 1"),
    "a field and no submit": ({each: told for each, told in modal(words()).items() if each != "submit"}, "submit"),
    "a home with a title": ({"type": "home", "title": plain(), "blocks": [{"type": "divider"}]}, "title"),
    "a view too large": (modal(*[{"type": "section", "text": plain(3000)}] * 90), "250000 bytes"),
    "a block_id twice": (modal(*[{"type": "divider", "block_id": "b"}] * 2), "block_id must be unique"),
    "an action_id twice": (modal(actions(button(), button())), "action_id a must be unique"),
    "an unknown block": (modal({"type": "carousel"}), "unsupported block"),
    "an unknown element": (modal(actions({"type": "knob", "action_id": "a"})), "unsupported element"),
    "a button as a field": (modal(field("button", text=plain())), "unsupported element in input"),
    "a text field in a row": (modal(actions({"type": "plain_text_input", "action_id": "a"})), "unsupported element"),
    "no action_id": (modal(actions({"type": "button", "text": plain()})), "action_id"),
    "an odd style": (modal(actions(button(style="loud"))), "must be one of"),
    "no options": (modal(actions(select())), "either options or option_groups"),
    "an empty list": (modal(actions(select(options=[]))), "1 to 100 items"),
    "both kinds of options": (modal(actions(select(options=options(1), option_groups=[]))), "either"),
    "options alike": (modal(actions(select(options=[option(), option()]))), "must be unique"),
    "none of the options": (modal(actions(select(options=options(2), initial_option=option("z")))), "provided options"),
    "an option with a url": (modal(actions(select(options=[option(url="https://e.org")]))), "additional property: url"),
    "a day that is none": (modal(field("datepicker", initial_date="2026-02-30")), "a day like"),
    "a day in words": (modal(field("datepicker", initial_date="March 9")), "a day like"),
    "a time that is none": (modal(field("timepicker", initial_time="24:00")), "a time like"),
    "a time with seconds": (modal(field("timepicker", initial_time="08:00:00")), "a time like"),
    "a zone that is none": (modal(field("timepicker", timezone="Mars/Base")), "a time zone"),
    "an odd e-mail": (modal(field("email_text_input", initial_value="ada")), "an e-mail address"),
    "an odd URL": (modal(field("url_text_input", initial_value="agency.gov")), "a URL"),
    "lengths crossed": (modal(words(min_length=5, max_length=4)), "more than max_length"),
    "two lines in one": (modal(words(initial_value="a\nb")), "one line"),
    "two in focus": (modal(words(focus_on_load=True), words(focus_on_load=True)), "only one element"),
    "a confirm without a deny": (modal(actions(button(confirm={"title": plain()}))), "missing required field: deny"),
    "a flag in words": (modal({**words(), "optional": "yes"}), "must be a boolean"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_slack_would_not_take_is_refused_and_says_why(what: str):
    view, says = REFUSED[what]
    assert any(says in each for each in view_flaws(view)), view_flaws(view)


def test_a_view_that_uses_everything_is_taken():
    kinds = [words(), field("datepicker"), field("timepicker", timezone="America/New_York"), field("email_text_input")]
    kinds += [field("url_text_input"), field("number_input", is_decimal_allowed=False), field("users_select")]
    kinds += [field(each, options=options(2)) for each in ("static_select", "radio_buttons", "checkboxes")]
    asks = {"type": "section", "text": plain(), "accessory": button(url="https://e.org", style="danger")}
    assert view_flaws(modal(*kinds, asks, asked(style="danger"), overflow(2))) == []


@pytest.mark.parametrize("kind", ["email_text_input", "url_text_input", "number_input"])
def test_some_fields_are_for_modals_only(kind: str):
    block = field(kind, **({"is_decimal_allowed": True} if kind == "number_input" else {}))
    assert view_flaws(modal(block)) == []
    assert view_flaws({"type": "home", "blocks": [block]}) != []
    assert flaws([block]) != []


def test_a_message_has_half_as_many_blocks_as_a_view():
    assert flaws([{"type": "divider"}] * 51) != []
    assert view_flaws({"type": "home", "blocks": [{"type": "divider"}] * 100}) == []

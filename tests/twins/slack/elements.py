"""The elements of Block Kit that people use: where each may stand, and what it may say.

Limits and places are from docs.slack.dev/reference/block-kit/block-elements. Where Slack makes up an `action_id`
that is missing, it is asked for here, but for a button that only leads away.
"""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from tests.twins.slack.shapes import (
    PLAIN,
    TEXTS,
    Flaws,
    confirm,
    flags,
    group,
    is_date,
    is_email,
    is_time,
    is_url,
    items,
    keys,
    number,
    one_of,
    option,
    string,
    text,
    url,
)

EVERYWHERE = ("modal", "home", "message")
ALL_BLOCKS = ("section", "actions", "input")
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "button": (("section", "actions"), EVERYWHERE),
    "overflow": (("section", "actions"), EVERYWHERE),
    "static_select": (ALL_BLOCKS, EVERYWHERE),
    "multi_static_select": (("section", "input"), EVERYWHERE),
    "users_select": (ALL_BLOCKS, EVERYWHERE),
    "checkboxes": (ALL_BLOCKS, EVERYWHERE),
    "radio_buttons": (ALL_BLOCKS, EVERYWHERE),
    "datepicker": (ALL_BLOCKS, EVERYWHERE),
    "timepicker": (ALL_BLOCKS, EVERYWHERE),
    "datetimepicker": (("actions", "input"), ("modal", "message")),
    "plain_text_input": (("input",), EVERYWHERE),
    "email_text_input": (("input",), ("modal",)),
    "url_text_input": (("input",), ("modal",)),
    "number_input": (("input",), ("modal",)),
}
"""The blocks and the surfaces that each may be in."""

ACTION, FOCUS = {"action_id": True}, {"focus_on_load": False}
PICKED = {**ACTION, **FOCUS, "confirm": False}
CHOSEN = {**PICKED, "placeholder": False}
TYPED = {**ACTION, **FOCUS, "placeholder": False, "initial_value": False, "dispatch_action_config": False}
LISTED = {**CHOSEN, "options": False, "option_groups": False}
KEYS: dict[str, dict[str, bool]] = {
    "button": {
        **dict.fromkeys(("action_id", "url", "value", "style", "confirm", "accessibility_label"), False),
        "text": True,
    },
    "overflow": {**ACTION, "options": True, "confirm": False},
    "static_select": {**LISTED, "initial_option": False},
    "multi_static_select": {**LISTED, "initial_options": False, "max_selected_items": False},
    "users_select": {**CHOSEN, "initial_user": False},
    "checkboxes": {**PICKED, "options": True, "initial_options": False},
    "radio_buttons": {**PICKED, "options": True, "initial_option": False},
    "datepicker": {**CHOSEN, "initial_date": False},
    "timepicker": {**CHOSEN, "initial_time": False, "timezone": False},
    "datetimepicker": {**PICKED, "initial_date_time": False},
    "plain_text_input": {**TYPED, "multiline": False, "min_length": False, "max_length": False},
    "email_text_input": TYPED,
    "url_text_input": TYPED,
    "number_input": {**TYPED, "is_decimal_allowed": True, "min_value": False, "max_value": False},
}
MOST_TEXT = 3000


def element(found: Any, place: str, block: str, surface: str) -> Flaws:
    """What is wrong with an element in a block of that type, on that surface."""
    kind = found.get("type") if isinstance(found, dict) else None
    if not isinstance(kind, str) or kind not in PLACES or block not in PLACES[kind][0]:
        yield f"unsupported element in {block}: {kind} [{place}]"
        return
    if surface not in PLACES[kind][1]:
        yield f"{kind} is not for a {surface} [{place}]"
    yield from keys(found, place, KEYS[kind])
    yield from string(found, "action_id", place, 255)
    yield from flags(found, place, "focus_on_load", "multiline", "is_decimal_allowed")
    if "placeholder" in found:
        yield from text(found["placeholder"], f"{place}/placeholder", 150, PLAIN)
    if "confirm" in found:
        yield from confirm(found["confirm"], f"{place}/confirm")
    yield from OWN[kind](found, place)


def options(found: dict[str, Any]) -> list[Any]:
    """All of an element's options, also those in groups, as far as they are there at all."""
    groups = [each.get("options") for each in found.get("option_groups") or [] if isinstance(each, dict)]
    lists = [found.get("options"), *groups]
    return [each for one in lists if isinstance(one, list) for each in one]


def _button(found: dict[str, Any], place: str) -> Flaws:
    yield from text(found.get("text"), f"{place}/text", 75, PLAIN)
    yield from string(found, "value", place, 2000)
    yield from string(found, "accessibility_label", place, 75)
    yield from one_of(found, "style", place, "primary", "danger")
    if "url" in found:
        yield from url(found, place)
    elif "action_id" not in found:
        yield f"missing required field: action_id [{place}]"


def _overflow(found: dict[str, Any], place: str) -> Flaws:
    yield from items(found.get("options"), f"{place}/options", 5, lambda each, at: option(each, at, led=True))
    yield from _distinct(found, place)


def _select(found: dict[str, Any], place: str) -> Flaws:
    if ("options" in found) == ("option_groups" in found):
        yield f"must have either options or option_groups [{place}]"
    if "options" in found:
        yield from items(found["options"], f"{place}/options", 100, option)
    if "option_groups" in found:
        yield from items(found["option_groups"], f"{place}/option_groups", 100, group)
    yield from _distinct(found, place)
    yield from _initial(found, place)
    yield from number(found, "max_selected_items", place, 1, 100)


def _boxes(found: dict[str, Any], place: str) -> Flaws:
    yield from items(found.get("options"), f"{place}/options", 10, lambda each, at: option(each, at, TEXTS))
    yield from _distinct(found, place)
    yield from _initial(found, place)


def _distinct(found: dict[str, Any], place: str) -> Flaws:
    values = [str(each.get("value")) for each in options(found) if isinstance(each, dict)]
    if len(values) != len(set(values)):
        yield f"option values must be unique [{place}]"


def _initial(found: dict[str, Any], place: str) -> Flaws:
    """An option that is chosen from the start is one of those that are offered, to the letter."""
    offered = options(found)
    if "initial_option" in found and found["initial_option"] not in offered:
        yield f"must be one of the provided options [{place}/initial_option]"
    chosen = found.get("initial_options", offered[:1])
    if not isinstance(chosen, list) or not chosen or any(each not in offered for each in chosen):
        yield f"must be some of the provided options [{place}/initial_options]"


def _user(found: dict[str, Any], place: str) -> Flaws:
    value = found.get("initial_user", "U0")
    if not isinstance(value, str) or value[:1] not in ("U", "W"):
        yield f"must be a user's id [{place}/initial_user]"


def _date(found: dict[str, Any], place: str) -> Flaws:
    if not is_date(found.get("initial_date", "2026-01-01")):
        yield f"must be a day like 2026-03-09 [{place}/initial_date]"


def _time(found: dict[str, Any], place: str) -> Flaws:
    if not is_time(found.get("initial_time", "08:00")):
        yield f"must be a time like 08:00 [{place}/initial_time]"
    if "timezone" in found and str(found["timezone"]) not in available_timezones():
        yield f"must be a time zone [{place}/timezone]"


def _moment(found: dict[str, Any], place: str) -> Flaws:
    yield from number(found, "initial_date_time", place, 10**9, 10**10 - 1)


def _typed(found: dict[str, Any], place: str) -> Flaws:
    """What all fields for typing have in common."""
    yield from string(found, "initial_value", place, MOST_TEXT, least=0)
    config = found.get("dispatch_action_config", {})
    known = ("on_enter_pressed", "on_character_entered")
    if not isinstance(config, dict) or set(config) - {"trigger_actions_on"}:
        yield f"must have trigger_actions_on only [{place}/dispatch_action_config]"
    elif any(each not in known for each in config.get("trigger_actions_on", [])):
        yield f"must be one of {', '.join(known)} [{place}/dispatch_action_config/trigger_actions_on]"


def _words(found: dict[str, Any], place: str) -> Flaws:
    yield from _typed(found, place)
    yield from number(found, "min_length", place, 0, MOST_TEXT)
    yield from number(found, "max_length", place, 1, MOST_TEXT)
    least, most, value = found.get("min_length", 0), found.get("max_length", MOST_TEXT), found.get("initial_value")
    if not isinstance(least, int) or not isinstance(most, int):
        return
    if least > most:
        yield f"must not be more than max_length [{place}/min_length]"
    if isinstance(value, str) and value and not least <= len(value) <= most:
        yield f"must have {least} to {most} characters [{place}/initial_value]"
    if isinstance(value, str) and "\n" in value and not found.get("multiline"):
        yield f"must be one line [{place}/initial_value]"


def _matching(fits: Callable[[str], bool], what: str) -> Callable[[dict[str, Any], str], Flaws]:
    def check(found: dict[str, Any], place: str) -> Flaws:
        yield from _typed(found, place)
        value = found.get("initial_value", "")
        if isinstance(value, str) and value and not fits(value):
            yield f"must be {what} [{place}/initial_value]"

    return check


def is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return not set(value.lower()) & set("aefint_ ")


OWN: dict[str, Callable[[dict[str, Any], str], Flaws]] = {
    "button": _button,
    "overflow": _overflow,
    "static_select": _select,
    "multi_static_select": _select,
    "users_select": _user,
    "checkboxes": _boxes,
    "radio_buttons": _boxes,
    "datepicker": _date,
    "timepicker": _time,
    "datetimepicker": _moment,
    "plain_text_input": _words,
    "email_text_input": _matching(is_email, "an e-mail address"),
    "url_text_input": _matching(is_url, "a URL"),
    "number_input": _matching(is_number, "a number"),
}

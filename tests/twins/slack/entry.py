"""What stands in the fields of a view, and what a person could enter there.

The shapes of `state.values` are from docs.slack.dev/reference/interaction-payloads/view-interactions-payload.
"""

import copy
from collections.abc import Callable
from typing import Any

from tests.twins.slack.blocks import actionable
from tests.twins.slack.elements import is_number, options
from tests.twins.slack.shapes import is_date, is_email, is_time, is_url

Values = dict[str, dict[str, Any]]
"""By block_id, then by action_id: as Slack has it in `state.values`."""

TYPED = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
SINGLE, SEVERAL = ("static_select", "radio_buttons"), ("multi_static_select", "checkboxes")
PLAIN = {
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    **dict.fromkeys(TYPED, ("value", "initial_value")),
    **dict.fromkeys(SINGLE, ("selected_option", "initial_option")),
    **dict.fromkeys(SEVERAL, ("selected_options", "initial_options")),
}
"""For each kind that keeps a value: where it is in the state, and what it starts from."""

FITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "datepicker": (is_date, "a day like 2026-03-09"),
    "timepicker": (is_time, "a time like 08:00"),
    "datetimepicker": (lambda value: isinstance(value, int), "seconds since 1970"),
    "users_select": (lambda value: isinstance(value, str) and value[:1] in ("U", "W"), "a user's id"),
    "email_text_input": (is_email, "an e-mail address"),
    "url_text_input": (is_url, "a URL"),
    "number_input": (is_number, "a number"),
}


def named(blocks: list[Any]) -> list[Any]:
    """The blocks with the ids that Slack gives where there are none: of blocks, and of buttons that lead away."""
    made: list[Any] = copy.deepcopy(blocks)
    for at, block in enumerate(made):
        block.setdefault("block_id", f"=b{at}")
    for at, (_, each) in enumerate(actionable(made)):
        each.setdefault("action_id", f"=a{at}")
    return made


def initial(view: dict[str, Any]) -> Values:
    """What stands in the fields before anybody has touched them."""
    values: Values = {}
    for block, each in actionable(view["blocks"]):
        if each["type"] in PLAIN:
            values.setdefault(block["block_id"], {})[each["action_id"]] = _state(each, _first(each))
    return values


def kept(view: dict[str, Any], before: Values) -> Values:
    """What stands in the fields after an update: what stood there, where block, action and type are the same."""
    values = initial(view)
    for block, actions in values.items():
        for action, state in actions.items():
            old = before.get(block, {}).get(action)
            if old and old["type"] == state["type"]:
                actions[action] = old
    return values


def find(blocks: list[Any], action: str, block_id: str | None = None, value: str | None = None) -> tuple[Any, Any]:
    """The block and the element that somebody means. AssertionError where there is none, or more than one."""
    fit = [
        (block, each)
        for block, each in actionable(blocks)
        if each.get("action_id") == action
        and block_id in (None, block["block_id"])
        and (value is None or each.get("value") == value)
    ]
    here = sorted({f"{block['block_id']}/{each.get('action_id')}" for block, each in actionable(blocks)})
    assert fit, f"There is no {block_id or ''}/{action} {value or ''} to use; there are {here}."
    assert len(fit) == 1, f"{action} is there {len(fit)} times; say block_id or value."
    return fit[0]


def entered(block: dict[str, Any], element: dict[str, Any], value: Any) -> Any:
    """The state of a field after a person has put a value there. AssertionError where nobody could."""
    where = f"{block['block_id']}/{element['action_id']}"
    kind = element["type"]
    assert kind in PLAIN, f"Nothing can be put into {where}, a {kind}."
    if kind in SINGLE:
        return _state(element, None if value is None else chosen(element, value, where))
    if kind in SEVERAL:
        wanted = value or []
        assert isinstance(wanted, list), f"{where} takes a list of values."
        assert len(wanted) <= element.get("max_selected_items", 100), f"{where} takes fewer values."
        return _state(element, [chosen(element, each, where) for each in wanted])
    if value in (None, ""):
        return _state(element, None)
    if kind in TYPED:
        assert isinstance(value, str), f"{where} takes a text, not {value!r}."
    if kind in FITS:
        fits, what = FITS[kind]
        assert fits(value), f"{where} takes {what}, not {value!r}."
    if kind == "plain_text_input":
        _check_length(element, value, where)
    return _state(element, value)


def changed(view: dict[str, Any], given: dict[str, dict[str, Any]]) -> Values:
    """All the values of a view after a person has put some there."""
    values = copy.deepcopy(view["state"]["values"])
    for block_id, actions in given.items():
        for action, value in actions.items():
            block, element = find(view["blocks"], action, block_id)
            values[block_id][action] = entered(block, element, value)
    return dict(values)


def check_filled(view: dict[str, Any], values: Values) -> None:
    """AssertionError where a field that must be filled is empty: Slack does not let such a view go."""
    for block, element in actionable(view["blocks"]):
        if block["type"] != "input" or block.get("optional"):
            continue
        where, _ = PLAIN[element["type"]]
        state = values[block["block_id"]][element["action_id"]]
        assert state[where] not in (None, "", []), f"{block['block_id']}/{element['action_id']} must be filled."


def _check_length(element: dict[str, Any], value: str, where: str) -> None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    assert least <= len(value) <= most, f"{where} takes {least} to {most} characters, not {len(value)}."
    assert element.get("multiline") or "\n" not in value, f"{where} takes one line."


def chosen(element: dict[str, Any], value: str, where: str) -> dict[str, Any]:
    """The option with that value, as it is told when it is chosen. AssertionError where there is none."""
    found = [each for each in options(element) if each["value"] == value]
    assert found, f"{value!r} is none of the options of {where}: {[each['value'] for each in options(element)]}."
    return {name: told for name, told in found[0].items() if name != "description"}


def _first(element: dict[str, Any]) -> Any:
    _, start = PLAIN[element["type"]]
    return element.get(start, [] if element["type"] in SEVERAL else None)


def _state(element: dict[str, Any], value: Any) -> dict[str, Any]:
    where, _ = PLAIN[element["type"]]
    return {"type": element["type"], where: value}

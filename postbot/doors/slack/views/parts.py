"""The pieces of views: texts, blocks, buttons and inputs within Slack's limits, and what a view carries on.

Pure. Nothing that a posting or a person says can mention, link, format or add a line through these: it stands in plain
text (`plain`), goes into mrkdwn by `announce.blocks.without_format`, or is shown in a block of code, where nothing is
read.

Limits: docs.slack.dev, reference/block-kit and reference/views. Slack counts characters; what is sent is kept within
them by its length in UTF-8 where only we read it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from postbot.core.announce import one_line
from postbot.core.announce.blocks import (
    MOST_BLOCKS,
    MOST_BUTTON,
    MOST_FIELD,
    MOST_FIELDS,
    MOST_HEADER,
    MOST_TEXT,
    MOST_URL,
    escaped,
    shortened,
)
from postbot.core.lifecycle import Transition, Wish
from postbot.core.text.scalar import unprintable
from postbot.doors.slack.views.scene import Verb, number_in

Json = dict[str, Any]

FORM: Final = "form"
SUMMARY: Final = "summary"
CHANGED: Final = "changed"
PLAIN: Final = "plain"
MENU: Final = "more"
"""The action_id of the menu beside the buttons of a posting."""
VALUE: Final = "value"
"""The action_id of the element of every input."""

MOST_IN_MESSAGE: Final = MOST_BLOCKS
MOST_IN_VIEW: Final = 100
MOST_OPTIONS: Final = 100
MOST_IN_MENU: Final = 5
MOST_CARRIED: Final = 3000
MOST_WISH: Final = 2400
"""What of that a wish may take, in bytes; the rest is for the names beside it."""
_MOST_NAME: Final = 24
_MOST_HINT: Final = 2000
_MOST_PLACEHOLDER: Final = 150
_MOST_OPTION: Final = 75
_IDS = re.compile(r" \([UW](?=[A-Z]*[0-9])[A-Z0-9]{2,20}\)")  # with a digit, as no word in brackets has
_ADDRESS = re.compile(r"https://[!-;=?-\[\]-{}~]+")  # printable ASCII without `<`, `>`, `|` and `\`


@dataclass(frozen=True, slots=True)
class Said:
    """A message: at most 50 blocks, and the text for notifications and for those who cannot see blocks."""

    text: str
    blocks: Sequence[Json]


# Texts --------------------------------------------------------------------------------------------------------------


def plain(text: str, most: int = MOST_TEXT) -> Json:
    """A text as it is, on one line, in which nothing means anything to Slack."""
    made = shortened(escaped(one_line(text)), most)
    return {"type": "plain_text", "text": made or "(nothing)", "emoji": False}


def mrkdwn(text: str) -> Json:
    """Our own mrkdwn; whatever others say in it was made harmless. Links and mentions are not guessed at."""
    return {"type": "mrkdwn", "text": shortened(text, MOST_TEXT), "verbatim": True}


def name_of(title: str, most: int = MOST_HEADER) -> str:
    """A posting's title, shortened to fit among other words."""
    return shortened(one_line(title), most) or "(without a title)"


def people(text: str) -> str:
    """A text with whomever it names called as people call them."""
    return one_line(_IDS.sub("", text))


def link(url: str, words: str) -> str:
    """A link as mrkdwn; its words alone where the address is none by https. `words` are our own."""
    leads = len(url) <= MOST_URL and _ADDRESS.fullmatch(url)
    return f"<{escaped(url)}|{words}>" if leads else words


# Blocks -------------------------------------------------------------------------------------------------------------


def header(text: str) -> Json:
    """A heading."""
    return {"type": "header", "text": plain(text, MOST_HEADER)}


def section(text: str) -> Json:
    """A paragraph of plain text."""
    return {"type": "section", "text": plain(text)}


def lines(*rows: str) -> Json:
    """A paragraph of our own mrkdwn, a row to a line."""
    return {"type": "section", "text": mrkdwn("\n".join(filter(None, rows)))}


def fielded(text: str, rows: Sequence[Json]) -> Json:
    """A line of plain text with short texts in two columns below it."""
    cut = [row | {"text": shortened(row["text"], MOST_FIELD)} for row in rows[:MOST_FIELDS]]
    return {"type": "section", "text": plain(text)} | ({"fields": cut} if cut else {})


def context(*texts: str) -> Json:
    """Small print, in plain text."""
    return {"type": "context", "elements": [plain(text) for text in texts]}


def buttons(*made: Json) -> list[Json]:
    """A row of buttons; no block where there are none."""
    return [{"type": "actions", "elements": list(made)}] if made else []


def preformatted(rows: Sequence[str]) -> Json:
    """Lines as they are, in a block of code, in which nothing is read; and how many more there are than fit."""
    shown: list[str] = []
    room = _MOST_SHOWN
    for row in rows:
        line = _in_code(row)
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    more = len(rows) - len(shown)
    left = [f"and {more} more line{'s' if more > 1 else ''}"] if more else []
    return {"type": "section", "text": mrkdwn("\n".join(("```", *shown, *left, "```")))}


_MOST_SHOWN: Final = 2800
"""Characters of such a block, less than a section takes by what stands around them."""
_LONGEST_LINE: Final = 400


def _in_code(row: str) -> str:
    """One line for a block of code: only the end of the block means anything there, and three entities."""
    line = " ".join(row.splitlines())
    more = len(line) - _LONGEST_LINE
    cut = f"{line[:_LONGEST_LINE]}… and {more:,} more characters" if more > 0 else line
    return escaped("".join("\ufffd" if unprintable(each) else each for each in cut).replace("```", "`\u200b`\u200b`"))


def button(verb: Verb, value: str, *, label: str = "", style: str = "") -> Json:
    """A button for a verb. `value` is a posting's ref, or a `decision` about a pull request."""
    made: Json = {"type": "button", "action_id": verb.action_id, "text": plain(label or verb.label, MOST_BUTTON)}
    return made | {"value": value} | ({"style": style} if style else {})


def menu(verbs: Sequence[Verb], value: str) -> Json:
    """A menu of what there is no room for as buttons; what is chosen comes back as if its button had been pressed."""
    options = [{"text": plain(verb.label, _MOST_OPTION), "value": f"{verb.action_id} {value}"} for verb in verbs]
    return {"type": "overflow", "action_id": MENU, "options": options[:MOST_IN_MENU]}


def pressed(action: Mapping[str, Any]) -> tuple[str, str]:
    """The action_id and the value of a button that was pressed, or of that in whose place a menu was used."""
    chosen = action.get("selected_option")
    if action.get("action_id") != MENU or not isinstance(chosen, Mapping):
        return str(action.get("action_id") or ""), str(action.get("value") or "")
    name, _, value = str(chosen.get("value") or "").partition(" ")
    return name, value


def decision(ref: str, number: int, lines: str) -> str:
    """The value of a button about a pull request: the posting's ref, the number, and the digest of the lines shown."""
    return f"{ref}/{number}/{lines}"


def named(value: str) -> tuple[str, int]:
    """The ref and the number of a pull request (0 where it names none) in the value of a button."""
    ref, _, rest = value.partition("/")
    return ref, number_in(rest.partition("/")[0])


def lines_named(value: str) -> str:
    """The digest of the lines that were shown beside a button; empty where its value names none."""
    return value.split("/", 2)[2] if value.count("/") > 1 else ""


# Inputs -------------------------------------------------------------------------------------------------------------


def entry(block_id: str, label: str, element: Json, *, hint: str = "", optional: bool = False) -> Json:
    """An input with its label."""
    made: Json = {"type": "input", "block_id": block_id, "label": plain(label, _MOST_LABEL), "optional": optional}
    return made | {"element": element | {"action_id": VALUE}} | ({"hint": plain(hint, _MOST_HINT)} if hint else {})


_MOST_LABEL: Final = 150
"""Slack takes 2,000 characters, which nobody reads."""


def line_input(most: int, initial: str = "", placeholder: str = "", *, multiline: bool = False) -> Json:
    """A text of so many characters at most, on one line or several."""
    made: Json = {"type": "plain_text_input", "max_length": most, "multiline": multiline}
    return made | _initially("initial_value", initial[:most]) | _placeholder(placeholder)


def email_input(initial: str = "", placeholder: str = "") -> Json:
    """An e-mail address."""
    return {"type": "email_text_input"} | _initially("initial_value", initial) | _placeholder(placeholder)


def url_input(initial: str = "", placeholder: str = "") -> Json:
    """A link."""
    return {"type": "url_text_input"} | _initially("initial_value", initial) | _placeholder(placeholder)


def day_input(initial: str = "") -> Json:
    """A day, YYYY-MM-DD."""
    return {"type": "datepicker"} | _initially("initial_date", initial)


def time_input(initial: str = "") -> Json:
    """A time of day, HH:MM."""
    return {"type": "timepicker"} | _initially("initial_time", initial)


def choice_input(choices: Sequence[str], initial: str = "") -> Json:
    """One of some choices. Each is named by its place among them, so that none of its text comes back."""
    options = [{"text": plain(text, _MOST_OPTION), "value": str(at)} for at, text in enumerate(choices)]
    chosen = {"initial_option": options[choices.index(initial)]} if initial in choices else {}
    return {"type": "static_select", "options": options} | chosen


def can_be_chosen(choices: Sequence[str]) -> bool:
    """Whether a select can show these choices, each told apart from the others."""
    shown = {plain(text, _MOST_OPTION)["text"] for text in choices}
    return 0 < len(choices) <= MOST_OPTIONS and len(shown) == len(choices) and all(map(one_line, choices))


def _initially(name: str, value: str) -> Json:
    return {name: value} if value else {}


def _placeholder(text: str) -> Json:
    return {"placeholder": plain(text, _MOST_PLACEHOLDER)} if one_line(text) else {}


# Views --------------------------------------------------------------------------------------------------------------


def modal(title: str, callback_id: str, blocks: Sequence[Json], *, submit: str = "", carried: str = "") -> Json:
    """A modal. What does not fit into it is left out at its end."""
    made: Json = {"type": "modal", "callback_id": callback_id, "title": plain(title, _MOST_NAME)}
    made |= {"close": plain("Cancel" if submit else "Close", _MOST_NAME), "blocks": list(blocks[:MOST_IN_VIEW])}
    return made | ({"submit": plain(submit, _MOST_NAME)} if submit else {}) | {"private_metadata": carried}


@dataclass(frozen=True, slots=True)
class Carried:
    """What a form carries to its submit, and a summary to its confirmation.

    `blob` is the text of the posting that the form was filled from, `was` what the fields that it asks for held then,
    as far as there is room for it. `pull` is the number of a pull request that is decided on, 0 for none, and `lines`
    the digest of the lines that were shown of it. `heard_of` is the number of the last of other people's requests that
    somebody was told of, 0 for none.
    """

    verb: Verb
    ref: str
    blob: str
    lines: str = ""
    pull: int = 0
    heard_of: int = 0
    wish: Wish | None = None
    was: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> str:
        """As a view's private metadata. What the fields held is left out where it does not fit."""
        made = json.dumps(self._json(), ensure_ascii=False, separators=(",", ":"))
        return made if _size(made) <= MOST_CARRIED or not self.was else replace(self, was={}).write()

    def _json(self) -> Json:
        told = {"lines": self.lines, "pull": self.pull, "heard_of": self.heard_of, "was": dict(self.was)}
        wish = {"wish": wish_json(self.wish)} if self.wish else {}
        return {"verb": self.verb, "ref": self.ref, "blob": self.blob, **wish, **{k: v for k, v in told.items() if v}}

    @classmethod
    def read(cls, text: str) -> "Carried | None":
        """From a view's private metadata; None for what we have not written."""
        try:
            found = json.loads(text)
            wish = found.get("wish")
            return cls(
                verb=Verb(found["verb"]),
                ref=str(found["ref"]),
                blob=str(found["blob"]),
                lines=str(found.get("lines", "")),
                pull=int(found.get("pull", 0)),
                heard_of=int(found.get("heard_of", 0)),
                wish=_wish(wish) if wish else None,
                was=_texts(found.get("was", {})),
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            return None


def _wish(found: Mapping[str, Any]) -> Wish:
    undoes = found.get("undoes")
    return Wish(
        Transition(found["to"]), _texts(found["set"]), found.get("why"), None if undoes is None else int(undoes)
    )


def _texts(found: Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()}


def wish_json(wish: Wish) -> Json:
    """A wish as it is carried."""
    more = {"why": wish.reason, "undoes": wish.undoes}
    return {"to": wish.transition, "set": dict(wish.values), **{key: value for key, value in more.items() if value}}


def excess(wish: Wish) -> int:
    """By how many bytes a wish is too long to be carried from a form to its summary; 0 if it is not."""
    return max(0, _size(json.dumps(wish_json(wish), ensure_ascii=False, separators=(",", ":"))) - MOST_WISH)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))

"""Slack's blocks: what a template made, with every value harmless where it stands, and within Slack's limits.

Pure. A template writes JSON; each value in it is marked (`marked`) and stays marked until `finished` knows where it
stands. In a plain text, which is the place for titles, a value is text as it is. In mrkdwn it can neither mention nor
link nor format nor quote nor turn to a picture. As the address of a button, or as the whole address of a link
(`<{{ page }}|words>`), it must lead to a known host by https; else the button, or all of the link but its words, is
left out. A button that asks postbot for something (`ACTS`) comes back with its value; without one it is left out. What
is longer than Slack takes is cut and ends in an ellipsis.

Limits: docs.slack.dev, reference/block-kit. Characters to escape: docs.slack.dev, messaging/formatting-message-text.
What formats cannot be escaped at all, and an unseen space beside it does not always help (people use one to format
within a word), so mrkdwn gets letters that look alike: github.com/yhatt/jsx-slack, docs/about-escape-and-exact-mode.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from postbot.core.announce import one_line

Json = dict[str, Any]

_BEGIN, _END, _SLOT = "\ue000", "\ue001", "\ue002"
"""For private use: the first two stand around a value until it is known where it stands, the third in its place."""
_MARKED = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")
_STRAY = re.compile(f"[{_BEGIN}{_END}]")
_LINK = re.compile(rf"<{_SLOT}(?:\|([^<>]*))?>")
_INSIDE = re.compile(rf"<[^>|]*{_SLOT}")
_ADDRESS = re.compile(r"https://[!-;=?-\[\]-{}~]+")  # printable ASCII without `<`, `>`, `|` and `\`

_ALIKE: Final = str.maketrans({"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"})
_QUOTES = re.compile(r"^[>\uff1e]+")
_PICTURE = re.compile(r":(?=[\w+'-]*(?::|\Z))")  # may be the first colon of `:tada:`, also of one that ends outside

MOST_BLOCKS: Final = 50
MOST_HEADER: Final = 150
MOST_TEXT: Final = 3000
MOST_FIELD: Final = 2000
MOST_FIELDS: Final = 10
MOST_ELEMENTS: Final = 10
MOST_BUTTONS: Final = 25
MOST_BUTTON: Final = 75
MOST_URL: Final = 3000
MOST_VALUE: Final = 2000

ACTS: Final = ("do:approve", "do:changes", "do:snooze", "do:open")
"""What a button of a message can ask for; whether whoever presses it may is for the door to say."""


class BlocksError(ValueError):
    """A template's blocks cannot be used; the sentence says why."""


def marked(value: object) -> str:
    """A value for the inside of a JSON string, marked as one. What Jinja2 calls for whatever a template prints."""
    text = _STRAY.sub("", str(value))
    return json.dumps(f"{_BEGIN}{text}{_END}", ensure_ascii=False)[1:-1]


def escaped(text: str) -> str:
    """The three characters that Slack gives a meaning, as entities: no mention, no link, no channel is left."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def without_format(text: str) -> str:
    """A text on one line that means nothing to Slack, wherever in mrkdwn it stands."""
    alike = _PICTURE.sub("\u2236", one_line(text).translate(_ALIKE))
    return escaped(_QUOTES.sub(lambda found: "\u203a" * len(found[0]), alike))


def shortened(text: str, most: int) -> str:
    """At most so many characters; an entity or a tag that the cut would tear goes whole."""
    if len(text) <= most:
        return text
    return re.sub(r"(&[a-z]*|<[^>]*)$", "", text[: most - 1]) + "…"


def finished(rendered: str, hosts: Collection[str], note: str = "") -> str:
    """The blocks of one message as JSON; `note` is put before them. Raises `BlocksError`."""
    try:
        made = json.loads(rendered)
    except ValueError as error:
        raise BlocksError(f"it is not JSON ({error})") from None
    blocks = [done for block in _each(made, "it is not a list of blocks") if (done := _block(block, hosts))]
    if (first := _plain(one_line(note), MOST_TEXT))["text"]:
        blocks.insert(0, {"type": "context", "elements": [first]})
    return _as_json(blocks)


def of_text(text: str) -> str:
    """A plain text as blocks, for a message that has none of its own."""
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    return _as_json([{"type": "section", "text": _plain(piece, MOST_TEXT)} for piece in pieces if piece.strip()])


_PIECE: Final = MOST_TEXT // 5
"""The longest entity has five characters."""


def _as_json(blocks: list[Json]) -> str:
    return json.dumps(blocks[:MOST_BLOCKS], ensure_ascii=False)


def _each(found: object, why: str) -> list[Json]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BlocksError(why)
    return found


def _block(block: Json, hosts: Collection[str]) -> Json | None:
    """One block, or None where nothing is left of it."""
    kind = str(block.get("type"))
    make, keys = _KINDS.get(kind, (None, ()))
    if make is None:
        raise BlocksError(f"there is no block {_unmarked(kind)!r} here; there are {', '.join(_KINDS)}")
    _only(block, keys, f"a {kind} block")
    return make(block, hosts)


def _only(found: Json, keys: Collection[str], what: str) -> None:
    if odd := [key for key in found if key != "type" and key not in keys]:
        raise BlocksError(f"{what} has no {_unmarked(odd[0])!r} here; it has {', '.join(keys) or 'nothing'}")


def _header(block: Json, _hosts: Collection[str]) -> Json | None:
    text = _text(block.get("text"), MOST_HEADER, only="plain_text")
    return {"type": "header", "text": text} if text else None


def _section(block: Json, hosts: Collection[str]) -> Json | None:
    text = _text(block["text"], MOST_TEXT, hosts) if "text" in block else None
    found = _each(block.get("fields", []), "the fields of a section are a list of texts")
    fields = [made for field in found if (made := _text(field, MOST_FIELD, hosts))][:MOST_FIELDS]
    parts: Json = ({"text": text} if text else {}) | ({"fields": fields} if fields else {})
    return {"type": "section"} | parts if parts else None


def _context(block: Json, hosts: Collection[str]) -> Json | None:
    found = _each(block.get("elements"), "the elements of a context are a list of texts")
    made = [text for element in found if (text := _text(element, MOST_TEXT, hosts))]
    return {"type": "context", "elements": made[:MOST_ELEMENTS]} if made else None


def _actions(block: Json, hosts: Collection[str]) -> Json | None:
    found = _each(block.get("elements"), "the elements of an actions block are a list of buttons")
    made = [button for element in found if (button := _button(element, hosts))]
    return {"type": "actions", "elements": made[:MOST_BUTTONS]} if made else None


def _divider(_block: Json, _hosts: Collection[str]) -> Json | None:
    return {"type": "divider"}


_KINDS: Mapping[str, tuple[Callable[[Json, Collection[str]], Json | None], tuple[str, ...]]] = {
    "header": (_header, ("text",)),
    "section": (_section, ("text", "fields")),
    "context": (_context, ("elements",)),
    "actions": (_actions, ("elements",)),
    "divider": (_divider, ()),
}
"""How each block is made, and what a template may put into it."""


def _button(element: Json, hosts: Collection[str]) -> Json | None:
    """A button that leads to a known host by https, or one of `ACTS` with a value; any other is left out."""
    if element.get("type") != "button":
        raise BlocksError("an actions block holds buttons only")
    text = _text(element.get("text"), MOST_BUTTON, only="plain_text")
    if "action_id" in element:
        return _act(element, text)
    _only(element, ("text", "url"), "a button")
    url = _unmarked(str(element.get("url", "")))
    return {"type": "button", "text": text, "url": url} if text and _leads(url, hosts) else None


def _act(element: Json, text: Json | None) -> Json | None:
    """A button that asks for something; its name is the template's own, and no value can make another of it."""
    _only(element, ("text", "action_id", "value", "style"), "a button with an action_id")
    if element["action_id"] not in ACTS:
        raise BlocksError(f"there is no action {_unmarked(str(element['action_id']))!r}; there are {', '.join(ACTS)}")
    if (style := element.get("style")) not in (None, "primary", "danger"):
        raise BlocksError(f"there is no style {_unmarked(str(style))!r} of a button; there are primary and danger")
    value = _unmarked(str(element.get("value", "")), one_line)
    if not text or not value or len(value) > MOST_VALUE:
        return None
    made = {"type": "button", "text": text, "action_id": element["action_id"], "value": value}
    return made | ({"style": style} if style else {})


def _leads(url: str, hosts: Collection[str]) -> bool:
    """Whether an address leads to a known host by https, as everybody who reads it would agree."""
    if len(url) > MOST_URL or not _ADDRESS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return "@" not in parts.netloc and parts.hostname in hosts


def _text(found: object, most: int, hosts: Collection[str] = (), *, only: str | None = None) -> Json | None:
    """A text object with its values made harmless; None where it is empty."""
    if not isinstance(found, dict) or found.get("type") not in ("plain_text", "mrkdwn"):
        raise BlocksError("a text is an object whose type is plain_text or mrkdwn")
    _only(found, ("text",), "a text")
    if only and found["type"] != only:
        raise BlocksError(f"this text must be {only}")
    text = str(found.get("text", ""))
    made = _plain(_unmarked(text, one_line), most) if found["type"] == "plain_text" else _mrkdwn(text, most, hosts)
    return made if made["text"] else None


def _plain(text: str, most: int) -> Json:
    # Without `emoji` :words: stay words.
    return {"type": "plain_text", "text": shortened(escaped(text.strip()), most), "emoji": False}


def _mrkdwn(text: str, most: int, hosts: Collection[str]) -> Json:
    """The template's own mrkdwn as it is, with harmless values in it."""
    values = iter(_MARKED.findall(text))
    bare = _STRAY.sub("", _MARKED.sub(_SLOT, text.replace(_SLOT, "")))
    if _INSIDE.search(_LINK.sub("", bare)):
        raise BlocksError("a value stands within a link's address; it must be all of it, as in <{{ page }}|words>")

    def value(_: object) -> str:
        return without_format(next(values))

    def link(found: re.Match[str]) -> str:
        address = next(values)
        words = re.sub(_SLOT, value, found[1] or "")
        return _link(address, words, hosts)

    made = re.sub(f"{_LINK.pattern}|{_SLOT}", lambda found: value(found) if found[0] == _SLOT else link(found), bare)
    # Without `verbatim` Slack makes links and mentions of whatever looks like one.
    return {"type": "mrkdwn", "text": shortened(made.strip(), most), "verbatim": True}


def _link(address: str, words: str, hosts: Collection[str]) -> str:
    """A link to an address that is a value; where that does not lead to a known host, its words."""
    return f"<{escaped(address)}{f'|{words}' if words else ''}>" if _leads(address, hosts) else words


def _unmarked(text: str, value: Callable[[str], str] = str) -> str:
    """The template's own words as they are, and each value as `value` makes it."""
    return _STRAY.sub("", _MARKED.sub(lambda found: value(found[1]), text))

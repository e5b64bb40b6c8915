"""Slack's blocks as one HTML page that looks like Slack on a phone: our own CSS, nothing loaded, no script.

What Slack would not take, or what nobody has drawn here yet, is no picture: it raises. How Slack lays blocks out:
docs.slack.dev, reference/block-kit.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup

from postbot.core.announce import Message
from postbot.doors.slack.views import Json, Said
from tests.twins.slack.blocks import flaws
from tests.twins.slack.surfaces import view_flaws

HERE = Path(__file__).parent
CSS = (HERE / "slack.css").read_text(encoding="utf-8")

_CODE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_LINK = re.compile(r"<([^<>|]+)\|([^<>]*)>")
_CHANNEL = re.compile(r"<#[^<>|]+>")
_BOLD = re.compile(r"(?<!\w)\*([^*\n]+)\*(?!\w)")


def spoken(text: Mapping[str, Any]) -> Markup:
    """A text object as people see it."""
    if text["type"] == "plain_text":
        return _escaped(text["text"])
    before, *rest = _CODE.split(text["text"])
    pieces = [_formatted(before)]
    for code, after in zip(rest[::2], rest[1::2], strict=True):
        pieces += [Markup("<pre>{}</pre>").format(_escaped(code)), _formatted(after)]
    return Markup("").join(pieces)


def _formatted(text: str) -> Markup:
    """Our own mrkdwn outside of code: what is bold, and links. Its other characters are entities already."""
    linked = _CHANNEL.sub("<a>#openings</a>", _LINK.sub(lambda found: f"<a>{found[2]}</a>", text))
    return Markup(_BOLD.sub(r"<b>\1</b>", linked))  # noqa: S704 - it is escaped, as the twin has made sure


def _escaped(text: str) -> Markup:
    return Markup(escape(unescape(text), quote=False))  # noqa: S704 - it is escaped here


_PAGES = Environment(
    loader=FileSystemLoader(HERE),
    autoescape=True,
    undefined=ChainableUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters["spoken"] = spoken


def view(shown: Json, errors: Mapping[str, str] | None = None) -> str:
    """A modal or an App Home; `errors` stand at the inputs of these blocks."""
    assert view_flaws(shown) == []
    title = shown["title"]["text"] if "title" in shown else "Home"
    return _page(kind=shown["type"], title=title, view=shown, errors=errors or {})


def answer(said: Said) -> str:
    """What only the one who asked sees."""
    return _messages([said.blocks], said.text, unseen=True)


def message(said: Message, replies: Sequence[Message] = ()) -> str:
    """A message in a channel, as its last reply has made it, and the replies in its thread."""
    card = replies[-1].card if replies else said.blocks
    return _messages([json.loads(card), *(json.loads(each.blocks) for each in replies)], said.subject)


def _messages(all_blocks: Sequence[Sequence[Json]], title: str, *, unseen: bool = False) -> str:
    assert [flaw for blocks in all_blocks for flaw in flaws(list(blocks))] == []
    return _page(kind="messages", title=title, messages=[{"blocks": each, "unseen": unseen} for each in all_blocks])


def _page(**values: Any) -> str:
    return _PAGES.get_template("slack.html").render(css=Markup(CSS), **{"errors": {}, **values})  # noqa: S704 - our own file

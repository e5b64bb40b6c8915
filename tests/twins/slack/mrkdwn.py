"""What Slack would make of a text: every token that does something, and what a reader sees.

It sees rather too much: any character that can format counts, whatever stands beside it, for no rule of Slack's on
that is published; `<` and `>` that stand for themselves count too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CONTROL = re.compile(r"<([^<>]*)>")
AUTO = re.compile(
    r"https?://|ftp://|\bwww\.|mailto:|[\w.+-]+@[\w-]+\.\w+|(?<!\w)@\w+|(?<![\w&])#\w+",
    re.IGNORECASE,
)
EMOJI = re.compile(r":[\w+'-]+:")
QUOTE = re.compile(r"^\s*(?:&gt;|>|\uff1e)", re.MULTILINE)


def tokens(text: str, *, formats: bool = True, auto: bool = True, emoji: bool = True) -> list[str]:
    """Everything in a text that does something: commands, mentions, links, formats, quotes, pictures."""
    found = [f"<{_target(each)}>" for each in CONTROL.findall(text)]
    bare = CONTROL.sub(lambda each: _words(each[1]), text)
    found += re.findall("[<>]", bare)
    if formats:
        found += re.findall("[*_~`]", bare)
        found += ["quote" for _ in QUOTE.findall(bare)]
    if auto:
        found += [f"auto {each[0]}" for each in AUTO.finditer(bare)]
    if emoji:
        found += [f"emoji {each}" for each in EMOJI.findall(bare)]
    return found


def _target(inside: str) -> str:
    return inside.partition("|")[0]


def _words(inside: str) -> str:
    return inside.partition("|")[2]


def of_blocks(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tokens of every text in some blocks, and where each button leads."""
    return [token for part in parts(blocks) for token in _of_part(part)]


def _of_part(part: Mapping[str, Any]) -> list[str]:
    if part["type"] == "button":
        return [f"button {part['url']}"] if "url" in part else []
    if part["type"] == "mrkdwn":
        return tokens(part["text"], auto=not part.get("verbatim", False))
    return tokens(part["text"], formats=False, auto=False, emoji=part.get("emoji", True))


def parts(found: Any) -> Iterator[dict[str, Any]]:
    """Every text object and button in some blocks, however deep."""
    if isinstance(found, list):
        for each in found:
            yield from parts(each)
    elif isinstance(found, dict):
        if found.get("type") in ("plain_text", "mrkdwn"):
            yield found
            return
        if found.get("type") == "button":
            yield found
        for each in found.values():
            yield from parts(each)


def of_message(message: Mapping[str, Any]) -> list[str]:
    """The tokens of a whole message: its blocks, and the text that notifications show."""
    auto = message.get("parse") != "none" or bool(message.get("link_names"))
    text = tokens(message["text"], formats=message.get("mrkdwn", True), auto=auto, emoji=message.get("mrkdwn", True))
    return text + of_blocks(message.get("blocks") or [])


def shown(text: str) -> str:
    """What a reader sees of a text without tokens."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

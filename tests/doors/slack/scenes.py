"""Scenes for views: sites of any size, with the titles that people and attackers think of, and what is filled into them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import yaml

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.decide import make_plan
from postbot.core.plan.steps import MergeWhen, Policy
from postbot.core.posting import Posting
from postbot.core.site import Path, Pull, PullStatus
from postbot.doors.slack.views import Scene, Sight
from tests.announcements import VOICE
from tests.examples import DATES, HUGO, OPEN_STATE, STATE
from tests.values import Values, policy

NOW = datetime(2030, 3, 6, 15, 0, tzinfo=UTC)
"""A Wednesday, 10 am on the East Coast: between the dates of the examples."""
SIGHT = Sight(lambda _action, _posting: True)
BLIND = Sight(lambda _action, _posting: False)

UPCOMING = (
    STATE.replace("opens: tbd", "opens: March 20, 2030, 9:00 am EDT")
    .replace("# closes: MONTH DAY, YEAR, TIME EDT", "closes: March 29, 2030, 11:59 pm EDT")
    .replace("ohrm_comtact_email", "ohrm_contact_email")
)
CLOSED = OPEN_STATE.replace("state: open", "state: closed")
KINDS = {"state": ("jekyll-state", STATE), "dates": ("jekyll-dates", DATES), "hugo": ("hugo", HUGO)}

TITLES = {
    "one letter": "x",
    "the longest header": "y" * 150,
    "endless": "z" * 4000,
    "right to left": "\u05d8\u05d9\u05d9\u05e1 \u202e\u0646\u0645\u0644",
    "emoji": "Pilot :tada: \U0001f6a2 \u2019s",
    "mention": "<!channel> <@U1> <https://evil.example|click> &lt;!here&gt;",
    "formats": "*bold* _it_ ~no~ `code` ```block``` > quote",
    "lines": "one\ntwo\n\nthree",
    "controls": "a\x07b\u2028c\u200bd",
}


def scene(texts: Mapping[str, str], kind: str = "jekyll-state", **others: Any) -> Scene:
    """A site with these files, as a look at `NOW` sees it."""
    world = Values(rules(), kind, NOW)
    for path, text in texts.items():
        world.write(path, text)
    for path, wish in others.pop("requests", {}).items():
        world.request(path, wish)
    seen = replace(world.seen, memory=replace(world.seen.memory, last_tick=NOW, **others.pop("memory", {})))
    pulls = tuple(pull_of(number, path) for number, path in enumerate(others.pop("pulls", ()), 1))
    seen = replace(seen, snapshot=replace(seen.snapshot, pulls=pulls))
    return Scene(others.pop("name", ""), seen, make_plan(seen, NOW, world.policy), world.policy, VOICE, NOW, **others)


def rules() -> Policy:
    return policy(MergeWhen.WHEN_DUE)


def one(text: str, kind: str = "jekyll-state", **others: Any) -> tuple[Scene, Posting]:
    """A site with one posting, and that."""
    made = scene({"jobs/harbour-pilot.md": text}, kind, **others)
    [posting] = made.postings
    return made, posting


def titled(text: str, title: str) -> str:
    """The same file with another title, whatever characters it is made of."""
    before = next(line for line in text.splitlines() if line.startswith("title:"))
    return text.replace(before, f"title: {quoted(title)}")


def quoted(text: str) -> str:
    """A text as one YAML value in ASCII."""
    return yaml.safe_dump(text, default_style='"', width=10**6).strip()


@cache
def many(count: int, title: str = "Harbour Pilot") -> Scene:
    """A site of so many postings in every state, with pull requests and requests."""
    shapes = (STATE, UPCOMING, OPEN_STATE, OPEN_STATE.replace("March 15", "March 9"), CLOSED)
    files = {f"jobs/pilot-{at}.md": titled(shapes[at % len(shapes)], title) for at in range(count)}
    asked = {path: Wish(Transition.EXTEND, {"closes": "2030-05-01"}) for path in list(files)[2:40:10]}
    return scene(files, pulls=list(files)[1:30:7], requests=asked)


def pull_of(number: int, path: str) -> Pull:
    url = f"https://github.com/agency/site/pull/{number}"
    paths = (Path(path),)
    return Pull(
        number,
        f"postbot/{number}",
        "Close",
        "",
        PullStatus.OPEN,
        "1",
        untouched=True,
        opened_at=NOW,
        url=url,
        paths=paths,
    )


def strings(found: Any) -> Iterator[str]:
    """Every text that a view shows."""
    if isinstance(found, Mapping):
        if found.get("type") in ("plain_text", "mrkdwn"):
            yield found["text"]
        for each in found.values():
            yield from strings(each)
    elif isinstance(found, Sequence) and not isinstance(found, str):
        for each in found:
            yield from strings(each)


def pieces(found: Any, kind: str) -> list[dict[str, Any]]:
    """Every block or element of a type."""
    if isinstance(found, Mapping):
        here = [dict(found)] if found.get("type") == kind else []
        return here + [piece for each in found.values() for piece in pieces(each, kind)]
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [piece for each in found for piece in pieces(each, kind)]
    return []


def shown(found: Any) -> str:
    return "\n".join(strings(found))


def filled(view: Mapping[str, Any], **given: str | None) -> dict[str, dict[str, Any]]:
    """What Slack sends for a form as it stands, with some of it filled in; keys are block ids, `__` for a colon."""
    values = {block["block_id"]: {"value": _state(block["element"])} for block in pieces(view["blocks"], "input")}
    for name, value in given.items():
        block_id = name.replace("__", ":")
        element = next(b["element"] for b in pieces(view["blocks"], "input") if b["block_id"] == block_id)
        values[block_id] = {"value": _state(element, value, fresh=True)}
    return values


def _state(element: Mapping[str, Any], value: str | None = None, *, fresh: bool = False) -> dict[str, Any]:
    kind = element["type"]
    if kind == "static_select":
        at = value if fresh else (element.get("initial_option") or {}).get("value")
        return {"type": kind, "selected_option": {"value": at} if at is not None else None}
    name, initial = {
        "datepicker": ("selected_date", "initial_date"),
        "timepicker": ("selected_time", "initial_time"),
    }.get(kind, ("value", "initial_value"))
    return {"type": kind, name: value if fresh else element.get(initial)}

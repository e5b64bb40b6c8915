"""What is said in answer: one posting, its history, what a name may mean, help, and single sentences.

Pure. Everything fits on a phone, or says how much it leaves out.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from postbot.core.announce import Event, called, one_line
from postbot.core.dates import say
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Request
from postbot.core.plan.offers import gaps
from postbot.core.plan.wants import replaced
from postbot.core.posting import Posting
from postbot.core.profile import State
from postbot.doors.slack.views.board import button_of, choices_of, facts, overview_of
from postbot.doors.slack.views.parts import (
    PLAIN,
    Json,
    Said,
    button,
    buttons,
    context,
    fielded,
    lines,
    modal,
    name_of,
    people,
    plain,
    section,
)
from postbot.doors.slack.views.scene import Command, Found, Scene, Search, Sight, Verb

_MOST_LACKS: Final = 10
_MOST_ENTRIES: Final = 20
_MOST_OFFERED: Final = 10
_SHORT: Final = 40


class Entry(Protocol):
    """What the ledger keeps of a posting's past: an instant (UTC), what was done, and more about it."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def what(self) -> str:
        """What was done, in a word or two."""

    @property
    def detail(self) -> str:
        """More about it; may be empty."""


def show(scene: Scene, posting: Posting, sight: Sight) -> Said:
    """One posting: its state and dates, all that is missing, what is wrong, and what this person may do."""
    found = Found(scene, posting)
    sentences = [problem.message for problem in posting.problems]
    if found.state is State.UPCOMING:
        sentences += [gap.says for gap in gaps(posting, Wish(Transition.OPEN))]
    blocks = [overview_of(found), *(context(sentence) for sentence in sentences[:_MOST_LACKS])]
    if more := len(sentences[_MOST_LACKS:]):
        blocks.append(context(f"And {more} more like these."))
    blocks += buttons(*(button_of(found, verb) for verb in (*choices_of(found, sight), Verb.HISTORY)))
    return Said(f"{name_of(posting.title)}: {found.state or 'in no known state'}", blocks)


def history(scene: Scene, posting: Posting, entries: Sequence[Entry]) -> Said:
    """What has become of a posting, the latest first; `entries` are in the order in which they happened.

    To whom something was announced is told by channel and number: who reads this need not know everybody's address.
    """
    rows = [(f"{say(each.at, scene.zone)}. {one_line(each.what)}", each) for each in reversed(entries)]
    told = [_told(news, len(list(same))) for news, same in groupby(rows, key=_news_of)]
    blocks = [section(f"{name_of(posting.title)}: {'its past' if entries else 'nothing has happened to it yet'}")]
    blocks += [context(words) for words in told[:_MOST_ENTRIES]]
    if more := len(told[_MOST_ENTRIES:]):
        blocks.append(context(f"{more} older entries are left out: postbot show {posting.slug} has them all."))
    return Said(f"The past of {name_of(posting.title)}", blocks)


_DELIVERY: Final = re.compile(r"([a-z-]+) to (.+) by ([a-z]+): ", re.DOTALL)
"""How the ledger tells of a message: `delivery_in_words`."""


def _news_of(row: tuple[str, Entry]) -> tuple[str, str, str]:
    """What is told once: what became at one time of all messages of an event by a channel; else what an entry says."""
    head, entry = row
    found = _DELIVERY.match(entry.detail)
    return (head, found[1], found[3]) if found and found[1] in _EVENTS else (head, "", entry.detail)


_EVENTS: Final = frozenset(Event)


def _told(news: tuple[str, str, str], count: int) -> str:
    head, event, rest = news
    if event:
        return f"{head}: {event}, to {count} by {rest}"
    detail = people(rest)
    return f"{head}: {detail}" if detail else head


_HELP: Final = (
    "*/posting* shows the board, with a button for everything",
    "*/posting open* NAME opens it, and asks for what is missing",
    "*/posting close* NAME closes it early, with a reason",
    "*/posting extend* NAME or *postpone* NAME sets a new date",
    "*/posting reopen* NAME uses a closed one again",
    "*/posting withdraw* NAME takes it back: upcoming, no dates",
    "*/posting undo* NAME takes back what was done last",
    "*/posting approve* NAME lets a change go ahead",
    "*/posting show* NAME and *history* NAME tell about it",
    "NAME is any part of the title; a typo does no harm",
    "Nothing happens before you press Confirm",
)


def help_text() -> Said:
    """What can be typed, in lines that a phone shows whole."""
    return Said("What /posting can do", [lines(*_HELP)])


def notice(sentence: str) -> Said:
    """One sentence: a refusal, or that something was done."""
    return Said(one_line(sentence), [section(sentence)])


def busy(request: Request, zone: ZoneInfo, verb: Verb) -> str:
    """That somebody else has asked for something of a posting, what and when, and what becomes of it, in a sentence.

    `verb` is what is asked for now.
    """
    since, then = say(request.filed_at, zone), "that comes first"
    if step := verb.transition:
        mine = Request(request.number + 1, request.path, Wish(step), "", request.filed_at)
        then = "yours takes its place" if replaced([request, mine]) else then
    return f"{called(request.by)} has asked to {request.wish.transition} this posting, on {since}; {then}."


def several(verb: Verb, found: Search, sight: Sight) -> Said:
    """Which postings a name may mean, each with a button that goes on with it."""
    offered = [each for each in found.fit or found.near if sight.sees(each.posting)]
    if not offered:
        return notice("There is no posting of that name. Type /posting to see all of them.")
    head = "Which one?" if found.fit else "There is no posting of that name. One of these?"
    blocks = [section(head)]
    for each in offered[:_MOST_OFFERED]:
        title = f"{name_of(each.posting.title)} · {each.state or 'in no known state'}"
        blocks.append(fielded(title, list(facts(each))[:2]))
        blocks += buttons(button(verb, each.ref, label=_label(verb, each.posting)))
    if more := len(offered[_MOST_OFFERED:]):
        blocks.append(context(f"{more} more fit, too. Type more of the name."))
    return Said(head, blocks)


def unclear(command: Command, found: Search, sight: Sight) -> Said:
    """That nobody knows the verb, with those that may have been meant."""
    one = found.only
    meant = " or ".join(f"/posting {verb}" for verb in command.offers)
    head = f"I do not know that word. Did you mean {meant}?" if meant else "I do not know that word: /posting help."
    if one is None or not sight.sees(one.posting):
        return notice(head)
    may = [verb for verb in command.offers if verb not in (Verb.BOARD, Verb.HELP)]
    may = [verb for verb in may if sight.allows(verb, one.posting, one.state)]
    return Said(head, [section(head), *buttons(*(button(v, one.ref, label=_label(v, one.posting)) for v in may))])


def _label(verb: Verb, posting: Posting) -> str:
    return f"{verb.label} {name_of(posting.title, _SHORT)}"


def as_modal(said: Said, title: str) -> Json:
    """A message as a modal that only shows it, for where no message can be written."""
    return modal(title, PLAIN, said.blocks or [{"type": "section", "text": plain(said.text)}])

"""The board: what is upcoming, open, closing, not ready, waiting; and App Home, the board of one person.

Pure. However many postings there are, each view stays within Slack's limits, says how many it leaves out, and has a
button that leads to them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from postbot.core.announce import called
from postbot.core.announce.blocks import without_format as quoted
from postbot.core.dates import say
from postbot.core.lifecycle import Transition, Wish, upcoming
from postbot.core.plan.news import say_closing
from postbot.core.plan.offers import gaps
from postbot.core.plan.people import digest
from postbot.core.profile import State
from postbot.doors.slack.views.parts import (
    MOST_IN_MESSAGE,
    MOST_IN_VIEW,
    PLAIN,
    Json,
    Said,
    button,
    buttons,
    context,
    decision,
    fielded,
    header,
    link,
    menu,
    mrkdwn,
    name_of,
    plain,
)
from postbot.doors.slack.views.scene import Found, Group, Scene, Sight, Turn, Verb, visible

_SOON: Final = timedelta(days=7)
_AHEAD: Final = timedelta(days=30)
_OF_EACH: Final = 3
"""How many postings of each group the whole board shows."""
_ON_A_PAGE: Final = 20
_MOST_MISSING: Final = 200


def board(scenes: Sequence[Scene], sight: Sight, turn: Turn = Turn()) -> Said:  # noqa: B008 - a frozen value
    """The board as a message: all groups in short, or one page of a group."""
    found = visible(scenes, sight)
    blocks = [header("Postings"), *_remarks(scenes, found)]
    blocks += _page(_of(turn.group, found), sight, turn) if turn.group else _groups(found, sight)
    return Said(f"Postings: {_counted(found)}.", blocks[:MOST_IN_MESSAGE])


def home(scenes: Sequence[Scene], sight: Sight, turn: Turn = Turn()) -> Json:  # noqa: B008 - a frozen value
    """The App Home of one person: what comes in the next 30 days, then the board; or one page of a group."""
    found = visible(scenes, sight)
    ahead = sorted((first, each.ref, each) for each in found if (first := _first(each)))
    blocks = [header("Postings"), *_remarks(scenes, found)]
    if turn.group:
        blocks += _page(_of(turn.group, found), sight, turn)
    else:
        blocks += [header("The next 30 days")]
        blocks += _page([each for _, _, each in ahead], sight, turn) or [context("Nothing is due.")]
        blocks += [header("All postings"), *_doors(found)]
    return {"type": "home", "callback_id": PLAIN, "blocks": blocks[:MOST_IN_VIEW]}


# Groups -------------------------------------------------------------------------------------------------------------


def group_of(found: Found) -> Group:
    """Under what a posting stands on the board."""
    scene, posting, closes = found.scene, found.posting, found.posting.window.closes
    if scene.waits(posting):
        return Group.WAITING
    if found.state is State.CLOSED:
        return Group.CLOSED
    if found.state is State.OPEN:
        return Group.CLOSING if closes and closes - scene.now <= _SOON else Group.OPEN
    return Group.NOT_READY if posting.window.opens and lacks(found) else Group.UPCOMING


def lacks(found: Found) -> tuple[str, ...]:
    """The fields that keep an upcoming posting from opening, as its file calls them."""
    if found.state not in (State.UPCOMING, None):
        return ()
    return tuple(gap.key for gap in gaps(found.posting, Wish(Transition.OPEN)))


def _of(group: Group, found: Sequence[Found]) -> list[Found]:
    return sorted((each for each in found if group_of(each) is group), key=_order)


def _order(found: Found) -> tuple[datetime, str]:
    """The soonest first, and what has no date last."""
    window, now = found.posting.window, found.scene.now
    dates = [at for at in (window.opens, window.closes) if at and at > now]
    return min(dates, default=now + timedelta(days=36500)), found.posting.path


def _first(found: Found) -> datetime | None:
    """When something is due within 30 days: now, where a pull request or a person waits; None if nothing is."""
    scene, posting = found.scene, found.posting
    if scene.pull(posting) or scene.request(posting):
        return scene.now
    moves = (due.at for due in upcoming(posting, scene.now) if due.transition is not Transition.ARCHIVE)
    return next((at for at in moves if at - scene.now <= _AHEAD), None)


def _groups(found: Sequence[Found], sight: Sight) -> Iterator[Json]:
    """Every group with its first postings; the closed ones behind a button."""
    grouped: dict[Group, list[Found]] = {group: [] for group in Group}
    for each in sorted(found, key=_order):
        grouped[group_of(each)].append(each)
    for group, members in grouped.items():
        if not members or group is Group.CLOSED:
            continue
        yield header(f"{group.capitalize()} ({len(members)})")
        for each in members[:_OF_EACH]:
            yield from entry_of(each, sight)
        if more := len(members) - _OF_EACH:
            yield from buttons(*([_turn(0, f"{more} more {group}", Turn(group))] if more > 0 else []))
    if closed := grouped[Group.CLOSED]:
        yield from buttons(_turn(0, f"Closed ({len(closed)})", Turn(Group.CLOSED)))


def _doors(found: Sequence[Found]) -> list[Json]:
    """A button for each group that has postings."""
    sizes = dict.fromkeys(Group, 0)
    for each in found:
        sizes[group_of(each)] += 1
    held = [(group, size) for group, size in sizes.items() if size]
    return buttons(*(_turn(at, f"{group.capitalize()} ({size})", Turn(group)) for at, (group, size) in enumerate(held)))


def _page(members: Sequence[Found], sight: Sight, turn: Turn) -> list[Json]:
    """One page of some postings, with the way to those before and after it and back."""
    last = max(0, (len(members) - 1) // _ON_A_PAGE)
    page = min(turn.page, last)
    start, end = page * _ON_A_PAGE, min((page + 1) * _ON_A_PAGE, len(members))
    blocks = [header(f"{turn.group.capitalize()} ({len(members)})")] if turn.group else []
    blocks += [block for each in members[start:end] for block in entry_of(each, sight)]
    if last:
        blocks.append(context(f"{start + 1} to {end} of {len(members)}; {len(members) - end} more follow."))
    ways = [("Earlier ones", Turn(turn.group, page - 1))] if page else []
    ways += [(f"{len(members) - end} more", Turn(turn.group, page + 1))] if page < last else []
    ways += [("All postings", Turn())] if turn.group else []
    return [*blocks, *buttons(*(_turn(at, label, to) for at, (label, to) in enumerate(ways)))]


def _turn(at: int, label: str, turn: Turn) -> Json:
    return {"type": "button", "action_id": f"turn:{at}", "text": plain(label, 75), "value": turn.value}


# One posting --------------------------------------------------------------------------------------------------------


def entry_of(found: Found, sight: Sight) -> list[Json]:
    """One posting in two blocks: what is known of it in short, and what this person may do.

    A phone has room for two buttons in a row; the rest is in a menu, and all of it where the posting is shown.
    """
    return [overview_of(found), *buttons(*_few(found, choices_of(found, sight)))]


def overview_of(found: Found) -> Json:
    """What is known of one posting, in short."""
    site = f" ({found.scene.name})" if found.scene.name else ""
    title = f"{name_of(found.posting.title)} · {found.state or 'in no known state'}{site}"
    return fielded(title, list(facts(found)))


def facts(found: Found) -> Iterator[Json]:
    """Its dates, what it lacks, its pull request and who asked, each as a short text."""
    scene, posting = found.scene, found.posting
    opens, closes = posting.window.opens, posting.window.closes
    yield plain(f"Opens: {say(opens, scene.zone) if opens else 'not known yet'}")
    yield plain(f"Closes: {say_closing(closes, scene.zone) if closes else 'not known yet'}")
    if missing := lacks(found):
        yield plain(f"Missing: {', '.join(missing)}", _MOST_MISSING)
    if pull := scene.pull(posting):
        waits = "draft" if pull.draft else "waits for approval" if scene.waits(posting) else "under way"
        yield mrkdwn(f"{link(pull.url, f'Pull request #{pull.number}')}: {waits}")
    if request := scene.request(posting):
        asked = f"{called(request.by)} asked to {request.wish.transition}, {say(request.filed_at, scene.zone)}"
        yield mrkdwn(quoted(asked))


def choices_of(found: Found, sight: Sight) -> list[Verb]:
    """What this person may do with it, what is most likely wanted first."""
    scene, posting = found.scene, found.posting
    moves = list(sight.moves(posting, scene))
    likely = _LIKELY.get(group_of(found))
    pull = scene.waits(posting)
    approves = pull is not None and sight.may(Verb.APPROVE.right, posting) and sight.counts(pull, posting)
    return [*([Verb.APPROVE] if approves else []), *sorted(moves, key=lambda verb: verb is not likely)]


_LIKELY: Final = {
    Group.NOT_READY: Verb.OPEN,
    Group.UPCOMING: Verb.OPEN,
    Group.CLOSING: Verb.EXTEND,
    Group.OPEN: Verb.CLOSE,
    Group.CLOSED: Verb.REOPEN,
}


def button_of(found: Found, verb: Verb) -> Json:
    """The button of a verb for a posting; one about its pull request names the lines that this changes now."""
    scene, pull = found.scene, found.scene.pull(found.posting)
    if verb is not Verb.APPROVE or pull is None:
        return button(verb, found.ref)
    lines = digest(pull, scene.seen.snapshot.files)
    return button(verb, decision(found.ref, pull.number, lines), style="primary")


def _few(found: Found, choices: Sequence[Verb]) -> Iterator[Json]:
    """At most two buttons, and a menu of the rest where it is more than one; SHOW leads to what fits in neither."""
    first, *rest = *choices, Verb.SHOW
    yield button_of(found, first)
    if len(rest) > _MOST_BUTTONS:
        yield button(Verb.SHOW, found.ref)
        rest.remove(Verb.SHOW)
    if len(rest) > 1:
        yield menu(rest, found.ref)
    else:
        yield from (button_of(found, verb) for verb in rest)


_MOST_BUTTONS: Final = 2


# Of all -------------------------------------------------------------------------------------------------------------


def _counted(found: Sequence[Found]) -> str:
    states = [each.state for each in found]
    sizes = [(state, states.count(state)) for state in (State.OPEN, State.UPCOMING, State.CLOSED, None)]
    named = ", ".join(f"{size} {state or 'in no known state'}" for state, size in sizes if size)
    return f"{len(found)} ({named})" if found else "none that you may see"


def _remarks(scenes: Sequence[Scene], found: Sequence[Found]) -> list[Json]:
    """How many there are, and what keeps postbot from moving any."""
    rows = [f"There are {_counted(found)}." if found else "There are no postings that you may see."]
    for scene in scenes:
        if scene.plan and scene.plan.held:
            name = f"{scene.name}: " if scene.name else ""
            rows.append(f"{name}Nothing moves until somebody has looked at it. {scene.plan.held.reason}")
    return [context(*rows[:_MOST_REMARKS])]


_MOST_REMARKS = 10

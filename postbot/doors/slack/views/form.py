"""The forms: one modal for each verb, which asks for no more than it needs and is filled as far as the file goes.

Pure. What a form shows is drawn from the same asks that `reading` goes through.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from postbot.core.announce import one_line
from postbot.core.dates import say
from postbot.core.lifecycle import Actor, Wish, allowed, carry_out
from postbot.core.plan.news import say_closing
from postbot.core.plan.people import digest, lines_of
from postbot.core.posting import Posting
from postbot.core.problem import Problem
from postbot.core.profile import CloseReason, State
from postbot.core.site import NO_ON_ITS_PAGE, Pull
from postbot.doors.slack.views.asks import MOST_LINE, Ask, Kind, asks, left_out, tomorrow
from postbot.doors.slack.views.parts import (
    FORM,
    Carried,
    Json,
    choice_input,
    context,
    day_input,
    email_input,
    entry,
    header,
    line_input,
    lines,
    modal,
    name_of,
    people,
    preformatted,
    section,
    time_input,
    url_input,
)
from postbot.doors.slack.views.scene import Scene, Verb

REASON: Final = "reason"
WORDS: Final = "words"
UNTIL: Final = "until"
MOST_REASON: Final = 200
MOST_WORDS: Final = 2000
REASONS: Final = tuple(reason.value.capitalize() for reason in CloseReason)
_MOST_WAS: Final = 60
_TITLES: Final = {Verb.CHANGES: "Ask for changes", Verb.SNOOZE: "Not now", Verb.APPROVE: "Approve"}
_SUBMITS: Final = {Verb.UNDO: "Take it back", Verb.CHANGES: "Send", Verb.SNOOZE: "Put it off", Verb.APPROVE: "Approve"}


def form(
    scene: Scene,
    posting: Posting,
    verb: Verb,
    told: Sequence[str] = (),
    pull: Pull | None = None,
    heard_of: int = 0,
    day: str = "",
    reason: CloseReason | None = None,
    seen: str = "",
) -> Json:
    """The modal of a verb for one posting. `told` are sentences to stand at its top.

    `pull` is what is decided on, where that is what the verb is for. `heard_of` is the number of the last of other
    people's requests that `told` tells of. `day` (YYYY-MM-DD) and `reason` are filled in where the form asks for such a
    thing. `seen` is the digest of the lines beside the button that led here, empty where that showed none.
    """
    asked = asks(posting, verb, scene.now, day)
    blocks = [section(name_of(posting.title)), *(section(sentence) for sentence in told)]
    blocks += [section(sentence) for sentence in _explained(scene, posting, verb)]
    if missed := left_out(posting, verb):
        blocks.append(context(f"{missed} more fields are missing. There is no room for them here; fill in the file."))
    blocks += [block for ask in asked for block in _drawn(ask, scene.zone)]
    blocks += _of_lines(scene, pull, seen) if pull else ()
    blocks += _of_verb(verb, posting, scene, reason)
    blocks += _of_approval(scene, pull) if pull and verb is Verb.APPROVE else ()
    was = {ask.key: (posting.text(ask.key) or "")[:_MOST_WAS] for ask in asked}
    about = (digest(pull, scene.seen.snapshot.files), pull.number) if pull else ("", 0)
    carried = Carried(verb, scene.ref(posting), scene.blob(posting), *about, heard_of, was=was)
    title = _TITLES.get(verb, f"{verb.label} a posting")
    return modal(title, FORM, blocks, submit=_SUBMITS.get(verb, "Next"), carried=carried.write())


# What it says -------------------------------------------------------------------------------------------------------


def _explained(scene: Scene, posting: Posting, verb: Verb) -> Iterator[str]:
    """What happens, and what the public sees afterwards."""
    state, step = posting.state(scene.now), verb.transition
    if step is None:
        return
    if state is None or not allowed(state, step, Actor.REQUEST):
        yield f"It is {state or 'in no known state'} now, and cannot be moved in this way."
        return
    yield from _of_dates(scene, posting, verb)
    yield from (_taken_back(scene, posting),) if verb is Verb.UNDO else ()
    yield from _AFTERWARDS.get(verb, ())
    if verb is Verb.CLOSE:
        done = carry_out(posting, Wish(step), scene.now)
        yield from () if isinstance(done, Problem) else done.remarks


_AFTERWARDS: Final = {
    Verb.CLOSE: ("From then on the public sees it as closed. Those who follow it are told, with the reason.",),
    Verb.WITHDRAW: ("From then on the public sees it as upcoming, with dates that are not known.",),
    Verb.REOPEN: ("From then on the public sees it as upcoming. What has gone stale is to be filled in anew.",),
    Verb.POSTPONE: ("From then on the public sees it as upcoming until its new opening date.",),
}


def _of_dates(scene: Scene, posting: Posting, verb: Verb) -> Iterator[str]:
    opens, closes = posting.window.opens, posting.window.closes
    if verb is Verb.OPEN and opens:
        later = "It opens then, not before; to change that, postpone it." if opens > scene.now else "It opens at once."
        yield f"Its opening date is {say(opens, scene.zone)}. {later}"
    elif verb in (Verb.CLOSE, Verb.EXTEND) and closes:
        past = closes <= scene.now and posting.state(scene.now) is not State.OPEN
        yield f"{'It closed' if past else 'It closes'} on {say_closing(closes, scene.zone)} as it stands."


def _taken_back(scene: Scene, posting: Posting) -> str:
    found = scene.undoable(posting)
    if isinstance(found, str):
        return found
    what = f"pull request #{found.pull.number} ({one_line(found.pull.title)})"
    return f"This takes back what {what} did. It can be taken back until {say(found.until, scene.zone)}."


# What it asks -------------------------------------------------------------------------------------------------------


def _drawn(ask: Ask, zone: ZoneInfo) -> Iterator[Json]:
    """The blocks in which a field is entered: two for a date where the site understands a time of day."""
    match ask.kind:
        case Kind.OPENS | Kind.CLOSES:
            yield entry(ask.block_id, _DAYS[ask.kind], day_input(ask.initial), hint=ask.hint, optional=ask.optional)
            if ask.timed:
                hint = f"In {zone}. Without a time it is the whole day."
                yield entry(ask.time_id, "At what time", time_input(ask.time), hint=hint, optional=True)
        case Kind.CHOICE:
            yield entry(ask.block_id, _label(ask), choice_input(ask.choices, ask.initial), hint=ask.hint)
        case Kind.EMAIL:
            yield entry(ask.block_id, _label(ask), email_input(ask.initial), hint=ask.hint)
        case Kind.LINK:
            leads = ask.initial.lower().startswith(("http://", "https://"))
            yield entry(ask.block_id, _label(ask), url_input(ask.initial if leads else ""), hint=ask.hint)
        case Kind.LINE:
            yield entry(ask.block_id, _label(ask), line_input(MOST_LINE, ask.initial), hint=ask.hint)


_DAYS: Final = {Kind.OPENS: "Opens", Kind.CLOSES: "Closes"}


def _label(ask: Ask) -> str:
    """The field's own name, as people would say it."""
    words = " ".join(ask.key.replace("_", " ").split())
    return f"{words[:1].upper()}{words[1:]}"


def _of_verb(verb: Verb, posting: Posting, scene: Scene, reason: CloseReason | None) -> Iterator[Json]:
    """What is asked besides fields of the posting."""
    match verb:
        case Verb.CLOSE:
            chosen = reason.value.capitalize() if reason else ""
            yield entry(REASON, "Why?", choice_input(REASONS, chosen))
        case Verb.WITHDRAW:
            hint = "For whoever approves it; the public does not hear it."
            yield entry(REASON, "Why?", line_input(MOST_REASON), hint=hint, optional=True)
        case Verb.CHANGES:
            yield entry(WORDS, "What should be different?", line_input(MOST_WORDS, multiline=True))
        case Verb.SNOOZE:
            yield entry(UNTIL, "Ask me again on", day_input(tomorrow(posting, scene.now)), hint=f"In {scene.zone}.")
        case _:
            return


def _of_lines(scene: Scene, pull: Pull, seen: str) -> Iterator[Json]:
    """The lines of the pull request that is decided on, and a word where they are others than were shown before."""
    files = scene.seen.snapshot.files
    if seen and seen != digest(pull, files):
        yield section("The lines have changed since the card was written; these are the present ones.")
    changed = list(lines_of(pull, files))
    if changed:
        yield header("These lines change")
        yield preformatted(changed)


def _of_approval(scene: Scene, pull: Pull) -> Iterator[Json]:
    """What an approval leads to, and whose no it meets: one said in Slack yields to it, no other hindrance does."""
    if scene.is_waiting(pull):
        yield lines(f"*Pull request #{pull.number}*: {_after_a_yes(scene, pull)}")
    if no := scene.no(pull):
        yield section(f"{people(no)} If you approve, that does not hold it back any more.")
    if pull.blocked:
        lifted = " A no on its page is lifted only there." if pull.blocked.endswith(NO_ON_ITS_PAGE) else ""
        yield section(f"{pull.blocked}{lifted}")


def _after_a_yes(scene: Scene, pull: Pull) -> str:
    """What an approval leads to, as the site handles this transition: it says nothing of what it cannot bring about."""
    if scene.merges_by_hand(pull):
        return "your approval is noted, and a person merges it on its page."
    return "once it is approved it is merged when it is due."

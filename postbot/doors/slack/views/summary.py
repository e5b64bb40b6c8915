"""The last step before a wish is filed: exactly the lines that will change, who is told what and when, what to mind.

Pure. What does not fit is counted, never left out in silence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from holidays import country_holidays

from postbot.core.announce import Announcement, Audience, one_line
from postbot.core.announce.routes import Hearing, heard, team, without_contacts
from postbot.core.announce.words import RELEASE
from postbot.core.dates import WEEKDAYS, say
from postbot.core.lifecycle import Wish, wished_window
from postbot.core.plan.news import say_closing
from postbot.core.plan.steps import Offer
from postbot.core.plan.wants import offered
from postbot.core.posting import Posting
from postbot.core.site import ChangeSet
from postbot.doors.slack.views.parts import (
    CHANGED,
    SUMMARY,
    Carried,
    Json,
    button,
    buttons,
    context,
    header,
    lines,
    modal,
    name_of,
    preformatted,
    section,
)
from postbot.doors.slack.views.scene import Scene

_HEAD: Final = 2
"""The first lines of a diff only say which file it is about."""
_MOST_TOLD: Final = 5
_MOST_NEWS: Final = 5
_MOST_SHOWN: Final = 60
_SATURDAY: Final = 5
_CHANNEL: Final = re.compile(r"[CG][A-Z0-9]{2,20}")


def summary(scene: Scene, posting: Posting, wish: Wish, carried: Carried) -> Json:
    """What filing this wish brings about, with a button to confirm it. The view carries the wish."""
    offer = offered(scene.seen, posting, wish, scene.now, scene.policy)
    blocks = [section(name_of(posting.title)), *(section(f"Mind: {each}") for each in warnings(scene, posting, wish))]
    blocks += [header("These lines change"), *_lines(offer)]
    blocks += [header("Who is told"), *_told(scene, offer)]
    blocks.append(context(_when(scene, offer)))
    kept = replace(carried, wish=wish).write()
    return modal(f"{carried.verb.label} a posting", SUMMARY, blocks, submit="Confirm", carried=kept)


def changed(scene: Scene, posting: Posting, carried: Carried) -> Json:
    """Somebody has changed the posting since the form was filled: what it holds now, and a button to begin again."""
    blocks = [
        section(name_of(posting.title)),
        section("Somebody has changed this posting in the meantime, so nothing was asked for."),
        preformatted(list(_since(posting, carried))),
        *buttons(button(carried.verb, scene.ref(posting), label="Begin again", style="primary")),
    ]
    return modal("It has changed", CHANGED, blocks, carried=replace(carried, wish=None).write())


def _since(posting: Posting, carried: Carried) -> Iterator[str]:
    """The fields of the form that hold something else now; where there are none, those that it would have set."""
    now = {key: posting.text(key) or "" for key in carried.was}
    differ = [key for key, was in carried.was.items() if now[key][: len(was) or None] != was or (now[key] and not was)]
    for key in differ:
        yield f"{one_line(key)}: {_quoted(carried.was[key])} has become {_quoted(now[key])}"
    asked = carried.wish.values if carried.wish and not differ else {}
    yield from (f"{one_line(key)}: it holds {_quoted(posting.text(key) or '')}" for key in asked)
    if not differ and not asked:
        yield "Something else in the file has changed; the fields of the form are as they were."


def _quoted(text: str) -> str:
    line = one_line(text)
    return f"{line[:_MOST_SHOWN]}{'…' if len(line) > _MOST_SHOWN else ''}" or "nothing"


# Lines --------------------------------------------------------------------------------------------------------------


def _lines(offer: Offer) -> list[Json]:
    """The changed lines, with what had to be said of them."""
    if not isinstance(offer.change, ChangeSet):
        why = " ".join(offer.lacks) or (offer.change.message if offer.change else "Nothing is left to change.")
        return [section(why)]
    rows = [_in_words(row) for row in offer.change.diff.splitlines()[_HEAD:]]
    return [preformatted(rows), context("A line with - goes, a line with + comes.")]


def _in_words(row: str) -> str:
    """A row of a diff; where it only says which line follows, as people would say it."""
    return f"{row.strip('@ ').capitalize()}:" if row.startswith("@@") else row


# Told ---------------------------------------------------------------------------------------------------------------


def _told(scene: Scene, offer: Offer) -> list[Json]:
    if not offer.foretold:
        return [section("Nobody: for those who follow the openings it is no news.")]
    rows = [block for each in offer.foretold[:_MOST_NEWS] for block in _hears(scene, each)]
    more = len(offer.foretold) - _MOST_NEWS
    return [*rows, *([context(f"And {more} more announcements.")] if more > 0 else [])]


def _hears(scene: Scene, announcement: Announcement) -> Iterator[Json]:
    """Who hears of an event, each once; channels of Slack by links, of which people see the names."""
    released = RELEASE in scene.seen.memory.released
    public = announcement.event.audience is Audience.PUBLIC
    if released:
        hearings, note = heard(announcement, scene.voice.routes), ""
    elif public:
        hearings, note = team(announcement, scene.voice.routes), " Only the team, until postbot speaks to the public."
    else:
        hearings, note = heard(announcement, without_contacts(scene.voice.routes)), ""
    event = announcement.event.replace("-", " ").capitalize()
    channels = [each.recipient for each in hearings if each.channel == "slack" and _CHANNEL.fullmatch(each.recipient)]
    others = [each for each in hearings if each.recipient not in channels]
    if others or not channels:
        yield section(f"{event}: {_named(others)}.{note}")
    if channels:
        links = ", ".join(f"<#{each}>" for each in channels[:_MOST_TOLD])
        yield lines(f"{event}: {links}{_more(channels)} in Slack.{note}")


def _named(hearings: Sequence[Hearing]) -> str:
    names = [f"{each.recipient} by {each.channel}" for each in hearings[:_MOST_TOLD]]
    return ", ".join(names) + _more(hearings) if names else "nobody is listed for this"


def _more(told: Sequence[object]) -> str:
    return f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""


def _when(scene: Scene, offer: Offer) -> str:
    """When it takes effect, and what has to happen before."""
    due = offer.want.due
    at = f"on {say(due, scene.zone)}" if due > scene.now else "as soon as that is merged"
    return f"Confirm files the request, which makes a pull request. It takes effect {at}, and then these are told."


# What to mind -------------------------------------------------------------------------------------------------------


def warnings(scene: Scene, posting: Posting, wish: Wish) -> tuple[str, ...]:
    """The dates that a wish sets, with weekday and zone, and what is unusual of their days; none of it is refused."""
    given = {key.lower() for key in wish.values}
    window, profile = wished_window(posting, wish), posting.profile
    dates = (("opens", window.opens, profile.opens), ("closes", window.closes, profile.closes))
    return tuple(
        sentence
        for what, at, names in dates
        if at and given & {name.lower() for name in names}
        for sentence in _of_day(scene, what, at)
    )


def _of_day(scene: Scene, what: str, at: datetime) -> Iterator[str]:
    """What is unusual of the day on which people see it open or close."""
    local = (at - timedelta(minutes=1) if what == "closes" else at).astimezone(scene.zone)
    said = say(at, scene.zone) if what == "opens" else say_closing(at, scene.zone)
    if local.weekday() >= _SATURDAY:
        yield f"it {what} on a {WEEKDAYS[local.weekday()]}: {said}."
    if name := _holidays(scene.country, scene.subdivision, local.year).get(local.date()):
        yield f"it {what} on a public holiday ({name}): {said}."


@lru_cache(maxsize=64)
def _holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    """The public holidays of a year; none for a country that nobody knows the holidays of."""
    try:
        return dict(country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError:
        return {}

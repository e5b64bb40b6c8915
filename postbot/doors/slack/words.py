"""What a person types behind `/posting`: a verb and the name of a posting, each understood as people write.

Pure. Smart quotes, dashes and blanks are what is meant by them; Slack's own `<@U1|x>` and `<http://x|y>` are the words
that people see. Whatever is left is a name to be looked for among the postings that there are: none of it is ever a
path, a value or a command.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from html import unescape
from typing import Final

from postbot.core.announce import one_line
from postbot.core.profile import CloseReason
from postbot.doors.slack.views.scene import Command, Scene, Search, Sight, Verb, visible

__all__ = ["Command", "Search", "find", "parse", "simple", "understood"]

# Commands -----------------------------------------------------------------------------------------------------------

_MEANT: Final[Mapping[str, Verb]] = {
    **{verb.value: verb for verb in Verb},
    **dict.fromkeys(("opening", "publish", "start"), Verb.OPEN),
    **dict.fromkeys(("closing", "closed", "shut", "stop", "end"), Verb.CLOSE),
    **dict.fromkeys(("extension", "extending", "prolong", "lengthen"), Verb.EXTEND),
    **dict.fromkeys(("delay", "postponing", "defer"), Verb.POSTPONE),
    **dict.fromkeys(("re-open", "reopening"), Verb.REOPEN),
    **dict.fromkeys(("retract", "withdrawing", "withdrawal"), Verb.WITHDRAW),
    **dict.fromkeys(("revert", "oops"), Verb.UNDO),
    **dict.fromkeys(("approving", "ok"), Verb.APPROVE),
    **dict.fromkeys(("status", "see", "info"), Verb.SHOW),
    **dict.fromkeys(("log", "past"), Verb.HISTORY),
    **dict.fromkeys(("list", "all", "postings"), Verb.BOARD),
    **dict.fromkeys(("?", "-h", "--help", "usage"), Verb.HELP),
}
_NAMELESS: Final = frozenset({Verb.BOARD, Verb.HELP})
_CLOSE_ENOUGH: Final = 0.75
_LONGEST: Final = 300
_DAY = re.compile(r"(?:^|\s)(?:on |to |until )?([0-9]{4}-[0-9]{2}-[0-9]{2})$")
_REASON = re.compile(rf"(?:[\s,(-]+)(?:because |as )?({'|'.join(CloseReason)})\)?$", re.IGNORECASE)


def parse(text: str) -> Command:
    """What was typed behind the command. Nothing asks for the board; a name alone, to be shown the posting."""
    said = understood(text)
    first, _, rest = said.partition(" ")
    word = first.casefold().rstrip(":,.!")
    if not said:
        return Command(Verb.BOARD)
    if word == "re" and rest.casefold().startswith("open"):
        word, rest = "reopen", rest.partition(" ")[2]
    verb = _MEANT.get(word)
    if verb in _NAMELESS:
        return Command(verb) if not rest else Command(Verb.SHOW, said)
    if verb:
        return _with_rest(verb, rest.strip())
    near = get_close_matches(word, _MEANT, n=3, cutoff=_CLOSE_ENOUGH)
    offers = tuple(dict.fromkeys(_MEANT[each] for each in near))
    return Command(None, _unquoted(rest), offers=offers) if offers else Command(Verb.SHOW, _unquoted(said))


def _with_rest(verb: Verb, rest: str) -> Command:
    """The name, and the day or the reason behind it where one is."""
    if verb is Verb.CLOSE and (found := _REASON.search(rest)) and rest[: found.start()].strip():
        reason = CloseReason(found[1].lower())
        return Command(verb, _unquoted(rest[: found.start()]), reason=reason)
    found = _DAY.search(rest)
    if found and rest[: found.start()].strip() and _is_day(found[1]):
        return Command(verb, _unquoted(rest[: found.start()]), day=found[1])
    return Command(verb, _unquoted(rest))


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _unquoted(text: str) -> str:
    return text.strip(" \"'`")


# Text ---------------------------------------------------------------------------------------------------------------

_MARKED_UP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_FORMAT = re.compile(r"(?<![^\W_])[*_~`]+(?=\S)|(?<=\S)[*_~`]+(?![^\W_])")
_ALIKE: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    }
)


def understood(text: str) -> str:
    """A text as it was meant: on one line, with plain quotes, dashes and blanks, and nothing of Slack's markup."""
    seen = unescape(_MARKED_UP.sub(lambda found: found[2] or found[1].lstrip("@#!"), text[:_LONGEST]))
    plain = one_line(re.sub(r"\s", " ", seen.translate(_ALIKE)))
    return " ".join(_FORMAT.sub("", plain).split())


def simple(text: str) -> str:
    """A text without what people leave out: case, accents and punctuation; its words are parted by single blanks."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    return " ".join(re.sub(r"[^\w]|_", " ", bare).split())


# Names --------------------------------------------------------------------------------------------------------------

_NEAR: Final = 0.72
_MOST_NEAR: Final = 5


def find(name: str, scenes: Sequence[Scene], sight: Sight) -> Search:
    """The postings that a name may mean, of those that this person may see.

    The whole name of the file or the whole title comes before a part of either; only what fits nothing is taken for
    mistyped, and then the nearest are offered, never taken.
    """
    wanted = simple(understood(name))
    known = [(found, simple(found.posting.slug), simple(found.posting.title)) for found in visible(scenes, sight)]
    if not wanted:
        return Search()
    for fits in (_is_whole, _is_part):
        if fit := tuple(found for found, *names in known if fits(wanted, names)):
            return Search(fit)
    scored = ((max(_likeness(wanted, each) for each in names), found) for found, *names in known)
    near = sorted((score for score in scored if score[0] >= _NEAR), key=lambda score: -score[0])
    return Search(near=tuple(found for _, found in near[:_MOST_NEAR]))


def _is_whole(wanted: str, names: Iterable[str]) -> bool:
    return wanted in names


def _is_part(wanted: str, names: Iterable[str]) -> bool:
    """Whether every word that was typed begins one of the name's."""
    return any(all(any(word.startswith(typed) for word in name.split()) for typed in wanted.split()) for name in names)


def _likeness(wanted: str, name: str) -> float:
    """How near the words that were typed come to the name's, from 0 to 1."""
    name = name[:_LONGEST]
    words = name.split()
    whole = _ratio(wanted, name)
    each = [max((_ratio(typed, word) for word in words), default=0.0) for typed in wanted.split()]
    return max(whole, sum(each) / len(each))


def _ratio(typed: str, word: str) -> float:
    matcher = SequenceMatcher(None, typed, word, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= _NEAR and matcher.quick_ratio() >= _NEAR else 0.0

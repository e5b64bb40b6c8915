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
from functools import lru_cache
from heapq import nlargest
from html import unescape
from typing import Final

from postbot.core.announce import one_line
from postbot.core.profile import CloseReason
from postbot.doors.slack.views.scene import Command, Found, Scene, Search, Sight, Verb, visible

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


def meant_by(text: str, scenes: Sequence[Scene], sight: Sight) -> tuple[Command, Search]:
    """What was typed behind the command, and the postings that its name may mean.

    A posting that is called like all that was typed comes before a verb that is only guessed.
    """
    command = parse(text)
    if command.verb in _NAMELESS:
        return command, Search()
    known = _known(scenes, sight)
    if command.verb is None:
        said = understood(text)
        if whole := _fitting(simple(said), known):
            return Command(Verb.SHOW, _unquoted(said)), Search(whole)
    return command, _found(command.name, known)


def find(name: str, scenes: Sequence[Scene], sight: Sight) -> Search:
    """The postings that a name may mean, of those that this person may see.

    The whole name of the file or the whole title comes before a part of either; only what fits nothing is taken for
    mistyped, and then the nearest are offered, never taken.
    """
    return _found(name, _known(scenes, sight))


_Known = Sequence[tuple[Found, tuple[str, ...]]]


def _known(scenes: Sequence[Scene], sight: Sight) -> _Known:
    """Every posting that this person may see, with its names."""
    return [(each, (_simple(each.posting.slug), _simple(each.posting.title))) for each in visible(scenes, sight)]


@lru_cache(maxsize=1 << 16)
def _simple(name: str) -> str:
    """The names of postings are the same from one command to the next, and there may be many."""
    return simple(name[:_LONGEST])


def _found(name: str, known: _Known) -> Search:
    wanted = simple(understood(name))
    if fit := _fitting(wanted, known):
        return Search(fit)
    return Search(near=_near(wanted, known) if wanted else ())


def _fitting(wanted: str, known: _Known) -> tuple[Found, ...]:
    """Those of this whole name; else those of which every word that was typed begins a part of a name."""
    for fits in (_is_whole, _is_part):
        if wanted and (fit := tuple(found for found, names in known if fits(wanted, names))):
            return fit
    return ()


def _is_whole(wanted: str, names: Iterable[str]) -> bool:
    return wanted in names


def _is_part(wanted: str, names: Iterable[str]) -> bool:
    """Whether every word that was typed begins one of the name's."""
    typed = wanted.split()
    return any(all(f" {name}".find(f" {word}") >= 0 for word in typed) for name in names)


# What comes near ----------------------------------------------------------------------------------------------------

_MOST_LETTERS: Final = 60
_MOST_WORDS: Final = 5
"""So much of what was typed is compared with names that it does not fit; what is longer is no mistyped name."""

_MOST_COMPARED: Final = 200
"""Texts that are compared letter by letter, of those that have the most letters in common."""


def _near(wanted: str, known: _Known) -> tuple[Found, ...]:
    """Those whose name, or the words of it, come nearest to what was typed."""
    wanted = wanted[:_MOST_LETTERS].strip()
    names = dict.fromkeys(name for _, both in known for name in both)
    scores = _alike_in_words(wanted.split()[:_MOST_WORDS], names)
    for name, score in _alike(wanted, names).items():
        scores[name] = max(score, scores.get(name, 0.0))
    scored = ((max(scores.get(name, 0.0) for name in both), found) for found, both in known)
    near = sorted((score for score in scored if score[0] >= _NEAR), key=lambda score: -score[0])
    return tuple(found for _, found in near[:_MOST_NEAR])


def _alike_in_words(typed: Sequence[str], names: Iterable[str]) -> dict[str, float]:
    """How near the words of each name come to those that were typed, on average, from 0 to 1; only what is above."""
    with_word: dict[str, list[str]] = {}
    for name in names:
        for word in name.split():
            with_word.setdefault(word, []).append(name)
    sums: dict[str, float] = {}
    for each in typed:
        best: dict[str, float] = {}
        for word, score in sorted(_alike(each, with_word).items(), key=lambda found: found[1]):
            best |= dict.fromkeys(with_word[word], score)
        for name, score in best.items():
            sums[name] = sums.get(name, 0.0) + score
    return {name: total / len(typed) for name, total in sums.items()}


def _alike(typed: str, texts: Iterable[str]) -> dict[str, float]:
    """The texts that come near to what was typed, and how near, from `_NEAR` to 1."""
    matcher = SequenceMatcher(None, "", typed, autojunk=False)  # what it knows of its second text it keeps
    letters, size = _letters(typed), len(typed)
    possible = []
    for text in texts:
        if _most_alike(letters, size, text) >= _NEAR:
            matcher.set_seq1(text)
            if (quick := matcher.quick_ratio()) >= _NEAR:
                possible.append((quick, text))
    found = {}
    for _, text in nlargest(_MOST_COMPARED, possible):
        matcher.set_seq1(text)
        if (ratio := matcher.ratio()) >= _NEAR:
            found[text] = ratio
    return found


def _most_alike(letters: int, size: int, text: str) -> float:
    """How near a text can come at most to one of so many letters, by which letters either has and the other has not."""
    theirs, length = _letters(text), len(text)
    mine_only, theirs_only = (letters & ~theirs).bit_count(), (theirs & ~letters).bit_count()
    return 2.0 * min(size - mine_only, length - theirs_only) / (size + length)


@lru_cache(maxsize=1 << 17)
def _letters(text: str) -> int:
    """Which letters a text has, a bit for each; some share one."""
    found = 0
    for letter in text:
        found |= 1 << (ord(letter) & 63)
    return found

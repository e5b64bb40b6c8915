"""What a site's own files tell about it: its kind, where its postings live, its time zone, how it writes dates.

Pure. The one place that guesses, because a person reads the answer before it counts: `postbot init` writes it down
and says what it rests on. Nothing that runs later may ask here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from postbot.core.dates import Bound, Moment, NotKnown, Style, Unreadable, read_moment, style_of
from postbot.core.posting import as_posting, is_template, live_field
from postbot.core.problem import Problem
from postbot.core.profile import Profile
from postbot.core.site import Path
from postbot.core.text.document import Document, read


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a site looks like.

    `folders` hold the postings, nested ones left out; none means that they lie at the root. `outside` are pages
    elsewhere that look like postings too. In the folders, `strangers` are pages that do not, with the profile that
    knows them better (or an empty name), `templates` pages that are only copied from, `problems` files that do not
    load. `zone` is an IANA name, `zoned` how many date texts name a zone, `zone_in` the site's own
    setting that says it, where there is one. `shapes` counts the date texts by their
    form, `states` the words that say a state. `closed_on_in` are the files that read the field for an early closing;
    None where nobody looked.
    """

    profile: Profile
    folders: tuple[str, ...]
    postings: int
    outside: tuple[Path, ...]
    strangers: Mapping[Path, str]
    templates: tuple[Path, ...]
    problems: tuple[Problem, ...]
    zone: str | None
    zoned: int
    shapes: Mapping[str, int]
    states: Mapping[str, int]
    closed_on_in: tuple[str, ...] | None = None
    zone_in: Path | None = None

    @property
    def honours_closed_on(self) -> bool | None:
        """Whether the site's templates know the field for an early closing; None where nobody looked."""
        return None if self.closed_on_in is None else bool(self.closed_on_in)


def sight(files: Mapping[Path, bytes], profiles: Sequence[Profile]) -> Sighting | None:
    """Look at the Markdown files of a site. None: nothing among them looks like a posting of any profile."""
    pages = {path: read(path, data) for path, data in sorted(files.items())}
    documents = {path: page for path, page in pages.items() if isinstance(page, Document)}
    profile = _profile_of(documents.values(), profiles)
    if profile is None:
        return None
    real = {path: page for path, page in documents.items() if not is_template(path, profile)}
    postings = {path for path, page in real.items() if _fit(page, profile)}
    folders = _folders(Counter(map(_home, postings)), Counter(map(_home, real)))
    inside = [path for path in pages if is_within(path, folders)]
    found = [path for path in inside if path in postings]
    texts = [text for path in found for text in _date_texts(documents[path], profile)]
    zone = infer_zone(texts)
    return Sighting(
        profile=profile,
        folders=folders,
        postings=len(found),
        outside=tuple(sorted(path for path in postings if not is_within(path, folders))),
        strangers={path: _best(real[path], profiles) for path in inside if path in real and path not in postings},
        templates=tuple(path for path in inside if is_template(path, profile)),
        problems=tuple(
            page for path in inside if isinstance(page := pages[path], Problem) and not is_template(path, profile)
        ),
        zone=zone,
        zoned=sum(_vote(text) is not None for text in texts),
        shapes=_counted(_shape(text, ZoneInfo(zone or "UTC")) for text in texts),
        states=_counted(_state(documents[path], profile, ZoneInfo(zone or "UTC")) for path in found),
    )


def readers_of(name: str, files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """The files of code that mention this field as a word of its own."""
    word = re.compile(rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?![\w-])")
    return tuple(path for path, data in sorted(files.items()) if word.search(data))


def is_within(path: str, folders: Sequence[str]) -> bool:
    """Whether a file lies in or beneath one of these folders; no folders means everywhere."""
    return not folders or any(path.startswith(f"{folder}/") for folder in folders)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(name for name in names if name).most_common())


# What a posting looks like ------------------------------------------------------------------------------------------


def _profile_of(documents: Iterable[Document], profiles: Sequence[Profile]) -> Profile | None:
    """The profile that most postings fit best; a posting that several know belongs to the one it gives most fields."""
    votes = Counter(name for document in documents if (name := _best(document, profiles)))
    names = [name for name, _ in votes.most_common(1)]
    return next((profile for profile in profiles if profile.name in names), None)


def _best(document: Document, profiles: Sequence[Profile]) -> str:
    best = max(profiles, key=lambda profile: _fit(document, profile), default=None)
    is_one = best is not None and _fit(document, best) and not is_template(document.path, best)
    return best.name if best is not None and is_one else ""


def _fit(document: Document, profile: Profile) -> int:
    """How many fields tell that this page is a posting, live or commented out; 0 when they do not suffice.

    Only the best name of the opening field counts: what stands in for it, such as a blog post's `date`, is everywhere.
    One field that many pages have (a weight, an office's `state: Ohio`) tells nothing without a second one.
    """
    held = {key.lower() for key in (*document.fields, *(found.key for found in document.commented))}
    window = held & {name.lower() for name in (*profile.opens[:1], *profile.closes)}
    if profile.state is not None:
        if profile.state.name.lower() not in held or not (window or _says_state(document, profile)):
            return 0
        return len(window) + 1
    more = held & {name.lower() for name in (*filter(None, [profile.draft]), *profile.per_state)}
    return len(window | more) if window or len(more) > 1 else 0


def _says_state(document: Document, profile: Profile) -> bool:
    assert profile.state is not None
    field = live_field(document, (profile.state.name,))
    words = {word.lower() for word in (*profile.state.values.values(), *profile.state.outside)}
    return field is not None and (field.text or "").lower() in words


def _date_texts(document: Document, profile: Profile) -> list[str]:
    fields = (live_field(document, names) for names in (profile.opens, profile.closes))
    return [field.text for field in fields if field is not None and field.text is not None]


def _state(document: Document, profile: Profile, zone: ZoneInfo) -> str:
    """The word for a posting's state as its file writes it; empty where the dates decide."""
    posting = as_posting(document, profile, zone)
    if profile.state is None:
        return "draft" if posting.draft else ""
    field = live_field(document, (profile.state.name,))
    known = posting.stated or posting.outside
    return (field.text or "") if field and known else "not known"


# Where postings live ------------------------------------------------------------------------------------------------

_FEW = 5
"""More folders than these are no list that a person keeps: then their parents are taken."""


def _home(path: str) -> str:
    """The folder that lists a page: for `jobs/baker/index.md`, which is a page with a folder to itself, `jobs`."""
    folder, _, name = path.rpartition("/")
    return folder.rpartition("/")[0] if name.startswith("index.") and "/" in folder else folder


def _folders(found: Mapping[str, int], pages: Mapping[str, int]) -> tuple[str, ...]:
    """The deepest folders that hold the postings, given postings and pages by the folder they lie in.

    A stray posting (under a tenth of the fullest folder) makes no folder, nor does one among mostly other pages
    if there are better ones. A parent stands for several folders when three quarters of all beneath it are postings.
    """
    busy = _busy(found)
    chosen = {folder for folder in busy if found[folder] * 2 >= pages[folder]} or busy
    for parent in sorted({above for folder in chosen for above in _above(folder)}, key=len, reverse=True):
        parts = {folder for folder in chosen if _is_beneath(folder, parent)}
        if len(parts) > 1 and _sum(found, parent) * 4 >= _sum(pages, parent) * 3:
            chosen = chosen - parts | {parent}
    chosen = _busy({folder: _sum(found, folder) for folder in chosen})
    while len(chosen) > _FEW:
        depth = max(folder.count("/") for folder in chosen)
        chosen = {folder.rpartition("/")[0] if folder.count("/") == depth else folder for folder in chosen}
    outer = {one for one in chosen if not any(_is_beneath(one, other) for other in chosen - {one})}
    return () if "" in outer else tuple(sorted(outer))


def _busy(counts: Mapping[str, int]) -> set[str]:
    return {folder for folder, count in counts.items() if count * 10 >= max(counts.values())}


def _above(folder: str) -> list[str]:
    """A folder and those above it, without the root: the root is everywhere, which is no place."""
    parts = folder.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1) if folder]


def _is_beneath(folder: str, parent: str) -> bool:
    return parent in ("", folder) or folder.startswith(f"{parent}/")


def _sum(counts: Mapping[str, int], parent: str) -> int:
    return sum(count for folder, count in counts.items() if _is_beneath(folder, parent))


# How dates are written ----------------------------------------------------------------------------------------------

_CITIES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "UTC",
)
_SHOWN = {"W": "Weekday", "M": "Month", "D": "D", "Y": "YYYY", "I": "YYYY-MM-DD", "Z": "ZONE"}


class _Vote(NamedTuple):
    """Whose clock one date text names (None: nobody's that we know), by which offset if by one, and if in summer."""

    city: str | None
    offset: str
    summer: bool


def infer_zone(texts: Iterable[str]) -> str | None:
    """The IANA name of the clock that most of these date texts name, None when they name none or have no majority.

    Offsets alone must fit the zone in summer and in winter and show no third one: -0500 all the year is Peru.
    """
    votes = [vote for text in texts if (vote := _vote(text))]
    city = Counter(vote.city for vote in votes).most_common(1)[0][0] if votes else None
    agreeing = [vote for vote in votes if vote.city == city]
    if city is None or len(agreeing) * 2 <= len(votes):
        return None
    if not all(vote.offset for vote in agreeing):
        return city
    both_seasons = {vote.summer for vote in agreeing} == {True, False}
    others = {vote.offset for vote in votes} - {vote.offset for vote in agreeing}
    return city if both_seasons and not others else None


def _vote(text: str) -> _Vote | None:
    style = style_of(text)
    zone = next((token.text for token in style.tokens if token.kind == "Z"), "") if style else ""
    if not style or not zone:
        return None
    at = {city: moment.at for city in _CITIES if (moment := _at_home(style, city))}
    city = next(iter(at), None)
    summer = bool(city and at[city].astimezone(ZoneInfo(_CITIES[0])).dst())
    return _Vote(city, zone.replace(":", "") if zone[0] in "+-" else "", summer)


def _at_home(style: Style, city: str) -> Moment | None:
    """The moment, if in that city the text means the same without its zone: then it names the city's own clock."""
    # Without the weekday: a wrong one keeps the date from being read, and still the zone beside it is named.
    texts = (_joined(style, "MDYITZ"), _joined(style, "MDYIT"))
    with_zone, without = (read_moment(text, Bound.OPENS, ZoneInfo(city)) for text in texts)
    if isinstance(with_zone, Moment) and isinstance(without, Moment) and with_zone.at == without.at:
        return with_zone
    return None


def _joined(style: Style, kinds: str) -> str:
    """The parts of these kinds in their order, a blank between them but before an offset."""
    parts = [token.text for token in style.tokens if token.kind in kinds]
    return "".join(part if part in ("Z", "z") or part[0] in "+-" else f" {part}" for part in parts).strip()


def _shape(text: str, zone: ZoneInfo) -> str:
    """How a date text is written, as a form for people: `Month D, YYYY at H:MMam ZONE`."""
    match read_moment(text, Bound.OPENS, zone):
        case Unreadable():
            return "unreadable"
        case NotKnown(placeholder=True):
            return "a placeholder"
        case NotKnown():
            return "TBD" if text.strip() else "empty"
    style = style_of(text)
    return _form(style) if style else "unreadable"


def _form(style: Style) -> str:
    form, end = "", 0
    for token in style.tokens:
        shown = _clock_form(token.text) if token.kind == "T" else _SHOWN.get(token.kind, token.text)
        shown = "OFFSET" if token.kind == "Z" and token.text[0] in "+-" else shown
        form, end = form + style.text[end : token.start] + shown, token.end
    return form


def _clock_form(text: str) -> str:
    """`8:00 pm` as `H:MM am`, `20:00:00` as `H:MM:SS`: the form says how, not when."""
    figures = iter(("H", "MM", "SS"))
    form = re.sub(r"[0-9]+", lambda _: next(figures, "0"), text)
    return re.sub(r"(?i)[ap](\.?)m", r"a\1m", form)

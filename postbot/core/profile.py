"""What one kind of site calls things: which field says the state, which say the dates, what each transition writes.

Pure values; a new kind of site is a new file under `config/profiles`, not new code here. Reading those files and
refusing unknown keys is the business of `postbot.config`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import ClassVar

FORBID_UNKNOWN = {"extra": "forbid"}
"""How `postbot.config` treats keys that a declared value does not know: as errors."""


class State(StrEnum):
    """Where a posting stands for the public."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


class CloseReason(StrEnum):
    """Why a position closes before its announced date."""

    CAP_REACHED = "cap reached"
    FILLED = "filled"
    CANCELLED = "cancelled"
    OTHER = "other"


class Grain(StrEnum):
    """The finest time that the site's templates understand in a date field."""

    DAY = "day"
    MINUTE = "minute"


class DayEdge(StrEnum):
    """Which edge of its day a closing date without a time means."""

    START = "start"
    END = "end"


class OffsetlessTimes(StrEnum):
    """How the site generator reads an unquoted ISO date with a time of day and no offset, as in 2024-06-04 08:00:00.

    `site`: in the site's own zone, as is meant. `utc`: as UTC, hours away from what is meant.
    """

    SITE = "site"
    UTC = "utc"


class EarlyClose(StrEnum):
    """How a closing before the announced date is written where the dates decide the state.

    `field`: into a field of its own, and the announced date stays readable. `back-date`: yesterday goes into the
    closing date. `now`: the present moment does, where the site generator takes a time of day.
    """

    FIELD = "field"
    BACK_DATE = "back-date"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class StateField:
    """The field that names the state, its word for each, and words that keep a page out of the life cycle."""

    name: str
    values: Mapping[State, str]
    outside: tuple[str, ...] = ()
    __pydantic_config__: ClassVar = FORBID_UNKNOWN


@dataclass(frozen=True, slots=True)
class Archive:
    """Where closed postings are moved to, how many days after their closing, and how readers still find them.

    `folder` is counted from the repository's root. `permalink` is the field that fixes a page's address, `redirect` the
    one that lists its former addresses. `addresses` say for a folder how the site makes the address of a page without
    a permalink: from `{folder}` (the folders below that one), `{name}` (of the file, without its ending) and `{slug}`
    (the page's own `slug`, else the name).
    """

    folder: str
    after_days: int
    permalink: str
    redirect: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    __pydantic_config__: ClassVar = FORBID_UNKNOWN

    def __post_init__(self) -> None:
        """Refuse, with a `ValueError`, what cannot be meant."""
        if self.after_days < 0:
            raise ValueError("after_days: write how many days after its closing, 0 or more")
        if wrong := next((home for home in (self.folder, *self.addresses) if not _is_folder(home)), None):
            raise ValueError(f"{wrong} is no folder of the repository; write it as pages/archive")
        if not self.folder:
            raise ValueError("folder: name the folder of the archive, such as pages/archive")
        if wrong := next((form for form in self.addresses.values() if not _is_address(form)), None):
            raise ValueError(f"{wrong} is no address; write one such as /{{folder}}/{{name}}/")

    def holds(self, path: str) -> bool:
        """Whether a file of this path lies in the archive."""
        return path.startswith(f"{self.folder}/")


def _is_folder(name: str) -> bool:
    return not name or not {"", ".", ".."} & set(name.split("/"))


def _is_address(form: str) -> bool:
    parts = set(re.findall(r"\{(.*?)\}", form))
    return form.startswith("/") and bool(parts & {"name", "slug"}) and parts <= {"folder", "name", "slug"}


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of site, as declared in `config/profiles/NAME.yaml`; each field is explained there.

    `opens` and `closes` list field names, best first. `per_state` are fields that follow the state where a page has
    them: for each state the values that fit, the first of which is written where none stands. `requires` adds to what
    the file's own INSTRUCTIONS headings ask for. `after` places inserted fields, and `known` lists all others in their
    usual order: one of them goes behind those listed before it. `names_all_fields` means that a page of this kind has
    no other fields than those that are named here. `reset` goes stale when a posting is used again;
    `placeholders` is what stands there until it is filled anew. `permalink` is the field that fixes a page's address,
    and `addresses` say how the site makes that of a page without one, as an archive's do. Without an `archive`, closed
    postings stay.
    """

    name: str
    about: str
    detect: tuple[tuple[str, ...], ...]
    opens: tuple[str, ...]
    closes: tuple[str, ...]
    folder: str = ""
    state: StateField | None = None
    draft: str | None = None
    per_state: Mapping[str, Mapping[State, tuple[str, ...]]] = field(default_factory=dict)
    grain: Grain = Grain.MINUTE
    offsetless_times: OffsetlessTimes = OffsetlessTimes.SITE
    date_only_closes: DayEdge = DayEdge.END
    early_close: EarlyClose | None = None
    closed_on: str | None = None
    unknown_date: str = "TBD"
    title: tuple[str, ...] = ("title",)
    requires: Mapping[State, tuple[str, ...]] = field(default_factory=dict)
    reset: tuple[str, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    names_all_fields: bool = False
    emails: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    fake_links: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    permalink: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    archive: Archive | None = None
    __pydantic_config__: ClassVar = FORBID_UNKNOWN

    def __post_init__(self) -> None:
        """Refuse, with a `ValueError`, what cannot be meant."""
        if wrong := next((form for form in self.addresses.values() if not _is_address(form)), None):
            raise ValueError(f"{wrong} is no address; write one such as /{{folder}}/{{name}}/")

    @property
    def dates_decide(self) -> bool:
        """Whether the state follows from the dates instead of being written down."""
        return self.state is None

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that the profile mentions, as it spells it, each once."""
        kept = (self.archive.permalink, self.archive.redirect) if self.archive else ()
        single = (self.state.name if self.state else None, self.draft, self.closed_on, self.permalink, *kept)
        window = (*self.title, *self.opens, *self.closes)
        for_machines = (*self.emails, *self.urls, *self.per_state)
        groups = (*self.detect, *self.requires.values(), *self.after.values())
        mentioned = (*self.known, *filter(None, single), *window, *self.reset, *for_machines)
        return tuple(dict.fromkeys((*mentioned, *chain(*groups), *self.after, *self.placeholders)))

    def recognises(self, keys: Sequence[str]) -> int:
        """How well a page with these keys fits: the length of the best `detect` group it holds whole, in any case."""
        held = {key.lower() for key in keys}
        return max(
            (len(group) for group in self.detect if held.issuperset(name.lower() for name in group)),
            default=0,
        )


PLAIN = Profile("plain", "A page of no known kind: values can be set, but it has no state.", (), (), ())


def infer(profiles: Sequence[Profile], keys: Sequence[str]) -> Profile | None:
    """The profile that recognises most of a page's fields; None when no profile knows any.

    On a draw a state that is written down beats dates that merely stand beside it.
    """
    best = max(profiles, key=lambda profile: (profile.recognises(keys), not profile.dates_decide), default=None)
    return best if best is not None and best.recognises(keys) else None

"""The figures that are counts: exact edits, the replay, `check`, and the readings of dates.

Each is judged by code that shares nothing with postbot: bytes compared line by line, values loaded by libyaml, dates
read by `strptime`.
"""

import difflib
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from postbot.config import shipped_profiles
from postbot.core.dates import Bound, Moment, NotKnown, read_moment
from postbot.core.problem import Problem
from postbot.core.profile import State
from postbot.doors import checking
from postbot.doors.transition import Order, Result, Surroundings, edit_file
from tests.bench.material import Material, fields, front
from tests.bench.peers import PEERS, best

NOON = datetime(2030, 3, 8, 17, tzinfo=UTC)
EASTERN = ZoneInfo("America/New_York")


@dataclass
class Count:
    """How many of how many came out right, each fault with its file, and what was refused for which reason."""

    what: str
    whole: int = 0
    good: int = 0
    faults: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    peers: dict[str, int] = field(default_factory=dict)
    remark: str = ""

    @property
    def met(self) -> bool:
        """Whether every single one came out right, and there was any."""
        return self.whole > 0 and self.good == self.whole and not self.faults

    def add(self, name: object, fault: str | None) -> None:
        """Count one more file; a fault says what is wrong about it."""
        self.whole += 1
        self.good += fault is None
        if fault is not None:
            self.faults.append(f"{name}: {fault}")


def around(now: datetime = NOON) -> Surroundings:
    """What `postbot transition` reads single files with, where there is no site around them."""
    return Surroundings(shipped_profiles(), None, None, now)


# Exact edits ---------------------------------------------------------------------------------------------------------


def closing(material: Material, peers: Iterable[str] = PEERS) -> Count:
    """`--to closed` on every version that loads and has a `state`."""
    count = Count("`--to closed`: only the state line changed")
    files = {str(path): data for path in material.postings if "state" in (fields(data := path.read_bytes()) or {})}
    for name, data in files.items():
        result = edit_file(Order(Path(name), State.CLOSED), around())
        count.add(name, _fault(result, data, {"state": "closed"}))
    for peer in peers:
        count.peers[peer] = best(peer, files, "state", "closed", _only("state"))
    return count


def setting(material: Material, key: str, value: str | int | date, peers: Iterable[str] = PEERS) -> Count:
    """One value set on every Hugo page that loads; those that do not must be refused."""
    count = Count(f"`{key}` set on every Hugo page: only that line changed")
    files: dict[str, bytes] = {}
    for path in material.pages:
        data, text = path.read_bytes(), str(value)
        result = edit_file(Order(path, values={key: text}, profile="hugo"), around())
        loaded = fields(data)
        if loaded is None:
            count.refused.append(f"{path.name}: {result.problem or 'edited, though it does not load'}")
            count.faults += [] if result.problem else [f"{path.name}: edited, though it does not load"]
            continue
        files[str(path)] = data
        count.add(path.name, _fault(result, data, {_own(loaded, key): text}))
    for peer in peers:
        count.peers[peer] = best(peer, files, key, value, _only(key))
    return count


def _own(loaded: Mapping[str, object], key: str) -> str:
    """The key as the file spells it, in whatever case."""
    return next((name for name in loaded if name.lower() == key.lower()), key)


def _fault(result: Result, before: bytes, values: Mapping[str, str]) -> str | None:
    """What is wrong about an edit that was to set these values; None if nothing is."""
    if result.problem or result.data is None:
        return f"refused: {result.problem}"
    strange = [line for line in touched(before, result.data) if not _belongs(line, values)]
    if strange:
        return f"another line changed: {strange[0]!r}"
    was, now = fields(before), fields(result.data)
    if now != (was or {}) | values:
        return "the values are not the intended ones"
    return None


def _only(key: str) -> Callable[[bytes, bytes], bool]:
    """Judge of the peers: no other line differs. What they make of the value is not even asked."""

    def good(before: bytes, after: bytes) -> bool:
        same = before.removesuffix(b"\n").split(b"\n"), after.removesuffix(b"\n").split(b"\n")
        if len(same[0]) == len(same[1]):
            lines = [line for pair in zip(*same, strict=True) if pair[0] != pair[1] for line in pair]
        elif abs(len(same[0]) - len(same[1])) == 1:
            lines = list(touched(before, after))
        else:
            return False
        return all(_belongs(line, {key: ""}) for line in lines)

    return good


def touched(before: bytes, after: bytes) -> Iterator[bytes]:
    """Every line, its line break included, that is not the same in both."""
    one, two = before.splitlines(keepends=True), after.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            yield from one[a:b]
            yield from two[c:d]


def _belongs(line: bytes, keys: Iterable[str]) -> bool:
    """Whether a line is a field of one of these keys, live or commented out."""
    found = re.match(r"\ufeff?\s*#*\s*['\"]?([^'\":]+?)['\"]?\s*:", line.decode())
    return found is not None and found[1].lower() in {key.lower() for key in keys}


# The replay ----------------------------------------------------------------------------------------------------------


def replay(material: Material) -> Count:
    """Every opening that a person made by hand, made by postbot with the person's own values."""
    count = Count("hand-made openings replayed: the person's values, every other line untouched")
    for opening in material.openings:
        data, name = opening.before.read_bytes(), f"{opening.before.parent.name}/{opening.before.name}"
        was, wanted = fields(data), fields(opening.after.read_bytes())
        if wanted is None:
            count.refused.append(f"{name}: left out, the person's own result does not load")
            continue
        values = {
            key: text
            for key, text in wanted.items()
            if isinstance(text, str) and key != "state" and (was or {}).get(key) != text
        }
        result = edit_file(Order(opening.before, State.OPEN, values), around(opening.at))
        if was is None and result.problem:
            count.refused.append(f"{name}: {result.problem}")
            continue
        count.add(name, _replayed(result, data, values | {"state": "open"}))
    return count


def _replayed(result: Result, before: bytes, values: Mapping[str, str]) -> str | None:
    """The fault of one replayed opening. A key that the file spells otherwise counts where the proof tells so."""
    spelling = dict(result.proof.spelling) if result.proof else {}
    return _fault(result, before, {spelling.get(key, key): text for key, text in values.items()})


# Check ---------------------------------------------------------------------------------------------------------------


def answered(material: Material) -> Count:
    """Every version through `check`, none of them a traceback."""
    count = Count("every version through `check`: answered, no traceback")
    for path in (*material.postings, *material.pages):
        found = _checked(path)
        count.add(path.name, found if isinstance(found, str) else None)
    return count


def explained(material: Material) -> Count:
    """Every file that does not load is explained, and at the right line.

    The line is right when everything above it loads, and the fault moves on or is gone once that line is blank.
    """
    count = Count("every version that does not load: explained, at the right line")
    for path in (*material.postings, *material.pages):
        if fields(path.read_bytes()) is None:
            found = _checked(path)
            errors = (
                [] if isinstance(found, str) else [p for p in found if p.code.startswith(("yaml-", "front-matter-"))]
            )
            fault = _misplaced(path.read_bytes(), errors[0]) if errors else "not explained"
            count.add(path.name, fault)
    return count


def _checked(path: Path) -> tuple[Problem, ...] | str:
    try:
        return checking.run([path], around(), fix=False, progress=lambda *_: None)
    except Exception:  # noqa: BLE001 - that is the figure
        return traceback.format_exc()


def _misplaced(data: bytes, problem: Problem) -> str | None:
    text = front(data)
    if text is None:
        return None  # no fence, no line
    lines = text.splitlines(keepends=True)
    at = problem.line - 2  # the opening fence is line 1
    blank = [*lines[:at], "\n", *lines[at + 1 :]]
    if _error("".join(lines[:at])) is not None:
        return f"line {problem.line} is named, and something above it does not load"
    if _error("".join(blank)) == _error(text):
        return f"line {problem.line} is named, and without it the same fault stays"
    return None


def _error(text: str) -> str | None:
    """What PyYAML or, for keys that come twice, ruamel.yaml says against a front matter; None if it loads."""
    if fields(f"---\n{text}\n---\n".encode()) is not None or not text.strip():
        return None
    try:
        yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        return str(error)
    return "a key comes twice"


# Dates ---------------------------------------------------------------------------------------------------------------


def dates(material: Material) -> Count:
    """Every distinct text of `opens` and `closes`: the same instant as by `strptime`, or refused by both."""
    count = Count("distinct `opens` and `closes` texts: the right instant, or refused")
    kinds: Counter[str] = Counter()
    for key, text in sorted(_texts(material)):
        bound = Bound.OPENS if key == "opens" else Bound.CLOSES
        ours = read_moment(text, bound, EASTERN)
        kinds["read" if isinstance(ours, Moment) else "not known" if isinstance(ours, NotKnown) else "refused"] += 1
        theirs = plainly(text, closes=key == "closes")
        at = ours.at if isinstance(ours, Moment) else None
        count.add(f"{key}: {text!r}", None if at == theirs else f"read as {at}, and by strptime as {theirs}")
    count.remark = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return count


def _texts(material: Material) -> set[tuple[str, str]]:
    loaded = [fields(path.read_bytes()) or {} for path in material.postings]
    return {(key, str(found[key])) for found in loaded for key in ("opens", "closes") if key in found}


_DAYS = ("%Y-%m-%d", "%B %d %Y", "%A %B %d %Y")
_TIMES = ("%I:%M%p", "%I%p")
_SHAPES = (
    *((f"{day} {time}", False) for day in _DAYS for time in _TIMES),
    *((f"{time} {day}", False) for day in _DAYS for time in _TIMES),
    *((day, True) for day in _DAYS),
)


def plainly(text: str, *, closes: bool) -> datetime | None:
    """What the known shapes mean, the plain way: commas, `at` and the zone's name (Eastern all) are left out."""
    words = re.sub(r",|\bat\b|\bE[SD]?T\b", " ", text)
    words = re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1", words)
    words = " ".join(re.sub(r"(\d)\s+([ap]m)\b", r"\1\2", words, flags=re.IGNORECASE).split())
    for shape, whole_day in _SHAPES:
        try:
            wall = datetime.strptime(words, shape)  # noqa: DTZ007 - the zone is the site's
        except ValueError:
            continue
        if "%A" in shape and wall.strftime("%A").lower() not in words.lower():
            return None  # the weekday contradicts the date
        end = timedelta(days=1) if whole_day and closes else timedelta(0)
        return (wall + end).replace(tzinfo=EASTERN).astimezone(UTC)
    return None

"""The postings of the soak and what people do with them: real front matters where they are at hand, else our own.

Each posting lives one of sixteen lives, its moments moved a little by the seed, so that hardly two are due at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from postbot.core.posting import Posting, read_posting, readiness
from postbot.core.profile import State
from postbot.core.site import Path as SitePath
from postbot.doors.transition import Order, Surroundings, edit_file
from tests import examples
from tests.hardship.reference import Act, Life

BEGIN = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
PROFILE = examples.profile("jekyll-state")
AROUND = Surroundings({"jekyll-state": PROFILE}, PROFILE, examples.EASTERN, BEGIN)
NO_POSTINGS = ("_TEMPLATE", "template_new_position", "testfile")
JITTER = 0.03
TEN_MINUTES = timedelta(minutes=10)

Told = tuple[float, str, str | float]
"""When a person does what, with a state or a moment where the act needs one. Moments are parts of the whole time."""

KINDS: Mapping[str, tuple[str, float, float, tuple[Told, ...]]] = {
    "approved in time": ("upcoming", 0.3, 0.8, ((0.22, "approve", ""),)),
    "approved late": ("upcoming", 0.3, 0.9, ((0.5, "approve", ""),)),
    "approved never": ("upcoming", 0.3, 0.7, ()),
    "opened early by hand": ("upcoming", 0.5, 0.9, ((0.43, "merge", ""),)),
    "not to be opened": ("upcoming", 0.4, 0.8, ((0.33, "reject", ""),)),
    "postponed": ("upcoming", 0.3, 0.9, ((0.12, "edit opens", 0.5), (0.43, "approve", ""))),
    "opened in the file": ("upcoming", 0.7, 0.9, ((0.2, "edit state", "open"),)),
    "closing on its day": ("open", -0.2, 0.6, ()),
    "not to be closed": ("open", -0.2, 0.6, ((0.55, "reject", ""),)),
    "closed early by hand": ("open", -0.2, 0.6, ((0.55, "merge", ""),)),
    "extended in the file": ("open", -0.2, 0.5, ((0.3, "edit closes", 0.8),)),
    "shortened in the file": ("open", -0.2, 0.8, ((0.3, "edit closes", 0.5),)),
    "closed on request": ("open", -0.2, 0.9, ((0.5, "ask to close", ""),)),
    "extended on request": ("open", -0.2, 0.6, ((0.3, "ask to extend", 0.85),)),
    "closed and open again": ("open", -0.2, 0.9, ((0.3, "edit state", "closed"), (0.6, "edit state", "open"))),
    "closed for good": ("closed", -0.4, -0.2, ()),
}


@dataclass(frozen=True)
class Subject:
    """One posting of the soak: the text it begins with, and its life."""

    slug: str
    title: str
    text: str
    kind: str
    life: Life


def subjects(count: int, span: timedelta, random: Random) -> tuple[list[Subject], str]:
    """So many postings, and where their texts are from."""
    (source, texts), lives = _texts(), _lives(span, random)
    made: list[Subject] = []
    kind, life = next(lives)
    while len(made) < count and (found := next(texts, None)):
        subject = _subject(*found, kind, life)
        if subject and subject.title not in {each.title for each in made}:
            made.append(subject)
            kind, life = next(lives)
    return made, source


def edited(text: str, to: State | None, values: Mapping[str, str], *, strict: bool = False) -> str | None:
    """The text after our own exact edit; None where it is refused; strictly, where readers would mind the result."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "posting.md"
        path.write_bytes(text.encode())
        data = edit_file(Order(path, to, values), replace(AROUND, strict=strict)).data
    return None if data is None else data.decode()


def stamp(at: datetime) -> str:
    """A moment in ISO form, by the clock of the site."""
    return at.astimezone(examples.EASTERN).strftime("%Y-%m-%dT%H:%M")


def _lives(span: timedelta, random: Random) -> Iterator[tuple[str, Life]]:
    while True:
        for kind, (state, opens, closes, acts) in KINDS.items():
            moved = random.uniform(-JITTER, JITTER)

            def moment(part: float, moved: float = moved) -> datetime:
                return BEGIN + TEN_MINUTES * (round((part + moved) * span / TEN_MINUTES) + 0.5)  # never at midnight

            told = [Act(moment(at), what, moment(v) if isinstance(v, float) else v) for at, what, v in acts]
            yield kind, Life(state, moment(opens), moment(closes), tuple(told))


def _subject(slug: str, text: str, kind: str, life: Life) -> Subject | None:
    """A posting that lives this life, filled in so that it may open; None where its text does not take that."""
    dates = {"opens": stamp(life.opens), "closes": stamp(life.closes)}
    found = read_posting(SitePath(f"{slug}.md"), text.encode(), PROFILE, examples.EASTERN)
    if not isinstance(found, Posting):
        return None
    to = None if found.state(BEGIN) == life.state else State(life.state)
    dated = edited(text, to, dates)
    gaps = readiness(_read(slug, dated), State.OPEN) if dated else ()
    filled = edited(dated, None, {gap.key: _answer(gap.key, slug) for gap in gaps}) if dated and gaps else dated
    whole = _read(slug, filled) if filled else None
    opens = filled and (life.state != "upcoming" or edited(filled, State.OPEN, {}, strict=True))
    if filled is None or whole is None or not opens or whole.problems:
        return None
    return Subject(slug, whole.title, filled, kind, life)


def _read(slug: str, text: str) -> Posting:
    found = read_posting(SitePath(f"{slug}.md"), text.encode(), PROFILE, examples.EASTERN)
    assert isinstance(found, Posting)
    return found


def _answer(key: str, slug: str) -> str:
    """What a person would fill in."""
    return f"https://apply.example.gov/{slug}" if "url" in key else "hr@agency.example" if "email" in key else "12"


def _texts() -> tuple[str, Iterator[tuple[str, str]]]:
    corpus = examples.SHARED / "corpus/versions"
    if corpus.is_dir():
        return "real front matters", _real(corpus)
    spelt = examples.STATE.replace("comtact", "contact")  # a slip of the example's, which readers would mind
    own = ((f"posting-{n}", spelt.replace("Harbour Pilot", f"Harbour Pilot {n}")) for n in range(1000))
    return "front matters of our own, for the real ones are not here", own


def _real(corpus: Path) -> Iterator[tuple[str, str]]:
    """The newest version that can be read of each posting."""
    for folder in (each for each in sorted(corpus.iterdir()) if each.name not in NO_POSTINGS):
        for path in sorted(folder.iterdir(), reverse=True):
            data = path.read_bytes()
            if isinstance(read_posting(SitePath(path.name), data, PROFILE, examples.EASTERN), Posting):
                yield folder.name.lower().replace(".", "-"), data.decode()
                break

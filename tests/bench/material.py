"""What the figures are measured on: real postings where `../shared` lies beside the repository, else our own.

Our own are generated here in the formats that people use, faults included, so that every figure also runs in a plain
clone. Nothing here imports postbot: what is right or wrong about a file is decided by others.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as YAMLError12

SHARED = Path(__file__).resolve().parents[2] / "../shared"
CORPUS = SHARED / "corpus"
HUGO = SHARED / "corpus-hugo"


@dataclass(frozen=True)
class Opening:
    """One opening as a person made it: the file before and after, and when."""

    before: Path
    after: Path
    at: datetime


@dataclass(frozen=True)
class Material:
    """Files to measure on, and the words that say where they come from."""

    source: str
    postings: tuple[Path, ...]
    openings: tuple[Opening, ...]
    pages: tuple[Path, ...]


def material(folder: Path) -> Material:
    """The real corpus if it is there, else generated files, which are written to `folder`."""
    return real() if CORPUS.is_dir() and HUGO.is_dir() else generated(folder)


def real() -> Material:
    """The files of `../shared`, to be read and never copied."""
    moves = [json.loads(line) for line in (CORPUS / "transitions.jsonl").read_text(encoding="utf-8").splitlines()]
    openings = [
        Opening(CORPUS / move["before"], CORPUS / move["after"], datetime.fromisoformat(move["committed"]))
        for move in moves
        if (move["from"], move["to"]) == ("upcoming", "open")
    ]
    postings = tuple(sorted((CORPUS / "versions").rglob("*.md")))
    pages = tuple(sorted((HUGO / "content").rglob("*.md")))
    return Material(f"{len(postings)} real versions, {len(pages)} real Hugo pages", postings, tuple(openings), pages)


# Loading as others load ----------------------------------------------------------------------------------------------

_FRAMED = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n(?P<front>.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)


def front(data: bytes) -> str | None:
    """What lies between the fences; None where a site generator sees no front matter."""
    found = _FRAMED.match(data)
    return found["front"].decode() if found else None


def fields(data: bytes) -> dict[str, object] | None:
    """The front matter with every scalar as the text it is written as; None where PyYAML or ruamel.yaml refuse it."""
    text = front(data)
    if text is None:
        return None
    try:
        loaded = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - makes nothing but texts, lists and maps
        yaml.load(text, Loader=yaml.CSafeLoader)
        YAML(typ="rt").load(text)
    except (yaml.YAMLError, YAMLError12, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


# Our own -------------------------------------------------------------------------------------------------------------

_STATE = """\
---
title: {title}
permalink: join/{slug}/
redirect_from:
  - join/upcoming-{slug}/
state: {state}{remark}

# INSTRUCTIONS UPCOMING: These fields are required for upcoming

opens: {opens}
closes: {closes}
location: {quote}Tromsø, NO{quote}
salary_min: {quote}105,123{quote}
info_sessions:
   -  text: "Monday: 1:30 pm"   # in English
      link: https://sea.example/{slug}

# INSTRUCTIONS OPEN: These fields are required for open
# NOTE: be sure to remove the hash

# job_announcement_number: 'ENTER JOB ANNOUNCEMENT NUMBER'
# series: '0301' ENTER SERIES IF DIFFERENT
# apply_url: APPLICATION URL
# ohrm_comtact_email: 'ENTER OHRM CONTACT EMAIL'
---

{{% if page.state == 'open' %}} Apply for *{title}*. {{% endif %}}
---
state: open
"""

_DATES = """\
---
#########################################
#   INSTRUCTIONS: THE ISLAND TEMPLATE   #
#########################################
title: {quote}Island: {title}{quote}
#🔻🔻🔻
opens: {opens}
closes: {closes}{remark}
max applications: {count}
key objectives:
  - Keep the light - in any weather - lit,
    and the log dry
info sessions:
  - link: https://sea.example/{slug}
    text: 'Monday: 1:30 pm ET'
application link: https://apply.sea.example/{slug}
---
Come to the island.
"""

_PAGE = """\
---
slug: {slug}
date: {opens} 09:00:00 -0500
title: {quote}Island: {title}{quote}
{expiry}authors:
  - keeper

# Page weight: how this page appears
# 0 -- hidden
# 1 -- visible
# 2 -- highlighted
{weight}---
Ships & tides.
"""

_ROLES = ("Lighthouse Keeper", "Tide Reader", "Ferry Engineer", "Chart Maker", "Harbour Cook", "Salvage Diver")
_STATES = ("upcoming", "open", "closed")
_QUOTES = ('"', "'")
_REMARKS = ("", "  # asked by Ana")
_SPOKEN = (
    ("TBD", "tbd"),
    ("March 4, 2030", "March 15, 2030"),
    ("March 4, 2030, 9:00 am EST", "March 15, 2030 at 11:59 pm EDT"),
    ("Monday, March 4, 2030 at 9am ET", "Friday, March 15th, 2030 11:59PM EDT"),
)
_FAULTS = (
    ("location: ", "location:"),
    ("title: ", "title: 'It's "),
    ("opens: ", "state: open\nopens: "),
    ("info_sessions:\n", "info_sessions: *all\n"),
    ("closes: ", "\tcloses: "),
)


def generated(folder: Path) -> Material:
    """Write postings of our own, each a little different, and the pages of a Hugo site."""
    openings = tuple(_opening(folder, number, text) for number, text in enumerate(_upcoming()))
    whole = [*_states(), *_dates()]
    broken = [text.replace(old, new, 1) for (old, new), text in zip(_FAULTS, _upcoming(), strict=False)]
    postings = [_write(folder / "versions" / f"{n}.md", text) for n, text in enumerate([*whole, *broken])]
    pages = tuple(_write(folder / "pages" / f"{n}.md", text) for n, text in enumerate(_pages()))
    source = f"no ../shared here, so {len(postings)} postings and {len(pages)} pages of our own"
    return Material(source, tuple(postings), openings, pages)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def _words(role: str, quote: str, remark: str, opens: str, closes: str) -> dict[str, str]:
    slug = role.lower().replace(" ", "-")
    return {"title": role, "slug": slug, "quote": quote, "remark": remark, "opens": opens, "closes": closes}


def _states() -> Iterator[str]:
    for role, state, quote, remark, (opens, closes) in product(_ROLES, _STATES, _QUOTES, _REMARKS, _SPOKEN):
        text = _STATE.format(state=state, **_words(role, quote, remark, opens, closes))
        yield text.replace("\n", "\r\n") if (role, quote) == ("Harbour Cook", "'") else text


def _dates() -> Iterator[str]:
    for number, (role, quote, remark) in enumerate(product(_ROLES, _QUOTES, _REMARKS)):
        opens = datetime(2030, 3, 4, tzinfo=UTC).date() + timedelta(days=number)
        words = _words(role, quote, remark, opens.isoformat(), (opens + timedelta(days=7)).isoformat())
        yield _DATES.format(count=number * 50, **words)


def _upcoming() -> Iterator[str]:
    for role, quote, remark in product(_ROLES, _QUOTES, _REMARKS):
        yield _STATE.format(state="upcoming", **_words(role, quote, remark, "tbd", "tbd"))


def _opening(folder: Path, number: int, text: str) -> Opening:
    """A person opens a posting by hand: fills in the dates, and takes the hash from the fields below."""
    filled = (
        text.replace("state: upcoming", "state: open")
        .replace("opens: tbd", "opens: March 4, 2030, 9:00 am EST")
        .replace("closes: tbd", "closes: March 15, 2030, 11:59 pm EDT")
        .replace("# series: '0301' ENTER SERIES IF DIFFERENT", "series: '0340'")
        .replace("# apply_url: APPLICATION URL", f"apply_url: https://apply.sea.example/{number}")
        .replace("# ohrm_comtact_email: 'ENTER OHRM CONTACT EMAIL'", "ohrm_comtact_email: 'hr@sea.example'")
    )
    before = _write(folder / "openings" / f"{number}-before.md", text)
    after = _write(folder / "openings" / f"{number}-after.md", filled)
    return Opening(before, after, datetime(2030, 3, 4, 14, tzinfo=UTC))


def _pages() -> Iterator[str]:
    expiries = ("", "expirydate: 2030-03-15\n", "expiryDate: '2030-03-15 17:00:00 -0500'\n")
    weights = ("", "weight: 1\n", "weight: 0  # for now\n\n")
    for role, quote, expiry, weight in product(_ROLES, _QUOTES, expiries, weights):
        yield _PAGE.format(expiry=expiry, weight=weight, **_words(role, quote, "", "2030-03-04", ""))

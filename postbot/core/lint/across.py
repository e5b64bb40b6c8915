"""Findings across files: links and addresses that two postings share, and postings outside the site's folders.

What is wrong inside one file is not told here.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from postbot.core.lifecycle import own_name
from postbot.core.lint.addresses import is_url, says_nothing
from postbot.core.lint.subject import scalars_of
from postbot.core.posting import Posting, live_field
from postbot.core.problem import Problem, Severity
from postbot.core.profile import State
from postbot.core.text.scalar import STR


class _Claim(NamedTuple):
    """One place of one posting where a link or an address stands."""

    posting: Posting
    key: str
    text: str
    line: int
    column: int

    @property
    def place(self) -> str:
        return f"{self.posting.path}:{self.line}"


def shared_links(postings: Iterable[Posting], now: datetime) -> Iterator[Problem]:
    """The same apply link in two postings: a copy that was never changed. Closed postings are not accused."""
    for claim, others in _shared(chain.from_iterable(map(_apply_links, postings)), _bare_link):
        if claim.posting.state(now) is not State.CLOSED:
            message = f"`{claim.key}` is the same link as in {others}."
            yield _claimed(claim, "link-shared", message, Severity.WARNING, "Write the link of this posting.")


def _apply_links(posting: Posting) -> Iterator[_Claim]:
    for name in posting.profile.urls:
        field = posting.document.fields.get(own_name(posting, name))
        text = (field.text or "").strip() if field else ""
        if field and is_url(text) and not says_nothing(posting, field.key, text):
            yield _Claim(posting, field.key, text, field.value_line, field.value_column)


def _bare_link(text: str) -> str:
    """A link without what browsers ignore; nothing for a front page, where several postings may well apply."""
    address = text.partition("#")[0].partition("://")[2]
    host, _, path = address.rstrip("/").partition("/")
    return f"{host.lower().removeprefix('www.')}/{path}" if path else ""


_ADDRESS_FIELDS = ("permalink", "redirect_from", "url", "aliases")
"""Jekyll's and Hugo's own names for a page's address and for its former ones."""


def shared_addresses(postings: Iterable[Posting]) -> Iterator[Problem]:
    """Two pages at one address: the generator writes one over the other, or a redirect over a page."""
    for claim, others in _shared(chain.from_iterable(map(_claimed_addresses, postings)), _bare_address):
        message = f"`{claim.key}` claims the address {claim.text}, and so does {others}."
        yield _claimed(claim, "permalink-shared", message, Severity.ERROR, "Give each page an address of its own.")


def _claimed_addresses(posting: Posting) -> Iterator[_Claim]:
    document = posting.document
    for scalar in scalars_of(document):
        if scalar.key in _ADDRESS_FIELDS and not scalar.is_name and scalar.node.tag == STR:
            line, column = document.line_of(scalar.start), document.column_of(scalar.start)
            yield _Claim(posting, scalar.key, scalar.node.value, line, column)


def _bare_address(text: str) -> str:
    """An address without its outer slashes; nothing for one that the generator still has to work out (`:title`)."""
    return "" if re.search(r"[:{]", text) else text.strip().removesuffix("index.html").strip("/")


def _shared(claims: Iterable[_Claim], bare: Callable[[str], str]) -> Iterator[tuple[_Claim, str]]:
    """The claims to things that more than one file claims, each with the places of the others."""
    groups: dict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        groups[bare(claim.text)].append(claim)
    groups.pop("", None)
    for group in groups.values():
        group.sort(key=lambda claim: (claim.posting.path, claim.line))
        counts = Counter(claim.posting.path for claim in group)
        for claim in group if len(counts) > 1 else ():
            yield claim, _others(claim, group, len(group) - counts[claim.posting.path])


_NAMED = 2
"""Other places that are named. A whole site may share one link, and nobody reads its list at every posting."""


def _others(claim: _Claim, group: list[_Claim], count: int) -> str:
    """The first of the `count` places elsewhere; the group is in the order of its places."""
    elsewhere = (other.place for other in group if other.posting.path != claim.posting.path)
    named = list(islice(elsewhere, _NAMED))
    if count > len(named):
        return f"{', '.join(named)} and {count - len(named)} more"
    return " and ".join(named)


def _claimed(claim: _Claim, code: str, message: str, severity: Severity, fix: str) -> Problem:
    return Problem(claim.posting.path, claim.line, claim.column, code, message, severity, fix=fix)


def misplaced(postings: Iterable[Posting], folders: tuple[str, ...]) -> Iterator[Problem]:
    """A file that is a posting beyond doubt, where the site does not look for postings."""
    homes = [folder.removeprefix("./").rstrip("/") for folder in folders]
    if not homes or {"", "."} & set(homes):
        return
    for posting in postings:
        home = _in_archive(posting) or any(posting.path.startswith(f"{folder}/") for folder in homes)
        if not home and _is_surely_a_posting(posting):
            where = " or ".join(f"{folder}/" for folder in homes)
            message = f"This is a posting, but the site lists only those in {where}."
            name = posting.path.rpartition("/")[2]
            fix = f"Move it to {homes[0]}/{name}."
            yield Problem(posting.path, 1, 1, "posting-misplaced", message, Severity.WARNING, fix)


def _in_archive(posting: Posting) -> bool:
    """Whether it lies in the archive, wherever its path is counted from."""
    archive = posting.profile.archive
    return archive is not None and f"/{archive.folder}/" in f"/{posting.path}"


def _is_surely_a_posting(posting: Posting) -> bool:
    """A state of this kind of site, or both dates; and a title."""
    document, profile = posting.document, posting.profile
    window = live_field(document, profile.opens) and live_field(document, profile.closes)
    marked = posting.stated is not None or (profile.dates_decide and window is not None)
    return marked and live_field(document, profile.title) is not None

"""Where a closed posting goes once it is history: when, to which file, and how its old address goes on working.

Pure. A page that fixes its own address keeps it wherever its file lies. Any other gets its old address as a redirect,
and only where both addresses are known beyond doubt: a page that nobody finds any more is worse than one that stays
where it is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postbot.core.address import fixed_address, made_address
from postbot.core.posting import Posting
from postbot.core.problem import Problem
from postbot.core.site import Path
from postbot.core.text.editing import Append


@dataclass(frozen=True, slots=True)
class Shelving:
    """Where a posting goes, the redirect that it needs (None: its address stays), and what the reviewer must read."""

    path: Path
    redirect: Append | None = None
    remarks: tuple[str, ...] = ()


def is_archived(posting: Posting) -> bool:
    """Whether the posting lies in its site's archive."""
    archive = posting.profile.archive
    return archive is not None and archive.holds(posting.path)


def archived_at(posting: Posting) -> datetime | None:
    """The instant (UTC) at which a closed posting is to be archived, counted in days of its own zone.

    None for one that is archived, on a site without an archive, and where nobody can tell when it closed: a window
    that ends before it begins may be about to be used again.
    """
    archive, window = posting.profile.archive, posting.window
    ends = [at for at in (window.closes, posting.closed_on) if at]
    if archive is None or archive.holds(posting.path) or window.reversed or not ends:
        return None
    try:
        return (min(ends).astimezone(posting.zone) + timedelta(days=archive.after_days)).astimezone(UTC)
    except OverflowError:  # a closing at the end of the calendar
        return None


def shelve(posting: Posting) -> Shelving | Problem:
    """Work out where the posting goes and whether it needs a redirect. Whether a file is there is not known here."""
    archive = posting.profile.archive
    if archive is None:
        message = f"The profile {posting.profile.name} has no archive; `archive:` in a profile of your own names one."
        return _refusal(posting, "archive-none", message)
    name = posting.path.rpartition("/")[2]
    if name.rpartition(".")[0] in ("index", "_index"):
        message = f"{name} is the page of its whole folder, which postbot does not move; move the folder by hand."
        return _refusal(posting, "archive-index", message)
    path = Path(f"{archive.folder}/{name}")
    if fixed_address(posting, archive.permalink):
        return Shelving(path)
    old, new = (made_address(posting, at, archive.permalink, archive.addresses) for at in (posting.path, path))
    if old is None or new is None:
        message = f"Nobody can tell for sure which address the page has {'now' if old is None else 'in the archive'}."
        fix = f"Write its address as `{archive.permalink}`; it then stays the same in the archive."
        return _refusal(posting, "archive-address", message, fix)
    if old == new:
        return Shelving(path)
    remark = f"The page's address changes from {old} to {new}; `{archive.redirect}` leads there from the old one."
    return Shelving(path, Append(archive.redirect, old), (remark,))


def _refusal(posting: Posting, code: str, message: str, fix: str | None = None) -> Problem:
    return Problem(posting.path, 1, 1, code, message, fix=fix)

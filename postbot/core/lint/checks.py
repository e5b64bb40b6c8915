"""The entry points: which checks a posting goes through, and its findings in the order of their places.

Holds no check of its own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from postbot.core.lint.across import misplaced, shared_addresses, shared_links
from postbot.core.lint.addresses import fake_links, invalid_addresses
from postbot.core.lint.dates import doubtful, far_away, read_as_utc
from postbot.core.lint.legends import outside_legend
from postbot.core.lint.names import misspelt_keys, unknown_keys
from postbot.core.lint.needs import placeholders, unmet_needs
from postbot.core.lint.spelling import invisible, lookalikes, lost_after_hash, read_differently
from postbot.core.lint.subject import Subject, scalars_of
from postbot.core.posting import Posting, read_posting
from postbot.core.problem import Problem
from postbot.core.profile import Profile
from postbot.core.site import Path

_SPELLING = (misspelt_keys, read_differently, lost_after_hash, invisible, lookalikes)
_CONTENT = (
    unmet_needs,
    placeholders,
    unknown_keys,
    doubtful,
    read_as_utc,
    far_away,
    invalid_addresses,
    fake_links,
    outside_legend,
)

_OF_THE_STATE = ("state-missing", "state-unknown")


def check_file(path: Path, data: bytes, profile: Profile, zone: ZoneInfo, now: datetime) -> tuple[Problem, ...]:
    """Check one file's bytes: the problem that keeps anybody from reading it, or all that `check_posting` finds."""
    posting = read_posting(path, data, profile, zone)
    return (posting,) if isinstance(posting, Problem) else check_posting(posting, now)


def check_posting(posting: Posting, now: datetime) -> tuple[Problem, ...]:
    """Everything to say about one posting at `now` (aware), by place. Includes the posting's own problems."""
    subject = Subject(posting, now, posting.state(now), tuple(scalars_of(posting.document)))
    checks = _SPELLING if posting.outside else (*_SPELLING, *_CONTENT)
    # A template need not say a state, or says one in its own words; whatever else is wrong with a posting is told.
    own = (one for one in posting.problems if not (posting.outside and one.code in _OF_THE_STATE))
    found = chain(own, *(check(subject) for check in checks))
    return _by_place(found)


def check_site(
    postings: Mapping[Path, Posting | Problem], folders: tuple[str, ...], now: datetime
) -> tuple[Problem, ...]:
    """Findings that need more than one file, or its place: shared links and addresses, postings outside `folders`.

    What is wrong inside a file is not repeated here. An empty `folders` (or one that is the whole site) says nothing.
    """
    read = [found for found in postings.values() if isinstance(found, Posting) and not found.outside]
    return _by_place(chain(shared_links(read, now), shared_addresses(read), misplaced(read, folders)))


def _by_place(found: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line, one.column, one.code)))

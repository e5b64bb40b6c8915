"""Names of fields: which ones the site knows, which of them machines read, and which key is one of them misspelt.

A name is judged by its letters only, never by the value beside it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from postbot.core.lint.subject import Subject
from postbot.core.problem import Problem, Severity
from postbot.core.profile import Profile
from postbot.core.text.editing import is_misspelling


@lru_cache(maxsize=64)
def _in_lower_case(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names if name)


def machine_names(profile: Profile) -> frozenset[str]:
    """Names (in lower case) of the fields that machines read: state, dates, switches, addresses."""
    state = profile.state.name if profile.state else ""
    single = (state, profile.draft or "", profile.closed_on or "")
    window = (*profile.opens, *profile.closes)
    return _in_lower_case((*window, *single, *profile.per_state, *profile.emails, *profile.urls))


def misspelt_keys(subject: Subject) -> Iterator[Problem]:
    """A name that comes close to one the site knows, live or waiting in a comment."""
    names = subject.profile.names
    live = subject.document.fields
    places = [(key, field.line, field.column, Severity.WARNING) for key, field in live.items()]
    for found in subject.document.commented:
        column = found.column + len(found.lead)
        places.append((found.key, found.line, column, Severity.NOTE))
    for key, line, column, severity in places:
        meant = _meant(key, names)
        if meant and meant not in live:
            message = f"`{key}` is not a field of this site; `{meant}` is, and was probably meant."
            fix = _rename(subject, key, meant)
            yield Problem(subject.posting.path, line, column, "key-misspelt", message, severity, fix)


def unknown_keys(subject: Subject) -> Iterator[Problem]:
    """A live field that this kind of site has no use for; one that is close to a missing one is told as misspelt."""
    names, live = subject.profile.names, subject.document.fields
    for key, field in live.items() if subject.profile.names_all_fields else ():
        meant = _meant(key, names)
        if key not in names and (meant is None or meant in live):
            message = f"`{key}` is not a field that this kind of site knows, so nothing may show it."
            fix = "Check its name; if the site uses it, list it under `known` in the profile."
            place = (subject.posting.path, field.line, field.column)
            yield Problem(*place, "key-unknown", message, Severity.NOTE, fix)


def _meant(key: str, names: tuple[str, ...]) -> str | None:
    """The known name that a key comes close to; a known name is never a misspelling of another."""
    # A generator that writes capitals inside its own names (publishDate) compares names in any case.
    any_case = any(name != name.lower() for name in names)
    if key in names or (any_case and key.lower() in {name.lower() for name in names}):
        return None
    return next((name for name in names if is_misspelling(key, name)), None)


def _rename(subject: Subject, key: str, meant: str) -> str:
    body = subject.document.text[subject.document.front.end :]
    used = re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", body)
    return f"Write `{meant}:`" + (f", and rename `{key}` in the text below, which uses it." if used else ".")

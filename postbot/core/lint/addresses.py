"""E-mail addresses and links: whether a value is one, and whether it is only a template's.

Judged by their form; nothing is ever fetched.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from postbot.core.lifecycle import own_name
from postbot.core.lint.subject import Subject, short
from postbot.core.posting import Posting, is_not_known
from postbot.core.problem import Problem, Severity
from postbot.core.profile import Profile
from postbot.core.text.document import Field
from postbot.core.text.hints import is_placeholder

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"]+@(?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_][\w-]+")
_URL = re.compile(r"https?://(?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_][\w-]+(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)


def _is_email(text: str) -> bool:
    return bool(_EMAIL.fullmatch(text.removeprefix("mailto:")))


def is_url(text: str) -> bool:
    """A link to somewhere: on the web, to a mailbox, or within the site."""
    if text.startswith("/"):
        return not re.search(r"\s", text)
    return bool(_URL.fullmatch(text)) or (text.startswith("mailto:") and _is_email(text.partition("?")[0]))


def invalid_addresses(subject: Subject) -> Iterator[Problem]:
    """Fields that must hold an e-mail address or a link, and hold neither one nor an honest `TBD`."""
    severity = subject.weigh(Severity.ERROR)
    for field, text in _unlike(subject, subject.profile.emails, _is_email):
        message = f"`{field.key}` is not one e-mail address: {short(text)}."
        fix = "Write one address, as in name@agency.gov."
        yield subject.problem(field.value.start, "email-invalid", message, severity, fix=fix)
    for field, text in _unlike(subject, subject.profile.urls, is_url):
        message = f"`{field.key}` is no link: {short(text)}."
        yield subject.problem(field.value.start, "url-invalid", message, severity, fix=_link_fix(text))


def _link_fix(text: str) -> str:
    with_scheme = f"https://{text}"
    return f"Write {with_scheme}." if is_url(with_scheme) else "Write the whole link, beginning with https://."


def _unlike(subject: Subject, names: Iterable[str], fits: Callable[[str], bool]) -> Iterator[tuple[Field, str]]:
    for name in names:
        field = subject.document.fields.get(own_name(subject.posting, name))
        text = (field.text or "").strip() if field else ""
        if field and text and not fits(text) and not says_nothing(subject.posting, field.key, text):
            yield field, text


def says_nothing(posting: Posting, key: str, text: str) -> bool:
    """Whether a value is a placeholder, not known yet, or a template's fake link: told by others, or fine."""
    return is_placeholder(key, text) or is_not_known(posting, text) or bool(fake_link_in(posting.profile, text))


_CUT_SHORT = r"https?://\S{0,300}?(?:\.\.\.|…)(?![^\s)\]}>\"',;])"


@lru_cache(maxsize=64)
def _fake_pattern(links: tuple[str, ...]) -> re.Pattern[str]:
    """A template's links, as hosts or with a path, and any link whose end was cut off."""
    known = "|".join(re.escape(link) for link in links)
    whole = rf"|(?<![\w.-])(?:https?://)?(?:[\w-]{{1,63}}\.){{0,5}}(?:{known})(?![\w-])" if known else ""
    return re.compile(_CUT_SHORT + whole, re.IGNORECASE)


def fake_link_in(profile: Profile, text: str) -> re.Match[str] | None:
    """Where a text holds a link that a template ships, or one that breaks off; None if nowhere."""
    return _fake_pattern(tuple(profile.fake_links)).search(text) if "." in text or "…" in text else None


def fake_links(subject: Subject) -> Iterator[Problem]:
    """A template's example link anywhere in a posting: applicants would follow it."""
    for scalar in subject.values:
        if found := fake_link_in(subject.profile, scalar.node.value):
            message = f"`{scalar.key}` holds a template's example link, not a real one: `{short(found[0])}`."
            offset = subject.offset_of(scalar, found[0])
            fix = "Write the real link, or take the entry out."
            yield subject.problem(offset, "link-fake", message, subject.weigh(Severity.ERROR), fix=fix)

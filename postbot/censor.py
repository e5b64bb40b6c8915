"""Secrets stay unsaid: whatever is written for people or kept has the secrets of this process taken out.

A secret is handed in where it is read, and from then on every text that passes here has `***` in its place, also where
it stands in base64 (by itself, or amid other bytes), in percent-encoding, or as JSON, HTML or Python write it. Tokens
that GitHub and Slack give out are known by their form, whoever holds them. This is the last net below those who must
not hold a secret out in the first place; nothing may rely on it to be allowed to.
"""

import base64
import html
import json
import re
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

_SHORTEST: Final = 6
"""A shorter secret would take words out of everything; whoever chooses one has none."""

_GIVEN_OUT: Final = re.compile(
    r"(?:gh[oprsu]_|github_pat_|xox[a-z]-|xapp-)[A-Za-z0-9_.-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
)
"""Tokens that are made while we run, or are somebody else's, and so are in nobody's keeping: those of GitHub and Slack,
and signed claims. https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
https://api.slack.com/concepts/token-types https://www.rfc-editor.org/rfc/rfc7519
"""

_lock = threading.Lock()
_forms: tuple[str, ...] = ()


def keep(secret: str) -> str:
    """Take a secret into keeping, and return it."""
    global _forms  # noqa: PLW0603 - the secrets of a process are its own
    parts = {secret, *(line for line in secret.splitlines() if len(line) > _SHORTEST and not line.startswith("-----"))}
    with _lock:
        found = {form for part in parts if len(part) >= _SHORTEST for form in _forms_of(part)} | set(_forms)
        _forms = tuple(sorted(found, key=lambda form: (-len(form), form)))  # the longest first: one may hold another
    return secret


def censored(text: str) -> str:
    """The same text without any secret that is kept."""
    for form in _forms:
        if form in text:
            text = text.replace(form, HIDDEN)
    return _GIVEN_OUT.sub(HIDDEN, text)


def _forms_of(secret: str) -> set[str]:
    data = secret.encode()
    written = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], ascii(secret)[1:-1], html.escape(secret)}
    addressed = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return written | addressed | {data.hex(), *_in_base64(data)}


def _in_base64(data: bytes) -> Iterator[str]:
    """By itself; and behind zero, one or two bytes (three make four letters), those letters that are then its own."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode()
        for before in range(3):
            own_from, own_to = -(-before * 8 // 6), (before + len(data)) * 8 // 6
            yield encode(bytes(before) + data).decode()[own_from:own_to]

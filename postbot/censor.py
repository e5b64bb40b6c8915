"""Secrets stay unsaid: whatever is written for people or kept has the secrets of this process taken out.

A secret is handed in where it is read, and from then on every text that passes here has `***` in its place, also where
it stands in base64, in percent-encoding or as JSON writes it. This is the last net below those who must not hold a
secret out in the first place; nothing may rely on it to be allowed to.
"""

import base64
import json
import threading
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

_SHORTEST: Final = 6
"""A shorter secret would take words out of everything; whoever chooses one has none."""

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
    return text


def _forms_of(secret: str) -> set[str]:
    data = secret.encode()
    encoded = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), data.hex()}
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], *encoded}

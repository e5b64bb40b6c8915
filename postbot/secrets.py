"""Secrets of the environment: from a variable, or from the file that its NAME_FILE names. Never from a configuration.

A site may have secrets of its own under a name of its own: with `ACME`, POSTBOT_GITHUB_KEY is looked for first as
POSTBOT_ACME_GITHUB_KEY. Whatever is read is taken into keeping (`postbot.censor`), and no message holds any of it.
"""

import os
from pathlib import Path
from typing import Final

from postbot.censor import keep
from postbot.core.problem import Problem
from postbot.core.text.scalar import unprintable
from postbot.declared import ConfigError

_OURS: Final = "POSTBOT_"


def secret(name: str, also: str = "", site: str = "") -> str:
    """A token: the variable `name`, or the text of the file that `NAME_FILE` names; first those of `site`.

    It is plain ASCII without blanks, or a key in PEM; `also` are other characters that it may hold. Raises
    `ConfigError` when there is none or it cannot be used.
    """
    text = _text(name, site)
    if not text.startswith("-----BEGIN") and not all("!" <= letter <= "~" or letter in also for letter in text):
        raise unusable(name, f"{name} holds blanks or characters that no such secret has; was it pasted whole?")
    return text


def password(name: str, site: str = "") -> str:
    """A secret that a person may have chosen: unlike a token it may hold blanks and any letters. Raises as `secret`."""
    text = _text(name, site)
    if unprintable(text):
        raise unusable(name, f"{name} holds a line break or a control character; was it pasted whole?")
    return text


def optional(name: str, site: str = "") -> str:
    """A password that need not be there: empty where it is not set at all. One that is set and blank is an error."""
    held = holder(name, site)
    if held in os.environ or f"{held}_FILE" in os.environ:
        return password(name, site)
    return ""


def demand(name: str, site: str = "") -> None:
    """Raise `ConfigError` where there is no such secret or its file cannot be read."""
    _text(name, site)


def is_set(name: str, site: str = "") -> bool:
    """Whether anything is set for it; whether it can be used shows when it is read."""
    held = holder(name, site)
    return bool(os.environ.get(held, "").strip() or os.environ.get(f"{held}_FILE"))


def holder(name: str, site: str = "") -> str:
    """The variable that holds a secret (itself or by NAME_FILE): the site's own one where there is that."""
    own = _own(name, site)
    return own if site and (os.environ.get(own) or os.environ.get(f"{own}_FILE")) else name


def unusable(name: str, message: str) -> ConfigError:
    """That a secret cannot be used, and why; the message holds nothing of it."""
    return ConfigError([Problem(name, 1, 1, "config-secret", message)])


def _own(name: str, site: str) -> str:
    return f"{_OURS}{site.upper()}_{name.removeprefix(_OURS)}" if site else name


def _text(name: str, site: str) -> str:
    held = holder(name, site)
    text, path = os.environ.get(held, ""), os.environ.get(f"{held}_FILE", "")
    if not text and path:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise unusable(held, f"{held}_FILE names {path}, which cannot be read: {why}.") from None
    text = text.strip()
    if not text:
        raise unusable(held, _absent(name, site, held))
    return keep(text)


def _absent(name: str, site: str, held: str) -> str:
    if site and held == name:
        return f"There is no {_own(name, site)} and no {name}. Set one, or name a file that holds it with {name}_FILE."
    return f"There is no {held}. Set it, or name a file that holds it with {held}_FILE."

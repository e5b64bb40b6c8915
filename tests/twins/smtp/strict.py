"""What a strict server does not take: RFC 5321 and 5322 to the letter."""

import re
from collections import Counter
from email.parser import BytesHeaderParser

LONGEST_LINE = 998
PATH = re.compile(r"<[^<>\s@]+@[^<>\s@]+>( [A-Za-z0-9-]+(=[^\s=]+)?)*")
NAME = re.compile(r"\[[0-9.]+\]|\[IPv6:[0-9a-fA-F:.]+\]|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
NEEDED = ("date", "from", "message-id")
ONCE = frozenset(
    {
        *(
            "date",
            "from",
            "sender",
            "reply-to",
            "to",
            "cc",
            "bcc",
            "message-id",
            "in-reply-to",
            "references",
            "subject",
        ),
        *("mime-version", "content-type", "content-transfer-encoding", "auto-submitted", "list-id", "approved"),
    }
)


def amiss(content: bytes) -> str | None:
    """Why a mail is refused, as a reply; None where it is taken."""
    lines = content.split(b"\r\n")
    if any(b"\n" in line or b"\r" in line for line in lines):
        return "550 5.6.11 Bare line breaks are not accepted"
    if any(len(line) > LONGEST_LINE for line in lines):
        return "500 5.6.0 Line too long"
    if not content.isascii() or b"\0" in content:
        return "554 5.6.1 Eight-bit text was not announced"
    names = Counter(name.lower() for name in BytesHeaderParser().parsebytes(content))
    if missing := [name for name in NEEDED if not names[name]]:
        return f"550 5.7.1 Without {', '.join(missing)}"
    if twice := [name for name in ONCE if names[name] > 1]:
        return f"550 5.7.1 More than one {', '.join(twice)}"
    return None

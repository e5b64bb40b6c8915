"""Where a posting's page stands on the site: the address that the page fixes itself, or that the generator makes.

Pure. An address is known beyond doubt or not at all: what depends on the generator's settings, on case, on dates or on
odd letters is not known.
"""

import re
from collections.abc import Mapping

from postbot.core.posting import Posting, live_field
from postbot.core.site import Path

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""A name that every generator puts into an address as it is: elsewhere case, blanks, dots or a leading `_` mean
something, and not the same to all."""
_DATED = re.compile(r"\d{4}-\d\d-\d\d-")
"""A post's name begins so, and its date may become a part of the address."""


def public_address(posting: Posting) -> str:
    """The address of the posting's page within the site, from its first slash on; empty where nobody can tell."""
    profile, archive = posting.profile, posting.profile.archive
    permalink = profile.permalink or (archive.permalink if archive else "")
    if fixed := fixed_address(posting, permalink):
        return f"/{fixed.lstrip('/')}"
    addresses = profile.addresses or (archive.addresses if archive else {})
    return made_address(posting, posting.path, permalink, addresses) or ""


def fixed_address(posting: Posting, permalink: str) -> str | None:
    """The whole address that the page says itself; None where it says none, or only how to work one out (`/:path/`)."""
    field = live_field(posting.document, (permalink,)) if permalink else None
    text = (field.text or "").strip() if field else ""
    return text if text and not re.search(r"[:{]", text) else None


def made_address(posting: Posting, path: Path, permalink: str, addresses: Mapping[str, str]) -> str | None:
    """The address that the site makes for this posting in a file of that path; None where that is in doubt.

    `addresses` say how, by folder: from `{folder}` (below that one), `{name}` and `{slug}`.
    """
    homes = [home for home in addresses if not home or path.startswith(f"{home}/")]
    if not homes or (permalink and live_field(posting.document, (permalink,))):
        return None
    home = max(homes, key=len)
    folder, _, file = path.removeprefix(f"{home}/" if home else "").rpartition("/")
    name, form = file.rpartition(".")[0], addresses[home]
    slug = live_field(posting.document, ("slug",))
    if slug and "{slug}" not in form:
        return None  # the generator may well heed it
    parts = {"folder": folder, "name": name, "slug": (slug.text or "") if slug else name}
    if _DATED.match(name) or not all(map(_PLAIN.fullmatch, (*filter(None, folder.split("/")), name, parts["slug"]))):
        return None
    for part, text in parts.items():
        form = form.replace(f"{{{part}}}", text)
    return re.sub("/+", "/", form)

"""Load and dump, as the tools do that people would use instead."""

import io
from collections.abc import Callable, Mapping
from datetime import date

import frontmatter
from ruamel.yaml import YAML

from tests.bench.material import front

Dump = Callable[[bytes, str, str | int | date], bytes]
"""A file's bytes, a key and its value; the answer is the file with that value, as the tool writes it."""


def _ruamel(**indent: int) -> Dump:
    def dump(data: bytes, key: str, value: str | int | date) -> bytes:
        text = front(data)
        assert text is not None
        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = 1 << 20
        yaml.indent(**indent)
        loaded = yaml.load(text)
        loaded[key] = value
        out = io.StringIO()
        yaml.dump(loaded, out)
        return data.replace(text.encode(), out.getvalue().encode(), 1)

    return dump


def _frontmatter(data: bytes, key: str, value: str | int | date) -> bytes:
    post = frontmatter.loads(data.decode("utf-8-sig"))
    post[key] = value
    return frontmatter.dumps(post).encode() + b"\n"


PEERS: Mapping[str, tuple[Dump, ...]] = {
    "ruamel.yaml": (_ruamel(), _ruamel(mapping=2, sequence=4, offset=2), _ruamel(mapping=2, sequence=2, offset=0)),
    "python-frontmatter": (_frontmatter,),
}
"""Each peer with the settings that are tried: quotes kept, lines never wrapped, and the indents that people use."""


def best(name: str, files: Mapping[str, bytes], key: str, value: str | int | date, good: Callable[..., bool]) -> int:
    """How many files a peer gets right with its best settings; `good` takes a file before and after."""
    return max(sum(good(data, _tried(dump, data, key, value)) for data in files.values()) for dump in PEERS[name])


def _tried(dump: Dump, data: bytes, key: str, value: str | int | date) -> bytes:
    try:
        return dump(data, key, value)
    except Exception:  # noqa: BLE001 - whatever a peer stumbles over, it has not edited the file
        return b""

"""How deep the tests go: a sample at the desk, more of it where `CI` is set, everything where `SOAK` is (`make soak`)."""

import os
from typing import TypeVar

SOAK = bool(os.environ.get("SOAK"))
CI = bool(os.environ.get("CI"))

_T = TypeVar("_T")


def at(*, desk: _T, ci: _T, soak: _T) -> _T:
    """What stands for the depth of this run."""
    return soak if SOAK else ci if CI else desk

"""How deep the tests go: a sample of the sweeps, or with `SOAK` set (`make soak`) the whole of them."""

import os
from typing import TypeVar

SOAK = bool(os.environ.get("SOAK"))

_T = TypeVar("_T")


def at(sample: _T, *, soak: _T) -> _T:
    """What stands for the depth of this run."""
    return soak if SOAK else sample

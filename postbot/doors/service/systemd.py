"""What systemd is told of the service: that it is ready, that it lives, that it stops.

By the protocol of sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names, and nothing where none is named.
Nobody else hears it, and whether it arrives changes nothing here.
"""

import os
import socket
from contextlib import suppress
from typing import Final

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"


def tell(state: str) -> None:
    """Tell it a state, if it has started us."""
    if not (name := os.environ.get("NOTIFY_SOCKET")):
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name  # `@` stands for the NUL of an abstract name
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)  # noqa: FBT003 - the socket's own name for it
        line.sendto(state.encode(), address)


def rhythm() -> float | None:
    """How often (seconds) it wants to hear that we live: half of what it waits at most; None where it does not ask."""
    try:
        wanted = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    mine = os.environ.get("WATCHDOG_PID") in (None, str(os.getpid()))
    return wanted / 2_000_000 if mine and wanted > 0 else None

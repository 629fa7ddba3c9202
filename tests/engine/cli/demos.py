"""What is left of a demo: its processes and its database, found by its folder."""

import time
from pathlib import Path

from comptoir.storage.embedded import EmbeddedPostgres

__all__ = ["ends", "processes_of"]


def processes_of(folder: Path) -> dict[int, list[bytes]]:
    """The living processes that work in a folder: process id to arguments."""
    found: dict[int, list[bytes]] = {}
    for entry in Path("/proc").iterdir():
        try:
            if (entry / "cwd").readlink() == folder:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
    return found


def ends(folder: Path, seconds_max: float = 20) -> bool:
    """Whether the demo of a folder, its children and its database end in time."""
    deadline = time.monotonic() + seconds_max
    database = EmbeddedPostgres(folder / "place")
    while processes_of(folder) or database.status().state not in ("absent", "stopped"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

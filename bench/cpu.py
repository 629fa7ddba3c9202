"""CPU time of whole process trees, from /proc: what a busy machine does not blur.

Rule: of each process what it used itself and what its ended children used, so that a worker that came
and went between two looks is counted, and counted once.
Source: proc_pid_stat(5), fields 4 and 14 to 17.
"""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["seconds_of_tree", "tree"]

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str] | None:
    """The fields of a process's stat from the third on; None once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(roots: Iterable[int]) -> set[int]:
    """The processes named and all that descend from them."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))) is not None:
            parents[int(entry.name)] = int(fields[1])
    found = {pid for pid in roots if pid in parents}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def seconds_of_tree(*roots: int) -> float:
    """CPU-seconds, user and system, of the trees of these processes since they began."""
    ticks = 0
    for pid in tree(roots):
        if (fields := _fields(pid)) is not None:
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS_PER_SECOND

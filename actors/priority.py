"""How a program that computes for the daemon gives way to it.

The rule: it takes a processor only where the daemon wants none, but never nothing: nice 10 is a tenth of what the daemon gets
where both want one, nice 5 a third. An idle class is not used: under it a busy machine reads no document and answers no search in time.

It stays in the daemon's session, with a group of its own for what a terminal signals. Linux shares processors out by session
first (`sched_autogroup_enabled`, set on most machines), and a nice counts within one: with a session of its own a program had as
much as the daemon, however nice it was. To be nice as a session was tried, and not taken: on a machine that other sessions want as
well, a program of two seconds took fifteen.
Source: sched(7), "The autogroup feature" and SCHED_BATCH; issue 8, "must show" (the latency of the other routes beside it).
"""

import os
from contextlib import suppress
from typing import Final

__all__ = ["NICE", "give_way"]

NICE: Final = 10
"""Of what takes milliseconds each time (a search), or has hours (a list that is read)."""


def give_way(pid: int = 0, nice: int = NICE) -> None:
    """Have a program compute only beside what the daemon does, and take the processor from nobody when it wakes up.

    What the system does not let us is left: then it has no more than its share.

    Args:
        pid: of the program; 0: this one.
        nice: how far.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    with suppress(OSError, AttributeError):  # of Linux
        os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))

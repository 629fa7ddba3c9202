"""Samples for watch lists: a state for every phase, a message of every type."""

import msgspec

from comptoir.actors.gateways.list_messages import (
    CasesRead,
    CasesUnread,
    ListLoaded,
    ListUnchanged,
    ListWrong,
)
from comptoir.actors.watch_list.machine import PAGE_CASES, Phase, Walk, WatchListState
from comptoir.actors.watch_list.messages import (
    DescribeList,
    DropList,
    KeepList,
    ListDue,
    NoteSearch,
    ReloadList,
    RescreenDue,
)
from comptoir.engine.values import Message

__all__ = ["LOADED", "OF_LISTS", "READY", "numbered"]


def numbered(count: int, first: int = 1) -> tuple[str, ...]:
    """Numbers of files."""
    return tuple(f"ONB-2026-{number:05d}" for number in range(first, first + count))


LOADED = ListLoaded("v2", 10, 20, "look2")
READY = WatchListState(Phase.READY, "sanctions", "v1", 9, 18, 1, 1, "look1", walks=1, walk=Walk(1))
STATES = (
    WatchListState(Phase.NONE),
    WatchListState(Phase.LOADING),
    READY,
    *(
        msgspec.structs.replace(READY, phase=phase, once_more=once_more, walk=walk)
        for phase in (Phase.LOADING, Phase.READY, Phase.REFUSED)
        for once_more in ({False, phase is Phase.LOADING})
        for walk in (None, Walk(1), Walk(1, "ONB-2026-00007", "ONB-2026-00007", of=9),
                     Walk(1, "", "ONB-2026-00007", again=True, of=9))
    ),
)  # fmt: skip
MESSAGES: tuple[Message, ...] = (
    KeepList(), DropList(), ReloadList("u1"), ListDue(), LOADED, ListLoaded("v1", 9, 18, "look2"), ListUnchanged(),
    ListWrong("LIST_INVALID", "line 3: 2 columns, not 8"), RescreenDue(1), NoteSearch("u1", 0), CasesUnread(1, ""), DescribeList(),
    CasesRead(1, "", (), 0, crowded=False), CasesRead(1, "", (), 9, crowded=True),
    CasesRead(1, "", numbered(PAGE_CASES), 99, crowded=False), CasesRead(1, "ONB-2026-00007", (), None, crowded=False),
)  # fmt: skip
OF_LISTS = tuple((state, message) for state in STATES for message in MESSAGES)
"""State and message."""

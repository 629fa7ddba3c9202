"""The kind `disposition`, declared to the engine.

Rule: what a page names is looked for right before it is named. Letters are written by others, too: one may
be gone before it is settled (its time was over, say), and is then left out there.
"""

from comptoir.actors.disposition.machine import (
    MACHINE,
    PAGE_LETTERS,
    REPLIES,
    DispositionState,
)
from comptoir.actors.disposition.messages import PageDue
from comptoir.engine.journal import Journal
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address

__all__ = ["disposition_spec"]


async def _find(journal: Journal, _address: Address, message: PageDue) -> tuple[int, ...]:
    """The ids of the next page."""
    ids = await journal.letter_ids(message.wanted, message.after, message.until, PAGE_LETTERS)
    return tuple(ids)


def disposition_spec(bounds: Bounds) -> ActorSpec[DispositionState]:
    """One actor per letter, or per replay of many."""
    return ActorSpec(
        MACHINE, DispositionState, replies=REPLIES, lookups={PageDue: _find}, bounds=bounds
    )

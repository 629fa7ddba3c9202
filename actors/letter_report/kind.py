"""The kind `letter_report`, declared to the engine.

Rule: what a report counts is counted right before it is decided on. Letters are written by others, so it is
true of that moment, which is all that a report says.
"""

from comptoir.actors.letter_report.machine import MACHINE, REPLIES, ReportState
from comptoir.actors.letter_report.messages import ReportDue
from comptoir.engine.journal import Journal
from comptoir.engine.letters import LetterCount
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address

__all__ = ["letter_report_spec"]


async def _count(journal: Journal, address: Address, message: ReportDue) -> tuple[LetterCount, ...]:
    """The letters of the queue, by what they died of."""
    return tuple(await journal.sum_letters(address.key, message.since))


def letter_report_spec(bounds: Bounds) -> ActorSpec[ReportState]:
    """One actor per queue that is reported."""
    return ActorSpec(
        MACHINE, ReportState, replies=REPLIES, lookups={ReportDue: _count}, bounds=bounds
    )

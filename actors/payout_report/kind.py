"""The kind `payout_report`, declared to the engine.

Rule: what a report is about is looked up right before it is decided on. References are written once, by the
batch that they join, and never changed, so what is found stays true; one that is not there yet is found when
its letter is delivered again.
"""

from typing import Any

from comptoir.actors.payout_batch.messages import REFERENCES
from comptoir.actors.payout_report.machine import MACHINE, REPLIES, ReportState
from comptoir.actors.payout_report.messages import TakeReport, UnmatchedFinding
from comptoir.actors.sepa.words import Finding
from comptoir.engine.journal import Journal
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address

__all__ = ["payout_report_spec"]


async def _known(journal: Journal, findings: tuple[Finding, ...]) -> dict[str, dict[str, Any]]:
    names = {one.reference or one.batch for one in findings}
    return await journal.documents(REFERENCES, sorted(names))


async def _of_part(
    journal: Journal, _address: Address, message: TakeReport
) -> dict[str, dict[str, Any]]:
    """What is known of all that it names."""
    return await _known(journal, message.findings)


async def _of_one(
    journal: Journal, _address: Address, message: UnmatchedFinding
) -> dict[str, dict[str, Any]]:
    """Likewise of what was not."""
    return await _known(journal, (message.finding,))


def payout_report_spec(bounds: Bounds) -> ActorSpec[ReportState]:
    """One actor per report."""
    return ActorSpec(
        MACHINE,
        ReportState,
        replies=REPLIES,
        lookups={TakeReport: _of_part, UnmatchedFinding: _of_one},
        bounds=bounds,
        dead_queue="dlq:withdrawals",
    )

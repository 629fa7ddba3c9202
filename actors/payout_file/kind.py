"""The kind `payout_file`, declared to the engine."""

from comptoir.actors.payout_file.machine import MACHINE, REPLIES, FileState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["payout_file_spec"]


def payout_file_spec(bounds: Bounds) -> ActorSpec[FileState]:
    """One actor per approved batch."""
    return ActorSpec(
        MACHINE, FileState, replies=REPLIES, bounds=bounds, dead_queue="dlq:withdrawals"
    )

"""The kind `revocation`, declared to the engine, and the snapshot that every request is held to.

Rule: the first snapshot is made before the engine takes work, and each later one from what is durable
(engine/reference.py); whoever ends something waits until the snapshot has it (`AccessEnded.version`).
"""

from collections.abc import Callable

from comptoir.actors.revocation.machine import MACHINE, REPLIES, RevocationState
from comptoir.actors.revocation.messages import KIND, REFERENCE, REVOCATIONS
from comptoir.actors.revocation.views import Revocations
from comptoir.engine.journal import Journal
from comptoir.engine.reference import ReferenceSpec
from comptoir.engine.spec import ActorSpec

__all__ = ["revocation_spec", "revocations_reference"]


def revocation_spec() -> ActorSpec[RevocationState]:
    """The one list."""
    return ActorSpec(MACHINE, RevocationState, replies=REPLIES, dead_queue="dlq:access")


def revocations_reference(publish: Callable[[Revocations], None]) -> ReferenceSpec:
    """The snapshot.

    Args:
        publish: hears of every one, before anybody who waits for it does.
    """

    async def build(journal: Journal) -> Revocations:
        state, _ = revocation_spec().read_state(await journal.load(REVOCATIONS))
        snapshot = Revocations(state.number, state.floor, state.over)
        publish(snapshot)
        return snapshot

    return ReferenceSpec(REFERENCE, KIND, build)

"""The kind `withdrawal`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.withdrawal.machine import MACHINE, REPLIES, WithdrawalState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["withdrawal_spec"]


def withdrawal_spec(
    bounds: Bounds, measure: Callable[[Decided], None]
) -> ActorSpec[WithdrawalState]:
    """One actor per withdrawal."""
    return ActorSpec(
        MACHINE,
        WithdrawalState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:withdrawals",
        measure=measure,
    )

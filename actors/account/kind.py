"""The kind `account`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.account.machine import MACHINE, REPLIES
from comptoir.actors.account.state import AccountState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["account_spec"]


def account_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[AccountState]:
    """One actor per file."""
    return ActorSpec(
        MACHINE, AccountState, replies=REPLIES, bounds=bounds, dead_queue="dlq:core-banking", measure=measure
    )  # fmt: skip

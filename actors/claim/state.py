"""What a claim is, and what is recorded of it.

Source: spec.md E9, X23.
"""

from enum import Enum

from comptoir.actors.claim.messages import ClaimDescribed, Claimed, Reason, Verdict
from comptoir.actors.gateways.messages import Stated
from comptoir.engine import Decision, Event, State

__all__ = ["ClaimDecided", "ClaimOpened", "ClaimState", "Outcome", "Phase", "described"]


class Phase(Enum):
    """How far it is."""

    NONE = "none"
    WAITING = "waiting"
    """Its provider is being asked for what nobody has kept."""
    FOUND = "found"
    """The provider had it: it goes on as the claim of that purchase."""
    ANSWERED = "answered"
    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


class ClaimState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    user_id: str = ""
    verdict: Verdict = Verdict.NOT_KEPT
    trace: tuple[str, ...] = ()
    claimed: Claimed | None = None
    opened_at: int = 0
    partner_id: str = ""
    maker: str = ""
    reason: str = ""
    decided_at: int = 0
    because: Reason | None = None
    id: str = ""
    """Its own, of one that was stated: whoever waits for it is told of its decisions."""
    link: str = ""
    """Key of the connection that was named."""
    stated: Stated | None = None
    """While it waits."""
    claim: str = ""
    """Id of the claim of the purchase that was found."""


class ClaimOpened(Event, frozen=True):
    """Somebody asked."""

    verdict: Verdict


class ClaimDecided(Event, frozen=True):
    """Somebody of the house decided."""

    outcome: str
    maker: str
    partner_id: str = ""
    reason: str = ""


Outcome = Decision[ClaimState]


def described(state: ClaimState) -> ClaimDescribed:
    """What is told of it."""
    report = None if state.claimed is None else state.claimed.report
    return ClaimDescribed(
        state.phase.value, state.user_id, state.verdict, state.trace, state.opened_at, report,
        state.partner_id, state.maker, state.reason, state.decided_at, state.because, state.claim,
    )  # fmt: skip

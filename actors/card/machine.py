"""The card's machine: a card is linked once in all, by whoever was first (S66 BANK_CARD_ALREADY_LINKED).

Rule: one actor decides about one card, message after message, so two who link it at once cannot both
have it, whichever user, session or provider they come by. A `once` key would do that too, but could
not be given back, and a card that was revoked may be linked again.

Source: spec.md S66, X15; issue of card linking ("one card links once in all").
"""

from enum import Enum

from comptoir.actors.card.messages import KIND, ClaimCard, ReleaseCard
from comptoir.actors.linking.messages import KIND as LINKING
from comptoir.actors.linking.messages import CardClaimed, CardTaken
from comptoir.engine import Address, Decision, Outgoing, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "CardState", "Phase"]


class Phase(Enum):
    """Whether a connection has it."""

    FREE = "free"
    LINKED = "linked"


class CardState(State, frozen=True):
    """Sealed at rest; the card itself is not in it, only a digest of it is the actor's key."""

    phase: Phase
    connection: str = ""
    """Key of the connection that has it."""


Outcome = Decision[CardState]


def _claim(_state: CardState, message: ClaimCard, _context: Context) -> Outcome:
    linked = CardState(Phase.LINKED, message.connection)
    told = Outgoing(Address(LINKING, message.session), CardClaimed())
    return Decision(linked, messages=(told,))


def _claim_again(state: CardState, message: ClaimCard, _context: Context) -> Outcome:
    mine = message.connection == state.connection
    told = Outgoing(Address(LINKING, message.session), CardClaimed() if mine else CardTaken())
    return Decision(state, messages=(told,))


def _release(state: CardState, message: ReleaseCard, _context: Context) -> Outcome:
    return Decision(CardState(Phase.FREE) if message.connection == state.connection else state)


def _nothing(state: CardState, _message: ReleaseCard, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[CardState] = Machine(
    KIND,
    phases=Phase,
    messages=(ClaimCard, ReleaseCard),
    rows=(
        row(Phase.FREE, ClaimCard, _claim, Phase.LINKED),
        row(Phase.FREE, ReleaseCard, _nothing, Phase.FREE),
        row(Phase.LINKED, ClaimCard, _claim_again, Phase.LINKED),
        row(Phase.LINKED, ReleaseCard, _release, Phase.FREE, Phase.LINKED),
    ),
)

"""What a withdrawal is between two messages, and what it puts on record.

Source: spec.md S46, S50, X25 to X27, E18; actors/withdrawal/machine.py.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from comptoir.actors.wallet.messages import AVAILABLE, BLOCKED, PAID
from comptoir.actors.withdrawal.messages import Order, Step
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine import Event, State

__all__ = [
    "PayeeConfirmed",
    "WithdrawalLate",
    "WithdrawalMoved",
    "WithdrawalSettled",
    "WithdrawalState",
]

PLACES: Final[Mapping[Phase, str]] = MappingProxyType(
    {
        Phase.CANCELLED: AVAILABLE,
        Phase.FAILED: AVAILABLE,
        Phase.RETURNED: AVAILABLE,
        Phase.COMPLETED: PAID,
    }
)
"""Where the points are; blocked in every other phase."""


class WithdrawalState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    order: Order | None = None
    asked_at: int = 0
    payment_id: str = ""
    reports: tuple[str, ...] = ()
    """A set, in order: all that was ever said of the payment."""
    history: tuple[Step, ...] = ()
    batch: str = ""
    """By which it is paid; empty: by none."""
    left_at: int = 0
    """When its order left; 0: it has not, or had before this was kept."""
    overdue_at: int = 0

    @property
    def place(self) -> str:
        """Where its points are."""
        return PLACES.get(self.phase, BLOCKED)


class WithdrawalSettled(Event, frozen=True):
    """A person has found out what is true."""

    outcome: str
    maker: str
    reason: str


class PayeeConfirmed(Event, frozen=True):
    """What its person was shown of whose account it is, and what they said to it, before points were blocked."""

    answer: str
    name: str
    checked_at: int
    accepted: bool
    quoted: bool


class WithdrawalLate(Event, frozen=True):
    """It has no end, and should have one."""


class WithdrawalMoved(Event, frozen=True):
    """It is in another phase."""

    phase: str
    code: str = ""

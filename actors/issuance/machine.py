"""Tokens made by hand: each one becomes an event, once.

Rule: a token is known by its `jti`; told a second time, after a crash between the commit and the removal
of what waited, it is the same one. Source: spec.md S36; interface.md 9; RFC 9068 (claims).
"""

from enum import Enum
from typing import Final

from comptoir.actors.issuance.messages import KIND, RecordToken, TokenRecorded
from comptoir.engine import Decision, Event, Once, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "IssuanceState", "Phase", "TokenIssuedByHand"]

ONCE_MS: Final = 366 * 86_400_000
"""A daemon that stood still for longer, right between a commit and the removal of what it committed,
would record a token twice; nobody would be hurt."""


class Phase(Enum):
    """Whether any token was made by hand."""

    SILENT = "silent"
    RECORDING = "recording"


class IssuanceState(State, frozen=True):
    """The tokens themselves are events; here is only how many."""

    phase: Phase
    tokens: int = 0


class TokenIssuedByHand(Event, frozen=True):
    """Somebody with access to the data folder had a token signed."""

    token_id: str
    issued_at: int
    subject: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    client_id: str
    life_s: int
    account: int


def _record(
    state: IssuanceState, message: RecordToken, _context: Context
) -> Decision[IssuanceState]:
    tokens = state.tokens + 1
    event = TokenIssuedByHand(
        message.token_id,
        message.issued_at,
        message.subject,
        message.roles,
        message.scopes,
        message.client_id,
        message.life_s,
        message.account,
    )
    return Decision(
        IssuanceState(Phase.RECORDING, tokens),
        TokenRecorded(tokens),
        events=(event,),
        once=(Once("token", message.token_id, ONCE_MS),),
    )


MACHINE: Machine[IssuanceState] = Machine(
    KIND,
    phases=Phase,
    messages=(RecordToken,),
    rows=(
        row(Phase.SILENT, RecordToken, _record, Phase.RECORDING),
        row(Phase.RECORDING, RecordToken, _record, Phase.RECORDING),
    ),
)

REPLIES: tuple[type[Reply], ...] = (TokenRecorded,)

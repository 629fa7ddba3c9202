"""How the tokens of a connection are replaced before they end: each refresh token once (S45)."""

import msgspec

from comptoir.actors.connection.healing import READING
from comptoir.actors.connection.messages import ReadOn, RotateTokens, TokensRefreshed
from comptoir.actors.connection.state import ConnectionState, Outcome, TokensRotated
from comptoir.actors.gateways.messages import RefreshTokens, Tokens, bank
from comptoir.actors.programme import programme_of
from comptoir.engine import Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = ["ROTATION", "refreshed", "replaced_at", "rotate", "rotation", "was_replaced"]

ROTATION = "tokens"
"""Name of the timer."""


def replaced_at(tokens: Tokens, context: Context) -> int:
    """When they are to be replaced: business time, ms; 0 where they have no end."""
    if not tokens.expires_at:
        return 0
    return tokens.expires_at - programme_of(context).token_margin_ms


def was_replaced(state: ConnectionState, access: str) -> bool:
    """Whether another access has come since something was asked by this one."""
    tokens = state.tokens
    return bool(access) and tokens is not None and tokens.access != access


def rotation(state: ConnectionState, context: Context) -> tuple[Outgoing, ...]:
    """The timer by which they are replaced before their end; those that have none need none."""
    tokens = state.tokens
    assert tokens is not None
    if not tokens.expires_at:
        return ()
    due = max(context.now, replaced_at(tokens, context))
    return (Outgoing(context.address, RotateTokens(), due, ROTATION),)


def rotate(state: ConnectionState, _message: RotateTokens, _context: Context) -> Outcome:
    """They end soon."""
    tokens = state.tokens
    assert tokens is not None
    asked = RefreshTokens(f"{state.id}:{state.rotations}", tokens.refresh)
    rotating = msgspec.structs.replace(state, rotating=True)
    return Decision(rotating, messages=(Outgoing(bank(state.provider), asked),))


def refreshed(state: ConnectionState, message: TokensRefreshed, context: Context) -> Outcome:
    """The old ones are forgotten; what they could not read any more is read by the new ones."""
    rotated = msgspec.structs.replace(
        state, tokens=message.tokens, rotations=state.rotations + 1, rotating=False
    )
    cut_off = state.again and not state.syncing
    reading = Outgoing(context.address, ReadOn(), context.now, READING)
    return Decision(
        rotated,
        events=(TokensRotated(state.id),),
        messages=(*rotation(rotated, context), *((reading,) if cut_off else ())),
    )

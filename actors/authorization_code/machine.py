"""The authorization code's machine: used once, within its minute, by whoever can show that it is theirs.

Rules:
- the first presentation uses the code, also a wrong one: whoever has the code and not the verifier is
  not the client, and is given no second try;
- the tokens' family is opened by the very decision that uses the code, so that there is never the one
  without the other, and whatever dies in between changes nothing;
- a code that comes again after it was redeemed has been read by somebody else: what it gave is taken
  back, access tokens included (RFC 6749 section 4.1.2).

Source: spec.md S34; RFC 6749 sections 4.1.2 and 4.1.3; RFC 7636 section 4.6; RFC 9700 section 2.1.1.
"""

import hmac
from enum import Enum

from comptoir.actors.authorization_code.messages import (
    KIND,
    CodeExpired,
    CodeIssued,
    CodeRedeemed,
    CodeRefused,
    IssueCode,
    RedeemCode,
)
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import Authorization, EndFamily, OpenFamily
from comptoir.engine import Address, Decision, Event, Outgoing, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "CodeReused", "CodeState", "CodeUsed", "Phase"]

EXPIRY = "expiry"
"""The timer's name."""


class Phase(Enum):
    """Whether the code is worth anything."""

    UNKNOWN = "unknown"
    ISSUED = "issued"
    REDEEMED = "redeemed"
    ENDED = "ended"


class CodeState(State, frozen=True):
    """Sealed as a whole at rest: who signed in stands in it."""

    phase: Phase
    authorization: Authorization | None = None
    """None but in ISSUED: later the family knows."""
    redirect_uri: str = ""
    challenge: str = ""
    nonce: str = ""
    expires_at: int = 0
    """Business time, ms since 1970."""
    family: str = ""
    """What it was redeemed for."""
    why: str = ""
    """Of its end."""


class CodeUsed(Event, frozen=True):
    """A client came with the code."""

    client_id: str
    outcome: str
    """`redeemed`, or the reason of the refusal."""


class CodeReused(Event, frozen=True):
    """It came again; what it gave was taken back."""


Outcome = Decision[CodeState]


def _issue(_state: CodeState, message: IssueCode, context: Context) -> Outcome:
    expires_at = context.now + message.lifetime_ms
    issued = CodeState(
        Phase.ISSUED,
        message.authorization,
        message.redirect_uri,
        message.challenge,
        message.nonce,
        expires_at,
    )
    timer = Outgoing(context.address, CodeExpired(), expires_at, EXPIRY)
    return Decision(issued, CodeIssued(expires_at), messages=(timer,))


def _redeem(state: CodeState, message: RedeemCode, context: Context) -> Outcome:
    allowed = state.authorization
    assert allowed is not None
    fault = _fault(state, allowed, message, context.now)
    used = CodeUsed(allowed.client_id, fault or "redeemed")
    if fault:
        ended = CodeState(Phase.ENDED, why=fault)
        return Decision(ended, CodeRefused(fault), events=(used,), cancel=(EXPIRY,))
    opening = OpenFamily(allowed, message.digest, message.family_ms)
    return Decision(
        CodeState(Phase.REDEEMED, family=message.family),
        CodeRedeemed(allowed, state.nonce),
        events=(used,),
        messages=(Outgoing(Address(FAMILY, message.family), opening),),
        cancel=(EXPIRY,),
    )


def _fault(state: CodeState, allowed: Authorization, message: RedeemCode, now: int) -> str:
    """Why this is not the client that the code was given to; empty if it is."""
    if now >= state.expires_at:  # the timer may be late
        return "expired"
    if message.client_id != allowed.client_id:
        return "client_mismatch"
    if message.redirect_uri != state.redirect_uri:
        return "redirect_mismatch"
    if not hmac.compare_digest(message.challenge, state.challenge):
        return "verifier_mismatch"
    return ""


def _reuse(state: CodeState, _message: RedeemCode, _context: Context) -> Outcome:
    back = Outgoing(Address(FAMILY, state.family), EndFamily("code_reused"))
    return Decision(
        CodeState(Phase.ENDED, why="reused"),
        CodeRefused("reused"),
        events=(CodeReused(),),
        messages=(back,),
    )


def _expire(_state: CodeState, _message: CodeExpired, _context: Context) -> Outcome:
    return Decision(CodeState(Phase.ENDED, why="expired"))


def _unknown(state: CodeState, _message: RedeemCode, _context: Context) -> Outcome:
    return Decision(state, CodeRefused("unknown"))


def _ended(state: CodeState, _message: RedeemCode, _context: Context) -> Outcome:
    return Decision(state, CodeRefused(state.why))


def _over(state: CodeState, _message: CodeExpired, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[CodeState] = Machine(
    KIND,
    phases=Phase,
    messages=(IssueCode, RedeemCode, CodeExpired),
    rows=(
        row(Phase.UNKNOWN, IssueCode, _issue, Phase.ISSUED),
        row(Phase.UNKNOWN, RedeemCode, _unknown, Phase.UNKNOWN),
        row(Phase.ISSUED, RedeemCode, _redeem, Phase.REDEEMED, Phase.ENDED),
        row(Phase.ISSUED, CodeExpired, _expire, Phase.ENDED),
        row(Phase.REDEEMED, RedeemCode, _reuse, Phase.ENDED),
        row(Phase.REDEEMED, CodeExpired, _over, Phase.REDEEMED),  # the timer was on its way
        row(Phase.ENDED, RedeemCode, _ended, Phase.ENDED),
        row(Phase.ENDED, CodeExpired, _over, Phase.ENDED),
    ),
    terminal=(Phase.ENDED,),
)

REPLIES: tuple[type[Reply], ...] = (CodeIssued, CodeRedeemed, CodeRefused)

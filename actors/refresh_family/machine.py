"""The machine of a family of refresh tokens: one token lives at a time, and using an old one ends all.

Rules:
- a token is used once; the answer names its successor, and only the digest of either is kept;
- whoever presents a token of the family that is not the living one ends the family: a thief or the
  client holds a copy, and we cannot tell who is who (RFC 9700 section 4.14.2);
- there is no grace. One in which the old token is taken again would give a thief who is quick a family
  of his own, unseen; and the same answer cannot be given twice, because we keep no token. A client
  that lost an answer signs in again (docs/adr/0020);
- the family's life is fixed when it is opened, so a stolen token cannot be kept alive by using it;
- the person's actor and the list of their sessions hear of it by the very decision that opens it, and the access tokens that came of a
  family are refused from its end on, unless it ends by its time.

The state does not grow with the rotations. A token names its family by 128 random bits of which only
the digest is known here, the actor's key; so who comes with another secret than the living one had a
token of this family once, and its earlier secrets need not be remembered to know that.

Source: spec.md S34; RFC 6749 sections 6 and 10.4; RFC 7009; RFC 9700 section 4.14.2.
"""

import hmac
from enum import Enum

import msgspec

from comptoir.actors.consent.messages import KIND as CONSENT
from comptoir.actors.consent.messages import NoteFamily
from comptoir.actors.person.messages import KIND as PERSON
from comptoir.actors.person.messages import NoteGiven
from comptoir.actors.refresh_family.messages import (
    KIND,
    PERSON_OVER,
    Authorization,
    DescribeFamily,
    EndFamily,
    FamilyDescribed,
    FamilyExpired,
    FamilyMissing,
    FamilyOpened,
    OpenFamily,
    Revoked,
    RevokeFamily,
    RotateToken,
    TokenRefused,
    TokenRotated,
)
from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.actors.sessions.messages import KIND as SESSIONS
from comptoir.actors.sessions.messages import NoteOpened
from comptoir.engine import Address, Decision, Event, Outgoing, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "FamilyEnded", "FamilyStarted", "FamilyState", "Phase", "Rotated"]

EXPIRY = "expiry"
"""The timer's name."""
EXPIRED = "expired"
"""Why a family ends whose time is over."""


class Phase(Enum):
    """Whether a token of the family may be used."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    ENDED = "ended"


class FamilyState(State, frozen=True):
    """Sealed as a whole at rest: whose it is stands in it."""

    phase: Phase
    authorization: Authorization | None = None
    """None but in ACTIVE: an ended family says no more of anybody."""
    digest: str = ""
    """Of the living token's secret."""
    expires_at: int = 0
    """Business time, ms since 1970."""
    rotations: int = 0
    why: str = ""
    """Of its end."""
    opened_at: int = 0
    """Business time, ms since 1970; 0: a release before did not say."""
    used_at: int = 0
    """Likewise."""


class FamilyStarted(Event, frozen=True):
    """Somebody signed in through a client; who, is sealed with what is theirs (S59)."""

    person: str
    """Key of their actor."""
    client_id: str
    methods: tuple[str, ...]


class Rotated(Event, frozen=True):
    """The living token was used, the so-manieth time."""

    rotation: int


class FamilyEnded(Event, frozen=True):
    """No token of the family is taken from now on."""

    why: str
    rotations: int


Outcome = Decision[FamilyState]


def _open(_state: FamilyState, message: OpenFamily, context: Context) -> Outcome:
    expires_at = context.now + message.lifetime_ms
    allowed = message.authorization
    messages: tuple[Outgoing, ...] = (
        Outgoing(context.address, FamilyExpired(), expires_at, EXPIRY),
    )
    if allowed.person:
        given = NoteGiven(KIND, context.address.key, allowed.generation, expires_at)
        messages += (Outgoing(Address(PERSON, allowed.person), given),)
    if allowed.consents:
        noted = NoteFamily(allowed.client_id, allowed.consent, context.address.key, expires_at)
        messages += (Outgoing(Address(CONSENT, allowed.consents), noted),)
    if allowed.listing:
        opened = NoteOpened(KIND, context.address.key, expires_at, allowed.origin)
        messages += (Outgoing(Address(SESSIONS, allowed.listing), opened),)
    active = FamilyState(Phase.ACTIVE, allowed, message.digest, expires_at)
    return Decision(
        msgspec.structs.replace(active, opened_at=context.now, used_at=context.now),
        FamilyOpened(expires_at),
        events=(FamilyStarted(allowed.person, allowed.client_id, allowed.methods),),
        messages=messages,
    )


def _rotate(state: FamilyState, message: RotateToken, context: Context) -> Outcome:
    assert state.authorization is not None
    # A timer may be late, by a restart or a backlog; a token's life may not.
    if context.now >= state.expires_at:
        return _ended_with(state, EXPIRED, TokenRefused(EXPIRED), context)
    if message.client_id != state.authorization.client_id:
        # The token is right or was right once, and is in the hands of somebody else.
        return _ended_with(state, "client_mismatch", TokenRefused("client_mismatch"), context)
    if not hmac.compare_digest(message.digest, state.digest):
        return _ended_with(state, "reused", TokenRefused("reused"), context)
    if not set(message.scopes) <= set(state.authorization.scopes):
        return Decision(state, TokenRefused("scope_exceeded"))  # a client's mistake, and no theft
    scopes = message.scopes or state.authorization.scopes
    narrowed = msgspec.structs.replace(state.authorization, scopes=scopes)
    rotations = state.rotations + 1
    return Decision(
        msgspec.structs.replace(
            state, digest=message.next_digest, rotations=rotations, used_at=context.now
        ),
        TokenRotated(narrowed, state.expires_at),
        events=(Rotated(rotations),),
    )


def _revoke(state: FamilyState, message: RevokeFamily, context: Context) -> Outcome | Refusal:
    assert state.authorization is not None
    if message.client_id != state.authorization.client_id:
        return Refusal("FORBIDDEN", "the token was issued to another client")
    return _ended_with(state, "revoked", Revoked(ended=True), context)


def _describe(state: FamilyState, _message: DescribeFamily, context: Context) -> Outcome:
    assert state.authorization is not None
    if context.now >= state.expires_at:
        return Decision(state, FamilyMissing())
    opened_at = state.opened_at or state.authorization.signed_in_at * 1000
    described = FamilyDescribed(
        state.authorization, opened_at, state.used_at or opened_at, state.expires_at
    )
    return Decision(state, described)


def _missing(state: FamilyState, _message: DescribeFamily, _context: Context) -> Outcome:
    return Decision(state, FamilyMissing())


def _told(state: FamilyState, message: EndFamily, context: Context) -> Outcome:
    return _ended_with(state, message.why, None, context)


def _expire(state: FamilyState, _message: FamilyExpired, context: Context) -> Outcome:
    ended = _ended_with(state, EXPIRED, None, context)
    return msgspec.structs.replace(ended, cancel=())  # it is this very timer


def _ended_with(state: FamilyState, why: str, reply: Reply | None, context: Context) -> Outcome:
    ended = FamilyState(Phase.ENDED, rotations=state.rotations, why=why)
    ending = FamilyEnded(why, state.rotations)
    # By its time: then its last access token is as old as others may become. Of a person: said by them.
    quiet = why in (EXPIRED, PERSON_OVER)
    refused = Outgoing(REVOCATIONS, EndAccess(Ground.FAMILY, context.address.key))
    messages = () if quiet else (refused,)
    return Decision(ended, reply, events=(ending,), messages=messages, cancel=(EXPIRY,))


def _unknown(state: FamilyState, _message: RotateToken, _context: Context) -> Outcome:
    return Decision(state, TokenRefused("unknown"))


def _ended(state: FamilyState, _message: RotateToken, _context: Context) -> Outcome:
    return Decision(state, TokenRefused(state.why))


def _nothing_left(state: FamilyState, _message: RevokeFamily, _context: Context) -> Outcome:
    # RFC 7009 section 2.2: what is no token any more is revoked, whoever asks.
    return Decision(state, Revoked())


def _over(state: FamilyState, _message: EndFamily | FamilyExpired, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[FamilyState] = Machine(
    KIND,
    phases=Phase,
    messages=(OpenFamily, RotateToken, RevokeFamily, DescribeFamily, EndFamily, FamilyExpired),
    rows=(
        row(Phase.UNKNOWN, OpenFamily, _open, Phase.ACTIVE),
        row(Phase.UNKNOWN, RotateToken, _unknown, Phase.UNKNOWN),
        row(Phase.UNKNOWN, RevokeFamily, _nothing_left, Phase.UNKNOWN),
        row(Phase.UNKNOWN, DescribeFamily, _missing, Phase.UNKNOWN),
        row(Phase.ACTIVE, RotateToken, _rotate, Phase.ACTIVE, Phase.ENDED),
        row(Phase.ACTIVE, RevokeFamily, _revoke, Phase.ENDED),
        row(Phase.ACTIVE, DescribeFamily, _describe, Phase.ACTIVE),
        row(Phase.ACTIVE, EndFamily, _told, Phase.ENDED),
        row(Phase.ACTIVE, FamilyExpired, _expire, Phase.ENDED),
        row(Phase.ENDED, RotateToken, _ended, Phase.ENDED),
        row(Phase.ENDED, RevokeFamily, _nothing_left, Phase.ENDED),
        row(Phase.ENDED, DescribeFamily, _missing, Phase.ENDED),
        row(Phase.ENDED, EndFamily, _over, Phase.ENDED),  # found out twice
        row(Phase.ENDED, FamilyExpired, _over, Phase.ENDED),  # the timer was on its way
    ),
    terminal=(Phase.ENDED,),
)

REPLIES: tuple[type[Reply], ...] = (
    FamilyOpened, FamilyDescribed, FamilyMissing, TokenRotated, TokenRefused, Revoked,
)  # fmt: skip

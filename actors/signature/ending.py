"""How it ends otherwise than by a report: its time is over, the file does not want it any more, or keeps what it keeps.

The rules: a late timer gives nobody a minute more, and an early one takes none; what the file ends is not told to the file
again; an envelope that nobody is to sign is voided again, at ever longer intervals, until its provider says that it is gone, as
long as it could be signed, so that none waits for a person who has given up a call; a contract that is signed stays, as evidence, for as long as its file is kept (S18, X13).
Source: spec.md S16, S18, S28; docs/signature.md.
"""

from typing import Final

import msgspec

from comptoir.actors.gateways.document_messages import OBJECTS, DeleteObject
from comptoir.actors.gateways.signing_messages import (
    SIGNING,
    ContractMade,
    EnvelopeCreated,
    SignedFetched,
    VoidEnvelope,
)
from comptoir.actors.signature.beginning import overtaken, void_of
from comptoir.actors.signature.hearing import EXPIRY, POLL, SigningDecision, again
from comptoir.actors.signature.messages import (
    ForgetContract,
    KeepContract,
    SigningEnded,
    SigningOver,
    StandingDue,
    VoidSigning,
)
from comptoir.actors.signature.state import (
    ContractForgotten,
    ContractKept,
    Phase,
    SignatureState,
    SigningClosed,
    moved,
    reference_of,
)
from comptoir.actors.signature.superseded import DAY_MS, due, timer_of, void_of_earlier
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "created_in_vain",
    "created_late",
    "expire",
    "forget",
    "keep",
    "made_in_vain",
    "void",
    "void_again",
]

EXPIRED: Final = "SIGNATURE_EXPIRED"
FORGOTTEN: Final = "FILE_ERASED"
ENDED: Final = (Phase.DECLINED, Phase.EXPIRED, Phase.VOIDED, Phase.FAILED)


def expire(state: SignatureState, message: SigningOver, context: Context) -> SigningDecision:
    """Its time is over: its provider is to have it signed no more, and the file hears of it."""
    assert state.asked is not None
    round_ = state.asked.round
    if message.round != round_ or context.now < state.expires_at:
        return Decision(state)
    told = SigningEnded(round_, "expired", EXPIRED, context.now)
    voids = _voided(state, void_of(state, EXPIRED, context), context)
    return Decision(
        moved(_waiting(state, voids), Phase.EXPIRED, context.now, EXPIRED),
        events=(SigningClosed(round_, Phase.EXPIRED.value, EXPIRED),),
        messages=(*voids, Outgoing(Address("onboarding", context.address.key), told)),
        cancel=() if voids else (POLL,),
    )


def _voided(
    state: SignatureState, voids: tuple[Outgoing, ...], context: Context
) -> tuple[Outgoing, ...]:
    """What has its envelope voided, and the timer that looks whether it is gone; nothing where there is none."""
    return (*voids, again(state, context)) if voids else ()


def _waiting(
    state: SignatureState, voids: tuple[Outgoing, ...], ends_at: int = 0
) -> SignatureState:
    """It is waited for that its envelope is gone; after its time, or `ends_at`, its provider has ended it by itself."""
    if not voids:
        return state
    return msgspec.structs.replace(state, void_until=max(state.expires_at, ends_at) + DAY_MS)


def void_again(state: SignatureState, message: StandingDue, context: Context) -> SigningDecision:
    """Nobody has said that its envelope is gone: it is voided once more, as long as it could be signed."""
    assert state.asked is not None
    if message.round != state.asked.round:
        return due(state, message, context)
    if not state.void_until:
        return Decision(state)
    if context.now >= state.void_until:
        return Decision(msgspec.structs.replace(state, void_until=0))
    said = msgspec.structs.replace(state, voids=state.voids + 1)
    voids = (_void(said, state.reason, context, again=True),)
    return Decision(said, messages=_voided(said, voids, context))


def _void(state: SignatureState, reason: str, context: Context, *, again: bool = False) -> Outgoing:
    assert state.asked is not None
    reference = reference_of(context.address.key, state.asked.round)
    return Outgoing(SIGNING, VoidEnvelope(reference, state.envelope_id, reason, again))


def void(state: SignatureState, message: VoidSigning, context: Context) -> SigningDecision:
    """The file does not want it signed."""
    assert state.asked is not None
    if state.phase in ENDED:
        return Decision(msgspec.structs.replace(state, closed=True))
    voids = _voided(state, void_of(state, message.reason, context), context)
    ended = moved(_waiting(state, voids), Phase.VOIDED, context.now, message.reason)
    return Decision(
        msgspec.structs.replace(ended, closed=True),
        events=(SigningClosed(state.asked.round, Phase.VOIDED.value, message.reason),),
        messages=voids,
        cancel=(EXPIRY,) if voids else (POLL, EXPIRY),
    )


def keep(state: SignatureState, message: KeepContract, context: Context) -> SigningDecision:
    """The file has ended badly: what is signed is kept, what is not is voided (S18)."""
    assert state.asked is not None
    signed = state.phase in (Phase.FETCHING, Phase.SIGNED)
    happened = ContractKept(state.asked.round, signed, message.reason)
    if signed:
        over = msgspec.structs.replace(state, file_over=state.phase is Phase.SIGNED)
        return Decision(over, events=(happened,))
    decided = void(state, VoidSigning(message.reason), context)
    return msgspec.structs.replace(decided, events=(happened, *decided.events))


def forget(state: SignatureState, _message: ForgetContract, context: Context) -> SigningDecision:
    """What was drawn and what was signed goes, of all rounds; an envelope that is out is voided."""
    if state.asked is None:
        return Decision(state)
    given_way = state.superseded
    paths = (
        state.document_path, state.signed_path, *state.drafts, *state.earlier,
        *(path for x in given_way for path in (x.document_path, x.signed_path)),
    )  # fmt: skip
    gone = (Outgoing(OBJECTS, DeleteObject(path)) for path in dict.fromkeys(paths) if path)
    voids = () if state.closed or state.signed_path else void_of(state, FORGOTTEN, context)
    if state.void_until:
        voids = (_void(state, FORGOTTEN, context),)
    earlier = (void_of_earlier(x, FORGOTTEN, context) for x in given_way if not x.signed_path)
    return Decision(
        SignatureState(Phase.NONE),
        events=(ContractForgotten(state.asked.round),),
        messages=(*gone, *voids, *earlier),
        cancel=(POLL, EXPIRY, *dict.fromkeys(timer_of(x.round) for x in given_way)),
    )


def made_in_vain(
    state: SignatureState, message: ContractMade | SignedFetched, _context: Context
) -> SigningDecision:
    """It was under way when its file went: it goes as well."""
    path = message.path
    return Decision(state, messages=(Outgoing(OBJECTS, DeleteObject(path)),) if path else ())


def created_in_vain(
    state: SignatureState, message: EnvelopeCreated, _context: Context
) -> SigningDecision:
    """Likewise: nobody is to sign it."""
    voided = VoidEnvelope(message.reference, message.envelope_id, FORGOTTEN)
    return Decision(state, messages=(Outgoing(SIGNING, voided),))


def created_late(
    state: SignatureState, message: EnvelopeCreated, context: Context
) -> SigningDecision:
    """It was voided before its envelope was known: now that one is voided; so is one of a round before."""
    assert state.asked is not None
    reference = reference_of(context.address.key, state.asked.round)
    if state.envelope_id or message.reference != reference:
        return overtaken(state, message, context)
    known = msgspec.structs.replace(
        state, provider=message.provider, envelope_id=message.envelope_id
    )
    voids = _voided(known, (_void(known, state.reason, context),), context)
    # It was made just now, for a day at least.
    return Decision(_waiting(known, voids, context.now + DAY_MS), messages=voids)

"""How it ends otherwise than by a report: its time is over, the file does not want it any more, or keeps what it keeps.

The rules: a late timer gives nobody a minute more, and an early one takes none; what the file ends is not told to the file
again; a contract that is signed stays, as evidence, for as long as its file is kept (S18, X13).
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
from comptoir.actors.signature.hearing import EXPIRY, POLL, SigningDecision
from comptoir.actors.signature.messages import (
    ForgetContract,
    KeepContract,
    SigningEnded,
    SigningOver,
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
from comptoir.actors.signature.superseded import timer_of, void_of_earlier
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = ["created_in_vain", "created_late", "expire", "forget", "keep", "made_in_vain", "void"]

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
    return Decision(
        moved(state, Phase.EXPIRED, context.now, EXPIRED),
        events=(SigningClosed(round_, Phase.EXPIRED.value, EXPIRED),),
        messages=(
            *void_of(state, EXPIRED, context),
            Outgoing(Address("onboarding", context.address.key), told),
        ),
        cancel=(POLL,),
    )


def void(state: SignatureState, message: VoidSigning, context: Context) -> SigningDecision:
    """The file does not want it signed."""
    assert state.asked is not None
    if state.phase in ENDED:
        return Decision(msgspec.structs.replace(state, closed=True))
    ended = msgspec.structs.replace(
        moved(state, Phase.VOIDED, context.now, message.reason), closed=True
    )
    return Decision(
        ended,
        events=(SigningClosed(state.asked.round, Phase.VOIDED.value, message.reason),),
        messages=void_of(state, message.reason, context),
        cancel=(POLL, EXPIRY),
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
    voided = VoidEnvelope(reference, message.envelope_id, state.reason)
    return Decision(known, messages=(Outgoing(SIGNING, voided),))

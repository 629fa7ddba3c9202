"""How a contract is begun: drawn, sent to its signer, and given up where that is not possible.

The rules: the same round again is the same contract, whatever has become of it; a higher one begins anew, and has the
envelope of the one before voided, whenever it turns up; but what its client has signed stays signed, and counts as the higher round, as long as
its file has not heard of it and ended; an answer counts only under the reference of the round that is under way.
Source: spec.md S7, S18, S28; docs/signature.md.
"""

import msgspec

from comptoir.actors.gateways.signing_messages import (
    CONTRACTS,
    SIGNING,
    ContractMade,
    CreateEnvelope,
    EnvelopeCreated,
    MakeContract,
    SigningRefused,
    VoidEnvelope,
)
from comptoir.actors.signature.hearing import EXPIRY, POLL, SigningDecision, heard, signed_word
from comptoir.actors.signature.messages import (
    EMBEDDED,
    OpenSigning,
    SigningEnded,
    SigningOver,
    SigningStarted,
    StandingDue,
)
from comptoir.actors.signature.state import (
    RANK,
    ContractDrawn,
    EnvelopeOpened,
    Phase,
    SignatureState,
    SigningBegun,
    SigningClosed,
    Superseded,
    described,
    moved,
    reference_of,
    round_of,
)
from comptoir.actors.signature.superseded import REISSUED, once_more, remembered, with_superseded
from comptoir.actors.signature.terms import signing_terms_of
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = ["created", "drawn", "overtaken", "reopen", "void_of"]


def reopen(state: SignatureState, message: OpenSigning, context: Context) -> SigningDecision:
    """Have it signed: the first time, the same again, or anew."""
    if state.asked is not None and message.round <= round_of(state):
        return Decision(state, described(state))
    if state.phase in (Phase.FETCHING, Phase.SIGNED) and not state.file_over:
        return _signed_already(state, message, context)
    signed = (state.signed_path,) if state.phase is Phase.SIGNED else ()
    file = context.address.key
    begun = SignatureState(
        Phase.DRAWING,
        message,
        document_path=f"{file}/CONTRACT/{context.draw_id('contract')}.pdf",
        earlier=(*state.earlier, *signed),
        drafts=tuple(x for x in (*state.drafts, state.document_path) if x),
        superseded=remembered(state),
    )
    make = MakeContract(
        reference_of(file, message.round), begun.document_path, message.template,
        message.client_type, message.signer, message.values, context.now,
    )  # fmt: skip
    return Decision(
        begun,
        described(begun),
        events=(SigningBegun(message.round, message.template),),
        messages=(
            *void_of(state, REISSUED, context),
            Outgoing(CONTRACTS, make),
            *(once_more(x.round, context) for x in begun.superseded if x not in state.superseded),
        ),
        cancel=() if state.phase is Phase.NONE else (POLL, EXPIRY),
    )


def _signed_already(
    state: SignatureState, message: OpenSigning, context: Context
) -> SigningDecision:
    """It was issued anew while word was on its way that it is signed: signed wins, and is told of the new round."""
    stays = msgspec.structs.replace(state, counts_as=message.round)
    words = (signed_word(stays, context),) if state.phase is Phase.SIGNED else ()
    return Decision(stays, described(stays), messages=words)


def void_of(state: SignatureState, reason: str, context: Context) -> tuple[Outgoing, ...]:
    """What has an envelope voided, if there is one that could still be signed."""
    if (
        state.asked is None
        or not state.envelope_id
        or state.phase not in (Phase.SENT, Phase.VIEWED)
    ):
        return ()
    reference = reference_of(context.address.key, state.asked.round)
    return (Outgoing(SIGNING, VoidEnvelope(reference, state.envelope_id, reason)),)


def overtaken(state: SignatureState, message: EnvelopeCreated, context: Context) -> SigningDecision:
    """It was made late, for a round that is over: nobody is to sign it any more. What is known stays."""
    assert state.asked is not None
    ours = message.reference == reference_of(context.address.key, state.asked.round)
    known_ids = (state.envelope_id, *(x.envelope_id for x in state.superseded))
    if ours or message.envelope_id in known_ids:
        return Decision(state)
    void = Outgoing(SIGNING, VoidEnvelope(message.reference, message.envelope_id, REISSUED))
    file, _, number = message.reference.rpartition(":")
    if file != context.address.key or not number.isascii() or not number.isdigit():
        return Decision(state, messages=(void,))
    late = Superseded(int(number), message.provider, message.envelope_id, "")
    known = msgspec.structs.replace(state, superseded=with_superseded(state, late))
    return Decision(known, messages=(void, once_more(late.round, context)))


def drawn(
    state: SignatureState, message: ContractMade | SigningRefused, context: Context
) -> SigningDecision:
    """The contract is there: send it. Or it cannot be drawn."""
    assert state.asked is not None
    asked, reference = state.asked, reference_of(context.address.key, state.asked.round)
    if message.reference != reference:
        return Decision(state)
    if isinstance(message, SigningRefused):
        return _failed(state, message.code, context)
    expires_at = context.now + signing_terms_of(context).expiry_ms
    sending = msgspec.structs.replace(
        state, phase=Phase.SENDING, document_sha256=message.sha256, title=message.title, expires_at=expires_at
    )  # fmt: skip
    create = CreateEnvelope(
        reference, state.document_path, message.sha256, message.title, asked.signer, expires_at
    )
    return Decision(
        sending,
        events=(ContractDrawn(asked.round, message.sha256, message.pages),),
        messages=(Outgoing(SIGNING, create),),
    )


def _failed(state: SignatureState, code: str, context: Context) -> SigningDecision:
    assert state.asked is not None
    round_ = state.asked.round
    told = SigningEnded(round_, "failed", code, context.now)
    return Decision(
        moved(state, Phase.FAILED, context.now, code),
        events=(SigningClosed(round_, Phase.FAILED.value, code),),
        messages=(Outgoing(Address("onboarding", context.address.key), told),),
    )


def created(
    state: SignatureState, message: EnvelopeCreated | SigningRefused, context: Context
) -> SigningDecision:
    """Its signer has been asked; what was reported of the envelope meanwhile counts now. Or there is no envelope."""
    assert state.asked is not None
    if message.reference != reference_of(context.address.key, state.asked.round):
        if isinstance(message, EnvelopeCreated):
            return overtaken(state, message, context)
        return Decision(state)
    if isinstance(message, SigningRefused):
        return _failed(state, message.code, context)
    terms, round_ = signing_terms_of(context), state.asked.round
    sent = msgspec.structs.replace(
        state, phase=Phase.SENT, provider=message.provider, envelope_id=message.envelope_id,
        sent_at=context.now, early=(),
    )  # fmt: skip
    me = context.address
    over = Outgoing(me, SigningOver(round_), state.expires_at, EXPIRY)
    poll = Outgoing(me, StandingDue(round_), context.now + terms.poll_ms, POLL)
    started = SigningStarted(round_, message.provider, state.expires_at)
    opened = Decision(
        sent,
        events=(EnvelopeOpened(round_, message.provider, message.envelope_id),),
        messages=(
            Outgoing(Address("onboarding", me.key), started), over,
            *(() if message.provider == EMBEDDED else (poll,)),
        ),
    )  # fmt: skip
    known = [one for one in state.early if one.envelope_id == message.envelope_id]
    if not known:
        return opened
    best = max(known, key=lambda one: RANK[one.status])
    then = heard(sent, best, context)
    ended = then.state.phase not in (Phase.SENT, Phase.VIEWED)
    timers = () if ended else opened.messages[1:]
    return msgspec.structs.replace(
        then,
        events=(*opened.events, *then.events),
        messages=(opened.messages[0], *timers, *then.messages),
        cancel=(),
    )

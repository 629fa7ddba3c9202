"""How reports of an envelope are taken: by webhook, or because its provider was asked.

The rules: of two reports the one of the higher rank counts (state.RANK), whichever came first, and so the same
reports in any order and number come to the same end; what is signed is never unsigned; a report of another envelope
is on record and changes nothing; where nothing is heard its provider is asked, again and again.
Source: spec.md S28, E6; docs/signature.md.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from comptoir.actors.gateways.signing_messages import (
    SIGNING,
    EnvelopeGone,
    EnvelopeStands,
    FetchSigned,
    ReadEnvelope,
    SignedFetched,
    SigningRefused,
)
from comptoir.actors.signature import superseded
from comptoir.actors.signature.messages import (
    ContractSigned,
    EnvelopeReported,
    EnvelopeTaken,
    SigningEnded,
    SigningStatus,
    StandingDue,
)
from comptoir.actors.signature.state import (
    RANK,
    TOLD,
    EnvelopeMoved,
    Phase,
    ReportIgnored,
    SignatureState,
    SignedContractKept,
    SigningClosed,
    moved,
    reference_of,
    round_of,
)
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "EXPIRY", "POLL", "SigningDecision", "ask", "fetched", "gone", "heard", "hold", "ignore", "report",
    "signed_word", "stands",
]  # fmt: skip

SigningDecision = Decision[SignatureState]
EARLY_MAX: Final = 16
"""Reports that are kept of envelopes not known yet; a webhook is faster than an answer by seconds, not by dozens."""
Outcome = Literal["declined", "expired", "failed"]
ENDS: Final[Mapping[SigningStatus, tuple[Phase, Outcome, str]]] = {
    "declined": (Phase.DECLINED, "declined", "SIGNATURE_DECLINED"),
    "expired": (Phase.EXPIRED, "expired", "SIGNATURE_EXPIRED"),
    "voided": (Phase.VOIDED, "failed", "ENVELOPE_VOIDED"),
    "failed": (Phase.FAILED, "failed", "ENVELOPE_FAILED"),
}
"""Where a report leads that ends it, what the file is told, and by which code."""
POLL: Final = "poll"
EXPIRY: Final = "expiry"
"""The timers' names."""


def report(state: SignatureState, message: EnvelopeReported, context: Context) -> SigningDecision:
    """A webhook."""
    if message.envelope_id != state.envelope_id:
        return ignore(state, message, context)
    if RANK[message.status] <= RANK[TOLD[state.phase]]:
        return Decision(state, EnvelopeTaken("duplicate"))
    return heard(state, message, context)


def hold(state: SignatureState, message: EnvelopeReported, context: Context) -> SigningDecision:
    """A webhook that was faster than the answer which says whose envelope it is; or one of an earlier round's."""
    if any(x.envelope_id == message.envelope_id for x in state.superseded):
        return ignore(state, message, context)
    if message in state.early or len(state.early) >= EARLY_MAX:
        return Decision(state, EnvelopeTaken("duplicate"))
    return Decision(
        msgspec.structs.replace(state, early=(*state.early, message)), EnvelopeTaken("accepted")
    )


def ignore(state: SignatureState, message: EnvelopeReported, context: Context) -> SigningDecision:
    """Of an envelope that is not ours, or was of an earlier round: of such a one it counts only that it was signed."""
    earlier = superseded.reported(state, message, context)
    if earlier is not None:
        return earlier
    stray = ReportIgnored(message.envelope_id, message.status)
    return Decision(state, EnvelopeTaken("ignored"), events=(stray,))


def stands(state: SignatureState, message: EnvelopeStands, context: Context) -> SigningDecision:
    """Its provider was asked."""
    if message.envelope_id != state.envelope_id:
        return Decision(state)
    said = EnvelopeReported(
        state.provider, message.envelope_id, message.status, message.at, message.reason, healed=True
    )
    return msgspec.structs.replace(heard(state, said, context), reply=None)


def heard(state: SignatureState, message: EnvelopeReported, context: Context) -> SigningDecision:
    """What a report of our envelope comes to."""
    assert state.asked is not None
    status, taken = message.status, EnvelopeTaken("accepted")
    news = RANK[status] > RANK[TOLD[state.phase]] and (status == "signed" or not state.closed)
    if not news:
        return Decision(state, taken)
    happened = EnvelopeMoved(state.asked.round, status, message.at, message.healed)
    if status == "signed":
        return _signed(state, happened, context)
    if status in ENDS:
        return _ended(state, message, happened, context)
    phase = Phase.VIEWED if status == "viewed" else Phase.SENT
    seen = msgspec.structs.replace(state, phase=phase, viewed_at=context.now)
    return Decision(seen, taken, events=(happened,))


def _signed(state: SignatureState, happened: EnvelopeMoved, context: Context) -> SigningDecision:
    path = f"{context.address.key}/CONTRACT/{context.draw_id('signed')}.pdf"
    fetching = msgspec.structs.replace(
        moved(state, Phase.FETCHING, context.now),
        signed_path=path,
        closed=False,
        void_until=0,
        voids=0,
    )
    return Decision(
        fetching,
        EnvelopeTaken("accepted"),
        events=(happened,),
        messages=(fetch_of(fetching, context), again(fetching, context)),
        cancel=(EXPIRY,),
    )


def _ended(
    state: SignatureState, message: EnvelopeReported, happened: EnvelopeMoved, context: Context
) -> SigningDecision:
    assert state.asked is not None
    phase, outcome, code = ENDS[message.status]
    told = SigningEnded(state.asked.round, outcome, code, context.now)
    ended = moved(state, phase, context.now, message.reason or code)
    return Decision(
        msgspec.structs.replace(ended, void_until=0),  # nobody can sign it any more
        EnvelopeTaken("accepted"),
        events=(happened, SigningClosed(state.asked.round, phase.value, code)),
        messages=(Outgoing(Address("onboarding", context.address.key), told),),
        cancel=(POLL, EXPIRY),
    )


def fetch_of(state: SignatureState, context: Context) -> Outgoing:
    """What has the signed document fetched, or sealed where it was signed in our portal."""
    assert state.asked is not None
    reference = reference_of(context.address.key, state.asked.round)
    return Outgoing(
        SIGNING,
        FetchSigned(
            reference, state.envelope_id, state.signed_path, state.document_path, state.evidence
        ),
    )


def again(state: SignatureState, context: Context) -> Outgoing:
    """The timer by which one asks once more."""
    assert state.asked is not None
    due = context.now + superseded.pause_of(state.voids, context)
    return Outgoing(context.address, StandingDue(state.asked.round), due, POLL)


def fetched(
    state: SignatureState, message: SignedFetched | SigningRefused, context: Context
) -> SigningDecision:
    """The signed document is kept: the file hears that it is signed. A refusal changes nothing: it is fetched again."""
    assert state.asked is not None
    round_ = state.asked.round
    if isinstance(message, SigningRefused):
        return Decision(state)
    if message.reference != reference_of(context.address.key, round_):
        return superseded.fetched(state, message, context)
    kept = msgspec.structs.replace(state, phase=Phase.SIGNED, signed_sha256=message.sha256)
    return Decision(
        kept,
        events=(SignedContractKept(round_, state.provider, message.sha256),),
        messages=(signed_word(kept, context),),
        cancel=(POLL,),
    )


def signed_word(state: SignatureState, context: Context) -> Outgoing:
    """What the file is told of a contract that is kept: under the round that it waits for."""
    told = ContractSigned(round_of(state), state.provider, state.signed_sha256, state.ended_at)
    return Outgoing(Address("onboarding", context.address.key), told)


def gone(state: SignatureState, message: EnvelopeGone, context: Context) -> SigningDecision:
    """It was voided, and that is waited for no more; or it could not be, because it is signed, which counts."""
    assert state.asked is not None
    if message.reference != reference_of(context.address.key, state.asked.round):
        return superseded.gone(state, message, context)
    if not message.signed:
        if not state.void_until or message.envelope_id not in ("", state.envelope_id):
            return Decision(state)
        return Decision(msgspec.structs.replace(state, void_until=0), cancel=(POLL,))
    said = EnvelopeReported(state.provider, state.envelope_id, "signed", context.now, healed=True)
    return msgspec.structs.replace(heard(state, said, context), reply=None)


def ask(state: SignatureState, message: StandingDue, context: Context) -> SigningDecision:
    """Nothing was heard for so long: how does it stand, or where is the signed document?"""
    assert state.asked is not None
    if message.round != state.asked.round:
        return superseded.due(state, message, context)
    question = fetch_of(state, context)
    if state.phase is not Phase.FETCHING:
        reference = reference_of(context.address.key, state.asked.round)
        question = Outgoing(SIGNING, ReadEnvelope(reference, state.envelope_id))
    return Decision(state, messages=(question, again(state, context)))

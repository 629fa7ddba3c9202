"""What becomes of a contract that was issued anew: its envelope is voided; where its client had signed it before, that is evidence.

The rules: an envelope that gives way to a higher round is remembered until it is known that nobody has signed it, and voided once more
where no answer has come, at ever longer intervals, as long as it could be signed; if somebody has signed it, as its provider says by webhook or instead of voiding it, that is on record once, its signed document is fetched and kept beside the
others, again and again until it is there, and the file hears of it, whose advisor is told. It is never the contract that is
waited for: what its client signs next is.
Source: spec.md S18, S28; Regulation (EU) 910/2014, article 25 (a signature is not denied effect as evidence); docs/signature.md.
"""

from typing import Final

import msgspec

from comptoir.actors.gateways.signing_messages import (
    SIGNING,
    EnvelopeGone,
    FetchSigned,
    SignedFetched,
    VoidEnvelope,
)
from comptoir.actors.signature.messages import (
    EarlierSigned,
    EnvelopeReported,
    EnvelopeTaken,
    StandingDue,
)
from comptoir.actors.signature.state import (
    EarlierContractKept,
    EarlierContractSigned,
    Phase,
    SignatureState,
    Superseded,
    reference_of,
)
from comptoir.actors.signature.terms import signing_terms_of
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "REISSUED",
    "due",
    "fetched",
    "gone",
    "once_more",
    "pause_of",
    "remembered",
    "reported",
    "timer_of",
    "void_of_earlier",
    "with_superseded",
]

SupersededDecision = Decision[SignatureState]
REISSUED: Final = "REISSUED"
DAY_MS: Final = 86_400_000
"""DocuSign counts the time of an envelope in whole days."""
DOUBLINGS_MAX: Final = 11
"""From a minute, which is the shortest interval there is, to more than a day."""
SUPERSEDED_MAX: Final = 16
"""More rounds than a file has; the oldest is forgotten."""
_SETTLED: Final = (Phase.FETCHING, Phase.SIGNED, Phase.DECLINED)
"""In which an envelope cannot come back signed."""


def with_superseded(state: SignatureState, one: Superseded) -> tuple[Superseded, ...]:
    """Those that are remembered, and this one."""
    others = (x for x in state.superseded if x.envelope_id != one.envelope_id)
    return (*others, one)[-SUPERSEDED_MAX:]


def remembered(state: SignatureState) -> tuple[Superseded, ...]:
    """Those of a signature that begins anew: its envelope gives way, and could still come back signed."""
    if state.asked is None or not state.envelope_id or state.phase in _SETTLED:
        return state.superseded
    return with_superseded(
        state, Superseded(state.asked.round, state.provider, state.envelope_id, state.document_path)
    )


def reported(
    state: SignatureState, message: EnvelopeReported, context: Context
) -> SupersededDecision | None:
    """A webhook about one of them; None: it says nothing that matters any more."""
    found = [x for x in state.superseded if x.envelope_id == message.envelope_id]
    if not found or message.status != "signed":
        return None
    if found[0].signed_path:
        return Decision(state, EnvelopeTaken("duplicate"))
    decided = _signed(state, found[0], message.at, context)
    return msgspec.structs.replace(decided, reply=EnvelopeTaken("accepted"))


def gone(state: SignatureState, message: EnvelopeGone, context: Context) -> SupersededDecision:
    """One of them was voided, and is forgotten; or it could not be, because it is signed."""
    known = _of_reference(state, message.reference, context)
    ours = [x for x in known if message.envelope_id in ("", x.envelope_id)]
    if not ours or ours[-1].signed_path:
        return Decision(state)
    found = ours[-1]
    if message.signed:
        return _signed(state, found, context.now, context)
    return _without(state, found)


def fetched(state: SignatureState, message: SignedFetched, context: Context) -> SupersededDecision:
    """The signed document of one of them is kept."""
    known = _of_reference(state, message.reference, context)
    ours = [x for x in known if x.signed_path and message.path in ("", x.signed_path)]
    if not ours:
        return Decision(state)
    found = ours[-1]
    decided = _without(state, found)
    kept = msgspec.structs.replace(
        decided.state, earlier=(*decided.state.earlier, found.signed_path)
    )
    happened = EarlierContractKept(found.round, found.provider, message.sha256)
    return msgspec.structs.replace(decided, state=kept, events=(happened,))


def due(state: SignatureState, message: StandingDue, context: Context) -> SupersededDecision:
    """It is not there yet: it is asked for once more; or nobody says that it is voided: it is voided once more, as long as
    it could be signed: its provider ends it by itself after that.
    """
    reference = reference_of(context.address.key, message.round)
    known = _of_reference(state, reference, context)
    until = context.now + signing_terms_of(context).expiry_ms + DAY_MS
    left = {
        x.envelope_id: x
        if x.signed_path
        else msgspec.structs.replace(x, until=x.until or until, voids=x.voids + 1)
        for x in known
        if x.signed_path or not x.until or context.now < x.until
    }
    others = (left.get(x.envelope_id) if x in known else x for x in state.superseded)
    waits = msgspec.structs.replace(state, superseded=tuple(x for x in others if x is not None))
    if not left:
        return Decision(waits)
    asked = tuple(
        _fetch(x, context)[0] if x.signed_path else void_of_earlier(x, REISSUED, context, again=True)
        for x in left.values()
    )  # fmt: skip
    voids = min(0 if x.signed_path else x.voids for x in left.values())
    return Decision(waits, messages=(*asked, once_more(message.round, context, voids)))


def void_of_earlier(
    one: Superseded, reason: str, context: Context, *, again: bool = False
) -> Outgoing:
    """What has it voided; `again`: and it will be said once more where nobody answers."""
    reference = reference_of(context.address.key, one.round)
    return Outgoing(SIGNING, VoidEnvelope(reference, one.envelope_id, reason, again))


def _signed(
    state: SignatureState, one: Superseded, at: int, context: Context
) -> SupersededDecision:
    path = f"{context.address.key}/CONTRACT/{context.draw_id('earlier')}.pdf"
    signed = msgspec.structs.replace(one, signed_path=path)
    others = tuple(signed if x is one else x for x in state.superseded)
    told = EarlierSigned(one.round, one.provider, at)
    return Decision(
        msgspec.structs.replace(state, superseded=others),
        events=(EarlierContractSigned(one.round, one.provider, one.envelope_id, at),),
        messages=(
            *_fetch(signed, context),
            Outgoing(Address("onboarding", context.address.key), told),
        ),
    )


def _fetch(one: Superseded, context: Context) -> tuple[Outgoing, ...]:
    reference = reference_of(context.address.key, one.round)
    fetch = FetchSigned(reference, one.envelope_id, one.signed_path, one.document_path)
    return (Outgoing(SIGNING, fetch), once_more(one.round, context))


def pause_of(voids: int, context: Context) -> int:
    """Ms between two questions: longer with each time that it was voided again, at most a day."""
    poll_ms = signing_terms_of(context).poll_ms
    return max(poll_ms, min(poll_ms << min(voids, DOUBLINGS_MAX), DAY_MS))


def once_more(number: int, context: Context, voids: int = 0) -> Outgoing:
    """The timer of what has had no answer yet."""
    due_at = context.now + pause_of(voids, context)
    return Outgoing(context.address, StandingDue(number), due_at, timer_of(number))


def _of_reference(
    state: SignatureState, reference: str, context: Context
) -> tuple[Superseded, ...]:
    """Those of this reference: two, should an answer that was lost have made another."""
    file = context.address.key
    return tuple(x for x in state.superseded if reference_of(file, x.round) == reference)


def _without(state: SignatureState, one: Superseded) -> SupersededDecision:
    """It is forgotten; so is the timer of its round, if it was the last of it."""
    others = tuple(x for x in state.superseded if x is not one)
    last = all(x.round != one.round for x in others)
    return Decision(
        msgspec.structs.replace(state, superseded=others),
        cancel=(timer_of(one.round),) if last else (),
    )


def timer_of(number: int) -> str:
    """Its name."""
    return f"earlier:{number}"

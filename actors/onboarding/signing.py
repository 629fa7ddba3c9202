"""How the contract of a file is signed, as its file hears it: sent, signed, or not; and issued anew.

The rules:
- what is said of a round before the last counts no more, and of one round it counts once, in whatever order it comes;
- signed is signed: whatever else is said of that round, before or after;
- a contract that was declined, has expired or could not be issued leaves its file SIGNATURE_PENDING; its advisor is told,
  and may have it issued anew, some times;
- what is not signed in time leaves its file INCOMPLETE, and is not to be signed any more; the file may be resumed, and is
  then assessed and signed anew, since what was known of its client has aged as well;
- who had signed a contract before it was issued anew has signed evidence: the advisor is told, and the new one is waited for;
- who signs when the file is over has signed in vain: it is kept, and nothing follows from it.
Source: spec.md S13, S14, S16, S17, S18, S28; docs/onboarding.md; docs/adr/0057-a-file-stands-where-its-papers-are.md.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from comptoir.actors.gateways.messages import MAIL, SendMail
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.beginning import OnboardingExpired
from comptoir.actors.onboarding.compensating import undone
from comptoir.actors.onboarding.completing import described
from comptoir.actors.onboarding.keeping import kept_until
from comptoir.actors.onboarding.onward import Outcome, awaited, issued, told, with_onward
from comptoir.actors.onboarding.onward_messages import (
    OnwardRefused,
    ReissueSignature,
    SignatureDue,
)
from comptoir.actors.onboarding.staff_texts import contract_mail, earlier_mail, signature_mail
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import terms_of
from comptoir.actors.signature.messages import KIND as SIGNING
from comptoir.actors.signature.messages import (
    ContractSigned,
    EarlierSigned,
    KeepContract,
    SigningEnded,
    SigningStarted,
)
from comptoir.engine import Address, Decision, Message, Outgoing
from comptoir.engine.machine import Context, Row, row

__all__ = ["SIGNING_ROWS"]

NOT_SIGNED: Final = "contract_not_signed"
_WAITING: Final = (Phase.KYC_APPROVED, Phase.SIGNATURE_PENDING)


def _is_last(state: OnboardingState, number: int) -> bool:
    """Whether it is of the round that counts, and nothing was signed in it yet."""
    signing = state.onward.signing
    return number == signing.round and signing.status not in ("none", "signed")


def _sign(state: OnboardingState, **changes: object) -> OnboardingState:
    return with_onward(state, signing=msgspec.structs.replace(state.onward.signing, **changes))


def _started(state: OnboardingState, message: SigningStarted, context: Context) -> Outcome:
    """The client has been asked; a word that is overtaken by how it ended says nothing any more."""
    if not _is_last(state, message.round) or state.onward.signing.status != "preparing":
        return Decision(state)
    sent = _sign(
        state, status="sent", provider=message.provider, at=context.now, expires_at=message.expires_at
    )  # fmt: skip
    return Decision(_asked(sent, context), messages=_invited(sent, message, context))


def _invited(
    state: OnboardingState, message: SigningStarted, context: Context
) -> tuple[Outgoing, ...]:
    """A mail to the client where nobody else writes to them: any other provider does so itself (S7)."""
    terms, client = terms_of(context), state.client
    assert client is not None, "asked of files that have begun"
    if message.provider not in terms.written_to or not terms.mail:
        return ()
    page = f"{terms.portal}/portal/{context.address.key}/contract" if terms.portal else ""
    subject, text = contract_mail(page)
    reference = f"{context.address.key}:contract:{message.round}"
    return (Outgoing(MAIL, SendMail(reference, client.email, subject, text)),)


def _asked(state: OnboardingState, context: Context) -> OnboardingState:
    return moved(state, Phase.SIGNATURE_PENDING, ("SIGNATURE_REQUESTED", "system"), context.now)


def _with_signature(
    state: OnboardingState, message: ContractSigned, context: Context
) -> OnboardingState:
    return _sign(
        state, status="signed", provider=message.provider, at=context.now, code="",
        sha256=message.signed_sha256,
    )  # fmt: skip


def _happened(message: ContractSigned) -> facts.ContractSigned:
    return facts.ContractSigned(message.round, message.provider, message.signed_sha256)


def _signed(state: OnboardingState, message: ContractSigned, context: Context) -> Outcome:
    if not _is_last(state, message.round):
        return Decision(state)
    asked = _asked(_with_signature(state, message, context), context)
    signed = moved(asked, Phase.SIGNED, ("CONTRACT_SIGNED", "client"), context.now)
    waits = awaited(signed, context)
    return msgspec.structs.replace(waits, events=(_happened(message), *waits.events))


def _signed_while_held(
    state: OnboardingState, message: ContractSigned, context: Context
) -> Outcome:
    """It was signed before it could be withdrawn: kept until compliance has decided."""
    if not _is_last(state, message.round):
        return Decision(state)
    return Decision(_with_signature(state, message, context), events=(_happened(message),))


def _signed_in_vain(state: OnboardingState, message: ContractSigned, context: Context) -> Outcome:
    if not _is_last(state, message.round):
        return Decision(state)
    keep = Outgoing(Address(SIGNING, context.address.key), KeepContract("FILE_OVER"))
    return Decision(
        _with_signature(state, message, context),
        events=(facts.SignedTooLate(message.round),),
        messages=(keep,),
    )


def _ended(state: OnboardingState, message: SigningEnded, context: Context) -> Outcome:
    """Its advisor has it issued anew, or nobody."""
    under_way = state.onward.signing.status in ("preparing", "sent")
    if not _is_last(state, message.round) or not under_way:
        return Decision(state)
    ended = _sign(state, status=message.outcome, code=message.code, at=context.now)
    mail = signature_mail(context.address.key, message.outcome)
    mails, untold = told(ended, context, "signature", mail)
    happened = facts.SignatureEnded(message.round, message.outcome, message.code)
    return Decision(_asked(ended, context), events=(happened, *untold), messages=mails)


def _earlier_signed(state: OnboardingState, message: EarlierSigned, context: Context) -> Outcome:
    """Its client had signed a contract that was issued anew: its advisor should know which one counts."""
    mail = earlier_mail(context.address.key, message.round)
    mails, untold = told(state, context, f"earlier:{message.round}", mail)
    return Decision(state, events=(facts.EarlierSigned(message.round), *untold), messages=mails)


def _overdue(state: OnboardingState, _message: SignatureDue, context: Context) -> Outcome:
    """Nobody has signed in time (S14)."""
    if (
        context.now < state.onward.signing.due_at
    ):  # a timer that was on its way when it was set anew
        return Decision(state)
    over = moved(state, Phase.INCOMPLETE, ("SIGNATURE_EXPIRED", "timer"), context.now)
    left, gone, cancel = undone(over, context, "NOT_SIGNED")
    return Decision(
        msgspec.structs.replace(left, cause=NOT_SIGNED),
        events=(OnboardingExpired(NOT_SIGNED),),
        messages=(*gone, *kept_until(left, context)),
        cancel=cancel,
    )


def _reissue(state: OnboardingState, message: ReissueSignature, context: Context) -> Outcome:
    terms, signing = terms_of(context), state.onward.signing
    if not terms.signing:
        return Decision(state, OnwardRefused("SIGNING_NOT_CONFIGURED"))
    if signing.status == "preparing":
        return Decision(state, OnwardRefused("SIGNATURE_NOT_OPEN"))
    if signing.status != "none" and signing.reissues >= terms.reissues_max:
        return Decision(state, OnwardRefused("SIGNATURE_REISSUES_USED_UP"))
    again = signing.reissues + (signing.status != "none")
    anew = issued(_sign(state, reissues=again), context)
    number = anew.state.onward.signing.round
    if number == signing.round:
        return Decision(state, OnwardRefused("CLIENT_TYPE_UNKNOWN"))
    return msgspec.structs.replace(
        anew,
        state=msgspec.structs.replace(anew.state, updated_at=context.now),
        reply=described(anew.state, terms),
        events=(facts.SignatureReissued(message.by, number), *anew.events),
    )


def _nothing(state: OnboardingState, _message: Message, _context: Context) -> Outcome:
    """What is behind it, or of a round before."""
    return Decision(state)


def _no_contract(state: OnboardingState, _message: ReissueSignature, _context: Context) -> Outcome:
    return Decision(state, OnwardRefused("SIGNATURE_NOT_OPEN"))


_ENDED: Final = (Phase.INCOMPLETE, Phase.KYC_REJECTED)
_HEARS: Final[tuple[type[Message], ...]] = (
    SigningStarted, ContractSigned, SigningEnded, SignatureDue,
)  # fmt: skip


def _rows() -> Iterator[Row]:
    for phase in _WAITING:
        ways = (phase, Phase.SIGNATURE_PENDING)
        yield row(phase, SigningStarted, _started, *dict.fromkeys(ways))
        yield row(phase, ContractSigned, _signed, phase, Phase.SIGNED)
        yield row(phase, SigningEnded, _ended, *dict.fromkeys(ways))
        yield row(phase, SignatureDue, _overdue, phase, Phase.INCOMPLETE)
        yield row(phase, ReissueSignature, _reissue, phase)
    yield row(Phase.COMPLIANCE_HOLD, ContractSigned, _signed_while_held, Phase.COMPLIANCE_HOLD)
    for phase in _ENDED:
        yield row(phase, ContractSigned, _signed_in_vain, phase)
    own = {Phase.COMPLIANCE_HOLD, *_ENDED}
    for phase in Phase:
        if phase is not Phase.NONE:
            yield row(phase, EarlierSigned, _earlier_signed, phase)
        if phase is Phase.NONE or phase in _WAITING:
            continue
        yield row(phase, ReissueSignature, _no_contract, phase)
        for one in _HEARS:
            if one is not ContractSigned or phase not in own:
                yield row(phase, one, _nothing, phase)


SIGNING_ROWS: Final[tuple[Row, ...]] = tuple(_rows())

"""How its client signs a contract in our portal, or declines to (the provider `embedded`); or goes on from there.

The rules: nobody but its signer; what is signed is what was shown, by its digest; whoever signs has shown who they are by
a one-time code after the contract was opened, and has agreed to every text that has to be agreed to; the act is durable
with its evidence before anything is sealed. The time is the daemon's. Where it is signed on a page of its provider's, nobody
goes there but by a code that was typed lately, and after the contract was sent; who went, and by what they had shown who they are,
is on record before they get the address.
Source: spec.md S6, S28, S34; Regulation (EU) 910/2014, article 26; 15 U.S.C. 7001(c); docs/signature.md.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from comptoir.actors.signature.consents import CONSENTS
from comptoir.actors.signature.hearing import SigningDecision, heard
from comptoir.actors.signature.messages import (
    EMBEDDED,
    AdmitSigner,
    DeclineContract,
    EnvelopeReported,
    EnvelopeTaken,
    Evidence,
    ShowContract,
    SignContract,
    SignerAdmitted,
    SigningUnread,
)
from comptoir.actors.signature.state import (
    ClientSigned,
    EnvelopeMoved,
    Phase,
    SignatureState,
    SignerSentOn,
    described,
)
from comptoir.engine import Decision, Refusal
from comptoir.engine.machine import Context

__all__ = [
    "CODE_METHODS",
    "CODE_NEEDED",
    "NOT_FOUND",
    "admit",
    "decline",
    "declined_before",
    "show",
    "shown",
    "sign",
    "signed_before",
    "unread",
]

NOT_FOUND: Final = Refusal("NOT_FOUND", "nothing is to be signed in this file")
OVER: Final = Refusal("SIGNATURE_OVER", "its time is over")
CODE_NEEDED: Final = Refusal(
    "SIGNATURE_CODE_NEEDED", "a one-time code has to be typed after it was opened"
)
SECOND_MS: Final = 1000
"""Sign-ins are told in whole seconds."""
CODE_METHODS: Final = frozenset(("otp",))
"""Ways of showing who one is by a code that holds once, by their names of RFC 8176."""


def _is_signer(state: SignatureState, user_id: str) -> bool:
    return state.asked is not None and state.asked.signer.user_id == user_id


def _signs_here(state: SignatureState, user_id: str) -> bool:
    return _is_signer(state, user_id) and state.provider == EMBEDDED


def show(
    state: SignatureState, message: ShowContract, context: Context
) -> SigningDecision | Refusal:
    """It is opened: for the first time, that is on record."""
    if not _is_signer(state, message.user_id):
        return NOT_FOUND
    if state.phase is Phase.VIEWED or state.provider != EMBEDDED:
        return Decision(state, described(state))
    assert state.asked is not None
    opened_at = message.opened_at // SECOND_MS * SECOND_MS
    seen = msgspec.structs.replace(
        state, phase=Phase.VIEWED, viewed_at=context.now, opened_at=opened_at
    )
    moved = EnvelopeMoved(state.asked.round, "viewed", context.now, healed=False)
    return Decision(seen, described(seen), events=(moved,))


def shown(
    state: SignatureState, message: ShowContract | AdmitSigner, _context: Context
) -> SigningDecision | Refusal:
    """It is over, or not begun: it is only told."""
    return Decision(state, described(state)) if _is_signer(state, message.user_id) else NOT_FOUND


def sign(
    state: SignatureState, message: SignContract, context: Context
) -> SigningDecision | Refusal:
    """Its client signs."""
    given = message.evidence
    refusal = _unfit(state, given, context)
    if refusal is not None:
        return refusal
    assert state.asked is not None
    signer = state.asked.signer
    evidence = msgspec.structs.replace(
        given, signed_at=context.now, viewed_at=state.viewed_at,
        name=f"{signer.first_name} {signer.last_name}",
    )  # fmt: skip
    signing = msgspec.structs.replace(state, evidence=evidence)
    said = EnvelopeReported(EMBEDDED, state.envelope_id, "signed", context.now)
    decided = heard(signing, said, context)
    act = ClientSigned(
        state.asked.round, given.document_sha256, given.consents, given.methods, given.authenticated_at
    )  # fmt: skip
    return msgspec.structs.replace(
        decided, reply=described(decided.state), events=(act, *decided.events)
    )


def unread(
    state: SignatureState, message: SignContract, context: Context
) -> SigningDecision | Refusal:
    """It was not opened before: what nobody has read nobody signs."""
    if not _signs_here(state, message.evidence.user_id):
        return NOT_FOUND
    return OVER if context.now >= state.expires_at else Decision(state, SigningUnread())


def _unfit(state: SignatureState, given: Evidence, context: Context) -> Refusal | None:
    """Why this is no signature; None: it is one."""
    checks: Mapping[Refusal, bool] = {
        NOT_FOUND: not _signs_here(state, given.user_id),
        OVER: context.now >= state.expires_at,
        Refusal("SIGNATURE_STALE", "another version of it was read"): given.document_sha256
        != state.document_sha256,
        Refusal("CONSENT_MISSING", "every text has to be agreed to"): set(given.consents)
        != set(CONSENTS),
        CODE_NEEDED: not (
            CODE_METHODS & set(given.methods) and given.authenticated_at >= state.opened_at
        ),
    }
    return next((refusal for refusal, broken in checks.items() if broken), None)


def signed_before(
    state: SignatureState, message: SignContract, _context: Context
) -> SigningDecision | Refusal:
    """The same again: it is signed once. Or it has ended: its client is told how."""
    if not _is_signer(state, message.evidence.user_id):
        return NOT_FOUND
    return Decision(state, described(state))


def admit(
    state: SignatureState, message: AdmitSigner, context: Context
) -> SigningDecision | Refusal:
    """Its client goes on to the page of its provider, if it is not signed here."""
    if not _is_signer(state, message.user_id):
        return NOT_FOUND
    if state.provider == EMBEDDED:
        return Decision(state, described(state))
    if context.now >= state.expires_at:
        return OVER
    since_sent = context.now - message.ago_ms + SECOND_MS >= state.sent_at
    if not (message.recent and since_sent and CODE_METHODS & set(message.methods)):
        return CODE_NEEDED
    assert state.asked is not None
    admitted = SignerAdmitted(state.provider, state.envelope_id, state.asked.signer)
    if not message.goes:
        return Decision(state, admitted)
    happened = SignerSentOn(state.asked.round, message.methods, message.authenticated_at)
    return Decision(state, admitted, events=(happened,))


def decline(
    state: SignatureState, message: DeclineContract, context: Context
) -> SigningDecision | Refusal:
    """Its client does not sign."""
    if not _signs_here(state, message.user_id):
        return NOT_FOUND
    said = EnvelopeReported(EMBEDDED, state.envelope_id, "declined", context.now, message.reason)
    decided = heard(state, said, context)
    assert isinstance(decided.reply, EnvelopeTaken)
    return msgspec.structs.replace(decided, reply=described(decided.state))


def declined_before(
    state: SignatureState, message: DeclineContract, _context: Context
) -> SigningDecision | Refusal:
    """The same again."""
    return Decision(state, described(state)) if _is_signer(state, message.user_id) else NOT_FOUND

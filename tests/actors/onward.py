"""Samples of a client's file on its way from the decision to the account, and of what may be said to it there."""

import msgspec

from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDelayed,
    AccountHeld,
    AccountRefused,
    CoreProfileChanged,
    CorrectionAnswered,
)
from comptoir.actors.onboarding.keeping_messages import EndRelation
from comptoir.actors.onboarding.messages import ChangeProfile, DocumentStatus, KycShown, Said, Value
from comptoir.actors.onboarding.onward_messages import (
    AccountKept,
    ApprovalDue,
    ApprovalKept,
    ApproveFile,
    CorrectionKept,
    Onward,
    ReissueSignature,
    SignatureDue,
    SigningKept,
)
from comptoir.actors.onboarding.profile import with_said
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.signature.messages import (
    ContractSigned,
    EarlierSigned,
    SigningEnded,
    SigningStarted,
)
from comptoir.engine.values import Message, State
from tests.actors.filed import (
    BEGUN,
    CONCLUSIONS,
    FILE_TERMS,
    NOW,
    STATES,
    TO_FILE,
    document,
)

__all__ = [
    "APPROVES",
    "COMPLETED",
    "CORRECTED",
    "CREATED",
    "HELD",
    "MOVES",
    "ONWARD",
    "OPEN_TERMS",
    "PENDING",
    "SENT",
    "SIGNED",
    "SIGNS",
    "WHOLE",
    "at",
]

replace = msgspec.structs.replace
OPEN_TERMS = replace(FILE_TERMS, signing=True, accounts=True, operations=("ops@bank.example",))
PROFILE: dict[str, Value] = {
    "firstName": "Marie", "lastName": "Tremblay", "nationalId/type": "SIN",
    "nationalId/number": "046 454 286", "address/street": "1 rue Sherbrooke", "address/city": "Montréal",
    "address/province": "QC", "address/postalCode": "H3A 1B1", "address/country": "CA",
}  # fmt: skip
WHOLE = with_said({}, PROFILE, Said(None, "client", "cli_1", NOW - 1))
KYC = KycShown(60, "MEDIUM", "MANUAL_REVIEW", "cp-1", completed_at=NOW - 1)
OPEN = SigningKept("sent", 1, "embedded", due_at=NOW + 1000)
DONE = SigningKept("signed", 1, "embedded", sha256="ab" * 32)
WORD = ApprovalKept(NOW, 0, True, "adv-1", "known for years", NOW - 1)
ASKED = AccountKept("asked", asked_at=NOW - 1)


def at(phase: Phase, onward: Onward) -> OnboardingState:
    """A file of a whole profile, decided by `cp-1`, in this phase."""
    return replace(
        BEGUN, phase=phase, round=1, documents=(document(DocumentStatus.ACCEPTED),), kyc=KYC, said=WHOLE,
        onward=replace(onward, reviewers=("cp-1",)),
    )  # fmt: skip


PREPARING = at(Phase.KYC_APPROVED, Onward(replace(OPEN, status="preparing", provider="")))
SENT = at(Phase.SIGNATURE_PENDING, Onward(OPEN))
SIGNED = at(Phase.SIGNED, Onward(DONE, ApprovalKept(NOW)))
PENDING = at(Phase.ACCOUNT_CREATION_PENDING, Onward(DONE, WORD, ASKED))
COMPLETED = at(Phase.COMPLETED, Onward(DONE, WORD, AccountKept("created", "12345678")))
MOVES = ChangeProfile({"address/street": "9 rue Peel"}, "advisor", "adv-1", None)
CORRECTED = replace(
    COMPLETED,
    onward=replace(
        COMPLETED.onward, correction=CorrectionKept(1, "asked", {"address/street": "9 rue Peel"}, "adv-1", NOW - 1)
    ),
)  # fmt: skip
HELD = at(Phase.COMPLIANCE_HOLD, Onward(DONE, WORD, ASKED))
SIGNS = ContractSigned(1, "embedded", "ab" * 32, NOW)
APPROVES = ApproveFile(True, "adv-1", "as agreed")
DOUBTED = AccountKept("held", "12345678", "SECOND_ACCOUNT")
DOUBTING = (Phase.COMPLETED, Phase.INCOMPLETE, Phase.ACCOUNT_CREATION_PENDING, Phase.KYC_REJECTED)
CREATED = AccountCreated("12345678", NOW)
REFUSES = AccountRefused("DUPLICATE", NOW)
TO_ONWARD: tuple[Message, ...] = (
    SIGNS, SigningStarted(1, "embedded", NOW + 1000), SigningEnded(1, "declined", "DECLINED", NOW),
    EarlierSigned(1, "docusign", NOW), SignatureDue(),
    ReissueSignature("adv-1"), APPROVES, ApprovalDue(), CREATED, REFUSES, AccountDelayed(NOW), CoreProfileChanged("CH1", 1, {"address/city": "LAVAL"}, NOW - 1),
    CorrectionAnswered(1, "taken"),
    AccountHeld("SECOND_ACCOUNT", NOW),
)  # fmt: skip
NEW = (SENT, SIGNED, PENDING, COMPLETED, CORRECTED)
ALL = (*STATES, *NEW, PREPARING, HELD)
_SETTLED = (
    at(Phase.COMPLIANCE_HOLD, Onward(DONE)),
    HELD,
    at(Phase.COMPLIANCE_HOLD, Onward(DONE, WORD, AccountKept("created", "12345678"))),
    at(Phase.COMPLIANCE_HOLD, Onward(DONE, WORD, AccountKept("refused", code="X"))),
)
_LATE = replace(OPEN, due_at=NOW)
ONWARD: tuple[tuple[State, Message], ...] = (
    *((state, message) for state in NEW for message in TO_FILE),
    *((state, message) for state in ALL for message in TO_ONWARD),
    *((state, message) for state in _SETTLED for message in CONCLUSIONS),
    *(
        (at(phase, Onward(replace(_LATE, status=status))), SignatureDue())
        for phase, status in ((Phase.KYC_APPROVED, "preparing"), (Phase.SIGNATURE_PENDING, "sent"))
    ),
    (COMPLETED, MOVES),
    *((replace(COMPLETED, phase=phase), EndRelation("ops-1")) for phase in (Phase.INCOMPLETE, Phase.KYC_REJECTED)),
    (SENT, replace(SIGNS, round=0)),
    (replace(SIGNED, said={}), APPROVES),
    *((at(Phase.ACCOUNT_CREATION_PENDING, Onward(DONE, WORD)), one) for one in (CREATED, REFUSES)),
    (SIGNED, ApproveFile(False, "adv-1", "moved away")),
    (at(Phase.SIGNED, Onward(DONE, account=AccountKept("created", "12345678"))), APPROVES),
    *((at(Phase.SIGNED, Onward(DONE, account=ASKED)), one) for one in (CREATED, REFUSES)),
    *((at(Phase.KYC_REJECTED, Onward(DONE, WORD, ASKED)), one) for one in (CREATED, REFUSES)),
    *((at(phase, Onward(DONE, WORD, DOUBTED)), one) for phase in DOUBTING for one in (CREATED, REFUSES)),
)  # fmt: skip
"""What is after its decision; and what of it comes before."""

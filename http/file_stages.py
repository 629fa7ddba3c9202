"""How far a file is, in the words of its readers: the coarse status, the next step, for whom it waits, and what it has.

The rule: all of it follows from what the file says of itself. An account's number is whole for the client whose it is and
the file's advisor; everybody else sees its last four characters. Why the mainframe refuses, and who has said the last
word and why, is not for the client.
Source: interface.md 8; spec.md S13 to S15, S39, X5, X6, E17; docs/onboarding.md.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from comptoir.actors.onboarding.messages import FileDescribed
from comptoir.actors.onboarding.onward_messages import AccountKept, ApprovalKept, SigningKept
from comptoir.actors.onboarding.views import FileRow
from comptoir.http.operation import Call
from comptoir.http.times import rfc3339

__all__ = [
    "NEXT_STEPS",
    "REISSUE",
    "SUMMARIES",
    "WAITING",
    "masked",
    "next_step",
    "onward_shown",
    "summary_of",
    "waits_for",
]

Stands: TypeAlias = FileDescribed | FileRow
"""A file as it says itself, or as a list has it."""

UPLOAD: Final = "DOCUMENTS_UPLOAD"
"""Next step of a file that waits for its client's documents."""
NEXT_STEPS: Final[Mapping[str, str]] = {
    "INITIATED": UPLOAD,
    "DOCUMENTS_PENDING": UPLOAD,
    "DOCUMENTS_UPLOADED": "KYC",
    "KYC_PENDING": "KYC",
    "COMPLIANCE_HOLD": "COMPLIANCE_REVIEW",
    "KYC_APPROVED": "SIGNATURE",
    "SIGNATURE_PENDING": "SIGNATURE",
    "SIGNED": "APPROVAL",
    "ACCOUNT_CREATION_PENDING": "ACCOUNT_CREATION",
}
REISSUE: Final = "SIGNATURE_REISSUE"
WAITS: Final[Mapping[str, str]] = {
    "INITIATED": "client",
    "DOCUMENTS_PENDING": "client",
    "KYC_PENDING": "provider",
    "COMPLIANCE_HOLD": "compliance",
    "SIGNATURE_PENDING": "client",
    "SIGNED": "advisor",
    "ACCOUNT_CREATION_PENDING": "mainframe",
}
"""Whom a file waits for; of the others for nobody but ourselves."""
WAITING: Final = ("client", "compliance", "advisor", "provider", "mainframe")
SUMMARIES: Final[Mapping[str, str]] = {
    "INITIATED": "INITIATED",
    "DOCUMENTS_PENDING": "DOCS_PENDING",
    "DOCUMENTS_UPLOADED": "DOCS_PENDING",
    "KYC_PENDING": "KYC_PENDING",
    "COMPLIANCE_HOLD": "KYC_PENDING",
    "KYC_APPROVED": "APPROVED",
    "KYC_REJECTED": "REJECTED",
    "INCOMPLETE": "DOCS_PENDING",
    "SIGNATURE_PENDING": "APPROVED",
    "SIGNED": "APPROVED",
    "ACCOUNT_CREATION_PENDING": "APPROVED",
    "COMPLETED": "APPROVED",
}
"""ADR-001's word -> S15's (X6): a file that came too late is one whose documents are not there."""
REFUSED: Final = ("approval_refused", "account_refused")
"""Causes by which a file is INCOMPLETE because somebody said no."""
ENDED: Final = ("declined", "expired", "failed")
"""Of a signature: its advisor may have it issued anew."""
SHOWN: Final = 4
"""Of an account's number: its last characters."""


def _signing_of(file: Stands) -> str:
    return file.signing if isinstance(file, FileRow) else file.onward.signing.status


def summary_of(file: Stands) -> str:
    """S15's word (X6)."""
    return "REJECTED" if file.cause in REFUSED else SUMMARIES[file.status]


def _wants_reissue(file: Stands) -> bool:
    return file.status == "SIGNATURE_PENDING" and _signing_of(file) in ENDED


def next_step(file: Stands) -> str | None:
    """What is to come; None: nothing is."""
    return REISSUE if _wants_reissue(file) else NEXT_STEPS.get(file.status)


def waits_for(file: Stands) -> str | None:
    """For whom (E17)."""
    if _wants_reissue(file):
        return "advisor"
    if file.status == "KYC_APPROVED" and _signing_of(file) == "preparing":
        return "provider"
    return WAITS.get(file.status)


def onward_shown(file: FileDescribed, call: Call) -> dict[str, object]:
    """What it has of signature, last word and account."""
    opened, who = file.opened, call.principal
    is_client = call.access.user_id == opened.user_id
    theirs = who is None or who.subject in (opened.user_id, opened.advisor)
    shown: dict[str, object] = {
        "signature": _signing(file.onward.signing),
        "account": _account(file.onward.account, whole=theirs, inside=not is_client),
    }
    if not is_client:
        shown["approval"] = _approval(file.onward.approval)
    return shown


def _signing(one: SigningKept) -> dict[str, object] | None:
    if one.status == "none":
        return None
    return {
        "status": one.status,
        "round": one.round,
        "provider": one.provider or None,
        "code": one.code or None,
        "dueAt": rfc3339(one.due_at) if one.due_at else None,
        "changedAt": rfc3339(one.at),
    }


def _approval(one: ApprovalKept) -> dict[str, object] | None:
    if not one.due_at:
        return None
    return {
        "decision": None if one.approved is None else ("approve" if one.approved else "reject"),
        "dueAt": rfc3339(one.due_at),
        "overdue": one.told > 0,
        "by": one.by or None,
        "reason": one.reason or None,
        "at": rfc3339(one.at) if one.at else None,
    }


def _account(one: AccountKept, *, whole: bool, inside: bool) -> dict[str, object] | None:
    if one.status == "none":
        return None
    number = one.number if whole else masked(one.number)
    shown: dict[str, object] = {
        "status": one.status,
        "accountNumber": number or None,
        "askedAt": rfc3339(one.asked_at) if one.asked_at else None,
        "answeredAt": rfc3339(one.at) if one.at else None,
    }
    if inside:
        shown["code"] = one.code or None
    return shown


def masked(number: str) -> str:
    """An account's number as everybody else sees it; one that is short is not seen at all."""
    hidden = max(len(number) - SHOWN, 0)
    return "*" * hidden + number[hidden:] if hidden else "*" * len(number)

"""A right request of each operation that takes tokens, about an object of whom the test wants.

Rule: what is sent is right in every case, so that what is answered tells of the caller alone.
Source: interface.md 7, 8 and 9; docs/authorization.md.
"""

from typing import Any
from zlib import crc32

import httpx

from comptoir.actors.onboarding.views import ALL, FileRow, advisors, partners
from comptoir.http.accounts_testing import HELD
from comptoir.http.batches_testing import BATCH_ID
from comptoir.http.events_testing import ENDPOINT_ID
from comptoir.http.lists_testing import LIST
from comptoir.http.oauth.opened import id_of
from comptoir.http.operation import Call, Operation, Reach
from comptoir.http.principal import Role
from comptoir.http.review_testing import DUE_MS, review_of
from comptoir.http.testing import AN_OPEN_ONE, FakeDaemon
from comptoir.http.uploads_testing import DOCUMENT_ID

__all__ = [
    "APP",
    "INITIATION",
    "LETTER",
    "adjustment_id",
    "any_call",
    "ask",
    "claim_id",
    "connection_id",
    "file_id",
    "give_to",
    "owning",
    "path_of",
    "session_id",
    "withdrawal_id",
]

LETTER = 7
LETTER_ID = f"dl_{LETTER:016x}"
APP = "https://app.example/linked"


INITIATION: dict[str, Any] = {
    "clientType": "INDIVIDUAL", "initiatedBy": "PARTNER", "conseillerEmail": "jean.dupont@bnc.ca",
    "clientInfo": {
        "firstName": "Marie", "lastName": "Tremblay", "email": "marie.tremblay@example.com",
        "phone": "+1-514-555-1234", "dateOfBirth": "1980-05-15", "residenceCountry": "CA",
        "taxResidence": "CA",
    },
    "metadata": {"source": "CRM", "campaignId": "Q4-2025-PROMO"},
}  # fmt: skip
"""The source's own (S8), brought by a partner: so that whoever may begin a file may send it."""


SUBMISSION: dict[str, Any] = {
    "reference": "cabinet-17", "clientType": "INDIVIDUAL", "clientInfo": INITIATION["clientInfo"],
}  # fmt: skip
"""A partner's (S5)."""


BANK_REPORT = (
    b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr>'
    b"<MsgId>M1</MsgId></GrpHdr></CstmrPmtStsRpt></Document>"
)
"""It says nothing, and is right."""


def any_call() -> Call:
    """A request with a chance of its own."""
    return Call("abcdefgh", {}, {}, "", b"")


def session_id(owner: str) -> str:
    """The id of somebody's linking session."""
    return f"ls_{owner.encode().hex():0<32.32}"


def connection_id(owner: str) -> str:
    """The id of somebody's connection."""
    return f"cn_{owner.encode().hex():0<20.20}"


def claim_id(owner: str) -> str:
    """The id of somebody's claim."""
    return f"clm_{owner.encode().hex():0<20.20}"


def withdrawal_id(owner: str) -> str:
    """The id of somebody's withdrawal."""
    return f"wd_{owner.encode().hex():0<20.20}"


def adjustment_id(owner: str) -> str:
    """The id of an adjustment of somebody's points."""
    return f"adj_{owner.encode().hex():0<20.20}"


def file_id(owner: str) -> str:
    """The number of somebody's file."""
    return f"ONB-2025-{crc32(owner.encode()) % 10**9:09d}"


def give_to(daemon: FakeDaemon, owner: str) -> None:
    """A claim, a file, a withdrawal, an adjustment and a linking session of theirs."""
    daemon.claim_owners[claim_id(owner)] = owner
    daemon.file_owners[file_id(owner)] = owner
    daemon.submitted = file_id(owner)
    daemon.withdrawal_owners[withdrawal_id(owner)] = owner
    daemon.batch_ids = [BATCH_ID]
    daemon.reviewed[file_id(owner)] = review_of()
    daemon.accounts[file_id(owner)] = HELD
    row = FileRow("INDIVIDUAL", "SIGNED", "", "signed", DUE_MS - 2, DUE_MS, DUE_MS - 3)
    for mine in (ALL, advisors(owner), partners(owner)):
        daemon.filed.setdefault(mine, {})[file_id(owner)] = row
    daemon.sessions[session_id(owner)] = owner
    daemon.note_adjustment(adjustment_id(owner), owner, 100, "ops-1")


def path_of(operation: Operation, owner: str) -> str:
    """The operation's path, about an object of somebody."""
    filled = {
        "userId": owner, "month": "2025-11", "transactionId": f"tx-{owner}", "kind": "partners", "clientId": "cl_1",
        "connectionId": connection_id(owner), "partnerId": "p1", "code": "NOT_FOUND",
        "approvalId": "apr_" + "0" * 20, "erasureId": "0" * 64,
        "claimId": claim_id(owner), "withdrawalId": withdrawal_id(owner),
        "adjustmentId": adjustment_id(owner),
        "sessionId": id_of(AN_OPEN_ONE), "onboardingId": file_id(owner), "documentId": DOCUMENT_ID,
        "batchId": BATCH_ID, "endpointId": ENDPOINT_ID, "reference": "cabinet-17", "name": LIST,
        "deviceId": "d1", "channel": "mail", "bucket": "onboarding-docs", "docType": "IDENTITY", "filename": "doc_1.pdf", "letterId": LETTER_ID, "dispositionId": LETTER_ID,
    }  # fmt: skip
    return operation.path.format_map(filled)


def owning(operation: Operation) -> str:
    """Who has objects of their own with it: a client, where clients may."""
    own = [role for role, reach in operation.grants.items() if reach is Reach.OWN]
    return (Role.CLIENT if Role.CLIENT in own else own[0]).value


def body_of(operation: Operation, owner: str) -> dict[str, Any] | None:
    """What the operation wants to be told; None: nothing."""
    consent = {"accepted": True, "textVersion": "1", "durationDays": 90}
    bodies: dict[str, dict[str, Any]] = {
        "registerClient": {"name": "acme", "scopes": ["a:b"]},
        "inviteClient": {"userId": "u-1", "email": "c@example.org"},
        "inviteStaff": {"sub": "m.durand", "roles": ["COMPLIANCE"]},
        "initiateOnboarding": INITIATION,
        "addDocument": {
            "docType": "IDENTITY",
            "filename": "passeport.pdf",
            "contentType": "application/pdf",
            "sizeBytes": 300,
        },
        "signContract": {"documentSha256": "c" * 64, "consents": ["read-1", "electronic-1"]},
        "declineContract": {"reason": "the fees"},
        "changeProfile": {"address": {"city": "Paris"}},
        "submitClient": SUBMISSION,
        "removeStaff": {"sub": "m.durand"},
        "signOutPerson": {"sub": "m.durand"},
        "erasePerson": {"sub": "m.durand"},
        "rotateKey": {"key": "data"},
        "replayDeadLetters": {"queue": "dlq:points"},
        "discardDeadLetter": {"reason": "settled by hand"},
        "startLink": {"deviceId": "d", "redirectUri": APP, "userId": owner, "consent": consent},
        "claimCashback": {"transactionId": f"tx-{owner}"},
        "grantClaim": {"partnerId": "p1"},
        "refuseClaim": {"reason": "nobody's"},
        "withdrawPoints": {
            "points": 950,
            "iban": "FR1420041010050500013M02606",
            "beneficiaryName": "Ada",
            "userId": owner,
        },
        "rejectBatch": {"reason": "two names look alike"},
        "quoteWithdrawal": {
            "points": 950,
            "iban": "FR1420041010050500013M02606",
            "beneficiaryName": "Ada",
            "userId": owner,
        },
        "adjustPoints": {"userId": owner, "points": -100, "reason": "credited twice"},
        "noteReview": {"text": "called the client"},
        "snoozeReview": {"until": "2025-12-01T09:00:00.000Z", "reason": "waits for a translation"},
        "decideReview": {"decision": "approve", "reason": "met in person"},
        "approveOnboarding": {"decision": "approve", "reason": "met in person"},
        "settleAccount": {"outcome": "created", "reason": "asked the bank"},
        "settleWithdrawal": {"outcome": "failed", "reason": "asked the bank"},
        "registerDevice": {"token": "fcm-token:of-d1", "platform": "android"},
        "putPreferences": {"language": "en"},
        "putContact": {"address": "ada@example.org"},
        "confirmContact": {"code": "123456"},
        "putPartner": {"name": "Chez Nous", "rateBp": 500},
        "searchWatchLists": {"name": "Ivan Sorokin"},
        "registerEndpoint": {"url": "https://hub.example/events"},
        "changeEndpoint": {"enabled": True},
        "replayEvents": {"after": 0},
        "completeLink": {"sessionId": session_id(owner)},
    }
    return bodies.get(operation.id)


async def ask(
    client: httpx.AsyncClient, operation: Operation, owner: str, headers: dict[str, str]
) -> httpx.Response:
    """A right request about an object of somebody."""
    if operation.id == "takeBankReport":
        xml = {**headers, "content-type": "application/xml"}
        return await client.request(
            operation.method, operation.path, content=BANK_REPORT, headers=xml
        )
    named = operation.tag == "notices" or operation.id in ("listConnections", "listWithdrawals")
    query = f"?userId={owner}" if named else ""
    return await client.request(
        operation.method,
        path_of(operation, owner) + query,
        json=body_of(operation, owner),
        headers=headers,
    )

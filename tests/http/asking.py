"""A right request of each operation that takes tokens, about an object of whom the test wants.

Rule: what is sent is right in every case, so that what is answered tells of the caller alone.
Source: interface.md 7, 8 and 9; docs/authorization.md.
"""

from typing import Any

import httpx

from comptoir.http.oauth.opened import id_of
from comptoir.http.operation import Call, Operation
from comptoir.http.testing import AN_OPEN_ONE

__all__ = [
    "APP",
    "LETTER",
    "any_call",
    "ask",
    "claim_id",
    "connection_id",
    "path_of",
    "session_id",
    "withdrawal_id",
]

LETTER = 7
LETTER_ID = f"dl_{LETTER:016x}"
APP = "https://app.example/linked"


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


def path_of(operation: Operation, owner: str) -> str:
    """The operation's path, about an object of somebody."""
    filled = {
        "userId": owner, "transactionId": f"tx-{owner}", "kind": "partners", "clientId": "cl_1",
        "connectionId": connection_id(owner), "partnerId": "p1", "code": "NOT_FOUND",
        "approvalId": "apr_" + "0" * 20, "erasureId": "0" * 64,
        "claimId": claim_id(owner), "withdrawalId": withdrawal_id(owner),
        "sessionId": id_of(AN_OPEN_ONE), "onboardingId": "ONB-2025-00123", "letterId": LETTER_ID, "dispositionId": LETTER_ID,
    }  # fmt: skip
    return operation.path.format_map(filled)


def body_of(operation: Operation, owner: str) -> dict[str, Any] | None:
    """What the operation wants to be told; None: nothing."""
    consent = {"accepted": True, "textVersion": "1", "durationDays": 90}
    bodies: dict[str, dict[str, Any]] = {
        "registerClient": {"name": "acme", "scopes": ["a:b"]},
        "inviteClient": {"userId": "u-1", "email": "c@example.org"},
        "inviteStaff": {"sub": "m.durand", "roles": ["COMPLIANCE"]},
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
        "putPartner": {"name": "Chez Nous", "rateBp": 500},
        "completeLink": {"sessionId": session_id(owner)},
    }
    return bodies.get(operation.id)


async def ask(
    client: httpx.AsyncClient, operation: Operation, owner: str, headers: dict[str, str]
) -> httpx.Response:
    """A right request about an object of somebody."""
    query = f"?userId={owner}" if operation.id in ("listConnections", "listWithdrawals") else ""
    return await client.request(
        operation.method,
        path_of(operation, owner) + query,
        json=body_of(operation, owner),
        headers=headers,
    )

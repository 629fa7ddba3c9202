"""Errors as the outside sees them."""

import inspect
from typing import Any

import orjson
import pytest

from comptoir.engine import EngineError, Refused, errors
from comptoir.http import payload_fields
from comptoir.http.problems import PROBLEMS, FieldError, problem, problem_of

# What interface.md 1 and S66 say, written down a second time.
GENERAL = {
    "REQUEST_MALFORMED": 400, "REQUEST_INVALID": 422, "UNAUTHENTICATED": 401, "FORBIDDEN": 403,
    "SOURCE_FORBIDDEN": 403,
    "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405, "CONFLICT": 409, "PAYLOAD_TOO_LARGE": 413,
    "MEDIA_TYPE_UNSUPPORTED": 415, "IDEMPOTENCY_KEY_REUSED": 422, "IDEMPOTENCY_IN_PROGRESS": 409,
    "RATE_LIMITED": 429, "OVERLOADED": 503, "STORAGE_UNAVAILABLE": 503, "ISSUER_UNAVAILABLE": 503,
    "INTERNAL": 500,
}  # fmt: skip
BANKING = {
    "BANK_CARD_LINKING_FAILED": (400, False, "Réessayer"),
    "BANK_CARD_ALREADY_LINKED": (409, False, "Utiliser carte existante"),
    "BANK_CONNECTION_EXPIRED": (401, False, "Reconnecter"),
    "BANK_PROVIDER_UNAVAILABLE": (503, True, "Réessayer plus tard"),
    "BANK_IBAN_INVALID": (400, False, "Corriger IBAN"),
    "BANK_WITHDRAWAL_MINIMUM": (400, False, "Accumuler plus de points"),
    "BANK_WITHDRAWAL_PENDING": (409, False, "Attendre fin traitement"),
    "WEBHOOK_SIGNATURE_INVALID": (401, False, "Log sécurité"),
    "WEBHOOK_TIMESTAMP_EXPIRED": (401, False, "Log (replay attack)"),
}
WEBHOOKS = {
    "WEBHOOK_SOURCE_FORBIDDEN": 403, payload_fields.MALFORMED: 400, payload_fields.INVALID: 422,
    payload_fields.UNSUPPORTED: 422,
}  # fmt: skip


def _engine_errors() -> list[EngineError]:
    """One of every class of the engine's errors, however deep."""
    classes = [found for _, found in inspect.getmembers(errors, inspect.isclass)]
    return [
        found("SOME_CODE", "inside") if found is Refused else found("inside")
        for found in classes
        if issubclass(found, EngineError)
    ]


def _read(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(answer.body)
    return body


@pytest.mark.parametrize(("code", "status"), [*GENERAL.items(), *WEBHOOKS.items()])
def test_status_of_code(code: str, status: int) -> None:
    """interface.md 1 and 6: each code has its status."""
    assert problem(code, "r" * 8).status == PROBLEMS[code].status == status


@pytest.mark.parametrize("code", BANKING)
def test_banking_codes(code: str) -> None:
    """S66: status, retry and user action as the source gives them; X29: no WWW-Authenticate."""
    answer = problem(code, "r" * 8)
    body = _read(answer)
    assert (answer.status, body["retryable"], body["userAction"]["fr"]) == BANKING[code]
    assert body["userAction"]["en"]
    assert b"www-authenticate" not in dict(answer.headers)


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_is_whole(code: str) -> None:
    """interface.md 1, RFC 9457: members, media type, Retry-After on 429 and 503."""
    answer = problem(code, "abcdefgh")
    body, headers = _read(answer), dict(answer.headers)
    assert list(body) == [
        "type", "title", "status", "code", "detail", "userAction", "retryable", "requestId",
    ]  # fmt: skip
    assert (body["type"], body["code"], body["status"]) == (
        f"/problems/{code}",
        code,
        answer.status,
    )
    assert body["requestId"] == "abcdefgh" == headers[b"x-request-id"].decode()
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(answer.body)
    assert (b"retry-after" in headers) == (answer.status in (429, 503))
    assert body["retryable"] or answer.status not in (408, 429, 503, 504)


@pytest.mark.parametrize("error", _engine_errors(), ids=lambda error: type(error).__name__)
def test_total_over_the_engine(error: EngineError) -> None:
    """Style 8: every error of the engine has an answer, and its text stays inside."""
    answer = problem_of(error, "abcdefgh")
    body = _read(answer)
    assert isinstance(error, Refused) or error.code in PROBLEMS
    assert body["code"] == error.code
    assert b"inside" not in answer.body
    if answer.status == 503:
        assert dict(answer.headers)[b"retry-after"] == str(error.retry_after_s).encode()


def test_refusal_of_a_machine() -> None:
    """S16: a machine's refusal keeps its own code; one of the table has the table's status."""
    unknown = _read(problem_of(Refused("WALLET_CLOSED", "inside"), "abcdefgh"))
    assert (unknown["status"], unknown["code"]) == (409, "WALLET_CLOSED")
    known = _read(problem_of(Refused("BANK_IBAN_INVALID"), "abcdefgh"))
    assert (known["status"], known["code"]) == (400, "BANK_IBAN_INVALID")


def test_unknown_code_is_internal() -> None:
    """RFC 9457: a code that the table has not is a bug of ours, and says nothing."""
    assert _read(problem("NO_SUCH_CODE", "abcdefgh"))["code"] == "INTERNAL"


def test_errors_are_listed() -> None:
    """interface.md 1: `errors` only for validation."""
    fault = FieldError(pointer="/a", code="MISSING", detail="required")
    assert _read(problem("REQUEST_INVALID", "abcdefgh", errors=[fault]))["errors"] == [fault]

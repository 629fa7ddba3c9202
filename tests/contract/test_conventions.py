"""Section 1: JSON, money, problems, request ids, methods.

Rule: every refusal is a problem of RFC 9457 with all of its keys; nothing internal is told.
Source: interface.md 1; RFC 9457; RFC 9110.
"""

import json
import re
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, purchase

KEYS = {"type", "title", "status", "code", "detail", "userAction", "retryable", "requestId"}
GETS = ["/health/live", "/health/ready", "/metrics", "/api/v1/wallets/x", "/api/v1/transactions/x",
        "/api/v1/connections/calendar", "/api/v1/devices", "/api/v1/onboarding/ONB-2026-00001",
        "/api/v1/onboarding/ONB-2026-00001/signature", "/api/v1/payouts/overdue", "/api/v1/lists", "/api/v1/payouts/reconciliations",
        "/api/v1/onboarding", "/api/v1/review/queue", "/api/v1/review/ONB-2026-00001", "/api/v1/onboarding/measures",
        "/api/v1/events", f"/api/v1/webhook-endpoints/we_{'0' * 20}/attempts"]  # fmt: skip
POSTS = [
    "/webhooks/banking", "/dev/v1/clock", "/dev/v1/quiesce", "/dev/v1/import/partners",
    "/api/v1/withdrawals/quote", "/api/v1/sign-outs", "/api/v1/onboarding/ONB-2026-00001/documents", "/api/v1/onboarding/initiate",
    "/api/v1/me/contacts/mail/confirm", "/api/v1/review/ONB-2026-00001/decision", "/webhooks/docusign",
    f"/api/v1/webhook-endpoints/we_{'0' * 20}/rotate",
    "/api/v1/onboarding/ONB-2026-00001/signature/sign", "/api/v1/onboarding/ONB-2026-00001/signature/address", "/api/v1/onboarding/ONB-2026-00001/approval", "/api/v1/onboarding/ONB-2026-00001/signature/reissue",
]  # fmt: skip


def is_problem(answer: Answered, status: int, code: str) -> dict[str, Any]:
    """Hold an answer to the form of a problem; its body."""
    body: dict[str, Any] = answer.json()
    assert (answer.status, body["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body.keys() - {"errors"} == KEYS
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert isinstance(body["retryable"], bool)
    for name in ("title", "detail"):
        assert isinstance(body[name], str)
        assert body[name]
    action: dict[str, Any] = body["userAction"]
    assert action.keys() == {"fr", "en"}
    assert all(isinstance(text, str) and text for text in action.values())
    assert body["requestId"] == answer.headers["x-request-id"]
    return body


def test_not_found_is_a_problem(daemon: Process) -> None:
    """What is not there is 404 NOT_FOUND with every key, and no `errors` (S66)."""
    for path in ("/", "/api/v1/nothing", "/api/v1/wallets", "/health", "/webhooks/nobody"):
        if path != "/":  # may have a landing page
            assert "errors" not in is_problem(daemon.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_reads_take_get_only(daemon: Process, method: str, path: str) -> None:
    """Another method than GET is 405 METHOD_NOT_ALLOWED, and Allow names what is taken."""
    answer = daemon.request(method, path, b"{}", {"Content-Type": "application/json"})
    is_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in re.split(r",\s*", answer.headers["allow"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_doors_take_post_only(daemon: Process, method: str, path: str) -> None:
    """Another method than POST is 405 METHOD_NOT_ALLOWED, and Allow names POST."""
    answer = daemon.request(method, path)
    is_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in re.split(r",\s*", answer.headers["allow"])


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_head_is_get_without_its_body(customer: Customer, path: str) -> None:
    """HEAD answers as GET does, without a body (RFC 9110 9.3.2)."""
    with customer.connection() as wire:
        request = f"HEAD {path} HTTP/1.1\r\nHost: x.localhost\r\nConnection: close\r\n\r\n"
        wire.sendall(request.encode())
        received = b"".join(iter(lambda: wire.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b""


@pytest.mark.parametrize("ticket", ["a1B2_-zz", "x" * 64, "0123456789"])
def test_a_right_request_id_is_echoed(customer: Customer, ticket: str) -> None:
    """The caller's request id comes back, on reads, problems and webhooks alike."""
    headers = [("X-Request-Id", ticket), ("Connection", "close")]
    for method, path in (
        ("GET", "/health/live"),
        ("GET", "/api/v1/wallets/nobody"),
        ("POST", "/webhooks/banking"),
    ):
        answer = customer.raw(method, path, headers)
        assert answer.headers["x-request-id"] == ticket


@pytest.mark.parametrize("ticket", ["short", "x" * 65, "with space", "semi;colon", "é" * 8, ""])
def test_a_wrong_request_id_is_replaced(customer: Customer, ticket: str) -> None:
    """An id of another form is not repeated; the answer has one of ours."""
    for method, path in (("GET", "/health/live"), ("POST", "/webhooks/banking")):
        answer = customer.raw(method, path, [("X-Request-Id", ticket), ("Connection", "close")])
        given = answer.headers["x-request-id"]
        assert given != ticket
        assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", given)


def test_two_request_ids_are_none(customer: Customer) -> None:
    """Given twice, neither is repeated: one could not be told from the other."""
    pair = [("X-Request-Id", "aaaaaaaa"), ("X-Request-Id", "bbbbbbbb"), ("Connection", "close")]
    for method, path in (("GET", "/health/live"), ("POST", "/webhooks/banking")):
        given = customer.raw(method, path, pair).headers["x-request-id"]
        assert given not in {"aaaaaaaa", "bbbbbbbb"}


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("100.00", 10_000), ("100", 10_000), ("0.01", 1), ("0.1", 10), ("1E2", 10_000),
        ("99999999.99", 9_999_999_999), ("0.29", 29), ("1.15", 115), ("8.95", 895),
        ("100.000", 10_000), ("1.005e3", 100_500), ("0", 0), ("-0", 0), ("25.0e-1", 250),
    ],
)  # fmt: skip
def test_amounts_are_exact_decimals(customer: Customer, text: str, cents: int) -> None:
    """An amount is read from its text, never through a float; it shows as integer cents (S56)."""
    card = customer.card()
    identity = customer.name("tx")
    body = purchase(identity, card.connection_id, merchant={"name": card.label}, amount="AMOUNT")
    answer = customer.send(json.dumps(body).replace('"AMOUNT"', text))
    assert answer.status == 202
    assert customer.transaction(identity)["amountCents"] == cents


def test_malformed_json_to_a_door_is_a_problem(daemon: Process) -> None:
    """REQUEST_MALFORMED 400, REQUEST_INVALID 422 with `errors`, MEDIA_TYPE_UNSUPPORTED 415."""
    json_type = {"Content-Type": "application/json"}
    path = "/dev/v1/quiesce"
    malformed = daemon.request("POST", path, b"{", json_type)
    assert "errors" not in is_problem(malformed, 400, "REQUEST_MALFORMED")
    answer = daemon.request("POST", path, b'{"timeoutSeconds": "x"}', json_type)
    body = is_problem(answer, 422, "REQUEST_INVALID")
    errors: list[dict[str, str]] = body["errors"]
    assert errors
    assert all(one.keys() == {"pointer", "code", "detail"} for one in errors)
    other = daemon.request("POST", path, b"{}", {"Content-Type": "text/plain"})
    is_problem(other, 415, "MEDIA_TYPE_UNSUPPORTED")


def test_a_large_body_to_a_door_is_refused(daemon: Process) -> None:
    """PAYLOAD_TOO_LARGE 413 beyond the limit of the API."""
    headers = {"Content-Type": "application/json"}
    answer = daemon.request("POST", "/dev/v1/quiesce", b" " * 1_000_000, headers)
    is_problem(answer, 413, "PAYLOAD_TOO_LARGE")


def test_a_foreign_host_name_is_refused(customer: Customer) -> None:
    """Without accounts only this machine's names are served: a page elsewhere cannot rebind (S62)."""
    with customer.connection() as wire:
        wire.sendall(b"GET /api/v1/wallets/x HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 403")

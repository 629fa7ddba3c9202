"""Payments as the sandbox plays them: taken as often as they are sent, and told by signed webhooks (S50 to S52)."""

import json
from typing import Any

import httpx
import pytest

OURS = {"Authorization": "Basic dXM6cw=="}
ORDER = {
    "withdrawalId": "wd_1", "reference": "REWAPP-WD-2025-11-24-001", "amount": 9.5, "currency": "EUR",
    "beneficiary": {"iban": "FR1420041010050500013M02606", "name": "Ada Lovelace"},
}  # fmt: skip


async def _initiate(driver: Any, **fields: Any) -> httpx.Response:
    answer: httpx.Response = await driver.client.post(
        "/payments/initiate", json={**ORDER, **fields}, headers=OURS
    )
    return answer


def _accepts(_receiver: object) -> tuple[int, dict[str, Any]]:
    return 202, {"status": "accepted"}


async def test_an_order_that_comes_twice_is_paid_twice(driver: Any) -> None:
    """S51: it promises no idempotency, and is found by its reference."""
    ids = [(await _initiate(driver)).json()["paymentId"] for _ in range(2)]
    assert len(set(ids)) == 2
    found = await driver.client.get(
        "/payments", params={"reference": ORDER["reference"]}, headers=OURS
    )
    assert [one["paymentId"] for one in found.json()["items"]] == ids
    listed = (await driver.client.get("/control/payments")).json()["items"]
    assert [(one["amount"], one["status"]) for one in listed] == [(9.5, "INITIATED")] * 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"amount": 0}, 422),
        ({"amount": 9.505}, 422),
        ({"currency": "eur"}, 422),
        ({"reference": "x" * 36}, 422),
        ({"beneficiary": {"iban": "FR76****1234", "name": "Ada"}}, 422),
        ({"more": 1}, 422),
    ],
)
async def test_strict_where_a_provider_is(driver: Any, fields: Any, status: int) -> None:
    """S50, S56: what could not be paid is refused, and nothing is taken."""
    assert (await _initiate(driver, **fields)).status_code == status
    assert (await driver.client.get("/control/payments")).json()["items"] == []


async def test_nobody_pays_without_credentials(driver: Any) -> None:
    """S51: HTTP Basic, to pay and to look."""
    assert (await driver.client.post("/payments/initiate", json=ORDER)).status_code == 401
    assert (await driver.client.get("/payments?reference=x")).status_code == 401


async def test_how_it_ends_is_told(driver: Any, receiver: Any) -> None:
    """S52, S56: the webhook of the source, signed for whoever is registered."""
    receiver.interfere = _accepts
    hook = {"url": receiver.url, "secret": receiver.secret}
    assert (await driver.client.post("/control/seed/webhooks", json=hook)).status_code == 200
    payment = (await _initiate(driver)).json()["paymentId"]
    path = f"/control/payments/{payment}/settle"
    assert (await driver.client.post(path, json={"outcome": "maybe"})).status_code == 422
    answer = await driver.client.post(path, json={"outcome": "returned", "reason": "AC04"})
    assert answer.json()["status"] == "RETURNED"
    told = json.loads(receiver.messages[-1])
    assert told["event"] == "payment.returned"
    assert told["data"] == {
        "payment_id": payment, "withdrawal_id": "wd_1", "amount": 9.5, "currency": "EUR",
        "status": "RETURNED", "reference": ORDER["reference"], "beneficiary_iban": "FR14****2606",
        "reason": "AC04",
    }  # fmt: skip
    assert b"9.50" in receiver.messages[-1]
    nobody = await driver.client.post("/control/payments/pay_x/settle", json={"outcome": "failed"})
    assert nobody.status_code == 404


async def _listed(driver: Any, **query: str) -> list[dict[str, Any]]:
    """All pages of the payments of some days."""
    found: list[dict[str, Any]] = []
    cursor: str | None = "0"
    while cursor is not None:
        days = {"from": "2000-01-01", "to": "2100-01-01", **query, "cursor": cursor}
        answer = await driver.client.get("/payments", params=days, headers=OURS)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["nextCursor"]
    return found


async def test_the_payments_of_some_days(driver: Any) -> None:
    """S51: listed page by page, each once, with amount, state and time; none of another day."""
    ids = [(await _initiate(driver, reference=f"R-{n}")).json()["paymentId"] for n in range(205)]
    listed = await _listed(driver)
    assert [one["paymentId"] for one in listed] == ids
    first = listed[0]
    assert (first["reference"], first["amount"], first["status"]) == ("R-0", 9.5, "INITIATED")
    assert await _listed(driver, to="2000-01-02") == []
    wrong = await driver.client.get("/payments?from=2026-01-01", headers=OURS)
    assert wrong.status_code == 422
    assert (await driver.client.get("/payments?from=2026-01-01&to=2026-01-02")).status_code == 401


async def test_what_is_shown_can_differ(driver: Any) -> None:
    """S50: hidden, doubled, of another amount or state, and one that nobody ordered: for whoever compares."""
    payment = (await _initiate(driver)).json()["paymentId"]
    path = f"/control/payments/{payment}/change"
    for change, seen in (
        ({"amount": 9.51}, [(9.51, "INITIATED")]),
        ({"status": "FAILED"}, [(9.51, "FAILED")]),
        ({"doubled": True}, [(9.51, "FAILED")] * 2),
        ({"hidden": True}, []),
    ):
        assert (await driver.client.post(path, json=change)).status_code == 200
        assert [(one["amount"], one["status"]) for one in await _listed(driver)] == seen
    stray = {"reference": "REWAPP-WD-2025-11-24-999", "amount": 1}
    assert (await driver.client.post("/control/payments", json=stray)).status_code == 201
    assert [one["reference"] for one in await _listed(driver)] == [stray["reference"]]
    nobody = await driver.client.post("/control/payments/pay_x/change", json={"hidden": True})
    assert nobody.status_code == 404

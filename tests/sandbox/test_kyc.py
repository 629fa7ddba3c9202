"""The bureau as the sandbox plays it: begun once, pending until somebody says how it ends, and told by the source's webhook."""

import json
from typing import Any

import httpx
import pytest

from tests.actors.gateways.kyc_schemas import KYC_COMPLETED, VERIFICATION, VERIFY_ANSWER, hold

FILE = "ONB-2026-00001"
OURS = {"Authorization": "Bearer ours"}
BODY: dict[str, Any] = {
    "reference": f"{FILE}:1",
    "onboardingId": FILE,
    "clientType": "INDIVIDUAL",
    "parties": [{"id": "client", "role": "client", "type": "PERSON", "lastName": "Lovelace"}],
    "address": {"city": "Paris", "country": "FR"},
    "email": "ada@example.org",
    "phone": "+33612345678",
}


def _takes(_receiver: object) -> tuple[int, dict[str, str]]:
    return 200, {"status": "accepted"}


def _is_away(_receiver: object) -> tuple[int, dict[str, str]]:
    return 503, {"status": "away"}


async def _begin(driver: Any, key: str = BODY["reference"], **fields: Any) -> httpx.Response:
    headers = {**OURS, "Idempotency-Key": key}
    answer: httpx.Response = await driver.client.post(
        "/kyc/verifications", json={**BODY, **fields}, headers=headers
    )
    return answer


async def _read(driver: Any, id_: str) -> Any:
    answer = await driver.client.get(f"/kyc/verifications/{id_}", headers=OURS)
    assert answer.status_code == 200
    return answer.json()


async def _hook(driver: Any, receiver: Any) -> None:
    receiver.interfere = _takes
    hook = {"url": receiver.url, "secret": receiver.secret}
    assert (await driver.client.post("/control/kyc/webhooks", json=hook)).status_code == 200


async def test_it_is_begun_once(driver: Any) -> None:
    """E15: by its key, also after a restart, since its id is made of it; another body under it is refused."""
    first, again = await _begin(driver), await _begin(driver)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    hold(VERIFY_ANSWER, first.json())
    assert (await _begin(driver, email="other@example.org")).status_code == 422
    listed = (await driver.client.get("/control/kyc")).json()["items"]
    assert [(one["id"], one["status"]) for one in listed] == [(first.json()["id"], "PENDING")]
    calls = (await driver.client.get("/control/calls?party=kyc")).json()["items"]
    assert [one["effect"] for one in calls] == [True, False, False]
    await driver.client.post("/control/reset")
    assert (await _begin(driver)).json() == first.json()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"parties": []}, 422),
        ({"more": 1}, 422),
        ({"address": {"city": ""}}, 422),
        ({"key": "another"}, 400),
    ],
)
async def test_it_is_strict(driver: Any, fields: Any, status: int) -> None:
    """E15: what is not of the form, or known by another key, is refused."""
    assert (await _begin(driver, **fields)).status_code == status


async def test_nobody_asks_without_credentials(driver: Any) -> None:
    """S21: a bearer token, to begin and to read."""
    headers = {"Idempotency-Key": BODY["reference"]}
    assert (
        await driver.client.post("/kyc/verifications", json=BODY, headers=headers)
    ).status_code == 401
    assert (await driver.client.get("/kyc/verifications/ver_1")).status_code == 401
    assert (await driver.client.get("/kyc/verifications/x", headers=OURS)).status_code == 404


@pytest.mark.parametrize(
    ("score", "status", "risk", "recommendation"),
    [
        (100, "APPROVED", "LOW", "AUTO_APPROVE"),
        (80, "APPROVED", "LOW", "AUTO_APPROVE"),
        (79, "MANUAL_REVIEW", "MEDIUM", "MANUAL_REVIEW"),
        (50, "MANUAL_REVIEW", "MEDIUM", "MANUAL_REVIEW"),
        (49, "REJECTED", "HIGH", "REJECT"),
    ],
)
async def test_how_it_ends_is_told(
    driver: Any, receiver: Any, score: int, status: str, risk: str, recommendation: str
) -> None:
    """S10, S23: the source's webhook, signed; what is not said follows from the score; and it can be read."""
    await _hook(driver, receiver)
    id_ = (await _begin(driver)).json()["id"]
    pending = await _read(driver, id_)
    hold(VERIFICATION, pending)
    assert pending["status"] == "PENDING"
    answer = await driver.client.post(f"/control/kyc/{FILE}", json={"score": score})
    assert answer.json()["answers"][0]["body"] == {"status": "accepted"}
    told = json.loads(receiver.messages[-1])
    hold(KYC_COMPLETED, told)
    result = told["kycResult"]
    assert (result["status"], result["riskLevel"]) == (status, risk)
    assert result["recommendation"] == recommendation
    assert set(result["checks"].values()) == {"PASSED"}
    read = await _read(driver, id_)
    hold(VERIFICATION, read)
    assert (read["status"], read["kycResult"]) == ("COMPLETED", result)
    names = {name for name, _ in receiver.heads[-1]}
    assert {"x-webhook-signature", "x-webhook-timestamp"} <= names


async def test_a_contradiction_can_be_said(driver: Any, receiver: Any) -> None:
    """X4: whatever a test says stands, and more than once if it says so."""
    await _hook(driver, receiver)
    await _begin(driver)
    said = {
        "score": 30, "recommendation": "AUTO_APPROVE", "status": "REJECTED", "riskLevel": "LOW",
        "checks": {"sanctionsCheck": "FAILED"}, "completedAt": "2025-12-04T15:45:00Z", "times": 2,
    }  # fmt: skip
    answer = await driver.client.post(f"/control/kyc/{FILE}", json=said)
    assert len(answer.json()["answers"]) == 2
    first, second = map(json.loads, receiver.messages)
    assert first == second
    assert first["kycResult"]["checks"]["sanctionsCheck"] == "FAILED"
    assert first["kycResult"]["recommendation"] == "AUTO_APPROVE"


async def test_said_before_it_is_begun(driver: Any, receiver: Any) -> None:
    """interface.md 10: it is kept for then, once; an automatic end is that of all others."""
    await _hook(driver, receiver)
    kept = await driver.client.post(f"/control/kyc/{FILE}", json={"score": 60})
    assert (kept.status_code, kept.json()["status"]) == (202, "KEPT")
    automatic = {"automatic": {"score": 85}}
    assert (await driver.client.post("/control/kyc", json=automatic)).json() == {"automatic": True}
    ids = [
        (await _begin(driver, f"{file}:1", reference=f"{file}:1", onboardingId=file)).json()["id"]
        for file in (FILE, "ONB-2026-00002")
    ]
    while len(receiver.messages) < 2:  # sent by the sandbox's own task, soon
        await driver.client.get("/health")
    scores = {
        one["onboardingId"]: one["kycResult"]["score"] for one in map(json.loads, receiver.messages)
    }
    assert scores == {FILE: 60, "ONB-2026-00002": 85}
    assert [(await _read(driver, id_))["status"] for id_ in ids] == ["COMPLETED"] * 2
    assert (await driver.client.post("/control/kyc", json={"automatic": None})).status_code == 200
    third = await _begin(driver, "x:1", reference="x:1", onboardingId="x")
    assert (await _read(driver, third.json()["id"]))["status"] == "PENDING"


async def test_one_that_nobody_took_comes_again_before_the_next(driver: Any, receiver: Any) -> None:
    """E6, E15: lost, forged or refused, it is not forgotten; without a webhook it can only be read."""
    await _hook(driver, receiver)
    await _begin(driver)
    receiver.interfere = _is_away
    path = f"/control/kyc/{FILE}"
    await driver.client.post(path, json={"score": 85})
    receiver.interfere = _takes
    quiet = await driver.client.post(path, json={"score": 84, "webhook": False})
    assert quiet.json()["answers"] == []
    answers = (await driver.client.post(path, json={"score": 83})).json()["answers"]
    assert [one["status"] for one in answers] == [200, 200]
    scores = [json.loads(one)["kycResult"]["score"] for one in receiver.messages]
    assert scores == [85, 85, 83]


@pytest.mark.parametrize(
    ("fault", "codes"),
    [("forged", [401]), ("late", [401]), ("duplicate", [200, 200])],
)
async def test_faults_of_its_webhook(
    driver: Any, receiver: Any, fault: str, codes: list[int]
) -> None:
    """interface.md 10: the same outcome forged, late, twice."""
    await _hook(driver, receiver)
    await _begin(driver)
    await driver.put_faults({"party": "kyc", "operation": "webhooks.send", "fault": fault, "count": 1})  # fmt: skip
    receiver.interfere = _only_signature
    answers = (await driver.client.post(f"/control/kyc/{FILE}", json={"score": 85})).json()
    assert [one["status"] for one in answers["answers"]] == codes


def _only_signature(receiver: Any) -> Any:
    """What a receiver of any body says, by its signature and time alone."""
    try:
        return receiver.judge(receiver.heads[-1], receiver.messages[-1])
    except KeyError:  # signed right; it has no transaction
        return 200, {"status": "accepted"}


async def test_drop_after_effect_begins_it(driver: Any) -> None:
    """E15: the answer is lost, the verification is begun; asked again it is the same one."""
    await driver.put_faults(
        {"party": "kyc", "operation": "verifications.create", "fault": "drop_after_effect", "count": 1}
    )  # fmt: skip
    with pytest.raises(httpx.RemoteProtocolError):
        await _begin(driver)
    assert (await _begin(driver)).status_code == 202
    assert len((await driver.client.get("/control/kyc")).json()["items"]) == 1

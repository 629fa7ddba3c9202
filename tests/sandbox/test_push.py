"""The push service, and the inbound faults that every party can have."""

from typing import Any

import httpx
import pytest
import trio

MESSAGE = {
    "userId": "user_1",
    "title": "Cashback",
    "body": "+12 points",
    "data": {"kind": "credit", "points": 12},
}


async def _send(driver: Any, key: str | None = "k1", **fields: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await driver.client.post("/push/send", json={**MESSAGE, **fields}, headers=headers)
    assert isinstance(answer, httpx.Response)
    return answer


async def _get(driver: Any, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await driver.client.get(path)).json()["items"]
    return items


async def test_reaches_the_inbox_once_per_key(driver: Any) -> None:
    """interface.md 10: a repeated key has no second effect and says so."""
    first, again = await _send(driver), await _send(driver)
    assert first.status_code == again.status_code == 200
    assert again.json() == {**first.json(), "repeated": True}
    assert again.headers["idempotency-replayed"] == "true"
    other = await _send(driver, body="another")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    await _send(driver, key=None)
    await _send(driver, key=None)
    inbox = await _get(driver, "/control/inbox?channel=push&to=user_1")
    assert [item["idempotencyKey"] for item in inbox] == ["k1", None, None]
    assert inbox[0]["messageId"] == first.json()["messageId"]
    calls = await _get(driver, "/control/calls?party=fcm")
    assert [call["effect"] for call in calls] == [True, False, False, True, True]
    assert calls[0]["path"] == "/push/send"
    assert calls[0]["answer"]["status"] == 200
    since = await _get(driver, f"/control/calls?since={calls[2]['seq']}")
    assert [call["seq"] for call in since] == [4, 5]
    assert await _get(driver, "/control/inbox?channel=mail,sms") == []
    assert await _get(driver, f"/control/inbox?since={inbox[0]['at']}") == inbox


@pytest.mark.parametrize(
    "fields", [{"userId": None}, {"token": "t"}, {"titel": "x"}, {"data": {"a": []}}]
)
async def test_refuses_bad_messages(driver: Any, fields: dict[str, Any]) -> None:
    """A message that is not of the form is refused and has no effect."""
    answer = await _send(driver, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    assert await _get(driver, "/control/inbox") == []
    (call,) = await _get(driver, "/control/calls")
    assert call["effect"] is False


async def test_status_fault(driver: Any) -> None:
    """interface.md 10: `status` answers with that status and has no effect, so many times."""
    await driver.put_faults({"party": "fcm", "fault": "status", "status": 429, "count": 1})
    answers = [await _send(driver), await _send(driver)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert len(await _get(driver, "/control/inbox")) == 1


async def test_drop_after_effect_fault(driver: Any) -> None:
    """design.md 6: the effect happens, the answer is lost, and the retry has no second effect."""
    await driver.put_faults({"party": "fcm", "fault": "drop_after_effect", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await _send(driver)
    assert len(await _get(driver, "/control/inbox")) == 1
    assert (await _send(driver)).json()["repeated"] is True
    calls = await _get(driver, "/control/calls")
    assert [(call["effect"], call["answer"] is None) for call in calls] == [
        (True, True),
        (False, False),
    ]
    assert calls[0]["faults"] == ["drop_after_effect"]


async def test_timeout_fault(driver: Any) -> None:
    """interface.md 10: `timeout` never answers and has no effect; a caller that leaves is let go."""
    await driver.put_faults(
        {"party": "fcm", "operation": "push.send", "fault": "timeout", "count": 1}
    )
    with pytest.raises(httpx.ReadTimeout):
        await driver.client.post("/push/send", json=MESSAGE, timeout=0.05)
    assert await _get(driver, "/control/inbox") == []
    (call,) = await _get(driver, "/control/calls")
    assert (call["effect"], call["answer"]) == (False, None)


async def test_latency_fault_with_another(driver: Any) -> None:
    """Latency comes before whatever else happens to the call."""
    await driver.put_faults(
        {"party": "fcm", "fault": "latency", "ms": 40},
        {"party": "fcm", "fault": "status", "status": 500, "count": 1},
    )
    begin = trio.current_time()
    assert (await _send(driver)).status_code == 500
    assert (await _send(driver)).status_code == 200
    assert trio.current_time() - begin >= 0.08


async def test_faults_are_listed_replaced_and_deleted(driver: Any) -> None:
    """interface.md 10: PUT replaces the list, a refused list changes nothing, DELETE empties it."""
    await driver.put_faults({"party": "fcm", "fault": "status", "count": 3})
    await _send(driver)
    refused = await driver.client.put("/control/faults", json=[{"party": "fcm", "fault": "stat"}])
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/0/fault"
    (row,) = (await driver.client.get("/control/faults")).json()["faults"]
    assert (row["fault"], row["fired"]) == ("status", 1)
    assert (await driver.client.delete("/control/faults")).status_code == 204
    assert (await driver.client.get("/control/faults")).json()["faults"] == []


async def test_reset_forgets_everything(driver: Any) -> None:
    """interface.md 10: after a reset the sandbox is as it was at its start."""
    await driver.put_faults({"party": "fcm", "fault": "latency", "ms": 1})
    await _send(driver)
    await driver.client.post("/control/clock", json={"advanceSeconds": 600})
    assert (await driver.client.get("/control/clock")).json()["addedSeconds"] == 600
    assert (await driver.client.post("/control/reset")).json() == {"status": "reset"}
    assert (await driver.client.get("/control/clock")).json()["addedSeconds"] == 0
    assert (await driver.client.get("/control/faults")).json()["faults"] == []
    assert await _get(driver, "/control/inbox") == await _get(driver, "/control/calls") == []
    assert "repeated" not in (await _send(driver)).json()


async def test_clock_never_goes_back(driver: Any) -> None:
    """A party's clock only goes on."""
    answer = await driver.client.post("/control/clock", json={"advanceSeconds": -1})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/advanceSeconds")

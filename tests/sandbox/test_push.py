"""FCM and Google's token endpoint as the sandbox plays them, and the inbound faults that every party can have."""

from typing import Any

import httpx
import pytest
import trio

from tests.sandbox.google import DEVICE, MESSAGE, SEND, ask_token, assertion, bearer


async def _send(driver: Any, headers: dict[str, str], **fields: Any) -> httpx.Response:
    message = {name: value for name, value in {**MESSAGE, **fields}.items() if value is not None}
    answer = await driver.client.post(SEND, json={"message": message}, headers=headers)
    assert isinstance(answer, httpx.Response)
    return answer


async def _get(driver: Any, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await driver.client.get(path)).json()["items"]
    return items


async def _calls(driver: Any) -> list[dict[str, Any]]:
    """The messages that FCM was sent; how a token was asked for is another story."""
    calls = await _get(driver, "/control/calls?party=fcm")
    return [call for call in calls if call["operation"] == "push.send"]


async def test_a_message_reaches_its_device(driver: Any) -> None:
    """interface.md 10: 200 with the message's name; every taking has an effect, since FCM has no key for it."""
    who = await bearer(driver)
    first, again = await _send(driver, who), await _send(driver, who)
    assert first.status_code == again.status_code == 200
    assert first.json()["name"].startswith("projects/sandbox/messages/")
    assert first.json() != again.json()
    inbox = await _get(driver, f"/control/inbox?channel=push&to={DEVICE}")
    assert [item["messageId"] for item in inbox] == [first.json()["name"], again.json()["name"]]
    assert (inbox[0]["title"], inbox[0]["body"]) == ("Cashback", "+12 points")
    assert inbox[0]["options"]["android"]["notification"]["tag"] == "r1"
    calls = await _calls(driver)
    assert [call["effect"] for call in calls] == [True, True]
    assert calls[0]["path"] == SEND
    assert calls[0]["answer"]["status"] == 200
    since = await _get(driver, f"/control/calls?since={calls[0]['seq']}")
    assert [call["seq"] for call in since] == [calls[1]["seq"]]
    assert await _get(driver, "/control/inbox?channel=mail,sms") == []
    assert await _get(driver, f"/control/inbox?since={inbox[0]['at']}") == inbox


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"token": None}, "message"),
        ({"topic": "weather"}, "message"),
        ({"data": {"from": "us"}}, "message.data"),
        ({"data": {"text": "x" * 5000}}, "message.android"),
    ],
)
async def test_says_which_field_is_wrong(driver: Any, fields: dict[str, Any], place: str) -> None:
    """FCM's ErrorCode page: INVALID_ARGUMENT with BadRequest and FcmError; and no effect."""
    answer = await _send(driver, await bearer(driver), **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["fieldViolations"][0]["field"] == place
    assert error["details"][1]["errorCode"] == "INVALID_ARGUMENT"
    assert await _get(driver, "/control/inbox") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"titel": "x"}, {"data": {"points": 12}}, {"android": {"priority": "urgent"}},
        {"android": {"ttl": "an hour"}}, {"notification": {"title": "x", "badge": 1}},
    ],
)  # fmt: skip
async def test_refuses_what_is_not_of_the_form(driver: Any, fields: dict[str, Any]) -> None:
    """cloud.google.com/apis/design/errors: a JSON that is none of theirs is INVALID_ARGUMENT, without FcmError."""
    answer = await _send(driver, await bearer(driver), **fields)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "details" not in answer.json()["error"]
    (call,) = await _calls(driver)
    assert call["effect"] is False


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [("unregistered", 404, "UNREGISTERED"), ("foreign", 403, "SENDER_ID_MISMATCH")],
)
async def test_a_device_that_is_gone(driver: Any, state: str, status: int, code: str) -> None:
    """FCM's ErrorCode page: what it says of a token that is over, or is another sender's; until it is back."""
    who = await bearer(driver)
    for given, wanted in ((state, status), ("registered", 200)):
        said = await driver.client.post(
            "/control/fcm/tokens", json={"token": DEVICE, "state": given}
        )
        assert said.status_code == 200
        answer = await _send(driver, who)
        assert answer.status_code == wanted
        if wanted == status:
            assert answer.json()["error"]["details"][0]["errorCode"] == code
    assert (await _send(driver, who, token="short")).json()["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
            "errorCode": "INVALID_ARGUMENT",
        }
    ]


async def test_only_with_a_token_of_the_endpoint(driver: Any) -> None:
    """FCM: 401 UNAUTHENTICATED for any other."""
    for headers in ({}, {"Authorization": "Bearer ya29.made-up"}, {"Authorization": "Basic eA=="}):
        answer = await _send(driver, headers)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("header", "claims", "text"),
    [
        ({}, {"scope": "https://mail.google.com"}, "Invalid OAuth scope"),
        ({}, {"aud": "https://elsewhere.example/x"}, "audience"),
        ({}, {"exp": 4_000_000_000}, "short-lived"),
        ({}, {"iat": 1, "exp": 3601}, "short-lived"),
        ({}, {"iat": "now"}, "iat and exp"),
        ({}, {"iss": ""}, "issuer"),
        ({"alg": "HS256"}, {}, "algorithm"),
        ({"kid": "unknown"}, {}, "Signature"),
        ({"kid": "", "jwk": {"kty": "oct"}}, {}, "Signature"),
    ],
)
async def test_an_assertion_that_is_wrong(
    driver: Any, header: dict[str, Any], claims: dict[str, Any], text: str
) -> None:
    """Google's error table: 400 with `error` and `error_description`, and no token."""
    account = (await driver.client.get("/control/fcm/service-account")).json()
    answer = await ask_token(driver, assertion(account, header, **claims))
    assert answer.status_code == 400
    assert text in answer.json()["error_description"]


async def test_an_assertion_that_another_has_signed(driver: Any) -> None:
    """RFC 7515: the signature is verified by the account's own key; and another grant is none."""
    one, other = [(await driver.client.get("/control/fcm/service-account")).json() for _ in "12"]
    forged = assertion({**one, "private_key": other["private_key"]})
    assert (await ask_token(driver, forged)).json() == {
        "error": "invalid_grant",
        "error_description": "Invalid JWT Signature.",
    }
    assert (await ask_token(driver, assertion(one))).status_code == 200
    refused = await ask_token(driver, assertion(one), "client_credentials")
    assert refused.json()["error"] == "unsupported_grant_type"
    for text in ("", "a.b", "a.b.c", "e30.e30.!"):
        assert (await ask_token(driver, text)).status_code == 400


async def test_what_people_read(driver: Any) -> None:
    """Issue 7: what was sent is read by whom it was for, as JSON and as a page on which nothing is markup."""
    who = await bearer(driver)
    await _send(driver, who, notification={"title": "<b>", "body": "1 & 2"})
    await _send(driver, who, token="another-device")
    found = (await driver.client.get("/control/notices")).json()["people"]
    assert [one["to"] for one in found] == ["another-device", DEVICE]
    assert found[1]["notices"][0]["title"] == "<b>"
    page = (await driver.client.get(f"/inbox?to={DEVICE}")).text
    assert "&lt;b&gt;" in page
    assert "1 &amp; 2" in page
    assert "another-device" not in page
    assert "Nobody" in (await driver.client.get("/inbox?to=nobody")).text


async def test_status_fault(driver: Any) -> None:
    """interface.md 10: `status` answers with that status and has no effect, so many times."""
    who = await bearer(driver)
    await driver.put_faults({"party": "fcm", "fault": "status", "status": 429, "count": 1})
    answers = [await _send(driver, who), await _send(driver, who)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert len(await _get(driver, "/control/inbox")) == 1


async def test_drop_after_effect_fault(driver: Any) -> None:
    """design.md 6: the effect happens, and the answer is lost."""
    who = await bearer(driver)
    await driver.put_faults({"party": "fcm", "fault": "drop_after_effect", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await _send(driver, who)
    assert len(await _get(driver, "/control/inbox")) == 1
    assert (await _send(driver, who)).status_code == 200
    calls = await _calls(driver)
    assert [(call["effect"], call["answer"] is None) for call in calls] == [
        (True, True),
        (True, False),
    ]
    assert calls[0]["faults"] == ["drop_after_effect"]


async def test_timeout_fault(driver: Any) -> None:
    """interface.md 10: `timeout` never answers and has no effect; a caller that leaves is let go."""
    await driver.put_faults(
        {"party": "fcm", "operation": "push.send", "fault": "timeout", "count": 1}
    )
    with pytest.raises(httpx.ReadTimeout):
        await driver.client.post(SEND, json={"message": MESSAGE}, timeout=0.05)
    assert await _get(driver, "/control/inbox") == []
    (call,) = await _calls(driver)
    assert (call["effect"], call["answer"]) == (False, None)


async def test_latency_fault_with_another(driver: Any) -> None:
    """Latency comes before whatever else happens to the call."""
    who = await bearer(driver)
    await driver.put_faults(
        {"party": "fcm", "fault": "latency", "ms": 40},
        {"party": "fcm", "fault": "status", "status": 500, "count": 1},
    )
    begin = trio.current_time()
    assert (await _send(driver, who)).status_code == 500
    assert (await _send(driver, who)).status_code == 200
    assert trio.current_time() - begin >= 0.08


async def test_faults_are_listed_replaced_and_deleted(driver: Any) -> None:
    """interface.md 10: PUT replaces the list, a refused list changes nothing, DELETE empties it."""
    await driver.put_faults({"party": "fcm", "fault": "status", "count": 3})
    await _send(driver, {})
    refused = await driver.client.put("/control/faults", json=[{"party": "fcm", "fault": "stat"}])
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/0/fault"
    (row,) = (await driver.client.get("/control/faults")).json()["faults"]
    assert (row["fault"], row["fired"]) == ("status", 1)
    assert (await driver.client.delete("/control/faults")).status_code == 204
    assert (await driver.client.get("/control/faults")).json()["faults"] == []


async def test_reset_forgets_everything(driver: Any) -> None:
    """interface.md 10: after a reset the sandbox is as it was at its start; credentials are good."""
    who = await bearer(driver)
    await driver.put_faults({"party": "fcm", "fault": "latency", "ms": 1})
    name = (await _send(driver, who)).json()["name"]
    await driver.client.post("/control/clock", json={"advanceSeconds": 600})
    assert (await driver.client.get("/control/clock")).json()["addedSeconds"] == 600
    assert (await driver.client.post("/control/reset")).json() == {"status": "reset"}
    assert (await driver.client.get("/control/clock")).json()["addedSeconds"] == 0
    assert (await driver.client.get("/control/faults")).json()["faults"] == []
    assert await _get(driver, "/control/inbox") == await _get(driver, "/control/calls") == []
    assert (await _send(driver, who)).json()["name"] == name, "it counts from the beginning again"


async def test_clock_never_goes_back(driver: Any) -> None:
    """A party's clock only goes on."""
    answer = await driver.client.post("/control/clock", json={"advanceSeconds": -1})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/advanceSeconds")

"""The bank aggregator as the sandbox plays it: strict where a provider is, and as talkative (S51, S58)."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from comptoir.sandbox.parties.bank import FORBIDDEN

VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
BACK = "http://127.0.0.1:9/link/callback"
OURS = {"Authorization": "Basic dXM6cw=="}


async def _begin(driver: Any, path: str = "/auth/init", **fields: Any) -> httpx.Response:
    body = {
        "clientId": "us", "redirectUri": BACK, "state": "st", "codeChallenge": CHALLENGE,
        "codeChallengeMethod": "S256", "scope": "accounts", "durationDays": 90, **fields,
    }  # fmt: skip
    answer: httpx.Response = await driver.client.post(path, json=body, headers=OURS)
    return answer


def _query(sent_back: httpx.Response) -> dict[str, list[str]]:
    """Of the address that a browser is sent to."""
    return parse_qs(urlsplit(str(sent_back.headers["location"])).query)


async def _code(driver: Any, query: str = "") -> str:
    url = (await _begin(driver)).json()["authUrl"]
    sent_back = await driver.client.get(f"{url}?{query}")
    assert sent_back.status_code == 303
    found = _query(sent_back)
    assert found["state"] == ["st"]
    return found["code"][0]


async def _token(driver: Any, key: str = "", **fields: Any) -> httpx.Response:
    body = {
        "grantType": "authorization_code",
        "codeVerifier": VERIFIER,
        "redirectUri": BACK,
        **fields,
    }
    headers = {**OURS, **({"Idempotency-Key": key} if key else {})}
    answer: httpx.Response = await driver.client.post("/auth/token", json=body, headers=headers)
    return answer


async def _connected(driver: Any) -> dict[str, Any]:
    granted: dict[str, Any] = (await _token(driver, code=await _code(driver, "card=4242"))).json()
    return granted


def _bearer(granted: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {granted['accessToken']}"}


async def test_a_code_is_good_once(driver: Any) -> None:
    """RFC 6749 4.1.2, RFC 7636: once, with its verifier and address; under one key the same answer again."""
    code = await _code(driver)
    first, again = await _token(driver, "k1", code=code), await _token(driver, "k1", code=code)
    assert (first.status_code, again.content) == (200, first.content)
    assert (await _token(driver, code=code)).json()["code"] == "INVALID_GRANT"
    for wrong in ({"codeVerifier": "w" * 43}, {"redirectUri": "http://127.0.0.1:9/"}):
        assert (await _token(driver, code=await _code(driver), **wrong)).status_code == 400


async def test_refused_at_the_bank(driver: Any) -> None:
    """RFC 6749 4.1.2.1: who says no comes back with an error; a link is good once."""
    url = (await _begin(driver)).json()["authUrl"]
    sent_back = await driver.client.get(f"{url}?outcome=denied")
    assert "error=access_denied" in sent_back.headers["location"]
    assert (await driver.client.get(url)).status_code == 404


@pytest.mark.parametrize("fields", [
    {"codeChallengeMethod": "plain"}, {"codeChallenge": "x"}, {"durationDays": 181}, {"more": 1}])  # fmt: skip
async def test_what_is_not_begun(driver: Any, fields: dict[str, Any]) -> None:
    """S57, RFC 7636: no link without PKCE, nor for longer than the law lets."""
    assert (await _begin(driver, **fields)).status_code == 422


async def test_tokens_end(driver: Any) -> None:
    """S45: an access token has an hour of the sandbox's clock, a refresh token is good once."""
    granted = await _connected(driver)
    path = f"/connections/{granted['connectionId']}"
    assert (await driver.client.get(path, headers=_bearer(granted))).status_code == 200
    await driver.client.post("/control/clock", json={"advanceSeconds": 3600})
    assert (await driver.client.get(path, headers=_bearer(granted))).status_code == 401
    grant = {"grantType": "refresh_token", "refreshToken": granted["refreshToken"]}
    renewed = await driver.client.post("/auth/token", json=grant, headers=OURS)
    assert (await driver.client.get(path, headers=_bearer(renewed.json()))).status_code == 200
    assert (await driver.client.post("/auth/token", json=grant, headers=OURS)).status_code == 400


async def test_it_talks_too_much(driver: Any) -> None:
    """S58: what nobody may keep is in everything that it gives of a person."""
    granted = await _connected(driver)
    item = {"transaction_id": "t1", "amount": 1.5}
    booked = {"connectionId": granted["connectionId"], "items": [item] * 3}
    assert (await driver.client.post("/control/transactions", json=booked)).status_code == 200
    path = f"/transactions?connectionId={granted['connectionId']}&limit=2"
    page = (await driver.client.get(path, headers=_bearer(granted))).json()
    assert (len(page["items"]), page["nextCursor"], page["more"]) == (2, "2", True)
    details = await driver.client.get(
        f"/connections/{granted['connectionId']}", headers=_bearer(granted)
    )
    for document in (
        granted,
        page,
        page["items"][0],
        details.json(),
        details.json()["accounts"][0],
    ):
        assert FORBIDDEN.items() <= document.items()


async def test_renewed_and_revoked(driver: Any) -> None:
    """S51: a renewal goes to the same connection; a deletion is an end, and 404 after it."""
    granted = await _connected(driver)
    path = f"/connections/{granted['connectionId']}"
    begun = {
        "clientId": "us", "redirectUri": BACK, "state": "s2", "codeChallenge": CHALLENGE,
        "codeChallengeMethod": "S256", "scope": "accounts", "durationDays": 90,
    }  # fmt: skip
    url = (await driver.client.post(f"{path}/renew", json=begun, headers=OURS)).json()["authUrl"]
    code = _query(await driver.client.get(url))["code"][0]
    anew = (await _token(driver, code=code)).json()
    assert anew["connectionId"] == granted["connectionId"]
    assert (await driver.client.delete(path, headers=OURS)).status_code == 200
    assert (await driver.client.delete(path, headers=OURS)).status_code == 404
    calls = (await driver.client.get("/control/calls?party=seed")).json()["items"]
    assert [one["effect"] for one in calls][-2:] == [True, False]
    await driver.client.post("/control/reset")
    assert (await driver.client.get("/connections", headers=OURS)).json() == {"items": []}

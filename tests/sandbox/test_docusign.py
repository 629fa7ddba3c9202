"""DocuSign as the sandbox plays it: its webhooks after DocuSign's own schema, by every key, until they are taken; its words.

Source: protocols.md 5.3; interface.md 10; docusign_schemas.py. How its API is played is tested by the adapter that calls it
(tests/actors/gateways/test_docusign.py).
"""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from comptoir.actors.gateways.assertions import Asserter
from comptoir.actors.gateways.docusign_tokens import SCOPE
from comptoir.http.docusign_body import read
from comptoir.sandbox.parties.docusign_oauth import OURS
from tests.actors.gateways.docusign import FILE, There
from tests.actors.gateways.docusign_schemas import CONNECT, hold

KEYS = ["key-one-of-thirty-two-characters", "key-two-of-thirty-two-characters"]
ASSERTER = Asserter()
API = f"/docusign/restapi/v2.1/accounts/{OURS}/envelopes"


def _takes(_receiver: object) -> tuple[int, dict[str, str]]:
    return 200, {"status": "accepted"}


def _is_away(_receiver: object) -> tuple[int, dict[str, str]]:
    return 503, {"status": "away"}


async def _sent(driver: Any) -> str:
    """An envelope of the adapter's making, sent to this sandbox."""
    here = There()
    await here.created()
    order = next(one for one in here.asked if one.url.path == API)
    token = await _token(driver, here)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await driver.client.post(API, content=order.content, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["envelopeId"])


async def _token(driver: Any, here: There) -> str:
    host = driver.client.base_url.netloc.decode()
    claims = {
        "iss": OURS, "sub": OURS, "aud": host, "iat": int(here.tokens.now_s()),
        "exp": int(here.tokens.now_s()) + 3600, "scope": SCOPE,
    }  # fmt: skip
    assertion = await ASSERTER.sign(claims)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = await driver.client.post("/docusign/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def _hooked(driver: Any, receiver: Any, answers: Any = _takes) -> None:
    receiver.interfere = answers
    hook = {"url": receiver.url, "secrets": KEYS}
    answer = await driver.client.post("/control/docusign/webhooks", json=hook)
    assert answer.json() == {"url": receiver.url, "keys": 2}


async def _ends(driver: Any, **how: Any) -> list[Any]:
    answer = await driver.client.post(f"/control/signatures/{FILE}", json=how)
    assert answer.status_code in (200, 202), answer.text
    found: list[Any] = answer.json()["answers"]
    return found


@pytest.mark.parametrize(
    ("how", "events"),
    [
        ({"outcome": "signed"}, ["sent", "delivered", "completed"]),
        ({"outcome": "declined", "reason": "non"}, ["sent", "delivered", "declined"]),
        ({"outcome": "expired"}, ["sent", "voided"]),
        ({"outcome": "viewed", "times": 2}, ["sent", "delivered", "delivered"]),
    ],
)
async def test_what_happens_is_told_in_docusigns_form(
    driver: Any, receiver: Any, how: dict[str, Any], events: list[str]
) -> None:
    """Connect.schema-v2.json: each message of the form; one signature for each key, over the bytes as they are; and
    what the daemon reads of it is what happened.
    """
    await _hooked(driver, receiver)
    id_ = await _sent(driver)
    await _ends(driver, **how)
    told = [json.loads(one) for one in receiver.messages]
    for one in told:
        hold(CONNECT, one)
    assert [one["event"] for one in told] == [f"envelope-{one}" for one in events]
    for body, head in zip(receiver.messages, receiver.heads, strict=True):
        headers = dict(head)
        assert headers["x-authorization-digest"] == "HMACSHA256"
        for number, key in enumerate(KEYS, 1):
            digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
            assert headers[f"x-docusign-signature-{number}"] == base64.b64encode(digest).decode()
    last = read(receiver.messages[-1], OURS)
    assert last.file == FILE
    assert last.report is not None
    words = {
        "completed": "signed",
        "declined": "declined",
        "voided": "expired",
        "delivered": "viewed",
    }
    assert (last.report.envelope_id, last.report.status) == (id_, words[events[-1]])


async def test_what_nobody_took_comes_again_in_its_order(driver: Any, receiver: Any) -> None:
    """Protocols.md 5.3: at least once; `retryCount` says how often it was in vain."""
    await _hooked(driver, receiver, _is_away)
    await _sent(driver)
    assert [one["status"] for one in await _ends(driver, outcome="signed")] == [503]
    receiver.interfere = _takes
    receiver.messages.clear()
    # Some of them, or all, by its sweep, where that came first; all of them when this is answered.
    assert {one["status"] for one in await _ends(driver, outcome="signed")} <= {200}
    told = [json.loads(one) for one in receiver.messages]
    assert [one["event"].removeprefix("envelope-") for one in told] == [
        "sent", "delivered", "completed", "completed",
    ]  # fmt: skip
    assert told[0]["retryCount"] >= 1


async def test_what_was_lost_is_there_to_be_read(driver: Any, receiver: Any) -> None:
    """Interface.md 10: `webhook` false: nobody is told. Said before there is an envelope, it is done when there is one."""
    await _hooked(driver, receiver)
    assert await _ends(driver, outcome="signed", webhook=False) == []
    await _sent(driver)
    (envelope,) = (await driver.client.get("/control/signatures")).json()["items"]
    assert (envelope["status"], envelope["untold"]) == ("completed", 0)
    assert all(b"completed" not in one for one in receiver.messages)


async def test_a_person_signs_where_the_mail_leads(driver: Any, receiver: Any) -> None:
    """S28: nothing happens until a button is pressed; then it is done, and the page is no more."""
    await _hooked(driver, receiver)
    await _sent(driver)
    (mail,) = (await driver.client.get("/control/inbox?channel=mail")).json()["items"]
    assert mail["to"] == "ada@example.org"
    link = next(word for word in mail["body"].split() if word.startswith("http"))
    path = httpx.URL(link).path
    assert "Je signe" in (await driver.client.get(path)).text
    assert (await driver.client.post(path, data={"outcome": "sign"})).status_code == 200
    assert (await driver.client.get(path)).status_code == 410
    (envelope,) = (await driver.client.get("/control/signatures")).json()["items"]
    assert envelope["status"] == "completed"


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"status": "created"}, 400, "INVALID_REQUEST_BODY"),
        ({"nobody": "knows"}, 400, "INVALID_REQUEST_BODY"),
        ({"emailSubject": "x" * 101}, 400, "INVALID_REQUEST_BODY"),
        ({"documents": [{"documentBase64": "bm8gcGRm", "documentId": "1", "name": "c"}]}, 400,
         "UNABLE_TO_CONVERT_DOCUMENT"),
    ],
)  # fmt: skip
async def test_it_is_strict(change: dict[str, Any], status: int, word: str) -> None:
    """E15: what DocuSign would not take is refused in its words."""
    here = There()
    await here.created()
    order = next(one for one in here.asked if one.url.path == API)
    body = json.dumps({**json.loads(order.content), **change}).encode()
    answer = await here.ask("POST", API, body, {"authorization": order.headers["authorization"]})
    assert (answer.status_code, answer.json()["errorCode"]) == (status, word)
    assert (await here.ask("POST", API, body)).status_code == 401
    assert (await here.ask("GET", API, headers=dict(order.headers))).status_code == 400

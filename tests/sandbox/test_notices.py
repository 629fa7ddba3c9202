"""SendGrid, Brevo and Twilio as the sandbox plays them: into the inbox, or refused in their own words (E15)."""

from typing import Any

import pytest

MAIL: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "anne@example.org"}, {"email": "b@example.org"}]}],
    "from": {"email": "us@example.org"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "text"}],
}
SMS = {"To": "+33612345678", "From": "+15005550006", "Body": "code 123456"}
MESSAGES = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
BEARER = {"Authorization": "Bearer SG.key"}
BASIC = ("AC" + "0" * 32, "token")


async def _inbox(driver: Any, query: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await driver.client.get(f"/control/inbox?{query}")).json()[
        "items"
    ]
    return items


async def test_a_mail_reaches_everybody(driver: Any) -> None:
    """interface.md 10: 202 without a body and X-Message-Id, and each recipient's inbox has it."""
    answer = await driver.client.post("/v3/mail/send", json=MAIL, headers=BEARER)
    assert (answer.status_code, answer.content) == (202, b"")
    for to in ("anne@example.org", "b@example.org"):
        (mail,) = await _inbox(driver, f"channel=mail&to={to}")
        assert (mail["title"], mail["body"]) == ("Hello", "text")
        assert mail["messageId"] == answer.headers["x-message-id"]
    assert await _inbox(driver, "channel=sms") == []


async def test_a_text_message_reaches_its_number(driver: Any) -> None:
    """interface.md 10: 201 with a SID; sent again it arrives again, since Twilio has no key for it."""
    answers = [await driver.client.post(MESSAGES, data=SMS, auth=BASIC) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    first, second = await _inbox(driver, "channel=sms&to=%2B33612345678")
    assert (first["body"], second["body"]) == (SMS["Body"], SMS["Body"])
    assert first["messageId"] != second["messageId"]
    assert second["messageId"] == answers[1].json()["sid"]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"personalizations": []}, 400, "personalizations"),
        ({"personalizations": [{"to": [{"email": "x"}]}]}, 400, "personalizations.0.to.0.email"),
        ({"from": {"email": "x"}}, 400, "from.email"),
        ({"subject": ""}, 400, "subject"),
        ({"content": []}, 400, "content.0.value"),
        ({"content": "text"}, 400, None),
        ({"subject": "x" * 600_000}, 413, None),
    ],
)
async def test_a_bad_mail(
    driver: Any, changes: dict[str, Any], status: int, field: str | None
) -> None:
    """E15: refused with `errors`, and nothing arrives."""
    answer = await driver.client.post("/v3/mail/send", json={**MAIL, **changes}, headers=BEARER)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field
    assert await _inbox(driver, "channel=mail") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": "0612345678"}, 21211),
        ({"From": ""}, 21212),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
async def test_a_bad_text_message(driver: Any, changes: dict[str, str], code: int) -> None:
    """E15: refused with Twilio's own number, and nothing arrives."""
    answer = await driver.client.post(MESSAGES, data={**SMS, **changes}, auth=BASIC)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await _inbox(driver, "channel=sms") == []


async def test_without_credentials(driver: Any) -> None:
    """E15: 401 of each, and nothing arrives; a reset counts from 1 again."""
    assert (await driver.client.post("/v3/mail/send", json=MAIL)).status_code == 401
    answer = await driver.client.post(MESSAGES, data=SMS)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert await _inbox(driver, "channel=mail,sms") == []
    seen: list[str] = []
    for _ in range(2):
        await driver.client.post("/control/reset")
        sent = await driver.client.post("/v3/mail/send", json=MAIL, headers=BEARER)
        seen.append(sent.headers["x-message-id"])
    assert seen[0] == seen[1]


EMAIL: dict[str, Any] = {
    "sender": {"email": "us@example.org"},
    "to": [{"email": "anne@example.org", "name": "Anne"}],
    "subject": "Hello",
    "htmlContent": "<pre>text</pre>",
    "textContent": "text",
}
KEY = {"api-key": "xkeysib-1"}


async def test_a_mail_by_brevo(driver: Any) -> None:
    """interface.md 10: 201 with a message id, and the inbox has it, and by whom it came."""
    answer = await driver.client.post("/v3/smtp/email", json=EMAIL, headers=KEY)
    assert answer.status_code == 201
    (mail,) = await _inbox(driver, "channel=mail&to=anne@example.org")
    assert (mail["title"], mail["body"]) == ("Hello", "text")
    assert mail["messageId"] == answer.json()["messageId"]
    assert mail["data"]["carrier"] == "brevo"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sender": None}, "missing_parameter"),
        ({"sender": {"email": "x"}}, "invalid_parameter"),
        ({"to": []}, "missing_parameter"),
        ({"to": [{"email": "x"}]}, "invalid_parameter"),
        ({"subject": ""}, "missing_parameter"),
        ({"htmlContent": ""}, "missing_parameter"),
        ({"to": "anne@example.org"}, "bad_request"),
    ],
)
async def test_a_bad_mail_by_brevo(driver: Any, changes: dict[str, Any], code: str) -> None:
    """Brevo: 400 with `code` and `message`, and no effect; 401 without a key."""
    answer = await driver.client.post("/v3/smtp/email", json={**EMAIL, **changes}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await _inbox(driver, "channel=mail") == []
    assert (await driver.client.post("/v3/smtp/email", json=EMAIL)).status_code == 401

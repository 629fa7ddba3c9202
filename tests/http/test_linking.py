"""What the edge makes of a person's wish to link a card, before anything is decided (S57, S60)."""

from typing import Any

import msgspec
import pytest

from comptoir.http.linking import start
from comptoir.http.operation import Call
from comptoir.http.rules import LinkingRules
from comptoir.http.testing import FakeDaemon

APP = "https://app.example/linked"
GIVEN = {"accepted": True, "textVersion": "1", "durationDays": 90}


@pytest.mark.parametrize(
    "consent",
    [
        {**GIVEN, "accepted": False}, {**GIVEN, "accepted": "true"}, {**GIVEN, "accepted": 1}, None, {},
        {"textVersion": "1", "durationDays": 90}, {"accepted": True, "durationDays": 90},
    ],
)  # fmt: skip
async def test_nothing_is_linked_without_a_consent(consent: dict[str, Any] | None) -> None:
    """S57, S60: an explicit yes to a text that is named, or 422; nobody is asked anything before."""
    daemon = FakeDaemon(linking=LinkingRules(frozenset(("seed",)), (APP,)))
    body: dict[str, Any] = {"deviceId": "d", "redirectUri": APP, "userId": "u-1"}
    sent = body if consent is None else {**body, "consent": consent}
    call = Call("abcdefgh", {}, {}, "application/json", msgspec.json.encode(sent))
    answer = await start(daemon, call)
    told = msgspec.json.decode(answer.body)
    assert (answer.status, told["code"]) == (422, "REQUEST_INVALID")
    assert all(one["pointer"].startswith("/consent") for one in told["errors"])
    assert daemon.asks == []

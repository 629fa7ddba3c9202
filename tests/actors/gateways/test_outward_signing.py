"""The signature of a webhook, held against the specification's library and its published vector.

Source: the Standard Webhooks specification 1.0.0; standard-webhooks/libraries (test "sign function works").
"""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from comptoir.actors.gateways.outward_signing import PREFIX, secret_of, signed_headers

BODY = '{"test": 2432232314}'
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEYS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=3, unique=True)


def _now() -> int:
    return round(datetime.now(tz=UTC).timestamp())


def test_the_published_vector() -> None:
    """S33: the signature that the libraries of all languages are tested with."""
    headers = signed_headers(ID, 1614265330, BODY.encode(), (SECRET,))
    assert headers == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(KEYS, st.text(max_size=200))
def test_the_official_library_takes_it_with_every_secret(keys: list[bytes], text: str) -> None:
    """S33: while a key is rotated, whoever has either of them verifies; and with no other key."""
    secrets = [secret_of(key) for key in keys]
    raw = json.dumps(text)
    headers = signed_headers("evt_1", _now(), raw.encode(), secrets)
    for secret in secrets:
        assert secret.startswith(PREFIX)
        Webhook(secret).verify(raw, headers)
    stranger = secret_of(bytes(31) + b"\x07")
    if stranger not in secrets:
        with pytest.raises(WebhookVerificationError):
            Webhook(stranger).verify(raw, headers)


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body"])
def test_what_was_changed_is_found(changed: str) -> None:
    """The id, the time and the body are signed, all three."""
    headers, body = signed_headers("evt_1", _now(), BODY.encode(), (SECRET,)), BODY
    match changed:
        case "webhook-id":
            headers["webhook-id"] = "evt_2"
        case "webhook-timestamp":
            headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
        case _:
            body = body.replace("4", "5", 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)

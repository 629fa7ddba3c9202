"""DocuSign's webhooks, received: the rows of interface.md 6 in their order, whose envelope it is, and what it says.

Source: protocols.md 5.3; spec.md S28, S53, S54, X16; interface.md 6.
"""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import orjson
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.signature.messages import EnvelopeReported, EnvelopeTaken
from comptoir.engine import Address, Message, Overloaded
from comptoir.engine.signing_testing import sign_docusign
from comptoir.http.answers import Response
from comptoir.http.docusign import DOCUSIGN_PATH, DocusignReception
from comptoir.http.docusign_body import read
from comptoir.http.payload_fields import BadBody
from comptoir.http.schemes import docusign_fault
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon
from comptoir.http.webhooks import Reception, WebhookRequest
from tests.http.docusign_webhooks import ACCOUNT, COMPLETED, ENVELOPE, FILE, connect, event

OTHER = "another-secret-of-thirty-two-chars"
AT = 1_763_994_660_540
"""2025-11-24T14:31:00.54Z"""


def receive(daemon: FakeDaemon, body: bytes, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Send one webhook; status and body of the answer."""
    headers = sign_docusign(changes.get("secret", SECRET), body, NOW_MS)
    headers |= changes.get("headers", {})
    sent = WebhookRequest(
        changes.get("method", "POST"), DOCUSIGN_PATH,
        [(key.lower().encode(), value.encode()) for key, value in headers.items()], body,
        changes.get("peer", "127.0.0.1"), changes.get("too_large", False),
    )  # fmt: skip

    async def run() -> Response:
        return await DocusignReception(daemon, Reception(daemon)).receive(sent)

    answer = trio.run(run)
    return answer.status, orjson.loads(answer.body)


def reported(daemon: FakeDaemon) -> EnvelopeReported:
    """The one report that came of it."""
    ((address, message),) = daemon.asks
    assert address == Address("signature", FILE)
    assert isinstance(message, EnvelopeReported)
    return message


def test_a_completed_envelope_comes_to_its_file() -> None:
    """S28: by the reference that it was created with; 202 when it is durable."""
    daemon = FakeDaemon()
    assert receive(daemon, COMPLETED) == (202, {"status": "accepted"})
    assert reported(daemon) == EnvelopeReported("docusign", ENVELOPE, "signed", AT)


@pytest.mark.parametrize(
    ("name", "summary", "status", "reason"),
    [
        ("envelope-sent", {}, "sent", ""),
        ("envelope-delivered", {}, "viewed", ""),
        ("envelope-completed", {}, "signed", ""),
        ("envelope-voided", {"voidedReason": "REISSUED"}, "voided", "REISSUED"),
        ("envelope-voided", {"voidedReason": "Envelope has expired."}, "expired", "Envelope has expired."),
        ("envelope-voided", {}, "voided", ""),
        (
            "envelope-declined",
            {"recipients": {"signers": [{"status": "declined", "declinedReason": "trop cher"}]}},
            "declined", "trop cher",
        ),
    ],
)  # fmt: skip
def test_what_an_event_says(name: str, summary: dict[str, Any], status: str, reason: str) -> None:
    """Protocols.md 5.3: voided by its sender, or because it ran out, which its reason tells; why it was declined."""
    daemon = FakeDaemon()
    assert receive(daemon, event(name, summary=summary))[0] == 202
    report = reported(daemon)
    assert (report.status, report.reason, report.at) == (status, reason, AT)


@pytest.mark.parametrize(
    "body",
    [
        event("envelope-completed", data={"accountId": "11111111-2222-4333-8444-555555555555"}),
        event("envelope-completed", reference=None),
        event("envelope-completed", reference="whatever"),
        event("envelope-completed", reference=f"{FILE}:1/../x"),
        event("envelope-completed", summary={"customFields": {"textCustomFields": "none"}}),
        event("envelope-completed", data={"envelopeSummary": None}),
        event(
            "envelope-completed",
            summary={
                "customFields": {
                    "textCustomFields": [
                        {"name": "comptoir_reference", "value": f"{FILE}:1"},
                        {"name": "comptoir_reference", "value": "ONB-2025-00124:1"},
                    ]
                }
            },
        ),
        event("recipient-completed"),
        event("envelope-corrected"),
        event("envelope-purge"),
    ],
)
def test_what_is_not_ours_or_says_nothing_is_ignored(body: bytes) -> None:
    """Issue 9: another account's envelope may carry our words, and a colleague's carries none: nobody is asked, and the sender
    is answered 200, so that it stops.
    """
    daemon = FakeDaemon()
    assert receive(daemon, body) == (200, {"status": "ignored"})
    assert daemon.asks == []


@pytest.mark.parametrize(
    ("status", "code"), [("accepted", 202), ("duplicate", 200), ("ignored", 200)]
)
def test_what_becomes_of_it_is_the_signatures_to_say(status: Any, code: int) -> None:
    """Interface.md 6, rows 10 to 12: known, older, or of an envelope that is not this file's; counted by what it was."""
    daemon = FakeDaemon()

    async def asked(_address: Address, _message: Message) -> FakeAnswer:
        return FakeAnswer(EnvelopeTaken(status))

    daemon.asked = asked
    assert receive(daemon, COMPLETED) == (code, {"status": status})
    assert daemon.counts == [(status, "")]


@pytest.mark.parametrize(
    ("changes", "body", "code"),
    [
        ({"peer": "10.0.0.1", "secret": OTHER}, b"{", "WEBHOOK_SOURCE_FORBIDDEN"),
        ({"too_large": True, "secret": OTHER}, b"", "PAYLOAD_TOO_LARGE"),
        ({"secret": OTHER}, b"{", "WEBHOOK_SIGNATURE_INVALID"),
        ({"headers": {"X-DocuSign-Signature-1": ""}}, b"{", "WEBHOOK_SIGNATURE_INVALID"),
        ({"headers": {"Content-Type": "text/xml"}}, b"{", "MEDIA_TYPE_UNSUPPORTED"),
        ({"headers": {"Content-Encoding": "gzip"}}, b"{", "MEDIA_TYPE_UNSUPPORTED"),
        ({}, b'{"event":"a","event":"b"}', "WEBHOOK_PAYLOAD_MALFORMED"),
        ({}, b'{"event":1}', "WEBHOOK_PAYLOAD_INVALID"),
        ({}, b'{"event":"envelope-completed"}', "WEBHOOK_PAYLOAD_INVALID"),
        ({}, event("payment.completed"), "WEBHOOK_EVENT_UNSUPPORTED"),
        ({"method": "PUT"}, COMPLETED, "METHOD_NOT_ALLOWED"),
    ],
)
def test_the_first_row_that_applies_is_the_answer(
    changes: dict[str, Any], body: bytes, code: str
) -> None:
    """Interface.md 6, rows 1 to 8, S53: nobody is asked, and the refusal is counted. There is no row 4."""
    daemon = FakeDaemon()
    _, answer = receive(daemon, body, **changes)
    assert answer["code"] == code
    assert daemon.asks == []
    assert daemon.counts == [("refused", code)]


def test_a_key_is_rotated_without_a_webhook_lost() -> None:
    """Protocols.md 5.3: DocuSign signs with every key that it has, we try every key that we have: one in common does."""
    daemon = FakeDaemon()
    both = sign_docusign(OTHER, COMPLETED, NOW_MS)
    second = {"X-DocuSign-Signature-2": both["X-DocuSign-Signature-1"]}
    for ours, signed, status in (
        ((SECRET,), {"secret": SECRET}, 202),  # before
        ((OTHER, SECRET), {"secret": SECRET}, 202),  # the new one is here first
        ((OTHER, SECRET), {"secret": SECRET, "headers": second}, 202),  # and there: two signatures
        ((OTHER,), {"secret": SECRET, "headers": second}, 202),  # the old one is gone here
        ((OTHER,), {"secret": OTHER}, 202),  # and there
        ((OTHER,), {"secret": SECRET}, 401),
        ((), {"secret": SECRET}, 401),
    ):
        keys = tuple(one.encode() for one in ours)
        daemon.rules = replace(daemon.rules, docusign=replace(daemon.rules.docusign, secrets=keys))
        assert receive(daemon, COMPLETED, **signed)[0] == status


def test_an_engine_that_is_full_says_so() -> None:
    """Interface.md 6, row 9, X19: nothing was taken, and it is to be sent again."""
    daemon = FakeDaemon()
    daemon.error = Overloaded("full")
    assert receive(daemon, COMPLETED)[0] == 503


def test_the_key_is_used_as_text_and_the_body_as_it_came() -> None:
    """Protocols.md 5.3: base64(HMAC-SHA256(key, raw body)), the key not decoded, by OpenSSL's own numbers:
    `openssl dgst -sha256 -hmac KEY -binary | base64`.
    """
    key = "bQ9Nn2bxiZ0D3rPDbKzEJQlxdYZVIImXHlVGtaSjNA0="
    body = b'{"event":"envelope-completed","retryCount":0}'
    signature = b"nYProtzPf/QBwZAZpnwAJ9CTfFeB/IcsuynmN8nHm7c="
    name = b"x-docusign-signature-1"
    assert docusign_fault([(name, signature)], body, [key.encode()]) is None
    for other_body, other_key in (
        (b'{"event": "envelope-completed", "retryCount": 0}', key.encode()),
        (body, base64.b64decode(key)),
    ):
        assert docusign_fault([(name, signature)], other_body, [other_key]) is not None
    assert docusign_fault([(name, signature), (name, signature)], body, [key.encode()]) is not None


@given(
    keys=st.lists(
        st.text(min_size=1).map(lambda text: text.encode("utf-8", "replace")), max_size=4
    ),
    signed=st.lists(
        st.text(min_size=1).map(lambda text: text.encode("utf-8", "replace")), max_size=4
    ),
    body=st.binary(max_size=200),
)
def test_genuine_is_what_any_common_key_has_signed(
    keys: list[bytes], signed: list[bytes], body: bytes
) -> None:
    """Protocols.md 5.3: any match passes, and nothing else does."""
    headers = [
        (
            f"x-docusign-signature-{number}".encode(),
            base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()),
        )
        for number, key in enumerate(signed, 1)
    ]
    padded = [{key.ljust(64, b"\0") for key in some if len(key) <= 64} for some in (keys, signed)]
    common = (
        set(keys) & set(signed) or padded[0] & padded[1]
    )  # RFC 2104: a short key is filled with zeros
    assert (docusign_fault(headers, body, keys) is None) == bool(common)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (event("envelope-completed", data={"accountId": 7}), "/data/accountId"),
        (event("envelope-completed", data={"envelopeId": "x" * 129}), "/data/envelopeId"),
        (event("envelope-completed", data={"envelopeSummary": []}), "/data/envelopeSummary"),
        (event("envelope-completed", summary={"statusChangedDateTime": "yesterday"}), "/generatedDateTime"),
        (event("envelope-voided", summary={"voidedReason": "x" * 4001}), "/data/envelopeSummary/voidedReason"),
        (orjson.dumps({**connect("envelope-sent"), "generatedDateTime": None}), "/generatedDateTime"),
        (orjson.dumps({**connect("envelope-sent"), "data": "x"}), "/data"),
    ],
)  # fmt: skip
def test_a_wrong_body_says_where_and_quotes_nothing(body: bytes, pointer: str) -> None:
    """Interface.md 6, row 7: bounded, of the right types; what was sent is in no answer."""
    with pytest.raises(BadBody) as caught:
        read(body, ACCOUNT)
    assert caught.value.code == "WEBHOOK_PAYLOAD_INVALID"
    assert pointer in [one["pointer"] for one in caught.value.errors]
    assert all("yesterday" not in one["detail"] for one in caught.value.errors)


def test_without_a_summary_the_event_alone_names_no_file() -> None:
    """Docs/docusign.md: a configuration that leaves the custom fields out tells us nothing; polling does (S28)."""
    bare = connect("envelope-completed")
    del bare["data"]["envelopeSummary"]
    assert read(orjson.dumps(bare), ACCOUNT).report is None


def test_an_account_is_a_guid_in_either_case() -> None:
    """RFC 9562, 4: hexadecimal digits are read in either case."""
    told = read(event("envelope-sent", data={"accountId": ACCOUNT.upper()}), ACCOUNT)
    assert told.file == FILE

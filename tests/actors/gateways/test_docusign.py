"""DocuSign asked: what is sent, by what token, what each answer comes to, and what becomes of an answer that was lost.

Source: spec.md S28, S63, S65; protocols.md 5.3; docs/docusign.md; docusign_schemas.py.
"""

import base64
import hashlib
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.docusign import DocusignTerms
from comptoir.actors.gateways.docusign_api import DocusignRefused
from comptoir.actors.gateways.docusign_meaning import stands, time_ms
from comptoir.actors.gateways.signing_desk import ELSEWHERE, SigningPlace
from comptoir.actors.gateways.signing_messages import (
    CreateEnvelope,
    EnvelopeCreated,
    EnvelopeGone,
    FetchSigned,
    ReadEnvelope,
    VoidEnvelope,
)
from comptoir.engine.gateway_spec import CallFault
from comptoir.sandbox.parties.docusign_envelopes import wire_time
from comptoir.sandbox.parties.docusign_oauth import OURS
from tests.actors.gateways.docusign import DAY_MS, FILE, PDF, SIGNER, There

REFERENCE = f"{FILE}:1"


def bodies(there: There, method: str = "POST") -> list[Any]:
    """What was sent to envelopes."""
    return [
        orjson.loads(one.content)
        for one in there.asked
        if one.method == method and "/envelopes" in one.url.path
    ]


async def test_an_envelope_as_docusign_wants_it() -> None:
    """S28: the contract, its signer, when it runs out, and our reference twice; judged whole (docusign_schemas.py)."""
    there = There(DocusignTerms(notify_url="https://comptoir.example/webhooks/docusign"))
    made = await there.adapter.create(there.order(days=13.2), there.context())
    ((envelope,), (body,)) = (await there.envelopes(), bodies(there))
    assert made == EnvelopeCreated(REFERENCE, "docusign", envelope["envelopeId"])
    assert base64.b64decode(body["documents"][0]["documentBase64"]) == PDF
    assert body["transactionId"] == REFERENCE
    assert body["customFields"]["textCustomFields"][0]["value"] == REFERENCE
    assert body["notification"]["expirations"]["expireAfter"] == "14", (
        "a day that has begun is a day"
    )
    (signer,) = body["recipients"]["signers"]
    assert (signer["email"], signer["name"]) == ("ada@example.org", "Ada Lovelace")
    assert signer["emailNotification"] == {"supportedLanguage": "fr"}
    assert "clientUserId" not in signer
    assert body["eventNotification"]["url"] == "https://comptoir.example/webhooks/docusign"


@pytest.mark.parametrize(
    ("mode", "kept", "mails"),
    [("email", {}, 1), ("embedded", {"clientUserId": "usr_1"}, 0),
     ("either", {"clientUserId": "usr_1", "embeddedRecipientStartURL": "SIGN_AT_DOCUSIGN"}, 1)],
)  # fmt: skip
async def test_where_people_sign(mode: Any, kept: dict[str, str], mails: int) -> None:
    """Issue 9: by DocuSign's mail, from our page, or either way."""
    there = There(DocusignTerms(mode))
    await there.created()
    (signer,) = bodies(there)[0]["recipients"]["signers"]
    embedded = {
        key: signer[key] for key in signer if key in ("clientUserId", "embeddedRecipientStartURL")
    }
    assert embedded == kept
    assert len(there.inbox.select(lambda _one: True)) == mails


def place(envelope_id: str) -> SigningPlace:
    """Where its client signs, and comes back to."""
    return SigningPlace(envelope_id, SIGNER, "https://comptoir.example/portal", 1_800_000_000_000)


async def test_a_person_signs_from_our_page() -> None:
    """Issue 9: the address is good once and for five minutes; whoever signs there comes back to us."""
    there = There(DocusignTerms("embedded"))
    id_ = await there.created()
    for outcome, event in (("late", ""), ("decline", "decline")):
        view = await there.adapter.view(place(id_))
        url = httpx.URL(view.url)
        assert view.url not in repr(view)
        if outcome == "late":
            there.clock.advance(300_001)
        form = b"outcome=" + outcome.encode()
        answer = await there.ask("POST", url.path, form, query=url.query.decode())
        assert answer.status_code == (303 if event else 410)
        assert answer.headers.get("location", "").endswith(f"event={event}" if event else "")
    with pytest.raises(DocusignRefused):
        await there.adapter.view(place(id_))


async def test_who_is_not_signed_for_here_is_sent_nowhere() -> None:
    """S28: an envelope that was sent by mail has no signer of ours: by its name, and nothing is tried again."""
    there = There(DocusignTerms("email"))
    id_ = await there.created()
    with pytest.raises(CallFault) as refused:
        await there.adapter.view(place(id_))
    assert (refused.value.code, refused.value.retryable) == (ELSEWHERE, False)


async def test_a_client_is_sent_to_no_address_that_is_not_safe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S34: https, or this machine: whatever an answer says."""
    there = There(DocusignTerms("embedded"))
    id_ = await there.created()

    async def answers(*_args: object) -> bytes:
        return b'{"url":"http://sign.example/1"}'

    monkeypatch.setattr(type(there.adapter.api), "send", answers)
    with pytest.raises(CallFault) as refused:
        await there.adapter.view(place(id_))
    assert refused.value.code == "SIGNING_ANSWER_INVALID"


async def test_an_answer_that_was_lost_is_one_envelope() -> None:
    """Issue 9, design.md 6: made, and nobody was told: it is looked up by our reference, and not made again."""
    there = There()
    order = there.order()
    there.lost = {"POST"}
    with pytest.raises(CallFault) as caught:
        await there.adapter.create(order, there.context())
    assert caught.value.sick, "so the gateway calls it unknown"
    there.lost = set()
    (envelope,) = await there.envelopes()
    found = EnvelopeCreated(REFERENCE, "docusign", envelope["envelopeId"])
    assert await there.adapter.find(order, there.context()) == found
    there.clock.advance(8 * DAY_MS)  # `transactionId` is forgotten after seven days
    assert await there.adapter.find(order, there.context()) == found
    assert len(await there.envelopes()) == 1
    assert await there.adapter.find(there.order(f"{FILE}:11"), there.context()) != found


async def test_what_never_arrived_is_created_when_it_is_looked_up() -> None:
    """ADR 0053: nothing is there under our reference, and the first request is over: nobody has to wait for a person."""
    there = There()
    found = await there.adapter.find(there.order(), there.context())
    assert [one["envelopeId"] for one in await there.envelopes()] == [found.envelope_id]
    assert await there.adapter.find(there.order(), there.context()) == found


async def test_two_under_one_reference_are_the_first() -> None:
    """ADR 0053: whoever looks, and whenever, finds the same one."""
    there = There()
    first = await there.created()
    there.clock.advance(1000)
    await there.created()
    found = await there.adapter.find(there.order(), there.context())
    assert found.envelope_id == first


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ([], "sent", ""),
        ([{"outcome": "viewed"}], "viewed", ""),
        ([{"outcome": "signed"}], "signed", ""),
        ([{"outcome": "declined", "reason": "trop cher"}], "declined", "trop cher"),
        ([{"outcome": "expired"}], "expired", "Envelope has expired."),
        ([{"outcome": "signed"}, {"outcome": "declined"}], "signed", ""),
        ([{"outcome": "declined", "reason": "non"}, {"outcome": "signed"}], "declined", "non"),
    ],
)
async def test_how_an_envelope_stands(how: list[dict[str, str]], status: str, reason: str) -> None:
    """E6, protocols.md 5.3: read where no event has come: its status, since when, and why."""
    there = There()
    id_ = await there.created()
    for one in how:
        await there.control(f"signatures/{FILE}", **one)
    found = await there.adapter.read(ReadEnvelope("r", id_), there.context())
    assert found is not None
    assert (found.status, found.reason, found.envelope_id) == (status, reason, id_)
    assert abs(found.at - there.clock.now_ms()) < (DAY_MS if status != "expired" else 15 * DAY_MS)


async def test_an_envelope_runs_out_by_docusigns_clock() -> None:
    """S28: without anybody's doing."""
    there = There()
    id_ = await there.created()
    there.clock.advance(15 * DAY_MS)
    found = await there.adapter.read(ReadEnvelope("r", id_), there.context())
    assert found is not None
    assert found.status == "expired"


async def test_the_signed_document_comes_with_its_certificate() -> None:
    """S28: one PDF, kept under the key that was asked for and never replaced; what is none is not taken for it."""
    there = There()
    id_ = await there.created()
    await there.control(f"signatures/{id_}", outcome="signed")
    fetched = await there.adapter.fetch(FetchSigned("r", id_, "signed"), there.context())
    kept = there.contracts.kept["signed"]
    assert fetched.sha256 == hashlib.sha256(kept).hexdigest()
    assert kept.startswith(b"%PDF-")
    assert kept != PDF
    assert there.asked[-1].url.params["certificate"] == "true"
    there.instead = lambda _one: httpx.Response(200, content=b"%PDF-1.7 of another certificate")
    again = await there.adapter.fetch(FetchSigned("r", id_, "signed"), there.context())
    assert (again, there.contracts.kept["signed"]) == (fetched, kept)
    there.instead = lambda _one: httpx.Response(200, content=b"<html>")
    with pytest.raises(CallFault, match="SIGNING_ANSWER_INVALID"):
        await there.adapter.fetch(FetchSigned("r", id_, "again"), there.context())
    assert "again" not in there.contracts.kept


@pytest.mark.parametrize(
    ("before", "signed"),
    [({}, False), ({"outcome": "viewed"}, False), ({"outcome": "signed"}, True),
     ({"outcome": "declined"}, False), ({"outcome": "expired"}, False)],
)  # fmt: skip
async def test_voided_or_signed_is_one_of_the_two(before: dict[str, str], signed: bool) -> None:
    """Issue 9: void against signed: whoever comes second is told what it is; again is harmless."""
    there = There()
    id_ = await there.created()
    if before:
        await there.control(f"signatures/{id_}", **before)
    for _ in range(2):
        gone = await there.adapter.void(VoidEnvelope("r", id_, "FILE_REFUSED"), there.context())
        assert gone == EnvelopeGone("r", signed, id_)
    await there.control(f"signatures/{id_}", outcome="signed")
    (envelope,) = await there.envelopes()
    assert (envelope["status"] == "completed") is signed
    assert all("FILE_REFUSED" not in str(one) for one in bodies(there, "PUT")), (
        "its signer reads the reason"
    )


async def test_an_envelope_that_is_not_there_is_gone() -> None:
    """S28: nobody can sign it."""
    there = There()
    id_ = "4b728be4-4417-4aa2-9d0b-5f7e8b7a1c11"
    gone = await there.adapter.void(VoidEnvelope("r", id_, "REISSUED"), there.context())
    assert gone == EnvelopeGone("r", envelope_id=id_)
    with pytest.raises(DocusignRefused):
        await there.adapter.read(ReadEnvelope("r", id_), there.context())


NOW_S = 1_900_000_000


@pytest.mark.parametrize(
    ("status", "word", "headers", "wait_ms"),
    [
        (429, "", {"Retry-After": "7"}, 7_000),
        (429, "", {}, 30_000),
        (429, "BURST_APIINVOCATION_LIMIT_EXCEEDED", {"X-RateLimit-Reset": str(NOW_S + 900)}, 30_000),
        (400, "BURST_APIINVOCATION_LIMIT_EXCEEDED", {}, 30_000),
        (400, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {"X-RateLimit-Reset": str(NOW_S + 900)}, 900_000),
        (429, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {"X-RateLimit-Reset": str(NOW_S + 90_000)}, 3_600_000),
        (400, "Hourly_Envelope_Polling_Limit_Exceeded", {"X-RateLimit-Reset": str(NOW_S - 5)}, 1_000),
        (429, "", {"Retry-After": "soon"}, 30_000),
        (429, "", {"Retry-After": "9" * 40}, 3_600_000),
    ],
)  # fmt: skip
async def test_a_limit_is_waited_for(
    status: int, word: str, headers: dict[str, str], wait_ms: int
) -> None:
    """S63, developers.docusign.com/platform/resource-limits: as long as it says, an hour at most, and no fault of health; by
    the word too, since accounts are moved from 400 to 429.
    """
    there = There()
    id_ = await there.created()
    there.adapter.api.wall_s = lambda: float(NOW_S)
    there.instead = lambda _one: httpx.Response(status, json={"errorCode": word}, headers=headers)
    with pytest.raises(CallFault) as caught:
        await there.adapter.read(ReadEnvelope("r", id_), there.context())
    fault = caught.value
    assert (fault.code, fault.retryable, fault.sick, fault.wait_ms) == (
        "SIGNING_BUSY",
        True,
        False,
        wait_ms,
    )


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (httpx.Response(503), "SIGNING_UNAVAILABLE", True),
        (httpx.Response(500, json={"errorCode": "X"}), "SIGNING_UNAVAILABLE", True),
        (httpx.Response(200, content=b"{"), "SIGNING_ANSWER_INVALID", True),
        (httpx.Response(200, json={"envelopeId": OURS, "status": "sent", "statusChangedDateTime": "x"}),
         "SIGNING_ANSWER_INVALID", True),
        (httpx.Response(400, json={"errorCode": "USER_LACKS_PERMISSIONS", "message": "ada"}),
         "SIGNING_REFUSED", False),
        (httpx.Response(403, content=b"<html>"), "SIGNING_REFUSED", False),
    ],
)  # fmt: skip
async def test_what_each_answer_comes_to(
    answer: httpx.Response, code: str, retryable: bool
) -> None:
    """S63: an outage is tried again, a no is an answer; nothing of it is in the fault."""
    there = There()
    id_ = await there.created()
    there.instead = lambda _one: answer
    with pytest.raises(CallFault) as caught:
        await there.adapter.read(ReadEnvelope("r", id_), there.context())
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert "ada" not in str(caught.value)


async def test_a_contract_that_was_changed_is_not_sent() -> None:
    """S28: what is signed is what was drawn."""
    there = There()
    there.contracts.kept["c"] = PDF + b"\n"
    with pytest.raises(CallFault) as caught:
        await there.created()
    assert (caught.value.code, caught.value.sick) == ("CONTRACT_CHANGED", False)
    assert await there.envelopes() == []


@given(st.integers(0, 32_503_680_000_000))
def test_times_are_read_as_they_are_written(ms: int) -> None:
    """Protocols.md 5.3: seven decimals, UTC."""
    assert time_ms(wire_time(ms)) == ms


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-11-24", "2025-13-24T14:31:00Z", "2025-11-24T14:31:00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    """Interface.md 6, row 7."""
    assert time_ms(text) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_the_known_words_end_an_envelope(status: str, reason: str) -> None:
    """Protocols.md 5.3: a status that is not known is one that is under way; `signed` is not completed."""
    found = stands(status, reason)
    ends = {
        "completed": "signed",
        "declined": "declined",
        "voided": "voided",
        "deleted": "voided",
        "timedout": "expired",
    }
    if status.lower() in ends:
        assert found == ends[status.lower()]
    else:
        assert found in ("sent", "viewed")


def test_references_are_within_docusigns_bounds() -> None:
    """DocuSign's `transactionId` and a custom field's value have a hundred characters."""
    longest = CreateEnvelope("ABCDEFGH-2025-123456789:999999", "p", "d", "t", SIGNER, 0)
    assert len(longest.reference) <= 100

"""Contracts at the edge, over a daemon that answers as it is told: http/signing.py, http/verifying.py, http/portal/contract.py.

Source: interface.md 8 (rows c2); spec.md S6, S28, S34; docs/signature.md.
"""

from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.invitation.messages import (
    CodeWrong,
    EnterCode,
    RenewCode,
)
from comptoir.actors.signature.consents import CONSENTS, TEXTS
from comptoir.actors.signature.messages import (
    EMBEDDED,
    DeclineContract,
    DescribeSigning,
    ShowContract,
    SignContract,
)
from comptoir.actors.signature.sheet import Verdict
from comptoir.actors.signature.studio import StudioFailed
from comptoir.engine import Address, Message
from comptoir.http import signing, verifying
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.operation import Call
from comptoir.http.portal import contract
from comptoir.http.shapes_signing import Contract, Verified
from comptoir.http.signing_testing import of_signing
from comptoir.http.testing import FakeAnswer, FakeDaemon
from tests.http.contracts import DIGEST, FILE, FORM, Portal, body_of, call, client_at

BOUNDARY = "xyz"


@pytest.fixture
def daemon() -> FakeDaemon:
    """It has a file of the client's."""
    made = FakeDaemon()
    made.file_owners[FILE] = "u1"
    return made


async def test_the_contract_is_told_with_what_is_agreed_to(daemon: FakeDaemon) -> None:
    """S28: how far it is, and each text in both languages, as the description has it."""
    told = body_of(await signing.show(daemon, call()))
    msgspec.convert(told, Contract)
    assert [one["version"] for one in told["consents"]] == list(CONSENTS)
    assert told["consents"][1]["fr"] == TEXTS["electronic-1"]["fr"]


async def test_another_clients_contract_is_not_there(daemon: FakeDaemon) -> None:
    """S34: neither shown, nor given, signed or declined."""
    daemon.file_owners[FILE] = "u2"
    body = {"documentSha256": DIGEST, "consents": list(CONSENTS)}
    for handle, asked in (
        (signing.show, None), (signing.document, None), (signing.sign, body), (signing.decline, {}),
    ):  # fmt: skip
        assert (await handle(daemon, call(asked))).status == 404


async def test_what_is_signed_goes_to_the_actor_with_its_evidence(daemon: FakeDaemon) -> None:
    """S28: who, what they read, by which methods and when; of the session a digest."""
    signed = {"documentSha256": DIGEST, "consents": [*CONSENTS, CONSENTS[0]], "language": "en"}
    who = client_at(wall_seconds())
    answer = await signing.sign(daemon, call(signed, who))
    assert (answer.status, body_of(answer)["status"]) == (200, "signed")
    said = [message for _, message in daemon.asks if isinstance(message, SignContract)]
    (evidence,) = (one.evidence for one in said)
    assert evidence.consents == CONSENTS
    assert evidence.methods == ("mca", "otp", "sms")
    assert evidence.authenticated_at == who.signed_in_at * 1000
    assert "s1" not in evidence.session_sha256
    assert len(evidence.session_sha256) == 64


async def test_an_old_sign_in_signs_nothing(daemon: FakeDaemon) -> None:
    """S34: beyond auth.step_up_minutes another code is wanted, and the actor is not asked."""
    old = client_at(wall_seconds() - daemon.rules.step_up.recent_s - 1)
    answer = await signing.sign(
        daemon, call({"documentSha256": DIGEST, "consents": list(CONSENTS)}, old)
    )
    assert (answer.status, body_of(answer)["code"]) == (403, "SIGNATURE_CODE_NEEDED")


@pytest.mark.parametrize("status", ["declined", "expired", "voided", "failed"])
async def test_what_has_ended_is_not_signed(daemon: FakeDaemon, status: str) -> None:
    """S28: 410, by name, however it ended; never as if there had been nothing to sign."""

    async def asked(address: Address, message: Message) -> FakeAnswer:
        told = of_signing(address, message)
        if told is None:
            return daemon.quiet_answer(address, message)
        return FakeAnswer(msgspec.structs.replace(told, status=status))

    daemon.asked = asked
    signed = {"documentSha256": DIGEST, "consents": list(CONSENTS)}
    answer = await signing.sign(daemon, call(signed, client_at(wall_seconds())))
    assert (answer.status, body_of(answer)["code"]) == (410, "SIGNATURE_OVER")


async def test_a_program_has_a_pdf_verified(daemon: FakeDaemon) -> None:
    """interface.md 8: valid, signers and problems."""
    asked = Call("abcdefgh", {}, {}, "application/pdf", b"%PDF-1.7")
    told = msgspec.convert(body_of(await verifying.verify(daemon, asked)), Verified)
    assert (told.valid, len(told.signers)) == (True, 1)
    assert (
        await verifying.verify(daemon, Call("abcdefgh", {}, {}, "text/plain", b""))
    ).status == 415


def by_form(body: bytes, boundary: str = BOUNDARY) -> Call:
    """What a browser sends of the page."""
    kind = f"multipart/form-data; boundary={boundary}".encode()
    headers = [(b"content-type", kind), (b"accept-language", b"fr")]
    return Call("abcdefgh", {}, {}, "multipart/form-data", body, headers=headers)


def part(data: bytes, name: str = "file") -> bytes:
    """One file of a form (RFC 7578)."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="a.pdf"'.encode()
    return b"--xyz\r\n%b\r\nContent-Type: application/pdf\r\n\r\n%b\r\n--xyz--\r\n" % (head, data)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (part(b"%PDF-1.7\r\n--x\x00"), 200, "Ce document est valide"),
        (part(b"hello"), 200, "pas un PDF"),
        (part(b""), 200, "Choisissez"),
        (part(b"%PDF-1.7", "other"), 200, "Choisissez"),
        (b"--xyz\r\n", 400, "REQUEST_MALFORMED"),
        (b"x" * 300, 400, "REQUEST_MALFORMED"),
        (b"--xyz\r\n\r\n--xyz--", 400, "REQUEST_MALFORMED"),
        (b"--xyz\r\n\r\n\r\n--xyz--", 200, "Choisissez"),
        (part(b"%PDF-1.7")[:-3], 400, "REQUEST_MALFORMED"),
        (part(b"%PDF-1.7")[:-4] + part(b"%PDF-1.7"), 400, "REQUEST_MALFORMED"),
        (part(b"%PDF-1.7") + b"what follows says nothing", 200, "Ce document est valide"),
    ],
)
async def test_a_page_without_a_script_does_the_same(
    daemon: FakeDaemon, body: bytes, status: int, told: str
) -> None:
    """interface.md 8: the form of GET /verify is answered with a page in its reader's language."""
    answer = await verifying.verify(daemon, by_form(body))
    assert answer.status == status
    assert told in answer.body.decode()
    assert b"<script" not in answer.body


async def test_a_form_without_a_boundary_is_none(daemon: FakeDaemon) -> None:
    """RFC 2046: what cannot be taken apart is malformed."""
    assert (await verifying.verify(daemon, by_form(part(b"%PDF"), ""))).status == 400


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 400)])
async def test_the_head_of_a_form_is_bounded(daemon: FakeDaemon, over: int, status: int) -> None:
    """S28, S62: headers that go on are refused by their size, whatever follows; those that just fit are read."""
    form = part(b"%PDF-1.7")
    at = form.index(b"\r\n\r\n")
    more = verifying.HEAD_BYTES_MAX - len(b"\r\n\r\n") - at - len(b"\r\nX: ") + over
    crafted = form[:at] + b"\r\nX: " + b"y" * more + form[at:]
    assert (await verifying.verify(daemon, by_form(crafted))).status == status


async def test_the_tail_of_a_form_is_bounded(daemon: FakeDaemon) -> None:
    """S28, S62: the last line is looked for at the end alone."""
    form = part(b"%PDF-1.7") + b"z" * verifying.TAIL_BYTES_MAX
    assert (await verifying.verify(daemon, by_form(form))).status == 400


@pytest.mark.parametrize("boundary", ["x" * 71, "x\x00y", "é", "x;" * 200, "ends with a space "])
async def test_a_boundary_is_of_the_letters_that_it_may_have(
    daemon: FakeDaemon, boundary: str
) -> None:
    """RFC 2046, 5.1.1; S28: 70 characters at most, of an alphabet of its own."""
    form = part(b"%PDF-1.7").replace(BOUNDARY.encode(), boundary.encode())
    answer = await verifying.verify(daemon, by_form(form, f'"{boundary}"'))
    assert answer.status == 400


@pytest.mark.parametrize("behind", [0, 7, 60])
async def test_another_part_is_found_across_steps(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """S28: a form is one file; a second part is seen wherever the steps of the search end."""
    monkeypatch.setattr(verifying, "STEP_BYTES", 3)
    form = part(b"p" * behind)[:-4] + part(b"%PDF-1.7")
    assert (await verifying.verify(daemon, by_form(form))).status == 400


@given(st.binary(max_size=300), st.text(max_size=20))
async def test_what_another_program_makes_of_a_file_is_read(data: bytes, name: str) -> None:
    """RFC 7578, S28: the multipart encoder of httpx, an outside oracle; byte by byte what was put in."""
    made = httpx.Request("POST", "http://x/verify", files={"file": (name or "a", data, "a/b")})
    headers = [(b"content-type", made.headers["content-type"].encode())]
    asked = Call("abcdefgh", {}, {}, "multipart/form-data", made.read(), headers=headers)
    seen, daemon = list[bytes](), FakeDaemon()
    answered = daemon.verify_pdf

    async def keep(pdf: bytes) -> Verdict:
        seen.append(pdf)
        return await answered(pdf)

    daemon.verify_pdf = keep  # type: ignore[method-assign]
    assert (await verifying.verify(daemon, asked)).status == 200
    assert seen == ([data] if data else [])


async def test_too_many_are_told_to_come_back(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S62: a bounded number waits."""

    async def busy(_pdf: bytes) -> Any:
        raise StudioFailed("STUDIO_BUSY")

    monkeypatch.setattr(daemon, "verify_pdf", busy)
    asked = Call("abcdefgh", {}, {}, "application/pdf", b"%PDF")
    assert (await verifying.verify(daemon, asked)).status == 503
    assert "attendent" in (await verifying.verify(daemon, by_form(part(b"%PDF")))).body.decode()


@pytest.fixture
def portal(daemon: FakeDaemon, identity: Identity) -> Portal:
    """It."""
    return Portal(daemon, identity)


async def test_a_client_reads_asks_for_a_code_and_signs(portal: Portal) -> None:
    """S28: three pages without a script; the texts are beside the button, and the code opens another session."""
    page = (await contract.show(portal.daemon, portal.call())).body.decode()
    assert f"/api/v1/onboarding/{FILE}/signature/contract" in page
    form = (await contract.want_code(portal.daemon, portal.call())).body.decode()
    assert all(TEXTS[one]["en"] in form for one in CONSENTS)
    assert f'value="{DIGEST}"' in form
    filled = f"code=123456&digest={DIGEST}&read=1&electronic=1"
    signed = await contract.sign(portal.daemon, portal.call(filled))
    assert "The contract is signed" in signed.body.decode()
    assert any(name == b"set-cookie" for name, _ in signed.headers)
    (said,) = portal.told(SignContract)
    assert isinstance(said, SignContract)
    assert (said.evidence.document_sha256, said.evidence.consents) == (DIGEST, CONSENTS)


async def test_a_box_that_is_empty_uses_no_code(portal: Portal) -> None:
    """15 U.S.C. 7001(c): without every consent nothing is signed, and the code is good for another try."""
    answer = await contract.sign(portal.daemon, portal.call(f"code=123456&digest={DIGEST}&read=1"))
    assert answer.status == 409
    assert not portal.told(EnterCode)
    assert not portal.told(SignContract)


@pytest.mark.parametrize(
    ("provider", "told"),
    [(EMBEDDED, "Open the contract first"), ("docusign", "signed with our signature provider")],
)
async def test_what_was_not_opened_uses_no_code(portal: Portal, provider: str, told: str) -> None:
    """S28: SIGNATURE_UNREAD before a code is sent or used up, with the contract to open beside it."""
    portal.opened, portal.provider = False, provider
    filled = f"code=123456&digest={DIGEST}&read=1&electronic=1"
    for handle in (contract.want_code, contract.sign):
        answer = await handle(portal.daemon, portal.call(filled))
        assert (answer.status, told in answer.body.decode()) == (409, True)
    assert not [x for x in portal.said if isinstance(x, RenewCode | EnterCode | SignContract)]


async def test_what_is_unread_is_told_by_its_name(portal: Portal) -> None:
    """S28: SIGNATURE_UNREAD, to a program as to the page, where the contract was issued anew in between."""
    portal.reissued = True
    body = {"documentSha256": DIGEST, "consents": list(CONSENTS)}
    answer = await signing.sign(portal.daemon, call(body))
    assert (answer.status, body_of(answer)["code"]) == (409, "SIGNATURE_UNREAD")
    filled = f"code=123456&digest={DIGEST}&read=1&electronic=1"
    page = await contract.sign(portal.daemon, portal.call(filled))
    assert (page.status, "Open the contract first" in page.body.decode()) == (409, True)


async def test_a_wrong_code_signs_nothing(portal: Portal) -> None:
    """S34: how many tries are left is told."""
    portal.code = CodeWrong(2)
    filled = f"code=000000&digest={DIGEST}&read=1&electronic=1"
    answer = await contract.sign(portal.daemon, portal.call(filled))
    assert (answer.status, "Tries left: 2" in answer.body.decode()) == (403, True)
    assert not portal.told(SignContract)


async def test_what_the_actor_refuses_is_told(portal: Portal) -> None:
    """S28: another document than the one that was read."""
    portal.refusal = "SIGNATURE_STALE"
    filled = f"code=123456&digest={DIGEST}&read=1&electronic=1"
    answer = await contract.sign(portal.daemon, portal.call(filled))
    assert (answer.status, "has changed" in answer.body.decode()) == (409, True)


@pytest.mark.parametrize(
    ("ended", "told", "ici"),
    [
        ("expired", "The time to sign it has passed", "Le délai de signature est passé"),
        ("declined", "You have declined", "Vous avez refusé"),
        ("voided", "cannot be signed any more", "ne peut plus être signé"),
        ("failed", "cannot be signed any more", "ne peut plus être signé"),
    ],
)
async def test_who_is_too_late_is_told_how_it_has_ended(
    portal: Portal, ended: str, told: str, ici: str
) -> None:
    """S2, S28: in either language; only of one whose time is over that it is."""
    portal.ended = ended
    asked = portal.call(f"code=123456&digest={DIGEST}&read=1&electronic=1")
    french = [(k, b"fr" if k == b"accept-language" else v) for k, v in asked.headers]
    for one, text in ((asked, told), (replace(asked, headers=french), ici)):
        answer = await contract.sign(portal.daemon, one)
        page = answer.body.decode()
        assert (answer.status, text in page) == (409, True)
        assert ("has passed" in page or "est passé" in page) == (ended == "expired")


async def test_a_client_declines(portal: Portal) -> None:
    """S28: with a reason in their words, or none."""
    answer = await contract.decline(portal.daemon, portal.call("reason=the+fees"))
    assert "You have declined" in answer.body.decode()
    assert portal.told(DeclineContract) == [DeclineContract("u1", "the fees")]


async def test_a_page_elsewhere_signs_nothing(portal: Portal) -> None:
    """CSRF: forms are taken from our own pages only."""
    asked = portal.call("reason=x")
    headers = [
        (name, b"https://evil.example" if name == b"origin" else value)
        for name, value in asked.headers
    ]
    foreign = Call("abcdefgh", asked.path, {}, FORM, asked.body, headers=headers)
    for handle in (contract.want_code, contract.sign, contract.decline):
        assert (await handle(portal.daemon, foreign)).status == 403


async def test_reading_it_is_on_record_before_it_is_given(portal: Portal) -> None:
    """S28: its client opens it, and the actor knows before the bytes leave."""
    answer = await signing.document(portal.daemon, call())
    assert answer.body == b"%PDF-1.7\n%%EOF\n"
    kinds = [type(one) for one in portal.said if isinstance(one, DescribeSigning | ShowContract)]
    assert kinds == [DescribeSigning, ShowContract]

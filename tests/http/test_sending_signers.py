"""A client goes on to the provider's page to sign: http/sending_signers.py, http/portal/contract.py.

Source: spec.md S28, S34, S36; docs/docusign.md.
"""

from dataclasses import replace

import msgspec
import pytest

from comptoir.actors.invitation.messages import CodeAccepted, CodeWrong, RenewCode
from comptoir.actors.signature.messages import EMBEDDED, AdmitSigner
from comptoir.engine import Refused
from comptoir.engine.gateway_spec import CallFault
from comptoir.http import sending_signers
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.portal import contract
from comptoir.http.shapes_signing import SigningAddress
from comptoir.http.testing import FakeDaemon
from tests.http.contracts import ADDRESS, FILE, Portal, body_of, call, client_at


@pytest.fixture
def portal(identity: Identity) -> Portal:
    """Its contract is signed with a provider that has a page for it."""
    daemon = FakeDaemon()
    daemon.file_owners[FILE] = "u1"
    made = Portal(daemon, identity)
    made.provider = "docusign"
    return made


async def test_a_client_goes_on_to_the_page_of_the_provider(portal: Portal) -> None:
    """S28: by a button, and a page that goes on by itself: a redirect from a form would end at our own policy. What comes back
    with the client is a hint, and the button is there again without it.
    """
    page = (await contract.show(portal.daemon, portal.call())).body.decode()
    assert f'action="/portal/{FILE}/contract/address"' in page
    on = await contract.send_on(portal.daemon, portal.call())
    assert (on.status, on.body.decode().count(ADDRESS)) == (200, 2)
    assert f'content="0;url={ADDRESS}"' in on.body.decode()
    assert (b"cache-control", b"no-store") in on.headers
    asked, said = portal.told(AdmitSigner)
    assert isinstance(said, AdmitSigner)
    assert (said.goes, msgspec.structs.replace(said, goes=False)) == (True, asked)
    assert (said.user_id, said.methods, said.recent) == ("u1", ("mca", "otp", "sms"), True)
    back = replace(portal.call(), query={"event": ["signing_complete"]})
    assert "waiting for word" in (await contract.show(portal.daemon, back)).body.decode()
    odd = replace(portal.call(), query={"event": ["<script>"]})
    assert "/address" in (await contract.show(portal.daemon, odd)).body.decode()


async def test_who_typed_no_code_lately_is_sent_one_first(portal: Portal) -> None:
    """S28, S34: as in our own portal, a session of this morning signs nothing: the button has a code sent, and goes on by it. A wrong
    one goes nowhere; a program is told by name.
    """
    portal.ago_s = portal.daemon.rules.step_up.recent_s + 1
    old = client_at(wall_seconds() - portal.ago_s)
    with pytest.raises(Refused, match="SIGNATURE_CODE_NEEDED"):
        await sending_signers.address(portal.daemon, call(who=old))
    first = await contract.send_on(portal.daemon, portal.call())
    assert (first.status, len(portal.told(RenewCode)), ADDRESS in first.body.decode()) == (
        200,
        1,
        False,
    )
    assert 'name="code"' in first.body.decode()
    portal.code = CodeWrong(2)
    wrong = await contract.send_on(portal.daemon, portal.call("code=000000"))
    assert (wrong.status, "Tries left: 2" in wrong.body.decode()) == (403, True)
    portal.code = CodeAccepted(1000)
    on = await contract.send_on(portal.daemon, portal.call("code=123456"))
    assert (on.status, ADDRESS in on.body.decode()) == (200, True)
    assert [name for name, _ in on.headers].count(b"set-cookie") == 1


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [("SIGNING_UNAVAILABLE", 503, "just now"), ("SIGNATURE_ELSEWHERE", 409, "by the message"),
     ("RATE_LIMITED", 429, "just now")],
)  # fmt: skip
async def test_a_page_says_why_nobody_is_sent_on(
    portal: Portal, code: str, status: int, told: str
) -> None:
    """S28, S65: the provider is away, asks its signers by mail, or was asked too often."""
    portal.daemon.signing_fault = CallFault(code, retryable=True, wait_ms=90_500)
    answer = await contract.send_on(portal.daemon, portal.call())
    assert (answer.status, told in answer.body.decode()) == (status, True)
    assert ADDRESS not in answer.body.decode()
    waits = [value for name, value in answer.headers if name == b"retry-after"]
    assert waits == ([b"91"] if status == 429 else [])
    asked = portal.told(AdmitSigner)
    assert not any(isinstance(one, AdmitSigner) and one.goes for one in asked), "nobody went"


async def test_the_page_of_a_contract_that_is_signed_by_mail_has_no_button(portal: Portal) -> None:
    """S28: nothing to press where its provider writes to its signers."""
    portal.daemon.sends_signers = False
    page = (await contract.show(portal.daemon, portal.call())).body.decode()
    assert ("by the message" in page, "/address" in page) == (True, False)
    assert (await contract.send_on(portal.daemon, portal.call())).status == 409
    assert not portal.told(AdmitSigner)


async def test_a_program_gets_the_address(portal: Portal) -> None:
    """S28: for its client, as the description has it, and by name where there is none; with how long to wait."""
    told = body_of(await sending_signers.address(portal.daemon, call()))
    assert msgspec.convert(told, SigningAddress).url == ADDRESS
    for code, status in (("SIGNING_UNAVAILABLE", 503), ("SIGNATURE_ELSEWHERE", 409)):
        portal.daemon.signing_fault = CallFault(code, retryable=True)
        refused = await sending_signers.address(portal.daemon, call())
        assert (refused.status, body_of(refused)["code"]) == (status, code)
    portal.daemon.signing_fault = CallFault("RATE_LIMITED", retryable=True, wait_ms=1500)
    refused = await sending_signers.address(portal.daemon, call())
    assert (refused.status, dict(refused.headers)[b"retry-after"]) == (429, b"2")
    portal.provider = EMBEDDED
    refused = await sending_signers.address(portal.daemon, call())
    assert body_of(refused)["code"] == "SIGNATURE_ELSEWHERE"


async def test_another_client_is_sent_nowhere(portal: Portal) -> None:
    """S34: their file is not there, and nobody is asked for an address."""
    portal.daemon.file_owners[FILE] = "u2"
    assert (await sending_signers.address(portal.daemon, call())).status == 404
    assert not portal.told(AdmitSigner)

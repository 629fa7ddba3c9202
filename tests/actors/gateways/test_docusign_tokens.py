"""Access to DocuSign: a token for an assertion, once for all, anew where it is refused; consent; whose account it is.

Source: spec.md S28, S62, S63, S65; developers.docusign.com/platform/auth/jwt-get-token; docs/docusign.md.
"""

import httpx
import pytest
import structlog
import trio

from comptoir.actors.gateways.docusign_tokens import DocusignUser
from comptoir.engine.gateway_spec import CallFault
from comptoir.sandbox.parties.docusign_oauth import OURS
from tests.actors.gateways.docusign import FILE, There


async def test_one_token_is_asked_for_and_kept() -> None:
    """S28, S65: for all who ask at once; and where the account is, once."""
    there = There()

    async def one(number: int) -> None:
        await there.created(f"{FILE}:{number}")

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(one, number)
    asked = [one.url.path for one in there.asked if "oauth" in one.url.path]
    assert asked == ["/docusign/oauth/token", "/docusign/oauth/userinfo"]


async def test_a_token_is_replaced_before_its_end(autojump_clock: trio.testing.MockClock) -> None:
    """Developers.docusign.com: it is good for an hour."""
    del autojump_clock
    there = There()
    for seconds, tokens in ((0, 1), (3_500, 1), (60, 2)):
        await trio.sleep(seconds)
        await there.created(f"{FILE}:{seconds}")
        assert sum(one.url.path.endswith("/token") for one in there.asked) == tokens


async def test_a_token_that_is_refused_midway_costs_one_more_question() -> None:
    """S63: revoked or over; nothing has happened under it, so nothing is done twice."""
    there = There()
    await there.created()
    await there.control("docusign/tokens", "DELETE")
    await there.created(f"{FILE}:2")
    assert len(await there.envelopes()) == 2
    there.instead = lambda one: httpx.Response(401) if "envelopes" in one.url.path else None
    with pytest.raises(CallFault) as caught:
        await there.created(f"{FILE}:3")
    assert (caught.value.code, caught.value.retryable) == ("SIGNING_TOKEN_REFUSED", True)


async def test_the_apps_own_key_signs() -> None:
    """Developers.docusign.com: once DocuSign knows a key of the app's, no other will do."""
    stranger = There()
    key = (await stranger.control("docusign/account", "GET"))["privateKey"]
    with pytest.raises(CallFault) as caught:
        await stranger.created()
    assert caught.value.code == "SIGNING_CREDENTIALS_REFUSED"
    user = DocusignUser(OURS, OURS, OURS, key)
    assert key not in repr(user)
    stranger.tokens.user = user
    owner = There(user=user)
    owner.played.oauth.key = stranger.played.oauth.key
    await owner.created()
    broken = There(user=DocusignUser(OURS, OURS, OURS, f"-----BEGIN {'PRIVATE'} KEY-----\nx"))
    with pytest.raises(CallFault, match="SIGNING_CREDENTIALS_REFUSED"):
        await broken.created()


async def test_consent_that_was_never_given_is_told_plainly() -> None:
    """Issue 9: with the page where it is given, and without a key or a token; it is tried again."""
    there = There()
    await there.control("docusign/consent", given=False)
    with structlog.testing.capture_logs() as lines, pytest.raises(CallFault) as caught:
        await there.created()
    assert (caught.value.code, caught.value.retryable) == ("SIGNING_CONSENT_REQUIRED", True)
    (line,) = [one for one in lines if "consented" in one["event"]]
    assert line["page"].startswith("http://127.0.0.1:8090/docusign/oauth/auth?response_type=code")
    assert f"client_id={OURS}" in line["page"]
    await there.control("docusign/consent", given=True)
    await there.created()


@pytest.mark.parametrize(
    "accounts",
    [
        [],
        [
            {
                "account_id": "11111111-2222-4333-8444-555555555555",
                "base_uri": "https://eu.docusign.net",
            }
        ],
        [{"account_id": OURS, "base_uri": "http://eu.docusign.net"}],
        [{"account_id": OURS, "base_uri": "file:///etc/passwd"}],
        [{"account_id": OURS, "base_uri": ""}],
    ],
)
async def test_a_token_goes_to_our_account_and_under_tls(accounts: list[dict[str, str]]) -> None:
    """S62: an address that is in the clear beyond this machine, or is another account's, is sent nothing."""
    there = There()
    there.instead = lambda one: (
        httpx.Response(200, json={"sub": OURS, "accounts": accounts})
        if one.url.path.endswith("/userinfo")
        else None
    )
    with pytest.raises(CallFault) as caught:
        await there.created()
    assert caught.value.code == "SIGNING_ACCOUNT_UNKNOWN"
    assert all("/envelopes" not in one.url.path for one in there.asked)

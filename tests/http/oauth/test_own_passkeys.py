"""The page of a person's own passkeys: several, named, listed, removed, never the last way in (S34)."""

import pytest
from fido2.utils import websafe_encode

from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.oauth.passkey_pages import PASSKEYS
from comptoir.http.oauth.sessions import FRESH_SECONDS
from tests.http.oauth.browser import Browser, enrolled
from tests.http.oauth.conftest import ISSUER, Server
from tests.http.oauth.passkeys import (
    code_of,
    device_of,
    enrolled_by,
    is_in,
    options,
    post,
    sign_in_by,
)


async def test_several_named_listed_removed(named: Server) -> None:
    """S34: beside an authenticator or another passkey; each is named and shown, and goes by a press."""
    browser = Browser(named)
    named.identity.issuer = ISSUER
    await enrolled(named, browser)
    first, second = device_of(), device_of(2, synced=True)
    cookie = await named.sign_in(subject="m.durand", signed_in_at=wall_seconds())
    named.client.cookies["session"] = cookie.partition("=")[2]
    for device, name in ((first, "laptop"), (second, '<b>"phone"</b>')):
        made = device.create(await options(named, PASSKEYS))
        answer = await post(named, PASSKEYS, name=name, credential=made)
        assert answer.status_code == 200, answer.text
    page = await named.client.get(PASSKEYS)
    assert "laptop" in page.text
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    known = (await options(named, PASSKEYS))["excludeCredentials"]
    assert [one["id"] for one in known] == [
        websafe_encode(one.credential_id) for one in (first, second)
    ]
    gone = await post(named, f"{PASSKEYS}/remove", id=known[0]["id"])
    assert gone.status_code == 200
    assert "laptop" not in gone.text
    again = await post(named, f"{PASSKEYS}/remove", id=known[0]["id"])
    assert (again.status_code, code_of(again)) == (400, "PASSKEY_UNKNOWN")
    named.client.cookies.clear()
    assert not is_in(await sign_in_by(named, first))
    assert is_in(await sign_in_by(named, second))


async def test_the_last_way_in_stays(named: Server) -> None:
    """S34: who has one passkey and nothing else keeps it."""
    device = device_of()
    await enrolled_by(named, device)
    refused = await post(named, f"{PASSKEYS}/remove", id=websafe_encode(device.credential_id))
    assert (refused.status_code, code_of(refused)) == (400, "PASSKEY_LAST")
    assert is_in(await sign_in_by(named, device))


@pytest.mark.parametrize(("age", "good"), [(FRESH_SECONDS - 5, True), (FRESH_SECONDS + 5, False)])
async def test_a_change_wants_a_new_sign_in(named: Server, age: int, good: bool) -> None:
    """ASVS 7.5.1: a browser that was left open makes no passkey and takes none away; it shows them."""
    device = device_of()
    await enrolled_by(named, device)
    cookie = await named.sign_in(subject="m.durand", signed_in_at=wall_seconds() - age)
    named.client.cookies.clear()
    named.client.cookies["session"] = cookie.partition("=")[2]
    begun = await post(named, f"{PASSKEYS}/options")
    assert begun.status_code == (200 if good else 403)
    assert good or begun.json()["code"] == "SIGN_IN_STALE"
    page = await named.client.get(PASSKEYS)
    assert "key</td>" in page.text
    assert ("<form" in page.text) == good
    changed = await post(named, f"{PASSKEYS}/remove", id="none")
    assert code_of(changed) == ("PASSKEY_UNKNOWN" if good else "SIGN_IN_STALE")


async def test_who_is_nobody_is_led_to_the_sign_in(named: Server) -> None:
    """S34: and comes back to the page from there; a client's session has no page of the house."""
    for answer in (await named.client.get(PASSKEYS), await post(named, PASSKEYS, name="x")):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/signin?next=%2Fsignin%2Fpasskeys"
    device = device_of()
    await enrolled_by(named, device)
    done = await sign_in_by(named, device, next=PASSKEYS)
    assert f'content="0;url={PASSKEYS}"' in done.text
    cookie = await named.sign_in(subject="a.client")
    named.client.cookies.clear()
    page = await named.client.get(PASSKEYS, headers={"cookie": cookie})
    assert page.status_code == 400
    assert "You do not sign in here" in page.text

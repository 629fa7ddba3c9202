"""Access that ends before its time, over a socket with real actors, raced as well (S34, S60, S62; RFC 7009)."""

from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pytest
import trio

from comptoir.actors.person.kind import person_spec
from comptoir.actors.person.messages import (
    ConfirmSeed,
    InvitePerson,
    OfferSeed,
    PersonRemoved,
    RemovePerson,
    SignedIn,
)
from comptoir.actors.person.totp import password_at
from comptoir.actors.refresh_family.messages import Authorization
from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.engine.spec import Bounds
from comptoir.engine.values import Address
from comptoir.http.principal import Unauthenticated, Undecided
from tests.http.oauth.conftest import Server


def _refused(answer: httpx.Response, code: str) -> None:
    """RFC 6749 5.2."""
    assert (answer.status_code, answer.json()["error"]) == (400, code)


async def test_one_access_token_is_revoked(server: Server) -> None:
    """RFC 7009 2.1: refused from the answer on, and its family goes on; another client's is not its to end."""
    body = (await server.redeem(await server.code())).json()
    bearer = [f"Bearer {body['access_token']}"]
    form = {"client_id": "other", "token": body["access_token"]}
    _refused(await server.client.post("/oauth/revoke", data=form), "invalid_grant")
    assert (await server.identity.authenticator.principal(bearer)).subject == "u1"
    for _ in range(2):
        answer = await server.post("/oauth/revoke", token=body["access_token"])
        assert answer.status_code == 200
    with pytest.raises(Unauthenticated, match="revoked"):
        await server.identity.authenticator.principal(bearer)
    assert (await server.refresh(body["refresh_token"])).status_code == 200


async def test_a_revoked_family_takes_its_access_tokens_along(server: Server) -> None:
    """RFC 7009 2.1: revoked by its refresh token, what came of it is refused from the answer on."""
    body = (await server.redeem(await server.code())).json()
    assert (await server.post("/oauth/revoke", token=body["refresh_token"])).status_code == 200
    with pytest.raises(Unauthenticated, match="revoked"):
        await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])


async def test_nothing_is_taken_before_the_list_is_known(server: Server) -> None:
    """S62: a daemon that is starting says that it does not know, and hands nothing out."""
    body = (await server.redeem(await server.code())).json()
    server.identity.revocations = None
    with pytest.raises(Undecided, match="revocations_unknown"):
        await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
    _refused(await server.refresh(body["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("times", range(10))
async def test_dismissed_while_it_is_exchanged(server: Server, times: int) -> None:
    """S60: whoever is dismissed while a code is exchanged, and while a family rotates, has nothing that works
    in the end, in whatever order the two were decided.
    """
    person = server.daemon.person_key("m.durand")
    address = Address("person", person)
    await server.engine.ask(address, InvitePerson("m.durand", ("ADMIN",), "link", 60_000))
    await server.engine.ask(address, OfferSeed("link", bytes(20).hex()))
    now_s = server.engine.now() // 1000
    typed = password_at(bytes(20), now_s // 30)
    known = (await server.engine.ask(address, ConfirmSeed("link", typed))).reply
    assert isinstance(known, SignedIn)
    allowed = Authorization(
        "m.durand", "web", ("ADMIN",), ("openid",), ("otp",), now_s, person, known.generation
    )
    codes = [await server.code(authorization=allowed) for _ in range(2)]
    living = (await server.redeem(await server.code(authorization=allowed))).json()
    answers: list[httpx.Response] = []

    async def ask(work: Callable[[], Awaitable[httpx.Response]], after: int) -> None:
        for _ in range(after):
            await trio.lowlevel.checkpoint()
        answers.append(await work())

    async with trio.open_nursery() as nursery:
        for number, code in enumerate(codes):
            nursery.start_soon(ask, partial(server.redeem, code), number * times)
        nursery.start_soon(ask, partial(server.refresh, living["refresh_token"]), times)
        for _ in range(7 * times):
            await trio.lowlevel.checkpoint()
        removed = (await server.engine.ask(address, RemovePerson())).reply
        assert isinstance(removed, PersonRemoved)
        over = EndAccess(Ground.PERSON, person, removed.generation)
        await server.daemon.ask(REVOCATIONS, over)  # as the edge does
    assert await server.engine.quiesce(5)
    given = [living, *(x.json() for x in answers if x.status_code == 200)]
    for body in given:
        with pytest.raises(Unauthenticated, match="revoked"):
            await server.identity.authenticator.principal([f"Bearer {body['access_token']}"])
        _refused(await server.refresh(body["refresh_token"]), "invalid_grant")
    state, _ = person_spec(Bounds()).read_state(await server.engine.journal.load(address))
    assert state.phase.value == "removed"

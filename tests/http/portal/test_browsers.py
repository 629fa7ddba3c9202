"""Cookies at the gate: none can be tried out beyond an address's minute, and one that holds costs it nothing."""

from functools import partial

import httpx
import trio

from comptoir.actors.browser_session.messages import Person, SessionFound, SessionMissing
from comptoir.engine import Address, Message
from comptoir.engine.settings import Http, Settings
from comptoir.engine.trust import trust_of
from comptoir.http.identity.opening import Identity
from comptoir.http.limits import Limits, Quotas
from comptoir.http.oauth.sessions import session_address
from comptoir.http.server import Shared, serve
from comptoir.http.testing import FakeAnswer, FakeAuthenticator, FakeDaemon

GOOD, BAD = "g" * 43, "b" * 43
QUOTA = 3


async def test_cookies_are_not_tried_out(identity: Identity) -> None:
    """S62: a client's own requests count as a principal's; after an address has used its minute, no cookie
    from there is looked up, and the client hears 429 as everybody there does.
    """
    daemon = FakeDaemon(loopback_only=False)
    daemon.identity = identity
    daemon.wallets["u-1"] = {"userId": "u-1"}
    looked_up: list[Address] = []

    async def known(address: Address, _message: Message) -> FakeAnswer:
        looked_up.append(address)
        found = SessionFound(Person("u-1", ("CLIENT",), ("otp",), 0), 1)
        return FakeAnswer(found if address == session_address(GOOD) else SessionMissing())

    daemon.asked = known
    limits = Limits(Quotas(100, QUOTA))
    async with trio.open_nursery() as nursery:
        shared = Shared(authenticator=FakeAuthenticator(), limits=limits)
        start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
        listening = await nursery.start(start)
        async with httpx.AsyncClient(
            verify=trust_of(listening.url), base_url=listening.url
        ) as client:

            async def ask(cookie: str) -> int:
                headers = {"cookie": f"other=1; session={cookie}"}
                answer = await client.get("/api/v1/wallets/u-1", headers=headers)
                return answer.status_code

            assert [await ask(GOOD) for _ in range(QUOTA + 2)] == [200] * (QUOTA + 2)
            assert [await ask(BAD) for _ in range(QUOTA)] == [401] * QUOTA
            before = len(looked_up)
            assert [await ask(cookie) for cookie in (BAD, GOOD)] == [429, 429]
            assert len(looked_up) == before
        nursery.cancel_scope.cancel()
    limits.close()

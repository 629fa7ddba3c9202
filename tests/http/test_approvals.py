"""What waits for a second person, as the edge lists it (E14)."""

from functools import partial

import httpx
import trio

from comptoir.actors.approval.messages import ApprovalDescribed, DescribeApproval, place_of
from comptoir.engine import Address, Erased, Message
from comptoir.engine.settings import Http, Settings
from comptoir.engine.trust import trust_of
from comptoir.http.server import Shared, serve
from comptoir.http.testing import NOW_MS, FakeAnswer, FakeAuthenticator, FakeDaemon

OVER, ERASED, DECIDED = range(3)
"""Numbers of proposals: one whose time is over, one without keys, one decided since it was listed."""
ADMIN = {"authorization": "Bearer ADMIN.eva"}


def _id(number: int) -> str:
    return f"apr_{number:020x}"


async def _described(address: Address, message: Message) -> FakeAnswer:
    assert isinstance(message, DescribeApproval)
    number = int(address.key.removeprefix("apr_"), 16)
    if number == ERASED:
        raise Erased("its keys are gone")
    status = "approved" if number == DECIDED else "pending"
    return FakeAnswer(
        ApprovalDescribed("keys.rotate", status, "0" * 64, "data", (), "eva", "", NOW_MS)
    )


async def test_pages_of_what_waits() -> None:
    """E14, interface.md 1: the first to end first, page by page, each once; whatever waits no more is in no
    page, and a cursor that is not ours is refused.
    """
    daemon = FakeDaemon(loopback_only=False)
    daemon.asked = _described
    daemon.proposals = {place_of(NOW_MS - 1, _id(OVER)): True}
    daemon.proposals |= {place_of(NOW_MS + n, _id(n)): n % 5 != 4 for n in range(ERASED, 30)}
    waiting = [_id(n) for n in range(DECIDED + 1, 30) if n % 5 != 4]
    async with trio.open_nursery() as nursery:
        shared = Shared(authenticator=FakeAuthenticator())
        start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
        listening = await nursery.start(start)
        async with httpx.AsyncClient(
            verify=trust_of(listening.url), base_url=listening.url
        ) as client:

            async def ask(query: str) -> httpx.Response:
                return await client.get(f"/api/v1/approvals?{query}", headers=ADMIN)

            for limit in (1, 7, 29, 200):
                found: list[str] = []
                cursor = ""
                while cursor is not None:
                    page = (await ask(f"limit={limit}{cursor and f'&cursor={cursor}'}")).json()
                    assert len(page["items"]) <= limit
                    found += [one["approvalId"] for one in page["items"]]
                    cursor = page["nextCursor"]
                assert found == waiting
            for query in ("cursor=", "cursor=x", f"cursor={waiting[0]}", "limit=0", "limit=x"):
                refused = await ask(query)
                assert (refused.status_code, refused.json()["code"]) == (422, "REQUEST_INVALID")
        nursery.cancel_scope.cancel()

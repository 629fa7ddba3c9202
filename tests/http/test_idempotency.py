"""`Idempotency-Key` at the edge (interface.md 1): what is asked for twice is done once."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
import trio

from comptoir.actors.approval.messages import Propose
from comptoir.actors.clients.messages import RegisterClient
from comptoir.actors.connection.messages import RenewConsent
from comptoir.actors.idempotency.kind import idempotency_spec
from comptoir.actors.idempotency.messages import KIND
from comptoir.actors.invitation.messages import InviteClient
from comptoir.actors.linking.messages import OpenLink
from comptoir.actors.person.messages import InvitePerson
from comptoir.engine import Address, Message, Overloaded
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Http, Settings
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import toy_parts
from comptoir.engine.trust import trust_of
from comptoir.http.idempotency import is_keyed
from comptoir.http.identity.opening import Identity
from comptoir.http.operations import BY_ID, OPERATIONS
from comptoir.http.rules import LinkingRules
from comptoir.http.server import Shared, serve
from comptoir.http.testing import FakeAuthenticator, FakeDaemon
from comptoir.storage.testing import MemoryJournal, MemoryTables
from tests.http.access import SELF
from tests.http.asking import APP, ask, connection_id

PATH = "/api/v1/clients"
BODY = {"name": "acme", "scopes": ["a:b"]}
MAKES = (RegisterClient, InvitePerson, InviteClient, Propose, OpenLink, RenewConsent)
MAKERS = (
    "registerClient", "inviteStaff", "inviteClient", "erasePerson", "rotateKey", "startLink", "renewConsent",
)  # fmt: skip


class Remembering(FakeDaemon):
    """A fake daemon whose memory of requests is the real one; the rest is asked of `asked`."""

    def __init__(self, engine: Engine) -> None:
        linking = LinkingRules(frozenset(("seed",)), (APP,))
        super().__init__(loopback_only=False, clock_manual=True, linking=linking)
        self.engine = engine
        self.linked[SELF] = {connection_id(SELF): {"id": connection_id(SELF)}}
        self.registered: list[RegisterClient] = []
        self.hold: trio.Event | None = None
        self.away = 0
        self.heard: list[tuple[Address, Message]] = []
        """What was to make something anew."""
        self.lost = 0
        """So many answers get lost after it was made."""

    async def ask(self, address: Address, message: Message, timeout_s: float | None = None) -> Any:
        """The memory is real; a registration can be held up, or refused for a while."""
        if address.kind == KIND:
            return await self.engine.ask(address, message)
        if isinstance(message, RegisterClient):
            if self.away:
                self.away -= 1
                raise Overloaded("busy")
            self.registered.append(message)
            if self.hold is not None:
                await self.hold.wait()
        answer = await super().ask(address, message, timeout_s)
        if isinstance(message, MAKES):
            self.heard.append((address, message))
            if self.lost:
                self.lost -= 1
                raise Overloaded("busy")
        return answer


@pytest.fixture
async def daemon() -> AsyncIterator[Remembering]:
    """It remembers in memory."""
    async with MemoryJournal(MemoryTables()).open() as journal:
        parts = toy_parts(journal, actors=(idempotency_spec(Bounds()),))
        async with Engine(parts).running() as engine:
            yield Remembering(engine)


@pytest.fixture
async def client(daemon: Remembering) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a listening edge that takes tokens."""
    async with trio.open_nursery() as nursery:
        shared = Shared(authenticator=FakeAuthenticator())
        start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
        listening = await nursery.start(start)
        async with httpx.AsyncClient(
            verify=trust_of(listening.url), base_url=listening.url, timeout=5.0
        ) as opened:
            yield opened
        nursery.cancel_scope.cancel()


async def _post(client: httpx.AsyncClient, key: str | None, **fields: Any) -> httpx.Response:
    who = fields.pop("who", "ADMIN.eva")
    headers = {"authorization": f"Bearer {who}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return await client.post(PATH, json={**BODY, **fields}, headers=headers)


async def test_the_first_answer_again(client: httpx.AsyncClient, daemon: Remembering) -> None:
    """Interface.md 1: the same status and body, said to be a repeat, and nothing done twice."""
    first, again = await _post(client, "k1"), await _post(client, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["content-type"] == again.headers["content-type"]
    assert len(daemon.registered) == 1


async def test_another_request(client: httpx.AsyncClient, daemon: Remembering) -> None:
    """Interface.md 1: another body 422; another caller, or no key, is another request."""
    await _post(client, "k1")
    other = await _post(client, "k1", name="other")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await _post(client, "k1", who="ADMIN.ann")).status_code == 201
    assert (await _post(client, None)).status_code == 201
    assert (await _post(client, None)).status_code == 201
    assert len(daemon.registered) == 4


async def test_in_progress(client: httpx.AsyncClient, daemon: Remembering) -> None:
    """Interface.md 1: while the first is worked on, a repeat hears 409, and another body 422."""
    daemon.hold = trio.Event()
    answers: list[httpx.Response] = []

    async def first() -> None:
        answers.append(await _post(client, "k1"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        with trio.fail_after(5):
            while not daemon.registered:
                await trio.lowlevel.checkpoint()
        again, other = await _post(client, "k1"), await _post(client, "k1", name="other")
        assert (again.status_code, again.json()["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
        assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        daemon.hold.set()
    assert answers[0].status_code == 201
    assert len(daemon.registered) == 1


async def test_what_is_not_recorded(client: httpx.AsyncClient, daemon: Remembering) -> None:
    """Interface.md 1: after 503 the request goes on under its key; after 400 and 415 the key is free."""
    daemon.away = 1
    assert (await _post(client, "k1")).status_code == 503
    assert (await _post(client, "k1", name="other")).status_code == 422
    assert (await _post(client, "k1")).status_code == 201
    headers = {"authorization": "Bearer ADMIN.eva", "Idempotency-Key": "k2"}
    malformed = await client.post(
        PATH, content=b"{", headers={**headers, "content-type": "application/json"}
    )
    assert malformed.status_code == 400
    text = await client.post(PATH, content=b"x", headers={**headers, "content-type": "text/plain"})
    assert text.status_code == 415
    assert (await _post(client, "k2")).status_code == 201
    assert "idempotency-replayed" not in (await _post(client, "k3")).headers


async def test_refusals_are_recorded(client: httpx.AsyncClient, daemon: Remembering) -> None:
    """Interface.md 1: a refusal by rule is replayed as well."""
    first, again = await _post(client, "k1", name=""), await _post(client, "k1", name="")
    assert first.status_code == again.status_code == 422
    assert first.json()["code"] == again.json()["code"] == "REQUEST_INVALID"
    assert again.headers["idempotency-replayed"] == "true"
    assert daemon.registered == []


@pytest.mark.parametrize("name", MAKERS)
async def test_run_again_it_makes_the_same(
    client: httpx.AsyncClient, daemon: Remembering, identity: Identity, name: str
) -> None:
    """Interface.md 1: a request whose answer was lost asks the same actor for the same, to the letter: the
    same id, link and secret; under another key it is another.
    """
    daemon.identity = identity
    daemon.lost = 1
    headers = {"authorization": f"Bearer ADMIN+CLIENT.{SELF}", "Idempotency-Key": "k1"}
    lost = await ask(client, BY_ID[name], SELF, headers)
    assert lost.status_code == 503, lost.text
    found = await ask(client, BY_ID[name], SELF, headers)
    assert found.status_code in BY_ID[name].answers, found.text
    other = await ask(client, BY_ID[name], SELF, {**headers, "Idempotency-Key": "k2"})
    assert other.status_code == found.status_code
    first, again, another = daemon.heard
    assert first == again
    assert first != another


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "\x7f"])
async def test_a_bad_key(client: httpx.AsyncClient, daemon: Remembering, key: str) -> None:
    """Interface.md 1: 1 to 255 visible ASCII, or nothing is done."""
    answer = await _post(client, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "REQUEST_MALFORMED")
    assert daemon.registered == []


def test_which_operations() -> None:
    """Interface.md 1: every POST, PUT, PATCH and DELETE under /api/v1, and nothing else."""
    for operation in OPERATIONS:
        changes = operation.method in {"POST", "PUT", "PATCH", "DELETE"}
        assert is_keyed(operation) == (changes and operation.path.startswith("/api/v1/"))

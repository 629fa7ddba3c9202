"""An authorization server on a free port, with real actors behind it and a clock that tests move."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import msgspec
import pytest
import trio

from comptoir.actors.authorization_code.kind import authorization_code_spec
from comptoir.actors.authorization_code.messages import KIND as CODE
from comptoir.actors.authorization_code.messages import IssueCode
from comptoir.actors.browser_session.kind import browser_session_spec
from comptoir.actors.browser_session.messages import OpenSession, Person
from comptoir.actors.ceremony.kind import ceremony_spec
from comptoir.actors.clients import machine as clients
from comptoir.actors.consent.kind import consent_spec
from comptoir.actors.person.kind import person_spec
from comptoir.actors.refresh_family.kind import refresh_family_spec
from comptoir.actors.refresh_family.messages import Authorization
from comptoir.actors.revocation.messages import REFERENCE, AccessEnded
from comptoir.actors.revocation.reading import revocation_spec, revocations_reference
from comptoir.actors.sessions.kind import sessions_spec
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Http, Settings
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.trust import trust_of
from comptoir.engine.values import Address, Message
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.identity.signing import KEYS_FOLDER
from comptoir.http.oauth.opaque import code_key, draw_code
from comptoir.http.oauth.persons import challenge_of
from comptoir.http.oauth.sessions import draw_session, session_address
from comptoir.http.server import Listening, Shared, serve
from comptoir.http.testing import FakeAnswer, FakeDaemon
from comptoir.storage.testing import MemoryJournal, MemoryTables

WEEK_MS = 7 * 24 * 3600 * 1000
VERIFIER = "a-verifier-that-is-as-long-as-RFC-7636-wants-it"
ISSUER = "http://localhost:8080"
"""Over TLS the cookies would be `__Host-` ones, which a client without TLS does not give back."""
BACK = "http://127.0.0.1/back"
THEIRS = "https://partner.example/back"
PERSON = Person("u1", ("CLIENT",), ("otp",), wall_seconds() - 100)
SETTINGS = Settings().having(
    {
        ("auth", "clients"): {
            "web": (BACK, "https://app.example/b?x=1"),
            "other": (BACK,),
            "partner": (THEIRS, BACK),
        },
        ("auth", "first_party"): ("web", "other"),
    }
)
ALLOWED = Authorization(
    "u1", "web", ("CLIENT", "NO_ROLE_OF_OURS"), ("openid", "points:read"), ("otp",), 1_764_000_000
)


@dataclass(frozen=True)
class Server:
    """What a test speaks to, and what it may look at or move behind it."""

    client: httpx.AsyncClient
    engine: Engine
    tables: MemoryTables
    identity: Identity
    daemon: FakeDaemon

    async def sign_in(self, **changes: object) -> str:
        """Sign somebody in; the Cookie header of their browser."""
        value = draw_session()
        person = msgspec.structs.replace(PERSON, **changes)
        await self.engine.ask(session_address(value), OpenSession(person, WEEK_MS))
        return f"session={value}"

    async def code(self, **changes: object) -> str:
        """A code of a person who has signed in."""
        code = draw_code()
        issue = IssueCode(ALLOWED, BACK, challenge_of(VERIFIER), "the-nonce", 60_000)
        key = code_key(code)
        assert key is not None
        await self.engine.ask(Address(CODE, key), msgspec.structs.replace(issue, **changes))
        return code

    async def post(self, path: str, /, **form: str) -> httpx.Response:
        """A form of the client `web`."""
        return await self.client.post(path, data={"client_id": "web", **form})

    async def redeem(self, code: str, /, **changes: str) -> httpx.Response:
        """Present a code."""
        form = {"code": code, "code_verifier": VERIFIER, "redirect_uri": BACK, **changes}
        return await self.post("/oauth/token", grant_type="authorization_code", **form)

    async def refresh(self, token: str, /, **changes: str) -> httpx.Response:
        """Use a refresh token."""
        form = {"refresh_token": token, **changes}
        return await self.post("/oauth/token", grant_type="refresh_token", **form)


@pytest.fixture
async def server(identity: Identity, tmp_path: Path) -> AsyncIterator[Server]:
    """The edge over an engine in memory."""
    daemon, tables = FakeDaemon(), MemoryTables()
    opened = daemon.identity = Identity(
        SETTINGS.having({("storage", "data_dir"): tmp_path}), identity.keys, None
    )
    (tmp_path / KEYS_FOLDER).mkdir()
    specs = (
        browser_session_spec(Bounds()), authorization_code_spec(Bounds()), person_spec(Bounds()), refresh_family_spec(Bounds()),
        revocation_spec(), consent_spec(Bounds()), sessions_spec(Bounds()),
        ActorSpec(clients.MACHINE, clients.RegistryState, replies=clients.REPLIES),
        ceremony_spec(Bounds()),
    )  # fmt: skip
    async with MemoryJournal.open(tables) as journal, trio.open_nursery() as nursery:
        opened.key_of = daemon.person_key
        parts = msgspec.structs.replace(
            toy_parts(journal, actors=specs, clock=toy_clock(manual=True)),
            references=(revocations_reference(opened.learn),),
        )
        async with Engine(parts).running() as engine:

            async def ask(address: Address, message: Message) -> FakeAnswer:
                reply = (await engine.ask(address, message)).reply
                if isinstance(reply, AccessEnded):
                    await engine.wait_reference(REFERENCE, reply.version)
                return FakeAnswer(reply)

            daemon.asked = ask
            shared = Shared(bound=opened.listens_on)
            start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
            listening: Listening = await nursery.start(start)
            async with httpx.AsyncClient(
                verify=trust_of(listening.url), base_url=listening.url, timeout=5.0
            ) as client:
                yield Server(client, engine, tables, opened, daemon)
            nursery.cancel_scope.cancel()


@pytest.fixture
def named(server: Server) -> Server:
    """The same server, under a name: browsers have no passkeys for addresses."""
    server.identity.issuer = ISSUER
    return server

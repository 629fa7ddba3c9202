"""DocuSign in this process, as the sandbox plays it, which the adapter takes for the real one; what it is asked is judged.

Rule: every request of the adapter is held to the schemas before it is answered.
Source: docusign_schemas.py; sandbox/parties/docusign.py.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from comptoir.actors.gateways.docusign import Docusign, DocusignTerms
from comptoir.actors.gateways.docusign_api import DocusignApi
from comptoir.actors.gateways.docusign_tokens import DocusignTokens, DocusignUser
from comptoir.actors.gateways.signing_messages import CreateEnvelope
from comptoir.actors.signature.messages import Signer
from comptoir.engine.gateway_spec import CallContext, CallFault
from comptoir.sandbox.clock import Clock
from comptoir.sandbox.faults import Faults
from comptoir.sandbox.papers import PaperRequest, draw
from comptoir.sandbox.parties.docusign import Docusign as Played
from comptoir.sandbox.parties.docusign_oauth import OURS
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.records import Record
from comptoir.sandbox.wire.router import Router
from comptoir.sandbox.wire.server import Drop, Reply, Request
from tests.actors.gateways.docusign_schemas import CLAIMS, ENVELOPE, VIEW, VOID, hold

PDF = draw(PaperRequest("tax"))[0]
DIGEST = hashlib.sha256(PDF).hexdigest()
SIGNER = Signer("Ada", "Lovelace", "ada@example.org", "", "fr", "usr_1")
DAY_MS = 86_400_000
FILE = "ONB-2025-00123"
Reply_ = Callable[[httpx.Request], httpx.Response | None]


class Contracts:
    """Contracts in memory."""

    def __init__(self) -> None:
        self.kept = {"c": PDF}

    async def read(self, path: str) -> bytes:
        """One that is there."""
        if path not in self.kept:
            raise CallFault("OBJECT_MISSING", retryable=False, sick=False)
        return self.kept[path]

    async def digest(self, path: str) -> str | None:
        """Of one that is there."""
        return hashlib.sha256(self.kept[path]).hexdigest() if path in self.kept else None

    async def keep(self, path: str, media_type: str, data: bytes) -> str:
        """Keep one, unless there is one."""
        assert media_type == "application/pdf"
        return hashlib.sha256(self.kept.setdefault(path, data)).hexdigest()


class There:
    """DocuSign, and the adapter over it."""

    def __init__(
        self, terms: DocusignTerms | None = None, user: DocusignUser | None = None
    ) -> None:
        self.clock = Clock()
        self.inbox = Record()
        stage = Stage(self.clock, Faults(), Record(), self.inbox)
        self.played = Played(stage, frozenset())
        self.router = Router([*self.played.routes(), *self.played.party().routes(stage)])
        self.asked: list[httpx.Request] = []
        self.instead: Reply_ = lambda _request: None
        """Answers instead of DocuSign; None: DocuSign does."""
        self.lost: set[str] = set()
        """Methods whose answer is lost, after its effect."""
        self.contracts = Contracts()
        client = httpx.AsyncClient(
            base_url="http://127.0.0.1:8090/docusign", transport=httpx.MockTransport(self.respond)
        )
        self.tokens = DocusignTokens(client, user or DocusignUser(OURS, OURS, OURS))
        self.adapter = Docusign(
            DocusignApi(client, self.tokens), self.contracts, terms or DocusignTerms()
        )

    async def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer, to a request that has been judged."""
        self.asked.append(request)
        judge(request)
        instead = self.instead(request)
        if instead is not None:
            return instead
        answer = await self.ask(
            request.method, request.url.path, request.content, dict(request.headers), request.url.query.decode()
        )  # fmt: skip
        if request.method in self.lost and "/envelopes" in request.url.path:
            raise httpx.ReadError("the answer is lost", request=request)
        return answer

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> httpx.Response:
        """What the sandbox answers, to the adapter or to a test."""
        names = {"host": "127.0.0.1:8090", **(headers or {})}
        outcome = await self.router.respond(Request(method, path, query, names, body))
        assert not isinstance(outcome, Drop)
        assert isinstance(outcome, Reply)
        return httpx.Response(
            outcome.status, content=outcome.body,
            headers={**dict(outcome.headers), "content-type": outcome.content_type},
        )  # fmt: skip

    async def control(self, path: str, method: str = "POST", **document: Any) -> dict[str, Any]:
        """A test's word."""
        answer = await self.ask(method, f"/control/{path}", orjson.dumps(document))
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def envelopes(self) -> list[dict[str, Any]]:
        """Those that there are."""
        found: list[dict[str, Any]] = (await self.control("signatures", "GET"))["items"]
        return found

    def order(self, reference: str = f"{FILE}:1", days: float = 14) -> CreateEnvelope:
        """The contract, to be sent."""
        ends = self.clock.now_ms() + round(days * DAY_MS)
        return CreateEnvelope(reference, "c", DIGEST, "Contrat de gestion", SIGNER, ends)

    def context(self) -> CallContext:
        """A call, now."""
        return CallContext(self.clock.now_ms(), 1, "key")

    async def created(self, reference: str = f"{FILE}:1") -> str:
        """An envelope that was sent; its id."""
        return (await self.adapter.create(self.order(reference), self.context())).envelope_id


def judge(request: httpx.Request) -> None:
    """Hold a request to its schema."""
    path = request.url.path
    if path.endswith("/oauth/token"):
        assertion = httpx.QueryParams(request.content.decode())["assertion"]
        part = assertion.split(".")[1]
        hold(CLAIMS, orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    elif request.method == "POST" and path.endswith("/envelopes"):
        hold(ENVELOPE, orjson.loads(request.content))
    elif request.method == "POST" and path.endswith("/views/recipient"):
        hold(VIEW, orjson.loads(request.content))
    elif request.method == "PUT":
        hold(VOID, orjson.loads(request.content))

"""The bank aggregator's own API, and the bank behind it: links, tokens, connections, transactions.

Rule: it plays the provider of the source with the endpoints of S51, strictly: a code is good once and
with its verifier (RFC 7636), a refresh token once, an access token until its time is over or its
connection is revoked; whatever begins something has an effect once per `Idempotency-Key`. And it is as
talkative as real providers are: its payloads carry what S58 forbids to keep (`FORBIDDEN`), so that whoever
reads them can be searched for it.

The person at the bank is whoever opens `authUrl`: they consent at once, with the card that the query names.
Source: spec.md S48, S51, S57, S58; interface.md 10; RFC 6749, RFC 7636.
"""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.errors import Refused, decode, invalid
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage, require_basic
from comptoir.sandbox.parties.seed import NAME, WEBHOOK
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

KEPT_MAX = 10_000
"""Links, connections, answers: beyond it the oldest is forgotten."""
TOKEN_SECONDS = 3600
DAY_MS = 86_400_000
FORBIDDEN = {
    "login": "canary-login-5f0c",
    "password": "canary-password-91ab",
    "cardNumber": "4970105550001234",
    "cvv": "canary-cvv-737",
    "pin": "canary-pin-0420",
    "cardExpiry": "canary-expiry-1230",
    "balance": "canary-balance-98765.43",
}
"""What a provider sends and nobody may keep (S58)."""
TRANSACTIONS_MAX = 1000
CHALLENGE_CHARACTERS = 43
DAYS_MAX = 180
QUERY = {"/transactions": ("connectionId", "cursor", "limit")}


class _Given(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """A body that is read whole."""


class Begin(_Given, frozen=True):
    """`POST /auth/init` and `POST /connections/{id}/renew`."""

    client_id: str
    redirect_uri: str
    state: str
    code_challenge: str
    code_challenge_method: str
    scope: str
    duration_days: int


class Grant(_Given, frozen=True):
    """`POST /auth/token`."""

    grant_type: str
    code: str = ""
    code_verifier: str = ""
    redirect_uri: str = ""
    refresh_token: str = ""


class Subscribe(_Given, frozen=True):
    """`POST /webhooks`."""

    connection_id: str
    url: str
    events: list[str]


class Booked(_Given, frozen=True):
    """`POST /control/transactions`: what the next reading is to find, as in S56."""

    connection_id: str
    items: list[dict[str, Any]]


@dataclass(slots=True)
class Link:
    """A person on their way."""

    begun: Begin
    connection_id: str
    """Of a renewal; empty for a new one."""
    card: str = ""
    iban: str = ""
    code: str = ""


@dataclass(slots=True)
class Connection:
    """What a person lets be read."""

    id: str
    card: str
    iban: str
    expires_ms: int
    access: str = ""
    access_until_ms: int = 0
    refresh: str = ""
    webhook: str = ""
    transactions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


T = TypeVar("T")
Work = Callable[[Call], Reply]


@dataclass(slots=True)
class Bank:
    """The state of the aggregator."""

    stage: Stage
    _links: OrderedDict[str, Link] = field(default_factory=OrderedDict[str, Link])
    _codes: OrderedDict[str, Link] = field(default_factory=OrderedDict[str, Link])
    _connections: OrderedDict[str, Connection] = field(default_factory=OrderedDict[str, Connection])
    _answers: OrderedDict[str, tuple[bytes, Reply]] = field(
        default_factory=OrderedDict[str, tuple[bytes, Reply]]
    )

    def party(self, payments: tuple[Inbound, ...]) -> Party:
        """`seed`: what it is asked, of payments too, and what it sends."""
        rows = (
            ("auth.init", "POST", "/auth/init", self._init),
            ("auth.token", "POST", "/auth/token", self._token),
            ("connections.list", "GET", "/connections", self._list),
            ("connections.get", "GET", "/connections/{id}", self._get),
            ("connections.delete", "DELETE", "/connections/{id}", self._delete),
            ("connections.renew", "POST", "/connections/{id}/renew", self._renew),
            ("transactions.list", "GET", "/transactions", self._transactions),
            ("webhooks.create", "POST", "/webhooks", self._subscribe),
        )
        inbound = tuple(
            Inbound(Operation(name, Direction.INBOUND), method, path, self._once(work), QUERY.get(path, ()))
            for name, method, path, work in rows
        )  # fmt: skip
        return Party(NAME, (*inbound, *payments), (WEBHOOK,))

    def routes(self) -> list[Route]:
        """The person's side, which no fault concerns, and what tests put there."""
        query = ("outcome", "card", "iban")
        return [
            Route("GET", "/bank/authorize/{id}", self._authorize, query=query),
            Route("POST", "/control/transactions", self._book),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        for memory in (self._links, self._codes, self._connections, self._answers):
            memory.clear()

    def _once(self, work: Work) -> Callable[[Call], Effect]:
        """An operation with its refusals, done once per `Idempotency-Key`."""

        def act(call: Call) -> Effect:
            key = call.request.headers.get("idempotency-key")
            seen = None if key is None else self._answers.get(key)
            digest = hashlib.sha256(call.request.body).digest()
            if seen is not None:
                if seen[0] != digest:
                    text = "this Idempotency-Key was used for another body"
                    refusal = Refused(422, "IDEMPOTENCY_KEY_REUSED", text)
                    return Effect(json_reply(422, refusal.document()), happened=False)
                return Effect(seen[1], happened=False)
            try:
                reply = work(call)
            except Refused as refusal:
                return Effect(json_reply(refusal.status, refusal.document()), happened=False)
            if key is not None:
                _keep(self._answers, key, (digest, reply))
            return Effect(reply, happened=call.request.method != "GET")

        return act

    def _init(self, call: Call) -> Reply:
        require_basic(call)
        return self._begin(call, "")

    def _renew(self, call: Call) -> Reply:
        require_basic(call)
        if call.argument not in self._connections:
            raise Refused(404, "NOT_FOUND", "no such connection")
        return self._begin(call, call.argument)

    def _begin(self, call: Call, connection_id: str) -> Reply:
        begun = decode(call.request.body, Begin)
        if (
            begun.code_challenge_method != "S256"
            or len(begun.code_challenge) != CHALLENGE_CHARACTERS
        ):
            raise invalid("/codeChallenge", "FIELD_INVALID", "PKCE with S256 is needed")
        if not 1 <= begun.duration_days <= DAYS_MAX:
            raise invalid("/durationDays", "FIELD_INVALID", f"1 to {DAYS_MAX}")
        link_id = secrets.token_hex(8)
        _keep(self._links, link_id, Link(begun, connection_id))
        url = f"http://{call.request.headers['host']}/bank/authorize/{link_id}"
        return json_reply(200, {"authUrl": url, "stateToken": begun.state})

    async def _authorize(self, call: Call) -> Outcome:
        """The person's browser: they sign in, consent, and are sent back."""
        link = self._links.pop(call.argument, None)
        if link is None:
            raise Refused(404, "NOT_FOUND", "no such link, or it was used")
        values = {"state": link.begun.state}
        if call.query.get("outcome", "granted") == "granted":
            link.card = call.query.get("card", f"{secrets.randbelow(10_000):04d}")
            link.iban = call.query.get("iban", f"FR76{secrets.randbelow(10**23):023d}")
            link.code = values["code"] = secrets.token_urlsafe(24)
            _keep(self._codes, link.code, link)
        else:
            values["error"] = "access_denied"
        location = f"{link.begun.redirect_uri}?{urlencode(values)}"
        return Reply(303, headers=(("Location", location),))

    def _token(self, call: Call) -> Reply:
        require_basic(call)
        grant = decode(call.request.body, Grant)
        if grant.grant_type == "refresh_token":
            wanted = grant.refresh_token
            found = next((one for one in self._connections.values() if one.refresh == wanted), None)
            if found is None or not wanted:
                raise Refused(400, "INVALID_GRANT", "no such refresh token, or it was used")
            return self._granted(found)
        link = self._codes.pop(grant.code, None)
        if link is None or link.begun.redirect_uri != grant.redirect_uri:
            raise Refused(400, "INVALID_GRANT", "no such code, or it was used")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(grant.code_verifier.encode()).digest())
        if not hmac.compare_digest(challenge.rstrip(b"=").decode(), link.begun.code_challenge):
            raise Refused(400, "INVALID_GRANT", "the verifier is not the challenge's")
        until = self.stage.clock.now_ms() + link.begun.duration_days * DAY_MS
        connection = self._connections.get(link.connection_id)
        if connection is None:
            connection = Connection(f"conn_{secrets.token_hex(8)}", link.card, link.iban, until)
            _keep(self._connections, connection.id, connection)
        connection.expires_ms = until
        return self._granted(connection)

    def _granted(self, connection: Connection) -> Reply:
        connection.access = f"at_{secrets.token_urlsafe(24)}"
        connection.refresh = f"rt_{secrets.token_urlsafe(24)}"
        connection.access_until_ms = self.stage.clock.now_ms() + TOKEN_SECONDS * 1000
        return json_reply(200, {
            "connectionId": connection.id, "accessToken": connection.access,
            "refreshToken": connection.refresh, "expiresIn": TOKEN_SECONDS, **FORBIDDEN,
        })  # fmt: skip

    def _bearer(self, call: Call, connection_id: str) -> Connection:
        """The connection that the token is for."""
        connection = self._connections.get(connection_id)
        if connection is None:
            raise Refused(404, "NOT_FOUND", "no such connection")
        given = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        now = self.stage.clock.now_ms()
        right = hmac.compare_digest(given.encode(), connection.access.encode())
        if not right or now >= connection.access_until_ms:
            raise Refused(401, "TOKEN_INVALID", "no such access token, or its time is over")
        return connection

    def _list(self, call: Call) -> Reply:
        require_basic(call)
        return json_reply(200, {"items": [_shown(one) for one in self._connections.values()]})

    def _get(self, call: Call) -> Reply:
        return json_reply(200, _shown(self._bearer(call, call.argument)))

    def _delete(self, call: Call) -> Reply:
        require_basic(call)  # the access token of one that is to end may have ended itself
        if self._connections.pop(call.argument, None) is None:
            raise Refused(404, "NOT_FOUND", "no such connection")
        return json_reply(200, {"id": call.argument, "status": "revoked"})

    def _transactions(self, call: Call) -> Reply:
        connection = self._bearer(call, call.query.get("connectionId", ""))
        begin, limit = int(call.query.get("cursor") or 0), int(call.query.get("limit") or 100)
        items = connection.transactions[begin : begin + limit]
        end = begin + len(items)
        more = end < len(connection.transactions)
        shown = [{**item, **FORBIDDEN} for item in items]
        return json_reply(200, {"items": shown, "nextCursor": str(end), "more": more, **FORBIDDEN})

    def _subscribe(self, call: Call) -> Reply:
        require_basic(call)  # it may be asked for when the access token has ended
        wanted = decode(call.request.body, Subscribe)
        connection = self._connections.get(wanted.connection_id)
        if connection is None:
            raise Refused(404, "NOT_FOUND", "no such connection")
        connection.webhook = wanted.url
        return json_reply(201, {"id": f"wh_{secrets.token_hex(8)}"})

    async def _book(self, call: Call) -> Outcome:
        """Purchases that the next reading finds."""
        booked = decode(call.request.body, Booked)
        connection = self._connections.get(booked.connection_id)
        if connection is None:
            raise Refused(404, "NOT_FOUND", "no such connection")
        if len(connection.transactions) + len(booked.items) > TRANSACTIONS_MAX:
            raise invalid("/items", "FIELD_INVALID", f"at most {TRANSACTIONS_MAX} in all")
        connection.transactions += booked.items
        return json_reply(200, {"booked": len(connection.transactions)})


def _keep(memory: OrderedDict[str, T], key: str, value: T) -> None:
    memory[key] = value
    if len(memory) > KEPT_MAX:
        memory.popitem(last=False)


def _shown(connection: Connection) -> dict[str, object]:
    account = {
        "id": f"acc_{connection.id[5:]}",
        "type": "card",
        "iban": connection.iban,
        "cardLast4": connection.card,
        **FORBIDDEN,
    }
    return {
        "id": connection.id,
        "bankName": "Banque du Bac à Sable",
        "status": "active",
        "consentExpiresAt": rfc3339(connection.expires_ms),
        "accounts": [account],
        **FORBIDDEN,
    }

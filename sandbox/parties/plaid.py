"""Plaid: Hosted Link and the person in it, Items, transactions by cursor, and webhooks signed by ES256.

Rule: it plays the endpoints that its documentation names, strictly: unknown fields, wrong credentials and
tokens are errors in Plaid's words; a public token is good once; a key that signs is published until it is
forgotten, and says so when it has ended. The person is whoever opens `hosted_link_url`: they consent at
once, with the card that the query names, or leave (`outcome=exit`).

Source: plaid.com/docs/api (link, items, accounts, products/transactions, webhooks), plaid.com/docs/errors;
interface.md 10; spec.md S42, S58, E15.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.bank import FORBIDDEN
from comptoir.sandbox.parties.memory import keep
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.parties.plaid_items import CHANGES_MAX, Change, Item, Mutated
from comptoir.sandbox.parties.plaid_shapes import (
    Asked,
    Booked,
    Create,
    Get,
    Happened,
    Hook,
    OfItem,
    OfKey,
    OfLink,
    OfPublic,
    PlaidFault,
    Rotation,
    Sync,
    read,
)
from comptoir.sandbox.schemes import PLAID_JWT, SCHEMES, plaid_key
from comptoir.sandbox.webhooks import post
from comptoir.sandbox.wire.client import Target
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

NAME = "plaid"
WEBHOOK = Operation("webhooks.send", Direction.OUTBOUND)
DAY_MS = 86_400_000
CONSENT_MS = 180 * DAY_MS
LINK_MS = 30 * 60_000
KEYS_MAX = 16
Json = dict[str, Any]


@dataclass(slots=True)
class Link:
    """A link token, and what its person did."""

    token: str
    asked: Create
    expires_ms: int
    sessions: list[Json] = field(default_factory=list[Json])


Work = Callable[[Any], Json]


@dataclass(slots=True)
class Plaid:
    """The state of Plaid."""

    stage: Stage
    hosts: frozenset[str]
    """Where webhooks may be sent."""
    _links: OrderedDict[str, Link] = field(default_factory=OrderedDict[str, Link])
    _public: OrderedDict[str, Item] = field(default_factory=OrderedDict[str, Item])
    _items: OrderedDict[str, Item] = field(default_factory=OrderedDict[str, Item])
    """By access token."""
    _keys: OrderedDict[str, tuple[str, Json]] = field(
        default_factory=OrderedDict[str, tuple[str, Json]]
    )
    """By `kid`: what it is made from, and how it is published."""

    def __post_init__(self) -> None:
        self._rotate()

    def party(self) -> Party:
        """`plaid`: what it is asked, and what it sends."""
        rows: tuple[tuple[str, type[Asked], Work], ...] = (
            ("/link/token/create", Create, self._create),
            ("/link/token/get", OfLink, self._get_link),
            ("/item/public_token/exchange", OfPublic, self._exchange),
            ("/item/get", OfItem, self._get_item),
            ("/item/remove", OfItem, self._remove),
            ("/item/webhook/update", Hook, self._hook),
            ("/accounts/get", OfItem, self._accounts),
            ("/transactions/sync", Sync, self._sync),
            ("/transactions/get", Get, self._get_days),
            ("/webhook_verification_key/get", OfKey, self._key),
        )
        inbound = tuple(
            Inbound(
                Operation(path[1:].replace("/", "."), Direction.INBOUND), "POST", path,
                self._answering(shape, work),
            )
            for path, shape, work in rows
        )  # fmt: skip
        return Party(NAME, inbound, (WEBHOOK,))

    def routes(self) -> list[Route]:
        """The person's side, which no fault concerns, and what tests put there."""
        return [
            Route("GET", "/plaid/link/{id}", self._person, query=("outcome", "card")),
            Route("GET", "/control/plaid/items", self._list),
            Route("POST", "/control/plaid/items", self._happen),
            Route("POST", "/control/plaid/transactions", self._book),
            Route("POST", "/control/plaid/keys", self._new_key),
        ]

    def reset(self) -> None:
        """Forgets everything, and signs by a new key."""
        for memory in (self._links, self._public, self._items, self._keys):
            memory.clear()
        self._rotate()

    def _answering(self, shape: type[Asked], work: Work) -> Callable[[Call], Effect]:
        """An operation with its refusals, in Plaid's words."""

        def act(call: Call) -> Effect:
            request_id = secrets.token_hex(7)
            try:
                _admit(call)
                document = work((call, read(call.request.body, shape)))
            except PlaidFault as fault:
                refusal = {**fault.document, "request_id": request_id}
                return Effect(json_reply(fault.status, refusal), happened=False)
            return Effect(json_reply(200, {**document, "request_id": request_id}), happened=True)

        return act

    def _create(self, given: tuple[Call, Create]) -> Json:
        call, asked = given
        if bool(asked.products) == bool(asked.access_token):
            raise PlaidFault("INVALID_REQUEST", "MISSING_FIELDS")
        if asked.access_token:
            self._item(asked.access_token)
        token = f"link-sandbox-{secrets.token_hex(16)}"
        expires_ms = self.stage.clock.now_ms() + LINK_MS
        keep(self._links, token, Link(token, asked, expires_ms))
        answer: Json = {"link_token": token, "expiration": rfc3339(expires_ms)}
        if asked.hosted_link is not None:
            host = call.request.headers["host"]
            answer["hosted_link_url"] = f"http://{host}/plaid/link/{token}"
        return answer

    async def _person(self, call: Call) -> Outcome:
        """The person's browser: they choose a bank, consent (or leave), and are sent back."""
        link = self._links.get(call.argument)
        now = self.stage.clock.now_ms()
        if link is None or link.asked.hosted_link is None or now >= link.expires_ms:
            raise Refused(404, "NOT_FOUND", "no such link, or it is over")
        session: Json = {
            "link_session_id": secrets.token_hex(8), "started_at": rfc3339(now),
            "finished_at": rfc3339(now), "exit": None, "on_success": None, "results": None, "events": [],
        }  # fmt: skip
        if call.query.get("outcome", "granted") != "granted":
            session["exit"] = {"error": None, "metadata": {"status": "requires_credentials"}}
        elif link.asked.access_token:
            item = self._item(link.asked.access_token)
            item.error, item.consent_ms = None, now + CONSENT_MS
        else:
            session["results"] = {"item_add_results": [self._added(link, call, now)]}
        link.sessions.append(session)
        return Reply(303, headers=(("Location", link.asked.hosted_link.completion_redirect_uri),))

    def _added(self, link: Link, call: Call, now: int) -> Json:
        mask = call.query.get("card", f"{secrets.randbelow(10_000):04d}")
        item = Item(
            f"item_{secrets.token_hex(8)}", f"access-sandbox-{secrets.token_hex(16)}", mask,
            f"acc_{secrets.token_hex(8)}", now + CONSENT_MS, link.asked.webhook,
        )  # fmt: skip
        public = f"public-sandbox-{secrets.token_hex(16)}"
        keep(self._public, public, item)
        return {"public_token": public, "accounts": [], "institution": None, **FORBIDDEN}

    def _get_link(self, given: tuple[Call, OfLink]) -> Json:
        link = self._links.get(given[1].link_token)
        if link is None:
            raise PlaidFault("INVALID_INPUT", "INVALID_LINK_TOKEN")
        asked = link.asked
        metadata = {
            "initial_products": asked.products, "webhook": asked.webhook or None,
            "country_codes": asked.country_codes, "language": asked.language, "redirect_uri": None,
            "client_name": asked.client_name,
        }  # fmt: skip
        return {
            "link_token": link.token, "created_at": rfc3339(link.expires_ms - LINK_MS),
            "expiration": rfc3339(link.expires_ms), "metadata": metadata, "link_sessions": link.sessions,
        }  # fmt: skip

    def _exchange(self, given: tuple[Call, OfPublic]) -> Json:
        item = self._public.pop(given[1].public_token, None)
        if item is None:
            raise PlaidFault("INVALID_INPUT", "INVALID_PUBLIC_TOKEN")
        keep(self._items, item.access, item)
        return {"access_token": item.access, "item_id": item.id, **FORBIDDEN}

    def _item(self, access: str) -> Item:
        item = self._items.get(access)
        if item is None:
            raise PlaidFault("INVALID_INPUT", "INVALID_ACCESS_TOKEN")
        return item

    def _well(self, access: str) -> Item:
        """An Item that can be read."""
        item = self._item(access)
        if item.error is not None:
            raise PlaidFault(item.error["error_type"], item.error["error_code"])
        return item

    def _get_item(self, given: tuple[Call, OfItem]) -> Json:
        return {"item": self._item(given[1].access_token).shown(), "status": None}

    def _remove(self, given: tuple[Call, OfItem]) -> Json:
        del self._items[self._item(given[1].access_token).access]
        return {}

    def _hook(self, given: tuple[Call, Hook]) -> Json:
        item = self._item(given[1].access_token)
        item.webhook = given[1].webhook or ""
        return {"item": item.shown()}

    def _accounts(self, given: tuple[Call, OfItem]) -> Json:
        item = self._well(given[1].access_token)
        return {"accounts": item.accounts(), "item": item.shown(), **FORBIDDEN}

    def _sync(self, given: tuple[Call, Sync]) -> Json:
        asked = given[1]
        item = self._well(asked.access_token)
        try:
            return item.page(asked.cursor, asked.count, asked.options.account_id)
        except Mutated:
            code = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
            raise PlaidFault("TRANSACTIONS_ERROR", code) from None
        except ValueError:
            raise PlaidFault("INVALID_REQUEST", "INVALID_FIELD") from None

    def _get_days(self, given: tuple[Call, Get]) -> Json:
        asked = given[1]
        item = self._well(asked.access_token)
        wanted = asked.options.account_ids
        if wanted is not None and not set(wanted) <= {one["account_id"] for one in item.accounts()}:
            raise PlaidFault("INVALID_INPUT", "INVALID_ACCOUNT_ID")
        found = item.between(asked.start_date, asked.end_date, wanted)
        begin = asked.options.offset
        return {
            "accounts": item.accounts(), "item": item.shown(), "total_transactions": len(found),
            "transactions": found[begin : begin + asked.options.count], **FORBIDDEN,
        }  # fmt: skip

    def _key(self, given: tuple[Call, OfKey]) -> Json:
        found = self._keys.get(given[1].key_id)
        if found is None:
            raise PlaidFault("INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID")
        return {"key": found[1]}

    def _rotate(self) -> str:
        """Sign by a new key from now on; its `kid`."""
        secret = secrets.token_hex(16)
        created = self.stage.clock.now_ms() // 1000
        key: Json = {**plaid_key(secret.encode()), "created_at": created, "expired_at": None}
        keep(self._keys, key["kid"], (secret, key), KEYS_MAX)
        return str(key["kid"])

    async def _new_key(self, call: Call) -> Outcome:
        rotation = decode(call.request.body, Rotation)
        if rotation.expire:
            for _, key in self._keys.values():
                key["expired_at"] = key["expired_at"] or self.stage.clock.now_ms() // 1000
        return json_reply(200, {"keyId": self._rotate(), "keys": len(self._keys)})

    async def _list(self, _call: Call) -> Outcome:
        items = [
            {"itemId": one.id, "card": one.mask, "webhook": one.webhook, "read": one.read,
             "accessToken": one.access}
            for one in self._items.values()
        ]  # fmt: skip
        return json_reply(200, {"items": items})

    def _named(self, item_id: str) -> Item:
        item = next((one for one in self._items.values() if one.id == item_id), None)
        if item is None:
            raise Refused(404, "NOT_FOUND", "no such Item")
        return item

    async def _book(self, call: Call) -> Outcome:
        """What changed at the bank; the answer of whoever was told."""
        booked = decode(call.request.body, Booked)
        item = self._named(booked.item_id)
        today = {"date": rfc3339(self.stage.clock.now_ms())[:10]}
        removed = ({"transaction_id": one, "account_id": item.account} for one in booked.removed)
        changes = [
            *(Change("added", item.transaction({**today, **one})) for one in booked.added),
            *(Change("modified", item.transaction({**today, **one})) for one in booked.modified),
            *(Change("removed", one) for one in removed),
        ]
        item.meanwhile += [
            Change("added", item.transaction({**today, **one})) for one in booked.meanwhile
        ]
        if len(item.changes) + len(changes) + len(item.meanwhile) > CHANGES_MAX:
            raise Refused(422, "REQUEST_INVALID", f"at most {CHANGES_MAX} changes in all")
        item.changes += changes
        answers: list[Json] = []
        if booked.webhook and item.read:
            fields: Json = {"initial_update_complete": True, "historical_update_complete": True}
            answers = await self._tell(item, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", fields)
        return json_reply(200, {"changes": len(item.changes), "answers": answers})

    async def _happen(self, call: Call) -> Outcome:
        """What became of an Item; the answer of whoever was told."""
        happened = decode(call.request.body, Happened)
        item, code = self._named(happened.item_id), happened.code
        fields: Json = {}
        if code == "ERROR":
            fault = PlaidFault("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")
            item.error = {**fault.document, "status": fault.status}
            fields = {"error": item.error}
        elif code == "LOGIN_REPAIRED":
            item.error = None
        elif code == "PENDING_EXPIRATION":
            fields = {"consent_expiration_time": happened.consent_expires_at}
        elif code == "PENDING_DISCONNECT":
            fields = {"reason": "INSTITUTION_TOKEN_EXPIRATION"}
        elif code == "USER_ACCOUNT_REVOKED":
            fields = {"account_id": item.account}
        elif code == "WEBHOOK_UPDATE_ACKNOWLEDGED":
            fields = {"new_webhook_url": item.webhook}
        answers = await self._tell(item, "ITEM", code, fields)
        return json_reply(200, {"answers": answers})

    async def _tell(self, item: Item, kind: str, code: str, fields: Json) -> list[Json]:
        """Send a webhook, if there is anywhere to send it; each answer to it."""
        if not item.webhook:
            return []
        body = orjson.dumps({
            "webhook_type": kind, "webhook_code": code, "item_id": item.id, "environment": "sandbox",
            **fields, **FORBIDDEN,
        })  # fmt: skip
        secret = next(reversed(self._keys.values()))[0].encode()
        target = Target.parse(item.webhook, self.hosts)
        return await post(body, (target, SCHEMES[PLAID_JWT], secret), self.stage, (NAME, WEBHOOK))


def _admit(call: Call) -> None:
    """Whoever asks is a program that has credentials; which ones is not looked at."""
    headers = call.request.headers
    if not headers.get("plaid-client-id") or not headers.get("plaid-secret"):
        raise PlaidFault("INVALID_INPUT", "INVALID_API_KEYS")

"""Tink: users and tokens by scope, Tink Link and the person in it, consents, accounts, transactions, webhooks.

Rule: it plays the endpoints that its documentation names, strictly: a code is good once and for a short while, a
token opens what its scope names and nothing else, a name is given to one user, errors are in Tink's words. The
person is whoever opens Tink Link and presses a button of its page. Webhooks are set once for the app; one that
nobody took is sent again before the next.

Source: docs.tink.com/api (general, connectivity-v1, data-v2), docs.tink.com/resources/tink-link-web,
docs.tink.com/resources/transactions; interface.md 10; spec.md S42, S58, E15.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from comptoir.sandbox.errors import Refused, decode, invalid
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.bank import FORBIDDEN
from comptoir.sandbox.parties.hooks import WEBHOOK, Hooks
from comptoir.sandbox.parties.memory import keep
from comptoir.sandbox.parties.pages import consent_page, pressed
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.parties.tink_oauth import LINK, Desk
from comptoir.sandbox.parties.tink_shapes import (
    Booked,
    Create,
    Delegate,
    Grant,
    Happened,
    TinkFault,
    read_form,
    read_json,
)
from comptoir.sandbox.parties.tink_users import (
    BANK,
    BANK_NAME,
    CONSENT_MS,
    TRANSACTIONS_MAX,
    Credentials,
    User,
)
from comptoir.sandbox.schemes import TINK
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

NAME = "tink"
GRANT = "authorization:grant"
PAGE_MAX = 100
CANCELLED = "USER_CANCELLED"
FLOWS = ("connect-accounts", "update-consent")
PAGE_QUERY = (
    "client_id", "redirect_uri", "authorization_code", "state", "market", "locale", "credentials_id",
)  # fmt: skip
LIST_QUERY = ("pageSize", "pageToken", "accountIdIn", "bookedDateGte", "bookedDateLte", "statusIn")
TOLD = ("UPDATED", "TEMPORARY_ERROR", "AUTHENTICATION_ERROR", "SESSION_EXPIRED")
"""Statuses that `refresh:finished` may have."""
Json = dict[str, Any]
Work = Callable[[Call], Json | None]


@dataclass(slots=True)
class Tink:
    """The state of Tink."""

    stage: Stage
    hosts: frozenset[str]
    """Where webhooks may be sent."""
    _users: OrderedDict[str, User] = field(default_factory=OrderedDict[str, User])
    """By name."""
    _desk: Desk = field(init=False)
    _hooks: Hooks = field(init=False)

    def __post_init__(self) -> None:
        self._desk = Desk(self.stage)
        self._hooks = Hooks(self.stage, self.hosts, NAME, TINK)

    def party(self) -> Party:
        """`tink`: what it is asked, and what it sends."""
        oauth, v1, data = "/api/v1/oauth", "/api/v1", "/data/v2"
        rows: tuple[tuple[str, str, str, Work, tuple[str, ...]], ...] = (
            ("oauth.token", "POST", f"{oauth}/token", self._desk.token, ()),
            ("oauth.grant", "POST", f"{oauth}/authorization-grant", self._grant, ()),
            ("oauth.delegate", "POST", f"{oauth}/authorization-grant/delegate", self._delegate, ()),
            ("user.create", "POST", f"{v1}/user/create", self._create, ()),
            ("user.delete", "POST", f"{v1}/user/delete", self._forget, ()),
            ("consents.list", "GET", f"{v1}/provider-consents", self._consents, ("credentialsId",)),
            ("providers.list", "GET", f"{v1}/providers", self._banks, ("name", "includeTestProviders")),
            ("credentials.delete", "DELETE", f"{v1}/credentials/{{id}}", self._delete, ()),
            ("accounts.list", "GET", f"{data}/accounts", self._accounts, ("pageSize", "pageToken")),
            ("transactions.list", "GET", f"{data}/transactions", self._transactions, LIST_QUERY),
        )  # fmt: skip
        inbound = tuple(
            Inbound(Operation(name, Direction.INBOUND), method, path, _answering(work), query)
            for name, method, path, work, query in rows
        )
        return Party(NAME, inbound, (WEBHOOK,))

    def routes(self) -> list[Route]:
        """The person's side, which no fault concerns, and what tests put there."""
        pages = [
            Route(method, f"/1.0/transactions/{flow}", handler, query=PAGE_QUERY)
            for flow in FLOWS
            for method, handler in (("GET", self._page), ("POST", self._press))
        ]
        return [
            *pages,
            Route("GET", "/control/tink/credentials", self._listed),
            Route("POST", "/control/tink/credentials", self._happen),
            Route("POST", "/control/tink/transactions", self._book),
            Route("POST", "/control/tink/webhooks", self._hooks.set),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        self._users.clear()
        self._desk.reset()
        self._hooks.reset()

    # Tokens.

    def _now(self) -> int:
        return self.stage.clock.now_ms()

    def _user(self, call: Call, scope: str) -> User:
        """Whose token it is."""
        user = self._users.get(self._desk.bearer(call, scope).user)
        if user is None:
            raise TinkFault(401, "oauth.user_unknown")
        return user

    def _grant(self, call: Call) -> Json:
        self._desk.bearer(call, GRANT)
        asked = read_form(call.request.body, Grant)
        return self._code(asked, frozenset(asked.scope.split(",")))

    def _delegate(self, call: Call) -> Json:
        self._desk.bearer(call, GRANT)
        return self._code(read_form(call.request.body, Delegate), frozenset({LINK}))

    def _code(self, asked: Grant | Delegate, scopes: frozenset[str]) -> Json:
        if bool(asked.user_id) == bool(asked.external_user_id):
            raise TinkFault(400, "oauth.invalid_request")
        user = self._users.get(asked.external_user_id) or next(
            (one for one in self._users.values() if one.id == asked.user_id), None
        )
        if user is None:
            raise TinkFault(404, "user.not_found")
        return {"code": self._desk.code(user.name, scopes)}

    # Users.

    def _create(self, call: Call) -> Json:
        self._desk.bearer(call, "user:create")
        asked = read_json(call.request.body, Create)
        name = asked.external_user_id or secrets.token_hex(16)
        if name in self._users:
            raise TinkFault(409, "user.user_with_external_user_id_already_exists")
        user = User(name)
        keep(self._users, name, user)
        return {"user_id": user.id, "external_user_id": asked.external_user_id}

    def _forget(self, call: Call) -> None:
        del self._users[self._user(call, "user:delete").name]

    # What is read.

    def _consents(self, call: Call) -> Json:
        user = self._user(call, "provider-consents:read")
        wanted = call.query.get("credentialsId")
        found = [one for one in user.credentials.values() if wanted in (None, one.id)]
        return {"providerConsents": [one.consent() for one in found]}

    def _banks(self, call: Call) -> Json:
        self._user(call, "credentials:read")
        bank = {
            "name": BANK,
            "displayName": BANK_NAME,
            "market": "FR",
            "status": "ENABLED",
            "type": "TEST",
        }
        shown = call.query.get("includeTestProviders") == "true" and call.query.get("name") in (
            None,
            BANK,
        )
        return {"providers": [{**bank, **FORBIDDEN}] if shown else []}  # fmt: skip

    def _delete(self, call: Call) -> None:
        user = self._user(call, "credentials:write")
        if user.credentials.pop(call.argument, None) is None:
            raise TinkFault(404, "credentials.not_found")

    def _accounts(self, call: Call) -> Json:
        user, now = self._user(call, "accounts:read"), self._now()
        found = [shown for one in user.credentials.values() for shown in one.accounts(now)]
        items, following = _paged(found, call.query)
        return {"accounts": items, "nextPageToken": following, **FORBIDDEN}

    def _transactions(self, call: Call) -> Json:
        user, query = self._user(call, "transactions:read"), call.query
        found = [
            one
            for credentials in user.credentials.values()
            for one in credentials.transactions.values()
            if query.get("accountIdIn", one["accountId"]) == one["accountId"]
            and query.get("statusIn", one["status"]) == one["status"]
            and query.get("bookedDateGte", "") <= one["dates"]["booked"]
            and one["dates"]["booked"] <= query.get("bookedDateLte", "9999")
        ]
        found.sort(key=lambda one: (one["dates"]["booked"], one["id"]), reverse=True)
        items, following = _paged(found, query)
        return {"transactions": items, "nextPageToken": following, **FORBIDDEN}

    # The person.

    async def _page(self, call: Call) -> Outcome:
        """The page; nothing has happened yet."""
        self._wanted(call, spend=False)
        return consent_page(call.request.path.rpartition("/")[2], call.query, CANCELLED)

    async def _press(self, call: Call) -> Outcome:
        """They have pressed a button; they are sent back."""
        form = pressed(call.request.body)
        call = Call(call.request, call.argument, {**form, **call.query})
        query, flow = call.query, call.request.path.rpartition("/")[2]
        user = self._wanted(call, spend=True)
        values = {"state": query["state"]} if "state" in query else {}
        outcome = query.get("outcome", "granted")
        if outcome != "granted":
            values |= {
                "error": outcome, "error_reason": "USER_DECLINED", "message": "of the sandbox",
                "tracking_id": secrets.token_hex(8),
            }  # fmt: skip
        elif flow == FLOWS[0]:
            values["credentials_id"] = self._connect(user, query).id
        else:
            values["credentials_id"] = self._repair(user, query).id
        joint = "&" if "?" in query["redirect_uri"] else "?"
        location = f"{query['redirect_uri']}{joint}{urlencode(values)}"
        return Reply(303, headers=(("Location", location),))

    def _wanted(self, call: Call, *, spend: bool) -> User:
        """Whose page it is; one that is not right leads nowhere."""
        query = call.query
        for name in ("client_id", "redirect_uri", "authorization_code"):
            if not query.get(name):
                raise Refused(422, "REQUEST_INVALID", f"{name} is missing")
        code = query["authorization_code"]
        opened = self._desk.opened(code, spend=spend)
        right = opened is not None and LINK in opened.scopes
        user = self._users.get(opened.user) if opened is not None and right else None
        if user is None:
            raise Refused(404, "NOT_FOUND", "no such code, or it was used, or its time is over")
        return user

    def _connect(self, user: User, query: dict[str, str]) -> Credentials:
        card = query.get("card") or f"{secrets.randbelow(10_000):04d}"
        iban = query.get("iban") or f"FR76{secrets.randbelow(10**23):023d}"
        now = self._now()
        made = Credentials(card, iban, now + CONSENT_MS, now)
        user.credentials[made.id] = made
        return made

    def _repair(self, user: User, query: dict[str, str]) -> Credentials:
        found = user.credentials.get(query.get("credentials_id", ""))
        if found is None:
            raise Refused(404, "NOT_FOUND", "no such credentials")
        now = self._now()
        found.status, found.updated_ms, found.expires_ms = "UPDATED", now, now + CONSENT_MS
        return found

    # What tests put there, and what is told of it.

    async def _listed(self, _call: Call) -> Outcome:
        items = [
            {"credentialsId": one.id, "externalUserId": user.name, "card": one.card,
             "status": one.status, "untold": len(one.untold)}
            for user in self._users.values() for one in user.credentials.values()
        ]  # fmt: skip
        return json_reply(200, {"items": items, "users": len(self._users)})

    def _named(self, credentials_id: str) -> tuple[User, Credentials]:
        for user in self._users.values():
            if credentials_id in user.credentials:
                return user, user.credentials[credentials_id]
        raise Refused(404, "NOT_FOUND", "no such credentials")

    async def _book(self, call: Call) -> Outcome:
        """What changed at the bank; the answer of whoever was told."""
        booked = decode(call.request.body, Booked)
        user, found = self._named(booked.credentials_id)
        if len(found.transactions) + len(booked.transactions) > TRANSACTIONS_MAX:
            raise invalid("/transactions", "FIELD_INVALID", f"at most {TRANSACTIONS_MAX} in all")
        changed = [found.book(one, self._now()) for one in booked.transactions]
        gone = [one for one in booked.deleted if found.transactions.pop(one, None) is not None]
        answers: list[Json] = []
        days = [one["dates"]["booked"] for one in changed if one["status"] == "BOOKED"]
        if booked.webhook and days:
            told = {
                "earliestModifiedBookedDate": min(days), "latestModifiedBookedDate": max(days),
                "inserted": len(days), "updated": 0, "deleted": 0,
            }  # fmt: skip
            answers += await self._tell(
                user, found, "account-booked-transactions:modified", {"transactions": told}
            )
        if booked.webhook and gone:
            told = {"transactions": {"ids": gone}}
            answers += await self._tell(user, found, "account-transactions:deleted", told)
        return json_reply(200, {"ids": [one["id"] for one in changed], "answers": answers})

    async def _happen(self, call: Call) -> Outcome:
        """What became of a consent; the answer of whoever was told."""
        happened = decode(call.request.body, Happened)
        user, found = self._named(happened.credentials_id)
        found.status, found.updated_ms = happened.status, self._now()
        if happened.session_expiry_date is not None:
            found.expires_ms = happened.session_expiry_date
        told = {
            "credentialsId": found.id, "status": found.status, "credentialsStatus": found.status,
            "finished": self._now(), "source": "OPERATION_SOURCE_BACKGROUND",
            "sessionExpiryDate": found.expires_ms,
        }  # fmt: skip
        answers: list[Json] = []
        if happened.webhook and found.status in TOLD:
            answers = await self._tell(user, found, "refresh:finished", told)
        return json_reply(200, {"answers": answers})

    async def _tell(self, user: User, found: Credentials, event: str, content: Json) -> list[Json]:
        account = {} if event == "refresh:finished" else {"account": {"id": found.account}}
        document = {
            "context": {**user.context, **FORBIDDEN},
            "content": {**user.context, **account, **content, **FORBIDDEN},
            "event": event,
        }
        return await self._hooks.tell(found.untold, document)


def _answering(work: Work) -> Callable[[Call], Effect]:
    """An operation with its refusals, in Tink's words."""

    def act(call: Call) -> Effect:
        try:
            document = work(call)
        except TinkFault as fault:
            return Effect(json_reply(fault.status, fault.document), happened=False)
        happened = call.request.method != "GET"
        if document is None:
            return Effect(Reply(204), happened=happened)
        return Effect(json_reply(200, document), happened=happened)

    return act


def _paged(found: list[Json], query: dict[str, str]) -> tuple[list[Json], str]:
    """The items of a page, and the token of the next one; empty: it is the last."""
    size, token = query.get("pageSize", str(PAGE_MAX)), query.get("pageToken", "")
    begin = token.removeprefix("page-") if token else "0"
    if not size.isdecimal() or not 0 < int(size) <= PAGE_MAX or not begin.isdecimal():
        raise TinkFault(400, "request.invalid")
    end = int(begin) + int(size)
    return found[int(begin) : end], f"page-{end}" if end < len(found) else ""

"""Powens (Budget Insight): users and tokens, the webview and the person in it, connections, webhooks.

Rule: it plays the endpoints that its documentation names, strictly: a temporary token ends after half an hour
and its user with it, a code is good once, a token that was revoked is good for nothing, errors are in Powens's
words. The person is whoever opens the webview and presses a button of its page. Webhooks are set as in
Powens's console, for all connections; one that nobody took is sent again before the next.

Source: docs.powens.com/api-reference/overview (authentication, webview, errors), /user-connections,
/products/data-aggregation; docs.powens.com/documentation/integration-guides/webhooks; interface.md 10;
spec.md S42, S58, E15.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from comptoir.sandbox.clock import parse_rfc3339
from comptoir.sandbox.errors import Refused, decode, invalid
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.bank import FORBIDDEN, KEPT_MAX
from comptoir.sandbox.parties.hooks import WEBHOOK, Hooks
from comptoir.sandbox.parties.pages import consent_page, pressed
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.parties.powens_shapes import (
    Booked,
    Exchange,
    Happened,
    Init,
    PowensFault,
    Renew,
    read,
)
from comptoir.sandbox.parties.powens_users import (
    CONNECTOR,
    CONSENT_MS,
    TRANSACTIONS_MAX,
    Connection,
    User,
)
from comptoir.sandbox.schemes import POWENS_BI
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

NAME = "powens"
BASE = "/2.0"
TEMPORARY_MS = 30 * 60_000
LIMIT_MAX = 1000
PAGE_QUERY = (
    "domain", "client_id", "redirect_uri", "code", "state", "connection_id", "connector_capabilities",
    "account_types", "max_connections", "reset_credentials",
)  # fmt: skip
LIST_QUERY = ("limit", "offset", "all", "filter", "min_date", "max_date", "last_update")
Json = dict[str, Any]
Work = Callable[[Call], Json | None]


@dataclass(slots=True)
class Powens:
    """The state of Powens."""

    stage: Stage
    hosts: frozenset[str]
    """Where webhooks may be sent."""
    _users: OrderedDict[int, User] = field(default_factory=OrderedDict[int, User])
    _codes: OrderedDict[str, tuple[int, int]] = field(
        default_factory=OrderedDict[str, tuple[int, int]]
    )
    """By code: whose, and until when."""
    _numbers: int = 0
    _hooks: Hooks = field(init=False)

    def __post_init__(self) -> None:
        self._hooks = Hooks(self.stage, self.hosts, NAME, POWENS_BI)

    def party(self) -> Party:
        """`powens`: what it is asked, and what it sends."""
        rows: tuple[tuple[str, str, str, Work, tuple[str, ...]], ...] = (
            ("auth.init", "POST", "/auth/init", self._init, ()),
            ("auth.token.code", "GET", "/auth/token/code", self._code, ("type",)),
            ("auth.token.access", "POST", "/auth/token/access", self._access, ()),
            ("auth.renew", "POST", "/auth/renew", self._renew, ()),
            ("connections.list", "GET", "/users/me/connections", self._list, ("expand",)),
            ("connections.get", "GET", "/users/me/connections/{id}", self._get, ("expand",)),
            ("connections.delete", "DELETE", "/users/me/connections/{id}", self._delete, ()),
            ("users.delete", "DELETE", "/users/me", self._forget, ()),
            ("transactions.list", "GET", "/users/me/transactions", self._transactions, LIST_QUERY),
        )
        inbound = tuple(
            Inbound(
                Operation(name, Direction.INBOUND), method, BASE + path, _answering(work), query
            )
            for name, method, path, work, query in rows
        )
        return Party(NAME, inbound, (WEBHOOK,))

    def routes(self) -> list[Route]:
        """The person's side, which no fault concerns, and what tests put there."""
        pages = [
            Route(method, f"/webview/{{id}}/{flow}", handler, query=PAGE_QUERY)
            for flow in ("connect", "reconnect", "manage")
            for method, handler in (("GET", self._page), ("POST", self._press))
        ]
        return [
            *pages,
            Route("GET", "/control/powens/connections", self._listed),
            Route("POST", "/control/powens/connections", self._happen),
            Route("POST", "/control/powens/transactions", self._book),
            Route("POST", "/control/powens/webhooks", self._hooks.set),
        ]

    def reset(self) -> None:
        """Forgets everything, but no number is given twice."""
        self._users.clear()
        self._codes.clear()
        self._hooks.reset()

    # Tokens.

    def _now(self) -> int:
        return self.stage.clock.now_ms()

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _init(self, call: Call) -> Json:
        asked = read(call.request.body, Init)
        user = User(self._number())
        token = f"tok_{secrets.token_hex(24)}"
        permanent = bool(asked.client_id and asked.client_secret)
        if permanent:
            user.permanent.add(token)
        else:
            user.temporary[token] = self._now() + TEMPORARY_MS
        self._users[user.id] = user
        if len(self._users) > KEPT_MAX:
            self._users.popitem(last=False)
        return {
            "auth_token": token, "type": "permanent" if permanent else "temporary", "id_user": user.id,
            "expires_in": None if permanent else TEMPORARY_MS // 1000, **FORBIDDEN,
        }  # fmt: skip

    def _bearer(self, call: Call) -> User:
        """Whose token it is."""
        token = call.request.headers.get("authorization", "").removeprefix("Bearer ")
        now = self._now()
        user = next((one for one in self._users.values() if one.has(token, now)), None)
        if not token or user is None:
            raise PowensFault("unauthorized", 401)
        return user

    def _code(self, call: Call) -> Json:
        user = self._bearer(call)
        code = secrets.token_urlsafe(24)
        self._codes[code] = (user.id, self._now() + TEMPORARY_MS)
        if len(self._codes) > KEPT_MAX:
            self._codes.popitem(last=False)
        single = call.query.get("type") == "singleAccess"
        return {
            "code": code, "type": "temporary", "access": "single" if single else "standard",
            "expires_in": TEMPORARY_MS // 1000,
        }  # fmt: skip

    def _of_code(self, code: str, *, spend: bool) -> User | None:
        """Whose code it is, if it is good."""
        user_id, until = self._codes.get(code, (0, 0))
        if spend:
            self._codes.pop(code, None)
        user = self._users.get(user_id)
        now = self._now()
        return user if user is not None and until > now and user.lives(now) else None

    def _access(self, call: Call) -> Json:
        asked = read(call.request.body, Exchange)
        user = self._of_code(asked.code, spend=True)
        if user is None:
            raise PowensFault("invalidValue", 401)
        user.temporary.clear()  # what it becomes is permanent, and its user with it
        return self._granted(user)

    def _renew(self, call: Call) -> Json:
        asked = read(call.request.body, Renew)
        user = self._users.get(asked.id_user)
        if user is None or not user.lives(self._now()):
            raise PowensFault("notFound", 404)
        if asked.revoke_previous:
            user.permanent.clear()
            user.temporary.clear()
        return self._granted(user)

    @staticmethod
    def _granted(user: User) -> Json:
        token = f"tok_{secrets.token_hex(24)}"
        user.permanent.add(token)
        return {"access_token": token, "token_type": "Bearer", **FORBIDDEN}

    # What is read.

    def _list(self, call: Call) -> Json:
        user = self._bearer(call)
        expand = call.query.get("expand", "")
        return {"connections": [one.shown(expand) for one in user.connections.values()]}

    def _of(self, call: Call) -> tuple[User, Connection]:
        user = self._bearer(call)
        found = user.connections.get(int(call.argument)) if call.argument.isdecimal() else None
        if found is None:
            raise PowensFault("notFound", 404)
        return user, found

    def _get(self, call: Call) -> Json:
        return self._of(call)[1].shown(call.query.get("expand", ""))

    def _delete(self, call: Call) -> None:
        user, found = self._of(call)
        del user.connections[found.id]

    def _forget(self, call: Call) -> None:
        del self._users[self._bearer(call).id]

    def _transactions(self, call: Call) -> Json:
        user, query = self._bearer(call), call.query
        limit, offset = query.get("limit", ""), query.get("offset", "0")
        if not limit:
            raise PowensFault("missingParameter")
        if not limit.isdecimal() or not 0 < int(limit) <= LIMIT_MAX or not offset.isdecimal():
            raise PowensFault("invalidValue")
        open_ones = [one for one in user.connections.values() if one.disabled is None]
        if not open_ones:
            raise PowensFault("noAccount", 409)
        day = "date" if query.get("filter") == "date" else "application_date"
        found = [
            one
            for connection in open_ones
            for one in connection.transactions.values()
            if query.get("min_date", "") <= (one[day] or "") <= query.get("max_date", "9999")
            and one["last_update"] > query.get("last_update", "")
            and ("all" in query or one["deleted"] is None)
        ]
        found.sort(key=lambda one: (one[day] or "", one["id"]), reverse=True)
        begin = int(offset)
        end = begin + int(limit)
        return {
            "transactions": found[begin:end], "first_date": None, "last_date": None,
            "result_min_date": None, "result_max_date": None, "_links": _links(call, end, len(found)),
            **FORBIDDEN,
        }  # fmt: skip

    # The person.

    async def _page(self, call: Call) -> Outcome:
        """The page; nothing has happened yet."""
        self._wanted(call, spend=False)
        return consent_page(call.request.path.rpartition("/")[2], call.query, "access_denied")

    async def _press(self, call: Call) -> Outcome:
        """They have pressed a button; they are sent back."""
        form = pressed(call.request.body)
        call = Call(call.request, call.argument, {**form, **call.query})
        query, flow = call.query, call.request.path.rpartition("/")[2]
        user = self._wanted(call, spend=True)
        values = {"state": query["state"]} if "state" in query else {}
        outcome = query.get("outcome", "granted")
        if outcome != "granted":
            values |= {"error": outcome, "error_description": "of the sandbox"}
        elif flow == "connect":
            values["connection_id"] = str(self._connect(user, query).id)
        else:
            self._repair(user, query)
        joint = "&" if "?" in query["redirect_uri"] else "?"
        location = f"{query['redirect_uri']}{joint}{urlencode(values)}"
        return Reply(303, headers=(("Location", location),))

    def _wanted(self, call: Call, *, spend: bool) -> User:
        """Whose page it is; one that is not right leads nowhere."""
        query = call.query
        for name in ("domain", "client_id", "redirect_uri", "code"):
            if not query.get(name):
                raise Refused(422, "REQUEST_INVALID", f"{name} is missing")
        if query["domain"] != call.request.headers["host"]:
            raise Refused(422, "REQUEST_INVALID", "domain is another API's")
        user = self._of_code(query["code"], spend=spend)
        if user is None:
            raise Refused(404, "NOT_FOUND", "no such code, or it was used, or its time is over")
        return user

    def _connect(self, user: User, query: dict[str, str]) -> Connection:
        card = query.get("card") or f"{secrets.randbelow(10_000):04d}"
        iban = query.get("iban") or f"FR76{secrets.randbelow(10**23):023d}"
        made = Connection(self._number(), user.id, card, iban, self._now() + CONSENT_MS)
        user.connections[made.id] = made
        return made

    def _repair(self, user: User, query: dict[str, str]) -> None:
        found = user.connections.get(int(query.get("connection_id") or 0))
        if found is None:
            raise Refused(404, "NOT_FOUND", "no such connection")
        found.state, found.next_try, found.active, found.disabled = None, None, True, None
        found.expires_ms = self._now() + CONSENT_MS

    # What tests put there, and what is told of it.

    async def _listed(self, _call: Call) -> Outcome:
        items = [
            {"connectionId": one.id, "userId": user.id, "card": one.card, "state": one.state,
             "tokens": sorted(user.permanent), "untold": len(one.untold)}
            for user in self._users.values() for one in user.connections.values()
        ]  # fmt: skip
        return json_reply(200, {"items": items, "users": len(self._users)})

    def _named(self, connection_id: int) -> tuple[User, Connection]:
        for user in self._users.values():
            if connection_id in user.connections:
                return user, user.connections[connection_id]
        raise Refused(404, "NOT_FOUND", "no such connection")

    async def _book(self, call: Call) -> Outcome:
        """What changed at the bank; the answer of whoever was told."""
        booked = decode(call.request.body, Booked)
        user, found = self._named(booked.connection_id)
        if len(found.transactions) + len(booked.transactions) > TRANSACTIONS_MAX:
            raise invalid("/transactions", "FIELD_INVALID", f"at most {TRANSACTIONS_MAX} in all")
        now = self._now()
        changed = [found.book(one, now) for one in booked.transactions]
        answers = await self._tell(found, self._synced(user, found, changed), booked.webhook)
        ids = [one["id"] for one in changed]
        return json_reply(200, {"ids": ids, "answers": answers})

    async def _happen(self, call: Call) -> Outcome:
        """What became of a connection; the answer of whoever was told."""
        happened = decode(call.request.body, Happened)
        user, found = self._named(happened.connection_id)
        found.state, found.next_try, found.active = (
            happened.state, happened.next_try, happened.active,
        )  # fmt: skip
        if happened.expire is not None:
            try:
                found.expires_ms = parse_rfc3339(happened.expire)
            except ValueError:
                raise invalid("/expire", "FIELD_INVALID", "RFC 3339 with an offset") from None
        found.disabled = "2026-01-01 00:00:00" if happened.disabled else None
        document = self._synced(user, found, [])
        if happened.deleted:
            del user.connections[found.id]
            document = {**found.shown(), "id_webhook_data": self._number()}
        answers = await self._tell(found, document, happened.webhook)
        return json_reply(200, {"answers": answers})

    async def _tell(self, found: Connection, document: Json, wanted: bool) -> list[Json]:
        return await self._hooks.tell(found.untold, document) if wanted else []

    def _synced(self, user: User, found: Connection, changed: list[Json]) -> Json:
        """CONNECTION_SYNCED."""
        accounts = [
            {**account, "transactions": [
                one for one in changed if one["id_account"] == account["id"]
            ]}
            for account in found.accounts()
        ]  # fmt: skip
        connection = {
            **found.shown(), "connector": {**CONNECTOR, **FORBIDDEN}, "sources": [], "accounts": accounts,
        }  # fmt: skip
        return {
            "id_webhook_data": self._number(), "user": {"id": user.id, **FORBIDDEN},
            "connection": connection,
        }  # fmt: skip


def _answering(work: Work) -> Callable[[Call], Effect]:
    """An operation with its refusals, in Powens's words."""

    def act(call: Call) -> Effect:
        try:
            document = work(call)
        except PowensFault as fault:
            return Effect(json_reply(fault.status, fault.document), happened=False)
        happened = call.request.method != "GET"
        if document is None:
            return Effect(Reply(204), happened=happened)
        return Effect(json_reply(200, document), happened=happened)

    return act


def _links(call: Call, end: int, total: int) -> Json:
    """Where the pages around this one are."""
    here = f"http://{call.request.headers['host']}{call.request.path}"
    query = dict(parse_qsl(call.request.query, keep_blank_values=True))
    following = {"href": f"{here}?{urlencode({**query, 'offset': end})}"} if end < total else None
    return {"self": {"href": f"{here}?{call.request.query}"}, "prev": None, "next": following}

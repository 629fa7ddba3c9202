"""The port to a provider of bank data, and the gateway that any adapter of it stands behind (S42, S51).

Rule: an adapter translates and nothing else. It reads of a provider's answer the fields that it names;
what S58 forbids has no field here, so it is dropped where it arrives. Retries, deadlines, the breaker and
parking are the gateway's (S63, S65, X18). Every operation may be sent again: those that begin something
carry a key that the provider honours, and a code or a refresh token that was spent without our hearing of
it ends in a refusal, never in a second connection.
Source: spec.md S42, S45, S51, S57, S58, S63, S65, X15, X18; protocols.md 5.1.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import httpx
import msgspec

from comptoir.actors.connection.conditions import PERSON, TIME
from comptoir.actors.connection.messages import (
    AccessRevoked,
    Condition,
    ConnectionReported,
    PurchaseRead,
    PurchaseUnread,
    RevocationFailed,
    TokensRefreshed,
    TokensRefused,
    TransactionsRead,
    TransactionsUnread,
)
from comptoir.actors.gateways.access import (
    Accesses,
    by_access,
    by_access_now,
    by_access_of_the_end,
)
from comptoir.actors.gateways.finding import Days, Told, days_about, the_stated
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    FindPurchase,
    Held,
    ReadAccounts,
    ReadTransactions,
    RefreshTokens,
    RegisterWebhook,
    RevokeAccess,
    StartLink,
    bank,
)
from comptoir.actors.linking.messages import (
    FAILED,
    UNAVAILABLE,
    AccountsRead,
    CodeExchanged,
    LinkStarted,
    ProviderFailed,
)
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = [
    "ENDED", "REFUSED", "Bank", "Blind", "answered", "bank_gateway", "read_answer", "sent",
    "stop_unless_well",
]  # fmt: skip

Blind = Callable[[str, str], str]
"""`blind(provider, connection_id)`, `blind("card", ...)`: the keyed digest by which it is looked up (X15)."""

SERVER_ERRORS = 500
TOO_MANY_REQUESTS = 429
REFUSED = "BANK_REFUSED"
ENDED = "BANK_ACCESS_ENDED"
"""The person must act at their bank, or link anew, before anything can be had of the connection."""
_DEAD_QUEUE = "dlq:connections"


class Bank(Protocol):
    """A provider, as its adapter speaks to it. Each method raises `CallFault`."""

    async def start(self, asked: StartLink, context: CallContext) -> LinkStarted:
        """Begin a link, or the renewal of one."""
        ...

    async def exchange(self, asked: ExchangeCode, context: CallContext) -> CodeExchanged:
        """A code for access."""
        ...

    async def read_accounts(self, asked: ReadAccounts, context: CallContext) -> AccountsRead:
        """Which bank, which card, until when."""
        ...

    async def read_transactions(
        self, asked: ReadTransactions, context: CallContext
    ) -> TransactionsRead:
        """A page of purchases."""
        ...

    async def read_days(self, asked: FindPurchase, days: Days, context: CallContext) -> Told:
        """What was bought in these days, all of it: which one of it is meant is found elsewhere."""
        ...

    async def refresh(self, asked: RefreshTokens, context: CallContext) -> TokensRefreshed:
        """New tokens for old ones."""
        ...

    async def revoke(self, asked: RevokeAccess, context: CallContext) -> AccessRevoked:
        """End it; that there is nothing to end is an end."""
        ...

    async def subscribe(
        self, asked: RegisterWebhook, context: CallContext
    ) -> ConnectionReported | None:
        """Have purchases told to us; what a provider tells of only after a first reading is reported."""
        ...


def _link_failed(_message: Message, code: str) -> Message:
    return ProviderFailed(FAILED if code in (REFUSED, ENDED) else UNAVAILABLE)


async def _nothing_held(_link: str) -> Held:
    return Held(None, readable=False)


class _Asking:
    """What is asked by the access of a connection, as it is when the call leaves (access.py)."""

    def __init__(self, adapter: Bank, accesses: Accesses) -> None:
        self._adapter, self._accesses = adapter, accesses

    async def read(self, asked: ReadTransactions, context: CallContext) -> Message:
        """A page of purchases."""
        found = await by_access_now(asked, self._accesses, context.now)
        if found is None:
            return TransactionsUnread(refused=False, cursor=asked.cursor)
        used, is_over = found
        try:
            return await self._adapter.read_transactions(used, context)
        except CallFault as fault:
            if fault.code == REFUSED and is_over:
                return _unread(used, "")
            if fault.code != ENDED or not asked.link:
                raise
            # Only here it is known which access has ended: another one may be there by now.
            return _unread(used, fault.code)

    async def find(self, asked: FindPurchase, context: CallContext) -> Message:
        """The purchase that a claim states."""
        found = await by_access_now(asked, self._accesses, context.now)
        if found is None:
            return _unfound(asked, "")
        used, is_over = found
        try:
            told = await self._adapter.read_days(used, days_about(asked.stated), context)
            report = the_stated(told.reports, asked.stated)
            if report is None:
                stop_unless_well(told.condition)  # it may be among what the provider has not got
        except CallFault as fault:
            if fault.code not in (REFUSED, ENDED):
                raise
            # An answer for whoever asks, and no work for anybody's desk.
            return _unfound(used, "" if fault.code == REFUSED and is_over else fault.code)
        return PurchaseRead(asked.claim, report)

    async def revoke(self, asked: RevokeAccess, context: CallContext) -> Message | None:
        """The end of it; where there is nothing to end any more nobody waits for it."""
        used = await by_access_of_the_end(asked, self._accesses)
        return None if used is None else await self._adapter.revoke(used, context)

    async def subscribe(self, asked: RegisterWebhook, context: CallContext) -> Message | None:
        """Its webhooks; where it has ended meanwhile there are none to ask for."""
        used = await by_access(asked, self._accesses)
        return None if used is None else await self._adapter.subscribe(used, context)


def _unread(message: ReadTransactions, code: str) -> Message:
    return TransactionsUnread(code == REFUSED, message.cursor, code == ENDED, access=message.access)


def bank_gateway(
    provider: str, adapter: Bank, bounds: GatewayBounds, accesses: Accesses = _nothing_held
) -> GatewaySpec:
    """The gateway `bank_PROVIDER` over an adapter; what connections it can ask by, `accesses` tells."""

    def row(
        call: Callable[[Any, CallContext], Awaitable[Message | None]],
        word: str,
        failed: Callable[[Any, str], Message | None] = _link_failed,
        expendable: Callable[[Any], bool] = lambda _message: False,
    ) -> Operation:
        return Operation(
            call,
            lambda message: f"{word}:{message.reference}",
            failed=failed,
            expendable=expendable,
        )

    asking = _Asking(adapter, accesses)
    operations: dict[type[Message], Operation] = {
        StartLink: row(adapter.start, "start"),
        ExchangeCode: row(adapter.exchange, "exchange"),
        ReadAccounts: row(adapter.read_accounts, "accounts"),
        ReadTransactions: row(
            asking.read, "transactions", _unread, lambda message: message.expendable
        ),
        FindPurchase: row(asking.find, "find", _unfound),
        RefreshTokens: row(
            adapter.refresh,
            "refresh",
            lambda _message, code: TokensRefused(code in (REFUSED, ENDED)),
        ),
        RevokeAccess: row(asking.revoke, "revoke", lambda _message, _code: RevocationFailed()),
        RegisterWebhook: row(asking.subscribe, "webhook", lambda _message, _code: None),
    }
    return GatewaySpec(bank(provider).kind, operations, bounds, dead_queue=_DEAD_QUEUE)


def _unfound(asked: FindPurchase, code: str) -> Message:
    return PurchaseUnread(asked.claim, asked.stated, code == REFUSED, code == ENDED, asked.access)


async def sent(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send a request; what does not arrive, or comes back as an outage, is a fault of the party's.

    Raises:
        CallFault: BANK_UNREACHABLE or BANK_UNAVAILABLE.
    """
    try:
        response = await client.send(request)
    except httpx.TransportError as error:
        raise CallFault("BANK_UNREACHABLE", retryable=True) from error
    if response.status_code >= SERVER_ERRORS or response.status_code == TOO_MANY_REQUESTS:
        raise CallFault("BANK_UNAVAILABLE", retryable=True)
    return response


def stop_unless_well(condition: Condition | None) -> None:
    """Say what a condition comes to for whoever comes back from their bank.

    Raises:
        CallFault: it passes by itself, its person must act, or nobody here can end it.
    """
    if condition is None:
        return
    if condition.remedy == TIME:
        raise CallFault("BANK_UNAVAILABLE", retryable=True, sick=False)
    code = ENDED if condition.remedy == PERSON else REFUSED
    raise CallFault(code, retryable=False, sick=False)


def answered(response: httpx.Response) -> httpx.Response:
    """The same response, if the party did what it was asked for.

    Raises:
        CallFault: BANK_REFUSED: it said no, which it would say again.
    """
    if not response.is_success:
        raise CallFault(REFUSED, retryable=False, sick=False)
    return response


def read_answer(response: httpx.Response, decoder: "msgspec.json.Decoder[Any]") -> Any:
    """The fields of an answer that the decoder's type names; every other is dropped (S58).

    Raises:
        CallFault: BANK_ANSWER_INVALID: it is not of the form.
    """
    try:
        return decoder.decode(answered(response).content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallFault("BANK_ANSWER_INVALID", retryable=True) from error

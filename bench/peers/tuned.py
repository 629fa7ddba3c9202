"""The tuned peer: FastAPI as lean as it goes, and everything in one prepared statement.

Rule: one round trip and one implicit transaction for each webhook: look-up, once key, transaction,
lot, transfer and balance are one statement with common table expressions. Bodies are decoded by
msgspec in one pass of C, answers are bytes made beforehand, and a session goes back to the pool
without the round trip that would reset it (no statement here leaves anything to reset).
Source: bench/peers/__init__.py; PostgreSQL manual 7.8.4 (data-modifying WITH: one snapshot).
"""

import datetime
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
from fastapi import FastAPI, Request, Response

from bench.peers.door import Matcher, Options, cents, fault, points

__all__ = ["RECEIVE_SQL", "app", "parameters"]

# $4 the connection, $12 the points that it earns if it may (0: never). A duplicate inserts no
# transaction, so nothing else of the statement has a row to insert.
RECEIVE_SQL = """
with known as materialized (
    select (select user_id from connection where provider = $1 and connection_id = $4) as user_id
), taken as (
    insert into transaction (provider, event, transaction_id, user_id, partner_id, amount_cents,
        currency, direction, date, merchant_name, status, points, credited_at)
    select $1, $2, $3, user_id, $5, $6, $7, $8, $9, $10,
           case when user_id is null then 'parked' when $11 > 0 then 'credited' else 'ignored' end,
           case when user_id is null then 0 else $11 end, now()
    from known on conflict do nothing
    returning user_id, status, points
), lot as (
    insert into lot (user_id, transaction_id, points, remaining)
    select user_id, $3, points, points from taken where status = 'credited'
    returning id, user_id, points
), entry as (
    insert into transfer (user_id, kind, debit, credit, points, lot_id, transaction_id)
    select user_id, 'credit', 'issued:', 'available:' || user_id, points, id, $3 from lot
), credited as (
    insert into balance (user_id, available) select user_id, points from lot
    on conflict (user_id) do update set available = balance.available + excluded.available
)
select status from taken"""
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Merchant(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Where the card was used."""

    name: Annotated[str, msgspec.Meta(max_length=256)]
    mcc_code: str | None = None
    city: str | None = None
    country: str | None = None


class Data(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The purchase."""

    transaction_id: _Id
    connection_id: _Id
    amount: Decimal
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    direction: Literal["DEBIT", "CREDIT"]
    date: datetime.date
    merchant: Merchant
    account_id: str | None = None


class Webhook(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A body."""

    event: Literal["transaction.created"]
    data: Data
    timestamp: str | None = None
    signature: str | None = None


DECODE = msgspec.json.Decoder(Webhook).decode


async def _keep(_session: Any) -> None:
    """Reset nothing."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Have a pool and the partners while the application runs."""
    options = Options.read()
    async with asyncpg.create_pool(
        options.url, min_size=options.pool, max_size=options.pool, reset=_keep,
        server_settings={"plan_cache_mode": "force_generic_plan"},
    ) as pool:  # fmt: skip
        rows = await pool.fetch("select id, name, rate_bp from partner")
        app.state.options, app.state.pool = options, pool
        app.state.matcher = Matcher([(row[0], row[1], row[2]) for row in rows])
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/health/live")
async def live() -> dict[str, str]:
    """The application runs."""
    return {"status": "live"}


def parameters(
    event: str, data: Any, amount: int, partner: tuple[str, int] | None
) -> Sequence[Any]:
    """What `RECEIVE_SQL` is given, of a body's `data` (ours, or one with the same fields).

    Args:
        event: its event.
        data: the purchase.
        amount: in cents.
        partner: (id, rate in basis points) of whom its label names.
    """
    may = partner is not None and data.currency == "EUR" and data.direction == "DEBIT"
    identity, earned = (partner[0], points(amount, partner[1])) if partner else (None, 0)
    return (
        "seed", event, data.transaction_id, data.connection_id, identity, amount, data.currency,
        data.direction, data.date, data.merchant.name, earned if may else 0,
    )  # fmt: skip


def _json(status: int, text: bytes) -> Response:
    return Response(text, status, media_type="application/json")


@app.post("/webhooks/banking")
async def receive(request: Request) -> Response:
    """Check, then have the statement do the rest, and only then answer."""
    body = await request.body()
    code = fault(request.app.state.options, request.headers, body, time.time_ns() // 1_000_000)
    if code is not None:
        return _json(401, b'{"code":"%b"}' % code.encode())
    try:
        webhook = DECODE(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _json(422, b'{"code":"WEBHOOK_PAYLOAD_INVALID"}')
    data = webhook.data
    amount = cents(data.amount)
    if amount is None:
        return _json(422, b'{"code":"WEBHOOK_PAYLOAD_INVALID"}')
    partner = request.app.state.matcher.match(data.merchant.name)
    status = await request.app.state.pool.fetchval(
        RECEIVE_SQL, *parameters(webhook.event, data, amount, partner)
    )
    if status is None:
        return _json(200, b'{"status":"duplicate"}')
    return _json(202, b'{"status":"parked"}' if status == "parked" else b'{"status":"accepted"}')

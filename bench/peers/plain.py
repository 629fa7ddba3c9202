"""The plain peer: FastAPI, pydantic, and the transaction written inline, statement by statement.

Rule: what a good developer writes at the first go: a pool, a transaction, prepared statements (asyncpg
prepares and caches them by itself), the unique key as the judge of duplicates, an answer after COMMIT.
Source: bench/peers/__init__.py.
"""

import datetime
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.peers.door import Matcher, Options, cents, fault, points

__all__ = ["Purchase", "app", "lifespan", "read"]

KNOWN_SQL = "select user_id from connection where provider = $1 and connection_id = $2"
TAKE_SQL = """insert into transaction (provider, event, transaction_id, user_id, partner_id,
    amount_cents, currency, direction, date, merchant_name, status, points, credited_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now()) on conflict do nothing"""
LOT_SQL = """insert into lot (user_id, transaction_id, points, remaining)
values ($1, $2, $3, $3) returning id"""
TRANSFER_SQL = """insert into transfer (user_id, kind, debit, credit, points, lot_id, transaction_id)
values ($1, 'credit', 'issued:', 'available:' || $1, $2, $3, $4)"""
BALANCE_SQL = """insert into balance (user_id, available) values ($1, $2)
on conflict (user_id) do update set available = balance.available + excluded.available"""


class Merchant(BaseModel):
    """Where the card was used."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(max_length=256)
    mcc_code: str | None = None
    city: str | None = None
    country: str | None = None


class Data(BaseModel):
    """The purchase. Strict, but for a date and a decimal, which JSON has no types for."""

    model_config = ConfigDict(extra="forbid", strict=True)
    transaction_id: str = Field(min_length=1, max_length=128)
    connection_id: str = Field(min_length=1, max_length=128)
    amount: Decimal = Field(strict=False)
    currency: str = Field(pattern="^[A-Z]{3}$")
    direction: Literal["DEBIT", "CREDIT"]
    date: datetime.date = Field(strict=False)
    merchant: Merchant
    account_id: str | None = None


class Webhook(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", strict=True)
    event: Literal["transaction.created"]
    data: Data
    timestamp: str | None = None
    signature: str | None = None


class Purchase(NamedTuple):
    """A webhook that may be believed."""

    webhook: Webhook
    amount_cents: int
    partner: tuple[str, int] | None
    """The partner's id and rate in basis points."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Have a pool and the partners while the application runs."""
    options = Options.read()
    async with asyncpg.create_pool(
        options.url, min_size=options.pool, max_size=options.pool
    ) as pool:
        rows = await pool.fetch("select id, name, rate_bp from partner")
        app.state.options, app.state.pool = options, pool
        app.state.matcher = Matcher([(row[0], row[1], row[2]) for row in rows])
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/health/live")
async def live() -> dict[str, str]:
    """The application runs."""
    return {"status": "live"}


async def read(request: Request) -> Purchase | JSONResponse:
    """What is to be credited, of a webhook that is genuine and whole; else the answer."""
    body = await request.body()
    code = fault(request.app.state.options, request.headers, body, time.time_ns() // 1_000_000)
    if code is not None:
        return JSONResponse({"code": code}, 401)
    try:
        webhook = Webhook.model_validate_json(body)
    except ValidationError:
        return JSONResponse({"code": "WEBHOOK_PAYLOAD_INVALID"}, 422)
    amount = cents(webhook.data.amount)
    if amount is None:
        return JSONResponse({"code": "WEBHOOK_PAYLOAD_INVALID"}, 422)
    return Purchase(webhook, amount, request.app.state.matcher.match(webhook.data.merchant.name))


@app.post("/webhooks/banking")
async def receive(request: Request) -> JSONResponse:
    """Check, take once, credit, commit, and only then answer."""
    purchase = await read(request)
    if isinstance(purchase, JSONResponse):
        return purchase
    async with request.app.state.pool.acquire() as session, session.transaction():
        taken = await _take(session, purchase)
    return JSONResponse({"status": taken}, 200 if taken == "duplicate" else 202)


async def _take(session: Any, purchase: Purchase) -> str:
    """The transaction's statements, in order; what to answer."""
    webhook, amount, partner = purchase
    data = webhook.data
    user = await session.fetchval(KNOWN_SQL, "seed", data.connection_id)
    earned = points(amount, partner[1]) if partner else 0
    earns = user is not None and earned > 0 and (data.currency, data.direction) == ("EUR", "DEBIT")
    status = "credited" if earns else "parked" if user is None else "ignored"
    done = await session.execute(
        TAKE_SQL, "seed", webhook.event, data.transaction_id, user, partner[0] if partner else None,
        amount, data.currency, data.direction, data.date, data.merchant.name, status,
        earned if earns else 0,
    )  # fmt: skip
    if done == "INSERT 0 0":
        return "duplicate"
    if earns:
        lot = await session.fetchval(LOT_SQL, user, data.transaction_id, earned)
        await session.execute(TRANSFER_SQL, user, earned, lot, data.transaction_id)
        await session.execute(BALANCE_SQL, user, earned)
    return "parked" if user is None else "accepted"

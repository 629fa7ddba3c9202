"""What the API answers, apart from the framework that routes to it.

The rule: a handler is given plain values, calls the port once or twice, and returns an answer;
nothing here knows Quart. Whether the caller may come here at all was decided before; whether it may
see what was found, where only the find tells whose it is, is asked of `Call.access`, and the answer
to a no is that of a thing never seen.
Source: interface.md 1, 5, 7 (rows a) and 9.
"""

from typing import Final

from comptoir.http.answers import Response, json_response, response
from comptoir.http.operation import OWNER, Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, cursor, page, plausible_id

__all__ = ["entries", "live", "metrics", "ready", "transaction", "wallet"]

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


async def wallet(port: Port, call: Call) -> Response:
    """GET /api/v1/wallets/{userId}."""
    user_id = call.path[OWNER]
    shown = await port.wallet(user_id) if plausible_id(user_id) else None
    if shown is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, shown, call.ticket)


async def entries(port: Port, call: Call) -> Response:
    """GET /api/v1/wallets/{userId}/entries, newest first."""
    user_id, rules = call.path[OWNER], port.rules
    try:
        wanted = page(call.query, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    if not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    # One more than wanted tells whether there is a next page.
    found = await port.entries(user_id, wanted.before, wanted.limit + 1)
    if not found and await port.wallet(user_id) is None:
        return problem("NOT_FOUND", call.ticket)
    items = found[: wanted.limit]
    following = cursor(items[-1][0]) if len(found) > wanted.limit else None
    body = {"items": [shown for _, shown in items], "nextCursor": following}
    return json_response(200, body, call.ticket)


async def transaction(port: Port, call: Call) -> Response:
    """GET /api/v1/transactions/{transactionId}."""
    transaction_id = call.path["transactionId"]
    known = plausible_id(transaction_id)
    shown = await port.transaction(transaction_id) if known else None
    if shown is None or not call.access.covers(shown[OWNER]):
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, shown, call.ticket)


async def live(port: Port, call: Call) -> Response:
    """GET /health/live: that it answers is the answer."""
    del port
    return json_response(200, {"status": "live"}, call.ticket)


async def ready(port: Port, call: Call) -> Response:
    """GET /health/ready: 200, or 503 with what is missing."""
    health = port.health()
    body: dict[str, object] = {"status": health.status, "checks": dict(health.checks)}
    if health.status == "ready":
        return json_response(200, body, call.ticket)
    body["pendingMessages"] = health.pending_messages
    answer = json_response(503, body, call.ticket)
    answer.headers.append((b"retry-after", b"%d" % port.rules.retry_after_s))
    return answer


async def metrics(port: Port, call: Call) -> Response:
    """GET /metrics."""
    return response(200, METRICS_TYPE.encode(), port.metrics_text(), call.ticket)

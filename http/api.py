"""What the API answers, apart from the framework that routes to it.

The rule: a handler is given plain values, calls the port once or twice, and returns an answer;
nothing here knows Quart.
Source: interface.md 1, 5 and 7 (rows a).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from comptoir.http.answers import Response, json_response, response
from comptoir.http.port import ApiPort
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, cursor, page, plausible_id
from comptoir.http.rules import EdgeRules

__all__ = ["Api"]

METRICS_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
Query = Mapping[str, Sequence[str]]


class Api:
    """The reads of one daemon."""

    def __init__(self, port: ApiPort, rules: EdgeRules) -> None:
        """Read through `port`."""
        self._port = port
        self._rules = rules

    async def wallet(self, ticket: str, user_id: str) -> Response:
        """GET /api/v1/wallets/{userId}."""
        shown = await self._port.wallet(user_id) if plausible_id(user_id) else None
        if shown is None:
            return problem("NOT_FOUND", ticket)
        return json_response(200, shown, ticket)

    async def entries(self, ticket: str, user_id: str, query: Query) -> Response:
        """GET /api/v1/wallets/{userId}/entries, newest first."""
        try:
            wanted = page(query, self._rules.page_items_default, self._rules.page_items_max)
        except BadQuery as bad:
            return problem("REQUEST_INVALID", ticket, errors=bad.errors)
        if not plausible_id(user_id):
            return problem("NOT_FOUND", ticket)
        # One more than wanted tells whether there is a next page.
        found = await self._port.entries(user_id, wanted.before, wanted.limit + 1)
        if not found and await self._port.wallet(user_id) is None:
            return problem("NOT_FOUND", ticket)
        items = found[: wanted.limit]
        following = cursor(items[-1][0]) if len(found) > wanted.limit else None
        body = {"items": [shown for _, shown in items], "nextCursor": following}
        return json_response(200, body, ticket)

    async def transaction(self, ticket: str, transaction_id: str) -> Response:
        """GET /api/v1/transactions/{transactionId}."""
        known = plausible_id(transaction_id)
        shown = await self._port.transaction(transaction_id) if known else None
        if shown is None:
            return problem("NOT_FOUND", ticket)
        return json_response(200, shown, ticket)

    def live(self, ticket: str) -> Response:
        """GET /health/live: that it answers is the answer."""
        return json_response(200, {"status": "live"}, ticket)

    def ready(self, ticket: str) -> Response:
        """GET /health/ready: 200, or 503 with what is missing."""
        health = self._port.health()
        body: dict[str, object] = {"status": health.status, "checks": dict(health.checks)}
        if health.status == "ready":
            return json_response(200, body, ticket)
        body["pendingMessages"] = health.pending_messages
        answer = json_response(503, body, ticket)
        answer.headers.append((b"retry-after", b"%d" % self._rules.retry_after_s))
        return answer

    def metrics(self, ticket: str) -> Response:
        """GET /metrics."""
        return response(200, METRICS_TYPE, self._port.metrics_text(), ticket)

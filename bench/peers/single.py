"""The plain peer with its five statements made one by hand, and nothing else of it changed.

Rule: what a developer does who finds that the round trips are what costs: pydantic, the session that is
reset when it goes back, and the framework's own answers stay. It is the reference by which the aims of
`docs/performance.md` were set ("the same with one hand-tuned SQL statement"); `tuned` goes further.
Source: bench/peers/__init__.py.
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from bench.peers import plain
from bench.peers.tuned import RECEIVE_SQL, parameters

__all__ = ["app"]

app = FastAPI(lifespan=plain.lifespan, openapi_url=None)
app.get("/health/live")(plain.live)


@app.post("/webhooks/banking")
async def receive(request: Request) -> JSONResponse:
    """Check, have the statement do the rest, and only then answer."""
    purchase = await plain.read(request)
    if isinstance(purchase, JSONResponse):
        return purchase
    webhook, amount, partner = purchase
    async with request.app.state.pool.acquire() as session:
        status = await session.fetchval(
            RECEIVE_SQL, *parameters(webhook.event, webhook.data, amount, partner)
        )
    if status is None:
        return JSONResponse({"status": "duplicate"}, 200)
    return JSONResponse({"status": "parked" if status == "parked" else "accepted"}, 202)

"""How outside parties are doing, and what waits for them (E5).

Source: interface.md 7 (rows b1); spec.md S65, X18, E5.
"""

from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.times import rfc3339

__all__ = ["parking"]


async def parking(port: Port, call: Call) -> Response:
    """GET /api/v1/parking."""
    items = [
        {
            "gateway": one.gateway,
            "breaker": one.breaker,
            "parked": one.parked,
            "waiting": one.waiting,
            "inFlight": one.in_flight,
            "nextProbeAt": None if one.probe_at is None else rfc3339(one.probe_at),
            "releasePerSecond": one.release_per_s,
            "estimatedReleaseAt": None if one.released_at is None else rfc3339(one.released_at),
        }
        for one in await port.parking()
    ]
    return json_response(200, {"items": items}, call.ticket)

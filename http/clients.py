"""Services get credentials, and lose them: what an ADMIN, or `comptoir client`, does.

The rule: the secret is drawn here, from the request's own chance, goes out once, and only its digest goes
in; so a request that is run again registers one client, and tells the same secret. One that is revoked
gets no more tokens from that answer on, and those that it has are refused; asked again, also after a crash
between the two, the answer is the same. To replace a secret, register
the service again, and revoke the old one when nobody uses it any more.
Source: interface.md 1 and 9; spec.md X7, S34.
"""

import msgspec

from comptoir.actors.clients import messages
from comptoir.actors.revocation.messages import Ground
from comptoir.engine import Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import read_json
from comptoir.http.oauth.client_secrets import digest_of, draw_client
from comptoir.http.oauth.ending import end_access
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import plausible_id
from comptoir.http.shapes import NAME_CHARACTERS_MAX, SCOPES_MAX, NewClient
from comptoir.http.times import rfc3339

__all__ = ["listed", "register", "revoke"]

_NEW = msgspec.json.Decoder(NewClient)
_FAULT = FieldError(
    pointer="",
    code="VALUE_INVALID",
    detail=f"a printable name of 1 to {NAME_CHARACTERS_MAX} characters and 1 to {SCOPES_MAX} scopes "
    "(RFC 6749, 3.3), each once, and nothing else",
)


async def register(port: Port, call: Call) -> Response:
    """POST /api/v1/clients."""
    wanted = read_json(call, _NEW, _FAULT)
    if isinstance(wanted, Response):
        return wanted
    if not wanted.name.isprintable() or len(set(wanted.scopes)) != len(wanted.scopes):
        return problem("REQUEST_INVALID", call.ticket, errors=[_FAULT])
    client_id, secret = draw_client(call)
    message = messages.RegisterClient(
        client_id, wanted.name, tuple(wanted.scopes), digest_of(secret)
    )
    reply = (await port.ask(messages.CLIENTS, message)).reply
    assert isinstance(reply, messages.ClientRegistered)
    shown = {**_shown(reply.client), "clientSecret": secret}
    return json_response(201, shown, call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/clients."""
    reply = (await port.ask(messages.CLIENTS, messages.ListClients())).reply
    assert isinstance(reply, messages.ClientsListed)
    items = [_shown(client) for client in reply.clients]
    return json_response(200, {"items": items, "nextCursor": None}, call.ticket)


async def revoke(port: Port, call: Call) -> Response:
    """DELETE /api/v1/clients/{clientId}."""
    client_id = call.path["clientId"]
    if not plausible_id(client_id):
        return problem("NOT_FOUND", call.ticket)
    try:
        await port.ask(messages.CLIENTS, messages.RevokeClient(client_id))
    except Refused as refused:
        if refused.code != messages.CLIENT_UNKNOWN:
            raise
        return problem("NOT_FOUND", call.ticket)
    await end_access(port, Ground.CLIENT, client_id)
    return json_response(200, {"clientId": client_id, "status": "revoked"}, call.ticket)


def _shown(client: messages.Client) -> dict[str, object]:
    """A client as the API shows it."""
    return {
        "clientId": client.id,
        "name": client.name,
        "scopes": list(client.scopes),
        "registeredAt": rfc3339(client.registered_at),
    }

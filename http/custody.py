"""Persons are erased, and keys replaced, by two people of the house.

The rule: both are asked for here and done by nobody but who holds the key store, after a second person's
approval. A person who still has points is not erased: their wallet has to be closed first, since the
law keeps what was paid readable as to whom (S60). Source: spec.md S59, S60, X13, X14, E13, E14; docs/keys.md.
"""

import re
from typing import Final

import msgspec

from comptoir.actors.approval.messages import Action
from comptoir.actors.erasure.messages import KIND as ERASURE
from comptoir.actors.erasure.messages import DescribeErasure, ErasePerson, ErasureDescribed
from comptoir.actors.gateways.messages import KEYS, RotateKey
from comptoir.actors.person.messages import DescribePerson, PersonErased
from comptoir.engine import Address
from comptoir.http.access_shapes import NewErasure, NewRotation
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, draw_approval, propose
from comptoir.http.bodies import read_json
from comptoir.http.identity.claims import is_text
from comptoir.http.oauth.signin import person_address
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import plausible_id
from comptoir.http.times import rfc3339

__all__ = ["ask_erasure", "ask_rotation", "show_erasure"]

_ERASURE: Final = msgspec.json.Decoder(NewErasure)
_ROTATION: Final = msgspec.json.Decoder(NewRotation)
_KEY: Final = re.compile(r"[0-9a-z:._-]{1,128}").fullmatch
_WHO: Final = FieldError(
    pointer="", code="VALUE_INVALID", detail="sub of 1 to 255 printable characters, nothing else"
)
_WHICH: Final = FieldError(
    pointer="",
    code="VALUE_INVALID",
    detail="key: kek, wrap, data, once, index, subject or all, and nothing else",
)


async def ask_erasure(port: Port, call: Call) -> Response:
    """POST /api/v1/erasures."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    wanted = read_json(call, _ERASURE, _WHO)
    if isinstance(wanted, Response):
        return wanted
    if not is_text(wanted.sub):
        return problem("REQUEST_INVALID", call.ticket, errors=[_WHO])
    if not port.has_key_store:
        return problem("VAULT_STORE_NONE", call.ticket)
    target = person_address(port, wanted.sub)
    # Who is not there is refused by name.
    if isinstance((await port.ask(target, DescribePerson())).reply, PersonErased):
        return problem("VAULT_ERASED", call.ticket)
    if plausible_id(wanted.sub) and await port.wallet(wanted.sub) is not None:
        return problem("ERASURE_REFUSED", call.ticket)
    asked = Asked(Action.ERASE, target, ErasePerson(), wanted.sub)
    return await propose(port, call, asked, {"erasureId": target.key})


async def show_erasure(port: Port, call: Call) -> Response:
    """GET /api/v1/erasures/{erasureId}."""
    erasure_id = call.path["erasureId"]
    if not _KEY(erasure_id):
        return problem("NOT_FOUND", call.ticket)
    found = (await port.ask(Address(ERASURE, erasure_id), DescribeErasure())).reply
    assert isinstance(found, ErasureDescribed)
    body = {
        "erasureId": erasure_id,
        "status": found.status,
        "keys": found.keys,
        "since": rfc3339(found.since),
    }
    return json_response(200, body, call.ticket)


async def ask_rotation(port: Port, call: Call) -> Response:
    """POST /api/v1/keys/rotations."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    wanted = read_json(call, _ROTATION, _WHICH)
    if isinstance(wanted, Response):
        return wanted
    if not port.has_key_store:
        return problem("VAULT_STORE_NONE", call.ticket)
    approval_id = draw_approval(call)
    order = RotateKey(wanted.key, approval_id)
    asked = Asked(Action.ROTATE, KEYS, order, wanted.key)
    return await propose(port, call, asked, {}, approval_id)

"""The end of what is kept of a client: the relation ends, or the client wants their file erased.

The rule: whether a file may go is its machine's to say, and a refusal says why and until when; what may go, goes when a
second person has approved it, and by nobody but who holds the key store.
Source: spec.md S36, X13, E13, E14; GDPR article 17; docs/erasure.md; adr/0063.
"""

from typing import Final

from comptoir.actors.approval.messages import Action
from comptoir.actors.erasure.messages import erasure_of
from comptoir.actors.onboarding.keeping_messages import (
    AskErasure,
    EndRelation,
    EraseFile,
    ErasureAnswered,
)
from comptoir.actors.onboarding.messages import (
    KIND,
)
from comptoir.engine import Address, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, propose, who_calls
from comptoir.http.onboarding import described_file
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.times import rfc3339

__all__ = ["ask_erasure", "end_relation"]

REASONS: Final = {
    "FILE_UNDER_WAY": "what is learnt of a client who is assessed has to be kept",
    "RELATION_LASTS": "what is known of a client has to be kept for years after they are one",
    "LAW_KEEPS": "what was learnt of a client has to be kept for years",
    "UPLOAD_OPEN": "something may still be sent to an address that was given out, or is being looked at",
}
"""Grounds of actors/onboarding/keeping.py, as whoever asks reads them."""


async def end_relation(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/relation/end."""
    try:
        ended = (await port.ask(_file(call), EndRelation(who_calls(call)[0]))).reply
    except Refused:
        await described_file(port, call)  # which may not be there, either
        return problem("CONFLICT", call.ticket)
    assert isinstance(ended, ErasureAnswered)
    if not ended.until:  # there is no account
        return problem("CONFLICT", call.ticket)
    body = {"onboardingId": call.path["onboardingId"], "keptUntil": rfc3339(ended.until)}
    return json_response(200, body, call.ticket)


async def ask_erasure(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/erasure."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    if not port.has_key_store:
        return problem("VAULT_STORE_NONE", call.ticket)
    target = _file(call)
    answered = (await port.ask(target, AskErasure())).reply
    assert isinstance(answered, ErasureAnswered)
    if answered.ground:
        return problem("ERASURE_REFUSED", call.ticket, errors=[_why(answered)])
    asked = Asked(Action.ERASE_FILE, target, EraseFile(), target.key)
    return await propose(port, call, asked, {"erasureId": erasure_of(target)})


def _file(call: Call) -> Address:
    return Address(KIND, call.path["onboardingId"])


def _why(answered: ErasureAnswered) -> FieldError:
    until = f", until {rfc3339(answered.until)}" if answered.until else ""
    return FieldError(pointer="", code=answered.ground, detail=REASONS[answered.ground] + until)

"""A card is linked: a person agrees, goes to their bank, comes back, and the app has a connection.

The rule: ids and secrets are drawn from the request's own chance, so that a request that is run again
under its Idempotency-Key goes on with the session that it began. What the provider has to do is waited
for up to `WAIT_S`; the session goes on meanwhile, and after. A person is sent to addresses of the
allow-list alone, and nothing but the session's id goes with them, and where it is on a secret that only the
browser has that came back: so nobody completes a session that somebody else was sent to the bank for.
Source: interface.md 7 (rows b1); spec.md S45, S48, S57, S60, S66; RFC 7636; RFC 9700.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from comptoir.actors.linking.messages import (
    FAILED,
    KIND,
    UNAVAILABLE,
    CompleteLink,
    Consent,
    LinkStood,
    LookAtLink,
    OpenLink,
    ReturnFromBank,
)
from comptoir.engine import Address, Message
from comptoir.http.answers import Response, json_response, response
from comptoir.http.bodies import fault, read_body
from comptoir.http.following import until
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.rules import LINKABLE
from comptoir.http.shapes_banking import Completion, NewLink

__all__ = ["SCOPE", "callback", "complete", "draw_link", "follow", "is_redirect", "start"]

SCOPE: Final = "accounts transactions"
"""What is asked for, and nothing beyond it: reading (S57), for the cashback (S60)."""
WAIT_S: Final = 8.0
"""Three tries of the gateway with their pauses (S63); within the edge's own patience."""
_NEW: Final = msgspec.json.Decoder(NewLink)
_COMPLETION: Final = msgspec.json.Decoder(Completion)
_STATE: Final = re.compile(r"(ls_[0-9a-f]{32})\.([A-Za-z0-9_-]{43})").fullmatch
_CODE: Final = re.compile(r"[!-~]{1,2048}").fullmatch
_ERROR: Final = re.compile(r"[!-~ ]{1,256}").fullmatch
_LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "::1"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def start(port: Port, call: Call) -> Response:
    """POST /api/v1/connections/sessions."""
    wanted = read_body(call, _NEW)
    if isinstance(wanted, Response):
        return wanted
    rules, user_id = port.rules.linking, call.access.user_id or wanted.user_id
    errors = [
        *([fault("/provider", f"one of {', '.join(LINKABLE)}")] * (wanted.provider not in LINKABLE)),
        *([fault("/redirectUri", "not on the allow-list", "REDIRECT_NOT_ALLOWED")]
          * (not is_redirect(port, wanted.redirect_uri))),
        *([fault("/consent/durationDays", f"at most {rules.consent_days_max}")]
          * (wanted.consent.duration_days > rules.consent_days_max)),
        *([fault("/userId", "whose card it is", "FIELD_MISSING")] * (user_id is None)),
    ]  # fmt: skip
    if errors or user_id is None:
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(wanted.user_id or user_id):
        return problem("NOT_FOUND", call.ticket)
    if wanted.provider not in rules.providers:
        return problem(UNAVAILABLE, call.ticket)
    consent = Consent(wanted.consent.text_version, SCOPE, wanted.consent.duration_days)
    link = draw_link(port, call, wanted.redirect_uri, consent)
    opening = msgspec.structs.replace(
        link.message, user_id=user_id, device_id=wanted.device_id, provider=wanted.provider
    )
    await port.ask(link.address, opening)
    stood = await follow(port, link.address, lambda now: now.phase not in ("unknown", "starting"))
    if stood.auth_url:
        shown = {
            "sessionId": link.address.key,
            "authUrl": stood.auth_url,
            "expiresAt": _time(stood.expires_at),
        }
        return json_response(201, shown, call.ticket)
    return problem(stood.code or UNAVAILABLE, call.ticket)


class Drawn(msgspec.Struct, frozen=True):
    """A session that is about to be."""

    address: Address
    message: OpenLink


def draw_link(port: Port, call: Call, redirect_uri: str, consent: Consent) -> Drawn:
    """A session's id and secrets, from the request's chance; whose it is comes from who knows."""
    session = f"ls_{call.draw('linking session')[:16].hex()}"
    secret, verifier = (
        call.draw_secret(purpose) for purpose in ("linking state", "linking verifier")
    )
    message = OpenLink(
        "", "", "", redirect_uri, port.public_url, consent, secret, verifier,
        port.rules.linking.session_ms,
    )  # fmt: skip
    return Drawn(Address(KIND, session), message)


def is_redirect(port: Port, uri: str) -> bool:
    """Whether a person may be sent there in the end."""
    if uri in port.rules.linking.redirect_uris:
        return True
    if not port.rules.dev_open or "#" in uri or not uri.isascii() or not uri.isprintable():
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK and "@" not in parts.netloc


async def follow(port: Port, session: Address, ready: Callable[[LinkStood], bool]) -> LinkStood:
    """How a session stands once it is ready, or after `WAIT_S`."""
    asked = partial(_stood, port, session, LookAtLink())
    return await until(port.moves, session.key, asked, ready, WAIT_S) or LinkStood("unknown")


async def _stood(port: Port, session: Address, message: Message) -> LinkStood:
    reply = (await port.ask(session, message)).reply
    assert isinstance(reply, LinkStood)
    return reply


async def callback(port: Port, call: Call) -> Response:
    """GET /link/callback: the person's browser comes back from the bank."""
    states = call.query.get("state", ())
    codes, errors = call.query.get("code", ()), call.query.get("error", ())
    known = _STATE(states[0]) if len(states) == 1 else None
    # Of some providers nothing but `state` comes back: what is exchanged was named at the start.
    code, error = "".join(codes), "".join(errors)
    well_formed = len(codes) + len(errors) == 0 or (
        len(codes) + len(errors) == 1 and (_CODE(code) or _ERROR(error))
    )
    if known is None or not well_formed:
        return problem(FAILED, call.ticket)
    secret = _return_secret(port, call)
    returning = ReturnFromBank(_digest(known[2]), code, error, _digest(secret) if secret else "")
    stood = await _stood(port, Address(KIND, known[1]), returning)
    if not stood.taken:
        return problem(FAILED, call.ticket)
    values = {"sessionId": known[1]}
    if stood.code:
        values["error"] = "access_denied"
    elif secret:
        values["returnSecret"] = secret
    joint = "&" if "?" in stood.redirect_uri else "?"
    answer = response(303, b"text/plain; charset=utf-8", b"", call.ticket)
    location = f"{stood.redirect_uri}{joint}{urlencode(values)}"
    answer.headers.append((b"location", location.encode("ascii")))
    return answer


def _return_secret(port: Port, call: Call) -> str:
    """What completes a session beside its id; empty where nothing does (`connections.return_secret`)."""
    return call.draw_secret("return from the bank") if port.rules.linking.return_secret else ""


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


async def complete(port: Port, call: Call) -> Response:
    """POST /api/v1/connections: the app has its person back, and wants the connection."""
    wanted = read_body(call, _COMPLETION)
    if isinstance(wanted, Response):
        return wanted
    session = Address(KIND, wanted.session_id)
    stood = await _stood(port, session, LookAtLink())
    if stood.phase == "unknown" or not call.access.covers(stood.user_id):
        return problem("NOT_FOUND", call.ticket)
    secret = wanted.return_secret or ""
    if wanted.state is not None or wanted.code is not None:
        known = _STATE(wanted.state or "")
        right = wanted.code is None or _CODE(wanted.code)
        if known is None or known[1] != wanted.session_id or not right:
            return problem(FAILED, call.ticket)
        # Who began it knows `state`; the code is with whoever was at the bank.
        secret = _return_secret(port, call)
        if secret and wanted.code is None:
            return problem(FAILED, call.ticket)
        proof = _digest(secret) if secret else ""
        returning = ReturnFromBank(_digest(known[2]), wanted.code or "", "", proof)
        stood = await _stood(port, session, returning)
    completing = CompleteLink(
        stood.user_id, wanted.connection_id or "", _digest(secret) if secret else ""
    )
    stood = await _stood(port, session, completing)
    if stood.phase == "working":
        stood = await follow(port, session, lambda now: now.phase != "working")
    if stood.opened is not None:
        return json_response(201, _opened(stood), call.ticket)
    if stood.phase == "working":
        return problem(UNAVAILABLE, call.ticket)
    return problem(stood.code or FAILED, call.ticket)


def _opened(stood: LinkStood) -> dict[str, object]:
    """The connection, as it was when it was opened."""
    opened = stood.opened
    assert opened is not None
    return {
        "id": opened.id,
        "provider": stood.provider,
        "bankName": stood.bank_name,
        "cardLast4": stood.card_last4,
        "status": "active",
        "consentExpiresAt": _time(opened.consent_expires_at),
        "linkedAt": _time(opened.linked_at),
        "condition": None,
    }


def _time(at_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Accounts on the mainframe that have no end: who finds out what is true, and two people's word on it.

The rule: a look is one person's, since it changes nothing there. What is true of an account that is held is two people's, and
is what the last look has shown: a number that nobody has seen is accepted by nobody, and nothing is closed that was not
seen to be absent; the mainframe is asked once more before it holds (actors/account/holding.py). Who says it has a name: a
token that a command signed for itself is anybody's who reads the data folder, and so no second pair of eyes. Its number is
shown by its last four characters, and why it was refused by a code of ours.
Source: spec.md S29 to S33, X9, E11, E14; docs/core-banking.md.
"""

import re
from operator import itemgetter
from typing import Final

import msgspec

from comptoir.actors.account.messages import (
    KIND,
    AccountDescribed,
    DescribeAccount,
    LookForAccount,
    Seen,
    SettleAccount,
)
from comptoir.actors.approval.messages import Action
from comptoir.actors.onboarding.account_fields import refusal_code
from comptoir.engine import Address, Erased, Message, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, propose, proposed_before, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.file_stages import masked
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, name_at, placed
from comptoir.http.shapes_accounts import AccountSettlement
from comptoir.http.times import rfc3339

__all__ = ["listed", "look", "settle", "shown"]

CHECKERS: Final = (Role.OPERATIONS.value, Role.ADMIN.value)
"""Another of those who run the programme, or who keeps its access."""
_SETTLEMENT: Final = msgspec.json.Decoder(AccountSettlement)
_ID: Final = re.compile(r"[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch
_PLACE: Final = re.compile(r"[0-9]{15}:[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch
_ENDS: Final = ("created", "refused")
"""Of these nobody needs to look."""
_SEEN: Final = {"created": "created", "refused": "absent"}
"""What must have been seen, by what is found."""


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/core-banking/accounts."""
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    read = await port.open_accounts(wanted.after, wanted.to_read)
    places, following = wanted.cut([(place, True) for place in read], itemgetter(0))
    names = [name_at(place) for place, _ in places]
    found = [(name, await _asked(port, name, DescribeAccount())) for name in names]
    items = [_shown(name, one) for name, one in found if one is not None]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/core-banking/accounts/{onboardingId}."""
    name = call.path["onboardingId"]
    found = await _asked(port, name, DescribeAccount())
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, _shown(name, found), call.ticket)


async def look(port: Port, call: Call) -> Response:
    """POST /api/v1/core-banking/accounts/{onboardingId}/look."""
    name = call.path["onboardingId"]
    found = await _asked(port, name, LookForAccount())
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    if not found.looking and found.status not in _ENDS:
        return problem("ACCOUNT_LOOKS_SPENT", call.ticket)
    return json_response(202, _shown(name, found), call.ticket)


async def settle(port: Port, call: Call) -> Response:
    """POST /api/v1/core-banking/accounts/{onboardingId}/settle."""
    wanted = read_body(call, _SETTLEMENT)
    if isinstance(wanted, Response):
        return wanted
    reason = wanted.reason.strip()
    if not reason or not reason.isprintable():
        errors = [fault("/reason", "one line that says how it was found out")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    name = call.path["onboardingId"]
    before = await proposed_before(port, call, {})
    if before is not None:
        return before
    found = await _asked(port, name, DescribeAccount())
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    seen = found.seen
    if found.status != "held" or seen is None or seen.outcome != _SEEN[wanted.outcome]:
        return problem("ACCOUNT_NOT_SEEN", call.ticket)
    order = SettleAccount(wanted.outcome, seen.account_number, who_calls(call)[0], reason)
    told = (
        f"outcome {wanted.outcome}", found.code, masked(seen.account_number) or "nothing there", reason,
    )  # fmt: skip
    asked = Asked(Action.ACCOUNT, Address(KIND, name), order, name, told, CHECKERS)
    return await propose(port, call, asked, {})


async def _asked(port: Port, name: str, message: Message) -> AccountDescribed | None:
    """An account now; None where none was asked for, or its keys are gone."""
    if not _ID(name):
        return None
    try:
        reply = (await port.ask(Address(KIND, name), message)).reply
    except (Erased, Refused):
        return None
    assert isinstance(reply, AccountDescribed)
    return reply


def _shown(name: str, found: AccountDescribed) -> dict[str, object]:
    return {
        "onboardingId": name,
        "status": found.status,
        "code": _code(found),
        "accountNumber": masked(found.account_number) or None,
        "attempts": found.attempts,
        "askedAt": rfc3339(found.asked_at),
        "heldAt": rfc3339(found.held_at) if found.held_at else None,
        "looking": found.looking,
        "seen": _seen(found.seen),
        "settling": found.settling or None,
    }


def _code(found: AccountDescribed) -> str | None:
    """Why; the mainframe's own words of a refusal may name the client."""
    return (refusal_code(found.code) if found.status == "refused" else found.code) or None


def _seen(found: Seen | None) -> dict[str, object] | None:
    if found is None:
        return None
    number = masked(found.account_number) or None
    return {"outcome": found.outcome, "accountNumber": number, "at": rfc3339(found.at)}

"""Reviews of held files: the queue, one of them, and what a person of compliance does with it.

The rule: who acts is who the token says; that they may is the machine's to decide, and so is what is in the way. A
file that nobody has to review has no review, and is not found here, whoever asks.
Source: interface.md 8 (rows c1); spec.md S7, S11, X5, E14; docs/review.md; adr/0048.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from comptoir.actors.review.messages import (
    KIND,
    ClaimReview,
    DecideReview,
    DescribeReview,
    NoteReview,
    ReleaseReview,
    ReviewDescribed,
    SnoozeReview,
)
from comptoir.engine import Address, Erased, Message, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import is_nobody, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, Placed, name_at, placed
from comptoir.http.shapes_review import Judgement, NewNote, Putoff
from comptoir.http.times import read_rfc3339, rfc3339

__all__ = ["FLAGS", "STATUSES", "claim", "decide", "note", "queue", "release", "shown", "snooze"]

FLAGS: Final = ("mine", "overdue")
STATUSES: Final = ("open", "claimed", "snoozed")
LOOK: Final = 100
LOOKS_MAX: Final = 6
"""So many places are read at once, and so often for one page: each is asked how it is, which nobody shall have to wait
for long. Who filters for what is rare gets a short page.
"""
_PLACE: Final = re.compile(r"[0-9]{15}:[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch
_FILE: Final = re.compile(r"[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch
_NOTE: Final = msgspec.json.Decoder(NewNote)
_PUTOFF: Final = msgspec.json.Decoder(Putoff)
_JUDGEMENT: Final = msgspec.json.Decoder(Judgement)
Keep = Callable[[ReviewDescribed], bool]


async def queue(port: Port, call: Call) -> Response:
    """GET /api/v1/review/queue, what is due first first."""
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
        keep = _filter(call.query, who_calls(call)[0])
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    items, following = await _matching(port, wanted, keep)
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


def _filter(query: Mapping[str, Sequence[str]], caller: str) -> Keep:
    """Which are asked for.

    Raises:
        BadQuery: a value is wrong or given twice.
    """
    errors: list[FieldError] = []
    allowed = {**dict.fromkeys(FLAGS, ("true", "false")), "status": STATUSES}
    chosen: dict[str, str] = {}
    for name, values in allowed.items():
        given = query.get(name, ())
        if len(given) > 1 or not set(given) <= set(values):
            errors.append(fault(f"/query/{name}", f"one of {', '.join(values)}"))
        elif given:
            chosen[name] = given[0]
    if errors:
        raise BadQuery(errors)

    def keep(one: ReviewDescribed) -> bool:
        told = {
            "mine": str(one.claimed_by == caller).lower(),
            "overdue": str(one.overdue).lower(),
            "status": one.status,
        }
        return one.status in STATUSES and all(told[x] == value for x, value in chosen.items())

    return keep


async def _matching(
    port: Port, wanted: Placed, keep: Keep
) -> tuple[list[dict[str, object]], str | None]:
    """A page of those that are kept, and the place of the last one that was looked at where there are more."""
    items: list[dict[str, object]] = []
    after = wanted.after
    for _ in range(LOOKS_MAX):
        places = await port.reviews(after, LOOK)
        for place in places:
            if len(items) == wanted.limit:
                return items, after
            name, after = name_at(place), place
            found = await _described(port, name)
            if found is not None and keep(found):
                items.append(_waiting(name, found))
        if len(places) < LOOK:
            return items, None
    return items, after


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/review/{onboardingId}."""
    return await _told(port, call, DescribeReview())


async def claim(port: Port, call: Call) -> Response:
    """POST /api/v1/review/{onboardingId}/claim; again: it is renewed."""
    return await _told(port, call, ClaimReview(who_calls(call)[0]))


async def release(port: Port, call: Call) -> Response:
    """POST /api/v1/review/{onboardingId}/release."""
    return await _told(port, call, ReleaseReview(who_calls(call)[0]))


async def note(port: Port, call: Call) -> Response:
    """POST /api/v1/review/{onboardingId}/notes."""
    wanted = read_body(call, _NOTE)
    if isinstance(wanted, Response):
        return wanted
    text = wanted.text.strip()
    if not text or not all(line.isprintable() for line in text.split("\n")):
        errors = [fault("/text", "lines of text")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    return await _told(port, call, NoteReview(who_calls(call)[0], text))


async def snooze(port: Port, call: Call) -> Response:
    """POST /api/v1/review/{onboardingId}/snooze."""
    wanted = read_body(call, _PUTOFF)
    if isinstance(wanted, Response):
        return wanted
    until, reason = read_rfc3339(wanted.until), _reason(wanted.reason)
    if until is None or not reason:
        place = "/until" if until is None else "/reason"
        errors = [
            fault(place, "a time such as 2026-11-30T09:00:00.000Z, and one line that says why")
        ]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    return await _told(port, call, SnoozeReview(who_calls(call)[0], until, reason))


async def decide(port: Port, call: Call) -> Response:
    """POST /api/v1/review/{onboardingId}/decision, of a person who is another than who began the file, and of two of them
    where a sanction is suspected.
    """
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    wanted = read_body(call, _JUDGEMENT)
    if isinstance(wanted, Response):
        return wanted
    reason = _reason(wanted.reason)
    if not reason:
        errors = [fault("/reason", "one line that says why")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    approve = wanted.decision == "approve"
    return await _told(port, call, DecideReview(who_calls(call)[0], approve, reason))


def _reason(given: str) -> str:
    """What was given on one line; empty: it was not."""
    text = given.strip()
    return text if text.isprintable() else ""


async def _told(port: Port, call: Call, message: Message) -> Response:
    name = call.path["onboardingId"]
    if not _FILE(name) or await _described(port, name) is None:
        return problem("NOT_FOUND", call.ticket)
    found = (await port.ask(Address(KIND, name), message)).reply
    assert isinstance(found, ReviewDescribed)
    return json_response(200, _whole(name, found), call.ticket)


async def _described(port: Port, name: str) -> ReviewDescribed | None:
    """A review now; None where there is none, or its keys are gone."""
    try:
        found = (await port.ask(Address(KIND, name), DescribeReview())).reply
    except (Erased, Refused):
        return None
    assert isinstance(found, ReviewDescribed)
    return found


def _waiting(name: str, found: ReviewDescribed) -> dict[str, object]:
    return {
        "onboardingId": name,
        "status": found.status,
        "round": found.round,
        "clientType": found.client_type,
        "reasons": list(found.reasons),
        "score": found.score,
        "recommendation": found.recommendation,
        "accelerated": found.accelerated,
        "claimedBy": found.claimed_by or None,
        "openedAt": rfc3339(found.opened_at),
        "dueAt": rfc3339(found.due_at),
        "overdue": found.overdue,
        "snoozedUntil": rfc3339(found.snoozed_until) if found.snoozed_until else None,
        "noteCount": len(found.notes),
        "twoPeople": found.two_people,
        "approvedFirstBy": found.approved_first_by or None,
    }


def _whole(name: str, found: ReviewDescribed) -> dict[str, object]:
    return {
        **_waiting(name, found),
        "notes": [{"by": x.by, "at": rfc3339(x.at), "text": x.text} for x in found.notes],
        "decidedBy": found.decided_by or None,
        "decidedAt": rfc3339(found.decided_at) if found.decided_at else None,
        "reason": found.reason or None,
        "approvedFirstReason": found.approved_first_reason or None,
    }

"""What is to become of dead letters, as people of the house decide it over the API.

The rule: one letter is one person's decision; many at once, and giving up a call whose outcome nobody knows
(which may be a payment), are two people's. What was decided is durable before it is answered, and is done
after. A letter has one disposition, whose id is the letter's own: asked for again, it is told again.
Where there are no accounts there is no second person, and whoever is on this machine decides alone.
Source: interface.md 7 (rows b1); spec.md S64, E14; adr/0032.
"""

import re
from typing import Final

import msgspec

from comptoir.actors.approval.messages import Action
from comptoir.actors.disposition.messages import (
    KIND,
    OTHERWISE,
    Act,
    DescribeDisposition,
    DisposeLetter,
    DispositionDescribed,
    ReplayLetters,
)
from comptoir.engine import Address, Message
from comptoir.engine.gateway_spec import HOLD
from comptoir.engine.letters import LetterFilter
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, draw_approval, propose, proposed_before, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.dead_letters import letter_of
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import FieldError, problem
from comptoir.http.shapes_upkeep import Discard, ReplayMany
from comptoir.http.times import read_rfc3339, rfc3339

__all__ = ["described", "discard", "replay", "replay_many"]

CHECKERS: Final = (Role.OPERATIONS.value, Role.ADMIN.value)
"""Another of those who run the programme, or who keeps its access."""
_DISCARD: Final = msgspec.json.Decoder(Discard)
_MANY: Final = msgspec.json.Decoder(ReplayMany)
_ID: Final = re.compile(r"dl_[0-9a-f]{16}|dsp_[0-9a-f]{20}").fullmatch


async def replay(port: Port, call: Call) -> Response:
    """POST /api/v1/dead-letters/{letterId}/replay."""
    return await _dispose(port, call, Act.REPLAY)


async def discard(port: Port, call: Call) -> Response:
    """POST /api/v1/dead-letters/{letterId}/discard."""
    wanted = read_body(call, _DISCARD)
    if isinstance(wanted, Response):
        return wanted
    reason = wanted.reason.strip()
    if not reason or not reason.isprintable():
        errors = [fault("/reason", "one line that says why")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    return await _dispose(port, call, Act.DISCARD, reason)


async def _dispose(port: Port, call: Call, act: Act, reason: str = "") -> Response:
    """Decide about one letter, or tell what was decided before."""
    name = call.path["letterId"]
    number = letter_of(name)
    if number is None:
        return problem("NOT_FOUND", call.ticket)
    address = Address(KIND, name)
    row = await port.letters.letter(number)
    if row is None:  # gone: by such a decision, or it never was
        before = await _described(port, address)
        known = before.act == act
        return _answer(202, name, before, call) if known else problem(OTHERWISE, call.ticket)
    if act is Act.REPLAY:
        await port.letters.open_letter(number)  # what nobody can read any more is refused by name
    order = DisposeLetter(act, number, who_calls(call)[0], reason)
    if row.queue == HOLD and act is Act.DISCARD and port.identity is not None:
        told = (row.target.kind, row.code, reason)
        asked = Asked(Action.SETTLE, address, order, name, told, CHECKERS)
        return await propose(port, call, asked, _shown(name, _proposed(port, call, act, reason)))
    reply = (await port.ask(address, order)).reply
    assert isinstance(reply, DispositionDescribed)
    return _answer(202, name, reply, call)


async def replay_many(port: Port, call: Call) -> Response:
    """POST /api/v1/dead-letters/replay."""
    wanted = read_body(call, _MANY)
    if isinstance(wanted, Response):
        return wanted
    chosen = _filter(wanted)
    if not isinstance(chosen, LetterFilter):
        return problem("REQUEST_INVALID", call.ticket, errors=chosen)
    name = f"dsp_{draw_approval(call).removeprefix('apr_')}"
    newest = await port.letters.letters(chosen, None, 1)
    until = newest[0].id if newest else 0
    letters = await port.letters.count_letters(chosen, until)
    shown = _shown(name, _proposed(port, call, Act.REPLAY, letters=letters))
    if port.identity is not None:
        again = await proposed_before(port, call, shown)
        if again is not None:
            return again
    if not letters:
        return problem("NOT_FOUND", call.ticket)
    pace = port.rules.replay_per_second_max
    order = ReplayLetters(chosen, until, who_calls(call)[0], pace)
    address = Address(KIND, name)
    if port.identity is None:
        reply = (await port.ask(address, order)).reply
        assert isinstance(reply, DispositionDescribed)
        return _answer(202, name, reply, call)
    told = (f"letters {letters}", *(f"{key} {value}" for key, value in _said(wanted)))
    asked = Asked(Action.REPLAY, address, order, wanted.queue, told, CHECKERS)
    return await propose(port, call, asked, shown)


def _proposed(
    port: Port, call: Call, act: Act, reason: str = "", letters: int = 1
) -> DispositionDescribed:
    """What will be decided once a second person agrees."""
    maker, _ = who_calls(call)
    return DispositionDescribed(act, "proposed", letters, maker, reason, "", port.now_ms())


def _filter(wanted: ReplayMany) -> LetterFilter | list[FieldError]:
    """Which letters are meant, or what is wrong with that."""
    times: list[int | None] = []
    errors: list[FieldError] = []
    for name, given in (("diedFrom", wanted.died_from), ("diedBefore", wanted.died_before)):
        times.append(None if given is None else read_rfc3339(given))
        if given is not None and times[-1] is None:
            errors.append(fault(f"/{name}", "a time such as 2026-11-30T09:00:00Z"))
    if errors:
        return errors
    return LetterFilter(wanted.queue, wanted.code or "", wanted.kind or "", *times)


def _said(wanted: ReplayMany) -> list[tuple[str, str]]:
    """The filter as the person who checks it is to see it."""
    fields = msgspec.to_builtins(wanted)
    return [(key, value) for key, value in fields.items() if value is not None]


async def described(port: Port, call: Call) -> Response:
    """GET /api/v1/dead-letters/dispositions/{dispositionId}."""
    name = call.path["dispositionId"]
    if not _ID(name):
        return problem("NOT_FOUND", call.ticket)
    return _answer(200, name, await _described(port, Address(KIND, name)), call)


async def _described(port: Port, address: Address) -> DispositionDescribed:
    """How far it is; where nothing was decided it is refused as NOT_FOUND."""
    message: Message = DescribeDisposition()
    reply = (await port.ask(address, message)).reply
    assert isinstance(reply, DispositionDescribed)
    return reply


def _answer(status: int, name: str, found: DispositionDescribed, call: Call) -> Response:
    return json_response(status, _shown(name, found), call.ticket)


def _shown(name: str, found: DispositionDescribed) -> dict[str, object]:
    return {
        "dispositionId": name,
        "act": str(found.act),
        "status": found.status,
        "letters": found.letters,
        "maker": found.maker,
        "reason": found.reason,
        "code": found.code or None,
        "since": rfc3339(found.since),
    }

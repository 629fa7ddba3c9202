"""Assessments of clients, told to those whom they concern (E3), and read again to be taken again (E2).

The rules:
- compliance sees a case factor by factor, with the facts, the hits and the words of the bureau, and what would change it;
- client and advisor see what explaining.py tells them: of a case in which a search, a country or a check that is missing
  had a part, or in which anything disagrees, one neutral sentence, and nothing else;
- what they see is of the decision as it was taken: a list that changes later changes nothing of it;
- a decision is explained by the rules that it was taken by, whatever the settings say by now.
Source: interface.md 8; spec.md S26, X3, E2, E3.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from comptoir.actors.kyc.deciding import Decided
from comptoir.actors.kyc.explaining import NEUTRAL, Audience, Explained, explain
from comptoir.actors.kyc.messages import KIND, CaseDescribed, DescribeCase
from comptoir.actors.kyc.replay import Stored
from comptoir.actors.kyc.rules import Rules
from comptoir.actors.onboarding.messages import KIND as FILE
from comptoir.actors.onboarding.messages import DescribeFile, FileDescribed
from comptoir.engine import Address
from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import problem
from comptoir.http.queries import CURSOR_FAULT, BadQuery, number
from comptoir.http.times import rfc3339

__all__ = ["audience_of", "case_of", "listed", "shown"]

NOT_ASSESSED: Final = Explained(
    "NOT_ASSESSED",
    text_fr="Le dossier n'a pas encore été examiné.",
    text_en="The file has not been assessed yet.",
)
_NUMBER: Final = re.compile(r"[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch


def audience_of(call: Call, file: FileDescribed) -> Audience:
    """Whom a caller is told things as; without accounts this machine is everybody."""
    who = call.principal
    if who is None or Role.COMPLIANCE in who.roles:
        return Audience.COMPLIANCE
    mine = who.subject == file.opened.user_id
    return Audience.CLIENT if mine else Audience.ADVISOR


async def case_of(port: Port, file: str) -> CaseDescribed:
    """The case of a file; one that there is not says so."""
    reply = (await port.ask(Address(KIND, file), DescribeCase())).reply
    assert isinstance(reply, CaseDescribed)
    return reply


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}/kyc."""
    name = call.path["onboardingId"]
    file = (await port.ask(Address(FILE, name), DescribeFile())).reply
    assert isinstance(file, FileDescribed)
    access, opened = call.access, file.opened
    if not (access.covers(opened.user_id) or access.covers(opened.advisor)):
        return problem("NOT_FOUND", call.ticket)
    case, audience = await case_of(port, name), audience_of(call, file)
    told: dict[str, object] = {"onboardingId": name, **_told(_explained(case, audience))}
    if audience is Audience.COMPLIANCE:
        told["case"] = _whole(case)
    return json_response(200, told, call.ticket)


def _explained(case: CaseDescribed, audience: Audience) -> Explained:
    """What this audience hears of a case."""
    if case.status == "none":
        return NOT_ASSESSED
    compliance = audience is Audience.COMPLIANCE
    if case.decided is None or (case.disagreements and not compliance):
        return NEUTRAL
    rules = msgspec.convert(case.rules, Rules)
    return explain(rules, msgspec.convert(case.decided, Decided), audience)


def _told(found: Explained) -> dict[str, object]:
    change = found.what_if
    return {
        "code": found.code,
        "score": found.score,
        "recommendation": None if found.recommendation is None else found.recommendation.value,
        "factors": msgspec.to_builtins(found.shares),
        "reasons": list(found.reasons),
        "whatIf": None if change is None else msgspec.to_builtins(change),
        "text": {"fr": found.text_fr, "en": found.text_en},
    }


def _whole(case: CaseDescribed) -> dict[str, Any]:
    decided = case.decided or {}
    return {
        "status": case.status,
        "round": case.round,
        "kycScore": case.score,
        "computedScore": case.computed_score,
        "riskLevel": case.risk_level,
        "recommendation": case.recommendation,
        "reasons": list(case.reasons),
        "disagreements": list(case.disagreements),
        "waitsFor": list(case.waits_for),
        "impossible": dict(case.impossible),
        "checks": dict(case.checks),
        "hits": [_camel(hit) for hit in case.hits],
        "headlines": list(case.headlines),
        "facts": decided.get("facts"),
        "factsDigest": decided.get("factsDigest"),
        "rules": case.rules,
        "rulesVersion": decided.get("rulesVersion"),
        "rulesDigest": decided.get("rulesDigest"),
        "decidedAt": rfc3339(case.decided_at) if case.decided_at else None,
        "decidedBy": case.by or None,
        "reviewedReason": case.reviewed or None,
    }


def _camel(hit: Mapping[str, Any]) -> dict[str, Any]:
    """A hit as it is shown, and what is otherwise than when it was judged."""
    shown = {_outside(key): hit[key] for key in hit}
    since = [{**one, "what": _outside(one["what"])} for one in hit.get("since", ())]
    return {**shown, "since": since}


def _outside(name: str) -> str:
    return "birthDates" if name == "birth_dates" else name


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/kyc/decisions: what our rules decided, file by file, in the order of their numbers."""
    rules, cursors = port.rules, call.query.get("cursor", ())
    try:
        limit = number(call.query, "limit", rules.page_items_default, rules.page_items_max)
        if len(cursors) > 1 or not all(map(_NUMBER, cursors)):
            raise BadQuery([CURSOR_FAULT])
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    found = await port.cases(cursors[0] if cursors else "", limit + 1)
    items: list[object] = []
    for name in found[:limit]:
        decided = (await case_of(port, name)).decided
        if decided is not None:
            items.append(msgspec.to_builtins(Stored.of(name, msgspec.convert(decided, Decided))))
    more = found[limit - 1] if len(found) > limit else None
    return json_response(200, {"items": items, "nextCursor": more}, call.ticket)

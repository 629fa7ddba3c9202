"""What a connection does with what its provider reports of it, beside transactions.

Rules:
- a report is taken once per provider and reference (X16); what it asks for may be asked for twice without
  harm all the same: to read by the cursor, to end what has ended;
- one of an unknown connection is kept as a transaction is (interface.md 6, row 11);
- how it stands is shown to its person; where only they can help, the consent has ended over there until they
  have; where the provider tries again by itself, it is read a while after that;
- the person may have ended it at the provider: then it is revoked here as if they had done it here, and the
  provider is told, until it says that nothing is left (S57).

Source: spec.md S45, S52, S57, S60, X16, X20, E10.
"""

import msgspec

from comptoir.actors.connection import consent, syncing, transactions
from comptoir.actors.connection.conditions import PERSON, condition_of
from comptoir.actors.connection.healing import READING
from comptoir.actors.connection.messages import (
    Condition,
    ConnectionReported,
    Noted,
    ReadOn,
    ReportHeld,
    Revoke,
)
from comptoir.actors.connection.showing import shown
from comptoir.actors.connection.state import ConditionChanged, ConnectionState, Outcome
from comptoir.actors.programme import DAY_MS, programme_of
from comptoir.engine import Decision, Once, Outgoing, Refusal
from comptoir.engine.machine import Context

__all__ = ["heed", "heed_held", "heed_lapsed", "heed_lapsed_held", "hold", "ignore", "ignore_held"]

KNOWN_MS = DAY_MS
"""A report is known for so long: a replay is outside its scheme's window long before."""
AFTER_TRY_MS = 900_000
"""So long after the provider's next try its outcome is there to read."""
TRY_MS_MAX = 7 * DAY_MS
"""A next try that is further off is not waited for."""


def hold(
    state: ConnectionState, message: ConnectionReported, context: Context
) -> Outcome | Refusal:
    """It came before its connection: keep it until that appears."""
    if state.held >= transactions.HELD_MAX:
        return Refusal("OVERLOADED", "too much waits for this connection")
    until = context.now + programme_of(context).unknown_connection_ms
    held = Outgoing(context.address, ReportHeld(message), until, parked=True)
    return Decision(
        msgspec.structs.replace(state, held=state.held + 1),
        Noted("parked"),
        messages=(held,),
        once=_once(message),
    )


def heed(state: ConnectionState, message: ConnectionReported, context: Context) -> Outcome:
    """While its consent is in force."""
    return _taken(_heeded(state, message, context), message)


def heed_held(state: ConnectionState, message: ReportHeld, context: Context) -> Outcome:
    """The connection has appeared."""
    return _heeded(_fewer(state), message.report, context)


def heed_lapsed(state: ConnectionState, message: ConnectionReported, context: Context) -> Outcome:
    """While there is no consent to read by."""
    return _taken(_heeded_lapsed(state, message, context), message)


def heed_lapsed_held(state: ConnectionState, message: ReportHeld, context: Context) -> Outcome:
    """Likewise of one that was kept."""
    return _heeded_lapsed(_fewer(state), message.report, context)


def ignore(state: ConnectionState, message: ConnectionReported, _context: Context) -> Outcome:
    """After its end nothing follows from it any more."""
    return _taken(Decision(state), message)


def ignore_held(state: ConnectionState, _message: ReportHeld, _context: Context) -> Outcome:
    """Likewise of one that was kept."""
    return Decision(_fewer(state))


def _heeded(state: ConnectionState, report: ConnectionReported, context: Context) -> Outcome:
    if _concerns_another(state, report):
        return Decision(state)
    match report.event:
        case "updates" | "repaired":
            return syncing.begin(state, context)
        case "ending":
            return consent.shorten(state, report.until, context)
        case "lapsed" if state.tokens is not None:
            return consent.lapse(state, "provider", context)
        case "state":
            return _stands(state, report, context)
        case "failing":
            return _noted(state, _failing(context), context)
        case "revoked" if state.tokens is not None:
            revoked = consent.revoke(state, Revoke(), context)
            assert isinstance(revoked, Decision)
            return revoked
        case _:
            return Decision(state)


def _heeded_lapsed(state: ConnectionState, report: ConnectionReported, context: Context) -> Outcome:
    if _concerns_another(state, report):
        return Decision(state)
    if report.event == "repaired":
        return consent.restore(state, context)
    if report.event == "state":
        return _stands_lapsed(state, report, context)
    if report.event == "revoked":
        return _heeded(state, report, context)
    return Decision(state)


def _stands(state: ConnectionState, report: ConnectionReported, context: Context) -> Outcome:
    """While its consent is in force."""
    condition = report.condition
    if condition is not None and condition.remedy == PERSON and state.tokens is not None:
        over = consent.lapse(state, "provider", context, condition)
        changed = ConditionChanged(state.id, condition.name)
        return msgspec.structs.replace(over, events=(changed, *over.events))
    noted = _noted(state, condition, context)
    if condition is not None or not report.until:
        return noted
    sooner = consent.shorten(noted.state, report.until, context)
    return msgspec.structs.replace(
        sooner,
        events=(*noted.events, *sooner.events),
        documents=sooner.documents or noted.documents,
    )


def _stands_lapsed(state: ConnectionState, report: ConnectionReported, context: Context) -> Outcome:
    """While there is no consent to read by: all is well again, or something else is in the way."""
    if report.condition is not None:
        return _noted(state, report.condition, context)
    restored = consent.restore(state, context)
    if restored.documents:
        changed = ConditionChanged(state.id, "")
        return msgspec.structs.replace(restored, events=(changed, *restored.events))
    return _noted(state, None, context)


def _noted(state: ConnectionState, condition: Condition | None, context: Context) -> Outcome:
    """It is known, and shown; where a next try is known, it is read after that."""
    if condition == state.condition:
        return Decision(state)
    changed = msgspec.structs.replace(state, condition=condition)
    name = condition.name if condition is not None else ""
    documents = (shown(changed),) if state.id else ()  # people see nothing of an imported one
    return Decision(
        changed,
        events=(ConditionChanged(state.id, name),),
        messages=_after_try(changed, context),
        documents=documents,
    )


def _failing(context: Context) -> Condition:
    """No provider's word says why, so it is tried again after a while (S52: retry)."""
    return condition_of("bank_unavailable", context.now + AFTER_TRY_MS)


def _after_try(state: ConnectionState, context: Context) -> tuple[Outgoing, ...]:
    condition = state.condition
    if condition is None or state.tokens is None:
        return ()
    if not context.now < condition.next_try <= context.now + TRY_MS_MAX:
        return ()
    due = condition.next_try + AFTER_TRY_MS
    return (Outgoing(context.address, ReadOn(), due, READING),)


def _concerns_another(state: ConnectionState, report: ConnectionReported) -> bool:
    return bool(report.account and state.account and report.account != state.account)


def _fewer(state: ConnectionState) -> ConnectionState:
    return msgspec.structs.replace(state, held=max(0, state.held - 1))


def _taken(decision: Outcome, report: ConnectionReported) -> Outcome:
    return msgspec.structs.replace(decision, reply=Noted(), once=_once(report))


def _once(report: ConnectionReported) -> tuple[Once, ...]:
    key = f"{report.provider}:connection.{report.event}:{report.reference}"
    return (Once("webhook", key, KNOWN_MS),)

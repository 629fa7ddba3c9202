"""The machine that reports a dead-letter queue once a day, as long as there is somebody to report to.

Rules:
- the day ends by a durable timer: one report for each hour that was set, and after an outage one, not as
  many as were missed;
- a report counts the letters at its moment, and those that died since the one before: none is new twice;
- it is made, and can be read, whether or not its mail arrives.

Source: spec.md S64 (daily analysis), S68 (daily e-mail), X23; design.md 3.
"""

from enum import Enum
from typing import Final, cast

import msgspec

from comptoir.actors.gateways.messages import MAIL, NoticeRefused, NoticeTaken, SendMail
from comptoir.actors.letter_report.messages import (
    KIND,
    Cause,
    KeepReporting,
    ListReports,
    Report,
    ReportDue,
    ReportsListed,
)
from comptoir.actors.letter_report.terms import terms_of
from comptoir.actors.letter_report.texts import report_mail
from comptoir.engine import Decision, Event, Message, Outgoing, Reply, State
from comptoir.engine.letters import LetterCount
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "CAUSES_MAX",
    "MACHINE",
    "REPLIES",
    "REPORTS_MAX",
    "LettersReported",
    "Phase",
    "ReportState",
]

REPORTS_MAX: Final = 31
"""A month of them is kept."""
CAUSES_MAX: Final = 20
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
TIMER: Final = "report"
NEVER: Final = -1


class Phase(Enum):
    """Whether reports are made."""

    OFF = "off"
    KEEPING = "keeping"


class ReportState(State, frozen=True):
    """The last reports."""

    phase: Phase
    hour: int = NEVER
    """For which the timer is set."""
    next_at: int = 0
    reports: tuple[Report, ...] = ()
    """Oldest first."""


class LettersReported(Event, frozen=True):
    """A report was made."""

    letters: int
    fresh: int


Outcome = Decision[ReportState]
replace = msgspec.structs.replace


def _next_at(now: int, hour: int) -> int:
    """The next time of day after now, in UTC; days of business time have no leap seconds."""
    today = now - now % DAY_MS + hour * HOUR_MS
    return today if today > now else today + DAY_MS


def _keep(state: ReportState, _message: KeepReporting, context: Context) -> Outcome:
    terms = terms_of(context)
    listed = _listed(state)
    if state.phase is Phase.KEEPING and state.hour == terms.hour:
        return Decision(state, listed)  # the timer stands, and may be due already
    due_at = _next_at(context.now, terms.hour)
    since = state.reports[-1].at if state.reports else context.now
    timer = Outgoing(context.address, ReportDue(since), due_at, TIMER)
    kept = replace(state, phase=Phase.KEEPING, hour=terms.hour, next_at=due_at)
    return Decision(kept, _listed(kept), messages=(timer,))


def _report(state: ReportState, message: ReportDue, context: Context) -> Outcome:
    terms = terms_of(context)
    if not terms.to:
        return Decision(replace(state, phase=Phase.OFF, hour=NEVER, next_at=0))
    counts = cast("tuple[LetterCount, ...]", context.facts)
    mailed = terms.mail
    report = Report(
        context.now,
        message.since,
        sum(count.letters for count in counts),
        sum(count.fresh for count in counts),
        min((count.oldest for count in counts), default=0),
        tuple(Cause(x.code, x.letters, x.fresh, x.oldest) for x in counts[:CAUSES_MAX]),
        "sent" if mailed else "",
    )
    due_at = _next_at(context.now, terms.hour)
    sent = [Outgoing(context.address, ReportDue(context.now), due_at, TIMER)]
    if mailed:
        subject, text = report_mail(context.address.key, report)
        sent.append(Outgoing(MAIL, SendMail(_reference(context, report), terms.to, subject, text)))
    reports = (*state.reports, report)[-REPORTS_MAX:]
    return Decision(
        replace(state, hour=terms.hour, next_at=due_at, reports=reports),
        events=(LettersReported(report.letters, report.fresh),),
        messages=tuple(sent),
    )


def _reference(context: Context, report: Report) -> str:
    return f"{context.address.key}:{report.at}"


def _arrived(state: ReportState, message: NoticeTaken, context: Context) -> Outcome:
    return _noted(state, message.reference, "taken", context)


def _lost(state: ReportState, message: NoticeRefused, context: Context) -> Outcome:
    return _noted(state, message.reference, message.code, context)


def _noted(state: ReportState, reference: str, outcome: str, context: Context) -> Outcome:
    reports = tuple(
        replace(one, mail=outcome) if _reference(context, one) == reference else one
        for one in state.reports
    )
    return Decision(replace(state, reports=reports))


def _list(state: ReportState, _message: Message, _context: Context) -> Outcome:
    return Decision(state, _listed(state))


def _listed(state: ReportState) -> ReportsListed:
    return ReportsListed(state.reports[::-1], state.next_at)


MACHINE: Machine[ReportState] = Machine(
    KIND,
    phases=Phase,
    messages=(KeepReporting, ReportDue, NoticeTaken, NoticeRefused, ListReports),
    rows=(
        row(Phase.OFF, KeepReporting, _keep, Phase.KEEPING),
        row(Phase.KEEPING, KeepReporting, _keep, Phase.KEEPING),
        row(Phase.KEEPING, ReportDue, _report, Phase.KEEPING, Phase.OFF),
        *(row(phase, NoticeTaken, _arrived, phase) for phase in Phase),
        *(row(phase, NoticeRefused, _lost, phase) for phase in Phase),
        *(row(phase, ListReports, _list, phase) for phase in Phase),
    ),
)

REPLIES: tuple[type[Reply], ...] = (ReportsListed,)

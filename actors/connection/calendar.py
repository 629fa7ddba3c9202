"""The calendar of a connection's consent: what comes before its end, and the week in which it is counted.

Rules:
- warnings before the end, and the end, are durable timers (X20, E10); a new consent replaces them;
- a consent is counted in the week in which it is to end, and once it has ended in that in which it did, by what
  became of it. The connection tells the week with the decision that changes it (actors/consent_week);
- one that was imported has no consent and is in no week: it is counted as one that nobody reads, until it is linked.

Source: spec.md X20, E6, E10.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.actors.connection.healing import HEALING, READING, schedule
from comptoir.actors.connection.messages import ConsentEnded, ConsentEnding
from comptoir.actors.connection.state import ConnectionState, ConsentWarned, Outcome, Phase
from comptoir.actors.connection.tokens import ROTATION
from comptoir.actors.consent_week.messages import Became, CountConsent, unread_at, week_at
from comptoir.actors.gateways.messages import SendPush, notified
from comptoir.actors.programme import DAY_MS, programme_of
from comptoir.engine import Decision, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "all_timers",
    "calendar",
    "counted",
    "ended",
    "moved",
    "struck",
    "told",
    "unread_changed",
    "warn",
]

END: Final = "consent:end"
"""Name of a timer, with `consent:DAYS` for warnings."""
_STANDS: Final[Mapping[Phase, Became]] = {Phase.LINKED: Became.LIVE, Phase.LAPSED: Became.LAPSED}
"""As what a consent is counted; in the other phases there is none, or it is over for good."""


def _warnings(state: ConnectionState, context: Context) -> dict[int, int]:
    """Days before the end -> when, of those that are still to come."""
    days = programme_of(context).consent_warning_days
    due = {day: state.consent_expires_at - day * DAY_MS for day in days}
    return {day: at for day, at in due.items() if at > context.now}


def calendar(state: ConnectionState, context: Context) -> tuple[Outgoing, ...]:
    """The timers of a consent, and of what is read by it."""
    me = context.address
    warnings = (
        Outgoing(me, ConsentEnding(day), at, f"consent:{day}")
        for day, at in _warnings(state, context).items()
    )
    end = Outgoing(me, ConsentEnded(), state.consent_expires_at, END)
    return (*warnings, end, *schedule(context))


def struck(state: ConnectionState, context: Context) -> tuple[str, ...]:
    """Timers of an earlier consent that the present one has no place for."""
    coming = _warnings(state, context)
    days = programme_of(context).consent_warning_days
    return tuple(f"consent:{day}" for day in days if day not in coming)


def all_timers(context: Context) -> tuple[str, ...]:
    """Every timer that goes with a consent."""
    days = programme_of(context).consent_warning_days
    return (END, ROTATION, READING, HEALING, *(f"consent:{day}" for day in days))


def told(
    state: ConnectionState, template: str, days: int, context: Context
) -> tuple[Outgoing, ...]:
    """A push to its person, where there is a party for that."""
    if not programme_of(context).push:
        return ()
    reference = f"{state.id}:{template}:{state.consent_expires_at}:{days}"
    return (notified(SendPush(reference, state.user_id, template, days=days)),)


def warn(state: ConnectionState, message: ConsentEnding, context: Context) -> Outcome:
    """So many days are left."""
    return Decision(
        state,
        events=(ConsentWarned(state.id, message.days),),
        messages=told(state, "consent_ending", message.days, context),
    )


# The weeks.


def counted(state: ConnectionState) -> Outgoing:
    """A new consent: it is one more of those that are to end in its week."""
    return Outgoing(
        week_at(state.consent_expires_at), CountConsent(state.provider, None, Became.LIVE)
    )


def ended(state: ConnectionState, became: Became, context: Context) -> tuple[Outgoing, ...]:
    """The consent is over now; one that had lapsed before was so then, and stays in that week."""
    return moved(state, became, min(state.consent_expires_at, context.now))


def moved(state: ConnectionState, became: Became, end: int) -> tuple[Outgoing, ...]:
    """From where the consent of this state is counted to where it is from now on.

    Args:
        state: as it was until now; what was never counted (an imported connection has no consent) moves
            nowhere.
        became: what it is.
        end: when it ends or has ended: business time, ms.
    """
    stood = _STANDS.get(state.phase)
    if not state.counted or stood is None:
        return ()
    old, new = week_at(state.consent_expires_at), week_at(end)
    if old == new:
        same = CountConsent(state.provider, stood, became)
        return (Outgoing(new, same),) if stood is not became else ()
    return (
        Outgoing(old, CountConsent(state.provider, stood, None)),
        Outgoing(new, CountConsent(state.provider, None, became)),
    )


def unread_changed(before: ConnectionState, after: ConnectionState) -> tuple[Outgoing, ...]:
    """It is one more, or one fewer, of those that nobody can read."""
    left = before.provider if before.unread else None
    joined = after.provider if after.unread else None
    if left == joined:
        return ()
    return (
        *((Outgoing(unread_at(), CountConsent(left, Became.LIVE, None)),) if left else ()),
        *((Outgoing(unread_at(), CountConsent(joined, None, Became.LIVE)),) if joined else ()),
    )

"""What a wallet does when the end of a lot has come, or is near enough to say so.

Rules:
- a lot's points expire once, the oldest first; what is blocked for a withdrawal is not in the lot, and what
  was spent neither, so neither expires;
- timers that were due while nobody was there come in the order in which they were set, so the release of a
  hold may come after the end of its lot: then the wallet asks itself again, behind all that waits. What is
  still held by then (its release is a dead letter) expires when it is released;
- a person is told so many days before, once for each day on which points end and each warning, and of what is
  left then; nothing is said of what was spent. Of two warnings that have become due, the later one is given.

Source: spec.md S47, S74, X24, E7; docs/points.md; docs/adr/0040.
"""

import msgspec

from comptoir.actors.gateways.messages import SendPush, notified
from comptoir.actors.programme import DAY_MS, Programme, programme_of
from comptoir.actors.wallet.crediting import Outcome
from comptoir.actors.wallet.lots import EXPIRY, expire_lot, is_good, next_watch
from comptoir.actors.wallet.messages import ExpirePoints
from comptoir.actors.wallet.state import (
    Books,
    ExpiryAnnounced,
    ExpiryFacts,
    PointsExpired,
    WalletState,
)
from comptoir.engine import Decision, Outgoing, Put
from comptoir.engine.journal import Ending
from comptoir.engine.machine import Context

__all__ = ["ENDED_MAX", "expire"]

ENDED_MAX = 500
"""Lots that expire in one decision: more are asked for again at once, so that others come in between."""


def expire(state: WalletState, message: ExpirePoints, context: Context) -> Outcome:
    """The wallet's timer: lots may have ended, or end soon."""
    again = Outgoing(context.address, ExpirePoints(behind=True))
    if state.pending and not message.behind:
        return Decision(state, messages=(again,))
    facts: ExpiryFacts = context.facts
    books = Books.of(state, context.address.key)
    documents: list[Put] = []
    points = 0
    over = [lot for lot in facts.first if not is_good(lot, context.now)]
    for lot in over:
        if lot.id not in facts.held:
            expired, remembered = expire_lot(books, lot, lot.remaining, context.now)
            points += expired
            documents.extend(remembered)
    events = (PointsExpired(points, len(documents)),) if points else ()
    announced: tuple[ExpiryAnnounced, ...] = ()
    messages: tuple[Outgoing, ...] = (again,)
    after = state
    if len(over) < ENDED_MAX or not books.transfers:
        after, announced, messages = _look_ahead(state, facts, context)
    if books.transfers:
        after = books.state(after, context.now)
    return Decision(
        after,
        events=(*events, *announced),
        messages=messages,
        transfers=tuple(books.transfers),
        documents=tuple(documents),
    )


def _look_ahead(
    state: WalletState, facts: ExpiryFacts, context: Context
) -> tuple[WalletState, tuple[ExpiryAnnounced, ...], tuple[Outgoing, ...]]:
    """Warn of what ends soon, and set the timer for the next thing to do."""
    now, programme, user = context.now, programme_of(context), context.address.key
    told: list[ExpiryAnnounced] = []
    due: list[int] = []
    for ending in facts.endings:
        if ending.at <= now:
            continue
        due.append(next_watch(ending.at, now, programme))
        if _is_to_be_told(ending, state.expiry_seen, now, programme):
            told.append(ExpiryAnnounced(ending.at, ending.points))
    messages = [notified(_notice(one, user, now)) for one in told if programme.push]
    expiry_at = min(due, default=0)
    if expiry_at:
        messages.append(Outgoing(context.address, ExpirePoints(), expiry_at, EXPIRY))
    after = msgspec.structs.replace(state, expiry_at=expiry_at, expiry_seen=now)
    return after, tuple(told), tuple(messages)


def _is_to_be_told(ending: Ending, seen: int, now: int, programme: Programme) -> bool:
    """Whether a warning has become due since the wallet looked last."""
    return any(seen < ending.at - lead <= now for lead in programme.warning_ms)


def _notice(one: ExpiryAnnounced, user: str, now: int) -> SendPush:
    days = -(-(one.ends_at - now) // DAY_MS)
    reference = f"expiring:{user}:{one.ends_at // DAY_MS}:{days}"
    return SendPush(reference, user, "points_expiring", one.points, days)

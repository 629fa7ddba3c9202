"""Which tier a wallet has reached, and what it says when that changes.

Rules:
- a tier is reached by points earned by purchases, less those taken back: of all time, or of the last calendar
  years (`points.tier_years`, UTC). Spending, expiry and adjustments change nothing of it;
- points count for the year in which their purchase was credited, and so does what is taken back of it: a
  refund may take a tier back, from its decision on;
- a purchase earns by the tier that was reached before it;
- its owner is told once each time that a tier is reached.

Source: spec.md S47, S74; docs/points.md.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from comptoir.actors.gateways.messages import SendPush, notified
from comptoir.actors.programme import DAY_MS, Programme, Tier, programme_of
from comptoir.actors.wallet.points import tier_reached
from comptoir.actors.wallet.state import TierLost, TierReached, WalletState
from comptoir.engine import Outgoing
from comptoir.engine.machine import Context

__all__ = ["Change", "change_of", "earned", "points_counted", "tier_now"]

EPOCH: Final = date(1970, 1, 1).toordinal()
YEARS_KEPT = 10
"""As many as a tier may be of."""


class Change(msgspec.Struct, frozen=True):
    """What another tier brings with it."""

    events: tuple[TierReached | TierLost, ...] = ()
    messages: tuple[Outgoing, ...] = ()


NO_CHANGE: Final = Change()


def _year_of(at_ms: int) -> int:
    return _year_of_day(at_ms // DAY_MS)


@lru_cache(maxsize=64)  # a credit asks three times, and nearly always for today
def _year_of_day(day: int) -> int:
    return date.fromordinal(EPOCH + day).year


def points_counted(state: WalletState, programme: Programme, now: int) -> int:
    """Points that make the tier at an instant."""
    if not programme.tier_years:
        return state.earned_total
    oldest = _year_of(now) - programme.tier_years
    return max(0, sum(points for year, points in state.earned_years.items() if int(year) > oldest))


def tier_now(state: WalletState, programme: Programme, now: int) -> Tier:
    """The tier at an instant."""
    return tier_reached(points_counted(state, programme, now), programme.tiers)


def earned(
    state: WalletState, points: int, credited_at: int, programme: Programme
) -> tuple[int, Mapping[str, int]]:
    """`earned_total` and `earned_years` after a purchase of that time has earned more (> 0) or less (< 0)."""
    total = max(0, state.earned_total + points)
    if not programme.tier_years or not points:
        return total, state.earned_years
    slot = str(_year_of(credited_at))
    years = {**state.earned_years, slot: state.earned_years.get(slot, 0) + points}
    return total, {year: years[year] for year in sorted(years)[-YEARS_KEPT:]}


def change_of(before: Tier, after: WalletState, context: Context, cause: str) -> Change:
    """What is to be recorded and said, if the tier is another one now.

    Args:
        before: the tier that was reached before the decision.
        after: the wallet after it.
        context: the decision's.
        cause: id of the transaction by which it is reached; a notice is sent once for it.
    """
    programme = programme_of(context)
    now = tier_now(after, programme, context.now)
    if now is before:
        return NO_CHANGE
    if now.minimum_points < before.minimum_points:
        return Change((TierLost(now.id, before.id),))
    reached = (TierReached(now.id, before.id),)
    if not programme.push:
        return Change(reached)
    user = context.address.key
    notice = SendPush(f"tier:{user}:{now.id}:{cause}", user, "tier_reached", now.minimum_points)
    return Change(reached, (notified(notice),))

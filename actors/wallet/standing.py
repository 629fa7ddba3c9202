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
from datetime import UTC, datetime

import msgspec

from comptoir.actors.gateways.messages import PUSH, SendPush
from comptoir.actors.programme import Programme, Tier, programme_of
from comptoir.actors.wallet.points import tier_reached
from comptoir.actors.wallet.state import TierLost, TierReached, WalletState
from comptoir.engine import Outgoing
from comptoir.engine.machine import Context

__all__ = ["Change", "change_of", "earned", "points_counted", "tier_now"]

YEARS_KEPT = 10
"""As many as a tier may be of."""


class Change(msgspec.Struct, frozen=True):
    """What another tier brings with it."""

    events: tuple[TierReached | TierLost, ...] = ()
    messages: tuple[Outgoing, ...] = ()


def _year_of(at_ms: int) -> int:
    return datetime.fromtimestamp(at_ms / 1000, UTC).year


def points_counted(state: WalletState, programme: Programme, now: int) -> int:
    """Points that make the tier at an instant."""
    if not programme.tier_years:
        return state.earned_total
    oldest = _year_of(now) - programme.tier_years
    return max(0, sum(points for year, points in state.earned_years.items() if int(year) > oldest))


def tier_now(state: WalletState, context: Context) -> Tier:
    """The tier at the time of a decision."""
    programme = programme_of(context)
    return tier_reached(points_counted(state, programme, context.now), programme.tiers)


def earned(
    state: WalletState, points: int, credited_at: int, programme: Programme
) -> dict[str, int | Mapping[str, int]]:
    """The counts after a purchase of that time has earned more (> 0) or less (< 0)."""
    total: dict[str, int | Mapping[str, int]] = {
        "earned_total": max(0, state.earned_total + points)
    }
    if not programme.tier_years or not points:
        return total
    slot = str(_year_of(credited_at))
    years = {**state.earned_years, slot: state.earned_years.get(slot, 0) + points}
    return {**total, "earned_years": {year: years[year] for year in sorted(years)[-YEARS_KEPT:]}}


def change_of(before: Tier, after: WalletState, context: Context, cause: str) -> Change:
    """What is to be recorded and said, if the tier is another one now.

    Args:
        before: the tier that was reached before the decision.
        after: the wallet after it.
        context: the decision's.
        cause: id of the transaction by which it is reached; a notice is sent once for it.
    """
    now = tier_now(after, context)
    if now.id == before.id:
        return Change()
    if now.minimum_points < before.minimum_points:
        return Change((TierLost(now.id, before.id),))
    reached = (TierReached(now.id, before.id),)
    if not programme_of(context).push:
        return Change(reached)
    user = context.address.key
    notice = SendPush(f"tier:{user}:{now.id}:{cause}", user, "tier_reached", now.minimum_points)
    return Change(reached, (Outgoing(PUSH, notice),))

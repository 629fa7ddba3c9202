"""The rules of the cashback programme, as machines see them: one frozen value from the settings.

It is a constant among the references of a decision (`Context.references["programme"]`), so that a
machine never reads a setting itself. Source: spec.md S47, S74, X18, X21, X23, X24.
"""

from typing import TYPE_CHECKING

import msgspec

from comptoir.engine.machine import Context

if TYPE_CHECKING:
    from comptoir.engine.settings import Settings

__all__ = ["DAY_MS", "PROGRAMME", "PROVIDERS", "Programme", "Tier", "programme_of"]

PROGRAMME = "programme"
PROVIDERS = ("seed", "powens", "plaid", "tink")
"""Sources of transactions (S42); a transaction is unique per provider."""

DAY_MS = 86_400_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class Tier(msgspec.Struct, frozen=True):
    """A level of the programme (palier), reached with a number of points."""

    id: str
    name: str
    minimum_points: int
    multiplier_bp: int = 10_000


class Programme(msgspec.Struct, frozen=True):
    """What the configuration says about points and waiting."""

    currency: str = "EUR"
    value_cents: int = 1
    """What one point is worth (X21)."""
    withdrawal_minimum: int = 100
    """Points: least balance, and least order (S66)."""
    hold_ms: int = 0
    """Points are pending for so long after a purchase (X24)."""
    lot_ms: int = 0
    """Points are good for so long from the end of their hold on; 0: for ever (S74, E7)."""
    grace_ms: int = 30 * DAY_MS
    """What comes back from a withdrawal that failed is good for so long at least."""
    warning_ms: tuple[int, ...] = (30 * DAY_MS, 7 * DAY_MS)
    """So long before points expire their owner is told; descending."""
    tier_years: int = 0
    """Calendar years, this one included, whose points make a tier; 0: all."""
    tiers: tuple[Tier, ...] = (Tier("base", "Base", 0),)
    """Ascending; the first at 0."""
    unknown_connection_ms: int = DAY_MS
    """How long a transaction of an unknown connection is kept (interface.md 6, row 11)."""
    refund_wait_ms: int = DAY_MS
    """How long a refund waits for its purchase."""
    once_transaction_ms: int = 1095 * DAY_MS
    once_unmatched_ms: int = 30 * DAY_MS
    """X23: of a dropped transaction only the keyed digest stays, for so long."""
    candidate_ms: int = 30 * DAY_MS
    """X23: an unmatched purchase that looked like a partner's is kept sealed for so long; 0: none is."""
    partners_max: int = 100_000
    """How many partners are kept; an import of more is refused as a whole."""
    consent_warning_days: tuple[int, ...] = (14, 7, 1)
    """X20, E10."""
    token_margin_ms: int = 300_000
    """So long before its end an access token is replaced (S45)."""
    heal_ms: int = 6 * HOUR_MS
    """Between two readings of a connection that no webhook asks for (E6); 0: there are none."""
    heal_spread_ms: int = HOUR_MS
    """Over so long those are spread that come late, after an outage of ours."""
    look_back_days: int = 0
    """Purchases of so many days before a link are read."""
    overdue_ms: int = 21 * DAY_MS
    """A payment without an end is overdue so long after it was asked for (S50, X25); 0: never."""
    asks_payer: bool = False
    """Whether whoever pays can be asked what has become of a payment."""
    push: bool = False
    """Whether people can be told anything: there is a party that reaches devices, or one that carries mail."""

    @classmethod
    def of(cls, settings: "Settings") -> "Programme":
        """The programme as configured."""
        from comptoir.engine.compose import mail_carriers  # settings: of who has some

        points, once = settings.points, settings.once
        return cls(
            currency=points.currency,
            value_cents=points.value_cents,
            withdrawal_minimum=points.minimum,
            hold_ms=points.hold_days * DAY_MS,
            lot_ms=points.lot_days * DAY_MS,
            grace_ms=points.grace_days * DAY_MS,
            warning_ms=tuple(
                days * DAY_MS for days in sorted({*points.expiry_warning_days}, reverse=True)
            ),
            tier_years=points.tier_years,
            tiers=tuple(
                Tier(t.id, t.name, t.threshold_points, t.multiplier_bp) for t in points.tiers
            ),
            unknown_connection_ms=settings.webhooks.unknown_connection_hours * HOUR_MS,
            refund_wait_ms=points.refund_wait_hours * HOUR_MS,
            once_transaction_ms=once.transaction_days * DAY_MS,
            once_unmatched_ms=once.unmatched_days * DAY_MS,
            candidate_ms=settings.merchants.candidate_days * DAY_MS,
            partners_max=settings.merchants.partners_max,
            consent_warning_days=settings.connections.consent_warning_days,
            token_margin_ms=settings.connections.token_margin_minutes * MINUTE_MS,
            heal_ms=settings.connections.heal_hours * HOUR_MS,
            heal_spread_ms=settings.connections.heal_spread_minutes * MINUTE_MS,
            look_back_days=settings.connections.look_back_days,
            overdue_ms=settings.withdrawals.overdue_days * DAY_MS,
            asks_payer=settings.withdrawals.payout == "seed",
            push=bool(settings.providers.fcm.base_url or mail_carriers(settings)),
        )


def programme_of(context: Context) -> Programme:
    """The programme in force for this decision."""
    programme: Programme = context.references[PROGRAMME]
    return programme

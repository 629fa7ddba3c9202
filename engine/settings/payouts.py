"""Settings of batches of payouts, where withdrawals are paid by them (`withdrawals.payout = "pain001"`).

Rule: who pays, from which account, is whole before the first batch closes: a start without it is refused.
Source: spec.md S50, X25, X27, E14; protocols.md 5.6; docs/payouts.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from comptoir.engine.settings.cashback import Withdrawals
from comptoir.engine.settings.fields import Section, integer, option
from comptoir.engine.settings.kinds import TextKind
from comptoir.engine.settings.kinds_made import ListKind
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.rules import problem

__all__ = ["Payouts", "payout_problems"]

CLOCK = TextKind("a time of day, HH:MM", r"([01][0-9]|2[0-3]):[0-5][0-9]")
ZONE = TextKind("a name of the zone database", r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")
NAME = TextKind("1 to 70 characters of SEPA's basic set, or empty", r"[A-Za-z0-9/?:().,'+ -]{0,70}")
IBAN = TextKind("an IBAN without blanks, or empty", r"([A-Z]{2}[0-9]{2}[A-Z0-9]{11,30})?")
BIC = TextKind("a BIC of 8 or 11, or empty", r"([A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?)?")
CHECK_MODULUS, CHECK_REST = 97, 1
"""ISO 7064, MOD 97-10."""


@dataclass(frozen=True, slots=True)
class Payouts(Section):
    """Batches of payouts, closed at cut-offs and approved by a second person."""

    debtor_name: str = option("", NAME, "Whose account pays.", "X27", "name")
    debtor_iban: str = option("", IBAN, "The account that pays.", "X27")
    debtor_bic: str = option("", BIC, "Its bank; empty = by the IBAN alone.", "X27")
    time_zone: str = option("Europe/Paris", ZONE, "Where the cut-offs are.", "X25, ours")
    cut_offs: tuple[str, ...] = option(
        ("14:00",), ListKind(CLOCK, 1, 24),
        "Times of day at which a batch closes, on the business days of TARGET.", "X25, X27", "times",
    )  # fmt: skip
    transfers_max: int = integer(
        10_000, "transfers", (1, 100_000),
        "Transfers of one file; those beyond it are in the next one of the same cut-off.", "X27, ours",
    )  # fmt: skip
    sum_cents_max: int = integer(
        0, "cents", (0, 10**14), "Likewise the sum of one file; 0 = no bound.", "X27, ours"
    )
    approval_hours: int = integer(
        24, "hours", (1, 720),
        "A closed batch that waits longer is escalated, and after as long again it is dissolved.", "E14",
    )  # fmt: skip
    report_bytes_max: int = integer(
        16_777_216, "bytes", (65_536, 67_108_864),
        "Largest pain.002 or camt.054 that is read back.", "X27, ours",
    )  # fmt: skip


def payout_problems(payouts: Payouts, withdrawals: Withdrawals) -> Iterator[Problem]:
    """Want a debtor where batches pay, an account number that holds, and a zone that there is."""
    on = withdrawals.payout == "pain001"
    for key in ("debtor_name", "debtor_iban"):
        if on and not getattr(payouts, key).strip():
            yield problem(f"payouts.{key}", "is empty, but batches pay withdrawals", "give it")
    if payouts.debtor_iban and not _holds(payouts.debtor_iban):
        yield problem("payouts.debtor_iban", "has wrong check digits", "look for a wrong character")
    try:
        ZoneInfo(payouts.time_zone)
    except (KeyError, ValueError, OSError):  # unknown; no name of one; a folder of the database
        yield problem(
            "payouts.time_zone", "is not in the zone database", "give one, as Europe/Paris"
        )


def _holds(iban: str) -> bool:
    """ISO 7064 over the number with its first four characters last, letters as two digits."""
    digits = "".join(str(int(one, 36)) for one in iban[4:] + iban[:4])
    return int(digits) % CHECK_MODULUS == CHECK_REST

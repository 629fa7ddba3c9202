"""Amounts of outside parties as integer cents: exactly, or not at all.

Rule: decided on the digits, so that no arithmetic rounds and no exponent costs anything.
Source: interface.md 1 (money is integer cents) and 6 (row 7: at most 99,999,999.99).
"""

from decimal import Decimal
from typing import Final

__all__ = ["CENTS_MAX", "NO_CURRENCY", "cents_of"]

CENTS_MAX: Final = 9_999_999_999
NO_CURRENCY: Final = "XXX"
"""ISO 4217: of an amount that earns nothing, so that it keeps back nothing that comes after it."""
_DECIMALS: Final = 2
_MAGNITUDE_MAX: Final = 7
"""Of the first digit of 99,999,999.99."""


def cents_of(amount: Decimal) -> int | None:
    """An amount in major units as cents, without its sign.

    Args:
        amount: finite.

    Returns:
        None where it is no whole number of cents, or over `CENTS_MAX`.
    """
    _, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int)
    if not amount:
        return 0
    if amount.adjusted() > _MAGNITUDE_MAX:
        return None
    beyond = -(exponent + _DECIMALS)
    if beyond <= 0:
        cents: int = int("".join(map(str, digits))) * 10**-beyond
        return cents
    whole, rest = digits[: max(0, len(digits) - beyond)], digits[max(0, len(digits) - beyond) :]
    if any(rest):
        return None
    return int("".join(map(str, whole)) or "0")

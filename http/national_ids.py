"""Numbers that states give to people, as far as their check digits go. Pure.

The rule: a number whose own check says that it is wrong is refused, never mended; of the others only the form is held.
Source: spec.md X11; the Social Insurance Number's check (Luhn, ISO/IEC 7812-1 annex B); the NIR's key (97 - n mod 97,
Corsica's 2A and 2B as 19 and 18); 20 CFR 422.103 (an SSN has no area 000, 666 or 900 to 999, no group 00, no serial 0000).
"""

import re
from typing import Final

__all__ = ["is_number", "luhn"]

_NIR: Final = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{8}").fullmatch
_SSN: Final = re.compile(r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}").fullmatch
_SIN: Final = re.compile(r"[0-9]{9}").fullmatch


def is_number(kind: str, text: str) -> bool:
    """Whether it can be one of this kind; blanks and dashes do not count."""
    plain = re.sub(r"[ -]", "", text).upper()
    if kind == "SIN":
        return _SIN(plain) is not None and luhn(plain)
    if kind == "SSN":
        return _SSN(plain) is not None
    if kind == "NIR":
        return _NIR(plain) is not None and _key(plain)
    return bool(plain)


def luhn(digits: str) -> bool:
    """Whether the last of these digits is the check of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += sum(divmod(int(digit) * (1 + place % 2), 10))
    return total % 10 == 0


def _key(plain: str) -> bool:
    number = int(plain[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(plain[13:])

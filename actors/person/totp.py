"""One-time passwords of an authenticator app, by time. A pure function; its vectors are the RFC's.

Six digits, HMAC-SHA-1 and steps of 30 seconds: what every app can do, and most can do nothing else.
SHA-1's collisions are no matter to HMAC.
Source: RFC 6238 sections 4 and 5.2; RFC 4226 section 5.3.
"""

import hmac
from typing import Final

__all__ = ["SEED_BYTES", "STEP_SECONDS", "password_at", "step_of"]

STEP_SECONDS: Final = 30
"""RFC 6238 section 5.2."""
SEED_BYTES: Final = 20
"""160 bits, as RFC 4226 section 4 recommends."""
DIGITS: Final = 6
WINDOW_STEPS: Final = 1
"""Before and after: for a phone's clock and a slow thumb (RFC 6238 section 5.2: at most one)."""


def password_at(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """The password of one step: RFC 4226 section 5.3, dynamic truncation."""
    mac = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(seed: bytes, password: str, now_ms: int, after: int) -> int | None:
    """The step whose password it is, within the window; None if it is none's.

    Args:
        seed: the person's.
        password: as it was typed.
        now_ms: business time.
        after: the last step that was used: it and those before it are used up (RFC 6238 section 5.2).
    """
    middle = now_ms // 1000 // STEP_SECONDS
    found = None
    for step in range(middle - WINDOW_STEPS, middle + WINDOW_STEPS + 1):
        right = hmac.compare_digest(password_at(seed, step).encode(), password.encode())
        if right and step > after:  # all are looked at, so that time does not tell which it was
            found = step
    return found

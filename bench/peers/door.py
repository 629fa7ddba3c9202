"""What all peers do before the database: who signed, and which partner a label names.

Rule: as efficient as the daemon's own, so that the comparison is of designs: the signature is one
call of OpenSSL compared in constant time, and a label costs a few look-ups in a dict, whatever the
number of partners.
Source: docs/peers' promise in bench/peers/__init__.py; interface.md 4 and 6, rows 3 and 4.
"""

import hmac
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Matcher", "Options", "cents", "fault", "points"]

WINDOW_MS = 300_000
AMOUNT_MAX = Decimal("99999999.99")
_SIGNATURE = re.compile(r"(?:sha256=)?([0-9A-Fa-f]{64})").fullmatch
_FRONT = re.compile(
    r"(?:paiement |achat )?(?:par )?(?:cb|carte)(?: x[0-9]{4})?(?: [0-9]{4})? "
).match
_WORD = re.compile(r"[^\W_]+").findall


@dataclass(frozen=True)
class Options:
    """How a peer was started, from its environment."""

    url: str
    secret: bytes
    workers: int
    pool: int
    """Sessions of one worker."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Options":
        """Of this process."""
        return cls(
            environment["PEER_URL"],
            environment["PEER_SECRET"].encode(),
            int(environment.get("PEER_WORKERS", "1")),
            int(environment.get("PEER_POOL", "16")),
        )


def fault(options: Options, headers: Mapping[str, str], body: bytes, now_ms: int) -> str | None:
    """None for a genuine webhook in its window, else the code."""
    timestamp = headers.get("x-webhook-timestamp", "")
    given = _SIGNATURE(headers.get("x-webhook-signature", ""))
    if given is None or not (timestamp.isascii() and timestamp.isdigit()):
        return "WEBHOOK_SIGNATURE_INVALID"
    made = hmac.digest(options.secret, timestamp.encode() + b"." + body, "sha256")
    if not hmac.compare_digest(made, bytes.fromhex(given[1])):
        return "WEBHOOK_SIGNATURE_INVALID"
    if len(timestamp) > 16 or abs(now_ms - int(timestamp)) > WINDOW_MS:
        return "WEBHOOK_TIMESTAMP_EXPIRED"
    return None


def cents(amount: Decimal) -> int | None:
    """An amount in cents, exactly; None where it is none (negative, too large, parts of a cent)."""
    if not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX:
        return None
    scaled = amount * 100
    return int(scaled) if scaled == int(scaled) else None


def points(amount_cents: int, rate_bp: int) -> int:
    """Rounded down once."""
    return amount_cents * rate_bp // 10_000


def _words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    folded = text.casefold()
    if not folded.isascii():
        folded = "".join(
            c for c in unicodedata.normalize("NFKD", folded) if c.isalnum() or c == " "
        )
    found: list[str] = _WORD(folded)
    return found


class Matcher:
    """Partners by their normalised names; the longest name that a label begins with wins."""

    def __init__(self, partners: Iterable[tuple[str, str, int]]) -> None:
        """Args: (id, name, rate in basis points) of each."""
        self._by_name: dict[str, tuple[str, int]] = {}
        self._longest: dict[str, int] = {}
        for identity, name, rate_bp in partners:
            words = _words(name)
            self._by_name[" ".join(words)] = (identity, rate_bp)
            self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))

    def match(self, label: str) -> tuple[str, int] | None:
        """(id, rate) of the partner, or None."""
        words = _words(label)
        front = _FRONT(" ".join(words) + " ")
        if front is not None:
            words = words[front[0].count(" ") :]
        if not words:
            return None
        for length in range(min(self._longest.get(words[0], 0), len(words)), 0, -1):
            if found := self._by_name.get(" ".join(words[:length])):
                return found
        return None

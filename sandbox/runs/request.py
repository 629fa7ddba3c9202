"""What a run may be asked for.

Rule: every field is bounded; what is absent has the default that the contract prints.

Source: interface.md 10 (`POST /control/runs`).
"""

from collections.abc import Collection
from typing import Annotated

import msgspec

from comptoir.sandbox.errors import invalid, nearest
from comptoir.sandbox.schemes import SCHEMES, SEED_V1

COUNT_MAX = 10_000_000
CONNECTIONS_MAX = 256

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,48}$")]


class Mix(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """Shares of all webhooks of a run; what they leave are purchases at no partner."""

    partner: Share = 0.8
    """Purchases at partners: so many, or all that the others leave."""
    duplicate: Share = 0.01
    """The same transaction again, half of them with another body."""
    forged: Share = 0.005
    late: Share = 0.005
    refund: Share = 0.01
    replay: Share = 0.0
    """The very bytes of an acknowledged webhook again."""
    unknown_connection: Share = 0.0
    reorder_window: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
    """Webhooks are shuffled within groups of so many; 1 keeps their order."""
    burst: Share = 0.0
    """Share of the groups of `BURST_WEBHOOKS` that are sent without pacing."""

    def special(self) -> float:
        """The share of everything that is not an ordinary purchase."""
        return (
            self.duplicate
            + self.forged
            + self.late
            + self.refund
            + self.replay
            + self.unknown_connection
        )


class RunRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """The body of `POST /control/runs`."""

    target: str
    secret: str
    count: Annotated[int, msgspec.Meta(ge=1, le=COUNT_MAX)]
    partners_csv: str
    connections_csv: str
    scheme: str = SEED_V1
    rate_per_second: Annotated[float, msgspec.Meta(gt=0, le=100_000)] | None = None
    connections: Annotated[int, msgspec.Meta(ge=1, le=CONNECTIONS_MAX)] = 32
    seed: int | Name = 0
    mix: Mix = msgspec.field(default_factory=Mix)
    id_prefix: Name = ""
    value_cents: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    """The receiver's `points.value_cents` (X21)."""
    window_ms: Annotated[int, msgspec.Meta(ge=1000, le=86_400_000)] = 300_000
    """The receiver's `webhooks.window_ms` (S55)."""
    start_at: str | None = None
    """Times inside the bodies count from here (RFC 3339); default now."""
    timeout_ms: Annotated[int, msgspec.Meta(ge=10, le=120_000)] = 10_000
    """How long an answer may take before the webhook is sent again."""
    retry_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 60.0
    """How long one webhook is sent again after failures; so long without any answer ends the run."""


def check(request: RunRequest) -> None:
    """What the types do not say; raises `Refused` 422."""
    check_scheme(request.scheme, {SEED_V1})  # the bodies of a run are the seed's
    if not request.secret:
        raise invalid("/secret", "FIELD_INVALID", "empty")
    if request.mix.special() > 1:
        detail = "the shares of special webhooks add up to more than 1"
        raise invalid("/mix", "FIELD_INVALID", detail)


def check_scheme(name: str, known: Collection[str] = SCHEMES) -> None:
    """Raises `Refused` 422 for a scheme that is not one of these."""
    if name not in known:
        raise invalid("/scheme", "SCHEME_UNKNOWN", f"no such scheme: {nearest(name, known)}")

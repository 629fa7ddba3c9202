"""The demo's comparison: what a correct daemon must hold against what this one holds, and the table.

Rule: the figures of what must be come from another process, the sandbox, which counts what was
acknowledged to it; a single point of difference in a single wallet fails the demo.
Source: issue "the engine" (deliver 7); interface.md 10 (result of a run).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comptoir.engine.cli.demo_books import Books

__all__ = ["Compared", "Timings", "compare", "rows_of"]

TAKEN = ("accepted", "duplicate", "parked")
"""What 2xx answers say (interface.md 6)."""
USERS_SHOWN_MAX = 5


@dataclass(slots=True)
class Timings:
    """Seconds."""

    first_webhook: float = 0.0
    """From the command to the first acknowledged webhook."""
    away: float = 0.0
    """From SIGKILL to ready again; 0 without a kill."""
    settled: float = 0.0
    """From the last answer until nothing was due any more."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Points expected and found, by user."""

    expected: int
    found: int
    differing: tuple[str, ...]
    complaints: tuple[str, ...] = field(default=())
    """Whatever else is not as it must be."""

    @property
    def good(self) -> bool:
        """Nothing is missing and nothing is too much."""
        return not self.differing and not self.complaints and self.expected == self.found


def compare(
    run: Mapping[str, Any],
    before: Mapping[str, int],
    after: Mapping[str, int],
    books: Books,
) -> Compared:
    """Judge a run.

    Args:
        run: the sandbox's result.
        before: each user's points before it.
        after: and after it.
        books: the ledger's own sums.
    """
    owed: Mapping[str, int] = run["acknowledged"]["byUser"]
    found = {user: points - before.get(user, 0) for user, points in after.items()}
    users = sorted({*owed, *found})
    differing = tuple(user for user in users if owed.get(user, 0) != found.get(user, 0))
    complaints: list[str] = []
    if run["status"] != "done":
        complaints.append(f"the run is {run['status']}: {run.get('reason', 'no reason given')}")
    if run["gaveUp"]:
        complaints.append(f"{run['gaveUp']} webhooks were never answered")
    if run["expected"]["points"] != run["acknowledged"]["points"]:
        complaints.append("not everything that was right was acknowledged")
    complaints += [f"{count} x {what}" for what, count in run["surprises"].items()]
    if books.ledger_sum:
        complaints.append(f"the ledger sums to {books.ledger_sum}, not to 0")
    return Compared(sum(owed.values()), sum(found.values()), differing, tuple(complaints))


def rows_of(
    run: Mapping[str, Any], compared: Compared, books: Books, timings: Timings
) -> list[tuple[str, str, str]]:
    """The table: what, figure, remark."""
    codes: Mapping[str, int] = run["byCode"]
    kinds: Mapping[str, int] = run["byKind"]
    latency = run["latencyMs"]
    sent = ", ".join(f"{count:,} {name}" for name, count in sorted(kinds.items()))
    rows = [
        ("webhooks sent", f"{run['sent']:,}", sent),
        ("accepted", f"{codes.get('accepted', 0):,}", "202, durable before the answer"),
        ("known already", f"{codes.get('duplicate', 0):,}", "200, nothing changed"),
    ]
    rows += [
        ("refused", f"{count:,}", code)
        for code, count in sorted(codes.items())
        if code not in TAKEN
    ]
    rows += [
        ("sent again", f"{run['retries']:,}", _failures(run)),
        ("matched", f"{books.matched:,}", "purchases and refunds that found their partner"),
        ("credited", f"{books.credited:,}", f"and {books.clawed_back:,} taken back by refunds"),
        ("points expected", f"{compared.expected:,}", "counted by the sandbox from our answers"),
        ("points found", f"{compared.found:,}", "in the wallets, over HTTP"),
        ("users that differ", f"{len(compared.differing)}", ", ".join(_shown(compared))),
        ("ledger sum", f"{books.ledger_sum}", "of all postings: double entry"),
        ("rate", f"{run['progress']['ratePerSecond']:,.0f}/s", "the time away included"),
        ("answer p50, p99", f"{latency['p50']:.1f}, {latency['p99']:.1f} ms", "at full speed"),
        ("first webhook after", f"{timings.first_webhook:.1f} s", "from the command"),
    ]
    if timings.away:
        rows.append(("killed, away for", f"{timings.away:.1f} s", "SIGKILL, then a new start"))
    rows.append(("settled after", f"{timings.settled:.1f} s", "until nothing was due any more"))
    return rows


def _failures(run: Mapping[str, Any]) -> str:
    failed: Mapping[str, int] = run["failedAttempts"]
    return ", ".join(f"{count:,} {name}" for name, count in sorted(failed.items()))


def _shown(compared: Compared) -> tuple[str, ...]:
    return compared.differing[:USERS_SHOWN_MAX]

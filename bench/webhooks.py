"""The main bench: webhooks end to end, beside three reference peers, in rounds that take turns.

- Closed loop at several numbers of connections: the rate from the first byte sent until every credit
  is durable, and the CPU of everything that works for a side, its PostgreSQL included.
- Open loop at several rates: the acknowledgement's latency from the moment that a request was due; of
  the daemon also how long the credit took; and beside them a bare insert, fsynced, at the same rate
  on the daemon's own server, which is the least that a durable answer can take here.

Rule: after every slice the ledgers are compared with what was acknowledged, to the point.

    BENCH_ROUNDS=3 BENCH_SECONDS=4 BENCH_CONNECTIONS=1,8,32,128,512 BENCH_RATES=200,1000,3000 \
        make bench ARGS=webhooks
"""

import os
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from bench.credit import buckets, quantile
from bench.results import write
from bench.rounds import Plan, Rounds, closed, median_of, ratio
from bench.sides import OURS, PEERS, Crowd, Side, load, open_sides

__all__ = ["main", "plan_of_environment"]

OPEN_CONNECTIONS: Final = 256
INSERT_CONNECTIONS: Final = 32
INSERT: Final = "insert"
PACED: Final = (OURS, "tuned")
DECIDED_SQL: Final = """select extract(epoch from percentile_disc(0.99) within group (order by took)) * 1000
from (select credited_at - received_at as took from report.transaction
      order by received_at desc limit {count}) as newest;"""
"""From one decision to the other, by the rows: without the last flush, a lower bound of the credit."""
PERCENTILES: Final = ("p50_ms", "p90_ms", "p99_ms", "late_p99_ms")


def _numbers(name: str, default: str) -> tuple[int, ...]:
    return tuple(map(int, os.environ.get(name, default).split(",")))


def plan_of_environment(connections: str) -> Plan:
    """The plan, as BENCH_CONNECTIONS, BENCH_ROUNDS and BENCH_SECONDS have it."""
    return Plan(
        _numbers("BENCH_CONNECTIONS", connections),
        int(os.environ.get("BENCH_ROUNDS", "3")),
        float(os.environ.get("BENCH_SECONDS", "4")),
    )


def _paced(side: Side, rate: int, seconds: float) -> dict[str, Any]:
    """One open loop; of the daemon with the time that credits took."""
    if side.name != OURS:
        return side.slice(round(rate * seconds), OPEN_CONNECTIONS, rate)
    before = buckets(side.process.get("/metrics").body.decode())
    found = side.slice(round(rate * seconds), OPEN_CONNECTIONS, rate)
    after = buckets(side.process.get("/metrics").body.decode())
    credit: dict[str, Any] = {
        name: quantile(before, after, share)._asdict()
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    credit["decided_p99_ms"] = float(side.sql(DECIDED_SQL.format(count=found["count"])))
    return {**found, "credit": credit}


def _inserts(side: Side, rate: int, seconds: float, number: int) -> dict[str, Any]:
    """The bare insert on this side's server."""
    side.sql(
        "set role comptoir; create table if not exists public.bare (id text primary key, cents int);"
    )
    job = {
        "url": side.server.url(), "prefix": f"r{number}-{rate}-", "count": round(rate * seconds),
        "connections": INSERT_CONNECTIONS, "rate": rate,
    }  # fmt: skip
    found = load(job)
    assert found["statuses"] == {"201": job["count"]}, found["statuses"]
    return found


def _open(sides: Sequence[Side], rates: Sequence[int], plan: Plan) -> dict[str, dict[int, Any]]:
    """Open loops of the daemon, the tuned peer and the bare insert, round by round."""
    paced = [side for side in sides if side.name in PACED]
    ours = next(side for side in sides if side.name == OURS)
    found: dict[str, dict[int, list[dict[str, Any]]]] = {
        name: {rate: [] for rate in rates} for name in (*PACED, INSERT)
    }
    for number in range(plan.rounds):
        for rate in rates:
            for side in paced if number % 2 else reversed(paced):
                found[side.name][rate].append(_paced(side, rate, plan.seconds))
            found[INSERT][rate].append(_inserts(ours, rate, plan.seconds, number))
            print(
                f"  round {number + 1}, {rate:>5} /s: p99 "
                + ", ".join(
                    f"{name} {one[rate][-1]['p99_ms']:.1f} ms" for name, one in found.items()
                ),
                flush=True,
            )
    return {
        name: {rate: _summary(slices) for rate, slices in by_rate.items()}
        for name, by_rate in found.items()
    }


def _summary(slices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds, and one histogram of all of them."""
    counts: Counter[float] = Counter()
    for one in slices:
        for bound, count in one["histogram"]:
            counts[bound] += count
    figures: dict[str, Any] = {
        name: statistics.median(one[name] for one in slices) for name in PERCENTILES
    }
    figures["histogram"] = [[bound, counts[bound]] for bound in sorted(counts)]
    if all("credit" in one for one in slices):
        figures["credit"] = {
            name: {
                part: statistics.median(one["credit"][name][part] for one in slices)
                for part in ("ms", "low_ms", "high_ms")
            }
            for name in ("p50", "p99")
        }
        figures["credit"]["decided_p99_ms"] = statistics.median(
            one["credit"]["decided_p99_ms"] for one in slices
        )
    return figures


def _tell_closed(found: Rounds, plan: Plan) -> None:
    print(f"\n{'':>12}" + "".join(f"{n:>10} conn." for n in plan.connections))
    for name, by_connections in found.items():
        rates = [median_of(by_connections[n])["per_s"] for n in plan.connections]
        print(f"{name + ' /s':>12}" + "".join(f"{rate:16,.0f}" for rate in rates))
    for peer in PEERS:
        ratios = [ratio(found, OURS, peer, n) for n in plan.connections]
        print(f"{'by ' + peer:>12}" + "".join(f"{one:16.2f}" for one in ratios))
    for name, by_connections in found.items():
        medians = [median_of(by_connections[n]) for n in plan.connections]
        text = (f"{m['cpu']['program']:8.3f} + {m['cpu']['database']:.3f}" for m in medians)
        print(f"{name:>12}" + "".join(text) + "  CPU-s per 1,000, program + database")
    senders = [m["cpu_s_per_1000"] for by in found.values() for m in map(median_of, by.values())]
    print(f"{'the sender':>12} {min(senders):.3f} to {max(senders):.3f} CPU-s per 1,000")


def _tell_open(figures: dict[str, dict[int, Any]]) -> None:
    for rate, ours in figures[OURS].items():
        tuned, bare = figures["tuned"][rate], figures[INSERT][rate]
        credit, decided = ours["credit"]["p99"], ours["credit"]["decided_p99_ms"]
        print(
            f"{rate:>6} /s: ack p50 {ours['p50_ms']:.2f} ms, p99 {ours['p99_ms']:.2f} ms; credit p99 "
            f"{credit['ms']:.1f} ms (in the bucket {credit['low_ms']:g} to {credit['high_ms']:g}; decided "
            f"after {decided:g}); tuned "
            f"p99 {tuned['p99_ms']:.2f} ms; a bare insert p99 {bare['p99_ms']:.2f} ms (ours "
            f"{ours['p99_ms'] / bare['p99_ms']:.1f} times that; aim < 5 ms, or 4 times)"
        )


def main() -> None:
    """Measure, print the tables, and keep the figures."""
    plan = plan_of_environment("1,8,32,128,512")
    rates = _numbers("BENCH_RATES", "200,1000,3000")
    with open_sides((OURS, *PEERS), Crowd()) as sides:
        found = closed(sides, plan)
        paced = _open(sides, rates, plan)
        for side in sides:
            side.check()
    _tell_closed(found, plan)
    _tell_open(paced)
    write(
        "webhooks",
        {
            "plan": {"rounds": plan.rounds, "seconds": plan.seconds},
            "closed": {
                name: {str(n): median_of(slices) for n, slices in by_connections.items()}
                for name, by_connections in found.items()
            },
            "ratios": {
                peer: {str(n): ratio(found, OURS, peer, n) for n in plan.connections}
                for peer in PEERS
            },
            "open": paced,
        },
    )
    print("every ledger holds exactly what was acknowledged")


if __name__ == "__main__":
    main()

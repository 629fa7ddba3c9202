"""What size costs: 1,000 wallets in a database beside a million (aim: the same within 10 %).

Three loads of the same credits, each on all databases in turn, a slice each, so that what
the machine does besides falls on both:

- `hot`: a random thousand of the wallets, which stay in memory;
- `cold`: any wallet at all, and a daemon that may keep few, so that nearly each credit wakes a
  connection and a wallet up and sends two others to sleep, at either size;
- `uniform`: any wallet at all, with the bounds that the daemon has by itself. Here the sizes differ
  in kind: a thousand wallets stay in memory, 200,000 do not.

Then the comings and goings of actors alone: how many a second are woken up, are pushed out by
others, and leave when idle, what one costs in memory, and how long the loop was held.

Making a million wallets takes minutes, since the real machines and the real journal make them
(bench/populate.py), and 5 GB of disk; `BENCH_USERS` names other sizes, the largest last.

A slice is long enough for a thousand wallets to be credited ten times each: the first change of a page
after a checkpoint is logged whole, and a hot thousand of a million share no pages, so one of 2,000 credits
measures little else (0.83 in place of 0.91, in one run).

Rule: after every slice the ledger must have grown by exactly what was sent, in entries and points.

    BENCH_USERS=30000,1000000 BENCH_COUNT=10000 BENCH_ROUNDS=5 make bench ARGS=size
"""

import os
import shutil
import statistics
import sys
from typing import Any

import trio

from bench.databases import Database, PatientPostgres, Turns, ratio, take_turns
from bench.populate import disk_folder
from bench.results import write

__all__ = ["main"]

FEW = 1_000
RESIDENT = "COMPTOIR_ENGINE__RESIDENT_ACTORS_MAX"
LOADS: dict[str, dict[str, str]] = {"hot": {}, "cold": {RESIDENT: "200"}, "uniform": {}}
TURNOVER = 20_000
"""Actors woken up and sent to sleep: as many as a daemon keeps of a kind by itself."""
BYTES_PER_WALLET = 6_000
"""Measured: 4,900, and its log until the next checkpoint."""
BYTES_FREE_MIN = 3 * 2**30


async def compare(databases: list[Database], turns: Turns) -> dict[str, Any]:
    """One load on all databases; the ratio is that of the largest to the smallest."""
    found = await take_turns(databases, turns)
    figures: dict[str, Any] = {"ratio": ratio(found[0], found[-1])}
    for one, mine in zip(databases, found, strict=True):
        median = {
            "credits_per_s": turns.count / statistics.median(each["seconds"] for each in mine),
            "cpu_us": statistics.median(each["cpu_s"] for each in mine) / turns.count * 1e6,
            "database_cpu_us": statistics.median(each["database_cpu_s"] for each in mine)
            / turns.count
            * 1e6,
            "woken": statistics.fmean(each["woken"] for each in mine) / turns.count,
            "wal_bytes": statistics.fmean(each["wal_bytes"] for each in mine) / turns.count,
        }
        figures[str(one.users)] = median
        print(
            f"  {turns.load:>8}, {one.users:>9,} wallets: {median['credits_per_s']:6,.0f} credits/s; "
            f"each {median['cpu_us']:.0f} us of the daemon's CPU, "
            f"{median['database_cpu_us']:.0f} us of the database's, {median['woken']:.2f} actors woken "
            f"up, {median['wal_bytes'] / 1024:.1f} KiB of log"
        )
    print(f"{turns.load}: {figures['ratio']:.2f} of the small database's rate (aim 0.90 or more)")
    return figures


async def turnover(database: Database) -> dict[str, float]:
    """The comings and goings of actors alone."""
    actors = min(TURNOVER, database.users // 2)
    bounds = {RESIDENT: str(actors), "COMPTOIR_ENGINE__IDLE_S": "15"}
    with database.daemon(**bounds):
        found = await database.do("turnover", prefix="turnover", count=actors)
    print(
        f"{actors:,} actors: {found['woken_per_s']:,.0f} woken up a second, "
        f"{found['pushed_out_per_s']:,.0f} where each pushes another out; "
        f"{found['bytes_each']:,.0f} bytes each while idle (aim <= 8,192), "
        f"{found['bytes_each_left_behind']:,.0f} when gone (the allocator's), "
        f"{found['bytes_each_again']:,.0f} when there again; all asleep after "
        f"{found['seconds_to_sleep']:.1f} s (idle_s 15), the loop held for "
        f"{found['loop_held_ms']:.1f} ms at most"
    )
    return found


async def _measure(sizes: list[int], count: int, rounds: int) -> dict[str, Any]:
    with disk_folder() as folder:
        wanted = sum(sizes) * BYTES_PER_WALLET + BYTES_FREE_MIN
        if (free := shutil.disk_usage(folder).free) < wanted:
            sys.exit(
                f"make bench: {sizes[-1]:,} wallets take {wanted / 2**30:.0f} GiB of disk in "
                f"{folder.parent}, where {free / 2**30:.0f} are free: choose fewer with BENCH_USERS"
            )
        server = PatientPostgres(folder)
        await server.start()
        try:
            databases = [Database(server, folder, f"wallets_{users}", users) for users in sizes]
            for one in databases:
                await one.make()
            figures: dict[str, Any] = {
                load: await compare(databases, Turns(load, settings, rounds, count))
                for load, settings in LOADS.items()
            }
            figures["turnover"] = await turnover(databases[-1])
            for one in databases:
                await one.check()
        finally:
            with trio.CancelScope(shield=True):
                await server.destroy()
    return figures


def main() -> None:
    """Print and keep the figures."""
    many = [int(size) for size in os.environ.get("BENCH_USERS", "30000,1000000").split(",")]
    count = int(os.environ.get("BENCH_COUNT", "10000"))
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    write("size", trio.run(_measure, [FEW, *many], count, rounds))


if __name__ == "__main__":
    main()

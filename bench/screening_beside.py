"""What webhooks feel of screening: their latency with nothing beside them, and while one client after the other is searched.

Slices of webhooks at a rate take turns: quiet ones, and ones beside which several people search by hand as fast as they are
answered, which goes the way of every search: through the daemon's loop to the child and back.

Rule: every webhook is acknowledged and every ledger whole (bench/sides.py); every search is answered.

    BENCH_LIST=50000 BENCH_ROUNDS=3 BENCH_SECONDS=5 BENCH_RATE=200 make bench ARGS=screens
"""

import json
import os
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from bench import screening
from bench.results import write
from bench.sides import OURS, Crowd, Side, open_sides
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.index import build_index

__all__ = ["main"]

NAME: Final = "screens"
LIST: Final = int(os.environ.get("BENCH_LIST", "50000"))
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "5"))
RATE: Final = int(os.environ.get("BENCH_RATE", "200"))
CONNECTIONS: Final = 64
SEARCHERS: Final = 4
"""Each with a principal of their own, since a minute of one has a thousand requests."""
SEARCH: Final = "/api/v1/screening/search"
READY_S, READY_TRIES = 0.2, 300
FIGURES: Final = ("p50_ms", "p99_ms")


class Searching:
    """People who search one after the other until they are told to stop."""

    def __init__(self, side: Side, known: list[Entry]) -> None:
        self._side = side
        self._known = known
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._search, args=(n,)) for n in range(SEARCHERS)]
        self._answered = [0] * SEARCHERS
        self._failed: list[str] = []

    def __enter__(self) -> "Searching":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_why: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join()
        assert not self._failed, self._failed[0]

    @property
    def answered(self) -> int:
        """So far."""
        return sum(self._answered)

    def _search(self, number: int) -> None:
        process, chance = self._side.process, random.Random(number)
        headers = {
            "Authorization": f"Bearer {process.token(f'compliance{number}', 'COMPLIANCE')}",
            "Content-Type": "application/json",
        }
        while not self._over.is_set():
            entry = chance.choice(self._known)
            body = json.dumps({"name": entry.names[0], "birthDate": entry.birth_dates[0]}).encode()
            answer = process.request("POST", SEARCH, body, headers)
            if answer.status == 429:  # their minute is used up
                self._over.wait(1.0)
                continue
            if answer.status != 200:
                self._failed.append(f"{answer.status} {answer.body[:200]!r}")
                return
            self._answered[number] += 1


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as folder:
        path = Path(folder) / "list.idx"
        known = _listed()
        build_index(known, path)
        lists = json.dumps([{"name": "bench", "path": str(path)}])
        with open_sides((OURS,), Crowd(settings={"COMPTOIR_SCREENING__LISTS": lists})) as (side,):
            found = _measured(side, known)
            side.check()
    write(NAME, found)


def _listed() -> list[Entry]:
    chance = random.Random(screening.SEED)
    whole = screening.entries(chance)
    return [next(whole) for _ in range(LIST)]


def _await_list(side: Side) -> None:
    """The daemon copies the index at its start."""
    headers = {"Authorization": f"Bearer {side.process.token('clara', 'COMPLIANCE')}"}
    answer: Any = None
    for _ in range(READY_TRIES):
        answer = side.process.request("GET", "/api/v1/lists", None, headers).json()
        if answer["items"][0]["status"] == "ready":
            return
        time.sleep(READY_S)
    raise AssertionError(answer)


def _measured(side: Side, known: list[Entry]) -> dict[str, Any]:
    """Slices that take turns, and what came of them."""
    count = round(RATE * SECONDS)
    side.slice(count, CONNECTIONS, RATE)  # warms it up
    _await_list(side)
    slices: dict[str, list[dict[str, Any]]] = {"quiet": [], "beside": []}
    searches = 0
    for _ in range(ROUNDS):
        slices["quiet"].append(side.slice(count, CONNECTIONS, RATE))
        with Searching(side, known) as searching:
            slices["beside"].append(side.slice(count, CONNECTIONS, RATE))
            searches += searching.answered
    median = {
        name: {figure: statistics.median(one[figure] for one in some) for figure in FIGURES}
        for name, some in slices.items()
    }
    ratios = {figure: median["beside"][figure] / median["quiet"][figure] for figure in FIGURES}
    print(f"{LIST:,} names, {RATE} webhooks a second, {searches:,} searches beside them")
    for name, figures in median.items():
        print(f"  {name}: p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms")
    print(f"  ratio: p50 {ratios['p50_ms']:.2f}, p99 {ratios['p99_ms']:.2f}")
    return {"names": LIST, "rate": RATE, "searches": searches, **median, "ratios": ratios}

"""What webhooks feel of screening: their latency with nothing beside them, and while one client after the other is searched.

Slices of webhooks at a rate take turns, and what differs between two of them is one thing more:
- `quiet`: nothing beside them;
- `some`: people search by hand at a pace that people have (BENCH_SEARCHES a second, all together), which goes the way of
  every search: through the daemon's loop to the child and back;
- `beside`: they do as fast as they are answered: nothing is left of a processor;
- `gets`: as many requests a second as those were, that read something small instead (`GET /api/v1/lists`): what any
  requests beside webhooks cost, the people who make them included;
- `child`: as many searches a second by a child of this program's own, past the daemon: what the processor costs that a search
  computes on.
What is left between `beside` and these two is what a search does in the daemon.

Rule: every webhook is acknowledged and every ledger whole (bench/sides.py); every search is answered.

    BENCH_LIST=50000 BENCH_ROUNDS=3 BENCH_SECONDS=5 BENCH_RATE=200 BENCH_SEARCHES=5 make bench ARGS=screens
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from bench import screening
from bench.results import write
from bench.rounds_beside import RATE, ROUNDS, one_slice, tell
from bench.sides import OURS, Crowd, Side, open_sides
from comptoir.actors.priority import give_way
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.index import build_index

__all__ = ["main"]

NAME: Final = "screens"
LIST: Final = int(os.environ.get("BENCH_LIST", "50000"))
SEARCHES: Final = float(os.environ.get("BENCH_SEARCHES", "5"))
"""A second, of all who search at their own pace: some hundred thousand on a working day."""
SEARCHERS: Final = 4
"""Each with a principal of their own, since a minute of one has a thousand requests."""
SEARCH: Final = "/api/v1/screening/search"
LISTS: Final = "/api/v1/lists"
SLICES: Final = ("quiet", "some", "beside", "gets", "child")
READY_S, READY_TRIES = 0.2, 300


class Crew:
    """Threads that each do one thing after the other until they are told to stop."""

    def __init__(self, task: Callable[[int, random.Random], bool], pause_s: float = 0.0) -> None:
        """Not yet.

        Args:
            task: does it, by the number of its thread; False: not now.
            pause_s: from the beginning of one to that of the next, of one thread.
        """
        self._task, self._pause_s = task, pause_s
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(SEARCHERS)]
        self._done = [0] * SEARCHERS
        self._failed: list[BaseException] = []

    def __enter__(self) -> "Crew":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_why: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join()
        if self._failed:
            raise self._failed[0]

    @property
    def done(self) -> int:
        """So far."""
        return sum(self._done)

    def _work(self, number: int) -> None:
        chance, due = random.Random(number), time.monotonic()
        try:
            while not self._over.is_set():
                if self._task(number, chance):
                    self._done[number] += 1
                due += self._pause_s
                self._over.wait(max(0.0, due - time.monotonic()))
        except BaseException as error:  # noqa: BLE001 - told where it is joined
            self._failed.append(error)


class People:
    """Of compliance, who ask the daemon."""

    def __init__(self, side: Side, known: list[Entry]) -> None:
        self._process, self._known = side.process, known
        self._tokens = [
            side.process.token(f"compliance{number}", "COMPLIANCE") for number in range(SEARCHERS)
        ]

    def search(self, number: int, chance: random.Random) -> bool:
        """One name; False: their minute is used up."""
        return self._asked(number, "POST", SEARCH, json.dumps(_question(self._known, chance)))

    def read(self, number: int, _chance: random.Random) -> bool:
        """Something small."""
        return self._asked(number, "GET", LISTS, "")

    def _asked(self, number: int, method: str, path: str, body: str) -> bool:
        headers = {
            "Authorization": f"Bearer {self._tokens[number]}",
            "Content-Type": "application/json",
        }
        answer = self._process.request(method, path, body.encode() or None, headers)
        if answer.status == 429:
            time.sleep(1.0)
            return False
        assert answer.status == 200, answer
        return True


class Lone:
    """A child that searches as the daemon's does, past the daemon."""

    def __init__(self, path: Path, known: list[Entry]) -> None:
        self._path, self._known = path, known
        self._turn = threading.Lock()

    def __enter__(self) -> "Lone":
        command = [sys.executable, "-m", "comptoir.engine.cli", "check", "screen", "--list", str(self._path)]  # fmt: skip
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        give_way(self._child.pid)
        self.search(0, random.Random(0))  # has it read the interpreter, and the list
        return self

    def __exit__(self, *_why: object) -> None:
        self._child.communicate()

    def search(self, _number: int, chance: random.Random) -> bool:
        """One name."""
        pipes = self._child.stdin, self._child.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        asked = _question(self._known, chance)
        line = json.dumps({"name": asked["name"], "birth_date": asked["birthDate"], "facts": True})
        with self._turn:
            pipes[0].write(line.encode() + b"\n")
            pipes[0].flush()
            assert json.loads(pipes[1].readline())["ok"]
        return True


def _question(known: list[Entry], chance: random.Random) -> dict[str, str]:
    entry = chance.choice(known)
    return {"name": entry.names[0], "birthDate": entry.birth_dates[0]}


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as folder:
        path = Path(folder) / "list.idx"
        known = _listed()
        build_index(known, path)
        lists = json.dumps([{"name": "bench", "path": str(path)}])
        with open_sides((OURS,), Crowd(settings={"COMPTOIR_SCREENING__LISTS": lists})) as (side,):
            found = _measured(side, path, known)
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
        answer = side.process.request("GET", LISTS, None, headers).json()
        if answer["items"][0]["status"] == "ready":
            return
        time.sleep(READY_S)
    raise AssertionError(answer)


def _measured(side: Side, path: Path, known: list[Entry]) -> dict[str, Any]:
    """Slices that take turns, and what came of them."""
    one_slice(side)  # warms it up
    _await_list(side)
    people = People(side, known)
    slices: dict[str, list[dict[str, Any]]] = {name: [] for name in SLICES}
    done: dict[str, float] = dict.fromkeys(SLICES, 0.0)

    def measure(name: str, crew: Crew | None = None) -> float:
        """One slice; how often a second the crew did what it does."""
        began = time.monotonic()
        with crew or nullcontext():
            slices[name].append(one_slice(side))
        rate = crew.done / (time.monotonic() - began) if crew else 0.0
        done[name] += rate / ROUNDS
        return rate

    with Lone(path, known) as lone:
        for _ in range(ROUNDS):
            measure("quiet")
            measure("some", Crew(people.search, SEARCHERS / SEARCHES))
            pause_s = SEARCHERS / max(1.0, measure("beside", Crew(people.search)))
            measure("gets", Crew(people.read, pause_s))
            measure("child", Crew(lone.search, pause_s))
    return _told(slices, done)


def _told(slices: dict[str, list[dict[str, Any]]], done: dict[str, float]) -> dict[str, Any]:
    """Print medians, and ratios within the rounds."""
    print(f"{LIST:,} names, {RATE} webhooks a second")
    found: dict[str, Any] = {"names": LIST, "rate": RATE}
    for name, some in slices.items():
        label = f"  {name}: {done[name]:.0f} a second beside;"
        found[name] = {**tell(label, some, slices["quiet"]), "beside_per_s": done[name]}
    return found

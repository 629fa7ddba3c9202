"""The fake proven: random sequences of operations have one result on every journal.

Each sequence is played on the memory journal (which applies decisions one by one and never folds), on
PostgreSQL 18 and on Debian's PostgreSQL 15 (which group, fold, halve and fold again as their timing has
it), and everything that was answered is compared: fates, reads, figures, and all tables in the end.
Most sequences are short, every tenth is long (storage/drawing_testing.py); `make soak` plays all of them long.
TESTS_SEED=n begins at that seed; TESTS_SEQUENCES=n plays so many; TESTS_LONG_SEQUENCES=n so many long ones.

Source: issue 3, deliver 5; engine/journal.py (the contract); design.md 7 (Folding), 8.
"""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from queue import SimpleQueue
from typing import Any

import pytest
import trio

from comptoir.storage import batch, guilt, memory
from comptoir.storage.drawing_testing import make_sequence
from comptoir.storage.equivalence_testing import Transcript, find_difference, play
from comptoir.storage.sequence_testing import Sequence as Plan
from comptoir.storage.sequence_testing import shorter
from comptoir.storage.stages_testing import MemoryStage, PostgresStage
from comptoir.storage.testing import MemoryJournal
from comptoir.storage.vault import Vault

VAULT = Vault({"k1": bytes(range(32))})
SEQUENCES = 2_000
SLICES = 20
"""So many tests: one that takes minutes would be taken for one that hangs."""
LANES = 2
"""Sequences at once, each on databases of its own: while one waits for a server, another computes."""
LONG_EVERY = 10
SHRINK_SECONDS = 60
PLANTED_SEEDS_MAX = 100
"""From the first one at which the bug was seen; a change of the generator moves it a little."""
REGRESSIONS = frozenset((0, 1, 2, 3, 5, 7, 780, 1228, 1603, 1962, 2194, 2268, 2468))
"""Seeds that once showed a difference (docs/reliability.md), as the long sequences that they were."""

DECIDED = ("durable", "Duplicate", "Rejected", "Gone", "STALE", "undone")
REFUSED = ("Rejected", "Duplicate", "Gone", "STALE", "undone")
PARTS = (
    "events", "messages", "documents", "transfers", "lots", "state", "once", "consumed", "cancel",
    "release", "dead_letter",
)  # fmt: skip
BAD = ("NUL", "surrogate", "number", "ledger", "several", "state")
READS = (
    "load", "pending", "backlog", "due_timers", "next_due", "count_pending", "lots", "entries",
    "documents", "scan", "events", "setting", "dead_letters", "count_dead_letters",
    "letters", "letter_ids", "sum_letters", "parked",
)  # fmt: skip
ONCE_EACH = ("restart", "take-over", "put_setting", "lost answer", "lost request")
EXPECTED = {
    *((part, came) for part in PARTS for came in DECIDED),
    *((f"bad {kind}", came) for kind in BAD for came in REFUSED),
    *((part, "SUPERSEDED") for part in ("events", "messages", "documents", "lots", "state")),
    *((f"read {name}", came) for name in READS for came in ("some", "none")),
    *((name, came) for name in ("replay", "purge", "expire_dead") for came in ("some", "none")),
    *((name, "-") for name in ONCE_EACH),
    *(("another version", came) for came in ("STALE", "Duplicate", "undone")),
    ("nothing", "durable"),
    ("release", "told"),
}
"""What must have occurred in a full run: an operation or a part of a decision, and what came of it."""

Open = Callable[[Plan], AbstractAsyncContextManager[Any]]


def _in_memory(plan: Plan) -> AbstractAsyncContextManager[Any]:
    return MemoryStage.open(VAULT, plan.batch_decisions_max)


def _on(stage: PostgresStage) -> Open:
    return lambda plan: stage.play(plan.batch_decisions_max)


async def _play_on(open_stage: Open, plan: Plan) -> Transcript:
    """A journal that breaks has a transcript, too: it differs."""
    try:
        async with open_stage(plan) as stage:
            return await play(stage, plan)
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is the difference
        return Transcript([f"broken: {broken!r}"])


async def _compare(plan: Plan, others: Sequence[Open]) -> tuple[Transcript, Any]:
    """What the memory journal answers, and the first difference to another, if there is any."""
    told: dict[int, Transcript] = {}

    async def one(place: int, open_stage: Open) -> None:
        told[place] = await _play_on(open_stage, plan)

    async with trio.open_nursery() as nursery:
        for place, open_stage in enumerate((_in_memory, *others)):
            nursery.start_soon(one, place, open_stage)
    for place in range(1, len(told)):
        difference = find_difference(told[0], told[place])
        if difference is not None:
            return told[0], (place, *difference)
    return told[0], None


async def _shrink(plan: Plan, others: Sequence[Open]) -> Plan:
    """The plan with everything left out that the difference does not need."""
    until = time.monotonic() + SHRINK_SECONDS
    smaller = True
    while smaller:
        smaller = False
        for candidate in shorter(plan):
            if time.monotonic() > until:
                return plan
            if (await _compare(candidate, others))[1] is not None:
                plan, smaller = candidate, True
                break
    return plan


def _sequence(seed: int) -> Plan:
    """The sequence of a seed among the two thousand."""
    return make_sequence(seed, long=seed % LONG_EVERY == 0 or seed in REGRESSIONS)


async def _hold_equal(plan: Plan, others: Sequence[Open]) -> Transcript:
    """Play one sequence; fail with what it shrinks to, and the first difference."""
    told, difference = await _compare(plan, others)
    if difference is not None:
        plan = await _shrink(plan, others)
        shrunk = (await _compare(plan, others))[1] or difference
        pytest.fail(f"TESTS_SEED={plan.seed} replays it; journal, operation, memory's, its:\n"
                    f"{shrunk}\nin {plan}\nbefore shrinking: {difference}")  # fmt: skip
    return told


@asynccontextmanager
async def _stages(*clusters: Any) -> AsyncGenerator[list[Open]]:
    async with AsyncExitStack() as stack:
        opened: list[Open] = []
        for cluster in clusters:
            url = cluster.socket_url(cluster.migrated())
            stage = await stack.enter_async_context(PostgresStage.open(url, url, VAULT))
            opened.append(_on(stage))
        yield opened


class Theatre:
    """Lanes of stages that stay for all slices, on a loop of their own.

    A database, its sessions, and what these learn in their first statements cost as much as five
    sequences do.
    """

    def __init__(self, clusters: Sequence[Any]) -> None:
        self._clusters = clusters
        self._open: SimpleQueue[trio.lowlevel.TrioToken | BaseException] = SimpleQueue()
        self._over = trio.Event()
        self._lanes: list[list[Open]] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        token = self._open.get()
        if isinstance(token, BaseException):
            raise token
        self._token = token

    def _run(self) -> None:
        try:
            trio.run(self._stand)
        except BaseException as error:  # noqa: BLE001 - whoever waits for it to open hears of it
            self._open.put(error)

    async def _stand(self) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(LANES):
                self._lanes.append(await stack.enter_async_context(_stages(*self._clusters)))
            self._open.put(trio.lowlevel.current_trio_token())
            await self._over.wait()

    def hold_equal(self, plans: Iterable[Plan]) -> "Counter[tuple[str, str]]":
        """Play these sequences, each lane whichever comes next; what occurred in them."""
        occurred: Counter[tuple[str, str]] = Counter()

        coming = iter(plans)

        async def play_lane(lane: int) -> None:
            for plan in coming:
                occurred.update((await _hold_equal(plan, self._lanes[lane])).occurred)
                occurred["sequence", "-"] += 1

        async def play_all() -> None:
            async with trio.open_nursery() as nursery:
                for lane in range(LANES):
                    nursery.start_soon(play_lane, lane)

        trio.from_thread.run(play_all, trio_token=self._token)
        return occurred

    def close(self) -> None:
        """End it all."""
        trio.from_thread.run_sync(self._over.set, trio_token=self._token)
        self._thread.join()


def _table(occurred: "Counter[tuple[str, str]]") -> str:
    rows: dict[str, list[str]] = {}
    for (label, came), number in sorted(occurred.items()):
        rows.setdefault(label, []).append(f"{came} {number}")
    return "\n".join(f"  {label:18} {', '.join(cells)}" for label, cells in rows.items())


def _nothing(*_: object, **__: object) -> None:
    """As if a line was forgotten."""


def _answer_for_ever(self: Any, digest: bytes, _at: int) -> bytes | None:
    known = self._recent.get(digest)
    return None if known is None else known[0]


async def _not_asked(*_: object) -> bool:
    await trio.lowlevel.checkpoint()
    return False


def _no_doubt(*_: object) -> list[Any]:
    return []


async def _purged_none(*_: object) -> int:
    await trio.lowlevel.checkpoint()
    return 0


@pytest.fixture(scope="module")
def servers(cluster_18: Any, request: pytest.FixtureRequest) -> tuple[list[Any], str]:
    """The clusters to compare with, and which one is missing and why."""
    try:
        return [cluster_18, request.getfixturevalue("cluster_15")], ""
    except pytest.skip.Exception as skipped:
        return [cluster_18], str(skipped)


@pytest.fixture(scope="module")
def theatre(servers: tuple[list[Any], str]) -> Iterator[Theatre]:
    """Where all slices are played."""
    theatre = Theatre(servers[0])
    yield theatre
    theatre.close()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of refusals are logged as they should be; a failure shows its sequence instead."""
    caplog.set_level(logging.CRITICAL, "comptoir.storage")


@pytest.fixture(scope="module")
def occurred() -> "Counter[tuple[str, str]]":
    """What has occurred in all slices so far."""
    return Counter()


@pytest.mark.parametrize("part", range(SLICES))
def test_random_sequences_have_one_result_everywhere(
    servers: tuple[list[Any], str],
    theatre: Theatre,
    occurred: "Counter[tuple[str, str]]",
    part: int,
) -> None:
    """Two thousand sequences, in slices, each with the same answers and the same tables on the memory
    journal, on PostgreSQL 18 and on PostgreSQL 15 (design.md 8).
    """
    count = int(os.environ.get("TESTS_SEQUENCES") or SEQUENCES) // SLICES
    first = int(os.environ.get("TESTS_SEED") or 0) + part * count
    clusters, missing = servers
    began, computed = time.monotonic(), time.process_time()
    occurred.update(theatre.hold_equal(map(_sequence, range(first, first + count))))
    spent, computed = time.monotonic() - began, time.process_time() - computed
    print(f"TESTS_SEED={first}: {count} sequences on memory and {len(clusters)} servers in "  # noqa: T201
          f"{spent:.1f} s, {computed:.1f} s of them ours")  # fmt: skip
    if missing:
        pytest.skip(f"held on PostgreSQL 18 only: {missing}")


def test_everything_occurred(occurred: "Counter[tuple[str, str]]") -> None:
    """Each operation, and each part of a decision, met each of its fates: the table has no gap."""
    print(_table(occurred))  # noqa: T201
    if not occurred:
        pytest.skip("no sequence was asked for beside this table")
    assert occurred["sequence", "-"] >= SEQUENCES, "the table is that of a full run"
    never = sorted(cell for cell in EXPECTED if not occurred[cell])
    assert not never, "this never occurred"


@pytest.mark.parametrize("seed", sorted(seed for seed in REGRESSIONS if seed >= SEQUENCES))
async def test_a_difference_that_was_found_stays_away(cluster_18: Any, seed: int) -> None:
    """A seed that once showed a difference between the journals shows none (docs/reliability.md)."""
    async with _stages(cluster_18) as others:
        await _hold_equal(_sequence(seed), others)


@pytest.mark.soak
@pytest.mark.skipif("TESTS_LONG_SEQUENCES" not in os.environ, reason="make soak plays them")
def test_long_sequences_have_one_result_everywhere(theatre: Theatre) -> None:
    """As the two thousand, each of them long."""
    count = int(os.environ["TESTS_LONG_SEQUENCES"])
    first = int(os.environ.get("TESTS_SEED") or 0)
    plans = (make_sequence(seed, long=True) for seed in range(first, first + count))
    print(_table(theatre.hold_equal(plans)))  # noqa: T201


async def test_a_stage_that_is_left_ends() -> None:
    """Whoever is cancelled in the midst of a sequence leaves no journal behind that is waited for: of the one in
    memory nothing but its stop ends the task, which is shielded.
    """
    with trio.CancelScope() as left:
        async with MemoryStage.open(VAULT, 7) as stage:
            await stage.take_over()
            left.cancel()
            await trio.sleep_forever()
    assert left.cancelled_caught


def test_a_difference_ends_its_slice_and_nothing_else(
    cluster_18: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told with its seed while the other lane is in the midst of a sequence; the next slice is played."""
    theatre, folder = Theatre([cluster_18]), vars(batch)["_Folder"]
    try:
        with monkeypatch.context() as planted:
            planted.setitem(globals(), "SHRINK_SECONDS", 0)
            planted.setattr(folder, "_release", _nothing)
            with pytest.raises(BaseExceptionGroup) as caught:
                theatre.hold_equal(map(_sequence, range(3, 3 + PLANTED_SEEDS_MAX)))
        assert "replays it" in str(caught.value.exceptions[0])
        assert sum(theatre.hold_equal(map(_sequence, range(3, 7))).values()) > 0
    finally:
        theatre.close()


PLANTED = {
    "parked rows of a batch are not released": (batch, "_Folder._release", _nothing, 3),
    "an expired key is still taken": (guilt, "Guilt._find_recent", _answer_for_ever, 0),
    "bad data is told before a taken key": (guilt, "Guilt._ask", _not_asked, 7),
    "what is gone is told before a taken key": (guilt, "_find_doubtful", _no_doubt, 260),
    "what a batch hides is not looked at": (batch, "check_hidden", _nothing, 310),
    "a stale run in a batch is not noticed": (batch, "_Folder._is_stale", _nothing, 0),
    "the memory journal lets balances dip": (memory, "check_dips", _nothing, 0),
    "the memory journal does not purge": (MemoryJournal, "purge", _purged_none, 3),
}


@pytest.mark.parametrize("bug", list(PLANTED))
async def test_a_planted_difference_is_found(
    cluster_18: Any, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    """A bug in either journal shows within a fraction of the sequences: the comparison can fail."""
    where, name, wrong, first = PLANTED[bug]
    *owners, attribute = name.split(".")
    for owner in owners:
        where = getattr(where, owner)
    monkeypatch.setattr(where, attribute, wrong)
    async with _stages(cluster_18) as others:
        for seed in range(first, first + PLANTED_SEEDS_MAX):
            if (await _compare(_sequence(seed), others))[1] is not None:
                return
    pytest.fail(f"not found in {PLANTED_SEEDS_MAX} sequences")

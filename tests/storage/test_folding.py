"""A folded batch leaves the database as its decisions, committed one by one, would.

Three journals get the same decisions: PostgreSQL in one batch, PostgreSQL one decision at a time, and
the memory journal (which never folds); then every table is compared. Source: design.md 7 (Folding);
issue 2, "Must show".
"""

import json
import os
from collections.abc import Callable
from typing import Any, cast

import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from comptoir.engine.decision import DeadLetter, Decision, LotOpened, Outgoing, Put, Transfer
from comptoir.engine.journal import Fate, Pending
from comptoir.engine.values import Address
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import (
    BLANK,
    NOW,
    Desk,
    Noted,
    Remind,
    Written,
    only_once,
    page,
)
from comptoir.storage.runs import identify_actor, identify_event, identify_message, identify_once
from comptoir.storage.testing import MemoryJournal, MemoryTables
from comptoir.storage.vault import Vault

ACTORS = tuple(Address("wallet", key) for key in ("a", "b", "c"))
VAULT = Vault({"k1": bytes(range(32))})
TABLES = "writer, actor, message, once, event, transfer, lot, balance, document"
SETUP_ROWS = 8
EXAMPLES = 20
"""Each opens three journals; the sequences (test_equivalence.py) compare folding two thousand times more."""

addresses = st.sampled_from(ACTORS)
names = st.sampled_from(("t", "u"))


@st.composite
def outgoing(draw: Any) -> Outgoing:
    """A message, a timer, parked work; named or not."""
    return Outgoing(
        draw(addresses),
        Remind(draw(st.sampled_from(("x", "y")))),
        draw(st.sampled_from((None, NOW - 5, NOW + 50, NOW + 90))),
        draw(st.none() | names),
        draw(st.integers(0, 4)) == 0,
    )


@st.composite
def puts(draw: Any) -> Put:
    """Fields of one of two documents; sometimes a value that jsonb cannot hold."""
    values = st.sampled_from((1, "two", None, {"deep": [1]})) | st.just("\0").filter(
        lambda _: draw(st.integers(0, 6)) == 0
    )
    fields = draw(st.dictionaries(st.sampled_from(("x", "y", "z")), st.sampled_from((1, "two", None, {"deep": [1]})), max_size=2))  # fmt: skip
    if draw(st.integers(0, 12)) == 0:
        fields["bad"] = draw(values)
    return Put("sample", draw(names), fields, draw(st.sampled_from(("", "me"))))


@st.composite
def ledger(draw: Any, owner: str, serial: str) -> dict[str, Any]:
    """Nothing, a credit, or a debit that may or may not be covered."""
    case = draw(st.integers(0, 4))
    after = (1, 0, 0, 0)
    if case == 0:
        points = draw(st.integers(1, 20))
        lot = LotOpened(f"lot-{serial}", owner, "tx", "tag", points, 100, 100, 10_000, NOW)
        paid = Transfer("issued:", f"available:{owner}", points, "credit", owner, after, lot.id)
        return {"lots": (lot,), "transfers": (paid,)}
    if case == 1:
        points = draw(st.integers(1, 30))
        lot_id = draw(st.sampled_from((f"setup-{owner}", f"lot-{owner}0", None)))
        return {
            "transfers": (
                Transfer(f"available:{owner}", "paid:", points, "payout", owner, after, lot_id),
            )
        }
    return {}


@st.composite
def decisions(draw: Any, owner: str, serial: str) -> tuple[Any, ...]:
    """(fields of a decision, whether the state changes, the setup row that it consumes)."""
    fields: dict[str, Any] = {
        "events": tuple(Noted(text) for text in draw(st.lists(st.just("e"), max_size=2))),
        "messages": tuple(draw(st.lists(outgoing(), max_size=3))),
        "cancel": tuple(draw(st.lists(names, max_size=1))),
        "release": draw(st.integers(0, 5)) == 0,
        "documents": tuple(draw(st.lists(puts(), max_size=2))),
        **draw(ledger(owner, serial)),
    }
    if draw(st.integers(0, 5)) == 0:
        fields["once"] = (only_once(draw(st.sampled_from(("k1", "k2", "setup")))),)
        fields["reply"] = Written(serial)
    if draw(st.integers(0, 7)) == 0:
        fields["dead_letter"] = DeadLetter("dlq:points", "CRASHED", "again")
    consumed = draw(st.none() | st.integers(0, SETUP_ROWS - 1))
    return fields, draw(st.booleans()), consumed


@st.composite
def plans(draw: Any) -> list[tuple[Address, list[tuple[Any, ...]]]]:
    """One run of up to three decisions for each of some actors, in some order."""
    order = draw(st.lists(addresses, min_size=1, max_size=3, unique=True))
    return [
        (who, [draw(decisions(who.key, f"{who.key}{n}")) for n in range(draw(st.integers(1, 3)))])
        for who in order
    ]


def _setup(address: Address) -> Decision[Any]:
    """What is there before: rows to consume, replace, cancel and release, a lot, a key."""
    owner = address.key
    messages = (
        Outgoing(address, Remind("due")),
        Outgoing(address, Remind("timer"), NOW + 70, "t"),
        Outgoing(address, Remind("parked"), None, None, parked=True),
        Outgoing(address, Remind("parked"), NOW + 80, "u", parked=True),
    )
    lot = LotOpened(f"setup-{owner}", owner, "tx", "tag", 10, 100, 100, 10_000, NOW)
    paid = Transfer("issued:", f"available:{owner}", 10, "credit", owner, (10, 0, 0, 0), lot.id)
    return Decision(
        state=page("setup"), messages=messages, lots=(lot,), transfers=(paid,),
        once=(only_once("setup"),) if owner == "a" else (), reply=Written("setup"),
    )  # fmt: skip


async def _prepare(journal: Any, rows_of: Callable[[], Any]) -> tuple[Desk, list[Pending]]:
    desk = Desk(journal)
    for address in ACTORS[:2]:
        assert (await desk.write(address, _setup(address))).why is None
    return desk, await rows_of()


def _build(desk: Desk, address: Address, plan: list[Any], rows: list[Pending]) -> Any:
    state: Any = desk.states.get(address, BLANK)
    made: list[Decision[Any]] = []
    consumed: list[Pending | None] = []
    for number, step in enumerate(plan):
        fields, changes, row = cast("tuple[dict[str, Any], bool, int | None]", step)
        state = page(f"{address.key}{number}") if changes else state
        made.append(Decision(state=state, **fields))
        consumed.append(None if row is None else rows[row])
    return made, consumed


async def _all_at_once(desk: Desk, plan: Any, rows: list[Pending]) -> list[Fate]:
    for address, steps in plan:
        made, consumed = _build(desk, address, steps, rows)
        desk.submit(address, *made, consumed=consumed)
    return await desk.wait(len(plan))


async def _one_by_one(desk: Desk, plan: Any, rows: list[Pending]) -> list[Fate]:
    fates: list[Fate] = []
    for address, steps in plan:
        made, consumed = _build(desk, address, steps, rows)
        done = 0
        why: Any = None
        for decision, row in zip(made, consumed, strict=True):
            fate = await desk.write(address, decision, consumed=(row,))
            done, why = done + fate.count, fate.why
            if why is not None:
                break
        fates.append(Fate(done, [], why))
    return fates


async def _dump_postgres(postgres: Any, journal: PostgresJournal) -> dict[str, Any]:
    """Every table as plain values, sealed ones opened; ids by their rank."""
    fetch = journal._pool.fetch  # pyright: ignore[reportPrivateUsage]  # as its own queries
    tables: dict[str, Any] = {}
    for table in TABLES.split(", "):
        rows = await fetch(f"select to_jsonb(t) - 'raised_at' from comptoir.{table} t")
        tables[table] = [json.loads(row[0]) for row in rows]

    def unseal(sealed: str, identity: bytes) -> str:
        data = bytes.fromhex(sealed.removeprefix("\\x"))
        return VAULT.open(data, identity).decode() if data else ""

    for row in tables["actor"]:
        identity = identify_actor(Address(row["kind"], row["key"]), row["version"])
        row["state"] = unseal(row["state"], identity)
    for row in tables["message"]:
        identity = identify_message(row["id"], Address(row["kind"], row["key"]))
        row["payload"] = unseal(row["payload"], identity)
    for row in tables["event"]:
        row["payload"] = unseal(row["payload"], identify_event(row["number"]))
    for row in tables["once"]:
        row["answer"] = unseal(row["answer"], identify_once(bytes.fromhex(row["digest"][2:])))
    return _rank(tables)


def _rank(tables: dict[str, Any]) -> dict[str, Any]:
    ids = sorted(
        {row["id"] for row in tables["message"]} | {row["entry_id"] for row in tables["transfer"]}
    )
    ranks = {row_id: rank for rank, row_id in enumerate(ids)}
    for row in tables["writer"]:
        row["entry_id"] = ranks[row["entry_id"]] if row["entry_id"] else None
    for row in tables["message"]:
        row["id"] = ranks[row["id"]]
    for row in tables["transfer"]:
        row["entry_id"], row["set_id"] = ranks[row["entry_id"]], ranks[row["set_id"]]
    for row in tables["writer"]:
        del row["batch"], row["epoch"]
    return {
        name: sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
        for name, rows in tables.items()
    }


async def _journal_tables(journal: Any) -> dict[str, Any]:
    """What the contract shows of the tables: for comparing with the memory journal."""
    shown: dict[str, Any] = {}
    for address in ACTORS:
        owner = address.key
        shown[f"actor {owner}"] = await journal.load(address)
        shown[f"pending {owner}"] = [
            (x.sender, x.due_at, x.name, x.payload) for x in await journal.pending(address, 99, NOW)
        ]
        shown[f"lots {owner}"] = await journal.lots(owner)
        shown[f"entries {owner}"] = [
            (x.kind, x.points, x.lot) for x in await journal.entries(owner, None, 99)
        ]
    shown["timers"] = sorted(
        (x.due_at, x.target, x.name or "", x.payload)
        for x in await journal.due_timers(NOW + 999, 0, 99)
    )
    shown["counts"] = await journal.count_pending(NOW)
    shown["documents"] = await journal.scan("sample", "", 99)
    shown["events"] = await journal.events(0, 99)
    shown["dead"] = [
        (x.target, x.sender, x.code, x.payload, x.created_at, x.died_at)
        for x in await journal.dead_letters(None, 99)
    ]
    return shown


async def _rows(journal: Any) -> list[Pending]:
    found = [x for a in ACTORS for x in await journal.pending(a, 99, NOW + 999)]
    parked = await journal.due_timers(NOW + 999, 0, 99)
    rows = {x.id: x for x in (*found, *parked)}
    return [rows[row_id] for row_id in sorted(rows)]


async def _compare(postgres: Any, plan: Any) -> None:
    options = JournalOptions(now=NOW, readers=1)
    results: list[Any] = []
    for way in (_all_at_once, _one_by_one):
        postgres.run(f"truncate comptoir.leaf, comptoir.{TABLES.replace(', ', ', comptoir.')}",
                     "insert into comptoir.writer values (0, 0, 0, 0)")  # fmt: skip
        async with PostgresJournal.open(postgres.url, VAULT, options) as journal:
            desk, rows = await _prepare(journal, lambda: _rows(journal))
            rows = _pad(rows)
            fates = await way(desk, plan, rows)
            told = _tell(fates)
            shown = await _journal_tables(journal)
            results.append((told, shown, await _dump_postgres(postgres, journal)))
    async with MemoryJournal.open(MemoryTables()) as memory:
        desk, rows = await _prepare(memory, lambda: _rows(memory))
        fates = await _all_at_once(desk, plan, _pad(rows))
        told = _tell(fates)
        shown = await _journal_tables(memory)
    folded, single = results
    assert folded[0] == single[0] == told
    assert folded[1] == single[1] == shown
    assert folded[2] == single[2]
    assert sum(row["points"] for row in folded[2]["balance"]) == 0


def _tell(fates: list[Fate]) -> list[tuple[int, bool]]:
    """How many decisions of each run are durable, and whether the run was cut there.

    Why it was cut is not compared: a decision may have two reasons (a bad value, and a message that is
    gone), and which one is met first depends on what else is in the batch.
    """
    return [(fate.count, fate.why is not None) for fate in fates]


def _pad(rows: list[Pending]) -> list[Pending]:
    assert len(rows) == 6, "of eight setup rows two are parked without a due time, and not read"
    return [*rows, *rows][:SETUP_ROWS]


def test_folded_is_the_same_as_one_by_one(postgres: Any) -> None:
    """Whatever the decisions, all tables and all fates are the same in the three ways (design.md 7)."""

    @settings(
        max_examples=int(os.environ.get("TESTS_EXAMPLES") or EXAMPLES),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking would take minutes
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(plans())
    def check(plan: Any) -> None:
        trio.run(_compare, postgres, plan)

    check()

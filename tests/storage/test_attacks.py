"""Attempts to break the books by hand: as the daemon's own database role, each refused by the database.

The rule: whoever attacks has a session as that role (a statement that was smuggled in, a stolen connection) and
knows everything: epoch, batch, names, ids. What it may not do is refused by PostgreSQL, under a stable SQLSTATE,
and leaves every table as it was. docs/reliability.md lists the same attacks, and a test here holds it to that.
Source: issue 7, "must show"; design.md 7 (the daemon's role owns nothing); docs/adr/0041.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from comptoir.engine.decision import Transfer
from comptoir.engine.values import Address
from comptoir.storage.bridge import Connection, Target, open_bridge
from comptoir.storage.journal_testing import NOW, Desk, Noted, credit, note, only_once
from comptoir.storage.roles import ROLE_DAEMON
from comptoir.storage.sqlstate import DataRefused, FenceRaised, StatementBroken

ALICE, BOB = Address("wallet", "alice"), Address("wallet", "bob")
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
TABLES = (
    "writer", "transfer", "lot", "balance", "event", "leaf", "once", "schema_migration", "actor", "setting",
)  # fmt: skip
NUMBERS = count()


@dataclass(frozen=True)
class Attack:
    """What is tried, and how it is refused."""

    what: str
    sql: str
    """`{first}`: id of the oldest entry; `{last}`: of the newest; `{owner}`: who
    owns the schema."""
    state: str
    name: str = ""
    """Of the constraint, where one refuses."""


def door(
    transfers: str = "{}",
    lots: str = "{}",
    events: str = "{}",
    more: str = "",
    epoch: str = "epoch",
) -> str:
    """A call of `commit_batch` under the right epoch and the next batch: as much as the daemon itself could say.

    Args:
        transfers: rows, as SQL.
        lots: likewise.
        events: likewise, each beginning with `row(`.
        more: rows of `once`.
        epoch: an expression of `writer`'s columns.
    """

    def rows(text: str, kind: str) -> str:
        return f"array[{text}]::comptoir.{kind}[]" if text != "{}" else f"'{{}}'::comptoir.{kind}[]"

    told = 0 if events == "{}" else events.count("row(")
    return f"""
select comptoir.commit_batch(0::smallint, {epoch}, batch + 1, event_number + {told},
    {rows(more or "{}", "once_row")}, 0, '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}',
    {rows(lots, "lot_row")}, {rows(transfers, "transfer_row")}, '{{}}', {rows(events, "event_row")},
    decode(repeat('00', 32 * {told}), 'hex')) from comptoir.writer"""


def entry(
    debit: str, credited: str, points: int, *, owner: str = "alice", at: str = "{last} + 1",
    kind: str = "credit", lot: str = "null",
) -> str:  # fmt: skip
    """A row of a transfer."""
    one, other = (x if x == "null" else f"'{x}'" for x in (debit, credited))
    return f"row({at}, {at}, {NOW}, '{owner}', '{kind}', {one}, {other}, {points}, {lot}, null, null, 0, 0, 0, 0)"


INSERT = "insert into comptoir.transfer values ({last} + 1, 1, now(), 'alice', 'credit', 'issued:', 'available:alice', 5, null, null, null, 5, 0, 0, 0)"  # fmt: skip
ATTACKS = (
    # What is written is changed.
    Attack("an entry is changed", "update comptoir.transfer set points = points + 1", "42501"),
    Attack("an entry is deleted", "delete from comptoir.transfer where entry_id = {first}", "42501"),
    Attack("the ledger is emptied", "truncate comptoir.transfer", "42501"),
    Attack("a balance is set", "update comptoir.balance set points = 1000000 where owner = 'alice'", "42501"),
    Attack("a balance is made up", "insert into comptoir.balance values ('available:eve', 5, 'available', 'eve')", "42501"),
    Attack("a lot is filled up", "update comptoir.lot set remaining = points", "42501"),
    Attack("a lot is dated back", "update comptoir.lot set earned_at = 'epoch'", "42501"),
    Attack("a lot changes hands", "update comptoir.lot set owner = 'bob' where owner = 'alice'", "42501"),
    Attack("an event is rewritten", "update comptoir.event set payload = '' where number = 1", "42501"),
    Attack("an event is deleted", "delete from comptoir.event where number = 1", "42501"),
    Attack("the leaves are rewritten", "update comptoir.leaf set hashes = decode(repeat('00', 32), 'hex')", "42501"),
    Attack("the leaves are forgotten", "delete from comptoir.leaf", "42501"),
    # Something is written beside the door.
    Attack("an entry beside the door", INSERT, "42501"),
    Attack("a lot beside the door", "insert into comptoir.lot (id, owner, source, tag, points, basis_cents, rate_bp, multiplier_bp, earned_at) values ('l9', 'alice', '', '', 5, 0, 0, 0, now())", "42501"),
    Attack("an event beside the door", "insert into comptoir.event values (1, 'epoch', 'wallet', 'alice', 'Noted', '')", "42501"),
    Attack("a leaf beside the door", "insert into comptoir.leaf values (99, decode(repeat('00', 32), 'hex'))", "42501"),
    # Something wrong is written through it.
    Attack("a transfer with one leg", door(entry("issued:", "null", 5)), "23502", "credit"),
    Attack("a transfer of nothing", door(entry("issued:", "available:alice", 0)), "23514", "transfer_points"),
    Attack("a transfer that runs backwards", door(entry("issued:", "available:alice", -5)), "23514", "transfer_points"),
    Attack("a transfer to itself", door(entry("available:alice", "available:alice", 5)), "23514", "transfer_two_accounts"),
    Attack("more than there is", door(entry("available:alice", "paid:", 1000, kind="payout")), "23514", "balance_not_negative"),
    Attack("a dip that a later entry hides", door(
        entry("available:bob", "paid:", 60, owner="bob", kind="payout") + "," + entry("issued:", "available:bob", 60, owner="bob", at="{last} + 2")),
        "23514", "balance_not_negative"),
    Attack("more of a lot than it has", door(entry("issued:", "available:alice", 41, lot="'l1'")), "23514", "lot_remaining"),
    Attack("points of somebody else's lot", door(entry("issued:", "available:bob", 1, owner="bob", lot="'l1'")), "CT005", "transfer_lot_of_owner"),
    Attack("points of two others in one's history", door(entry("issued:", "paid:", 5)), "23514", "transfer_owner_takes_part"),
    Attack("another currency", door(entry("eur:", "available:alice", 5)), "23514", "balance_book"),
    Attack("a kind of its own", door(entry("issued:", "available:alice", 5, kind="gift")), "23514", "transfer_kind"),
    Attack("an entry in the past", door(entry("issued:", "available:bob", 5, owner="bob", at="{first}")), "23514", "books_in_order"),
    Attack("an entry in the past behind a newer one", door(
        entry("issued:", "available:alice", 5) + "," + entry("issued:", "available:alice", 5, at="{first} - 1") + "," + entry("issued:", "available:alice", 5, at="{last} + 2")),
        "23514", "books_in_order"),
    Attack("an entry in another's place", door(entry("issued:", "available:alice", 5, at="{last}")), "23514", "books_in_order"),
    Attack("an event under a number that is taken", door(events=f"row(1, {NOW}, 'wallet', 'alice', 'Noted', '')"), "23514", "books_in_order"),
    Attack("an event in the future", door(events=f"row(event_number + 2, {NOW}, 'wallet', 'alice', 'Noted', '')"), "23514", "books_in_order"),
    Attack("a lot a second time", door(lots=f"row('l1', 'eve', 'x', '', 5, 5, 1, 1, {NOW}, null)"), "23505", "lot_pkey"),
    Attack("the second effect of a once key", door(more="row((select digest from comptoir.once limit 1), 'webhook', ''::bytea, 1)"), "CT002"),
    Attack("the batch of a superseded daemon", door(entry("issued:", "available:alice", 5), epoch="epoch - 1"), "CT001"),
    # Who may write.
    Attack("the epoch is set back", "update comptoir.writer set epoch = 0", "42501"),
    Attack("numbers of events are given back", "update comptoir.writer set event_number = 0, entry_id = 0", "42501"),
    Attack("the writer's row is deleted", "delete from comptoir.writer", "42501"),
    Attack("another lane is opened", "insert into comptoir.writer values (1, 0, 0, 0)", "42501"),
    # The rules are taken away.
    Attack("triggers are switched off", "alter table comptoir.transfer disable trigger all", "42501"),
    Attack("triggers are switched off for the session", "set session_replication_role = replica", "42501"),
    Attack("the trigger is dropped", "drop trigger transfer_posts on comptoir.transfer", "42501"),
    Attack("its function is replaced", "create or replace function comptoir.post_transfers() returns trigger language plpgsql as 'begin return null; end'", "42501"),
    Attack("its function is called", "select comptoir.post_transfers()", "42501"),
    Attack("a rule of a column is dropped", "alter domain comptoir.points_moved drop constraint transfer_points", "42501"),
    Attack("a key is dropped", "alter table comptoir.transfer drop constraint transfer_pkey", "42501"),
    Attack("a column is added", "alter table comptoir.balance add column mine int", "42501"),
    Attack("a partition is taken away", "alter table comptoir.event detach partition comptoir.event_default", "42501"),
    Attack("a table is dropped", "drop table comptoir.leaf", "42501"),
    Attack("a function is made", "create function comptoir.mine() returns int language sql as 'select 1'", "42501"),
    Attack("a function is made in public", "create function public.mine() returns int language sql as 'select 1'", "42501"),
    Attack("a rule rewrites what is read", "create rule mine as on select to comptoir.balance do instead select 1", "42501"),
    Attack("what was migrated is changed", "update comptoir.schema_migration set digest = ''", "42501"),
    # Somebody else is become.
    Attack("the owner is become", 'set role "{owner}"', "42501"),
    Attack("the session becomes another's", 'set session authorization "{owner}"', "42501"),
    Attack("the owner's rights are given", f'grant "{{owner}}" to {ROLE_DAEMON}', "42501"),
    Attack("the tables are taken", f"alter table comptoir.transfer owner to {ROLE_DAEMON}", "42501"),
    Attack("a superuser is made", "create role eve superuser login", "42501"),
    Attack("the role is made a superuser", f"alter role {ROLE_DAEMON} superuser", "42501"),
    # The machine is reached.
    Attack("a program is run", "copy (select 1) to program 'touch mine'", "42501"),
    Attack("a program is read", "copy comptoir.setting from program 'echo a'", "42501"),
    Attack("a file of the server is read", "select pg_read_file('postgresql.conf')", "42501"),
    Attack("a file of the server is written", "select lo_export(1, 'mine')", "42501"),
    Attack("the server's settings are changed", "alter system set fsync = off", "42501"),
)  # fmt: skip


@dataclass
class Scene:
    """A database with books in it, and two sessions: the attacker's and one that sees everything."""

    attacker: Connection
    witness: Connection
    values: dict[str, object]

    async def attack(self, sql: str) -> tuple[str, str]:
        """Try it; SQLSTATE and constraint or column of the refusal, both empty if there was none."""
        written = sql
        for name, value in self.values.items():
            written = written.replace(f"{{{name}}}", str(value))
        try:
            await self.attacker.run_script(written)
        except (DataRefused, FenceRaised, StatementBroken) as error:
            return error.sqlstate, error.name if isinstance(error, DataRefused) else ""
        return "", ""

    async def seen(self) -> Sequence[object]:
        """Everything that could have been changed."""
        tables = [
            f"(select md5(string_agg(x::text, '|' order by x::text)) from comptoir.{table} x)"
            for table in TABLES
        ]
        catalogue = (
            "(select count(*) from pg_class), (select count(*) from pg_proc), "
            "(select count(*) from pg_roles where rolsuper)"
        )
        rows = await self.witness.fetch(f"select {', '.join(tables)}, {catalogue}")
        return tuple(rows[0])


@asynccontextmanager
async def scene(server: Any) -> AsyncGenerator[Scene]:
    """Alice and bob have points; whoever attacks has come in by a login that is a member of the daemon's role."""
    async with server.open() as journal:
        assert journal.statistics().role_reduced
        desk = Desk(journal)
        once = (only_once("seed:tx_1"),)
        await desk.write(
            ALICE,
            note("a", once=once, events=(Noted("a"),), **credit("alice", "l1", 100, total=100)),
        )
        await desk.write(
            BOB, note("b", events=(Noted("b"), Noted("c")), **credit("bob", "l2", 50, total=50))
        )
        held = Transfer(
            "available:alice", "blocked:alice", 40, "hold", "alice", (60, 0, 40, 0), "l1"
        )
        await desk.write(ALICE, note("c", transfers=(held,)))
    login = f"attacker_{next(NUMBERS)}_{server.name}"
    server.run(f"create role {login} login in role {ROLE_DAEMON}")
    url = server.url.replace("postgres@", f"{login}@")
    ids = [int(x) for x in server.run("select entry_id from comptoir.transfer order by 1").split()]
    owner = server.run("select nspowner::regrole from pg_namespace where nspname = 'comptoir'")
    values: dict[str, object] = {
        "first": ids[0],
        "last": ids[-1],
        "owner": owner,
    }
    async with open_bridge() as bridge:
        attacker = await bridge.connect(Target(url, role=ROLE_DAEMON))
        witness = await bridge.connect(Target(server.url))
        try:
            yield Scene(attacker, witness, values)
        finally:
            await attacker.close()
            await witness.close()


async def test_every_attack_is_refused_by_the_database(each_postgres: Any) -> None:
    """S47, E13, invariants 3, 4 and 7: by the SQLSTATE that is written down; nothing has changed after any."""
    succeeded: list[object] = []
    async with scene(each_postgres) as stage:
        before = await stage.seen()
        for attack in ATTACKS:
            state, name = await stage.attack(attack.sql)
            if (state, attack.name and name) != (attack.state, attack.name):
                succeeded.append((attack.what, state, name))
            assert await stage.seen() == before, attack.what
    assert succeeded == []
    assert len(ATTACKS) >= 20


async def test_the_door_opens_for_what_is_right(each_postgres: Any) -> None:
    """The attacks are refused for what they are: a right entry, lot and event pass by the very same call."""
    right = door(
        entry("issued:", "available:alice", 5, lot="'l9'") + "," + entry("issued:", "pending:bob", 7, owner="bob", at="{last} + 2"),
        lots=f"row('l9', 'alice', 'x', '', 5, 5, 1, 1, {NOW}, null)",
        events=f"row(event_number + 1, {NOW}, 'wallet', 'alice', 'Noted', '')",
    )  # fmt: skip
    async with scene(each_postgres) as stage:
        before = await stage.seen()
        assert await stage.attack(right) == ("", "")
        assert await stage.seen() != before
        assert (await stage.attack(right))[0] == "23514", "and not a second time"
        # Whoever has forged something has taken the daemon's next batch: it is superseded, and says so.
        batch = await stage.witness.fetch("select batch from comptoir.writer")
        taken = door().replace("batch + 1", f"{batch[0][0]}")
        assert (await stage.attack(taken))[0] == "CT001"


def test_the_page_tells_of_each() -> None:
    """docs/reliability.md has every attack with its refusal, and no other."""
    rows = re.findall(
        r"^\| \d+ \| ([^|]+) \| `(\w+)` \| ?([^|]*) ?\|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rows == [(x.what, x.state, f"`{x.name}` " if x.name else "") for x in ATTACKS]

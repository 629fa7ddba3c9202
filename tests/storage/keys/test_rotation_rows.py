"""Rotations of the rows of a database while decisions are committed, on PostgreSQL.

Before each test the rows are sealed by format 1, as the release before left them: so every rotation here is
the upgrade as well. Source: docs/keys.md; design.md 3, 7; spec.md X13, X14, X16.
"""

# pyright: reportPrivateUsage=false

from typing import Any

import pytest
import trio

from comptoir.engine.errors import Erased
from comptoir.engine.failures import failure_of
from comptoir.engine.values import Address
from comptoir.storage.errors import KeyStoreUnavailable
from comptoir.storage.journal import PostgresJournal
from comptoir.storage.journal_testing import Desk, Written, keep, note, only_once
from comptoir.storage.keys import rotation as module
from comptoir.storage.keys.data_key import FORMAT
from comptoir.storage.keys.errors import KeysErased, KeyStoreBroken, KeyStoreForeign
from comptoir.storage.keys.keyring import TEXT_AT
from comptoir.storage.keys.rotation import Rotations, ask_rotation
from comptoir.storage.session import Flight, Session
from comptoir.storage.vault import Vault, VaultStoreMissing, VaultTampered
from tests.storage.conftest import PostgresBackend
from tests.storage.keys.conftest import Home
from tests.storage.keys.house import OPTIONS, PEOPLE, House, Killed, dying, rotate

BYTES_SQL = """select table_name || '.' || column_name from information_schema.columns
 where table_schema = 'comptoir' and data_type = 'bytea' and table_name not like 'event\\_%'
 order by 1"""
"""Partitions of events aside."""


@pytest.fixture
async def house(postgres: PostgresBackend, home: Home, monkeypatch: pytest.MonkeyPatch) -> House:
    """A database that the release before has filled."""
    monkeypatch.setattr(module, "PAGE_ROWS", 8)
    monkeypatch.setattr(module, "REST", 0)
    made = House(postgres, home)
    await made.fill()
    return made


async def test_format_1_opens_is_added_to_and_sealed_anew(house: House) -> None:
    """X14: the upgrade: no downtime, no step of its own; events stay as their leaves have them."""
    async with house.open() as (opened, journal):
        await house.check(journal)
        await house.work(Desk(journal), "after")
        await house.check(journal)
        assert house.formats()["actor"] == {"02"}
        assert house.formats()["message"] == {"01", "02"}
        leaves = house.postgres.run("select first, encode(hashes, 'hex') from comptoir.leaf")
        events = house.postgres.run("select number, encode(payload, 'hex') from comptoir.event")
        await rotate(opened, journal, "data")
        await house.check(journal)
        assert house.formats() == {
            "actor": {"02"}, "message": {"02"}, "once": {"02"}, "event": {"01", "02"},
        }  # fmt: skip
        assert house.stale(opened.keyring.store) == 0
        assert (
            house.postgres.run("select first, encode(hashes, 'hex') from comptoir.leaf") == leaves
        )
        assert (
            house.postgres.run("select number, encode(payload, 'hex') from comptoir.event")
            == events
        )
    async with house.open() as (_, journal):
        await house.check(journal)


async def test_only_events_hang_on_the_keys_of_before(house: House) -> None:
    """X14: after `rotate data` a keyring without the master keys opens every state, message, dead letter and
    answer; the events of their time it does not. And no other column holds what was sealed.
    """
    async with house.open() as (opened, journal):
        columns = house.postgres.run(BYTES_SQL).split()
        assert columns == [
            "actor.state", "event.payload", "leaf.hashes", "message.payload",
            "once.answer", "once.digest",
        ]  # fmt: skip
        await rotate(opened, journal, "data")
    async with house.open() as (opened, journal):
        opened.keyring._masters = None
        await house.check_rows(journal)
        with pytest.raises(VaultTampered):
            await journal.events(0, 1000)


async def test_keys_are_replaced_while_decisions_are_committed(house: House) -> None:
    """X14, X16: under every kind of rotation, begun at any moment, no decision fails, none is taken twice,
    and a key that was taken is taken at every moment between.
    """
    async with house.open() as (opened, journal), trio.open_nursery() as nursery:
        rotations = Rotations(opened.keyring, opened.provider, journal)
        nursery.start_soon(rotations.run)
        for n, what in enumerate(
            ("once", "data", "subject", "index", "wrap", "kek", "once", "subject", "data")
        ):
            ask_rotation(opened.keyring.store, what)
            await house.work(Desk(journal), f"round {n}")
            await house.check(journal)
        with trio.fail_after(60):
            while rotations.pending():  # noqa: ASYNC110 - what is polled is a file
                await trio.sleep(0.05)
        await house.check(journal)
        assert house.stale(opened.keyring.store) == 0
        assert opened.keyring.once.progress() == (3, b"")
        lengths = house.postgres.run(
            "select distinct octet_length(digest), get_byte(digest, 0) from comptoir.once"
        )
        assert lengths == "17|3"
        nursery.cancel_scope.cancel()
    async with house.open() as (_, journal):
        await house.check(journal)


@pytest.mark.parametrize("what", ["data", "once"])
async def test_a_crash_at_any_write_is_gone_on_from(house: House, what: str) -> None:
    """X14, X16: whichever write of the database or of the key store is its last: the next daemon opens everything,
    refuses every key that was taken, and ends what was begun.
    """
    when, died = 1, True
    while died:
        died = False
        try:
            async with house.open() as (opened, journal):
                dying(journal, opened.keyring.store, when)
                await rotate(opened, journal, what)
        except BaseExceptionGroup as group:
            died = bool(group.subgroup(Killed))
            if not died:
                raise
        except Killed:
            died = True
        async with house.open() as (opened, journal):
            await house.check(journal)
            await rotate(opened, journal)
            await house.check(journal)
            assert [x.state for x in opened.keyring.store.rotations()] in (["done"], [])
        when += 1
    assert when > 6


async def test_the_erased_are_left_as_they_are(house: House) -> None:
    """X13: rotations go on over rows that nothing opens; nobody else's are touched by an erasure; a backup
    of the database brings nothing back.
    """
    async with house.open() as (opened, journal):
        await house.work(Desk(journal), "sealed by person")
        await rotate(opened, journal, "data")
        ann = PEOPLE[0]
        copy = house.postgres.run(
            f"select encode(state, 'hex') from comptoir.actor where key = '{ann.key}'"
        )
        assert await opened.keyring.erase([ann])
        await rotate(opened, journal, "data", "once", "wrap", "subject")
        with pytest.raises(Erased):
            await journal.load(ann)
        read = await journal.events(0, 1000)
        assert {x.address for x in read if not x.payload} == {ann}, "in their order, and no more"
        others = House(house.postgres, house.home, said={**house.said})
        del others.said[ann]
        for address, text in others.said.items():
            loaded = await journal.load(address)
            assert loaded is not None
            assert text.encode() in loaded.state
        with pytest.raises(KeysErased):
            opened.keyring.open(bytes.fromhex(copy), b"actor|wallet|u0|2")


async def test_a_database_is_opened_by_its_own_store_only(house: House, tmp_path: Any) -> None:
    """S59: another store, or none, is refused by name before anything is read or written."""
    async with house.open() as (_, journal):
        await house.check(journal)
    foreign = (await Home(tmp_path / "foreign").open(house.keys)).keyring
    for sealer, refusal in ((foreign, KeyStoreForeign), (Vault(house.keys), VaultStoreMissing)):
        with pytest.raises((refusal, BaseExceptionGroup)) as caught:
            async with PostgresJournal.open(house.postgres.url, sealer, OPTIONS):
                pass
        assert failure_of(caught.value)[0].code == refusal.CODE


async def test_an_older_copy_of_the_store_is_refused(house: House, tmp_path: Any) -> None:
    """X16: without the newest digest key, every `once` key could be taken a second time."""
    async with house.open() as (opened, journal):
        opened.keyring.store.back_up(tmp_path / "copy.db")
        await rotate(opened, journal, "once")
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (house.home.folder / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(house.home.folder / "store.db")
    with pytest.raises((KeyStoreBroken, BaseExceptionGroup)) as caught:
        async with house.open():
            pass
    assert failure_of(caught.value)[0].code == KeyStoreBroken.CODE
    assert "older" in failure_of(caught.value)[0].text


async def test_a_standby_learns_what_was_rotated_while_it_waited(house: House) -> None:
    """X14: it opened the store before the rotation, and seals and opens by what the store holds when it is
    its turn.
    """
    waiting = await house.home.open(house.keys)
    async with house.open() as (opened, journal):
        await rotate(opened, journal, "wrap", "data", "once", "subject")
    async with PostgresJournal.open(house.postgres.url, waiting.keyring, OPTIONS) as journal:
        await house.check(journal)
        await house.work(Desk(journal), "by the next one")
        await house.check(journal)
        assert house.stale(waiting.keyring.store) == 0


async def test_two_decisions_of_one_key_in_one_moment(house: House) -> None:
    """X16: whatever moves meanwhile, one of two decisions that name the same key stands."""
    async with house.open() as (opened, journal), trio.open_nursery() as nursery:
        rotations = Rotations(opened.keyring, opened.provider, journal)
        nursery.start_soon(rotations.run)
        ask_rotation(opened.keyring.store, "once")
        desk = Desk(journal)
        for n in range(60):
            for who in ("a", "b"):
                decision = keep(once=(only_once(f"both-{n}"),), reply=Written(who))
                desk.submit(Address("other", who), decision, stateless=True)
            fates = await desk.wait(2)
            assert [x.why is None for x in fates].count(True) == 1, n
        nursery.cancel_scope.cancel()


async def test_no_row_is_sent_before_its_key_is_durable(
    postgres: PostgresBackend, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S59, design.md 7: whatever a batch carries, another process finds its keys in the store when the batch
    is sent; also while the disk takes no keys: then the batch waits, and is committed once.
    """
    checked = 0
    send = Session.send

    def watched(self: Session, sql: str, last_event: int, *arguments: Any) -> Flight:
        nonlocal checked
        there = home.store()
        for sealed in _sealed_in(arguments):
            assert there.find(sealed[1:9]) is not None
            checked += 1
        there.close()
        return send(self, sql, last_event, *arguments)

    monkeypatch.setattr(Session, "send", watched)
    house = House(postgres, home)
    async with house.open() as (opened, journal):
        await house.work(Desk(journal), "new people")
        assert checked >= 4 * len(PEOPLE)
        add, refused = opened.keyring.store.add, 0

        def full(rows: Any) -> None:
            nonlocal refused
            if refused < 3:
                refused += 1
                assert journal.available is (refused == 1)
                raise KeyStoreUnavailable("SQLITE_FULL")
            add(rows)

        monkeypatch.setattr(opened.keyring.store, "add", full)
        late = Address("wallet", "late")
        assert (await Desk(journal).write(late, note("here"))).why is None
        assert refused == 3
        assert journal.available
        loaded = await journal.load(late)
        assert loaded is not None
        assert loaded.version == 1


def _sealed_in(arguments: Any) -> list[bytes]:
    """Every value of format 2 in the rows of a batch."""
    arrays: list[list[Any]] = [x for x in arguments if isinstance(x, list)]
    rows: list[tuple[Any, ...]] = [
        row for array in arrays for row in array if isinstance(row, tuple)
    ]
    values = [x for row in rows for x in row if isinstance(x, bytes)]
    return [x for x in values if len(x) > TEXT_AT and x[0] == FORMAT]

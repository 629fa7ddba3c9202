"""Addresses while the key of the blind indexes is replaced: one for each text, for as long as it is named.

The world is a handful of rows that name addresses, and what is under way in memory; a replacement goes on
page by page between any other steps, and dies anywhere. Source: docs/keys.md; spec.md X14, X15.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from comptoir.engine.mac import Mac
from comptoir.engine.values import Address
from comptoir.storage.keys import rotation as module
from comptoir.storage.keys.errors import KeyStoreBroken, KeyStoreForeign
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.opening import Opened
from comptoir.storage.keys.rotation import Rotations, ask_rotation
from comptoir.storage.keys.store import KeyStore
from comptoir.storage.reseal import TABLES, Mover, Page, Resealer
from tests.storage.keys.conftest import Home

ROWS_OF_A_PAGE = 2


class Paused(Exception):
    """No more pages for now."""


@dataclass
class World:
    """A database of rows, as far as a rotation touches one (storage/keys/rotation.py: Pages)."""

    rows: dict[tuple[str, int], tuple[str, bytes]] = field(
        default_factory=dict[tuple[str, int], tuple[str, bytes]]
    )
    """(table, number) -> the text whose address it names, and its value as sealed."""
    bound: str | None = None
    pages: int = 1000
    """How many may be read before it pauses."""

    def put(self, keyring: Keyring, place: tuple[str, int], text: str, address: str) -> None:
        """A batch of one row; sealed, and sent when what sealed it is durable."""
        value = json.dumps({"to": address}).encode()
        sealed = keyring.seal(value, repr(place).encode(), Address("wallet", "w"))
        trio.run(keyring.make_durable)
        self.rows[place] = (text, sealed)

    def take(self, keyring: Keyring, place: tuple[str, int]) -> tuple[str, str]:
        """A row is consumed: its text and its address."""
        text, sealed = self.rows.pop(place)
        return text, json.loads(keyring.open(sealed, repr(place).encode()))["to"]

    async def count_resealable(self, mover: Mover | None = None) -> int:
        """All."""
        assert mover is None
        return len(self.rows)

    async def reseal(self, keys: Resealer, table: str, cursor: tuple[Any, ...], limit: int) -> Page:
        """A page."""
        del limit
        if not self.pages:
            raise Paused
        self.pages -= 1
        after = cursor[0] if cursor else -1
        numbers = sorted(n for name, n in self.rows if name == table and n > after)
        page = numbers[:ROWS_OF_A_PAGE]
        for number in page:
            place = (table, number)
            assert keys.reseal(self.rows[place][1], repr(place).encode()) is None
        more = len(page) == ROWS_OF_A_PAGE
        return Page((page[-1],) if more else None, len(page), 0)

    async def move_once(self, mover: Mover, limit: int) -> Page:
        """None of this."""
        raise AssertionError("no `once` row is moved")

    async def put_setting(self, name: str, value: str) -> None:
        """What the database knows of the store."""
        assert name == "vault"
        if not self.pages:
            raise Paused
        self.bound = value


def start(home: Home, world: World) -> Opened:
    """What the next daemon has."""
    opened = home.start()

    async def attach() -> str | None:
        return await opened.keyring.attach(world.bound, fresh=world.bound is None)

    world.bound = trio.run(attach) or world.bound
    return opened


def go_on(opened: Opened, world: World, pages: int = 1000) -> None:
    """So many pages of what is asked for, at most."""
    world.pages = pages
    rotations = Rotations(opened.keyring, opened.provider, world)
    for row in rotations.pending():
        try:
            trio.run(rotations.perform, row)
        except Paused:
            return


def look(keyring: Keyring, text: str) -> str:
    """Its address."""
    return keyring.blind_index("connection", text).hex()


def rotate(opened: Opened, world: World) -> None:
    """A replacement from its beginning to its end."""
    ask_rotation(opened.keyring.store, "index")
    go_on(opened, world)
    assert opened.keyring.store.rotations()[-1].state == "done"


def test_what_is_there_keeps_its_address_and_what_is_new_has_the_new_key_s(home: Home) -> None:
    """X15: by the description alone: an index is one HMAC under the key of the generation that it is of."""
    world = World()
    opened = start(home, world)
    keyring = opened.keyring
    old = look(keyring, "old")
    world.put(keyring, ("actor", 1), "old", old)
    rotate(opened, world)
    for ring in (keyring, start(home, world).keyring):
        keys = ring.roots["index"]
        assert sorted(keys) == [1, 2]
        assert look(ring, "old") == old == Mac(keys[1]).digest(b"10:connectionold").hex()
        assert look(ring, "new") == Mac(keys[2]).digest(b"10:connectionnew").hex()
        assert ring.statistics().index == 2


def test_an_address_of_an_actor_alone_stands(home: Home) -> None:
    """X15: its state need not name it; whose value it is, does, also when that person was erased."""
    world = World()
    opened = start(home, world)
    keyring = opened.keyring
    kept = {text: Address("connection", look(keyring, text)) for text in ("here", "erased")}
    values = {text: keyring.seal(b"{}", b"row", about) for text, about in kept.items()}
    trio.run(keyring.make_durable)
    trio.run(keyring.erase, [kept["erased"]])
    opened = start(home, world)
    ring = opened.keyring

    class Actors(World):
        async def reseal(
            self, keys: Resealer, table: str, cursor: tuple[Any, ...], limit: int
        ) -> Page:
            """The two states."""
            for text, about in kept.items() if table == "actor" else ():
                keys.reseal(values[text], b"row", (about, about))
            return Page(None, 0, 0)

    rotate(opened, Actors(bound=world.bound))
    assert {text: look(ring, text) for text in kept} == {x: y.key for x, y in kept.items()}


def test_what_nothing_names_any_more_is_forgotten(home: Home) -> None:
    """X15: so what is held is bounded by what is there; its text comes again as something new."""
    world = World()
    opened = start(home, world)
    keyring = opened.keyring
    for number in range(5):
        world.put(keyring, ("actor", number), f"c{number}", look(keyring, f"c{number}"))
    before = look(keyring, "c0")
    rotate(opened, world)
    assert keyring.store.count_held() == 5
    world.take(keyring, ("actor", 0))
    opened = start(home, world)
    rotate(opened, world)
    assert opened.keyring.store.count_held() == 4
    assert look(opened.keyring, "c0") != before


def test_what_was_under_way_when_it_began_is_found(home: Home) -> None:
    """X15: an address that somebody was given just before, and that is written when all is over."""
    world = World()
    opened = start(home, world)
    given = look(opened.keyring, "c")
    rotate(opened, world)
    world.put(opened.keyring, ("actor", 1), "c", given)
    assert look(opened.keyring, "c") == given
    assert look(start(home, world).keyring, "c") == given


def test_what_moves_behind_the_reader_s_back_is_found(home: Home) -> None:
    """X15: a message that was not read yet is consumed, and its address is in a state that was."""
    world = World()
    opened = start(home, world)
    given = look(opened.keyring, "c")
    world.put(opened.keyring, ("message", 1), "c", given)
    for number in range(1, 4):
        world.put(opened.keyring, ("actor", number), "d", look(opened.keyring, "d"))
    opened = start(home, world)  # nobody was given it lately
    ask_rotation(opened.keyring.store, "index")
    go_on(opened, world, 1)  # the states 1 and 2
    world.put(opened.keyring, ("actor", 0), *world.take(opened.keyring, ("message", 1)))
    go_on(opened, world)
    assert opened.keyring.store.rotations()[-1].state == "done"
    for ring in (opened.keyring, start(home, world).keyring):
        assert look(ring, "c") == given


@pytest.mark.parametrize("pages", [0, 3, 1000], ids=["before it", "in the midst", "after it"])
def test_an_older_copy_of_the_store_is_refused(home: Home, tmp_path: Path, pages: int) -> None:
    """X15, X16: it would give what is there a second address; only the copy of after the last write is one."""
    world = World()
    opened = start(home, world)
    for number in range(9):
        world.put(
            opened.keyring, ("actor", number), f"c{number}", look(opened.keyring, str(number))
        )
    opened = start(home, world)  # what was given out lately is nobody's any more
    if pages:
        ask_rotation(opened.keyring.store, "index")
        go_on(opened, world, pages)
    opened.keyring.store.back_up(tmp_path / "copy.db")
    if not pages:
        ask_rotation(opened.keyring.store, "index")
    go_on(opened, world)
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (home.folder / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(home.folder / "store.db")
    if pages == 1000:
        start(home, world)
        return
    with pytest.raises(KeyStoreBroken, match="older"):
        start(home, world)


def test_another_store_is_refused(home: Home, tmp_path: Path) -> None:
    """S59: whatever it holds."""
    world = World()
    start(home, world)
    with pytest.raises(KeyStoreForeign):
        start(Home(tmp_path / "other"), world)


def test_a_release_that_would_not_look_for_them_is_shut_out(home: Home) -> None:
    """X15: from the first replacement on the store is of the version that has them, and not before."""
    world = World()
    opened = start(home, world)

    def version() -> str:
        with sqlite3.connect(home.folder / "store.db") as connection:
            sql = "select value from meta where name = 'version'"
            return str(connection.execute(sql).fetchone()[0])

    assert version() == "1"
    ask_rotation(opened.keyring.store, "index")
    assert version() == "1"
    go_on(opened, world, 0)
    assert version() == "2"


def test_a_store_of_the_release_before_has_no_such_table(home: Home) -> None:
    """X14: it is made when the store is opened; nothing needs to be done."""
    home.start().keyring.store.close()
    with sqlite3.connect(home.folder / "store.db") as connection:
        connection.execute("drop table held")
    world = World()
    rotate(start(home, world), world)


def test_generations_are_few(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Design.md 2: each costs every look-up of something new one HMAC; the last is told, and stays."""
    monkeypatch.setattr(module, "INDEX_GENERATIONS_MAX", 2)
    world = World()
    opened = start(home, world)
    rotate(opened, world)
    before = look(opened.keyring, "x")
    rotate(opened, world)
    (row,) = opened.keyring.store.rotations()
    assert row.fault == "VAULT_ROTATION_REFUSED: no generation is left"
    assert look(opened.keyring, "x") == before
    assert sorted(opened.keyring.roots["index"]) == [1, 2]


def test_what_is_in_hand_outlasts_two_replacements(home: Home) -> None:
    """X15: an address that was given out, and is written by nobody yet, is its text's whatever is replaced meanwhile."""
    world = World()
    opened = start(home, world)
    before = look(opened.keyring, "a")
    for _ in range(3):
        rotate(opened, world)
    assert look(opened.keyring, "a") == before


TEXTS = st.sampled_from("abc")
PLACES = st.tuples(st.sampled_from(TABLES[:2]), st.integers(0, 3))


class Replacing(RuleBasedStateMachine):
    """Texts are looked up, written, moved from row to row and forgotten while their key is replaced."""

    @initialize()
    def begin(self) -> None:
        """An empty house."""
        self.folder = TemporaryDirectory()
        self.home = Home(Path(self.folder.name) / "keys")
        self.world = World()
        self.opened = start(self.home, self.world)
        self.hand: list[tuple[str, str]] = []
        """What is under way in memory: text, and the address that somebody was given for it."""

    def teardown(self) -> None:
        """Whatever is named is found, by this daemon and by the next one."""
        if not hasattr(self, "world"):
            return
        self.check(self.opened.keyring, (*self.named(), *self.hand))
        self.check(start(self.home, self.world).keyring, self.named())
        self.opened.keyring.store.close()
        self.folder.cleanup()

    def named(self) -> list[tuple[str, str]]:
        """Text and address, of every row."""
        keyring = start(self.home, self.world).keyring
        return [World(dict(self.world.rows)).take(keyring, place) for place in self.world.rows]

    def check(self, keyring: Keyring, named: Sequence[tuple[str, str]]) -> None:
        """Hold that each text has the address by which it is named."""
        assert {(text, look(keyring, text)) for text, _ in named} == set(named)

    @rule(text=TEXTS)
    def give(self, text: str) -> None:
        """Somebody looks a text up, and will write its address, or not."""
        address = look(self.opened.keyring, text)
        others = {x for known, x in self.hand if known == text}
        assert others <= {address}, "two addresses of one text"
        self.hand.append((text, address))

    @precondition(lambda self: self.hand)
    @rule(place=PLACES)
    def write(self, place: tuple[str, int]) -> None:
        """What was longest under way is written."""
        self.world.put(self.opened.keyring, place, *self.hand.pop(0))

    @precondition(lambda self: self.hand)
    @rule()
    def let_go(self) -> None:
        """What was longest under way comes to nothing."""
        self.hand.pop(0)

    @rule(source=PLACES, there=PLACES)
    def move(self, source: tuple[str, int], there: tuple[str, int]) -> None:
        """A message is consumed and its address is in a state, or the other way round."""
        if source in self.world.rows:
            keyring = self.opened.keyring
            self.world.put(keyring, there, *self.world.take(keyring, source))

    @rule(place=PLACES)
    def forget(self, place: tuple[str, int]) -> None:
        """A row goes."""
        self.world.rows.pop(place, None)

    @rule()
    def ask(self) -> None:
        """A new key is asked for."""
        ask_rotation(self.opened.keyring.store, "index")

    @rule(pages=st.integers(0, 4))
    def go_on(self, pages: int) -> None:
        """The replacement goes on for a while."""
        go_on(self.opened, self.world, pages)

    @rule()
    def die(self) -> None:
        """What was in memory is gone, and the next daemon begins."""
        self.opened.keyring.store.close()
        self.opened = start(self.home, self.world)
        self.hand.clear()


TestReplacing = Replacing.TestCase
TestReplacing.settings = settings(stateful_step_count=40, deadline=None)


def test_keys_of_an_opened_store_are_known_to_it(home: Home) -> None:
    """X14: the store names the generations that it has, and none of them is in clear."""
    world = World()
    opened = start(home, world)
    rotate(opened, world)
    store: KeyStore = opened.keyring.store
    index = [x for x in store.roots() if x.purpose == "index"]
    assert [x.generation for x in index] == [1, 2]
    for row in index:
        assert opened.keyring.roots["index"][row.generation] not in row.wrapped.blob

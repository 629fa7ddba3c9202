"""The names by which the key store knows persons, while their key is replaced: who is erased is gone.

The replacement goes on page by page between any other steps, and dies anywhere.
Source: docs/keys.md; spec.md X13, X14.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from comptoir.engine.mac import Mac
from comptoir.engine.values import Address
from comptoir.storage.keys import file, rotation, subjects
from comptoir.storage.keys.errors import KeysErased, KeyStoreBroken
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.opening import Opened
from comptoir.storage.keys.rotation import Rotations, ask_rotation, measure
from comptoir.storage.keys.store import HOUSE, KeyRow
from comptoir.storage.keys.subjects import Subjects
from tests.storage.keys.conftest import Home, NoPages

ROWS_OF_A_PAGE = 2
ANN, BOB = Address("wallet", "ann"), Address("wallet", "bob")
CATALOGUE = Address("merchants", "all")


class Paused(BaseException):
    """No more pages for now; a daemon that dies sees no difference."""


def go_on(opened: Opened, pages: int = 1000) -> None:
    """So many pages of what is asked for, at most."""
    store, left = opened.keyring.store, pages
    rewrap = store.rewrap

    def counted(*args: Any) -> None:
        nonlocal left
        if not left:
            raise Paused
        left -= 1
        rewrap(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "rewrap", counted)
        rotations = Rotations(opened.keyring, opened.provider, NoPages())
        for row in rotations.pending():
            try:
                trio.run(rotations.perform, row)
            except Paused:
                return


def rotate(opened: Opened) -> None:
    """A replacement from its beginning to its end."""
    ask_rotation(opened.keyring.store, "subject")
    go_on(opened)


def rows_of(keyring: Keyring, address: Address) -> list[KeyRow]:
    """A person's keys, by the description alone."""
    rows = keyring.store._rows("select * from key where wrapped is not null")
    return [x for x in (KeyRow(*row) for row in rows) if x.subject in names(keyring, address)]


def names(keyring: Keyring, address: Address) -> list[bytes]:
    """Of every generation, oldest first."""
    keys = keyring.roots["subject"]
    found = [Mac(keys[1]).digest(f"6:wallet{address.key}".encode())[:16]]
    for n in range(2, max(keys) + 1):
        found.append(bytes([n]) + Mac(keys[n]).digest(found[-1])[:16])
    return found


def seal(keyring: Keyring, address: Address) -> bytes:
    """Something of somebody's, durably."""
    sealed = keyring.seal(b"x", b"row", address)
    trio.run(keyring.make_durable)
    return sealed


def test_names_are_chained_macs() -> None:
    """X14: generation 3 by the description alone; whoever has an older name moves to the same."""
    keys = {n: bytes([n]) * 32 for n in (1, 2, 3)}
    first = Mac(keys[1]).digest(b"6:walletann")[:16]
    second = b"\x02" + Mac(keys[2]).digest(first)[:16]
    third = b"\x03" + Mac(keys[3]).digest(second)[:16]
    made = Subjects(keys)
    assert made.names(ANN) == (third, second, first)
    assert [made.move(x) for x in (first, second, third)] == [third] * 3
    assert made.move(HOUSE) == HOUSE


def test_every_row_has_the_new_name_and_opens(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """X14: whoever has the store and the earlier key finds nobody in it any more; whoever was new at the
    beginning is not left behind, the house keeps its row, and nobody gets a second key.
    """
    monkeypatch.setattr(rotation, "PAGE_ROWS", 4)
    opened = home.start()
    keyring = opened.keyring
    people = [Address("wallet", str(n)) for n in range(13)]
    sealed = {x: seal(keyring, x) for x in (*people, CATALOGUE)}
    sealed[ANN] = keyring.seal(b"x", b"row", ANN)  # in memory, under the old name
    rotate(opened)
    for ring in (keyring, home.keyring()):
        assert ring.statistics().subject == 2
        for address, value in sealed.items():
            assert ring.open(value, b"row") == b"x"
            assert ring.seal(b"y", b"row", address)[1:9] == value[1:9], "the same key"
        for address in (*people, ANN):
            (row,) = rows_of(ring, address)
            assert row.subject == names(ring, address)[-1]
    (told,) = keyring.store.rotations()
    assert (told.state, told.done, told.total, measure(told)) == ("done", 14, 13, 1.0)
    old = names(keyring, people[0])[0]
    assert not any(old in x.read_bytes() for x in home.folder.iterdir()), "nor in a freed page"


def test_an_erasure_in_the_middle_of_a_rotation_finds_everybody(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13: those whose rows have moved, and those whose have not; by the daemon that died there, as well."""
    monkeypatch.setattr(rotation, "PAGE_ROWS", 2)
    opened = home.start()
    people = [Address("wallet", str(n)) for n in range(6)]
    sealed = {x: seal(opened.keyring, x) for x in people}
    ask_rotation(opened.keyring.store, "subject")
    go_on(opened, pages=2)
    assert opened.keyring.store.count_named_before(2) == 2
    for ring, some in ((opened.keyring, people[:3]), (home.keyring(), people[3:])):
        assert trio.run(ring.erase, some) == 3
    for value in sealed.values():
        with pytest.raises(KeysErased):
            home.keyring().open(value, b"row")
    assert opened.keyring.store.count_keys() == (0, 6)


def test_an_erasure_that_a_rotation_overtakes_finds_its_person(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13: her rows moved between the moment her names were made and the moment the disk was reached."""
    opened = home.start()
    keyring = opened.keyring
    hers, his = seal(keyring, ANN), seal(keyring, BOB)
    erase, overtaken = keyring.store.erase, False

    def late(found: Sequence[bytes]) -> int:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            rotate(opened)
        return erase(found)

    monkeypatch.setattr(keyring.store, "erase", late)
    assert trio.run(keyring.erase, [ANN]) == 1
    assert overtaken
    for ring in (keyring, home.keyring()):
        with pytest.raises(KeysErased):
            ring.open(hers, b"row")
        assert ring.open(his, b"row") == b"x"
        assert rows_of(ring, ANN) == []


@pytest.mark.parametrize("what", ["subject", "wrap"])
def test_a_page_that_an_erasure_overtakes_brings_nobody_back(
    home: Home, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """X13: a page that was read before the erasure is written after it."""
    opened = home.start()
    keyring = opened.keyring
    hers, his = seal(keyring, ANN), seal(keyring, BOB)
    rewrap = keyring.store.rewrap

    def late(*args: Any) -> None:
        keyring.store.erase(keyring.subjects.names(ANN))
        rewrap(*args)

    monkeypatch.setattr(keyring.store, "rewrap", late)
    ask_rotation(keyring.store, what)
    go_on(opened)
    assert keyring.store.rotations()[0].state == "done"
    ring = home.keyring()
    assert ring.store.count_keys() == (1, 1)
    with pytest.raises(KeysErased):
        ring.open(hers, b"row")
    assert ring.open(his, b"row") == b"x"


def test_a_rotation_does_not_undo_what_another_has_wrapped_since(home: Home) -> None:
    """X14: a page is written over rows as they were read: else a daemon that was superseded in the middle of
    one would put back a wrapping by a key that is destroyed by now, and a person would be lost.
    """
    slow, sealed = home.start(), dict[Address, bytes]()
    for address in (ANN, BOB):
        sealed[address] = seal(slow.keyring, address)
    page = slow.keyring.store.named_before(2, b"", 10)
    slow.keyring.use_subject(2, bytes(32))
    pairs = [(x, slow.keyring.rewrap(x)) for x in page]
    other = home.start()
    ask_rotation(other.keyring.store, "wrap")
    go_on(other)
    slow.keyring.store.rewrap(pairs, other.keyring.store.rotations()[0])
    for address, value in sealed.items():
        assert home.keyring().open(value, b"row") == b"x", address


def test_an_older_release_does_not_open_a_store_whose_names_have_moved(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13: it would look for whom it erases under the first name alone."""
    opened = home.start()
    seal(opened.keyring, ANN)
    with monkeypatch.context() as before:
        before.setattr("comptoir.storage.keys.store.SCHEMA_VERSION", file.VERSIONS["index"])
        home.store().close()
        rotate(opened)
        with pytest.raises(KeyStoreBroken, match="newer release"):
            home.store()
        opened.keyring.store.begin(opened.keyring.store.rotations()[0]._replace(what="index"))
        with pytest.raises(KeyStoreBroken, match="newer release"):
            home.store()
    assert home.store().count_keys() == (1, 0)


def test_a_copy_from_before_a_rotation_has_its_own_names(home: Home, tmp_path: Path) -> None:
    """X13, X14: the database refuses it for nothing (docs/keys.md), and an erasure in it finds its person."""
    opened = home.start()
    sealed = seal(opened.keyring, ANN)
    bound = opened.keyring.binding().write()
    opened.keyring.store.back_up(tmp_path / "copy.db")
    rotate(opened)
    assert opened.keyring.binding().write() == bound
    opened.keyring.store.close()
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (home.folder / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(home.folder / "store.db")
    ring = home.keyring()

    async def attach() -> None:
        assert await ring.attach(bound, fresh=False) is None

    trio.run(attach)
    assert ring.open(sealed, b"row") == b"x"
    assert trio.run(ring.erase, [ANN]) == 1
    with pytest.raises(KeysErased):
        ring.open(sealed, b"row")


def test_generations_are_bounded_and_the_last_one_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 5: no person is ever looked for under more names; the rotation says so, and ends."""
    monkeypatch.setattr(rotation, "SUBJECT_GENERATIONS_MAX", 3)
    opened = home.start()
    for _ in range(4):
        rotate(opened)
    assert sorted(opened.keyring.roots["subject"]) == [1, 2, 3]
    (row,) = opened.keyring.store.rotations()
    assert (row.state, row.fault) == ("done", "VAULT_ROTATION_REFUSED: no generation is left")
    assert subjects.SUBJECT_GENERATIONS_MAX <= 255, "a name begins with its generation, in one byte"


class Replacing(RuleBasedStateMachine):
    """Persons come, come again and are erased while their names move, in pages, by daemons that die."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._patch = pytest.MonkeyPatch()

    @initialize()
    def begin(self) -> None:
        """Nobody is known."""
        self._patch.setattr(rotation, "PAGE_ROWS", ROWS_OF_A_PAGE)
        self._patch.setattr(rotation, "REST", 0)
        self.home = Home(Path(self._folder.name) / "keys")
        self.opened = self.home.start()
        self.alive: dict[Address, bytes] = {}
        self.erased: list[tuple[Address, bytes]] = []
        self.asked = 0

    def teardown(self) -> None:
        """Nothing stays."""
        if hasattr(self, "opened"):
            self.opened.keyring.store.close()
        self._patch.undo()
        self._folder.cleanup()

    def is_durable(self, sealed: bytes) -> bool:
        """Whether the key of a value is in the store, dead or alive."""
        return self.opened.keyring.store.find(sealed[1:9]) is not None

    @rule(numbers=st.sets(st.integers(0, 9), min_size=1, max_size=6), durably=st.booleans())
    def come(self, numbers: set[int], durably: bool) -> None:
        """Something of persons' is sealed; each one's key is the one she has, whatever it is found under."""
        for address in (Address("wallet", str(number)) for number in sorted(numbers)):
            sealed = self.opened.keyring.seal(b"x", b"row", address)
            assert self.alive.setdefault(address, sealed)[1:9] == sealed[1:9]
        if durably:
            trio.run(self.opened.keyring.make_durable)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """A person is erased: her one key is found, also one that is in memory alone."""
        address = data.draw(st.sampled_from(sorted(self.alive)))
        sealed = self.alive.pop(address)
        there = self.is_durable(sealed)
        assert trio.run(self.opened.keyring.erase, [address]) == there
        if there:
            self.erased.append((address, sealed))

    @precondition(lambda self: self.asked < 6)
    @rule(pages=st.integers(0, 2))
    def ask(self, pages: int) -> None:
        """A new generation is asked for, and comes that far."""
        self.asked += 1
        ask_rotation(self.opened.keyring.store, "subject")
        go_on(self.opened, pages)

    @rule(pages=st.integers(0, 3))
    def go_on(self, pages: int) -> None:
        """Some pages of it."""
        go_on(self.opened, pages)

    @rule()
    def start(self) -> None:
        """The daemon died; the next one has what is durable."""
        self.alive = {x: value for x, value in self.alive.items() if self.is_durable(value)}
        self.opened.keyring.store.close()
        self.opened = self.home.start()

    @invariant()
    def who_is_there_has_one_row_and_who_is_erased_none(self) -> None:
        """By every daemon: whoever lives opens, whoever was erased does not, under no name."""
        if not hasattr(self, "opened"):
            return
        ring: Keyring = self.opened.keyring
        for address, sealed in self.alive.items():
            assert len(rows_of(ring, address)) == self.is_durable(sealed)
            assert ring.open(sealed, b"row") == b"x"
        for address, sealed in self.erased:
            assert address in self.alive or rows_of(ring, address) == []
            with pytest.raises(KeysErased):
                ring.open(sealed, b"row")
        durable = sum(map(self.is_durable, self.alive.values()))
        assert ring.store.count_keys() == (durable, len(self.erased))

    @rule()
    def end(self) -> None:
        """What was asked for is done: nobody has an older name."""
        go_on(self.opened)
        ring = self.opened.keyring
        assert all(x.state == "done" for x in ring.store.rotations())
        found = [row.subject for x in self.alive for row in rows_of(ring, x)]
        assert found == [names(ring, x)[-1] for x in self.alive if self.is_durable(self.alive[x])]


Replacing.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestReplacing = Replacing.TestCase

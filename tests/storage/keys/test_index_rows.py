"""Addresses on PostgreSQL while the key of the blind indexes is replaced, by daemons that die.

Source: docs/keys.md; spec.md X14, X15.
"""

import pytest

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import Desk, keep, note, tell
from comptoir.storage.keys import rotation as module
from comptoir.storage.keys.keyring import Keyring
from tests.storage.conftest import PostgresBackend
from tests.storage.keys.conftest import Home
from tests.storage.keys.house import PEOPLE, House, Killed, dying, rotate


@pytest.fixture
async def house(postgres: PostgresBackend, home: Home, monkeypatch: pytest.MonkeyPatch) -> House:
    """A database that the release before has filled."""
    monkeypatch.setattr(module, "PAGE_ROWS", 8)
    monkeypatch.setattr(module, "REST", 0)
    made = House(postgres, home)
    await made.fill()
    return made


def _address(ring: Keyring, text: str) -> Address:
    return Address("connection", ring.blind_index("connection:seed", text).hex())


async def test_addresses_stand_wherever_the_daemon_dies(house: House) -> None:
    """X15: whichever write it dies after while the key of the blind indexes is replaced, every daemon finds what
    is there under its own address, by actor, by message and by what a state names; and in the end what
    is new has an address that the old keys do not give.
    """
    texts = {"c0", "c1", "c2"}
    async with house.open() as (opened, journal):
        desk = Desk(journal)
        actor, target, named = (_address(opened.keyring, text) for text in sorted(texts))
        assert (await desk.write(actor, note("here"))).why is None
        sends = keep(messages=(tell(target, "x"),))
        assert (await desk.write(PEOPLE[0], sends, stateless=True)).why is None
        assert (await desk.write(Address("linking", "s"), note(named.key))).why is None
        first = {text: _address(opened.keyring, text) for text in texts | {"late"}}
    when, died = 1, True
    while died:
        died = False
        try:
            async with house.open() as (opened, journal):
                dying(journal, opened.keyring.store, when)
                await rotate(opened, journal, "index")
        except BaseExceptionGroup as group:
            died = bool(group.subgroup(Killed))
            if not died:
                raise
        except Killed:
            died = True
        async with house.open() as (opened, journal):
            assert {x: _address(opened.keyring, x) for x in texts} == {x: first[x] for x in texts}
            await rotate(opened, journal)
            await house.check(journal)
            assert {x: _address(opened.keyring, x) for x in texts} == {x: first[x] for x in texts}
            for row in opened.keyring.store.rotations():
                assert row.state == "done"
                assert _address(opened.keyring, "late") != first["late"]
        when += 1
    assert when > 6

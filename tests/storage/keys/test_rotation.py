"""Rotations of a key store alone: every key replaced, and a crash after every write of the store.

A crash is an exception out of a write, before or after it is durable, after which everything in memory is
thrown away and the store is opened anew, as the next daemon would.
Source: docs/keys.md; spec.md X14.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Callable
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.engine.values import Address
from comptoir.storage.keys import rotation as module
from comptoir.storage.keys.errors import KeyProviderUnavailable, KeyStoreBroken, RotationRefused
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.opening import Opened
from comptoir.storage.keys.ports import Wrapped
from comptoir.storage.keys.rotation import Rotations, ask_rotation, measure
from comptoir.storage.keys.store import KeyStore
from comptoir.storage.vault import VaultKeyUnknown
from tests.storage.keys.conftest import Home, NoPages

PEOPLE = [Address("wallet", str(n)) for n in range(25)]
WRITES = ("begin", "note", "rewrap", "finish", "put_roots")


class Killed(BaseException):
    """What no handler catches."""


def seal_all(keyring: Keyring) -> dict[Address, bytes]:
    """Something of everybody's."""
    sealed = {x: keyring.seal(x.key.encode(), b"row", x) for x in PEOPLE}
    trio.run(keyring.make_durable)
    return sealed


def open_all(keyring: Keyring, sealed: dict[Address, bytes]) -> None:
    """Hold that all of it opens."""
    assert {x: keyring.open(value, b"row") for x, value in sealed.items()} == {
        x: x.key.encode() for x in sealed
    }


def perform(opened: Opened) -> None:
    """Do what is asked for."""
    rotations = Rotations(opened.keyring, opened.provider, NoPages())
    for row in rotations.pending():
        trio.run(rotations.perform, row)


def test_a_kek_is_replaced_and_its_old_version_may_go(home: Home) -> None:
    """X14: after the rotation the key file needs the new key only."""
    opened = home.start()
    sealed = seal_all(opened.keyring)
    ask_rotation(opened.keyring.store, "kek", renew=True)
    perform(opened)
    assert {x.wrapped.kek for x in opened.keyring.store.roots()} == {"k2"}
    text = (home.folder / "vault.json").read_text()
    start, end = text.index('"k1"'), text.index('"k2"')
    (home.folder / "vault.json").write_text(text[:start] + text[end:])
    after = home.keyring()
    open_all(after, sealed)
    assert after.blind_index("a", "b") == opened.keyring.blind_index("a", "b")


def test_a_wrapping_key_is_replaced_and_destroyed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13, X14: what an older copy of the store held cannot be unwrapped by the store of now."""
    monkeypatch.setattr(module, "PAGE_ROWS", 4)
    opened = home.start()
    sealed = seal_all(opened.keyring)
    old = opened.keyring.store.find(sealed[PEOPLE[0]][1:9])
    assert old is not None
    late = opened.keyring.seal(b"late", b"row", Address("wallet", "late"))
    ask_rotation(opened.keyring.store, "wrap")
    perform(opened)
    for keyring in (opened.keyring, home.keyring()):
        open_all(keyring, sealed)
        assert keyring.open(late, b"row") == b"late", "a key that was not durable yet is not lost"
        assert sorted(keyring.roots["wrap"]) == [2]
        with pytest.raises(VaultKeyUnknown):
            keyring._unwrap(old)
    (row,) = opened.keyring.store.rotations()
    assert (row.state, row.done, measure(row)) == ("done", 26, 1.0)


def _dying(store: KeyStore, when: int, *, durable: bool) -> Callable[[], int]:
    """Have the store's n-th write kill its daemon, before or after it is durable."""
    count = 0

    def around(write: Callable[..., None]) -> Callable[..., None]:
        def call(*args: Any, **options: Any) -> None:
            nonlocal count
            count += 1
            if count == when and not durable:
                raise Killed
            write(*args, **options)
            if count == when:
                raise Killed

        return call

    for name in WRITES:
        setattr(store, name, around(getattr(store, name)))
    return lambda: count


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", ["kek", "wrap", "subject"])
def test_a_crash_at_any_write_is_gone_on_from(
    home: Home, monkeypatch: pytest.MonkeyPatch, what: str, durable: bool
) -> None:
    """X14: killed at the first write, at the second, and so on: everything opens at once, and the next
    daemon ends what was begun.
    """
    monkeypatch.setattr(module, "PAGE_ROWS", 7)
    sealed = seal_all(home.keyring())
    when = died = 1
    while died:
        opened = home.start()
        ask_rotation(opened.keyring.store, what, renew=True)
        _dying(opened.keyring.store, when, durable=durable)
        died = 0
        try:
            perform(opened)
        except Killed:
            died = 1
        after = home.start()
        open_all(after.keyring, sealed)
        perform(after)
        open_all(after.keyring, sealed)
        open_all(home.keyring(), sealed)
        assert [x.state for x in after.keyring.store.rotations()] == ["done"]
        when += 1
    assert when > (2 if what == "kek" else 5), "there were that many writes"


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["seal", "start", "kek", "wrap", "subject", "erase"]), max_size=12
    )
)
def test_any_order_of_rotations_starts_and_erasures(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """X13, X14: whatever was done, what is there opens, and who was erased does not."""
    home = Home(tmp_path_factory.mktemp("any") / "keys")
    opened, alive, erased = home.start(), dict[Address, bytes](), list[bytes]()
    for n, step in enumerate(steps):
        keyring = opened.keyring
        if step == "seal":
            alive[Address("wallet", str(n))] = keyring.seal(b"x", b"row", Address("wallet", str(n)))
            trio.run(keyring.make_durable)
        elif step == "start":
            opened = home.start()
        elif step == "erase" and alive:
            address, sealed = alive.popitem()
            assert trio.run(keyring.erase, [address]) == 1
            erased.append(sealed)
        elif step in ("kek", "wrap", "subject"):
            ask_rotation(keyring.store, step, renew=True)
            perform(opened)
    for ring in (opened.keyring, home.keyring()):
        assert all(ring.open(value, b"row") == b"x" for value in alive.values())
        assert ring.store.count_keys() == (len(alive), len(erased))


def test_a_key_file_that_was_lost_is_written_anew_by_a_daemon_that_runs(home: Home) -> None:
    """X14: it still holds the keys; the next start has all of them."""
    opened = home.start()
    sealed = seal_all(opened.keyring)
    (home.folder / "vault.json").unlink()
    with pytest.raises(KeyStoreBroken):
        home.start()
    ask_rotation(opened.keyring.store, "kek", renew=True)
    perform(opened)
    assert (home.folder / "vault.json").stat().st_mode & 0o777 == 0o600
    open_all(home.keyring(), sealed)


async def test_a_step_that_fails_is_told_and_done_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 5: neither a provider that is away nor a bug of ours ends a daemon or a rotation."""
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    opened = await home.open()
    faults: list[Exception] = [KeyProviderUnavailable("away"), ZeroDivisionError("a bug")]
    seen: list[str] = []
    wrap = opened.provider.wrap

    async def sick(secret: bytes, context: str) -> Wrapped:
        if faults:
            seen.append(opened.keyring.store.rotations()[0].fault)
            raise faults.pop(0)
        return await wrap(secret, context)

    monkeypatch.setattr(opened.provider, "wrap", sick)
    ask_rotation(opened.keyring.store, "wrap")
    rotations = Rotations(opened.keyring, opened.provider, NoPages())
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rotations.run)
            while opened.keyring.store.rotations()[0].state != "done":  # noqa: ASYNC110 - a file
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert seen == ["", "VAULT_PROVIDER_UNAVAILABLE: away"]
    assert opened.keyring.store.rotations()[0].fault == ""


def test_what_cannot_be_rotated_is_refused_by_name(home: Home) -> None:
    """X14: master keys are not replaced (docs/keys.md); and an unknown key is unknown."""
    store = home.start().keyring.store
    for what in ("master", "nothing"):
        with pytest.raises(RotationRefused):
            ask_rotation(store, what)
    assert store.rotations() == []


def test_asking_twice_is_asking_once(home: Home) -> None:
    """X14: what is under way is not begun anew."""
    store = home.start().keyring.store
    first = ask_rotation(store, "wrap")
    assert ask_rotation(store, "wrap") == first
    store.note(first._replace(state="running", done=3))
    assert ask_rotation(store, "wrap").done == 3
    store.note(first._replace(state="done"))
    assert ask_rotation(store, "wrap").state == "asked"

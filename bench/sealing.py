"""What sealing and opening cost a call: with a key for each person, and with the master keys alone.

Both sides seal the same values for the same rows, in turns, round by round, so that a noisy machine treats
them alike; a figure is the least of its rounds, in microseconds of one call. `known`: the person's key is
in memory. `read`: it is in the store, and not in memory. `first`: the person was never seen, the key is
drawn and wrapped; `sync` is what the writer then waits for once for all new persons of a batch.
Run: `python bench/sealing.py`.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio

from comptoir.engine.values import Address
from comptoir.storage.keys import KeyOptions, open_keyring
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.vault import Vault

ROUNDS, EACH, PEOPLE = 60, 300, 1_000
VALUE = b'{"available":950,"pending":0,"blocked":0,"shortfall":0,"tier":"base"}' * 3
"""About as large as a wallet's state."""
FEW, SLICE = 2_000, 50


def _timed(work: Callable[[int], object], each: int) -> float:
    started = time.perf_counter()
    for n in range(each):
        work(n)
    return (time.perf_counter() - started) / each * 1e6


def _least(work: Callable[[int], object]) -> float:
    """Of `FEW` calls, each for somebody else: the least of slices."""
    slices = range(0, FEW, SLICE)
    return min(_timed(partial(_shifted, work, at), SLICE) for at in slices)


def _shifted(work: Callable[[int], object], at: int, n: int) -> object:
    return work(at + n)


def _works(
    side: Vault | Keyring, rows: list[bytes], people: list[Address], sealed: list[bytes]
) -> list[tuple[str, Callable[[int], object]]]:
    return [
        ("seal", lambda n: side.seal(VALUE, rows[n], people[n])),
        ("open", lambda n: side.open(sealed[n], rows[n])),
        ("digest", lambda n: side.once_digest("webhook", f"seed:transaction.created:{n}")),
    ]


def _warm(vault: Vault, keyring: Keyring) -> dict[str, float]:
    people = [Address("wallet", f"user-{n}") for n in range(PEOPLE)]
    sides: dict[str, Vault | Keyring] = {"master": vault, "person": keyring}
    found: dict[str, float] = {}
    for number in range(ROUNDS):
        names = list(sides) if number % 2 else list(sides)[::-1]
        for name in names:
            side = sides[name]
            rows = [b"actor|wallet|user|%d" % n for n in range(EACH)]
            sealed = [side.seal(VALUE, rows[n], people[n]) for n in range(EACH)]
            for what, work in _works(side, rows, people, sealed):
                key = f"{what} {name}"
                found[key] = min(found.get(key, 1e9), _timed(work, EACH))
    return found


async def _measure(folder: Path) -> dict[str, float]:
    vault = Vault.from_file(folder / "vault.json")
    options = KeyOptions(folder / "store.db", folder / "keys.json", subjects_cached_max=100_000)
    keyring = (await open_keyring(options)).keyring
    found = _warm(vault, keyring)
    await keyring.make_durable()
    people = [Address("wallet", f"first-{n}") for n in range(FEW)]
    found["seal person first"] = _least(lambda n: keyring.seal(VALUE, b"row", people[n]))
    started = time.perf_counter()
    await keyring.make_durable()
    found[f"sync {FEW} keys"] = (time.perf_counter() - started) * 1e6
    keyring.seal(VALUE, b"row", Address("wallet", "one"))
    started = time.perf_counter()
    await keyring.make_durable()
    found["sync 1 key"] = (time.perf_counter() - started) * 1e6
    sealed = [keyring.seal(VALUE, b"row", x) for x in people]
    cold = (await open_keyring(options)).keyring
    found["open person read"] = _least(lambda n: cold.open(sealed[n], b"row"))
    cold = (await open_keyring(options)).keyring
    found["seal person read"] = _least(lambda n: cold.seal(VALUE, b"row", people[n]))
    return found


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for name, us in trio.run(_measure, Path(folder)).items():
            print(f"{name:20} {us:9.1f} us")


if __name__ == "__main__":
    main()

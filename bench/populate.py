"""Databases of many wallets, made quickly and truthfully: by the real machines and the real journal.

Rule: what lies in the tables afterwards is what the daemon itself would have left there after one
purchase of each user. The decisions are those of the connection's and the wallet's machine, sealed
and written by the journal; only the mailboxes are left out, and the message between the two actors,
which would have been inserted and deleted again.
"""

import base64
import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec
import trio

from bench.ask import report
from comptoir.actors.connection.machine import MACHINE as CONNECTION
from comptoir.actors.connection.machine import ConnectionState
from comptoir.actors.connection.machine import Phase as ConnectionPhase
from comptoir.actors.connection.messages import KIND, LinkConnection
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner
from comptoir.actors.wallet.machine import MACHINE as WALLET
from comptoir.actors.wallet.messages import Credit
from comptoir.actors.wallet.state import Phase as WalletPhase
from comptoir.actors.wallet.state import WalletState
from comptoir.engine import Address, Decision
from comptoir.engine.boot import Daemon
from comptoir.engine.journal import Decided, Fate, Run
from comptoir.engine.machine import Context, Machine
from comptoir.engine.settings import Settings
from comptoir.engine.values import Message, State

__all__ = [
    "ACCOUNTS",
    "PARTNERS",
    "disk_folder",
    "points_of",
    "populate",
    "settings_for",
    "variables",
]

PARTNERS = 200
CHUNK = 500
"""Wallets whose decisions are submitted together; two chunks are under way at a time."""
KEY = base64.b64encode(hashlib.sha256(b"a bench's own vault").digest()).decode()
SECRET = "a-bench-secret-of-32-characters!"
ACCOUNTS = {"COMPTOIR_AUTH__MODE": "on", "COMPTOIR_CLOCK__MODE": "manual"}
"""Every daemon of a bench has its accounts and limits on. Its clock is moved by nobody: a manual one opens
the door behind which a bench waits for quiet."""


def points_of(number: int) -> int:
    """What purchase `number` (bench/ask.py: `report`) earns, by arithmetic of its own: 5 %."""
    return (1000 + number % 9000) * 500 // 10_000


@contextmanager
def disk_folder() -> Generator[Path]:
    """A folder for a database, which its account may enter; gone afterwards."""
    with TemporaryDirectory(prefix="ctb-", dir="/var/tmp") as name:  # a disk, not memory
        os.chmod(name, 0o711)  # noqa: PTH101  # the database's account must pass
        yield Path(name)


def variables(url: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a daemon on this database; all daemons of a bench share the keys."""
    return {
        "COMPTOIR_STORAGE__URL": url,
        "COMPTOIR_STORAGE__DATA_DIR": str(folder / "data"),
        "COMPTOIR_VAULT__KEYS": json.dumps({"k1": KEY}),
        "COMPTOIR_HTTP__PORT": "0",
        "COMPTOIR_INGEST__PORT": "0",
        "COMPTOIR_WEBHOOKS__SEED__SECRETS": json.dumps([SECRET]),
        **ACCOUNTS,
        **more,
    }


def settings_for(url: str, folder: Path, **more: str) -> Settings:
    """The same as settings, for a daemon inside this process."""
    return Settings.load(None, variables(url, folder, **more))


class _Chunk:
    """Wallets on their way into the database."""

    def __init__(self, daemon: Daemon) -> None:
        assert daemon.engine is not None
        self._daemon = daemon
        self._engine = daemon.engine
        self._left = 0
        self._settled = trio.Event()

    async def make(self, numbers: range) -> None:
        """Submit the decisions of these users, and return once all are durable."""
        self._left = 2 * len(numbers)
        for number in numbers:
            self._submit_user(number)
        await self._settled.wait()

    def _submit_user(self, number: int) -> None:
        connection = Address(KIND, self._daemon.blind("seed", f"c{number}"))
        link = LinkConnection(f"c{number}", f"user{number}")
        decisions = self._submit(
            connection, CONNECTION, ConnectionState(ConnectionPhase.UNKNOWN),
            (link, report(number, "first")),
        )  # fmt: skip
        (outgoing,) = decisions[-1].messages
        credit = cast("Credit", outgoing.message)
        self._submit(outgoing.target, WALLET, WalletState(WalletPhase.NEW), (credit,))

    def _submit(
        self, address: Address, machine: Machine[Any], state: State, messages: tuple[Message, ...]
    ) -> list[Decision[Any]]:
        engine, decided, found = self._engine, list[Decided](), list[Decision[Any]]()
        newborn, now = state, self._daemon.now_ms()
        for version, message in enumerate(messages):
            context = Context(address, now, version, engine.references)
            decision = machine.decide(state, message, context)
            assert isinstance(decision, Decision)
            found.append(decision)
            # Nobody sends the message on: what it causes is decided here, too.
            kept = msgspec.structs.replace(decision, messages=())
            decided.append(Decided(kept, now, None, message))
            state = decision.state
        run = Run(address, 0, decided, self._settle, schema=1, state=newborn)
        engine.journal.submit(run)
        return found

    def _settle(self, _run: Run, fate: Fate) -> None:
        assert fate.why is None, fate.why
        self._left -= 1
        if not self._left:
            self._settled.set()


async def populate(daemon: Daemon, users: int) -> None:
    """Import the partners, then make users 0 to `users` - 1 with a connection and a purchase each.

    Args:
        daemon: open, on an empty database; its engine must not have met these users.
        users: how many.
    """
    partners = tuple(
        Partner(id=f"p{n}", name=f"Enseigne {n:03d}", rate_bp=500) for n in range(PARTNERS)
    )
    await daemon.ask(MERCHANTS, ImportPartners(partners))
    chunks = iter([range(n, min(n + CHUNK, users)) for n in range(0, users, CHUNK)])

    async def work() -> None:
        for numbers in chunks:
            await _Chunk(daemon).make(numbers)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        nursery.start_soon(work)

"""A database that a release before has filled, what must be in it, and deaths at its writes.

Source: docs/keys.md; design.md 3, 7; spec.md X13, X14, X16.
"""

# pyright: reportPrivateUsage=false

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from comptoir.engine.decision import DeadLetter
from comptoir.engine.journal import Duplicate
from comptoir.engine.values import Address
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW, Desk, Noted, Written, keep, note, only_once, tell
from comptoir.storage.keys.opening import Opened
from comptoir.storage.keys.rotation import Rotations, ask_rotation
from comptoir.storage.keys.store import KeyStore
from comptoir.storage.vault import Vault
from tests.storage.conftest import PostgresBackend
from tests.storage.keys.conftest import Home

PEOPLE = [Address("wallet", f"u{n}") for n in range(12)]
OPTIONS = JournalOptions(now=NOW, readers=2)


class Killed(BaseException):
    """What no handler catches."""


@dataclass
class House:
    """A database, its keys, and what must be in it."""

    postgres: PostgresBackend
    home: Home
    keys: dict[str, bytes] = field(default_factory=lambda: {"k1": os.urandom(32)})
    said: dict[Address, str] = field(default_factory=dict[Address, str])
    taken: list[str] = field(default_factory=list[str])

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[tuple[Opened, PostgresJournal]]:
        """What a start has."""
        opened = await self.home.open(self.keys)
        async with PostgresJournal.open(self.postgres.url, opened.keyring, OPTIONS) as journal:
            yield opened, journal

    async def fill(self) -> None:
        """Rows of format 1: states, messages, dead letters, answers, events."""
        async with PostgresJournal.open(self.postgres.url, Vault(self.keys), OPTIONS) as journal:
            await self.work(Desk(journal), "before")

    async def work(self, desk: Desk, text: str) -> None:
        """One decision of everybody's: a state, an event, a message, an answer kept under a key."""
        for address in PEOPLE:
            loaded = await desk.journal.load(address)
            desk.versions[address] = 0 if loaded is None else loaded.version
            key = f"{address.key}-{text}"
            decision = note(
                f"{address.key} {text}",
                events=(Noted(f"{address.key} {text}"),),
                messages=(tell(Address("push", ""), f"{address.key} {text}"),),
                once=(only_once(key),),
                reply=Written(key),
            )
            dead = keep(dead_letter=DeadLetter("dlq:points", "CRASHED"))
            assert (await desk.write(address, decision)).why is None
            assert (
                await desk.write(address, dead, message=tell(address, key).message, stateless=True)
            ).why is None
            self.said[address] = f"{address.key} {text}"
            self.taken.append(key)

    async def check(self, journal: PostgresJournal) -> None:
        """Hold that everything opens, and that every key that was taken is."""
        await self.check_rows(journal)
        assert len(await journal.events(0, 1000)) == len(self.taken)

    async def check_rows(self, journal: PostgresJournal) -> None:
        """As `check`, events aside."""
        for address, text in self.said.items():
            loaded = await journal.load(address)
            assert loaded is not None
            assert text.encode() in loaded.state
        pending = await journal.pending(Address("push", ""), 1000, NOW)
        assert len(pending) == len(self.taken)
        letters = await journal.dead_letters("dlq:points", 1000)
        assert len(letters) == len(self.taken)
        desk = Desk(journal)
        for key in self.taken:
            again = keep(once=(only_once(key),), reply=Written("not this one"))
            why = (await desk.write(Address("other", key), again, stateless=True)).why
            assert isinstance(why, Duplicate), key
            assert key.encode() in why.answer

    def formats(self) -> dict[str, set[str]]:
        """The first byte of every sealed value, by table."""
        sources = {
            "actor": "actor", "message": "message", "event": "event", "once": "once",
        }  # fmt: skip
        column = {"actor": "state", "message": "payload", "event": "payload", "once": "answer"}
        found: dict[str, set[str]] = {}
        for name, table in sources.items():
            sql = (
                f"select distinct encode(substr({column[name]}, 1, 1), 'hex') from comptoir.{table}"
            )
            found[name] = set(self.postgres.run(f"{sql} where {column[name]} <> ''").split())
        return found

    def stale(self, store: KeyStore) -> int:
        """Values, events aside, under a key that is not of the generation of now."""
        sql = """select encode(substr(x, 2, 8), 'hex') from (
            select state from comptoir.actor union all select payload from comptoir.message
            union all select answer from comptoir.once where answer <> '') as sealed(x)"""
        ids = self.postgres.run(sql).split()
        rows = [store.find(bytes.fromhex(x)) for x in ids]
        return sum(row is None or row.generation != store.generation for row in rows)


async def rotate(opened: Opened, journal: PostgresJournal, *names: str) -> None:
    """Do these, and whatever was left."""
    rotations = Rotations(opened.keyring, opened.provider, journal)
    for what in names:
        ask_rotation(opened.keyring.store, what)
    for row in rotations.pending():
        await rotations.perform(row)


def dying(journal: PostgresJournal, store: KeyStore, when: int) -> None:
    """Have the daemon killed when the n-th write, of the database or of the store, is durable.

    Whoever dies before the next one leaves the same behind.
    """
    count = 0

    def is_now() -> bool:
        nonlocal count
        count += 1
        return count == when

    advance = journal._writer.advance

    async def send(*args: Any) -> None:
        now = is_now()
        await advance(*args)
        if now:
            raise Killed

    def note(write: Any, *args: Any, **options: Any) -> None:
        now = is_now()
        write(*args, **options)
        if now:
            raise Killed

    put_setting = journal.put_setting

    async def put(name: str, value: str) -> None:
        now = is_now()
        await put_setting(name, value)
        if now:
            raise Killed

    journal.put_setting = put  # type: ignore[method-assign] # it dies there
    journal._writer.advance = send  # type: ignore[method-assign, assignment] # it dies there
    for name in ("begin", "note", "rewrap", "finish", "add", "hold"):
        setattr(store, name, partial(note, getattr(store, name)))

"""Rotations: every key replaced while the daemon works, in steps that a crash may fall between.

- `kek`: the roots are wrapped anew by the provider's current key; a handful of keys, one transaction.
- `wrap`: a new wrapping key; every data key is wrapped anew, page by page; the old one is destroyed.
- `data`: a new generation of data keys: whatever is written from now on is sealed under new ones, and
  the rows that are there are sealed anew, page by page. Events stay as they are (their leaves).
- `once`: a new generation of digests; rows move page by page (storage/keys/digests.py).
- `index`: a new generation of addresses for what is new; rows are read page by page for the addresses of
  before that they name, which stand (storage/keys/indexes.py).
- `subject`: a new generation of the names by which the store knows persons; its rows move on to their new
  names page by page (storage/keys/subjects.py). No row of the database hangs on them.

The rule: what is asked for is a row in the key store, and so is how far it has come; the daemon that is
the writer does it, from where it was left, also by a daemon that died. A step that is done twice changes
nothing. Between two steps the writer has at least `REST` times as long for other work. A step that fails
is told, and tried again: a rotation never ends by itself half done.
Source: design.md 7; spec.md X14; docs/keys.md.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import trio

from comptoir.engine.errors import EngineError, Stopping, frames_of
from comptoir.storage.errors import StorageError
from comptoir.storage.keys.data_key import KEY_BYTES
from comptoir.storage.keys.digests import GENERATIONS_MAX
from comptoir.storage.keys.errors import RotationRefused
from comptoir.storage.keys.indexes import INDEX_GENERATIONS_MAX
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.passes import Marker, OnceMover
from comptoir.storage.keys.ports import KeyProvider
from comptoir.storage.keys.roots import INDEX, ONCE, SUBJECT, WRAP, now_ms, wrap_root
from comptoir.storage.keys.store import KeyRow, KeyStore, RootRow, RotationRow
from comptoir.storage.keys.subjects import SUBJECT_GENERATIONS_MAX
from comptoir.storage.reseal import TABLES, Mover, Page, Resealer
from comptoir.storage.sealing import SETTING

__all__ = ["KINDS", "Rotations", "ask_rotation", "measure"]

log = logging.getLogger("comptoir.storage")

KINDS: Final = ("kek", "wrap", "data", "once", "index", "subject")
ASKED: Final = "asked"
RUNNING: Final = "running"
DONE: Final = "done"
PAGE_ROWS: Final = 200
"""Of one step: some milliseconds of the writer's time."""
REST: Final = 2
POLL_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0
COUNT_SECONDS: Final = 60.0
REFUSED: Final = RotationRefused.CODE
EXHAUSTED: Final = f"{REFUSED}: no generation is left"
ONCE_TABLE: Final = TABLES[-1]


class Pages(Protocol):
    """The journal, as far as it is needed here (storage/journal.py)."""

    async def count_resealable(self, mover: Mover | None = None) -> int:
        """Rows that a pass will read."""
        ...

    async def reseal(self, keys: Resealer, table: str, cursor: tuple[Any, ...], limit: int) -> Page:
        """Seal a page anew."""
        ...

    async def move_once(self, mover: Mover, limit: int) -> Page:
        """Move a page of `once` rows."""
        ...

    async def put_setting(self, name: str, value: str) -> None:
        """Keep what the database knows of us."""
        ...


def measure(row: RotationRow) -> float:
    """How much of a rotation is done, 0 to 1."""
    if row.state == DONE:
        return 1.0
    return min(row.done / row.total, 0.99) if row.total else 0.0


def ask_rotation(store: KeyStore, what: str, *, renew: bool = False) -> RotationRow:
    """Ask for a rotation; one that is asked for or under way stays as it is.

    Args:
        store: where it is noted.
        what: one of `KINDS`.
        renew: for the KEK: its provider makes a new version first.

    Raises:
        RotationRefused: there is no such rotation.
    """
    if what not in KINDS:
        raise RotationRefused(f"there is no key {what}", remedy=f"one of {', '.join(KINDS)}")
    for row in store.rotations():
        if row.what == what and row.state in (ASKED, RUNNING):
            return row
    row = RotationRow(what, ASKED, 0, "", "", 0, 0, now_ms(), None, "", renew)
    store.note(row)
    return row


class _Next(NamedTuple):
    """The next generation of a key."""

    target: int
    secret: bytes
    root: RootRow


class Rotations:
    """Does what is asked for, one rotation after the other."""

    def __init__(self, keyring: Keyring, provider: KeyProvider, journal: Pages) -> None:
        self._keyring = keyring
        self.store = keyring.store
        self._provider = provider
        self._journal = journal
        self.rows: dict[str, RotationRow] = {}
        """what -> its last rotation, as last seen."""
        self.keys = self.erased = 0
        """Data keys held, and destroyed, as last counted."""
        self._count_at = 0.0
        self._now: RotationRow | None = None

    def __repr__(self) -> str:
        return f"<Rotations {', '.join(x.what for x in self.pending()) or 'none'}>"

    def pending(self) -> list[RotationRow]:
        """Those that are not over, in the order in which they were asked for."""
        found = self.store.rotations()
        self.rows = {row.what: row for row in found}
        return [row for row in found if row.state in (ASKED, RUNNING)]

    async def run(self) -> None:
        """Look for work until cancelled."""
        while True:
            pause = POLL_SECONDS
            try:
                for row in self.pending():
                    await self.perform(row)
                await self._count()
            except Stopping:
                return
            except (StorageError, EngineError) as error:
                self._tell(error.code, f"{error.code}: {error}")
                pause = RETRY_SECONDS
            except Exception as crash:  # noqa: BLE001 - a bulkhead: no rotation is worth the daemon
                self._tell(f"{type(crash).__name__} at {frames_of(crash)}", "CRASHED: see the log")
                pause = RETRY_SECONDS
            await trio.sleep(pause)

    async def _count(self) -> None:
        """Count the keys, seldom: of a million it takes part of a second, in a thread."""
        if trio.current_time() >= self._count_at:
            self.keys, self.erased = await trio.to_thread.run_sync(self.store.count_keys)
            self._count_at = trio.current_time() + COUNT_SECONDS

    async def perform(self, row: RotationRow) -> None:
        """Do one rotation, from where it was left, to its end.

        Raises:
            StorageError, EngineError: a step failed; it is done again the next time.
        """
        self._now = row = row._replace(fault="")
        if row.state == ASKED:
            log.info("a rotation begins: %s", row.what)
        steps: dict[str, Callable[[RotationRow], Any]] = {
            "kek": self._rotate_kek,
            "wrap": self._rotate_wrap,
            "data": self._rotate_data,
            "once": self._rotate_once,
            "index": self._rotate_index,
            "subject": self._rotate_subject,
        }
        await steps[row.what](row)
        self._now = None
        log.info("a rotation is done: %s", row.what)

    def _tell(self, why: str, fault: str) -> None:
        log.warning("a rotation waits: %s", why)
        if self._now is not None and self._now.fault != fault:
            self._now = self._now._replace(fault=fault)
            try:
                self.store.note(self._now)
            except StorageError:
                log.warning("the key store cannot note it")

    async def _write(self, call: Callable[..., None], *args: object, **options: object) -> None:
        """A write of the store, in a thread; the row that goes with it is the one that counts."""
        await trio.to_thread.run_sync(lambda: call(*args, **options))
        row = next(x for x in args if isinstance(x, RotationRow))
        self._now = self.rows[row.what] = row

    async def _rotate_kek(self, row: RotationRow) -> None:
        if row.renew:
            await self._provider.make_version()
            row = row._replace(renew=False, state=RUNNING, stage="wrap")
            await self._write(self.store.note, row)
        roots = self._keyring.roots
        total = sum(map(len, roots.values()))
        rows: list[RootRow] = []
        for purpose, keys in roots.items():
            for generation, secret in keys.items():
                store = self.store.identity
                rows.append(await wrap_root(self._provider, store, purpose, generation, secret))
        await trio.to_thread.run_sync(self.store.put_roots, rows)
        await self._finish(row._replace(done=total, total=total))

    async def _rotate_wrap(self, row: RotationRow) -> None:
        keyring, store = self._keyring, self.store
        if row.state == ASKED:
            secret, target = os.urandom(KEY_BYTES), keyring.wrap + 1
            root = await wrap_root(self._provider, store.identity, WRAP, target, secret)
            total = store.count_wrapped_before(target)
            row = row._replace(state=RUNNING, target=target, total=total)
            await self._write(store.begin, row, root)
            keyring.use_wrap(target, secret)
        while True:
            await keyring.make_durable()  # what was made under the old key is seen by the next page
            page = store.wrapped_before(row.target, PAGE_ROWS)
            if not page:
                break
            row = await self._rewrap(row, page)
        old = [(WRAP, x) for x in keyring.roots[WRAP] if x < row.target]
        await self._finish(row, drop=old)
        for _, generation in old:
            del keyring.roots[WRAP][generation]

    async def _rewrap(self, row: RotationRow, page: Sequence[KeyRow]) -> RotationRow:
        """A page of data keys, under the wrapping key and the names of now; the rotation as it is then."""
        began = trio.current_time()
        pairs = [(x, self._keyring.rewrap(x)) for x in page]
        row = row._replace(done=row.done + len(pairs))
        await self._write(self.store.rewrap, pairs, row)
        await trio.sleep(REST * (trio.current_time() - began))
        return row

    async def _rotate_subject(self, row: RotationRow) -> None:
        keyring, store = self._keyring, self.store
        if row.state == ASKED:
            found = await self._next_root(row, SUBJECT, SUBJECT_GENERATIONS_MAX)
            if found is None:
                return
            total = await trio.to_thread.run_sync(store.count_named_before, found.target)
            row = row._replace(state=RUNNING, target=found.target, total=total)
            await self._write(store.begin, row, found.root)
            keyring.use_subject(found.target, found.secret)
        while True:  # to the end, and again from the beginning, until a whole pass finds none
            await keyring.make_durable()  # whoever was named by the old key is seen by a page
            after = bytes.fromhex(row.cursor)
            page = await trio.to_thread.run_sync(store.named_before, row.target, after, PAGE_ROWS)
            if page:
                row = await self._rewrap(row._replace(cursor=page[-1].id.hex()), page)
            elif after:
                row = row._replace(cursor="")
            else:
                break
        await self._finish(row)

    async def _next_root(
        self, row: RotationRow, purpose: str, generations_max: int
    ) -> _Next | None:
        """The next generation of a key; None: none is left, and the rotation is over."""
        target = max(self._keyring.roots[purpose]) + 1
        if target > generations_max:
            await self._finish(row._replace(fault=EXHAUSTED))
            return None
        secret = os.urandom(KEY_BYTES)
        root = await wrap_root(self._provider, self.store.identity, purpose, target, secret)
        return _Next(target, secret, root)

    async def _rotate_data(self, row: RotationRow) -> None:
        keyring, journal = self._keyring, self._journal
        if row.state == ASKED:
            total = await journal.count_resealable()
            target = keyring.generation + 1
            row = row._replace(state=RUNNING, target=target, total=total, stage=TABLES[0])
            await self._write(self.store.begin, row)
            keyring.use_generation(target)
        await self._finish(await self._pass(row, keyring))

    async def _pass(self, row: RotationRow, keys: Resealer) -> RotationRow:
        """Every sealed row, events aside, from where it was left; the rotation as it is then."""
        for table in TABLES[TABLES.index(row.stage) :]:
            cursor: tuple[Any, ...] | None = _read_cursor(table, row.cursor)
            while cursor is not None:
                began = trio.current_time()
                page = await self._journal.reseal(keys, table, cursor, PAGE_ROWS)
                await self._keyring.make_durable()
                cursor = page.cursor
                row = row._replace(
                    stage=table, cursor=_write_cursor(cursor or ()), done=row.done + page.read
                )
                await self._write(self.store.note, row)
                await trio.sleep(REST * (trio.current_time() - began))
            row = row._replace(cursor=_write_cursor(()))
        return row

    async def _rotate_once(self, row: RotationRow) -> None:
        keyring, journal = self._keyring, self._journal
        mover = OnceMover(keyring)
        if row.state == ASKED:
            found = await self._next_root(row, ONCE, GENERATIONS_MAX)
            if found is None:
                return
            total = await journal.count_resealable(mover)
            row = row._replace(state=RUNNING, target=found.target, total=total)
            await self._write(self.store.begin, row, found.root)
            keyring.roots[ONCE][found.target] = found.secret
            keyring.once.add(found.target, found.secret)
        while mover.progress()[0] < row.target:
            began = trio.current_time()
            page = await journal.move_once(mover, PAGE_ROWS)
            row = row._replace(done=row.done + page.read)
            await self._write(self.store.note, row)
            await trio.sleep(REST * (trio.current_time() - began))
        await self._finish(row)

    async def _rotate_index(self, row: RotationRow) -> None:
        keyring, indexes = self._keyring, self._keyring.indexes
        if row.state == ASKED:
            found = await self._next_root(row, INDEX, INDEX_GENERATIONS_MAX)
            if found is None:
                return
            total = await self._journal.count_resealable()
            row = row._replace(state=RUNNING, target=found.target, total=total, stage=TABLES[0])
            await self._write(self.store.begin, row, found.root)
            keyring.roots[INDEX][found.target] = found.secret
            indexes.begin(found.target, found.secret)
        if indexes.reached < row.target:
            row = await self._pass(row, Marker(keyring))
            await keyring.make_durable()
            held = await trio.to_thread.run_sync(self.store.count_held, row.target)
            bound = keyring.binding()._replace(index_generation=row.target, held=held)
            await self._journal.put_setting(SETTING, bound.write())
            indexes.use(row.target, held)
            await keyring.make_durable()  # what was given out while that was written
        await self._finish(row)

    async def _finish(self, row: RotationRow, drop: list[tuple[str, int]] | None = None) -> None:
        fault = row.fault if row.fault.startswith(REFUSED) else ""
        over = row._replace(state=DONE, ended_at=now_ms(), cursor="", fault=fault)
        await self._write(self.store.finish, over, drop=drop or ())
        self._count_at = 0.0


def _write_cursor(cursor: tuple[Any, ...]) -> str:
    """As JSON; the key of a `once` row in hex."""
    return json.dumps([x.hex() if isinstance(x, bytes) else x for x in cursor])


def _read_cursor(table: str, text: str) -> tuple[Any, ...]:
    found: list[Any] = json.loads(text) if text else []
    return tuple(bytes.fromhex(x) for x in found) if table == ONCE_TABLE else tuple(found)

"""Whom a fence was raised for, and why: learned by a second statement, so that the next fold knows.

The rule: commit_batch raises for a batch as a whole; these queries name the decisions. What they find
cannot change before the next fold: there is one writer, and it is asking. Of several reasons to refuse
a decision the same one is told however it was batched: a once key that is taken, then a version that
is another, then a message that is gone, then its data. So before a decision is refused for one of
them, the database is asked about those before it.
Source: engine/journal.py (Fate); design.md 3 (once keys), 7 (Loud fences).
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import trio

from comptoir.engine.journal import Decided, Duplicate, Gone
from comptoir.engine.values import Address
from comptoir.storage.bridge import Bridge, Target
from comptoir.storage.crashes import Crashes
from comptoir.storage.errors import KeyStoreUnavailable
from comptoir.storage.remembered import Remembered
from comptoir.storage.runs import Batch, Outcome, Part, identify_once
from comptoir.storage.sealing import Sealer
from comptoir.storage.session import BACKOFF_SECONDS_MIN, Session
from comptoir.storage.sqlstate import ALREADY_TAKEN, GONE, STALE

__all__ = ["Guilt"]

log = logging.getLogger("comptoir.storage")

Call = Callable[..., Awaitable[list[Any]]]
"""(statement, *arguments) -> rows, however long the database is away."""

RECENT_KEYS_MAX: Final = 65_536
"""Once keys remembered with their answers, so that a duplicate costs no failing statement."""
VERSIONS_MAX: Final = 65_536
"""Actors whose version is remembered, so that a decision without a change of state costs no query."""
ANSWERS_SQL = "select digest, answer, expires_at from comptoir.once where digest = any($1)"
THERE_SQL = "select id from comptoir.message where id = any($1) and class <> 'dead'"
VERSIONS_SQL = """
select a.kind, a.key, a.version from comptoir.actor a
join unnest($1::text[], $2::text[]) as u(kind, key) using (kind, key)"""


def _undecided(parts: Sequence[Part]) -> Iterator[tuple[Part, int, Decided]]:
    for part in parts:
        for index in range(part.progress.done, part.stop):
            yield part, index, part.progress.run.decided[index]


async def _read_answers(
    call: Call, vault: Sealer, parts: Sequence[Part]
) -> dict[bytes, tuple[bytes, int]]:
    """Digest -> (first answer, expires_at) of the once keys of these parts that are taken."""
    digests = {
        vault.once_digest(once.scope, once.key)
        for _, _, decided in _undecided(parts)
        for once in decided.decision.once
    }
    return {
        digest: (vault.open(sealed, identify_once(digest)) if sealed else b"", expires)
        for digest, sealed, expires in await call(ANSWERS_SQL, sorted(digests))
    }


async def _find_gone(call: Call, parts: Sequence[Part]) -> None:
    """Bar the first decision of each part whose consumed message is no longer there."""
    consuming = [
        (part, index, decided.consumed.id)
        for part, index, decided in _undecided(parts)
        if decided.consumed is not None and decided.consumed.id  # else the fold itself knows
    ]
    rows = await call(THERE_SQL, sorted({row_id for _, _, row_id in consuming}))
    there = {row[0] for row in rows}
    for part, index, row_id in reversed(consuming):
        if row_id not in there:
            part.progress.barrier_at, part.progress.barrier = index, Gone()


async def _read_versions(call: Call, addresses: Iterable[Address]) -> dict[Address, int]:
    """The version of each of these actors' durable state, 0 for those that have none."""
    asked = sorted(addresses)
    rows = await call(VERSIONS_SQL, [x.kind for x in asked], [x.key for x in asked])
    there = {Address(kind, key): version for kind, key, version in rows}
    return {address: there.get(address, 0) for address in asked}


def _find_doubtful(parts: Sequence[Part], outcomes: Sequence[Outcome]) -> list[tuple[Part, int]]:
    """The parts that are about to be refused at a decision while the database may hold a better reason:
    a once key of that decision which it was not asked about comes before all other reasons.
    """
    found: list[tuple[Part, int]] = []
    for part, result in zip(parts, outcomes, strict=True):
        progress = part.progress
        if result.why is None or progress.asked_keys_at == result.done:
            continue
        once = progress.run.decided[result.done].decision.once
        if len(once) > isinstance(result.why, Duplicate):
            found.append((part, result.done))
    return found


def _is_taken(
    vault: Sealer, parts: Sequence[Part], answers: Mapping[bytes, tuple[bytes, int]]
) -> bool:
    """Whether one of these keys is taken at the time of a decision that names it."""
    return any(
        answers.get(vault.once_digest(once.scope, once.key), (b"", decided.at))[1] > decided.at
        for _, _, decided in _undecided(parts)
        for once in decided.decision.once
    )


class Guilt(Session):
    """The half of the writer that knows, or asks, why a decision cannot be committed."""

    def __init__(self, bridge: Bridge, target: Target, vault: Sealer, crashes: Crashes) -> None:
        super().__init__(bridge, target, crashes)
        self._vault = vault
        self._recent = Remembered[bytes, tuple[bytes, int]](RECENT_KEYS_MAX)
        self._versions = Remembered[Address, int](VERSIONS_MAX)

    async def advance(self, sql: str, last_event: int, *arguments: object) -> None:
        """As `Session.advance`; before anything is sent, the keys that sealed it are durable."""
        await self._keep_keys()
        await super().advance(sql, last_event, *arguments)

    async def _keep_keys(self) -> None:
        """The keys that sealed what is sent next are durable when this returns.

        While the key store takes none, it waits, as for a database that is away.
        """
        delay = BACKOFF_SECONDS_MIN
        while True:
            try:
                return await self._vault.make_durable()
            except KeyStoreUnavailable as error:
                if self.available:
                    log.warning("no batch is sent: %s", error)
                self.available = False
                await trio.sleep(min(delay, self._longest_pause))
                delay = min(delay * 2, self._longest_pause)

    def _is_plain(self, parts: Sequence[Part], batch: Batch) -> bool:
        """Whether a batch is sound for certain, and its keys are kept: it may be sent without a wait."""
        return (
            not batch.unchecked
            and self._vault.durable
            and not _find_doubtful(parts, batch.outcomes)
            and not self._find_unknown(parts, batch)
        )

    async def _is_sound(self, parts: Sequence[Part], batch: Batch) -> bool:
        """Whether a batch says nothing that the database might know better; asks it where it might."""
        doubtful = _find_doubtful(parts, batch.outcomes)
        if doubtful:
            for part, at in doubtful:
                part.progress.asked_keys_at = at
            await self._read_answers([part for part, _ in doubtful])
            return False
        unknown = self._find_unknown(parts, batch)
        if unknown:
            await self._read_versions(unknown)
            return False
        if not batch.unchecked:
            return True
        there = await self._read_versions(batch.unchecked)
        return all(there[address] == version for address, version in batch.unchecked.items())

    async def _ask(self, part: Part) -> bool:
        """Ask whatever else might refuse a lone decision; False if that was done before."""
        progress = part.progress
        if progress.asked_at == progress.done:
            return False
        progress.asked_at = progress.done
        await self._read_answers([part])
        await _find_gone(self.call, [part])
        if progress.version is not None:
            await self._read_versions([progress.run.address])
        return True

    async def _find_guilty(self, fence: str, parts: Sequence[Part]) -> bool:
        """Learn whom a fence was raised for, so that the next fold leaves them out. False: for a key
        that expires between two decisions of the batch, which must go apart.
        """
        if fence == ALREADY_TAKEN:
            return _is_taken(self._vault, parts, await self._read_answers(parts))
        if fence == GONE:
            await _find_gone(self.call, parts)
        else:
            assert fence == STALE
            await self._read_versions(
                {x.progress.run.address for x in parts if x.progress.version is not None}
            )
        return True

    async def _read_answers(self, parts: Sequence[Part]) -> dict[bytes, tuple[bytes, int]]:
        answers = await _read_answers(self.call, self._vault, parts)
        for digest, answer in answers.items():
            self._recent.put(digest, answer)
        return answers

    async def _read_versions(self, addresses: Iterable[Address]) -> dict[Address, int]:
        versions = await _read_versions(self.call, addresses)
        for address, version in versions.items():
            self._versions.put(address, version)
        return versions

    def _find_recent(self, digest: bytes, at: int) -> bytes | None:
        known = self._recent.get(digest)
        return known[0] if known is not None and known[1] > at else None

    def _find_unknown(self, parts: Sequence[Part], batch: Batch) -> set[Address]:
        """Actors about to hear that a message is gone, whose version may be another one: it is told
        first.
        """
        return {
            part.progress.run.address
            for part, result in zip(parts, batch.outcomes, strict=True)
            if isinstance(result.why, Gone)
            and result.done == part.progress.done
            and part.progress.version is not None
            and self._versions.get(part.progress.run.address) is None
            and part.progress.run.address not in batch.versions
        }

    def _remember(self, batch: Batch) -> None:
        """What a batch that is durable has made true."""
        for address, version in batch.versions.items():
            self._versions.put(address, version)
        for digest, answer in batch.answers.items():
            self._recent.put(digest, answer)

    def _note_stale(self, address: Address) -> None:
        """Tell of a decision on another version than the durable one: a bug, but for an actor that was
        deleted long after it had ended, and lay in memory still; it begins anew.
        """
        if self._versions.get(address) == 0:
            log.info("an actor of kind %s had ended and was deleted; it begins anew", address.kind)
        else:
            log.error("an actor of kind %s decided on a stale version", address.kind)

    def _forget_all(self) -> None:
        """After a crash of our own: what was not remembered of a durable batch is not known."""
        self._recent.clear()
        self._versions.clear()

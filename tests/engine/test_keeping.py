"""Files from before the rule, or of another one, are asked to keep themselves by it: once, page by page (S36, X13)."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from comptoir.actors.kyc.messages import CASES
from comptoir.actors.onboarding.keeping_messages import (
    KEPT_FILES,
    READ,
    KeepByRule,
)
from comptoir.actors.onboarding.messages import (
    KIND,
)
from comptoir.engine.boot import keeping
from comptoir.engine.boot.keeping import keep_files
from comptoir.engine.engine import Engine
from comptoir.engine.errors import Refused, Suspended, Unavailable
from comptoir.engine.journal import Journal, Recorded
from comptoir.engine.values import Address, Message

ALL = [f"ONB-2026-{number:05d}" for number in range(1, 8)]
GIVEN_UP = [f"ONB-2025-{number:05d}" for number in range(1, 5)]
"""Abandoned before anybody assessed them: the journal alone has them, as its events 10, 20, 30 and 40."""
RULE = {"audit_ms": 7, "kept_ms": 1}


class Files:
    """An engine and a journal of files: some are noted, one is over, one is erased; the database is away at first."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.noted: dict[str, Mapping[str, int]] = {ALL[1]: RULE}
        self.suspended: set[str] = set()
        self.away = 1
        self.rule = RULE

    async def scan(
        self, collection: str, after: str, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Assessed files, in order."""
        assert collection == CASES
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        over = {ALL[3]: {"over": True}}
        return [(one, over.get(one, {"round": 1})) for one in ALL if one > after][:limit]

    def statistics(self) -> object:
        """How far the journal is."""
        return SimpleNamespace(last_event=45)

    async def events_named(
        self, names: Sequence[tuple[str, str]], after: int, last: int, limit: int
    ) -> list[Recorded]:
        """That they were abandoned."""
        assert list(names) == [(KIND, "OnboardingExpired")]
        found = [
            Recorded(10 * place, 0, Address(KIND, one), "OnboardingExpired", b"")
            for place, one in enumerate(GIVEN_UP, 1)
        ]
        return [one for one in found if after < one.number <= last][:limit]

    async def documents(self, collection: str, keys: Sequence[str]) -> dict[str, Any]:
        """Those that were asked, by which rule."""
        assert collection == KEPT_FILES
        return {one: self.noted[one] for one in keys if one in self.noted}

    async def ask(self, address: Address, message: Message) -> None:
        """Note it, as its machine does."""
        assert address.kind == KIND
        assert isinstance(message, KeepByRule)
        self.asked.append(address.key)
        if address.key == ALL[4]:
            raise Refused("NOT_FOUND")
        if address.key in self.suspended:
            raise Suspended("it crashes")
        self.noted[address.key] = self.rule
        if message.through:
            self.noted[READ] = {**self.rule, "through": message.through}

    async def start(self) -> list[str]:
        """Whom a start asks."""
        self.asked.clear()
        await keep_files(cast("Engine", self), cast("Journal", self), self.rule)
        return list(self.asked)


WANTED = [one for one in ALL if one not in (ALL[1], ALL[3])]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("span", [1, 10, 1000])
async def test_each_is_asked_once(
    page: int, span: int, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """S36: whatever the pages; what is over or was asked is left alone, what refuses holds up no other; who was abandoned
    and never assessed is found as well.
    """
    del autojump_clock
    monkeypatch.setattr(keeping, "PAGE", page)
    monkeypatch.setattr(keeping, "SPAN", span)
    files = Files()
    assert await files.start() == [*WANTED, *GIVEN_UP]
    assert await files.start() == [ALL[4]], "what is new, or refuses, is asked at the next start"


async def test_another_rule_is_told_to_all() -> None:
    """S36: years that were shortened, or became more, hold for those that were asked before."""
    files = Files()
    files.away = 0
    await files.start()
    files.rule = {**RULE, "audit_ms": 5}
    assert await files.start() == [one for one in [*ALL, *GIVEN_UP] if one != ALL[3]]
    assert await files.start() == [ALL[4]]


async def test_who_is_suspended_is_looked_for_again() -> None:
    """S36: the journal is read on from the last of whom all before have answered."""
    files = Files()
    files.away, files.suspended = 0, {GIVEN_UP[1]}
    assert await files.start() == [*WANTED, *GIVEN_UP]
    assert files.noted[READ] == {**RULE, "through": 10}
    files.suspended.clear()
    assert await files.start() == [ALL[4], GIVEN_UP[1]]

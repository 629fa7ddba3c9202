"""Files from before the rule are asked to keep themselves by it: once, page by page, and not for ever (S36, X13)."""

from typing import Any, cast

import pytest

from comptoir.actors.kyc.messages import CASES
from comptoir.actors.onboarding.keeping_messages import (
    KEPT_FILES,
    KeepByRule,
)
from comptoir.actors.onboarding.messages import (
    KIND,
)
from comptoir.engine.boot import keeping
from comptoir.engine.boot.keeping import keep_files
from comptoir.engine.engine import Engine
from comptoir.engine.errors import Refused, Unavailable
from comptoir.engine.journal import Journal
from comptoir.engine.values import Address, Message

ALL = [f"ONB-2026-{number:05d}" for number in range(1, 8)]


class Files:
    """An engine and a journal of files: some are noted, one is over, one is erased; the database is away at first."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.noted = {ALL[1]}
        self.away = 1

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

    async def documents(self, collection: str, keys: list[str]) -> dict[str, dict[str, Any]]:
        """Those that were asked."""
        assert collection == KEPT_FILES
        return {one: {} for one in keys if one in self.noted}

    async def ask(self, address: Address, message: Message) -> None:
        """Note it, as its machine does."""
        assert (address.kind, message) == (KIND, KeepByRule())
        self.asked.append(address.key)
        if address.key == ALL[4]:
            raise Refused("NOT_FOUND")
        self.noted.add(address.key)


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
async def test_each_is_asked_once(
    page: int, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """S36: whatever the pages; what is over or was asked is left alone, what refuses holds up no other."""
    del autojump_clock
    monkeypatch.setattr(keeping, "PAGE", page)
    files = Files()
    engine, journal = cast("Engine", files), cast("Journal", files)
    await keep_files(engine, journal)
    wanted = [one for one in ALL if one not in (ALL[1], ALL[3])]
    assert files.asked == wanted
    await keep_files(engine, journal)
    assert files.asked == [*wanted, ALL[4]], "what is new, or refuses, is asked at the next start"

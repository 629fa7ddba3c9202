"""Dead letters of somebody who was erased, beside everybody else's, on PostgreSQL (X13, S64)."""

import os
from typing import Any

import pytest

from comptoir.engine.decision import DeadLetter
from comptoir.engine.errors import Erased
from comptoir.engine.letters import LetterFilter
from comptoir.engine.values import Address
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW, Desk, keep, tell
from tests.storage.keys.conftest import Home

PEOPLE = [Address("wallet", f"u{n}") for n in range(3)]
GONE = PEOPLE[1]


async def test_an_erased_letter_holds_up_no_other(postgres: Any, home: Home) -> None:
    """X13: a letter of somebody who was erased is listed, is opened by nobody, is left out of a replay of
    many, and can be given up; the letters beside it are replayed.
    """
    opened = await home.open({"k1": os.urandom(32)})
    options = JournalOptions(now=NOW, readers=2)
    async with PostgresJournal.open(postgres.url, opened.keyring, options) as journal:
        desk = Desk(journal)
        for address in PEOPLE:
            dead = keep(dead_letter=DeadLetter("dlq:points", "CRASHED"))
            message = tell(address, address.key).message
            assert (await desk.write(address, dead, message=message, stateless=True)).why is None
        assert await opened.keyring.erase([GONE]) == 1
        letters = {x.target: x.id for x in await journal.letters(LetterFilter(), None, 10)}
        assert set(letters) == set(PEOPLE)
        with pytest.raises(Erased):
            await journal.open_letter(letters[GONE])
        assert b"u0" in (await journal.open_letter(letters[PEOPLE[0]]) or b"")
        revived = await journal.replay(list(letters.values()), NOW)
        assert {x.target for x in revived} == {PEOPLE[0], PEOPLE[2]}
        assert [x.target for x in await journal.letters(LetterFilter(), None, 10)] == [GONE]
        assert await journal.replay([letters[GONE]], NOW) == []
        assert await journal.discard([letters[GONE]]) == 1

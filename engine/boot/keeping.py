"""Files that ended before there was a rule for how long they are kept get their end: a look through them at each start.

Rule: whether a file has ended, and when it goes, is its machine's to say; whoever was asked once is noted, so that a start
asks those only that are new, or go on. It holds nothing up, and waits while the database is away.
Source: spec.md S36, X13; docs/erasure.md; adr/0063.
"""

from typing import Final

import trio

from comptoir.actors.kyc.messages import CASES
from comptoir.actors.onboarding.keeping_messages import (
    KEPT_FILES,
    KeepByRule,
)
from comptoir.actors.onboarding.messages import (
    KIND,
)
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError, Erased, Refused, Suspended
from comptoir.engine.journal import Journal
from comptoir.engine.values import Address

__all__ = ["keep_files"]

PAGE: Final = 200
RETRY_S: Final = 5.0


async def keep_files(engine: Engine, journal: Journal) -> None:
    """Ask every file that was assessed, and was not asked yet, to keep itself by the rule."""
    after: str | None = ""
    while after is not None:
        try:
            after = await _page(engine, journal, after)
        except EngineError:  # the database is away, say
            await trio.sleep(RETRY_S)


async def _page(engine: Engine, journal: Journal, after: str) -> str | None:
    """A page of them.

    Returns: where the next one begins; None: this was the last.
    """
    found = await journal.scan(CASES, after, PAGE)
    numbers = [number for number, one in found if not one.get("over")]
    asked = await journal.documents(KEPT_FILES, numbers) if numbers else {}
    for number in numbers:
        if number not in asked:
            await _ask(engine, number)
    return found[-1][0] if len(found) == PAGE else None


async def _ask(engine: Engine, number: str) -> None:
    try:
        await engine.ask(Address(KIND, number), KeepByRule())
    except (
        Refused,
        Erased,
        Suspended,
    ):  # there is no such file, or it is erased: nothing of it is to be kept
        return

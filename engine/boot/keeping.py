"""Files that ended before there was a rule for how long they are kept get their end: a look through them at each start.

Rules:
- whether a file has ended, and when it goes, is its machine's to say; whoever was asked is noted with the rule, so that a start
  asks those only that are new, or go on, or all where the settings of the rule have changed;
- files that were assessed are listed with their cases; who was abandoned before that is found in the journal, which is read
  from where a start before has come to;
- it holds nothing up, and waits while the database is away.
Source: spec.md S36, X13; docs/erasure.md; adr/0063.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import trio

from comptoir.actors.kyc.messages import CASES
from comptoir.actors.onboarding.keeping_messages import (
    KEPT_FILES,
    READ,
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
SPAN: Final = 20_000
"""Numbers of events that are looked through at once."""
RETRY_S: Final = 5.0
ABANDONED: Final = ((KIND, "OnboardingExpired"),)


async def keep_files(engine: Engine, journal: Journal, rule: Mapping[str, int]) -> None:
    """Ask every file that was assessed or abandoned, and was not asked yet, to keep itself by the rule.

    Args:
        engine: to ask.
        journal: to read.
        rule: `rule_of` the settings (actors/onboarding/keeping.py).
    """
    look = _Look(engine, journal, rule)
    for walk in (look.assessed, look.abandoned):
        await _to_its_end(walk)


async def _to_its_end(walk: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await walk()
        except EngineError:  # the database is away, say
            await trio.sleep(RETRY_S)


class _Look:
    """One walk; after an error it goes on where it was."""

    def __init__(self, engine: Engine, journal: Journal, rule: Mapping[str, int]) -> None:
        self._engine, self._journal, self._rule = engine, journal, rule
        self._key, self._number = "", 0
        self._through = True
        """Whether all so far have answered: as far as that, the next start need not look."""

    async def assessed(self) -> None:
        """Those that are listed with their cases."""
        while True:
            found = await self._journal.scan(CASES, self._key, PAGE)
            numbers = [number for number, one in found if not one.get("over")]
            for number in await self._unasked(numbers):
                await _ask(self._engine, number, KeepByRule())
            if len(found) < PAGE:
                return
            self._key = found[-1][0]

    async def abandoned(self) -> None:
        """Those of which the journal says that they were given up."""
        read = (await self._journal.documents(KEPT_FILES, (READ,))).get(READ, {})
        if self._by_rule(read):
            self._number = max(self._number, int(read["through"]))
        last = self._journal.statistics().last_event
        while self._number < last:
            until = min(self._number + SPAN, last)
            page = await self._journal.events_named(ABANDONED, self._number, until, PAGE)
            unasked = set(await self._unasked([one.address.key for one in page]))
            for one in page:
                if one.address.key in unasked:
                    through = one.number if self._through else 0
                    answered = await _ask(self._engine, one.address.key, KeepByRule(through))
                    self._through = self._through and answered
                self._number = one.number
            self._number = self._number if len(page) == PAGE else until

    async def _unasked(self, numbers: Sequence[str]) -> list[str]:
        asked = await self._journal.documents(KEPT_FILES, numbers) if numbers else {}
        return [one for one in numbers if not self._by_rule(asked.get(one, {}))]

    def _by_rule(self, noted: Mapping[str, object]) -> bool:
        return self._rule.items() <= noted.items()


async def _ask(engine: Engine, number: str, message: KeepByRule) -> bool:
    """Ask one.

    Returns: whether it need not be asked again; one that is suspended is.
    """
    try:
        await engine.ask(Address(KIND, number), message)
    except (Refused, Erased):  # there is no such file, or it is erased: nothing of it is to be kept
        return True
    except Suspended:
        return False
    return True

"""What the values between engine and journal owe to whoever holds them.

Source: engine/journal.py; docs/reliability.md (found by a soak of the simulation).
"""

import gc
import weakref

from comptoir.engine.decision import Decision
from comptoir.engine.engine import Engine
from comptoir.engine.journal import Decided
from comptoir.engine.toys import toy_parts
from comptoir.engine.values import State
from comptoir.storage.testing import MemoryJournal


class Asker:
    """Somebody who waits for a decision, and whom the decision names."""

    decided: Decided | None = None


def test_a_decision_in_a_circle_with_its_asker_is_freed() -> None:
    """An asker whose answer never came does not stay in memory with all that it leads to."""
    asker = Asker()
    state: State = object()  # type: ignore[assignment] # a stateless submitter's, as the engine's own
    asker.decided = Decided(Decision(state), 0, None, None, context=asker)
    gone = weakref.ref(asker)
    del asker
    gc.collect()
    assert gone() is None


async def test_an_engine_can_be_shown_before_and_while_it_runs() -> None:
    """`repr` asks for no clock and no task: it is what a debugger and a log line need."""
    async with MemoryJournal.open() as journal:
        engine = Engine(toy_parts(journal))
        assert repr(engine) == "<Engine starting 1 kinds>"
        async with engine.running():
            assert repr(engine).startswith("<Engine ready")

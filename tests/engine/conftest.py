"""What the engine's tests share: asking many things in one step, and looking at what is durable."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest

from comptoir.engine.actor import Answer
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.toys import Phase, Toy
from comptoir.engine.values import Address, Message
from comptoir.engine.waiter import Waiter
from comptoir.storage.testing import MemoryTables

Together = Callable[[Engine, Address, Sequence[Message]], Awaitable[list[Answer | EngineError]]]
StateOf = Callable[[MemoryTables, Address], Toy]


@pytest.fixture
def together() -> Together:
    """Ask all of these in one step, in this order, and wait for all answers and errors."""

    async def ask(
        engine: Engine, address: Address, messages: Sequence[Message]
    ) -> list[Answer | EngineError]:
        waiters = [Waiter[Answer]() for _ in messages]
        for waiter, message in zip(waiters, messages, strict=True):
            engine._hosts[address.kind].ask(address, message, waiter)
        answers: list[Answer | EngineError] = []
        for waiter in waiters:
            try:
                answers.append(await waiter.wait())
            except EngineError as error:
                answers.append(error)
        return answers

    return ask


@pytest.fixture
def state_of() -> StateOf:
    """The durable state of a toy."""

    def read(tables: MemoryTables, address: Address) -> Toy:
        row = tables.actors.get(address)
        return Toy(Phase.NEW) if row is None else msgspec.json.decode(row[2], type=Toy)

    return read

"""Machines whose decisions also say what they add to the sums of their day (onboarding_day).

The rule: what is counted is told by the very decision that makes it so, to an actor, and so exactly once; the table of
a machine stays what it is, since nothing about its transitions changes. Its kind declares the counted one.
Source: spec.md S26, S39, E17; design.md 2 and 3; adr/0048.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import msgspec

from comptoir.actors.onboarding_day.messages import day_at
from comptoir.engine import Decision, Message, Outgoing, Refusal, State
from comptoir.engine.machine import Context, Handler, Machine

__all__ = ["Tell", "counted"]

S = TypeVar("S", bound=State)
Tell = Callable[[Any, Decision[Any], Context], Iterable[Message]]
"""The state before, the decision, and what it was made from -> what is to be counted."""


def counted(machine: Machine[S], tell: Tell) -> Machine[S]:
    """The same machine; each of its decisions sends what `tell` says of it to the day."""

    def wrap(then: Handler) -> Handler:
        return partial(_telling, then, tell)

    return machine.around(wrap)


def _telling(
    then: Handler, tell: Tell, state: Any, message: Any, context: Context
) -> "Decision[Any] | Refusal":
    outcome = then(state, message, context)
    if isinstance(outcome, Refusal) or outcome.dead_letter is not None:
        return outcome
    day = day_at(context.now)
    counts = tuple(Outgoing(day, one) for one in tell(state, outcome, context))
    return msgspec.structs.replace(outcome, messages=(*outcome.messages, *counts)) if counts else outcome  # fmt: skip

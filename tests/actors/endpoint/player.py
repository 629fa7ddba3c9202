"""An endpoint with what is around it, played by hand: a feed, a gateway, timers, a consumer.

Rule: it keeps what is pending as the engine does (a timer by its name, calls as rows), and hands it over in any order that
a test wants; so what holds here holds whatever comes when.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from comptoir.actors.endpoint.machine import MACHINE
from comptoir.actors.endpoint.messages import (
    DeliveryEnded,
    FeedGrew,
    OpenEndpoint,
    Outcome,
    RetryDue,
    endpoint_at,
)
from comptoir.actors.endpoint.state import EndpointState, Phase
from comptoir.actors.endpoint.terms import OUTWARD_TERMS, OutwardTerms
from comptoir.actors.gateways.outward_messages import DeliverNext
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Message
from tests.actors.purchases import NOW
from tests.actors.telling import SECRET, TERMS

__all__ = ["Player"]

Answers = Callable[[DeliverNext], int]


@dataclass
class Player:
    """It, and what is pending."""

    answers: Answers = lambda _call: 200
    """Status of the consumer's answer."""
    state: EndpointState = field(default_factory=lambda: EndpointState(Phase.NONE))
    now: int = NOW
    position: int = 0
    calls: list[DeliverNext] = field(default_factory=list[DeliverNext])
    ended: list[DeliveryEnded] = field(default_factory=list[DeliveryEnded])
    """Calls that were made, whose ends nobody has told yet."""
    timer: int | None = None
    heard: list[int] = field(default_factory=list[int])
    """Positions, in the order in which the consumer took them; 0: a test."""
    out_at_once: int = 0
    sent: list[Message] = field(default_factory=list[Message])
    """To others: mails."""

    def say(self, message: Message) -> "Decision[Any] | Refusal":
        """Have it decide, and keep what it sends."""
        context = Context(
            endpoint_at("we_1"), self.now, 1, {OUTWARD_TERMS: OutwardTerms(mail=True)}
        )  # fmt: skip
        found = MACHINE.decide(self.state, message, context)
        if isinstance(found, Refusal):
            return found
        self.state = found.state
        if "retry" in found.cancel:
            self.timer = None
        for one in found.messages:
            if isinstance(one.message, DeliverNext):
                self.calls.append(one.message)
            elif isinstance(one.message, RetryDue):
                self.timer = one.due_at
            else:
                self.sent.append(one.message)
        self.out_at_once = max(self.out_at_once, len(self.calls) + len(self.ended))
        return found

    def open(self) -> "Player":
        """From the feed's beginning on."""
        self.say(OpenEndpoint("", TERMS, SECRET, 0))
        return self

    def grow(self, by: int = 1) -> None:
        """There is more."""
        self.position += by
        self.say(FeedGrew(self.position))

    def call(self) -> None:
        """A call is made: the consumer hears, and answers."""
        if not self.calls:
            return
        call = self.calls.pop(0)
        position = 0 if call.ping_id else call.after + 1
        status = self.answers(call)
        if status == 200:
            self.heard.append(position)
        outcomes: dict[int, Outcome] = {200: "delivered", 410: "gone"}
        outcome: Outcome = outcomes.get(status, "failed")
        code = "" if status == 200 else f"HTTP_{status}"
        self.ended.append(DeliveryEnded(call.serial, outcome, position, "evt", status, code))

    def tell(self, times: int = 1) -> None:
        """Its end is told, so many times."""
        if self.ended:
            ended = self.ended.pop(0)
            for _ in range(times):
                self.say(ended)

    def wait(self) -> None:
        """Until the timer."""
        if self.timer is not None:
            self.now, self.timer = max(self.now, self.timer), None
            self.say(RetryDue())

    def settle(self) -> None:
        """Until nothing is pending."""
        for _ in range(10_000):
            if not self.calls and not self.ended and self.timer is None:
                return
            self.call()
            self.tell()
            self.wait()
        raise AssertionError("it never settles")

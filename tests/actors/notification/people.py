"""One person, as tests of notices speak to them: their actor's state, and what it has sent."""

from typing import Any

from comptoir.actors.gateways.messages import PushToDevice, SendMail, SendPush, SendSms
from comptoir.actors.notification.machine import MACHINE
from comptoir.actors.notification.messages import (
    CodeOffered,
    ConfirmContact,
    ContactConfirmed,
    RegisterDevice,
    SetContact,
)
from comptoir.actors.notification.state import NotificationState, Phase
from comptoir.actors.notification.terms import TERMS, Terms
from comptoir.engine import Address, Decision, Message, Outgoing, Refusal
from comptoir.engine.machine import Context

NOW = 1_764_590_400_000
"""2025-12-01T12:00Z: noon."""
EVERYTHING = Terms(push=True, mail=True, sms=True)


class Somebody:
    """A person whose actor decides what it is told, message after message."""

    def __init__(self, terms: Terms = EVERYTHING, key: str = "u1") -> None:
        """Nothing is known of them."""
        self.terms = terms
        self.key = key
        self.now = NOW
        self.version = 0
        self.state = NotificationState(Phase.OPEN)
        self.out: list[Outgoing] = []
        self.last: Decision[Any] | None = None

    def hears(self, message: Message) -> Decision[Any] | Refusal:
        """One message; what is decided is kept."""
        self.version += 1
        references = {TERMS: self.terms}
        context = Context(Address("notification", self.key), self.now, self.version, references)
        found = MACHINE.decide(self.state, message, context)
        if isinstance(found, Decision):
            self.state = found.state
            self.out += found.messages
            self.last = found
        return found

    def has(self, *names: str) -> "Somebody":
        """Devices of these names."""
        for name in names:
            self.hears(RegisterDevice(name, f"token-of-{name}", "android"))
        self.out.clear()
        return self

    def reads(self, channel: Any, address: str) -> "Somebody":
        """An address that they have shown to be theirs."""
        self.hears(SetContact(channel, address, "123456"))
        offered = self.reply
        assert isinstance(offered, CodeOffered)
        self.hears(ConfirmContact(channel, "123456"))
        assert self.reply == ContactConfirmed(good=True)
        self.out.clear()
        return self

    @property
    def reply(self) -> Any:
        """What the last decision answered."""
        assert self.last is not None
        return self.last.reply

    def told(self, reference: str, template: str = "points_credited", **more: int) -> SendPush:
        """Somebody has something to tell them."""
        notice = SendPush(reference, "u1", template, **more)
        self.hears(notice)
        return notice

    def sent(self, kind: type[Message]) -> list[Any]:
        """What left of this kind."""
        return [one.message for one in self.out if isinstance(one.message, kind)]

    @property
    def ways(self) -> dict[str, int]:
        """How many messages left, by way."""
        found: dict[str, type[Message]] = {
            "push": PushToDevice,
            "mail": SendMail,
            "sms": SendSms,
        }
        return {name: len(self.sent(kind)) for name, kind in found.items() if self.sent(kind)}

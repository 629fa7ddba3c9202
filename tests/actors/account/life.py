"""The life of an account, for tests of its machine: what it hears, and all that it has said."""

from typing import TypeVar

from comptoir.actors.account.machine import MACHINE
from comptoir.actors.account.messages import AccountDue, CoreProfileChanged, OpenAccount
from comptoir.actors.account.state import AccountAlerted, AccountState, Phase
from comptoir.actors.account.terms import CORE_TERMS, CoreTerms
from comptoir.actors.gateways.core_messages import PublishCommand
from comptoir.engine import Message, Put
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Event
from tests.actors.opened import CLIENT, PROFILE, answer
from tests.actors.purchases import NOW

__all__ = ["NEVER_MADE", "OPEN", "SILENT", "Life"]

M = TypeVar("M", bound=Message)
OPEN = OpenAccount(CLIENT, PROFILE)


class Life:
    """An account, and all that it has said."""

    def __init__(self, *messages: Message) -> None:
        self.state, self.now = AccountState(Phase.NONE), NOW
        self.sent: list[Message] = []
        self.events: list[Event] = []
        self.due: list[int] = []
        self.documents: list[Put] = []
        for message in (OPEN, *messages):
            self.hear(message)

    def hear(self, message: Message) -> "Life":
        """Decide, and commit."""
        context = Context(
            Address("account", CLIENT), self.now, len(self.events), {CORE_TERMS: CoreTerms()}, None
        )
        outcome = MACHINE.decide(self.state, message, context)
        assert isinstance(outcome, Decision)
        self.state = outcome.state
        self.sent += [one.message for one in outcome.messages]
        self.events += outcome.events
        self.documents += outcome.documents
        self.due += [one.due_at for one in outcome.messages if one.due_at is not None]
        return self

    def said(self, kind: type[M]) -> list[M]:
        """What of one kind it has sent."""
        return [one for one in self.sent if type(one) is kind]

    @property
    def cities(self) -> list[str]:
        """What its file was told of the mainframe's changes."""
        return [x.fields["address/city"] for x in self.said(CoreProfileChanged)]

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What was published: word and name."""
        return [(x.command, x.command_id) for x in self.sent if isinstance(x, PublishCommand)]

    @property
    def creations(self) -> list[str]:
        """Names of commands to create."""
        return [name for word, name in self.commands if word == "CREATE_ACCOUNT"]

    @property
    def alerts(self) -> list[str]:
        """Codes."""
        return [x.code for x in self.events if isinstance(x, AccountAlerted)]


SILENT = [AccountDue()] * 63
NEVER_MADE = [AccountDue()] + [
    one for a in (1, 2, 3) for n in (2 * a - 1, 2 * a) for one in (AccountDue(), answer("absent", f"{a}.{n}"))
]  # fmt: skip

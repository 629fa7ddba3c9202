"""What is asked of the bus and of the mainframe behind it, and what is answered (S29 to S33, X9, X10).

A command is ours until ACCOUNT_CREATED: no broker is trusted to keep it. Source: spec.md S29 to S33, X9 to X12, E11;
docs/core-banking.md.
"""

from typing import Literal

from comptoir.actors.account.messages import AccountProfile
from comptoir.engine.values import Address, Message

__all__ = [
    "COMMANDS",
    "EVENTS",
    "MAINFRAME",
    "CommandPublished",
    "CommandRefused",
    "CreateAccount",
    "EventPublished",
    "FindAccount",
    "FindAddress",
    "PublishCommand",
    "PublishEvent",
    "ReplyTaken",
    "SendRecord",
    "UpdateAccount",
]

COMMANDS = Address("core_commands", "")
"""The topic `core-banking-commands`: the `message` table, or Kafka."""
EVENTS = Address("core_events", "")
"""The topic `core-banking-events`, likewise."""
MAINFRAME = Address("mainframe", "")
"""The core-banking adapter: one record to ACCT.CREATE.QUEUE, one reply from ACCT.RESPONSE.QUEUE."""


class PublishCommand(Message, frozen=True):
    """Put a command on the bus (S29). Whoever reads the topic hands it to the mainframe as `CreateAccount`; as
    `FindAccount`, `UpdateAccount` or `FindAddress` where it says FIND_ACCOUNT, UPDATE_ACCOUNT or FIND_ADDRESS.
    """

    command_id: str
    """`ONB-2026-00001:1`; the same again is the same command, and is carried out once."""
    command: Literal["CREATE_ACCOUNT", "FIND_ACCOUNT", "UPDATE_ACCOUNT", "FIND_ADDRESS"]
    client_id: str
    profile: AccountProfile
    at: int
    """`timestamp` of S29: business time, ms."""


class CommandPublished(Message, frozen=True):
    """The bus has it; whether the mainframe will is another matter."""

    command_id: str


class CommandRefused(Message, frozen=True):
    """It cannot be put on the bus, or into a record: nothing was sent. `code` names the field and why."""

    command_id: str
    code: str


class CreateAccount(Message, frozen=True):
    """Send ACCOUNT-CREATE-REQUEST (S30). Answered when a reply with its correlation comes, however late."""

    command_id: str
    client_id: str
    profile: AccountProfile


class FindAccount(Message, frozen=True):
    """Reconciliation: is there an account of this CLIENT-ID? It changes nothing there."""

    command_id: str
    client_id: str


class UpdateAccount(Message, frozen=True):
    """Send ACCOUNT-UPDATE-REQUEST (S33): the client lives elsewhere. Answered as a creation is."""

    command_id: str
    client_id: str
    profile: AccountProfile
    """Of which only the address is looked at."""


class FindAddress(Message, frozen=True):
    """Does the client live there, on the mainframe? It changes nothing there."""

    command_id: str
    client_id: str
    profile: AccountProfile
    """Of which only the address is looked at."""


class SendRecord(Message, frozen=True):
    """A record that is ready to leave: once (confirm-first)."""

    command_id: str
    client_id: str
    record: bytes
    """As it goes into the queue."""


class ReplyTaken(Message, frozen=True):
    """What came from the mainframe, before anybody has read it: durable before the queue is told that we have it."""

    correlation_id: str
    """As the queue gives it; whose it is, if anybody's of ours, is to be seen."""
    record: bytes
    change: bool = False
    """From the queue of changes (S33) instead of that of replies."""


class PublishEvent(Message, frozen=True):
    """Put an event on `core-banking-events` (S29): what became of a command, or PROFILE_CHANGED (core_bus.py)."""

    event_id: str
    event: str
    client_id: str
    data: "dict[str, str]"
    at: int


class EventPublished(Message, frozen=True):
    """The bus has it."""

    event_id: str

"""The bus between the files and the core-banking adapter: two topics, by whichever way they are carried (S29, S32).

Rules:
- a command and an event are messages on the bus; what they lead to is the same wherever they were: `carried_out` says what
  the adapter is to do for a command, `told_by` whom an event is for;
- by default the bus is the `message` table: the row of what was published becomes, in one commit, the row of whoever reads
  it, so nothing is lost and nothing is doubled. Kafka carries the same two by configuration alone;
- an event that nobody can understand is a dead letter of `dlq:core-banking`, and decides nothing.
Source: spec.md S18 (adapter), S29, S32, S33; docs/core-banking.md; docs/adr/0054-an-answer-is-never-awaited.md.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, Protocol

from comptoir.actors.account.messages import KIND as ACCOUNT
from comptoir.actors.account.messages import CommandAnswered, CoreBankingChanged
from comptoir.actors.gateways.core_messages import (
    COMMANDS,
    EVENTS,
    MAINFRAME,
    CommandRefused,
    CreateAccount,
    FindAccount,
    FindAddress,
    PublishCommand,
    PublishEvent,
    UpdateAccount,
)
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    Forwarded,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Address, Message

__all__ = [
    "ABSENT", "CHANGED", "CREATED", "ELSEWHERE", "LIVES", "NOT_UPDATED", "OUTCOMES", "QUEUE", "REFUSED", "UNKNOWN", "UPDATED", "Bus", "NoBus",
    "TableBus", "answered", "bus_gateways", "carried_out", "told_by",
]  # fmt: skip

QUEUE: Final = "dlq:core-banking"
CREATED: Final = "ACCOUNT_CREATED"
REFUSED: Final = "ACCOUNT_REFUSED"
ABSENT: Final = "ACCOUNT_ABSENT"
UNKNOWN: Final = "ACCOUNT_UNKNOWN"
UPDATED: Final = "PROFILE_UPDATED"
NOT_UPDATED: Final = "PROFILE_REFUSED"
LIVES: Final = "ADDRESS_CONFIRMED"
ELSEWHERE: Final = "ADDRESS_DIFFERS"
"""Answers to FIND_ADDRESS, with words of their own: other readers of the topic hear neither of a change nor of an account."""
CHANGED: Final = "PROFILE_CHANGED"
"""The mainframe's profile is another, by whomever: no answer, but news."""
Outcome = Literal["created", "updated", "refused", "absent", "unknown"]
OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType({
    CREATED: "created", REFUSED: "refused", ABSENT: "absent", UNKNOWN: "unknown", UPDATED: "updated",
    NOT_UPDATED: "refused", LIVES: "updated", ELSEWHERE: "absent",
})  # fmt: skip
FIELD: Final = "field:"
"""Before the path of a profile's field that has changed."""
NOT_CONFIGURED: Final = "NOT_CONFIGURED"


class Bus(Protocol):
    """Whatever carries the two topics."""

    async def command(self, message: PublishCommand, context: CallContext) -> Message | None:
        """Put a command on its topic; what is answered goes to whoever published it.

        Raises:
            CallFault: the bus is away, or refuses it.
        """
        ...

    async def event(self, message: PublishEvent, context: CallContext) -> Message | None:
        """Put an event on its topic.

        Raises:
            CallFault: the bus is away, or refuses it.
        """
        ...


class TableBus:
    """The `message` table: what is published is handed to its reader in one commit."""

    async def command(self, message: PublishCommand, context: CallContext) -> Message | None:
        """To the core-banking adapter."""
        del context
        return Forwarded(MAINFRAME, carried_out(message))

    async def event(self, message: PublishEvent, context: CallContext) -> Message | None:
        """To the account of the client."""
        del context
        return Forwarded(*told_by(message))


class NoBus:
    """There is no mainframe here: what needs one is refused by name, and nothing was sent."""

    async def command(self, message: PublishCommand, context: CallContext) -> Message | None:
        """Refused."""
        del context
        return CommandRefused(message.command_id, NOT_CONFIGURED)

    async def event(self, message: PublishEvent, context: CallContext) -> Message | None:
        """Nobody has anything to tell."""
        del message, context
        raise CallFault(NOT_CONFIGURED, retryable=False, sick=False)


def carried_out(
    message: PublishCommand,
) -> CreateAccount | FindAccount | UpdateAccount | FindAddress:
    """What the core-banking adapter is to do for a command."""
    if message.command == "FIND_ACCOUNT":
        return FindAccount(message.command_id, message.client_id)
    if message.command == "UPDATE_ACCOUNT":
        return UpdateAccount(message.command_id, message.client_id, message.profile)
    if message.command == "FIND_ADDRESS":
        return FindAddress(message.command_id, message.client_id, message.profile)
    return CreateAccount(message.command_id, message.client_id, message.profile)


def answered(
    event: str, command_id: str, client_id: str, at: int, data: Mapping[str, str]
) -> PublishEvent:
    """What became of a command, as an event.

    Args:
        event: one of OUTCOMES.
        command_id: of the command.
        client_id: whose.
        at: business time, ms.
        data: `accountNumber`, `code`, `healed`, where there is one.
    """
    said = {"commandId": command_id, **{name: value for name, value in data.items() if value}}
    return PublishEvent(f"{command_id}:{event}:{at}", event, client_id, said, at)


def told_by(message: PublishEvent) -> tuple[Address, CommandAnswered | CoreBankingChanged]:
    """Whom an event is for, and what it says.

    Raises:
        CallFault: EVENT_UNREADABLE; nobody could understand it later either.
    """
    address, data = Address(ACCOUNT, message.client_id), message.data
    try:
        if message.event == CHANGED:
            fields = {name.removeprefix(FIELD): x for name, x in data.items() if name.startswith(FIELD)}  # fmt: skip
            changed = CoreBankingChanged(
                data["changeId"], message.client_id, int(data["sequence"]), fields, int(data["at"])
            )
            return address, changed
        answer = CommandAnswered(
            data["commandId"], message.client_id, OUTCOMES[message.event], data.get("accountNumber", ""),
            data.get("code", ""), data.get("healed", "") == "true",
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise CallFault("EVENT_UNREADABLE", retryable=False, sick=False) from error
    return address, answer


def _unknown(message: PublishCommand, code: str) -> CommandAnswered:
    """The bus did not say that it has the command, nor that it has not."""
    return CommandAnswered(message.command_id, message.client_id, "unknown", code=code)


def bus_gateways(bus: Bus, bounds: GatewayBounds) -> tuple[GatewaySpec, GatewaySpec]:
    """The two topics as gateways, over whatever carries them."""
    command = Operation(
        bus.command,
        lambda message: message.command_id,
        failed=_unknown,
    )
    event = Operation(bus.event, lambda message: message.event_id)
    return (
        GatewaySpec(COMMANDS.kind, {PublishCommand: command}, bounds, dead_queue=QUEUE),
        GatewaySpec(EVENTS.kind, {PublishEvent: event}, bounds, dead_queue=QUEUE),
    )

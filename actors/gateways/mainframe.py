"""The core-banking adapter: commands become records in the mainframe's queue, and what comes back becomes events.

Rules:
- nobody waits for a reply: a record leaves, and that is the end of the call; the reply comes when it comes, minutes or hours
  later, and is known by its correlation (X9, X10);
- a record leaves once (confirm-first). Where nobody knows whether it did, the account is told so, and looks by CLIENT-ID;
- what comes is durable before the queue is told that we have it, and is read afterwards, strictly, by its copybook. What
  cannot be read, or says something of another client than its correlation, is a dead letter of `dlq:core-banking`, and
  creates no account and refuses none;
- an inquiry changes nothing there, and may leave as often as it needs.
Source: spec.md S29 to S33, X9 to X12, E11; docs/core-banking.md; docs/adr/0054-an-answer-is-never-awaited.md.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import structlog

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.account_record import (
    AccountReply,
    AccountRequest,
    ReplyUnreadable,
    address_inquiry_of,
    inquiry_of,
    read_reply,
    request_of,
    update_of,
)
from comptoir.actors.gateways.copybook import RecordRefused
from comptoir.actors.gateways.core_bus import (
    ABSENT,
    CHANGED,
    CREATED,
    ELSEWHERE,
    FIELD,
    LIVES,
    NOT_UPDATED,
    QUEUE,
    REFUSED,
    UNKNOWN,
    UPDATED,
    answered,
)
from comptoir.actors.gateways.core_messages import (
    EVENTS,
    MAINFRAME,
    CreateAccount,
    FindAccount,
    FindAddress,
    PublishEvent,
    ReplyTaken,
    SendRecord,
    UpdateAccount,
)
from comptoir.actors.gateways.profile_change import ChangeUnreadable, ProfileChange, read_change
from comptoir.actors.gateways.queues import QueueAway, QueueRefused, QueueUnsure, Sent, Way
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    Forwarded,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = ["mainframe_gateway"]

log = structlog.get_logger("comptoir.mainframe")

_NUMBER: Final = re.compile(r"u?[0-9]{1,6}(\.[0-9]{1,6})?")
NAME_DIGITS: Final = 12
"""Of a change's id in the name of its event: enough to tell a few apart that share a sequence."""
EVENT_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"created": CREATED, "refused": REFUSED, "absent": ABSENT, "failed": UNKNOWN}
)
"""What a reply's status comes to; the mainframe's own trouble decides nothing."""
UPDATE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"created": UPDATED, "refused": NOT_UPDATED, "absent": NOT_UPDATED, "failed": UNKNOWN}
)
"""Likewise of a correction."""
LIVES_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"created": LIVES, "absent": ELSEWHERE, "failed": UNKNOWN}
)
"""Likewise of a look whether a correction was made: it changes nothing, so it cannot be refused."""
_Asked = CreateAccount | UpdateAccount | SendRecord | FindAccount | FindAddress


class _Adapter:
    """The operations over a way to the queues."""

    def __init__(self, way: Way, page: str) -> None:
        self._way, self._page = way, page

    async def create(self, message: CreateAccount, context: CallContext) -> Message:
        """Have an account opened."""
        return await self._written(message, context, request_of, REFUSED)

    async def update(self, message: UpdateAccount, context: CallContext) -> Message:
        """Have a profile corrected."""
        return await self._written(message, context, update_of, NOT_UPDATED)

    async def _written(
        self,
        message: CreateAccount | UpdateAccount,
        context: CallContext,
        write: Callable[[str, AccountProfile, str], AccountRequest],
        refused: str,
    ) -> Message:
        """Write the record; one that cannot be written is refused, and nothing was sent."""
        try:
            request = write(message.client_id, message.profile, self._page)
        except RecordRefused as error:
            code = ":".join(one for one in (error.code, error.field) if one)
            return _event(message, refused, context, code=code)
        for change in request.changes:
            if change.kind == "cut":
                log.warning(
                    "a field was cut",
                    command=message.command_id,
                    field=change.field,
                    lost=change.lost,
                )
        await self._reach()
        return Forwarded(MAINFRAME, SendRecord(message.command_id, message.client_id, request.data))

    async def send(self, message: SendRecord, context: CallContext) -> None:
        """Have it leave, once."""
        del context
        await self._put(message.command_id, message.record)

    async def unsure(self, message: SendRecord, context: CallContext) -> Message:
        """Nobody knows whether it left: the account has to look, once the queues are there again."""
        await self._reach()
        return _event(message, UNKNOWN, context, code="OUTCOME_UNKNOWN")

    async def find(self, message: FindAccount, context: CallContext) -> Message | None:
        """Ask whether there is an account; its answer comes as a reply does."""
        try:
            record = inquiry_of(message.client_id, self._page)
        except RecordRefused as error:
            return _event(message, UNKNOWN, context, code=error.code)
        await self._put(message.command_id, record)
        return None

    async def find_address(self, message: FindAddress, context: CallContext) -> Message | None:
        """Ask whether a client lives there."""
        try:
            request = address_inquiry_of(message.client_id, message.profile, self._page)
        except RecordRefused as error:
            return _event(message, UNKNOWN, context, code=error.code)
        await self._put(message.command_id, request.data)
        return None

    async def read(self, message: ReplyTaken, context: CallContext) -> Message:
        """Read what has come.

        Raises:
            CallFault: it cannot be read, or is nobody's of ours: for good.
        """
        try:
            if message.change:
                return _changed(read_change(message.record, self._page))
            client = _client_of(message.correlation_id)
            reply = read_reply(message.record, self._page)
        except (ChangeUnreadable, ReplyUnreadable) as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        if reply.client_id != client:
            raise CallFault("REPLY_CROSSED", retryable=False, sick=False)
        return _told(reply, message.correlation_id, context)

    async def _reach(self) -> None:
        try:
            await self._way.check()
        except QueueAway as error:
            raise CallFault("QUEUE_AWAY", retryable=True) from error

    async def _put(self, command_id: str, record: bytes) -> None:
        try:
            await self._way.send(Sent(command_id, record))
        except QueueAway as error:
            raise CallFault("QUEUE_AWAY", retryable=True) from error
        except QueueUnsure as error:
            raise CallFault("QUEUE_UNSURE", retryable=True) from error
        except QueueRefused as error:
            raise CallFault("QUEUE_REFUSED", retryable=False, sick=False) from error


def _client_of(correlation: str) -> str:
    """Whose command a correlation is; a command is named after its client.

    Raises:
        ReplyUnreadable: CORRELATION_FOREIGN, it is none of ours.
    """
    client, _, number = correlation.rpartition(":")
    if not client or _NUMBER.fullmatch(number) is None:
        raise ReplyUnreadable("CORRELATION_FOREIGN", "no command of ours is called so")
    return client


def _told(reply: AccountReply, command_id: str, context: CallContext) -> Message:
    """A reply as an event. Its status decides, never a word in its text (X10)."""
    if command_id.rpartition(":")[2].startswith("u"):
        return _told_update(reply, command_id, context)
    event, looked = EVENT_OF[reply.outcome], "." in command_id
    if (event == ABSENT and not looked) or (event == REFUSED and looked):
        raise CallFault("REPLY_STATUS_UNEXPECTED", retryable=False, sick=False)
    code = {REFUSED: reply.reason or "REFUSED", UNKNOWN: "SYSTEM_ERROR"}.get(event, "")
    healed = "true" if event == CREATED and looked else ""
    data = {"accountNumber": reply.account_number, "code": code, "healed": healed}
    return Forwarded(EVENTS, answered(event, command_id, reply.client_id, context.now, data))


def _told_update(reply: AccountReply, command_id: str, context: CallContext) -> Message:
    """What came of a correction, or of a look whether it was made."""
    event = (LIVES_OF if "." in command_id else UPDATE_OF).get(reply.outcome)
    if event is None:
        raise CallFault("REPLY_STATUS_UNEXPECTED", retryable=False, sick=False)
    code = {NOT_UPDATED: reply.reason or "REFUSED", UNKNOWN: "SYSTEM_ERROR"}.get(event, "")
    return Forwarded(
        EVENTS, answered(event, command_id, reply.client_id, context.now, {"code": code})
    )


def _changed(change: ProfileChange) -> Message:
    """A change as an event, which happens once by its sequence and its id: neither is trusted to be unique alone."""
    data = {
        "changeId": change.change_id, "sequence": str(change.sequence), "at": str(change.changed_at),
        f"{FIELD}{change.path}": change.value,
    }  # fmt: skip
    digest = hashlib.sha256(change.change_id.encode()).hexdigest()[:NAME_DIGITS]
    name = f"{change.client_id}:{change.sequence}:{digest}"
    return Forwarded(EVENTS, PublishEvent(name, CHANGED, change.client_id, data, change.changed_at))


def _event(
    message: _Asked,
    event: str,
    context: CallContext,
    *,
    code: str,
) -> Message:
    data = {"code": code}
    said = answered(event, message.command_id, message.client_id, context.now, data)
    return Forwarded(EVENTS, said)


def _unknown(message: _Asked, code: str) -> Message:
    """It has failed for good, or a person has to settle it: the account has to look."""
    data = {"code": code}
    return Forwarded(EVENTS, answered(UNKNOWN, message.command_id, message.client_id, 0, data))


def _unread(message: ReplyTaken, code: str) -> Message | None:
    """A dead letter; whose command it seems to answer is told that what came decides nothing."""
    try:
        client = _client_of(message.correlation_id)
    except ReplyUnreadable:
        return None
    if message.change:
        return None
    return Forwarded(EVENTS, answered(UNKNOWN, message.correlation_id, client, 0, {"code": code}))


def mainframe_gateway(way: Way, page: str, bounds: GatewayBounds) -> GatewaySpec:
    """The gateway `mainframe`.

    Args:
        way: to its queues.
        page: its code page.
        bounds: deadlines, calls at once, breaker.
    """
    adapter = _Adapter(way, page)
    operations: dict[type[Message], Operation] = {
        CreateAccount: Operation(adapter.create, lambda x: f"{x.command_id}:create", failed=_unknown),
        UpdateAccount: Operation(adapter.update, lambda x: f"{x.command_id}:update", failed=_unknown),
        SendRecord: Operation(
            adapter.send, lambda x: f"{x.command_id}:send", idempotent=False, look_up=adapter.unsure,
            failed=_unknown, held=_unknown,
        ),
        FindAccount: Operation(adapter.find, lambda x: f"{x.command_id}:find", failed=_unknown),
        FindAddress: Operation(adapter.find_address, lambda x: f"{x.command_id}:find", failed=_unknown),
        ReplyTaken: Operation(adapter.read, lambda x: f"{x.correlation_id}:read", failed=_unread),
    }  # fmt: skip
    return GatewaySpec(MAINFRAME.kind, operations, bounds, dead_queue=QUEUE, hold_queue=QUEUE)

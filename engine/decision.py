"""What a machine answers with: data, not acts.

A `Decision` lists everything that shall become true in one database transaction. The engine's
loop and the journal perform it; the machine that made it did nothing (compare the actions of
Erlang's gen_statem). A `Refusal` changes nothing.

Source: design.md 2 and 3; spec.md S16, S47, S56, S63, S64, X18, X19, X23.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from comptoir.engine.values import Address, Event, Message, Reply, State

__all__ = [
    "Attempt",
    "DeadLetter",
    "Decision",
    "LotOpened",
    "Once",
    "Outgoing",
    "Put",
    "Refusal",
    "Transfer",
]

S = TypeVar("S", bound=State)


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try at a call or a message, kept with it (design.md 3: dead letters tell their story)."""

    at: int
    """Business time, ms since 1970."""
    outcome: str
    """`started`, or the stable code of what went wrong."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message to be sent by this decision: a row, until its receiver's decision deletes it."""

    target: Address
    message: Message
    due_at: int | None = None
    """Business time in ms from which it may be delivered; None = at once."""
    name: str | None = None
    """A named timer: setting the same name for the same target again replaces the earlier one."""
    parked: bool = False
    """Held for a condition: not counted as pending work, made due by `Decision.release`, and
    delivered at `due_at` at the latest."""
    attempts: tuple[Attempt, ...] = ()
    """Earlier tries, oldest first."""
    sender: Address | None = None
    """On whose behalf, when that is not the deciding actor: a gateway that tries a call again keeps
    the asking actor as its sender, because the answer goes there."""


class Once(msgspec.Struct, frozen=True, gc=False):
    """What may happen only once, ever, until the key expires (X16, X19). Stored as an HMAC."""

    scope: str
    """The class of key, which sets its life time: `webhook`, `idempotency`."""
    key: str
    """Unique within the scope, e.g. `seed:transaction.created:tx_1`."""
    ttl_ms: int
    """Life time from the decision's time."""


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """One double-entry movement of points: debit one account, credit another, zero by construction.

    Accounts are `book:owner`: `available:USER`, `pending:USER`, `blocked:USER`, `shortfall:USER`,
    and the programme's own books `issued:`, `paid:`, `expired:` (no owner). The database holds
    the first three at >= 0 and the shortfall at <= 0 (it is what the user owes).
    """

    debit: str
    credit: str
    points: int
    """> 0."""
    kind: str
    """credit, release, clawback, expiry, hold, hold_released, payout, adjustment."""
    owner: str
    """The user whose history shows it."""
    after: tuple[int, int, int, int]
    """The owner's available, pending, blocked and shortfall after it (all >= 0)."""
    lot: str | None = None
    """The lot that it opens, consumes or restores."""
    transaction: str | None = None
    withdrawal: str | None = None


class LotOpened(msgspec.Struct, frozen=True, gc=False):
    """A new FIFO lot (S47, E7). The transfer that names it gives it its points."""

    id: str
    owner: str
    source: str
    """The provider's transaction id that earned it."""
    tag: str
    """What an anonymous refund is matched by (interface.md 6): an opaque digest."""
    points: int
    basis_cents: int
    """The purchase's amount."""
    rate_bp: int
    multiplier_bp: int
    earned_at: int
    """Business time, ms: the FIFO order, ties by id."""
    expires_at: int | None = None


class Put(msgspec.Struct, frozen=True, gc=False):
    """Merge fields into one document of a read model, in the same transaction (views)."""

    collection: str
    key: str
    fields: Mapping[str, object]
    """JSON values; a shallow merge into what is there."""
    owner: str = ""
    """Whose it is, for listing."""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """The message being handled goes to a dead-letter queue instead of being dropped (S64)."""

    queue: str
    """`dlq:transactions`, `dlq:points`, `dlq:notifications`, `dlq:withdrawals`, ..."""
    code: str
    """Why, as a stable code."""
    detail: str = ""
    """For an operator; never a personal datum (the payload is sealed, this is not)."""


class Decision(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """Everything that one message changes; committed as a whole or not at all."""

    state: S
    """The state after it; the very same object means unchanged."""
    reply: Reply | None = None
    events: tuple[Event, ...] = ()
    messages: tuple[Outgoing, ...] = ()
    cancel: tuple[str, ...] = ()
    """Names of this actor's own timers to forget."""
    release: bool = False
    """This actor's own parked messages become due now."""
    once: tuple[Once, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    lots: tuple[LotOpened, ...] = ()
    documents: tuple[Put, ...] = ()
    dead_letter: DeadLetter | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The message is refused by name and changed nothing."""

    code: str
    detail: str = ""

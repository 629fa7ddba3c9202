"""A folded batch as rows: the array arguments of `comptoir.commit_batch`, sealed.

The rule: one row for each key, as the row types of migrations/0004_commit.sql have them; whatever is
personal is sealed under the identity of its row. Source: design.md 7.
"""

from collections.abc import Callable, Mapping, Sequence
from struct import error as StructError  # noqa: N812 - the module names it in lower case
from typing import Any

from comptoir.engine.journal import Pending
from comptoir.engine.values import Address, Event
from comptoir.storage.leaves import leaf_of
from comptoir.storage.runs import (
    Unencodable,
    identify_actor,
    identify_event,
    identify_message,
    identify_once,
    write_attempts,
)
from comptoir.storage.sound import write_fields, write_value

__all__ = [
    "ActorWrite",
    "MessageWrite",
    "write_actors",
    "write_documents",
    "write_events",
    "write_messages",
    "write_once",
]

Rows = list[tuple[Any, ...]]
Seal = Callable[[bytes, bytes, Address, Address], bytes]
"""(plaintext, identity of its row, actor that it is about, else its sender) -> sealed."""


class ActorWrite:
    """The final write of one actor."""

    __slots__ = ("at", "expected", "schema", "state", "version")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.version = expected
        self.schema = 1
        self.state: Any = None
        self.at = 0


class MessageWrite:
    """A message created in this batch, until it is cancelled or consumed in it."""

    __slots__ = ("due_at", "id", "kind", "payload", "pending")

    def __init__(
        self, row_id: int, pending: Pending, kind: str, due_at: int | None, payload: bytes
    ) -> None:
        self.id = row_id
        self.pending = pending
        self.kind = kind
        self.due_at = due_at
        self.payload = payload


def write_messages(seal: Seal, messages: Mapping[int, MessageWrite]) -> Rows:
    """Rows of `message`."""
    rows: Rows = []
    for row_id, row in messages.items():
        x = row.pending
        payload = seal(row.payload, identify_message(row_id, x.target), x.target, x.sender)
        attempts = write_attempts(x.attempts)
        rows.append(
            (row_id, *x.target, *x.sender, payload, row.kind, row.due_at, x.created_at, x.name,
             attempts)
        )  # fmt: skip
    return rows


def write_actors(seal: Seal, actors: Mapping[Address, ActorWrite]) -> Rows:
    """Rows of `actor`: of those whose state has changed."""
    changed = sorted(address for address, x in actors.items() if x.version != x.expected)
    rows: Rows = []
    for address in changed:
        x = actors[address]
        identity = identify_actor(address, x.version)
        state = seal(write_value(x.state), identity, address, address)
        rows.append((*address, x.expected, x.version, x.schema, state, x.at))
    return rows


def write_documents(documents: Mapping[tuple[str, str], Sequence[Any]]) -> Rows:
    """Rows of `document`, from (owner, fields, at) by collection and key."""
    return [
        (collection, key, owner, write_fields(fields), at)
        for (collection, key), (owner, fields, at) in sorted(
            documents.items(), key=lambda item: item[0]
        )
    ]


def write_events(
    seal: Seal, events: Sequence[tuple[int, int, Address, Event]]
) -> tuple[Rows, bytes]:
    """Rows of `event`, from (number, at, address, event), and their leaves.

    Raises:
        Unencodable: an event cannot be encoded, or its address has no UTF-8.
    """
    rows: Rows = []
    leaves: list[bytes] = []
    try:
        for number, at, address, event in events:
            name = type(event).__name__
            sealed = seal(write_value(event), identify_event(number), address, address)
            rows.append((number, at, *address, name, sealed))
            leaves.append(leaf_of(number, at, address, name, sealed))
    except (UnicodeEncodeError, StructError) as error:
        raise Unencodable(type(error).__name__) from None
    return rows, b"".join(leaves)


def write_once(seal: Seal, once: Mapping[bytes, tuple[str, bytes, int, Address]]) -> Rows:
    """Rows of `once`, from (scope, answer, expires at, who decided) by digest."""
    return [
        (
            digest,
            scope,
            seal(answer, identify_once(digest), address, address) if answer else b"",
            expires,
        )
        for digest, (scope, answer, expires, address) in sorted(once.items())
    ]

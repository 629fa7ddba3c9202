"""The values that travel: addresses, messages, replies, events, states.

The rule: everything here is a plain, frozen, serialisable value. No value holds a reference to
an actor, a task, a clock or a connection, so two actors need not share a process (design.md 11).

They are `msgspec.Struct`s rather than frozen dataclasses: building one costs a fifth, and a
tagged union of them is decoded *and validated* in one pass of C (docs/adr/0004).

Source: spec.md S16; docs/glossary.md for the words.
"""

from enum import Enum
from typing import NamedTuple

import msgspec

__all__ = ["Address", "Event", "Message", "Reply", "State", "encode"]


class Address(NamedTuple):
    """Names one actor or gateway for ever: the kind of machine and the key of the individual.

    A named tuple, because the directory hashes one on every hand-over and a tuple hashes in C.
    """

    kind: str
    """The kind of actor: `wallet`, `connection`, `push`; `[a-z_]{1,32}`."""
    key: str
    """Which one of that kind; never a personal datum in clear (use a blind index, X15)."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


class Message(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Something addressed to an actor, to a gateway, or to one's own later self (a timer).

    Named by an imperative (`Credit`) or as a report of what another party did
    (`TransactionReported`). The class name is the tag on the wire and in the database, so
    renaming a message class is a migration.
    """


class Event(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A recorded fact, in the past tense (`PointsCredited`); never changed once committed."""


class Reply(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What an asker gets once the decision is durable; kept under its `once` key if it has one."""


class State(msgspec.Struct, frozen=True, gc=False):
    """Phase and data of one actor. Every machine's state derives from this and names its phase."""

    phase: Enum


_ENCODER = msgspec.json.Encoder()


def encode(value: msgspec.Struct) -> bytes:
    """Write a value as canonical-enough JSON: field order is declaration order."""
    return _ENCODER.encode(value)

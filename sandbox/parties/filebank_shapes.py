"""What the bank that takes files is given, keeps, and is told to say.

Source: interface.md 10; ISO 20022 pain.001.001.09.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_Codes = dict[str, Annotated[str, Meta(pattern=r"^[A-Z0-9]{4}\Z")]]


class StatusWanted(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/filebank/status`."""

    message_id: str
    level: Literal["group", "payment", "transaction"] = "group"
    status: Annotated[str, Meta(pattern=r"^[A-Z]{4}\Z")] = "ACCP"
    reason: Annotated[str, Meta(pattern=r"^([A-Z0-9]{4})?\Z")] = ""
    reject: _Codes = msgspec.field(default_factory=dict[str, str])
    """Transfers by reference that are rejected, and why; the file is then PART."""
    references: list[str] | None = None
    """At the level of transactions: of which; null = all."""
    id: str = ""
    """Of the report; empty: a new one."""
    account: str = ""
    """Another one than the file's."""


class StatementWanted(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/filebank/statement`."""

    message_id: str
    booking: Literal["batch", "details", "single"] = "details"
    """One entry without its transfers, one with them, or one for each."""
    references: list[str] | None = None
    """Of which; null = all."""
    returns: _Codes = msgspec.field(default_factory=dict[str, str])
    """What came back, and why; those alone are booked."""
    amounts: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Cents that are booked instead of those that were ordered."""
    id: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A transfer of a file."""

    reference: str
    instruction: str
    cents: int
    currency: str
    name: str
    iban: str


@dataclass(frozen=True, slots=True)
class Filed:
    """A file that was taken."""

    message_id: str
    payment_id: str
    account: str
    transfers: tuple[Ordered, ...]
    faults: tuple[str, ...]

    @property
    def cents(self) -> int:
        """Its sum."""
        return sum(one.cents for one in self.transfers)

"""What may be said to a proposal, and what it answers (E14: four eyes where it counts; S60).

Another machine may import this module and nothing else of this package (design.md 1). To have one more
kind of act approved is to add its message to `Order` and its name to `Action`.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.account.messages import SettleAccount
from comptoir.actors.disposition.messages import DisposeLetter, ReplayLetters
from comptoir.actors.erasure.messages import ErasePerson
from comptoir.actors.gateways.messages import RotateKey
from comptoir.actors.onboarding.keeping_messages import (
    EraseFile,
)
from comptoir.actors.person.messages import InvitePerson
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import AdjustPoints, ProposeAdjustment
from comptoir.actors.withdrawal.messages import SettleWithdrawal
from comptoir.engine.values import Address, Message, Reply, encode

__all__ = [
    "COLLECTION",
    "FOUR_EYES",
    "KIND",
    "Action",
    "ApprovalDescribed",
    "ApprovalExpired",
    "Approve",
    "DescribeApproval",
    "Order",
    "Propose",
    "Proposed",
    "Reject",
    "adjustment_proposal",
    "approved_by",
    "digest_of",
    "place_of",
]

KIND = "approval"
COLLECTION = "approval"
"""The documents by which what waits is listed: `{"waits": bool}`, which names nobody."""
FOUR_EYES: Final = "FOUR_EYES"
"""Whoever has asked for something does not approve it as well."""

Order = (
    InvitePerson
    | ErasePerson
    | EraseFile
    | RotateKey
    | ReplayLetters
    | DisposeLetter
    | SettleWithdrawal
    | AdjustPoints
    | SettleAccount
)
"""What is sent when it is approved, by the very decision that approves it."""


class Action(StrEnum):
    """What kind of act it is."""

    INVITE = "staff.invite"
    ERASE = "person.erase"
    ERASE_FILE = "onboarding.erase"
    ROTATE = "keys.rotate"
    REPLAY = "dead_letters.replay"
    SETTLE = "dead_letters.settle"
    """A call of unknown outcome is given up."""
    PAYMENT = "withdrawals.settle"
    """What became of a payment that is held."""
    ADJUST = "points.adjust"
    """Points are given or taken by hand."""
    ACCOUNT = "accounts.settle"
    """What is true of an account on the mainframe that is held."""


def approved_by(order: Order, checker: str) -> Order:
    """The order as it is sent: where it says who has approved it, with their name. Its digest is of what was
    asked for.
    """
    if isinstance(order, AdjustPoints | SettleAccount):
        return msgspec.structs.replace(order, checker=checker)
    return order


def digest_of(target: Address, order: Order) -> str:
    """What names an act to the last bit: SHA-256 over whom it goes to and what it says, hex."""
    return sha256(f"{target}\n".encode() + encode(order)).hexdigest()


def place_of(expires_at: int, approval_id: str = "") -> str:
    """The key of a proposal's document: whoever reads from now on finds what is not over, the first to end
    first. Without an id: where those of that time begin.
    """
    return f"{expires_at:015d}:{approval_id}"


class Propose(Message, frozen=True):
    """Somebody asks for something that they may not do alone."""

    action: Action
    target_kind: str
    target_key: str
    order: Order
    subject: str
    """Whom or what it is about, for the person who checks it."""
    details: tuple[str, ...]
    """What else they are to see, such as the roles."""
    maker: str
    """`sub` of who asks."""
    checkers: tuple[str, ...]
    """Roles of which whoever approves must have one."""
    lifetime_ms: int
    """In business time; after it nobody may approve it."""


def adjustment_proposal(user_id: str, asked: ProposeAdjustment) -> Propose:
    """The proposal of an adjustment. Its wallet sends it, and whoever asks says it a second time, so that it is
    there when they are answered: the first to come makes it.
    """
    order = AdjustPoints(asked.adjustment_id, asked.points, asked.reason, asked.maker)
    return Propose(
        Action.ADJUST, WALLET, user_id, order, user_id, (f"{asked.points:+d} points", asked.reason),
        asked.maker, asked.checkers, asked.lifetime_ms,
    )  # fmt: skip


class Approve(Message, frozen=True):
    """A second person lets it be done."""

    checker: str
    roles: tuple[str, ...]


class Reject(Message, frozen=True):
    """It is not to be done: by a second person, or by the maker, who may withdraw it."""

    checker: str
    roles: tuple[str, ...]


class DescribeApproval(Message, frozen=True):
    """Say what is asked for, and what became of it, to whoever asked for it or may decide it."""

    viewer: str
    roles: tuple[str, ...]


class ApprovalExpired(Message, frozen=True):
    """One's own later self: nobody has approved it in time."""


class Proposed(Reply, frozen=True):
    """It waits for a second person."""

    digest: str
    expires_at: int
    """Business time, ms since 1970."""


class ApprovalDescribed(Reply, frozen=True):
    """What is asked for, and what became of it."""

    action: str
    status: str
    """`pending`, `approved`, `rejected` or `expired`."""
    digest: str
    subject: str
    """Empty once it is decided: whoever it was about is in the audit log."""
    details: tuple[str, ...]
    maker: str
    checker: str
    expires_at: int
    """Business time, ms since 1970."""

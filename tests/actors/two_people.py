"""Samples of what two people decide, a proposal and an erasure: each phase, and what may be said to it."""

import msgspec

from comptoir.actors.approval import machine as approval
from comptoir.actors.approval.messages import (
    Action,
    ApprovalExpired,
    Approve,
    DescribeApproval,
    Propose,
    Reject,
    digest_of,
)
from comptoir.actors.erasure import machine as erasure
from comptoir.actors.erasure.messages import (
    BeginErasure,
    DescribeErasure,
    DestroyNow,
    ErasePerson,
    KeysDestroyed,
    Sealed,
)
from comptoir.engine import Address, Message

__all__ = ["APPROVE", "ERASURES", "PENDING", "PROPOSALS", "TO_ERASURE", "TO_PROPOSAL"]

NOW = 1_800_000_000_000
P = approval.Phase
PROPOSE = Propose(Action.ERASE, "person", "u1", ErasePerson(), "u1", (), "maker", ("ADMIN",), 1000)
APPROVE = Approve("checker", ("ADMIN",))
PENDING = approval.ApprovalState(
    P.PENDING, "person.erase", digest_of(Address("person", "u1"), ErasePerson()), ("person", "u1"),
    ErasePerson(), "u1", (), "maker", ("ADMIN",), "", NOW + 1,
)  # fmt: skip
PROPOSALS = (
    approval.ApprovalState(P.UNKNOWN), PENDING,
    *(msgspec.structs.replace(PENDING, phase=phase, order=None, subject="")
      for phase in P if phase not in (P.UNKNOWN, P.PENDING)),
)  # fmt: skip
TO_PROPOSAL: tuple[Message, ...] = (
    PROPOSE, APPROVE, Reject("checker", ("ADMIN",)), DescribeApproval("maker", ()), ApprovalExpired(),
)  # fmt: skip
ERASURES = tuple(erasure.ErasureState(phase) for phase in erasure.Phase)
TO_ERASURE: tuple[Message, ...] = (
    BeginErasure((Sealed("person", "u1"),)), DestroyNow(), KeysDestroyed(1), DescribeErasure(),
)  # fmt: skip

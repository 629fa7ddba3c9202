"""Samples of an invitation, in each of its phases, and of what may be said to it."""

import msgspec

from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.actors.invitation import machine as invitation
from comptoir.actors.invitation.messages import (
    EnterCode,
    ForgetInvitation,
    InvitationExpired,
    InviteClient,
    RenewCode,
    UseLink,
    WantLink,
)
from comptoir.actors.invitation.terms import Terms
from comptoir.engine import Message

__all__ = [
    "AWAITING", "ENTER", "INSIDE", "INVITATIONS", "LAST_TRY", "LAST_TRY_INSIDE", "TO_INVITATION", "USE",
]  # fmt: skip

NOW = 1_800_000_000_000
I = invitation.Phase  # noqa: E741 - as its neighbours are named
INVITE = InviteClient(
    "ONB-2025-00123", "u1", "a@b.example", "+33600000000", "fr", "l", "d", "r", "by"
)
USE = UseLink("d", "s", "p", "123456")
ENTER = EnterCode("s", "p", "o", NOW // 1000)
AWAITING = invitation.InvitationState(
    I.AWAITING_CODE, "u1", "a@b.example", expires_at=NOW + 1000, session="s", proof="p",
    code_until=NOW + 1000, codes=1,
)  # fmt: skip
INSIDE = msgspec.structs.replace(AWAITING, phase=I.SIGNED_IN)
LAST_TRY = msgspec.structs.replace(AWAITING, failures=Terms().tries_max - 1)
LAST_TRY_INSIDE = msgspec.structs.replace(INSIDE, failures=Terms().tries_max - 1)
INVITATIONS = (
    invitation.InvitationState(I.UNKNOWN),
    invitation.InvitationState(I.INVITED, "u1", "a@b.example", link="d", expires_at=NOW + 1000),
    AWAITING, INSIDE, invitation.InvitationState(I.ENDED),
)  # fmt: skip
TO_INVITATION: tuple[Message, ...] = (
    INVITE, USE, RenewCode("s", "p", "123456"), ENTER, InvitationExpired(), NoticeTaken("n"),
    NoticeRefused("n", "MAIL_REFUSED"), ForgetInvitation(), WantLink("d", "l2", "d2", "r2", "fr"),
)  # fmt: skip

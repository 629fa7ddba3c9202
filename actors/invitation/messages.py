"""What may be said to a client's invitation, and what it answers (S4, S34, X8).

Another machine may import this module and nothing else of this package (design.md 1). Secrets come as
digests, and beside them once as they are, for the mail and the text message that they go out with.
"""

from typing import Literal

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "Channel",
    "ClientInvited",
    "CodeAccepted",
    "CodeSent",
    "CodeWrong",
    "CodesUsedUp",
    "EnterCode",
    "ForgetInvitation",
    "InvitationExpired",
    "InviteClient",
    "Language",
    "LinkHeard",
    "LinkOver",
    "RenewCode",
    "UseLink",
    "WantLink",
]

KIND = "invitation"
Language = Literal["fr", "en"]
Channel = Literal["sms", "mail"]
"""By what the code goes out."""


class InviteClient(Message, frozen=True):
    """A client gets a link to the portal; one that was given before is dead from now on.

    The same `reference` again makes no second link: whoever asks gets the first answer.
    """

    onboarding_id: str
    """Number of the file, `ONB-2025-00123` (S9); the actor's key."""
    user_id: str
    """`sub` of the client: what its session gets to see."""
    email: str
    phone: str
    """E.164; empty: the code goes out by mail as well."""
    language: Language
    link: str
    """The whole address with its secret; it stands in the mail and nowhere else."""
    digest: str
    """SHA-256 of the link's secret, in hexadecimal."""
    reference: str
    """Unique within the file: what makes two requests the same."""
    by: str
    """Who asks for it, for the record: `sub`, or the kind of another machine."""
    listing: str = ""
    """Key of the actor that lists what the client has open (actors/sessions); empty: none does."""
    tells: bool = False
    """Whether the file hears when whoever carries mail has taken the link (actors/onboarding)."""


class UseLink(Message, frozen=True):
    """The client has opened the link and gone on: the one use that it has."""

    digest: str
    session: str
    """SHA-256 of the new cookie of its browser; the code is taken from that browser only."""
    proof: str
    """SHA-256 of cookie and code together: of the code alone, it could be found by trying."""
    code: str
    """Six digits, for the text message."""


class RenewCode(Message, frozen=True):
    """The code did not arrive, or too late: another one. From the browser that is in by the last one: whoever
    sits there wants to show anew who they are.
    """

    session: str
    proof: str
    code: str
    alive: bool = False
    """Whether that browser's session is open."""


class EnterCode(Message, frozen=True):
    """The client has typed a code."""

    session: str
    proof: str
    opens: str
    """Key of the session that begins if it is right: of another cookie, drawn for it."""
    signed_in_at: int
    """Seconds since 1970, wall time."""
    device: str = ""
    """Browser and system, as coarse as `Firefox, Linux`."""
    alive: bool = False
    """As in `RenewCode`."""


class WantLink(Message, frozen=True):
    """Whoever has a link that is over wants another one. It goes to the address of record, if at all."""

    old: str
    """SHA-256 of the secret of the link that they have."""
    link: str
    """The whole address of the new one; it stands in the mail and nowhere else."""
    digest: str
    reference: str
    language: Language
    """Of the page on which it was asked for."""
    over: str = ""
    """Key of the session that `LinkHeard` named, and that has ended; empty: none did."""


class InvitationExpired(Message, frozen=True):
    """One's own later self."""


class ForgetInvitation(Message, frozen=True):
    """The file goes: whoever is in by it is in no longer, and nothing of the client stays here."""


class ClientInvited(Reply, frozen=True):
    """The link is on its way."""

    expires_at: int
    """Business time, ms since 1970."""
    channel: Channel


class LinkHeard(Reply, frozen=True):
    """It was heard; whether anything is sent is not told to whoever asks."""

    session: str = ""
    """Nothing is sent while this session is open; whoever finds that it has ended says so, and asks again. Empty: it is
    no matter.
    """


class CodeSent(Reply, frozen=True):
    """A code is on its way."""

    channel: Channel
    until: int
    """Business time, ms since 1970, until when it is good."""


class CodesUsedUp(Reply, frozen=True):
    """There are no more codes for this link; the last one stays good for its time."""


class CodeWrong(Reply, frozen=True):
    """Not this code, or too late."""

    left: int
    """How often one more may be typed."""


class CodeAccepted(Reply, frozen=True):
    """It is the client: the session is open."""

    lifetime_ms: int


class LinkOver(Reply, frozen=True):
    """Not known, used, over, superseded, or of another browser: which, is not told."""

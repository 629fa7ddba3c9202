"""What an invitation knows, and what is put on record of it.

Source: spec.md S4, S34, S44, X8; docs/adr/0026.
"""

from enum import Enum

import msgspec

from comptoir.actors.invitation.messages import Channel, Language
from comptoir.engine import Event, State

__all__ = [
    "LINKS_KEPT",
    "ClientSignedIn",
    "CodeRefused",
    "InvitationEnded",
    "InvitationSent",
    "InvitationState",
    "LinkRenewed",
    "LinkUsed",
    "NoticeArrived",
    "NoticeLost",
    "OpenedSession",
    "Phase",
    "left_of",
    "opened_by",
]

LINKS_KEPT = 8
"""Links of which the digest is kept, the newest: by one that is over another may be asked for."""


class Phase(Enum):
    """How far the client has come."""

    UNKNOWN = "unknown"
    INVITED = "invited"
    AWAITING_CODE = "awaiting_code"
    SIGNED_IN = "signed_in"
    ENDED = "ended"


class OpenedSession(msgspec.Struct, frozen=True):
    """A session that somebody came to by a link of this file."""

    key: str
    """Of its actor."""
    until: int
    """Business time, ms since 1970: it lives no longer, and perhaps has ended before."""


class InvitationState(State, frozen=True):
    """Sealed as a whole at rest; of the client nothing is left in ENDED, nor in SIGNED_IN when the session's longest life is
    over (`left_of`).
    """

    phase: Phase
    user_id: str = ""
    email: str = ""
    phone: str = ""
    language: Language = "fr"
    link: str = ""
    """Digest of the link's secret; empty once it is used."""
    expires_at: int = 0
    """Business time, ms since 1970: of the link, then of the wait for a code, then of the session."""
    session: str = ""
    """Digest of the cookie of the browser that used the link, then of its session."""
    proof: str = ""
    """Digest of that cookie and the newest code."""
    code_until: int = 0
    """Business time, ms since 1970."""
    codes: int = 0
    """Sent so far."""
    failures: int = 0
    """Wrong tries, over all codes."""
    listing: str = ""
    tells: bool = False
    """Both as the invitation said."""
    given: tuple[str, ...] = ()
    """Digests of the links that were given, the newest last: a digest of chance says nothing of anybody."""
    asked: tuple[int, ...] = ()
    """When the client asked for another by itself, in the last day: business time, ms."""
    opened: tuple[OpenedSession, ...] = ()
    """Sessions that may live, the newest last, whatever became of the link since."""
    renewed: tuple[str, ...] = ()
    """Digests of the links that the client asked for, the newest last: what was tried before counts on with each."""
    missed: int = 0
    """Wrong tries since the client was in, or an advisor invited it: over all links that it asked for itself."""

    @property
    def channel(self) -> Channel:
        """By what the code goes out."""
        return "sms" if self.phone else "mail"


class InvitationSent(Event, frozen=True):
    """A client was given a link."""

    user_id: str
    by: str
    expires_at: int
    channel: Channel


class LinkUsed(Event, frozen=True):
    """The link was used, the one time; who it was, the code will show."""

    user_id: str


class CodeRefused(Event, frozen=True):
    """A wrong code, or one too late; the so-manieth for this link."""

    user_id: str
    failures: int


class ClientSignedIn(Event, frozen=True):
    """It was them."""

    user_id: str
    methods: tuple[str, ...]


class InvitationEnded(Event, frozen=True):
    """The link is dead, and nobody signed in by it."""

    user_id: str
    why: str
    """`superseded`, `expired` or `too_many_tries`."""


class LinkRenewed(Event, frozen=True):
    """Whoever has a link that is over asked for another one, the so-manieth in a day; the file sends it, or does not."""

    number: int


class NoticeArrived(Event, frozen=True):
    """The party has taken a mail or a text message of ours."""

    reference: str


class NoticeLost(Event, frozen=True):
    """One did not go out."""

    reference: str
    code: str


def opened_by(state: InvitationState) -> tuple[OpenedSession, ...]:
    """Sessions that may live; of a state that a release before has written, the one that it names."""
    if state.opened or state.phase is not Phase.SIGNED_IN or not state.session:
        return state.opened
    return (OpenedSession(state.session, state.expires_at),)


def left_of(
    state: InvitationState, phase: Phase, opened: tuple[OpenedSession, ...] = ()
) -> InvitationState:
    """Nothing of the client: what is left is by what another link may be asked for, where its sessions are listed, and which
    of them may live.
    """
    return InvitationState(
        phase, listing=state.listing, given=state.given, asked=state.asked, opened=opened,
        renewed=state.renewed, missed=state.missed,
    )  # fmt: skip

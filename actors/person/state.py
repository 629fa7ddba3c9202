"""What is known of a person, and what is recorded of them.

Source: spec.md S34, X8; adr/0022, 0024, 0027.
"""

from enum import Enum

from comptoir.actors.person.messages import Given
from comptoir.actors.person.passkeys import Passkey
from comptoir.actors.person.throttle import Throttle
from comptoir.engine import Decision, Event, State

__all__ = [
    "Dismissed",
    "Enrolled",
    "Forgotten",
    "Invited",
    "Outcome",
    "PasskeyAdded",
    "PasskeyDropped",
    "PersonState",
    "Phase",
    "SignInFailed",
    "SignInSucceeded",
    "SignatureCounterRegressed",
    "ThingGiven",
]


class Phase(Enum):
    """Whether the person can sign in."""

    UNKNOWN = "unknown"
    INVITED = "invited"
    ENROLLED = "enrolled"
    REMOVED = "removed"
    ERASED = "erased"


class PersonState(State, frozen=True):
    """Sealed as a whole at rest: name and seed stand in it."""

    phase: Phase
    subject: str = ""
    roles: tuple[str, ...] = ()
    link: str = ""
    """Digest of the link's secret; empty once it is used."""
    link_expires_at: int = 0
    """Business time, ms since 1970."""
    seed: str = ""
    """Of TOTP, in hexadecimal; in INVITED the one that was offered last."""
    step: int = 0
    """The last one used."""
    throttle: Throttle = Throttle()
    """Of failures; those that a release before counted are forgotten."""
    generation: int = 0
    """Of what they have now."""
    given: tuple[Given, ...] = ()
    """What was opened for them, the oldest first; also what has ended since, for an erasure."""
    since: int = 0
    """Business time, ms since 1970, of the phase."""
    passkeys: tuple[Passkey, ...] = ()
    """None but in ENROLLED; the oldest first."""


class Invited(Event, frozen=True):
    """Somebody was given a link, and what they had before is over."""

    subject: str
    roles: tuple[str, ...]


class Dismissed(Event, frozen=True):
    """They are of the house no longer; so many things that they had were ended."""

    subject: str
    ended: int


class Forgotten(Event, frozen=True):
    """They are to be erased: what they had has ended, and the keys of so many actors go."""

    actors: int


class ThingGiven(Event, frozen=True):
    """A session or a family was opened for them, or was ended at once since its time had passed."""

    kind: str
    key: str
    ended: bool


class Enrolled(Event, frozen=True):
    """The authenticator has the seed, or there is a passkey; the link is used."""

    subject: str


class SignInSucceeded(Event, frozen=True):
    """It was them."""

    subject: str
    methods: tuple[str, ...]


class SignInFailed(Event, frozen=True):
    """A wrong password or a passkey's wrong answer; the so-manieth failure in a row, at its place."""

    subject: str
    failures: int


class PasskeyAdded(Event, frozen=True):
    """The person can sign in with one more key."""

    subject: str
    credential_id: str
    synced: bool


class PasskeyDropped(Event, frozen=True):
    """And with one less."""

    subject: str
    credential_id: str


class SignatureCounterRegressed(Event, frozen=True):
    """A good signature, but a counter that did not grow: there may be a copy of the key."""

    subject: str
    credential_id: str
    seen: int
    """The highest one before."""
    shown: int


Outcome = Decision[PersonState]

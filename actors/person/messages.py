"""What may be said to a person's actor, and what it answers (S34, X8).

Another machine may import this module and nothing else of this package (design.md 1). Links come as
digests; a one-time password comes as it was typed, and is good for no second time; so is a passkey's
answer, whose challenge was used before it comes here.
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "COLLECTION",
    "KIND",
    "AddPasskey",
    "ConfirmSeed",
    "DescribePerson",
    "EnrolPasskey",
    "Given",
    "InvitePerson",
    "LinkHolds",
    "LinkRefused",
    "ListPasskeys",
    "NoteGiven",
    "OfferSeed",
    "PasskeyAnswer",
    "PasskeyRegistered",
    "PasskeyRemoved",
    "PasskeyShown",
    "PasskeysListed",
    "PersonDescribed",
    "PersonErased",
    "PersonInvited",
    "PersonRemoved",
    "RemovePasskey",
    "RemovePerson",
    "SeedOffered",
    "ShowLink",
    "SignIn",
    "SignInByPasskey",
    "SignInRefused",
    "SignedIn",
    "Whence",
]

KIND = "person"
COLLECTION = "staff"
"""The documents by which people are listed: empty, keyed as their actors, so that they name nobody."""


class Given(msgspec.Struct, frozen=True):
    """Something that a person was given: a session or a family of tokens, by its actor."""

    kind: str
    key: str
    expires_at: int
    """Business time, ms since 1970: by then it has ended by itself."""


class Whence(msgspec.Struct, frozen=True):
    """Where somebody signs in: each place is slowed down by its own failures (throttle.py)."""

    source: str = ""
    """Digest of the address; all that cannot be known are one."""
    browser: str = ""
    """Digest of the cookie by which it says that it is known; empty without one."""
    next_browser: str = ""
    """Digest of the cookie that it is given where it is not known, and it is them."""


class InvitePerson(Message, frozen=True):
    """Somebody is to be able to sign in, or has lost what they signed in with: a new link for them.

    What they had before ends at once.
    """

    subject: str
    """`sub` of their tokens."""
    roles: tuple[str, ...]
    link: str
    """SHA-256 of the link's secret, in hexadecimal."""
    lifetime_ms: int
    """Of the link, in business time."""


class OfferSeed(Message, frozen=True):
    """The link was opened: a seed for the person's authenticator."""

    link: str
    seed: str
    """Of TOTP, in hexadecimal; the last one that was offered counts."""


class ConfirmSeed(Message, frozen=True):
    """The authenticator has the seed, as this password shows; the link is used."""

    link: str
    password: str
    whence: Whence = Whence()


class SignIn(Message, frozen=True):
    """Somebody says that they are this person."""

    password: str
    """Of the authenticator, six digits."""
    whence: Whence = Whence()


class NoteGiven(Message, frozen=True):
    """Another machine has opened this for the person, who signed in to have it."""

    kind: str
    key: str
    generation: int
    """Of what the person had when they signed in: what is of an earlier one ends at once."""
    expires_at: int
    """Business time, ms since 1970."""


class RemovePerson(Message, frozen=True):
    """They are of the house no longer: what they can sign in with, and all that they were given, ends."""


class DescribePerson(Message, frozen=True):
    """Say who it is and whether they can sign in."""


class PasskeyAnswer(msgspec.Struct, frozen=True):
    """What a browser answered, and what it was asked: nothing of the answer says what is right."""

    credential: str
    """JSON of a PublicKeyCredential, at most a form's size (Web Authentication section 5.1)."""
    challenge: str
    """In base64url, used up."""
    rp_id: str
    """The host of our issuer."""
    origin: str
    """Of our pages."""


class ShowLink(Message, frozen=True):
    """The link was opened: whose is it?"""

    link: str


class EnrolPasskey(Message, frozen=True):
    """A passkey was made by whoever has the link; the link is used."""

    link: str
    name: str
    """As its owner calls it, 1 to 64 characters."""
    answer: PasskeyAnswer
    whence: Whence = Whence()


class SignInByPasskey(Message, frozen=True):
    """Somebody says that they are this person, and shows a passkey of theirs."""

    answer: PasskeyAnswer
    whence: Whence = Whence()


class ListPasskeys(Message, frozen=True):
    """The person wants to see what they can sign in with."""


class AddPasskey(Message, frozen=True):
    """The person, who has just signed in, made another passkey."""

    name: str
    answer: PasskeyAnswer


class RemovePasskey(Message, frozen=True):
    """The person, who has just signed in, has no more use for one, or has lost it."""

    credential_id: str


class PersonInvited(Reply, frozen=True):
    """The link may be handed over."""

    expires_at: int
    """Business time, ms since 1970."""
    generation: int = 0
    """Of what they will have: whatever is of an earlier one is over."""


class PersonRemoved(Reply, frozen=True):
    """They cannot sign in; also if they had been removed before."""

    generation: int
    """Whatever they had is of an earlier one."""


class PersonErased(Reply, frozen=True):
    """Nothing is known of them any more, and they are nobody again (X13)."""


class PersonDescribed(Reply, frozen=True):
    """Who it is."""

    subject: str
    roles: tuple[str, ...]
    """Empty where they have been removed."""
    status: str
    """`invited`, `enrolled` or `removed`."""
    since: int
    """Business time, ms since 1970."""


class SeedOffered(Reply, frozen=True):
    """The seed may be shown."""

    subject: str


class LinkRefused(Reply, frozen=True):
    """The link is not known, over, or used."""


class SignedIn(Reply, frozen=True):
    """It is them."""

    subject: str
    roles: tuple[str, ...]
    methods: tuple[str, ...]
    """`amr`, as RFC 8176 names them."""
    generation: int = 0
    """Of what they have: it goes into whatever they are given."""
    browser_known: bool = False
    """Whether the browser was known before; else it is from now on by the cookie that it is given."""


class SignInRefused(Reply, frozen=True):
    """The password is wrong, was used before, or nobody is asked just now; which, is not told."""


class LinkHolds(Reply, frozen=True):
    """It is theirs, and not used."""

    subject: str


class PasskeyShown(msgspec.Struct, frozen=True):
    """A passkey, as its owner sees it."""

    credential_id: str
    name: str
    synced: bool
    registered_at: int
    """Business time, ms since 1970."""
    used_at: int
    """0: not yet."""


class PasskeysListed(Reply, frozen=True):
    """What the person can sign in with."""

    subject: str
    passkeys: tuple[PasskeyShown, ...]
    """The oldest first."""
    authenticator: bool
    """Whether there are one-time passwords too."""


class PasskeyRegistered(Reply, frozen=True):
    """It is good for signing in from now on."""


class PasskeyRemoved(Reply, frozen=True):
    """It is good for nothing from now on."""

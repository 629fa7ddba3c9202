"""What may be said to a user's candidates, and what is answered (X22, X23, E9).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.actors.connection.messages import TransactionReported
from comptoir.engine.values import Message, Reply

__all__ = [
    "COLLECTION",
    "KIND",
    "Candidate",
    "CandidateFound",
    "CandidateMissing",
    "DropCandidate",
    "FindCandidate",
    "ForgetCandidates",
    "ForgetLink",
    "KeepCandidate",
]

KIND = "candidates"
COLLECTION = "candidates"
"""The documents by which those users are found who have any: `{"holds": bool}`."""


class Candidate(msgspec.Struct, frozen=True):
    """A purchase that matched nobody."""

    report: TransactionReported
    link: str
    """Key of the connection that told it."""
    trace: tuple[str, ...]
    """Why it matched nobody, when it was told."""
    until: int
    """Business time, ms: forgotten then."""


class KeepCandidate(Message, frozen=True):
    """It looked like a partner's: keep it for so long, so that a claim can be answered."""

    candidate: Candidate
    replaces: str = ""
    """The id under which it was told before, where it has another one now."""


class DropCandidate(Message, frozen=True):
    """It is nobody's any more: it never happened, or its partner was found."""

    provider: str
    transaction_id: str


class ForgetCandidates(Message, frozen=True):
    """One's own timer: the time of the oldest is over."""


class ForgetLink(Message, frozen=True):
    """Its person has ended the consent: of what this connection has told nothing is kept any more (S60)."""

    link: str


class FindCandidate(Message, frozen=True):
    """Look for one: by the provider's id, or else by day and amount at one connection."""

    transaction_id: str = ""
    link: str = ""
    date: str = ""
    amount_cents: int = 0
    label: str = ""
    """As the person reads it on their statement: tells equal ones of a day apart."""


class CandidateFound(Reply, frozen=True):
    """This one."""

    candidate: Candidate


class CandidateMissing(Reply, frozen=True):
    """None is kept that is meant."""

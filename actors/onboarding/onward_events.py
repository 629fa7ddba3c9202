"""What happens to a file between its decision and its account, as it is recorded.

Source: spec.md S17, S18, E14. Nobody is named but by `sub`, and no number of an account is in any of them.
"""

from comptoir.engine import Event

__all__ = [
    "AccountAsked",
    "AccountCreated",
    "AccountLate",
    "AccountNotOpened",
    "AccountOrphaned",
    "ApprovalEscalated",
    "ApprovalRefused",
    "ApprovalReminded",
    "ContractSigned",
    "FileApproved",
    "SignatureEnded",
    "SignatureReissued",
    "SignedTooLate",
    "SigningOpened",
    "StaffUntold",
]


class SigningOpened(Event, frozen=True):
    """The contract is being made."""

    round: int


class SignatureReissued(Event, frozen=True):
    """An advisor has it made anew."""

    by: str
    round: int


class SignatureEnded(Event, frozen=True):
    """It will not be signed in this round."""

    round: int
    outcome: str
    code: str


class ContractSigned(Event, frozen=True):
    """CONTRACT_SIGNED of S17."""

    round: int
    provider: str
    signed_sha256: str


class SignedTooLate(Event, frozen=True):
    """It was signed when its file was over: kept, and without effect."""

    round: int


class EarlierSigned(Event, frozen=True):
    """A contract that was issued anew had been signed before: kept as evidence."""

    round: int
    """Of that contract."""


class FileApproved(Event, frozen=True):
    """An advisor has the last word: an account is to be opened."""

    by: str


class ApprovalRefused(Event, frozen=True):
    """Likewise that there shall be none."""

    by: str


class ApprovalReminded(Event, frozen=True):
    """Nobody has approved it by then; its advisor is reminded."""

    due_at: int


class ApprovalEscalated(Event, frozen=True):
    """Nor after that; operations are told (E14)."""

    due_at: int


class AccountAsked(Event, frozen=True):
    """The mainframe is asked for its account: once, ever."""


class AccountLate(Event, frozen=True):
    """It takes longer than the wait; not a failure (X9)."""


class AccountCreated(Event, frozen=True):
    """ACCOUNT_CREATED of S17."""


class AccountNotOpened(Event, frozen=True):
    """The mainframe refuses it for good."""

    code: str
    """Stable: STATUS_08, or why no record could be made; never the mainframe's own words."""


class AccountOrphaned(Event, frozen=True):
    """There is an account whose file was refused meanwhile, or ended: a person has to close it."""

    status: str
    """The file's."""


class StaffUntold(Event, frozen=True):
    """No mail went to whoever should know."""

    code: str

"""What happens to a file between its decision and its account, as it is recorded.

Source: spec.md S17, S18, E14. Nobody is named but by `sub`, and no number of an account is in any of them.
"""

from comptoir.engine import Event

__all__ = [
    "AccountAsked",
    "AccountCreated",
    "AccountHeld",
    "AccountLate",
    "AccountNotOpened",
    "AccountOrphaned",
    "AccountSettled",
    "ApprovalEscalated",
    "ApprovalRefused",
    "ApprovalReminded",
    "ContractSigned",
    "CorrectionAsked",
    "CorrectionEnded",
    "FileApproved",
    "ProfileSynced",
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


class AccountHeld(Event, frozen=True):
    """People have to find out what is true of its account (E11)."""

    code: str


class AccountSettled(Event, frozen=True):
    """They have, after the file had its end: what it says of its account is changed, and its status stands."""

    status: str
    """Of the account: `created` or `refused`."""


class AccountOrphaned(Event, frozen=True):
    """There is an account whose file was refused meanwhile, or ended: a person has to close it."""

    status: str
    """The file's."""


class ProfileSynced(Event, frozen=True):
    """PROFILE_CHANGED: the mainframe has changed the profile, and the file has it so (S33)."""

    change_id: str
    sequence: int
    paths: tuple[str, ...]
    at: int
    """When it was changed there: business time, ms."""


class CorrectionAsked(Event, frozen=True):
    """The mainframe is to change where the client lives."""

    by: str
    number: int
    paths: tuple[str, ...]


class CorrectionEnded(Event, frozen=True):
    """What became of it: `taken`, `applied`, `refused`, `unconfirmed`."""

    number: int
    status: str
    code: str = ""


class StaffUntold(Event, frozen=True):
    """No mail went to whoever should know."""

    code: str

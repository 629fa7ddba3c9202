"""What an account knows of itself, and what becomes of it on record.

One actor per file, under the file's number, which is the CLIENT-ID of S30. Its state is sealed as a whole at rest, by its own
key; events name nobody, and tell no number of an account.
Source: spec.md S29 to S33, X9, X10, E11.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Literal

from comptoir.actors.account.messages import (
    AccountDescribed,
    AccountProfile,
    CoreBankingChanged,
    Seen,
    SettleAccount,
)
from comptoir.engine import Event, State

__all__ = [
    "AccountAlerted", "AccountAsked", "AccountLate", "AccountMade", "AccountSettled", "AccountSought", "AccountState",
    "AnswerIgnored", "CorrectionAsked", "CorrectionEnded", "CorrectionSought", "Phase", "ProfileChanged", "command_of",
    "corrected_as", "correction_of", "corrections_look", "described", "sent_as",
]  # fmt: skip

_NUMBER = re.compile(r"([0-9]{1,6})(?:\.[0-9]{1,6})?")
_CORRECTION = re.compile(r"u([0-9]{1,6})(?:\.([0-9]{1,6}))?")
Status = Literal["asked", "late", "created", "refused", "held"]
_STATUSES: Mapping[str, Status] = {
    "asked": "asked", "late": "late", "created": "created", "refused": "refused", "held": "held",
}  # fmt: skip


class Phase(Enum):
    """How far it is."""

    NONE = "none"
    ASKED = "asked"
    LATE = "late"
    CREATED = "created"
    REFUSED = "refused"
    HELD = "held"


class AccountState(State, frozen=True):
    """Of one file."""

    phase: Phase
    profile: AccountProfile | None = None
    asked_at: int = 0
    """Business time, ms, of the first command."""
    answered_at: int = 0
    account_number: str = ""
    code: str = ""
    attempts: int = 0
    """Commands that were published, each under its number."""
    looks: int = 0
    """Reconciliations that were begun since it was asked for, over all attempts."""
    by_hand: int = 0
    """Of these, what people have wanted."""
    looking: str = ""
    """Command id of the one that has no answer yet."""
    absent: int = 0
    """How often, one after the other and since the last command, nothing was there."""
    sequence: int = 0
    """Of the last change that was applied; they count from 1."""
    profile_said: Mapping[str, str] = {}
    """What a release before has applied and told nobody (S33), by path; it is told with what is applied next."""
    waiting: tuple[CoreBankingChanged, ...] = ()
    """Changes whose turn has not come, by their sequence."""
    held_at: int = 0
    asking: str = ""
    """Command id of the look that a person has wanted, and that has no answer yet."""
    asking_at: int = 0
    """When it was begun: business time, ms."""
    seen: Seen | None = None
    """What the last such look found, since it is held."""
    settling: SettleAccount | None = None
    """What two people have found; `asking` is to confirm it."""
    settling_at: int = 0
    """When it began to wait: business time, ms. 0: a release before did not say."""
    settled_attempts: int = 0
    """Commands that were published before two people settled it: what answers them is known. 0: nobody has."""
    settled_numbers: tuple[str, ...] = ()
    """Accounts that the mainframe had told of until then."""
    heard_numbers: tuple[str, ...] = ()
    """Accounts that the mainframe has told of, each once."""
    corrections: int = 0
    """Number of the last correction that was published (correcting.py)."""
    correcting: bool = False
    """Whether it has no answer yet."""
    correction_ended: str = ""
    """What became of the last one: `taken`, `refused`, `unconfirmed`; empty: nothing yet."""
    corrected: AccountProfile | None = None
    """Where the client is to live by it, as long as nobody knows what became of it."""
    correction_looks: int = 0
    """How often it was looked whether it was made."""
    correction_absent: int = 0
    """How often, one after the other, it was not."""
    correction_counted: int = 0
    """Number of the last look that said so: it may be told again, and is one all the same."""


class AccountAsked(Event, frozen=True):
    """A command was published: an account is to be created."""

    attempt: int


class AccountLate(Event, frozen=True):
    """MQ's wait is over without an answer: not a failure (X9)."""

    attempt: int


class AccountSought(Event, frozen=True):
    """It is being looked whether the mainframe has an account of this client."""

    look: int


class AccountMade(Event, frozen=True):
    """The mainframe has made it (ACCOUNT_CREATED of S17)."""

    attempt: int
    healed: bool
    """Its reply was lost, and reconciliation has found it."""


class AccountSettled(Event, frozen=True):
    """Two people have found out what is true, and the mainframe has said the same."""

    outcome: str
    maker: str
    checker: str
    reason: str


class AccountAlerted(Event, frozen=True):
    """Somebody of operations has to look: counted by code (docs/operations.md)."""

    code: str


class AnswerIgnored(Event, frozen=True):
    """An answer came when it could not count."""

    outcome: str
    phase: str
    code: str = ""


class CorrectionAsked(Event, frozen=True):
    """The mainframe is to change a profile."""

    number: int


class CorrectionSought(Event, frozen=True):
    """It is being looked whether the mainframe has it."""

    number: int
    look: int


class CorrectionEnded(Event, frozen=True):
    """What became of it: `taken`, `refused`, `unconfirmed`."""

    number: int
    outcome: str


class ProfileChanged(Event, frozen=True):
    """The mainframe has changed a profile, and its file is told (S33)."""

    change_id: str
    sequence: int
    paths: tuple[str, ...]
    at: int
    """When it was changed there: business time, ms."""


def command_of(key: str, attempt: int, look: int = 0) -> str:
    """What a command is called: `ONB-2026-00001:1`, and `ONB-2026-00001:1.3` for the third look of all.

    It is the CorrelId of its reply, which has room for 24 bytes (protocols.md 5.7).
    """
    return f"{key}:{attempt}.{look}" if look else f"{key}:{attempt}"


def sent_as(command_id: str, key: str) -> int | None:
    """The attempt that a command was, or that a look was for; None: it is none of ours."""
    of, _, number = command_id.rpartition(":")
    found = _NUMBER.fullmatch(number)
    return int(found[1]) if found is not None and of == key else None


def correction_of(key: str, number: int, look: int = 0) -> str:
    """What the command of a correction is called: `ONB-2026-00001:u1`, and `ONB-2026-00001:u1.2` the second look for it."""
    return f"{key}:u{number}.{look}" if look else f"{key}:u{number}"


def corrected_as(command_id: str, key: str) -> int | None:
    """The correction that a command was, or that a look was for; None: it was none of this client."""
    of, _, number = command_id.rpartition(":")
    found = _CORRECTION.fullmatch(number)
    return int(found[1]) if found is not None and of == key else None


def corrections_look(command_id: str) -> int:
    """The number of a look for a correction; 0: it was the correction itself."""
    found = _CORRECTION.fullmatch(command_id.rpartition(":")[2])
    return int(found[2] or 0) if found is not None else 0


def described(state: AccountState) -> AccountDescribed:
    """As it is told; what of it to whom, the edge knows."""
    return AccountDescribed(
        _STATUSES[state.phase.value], state.account_number, state.code, state.asked_at, state.answered_at,
        state.attempts, state.held_at, bool(state.asking), state.seen,
        "" if state.settling is None else state.settling.outcome,
    )  # fmt: skip

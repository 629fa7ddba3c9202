"""What may be said to the account of a client, and what is answered (S29, S32, X9).

One actor per file, under the file's number. Another machine may import this module and nothing else of this
package (design.md 1).
"""

from typing import Literal

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "ACCOUNTS",
    "KIND",
    "AccountCreated",
    "AccountDelayed",
    "AccountDescribed",
    "AccountDue",
    "AccountHeld",
    "AccountProfile",
    "AccountRefused",
    "ChangesDue",
    "CommandAnswered",
    "CoreBankingChanged",
    "CoreProfileChanged",
    "CorrectProfile",
    "CorrectionAnswered",
    "CorrectionDue",
    "DescribeAccount",
    "DisownAccount",
    "ListAccount",
    "LookForAccount",
    "OpenAccount",
    "Seen",
    "SettleAccount",
    "place_of",
]

KIND = "account"
ACCOUNTS = "account"
"""The documents by which accounts without an end are listed: `{"waits": bool}`, which names nobody."""


def place_of(asked_at: int, client_id: str) -> str:
    """The key of an account's document: what was asked for first comes first."""
    return f"{asked_at:015d}:{client_id}"


class AccountProfile(msgspec.Struct, frozen=True):
    """Whose account it is (S29): as declared, in any script and case; the adapter transliterates and checks lengths."""

    first_name: str
    last_name: str
    national_id_type: str
    """`SIN`, `SSN`, `NIR`, ... (X11)."""
    national_id: str
    """As given, with its dashes and blanks: never cut, never altered but for them."""
    street: str
    city: str
    province: str
    postal_code: str
    account_type: Literal["WEALTH_MANAGEMENT"] = "WEALTH_MANAGEMENT"


class OpenAccount(Message, frozen=True):
    """Create the account of this client on the mainframe: once, whatever happens. Said again it is the same."""

    client_id: str
    """CLIENT-ID of S30: at most 20 characters, the file's number."""
    profile: AccountProfile


class CommandAnswered(Message, frozen=True):
    """What became of a command, from the topic `core-banking-events`, the mainframe's reply, or a reconciliation. However
    often and in whatever order: it is taken once.
    """

    command_id: str
    client_id: str
    outcome: Literal["created", "updated", "refused", "absent", "unknown"]
    """absent: of FIND_ACCOUNT, nothing is there; of FIND_ADDRESS, the client lives elsewhere. updated: of UPDATE_ACCOUNT,
    or of FIND_ADDRESS, the client lives there. unknown: what came cannot be read, or is of somebody else; it decides nothing.
    """
    account_number: str = ""
    code: str = ""
    """The mainframe's reason, or why it is unknown."""
    healed: bool = False
    """Found by reconciliation by CLIENT-ID."""


class CoreBankingChanged(Message, frozen=True):
    """The mainframe has changed a client's profile by itself (S33): applied once by `change_id`, in their order."""

    change_id: str
    client_id: str
    sequence: int
    fields: "dict[str, str]"
    """By path of the profile: `address/city`."""
    at: int


class CorrectProfile(Message, frozen=True):
    """Have the mainframe change where its client lives: once. Said again under its number it is the same."""

    number: int
    """Corrections of one file count from 1."""
    profile: AccountProfile
    """The address as it is to be, whole; everything else in it is empty, and nobody looks at it."""


class CorrectionDue(Message, frozen=True):
    """Its third timer: nobody has answered a correction."""


class AccountDue(Message, frozen=True):
    """Its own timer: the answer is late, or it is time to look whether there is one."""


class ChangesDue(Message, frozen=True):
    """Its other timer: a change is missing for too long."""


class ListAccount(Message, frozen=True):
    """Do what a release before did not: stand in the list of accounts, and tell its file what the mainframe has changed. Said
    again it is the same.
    """


class DescribeAccount(Message, frozen=True):
    """Say how far it is."""


class LookForAccount(Message, frozen=True):
    """Somebody of operations wants to know what is there now: it is asked for by CLIENT-ID, and nothing follows by itself
    but what an answer means anyhow.
    """


class SettleAccount(Message, frozen=True):
    """Two people have found out what is true of an account that is held. It holds if a look from now on says the same."""

    outcome: Literal["created", "refused"]
    """refused: nothing is there, and nothing will be."""
    account_number: str
    """Of `created`: which one stands, as the mainframe has told it."""
    maker: str
    reason: str
    checker: str = ""


class DisownAccount(Message, frozen=True):
    """Its file has come to nothing: operations close it."""


class Seen(msgspec.Struct, frozen=True):
    """What the mainframe said when somebody had it looked for."""

    outcome: Literal["created", "absent"]
    account_number: str
    at: int
    """Business time, ms."""


class AccountDescribed(Reply, frozen=True):
    """An account."""

    status: Literal["asked", "late", "created", "refused", "held"]
    account_number: str
    code: str
    asked_at: int
    """Business time, ms."""
    answered_at: int
    attempts: int
    """How often the command was sent: never again before a reconciliation said that nothing is there."""
    held_at: int = 0
    looking: bool = False
    """Somebody has had it looked for, and the mainframe has not answered yet."""
    seen: Seen | None = None
    """Since it is held, or by the last look of a person."""
    settling: str = ""
    """The outcome that two people have found, while the mainframe is asked whether it is so."""


# What the file is told.


class AccountCreated(Message, frozen=True):
    """It is there (ACCOUNT_CREATED of S17)."""

    account_number: str
    at: int


class AccountRefused(Message, frozen=True):
    """The mainframe refuses it for good: nothing was created."""

    code: str
    at: int


class AccountDelayed(Message, frozen=True):
    """It takes longer than MQ's wait (X9): not a failure; the late reply still completes."""

    at: int


class AccountHeld(Message, frozen=True):
    """A person has to look: its answers contradict each other, or none came for too long (E11)."""

    code: str
    at: int


class CoreProfileChanged(Message, frozen=True):
    """The mainframe's profile of the client is another (S33). In the order of their sequence, each once."""

    change_id: str
    sequence: int
    fields: "dict[str, str]"
    """By path, in the letters of its record; empty: there is none."""
    at: int
    """When it was changed there: business time, ms."""


class CorrectionAnswered(Message, frozen=True):
    """What became of a correction."""

    number: int
    outcome: Literal["taken", "refused", "unconfirmed"]
    """taken: the mainframe has it; as its profile it comes by `CoreProfileChanged`. unconfirmed: nobody has answered."""
    code: str = ""

"""Samples of accounts on the mainframe, and of what may be said to them."""

import msgspec

from comptoir.actors.account.messages import (
    AccountDue,
    AccountProfile,
    ChangesDue,
    CommandAnswered,
    CoreBankingChanged,
    CorrectionDue,
    CorrectProfile,
    DescribeAccount,
    DisownAccount,
    ListAccount,
    LookForAccount,
    OpenAccount,
    Seen,
    SettleAccount,
)
from comptoir.actors.account.state import AccountState, Phase
from comptoir.actors.gateways.core_messages import CommandPublished, CommandRefused
from comptoir.engine.values import Message, State
from tests.actors.purchases import NOW

__all__ = ["ACCOUNTS", "ASKED", "CLIENT", "CORRECTS", "PROFILE", "answer", "changed"]

CLIENT = "u1"
"""As test_every_machine.py calls whom it decides for."""
PROFILE = AccountProfile(
    "Marie", "Tremblay", "SSN", "123-45-6789", "123 rue Sherbrooke", "Montréal", "QC", "H3A 1B1"
)
ASKED = AccountState(Phase.ASKED, PROFILE, NOW - 30_000, attempts=1)
LATE = msgspec.structs.replace(ASKED, phase=Phase.LATE, looks=1, looking=f"{CLIENT}:1.1")
SURE = msgspec.structs.replace(LATE, absent=1)
TIRED = msgspec.structs.replace(SURE, attempts=3, looking=f"{CLIENT}:3.1")
SILENT = msgspec.structs.replace(LATE, looks=60, looking="")
ASKED_OFTEN = msgspec.structs.replace(ASKED, looks=60)
CREATED = msgspec.structs.replace(
    ASKED, phase=Phase.CREATED, account_number="WM0000000001", answered_at=NOW
)
REFUSED = msgspec.structs.replace(ASKED, phase=Phase.REFUSED, code="UNSUCCESSFUL", answered_at=NOW)
HELD = msgspec.structs.replace(CREATED, phase=Phase.HELD, code="SECOND_ACCOUNT")
NEVER_MADE = msgspec.structs.replace(TIRED, phase=Phase.HELD, code="ACCOUNT_NEVER_MADE", looking="")
NEVER_SAID = msgspec.structs.replace(SILENT, phase=Phase.HELD, code="MAINFRAME_SILENT")
ASKING = msgspec.structs.replace(
    HELD, looks=1, by_hand=1, asking=f"{CLIENT}:1.1", seen=Seen("absent", "", NOW)
)
STANDS = msgspec.structs.replace(
    ASKING, settling=SettleAccount("created", "WM0000000001", "ops-1", "asked there", "ops-2")
)
GONE = msgspec.structs.replace(
    ASKING, settling=SettleAccount("refused", "", "ops-1", "closed there", "ops-2")
)
WORN = msgspec.structs.replace(HELD, looks=999, by_hand=999)


def answer(outcome: str, command: str = "1", number: str = "") -> CommandAnswered:
    """An answer to a command of this client."""
    number = number or ("WM0000000001" if outcome == "created" else "")
    said = {"command_id": f"{CLIENT}:{command}", "client_id": CLIENT, "outcome": outcome}
    return msgspec.convert(
        {"type": "CommandAnswered", **said, "account_number": number}, CommandAnswered
    )


def changed(sequence: int, city: str = "LAVAL", name: str = "") -> CoreBankingChanged:
    """A change of the mainframe's."""
    return CoreBankingChanged(
        name or f"CH{sequence}", CLIENT, sequence, {"address/city": city}, NOW + sequence
    )


CORRECTS = CorrectProfile(1, msgspec.structs.replace(PROFILE, street="9 rue Peel"))
TO_ACCOUNT: tuple[Message, ...] = (
    OpenAccount(CLIENT, PROFILE),
    CommandPublished(f"{CLIENT}:1"),
    CommandRefused(f"{CLIENT}:1", "FIELD_TOO_LONG"),
    CommandRefused(f"{CLIENT}:9", "FIELD_TOO_LONG"),
    answer("created"),
    answer("created", number="WM0000000002"),
    answer("created", command="7"),
    answer("refused"),
    answer("absent", "1.1"),
    answer("absent", "3.1"),
    answer("unknown"),
    answer("unknown", "1.1"),
    answer("created", "1.1"),
    AccountDue(),
    changed(1),
    changed(2),
    ChangesDue(),
    CORRECTS,
    CorrectionDue(),
    answer("updated", "u1"),
    answer("refused", "u1"),
    answer("unknown", "u1"),
    CommandRefused(f"{CLIENT}:u1", "FIELD_TOO_LONG"),
    DescribeAccount(),
    ListAccount(),
    LookForAccount(),
    SettleAccount("created", "WM0000000001", "ops-1", "asked there", "ops-2"),
    SettleAccount("refused", "", "ops-1", "closed there", "ops-2"),
    DisownAccount(),
)
CORRECTING = msgspec.structs.replace(CREATED, corrections=1, correcting=True)
UNTOLD = msgspec.structs.replace(CREATED, sequence=2, profile_said={"address/city": "LYON"})
WAITS = msgspec.structs.replace(CREATED, waiting=(changed(2),))
STATES: tuple[State, ...] = (
    AccountState(Phase.NONE), ASKED, ASKED_OFTEN, LATE, SURE, TIRED, SILENT, CREATED, CORRECTING, WAITS, REFUSED, HELD,
    NEVER_MADE, NEVER_SAID, ASKING, STANDS, GONE, WORN, UNTOLD,
)  # fmt: skip
ACCOUNTS: tuple[tuple[State, Message], ...] = tuple(
    (state, message) for state in STATES for message in TO_ACCOUNT
)

"""What the mainframe itself says of the clients of the demo, against what was foretold of them.

Rule: it has been asked for one account for each who was to have one, once, and for none of a client who was refused; its
count is another program's, and no word of the daemon's is in it.
Source: issue "client onboarding, second half" (zero second accounts); spec.md S29, E11.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Counted", "Foretold", "count"]


@dataclass(frozen=True, slots=True)
class Foretold:
    """One client."""

    name: str
    number: str
    """Of the file: the mainframe's CLIENT-ID; empty where there is none."""
    has_account: bool
    """In the end."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How the mainframe has it."""

    row: tuple[str, str, str]
    """Of the table: who counts, how many accounts, after how many commands."""
    complaints: tuple[str, ...]
    """Whatever is not as foretold."""
    words: str
    """In one sentence: who has an account, and who has none."""


def count(
    clients: Sequence[Foretold], accounts: Mapping[str, str], creations: Mapping[str, int]
) -> Counted:
    """Compare; clients of earlier demos, whose files may go on, are passed over.

    Args:
        clients: of this demo.
        accounts: the mainframe's: number by CLIENT-ID.
        creations: how often it was asked for each CLIENT-ID's.
    """
    complaints: list[str] = []
    for one in clients:
        asked, wanted = creations.get(one.number, 0), int(one.has_account)
        if asked != wanted:
            complaints.append(
                f"{one.name}: the mainframe was asked {asked} times, and not {wanted}"
            )
        if (one.number in accounts) != one.has_account:
            there = "no account" if one.has_account else "an account"
            complaints.append(f"{one.name}: {there} on the mainframe")
    held = [accounts[one.number] for one in clients if one.number in accounts]
    twice = [number for number, times in Counter(held).items() if times > 1]
    complaints.extend(f"{number}: the account of more than one" for number in twice)
    commands = sum(creations.get(one.number, 0) for one in clients)
    without = [one.name for one in clients if one.number not in accounts]
    row = ("the mainframe's own count", f"{len(held)} accounts", f"after {commands} commands")
    refused = f", {len(without)} refused ({', '.join(without)})" if without else ""
    words = f"{len(held)} of {len(clients)} clients have an account on the mainframe{refused}."
    return Counted(row, tuple(complaints), words)

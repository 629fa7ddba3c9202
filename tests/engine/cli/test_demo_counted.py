"""The mainframe's own count of the demo's clients. Source: engine/cli/demo_counted.py; E11."""

import pytest

from comptoir.engine.cli.demo_counted import Foretold, count

CLIENTS = (
    Foretold("Camille", "ONB-1", has_account=True),
    Foretold("Lou", "ONB-2", has_account=True),
    Foretold("Sasha", "ONB-3", has_account=False),
)
ACCOUNTS = {"ONB-1": "WM1", "ONB-2": "WM2", "ONB-0": "WM0"}
CREATIONS = {"ONB-1": 1, "ONB-2": 1, "ONB-0": 2}


def test_one_account_for_each_who_was_to_have_one() -> None:
    """As foretold: nothing is complained of, whatever a file of an earlier demo did."""
    found = count(CLIENTS, ACCOUNTS, CREATIONS)
    assert found.complaints == ()
    assert found.row == ("the mainframe's own count", "2 accounts", "after 2 commands")
    assert found.words == "2 of 3 clients have an account on the mainframe, 1 refused (Sasha)."


@pytest.mark.parametrize(
    ("accounts", "creations", "complaints"),
    [
        ({}, {"ONB-2": 2}, ("Lou: the mainframe was asked 2 times, and not 1",)),
        ({}, {"ONB-2": 0}, ("Lou: the mainframe was asked 0 times, and not 1",)),
        ({}, {"ONB-3": 1}, ("Sasha: the mainframe was asked 1 times, and not 0",)),
        ({"ONB-3": "WM3"}, {}, ("Sasha: an account on the mainframe",)),
        ({"ONB-2": "WM1"}, {}, ("WM1: the account of more than one",)),
    ],
)
def test_whatever_else_fails_the_demo(
    accounts: dict[str, str], creations: dict[str, int], complaints: tuple[str, ...]
) -> None:
    """A second command, none, one for who was refused, an account of theirs, and one account of two (E11)."""
    found = count(CLIENTS, {**ACCOUNTS, **accounts}, {**CREATIONS, **creations})
    assert found.complaints == complaints


def test_an_account_that_is_not_there_is_told() -> None:
    """The file may say what it likes."""
    found = count(CLIENTS, {"ONB-1": "WM1"}, CREATIONS)
    assert found.complaints == ("Lou: no account on the mainframe",)
    assert found.words.startswith("1 of 3 clients")

"""What `comptoir core-banking reconcile` tells people to do."""

from typing import Any

import pytest

from comptoir.engine.cli.accounts import advice


def account(status: str, seen: str | None = None, **more: Any) -> dict[str, Any]:
    """An account as the API shows it."""
    found = None if seen is None else {"outcome": seen, "accountNumber": None, "at": ""}
    return {"status": status, "seen": found, "settling": None, "code": None, **more}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (account("created", "created"), "nothing"),
        (account("late"), "has not answered"),
        (account("late", "absent"), "wait"),
        (account("held"), "has not answered"),
        (account("held", "absent"), "settle it as refused"),
        (account("held", "created", code="SECOND_ACCOUNT"), "settle it as created"),
        (account("held", "created", code="ACCOUNT_ORPHANED"), "close it on the mainframe"),
        (account("held", "absent", code="ACCOUNT_ORPHANED"), "settle it as refused"),
        (account("held", settling="refused"), "wait"),
    ],
)
def test_what_is_to_be_done_follows_from_what_the_mainframe_says(
    one: dict[str, Any], words: str
) -> None:
    """E11: nobody is told to settle what was not seen so."""
    assert words in advice(one)

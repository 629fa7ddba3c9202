"""What `comptoir core-banking reconcile` tells people to do, and whose word `settle` is."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from comptoir.engine.cli import clients
from comptoir.engine.cli.accounts import advice, run_settle
from comptoir.engine.cli.errors import CommandError


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


FOUND = {"outcome": "created", "reason": "asked the desk"}


@pytest.mark.parametrize("given", [None, b"", b"two words", b"a\nb", "é".encode(), b"a" * 20_000])
def test_without_somebodys_token_nothing_is_settled(tmp_path: Path, given: bytes | None) -> None:
    """E14: the command's own is none; what was given instead is repeated nowhere."""
    file = tmp_path / "token"
    if given is not None:
        file.write_bytes(given)
    with pytest.raises(CommandError, match=r"^--token-file holds no access token$"):
        run_settle("ONB-2026-00001", FOUND, file, (None, None))


def test_whoever_settles_is_who_their_token_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E14: no token is signed for it."""
    file = tmp_path / "token"
    file.write_bytes(b"eyJh.eyJz.c2ln\n")
    given: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given.append(request.headers["authorization"])
        return httpx.Response(202, json={})

    def client(url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=url, transport=httpx.MockTransport(answer))

    def signed(*_: object) -> str:
        pytest.fail("the command signs no token for itself")

    monkeypatch.setattr(clients, "client_of", client)
    monkeypatch.setattr(clients, "signed_by_hand", signed)
    run_settle("ONB-2026-00001", FOUND, file, ("http://127.0.0.1:1", None))
    assert given == ["Bearer eyJh.eyJz.c2ln"]

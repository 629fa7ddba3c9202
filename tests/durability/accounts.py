"""Daemons that ask for tokens, for the tests that end them again and again.

Source: interface.md 9; spec.md S34, S62.
"""

from pathlib import Path

from comptoir.engine.testing import Process

ACCOUNTS = {
    "COMPTOIR_AUTH__MODE": "on",
    "COMPTOIR_AUTH__ISSUER": "https://comptoir.example",
    "COMPTOIR_CLOCK__MODE": "manual",
}
"""One issuer whatever the port, so that a token holds at every life of a daemon; and a manual clock, which
nobody moves: it opens the door behind which a test waits for quiet."""
TOKEN_SECONDS = 7200


def accounts_in(folder: Path) -> dict[str, str]:
    """The same with a key for each person, as it is sold: the key store of a folder's daemons."""
    return {**ACCOUNTS, "COMPTOIR_VAULT__STORE": str(folder / "data" / "keys" / "store.db")}


def auditor_token(daemon: Process) -> str:
    """A token of somebody who may read every wallet, for longer than a scene lasts."""
    return daemon.token("auditor", "COMPLIANCE", ttl_s=TOKEN_SECONDS)


def hold_access(daemon: Process, user_id: str) -> None:
    """Hold that the token of the first life holds in this one, and one that is forged in none."""
    path = f"/api/v1/wallets/{user_id}"
    answer = daemon.get(path)
    assert answer.status in (200, 404, 503), answer  # 503: PostgreSQL is on its way back
    forged = {"Authorization": f"Bearer {daemon.bearer[:-8]}AAAAAAAA"}
    assert daemon.request("GET", path, headers=forged).status == 401

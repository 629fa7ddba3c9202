"""`comptoir keys`: what there is, replacing it without a daemon, a copy of the store, and clear errors.

Source: docs/keys.md; spec.md X14.
"""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from comptoir.storage.keys.store import KeyStore


def codes(ran: Any) -> tuple[int, str]:
    """Exit status and code of a command that refused."""
    assert ran.out == ""
    return ran.status, ran.last_error.split(": ")[1]


def test_keys_by_hand(run: Any, comptoir_daemon: Any, tmp_path: Path) -> None:
    """X14: status, rotate, backup, without a daemon and with one; nothing shown is a key."""
    store = tmp_path / "keys" / "store.db"
    daemon = comptoir_daemon(start=False, COMPTOIR_VAULT__STORE=str(store))
    own = {name: text for name, text in daemon.env.items() if name.startswith("COMPTOIR_")}
    assert codes(run("keys", "status", **own)) == (2, "VAULT_STORE_NONE")
    daemon.start()
    assert daemon.load("partners", "id,name,rate_bp\np,Maison Essai,1000\n").status == 200
    assert daemon.load("connections", "connection_id,user_id\ncn-1,u1\n").status == 200
    assert daemon.stop() == 0
    before = json.loads(run("keys", "status", "--format", "json", **own).out)
    assert {x["key"] for x in before["roots"]} == {"wrap", "once", "index", "subject", "master"}
    assert {(x["provider"], x["kek"]) for x in before["roots"]} == {("local", "k1")}
    assert (before["generation"], before["rotations"]) == (1, [])

    ran = run("keys", "rotate", "all", **own)
    assert ran.status == 0, ran.err
    done = json.loads(ran.out.splitlines()[-1])["rotations"]
    assert {x["state"] for x in done.values()} == {"done"}
    after = json.loads(run("keys", "status", "--format", "json", **own).out)
    assert (after["generation"], after["store"]) == (2, before["store"])
    assert {x["progress"] for x in after["rotations"]} == {1.0}
    text = run("keys", "status", **own)
    assert text.status == 0
    assert "generation 2" in text.out
    secrets = json.loads(own["COMPTOIR_VAULT__KEYS"])
    assert not any(key in text.out + ran.out + ran.err for key in secrets.values())

    copy = tmp_path / "copy.db"
    assert json.loads(run("keys", "backup", str(copy), **own).out)["store"] == before["store"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert KeyStore(copy).roots() == KeyStore(store).roots()
    assert codes(run("keys", "backup", str(copy), **own)) == (2, "FILE_UNWRITABLE")

    daemon.start()
    assert daemon.load("connections", "connection_id,user_id\ncn-1,u1\n").json()["unchanged"] == 1


@pytest.mark.parametrize("what", ["master", "nothing"])
def test_what_cannot_be_replaced_is_said(
    run: Any, comptoir_daemon: Any, tmp_path: Path, what: str
) -> None:
    """X14: refused by name, exit status 2, and nothing was asked for."""
    store = tmp_path / "store.db"
    daemon = comptoir_daemon(COMPTOIR_VAULT__STORE=str(store))
    own = {name: text for name, text in daemon.env.items() if name.startswith("COMPTOIR_")}
    assert codes(run("keys", "rotate", what, **own)) == (2, "VAULT_ROTATION_REFUSED")
    assert KeyStore(store).rotations() == []


def test_without_a_store_there_is_nothing_to_show(run: Any) -> None:
    """X14: a database of one's own, and no vault.store."""
    url = {"COMPTOIR_STORAGE__URL": "postgresql://u:a-secret@127.0.0.1:1/x"}
    assert codes(run("keys", "status", **url)) == (2, "VAULT_STORE_NONE")
    assert codes(run("keys", "rotate", "data", **url)) == (2, "VAULT_STORE_NONE")


@pytest.mark.parametrize("command", [(), ("status",), ("rotate",), ("backup",)])
def test_each_command_has_its_help(run: Any, command: tuple[str, ...]) -> None:
    """Interface.md 2: help with an example, exit status 0."""
    shown = run("keys", *command, "--help")
    assert shown.status == 0
    assert "Usage" in shown.out
    if command:
        assert "Example" in shown.out

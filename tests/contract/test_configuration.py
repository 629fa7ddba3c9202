"""Section 3: what the environment and a file say, seen by what the daemon does.

Rule: a variable wins over the file, the file over the default; a `_FILE` is a secret's way in.
Source: interface.md 2 and 3; spec.md S45, S73, S74.
"""

import json
from collections.abc import Callable
from pathlib import Path

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, Customer, free_port, purchase

Start = Callable[..., Process]


def test_file_below_environment(comptoir_daemon: Start, tmp_path: Path) -> None:
    """Environment over $COMPTOIR_CONFIG over defaults; lists are JSON (S73, S74)."""
    port = free_port()
    file = tmp_path / "own.toml"
    file.write_text(
        "[http]\nport = 1\npage_items_default = 2\npage_items_max = 3\n"
        '[points]\nvalue_cents = 5\ntiers = [{id = "one", name = "One", threshold_points = 0, '
        "multiplier_bp = 20000}]\n"
    )
    customer = Customer(
        comptoir_daemon(
            COMPTOIR_CONFIG=str(file),
            COMPTOIR_HTTP__PORT=str(port),
            COMPTOIR_POINTS__VALUE_CENTS="10",
        )
    )
    assert customer.process.url.endswith(f":{port}")
    card = customer.card(rate_bp=1000)
    for _ in range(4):
        customer.buy(card, 10)
    customer.quiet()
    wallet = customer.found(f"/api/v1/wallets/{card.user_id}")
    # 1000 cents x 10 % x 2 / 10 cents a point, four times
    assert wallet["balance"]["available"] == 4 * 20
    assert wallet["valueCents"] == 4 * 200
    assert wallet["tier"] == {"id": "one", "name": "One", "multiplierBp": 20_000, "next": None}
    page = customer.found(f"/api/v1/wallets/{card.user_id}/entries")
    assert len(page["items"]) == 2
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}/entries?limit=4").status == 422


def test_config_in_the_working_folder(comptoir_daemon: Start) -> None:
    """./config.toml is read where no other is named."""
    process = comptoir_daemon(start=False)
    (process.folder / "config.toml").write_text("[http]\nport = 0\n[points]\nhold_days = 3\n")
    customer = Customer(process.start())
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    assert customer.balance(card.user_id)["pending"] == 100


def test_secrets_from_files(comptoir_daemon: Start, tmp_path: Path) -> None:
    """NAME_FILE reads the value from a file; both at once are refused (S45, S73)."""
    secrets = ["one-good-secret-123456", "two-good-secret-123456"]
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(secrets) + "\n")
    process = comptoir_daemon(start=False)
    given = process.env.pop("COMPTOIR_WEBHOOKS__SEED__SECRETS")
    process.env["COMPTOIR_WEBHOOKS__SEED__SECRETS_FILE"] = str(file)
    process.start()
    body = json.dumps(purchase("tx_1", "nobody")).encode()
    assert process.webhook(body, json.loads(given)[0]).status == 401
    for secret in secrets:
        assert process.webhook(body, secret).status in {200, 202}
    process.stop()
    process.env["COMPTOIR_WEBHOOKS__SEED__SECRETS"] = given
    process.spawn()
    assert process.ended() == 2
    assert "COMPTOIR_WEBHOOKS__SEED__SECRETS_FILE" in process.said()


def test_no_secret_is_ever_logged(comptoir_daemon: Start) -> None:
    """Neither secrets nor keys nor users reach the log, whatever goes wrong (S72)."""
    process = comptoir_daemon(COMPTOIR_LOG__FORMAT="json", COMPTOIR_LOG__LEVEL="debug")
    customer = Customer(process)
    card = customer.card()
    customer.buy(card)
    customer.send("{")
    customer.send(purchase("x", card.connection_id, amount=-1))
    process.get(f"/api/v1/wallets/{card.user_id}?limit=x")
    customer.quiet()
    process.stop()
    said = process.log.read_text()
    keys = json.loads(process.env["COMPTOIR_VAULT__KEYS"])
    for private in (customer.secret, keys["k1"], card.user_id, card.connection_id, card.label):
        assert private not in said
    for line in said.splitlines():
        assert json.loads(line)["level"] in {"debug", "info", "warning", "error"}


def test_wall_clock_is_the_default(comptoir_daemon: Start) -> None:
    """Without clock.mode manual, business time is the wall's and cannot be moved."""
    process = comptoir_daemon(start=False)
    del process.env["COMPTOIR_CLOCK__MODE"]
    process.start()
    answer = process.post("/dev/v1/clock", {"advanceSeconds": DAY_S})
    assert (answer.status, answer.json()["code"]) == (409, "CONFLICT")

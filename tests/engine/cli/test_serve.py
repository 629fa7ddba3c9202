"""`comptoir serve`: the exit statuses and the one line of each. Source: interface.md 2."""

import json
import socket
from typing import Any

SECRET = "COMPTOIR_WEBHOOKS__SEED__SECRETS"
GOOD = json.dumps(["0f1e2d3c4b5a69788796a5b4c3d2e1f0"])
NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


def test_weak_secret_ends_with_5(run: Any) -> None:
    """A missing, weak or known secret is refused with status 5, and is not shown."""
    for secrets in ("[]", '["changeme"]'):
        shown = run("serve", **{SECRET: secrets})
        assert (shown.status, shown.out) == (5, "")
        assert shown.err.startswith("comptoir: WEBHOOK_SECRET_")
        assert "changeme" not in shown.err


def test_port_in_use_ends_with_4(run: Any) -> None:
    """A port that another program has is refused with status 4, before the database is touched."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        shown = run("serve", **{SECRET: GOOD, "COMPTOIR_HTTP__PORT": port})
    assert (shown.status, shown.out) == (4, "")
    assert shown.last_error.startswith("comptoir: PORT_IN_USE: ")


def test_database_away_ends_with_3(run: Any) -> None:
    """A database that is not reachable in the time given is refused with status 3."""
    shown = run(
        "serve",
        **{
            SECRET: GOOD,
            "COMPTOIR_HTTP__PORT": "0",
            "COMPTOIR_INGEST__PORT": "0",
            "COMPTOIR_STORAGE__URL": NOWHERE,
            "COMPTOIR_STORAGE__START_TIMEOUT_S": "0.3",
        },
    )
    assert (shown.status, shown.out) == (3, "")
    assert shown.last_error.startswith("comptoir: ")
    assert len(shown.last_error.split(": ")) >= 4

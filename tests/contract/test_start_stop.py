"""Section 2: the ready line, signals and exit statuses.

Rule: standard output has one line; a start that fails says why in one line and a status.
Source: interface.md 2; spec.md S71, X19.
"""

import json
import re
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually, free_port, purchase

READY_KEYS = {"event", "pid", "version", "http", "ingest", "database", "bootMs"}
LINE = re.compile(r"^comptoir: ([A-Z][A-Z0-9_]+): (\S.*): (\S.*)$", re.MULTILINE)
Start = Callable[..., Process]


def refuses(process: Process, status: int) -> tuple[str, str]:
    """Hold a start to its refusal: status, nothing on stdout, one line; its code and that line."""
    process.spawn()
    assert process.ended() == status, process.said()
    assert process.printed == b""
    said = process.said()
    lines = LINE.findall(said)
    assert len(lines) == 1, said
    assert "Traceback" not in said
    return lines[0][0], ": ".join(lines[0])


def database_of(url: str) -> str:
    """The name in a URL of the shared server."""
    return url.partition("@/")[2].partition("?")[0]


# The ready line.


def test_ready_line(comptoir_daemon: Start) -> None:
    """One line with exactly these keys when work is taken, and nothing else on stdout ever (S72)."""
    process = comptoir_daemon()
    ready = process.ready
    assert ready.keys() == READY_KEYS
    assert (ready["event"], ready["pid"], ready["database"]) == ("ready", process.pid, "external")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", ready["version"])
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", ready["http"])
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", ready["ingest"])
    assert ready["ingest"] != ready["http"]
    assert isinstance(ready["bootMs"], int)
    assert 0 < ready["bootMs"] < 60_000
    customer = Customer(process)
    customer.buy(customer.card())
    customer.process.get("/nowhere")
    assert process.stop() == 0
    assert process.printed == b""


def test_a_chosen_port_is_taken(comptoir_daemon: Start) -> None:
    """http.port is where it listens."""
    port = free_port()
    process = comptoir_daemon(COMPTOIR_HTTP__PORT=str(port))
    assert process.ready["http"] == f"http://127.0.0.1:{port}"
    assert process.get("/health/live").status == 200


def test_ready_when_the_line_is_written(comptoir_daemon: Start) -> None:
    """Whoever has read the line is not refused."""
    process = comptoir_daemon()
    assert process.get("/health/ready").json()["status"] == "ready"


# Signals.


def test_signal_under_load_loses_nothing(comptoir_daemon: Start) -> None:
    """SIGINT: exit 0 within 10 s; what was acknowledged is credited after the next start (X19).

    SIGTERM, once and twice, and the ledger after it: tests/durability/test_endings.py.
    """
    customer = Customer(comptoir_daemon())
    card = customer.card(rate_bp=100)
    at_ms = customer.now_ms()
    acknowledged: list[str] = []
    enough = threading.Event()

    def pour(worker: int) -> None:
        for position in range(10_000):
            identity = f"{customer.mark}-{worker}-{position}"
            body = purchase(identity, card.connection_id, merchant={"name": card.label}, amount=1)
            try:
                answer = customer.process.webhook(json.dumps(body).encode(), at_ms=at_ms)
            except OSError:
                return
            if answer.status == 202:
                acknowledged.append(identity)
            if len(acknowledged) >= 40:
                enough.set()

    workers = [threading.Thread(target=pour, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    assert enough.wait(30)
    customer.process.send_signal(signal.SIGINT)
    assert customer.process.ended(10) == 0
    for worker in workers:
        worker.join(30)
    customer.process.start()
    credited = customer.balance(card.user_id)["available"]
    found = [customer.transaction(one)["status"] for one in acknowledged[:5] + acknowledged[-5:]]
    assert set(found) == {"credited"}
    # An answer that the stop cut off may have been taken all the same: never less, hardly more.
    assert len(acknowledged) <= credited <= len(acknowledged) + len(workers)


def test_a_stop_finishes_the_request_at_work(comptoir_daemon: Start) -> None:
    """A request whose body is still arriving at the signal is answered."""
    customer = Customer(comptoir_daemon())
    body = json.dumps(purchase(customer.name("tx"), customer.name("conn"))).encode()
    headers = [*customer.signed(body).items(), ("Content-Length", str(len(body)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = f"POST /webhooks/banking HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + body
    with customer.connection() as wire:
        wire.sendall(request[:-5])
        customer.process.get("/health/live")  # the bytes before are read by now
        customer.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in customer.process.said())
        wire.sendall(request[-5:])
        answer = wire.recv(65_536)
    assert answer.startswith((b"HTTP/1.1 202", b"HTTP/1.1 503")), answer
    assert customer.process.ended(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(comptoir_daemon: Start, number: int) -> None:
    """The first waits for a request at work; the second does not (the SIGKILL path)."""
    customer = Customer(comptoir_daemon())
    with customer.connection() as wire:
        wire.sendall(b"POST /webhooks/banking HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        customer.process.get("/health/live")
        customer.process.send_signal(number)
        eventually(lambda: "stopping" in customer.process.said())
        assert customer.process.running
        customer.process.send_signal(number)
        assert customer.process.ended() == -number
    customer.process.start()
    assert customer.process.get("/health/ready").status == 200


def test_an_open_connection_does_not_hold_up_a_stop(comptoir_daemon: Start) -> None:
    """Idle connections are closed; the stop is within 10 s and exits 0."""
    customer = Customer(comptoir_daemon())
    with customer.connection() as wire, customer.connection():
        wire.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
        customer.process.send_signal(signal.SIGTERM)
        assert customer.process.ended(10) == 0


# Exit 2: usage and configuration.

WRONG = {
    "COMPTOIR_HTTP__PROT": ("0", "COMPTOIR_HTTP__PORT"),
    "COMPTOIR_STORAGE__URI": ("x", "COMPTOIR_STORAGE__URL"),
    "COMPTOIR_WEBHOOK__SEED__SECRETS": ("[]", "COMPTOIR_WEBHOOKS__SEED__SECRETS"),
    "COMPTOIR_WEBHOOKS__SEED__SECRET_FILE": ("x", "COMPTOIR_WEBHOOKS__SEED__SECRETS_FILE"),
    "COMPTOIR_HTTP__PORT": ("eighty", "COMPTOIR_HTTP__PORT"),
    "COMPTOIR_INGEST__PORT": ("70000", "COMPTOIR_INGEST__PORT"),
    "COMPTOIR_INGEST__ENABLED": ("yes", "COMPTOIR_INGEST__ENABLED"),
    "COMPTOIR_WEBHOOKS__ALLOWED_IPS": ("127.0.0.1", "COMPTOIR_WEBHOOKS__ALLOWED_IPS"),
    "COMPTOIR_HTTP__TRUSTED_PROXIES": ('["300.0.0.1"]', "COMPTOIR_HTTP__TRUSTED_PROXIES"),
    "COMPTOIR_CLOCK__MODE": ("fast", "COMPTOIR_CLOCK__MODE"),
    "COMPTOIR_STORAGE__URL": ("mysql://u@localhost/d", "COMPTOIR_STORAGE__URL"),
    "COMPTOIR_VAULT__KEYS": ('{"k1": "c2hvcnQ="}', "COMPTOIR_VAULT__KEYS"),
    "COMPTOIR_NOTHING__LIKE__IT": ("hunter2", "COMPTOIR_NOTHING__LIKE__IT"),
}


def test_configuration_errors(comptoir_daemon: Start) -> None:
    """Unknown and ill-typed variables: exit 2, a line for each, with the nearest name (S73)."""
    process = comptoir_daemon(start=False, **{name: value for name, (value, _) in WRONG.items()})
    process.spawn()
    assert process.ended() == 2
    said = process.said().strip().splitlines()
    assert len(said) == len(WRONG)
    assert all(LINE.fullmatch(line) for line in said)
    for name, (_, expected) in WRONG.items():
        told = [line for line in said if f": {name}" in line.replace("[0]", "")]
        assert len(told) == 1, name
        assert expected in told[0]
    assert "c2hvcnQ=" not in process.said()
    assert "hunter2" not in process.said()


def test_config_file(comptoir_daemon: Start, tmp_path: Path) -> None:
    """--config: an unknown key stops the start with the nearest name, an absent file as well."""
    file = tmp_path / "own.toml"
    file.write_text('[http]\nprot = 1\nport = "x"\n[htpp]\nport = 1\n')
    process = comptoir_daemon(start=False)
    process.command += ["--config", str(file)]
    process.spawn()
    assert process.ended() == 2
    said = process.said().strip().splitlines()
    assert all(LINE.fullmatch(line) for line in said)
    for expected in ("http.prot", "did you mean port", "http.port", "did you mean http"):
        assert any(expected in line for line in said), expected
    process = comptoir_daemon(start=False)
    process.command += ["--config", str(tmp_path / "absent.toml")]
    assert "absent.toml" in refuses(process, 2)[1]


def test_usage_errors(comptoir_daemon: Start) -> None:
    """A wrong command line is exit 2 and one line, with the nearest right name."""
    process = comptoir_daemon(start=False)
    process.command += ["--confg", "x"]
    assert "--config" in refuses(process, 2)[1]
    process = comptoir_daemon(start=False)
    process.command[-1:] = ["sreve"]
    assert "serve" in refuses(process, 2)[1]


def test_database_beyond_loopback_is_verified(comptoir_daemon: Start) -> None:
    """Without sslmode=verify-full a far database is refused, and its address not repeated (S62)."""
    url = "postgresql://u:hunter2@db.example/d?sslmode=require"
    process = comptoir_daemon(start=False, COMPTOIR_STORAGE__URL=url)
    assert "sslmode=verify-full" in refuses(process, 2)[1]
    assert "hunter2" not in process.said()


def test_no_bind_beyond_loopback_without_tokens(comptoir_daemon: Start) -> None:
    """auth.mode loopback refuses any other bind address: exit 2 (S62)."""
    process = comptoir_daemon(
        start=False, COMPTOIR_HTTP__HOST="0.0.0.0", COMPTOIR_CLOCK__MODE="wall"
    )
    assert "http.host" in refuses(process, 2)[1]


def test_no_tokens_by_hand_beyond_loopback(comptoir_daemon: Start) -> None:
    """interface.md 9, S62: auth.dev_tokens is for loopback: exit 2."""
    process = comptoir_daemon(
        start=False, COMPTOIR_HTTP__HOST="0.0.0.0", COMPTOIR_AUTH__MODE="on",
        COMPTOIR_CLOCK__MODE="wall", COMPTOIR_HTTP__TRUSTED_PROXIES='["192.0.2.7/32"]',
    )  # fmt: skip
    assert "auth.dev_tokens" in refuses(process, 2)[1]


def test_nobody_else_is_our_issuer(comptoir_daemon: Start) -> None:
    """S62: a provider under the very address that we listen on is refused by the setting: exit 2."""
    port = str(free_port())
    process = comptoir_daemon(
        start=False, COMPTOIR_AUTH__MODE="on", COMPTOIR_HTTP__PORT=port,
        COMPTOIR_AUTH__EXTERNAL__ISSUER=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    assert "auth.external.issuer" in refuses(process, 2)[1]


def test_no_start_with_unsafe_token_keys(comptoir_daemon: Start) -> None:
    """S62: keys that others may read sign and verify nothing: exit 5."""
    process = comptoir_daemon(COMPTOIR_AUTH__MODE="on")
    assert process.stop() == 0
    keys = Path(process.env["COMPTOIR_STORAGE__DATA_DIR"]) / "keys" / "tokens.json"
    keys.chmod(0o644)
    process.log.unlink()
    assert refuses(process, 5)[0] == "TOKEN_KEYS_UNSAFE"


def test_no_manual_clock_beyond_loopback(comptoir_daemon: Start) -> None:
    """A manual clock is for loopback only: exit 2."""
    process = comptoir_daemon(
        start=False, COMPTOIR_HTTP__HOST="0.0.0.0", COMPTOIR_AUTH__MODE="on",
        COMPTOIR_AUTH__DEV_TOKENS="false", COMPTOIR_HTTP__TRUSTED_PROXIES='["10.0.0.1"]',
    )  # fmt: skip
    assert "manual clock" in refuses(process, 2)[1]


# Exit 3: the database.


@pytest.mark.parametrize("listening", [False, True])
def test_unreachable_database(comptoir_daemon: Start, listening: bool) -> None:
    """Nobody there, or somebody who does not speak: exit 3 past storage.start_timeout_s (S71)."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        if listening:
            mute.listen()
        port = mute.getsockname()[1]
        process = comptoir_daemon(
            start=False,
            COMPTOIR_STORAGE__URL=f"postgresql://u:hunter2hunter2@127.0.0.1:{port}/d",
            COMPTOIR_STORAGE__START_TIMEOUT_S="1",
        )
        refuses(process, 3)
    assert "hunter2" not in process.said()


def test_database_that_does_not_exist(comptoir_daemon: Start, comptoir_postgres: str) -> None:
    """A server without that database: exit 3."""
    name = database_of(comptoir_postgres)
    url = comptoir_postgres.replace(name, "absent_database")
    process = comptoir_daemon(
        start=False, COMPTOIR_STORAGE__URL=url, COMPTOIR_STORAGE__START_TIMEOUT_S="1"
    )
    refuses(process, 3)


def test_read_only_database(
    comptoir_daemon: Start, unmigrated: str, comptoir_postgres_server: Any
) -> None:
    """A database that takes no writes: exit 3, before and after it was migrated."""
    name = database_of(unmigrated)
    for setting in ("on", "off", "on"):
        sql = f"alter database {name} set default_transaction_read_only = {setting};"
        trio.run(comptoir_postgres_server.run_sql, sql)
        if setting == "on":
            code, _ = refuses(comptoir_daemon(start=False, COMPTOIR_STORAGE__URL=unmigrated), 3)
            assert code == "DATABASE_READ_ONLY"
        else:
            assert comptoir_daemon(COMPTOIR_STORAGE__URL=unmigrated).stop() == 0


def test_newer_schema(
    comptoir_daemon: Start, comptoir_postgres: str, comptoir_postgres_server: Any
) -> None:
    """A database of a newer release is not touched: exit 3."""
    assert comptoir_daemon().stop() == 0
    sql = (
        "insert into comptoir.schema_migration select (jsonb_populate_record(m, "
        "jsonb_build_object('number', 9999))).* from comptoir.schema_migration m "
        "order by m.number desc limit 1;"
    )
    trio.run(comptoir_postgres_server.run_sql, sql, database_of(comptoir_postgres))
    code, _ = refuses(comptoir_daemon(start=False), 3)
    assert code == "DATABASE_NEWER"


# Exit 4 and 5.


def test_port_in_use(comptoir_daemon: Start) -> None:
    """Exit 4, and the one who has the port goes on."""
    first = comptoir_daemon()
    port = str(Customer(first).place[1])
    code, line = refuses(comptoir_daemon(start=False, COMPTOIR_HTTP__PORT=port), 4)
    assert code == "PORT_IN_USE"
    assert port in line
    assert first.get("/health/ready").status == 200


WEAK = [
    "tiny-one", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "changemechangeme", "abcabcabcabcabcabcabc",
    "comptoir-demo-webhook-secret", "password",
]  # fmt: skip


def test_no_secret(comptoir_daemon: Start) -> None:
    """Outside the demo a start without a webhook secret is refused: exit 5 (S73)."""
    process = comptoir_daemon(start=False, COMPTOIR_WEBHOOKS__SEED__SECRETS="[]")
    assert "webhooks.seed.secrets" in refuses(process, 5)[1]


def test_weak_secrets(comptoir_daemon: Start) -> None:
    """A weak or known secret is refused by its place, and never repeated: exit 5 (S73)."""
    secrets = ["a-good-one-0123456789", *WEAK]
    process = comptoir_daemon(start=False, COMPTOIR_WEBHOOKS__SEED__SECRETS=json.dumps(secrets))
    process.spawn()
    assert process.ended() == 5
    said = process.said().strip().splitlines()
    assert len(said) == len(WEAK)
    for position, line in enumerate(said, 1):
        assert LINE.fullmatch(line)
        assert f"webhooks.seed.secrets[{position}]" in line
        assert all(secret not in line.replace("webhooks.seed.secrets", "") for secret in secrets)

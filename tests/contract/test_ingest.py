"""Section 2, 3, 6: the webhook lane beside the API, on a port of its own.

Rule: what interface.md says of webhooks holds at both ports (test_webhook_*.py plays it at both);
here is what is said of the lane alone.
Source: interface.md 2, 3, 6; spec.md S53, S62, X16, X19.
"""

import json
import re
import socket
from collections.abc import Callable

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import (
    Customer,
    free_port,
    purchase,
    read_answer,
)

Start = Callable[..., Process]
LINE = re.compile(r"^comptoir: ([A-Z][A-Z0-9_]+): .*ingest\.port.*$", re.MULTILINE)


def test_both_ports_are_one_daemon(comptoir_daemon: Start) -> None:
    """X16: taken at one port, a webhook is a duplicate at the other; credited once."""
    process = comptoir_daemon()
    lane, api = Customer(process, lane=True), Customer(process)
    card = api.card(rate_bp=1000)
    body = purchase(api.name("tx"), card.connection_id, merchant={"name": card.label})
    answers = [one.send(body).json()["status"] for one in (lane, api, lane)]
    assert answers == ["accepted", "duplicate", "duplicate"]
    assert api.balance(card.user_id)["available"] == 1000


def test_the_lane_has_no_api(customer: Customer) -> None:
    """S62: of the lane there is one route; what else is asked is 404, whoever asks."""
    for path in ("/health/live", "/metrics", "/api/v1/wallets/x", "/dev/v1/quiesce"):
        with customer.connection(lane=True) as wire:
            wire.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = read_answer(wire, "GET")
        assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND")


def test_malformed_requests_are_refused_and_closed(customer: Customer) -> None:
    """interface.md 1: a problem, `Connection: close`, nothing behind it is handled; then it is counted."""
    card = customer.card(rate_bp=1000)
    body = json.dumps(
        purchase(customer.name("tx"), card.connection_id, merchant={"name": card.label})
    ).encode()
    fields = "".join(f"{name}: {value}\r\n" for name, value in customer.signed(body).items())
    head = f"POST /webhooks/banking HTTP/1.1\r\nHost: localhost\r\n{fields}"
    length = f"Content-Length: {len(body)}\r\n"
    counted = {"result": "refused", "code": "REQUEST_MALFORMED"}
    before = customer.metric("comptoir_webhooks_total", **counted)
    odd = ("Transfer-Encoding: chunked\r\n", length, "X: a\r\n b\r\n", "Host: other\r\n")
    for more in odd:
        data = f"{head}{length}{more}\r\n".encode() + body
        with customer.connection(lane=True) as wire:
            wire.sendall(data + f"{head}{length}\r\n".encode() + body)
            heard = b"".join(iter(lambda: wire.recv(65_536), b""))
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert heard.count(b"REQUEST_MALFORMED") == 2, "its type and its code, once"
        assert b"\r\nconnection: close\r\n" in heard
    assert customer.metric("comptoir_webhooks_total", **counted) == before + len(odd)
    customer.quiet()
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}").status == 404


def test_the_port_is_configured(comptoir_daemon: Start) -> None:
    """interface.md 3: ingest.port is where the lane listens."""
    port = free_port()
    process = comptoir_daemon(COMPTOIR_INGEST__PORT=str(port))
    assert process.ready["ingest"] == f"http://127.0.0.1:{port}"


def test_it_can_be_left_closed(comptoir_daemon: Start) -> None:
    """interface.md 2: without the lane the ready line says null, and webhooks have the other port."""
    process = comptoir_daemon(COMPTOIR_INGEST__ENABLED="false")
    assert process.ready["ingest"] is None
    customer = Customer(process)
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    assert customer.balance(card.user_id)["available"] == 100


def test_a_port_in_use_ends_with_4(comptoir_daemon: Start) -> None:
    """interface.md 2: exit 4, and the line names the setting of this port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        process = comptoir_daemon(start=False, COMPTOIR_INGEST__PORT=port)
        process.spawn()
        assert process.ended() == 4, process.said()
    assert LINE.findall(process.said()) == ["PORT_IN_USE"]


@pytest.mark.parametrize("name", ["TLS_CERTIFICATE", "TLS_KEY"])
def test_half_of_tls_is_refused(comptoir_daemon: Start, name: str) -> None:
    """S62: a certificate without its key, or the other way round, ends the start with 2."""
    process = comptoir_daemon(start=False, **{f"COMPTOIR_INGEST__{name}": "some.pem"})
    process.spawn()
    assert process.ended() == 2, process.said()
    assert "ingest.tls_" in process.said()

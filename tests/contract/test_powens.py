"""POST /webhooks/powens over a socket: what Powens tells of a connection becomes points, once.

Source: interface.md 6; protocols.md 5.1; spec.md S42, S52, X16, X19, X24; issue 6, parts 2 and 3.
"""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process, sign_powens

SECRET = "powens-secret-of-a-contract-test-1"


@pytest.fixture(scope="module")
def process(comptoir_daemon_shared: Callable[..., Process]) -> Process:
    """A daemon that knows Powens."""
    return comptoir_daemon_shared(COMPTOIR_WEBHOOKS__POWENS__SECRETS=json.dumps([SECRET]))


def _card(identity: int, value: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": identity, "type": "card", "value": value, "date": "2026-01-02", "rdate": None,
        "original_wording": "BISTROT LYON", "coming": False, "active": True, "deleted": None, **changes,
    }  # fmt: skip


def _tell(
    process: Process, connection: int, *cards: dict[str, Any], packed: bool = False
) -> Answered:
    account = {"id": 1, "currency": {"id": "EUR"}, "transactions": list(cards)}
    body = json.dumps({"connection": {"id": connection, "accounts": [account]}}).encode()
    body = gzip.compress(body) if packed else body
    headers = sign_powens(SECRET, body, time.time_ns() // 1_000_000)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return process.request("POST", "/webhooks/powens", body, headers)


def _known(process: Process, connection: int, user: str) -> None:
    partners = b"id,name,rate_bp\nbistrot,BISTROT,1000\n"
    connections = f"connection_id,user_id,provider\n{connection},{user},powens\n".encode()
    for kind, text in (("partners", partners), ("connections", connections)):
        answer = process.request(
            "POST", f"/dev/v1/import/{kind}", text, {"Content-Type": "text/csv"}
        )
        assert answer.status == 200, answer


def _available(process: Process, user: str) -> int:
    assert process.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    answer = process.get(f"/api/v1/wallets/{user}")
    assert answer.status == 200, answer
    return int(answer.json()["balance"]["available"])


def test_a_sync_is_credited_once_however_often_it_comes(process: Process) -> None:
    """S42, S52, X16: two purchases, compressed or not, told three times; what is new is taken."""
    _known(process, 11, "p11")
    first = (_card(1, "-10.00"), _card(2, "-20.50"), _card(3, "-99.00", coming=True))
    answers = [_tell(process, 11, *first, packed=packed) for packed in (False, True, True)]
    assert [(x.status, x.json()["status"]) for x in answers] == [
        (202, "accepted"), (200, "duplicate"), (200, "duplicate"),
    ]  # fmt: skip
    assert _available(process, "p11") == 100 + 205
    booked = _tell(process, 11, *first[:2], _card(3, "-99.90"))
    assert (booked.status, booked.json()["status"]) == (202, "accepted")
    assert _available(process, "p11") == 100 + 205 + 999


def test_what_is_deleted_is_taken_back(process: Process) -> None:
    """X24, issue 6: a purchase that Powens takes back takes its points back, from its own lot."""
    _known(process, 12, "p12")
    assert _tell(process, 12, _card(21, "-10.00"), _card(22, "-10.00")).status == 202
    assert _available(process, "p12") == 200
    gone = _card(22, "-10.00", deleted="2026-01-05 10:00:00")
    assert [_tell(process, 12, gone).status for _ in range(2)] == [202, 200]
    assert _available(process, "p12") == 100
    assert process.get("/api/v1/transactions/22").json()["status"] == "refunded"


def _word(number: int, value: str, **changes: Any) -> dict[str, Any]:
    return _card(51, value, last_update=f"2026-01-05 10:00:{number:02d}", **changes)


def test_the_last_word_of_a_purchase(process: Process) -> None:
    """E7, E8, X16: corrected up and down, deleted and there again, told late and twice: it is worth what Powens
    said last; each word is taken once.
    """
    _known(process, 15, "p15")
    said: dict[int, tuple[str, dict[str, Any], int]] = {
        3: ("-30.00", {}, 300), 1: ("-10.00", {}, 300), 2: ("-20.00", {}, 300), 5: ("-25.50", {}, 255),
        4: ("-90.00", {}, 255), 7: ("-25.50", {"deleted": "2026-01-05 10:00:07"}, 0),
        6: ("-99.00", {}, 0), 8: ("-12.00", {"active": False}, 0), 9: ("-12.00", {}, 120),
    }  # fmt: skip
    for number, (value, changes, points) in said.items():
        words = [_tell(process, 15, _word(number, value, **changes)) for _ in range(2)]
        assert [one.status for one in words] == [202, 200], number
        assert _available(process, "p15") == points, number
    shown = process.get("/api/v1/transactions/51").json()
    assert (shown["status"], shown["amountCents"]) == ("credited", 1200)


def test_deleted_before_it_was_told(process: Process) -> None:
    """E8: the word that it never happened comes first: what was said before it earns nothing."""
    _known(process, 16, "p16")
    gone = _card(61, "-10.00", last_update="2026-01-06 10:00:00", deleted="2026-01-06 10:00:00")
    told = _card(61, "-10.00", last_update="2026-01-05 10:00:00")
    assert [_tell(process, 16, one).status for one in (gone, told)] == [202, 202]
    process.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
    assert process.get("/api/v1/transactions/61").json()["status"] == "ignored"
    assert process.get("/api/v1/wallets/p16").status == 404
    back = _card(61, "-10.00", last_update="2026-01-07 10:00:00")
    assert _tell(process, 16, back).status == 202
    assert _available(process, "p16") == 100


def test_a_connection_not_known_yet_parks_all_of_it(process: Process) -> None:
    """Row 11: taken back up when the connection appears."""
    answer = _tell(process, 13, _card(31, "-10.00"), _card(32, "-10.00"))
    assert (answer.status, answer.json()["status"]) == (202, "parked")
    _known(process, 13, "p13")
    assert _available(process, "p13") == 200


def test_another_senders_signature_is_none_of_powens(process: Process) -> None:
    """Row 3: forged, and 401 with its code; nothing is taken."""
    body = json.dumps({"connection": {"id": 14, "accounts": []}}).encode()
    headers = sign_powens("another-secret-of-a-contract-test", body, time.time_ns() // 1_000_000)
    answer = process.request("POST", "/webhooks/powens", body, headers)
    assert (answer.status, answer.json()["code"]) == (401, "WEBHOOK_SIGNATURE_INVALID")

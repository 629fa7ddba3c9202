"""`comptoir check`: JSON lines in and out. Source: check-command contract."""

import base64
import hashlib
import hmac
import io
import json
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.engine.cli import checking

PARTNERS = [{"id": "p1", "name": "Boulangerie Martin"}, {"id": "p2", "name": "Garage Petit"}]
LOTS = [{"id": "a", "earned_at": "2025-01-01T00:00:00Z", "points": 100}]


def _label(label: str) -> dict[str, Any]:
    return {"label": label, "mcc": "", "partners": PARTNERS}


def _checked(kind: str, data: bytes) -> list[dict[str, Any]]:
    """The answers of a command in this process."""
    sink = io.BytesIO()
    checking.run_check(kind, io.BytesIO(data), sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_one_answer_for_each_line_in_order(run: Any) -> None:
    """Every line has exactly one answer, in order, and the status is 0 whatever they say."""
    lines = [
        json.dumps(_label("CB BOULANGERIE MARTIN PARIS")),
        "not json",
        "",
        json.dumps(_label("GARAGE PETIT")),
        json.dumps({"label": 1}),
        json.dumps(_label("NOBODY")),
    ]
    shown = run("check", "label", stdin="\n".join(lines).encode())
    answers = [json.loads(line) for line in shown.out.splitlines()]
    assert (shown.status, shown.err) == (0, "")
    assert [answer.get("merchant", "-") for answer in answers] == ["p1", "-", "-", "p2", "-", None]
    wrong = [answer["error"]["code"] for answer in answers if not answer["ok"]]
    assert wrong == ["CHECK_INPUT_INVALID"] * 3


def test_points_and_webhooks(run: Any) -> None:
    """Kinds `points` and `webhook` answer with the daemon's own functions (S47, S54)."""
    asked = {"lots": LOTS, "debit": 30, "now": "2025-02-01T00:00:00Z"}
    (answer,) = map(
        json.loads, run("check", "points", stdin=json.dumps(asked).encode()).out.split("\n")[:-1]
    )
    assert answer == {"ok": True, "allocations": [{"lot": "a", "points": 30}], "remaining": 70}
    body, secret, at = b"{}", "a secret of a test", "1763994600000"
    digest = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    webhook = {
        "scheme": "seed-v1",
        "secrets": ["another", secret],
        "method": "POST",
        "path": "/webhooks/banking",
        "headers": {"X-Webhook-Timestamp": at, "X-Webhook-Signature": digest},
        "body_b64": base64.b64encode(body).decode(),
        "now_ms": int(at),
    }
    forged = {**webhook, "body_b64": base64.b64encode(b"[]").decode()}
    late = {**webhook, "now_ms": int(at) + 300_001}
    lines = "\n".join(map(json.dumps, (webhook, forged, late)))
    answers = [
        json.loads(line) for line in run("check", "webhook", stdin=lines.encode()).out.splitlines()
    ]
    assert answers[0] == {"ok": True}
    codes = [answer["error"]["code"] for answer in answers[1:]]
    assert codes == ["WEBHOOK_SIGNATURE_INVALID", "WEBHOOK_TIMESTAMP_EXPIRED"]


def test_answers_are_flushed_as_they_come(cli_process: Any) -> None:
    """Whoever asks line by line is answered line by line, before the input ends."""
    child: subprocess.Popen[bytes] = cli_process("check", "label")
    assert child.stdin is not None
    assert child.stdout is not None
    for label, merchant in (("GARAGE PETIT", "p2"), ("NOBODY", None)):
        child.stdin.write(json.dumps(_label(label)).encode() + b"\n")
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["merchant"] == merchant
    child.stdin.close()
    assert child.wait(10) == 0


def test_a_reader_that_leaves_ends_it_quietly(cli_process: Any) -> None:
    """A closed pipe ends the command without a word and without a traceback."""
    child: subprocess.Popen[bytes] = cli_process("check", "label")
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    try:
        for _ in range(2000):
            child.stdin.write(json.dumps(_label("X")).encode() + b"\n")
        child.stdin.close()
    except BrokenPipeError:
        pass
    assert child.wait(10) == 1
    assert child.stderr.read() == b""


def test_a_line_without_bound_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is too long costs bounded memory, and the next ones are answered."""
    monkeypatch.setattr(checking, "LINE_BYTES_MAX", 1000)
    monkeypatch.setattr(checking, "SKIP_BYTES", 64)
    good = json.dumps(_label("GARAGE PETIT")).encode()
    exact = good + b" " * (1000 - len(good)) + b"\n"
    answers = _checked("label", b"x" * 5000 + b"\n" + exact + b"y" * 1001 + b"\n" + good)
    assert [answer["ok"] for answer in answers] == [False, True, False, True]
    assert "1000 bytes" in answers[0]["error"]["detail"]
    assert [answer["ok"] for answer in _checked("label", b"z" * 3000)] == [False]


@pytest.mark.parametrize("kind", ["label", "points", "webhook"])
@given(lines=st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=8))
@settings(max_examples=25)
def test_any_bytes_have_answers(kind: str, lines: list[bytes]) -> None:
    """Whatever the lines hold, there are as many answers, each an object with `ok`."""
    answers = _checked(kind, b"".join(line + b"\n" for line in lines))
    assert len(answers) == len(lines)
    assert all(answer["ok"] is False for answer in answers)


def test_wide_integers_and_surrogates_are_answered() -> None:
    """What JSON allows and a machine word does not hold still has an answer."""
    lots = [
        {"id": str(n), "earned_at": "2025-01-01T00:00:00Z", "points": 2**63 - 1} for n in (1, 2, 3)
    ]
    asked = {"lots": lots, "debit": 1, "now": "2025-02-01T00:00:00Z"}
    (answer,) = _checked("points", json.dumps(asked).encode())
    assert answer["remaining"] == 3 * (2**63 - 1) - 1
    (answer,) = _checked("label", b'{"label": "\\ud800", "partners": []}')
    assert answer["error"]["code"] == "CHECK_INPUT_INVALID"
    (answer,) = _checked("points", b"[" * 100_000)
    assert answer["error"]["code"] == "CHECK_INPUT_INVALID"

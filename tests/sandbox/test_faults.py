"""Fault lists and scripts: what is refused, and when what is accepted fires."""

from typing import Any

import pytest

from comptoir.sandbox.app import Sandbox, SandboxSettings
from comptoir.sandbox.errors import Refused
from comptoir.sandbox.faults import Faults, Kind, parse_faults, parse_script
from comptoir.sandbox.parties.push import SEND
from comptoir.sandbox.parties.seed import WEBHOOK

CATALOGUE = Sandbox(SandboxSettings()).catalogue()
PUSH: dict[str, Any] = {"party": "fcm", "operation": "push.send"}


@pytest.mark.parametrize(
    ("row", "pointer", "remedy"),
    [
        ({**PUSH, "fault": "timout"}, "/0/fault", "did you mean timeout?"),
        (
            {**PUSH, "fault": "timeout", "probabilty": 1},
            "/0/probabilty",
            "did you mean probability?",
        ),
        ({"party": "sed", "fault": "late"}, "/0/party", "did you mean seed?"),
        ({**PUSH, "operation": "push.sent", "fault": "status"}, "/0/operation", "push.send?"),
        ({**PUSH, "fault": "forged"}, "/0/fault", "no operation where"),
        ({"party": "fcm"}, "/0/fault", "required"),
        ({**PUSH, "fault": "status", "status": 200}, "/0/status", "between 300 and 599"),
        ({**PUSH, "fault": "status", "probability": 1.5}, "/0/probability", "between 0 and 1"),
        ({**PUSH, "fault": "status", "probability": True}, "/0/probability", "a number"),
        ({**PUSH, "fault": "status", "count": 0.5}, "/0/count", "an integer"),
        ({**PUSH, "fault": "status", "at": 5, "until": 5}, "/0/until", "after `at`"),
        ("timeout", "/0", "an object"),
    ],
)
def test_refused_with_place_and_remedy(row: object, pointer: str, remedy: str) -> None:
    """interface.md 10: a fault that could never fire is refused at its place, with a remedy."""
    with pytest.raises(Refused) as caught:
        parse_faults([row], CATALOGUE)
    assert caught.value.status == 422
    (flaw,) = caught.value.errors
    assert flaw.pointer == pointer
    assert remedy in flaw.detail


def test_every_wrong_row_is_told() -> None:
    """One refusal names each wrong row, so that a list is mended in one go."""
    rows = [{"party": "x"}, {**PUSH, "fault": "timeout"}, {**PUSH, "fault": "?"}]
    with pytest.raises(Refused) as caught:
        parse_faults(rows, CATALOGUE)
    assert [flaw.pointer for flaw in caught.value.errors] == ["/0/party", "/2/fault"]


def test_contract_sample_values_are_read() -> None:
    """interface.md 10: probability, count, ms and status have the defaults that it prints."""
    (spec,) = parse_faults(
        [{**PUSH, "fault": "status", "probability": 1, "count": None, "ms": 0, "status": 503}],
        CATALOGUE,
    )
    assert (spec.kind, spec.probability, spec.count, spec.status) == (Kind.STATUS, 1.0, None, 503)


def test_count_operation_and_direction() -> None:
    """A fault fires so many times, and only for the operations that it names."""
    faults = Faults(now=lambda: 0.0)
    faults.set(parse_faults([{**PUSH, "fault": "status", "count": 2}], CATALOGUE))
    assert not faults.draw("seed", WEBHOOK)
    assert [len(faults.draw("fcm", SEND)) for _ in range(4)] == [1, 1, 0, 0]
    rows: Any = faults.document()["faults"]
    assert rows[0]["fired"] == 2


def test_same_seed_same_faults() -> None:
    """interface.md 10: what fires is a function of the seed."""

    def fired(seed: int) -> list[int]:
        faults = Faults(now=lambda: 0.0)
        faults.set(parse_faults([{**PUSH, "fault": "status", "probability": 0.3}], CATALOGUE), seed)
        return [len(faults.draw("fcm", SEND)) for _ in range(300)]

    assert fired(5) == fired(5) != fired(6)
    assert 50 < sum(fired(5)) < 130


def test_script_with_times() -> None:
    """interface.md 10: `at` and `until` are seconds from the start."""
    script = """
    seed = 3
    [[fault]]
    party = "seed"
    operation = "webhooks.send"
    fault = "late"
    at = 10
    until = 20
    """
    seed, specs = parse_script(script, CATALOGUE)
    clock = [100.0]
    faults = Faults(now=lambda: clock[0])
    faults.set(specs, seed)
    fired: list[bool] = []
    for clock[0] in (100.0, 109.9, 110.0, 119.9, 120.0):
        fired.append(bool(faults.draw("seed", WEBHOOK)))
    assert fired == [False, False, True, True, False]
    assert faults.seed == 3


@pytest.mark.parametrize("text", ["[[fault]", "[[faults]]\n", 'seed = "x"', "[[fault]]\nparty = 1"])
def test_script_refused(text: str) -> None:
    """A script that is not of the form is refused as a whole."""
    with pytest.raises(Refused):
        parse_script(text, CATALOGUE)

"""`check label`, `check points` and `check iban`: actors/checks.py."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.checks import CHECKS, check_iban, check_label, check_points

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
near_inputs = st.fixed_dictionaries(
    {},
    optional={
        "label": json_values,
        "mcc": json_values,
        "partners": st.lists(
            st.fixed_dictionaries({"id": st.text(max_size=2) | json_values, "name": st.text()}),
            max_size=3,
        ),
        "lots": json_values,
        "debit": json_values,
        "now": json_values,
        "iban": json_values,
        "lines": json_values,
    },
)


@given(st.sampled_from(sorted(CHECKS)), json_values | near_inputs)
def test_every_input_has_an_answer(kind: str, given_input: object) -> None:
    """check-command: malformed input is an answer with a code, and every answer is JSON."""
    answer = CHECKS[kind](given_input)
    json.dumps(answer).encode()
    assert answer["ok"] is True or answer["error"]["code"] in {
        "BANK_IBAN_INVALID",
        "CHECK_INPUT_INVALID",
        "MRZ_CHARACTER_INVALID",
        "MRZ_FORMAT_UNKNOWN",
        "POINTS_INSUFFICIENT",
    }


PARTNERS = [
    {"id": "lidl", "name": "Lidl", "mcc": ["5411"], "rate_bp": "ignored"},
    {"id": "fnac", "name": "Fnac", "patterns": ["FNAC.COM"], "mcc": None},
    {"id": "vet", "name": "Véto", "mcc": 742},
]


@pytest.mark.parametrize(
    ("label", "mcc", "merchant"),
    [
        ("PAIEMENT CB 2311 LIDL PARIS", "5411", "lidl"),
        ("PAIEMENT CB 2311 LIDL PARIS", 5411, "lidl"),
        ("PAIEMENT CB 2311 LIDL PARIS", None, "lidl"),
        ("PAIEMENT CB 2311 LIDL PARIS", "", "lidl"),
        ("LIDL", "4722", None),
        ("PAYPAL *FNAC", "5732", "fnac"),
        ("VETO", "0742", "vet"),
        ("VETO", 743, None),
        ("", "5411", None),
    ],
)
def test_labels(label: str, mcc: object, merchant: str | None) -> None:
    """check-command, kind label: the daemon's matcher over the partners given; S47."""
    answer = check_label({"label": label, "mcc": mcc, "partners": PARTNERS, "more": 1})
    assert answer["ok"] is True
    assert answer["merchant"] == merchant
    assert answer["trace"]
    assert all(isinstance(step, str) for step in answer["trace"])


@pytest.mark.parametrize(
    "given_input",
    [
        None,
        [],
        {},
        {"label": 1, "partners": []},
        {"label": "x"},
        {"label": "x", "partners": [{"id": "a"}]},
        {"label": "x", "partners": [{"id": "", "name": "a"}]},
        {"label": "x", "partners": [{"id": "a", "name": "a"}, {"id": "a", "name": "b"}]},
        {"label": "x", "partners": [], "mcc": "54"},
        {"label": "x", "partners": [], "mcc": "5411\n"},
        {"label": "x", "partners": [], "mcc": 10_000},
        {"label": "x", "partners": [], "mcc": True},
        {"label": "x", "partners": [{"id": "a", "name": "a", "mcc": [-1]}]},
        {"label": "\ud800", "partners": []},
    ],
)
def test_bad_label_inputs(given_input: object) -> None:
    """check-command: malformed input is an answer, CHECK_INPUT_INVALID."""
    answer = check_label(given_input)
    assert answer["ok"] is False
    assert answer["error"]["code"] == "CHECK_INPUT_INVALID"
    assert answer["error"]["detail"]


LOTS = [
    {"id": "b", "earned_at": "2025-02-01T00:00:00.000Z", "points": 50},
    {"id": "a", "earned_at": "2025-01-01T00:00:00.000Z", "points": 100, "expires_at": None},
    {
        "id": "old",
        "earned_at": "2024-01-01T00:00:00Z",
        "points": 70,
        "expires_at": "2025-03-01T01:00:00+01:00",
    },
]
NOW = "2025-03-01T00:00:00.000Z"


def spend(debit: object, **changes: object) -> dict[str, Any]:
    """The answer to a debit from the lots above."""
    return check_points({"lots": LOTS, "debit": debit, "now": NOW} | changes)


def test_points_are_spent_oldest_first() -> None:
    """check-command, kind points; S47, X24: first in, first out, the expired lot skipped."""
    assert spend(120) == {
        "ok": True,
        "allocations": [{"lot": "a", "points": 100}, {"lot": "b", "points": 20}],
        "remaining": 30,
    }
    before = spend(80, now="2025-02-28T23:59:59.9999999Z")
    assert before["allocations"] == [{"lot": "old", "points": 70}, {"lot": "a", "points": 10}]


def test_more_than_there_is() -> None:
    """check-command, kind points: a stable code, and nothing is taken."""
    answer = spend(151)
    assert answer["ok"] is False
    assert answer["error"]["code"] == "POINTS_INSUFFICIENT"
    assert "allocations" not in answer
    assert spend(150)["remaining"] == 0


@pytest.mark.parametrize(
    ("debit", "changes"),
    [
        (-1, {}),
        (1.5, {}),
        ("1", {}),
        (True, {}),
        (2**63, {}),
        (1, {"now": "yesterday"}),
        (1, {"now": None}),
        (1, {"lots": None}),
        (1, {"lots": [LOTS[0], LOTS[0]]}),
        (1, {"lots": [LOTS[0] | {"points": -1}]}),
        (1, {"lots": [LOTS[0] | {"earned_at": "2025-02-30T00:00:00Z"}]}),
        (1, {"lots": [LOTS[0] | {"expires_at": "never"}]}),
    ],
)
def test_bad_points_inputs(debit: object, changes: dict[str, object]) -> None:
    """check-command: malformed input is an answer, CHECK_INPUT_INVALID."""
    assert spend(debit, **changes)["error"]["code"] == "CHECK_INPUT_INVALID"


def test_an_account_number() -> None:
    """check-command `iban`, S46, S66: electronic format, country, and whether SEPA reaches it."""
    paper = "fr14 2004 1010 0505 0001 3m02 606"
    assert check_iban({"iban": paper, "more": 1}) == {
        "ok": True, "iban": "FR1420041010050500013M02606", "country": "FR", "sepa": True,
    }  # fmt: skip
    assert check_iban({"iban": "SA0380000000608010167519"})["sepa"] is False
    broken = check_iban({"iban": "FR15 2004 1010 0505 0001 3M02 606"})
    assert (broken["ok"], broken["error"]["code"]) == (False, "BANK_IBAN_INVALID")
    malformed_inputs: tuple[object, ...] = (None, [], {}, {"iban": 3}, {"iban": "\ud800"})
    for malformed in malformed_inputs:
        assert check_iban(malformed)["error"]["code"] == "CHECK_INPUT_INVALID"

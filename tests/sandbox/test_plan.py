"""The plan of a run: repeatable, exact, and certain about who matches."""

import re
from itertools import islice
from typing import Any

import msgspec
import orjson
import pytest

from comptoir.actors.merchants import Builder, Partner, Purchase
from comptoir.sandbox.deliveries import Delivery
from comptoir.sandbox.errors import Refused
from comptoir.sandbox.runs.catalogue import load
from comptoir.sandbox.runs.plan import Plan
from comptoir.sandbox.runs.request import Mix, RunRequest, check

START_MS = 1_763_900_000_000
NAMES = [
    "Carrefour",
    "Carrefour City",
    "Monoprix",
    "Monop'",
    "Intermarché",
    "L'Occitane",
    "Le Bistrot d'Élise",
    "Œuvre & Fils",
    "Studio 54",
    "4 Murs",
    "1001 Nuits",
    "Saint-Maclou",
    "Nice",
    "Garage du Port",
    "Cabinet Martin",
    "Boulangerie",
    "Décathlon",
    "Canal+",
    "S.N.C.F.",
    "H&M",
    "But",
    "But",
    "PayPal",
    "Carte Noire",
    "CB Conseil",
    "Orthel Capped",
]
CONNECTIONS = "connection_id,user_id\n" + "".join(f"conn_{n},user_{n}\n" for n in range(50))


def _mcc(index: int) -> tuple[str, ...]:
    return ("5812", "5411") if index % 3 == 0 else ()


PARTNERS = "id,name,rate_bp,mcc,city,cap_cents_month\n" + "".join(
    f'p{index},"{name}",{100 + index},{";".join(_mcc(index))},{"Lyon" if index % 2 else ""},'
    f"{1000 if 'Capped' in name else ''}\n"
    for index, name in enumerate(NAMES)
)


def _request(**fields: Any) -> RunRequest:
    request = RunRequest(
        target="http://127.0.0.1:1/",
        secret="s",
        count=3000,
        partners_csv=PARTNERS,
        connections_csv=CONNECTIONS,
    )
    return msgspec.structs.replace(request, **fields)


def _plan(**fields: Any) -> list[Delivery]:
    request = _request(**fields)
    return list(Plan(request, load(request.partners_csv, request.connections_csv), START_MS))


def _data(delivery: Delivery) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(delivery.body)["data"]
    return data


def test_same_seed_same_bytes() -> None:
    """interface.md 10: every run is repeatable from its seed; another seed is another run."""
    first, again, other = (
        [(found.kind, found.body, found.skew_ms) for found in _plan(seed=seed, count=500)]
        for seed in (4, 4, 5)
    )
    assert first == again
    assert first != other


def test_partner_labels_match_and_others_do_not() -> None:
    """interface.md 4: the daemon's own matcher finds the partner that was meant, and no other."""
    builder = Builder(1)
    builder.add(
        [
            Partner(id=f"p{index}", name=name, rate_bp=100 + index, mcc=_mcc(index))
            for index, name in enumerate(NAMES)
        ]
    )
    catalogue = builder.build()
    kinds: set[str] = set()
    for seed in range(3):
        for delivery in _plan(seed=seed):
            if delivery.kind not in {"partner", "other"}:
                continue
            data = _data(delivery)
            merchant = data["merchant"]
            match = catalogue.match(
                Purchase(
                    label=merchant["name"],
                    mcc=merchant["mcc_code"],
                    city=merchant["city"],
                    on=data["date"],
                )
            )
            assert (match.partner is not None) == (delivery.kind == "partner"), merchant
            assert delivery.transaction is not None
            rate_bp = match.partner.rate_bp if match.partner else 0
            cents = round(data["amount"] * 100)
            assert delivery.transaction.points == cents * rate_bp // 10_000
            kinds.add(delivery.kind)
    assert kinds == {"partner", "other"}


def test_labels_are_decorated() -> None:
    """Issue 2, deliver 4: each prefix of the list appears, so that each is tried."""
    partners = PARTNERS.replace("PayPal", "Zorblax")
    plan = _plan(partners_csv=partners)
    labels = " | ".join(_data(found)["merchant"]["name"] for found in plan)
    for pattern in ("SUMUP \\*", "SQ \\*", "ZTL\\*", "PAYPAL \\*", "APPLE PAY: ", "CB SUMUP"):
        assert re.search(pattern, labels), pattern
    assert re.search(r"PAIEMENT CB \d{4} ", labels)
    assert "LE BISTROT D'ELISE" in labels
    assert "Le Bistrot d'Élise" in labels


def test_uncertain_partners_are_left_out() -> None:
    """A tie, a cap, a name like a prefix or with two readings has no certain outcome."""
    catalogue = load(PARTNERS, CONNECTIONS)
    left_out = set(NAMES) - {partner.name for partner in catalogue.partners}
    assert left_out == {
        "Canal+", "S.N.C.F.", "H&M", "But", "PayPal", "Carte Noire", "CB Conseil", "Orthel Capped",
    }  # fmt: skip
    assert catalogue.partners_left_out == 9


def test_bodies_are_of_the_documented_form() -> None:
    """S56: the field names, an amount with two decimals written from cents, a refund that names."""
    refunds = 0
    seen: dict[str, dict[str, Any]] = {}
    for delivery in _plan(mix=Mix(refund=0.1, reorder_window=1)):
        assert re.search(rb'"amount":\d+\.\d\d,"currency":"EUR"', delivery.body)
        data = _data(delivery)
        assert list(data)[:8] == [
            "transaction_id", "connection_id", "account_id", "amount", "currency", "direction",
            "date", "merchant",
        ]  # fmt: skip
        if delivery.kind == "refund":
            refunds += 1
            purchase = seen[data["original_transaction_id"]]
            for name in ("connection_id", "amount", "merchant"):
                assert data[name] == purchase[name]
            assert (data["direction"], purchase["direction"]) == ("CREDIT", "DEBIT")
        seen.setdefault(data["transaction_id"], data)
    assert refunds > 200


def test_shares_and_shuffle() -> None:
    """interface.md 10: shares of the mix hold; reordering stays within its window."""
    mix = Mix(partner=0.5, duplicate=0.1, forged=0.1, late=0.1, refund=0, unknown_connection=0.1)
    plan = _plan(mix=mix, count=5000)
    counts = {kind: sum(found.kind == kind for found in plan) for kind in {d.kind for d in plan}}
    for kind, share in {"partner": 0.5, "duplicate": 0.1, "forged": 0.1, "other": 0.1}.items():
        assert abs(counts[kind] / 5000 - share) < 0.02, kind
    assert abs((counts["late"] + counts["wrong_clock"]) / 5000 - 0.1) < 0.02
    shuffled = _plan(mix=Mix(reorder_window=64), count=640)
    straight = _plan(mix=Mix(reorder_window=1), count=640)
    assert [d.body for d in shuffled] != [d.body for d in straight]
    for start in range(0, 640, 64):
        group = slice(start, start + 64)
        assert {d.body for d in shuffled[group]} == {d.body for d in straight[group]}


def test_prefix_makes_other_ids() -> None:
    """A second run with an idPrefix is not all duplicates of the first."""
    plain = {_data(found)["transaction_id"] for found in _plan(count=200)}
    prefixed = {_data(found)["transaction_id"] for found in _plan(count=200, id_prefix="b")}
    assert not plain & prefixed


def test_long_plan_is_lazy() -> None:
    """design.md 5: the plan of ten million webhooks is drawn as it is sent."""
    request = _request(count=10_000_000)
    plan = Plan(request, load(PARTNERS, CONNECTIONS), START_MS)
    assert len(list(islice(plan, 100))) == 100


@pytest.mark.parametrize(
    ("partners", "connections", "told"),
    [
        ("id,name\na,b\n", CONNECTIONS, "line 1: the column rate_bp is missing"),
        ("id,name,rate_bp\na,b,10001\n", CONNECTIONS, "line 2, column rate_bp"),
        ("id,name,rate_bp\na,,5\n", CONNECTIONS, "line 2, column name: empty"),
        ('id,name,rate_bp\na,"b,5\n', CONNECTIONS, "not CSV"),
        (PARTNERS, "connection_id,user_id\n", "no connection"),
        (PARTNERS, "/nowhere/connections.csv", "cannot be read"),
    ],
)
def test_csv_refused(partners: str, connections: str, told: str) -> None:
    """interface.md 4: what is wrong with a file is named by line and column."""
    with pytest.raises(Refused, match=told) as caught:
        load(partners, connections)
    assert caught.value.status == 422


def test_request_refused() -> None:
    """Shares above one and unknown schemes are refused before anything starts."""
    with pytest.raises(Refused, match="/mix"):
        check(_request(mix=Mix(duplicate=0.6, forged=0.6)))
    with pytest.raises(Refused, match="did you mean seed-v1"):
        check(_request(scheme="seed_v1"))

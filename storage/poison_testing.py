"""Values that no database can hold, put into a decision: texts, numbers, times, rules of the ledger.

The rule: each kind of poison goes into every column that a decision can reach, because a fake that
accepts what PostgreSQL refuses proves nothing. Source: issue 3, deliver 5; design.md 7 (Isolation of
one bad value).
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from comptoir.engine.decision import Attempt, DeadLetter, LotOpened, Once, Outgoing, Put, Transfer
from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Noted, Remind, Written

__all__ = ["POISONS", "poison"]

NUL: Final = "a\0b"
SURROGATE: Final = "\ud800"
HUGE: Final = 1 << 63
SELF: Final = Address("wallet", "ann")


def _lot(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": "bad", "owner": "ann", "source": "tx", "tag": "tag", "points": 10, "basis_cents": 100,
        "rate_bp": 100, "multiplier_bp": 10_000, "earned_at": NOW, "expires_at": None, **changes,
    }  # fmt: skip
    return {"lots": (LotOpened(**fields),)}


def _transfer(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "debit": "issued:", "credit": "available:ann", "points": 1, "kind": "credit", "owner": "ann",
        "after": (1, 0, 0, 0), "transaction": "tx", **changes,
    }  # fmt: skip
    return {"transfers": (Transfer(**fields),)}


def _send(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"target": SELF, "message": Remind("bad"), **changes}
    return {"messages": (Outgoing(**fields),)}


def _put(key: str, value: object, owner: str = "") -> dict[str, Any]:
    return {"documents": (Put("sample", key, {"x": value}, owner),)}


def _nul(draw: random.Random) -> Mapping[str, Any]:
    return draw.choice(
        (
            _put(NUL, 1), _put("d", NUL), _put("d", {NUL: 1}), _put("d", 1, NUL),
            _send(target=Address("wallet", NUL)), _send(sender=Address("push", NUL)),
            _send(name=NUL), _send(name="t", sender=Address("push", NUL)),
            _send(attempts=(Attempt(NOW, NUL),)), _send(name="t", attempts=(Attempt(NOW, NUL),)),
            {"cancel": (NUL,)}, {"dead_letter": DeadLetter("dlq:points", "CRASHED", NUL)},
            {"dead_letter": DeadLetter(NUL, "CRASHED")}, {"once": (Once(NUL, "k9", 1),)},
            _lot(tag=NUL), _lot(id=NUL), _transfer(transaction=NUL), _transfer(withdrawal=NUL),
            _transfer(lot=NUL), _transfer(kind=NUL),
        )
    )  # fmt: skip


def _surrogate(draw: random.Random) -> Mapping[str, Any]:
    return draw.choice(
        (
            _put(SURROGATE, 1), _put("d", SURROGATE), _put("d", 1, SURROGATE),
            {"events": (Noted("fine"), Noted(SURROGATE))}, _send(message=Remind(SURROGATE)),
            _send(message=Remind(SURROGATE), name="t"), _send(target=Address("wallet", SURROGATE)),
            _send(sender=Address("push", SURROGATE)), _send(name=SURROGATE),
            _send(name="t", sender=Address("push", SURROGATE)),
            _send(attempts=(Attempt(NOW, SURROGATE),)),
            {"cancel": (SURROGATE,)}, {"dead_letter": DeadLetter("dlq:points", SURROGATE)},
            {"once": (Once(SURROGATE, "k9", 1),)}, {"once": (Once("webhook", SURROGATE, 1),)},
            {"once": (Once("webhook", "k9", 1),), "reply": Written(SURROGATE)},
            _lot(source=SURROGATE), _transfer(transaction=SURROGATE), _transfer(debit=SURROGATE),
        )
    )  # fmt: skip


def _huge(draw: random.Random) -> Mapping[str, Any]:
    return draw.choice(
        (
            _put("d", 1 << 70), _put("d", {1: 2}), _send(due_at=HUGE), _send(due_at=HUGE, name="t"),
            _send(due_at=HUGE, parked=True), _send(due_at=HUGE - 1), _send(due_at=-HUGE - 1),
            _send(attempts=(Attempt(1 << 70, "started"),)), {"once": (Once("webhook", "k9", HUGE),)},
            _lot(points=HUGE), _lot(basis_cents=HUGE), _lot(rate_bp=1 << 31), _lot(earned_at=HUGE),
            _lot(earned_at=1 << 62), _lot(earned_at=-(1 << 62)), _lot(expires_at=1 << 62),
            _lot(earned_at=-210_866_803_200_001), _lot(multiplier_bp=-(1 << 31) - 1),
            _transfer(points=HUGE), _transfer(points=HUGE - 1), _transfer(after=(HUGE, 0, 0, 0)),
        )
    )  # fmt: skip


def _ledger(draw: random.Random) -> Mapping[str, Any]:
    return draw.choice(
        (
            _transfer(points=0), _transfer(points=-1), _transfer(kind="gift"), _transfer(owner="eve"),
            _transfer(debit="vault:"), _transfer(debit="ann"), _transfer(debit=""),
            _transfer(credit="issued:", debit="issued:", owner=""), _transfer(after=(0, -1, 0, 0)),
            _transfer(after=(-1, 0, 0, -1)), _transfer(points=0, kind="gift"),
            _transfer(lot="nowhere"), _transfer(lot="l1", owner="bob", credit="available:bob"),
            _transfer(debit="available:ann", credit="shortfall:ann", points=10**6),
            _transfer(debit="available:ann", credit="paid:", points=10**6, lot="nowhere"),
            _transfer(lot="l1", points=10**6), _transfer(lot="l1", points=HUGE - 1),
            _lot(points=0), _lot(points=-1), _lot(basis_cents=-1), _lot(rate_bp=-1),
            _lot(multiplier_bp=-1), _lot(points=0, basis_cents=-1, rate_bp=-1, multiplier_bp=-1),
        )
    )  # fmt: skip


def _several(draw: random.Random) -> Mapping[str, Any]:
    kinds = draw.sample((_nul, _surrogate, _huge, _ledger), 2)
    first, second = (kind(draw) for kind in kinds)
    return {**first, **second}


POISONS: Final[Mapping[str, Callable[[random.Random], Mapping[str, Any]]]] = {
    "NUL": _nul, "surrogate": _surrogate, "number": _huge, "ledger": _ledger, "several": _several,
}  # fmt: skip


def poison(draw: random.Random, fields: dict[str, Any]) -> str:
    """Put something bad into the fields of a decision, beside what is there; answers its kind."""
    kind = draw.choice(list(POISONS))
    for name, value in POISONS[kind](draw).items():
        there: Any = fields.get(name)
        both = isinstance(there, tuple) and isinstance(value, tuple) and draw.randrange(2)
        fields[name] = (*there, *value) if both else value
    return kind

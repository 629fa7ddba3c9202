"""The oracle of the kill test: what must have been credited, from the bank's own notes alone.

A program of the standard library with its own arithmetic: what must be it computes from the notes
that load.py wrote and from nothing else; with that it compares what the auditor found credited.

`oracle.py NOTES [CREDITED]`, where CREDITED is `{purchase: [[user, points]]}`, prints `{"users":
{user: [least, most]}, "waiting_most": n, "counts": {…}, "faults": [text with its history]}`.

Rules:
- acknowledged (200 or 202) is taken, once, whatever came before and after;
- an attempt whose answer was lost, or was 503, may have been taken; if no later one says so, nobody
  knows, and the interval from nothing to all is right;
- points = floor(cents that earn x rate / 10000), where refunds in full or in part take cents off the
  purchase before the cap does, in whatever order they came (interface.md 1, 6).
Source: issue 2, "Must show", second line; interface.md 1, 4, 6; spec.md X16, X19, X24.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TAKEN = {"202 accepted", "202 parked"}
DUPLICATE = "200 duplicate"
UNKNOWN = {"lost", "left", "503 OVERLOADED", "503 STORAGE_UNAVAILABLE"}
NOTHING = "unreached"
FAULTS_MAX = 5

Credited = dict[str, list[tuple[str, int]]]
"""By purchase: whom it was credited to, with points less those taken back."""


@dataclass
class Body:
    """One body that was sent under an id."""

    user: str
    amount: int
    rate: int
    cap: int | None
    refunds: str
    outcomes: Counter[str] = field(default_factory=Counter[str])

    @property
    def uncertain(self) -> bool:
        """Whether an attempt with it may have been taken without an answer."""
        return any(self.outcomes[outcome] for outcome in UNKNOWN)

    def points(self, refunded: int) -> int:
        """Points that it is worth after refunds of so many cents."""
        left = max(0, self.amount - refunded)
        eligible = left if self.cap is None else min(left, self.cap)
        return eligible * self.rate // 10_000


@dataclass
class Fate:
    """What became of an id: the bodies of which one may have been taken, and whether one was."""

    bodies: list[Body]
    certain: bool


def read(lines: Iterable[str]) -> dict[str, dict[int, Body]]:
    """The bodies by id and variant, each with the outcomes of its attempts."""
    found: dict[str, dict[int, Body]] = defaultdict(dict)
    for line in lines:
        note: dict[str, Any] = json.loads(line)
        bodies = found[note["id"]]
        if "outcome" in note:
            bodies[note["variant"]].outcomes[note["outcome"]] += 1
        elif note["variant"] not in bodies:
            keys = ("user", "amount", "rate", "cap", "refunds")
            bodies[note["variant"]] = Body(*(note[key] for key in keys))
    return found


def fate(name: str, bodies: list[Body], faults: list[str]) -> Fate:
    """What became of an id; what cannot be is a fault."""
    allowed = TAKEN | UNKNOWN | {DUPLICATE, NOTHING}
    strange = {outcome for body in bodies for outcome in body.outcomes if outcome not in allowed}
    if strange:
        faults.append(f"{name}: answered {sorted(strange)}")
    taken = [body for body in bodies if any(body.outcomes[one] for one in TAKEN)]
    if sum(body.outcomes[one] for body in bodies for one in TAKEN) > 1:
        faults.append(f"{name}: accepted twice")
    if taken:
        return Fate(taken, certain=True)
    uncertain = [body for body in bodies if body.uncertain]
    duplicate = any(body.outcomes[DUPLICATE] for body in bodies)
    if duplicate and not uncertain:
        faults.append(f"{name}: a duplicate of nothing")
    return Fate(uncertain, certain=duplicate)


def refunded(fates: dict[str, Fate]) -> dict[str, tuple[int, int]]:
    """Cents taken back from each purchase: at least, at most."""
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for one in fates.values():
        if one.bodies and one.bodies[0].refunds:
            body = one.bodies[0]
            most[body.refunds] += body.amount
            least[body.refunds] += body.amount if one.certain else 0
    return {purchase: (least[purchase], most[purchase]) for purchase in most}


def judge(notes: list[str], credited: Credited | None) -> dict[str, Any]:
    """All that the notes tell, and where what was found differs from it."""
    faults: list[str] = []
    found = read(notes)
    fates = {name: fate(name, list(bodies.values()), faults) for name, bodies in found.items()}
    back = refunded(fates)
    purchases: dict[str, Any] = {}
    users: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, one in fates.items():
        if next(iter(found[name].values())).refunds or not one.bodies:
            continue
        low, high = back.get(name, (0, 0))
        possible = [(x.user, x.points(high), x.points(low)) for x in one.bodies]
        purchases[name] = {"possible": possible, "may_be_absent": not one.certain}
        sole = one.certain and len(possible) == 1
        for user, worst, best in possible:
            users[user][0] += worst if sole else 0
            users[user][1] += best
    for name, text in differences(purchases, credited) if credited is not None else ():
        if len(faults) < FAULTS_MAX:
            faults.append(f"{name}: {text}\n" + "\n".join(history(notes, name)))
    sure = {name for name, one in fates.items() if one.certain}
    outcomes = Counter[str]()
    for bodies in found.values():
        for body in bodies.values():
            outcomes.update(body.outcomes)
    return {
        "users": users,
        "waiting_most": _waiting(fates, sure),
        "counts": _counts(found, fates, outcomes),
        "faults": faults[:FAULTS_MAX],
    }


def differences(purchases: dict[str, Any], credited: Credited) -> Iterator[tuple[str, str]]:
    """Each purchase that was not credited as it must be: its id, and how."""
    for name in sorted(set(credited) - set(purchases)):
        yield name, f"credited {credited[name]}, and nothing was bought"
    for name, one in purchases.items():
        entries = credited.get(name, [])
        possible = one["possible"]
        if len(entries) > 1:
            yield name, f"credited to two: {entries}"
        elif entries:
            user, points = entries[0]
            if not any(user == whose and low <= points <= high for whose, low, high in possible):
                yield name, f"credited {points} to {user}, expected one of {possible}"
        elif not one["may_be_absent"] and all(low for _, low, _ in possible):
            yield name, f"not credited, expected one of {possible}"


def history(notes: list[str], name: str) -> list[str]:
    """The notes on a purchase and on its refunds, in order."""
    about = [json.loads(line) for line in notes if f'"{name}"' in line]
    names = {note["id"] for note in about}
    return [line.strip() for line in notes if json.loads(line)["id"] in names]


def _waiting(fates: dict[str, Fate], sure: set[str]) -> int:
    """Refunds that may wait for ever: their purchase may never have been taken, or earned nothing."""
    count = 0
    for one in fates.values():
        if one.bodies and one.bodies[0].refunds:
            purchase = fates.get(one.bodies[0].refunds)
            settled = purchase is not None and one.bodies[0].refunds in sure
            worthless = one.bodies[0].points(0) == 0
            count += 0 if settled and not worthless else 1
    return count


def _counts(
    found: dict[str, dict[int, Body]], fates: dict[str, Fate], outcomes: Counter[str]
) -> dict[str, int]:
    attempts = outcomes.total() - outcomes[NOTHING]
    bodies = sum(len(one) for one in found.values())
    return {
        "webhooks": len(found),
        "attempts": attempts,
        "resent": attempts - bodies,
        "accepted": outcomes["202 accepted"],
        "parked": outcomes["202 parked"],
        "duplicates": outcomes[DUPLICATE],
        "unanswered": outcomes["lost"] + outcomes["left"],
        "refused_503": outcomes["503 OVERLOADED"] + outcomes["503 STORAGE_UNAVAILABLE"],
        "acknowledged": sum(one.certain for one in fates.values()),
        "unknown": sum(bool(one.bodies) and not one.certain for one in fates.values()),
    }


if __name__ == "__main__":
    written = Path(sys.argv[1]).read_text(encoding="ascii").splitlines()
    by_auditor = json.loads(Path(sys.argv[2]).read_text()) if sys.argv[2:] else None
    sys.stdout.write(json.dumps(judge(written, by_auditor)) + "\n")

"""What a client of the demo has gone through, read from the API when it is over: the last column of its table.

Rule: every word is of an answer of the daemon. What was foretold of them, and does not stand in it, is a complaint.
Source: spec.md S11, S14, S23, E3, X3, X4, X9.
"""

from datetime import datetime
from typing import Any, Final

from comptoir.engine.cli.demo_people import Asker
from comptoir.engine.cli.demo_place import ADVISOR

__all__ = ["LATE_S", "asked_again", "seen"]

LATE_S: Final = 300
"""An answer of the mainframe that takes longer is told."""
_USUAL: Final = frozenset(
    ("base", "documents_valid", "address_verified", "no_pep_no_sanctions", "credit_high")
)
Json = dict[str, Any]


async def asked_again(client: Asker, path: str, document: Json) -> str:
    """What the client reads of a document that was not accepted: why, and whether anything else is asked for."""
    codes = ", ".join(str(one["code"]) for one in document["reasons"])
    file: Json = await client.get(path)
    sent = {one["docType"] for one in file["documents"]} - {document["docType"]}
    others = sorted(sent.intersection(file["missing"]))
    alone = "alone again" if not others else f"again, and {', '.join(others)}"
    return f"{document['docType']} {alone}: {codes}"


async def seen(advisor: Asker, compliance: Asker, path: str) -> list[str]:
    """How a file came to where it is, in the order in which it did."""
    shown: Json = await compliance.get(path)
    moves: list[Json] = (await compliance.get(f"{path}/history"))["items"]
    told: Json = await compliance.get(f"{path}/kyc")
    found = [] if moves[-1]["actor"] == ADVISOR else ["a partner began"]
    found += _decided(told, held=any(one["to"] == "COMPLIANCE_HOLD" for one in moves))
    signature = shown["signature"]
    if signature is not None and signature["round"] > 1:
        found.append(f"signed at try {signature['round']}")
    account = (await advisor.get(path))["account"]
    if account is not None and account["answeredAt"] is not None:
        asked, answered = (datetime.fromisoformat(account[x]) for x in ("askedAt", "answeredAt"))
        minutes = (answered - asked).total_seconds() / 60
        if 60 * minutes > LATE_S:
            found.append(f"the mainframe after {minutes:.0f} min")
    return found


def _decided(told: Json, *, held: bool) -> list[str]:
    case: Json = told.get("case") or {}
    if not case:
        return ["not assessed"]
    ours = "none" if case["computedScore"] is None else case["computedScore"]
    unusual = [one["factor"] for one in told["factors"] if one["factor"] not in _USUAL]
    why = ", ".join(dict.fromkeys([*case["reasons"], *case["disagreements"], *unusual]))
    scores = f"{case['kycScore']} points, ours {ours}"
    return [
        f"{scores} ({why})" if why else scores,
        f"{'held, then ' if held else ''}by {case['decidedBy']}",
    ]

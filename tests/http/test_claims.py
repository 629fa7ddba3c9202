"""Claims at the edge, over a daemon that answers as it is told: http/claims.py, http/matching.py."""

import json
from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest
import trio
from trio.testing import MockClock

from comptoir.actors.candidates.messages import Candidate, CandidateFound, FindCandidate
from comptoir.actors.claim.messages import (
    ClaimDescribed,
    DescribeClaim,
    OpenClaim,
    Reason,
    StateClaim,
    Verdict,
)
from comptoir.actors.claim.reasons import REASONS
from comptoir.actors.gateways.messages import Stated
from comptoir.engine import Address, Message, Refused
from comptoir.http import claims, matching, shapes_matching
from comptoir.http.operation import Access, Call
from comptoir.http.testing import FakeAnswer, FakeDaemon
from tests.actors.claiming import REPORT

KEPT = Candidate(REPORT, "link-1", ("label reads: chez vous lyon",), 0)
CARD = "cn_" + "0" * 20
STATED = {"connectionId": CARD, "date": "2026-11-21", "amountCents": 4_200, "label": "Chez Vous"}


def call(body: object = None, user: str | None = "u1", **query: str) -> Call:
    """A request of somebody."""
    raw = b"" if body is None else json.dumps(body).encode()
    asked = {name: [value] for name, value in query.items()}
    return Call("abcdefgh", {}, asked, "application/json", raw, Access(user))


class Keeping(FakeDaemon):
    """A daemon that keeps one candidate of u1, or none."""

    def __init__(self, *, kept: bool = True) -> None:
        super().__init__()
        self.linked["u1"] = {CARD: {}}
        self.opened: list[tuple[Address, OpenClaim]] = []
        self.looked_for: list[FindCandidate] = []
        self.asked = self._as_kept
        self._kept = kept

    async def _as_kept(self, address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, FindCandidate):
            self.looked_for.append(message)
            if self._kept and address.key == "u1":
                return FakeAnswer(CandidateFound(KEPT))
        if isinstance(message, OpenClaim):
            self.opened.append((address, message))
            report = None if message.claimed is None else message.claimed.report
            status = "answered" if report is None else "open"
            return FakeAnswer(
                ClaimDescribed(status, message.user_id, message.verdict, message.trace, 0, report)
            )
        return self.quiet_answer(address, message)


def body_of(answer: Any) -> dict[str, Any]:
    """The body of an answer."""
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def test_one_purchase_is_one_claim() -> None:
    """E9: by its id and as its person reads it, it is the same claim; of another person it would be another."""
    daemon = Keeping()
    by_id = body_of(await claims.ask(daemon, call({"transactionId": "tx9"})))
    stated = body_of(await claims.ask(daemon, call(STATED)))
    assert by_id["claimId"] == stated["claimId"]
    assert (by_id["verdict"], by_id["status"]) == ("not_matched", "open")
    assert daemon.looked_for[1] == FindCandidate("", CARD, "2026-11-21", 4_200, "Chez Vous")
    assert {address.key for address, _ in daemon.opened} == {by_id["claimId"]}


class Asking(Keeping):
    """A daemon that keeps nothing: a claim waits until its provider has said something."""

    def __init__(self) -> None:
        super().__init__(kept=False)
        self.stated: list[tuple[str, StateClaim]] = []
        self.described: dict[str, ClaimDescribed] = {}
        self.asked = self._as_asked

    async def _as_asked(self, address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, StateClaim):
            self.stated.append((address.key, message))
            waits = ClaimDescribed(
                "waiting", "u1", Verdict.SEARCHED, message.trace, 0, because=Reason.SEARCHING
            )
            return FakeAnswer(self.described.setdefault(address.key, waits))
        if isinstance(message, DescribeClaim):
            if address.key not in self.described:
                raise Refused("NOT_FOUND", "there is none")
            return FakeAnswer(self.described[address.key])
        return await self._as_kept(address, message)

    def decide(self, claim_id: str, **changes: Any) -> None:
        """Something was decided of a claim."""
        self.described[claim_id] = msgspec.structs.replace(self.described[claim_id], **changes)
        self.moves.moved(claim_id)


async def test_what_is_stated_and_not_kept_is_asked_of_its_provider(
    autojump_clock: MockClock,
) -> None:
    """X23: the claim waits, with how such a label is matched now and what its person is to do; the same is the same
    claim, whatever case and accents, and another amount is another.
    """
    del autojump_clock
    daemon = Asking()
    first = body_of(await claims.ask(daemon, call(STATED)))
    assert (first["verdict"], first["status"], first["purchase"]) == ("searched", "waiting", None)
    assert first["trace"] == ["label reads: Chez Vous"]
    assert first["because"]["code"] == "SEARCHING"
    assert set(first["because"]["userAction"]) == {"fr", "en"}
    again = body_of(await claims.ask(daemon, call({**STATED, "label": "CHÉZ VOUS"})))
    other = body_of(await claims.ask(daemon, call({**STATED, "amountCents": 4_201})))
    assert (first["claimId"] == again["claimId"], first["claimId"] == other["claimId"]) == (
        True, False,
    )  # fmt: skip
    assert daemon.stated[0][1] == StateClaim(
        "u1", CARD, Stated("2026-11-21", 4_200, "Chez Vous"), ("label reads: Chez Vous",)
    )


async def test_an_answer_is_waited_for(autojump_clock: MockClock) -> None:
    """X23: what the provider says within a moment is the answer of the very request."""
    del autojump_clock
    daemon = Asking()

    async def provider() -> None:
        await trio.sleep(claims.WAIT_S / 2)
        daemon.decide(
            daemon.stated[0][0],
            status="answered",
            verdict=Verdict.NOT_FOUND,
            because=Reason.NOT_AT_BANK,
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(provider)
        answered = body_of(await claims.ask(daemon, call(STATED)))
    assert (answered["status"], answered["verdict"]) == ("answered", "not_found")
    assert answered["because"]["code"] == "NOT_AT_BANK"


async def test_what_is_found_goes_on_as_the_claim_of_its_purchase(
    autojump_clock: MockClock,
) -> None:
    """X23, E9: by either id it is that claim; while that is not there yet, it waits."""
    del autojump_clock
    daemon = Asking()
    asked = body_of(await claims.ask(daemon, call(STATED)))["claimId"]
    ours = "clm_" + "5" * 20
    daemon.decide(asked, status="found", verdict=Verdict.FETCHED, because=None, claim=ours)
    assert body_of(await claims.ask(daemon, call(STATED)))["status"] == "waiting"
    daemon.described[ours] = ClaimDescribed(
        "open", "u1", Verdict.FETCHED, ("no partner's name",), 0, REPORT
    )
    shown = await claims.shown(daemon, replace(call(), path={"claimId": asked}))
    assert (body_of(shown)["claimId"], body_of(shown)["status"]) == (ours, "open")
    assert body_of(await claims.ask(daemon, call(STATED)))["claimId"] == ours


def test_every_reason_says_what_to_do() -> None:
    """X23, S66: in French and in English; the description names each, and each verdict."""
    assert set(REASONS) == set(Reason)
    assert all(told.fr and told.en for told in REASONS.values())
    assert get_args(shapes_matching.ReasonName) == tuple(Reason)
    assert set(get_args(shapes_matching.VerdictName)) == set(Verdict)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("received", Verdict.PENDING),
        ("credited", Verdict.CREDITED),
        ("pending", Verdict.PENDING),
        ("refunded", Verdict.REFUNDED),
        ("ignored", Verdict.IGNORED),
    ],
)
async def test_every_status_has_its_verdict(status: str, verdict: Verdict) -> None:
    """E9, interface.md 7: whatever a transaction is, its person is told."""
    daemon = Keeping()
    daemon.transactions["t"] = {"userId": "u1", "status": status, "trace": ["why"]}
    answered = body_of(await claims.ask(daemon, call({"transactionId": "t"})))
    assert (answered["verdict"], answered["trace"]) == (verdict.value, ["why"])


async def test_without_accounts_the_person_is_named() -> None:
    """Interface.md 3 (auth.mode): where nobody has an account, userId says whose purchase it is."""
    daemon = Keeping()
    named = await claims.ask(daemon, call({"transactionId": "tx9", "userId": "u1"}, None))
    assert named.status == 201
    unnamed = await claims.ask(daemon, call({"transactionId": "tx9"}, None))
    assert (unnamed.status, body_of(unnamed)["errors"][0]) == (
        422,
        {
            "pointer": "/userId",
            "code": "FIELD_MISSING",
            "detail": "whose purchase it is, where nobody has an account",
        },
    )
    unknown = await claims.ask(daemon, call({"transactionId": "tx9", "userId": "u2"}, None))
    assert unknown.status == 404


@pytest.mark.parametrize("cursor", ["x", "", "czF6Og", "czFtOg==", "czFtOgA"])
async def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    """Interface.md 1: a cursor that is none of ours, in each list that has one."""
    daemon = Keeping()
    for operation in (matching.purchases, matching.partners, matching.cases, claims.listed):
        answer = await operation(daemon, call(cursor=cursor))
        assert (answer.status, body_of(answer)["errors"][0]["pointer"]) == (422, "/query/cursor")


class Full(FakeDaemon):
    """A daemon with purchases, and candidates of two people."""

    async def matched_purchases(self, after: str, limit: int) -> Any:
        """Three, in pages."""
        keys = [key for key in ("a", "b", "c") if key > after][:limit]
        documents = [
            {
                "merchant_name": f"SHOP {key} 4970123456789012",
                "date": "2026-11-21",
                "partner_id": "p1",
            }
            for key in keys
        ]
        return (keys[-1] if keys else None), documents

    async def candidates(self, after: str, users: int) -> Any:
        """One of each person."""
        people = [one for one in ("u2", "u:1") if one > after][:users]
        return (people[-1] if people else None), [KEPT for _ in people]


async def test_a_backtest_reads_everything_once() -> None:
    """E9, X23, S58: first what was matched, then what is kept; no person, no amount, no card number."""
    daemon, cursor, seen = Full(), "", list[dict[str, Any]]()
    while True:
        page = body_of(
            await matching.purchases(
                daemon, call(limit="2", **({"cursor": cursor} if cursor else {}))
            )
        )
        seen += page["items"]
        if page["nextCursor"] is None:
            break
        cursor = page["nextCursor"]
    assert [one["label"] for one in seen] == [
        "SHOP a (number)", "SHOP b (number)", "SHOP c (number)", "CHEZ VOUS LYON", "CHEZ VOUS LYON",
    ]  # fmt: skip
    assert [one["partnerId"] for one in seen] == ["p1", "p1", "p1", None, None]
    assert set(seen[0]) == {"label", "mcc", "city", "country", "date", "partnerId", "claimed"}

"""The API called by its own description, rightly and wrongly, by a program that knows nothing else.

Rule: schemathesis runs as a process of its own (fuzz_runs.py), over a socket, with a fixed seed, for each kind
of caller; every check that it has must hold: no 5xx, no status, header or body that is not described,
what is invalid refused, what is valid taken, what needs a token refused without one. It is told what
no schema says: ids and cursors that exist, and amounts; and it is not to expect that any CSV, any cursor, any time,
any currency of three letters or any name that cannot be shown is right, nor that a webhook is wrong without
the signature that our hook puts back (tests/http/test_payloads.py has its bodies). What takes no token is
called by one caller only; what a caller may not do at all is called in `make soak`, since whatever is sent they hear
the same 403 (tests/http/test_policy.py asks for each of them).
Source: interface.md 1; the documentation of schemathesis 4; spec.md S34, S73.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import trio
from structlog.testing import capture_logs

from comptoir.engine.settings import Http, Settings
from comptoir.http.identity.opening import Identity
from comptoir.http.operation import Door
from comptoir.http.operations import OPERATIONS
from comptoir.http.principal import Role
from comptoir.http.queries import cursor
from comptoir.http.server import Shared, serve
from comptoir.http.testing import FakeAuthenticator, FakeDaemon
from tests.http.access import CALLERS, OTHER, SELF
from tests.orders import Orders, starting

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 240.0
"""Far from what a run takes (half a minute alone, eight times that on a machine that does much other work): it only
ends one that hangs, before the suite itself would (pyproject.toml, faulthandler_timeout)."""
EXAMPLES, EXAMPLES_FEW = 8, 2
"""Of each operation; few where its answers by caller are proven elsewhere (tests/http/test_policy.py)."""
WHOLE = "CLIENT"
"""Who calls every operation, also with every bound of every schema (the phase `coverage`), in parts: with all of
them one run would be longer than it may be on a machine that does other work."""
READERS = {"CLIENT", "COMPLIANCE", "OPERATIONS"}
PROPOSERS = {"ADMIN", "OPERATIONS"}
LED = READERS | PROPOSERS
"""Who finds something that leads on."""
CHANCE = ["--phases", "fuzzing,stateful"]
TOKENS = [one for one in OPERATIONS if one.door is Door.TOKEN]
FILING = (
    "withdrawals", "payouts", "points", "onboarding", "notices", "review", "screening", "events",
)  # fmt: skip
"""Tags of what nothing leads to or from."""
BROAD = ("changeProfile", "submitClient")
"""What has so many fields that every bound of each would be as long as everything else: called by chance alone."""
DOORS = ("tokens", "portal", "sessions", "webhooks")
"""Tags of how people and senders come in."""
BANKING = (
    "linking",
    "cashback",
    "partners",
    "claims",
    "points",
    "withdrawals",
    "payouts",
    "notices",
)
"""Tags of what customers of the bank flow, and whoever serves them, do."""
NAMED = {one.id for one in OPERATIONS if one.tag in (*DOORS, *BANKING)} | set(BROAD)
PARTS: Mapping[str, Sequence[str]] = {
    "doors": [arg for tag in DOORS for arg in ("--include-tag", tag)],
    "banking": [arg for tag in BANKING for arg in ("--include-tag", tag)],
    "other": [*(f"--exclude-operation-id={name}" for name in sorted(NAMED))],
    "broad": [*(f"--include-operation-id={name}" for name in BROAD), "--phases", "fuzzing"],
    "money": ["--include-tag", "cashback", *CHANCE],
    "filing": [*(f"--include-operation-id={one.id}" for one in TOKENS if one.tag in FILING), *CHANCE],
    "access": [
        *(f"--include-operation-id={one.id}" for one in TOKENS if one.tag not in ("cashback", *FILING)),
        *CHANCE,
    ],
    "tokens": [*(f"--include-operation-id={one.id}" for one in TOKENS), *CHANCE],
}  # fmt: skip
"""What is called by whom: the others call all that takes a token, by chance and in sequence, since with
everything it would be two minutes. Who may read is led from answer to answer, and so calls in parts:
among all operations eight examples need not come by a link."""
EVERYTHING = [
    (name, part, EXAMPLES)
    for name in CALLERS
    for part in (
        ["doors", "banking", "other", "broad"]
        if name == WHOLE
        else ["money", "filing", "access"]
        if name in LED
        else ["tokens"]
    )
]
"""Of `make soak`."""
RUNS = [
    *(run for run in EVERYTHING if run[0] == WHOLE),
    ("COMPLIANCE", "money", EXAMPLES),
    ("OPERATIONS", "access", EXAMPLES),
    *((name, "tokens", EXAMPLES_FEW) for name in CALLERS if name not in ("nobody", WHOLE)),
]
"""Of `make test`: one caller whole, one led from what it reads, one from what it proposes, and everybody who may
do anything with few examples of what they may."""
TIME = "2025-11-24T14:30:00.000Z"
BALANCE = {"available": 950, "pending": 0, "blocked": 0, "shortfall": 0}
CONFIGURATION = f"""
hooks = "{ROOT}/tests/http/fuzz_signs.py"

[dictionaries.users]
values = ["{SELF}", "{OTHER}", "u-never-seen"]

[dictionaries.transactions]
values = ["tx-{SELF}", "tx-{OTHER}", "tx-never-seen"]

[dictionaries.cursors]
values = ["{cursor(1)}", "{cursor(4)}", "{cursor(2**63 - 1)}"]

[dictionaries.amounts]
values = [0, 1, 9.5, 100.25, 99999999.99]

[dictionaries.currencies]
values = ["EUR", "USD", "XTS"]

[parameters]
"query.cursor" = {{ dictionary = "cursors", probability = 0.8 }}
"body.data.amount" = {{ dictionary = "amounts", probability = 0.8 }}
"body.data.currency" = {{ dictionary = "currencies", probability = 0.8 }}
"path.userId" = {{ dictionary = "users", probability = 0.5 }}
"path.transactionId" = {{ dictionary = "transactions", probability = 0.5 }}

[[operations]]
include-operation-id = [
    "importFile", "listEntries", "startLink", "completeLink", "renewConsent", "listConnections",
    "returnFromBank", "getConnection", "putPartner", "listPartners", "getPartner", "listPartnerChanges", "inviteStaff",
    "registerClient", "listStaff", "removeStaff", "erasePerson", "listApprovals",
    "listDeadLetters", "replayDeadLetters", "discardDeadLetter", "signOutPerson",
    "claimCashback", "listClaims", "refuseClaim", "listMatchCases", "listMatchedPartners",
    "listMatchedPurchases", "quoteWithdrawal", "withdrawPoints", "listWithdrawals", "listOverduePayouts", "listReconciliations", "settleWithdrawal", "listAccounts", "settleAccount", "initiateOnboarding", "addDocument", "signContract", "changeProfile", "submitClient",
    "listDecisions",
    "listBatches", "getBatch", "rejectBatch", "takeBankReport", "adjustPoints", "listAdjustments",
    "listOnboardings", "listSubmissions", "listReviews", "noteReview", "snoozeReview", "decideReview", "approveOnboarding",
    "getStatement", "getProvenance", "searchWatchLists", "registerEndpoint", "changeEndpoint", "replayEvents",
    "registerDevice", "listDevices", "removeDevice", "getPreferences", "putPreferences", "putContact", "confirmContact",
    "removeContact",
]
checks.positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = [
    "receiveBankingWebhook", "receivePowensWebhook", "receivePlaidWebhook", "receiveTinkWebhook", "receiveKycWebhook",
    "receiveDocusignWebhook",
    "uploadDocument", "getToken", "revokeToken", "authorize", "signIn", "signOut",
    "getEnrolment", "enrol", "confirmEnrolment", "beginPortalSession", "renewPortalCode",
    "confirmPortalSession", "getPortalLink", "usePortalLink", "typePortalCode", "wantPortalCode",
    "wantPortalLink", "wantPortalLinkByForm", "getFilePage", "completeFileByForm",
    "getContractPage", "wantSigningCode", "signContractByForm", "declineContractByForm", "sendSignerByForm", "verifyDocument",
    "consent", "getConsents", "withdrawConsent", "getSessions", "endSessionsByForm",
]
checks.positive_data_acceptance.enabled = false
checks.negative_data_rejection.enabled = false
"""


class Populous(FakeDaemon):
    """Half of all ids are of somebody, and all that is shown of them is whole."""

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Its clock stands still, so that what is signed stays in time."""
        return self.now + int(seconds * 1000) % 86_400_000, 0

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """A wallet."""
        if not _is_somebody(user_id):
            return None
        tier = {"id": "base", "name": "Base", "multiplierBp": 10_000, "next": None}
        return {
            "userId": user_id, "balance": BALANCE, "valueCents": 950, "currency": "EUR",
            "tier": tier, "expiring": [], "version": 3, "updatedAt": TIME,
        }  # fmt: skip

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """A history of seven changes."""
        if not _is_somebody(user_id):
            return []
        last = 7 if before is None else min(7, before - 1)
        return [(number, _entry(number, user_id)) for number in range(last, 0, -1)][:limit]

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """A purchase."""
        owner = transaction_id.removeprefix("tx-")
        if not _is_somebody(owner):
            return None
        return {
            "transactionId": transaction_id, "provider": "seed", "userId": owner,
            "status": "credited", "amountCents": 1234, "currency": "EUR", "direction": "DEBIT",
            "date": "2025-11-24", "merchantName": "LE BISTROT", "partnerId": "p1", "points": 61,
            "trace": ["matched"], "receivedAt": TIME, "creditedAt": None,
        }  # fmt: skip


def _is_somebody(user_id: str) -> bool:
    """Whether anybody has this id."""
    return user_id in (SELF, OTHER) or crc32(user_id.encode("utf-8", "surrogatepass")) % 2 == 0


def _entry(number: int, user_id: str) -> dict[str, Any]:
    """One change."""
    return {
        "entryId": str(number), "kind": "credit", "points": 61, "balanceAfter": BALANCE,
        "lotId": str(number), "transactionId": f"tx-{user_id}", "withdrawalId": None,
        "occurredAt": TIME,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No line of log for each of some thousand refusals."""
    with capture_logs():
        yield


class Runs:
    """Runs schemathesis."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def run(self, arguments: Sequence[str], folder: Path) -> tuple[int, str]:
        """Its exit status, and what it printed."""
        output = folder / "output"
        order = {"arguments": arguments, "folder": str(folder), "output": str(output)}
        status = await trio.to_thread.run_sync(self._orders.give, order, abandon_on_cancel=True)
        return status, output.read_text()


@pytest.fixture(scope="module")
def schemathesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """What runs it; whatever runs too long is ended with it."""
    with starting("tests.http.fuzz_runs", tmp_path_factory.mktemp("schemathesis")) as orders:
        yield Runs(orders)


def _refused(name: str) -> list[str]:
    """What a caller may not do."""
    return [
        f"--exclude-operation-id={one.id}"
        for one in TOKENS
        if not (one.scopes if name == "service" else Role(name) in one.grants)
    ]


def _named(run: tuple[str, str, int]) -> str:
    return f"{run[0]}-{run[1]}"


@pytest.mark.parametrize("run", RUNS, ids=_named)
async def test_nothing_is_answered_that_is_not_described(
    run: tuple[str, str, int], tmp_path: Path, identity: Identity, schemathesis: Runs
) -> None:
    """S34, S73: for each kind of caller, with valid and invalid requests, alone and in sequence."""
    await _hold_described(run, tmp_path, identity, schemathesis, _refused(run[0]))


@pytest.mark.soak
@pytest.mark.skipif(
    "TESTS_SOAK_SECONDS" not in os.environ, reason="make soak calls all as everybody"
)
@pytest.mark.parametrize("run", EVERYTHING, ids=_named)
async def test_everybody_is_answered_as_described(
    run: tuple[str, str, int], tmp_path: Path, identity: Identity, schemathesis: Runs
) -> None:
    """S34, S73: the same with as many examples for every caller, in all parts, and of what they may not do."""
    await _hold_described(run, tmp_path, identity, schemathesis)


async def _hold_described(
    run: tuple[str, str, int],
    folder: Path,
    identity: Identity,
    schemathesis: Runs,
    left_out: Sequence[str] = (),
) -> None:
    """One run, in which every check held; and was led where it can be."""
    name, part, examples = run
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    caller = CALLERS[name]
    async with trio.open_nursery() as nursery:
        daemon = Populous(loopback_only=False, clock_manual=True)
        daemon.identity = identity
        daemon.forgets = True
        shared = Shared(authenticator=FakeAuthenticator())
        start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
        listening = await nursery.start(start)
        arguments = [
            "--config-file", str(configuration), "run", f"{listening.url}/api/v1/openapi.json",
            "--seed", "20251124", "--max-examples", str(examples), "--no-color", "--no-shrink",
            "--generation-database", "none",
            *([] if caller is None else ["--header", f"Authorization: {caller}"]),
            *PARTS[part], *(one for one in left_out if one not in PARTS[part]),
        ]  # fmt: skip
        with trio.fail_after(SECONDS_MAX):
            status, told = await schemathesis.run(arguments, folder)
        nursery.cancel_scope.cancel()
    assert status == 0, told
    followed = re.search(r"API Links: +([1-9]) covered", told) is not None
    if part in ("money", "access"):
        # From a proposal to what became of it, for those who propose.
        led = name in (READERS if part == "money" else PROPOSERS)
        assert followed == led, "links are followed from what is found"
    assert (("accepted", "") in daemon.counts) == (part == "doors"), "signed and right, some were"

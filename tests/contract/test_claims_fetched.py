"""A claim about a purchase that nobody has kept: the provider is asked, whichever of the four it is (X23).

Rule: daemon and sandbox are processes of their own; what the bank has was told by no webhook, and the readings that
would find it (E6) are off, so that nothing but the claim brings it.
Source: interface.md 7 (`POST /api/v1/claims`); docs/adr/0038; spec.md X16, X18, X23, S57, S60, S65, E6, E9.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.letters import Somebody
from tests.contract.shopping import PROVIDERS, Shopper, serve

Start = Callable[..., Process]
Json = dict[str, Any]
CLAIMS = "/api/v1/claims"
LABEL = "SARL DUPONT BREST"


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """All four."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows them, and looks a second after a breaker has opened whether a party is back."""
    return serve(
        comptoir_daemon_shared,
        sandbox,
        COMPTOIR_CONNECTIONS__HEAL_HOURS="0",
        COMPTOIR_BREAKERS__DEFAULT__ERRORS="3",
        COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S="1",
        COMPTOIR_BREAKERS__POWENS__ERRORS="3",
        COMPTOIR_BREAKERS__POWENS__RECOVERY_S="1",
    )


@pytest.fixture(autouse=True)
def healed(sandbox: Process) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.request("DELETE", "/control/faults")


class Claimant(Shopper):
    """A shopper who reads their statement."""

    def __init__(self, daemon: Process, sandbox: Process, provider: str) -> None:
        super().__init__(daemon, sandbox, provider)
        self.until_linked()
        self.eva = Somebody.of(daemon, "eva", "OPERATIONS")
        (mine,) = self.person.ask("GET", "/api/v1/connections").json()["items"]
        self.id = str(mine["id"])

    def state(self, label: str = LABEL, cents: int = 1000, day: str = "") -> Json:
        """They ask why it gave nothing."""
        stated = {
            "connectionId": self.id, "date": day or self.today(), "amountCents": cents, "label": label,
        }  # fmt: skip
        answer = self.person.ask("POST", CLAIMS, stated)
        assert answer.status == 201, answer
        body: Json = answer.json()
        return body

    def claim(self, claim_id: str) -> Json:
        """How it stands."""
        answer = self.person.ask("GET", f"{CLAIMS}/{claim_id}")
        assert answer.status == 200, answer
        body: Json = answer.json()
        return body

    def grant(self, claim_id: str) -> None:
        """Somebody of operations says that it was our partner's."""
        answer = self.eva.ask("POST", f"{CLAIMS}/{claim_id}/grant", {"partnerId": "chez"})
        assert (answer.status, answer.json()["status"]) == (200, "granted"), answer

    def sync(self) -> None:
        """All that was missed is read."""
        assert self.person.ask("POST", f"/api/v1/connections/{self.id}/sync").status == 202
        self.settled()

    def down(self) -> None:
        """The provider answers nothing any more."""
        rows = [{"party": self.provider, "operation": "*", "fault": "status", "status": 503}]
        answer = self.sandbox.request("PUT", "/control/faults", json.dumps(rows).encode())
        assert answer.status == 200, answer

    def parked(self) -> int:
        """Calls that wait for the provider to come back."""
        found = self.eva.got("/api/v1/parking")["items"]
        return next(
            int(one["parked"]) for one in found if one["gateway"] == f"bank_{self.provider}"
        )


@pytest.fixture(params=PROVIDERS)
def claimant(daemon: Process, sandbox: Process, request: pytest.FixtureRequest) -> Claimant:
    """Somebody new, at each provider."""
    return Claimant(daemon, sandbox, str(request.param))


def test_what_nobody_kept_is_fetched_granted_and_credited_once(claimant: Claimant) -> None:
    """X23, X16, E9: the purchase that is stated becomes a claim with its trace, one however it is worded; granted, it is
    credited once, whatever is read afterwards; of what else the bank has nothing came with it.
    """
    bought = claimant.stock(LABEL)
    claimant.stock("CAFE DES ARTS BREST")
    claim = claimant.state()
    assert (claim["status"], claim["verdict"], claim["because"]) == ("open", "fetched", None)
    assert claim["trace"][-1] == "no partner's name begins the label"
    purchase = claim["purchase"]
    assert (purchase["transactionId"], purchase["merchantName"], purchase["amountCents"]) == (
        bought, LABEL, 1000,
    )  # fmt: skip
    assert claimant.state("Dupont")["claimId"] == claim["claimId"]
    waits = claimant.eva.got(f"{CLAIMS}?limit=500")["items"]
    assert [one["claimId"] for one in waits if one["userId"] == claimant.person.name] == [
        claim["claimId"]
    ]
    claimant.grant(claim["claimId"])
    assert claimant.points() == 50
    claimant.sync()
    assert claimant.points() == 50
    seen = claimant.person.ask("GET", f"/api/v1/transactions/{bought}").json()
    assert (seen["status"], seen["partnerId"]) == ("credited", "chez")
    assert claimant.state()["status"] == "granted"


def test_a_partners_purchase_of_which_no_webhook_told(claimant: Claimant) -> None:
    """X23, X16, E6, E9: what is a partner's by its label is credited at once, under the key of its webhook: a reading that
    finds it changes nothing, and asked again it is known.
    """
    bought = claimant.stock("CB CHEZ NOUS BREST")
    answered = claimant.state("Chez Nous")
    assert (answered["status"], answered["verdict"]) == ("answered", "credited")
    assert answered["trace"][-1] == "longest name 'chez nous': partner chez"
    assert claimant.points() == 50
    claimant.sync()
    assert claimant.points() == 50
    assert claimant.person.ask("GET", f"/api/v1/transactions/{bought}").json()["points"] == 50
    assert claimant.state("CB CHEZ NOUS BREST")["verdict"] == "credited"


def test_what_is_on_record_is_the_answer(claimant: Claimant) -> None:
    """E9: a purchase that was told and credited is answered with its trace, and waits for nobody."""
    claimant.buy()
    assert claimant.points() == 50
    answered = claimant.state("CHEZ NOUS")
    assert (answered["status"], answered["verdict"], answered["purchase"]) == (
        "answered", "credited", None,
    )  # fmt: skip
    assert claimant.points() == 50


def test_what_the_bank_has_not(claimant: Claimant) -> None:
    """X23: another amount, another merchant, another week: an answer of its own, with what to do."""
    claimant.stock(LABEL)
    for stated in (
        claimant.state(cents=1001), claimant.state("CAFE DES ARTS BREST"), claimant.state(day=claimant.today(6)),
    ):  # fmt: skip
        assert (stated["status"], stated["verdict"]) == ("answered", "not_found")
        assert stated["because"]["code"] == "NOT_AT_BANK"
        assert all(stated["because"]["userAction"][language] for language in ("fr", "en"))
        assert stated["purchase"] is None


def test_a_day_or_two_apart(claimant: Claimant) -> None:
    """X23: a statement that shows the day of the booking means the same purchase."""
    bought = claimant.stock(LABEL, booked=2)
    claim = claimant.state(day=claimant.today(2))
    assert (claim["status"], claim["purchase"]["transactionId"]) == ("open", bought)


@pytest.mark.parametrize("killed", [False, True], ids=["away", "away_and_killed"])
def test_a_provider_that_is_down_for_ten_minutes(claimant: Claimant, *, killed: bool) -> None:
    """X18, X23, S65: the claim waits and says so, through a SIGKILL of ours too; when the provider is back it goes on by
    itself, and is granted and credited once.
    """
    claimant.stock(LABEL)
    claimant.down()
    day = claimant.today()  # which may be over before the provider is back
    claim = claimant.state(day=day)
    assert (claim["status"], claim["verdict"], claim["purchase"]) == ("waiting", "searched", None)
    assert claim["because"]["code"] == "SEARCHING"
    assert all(claim["because"]["userAction"][language] for language in ("fr", "en"))
    for _ in range(20):
        claimant.later(30)
        claimant.settled()
    eventually(lambda: claimant.parked() == 1, 10)
    if killed:
        claimant.daemon.kill()
        claimant.daemon.start()
    assert claimant.claim(claim["claimId"])["status"] == "waiting"
    assert claimant.state(day=day)["claimId"] == claim["claimId"], "asked again, it is the same"
    claimant.sandbox.request("DELETE", "/control/faults")

    def is_there() -> bool:
        claimant.later(30)
        return bool(claimant.claim(claim["claimId"])["status"] == "open")

    eventually(is_there, 60)
    found = claimant.claim(claim["claimId"])
    assert (found["verdict"], found["purchase"]["merchantName"]) == ("fetched", LABEL)
    claimant.grant(found["claimId"])
    assert claimant.points() == 50
    claimant.sync()
    assert claimant.points() == 50


def test_without_a_consent_nothing_is_asked(claimant: Claimant) -> None:
    """S60, X23: a purchase of before the link, a consent that its person has ended: the reason, and what to do."""
    before = claimant.state(day=claimant.today(-40))
    assert (before["verdict"], before["because"]["code"]) == ("not_kept", "BEFORE_LINK")
    claimant.stock(LABEL)
    revoked = claimant.person.ask("DELETE", f"/api/v1/connections/{claimant.id}")
    assert revoked.status == 202, revoked
    answered = claimant.state()
    assert (answered["status"], answered["verdict"]) == ("answered", "not_kept")
    assert answered["because"]["code"] == "CONSENT_REVOKED"
    assert answered["trace"], "how such a label is matched"


def test_after_the_consents_end(claimant: Claimant) -> None:
    """S57, X20, X23: once its time is over nothing is read; a renewal is what helps."""
    claimant.stock(LABEL)
    claimant.later(91 * 86_400)
    claimant.settled()
    answered = claimant.state()
    assert (answered["verdict"], answered["because"]["code"]) == ("not_kept", "CONSENT_LAPSED")

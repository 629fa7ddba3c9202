"""Lists that change find the clients of yesterday: continuous rescreening, over HTTP, with every party a process.

The story: four clients are approved; a list changes and has three of them, and the daemon is killed while it tells
its cases; people look; the list changes again, with and without a difference.
Rule: daemon and sandbox are processes of their own; types of clients want no documents here, since those are
tests/contract/test_scenarios.py's.
Source: issue 8, deliver 3 ("continuous rescreening of all clients when a list changes; cleared-hit memory"); spec.md S1,
S7, S11, S16, S21, S27, X3, X5, E4, E14; docs/screening.md.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, to_people
from tests.contract.opening import PROFILE, approves, signs, to_accounts
from tests.contract.scene import Scene
from tests.contract.test_conventions import is_problem

Json = dict[str, Any]
SECONDS_MAX = 180.0
"""The child that reads and searches gives way to everything else (nice)."""
TEAM = "kyc@bank.example"
PLAIN = {"documents": [], "needs": ["national_id"], "entity": False, "parties": [], "contract": "management-individual"}  # fmt: skip
TYPES = {
    "PLAIN": PLAIN,
    "FIRM": {
        **PLAIN, "needs": ["entity", "national_id"], "entity": True,
        "parties": [{"role": "beneficial_owner", "least": 1, "most": 3}],
    },
}  # fmt: skip
FIRM: Json = {
    **PROFILE,
    "entity": {"name": "Lilas et Cie SNC", "country": "FR", "legalForm": "SNC"},
    "parties": {
        "owner-1": {
            "role": "beneficial_owner", "firstName": "Ada", "lastName": "Quillfeather",
            "dateOfBirth": "1970-01-02", "residenceCountry": "FR", "control": "SHARES", "sharePercent": 60,
        },
    },
}  # fmt: skip
"""A company, and who owns it."""
HEADER = "id,schema,name,aliases,birth_date,countries,gender,topics\n"
NOBODY = "e0,Person,Zéphyrin Nullepart,,1931,,,sanction\n"
IVAN = "e1,Person,Ivan Sorokin,Vanya Sorokin;I. Sorokin,1961-02-03,ru,male,sanction\n"
ADA = "e2,Person,Ada Quillfeather,,1970-01-02,,female,role.pep\n"
OLGA = "e3,Person,Olga Winterhalter,,1955-05-05,,female,sanction\n"
CLEARED = {"decision": "approve", "reason": "another place of birth"}


class Bank(Scene):
    """A bank with a list of its own, two people who judge hits, and clients who were approved."""

    file_names: dict[str, str]

    def sign_in(self) -> None:
        """Everybody, and another one of compliance."""
        super().sign_in()
        self.tokens["second"] = self.daemon.token("second", "COMPLIANCE")

    def applies(self, first: str, last: str, birth: str, profile: Json, kind: str = "PLAIN") -> str:
        """Somebody comes in, says what is asked for, and is approved; the number of their file."""
        self.browser.cookies.clear()
        self.phone = f"+3361{secrets.randbelow(10**7):07d}"
        self.mail = f"{secrets.token_hex(6)}@example.org"
        who = {**self.info(), "firstName": first, "lastName": last, "dateOfBirth": birth}
        body = {**INITIATION, "clientType": kind, "clientInfo": who}
        begun = self.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
        assert begun.status == 201, begun
        self.number = begun.json()["onboardingId"]
        self.enters()
        told = self.browser.patch(f"/api/v1/onboarding/{self.number}/profile", json=profile)
        assert told.status_code == 200, told.text
        self.approved(self.number)
        return self.number

    def opens(self) -> None:
        """Whoever has come last signs, and has an account."""
        signs(self)
        self.stands(self.number, "SIGNED")
        assert approves(self).status == 200
        self.stands(self.number, "COMPLETED")

    def status(self, number: str) -> str:
        """Of a file."""
        return str(self.of(number, "onboarding").json()["status"])

    def stands(self, number: str, *statuses: str) -> None:
        """Wait until a file does."""
        self.awaits(lambda: self.status(number) in statuses)

    @staticmethod
    def awaits(what: Callable[[], bool]) -> None:
        """Wait for it."""
        eventually(what, SECONDS_MAX)

    def approved(self, number: str) -> None:
        """Nobody has checked who they are: a person has looked."""
        self.stands(number, "COMPLIANCE_HOLD")
        assert self.decides("compliance", number).json()["status"] == "approved"
        self.stands(number, "SIGNATURE_PENDING")

    def of(self, number: str, what: str, tail: str = "") -> Answered:
        """What compliance is shown of a file."""
        shown = self.by("compliance", "GET", f"/api/v1/{what}/{number}{tail}")
        assert shown.status == 200, shown
        return shown

    def decides(self, who: str, number: str) -> Answered:
        """Somebody approves what is held."""
        return self.by(who, "POST", f"/api/v1/review/{number}/decision", CLEARED)

    def review(self, number: str) -> Json:
        """Of a file."""
        found: Json = self.of(number, "review").json()
        return found

    def hits(self, number: str) -> list[Json]:
        """Whom the list may have, as compliance sees it."""
        found: list[Json] = self.of(number, "onboarding", "/kyc").json()["case"]["hits"]
        return found

    def held(self, number: str) -> int:
        """How often a file was."""
        items = self.of(number, "onboarding", "/history").json()["items"]
        return sum(one["to"] == "COMPLIANCE_HOLD" for one in items)

    def mails(self, number: str) -> int:
        """How often compliance was told that a file waits."""
        items = self.sandbox.get(f"/control/inbox?channel=mail&to={TEAM}").json()["items"]
        return sum(f"{number} : examen demandé" in json.dumps(x, ensure_ascii=False) for x in items)

    def is_told(self, number: str, times: int) -> bool:
        """Whether compliance was, at least so often."""
        return self.mails(number) >= times

    def list_shown(self) -> Json:
        """The list, as compliance sees it."""
        shown = self.by("compliance", "GET", "/api/v1/lists/own")
        assert shown.status == 200, shown
        found: Json = shown.json()
        return found

    def brings(self, *entries: str) -> str:
        """Another version of the list, which is read now; the version before."""
        before: str = self.list_shown()["version"]
        (self.folder / "own.csv").write_text(HEADER + "".join(entries))
        assert self.by("compliance", "POST", "/api/v1/lists/own/reload", {}).status == 202
        return before

    def told_all(self, before: str) -> None:
        """Every case was told of another version than that, and has searched in it."""

        def ended() -> bool:
            shown = self.list_shown()
            walk = shown["rescreening"]
            return shown["version"] not in (None, before) and bool(walk and walk["endedAt"])

        self.awaits(ended)
        assert self.daemon.post("/dev/v1/quiesce", {}).status == 200
        walk = self.list_shown()["rescreening"]
        assert (walk["version"], walk["done"]) == (self.list_shown()["version"], 4)


@pytest.fixture(scope="module")
def bank(
    comptoir_daemon_shared: Callable[..., Process],
    comptoir_sandbox_shared: Callable[..., Process],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bank]:
    """One, whose story the tests tell in their order: Marie, Ivan, a firm of Ada's, and Olga, who has an account."""
    sandbox, folder = comptoir_sandbox_shared(), tmp_path_factory.mktemp("lists")
    (folder / "own.csv").write_text(HEADER + NOBODY)
    daemon = comptoir_daemon_shared(
        **to_people(sandbox),
        **to_accounts(sandbox, folder),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_ONBOARDING__TYPES=json.dumps(TYPES),
        COMPTOIR_ONBOARDING__COMPLIANCE_EMAILS=json.dumps([TEAM]),
        COMPTOIR_SCREENING__LISTS=json.dumps([{"name": "own", "path": str(folder / "own.csv")}]),
    )
    bank = Bank(daemon, sandbox, folder)
    bank.awaits(lambda: bank.list_shown()["status"] == "ready")
    bank.file_names = {
        "marie": bank.applies("Marie", "Tremblay", "1980-05-15", PROFILE),
        "ivan": bank.applies("Ivan", "Sorokin", "1961-02-03", PROFILE),
        "firm": bank.applies("Jean", "Dupont", "1980-05-15", FIRM, "FIRM"),
        "olga": bank.applies("Olga", "Winterhalter", "1955-05-05", PROFILE),
    }
    bank.opens()
    yield bank
    bank.browser.close()


def test_a_list_that_changes_finds_each_of_its_clients_once_whatever_dies(bank: Bank) -> None:
    """S7, S11, S16, S21, S27, E4: a client, the owner of a company and a client with an account are on the new version; the
    daemon is killed as soon as it is there. Each is held and told of once, with the hit; whom the list does not have is
    left in peace, and an account stays.
    """
    before = bank.brings(NOBODY, IVAN, ADA, OLGA)
    bank.awaits(lambda: bank.list_shown()["version"] != before)  # the cases are told right after
    bank.dies()
    bank.told_all(before)
    named = bank.file_names
    for who, status, entry, party in (
        ("ivan", "COMPLIANCE_HOLD", "e1", "client"), ("firm", "COMPLIANCE_HOLD", "e2", "owner-1"),
        ("olga", "COMPLETED", "e3", "client"),
    ):  # fmt: skip
        number = named[who]
        bank.stands(number, status)
        review = bank.review(number)
        assert (review["status"], review["round"]) == ("open", 2)
        assert "NEW_HIT" in review["reasons"]
        assert review["twoPeople"] is (who != "firm"), "an office is no sanction"
        (hit,) = bank.hits(number)
        assert (hit["party"], hit["entryId"], hit["word"], hit["since"]) == (party, entry, "", [])
        # A mail that was taken and not committed before the kill is sent again.
        eventually(partial(bank.is_told, number, 2), SECONDS_MAX)
        assert bank.held(number) == (1 if who == "olga" else 2)
    assert bank.status(named["marie"]) == "SIGNATURE_PENDING"
    assert (bank.review(named["marie"])["round"], bank.hits(named["marie"])) == (1, [])


def test_two_people_clear_a_sanction_with_and_without_an_account(bank: Bank) -> None:
    """X3, X5, E14: the first word opens it for another person, who is found in the queue; whoever said it does not confirm it. An
    office takes one.
    """
    named = bank.file_names
    for who in ("ivan", "olga"):
        once = bank.decides("compliance", named[who]).json()
        assert (once["status"], once["approvedFirstBy"]) == ("open", "compliance")
        is_problem(bank.decides("compliance", named[who]), 403, "FOUR_EYES")
        waits = bank.by("second", "GET", "/api/v1/review/queue").json()["items"]
        assert named[who] in [one["onboardingId"] for one in waits]
        assert bank.hits(named[who])[0]["word"] == "", "nobody is cleared by one"
        both = bank.decides("second", named[who]).json()
        assert (both["status"], both["decidedBy"]) == ("approved", "second")
    assert bank.decides("compliance", named["firm"]).json()["status"] == "approved"
    bank.stands(named["ivan"], "SIGNATURE_PENDING")
    bank.stands(named["firm"], "SIGNATURE_PENDING")
    assert bank.status(named["olga"]) == "COMPLETED"
    words = [bank.hits(named[who])[0]["word"] for who in ("ivan", "firm", "olga")]
    assert words == ["cleared", "known", "cleared"]


def test_what_was_judged_is_silent_until_it_changes(bank: Bank) -> None:
    """S21, E4: a version with one more entry, in which the others say the same in another order, disturbs nobody; one that says
    something else of Ivan and of Olga tells of them again, with what came and what went.
    """
    named = bank.file_names
    shuffled = IVAN.replace("Vanya Sorokin;I. Sorokin", "I. Sorokin;Vanya Sorokin")
    another = "e4,Person,Ottoline Nemo,,1901,,,sanction\n"
    mails = {who: bank.mails(named[who]) for who in ("ivan", "firm", "olga")}
    bank.told_all(bank.brings(another, OLGA, ADA, shuffled, NOBODY))
    for who in ("ivan", "firm", "olga"):
        assert (bank.review(named[who])["round"], bank.mails(named[who])) == (2, mails[who])
        assert bank.hits(named[who])[0]["word"] in ("cleared", "known")

    changed = IVAN.replace("1961-02-03", "1961-02-04")
    more = OLGA.replace(",female,sanction", ",female,role.pep;sanction")
    bank.told_all(bank.brings(changed, more, ADA, NOBODY))
    bank.stands(named["ivan"], "COMPLIANCE_HOLD")
    for who, what, came, went in (
        ("ivan", "birthDates", ["1961-02-04"], ["1961-02-03"]), ("olga", "topics", ["role.pep"], []),
    ):  # fmt: skip
        (hit,) = bank.hits(named[who])
        assert (hit["word"], hit["wordBefore"]) == ("", "cleared")
        assert hit["since"] == [{"side": "entry", "what": what, "came": came, "went": went}]
        assert (bank.review(named[who])["status"], bank.review(named[who])["round"]) == ("open", 3)
    assert bank.status(named["olga"]) == "COMPLETED"
    assert bank.review(named["firm"])["round"] == 2
    assert "Sorokin" not in bank.daemon.log.read_text()

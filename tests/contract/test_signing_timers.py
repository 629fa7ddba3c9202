"""What time and compliance do to a contract that is out: held, never signed, signed and forgotten; over HTTP, with business time by hand.

Rule: daemon and sandbox are processes of their own, one each for all of these files; what people are told is in the sandbox's inbox.
Source: issue 9, "must show"; spec.md S13, S14, S16, S18, S27, S28, E14; interface.md 8 and 10; docs/onboarding.md.
"""

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION
from tests.contract.opening import advance, moves
from tests.contract.signing_there import File, settings_of

Start = Callable[..., Process]
HEADER = "id,schema,name,aliases,birth_date,countries,gender,topics\n"
NOBODY = "e1,Person,Ivan Sorokin,,1961-02-03,ru,male,sanction\n"
SAME_NAME = "e2,Person,Ada Quillfeather,,1980-05-15,,female,sanction\n"
OPERATIONS = "operations@bank.example"
ADVISOR = str(INITIATION["conseillerEmail"])
DAY_S = 86_400
DAYS_OFF_MAX = 9
"""Two business days are over in so many at the latest, whatever holidays there are."""


class House:
    """A bank with a watch list, whose contracts DocuSign has signed by mail."""

    def __init__(self, start: Start, sandbox: Process, folder: Path) -> None:
        self.sandbox, self.folder, self.list = sandbox, folder, folder / "own.csv"
        self.list.write_text(HEADER + NOBODY)
        self.daemon = start(**settings_of(
            sandbox, folder,
            COMPTOIR_PROVIDERS__DOCUSIGN__SIGNING="email",
            COMPTOIR_SCREENING__LISTS=json.dumps([{"name": "own", "path": str(self.list)}]),
            COMPTOIR_ONBOARDING__OPERATIONS_EMAILS=json.dumps([OPERATIONS]),
        ))  # fmt: skip

    def opens(self, last_name: str = "Tremblay", first_name: str = "Marie") -> File:
        """A file of somebody, at its contract."""
        one = File(self.daemon, self.sandbox, self.folder)
        one.names = {"firstName": first_name, "lastName": last_name}
        return one.begins()

    def told(self, to: str, file: File) -> list[str]:
        """What somebody who works here was told of a file; the oldest first."""
        inbox = self.sandbox.get(f"/control/inbox?channel=mail&to={to}").json()["items"]
        return [str(one["title"]) for one in inbox if file.number in str(one["title"])]


@pytest.fixture(scope="module")
def house(
    comptoir_daemon_shared: Start,
    comptoir_sandbox_shared: Start,
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """One."""
    folder = tmp_path_factory.mktemp("house")
    return House(comptoir_daemon_shared, comptoir_sandbox_shared(), folder)


def _count(house: House, file: File, what: str, to: str) -> int:
    return sum(what in one for one in house.told(to, file))


def _passes_until(file: File, told: Callable[[], bool]) -> None:
    """Day after day: how many have to go by depends on the calendar."""
    for _ in range(DAYS_OFF_MAX):
        advance(file, DAY_S)
        file.settles()
        if told():
            return
    raise AssertionError("nobody was told in two business days")


def test_a_signed_file_that_nobody_approves(house: House) -> None:
    """E14: its advisor is reminded after two business days, operations hear of it after as many again; then it is approved."""
    file = house.opens()
    file.ends(outcome="signed")
    file.reaches("SIGNED")
    asked, overdue = (
        partial(_count, house, file, "approval wanted"),
        partial(_count, house, file, "overdue"),
    )
    eventually(lambda: asked(ADVISOR) == 1)
    _passes_until(file, lambda: overdue(ADVISOR) == 1)
    assert overdue(OPERATIONS) == 0
    _passes_until(file, lambda: overdue(OPERATIONS) == 1)
    file.sign_in()
    file.completes()
    file.browser.close()


def test_held_while_it_is_with_its_signer(house: House) -> None:
    """S18, S27, S28: a list that changes holds the file, and its contract is voided; compliance finds that it is somebody else,
    and another contract is issued and signed.
    """
    file = house.opens("Quillfeather", "Ada")
    house.list.write_text(HEADER + NOBODY + SAME_NAME)
    house.daemon.send_signal(signal.SIGHUP)
    file.reaches("COMPLIANCE_HOLD")
    eventually(lambda: [one["status"] for one in file.envelopes()] == ["voided"])
    verdict = {"decision": "approve", "reason": "another person of that name"}
    decision = f"/api/v1/review/{file.number}/decision"
    file.tokens["second"] = file.daemon.token("second", "COMPLIANCE")
    once = file.by("compliance", "POST", decision, verdict)
    assert json.loads(once.body)["status"] == "open", "a sanction takes two (E14)"
    decided = file.by("second", "POST", decision, verdict)
    assert decided.status == 200, decided
    file.stands("sent", 2)
    file.ends(outcome="signed")
    file.completes()
    assert [one["status"] for one in file.envelopes()] == ["voided", "completed"]
    file.browser.close()


def test_never_signed_and_resumed(house: House) -> None:
    """S13, S14, S28: expired, and its advisor told; not issued anew in time: INCOMPLETE, nothing left to sign; resumed, it is assessed
    and signed anew.
    """
    file = house.opens()
    advance(file, 15 * DAY_S)
    file.sign_in()
    file.stands("expired", 1)
    eventually(lambda: any("not signed" in one for one in house.told(ADVISOR, file)))
    advance(file, 16 * DAY_S)
    file.sign_in()
    file.reaches("INCOMPLETE")
    assert file.file()["incompleteCause"] == "contract_not_signed"
    assert [one["status"] for one in file.envelopes()] == ["voided"]
    resumed = file.by("advisor", "POST", f"{file.path}/resume")
    assert resumed.status == 200, resumed
    file.is_decided()
    file.stands("sent", 2)
    file.ends(outcome="signed")
    file.completes()
    assert moves(file).count("INCOMPLETE") == 1
    file.browser.close()

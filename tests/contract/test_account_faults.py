"""Whatever the mainframe answers, and whoever is away or killed meanwhile, a file has its one account or says why it has none.

Rule: one daemon, one sandbox, and three files at once, each with faults of its own; they are signed first, and what goes wrong begins with
the advisor's word. The type of client wants no documents, since those are tests/contract/test_scenarios.py's.
Source: issue 9, "must show"; spec.md S7, S18, S29 to S33, X9, X10, E11, E14; docs/core-banking.md.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from comptoir.sandbox.parties.mainframe_records import reply_record
from tests.contract.documents import INITIATION, to_people
from tests.contract.opening import PROFILE, advance, approves, mainframe, signs, to_accounts
from tests.contract.scene import SECRET, Scene

TYPES = {
    "QUICK": {"documents": [], "needs": ["national_id"], "entity": False, "parties": [], "contract": "management-individual"}
}  # fmt: skip
OPERATIONS: Final = "operations@bank.example"
REASON: Final = "UNSUCCESSFUL TREMBLAY 046454286"
"""The word SUCCESS is in it, and a client's name and number, which are to be in no mail."""
NEVER: Final = "WM9999999999"
"""The number in replies that are no records: nobody gets it."""


SCRIPTS: Final[Mapping[str, dict[str, object]]] = {
    "spoiled": {"times": 3},
    "refused": {"reply": REASON},
    "lost": {"times": 0},
}
"""By file: what the sandbox is told of the one reply that is the mainframe's own."""
CREATED: Final = ("spoiled", "lost")


def record(client: str, length: int = 80, page: str = "cp500") -> bytes:
    """A reply that says SUCCESS, of another length or code page."""
    text = f"ACRP{client:<20}00{NEVER:<12}{'SUCCESS':<42}"
    return f"{text:<{length}.{length}}".encode(page)


def spoils(files: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """What comes besides, each under the correlation of a file's command."""
    own, other = files["spoiled"], files["lost"]
    unreadable = (record(own, 164), record(own, 166), record(own, 80, "latin-1"))
    return [*((own, one) for one in unreadable), (other, record(own))]


@dataclass(frozen=True)
class Played:
    """What was played, for those who look at it afterwards."""

    scene: Scene
    """Of whoever works here."""
    files: Mapping[str, str]
    """Number by fault."""
    away: frozenset[str]
    """What the files said while bridge and program were away."""

    def file(self, name: str) -> dict[str, Any]:
        """As compliance sees it."""
        self.scene.number = self.files[name]
        return self.scene.file()

    def mails(self, to: str, name: str) -> list[str]:
        """Subjects of what an address got about a file."""
        inbox = self.scene.sandbox.get(f"/control/inbox?channel=mail&to={to}").json()["items"]
        return [str(x["body"]) for x in inbox if self.files[name] in str(x["body"])]

    def accounts(self, name: str) -> dict[str, Any]:
        """As operations see it."""
        path = f"/api/v1/core-banking/accounts/{self.files[name]}"
        found: dict[str, Any] = self.scene.by("operations", "GET", path).json()
        return found


def signed(scene: Scene) -> str:
    """A client of a scene, up to the signed contract; the file's number."""
    body = {**INITIATION, "clientType": "QUICK", "clientInfo": scene.info()}
    begun = scene.by("advisor", "POST", "/api/v1/onboarding/initiate", body)
    scene.number = str(begun.json()["onboardingId"])
    scene.enters()
    path = f"/api/v1/onboarding/{scene.number}/profile"
    assert scene.browser.patch(path, json=PROFILE).status_code == 200
    scene.reaches("KYC_PENDING")
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": 60})
    scene.reaches("COMPLIANCE_HOLD")
    verdict = {"decision": "approve", "reason": "known for years"}
    decided = scene.by("compliance", "POST", f"/api/v1/review/{scene.number}/decision", verdict)
    assert decided.status == 200, decided
    scene.reaches("SIGNATURE_PENDING")
    eventually(lambda: scene.file()["signature"]["status"] == "sent", 90.0)
    signs(scene)
    scene.reaches("SIGNED")
    return scene.number


@pytest.fixture(scope="module")
def played(
    comptoir_daemon_shared: Callable[..., Process],
    comptoir_sandbox_shared: Callable[..., Process],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Played]:
    """Three files: the bridge is away when they are approved, and the daemon is killed while it holds their commands back; then
    the program is away, and the daemon is killed while they wait for an answer; replies come that are none, then the mainframe's own, and time goes on until the looks.
    """
    folder, sandbox = tmp_path_factory.mktemp("faults"), comptoir_sandbox_shared()
    daemon = comptoir_daemon_shared(**settings(sandbox, folder))
    files, scenes = dict[str, str](), list[Scene]()
    for name, script in SCRIPTS.items():
        scenes.append(Scene(daemon, sandbox, folder))
        files[name] = signed(scenes[-1])
        reply = {"clientId": files[name], **script}
        scenes[-1].tells("POST", "/control/mainframe/replies", reply)
    desk = scenes[-1]
    away = goes_and_comes(desk, scenes, files)
    desk.tokens["operations"] = desk.daemon.token("ops-1", "OPERATIONS")
    desk.tokens["second"] = desk.daemon.token("ops-2", "OPERATIONS")
    yield Played(desk, files, away)
    for scene in scenes:
        scene.browser.close()


def settings(sandbox: Process, folder: Path) -> dict[str, str]:
    """Of a daemon with all its parties."""
    return {
        **to_people(sandbox),
        **to_accounts(sandbox, folder),
        "COMPTOIR_AUTH__MODE": "on",
        "COMPTOIR_HTTP__RATE_LIMITS": "off",
        "COMPTOIR_PROVIDERS__KYC__BASE_URL": f"{sandbox.url}/kyc",
        "COMPTOIR_WEBHOOKS__KYC__SECRETS": json.dumps([SECRET]),
        "COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S": "1",
        "COMPTOIR_ONBOARDING__TYPES": json.dumps(TYPES),
        "COMPTOIR_ONBOARDING__OPERATIONS_EMAILS": json.dumps([OPERATIONS]),
    }


def goes_and_comes(desk: Scene, scenes: list[Scene], files: Mapping[str, str]) -> frozenset[str]:
    """Bridge away and back, program away and back, a SIGKILL in each absence; what the files said meanwhile."""
    gone = {"party": "mainframe", "operation": "*", "fault": "status", "status": 503}
    desk.tells("PUT", "/control/faults", [gone])
    for scene in scenes:
        assert approves(scene).json()["status"] == "ACCOUNT_CREATION_PENDING"
    desk.tells("PUT", "/control/mainframe", {"running": False})
    said = {scene.file()["status"] for scene in scenes}
    assert desk.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60}).status == 200
    desk.dies()  # what is due was tried: no command has left, and each is parked
    for scene in scenes:
        scene.sign_in()
    said |= {scene.file()["status"] for scene in scenes}
    assert not mainframe(desk)["creations"]
    assert not mainframe(desk)["depths"].get("ACCT.CREATE.QUEUE", 0)
    desk.tells("DELETE", "/control/faults")
    eventually(lambda: released(desk) == len(files) - 1, 90.0)  # the program has one in its hand
    desk.dies()
    for number, one in spoils(files):
        replies(desk, number, one)
    assert desk.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60}).status == 200
    desk.tells("PUT", "/control/mainframe", {"running": True})
    eventually(lambda: set(mainframe(desk)["creations"]) == set(files.values()), 60.0)
    advance(desk, 31)
    for _ in range(2):
        assert desk.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60}).status == 200
        advance(desk, 600)
    return frozenset(said)


def released(desk: Scene) -> int:
    """How many commands wait for the program, as time goes on until the breaker's next probe."""
    advance(desk, 1)
    return int(mainframe(desk)["depths"].get("ACCT.CREATE.QUEUE", 0))


def replies(desk: Scene, number: str, one: bytes) -> None:
    """A message in the queue of replies, under the correlation of a file's first command."""
    queue, headers = "/mainframe/queues/ACCT.RESPONSE.QUEUE", {"X-Correlation-Id": f"{number}:1"}
    assert desk.sandbox.request("POST", queue, one, headers).status == 201


@pytest.mark.parametrize("name", CREATED)
def test_one_account_whatever_became_of_its_reply(played: Played, name: str) -> None:
    """S31, X9, X10, E11: a reply after three that are no records; one that is lost while somebody else's comes: over two outages
    and a SIGKILL in each the file is COMPLETED with the number that is there, after one command.
    """
    eventually(lambda: played.file(name)["status"] == "COMPLETED", 60.0)
    there = mainframe(played.scene)
    number = there["accounts"][played.files[name]]
    assert number != NEVER
    assert played.file(name)["account"]["accountNumber"] == f"{'*' * 8}{number[-4:]}"
    assert there["creations"][played.files[name]] == 1


def _mailed(played: Played, to: str) -> bool:
    return bool(played.mails(to, "refused"))


def test_unsuccessful_is_no_account(played: Played) -> None:
    """S18, X10: the file is INCOMPLETE for good, advisor and operations are mailed, in no word of the mainframe's."""
    eventually(lambda: played.file("refused")["status"] == "INCOMPLETE", 60.0)
    assert played.file("refused")["incompleteCause"] == "account_refused"
    assert played.files["refused"] not in mainframe(played.scene)["accounts"]
    for to in (OPERATIONS, INITIATION["conseillerEmail"]):
        eventually(partial(_mailed, played, to))
        (mail,) = [one for one in played.mails(to, "refused") if "STATUS_08" in one]
        assert "TREMBLAY" not in mail


def test_nobody_has_two_accounts_and_nobody_another_s(played: Played) -> None:
    """E11: as many accounts as files that got one, each with a number of its own, and nothing was commanded twice."""
    there = mainframe(played.scene)
    assert set(there["accounts"]) == {played.files[name] for name in CREATED}
    assert len(set(there["accounts"].values())) == len(CREATED)
    assert set(there["creations"].values()) == {1}


def test_while_all_was_away_the_files_said_for_whom_they_wait(played: Played) -> None:
    """S32: nobody was told of a failure, and nothing was commanded into the dark."""
    assert played.away == {"ACCOUNT_CREATION_PENDING"}


def test_what_could_not_be_read_is_a_dead_letter_and_nothing_else(played: Played) -> None:
    """E11: the replies of 164 and 166 bytes, of another code page, and of somebody else; nothing was thrown away."""

    def codes() -> list[str]:
        path = "/api/v1/dead-letters?queue=dlq:core-banking&limit=50"
        items = played.scene.by("operations", "GET", path).json()["items"]
        return sorted(str(one["code"]) for one in items)

    # What the reader that was killed had taken and not accepted comes again.
    eventually(lambda: len(codes()) == 4)
    wrong_length = ["RECORD_LENGTH_WRONG"] * 2
    assert codes() == [*wrong_length, "REPLY_CROSSED", "REPLY_FOREIGN"]


def test_a_contradiction_is_held_and_two_people_end_it(played: Played) -> None:
    """E11, E14: a refusal that comes after the account holds it; the file shows it, operations are mailed and have it on their
    list; one has it looked for and says what is true, another approves, and the mainframe says the same.
    """
    number = played.files["spoiled"]
    eventually(lambda: played.file("spoiled")["status"] == "COMPLETED", 60.0)
    replies(played.scene, number, reply_record(number, "08", "", "UNSUCCESSFUL"))
    eventually(lambda: played.file("spoiled")["account"]["status"] == "held")
    assert played.file("spoiled")["status"] == "COMPLETED"
    eventually(lambda: len(played.mails(OPERATIONS, "spoiled")) == 1)
    told = played.scene.daemon.ran("core-banking", "reconcile", "--wait", "60", "--format", "json")
    assert told.returncode == 1, told.stderr
    (row,) = [json.loads(line) for line in told.stdout.splitlines()]
    assert (row["onboardingId"], row["code"]) == (number, "CREATED_YET_REFUSED")
    assert row["seen"]["outcome"] == "created"
    path = f"/api/v1/core-banking/accounts/{number}/settle"
    body = {"outcome": "refused", "reason": "asked the desk"}
    assert played.scene.by("operations", "POST", path, body).json()["code"] == "ACCOUNT_NOT_SEEN"
    asked = played.scene.by("operations", "POST", path, {**body, "outcome": "created"})
    approval = f"/api/v1/approvals/{asked.json()['approvalId']}/approve"
    assert played.scene.by("operations", "POST", approval).json()["code"] == "FOUR_EYES"
    assert played.scene.by("second", "POST", approval).status == 200
    eventually(lambda: played.file("spoiled")["account"]["status"] == "created")
    assert played.accounts("spoiled")["status"] == "created"
    assert mainframe(played.scene)["creations"][number] == 1

"""From an advisor's first word to the account, and one profile on both sides afterwards, over HTTP by every way that
carries it: the same, by configuration alone.

Rule: daemon, sandbox and the Kafka broker are processes of their own; the broker keeps nothing, and is ended between the
command and its answer, as the daemon is; where there is none, the line to MQ is cut there.
Source: issue 9, "must show"; spec.md S17, S29, S31 to S33; docs/kafka.md; docs/core-banking.md.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from comptoir.actors.gateways.kafka_testing import Broker, running_broker
from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import to_people
from tests.contract.line import Line
from tests.contract.opening import advance, approves, mainframe, moves, signs, to_accounts
from tests.contract.scene import SECONDS_MAX, SECRET, Scene
from tests.contract.test_to_completed import (
    TYPES,
    begins,
    is_decided,
    is_told_all,
    passes,
    signature,
)

Start = Callable[..., Process]
REPLY_S = 40
"""Of business time: longer than MQ's wait, so the account is late in all of them."""


APPROVED = "onboarding.kyc.approved"
POINTS = 85
"""With these nobody has to look (S23)."""
REPLIES = "ACCT.RESPONSE.QUEUE"
"""Where the mainframe's answers wait."""


class Way(NamedTuple):
    """What carries commands and events, and what carries records."""

    bus: str
    queues: str


WAYS = (Way("table", "http"), Way("table", "amqp"), Way("kafka", "amqp"))


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Of all ways: each has a client of its own."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def trust(sandbox: Process, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Whatever a daemon needs to have contracts signed, and accounts opened, there."""
    return to_accounts(sandbox, tmp_path_factory.mktemp("trust"))


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A Kafka broker that keeps nothing."""
    with running_broker() as running:
        yield running


@pytest.fixture
def line(sandbox: Process) -> Iterator[Line]:
    """To the mainframe's queues over AMQP."""
    made = Line(_amqp(sandbox))
    yield made
    made.cut()


def _queues(way: Way, sandbox: Process, request: pytest.FixtureRequest) -> str:
    """Where the mainframe's queues are."""
    if way.queues == "http":
        return sandbox.url
    line: Line = request.getfixturevalue("line")
    return line.address


def _amqp(sandbox: Process) -> str:
    address: str | None = sandbox.get("/control/mainframe").json()["amqp"]
    if address is None and not os.environ.get("TESTS_REQUIRE_AMQP"):
        pytest.skip("no Qpid Proton (make setup says why)")
    assert address, "TESTS_REQUIRE_AMQP: Qpid Proton was not compiled"
    return address


def _bus(way: Way, request: pytest.FixtureRequest) -> dict[str, str]:
    if way.bus == "table":
        return {}
    broker: Broker = request.getfixturevalue("broker")
    return {
        "COMPTOIR_CORE_BANKING__BUS": "kafka",
        "COMPTOIR_KAFKA__BOOTSTRAP_SERVERS": broker.servers,
        "COMPTOIR_KAFKA__TOPIC_PARTITIONS": "1",
        "COMPTOIR_KAFKA__TOPIC_REPLICAS": "1",
        "COMPTOIR_KAFKA__TIMEOUT_S": "5",
    }


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> Way:
    """One after the other."""
    found: Way = request.param
    return found


@pytest.fixture
def scene(
    way: Way,
    comptoir_daemon: Start,
    sandbox: Process,
    trust: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """A bank with a bureau, an authority and a mainframe, joined by one way."""
    joined = {**trust, "COMPTOIR_PROVIDERS__MAINFRAME__BASE_URL": _queues(way, sandbox, request)}
    daemon = comptoir_daemon(
        **to_people(sandbox),
        **joined,
        **_bus(way, request),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_PROVIDERS__KYC__BASE_URL=f"{sandbox.url}/kyc",
        COMPTOIR_WEBHOOKS__KYC__SECRETS=json.dumps([SECRET]),
        COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S="1",
        COMPTOIR_BREAKERS__BUS__RECOVERY_S="1",
        COMPTOIR_ONBOARDING__TYPES=json.dumps(TYPES),
        COMPTOIR_ONBOARDING__NUMBER_PREFIX=f"ON{''.join(word[0] for word in way).upper()}",
    )
    scene = Scene(daemon, sandbox, request.getfixturevalue("tmp_path"))
    yield scene
    scene.browser.close()


def _checks(scene: Scene) -> dict[str, str]:
    found: dict[str, str] = scene.daemon.get("/health/ready").json()["checks"]
    return found


def _feed(scene: Scene) -> list[dict[str, Any]]:
    """What a customer data hub hears of it, without what is of this run alone."""
    answer = scene.by("compliance", "GET", "/api/v1/events?after=0&limit=100")
    items = json.loads(answer.body)["items"]
    assert [one["position"] for one in items] == list(range(1, len(items) + 1))
    assert {one["entity"] for one in items} <= {scene.number}
    return [{"type": one["type"], **one["data"]} for one in items]


def _mails(scene: Scene) -> list[str]:
    inbox = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}").json()["items"]
    return [str(one["title"]).partition(" / ")[0] for one in inbox]


def _is_opened(scene: Scene, broker: Broker | None, line: Line | None) -> None:
    """Approved, asked for, and COMPLETED after the reply: before it comes, a broker that there is forgets all and the daemon is
    killed; where there is none, the line to MQ is cut, and the reply waits there.
    """
    reply = {"clientId": scene.number, "reply": "SUCCESS", "delaySeconds": REPLY_S}
    scene.tells("POST", "/control/mainframe/replies", reply)
    assert approves(scene).status == 200
    eventually(lambda: scene.number in mainframe(scene)["creations"], SECONDS_MAX)
    if broker is not None:
        broker.kill()
        eventually(lambda: _checks(scene)["bus"] != "ok", SECONDS_MAX)
        scene.dies()
    elif line is not None:
        line.cut()
    advance(scene, REPLY_S + 1)
    if broker is not None:
        broker.start()
    elif line is not None:
        eventually(lambda: mainframe(scene)["depths"].get(REPLIES) == 1, SECONDS_MAX)
        assert scene.file()["status"] == "ACCOUNT_CREATION_PENDING"
        line.join()
    passes(scene, "COMPLETED")


def _is_on_the_topic(scene: Scene, broker: Broker, score: int | None, word: str | None) -> None:
    """S17: that its file was approved, once, as docs/kafka.md has it."""
    eventually(lambda: bool(broker.records(APPROVED)), SECONDS_MAX)
    ((key, body, _),) = broker.records(APPROVED)
    told = json.loads(body)
    assert told.pop("eventId").startswith(f"{scene.number}:")
    assert told.pop("timestamp").endswith("Z")
    assert (key, told) == (scene.number, {
        "type": "KYC_COMPLETED", "onboardingId": scene.number, "score": score, "recommendation": word,
    })  # fmt: skip


def _another_by_rule(bank: Scene, broker: Broker) -> None:
    """S17: a client with a good paper and good points is approved by nobody, and the topic, in a broker that has forgotten all
    before, has why.
    """
    scene = Scene(bank.daemon, bank.sandbox, bank.folder)
    begins(scene)
    scene.enters()
    scene.sends("IDENTITY", lambda: None)
    is_told_all(scene)
    scene.reaches("KYC_PENDING")
    scene.tells("POST", f"/control/kyc/{scene.number}", {"score": POINTS})
    eventually(lambda: scene.file()["status"] in ("KYC_APPROVED", "SIGNATURE_PENDING"), SECONDS_MAX)
    _is_on_the_topic(scene, broker, POINTS, "AUTO_APPROVE")
    scene.browser.close()


MOVES = [
    "INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "KYC_PENDING", "COMPLIANCE_HOLD", "KYC_APPROVED",
    "SIGNATURE_PENDING", "SIGNED", "ACCOUNT_CREATION_PENDING", "COMPLETED",
]  # fmt: skip
TOLD: list[dict[str, Any]] = [
    {"type": "ONBOARDING_INITIATED", "clientType": "QUICK", "initiatedBy": "CONSEILLER"},
    {"type": "DOCUMENTS_UPLOADED"},
    {"type": "CONTRACT_SIGNED", "provider": "embedded", "round": 1},
    {"type": "ACCOUNT_CREATED"},
]
"""A person has decided its case, and what came of it is withheld: KYC_COMPLETED is told to nobody (E3)."""
MAILS = ["Votre accès à votre dossier", "Votre contrat vous attend", "Votre compte est ouvert"]


def test_the_same_history_events_mails_and_account_by_every_way(
    way: Way, scene: Scene, request: pytest.FixtureRequest
) -> None:
    """S7, S17, S29, S31, S32: of a broker that has forgotten all between command and answer, and of MQ that was away, nobody
    hears; one account.
    """
    is_decided(scene)
    signature(scene, "sent", 1)
    signs(scene)
    scene.reaches("SIGNED")
    broker: Broker | None = request.getfixturevalue("broker") if way.bus == "kafka" else None
    if broker is not None:
        _is_on_the_topic(scene, broker, None, None)
    line: Line | None = request.getfixturevalue("line") if way.queues == "amqp" else None
    _is_opened(scene, broker, line)
    eventually(lambda: _feed(scene) == TOLD)
    assert scene.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    assert (moves(scene), _mails(scene)) == (MOVES, MAILS)
    there = mainframe(scene)
    assert there["creations"][scene.number] == 1
    own = scene.browser.get(f"/api/v1/onboarding/{scene.number}").json()["account"]
    assert own["accountNumber"] == there["accounts"][scene.number]
    assert (own["status"], scene.file()["account"]["code"]) == ("created", None)
    _changes_there(scene)
    _is_corrected(scene)
    if broker is not None:
        _another_by_rule(scene, broker)


def _profile(scene: Scene) -> dict[str, Any]:
    """As its client sees it."""
    found: dict[str, Any] = scene.browser.get(f"/api/v1/onboarding/{scene.number}/profile").json()
    return found


def _changes_there(scene: Scene) -> None:
    """S33: doubled, and the second before the first: applied once, in order, shown with who said it, and told."""
    for sequence, city in ((2, "QUÉBEC"), (1, "LAVAL")):
        change = {
            "clientId": scene.number, "field": "CITY", "value": city, "sequence": sequence, "times": 2
        }  # fmt: skip
        scene.tells("POST", "/control/mainframe/changes", change)
    eventually(lambda: _profile(scene)["profile"]["address"]["city"] == "QUÉBEC", SECONDS_MAX)
    city = _profile(scene)["fields"]["/address/city"]
    assert (city["source"], [one["source"] for one in city["others"]]) == ("mainframe", ["client"])
    told = [
        {"type": "PROFILE_CHANGED", "changeId": f"CH0000000{one}", "fields": ["address/city"]} for one in (1, 2)
    ]  # fmt: skip
    eventually(lambda: _feed(scene) == [*TOLD, *told])
    assert {"046454286", "046 454 286"}.isdisjoint(json.dumps(_profile(scene)).split('"'))


def _is_corrected(scene: Scene) -> None:
    """S33: an advisor's correction goes to the mainframe once, and stands here when it has come back."""
    path = f"/api/v1/onboarding/{scene.number}/profile"
    mine = scene.browser.patch(path, json={"address": {"street": "9 rue Peel"}})
    assert (mine.status_code, mine.json()["code"]) == (409, "PROFILE_CLOSED")
    wrong = scene.by("advisor", "PATCH", path, {"address": {"city": "☂"}})
    assert wrong.json()["errors"][0]["code"] == "PROFILE_FIELD_UNFIT"
    asked = scene.by("advisor", "PATCH", path, {"address": {"street": "9 rue Peel"}})
    assert asked.status == 200, asked
    assert asked.json()["correction"]["fields"] == {"/address/street": "9 rue Peel"}
    eventually(lambda: _profile(scene)["correction"]["status"] == "applied", SECONDS_MAX)
    street = _profile(scene)["fields"]["/address/street"]
    assert (street["value"], street["source"]) == ("9 rue Peel", "mainframe")
    there = mainframe(scene)
    assert there["updates"][scene.number] == 1
    assert there["addresses"][scene.number] == {
        "ADDRESS-LINE-1": "9 RUE PEEL", "CITY": "QUÉBEC", "PROVINCE": "QC", "POSTAL-CODE": "H3A1B1",
    }  # fmt: skip
    eventually(lambda: _feed(scene)[-1]["fields"] == ["address/street"])
    assert scene.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    assert (len(_feed(scene)), mainframe(scene)["updates"][scene.number]) == (len(TOLD) + 3, 1)

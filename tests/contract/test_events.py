"""The feed of public events and webhooks to others, over sockets: a daemon, and a subscriber that verifies (S17, S33).

Rule: daemon and sandbox are processes of their own with manual clocks; what the subscriber takes it has verified with the
official library of Standard Webhooks.
Source: interface.md 8 (`GET /api/v1/events`) and 10; the Standard Webhooks specification 1.0.0; docs/events.md.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import eventually
from tests.contract.documents import INITIATION, to_people
from tests.contract.opening import PROFILE

Start = Callable[..., Process]
HOUR_S = 3600
FIRST_WAIT_S = 6
"""Between a first delivery that failed and the second, at most."""
PATH = "/api/v1/webhook-endpoints"
TYPES = {
    "INDIVIDUAL": {
        "documents": [], "needs": ["national_id"], "entity": False, "parties": [], "contract": "management-individual",
    }
}  # fmt: skip
"""Without documents, so that a file has one event when it is begun, and another when its client has said who they are."""


@dataclass
class Hub:
    """A daemon, and a subscriber who is told by it."""

    daemon: Process
    sandbox: Process
    id: str = ""
    secret: str = ""

    def begins(self) -> str:
        """A file is begun: one public event."""
        answer = self.daemon.post("/api/v1/onboarding/initiate", INITIATION)
        assert answer.status == 201, answer
        return str(answer.json()["onboardingId"])

    def completes(self, file: str) -> None:
        """Its client has said everything: another public event."""
        path = f"/api/v1/onboarding/{file}/profile"
        assert self.daemon.request("PATCH", path, _json(PROFILE), JSON).status == 200

    def events(self, after: int = 0, more: str = "&limit=500") -> list[dict[str, Any]]:
        """The feed."""
        answer = self.daemon.get(f"/api/v1/events?after={after}{more}")
        assert answer.status == 200, answer
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def published(self, files: list[str]) -> list[dict[str, Any]]:
        """The feed, once these are in it."""
        eventually(lambda: {one["entity"] for one in self.events()} >= set(files))
        return self.events()

    def registers(self, **more: object) -> None:
        """The subscriber wants to be told, and knows the secret."""
        body = {"url": f"{self.sandbox.url}/subscriber/events", **more}
        answer = self.daemon.post(PATH, body)
        assert answer.status == 201, answer
        self.id, self.secret = answer.json()["id"], answer.json()["secret"]
        self.knows(self.secret)

    def knows(self, *secrets: str) -> None:
        """The subscriber verifies with these."""
        answer = self.sandbox.request(
            "PUT", "/control/subscriber/secrets", _json({"items": secrets}), JSON
        )
        assert answer.status == 200, answer

    def faults(self, *faults: dict[str, Any]) -> None:
        """What the subscriber does from now on."""
        party = {"party": "subscriber", "operation": "events.take", "probability": 1}
        body = _json([{**party, **one} for one in faults])
        answer = self.sandbox.request("PUT", "/control/faults", body, JSON)
        assert answer.status == 200, answer

    def passes(self, seconds: int) -> bool:
        """Business time goes on, here and there; never true, so that whoever waits may have it go on meanwhile."""
        for process, path in ((self.sandbox, "/control/clock"), (self.daemon, "/dev/v1/clock")):
            answer = process.post(path, {"advanceSeconds": seconds})
            assert answer.status == 200, answer
        return False

    def taken(self) -> list[dict[str, Any]]:
        """What the subscriber took, in the order in which it did."""
        found: list[dict[str, Any]] = self.sandbox.get("/control/subscriber/deliveries").json()[
            "items"
        ]
        return found

    def told(self) -> list[str]:
        """Of which files it was told, the first time of each."""
        entities = (one["body"].get("entity", "") for one in self.taken())
        return [one for one in dict.fromkeys(entities) if one]

    def has_tried(self, times: int) -> bool:
        """Whether it has been called so often by now."""
        return self.attempts() == times

    def attempts(self) -> int:
        """So often it was called."""
        return len(self.says("GET", "/attempts").json()["items"])

    def says(self, method: str, more: str = "", body: object = None) -> Answered:
        """About the endpoint."""
        content = b"" if body is None else _json(body)
        return self.daemon.request(method, f"{PATH}/{self.id}{more}", content, JSON)


JSON = {"Content-Type": "application/json"}


def _json(value: object) -> bytes:
    return orjson.dumps(value)


@pytest.fixture(scope="module")
def programs(
    comptoir_daemon_shared: Start, comptoir_sandbox_shared: Start
) -> tuple[Process, Process]:
    """One of each, for all tests here."""
    sandbox = comptoir_sandbox_shared()
    daemon = comptoir_daemon_shared(
        **to_people(sandbox), COMPTOIR_OUTWARD__THIS_MACHINE="true", COMPTOIR_OUTWARD__POLL_MS="20",
        COMPTOIR_OUTWARD__TIMEOUT_S="2", COMPTOIR_ONBOARDING__TYPES=json.dumps(TYPES),
    )  # fmt: skip
    return daemon, sandbox


@pytest.fixture
def hub(programs: tuple[Process, Process]) -> Iterator[Hub]:
    """A subscriber that has heard nothing yet."""
    daemon, sandbox = programs
    for path in ("/control/faults", "/control/subscriber/deliveries"):
        sandbox.request("DELETE", path, b"", {})
    found = Hub(daemon, sandbox)
    found.knows()
    yield found
    if found.id:
        assert found.says("DELETE").status == 200


def test_the_feed_is_dense_and_in_order(hub: Hub) -> None:
    """interface.md 8: positions 1, 2, 3, ..., the oldest first; a reader that keeps the last one misses nothing."""
    files = [hub.begins() for _ in range(3)]
    found = hub.published(files)
    assert [one["position"] for one in found] == [*range(1, len(found) + 1)]
    ours = [one for one in found if one["entity"] in files]
    assert [one["entity"] for one in ours] == files
    assert {one["type"] for one in ours} == {"ONBOARDING_INITIATED"}
    assert ours[0]["data"] == {"clientType": "INDIVIDUAL", "initiatedBy": "CONSEILLER"}
    assert hub.events(after=ours[0]["position"], more="&limit=1") == [ours[1]]
    assert "tremblay" not in str(found).lower()


def test_whoever_waits_hears_of_the_next_one(hub: Hub) -> None:
    """`wait`: an answer as soon as there is something; without anything an empty page, in time."""
    last = len(hub.events())
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(hub.events, last, "&wait=20")
        file = hub.begins()
        assert [one["entity"] for one in waits.result(20)] == [file]
    assert hub.events(last + 1, "&wait=1") == []


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1&after=2", "limit=0", "wait=21", f"after={2**63}"]
)
def test_a_wrong_query_is_refused(hub: Hub, query: str) -> None:
    """interface.md 1: a value that is none is 422, never guessed at."""
    answer = hub.daemon.get(f"/api/v1/events?{query}")
    assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID")


def test_a_day_down_and_a_key_rotated_meanwhile(hub: Hub) -> None:
    """Issue 9: the consumer is down for a day while three files go on in turns, and its key is rotated meanwhile; nothing is lost, the
    order is kept, within each file and across them, every delivery is verified by the official library, with the old secret
    and with the new one.
    """
    hub.registers()
    hub.faults({"fault": "status", "status": 503})
    files, before = _in_turns(hub)
    # The first wait is of seconds, the next of minutes: what comes by itself has come, and then comes what is made to.
    eventually(lambda: hub.attempts() >= 1)
    hub.passes(FIRST_WAIT_S)
    eventually(partial(hub.has_tried, 2))
    for tried, hours in enumerate((1, 2, 3), 3):
        hub.passes(hours * HOUR_S)
        eventually(partial(hub.has_tried, tried))
    rotated = hub.says("POST", "/rotate").json()
    assert rotated["oldSecretUntil"] is not None
    hub.passes(12 * HOUR_S)
    eventually(lambda: hub.attempts() == 6)
    assert hub.taken() == []
    assert hub.says("GET").json()["failingSince"] is not None
    hub.faults()
    # The sixth wait: ten hours, and a tenth of it at most; the old secret is good for twelve.
    hub.passes(11 * HOUR_S)
    eventually(lambda: _told(hub) == _published(hub, before))
    # The subscriber had the old secret only.
    assert {one["signatures"] for one in hub.taken()} == {2}
    hub.knows(rotated["secret"])
    hub.passes(24 * HOUR_S)
    files.append(hub.begins())
    eventually(lambda: len(_published(hub, before)) == len(files) == len(_told(hub)))
    assert _told(hub) == _published(hub, before)
    assert hub.taken()[-1]["signatures"] == 1
    assert [one[0] for one in _told(hub)] == files


def _in_turns(hub: Hub) -> tuple[list[str], int]:
    """Three files, of two events each, in turns: whose each is, in order, and the position before them."""
    before, files = len(hub.events()), list[str]()

    def happens(file: str) -> str:
        files.append(file)
        eventually(lambda: [found["entity"] for found in hub.events(before)] == files)
        return file

    def completes(file: str) -> None:
        hub.completes(file)
        happens(file)

    first, second = happens(hub.begins()), happens(hub.begins())
    completes(second)
    third = happens(hub.begins())
    completes(first)
    completes(third)
    types = {one: [x["type"] for x in hub.events(before) if x["entity"] == one] for one in files}
    assert set(map(tuple, types.values())) == {("ONBOARDING_INITIATED", "DOCUMENTS_UPLOADED")}
    return files, before


Heard = tuple[str, int, str, str]
"""Of which entity, at which position, under which id, of which type."""


def _published(hub: Hub, after: int) -> list[Heard]:
    """What the feed has."""
    return [(x["entity"], x["position"], x["id"], x["type"]) for x in hub.events(after)]


def _told(hub: Hub) -> list[Heard]:
    """What the subscriber took, the first time of each, in the order in which it did."""
    bodies = [(one["body"], one["id"]) for one in hub.taken()]
    heard = [(x["entity"], x["position"], name, x["type"]) for x, name in bodies]
    return list(dict.fromkeys(heard))


def test_kill_9_while_many_begin(hub: Hub) -> None:
    """A SIGKILL while files are begun and told: afterwards each is in the feed once, without a gap, and was told at least
    once under one id, none before an earlier one; an answer that was lost is told again.
    """
    hub.registers()
    before = len(hub.events())
    hub.faults({"fault": "drop_after_effect", "probability": 0.3}, {"fault": "latency", "ms": 20})
    files = list[str]()

    def begin(_number: int) -> None:
        try:
            files.append(hub.begins())
        except (OSError, AssertionError):
            return  # the daemon was killed under it: it may be begun or not

    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            done = pool.map(begin, range(12))
            eventually(lambda: len(files) % 12 > 3 or len(files) > 12)
            hub.daemon.kill()
            list(done)
        hub.daemon.start()
    found = hub.published(files)
    assert [one["position"] for one in found] == [*range(1, len(found) + 1)]
    begun = [one["entity"] for one in found if one["type"] == "ONBOARDING_INITIATED"]
    assert len(set(begun)) == len(begun)
    assert {one["type"] for one in found[before:]} == {"ONBOARDING_INITIATED"}
    hub.faults()
    ours = [one["entity"] for one in found if one["position"] > found[-1]["position"] - 24]
    wanted = [one for one in ours if one in set(files)]
    eventually(lambda: hub.passes(60) or set(hub.told()) >= set(wanted), 60)
    told = [one["body"]["position"] for one in hub.taken()]
    assert list(dict.fromkeys(told)) == sorted(set(told))
    ids = {(one["body"]["position"], one["id"]) for one in hub.taken()}
    assert len(ids) == len(set(told))


def test_one_that_is_gone_is_disabled_and_goes_on_when_enabled(hub: Hub) -> None:
    """The specification: 410 disables it, its owner gets a mail, and nothing is lost."""
    hub.registers(contactEmail="hub@example.org")
    hub.faults({"fault": "status", "status": 410})
    files = [hub.begins()]
    eventually(lambda: hub.says("GET").json()["cause"] == "gone")
    inbox = "/control/inbox?channel=mail&to=hub@example.org"
    eventually(lambda: hub.id in str(hub.sandbox.get(inbox).json()))
    hub.faults()
    files.append(hub.begins())
    assert hub.says("POST", "/ping").status == 409
    assert hub.says("PATCH", body={"enabled": True}).json()["status"] == "enabled"
    eventually(lambda: hub.told() == files)


def test_a_test_a_replay_and_what_was_tried(hub: Hub) -> None:
    """A ping is sent once; a position is told again under its id; attempts say status and duration, and no body."""
    hub.registers(types=["ONBOARDING_INITIATED"], description="hub")
    sent = hub.says("POST", "/ping")
    assert sent.status == 202
    eventually(lambda: [one["id"] for one in hub.taken()] == [sent.json()["messageId"]])
    assert hub.taken()[0]["body"]["type"] == "PING"
    file = hub.begins()
    eventually(lambda: hub.told() == [file])
    position = hub.taken()[-1]["body"]["position"]
    assert hub.says("POST", "/replay", {"position": position}).status == 200
    eventually(lambda: len(hub.taken()) == 3)
    assert hub.taken()[1]["id"] == hub.taken()[2]["id"]
    assert hub.says("POST", "/replay", {}).status == 422
    eventually(lambda: len(hub.says("GET", "/attempts").json()["items"]) == 3)
    newest = hub.says("GET", "/attempts").json()["items"][0]
    assert (newest["outcome"], newest["status"], newest["position"]) == ("delivered", 200, position)


def test_what_may_not_be_called_cannot_be_registered(hub: Hub) -> None:
    """S33 (SSRF): networks of the house are refused by name, also where development is allowed; another's id is 404."""
    for url in (
        "https://10.0.0.1/",
        "http://hub.example/",
        "https://169.254.169.254/latest",
        "ftp://x/",
    ):
        answer = hub.daemon.post(PATH, {"url": url})
        assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID"), url
    assert hub.daemon.get(f"{PATH}/we_{'0' * 20}").status == 404
    hub.registers()
    assert "secret" not in hub.says("GET").json()
    listed = hub.daemon.get(PATH).json()["items"]
    assert [one["id"] for one in listed] == [hub.id]
    assert hub.secret not in hub.daemon.said()

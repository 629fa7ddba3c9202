"""Section 7, rows b1: how many consents end in which week, as operations and compliance see it.

Rule: daemon and sandbox are processes of their own, and the people are clients with apps of theirs.
Source: interface.md 7 and 9; spec.md S60, X20, E10.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, eventually, free_port
from tests.contract.banking import APP, Person
from tests.contract.letters import Somebody

Start = Callable[..., Process]
PATH = "/api/v1/connections/calendar"
NONE: Mapping[str, int] = {"live": 0, "renewed": 0, "lapsed": 0, "revoked": 0}
WEDNESDAY = 2
Counts = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank."""
    return comptoir_sandbox_shared()


def _started(start: Start, sandbox: Process) -> Process:
    """A daemon in which nobody has linked anything; no week ends during a test."""
    process = start(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
    )
    now = datetime.fromisoformat(_today(process))
    _today(process, (WEDNESDAY - now.weekday()) % 7 * DAY_S)
    return process


@pytest.fixture
def daemon(comptoir_daemon: Start, sandbox: Process) -> Process:
    """A daemon of the test's own, for tests in which somebody links."""
    return _started(comptoir_daemon, sandbox)


@pytest.fixture
def eva(daemon: Process) -> Somebody:
    """Of operations, with the test's own daemon."""
    return Somebody.of(daemon, "eva", "OPERATIONS")


@pytest.fixture(scope="module")
def reader(comptoir_daemon_shared: Start, sandbox: Process) -> Somebody:
    """Of operations, with the daemon of the tests that only read: nobody ever links there."""
    return Somebody.of(_started(comptoir_daemon_shared, sandbox), "eva", "OPERATIONS")


def _monday(moment: str) -> str:
    """The Monday of a time that the API told."""
    day = datetime.fromisoformat(moment).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def _today(daemon: Process, seconds: int = 0) -> str:
    """Business time, moved on by so much."""
    answer = daemon.post("/dev/v1/clock", {"advanceSeconds": seconds})
    assert answer.status == 200, answer
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20}).status == 200
    return str(answer.json()["now"])


def _counted(reader: Somebody) -> Counts:
    """What there is, by week and by what became of it."""
    found: Counts = {}
    for item in reader.got(f"{PATH}?weeks=26")["items"]:
        for name in NONE:
            told = sum(one[name] for one in item["providers"])
            assert item[name] == told
            if told:
                found[item["week"], name] = told
    return found


def _end_of(person: Person, connection: str) -> str:
    """The week in which a consent is to end."""
    shown = person.ask("GET", f"/api/v1/connections/{connection}").json()
    return _monday(shown["consentExpiresAt"])


def _renew(person: Person, connection: str) -> None:
    answer = person.ask("POST", f"/api/v1/connections/{connection}/renew", {"redirectUri": APP})
    assert answer.status == 200, answer
    assert person.at_bank(answer.json()["authUrl"]).status == 303
    _today(person.daemon)


def test_before_anybody_has_linked(reader: Somebody) -> None:
    """E10: every week is told, this one in the middle, also where there is nothing to count."""
    shown = reader.got(PATH)
    this = _monday(_today(reader.daemon))
    weeks = [(date.fromisoformat(this) + timedelta(weeks=n)).isoformat() for n in range(-13, 14)]
    assert (shown["thisWeek"], shown["unread"]) == (this, [])
    assert shown["items"] == [{"week": week, **NONE, "providers": []} for week in weeks]
    assert reader.got(f"{PATH}?weeks=1")["items"] == shown["items"][12:15]
    assert len(reader.got(f"{PATH}?weeks=26")["items"]) == 53
    assert reader.got(PATH) == shown


@pytest.mark.parametrize("words", ["0", "27", "-1", "x", "", "1&weeks=2", "1.0", "9" * 30])
def test_asked_wrongly(reader: Somebody, words: str) -> None:
    """Interface.md 1: so many weeks and no more; what is wrong is named by its place."""
    answer = reader.ask("GET", f"{PATH}?weeks={words}")
    body = answer.json()
    assert (answer.status, body["code"]) == (422, "REQUEST_INVALID")
    assert [one["pointer"] for one in body["errors"]] == ["/query/weeks"]


def test_what_becomes_of_consents(daemon: Process, sandbox: Process, eva: Somebody) -> None:
    """E10, X20: who lets us read is a forecast of the week in which that ends; then it is history, by what became
    of it: renewed, lapsed or revoked. Whatever dies in between, each is counted once.
    """
    people = [Person.new(daemon) for _ in range(4)]
    cards = [person.linked() for person in people]
    due = _end_of(people[0], cards[0])
    assert [_end_of(*one) for one in zip(people, cards, strict=True)] == [due] * 4
    daemon.kill()
    daemon.start()
    eventually(lambda: _counted(eva) == {(due, "live"): 4})
    # Two weeks on, one goes on with it and one wants it no more.
    assert sandbox.post("/control/clock", {"advanceSeconds": 14 * DAY_S}).status == 200
    then = _monday(_today(daemon, 14 * DAY_S))
    _renew(people[0], cards[0])
    later = _end_of(people[0], cards[0])
    assert people[1].ask("DELETE", f"/api/v1/connections/{cards[1]}").status == 202
    _today(daemon)
    so_far = {(then, "renewed"): 1, (then, "revoked"): 1, (later, "live"): 1}
    assert _counted(eva) == {**so_far, (due, "live"): 2}
    # The others forget it; one of them is sorry.
    assert sandbox.post("/control/clock", {"advanceSeconds": 77 * DAY_S}).status == 200
    _today(daemon, 77 * DAY_S)
    assert _counted(eva) == {**so_far, (due, "lapsed"): 2}
    daemon.kill()
    daemon.start()
    _renew(people[2], cards[2])
    new = _end_of(people[2], cards[2])
    ended = {**so_far, (due, "lapsed"): 1, (due, "renewed"): 1, (new, "live"): 1}
    eventually(lambda: _counted(eva) == ended)
    (week,) = [one for one in eva.got(PATH)["items"] if one["week"] == due]
    assert week["providers"] == [{"provider": "seed", **NONE, "renewed": 1, "lapsed": 1}]


def test_whom_it_is_told(daemon: Process, eva: Somebody) -> None:
    """S60: numbers for whoever runs the programme and whoever examines it; nobody is named in them."""
    person = Person.new(daemon)
    mine = person.linked()
    _today(daemon)
    told = eva.ask("GET", PATH)
    compliance: Any = Somebody.of(daemon, "cora", "COMPLIANCE")
    assert compliance.got(PATH) == told.json()
    assert not {name for name in (person.name, mine, "4242") if name.encode() in told.body}
    for who in (Somebody.of(daemon, "ada", "ADMIN"), Somebody(daemon, person.token)):
        answer = who.ask("GET", PATH)
        assert (answer.status, answer.json()["code"]) == (403, "FORBIDDEN")
    assert daemon.request("GET", PATH).status == 401


def test_imported_connections_are_told_as_read_by_nobody(daemon: Process, eva: Somebody) -> None:
    """E6: no gap is silent: their number is told by provider, in the calendar and as a metric, also after a kill; imported
    again it is the same.
    """
    rows = "".join(f"c{n},u{n},{provider}\n" for n, provider in enumerate(("seed", "seed", "tink")))
    for _ in range(2):
        assert daemon.load("connections", f"connection_id,user_id,provider\n{rows}").status == 200
        _today(daemon)
        assert eva.got(PATH)["unread"] == [
            {"provider": "seed", "connections": 2}, {"provider": "tink", "connections": 1},
        ]  # fmt: skip
    daemon.kill()
    daemon.start()

    def is_told() -> bool:
        told = daemon.get("/metrics").body.decode()
        return 'comptoir_connections_unread{provider="seed"} 2.0' in told

    eventually(is_told, 20)
    assert not _counted(eva), "they have no consent, so they are in no week"

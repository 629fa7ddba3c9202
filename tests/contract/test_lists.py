"""Watch lists as compliance and operations see them: loaded, changed, refused, reloaded, searched by hand.

Source: spec.md S21, S27, S59, E4; docs/screening.md.
"""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer
from tests.contract.letters import Somebody
from tests.contract.test_conventions import is_problem

Json = dict[str, Any]
LISTS, SEARCH = "/api/v1/lists", "/api/v1/screening/search"
HEADER = "id,schema,name,aliases,birth_date,countries,gender,topics\n"
IVAN = "e1,Person,Ivan Sorokin,Vanya Sorokin,1961-02-03,ru,male,sanction\n"
ADA = "e2,Person,Ada Quillfeather,,1970-01-01,,female,role.pep\n"
SECONDS_MAX = 60.0


class House:
    """A daemon with one list, and who looks after it."""

    def __init__(self, start: Callable[..., Process], folder: Path) -> None:
        self.file = folder / "own.csv"
        self.file.write_text(HEADER + IVAN)
        lists = json.dumps([{"name": "own", "path": str(self.file)}])
        self.daemon = start(
            COMPTOIR_AUTH__MODE="on", COMPTOIR_HTTP__RATE_LIMITS="off", COMPTOIR_SCREENING__LISTS=lists
        )  # fmt: skip
        self.hire()

    def hire(self) -> None:
        """Who speaks to it; a daemon at another address takes other tokens."""
        self.compliance = Somebody.of(self.daemon, "clara", "COMPLIANCE")
        self.operations = Somebody.of(self.daemon, "ops", "OPERATIONS")

    def settled(self, status: str, before: str = "") -> Json:
        """The list, once it has been read; not the version of before."""
        until = time.monotonic() + SECONDS_MAX
        while True:
            Customer(self.daemon).quiet()
            shown: Json = self.operations.got(f"{LISTS}/own")
            if shown["status"] == status and (not before or shown["version"] != before):
                return shown
            assert time.monotonic() < until, shown

    def found(self, name: str) -> list[Json]:
        """Whom compliance finds by hand."""
        answer = self.compliance.ask("POST", SEARCH, {"name": name})
        assert answer.status == 200, answer
        hits: list[Json] = answer.json()["hits"]
        return hits


@pytest.fixture(scope="module")
def house(
    comptoir_daemon_shared: Callable[..., Process], tmp_path_factory: pytest.TempPathFactory
) -> House:
    """One, whose story the tests tell in their order."""
    return House(comptoir_daemon_shared, tmp_path_factory.mktemp("lists"))


def test_a_list_is_there_after_the_start(house: House) -> None:
    """S21: it is read, indexed and searched; every case, of which there is none yet, was told of it."""
    shown = house.settled("ready")
    assert (shown["entries"], shown["names"], shown["code"]) == (1, 2, None)
    assert shown["rescreening"]["version"] == shown["version"]
    assert (shown["rescreening"]["done"], shown["rescreening"]["of"]) == (0, 0)
    assert house.compliance.got(LISTS)["items"] == [shown]
    (hit,) = house.found("Sorokin, Ivan")
    assert (hit["list"], hit["entryId"], hit["topics"], hit["score"]) == ("own", "e1", ["sanction"], 1000)  # fmt: skip
    assert hit["aliases"] == ["Ivan Sorokin", "Vanya Sorokin"]
    assert house.found("Marie Tremblay") == []


def test_a_file_that_changed_is_taken_by_itself(house: House) -> None:
    """S27: the daemon looks at it on a timer, and what is searched afterwards is the new version."""
    before = house.settled("ready")["version"]
    house.file.write_text(HEADER + IVAN + ADA)
    Customer(house.daemon).advance(601)
    shown = house.settled("ready", before)
    assert shown["entries"] == 2
    assert [hit["entryId"] for hit in house.found("Ada Quillfeather")] == ["e2"]


def test_a_list_that_is_wrong_leaves_the_one_before(house: House) -> None:
    """S27: it is refused with its line, and what was searched goes on being searched."""
    before = house.settled("ready")
    house.file.write_text(HEADER + IVAN + "e3,Person\n")
    answer = house.compliance.ask("POST", f"{LISTS}/own/reload")
    assert answer.status == 202, answer
    assert answer.json()["status"] == "loading"
    shown = house.settled("refused")
    assert (shown["code"], shown["version"]) == ("LIST_INVALID", before["version"])
    assert shown["detail"] == "line 3: 2 columns, not 8"
    assert len(house.found("Ada Quillfeather")) == 1
    figures = house.daemon.get("/metrics").body.decode()
    assert 'comptoir_watch_list_refused{list="own"} 1.0' in figures
    assert 'comptoir_watch_list_entries{list="own"} 2.0' in figures
    assert 'comptoir_watch_list_versions_total{list="own"} 2.0' in figures


def test_a_signal_has_lists_read_again(house: House) -> None:
    """S27: SIGHUP is for whoever puts the file there; a reload of a list that there is not finds nothing."""
    before = house.settled("refused")["version"]
    house.file.write_text(HEADER + ADA)
    house.daemon.send_signal(signal.SIGHUP)
    shown = house.settled("ready", before)
    assert (shown["entries"], shown["code"]) == (1, None)
    assert house.found("Ivan Sorokin") == []
    is_problem(house.operations.ask("POST", f"{LISTS}/none/reload"), 404, "NOT_FOUND")
    is_problem(house.operations.ask("POST", SEARCH, {"name": "Ada"}), 403, "FORBIDDEN")
    is_problem(house.compliance.ask("POST", SEARCH, {"name": "   "}), 422, "REQUEST_INVALID")


def test_a_killed_daemon_searches_the_same_again(house: House) -> None:
    """S27: what was loaded is committed: it is there at once, also where the file is gone; names are in no log."""
    version = house.settled("ready")["version"]
    house.file.unlink()
    house.daemon.kill()
    house.daemon.start()
    house.hire()
    assert [hit["entryId"] for hit in house.found("Ada Quillfeather")] == ["e2"]
    shown = house.settled("refused")
    assert (shown["version"], shown["code"]) == (version, "LIST_UNREADABLE")
    assert "Quillfeather" not in house.daemon.log.read_text()

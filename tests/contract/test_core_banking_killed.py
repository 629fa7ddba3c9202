"""SIGKILL while an account is being opened: nobody gets a second one, and everybody gets theirs."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from comptoir.engine.forking_testing import Child, fork_program
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of

PROGRAM = Path(__file__).with_name("banking_program.py")
SECONDS_MAX = 30.0
COMPILE_SECONDS_MAX = 60.0
"""As long as the sandbox gives the compiler of its program."""
BEFORE, DURING, AFTER = "ONB-2026-00001", "ONB-2026-00002", "ONB-2026-00003"


class Bank:
    """The program, the sandbox, and one database for all runs."""

    def __init__(self, url: str, folder: Path, sandbox: str) -> None:
        self._arguments, self._folder = (url, str(folder)), folder
        self._log = folder / "log"
        self.sandbox = httpx.Client(
            base_url=sandbox, verify=trust_of(sandbox), timeout=COMPILE_SECONDS_MAX
        )
        self.address = str(self.shown()["amqp"] or sandbox)

    def shown(self) -> Any:
        """What the mainframe has."""
        return self.sandbox.get("/control/mainframe").json()

    def run(self, word: str, *clients: str) -> Child:
        """Start the program."""
        command = [str(PROGRAM), word, *self._arguments, self.address, *clients]
        with self._log.open("ab") as log:
            return fork_program(command, os.environ, self._folder, log.fileno())

    def said(self, program: Child) -> Any:
        """Its line."""
        line = program.stdout.readline()
        assert line, self._log.read_text()[-3000:]
        return json.loads(line)


@pytest.fixture
def bank(
    comptoir_postgres: str, comptoir_sandbox: Callable[..., Process], tmp_path: Path
) -> Iterator[Bank]:
    """Of one test."""
    made = Bank(comptoir_postgres, tmp_path, comptoir_sandbox().url)
    with closing(made.sandbox):
        yield made


async def killed(bank: Bank, client: str, when: Callable[[], bool]) -> None:
    """Have an account opened, and kill the program when something is so."""
    program = bank.run("open", client)
    try:
        assert await trio.to_thread.run_sync(bank.said, program) == "asked"
        with trio.fail_after(30):
            while not when():  # noqa: ASYNC110  # in another process
                await trio.sleep(0.01)
    finally:
        program.kill()
        program.wait(SECONDS_MAX)


async def test_nobody_gets_a_second_account(bank: Bank) -> None:
    """Killed while the queue refuses and the command is parked, while the broker had not answered, and while the reply was on
    its way: each has one account after one command, and no command was sent again (X9, S32, E11; invariants 1 and 4).
    """
    control = bank.sandbox

    def fired() -> int:
        return int(control.get("/control/faults").json()["faults"][0]["fired"])

    away = {"party": "mainframe", "operation": "requests.put", "fault": "status", "status": 503}
    control.put("/control/faults", json=[away]).raise_for_status()
    await killed(bank, BEFORE, lambda: fired() >= 1)
    assert BEFORE not in bank.shown()["creations"]
    control.put("/control/faults", json=[
        {"party": "mainframe", "operation": "requests.put", "fault": "timeout", "count": 1, "ms": 1000}
    ]).raise_for_status()  # fmt: skip
    await killed(bank, DURING, lambda: fired() == 1)
    control.delete("/control/faults").raise_for_status()
    control.post(
        "/control/mainframe/replies", json={"clientId": AFTER, "delaySeconds": 1, "times": 2}
    ).raise_for_status()
    await killed(bank, AFTER, lambda: AFTER in bank.shown()["creations"])
    program = bank.run("wait", BEFORE, DURING, AFTER)
    told = await trio.to_thread.run_sync(bank.said, program)
    assert program.wait(SECONDS_MAX) == 0
    there = bank.shown()
    assert [number for number, _ in told] == [there["accounts"][x] for x in (BEFORE, DURING, AFTER)]
    assert len(set(there["accounts"].values())) == 3
    assert there["creations"] == {BEFORE: 1, DURING: 1, AFTER: 1}

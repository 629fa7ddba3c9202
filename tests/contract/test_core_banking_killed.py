"""SIGKILL while an account is being opened: nobody gets a second one, and everybody gets theirs."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any, cast

import httpx
import pytest
import trio

from comptoir.engine.testing import Process

PROGRAM = Path(__file__).with_name("banking_program.py")
BEFORE, DURING, AFTER = "ONB-2026-00001", "ONB-2026-00002", "ONB-2026-00003"


class Bank:
    """The program, the sandbox, and one database for all runs."""

    def __init__(self, url: str, folder: Path, sandbox: str) -> None:
        self._arguments = (url, str(folder))
        self._log = folder / "log"
        self.sandbox = httpx.Client(base_url=sandbox)
        self.address = str(self.shown()["amqp"] or sandbox)

    def shown(self) -> Any:
        """What the mainframe has."""
        return self.sandbox.get("/control/mainframe").json()

    def run(self, word: str, *clients: str) -> "subprocess.Popen[bytes]":
        """Start the program; it has said its first line."""
        command = [sys.executable, str(PROGRAM), word, *self._arguments, self.address, *clients]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # ours

    def said(self, program: "subprocess.Popen[bytes]") -> Any:
        """Its line."""
        line = cast("IO[bytes]", program.stdout).readline()
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
        program.communicate()


async def test_nobody_gets_a_second_account(bank: Bank) -> None:
    """Killed before the record left, while the broker had not answered, and while the reply was on its way: each has one
    account after one command, and no command was sent again (X9, E11; invariants 1 and 4).
    """
    control = bank.sandbox
    await killed(bank, BEFORE, lambda: True)
    control.put("/control/faults", json=[
        {"party": "mainframe", "operation": "requests.put", "fault": "timeout", "count": 1, "ms": 1000}
    ]).raise_for_status()  # fmt: skip
    await killed(
        bank, DURING, lambda: control.get("/control/faults").json()["faults"][0]["fired"] == 1
    )
    control.delete("/control/faults").raise_for_status()
    control.post(
        "/control/mainframe/replies", json={"clientId": AFTER, "delaySeconds": 1, "times": 2}
    ).raise_for_status()
    await killed(bank, AFTER, lambda: AFTER in bank.shown()["creations"])
    program = bank.run("wait", BEFORE, DURING, AFTER)
    told = await trio.to_thread.run_sync(bank.said, program)
    program.communicate()
    there = bank.shown()
    assert [number for number, _ in told] == [there["accounts"][x] for x in (BEFORE, DURING, AFTER)]
    assert len(set(there["accounts"].values())) == 3
    assert there["creations"] == {BEFORE: 1, DURING: 1, AFTER: 1}

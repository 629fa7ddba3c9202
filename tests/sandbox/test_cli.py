"""The program as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of

COMMAND = [sys.executable, "-c", "from comptoir.sandbox.cli import main; main()"]


@contextmanager
def _serving(
    *arguments: str,
) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]], None, None]:
    """A running sandbox and its ready line; killed by its own handle in any case."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def _started(*arguments: str) -> AsyncGenerator[tuple[Any, dict[str, Any]], None]:
    with _serving(*arguments) as running:
        yield running


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("comptoir-sandbox"))
    return Process([program], os.environ, Path.cwd()).ran(*arguments)


async def test_a_run_from_outside(receiver: Any, tmp_path: Path) -> None:
    """interface.md 10: start, feed by files, run, read the result, stop with status 0."""
    partners = tmp_path / "partners.csv"
    partners.write_text("id,name,rate_bp\np1,Zorblax,500\np2,Quilmont,250\n", encoding="utf-8")
    connections = tmp_path / "connections.csv"
    connections.write_text(
        "connection_id,user_id\nconn_1,user_1\nconn_2,user_2\n", encoding="utf-8"
    )
    request = {
        "target": receiver.url,
        "secret": receiver.secret,
        "count": 300,
        "seed": 1,
        "partnersCsv": str(partners),
        "connectionsCsv": str(connections),
    }
    async with (
        _started() as (process, ready),
        httpx.AsyncClient(verify=trust_of("http:"), timeout=60) as client,
    ):
        assert ready["event"] == "ready"
        assert ready["pid"] == process.pid
        assert ready["bootMs"] >= 0
        base = ready["http"]
        assert (await client.get(f"{base}/health")).json()["parties"] == [
            "seed", "powens", "plaid", "tink", "fcm", "sendgrid", "brevo", "twilio", "vop",
            "kyc", "addresses", "credit", "media", "mainframe", "docusign", "subscriber", "trust",
        ]  # fmt: skip
        run_id = (await client.post(f"{base}/control/runs", json=request)).json()["runId"]
        result = (await client.get(f"{base}/control/runs/{run_id}?waitSeconds=60")).json()
        process.send_signal(signal.SIGTERM)
        out, err = await trio.to_thread.run_sync(process.communicate)
    assert process.returncode == 0
    assert out == ""
    assert result["status"] == "done"
    assert sum(receiver.points().values()) == result["acknowledged"]["points"] > 0
    assert [json.loads(line)["event"] for line in err.splitlines()] == [
        "run.started",
        "run.ended",
        "sandbox.stopping",
    ]
    assert receiver.secret not in err


def test_interrupt_ends_with_status_0() -> None:
    """interface.md 2: SIGINT stops as SIGTERM does."""
    with _serving() as (process, _ready):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 0


async def test_stops_in_the_middle_of_a_run(receiver: Any) -> None:
    """A stop does not wait for a run, nor for calls that are never answered."""
    request = {
        "target": receiver.url,
        "secret": receiver.secret,
        "count": 1000,
        "ratePerSecond": 1,
        "partnersCsv": "id,name,rate_bp\np1,Zorblax,500\n",
        "connectionsCsv": "connection_id,user_id\nconn_1,user_1\n",
    }
    async with (
        _started() as (process, ready),
        httpx.AsyncClient(verify=trust_of("http:"), timeout=60) as client,
    ):
        answer = await client.post(f"{ready['http']}/control/runs", json=request)
        assert answer.status_code == 202
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(10):
            await trio.to_thread.run_sync(process.communicate, abandon_on_cancel=True)
    assert process.returncode == 0


def test_script_is_in_force_from_the_start(tmp_path: Path) -> None:
    """interface.md 10: the script file is the fault list, with times."""
    script = tmp_path / "faults.toml"
    script.write_text('seed = 9\n[[fault]]\nparty = "fcm"\nfault = "status"\nuntil = 60\n')
    with _serving("--script", str(script)) as (_process, ready):
        document = httpx.get(f"{ready['http']}/control/faults", verify=trust_of("http:")).json()
        push = httpx.post(
            f"{ready['http']}/v1/projects/p/messages:send",
            verify=trust_of("http:"),
            json={},
        )
    assert (document["seed"], document["faults"][0]["until"]) == (9, 60)
    assert push.status_code == 503


def test_help() -> None:
    """Every command says what it does and which options it takes."""
    for arguments in (["--help"], ["serve", "--help"]):
        shown = _run(*arguments)
        assert shown.returncode == 0
        assert "serve" in shown.stdout
    assert "--script" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["serve", "--port", "x"], "USAGE"),
        (["serve", "--port", "70000"], "USAGE"),
        (["serve", "--prot", "1"], "USAGE"),
        (["severe"], "USAGE"),
        (["serve", "--script", "/nowhere.toml"], "SCRIPT_UNREADABLE"),
    ],
)
def test_usage_errors(arguments: list[str], code: str) -> None:
    """interface.md 2: status 2 and one line of code, text and remedy on standard error."""
    ended = _run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"comptoir-sandbox: {code}: ")
    assert line.count(": ") >= 3


def test_bad_script(tmp_path: Path) -> None:
    """A script with a wrong name stops the start, with the nearest right one."""
    script = tmp_path / "faults.toml"
    script.write_text('[[fault]]\nparty = "fcm"\nfault = "droop_after_effect"\n')
    ended = _run("serve", "--port", "0", "--script", str(script))
    assert ended.returncode == 2
    assert "comptoir-sandbox: SCRIPT_INVALID: " in ended.stderr
    assert "/0/fault: no such fault: did you mean drop_after_effect?" in ended.stderr


def test_port_in_use() -> None:
    """interface.md 2: status 4 where the port is taken."""
    with _serving() as (_process, ready):
        port = ready["http"].rpartition(":")[2]
        ended = _run("serve", "--port", port)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("comptoir-sandbox: PORT_IN_USE: ")

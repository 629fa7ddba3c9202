"""The program behind the queues: GnuCOBOL from the very copybooks where `cobc` is, else these few lines of Python.

Rules:
- one account for each CLIENT-ID, however often it is asked for: whoever asks again gets the same;
- in COBOL the program reads and writes the bytes, converts them by a table of its own, and keeps its accounts in a file;
- which of the two it is stands in the log and in `GET /control/mainframe`: the Python one is no proof of anything COBOL.
Source: spec.md S30, S31; issue 9; docs/sandbox.md.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import structlog
import trio

from comptoir.sandbox.parties.mainframe_orders import Change, Refusal, order_of, record_of
from comptoir.sandbox.parties.mainframe_records import (
    Wrong,
    address_record,
    read_request,
    reply_record,
)

_log = structlog.get_logger("comptoir.sandbox")

COPYBOOKS: Final = Path(__file__).parents[2] / "actors" / "gateways" / "copybook"
SOURCES: Final = {
    "mainframe": Path(__file__).with_name("mainframe.cob"),
    "says": Path(__file__).with_name("mainframe_says.cob"),
}
"""Name of the program -> what it is compiled from."""
COMPILE_S: Final = 60
RUN_S: Final = 10.0


class Program(Protocol):
    """Takes one record, and answers with one."""

    name: str

    async def answer(self, record: bytes, held: bytes = b"") -> bytes:
        """The reply.

        Args:
            record: the request.
            held: the address of its client as records have it; empty: none.

        Raises:
            Wrong: it takes no such record.
        """
        ...

    async def say(self, said: Refusal | Change) -> bytes:
        """A record that no request has asked for in these words.

        Raises:
            Wrong: it cannot be written.
        """
        ...

    def accounts(self) -> dict[str, str]:
        """CLIENT-ID -> number."""
        ...

    def reset(self) -> None:
        """Forget them."""
        ...


class PythonProgram:
    """The same in Python."""

    name = "python"

    def __init__(self) -> None:
        self._accounts: dict[str, str] = {}

    async def answer(self, record: bytes, held: bytes = b"") -> bytes:
        """Create, or find."""
        asked = read_request(record)
        number = self._accounts.get(asked.client_id, "")
        if asked.code == "ACVF" and number:
            lives = held == address_record(dict(asked.address))
            said = (
                ("04", number, "SUCCESS: LIVES THERE") if lives else ("12", "", "LIVES ELSEWHERE")
            )
            return reply_record(asked.client_id, *said)
        if asked.code == "ACUP" and number:
            return reply_record(asked.client_id, "00", number, "SUCCESS: UPDATED")
        if number:
            return reply_record(asked.client_id, "04", number, "SUCCESS: WAS THERE")
        if asked.code != "ACCT":
            return reply_record(asked.client_id, "12", "", "NO SUCH CLIENT")
        number = f"WM{len(self._accounts) + 1:010d}"
        self._accounts[asked.client_id] = number
        return reply_record(asked.client_id, "00", number, "SUCCESS")

    async def say(self, said: Refusal | Change) -> bytes:
        """By offsets."""
        return record_of(said)

    def accounts(self) -> dict[str, str]:
        """All of them."""
        return dict(self._accounts)

    def reset(self) -> None:
        """Forget them."""
        self._accounts.clear()


class CobolProgram:
    """The compiled program, in a folder of its own; one run for each record."""

    name = "gnucobol"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = trio.Lock()

    async def answer(self, record: bytes, held: bytes = b"") -> bytes:
        """Have it run on a record."""
        return await self._run("mainframe", {"REQUEST": record, "HELD": held}, "REPLY")

    async def say(self, said: Refusal | Change) -> bytes:
        """Have its other program write a record."""
        return await self._run("says", {"ORDER": order_of(said)}, "SAID")

    async def _run(self, program: str, given: Mapping[str, bytes], written: str) -> bytes:
        """One run at a time, since all share the folder."""
        async with self._turn:
            for name, content in given.items():
                (self._folder / name).write_bytes(content)
            (self._folder / written).unlink(missing_ok=True)
            with trio.fail_after(RUN_S):
                ran = await trio.run_process(
                    [str(self._folder / program)], cwd=self._folder, check=False, capture_stdout=True,
                    capture_stderr=True, env={"PATH": "/usr/bin:/bin"},
                )  # fmt: skip
            if ran.returncode:
                raise Wrong(ran.stdout.decode("ascii", "replace").strip()[:200] or "it abended")
            return (self._folder / written).read_bytes()

    def accounts(self) -> dict[str, str]:
        """As its file has them."""
        try:
            lines = (self._folder / "ACCOUNTS").read_text("ascii").splitlines()
        except FileNotFoundError:
            return {}
        return {line[:20].rstrip(): line[20:32].rstrip() for line in lines}

    def reset(self) -> None:
        """Forget them."""
        (self._folder / "ACCOUNTS").unlink(missing_ok=True)


def compiled() -> Program:
    """The program, compiled where it can be."""
    cobc = shutil.which("cobc")
    if cobc is None:
        _log.info("mainframe.program", program="python", why="no cobc on this machine")
        return PythonProgram()
    folder = Path(tempfile.mkdtemp(prefix="comptoir-mainframe-"))
    try:
        for name, source in SOURCES.items():
            folders = ["-I", str(COPYBOOKS), "-I", str(source.parent)]
            command = [cobc, "-x", *folders, "-o", str(folder / name), str(source)]
            subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_S, cwd=folder)  # noqa: S603  # our own source
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        _log.warning("mainframe.program", program="python", why=f"cobc: {type(error).__name__}")
        return PythonProgram()
    _log.info("mainframe.program", program="gnucobol")
    return CobolProgram(folder)

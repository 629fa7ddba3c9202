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
from pathlib import Path
from typing import Final, Protocol

import structlog
import trio

from comptoir.sandbox.parties.mainframe_records import Wrong, read_request, reply_record

_log = structlog.get_logger("comptoir.sandbox")

COPYBOOKS: Final = Path(__file__).parents[2] / "actors" / "gateways" / "copybook"
SOURCE: Final = Path(__file__).with_name("mainframe.cob")
COMPILE_S: Final = 60
RUN_S: Final = 10.0


class Program(Protocol):
    """Takes one record, and answers with one."""

    name: str

    async def answer(self, record: bytes) -> bytes:
        """The reply.

        Raises:
            Wrong: it takes no such record.
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

    async def answer(self, record: bytes) -> bytes:
        """Create, or find."""
        asked = read_request(record)
        number = self._accounts.get(asked.client_id, "")
        if asked.code == "ACUP" and number:
            return reply_record(asked.client_id, "00", number, "SUCCESS: UPDATED")
        if number:
            return reply_record(asked.client_id, "04", number, "SUCCESS: WAS THERE")
        if asked.code != "ACCT":
            return reply_record(asked.client_id, "12", "", "NO SUCH CLIENT")
        number = f"WM{len(self._accounts) + 1:010d}"
        self._accounts[asked.client_id] = number
        return reply_record(asked.client_id, "00", number, "SUCCESS")

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

    async def answer(self, record: bytes) -> bytes:
        """Have it run on a record."""
        (self._folder / "REQUEST").write_bytes(record)
        (self._folder / "REPLY").unlink(missing_ok=True)
        with trio.fail_after(RUN_S):
            ran = await trio.run_process(
                [str(self._folder / "mainframe")], cwd=self._folder, check=False, capture_stdout=True,
                capture_stderr=True, env={"PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        if ran.returncode:
            raise Wrong(ran.stdout.decode("ascii", "replace").strip()[:200] or "it abended")
        return (self._folder / "REPLY").read_bytes()

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
    command = [cobc, "-x", "-I", str(COPYBOOKS), "-o", str(folder / "mainframe"), str(SOURCE)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_S, cwd=folder)  # noqa: S603  # our own source
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        _log.warning("mainframe.program", program="python", why=f"cobc: {type(error).__name__}")
        return PythonProgram()
    _log.info("mainframe.program", program="gnucobol")
    return CobolProgram(folder)

"""The processes of the demo: the daemon and the sandbox, started, watched, killed, ended.

Rule: no child outlives the demo, whatever ends it. A session of its own keeps Ctrl-C from reaching
a child before the demo ends it in order; the leash ends it where the demo cannot.
Source: issue "the engine" (deliver 7); interface.md 2 (ready line, signals).
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import trio

from comptoir.engine.cli import leash as leash_program
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError

__all__ = ["Child", "Leash", "Program", "last_lines"]

READY_BYTES_MAX = 4096
POLL_SECONDS = 0.02
STOP_SECONDS_MAX = 12.0
"""A graceful stop takes 10 s at most (interface.md 2)."""
LAST_LINES = 15
LAST_BYTES = 64 * 1024
LINE_CHARS_MAX = 400


@dataclass(frozen=True, slots=True)
class Program:
    """How to start a child."""

    name: str
    """For people: `daemon`, `sandbox`."""
    script: str
    """The command beside our own Python."""
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    """Where its standard error goes, added at the end."""
    ready_seconds_max: float


class Leash:
    """The small program that ends the children where the demo itself no longer can."""

    def __init__(self) -> None:
        # Isolated and without site: it starts in a hundredth of a second, whatever is installed.
        self._process = subprocess.Popen(  # noqa: S603  our own file, no shell
            [sys.executable, "-I", "-S", leash_program.__file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def __repr__(self) -> str:
        return f"<Leash pid={self._process.pid}>"

    def hold(self, process: int) -> None:
        """End this process with ours."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % process)
        self._process.stdin.flush()

    def release(self) -> None:
        """Everything that was held has ended."""
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()


class Child:
    """One running program. `start` makes it; `ready` waits for its line."""

    def __init__(self, program: Program, process: "subprocess.Popen[bytes]") -> None:
        self.program = program
        self._process = process
        self._expected = False

    def __repr__(self) -> str:
        return f"<Child {self.program.name} pid={self.pid} status={self._process.returncode}>"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    def start(cls, program: Program, leash: "Leash") -> "Child":
        """Start it on the leash.

        Raises:
            CommandError: the command is not there.
        """
        path = Path(sys.executable).parent / program.script
        if not path.exists():
            text = f"{program.script} is not beside {sys.executable}"
            raise CommandError("PROGRAM_MISSING", text, "run make setup", exit_status=EXIT_OTHER)
        with program.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  our own programs, no shell
                [path, *program.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(program.environment),
                start_new_session=True,
            )
        leash.hold(process.pid)
        return cls(program, process)

    async def ready(self) -> dict[str, Any]:
        """Wait for its ready line.

        Raises:
            CommandError: it ended, or was not ready in time.
        """
        assert self._process.stdout is not None
        stream = trio.lowlevel.FdStream(os.dup(self._process.stdout.fileno()))
        line = b""
        async with stream:
            with trio.move_on_after(self.program.ready_seconds_max) as waiting:
                while not line.endswith(b"\n") and len(line) < READY_BYTES_MAX:
                    if not (more := await stream.receive_some(READY_BYTES_MAX)):
                        await self._gone()
                        raise self._ended()
                    line += more
        if waiting.cancelled_caught:
            name, seconds = self.program.name, self.program.ready_seconds_max
            text = f"the {name} was not ready after {seconds:g} s"
            raise CommandError(
                "CHILD_NOT_READY", text, f"see {self.program.log}", exit_status=EXIT_OTHER
            )
        ready: dict[str, Any] = orjson.loads(line)
        return ready

    async def watch(self) -> None:
        """Return when it was ended by us.

        Raises:
            CommandError: it ended by itself.
        """
        await self._gone()
        if not self._expected:
            raise self._ended()

    def ended_by_itself(self) -> CommandError | None:
        """Why it ended, if it did and nobody here ended it."""
        ended = self._process.poll() is not None and not self._expected
        return self._ended() if ended else None

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._expected = True
        self._process.kill()
        await self._gone()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help in time. Harmless where it has ended."""
        self._expected = True
        self._process.terminate()
        with trio.move_on_after(STOP_SECONDS_MAX):
            await self._gone()
        self.end_now()

    def end_now(self) -> None:
        """Leave nothing behind, without waiting for anything orderly."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    async def _gone(self) -> None:
        # A wait in a thread could not be cancelled, and this is no hot path.
        while self._process.poll() is None:  # noqa: ASYNC110
            await trio.sleep(POLL_SECONDS)

    def _ended(self) -> CommandError:
        """Why it ended: its own line where it has said one."""
        status = self._process.returncode
        said = [
            line
            for line in last_lines(self.program.log)
            if line.startswith(("comptoir: ", "comptoir-sandbox: "))
        ]
        parts = said[-1].split(": ", 3) if said else []
        if len(parts) == 4:  # noqa: PLR2004  program, code, text, remedy
            return CommandError(parts[1], parts[2], parts[3], exit_status=status)
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        text = f"the {self.program.name} ended with {how}"
        return CommandError("CHILD_ENDED", text, f"see {self.program.log}", exit_status=EXIT_OTHER)


def last_lines(log: Path) -> list[str]:
    """The end of a log, each line cut to what a terminal shows."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        _skip_to_end(file)
        lines = file.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]
        return [line[:LINE_CHARS_MAX] for line in lines]
    return []


def _skip_to_end(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LAST_BYTES))

"""`comptoir demo`, what `make run` runs: two real processes, a kill, and a count to the point.

Rule: the daemon and the sandbox are the very commands that a user has; none of them outlives the
demo. Source: issue "the engine" (deliver 7); interface.md 2.
"""

import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trio

from comptoir.engine.cli.demo_access import as_a_user_would
from comptoir.engine.cli.demo_accounts import fetch_house
from comptoir.engine.cli.demo_children import Child, Leash, Program, last_lines
from comptoir.engine.cli.demo_data import user_id
from comptoir.engine.cli.demo_place import DemoPlace, Wanted, prepare
from comptoir.engine.cli.demo_play import Play, Script
from comptoir.engine.cli.demo_show import Screen
from comptoir.engine.cli.errors import EXIT_INTERRUPTED, EXIT_OTHER, CommandError, explain

__all__ = ["DemoOptions", "run_demo"]

DATABASE_STOP_SECONDS_MAX = 10.0
WATCHER_SECONDS = 1.0
"""In which a dead child is seen to be dead, on a busy machine."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    stay: bool
    """Stay up after the verdict until Ctrl-C."""
    count: int
    seed: int
    rate_per_second: int | None
    kill: bool
    clients: bool
    """Take the ten on."""
    port: int | None
    sandbox_port: int
    data_dir: Path | None
    config: Path | None


def run_demo(options: DemoOptions) -> int:
    """Play the demo.

    Returns:
        The exit status: 0 where every point is where it must be, 130 where it was interrupted
        before the verdict, else 1.

    Raises:
        CommandError, SettingsError: it cannot begin.
    """
    began = time.monotonic()
    wanted = Wanted(options.data_dir, options.config, options.port, options.sandbox_port)
    place = prepare(wanted, os.environ)
    return trio.run(_Demo(options, place, began).run)


class _Demo:
    """The life of a demo: children up, play, stay, children down."""

    def __init__(self, options: DemoOptions, place: DemoPlace, began: float) -> None:
        self._options = options
        self._place = place
        self._began = began
        self._screen = Screen()
        self._children: dict[str, Child] = {}
        self._leash = Leash()
        self._lost: CommandError | None = None
        """Why a child ended by itself."""
        self._status = EXIT_INTERRUPTED
        """What a signal before the verdict makes of it."""

    async def run(self) -> int:
        """Everything, until the end or a signal."""
        try:
            async with trio.open_nursery() as nursery:
                # First of all: from here on a signal ends the demo in order.
                await nursery.start(_cancel_on_signal, nursery.cancel_scope)
                async with self._up():
                    await self._live()
                nursery.cancel_scope.cancel()
        except* CommandError as group:
            self._tell(self._lost or group)
        if self._status == EXIT_INTERRUPTED:
            self._screen.say("interrupted; everything has been stopped")
        return self._status

    @asynccontextmanager
    async def _up(self) -> AsyncGenerator[None]:
        """Both children, ready; and their end, whatever happens."""
        self._screen.say(f"comptoir demo in {self._place.folder.parent}")
        try:
            with self._screen.stage("daemon and sandbox up"):
                await self._start(self._place.sandbox)
                await fetch_house(self._place)
                await self._start(self._place.daemon)
            yield
        finally:
            # Whoever has ended by itself is the reason for whatever else went wrong.
            ended = [child.ended_by_itself() for child in self._children.values()]
            self._lost = next((error for error in ended if error is not None), None)
            with trio.CancelScope(shield=True):
                await self._down()
            self._leash.release()

    async def _live(self) -> None:
        """Play, then stay; a child that ends by itself ends it."""
        async with trio.open_nursery() as nursery:
            for child in self._children.values():
                nursery.start_soon(child.watch)

            async def start_again(program: Program = self._place.daemon) -> None:
                self._children["daemon"].end_now()
                await self._start(program)
                nursery.start_soon(self._children["daemon"].watch)

            async def pay_by_files() -> None:
                await self._children["daemon"].stop()
                await start_again(self._place.by_files)

            options = self._options
            play = Play(
                place=self._place,
                script=Script(
                    options.count,
                    options.seed,
                    options.rate_per_second,
                    options.kill,
                    options.clients,
                ),
                screen=self._screen,
                began=self._began,
                kill_daemon=self._children["daemon"].kill,
                start_daemon=start_again,
                pay_by_files=pay_by_files,
            )
            broken = ""
            try:
                self._status = 0 if await play.perform() else EXIT_OTHER
            except* httpx.HTTPError as group:
                broken = type(group.exceptions[0]).__name__
            if broken:
                # A child that has died breaks its connections first and is seen to be dead a moment
                # later; then its watcher ends this wait and says more.
                await trio.sleep(WATCHER_SECONDS)
                text = f"a child does not answer ({broken})"
                raise CommandError("NO_ANSWER", text, "read the logs above", exit_status=EXIT_OTHER)
            if options.stay:
                self._invite()
                await trio.sleep_forever()
            nursery.cancel_scope.cancel()

    async def _start(self, program: Program) -> None:
        child = self._children[program.name] = Child.start(program, self._leash)
        await child.ready()

    def _invite(self) -> None:
        """The addresses to open."""
        url, wallet = self._place.daemon_url, f"/api/v1/wallets/{user_id(0)}"
        reads = as_a_user_would(self._place, user_id(0), url + wallet)
        inbox = f"{self._place.sandbox_url}/inbox"
        rows = {
            "the daemon": f"{url}/",
            "its figures": f"{url}/metrics",
            "a wallet": reads,
            "its history": f"{reads}/entries",
            "what was sent": inbox,
        }
        for name, address in rows.items():
            self._screen.say(f"  {name:<12} {address}")
        self._screen.say("Ctrl-C ends it.")

    def _tell(self, error: BaseException) -> None:
        """The end of both logs, then what went wrong in a line."""
        for program in (self._place.daemon, self._place.sandbox):
            self._screen.say(f"-- the end of {program.log}")
            for line in last_lines(program.log):
                self._screen.say(f"   {line}")
        lines, self._status = explain(error)
        sys.stderr.write("".join(f"{line}\n" for line in lines))

    async def _down(self) -> None:
        """End both, then the database where a killed daemon has left it running."""
        async with trio.open_nursery() as nursery:
            for child in self._children.values():
                nursery.start_soon(child.stop)
        server = self._place.database()
        if server is not None:
            with trio.move_on_after(DATABASE_STOP_SECONDS_MAX):
                await server.stop()


async def _cancel_on_signal(
    scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """SIGTERM, SIGHUP and Ctrl-C end the demo in order."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()

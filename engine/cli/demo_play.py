"""The play itself: import, read the books, send the webhooks, kill, start again, count.

Rule: whatever is measured is measured from outside the daemon; the demo has no door that a user has
not. Source: issue "the engine" (deliver 7); interface.md 4, 5, 10.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import trio

from comptoir.engine.cli.daemons import client_of
from comptoir.engine.cli.demo_access import sign_in
from comptoir.engine.cli.demo_books import read_books, read_wallets
from comptoir.engine.cli.demo_clients import Clients
from comptoir.engine.cli.demo_data import USERS, user_id
from comptoir.engine.cli.demo_month import Month, align
from comptoir.engine.cli.demo_place import DemoPlace
from comptoir.engine.cli.demo_result import Compared, Timings, compare, rows_of
from comptoir.engine.cli.demo_show import Bar, Screen
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError
from comptoir.engine.cli.importing import post_csv

__all__ = ["Play", "Script"]

POLL_SECONDS = 0.1
FIRST_POLL_SECONDS = 0.01
RUN_SECONDS_MAX = 3600.0
QUIESCE_SECONDS_MAX = 600
MIX = {"partner": 0.8, "duplicate": 0.01, "forged": 0.005, "late": 0.005, "refund": 0.01}
"""Shares of all webhooks; the rest are purchases at no partner."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be played."""

    count: int
    seed: int
    rate_per_second: int | None
    kill: bool
    clients: bool
    """Whether the ten come, too."""


@dataclass(slots=True)
class Play:
    """One run of the demo against a daemon and a sandbox that are ready."""

    place: DemoPlace
    script: Script
    screen: Screen
    began: float
    """Reading of the monotonic clock when the command was given."""
    kill_daemon: Callable[[], Awaitable[None]]
    start_daemon: Callable[[], Awaitable[None]]
    pay_by_files: Callable[[], Awaitable[None]]
    """Starts it again, in order, as one that pays by files."""
    timings: Timings = field(default_factory=Timings)

    async def perform(self) -> bool:
        """Play, count, show; True where every point is where it must be."""
        async with (
            client_of(self.place.daemon_url) as daemon,
            client_of(self.place.sandbox_url) as sandbox,
        ):
            await align(daemon, sandbox)
            await self._import(daemon, "partners", self.place.partners)
            await self._import(daemon, "connections", self.place.connections)
            users = [user_id(number) for number in range(USERS)]
            prefix = f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
            with self.screen.stage(f"wallets of {USERS} users read"):
                await sign_in(daemon, self.place, f"{prefix}-before")
                before = await read_wallets(daemon, users)
            run = await self._run(sandbox, prefix)
            await self._settle(daemon)
            with self.screen.stage(f"wallets of {USERS} users read again"):
                await sign_in(daemon, self.place, f"{prefix}-after")
                after = await read_wallets(daemon, users)
            books = await read_books(self._database(), f"txn_{prefix}_")
            compared = compare(run, before, after, books)
            rows = rows_of(run, compared, books, self.timings)
            month = Month(self.place, self.screen, daemon, sandbox, prefix)
            with self.screen.stage("a customer's month"):
                await month.perform(self.pay_by_files)
            clients = Clients(self.place, self.screen, daemon, sandbox, prefix)
            if self.script.clients:
                with self.screen.stage("ten clients, from an advisor's click to an account"):
                    await clients.perform()
        self.screen.table(rows)
        self.screen.say("A customer's month, day by day:")
        self.screen.table(month.rows)
        self.screen.say(f"  its statement: {month.statement}")
        if clients.rows:
            self.screen.say(
                "Ten clients, each from an advisor's click to an account, or to a refusal, and the mainframe's count of them:"
            )
            self.screen.table(clients.rows)
        wrong = (*month.complaints, *clients.complaints)
        return self._judge(compared, wrong, clients.words)

    def _judge(self, compared: Compared, wrong: Sequence[str], clients: str) -> bool:
        """Tell what is wrong, or that all is right, and what has come of the clients."""
        for complaint in (*compared.complaints, *wrong):
            self.screen.say(f"  {complaint}", style="red")
        good = compared.good and not wrong
        if good:
            text = f"Right to the point: {compared.found:,} points expected and found. {clients}"
        else:
            off = compared.found - compared.expected
            text = (
                f"WRONG: {off:+,} points; {len(compared.differing)} users differ;"
                f" {len(wrong)} things are not as foretold."
            )
        self.screen.verdict(text.rstrip(), good=good)
        return good

    async def _import(self, daemon: httpx.AsyncClient, kind: str, file: Path) -> None:
        outcome = await post_csv(daemon, kind, await trio.Path(file).read_bytes())
        if isinstance(outcome, list):
            line = outcome[0].line(file.name)
            raise CommandError("IMPORT_REFUSED", line, "report it", exit_status=EXIT_OTHER)
        counts = ", ".join(f"{count:,} {name}" for name, count in outcome.items() if count)
        self.screen.say(f"  {kind}: {counts}")

    async def _run(self, sandbox: httpx.AsyncClient, prefix: str) -> Mapping[str, Any]:
        settings = self.place.settings
        request = {
            "target": f"{self.place.webhooks_url}/webhooks/banking",
            "scheme": "seed-v1",
            "secret": self.place.secret,
            "count": self.script.count,
            "ratePerSecond": self.script.rate_per_second,
            "seed": self.script.seed,
            "mix": MIX,
            "idPrefix": prefix,
            "partnersCsv": str(self.place.partners),
            "connectionsCsv": str(self.place.connections),
            "valueCents": settings.points.value_cents,
            "windowMs": settings.webhooks.window_ms,
        }
        answer = await sandbox.post("/control/runs", json=request)
        if answer.status_code != HTTPStatus.ACCEPTED:
            text = str(answer.json().get("detail", answer.status_code))
            raise CommandError("RUN_REFUSED", text, "see the sandbox's log", exit_status=EXIT_OTHER)
        path = f"/control/runs/{answer.json()['runId']}"
        with trio.move_on_after(RUN_SECONDS_MAX), self.screen.bar(self.script.count) as bar:
            await self._until(sandbox, path, 1, bar)
            self.timings.first_webhook = time.monotonic() - self.began
            if self.script.kill:
                await self._until(sandbox, path, self.script.count // 2, bar)
                await self._kill()
            return await self._until(sandbox, path, None, bar)
        raise CommandError(
            "RUN_TOO_SLOW", "the run takes over an hour", "play fewer", exit_status=EXIT_OTHER
        )

    @staticmethod
    async def _until(
        sandbox: httpx.AsyncClient, path: str, done: int | None, bar: Bar
    ) -> Mapping[str, Any]:
        """Follow the run until so many webhooks are answered, or to its end."""
        while True:
            run: dict[str, Any] = (await sandbox.get(path)).json()
            progress = run["progress"]
            bar.advance(progress["done"], progress["ratePerSecond"])
            if run["status"] != "running" or (done is not None and progress["done"] >= done):
                return run
            await trio.sleep(FIRST_POLL_SECONDS if done == 1 else POLL_SECONDS)

    async def _kill(self) -> None:
        """SIGKILL and start again; the sandbox goes on sending meanwhile."""
        began = time.monotonic()
        await self.kill_daemon()
        self.screen.say("  SIGKILL: the daemon is dead; starting it again")
        await self.start_daemon()
        self.timings.away = time.monotonic() - began
        self.screen.say(f"  ready again after {self.timings.away:.1f} s")

    async def _settle(self, daemon: httpx.AsyncClient) -> None:
        began = time.monotonic()
        with self.screen.stage("nothing due any more"):
            answer = await daemon.post(
                "/dev/v1/quiesce", json={"timeoutSeconds": QUIESCE_SECONDS_MAX}
            )
        if answer.status_code != HTTPStatus.OK:
            raise CommandError(
                "NOT_QUIESCENT",
                f"work is still due after {QUIESCE_SECONDS_MAX} s",
                "see the daemon's log",
                exit_status=EXIT_OTHER,
            )
        self.timings.settled = time.monotonic() - began

    def _database(self) -> str:
        server = self.place.database()
        return server.url() if server else self.place.settings.storage.url.reveal()

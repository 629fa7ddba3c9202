"""Where crash points are played: a PostgreSQL, the proxy before it, and one daemon after another.

- `Sql`: a session of the superuser, through psql: the auditor's eyes, and the hand that locks a table
  and ends a backend;
- `Life`: one daemon (life.py), its HTTP door, its notes and its orders;
- `Stage`: a database with its lives, used cell after cell, because a start is what costs time.

Rule: every wait is for an event or a condition, and bounded; what was started is ended by its id.
Source: issue 3, deliver 2; design.md 8.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import trio

from comptoir.engine.testing import Process
from comptoir.storage import _locate
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import AUDIT_SQL, Audit
from tests.durability.proxy import WAIT_SECONDS_MAX, Proxy

HERE = Path(__file__).parent
SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef"
ROLE = "comptoir"
END = "--end--"
ALARMS = re.compile(r"stranded rows|stale version|actor ended|Traceback")
"""What a daemon writes to its log only if it has a bug."""
PARTNERS = "id,name,rate_bp\np,Maison Essai,1000\n"
CONNECTIONS = "connection_id,user_id\ncn-1,u1\n"
BLOCKED_SQL = """
select pg_stat_clear_snapshot(); -- else a transaction sees the activity of its first look for ever
select coalesce(min(pid), 0) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid();"""


def wait_for(condition: Callable[[], Any], what: str | Callable[[], str]) -> Any:
    """Poll what has no event until it is true; its value."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"never: {what() if callable(what) else what}"
        time.sleep(0.005)


class Sql:
    """One session through psql, kept open."""

    def __init__(self, server: EmbeddedPostgres, database: str) -> None:
        program = trio.run(_locate.find_binaries).program("psql")
        self._psql = subprocess.Popen(
            [program, "-XqAt", "-d", server.url(database, "postgres")],
            env=_locate.ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, sql: str) -> str:
        """Run statements; what they print."""
        assert self._psql.stdin is not None
        assert self._psql.stdout is not None
        self._psql.stdin.write(f"{sql.rstrip().removesuffix(';')};\n\\echo {END}\n")
        self._psql.stdin.flush()
        lines: list[str] = []
        while (line := self._psql.stdout.readline().rstrip("\n")) != END:
            assert self._psql.poll() is None, f"psql has ended: {lines}"
            lines.append(line)
        said = "\n".join(lines)
        assert "ERROR:" not in said, said
        return said

    def close(self) -> None:
        """End it; what it has locked is free."""
        self._psql.communicate()


class Zygote:
    """The program that forks lives."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, str(HERE / "life.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, order: Mapping[str, object]) -> int:
        """Start a life; its process id."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())

    def end(self) -> None:
        """Its input ends, and so does it."""
        self._program.communicate()


class Life:
    """One daemon, from its start to its end."""

    def __init__(self, zygote: Zygote, env: dict[str, str], folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        address = folder / name
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(address))
            listener.listen(2)
            listener.settimeout(WAIT_SECONDS_MAX)
            files = {"folder": str(folder), "listener": str(address), "log": str(self.log)}
            order = {"env": env, **files}
            self.pid = zygote.fork(order)
            self._told, _ = listener.accept()
            self._orders, _ = listener.accept()
        address.unlink()
        self.http = Process([], env, folder)
        self.notes: list[dict[str, Any]] = []
        self.ended = False
        self._changed = threading.Condition()
        self._number = 0
        self._reader = threading.Thread(target=self._read, name="notes", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        cut_short = contextlib.suppress(OSError, ValueError)  # killed within a line
        with cut_short, self._told, self._told.makefile("rb") as lines:
            for line in lines:
                note = json.loads(line)
                with self._changed:
                    self.notes.append(note)
                    self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def said(self) -> str:
        """What it wrote to its log."""
        return self.log.read_text(errors="replace")

    def wait_note(self, wanted: Callable[[dict[str, Any]], bool], after: int = 0) -> dict[str, Any]:
        """The first note of this kind, from the `after`th on."""

        def found() -> dict[str, Any] | None:
            return next((note for note in self.notes[after:] if wanted(note)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self.ended, WAIT_SECONDS_MAX)
            note = found()
        assert note is not None, f"ended={self.ended}: {self.said()[-3000:]}"
        return note

    def wait_ready(self) -> None:
        """Return when it serves."""
        self.http.ready = self.wait_note(lambda note: note.get("event") == "ready")

    def order(self, do: str, **values: object) -> int:
        """Give an order; its number."""
        self._number += 1
        self._orders.sendall(json.dumps({"id": self._number, "do": do, **values}).encode() + b"\n")
        return self._number

    def answer(self, number: int) -> Any:
        """The answer to an order."""
        note = self.wait_note(lambda note: note.get("id") == number)
        assert "error" not in note, f"{note}: {self.said()[-2000:]}"
        return note["value"]

    def acknowledged(self, number: int) -> bool:
        """Whether an order was answered well by now."""
        return any(note.get("id") == number and "value" in note for note in self.notes)

    def run(self, do: str, **values: object) -> Any:
        """Give an order and wait for its answer; while the database is away, give it again."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            number = self.order(do, **values)
            if not self._is_away(number) or time.monotonic() > until:
                return self.answer(number)
            time.sleep(0.02)

    def _is_away(self, number: int) -> bool:
        """Whether the answer to an order is that the database is away."""
        note = self.wait_note(lambda note: note.get("id") == number)
        return "Unavailable" in str(note.get("error"))

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal that ends it, and wait until it is gone."""
        if not self.ended:
            os.kill(self.pid, number)
        self.wait_end()

    def wait_end(self) -> None:
        """Return when it has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.ended, WAIT_SECONDS_MAX), self.said()[-3000:]
        self._reader.join(WAIT_SECONDS_MAX)
        self._orders.close()


@dataclass
class Stage:
    """One database, its lives, and what they must have left."""

    server: EmbeddedPostgres
    proxy: Proxy
    zygote: Zygote
    folder: Path
    """Of the proxy's socket and of the lives, which share their keys."""
    database: str
    lives: list[Life] = field(default_factory=list[Life])
    number: int = 0
    """Of the cell."""
    dead: int = 0
    """Dead letters that are there by right."""
    epoch: int = 0
    """The greatest that any life served under."""

    def __post_init__(self) -> None:
        self.home = self.folder / self.database
        self.home.mkdir()
        self.sql = Sql(self.server, self.database)

    @property
    def life(self) -> Life:
        """The last one."""
        return self.lives[-1]

    def start(self, *, wait: bool = True) -> Life:
        """Start a daemon."""
        env = {name: value for name, value in os.environ.items() if "COMPTOIR_" not in name}
        env |= {
            "COMPTOIR_STORAGE__URL": (f"postgresql://{ROLE}@/{self.database}?host={self.folder}"),
            "COMPTOIR_STORAGE__DATA_DIR": str(self.home / "data"),
            "COMPTOIR_VAULT__STORE": str(self.home / "data" / "keys" / "store.db"),
            "COMPTOIR_STORAGE__LEASE_S": "1",
            "COMPTOIR_STORAGE__STANDBY_POLL_S": "0.1",
            "COMPTOIR_HTTP__PORT": "0",
            "COMPTOIR_INGEST__PORT": "0",
            "COMPTOIR_WEBHOOKS__SEED__SECRETS": json.dumps([SECRET]),
            "COMPTOIR_LOG__FORMAT": "text",
            "COMPTOIR_AUTH__MODE": "on",
            "COMPTOIR_CLOCK__MODE": "manual",
            "COMPTOIR_ENGINE__SWEEP_INTERVAL_S": "0.2",
        }
        life = Life(self.zygote, env, self.home, f"life-{len(self.lives)}")
        self.lives.append(life)
        if wait:
            life.wait_ready()
        return life

    def serving(self) -> Life:
        """A daemon that serves: the last one, or a new one."""
        if not self.lives or self.life.ended:
            self.start(wait=False)
        if not self.life.http.ready:
            self.life.wait_ready()
        return self.life

    def wait_available(self) -> None:
        """Return when a daemon that lives has its database again."""
        if not self.life.ended and self.life.http.ready:
            door = self.life.http
            wait_for(lambda: door.get("/health/ready").status == 200, "it is ready again")

    def furnish(self) -> None:
        """A partner, and a connection."""
        assert self.serving().http.load("partners", PARTNERS).status == 200
        assert self.serving().http.load("connections", CONNECTIONS).status == 200

    def book(self, what: str, reference: str) -> int:
        """How often an outside party was called, or did something."""
        book = self.home / "book"
        lines = book.read_text().splitlines() if book.exists() else []
        return sum(line.startswith(f"{what} ") and line.endswith(f" {reference}") for line in lines)

    def is_submitted_by(self, site: str) -> bool:
        """Whether the batch that is being sent holds a run of this site and kind."""
        batch = self.home / "batch"
        return batch.exists() and site in batch.read_text().splitlines()

    def now_ms(self) -> int:
        """Business time, by which webhooks are signed."""
        return time.time_ns() // 1_000_000 + int(self.serving().run("offset"))

    def advance(self, seconds: float) -> None:
        """Move business time, and let everything that falls due be handled."""
        self.serving().run("clock", seconds=seconds)

    def total(self, key: str) -> int:
        """The sum of a toy, which must be the same in memory and in the database."""
        total, found = self.serving().run("look", key=key)
        assert total == found, "memory and database differ"
        return int(total)

    def check_quiet(self) -> None:
        """Let everything that is due be handled; while the database is away, it is asked again, as in `run`."""
        quiesce = partial(self.serving().http.post, "/dev/v1/quiesce", {"timeoutSeconds": 15})
        answer = wait_for(
            lambda: (said := quiesce()).status != 503 and said, "the database is there"
        )
        assert answer.status == 200, answer

    def check(self) -> None:
        """Hold that nothing is left over, and that the ledger, the events and the log are whole."""
        life = self.serving()
        self.check_quiet()
        found = Audit(**json.loads(self.sql.run(AUDIT_SQL)))
        assert found.faults == ({"dead": self.dead} if self.dead else {})
        assert (found.due, found.parked) == (0, 0), "a row is left"
        metrics = life.http.get("/metrics").body.decode()
        assert "comptoir_messages_stranded_total 0.0" in metrics
        assert not ALARMS.search(life.said()), life.said()[-3000:]
        epoch = life.run("epoch")
        assert epoch >= self.epoch, "an epoch was used again"
        self.epoch = epoch
        batch = self.sql.run("select epoch from comptoir.writer")
        assert int(batch) == epoch, "somebody else is the writer"

    def end(self) -> None:
        """End whatever still runs."""
        for life in self.lives:
            if not life.ended:
                os.kill(life.pid, signal.SIGCONT)
                life.kill()
        self.sql.close()

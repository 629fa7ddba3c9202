"""What is compared: the daemon and its peers, each a program on a PostgreSQL server of its own.

Rules:
- every side has the same binaries and settings of PostgreSQL (fsync on), its own cluster, the same
  partners and connections, and is asked by the same load;
- every cluster has files of the log to use again, as one that was at work has: a new one makes each of
  them, 16 MiB of zeros, until its second checkpoint, and whoever writes waits for it;
- CPU is that of everything that works for a side: its program, its server, and all their children;
- the daemon has its accounts, its limits and its vault with a key for each person, as it is sold, and is looked
  at for it: peers have nothing of the kind;
- after each slice the ledger must have grown by exactly what was acknowledged, in entries, in points
  and in balances, told by SQL that is the same for all of them.
Source: docs/performance.md; interface.md 5 (SQL for auditors).
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import trio

from bench.cpu import seconds_of_tree
from bench.populate import ACCOUNTS, disk_folder
from bench.wires import points_of
from comptoir.engine.testing import SECRETS, Process
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import audit

__all__ = [
    "FAULTS_SQL",
    "LEDGER_SQL",
    "OURS",
    "PEERS",
    "Crowd",
    "Ledger",
    "Side",
    "load",
    "open_sides",
    "peer_database",
    "serve",
]

OURS: Final = "comptoir"
PEERS: Final = ("tuned", "single", "plain")
DATABASE: Final = "comptoir"
SCHEMA: Final = Path(__file__).with_name("peers") / "schema.sql"
LEDGER_SQL: Final = """select json_build_object(
 'entries', (select count(*) from report.entry),
 'points', (select coalesce(sum(points), 0) from report.entry),
 'balances', (select coalesce(sum(available + pending), 0) from report.wallet),
 'lots', (select coalesce(sum(remaining), 0) from report.lot));"""
FAULTS_SQL: Final = """select json_build_object(
 'unbalanced', (select coalesce(sum(points), 0) from report.posting),
 'credited_twice', (select count(*) from (select 1 from report.entry where kind = 'credit'
                    group by transaction_id having count(*) > 1) as twice),
 'lots_differ', (select count(*) from report.wallet w full join
                 (select user_id, sum(remaining) as remaining from report.lot group by 1) l
                 using (user_id) where w.available + w.pending is distinct from l.remaining),
 'entries_differ', (select count(*) from report.wallet w full join
                    (select user_id, sum(points) as points from report.entry group by 1) e
                    using (user_id) where w.available + w.pending is distinct from e.points));"""

FORMATS_SQL: Final = """select json_build_object('wallets', count(*),
 'other', count(*) filter (where get_byte(state, 0) <> 2)) from comptoir.actor where kind = 'wallet';"""
"""Format 2 is sealed by a person's key (docs/keys.md)."""


LOG_SQL: Final = """select count(pg_logical_emit_message(false, 'bench', 'full')), count(pg_switch_wal())
from generate_series(1, 64); checkpoint;"""
"""Files of 16 MiB, as many as `min_wal_size` has the checkpoint keep."""


@dataclass(frozen=True)
class Crowd:
    """Who is sent about: the same for all sides."""

    users: int = 1000
    partners: int = 200
    secret: str = field(default_factory=lambda: secrets.token_hex(24))
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the daemon, beside those that every bench has: variables."""


@dataclass(frozen=True)
class Ledger:
    """What an auditor counts."""

    entries: int
    points: int
    balances: int
    lots: int

    def grown(self, before: "Ledger") -> tuple[int, int, int, int]:
        """By how much, since."""
        return (
            self.entries - before.entries,
            self.points - before.points,
            self.balances - before.balances,
            self.lots - before.lots,
        )


class Side:
    """One program under load, its server, and its books."""

    def __init__(self, name: str, server: EmbeddedPostgres, process: Process, crowd: Crowd) -> None:
        self.name = name
        self.server = server
        self.process = process
        self.crowd = crowd
        self._sent = 0
        status = server.status()
        assert status.pid is not None
        self._server_pid = status.pid

    @property
    def target(self) -> str:
        """Where webhooks go: a lane for them alone, if the program has one."""
        return str(self.process.ready.get("ingest") or self.process.url)

    def cpu_s(self) -> tuple[float, float]:
        """CPU-seconds so far: of the program with its children, and of its PostgreSQL."""
        return seconds_of_tree(self.process.pid), seconds_of_tree(self._server_pid)

    def sql(self, text: str) -> str:
        """Ask the database as its superuser."""
        return trio.run(self.server.run_sql, text, DATABASE)

    def ledger(self) -> Ledger:
        """Count entries, points, balances and lots."""
        return Ledger(**json.loads(self.sql(LEDGER_SQL)))

    def check(self) -> None:
        """The whole ledger, account by account, with the daemon's own audit where it is the daemon.

        Raises:
            AssertionError: it is not whole.
        """
        faults = {k: v for k, v in json.loads(self.sql(FAULTS_SQL)).items() if v}
        assert not faults, f"{self.name}: {faults}"
        if self.name == OURS:
            found = trio.run(audit, self.server)
            assert (found.faults, found.due) == ({}, 0), found
            self.check_guarded()

    def check_guarded(self) -> None:
        """The daemon that was measured counts who asks, lets nobody in without a token, and has sealed each
        wallet under a key of its person.

        Raises:
            AssertionError: something of it was off.
        """
        asked = self.process.get("/")
        assert "ratelimit-policy" in asked.headers, "limits are off"
        assert self.process.get("/api/v1/wallets/user0").status == 401, "accounts are off"
        formats = json.loads(self.sql(FORMATS_SQL))
        assert formats["wallets"] > 0, "nothing was sealed"
        assert formats["other"] == 0, f"the vault has no key store: {formats}"

    def slice(
        self, count: int, connections: int, rate: float = 0, target: str = ""
    ) -> dict[str, Any]:
        """One load, what it cost, and whether the books say what was acknowledged.

        Args:
            count: how many webhooks.
            connections: over how many.
            rate: a second; 0: as fast as they are answered.
            target: the listener; "": where they go by themselves.

        Returns:
            What load.run returns, with `cpu` (CPU-s per 1,000: program, database, all).

        Raises:
            AssertionError: an answer was not 202, or the ledger did not grow by exactly that.
        """
        job = {
            "url": target or self.target, "secret": self.crowd.secret, "users": self.crowd.users,
            "partners": self.crowd.partners, "prefix": "w", "first": self._sent, "count": count,
            "connections": connections, "rate": rate,
        }  # fmt: skip
        if self.name == OURS:
            job["quiesce"] = self.process.url
        numbers = range(self._sent, self._sent + count)
        self._sent += count
        books, cpu = self.ledger(), self.cpu_s()
        found = load(job)
        spent = [after - before for before, after in zip(cpu, self.cpu_s(), strict=True)]
        assert found["statuses"] == {"202": count}, f"{self.name}: {found['statuses']}"
        worth = sum(map(points_of, numbers))
        grown = self.ledger().grown(books)
        assert grown == (count, worth, worth, worth), f"{self.name} grew by {grown}, not {worth}"
        each = [seconds / count * 1000 for seconds in spent]
        found["cpu"] = {"program": each[0], "database": each[1], "all": sum(each)}
        return found


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Run the sender in a process of its own.

    Raises:
        AssertionError: it failed; with what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _environment(**values: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COMPTOIR_", "PEER_"))}
    return {**kept, **values}


def serve(name: str, url: str, folder: Path, crowd: Crowd) -> Process:
    """Start a side's program, and wait until it answers."""
    if name == OURS:
        command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
        env = _environment(
            COMPTOIR_STORAGE__URL=url,
            COMPTOIR_STORAGE__DATA_DIR=str(folder / "data"),
            COMPTOIR_HTTP__PORT="0",
            COMPTOIR_INGEST__PORT="0",
            # A server of one's own has no key store unless it is named: each person's key is part of the work.
            COMPTOIR_VAULT__STORE=str(folder / "keys.db"),
            COMPTOIR_HTTP__RATE_LIMITS="on",
            **ACCOUNTS,
            **crowd.settings,
        )
    else:
        command = [sys.executable, "-m", "bench.peers.serve", name]
        path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
        workers = os.environ.get("BENCH_WORKERS", "1")
        pool = os.environ.get("BENCH_POOL", "16")
        env = _environment(
            PEER_URL=url, PEER_SECRET=crowd.secret, PEER_WORKERS=workers, PEER_POOL=pool,
            PYTHONPATH=path,
        )  # fmt: skip
    env[SECRETS] = json.dumps([crowd.secret])  # of a peer only for `Process.webhook`
    return Process(command, env, folder).start()


def _furnish(side: Side) -> None:
    """The partners and connections, by the daemon's import or by SQL."""
    users, partners = range(side.crowd.users), range(side.crowd.partners)
    if side.name == OURS:
        rows = "".join(f"p{n},Enseigne {n:03d},500\n" for n in partners)
        assert side.process.load("partners", "id,name,rate_bp\n" + rows).status == 200
        rows = "".join(f"c{n},user{n}\n" for n in users)
        assert side.process.load("connections", "connection_id,user_id\n" + rows).status == 200


def peer_database(server: EmbeddedPostgres, database: str, crowd: Crowd) -> None:
    """A peer's schema with its fixtures, before the program reads them."""
    script = f"""set role comptoir;
    {SCHEMA.read_text()}
    insert into partner
    select 'p' || n, 'Enseigne ' || to_char(n, 'FM000'), 500 from generate_series(0, {crowd.partners - 1}) n;
    insert into connection
    select 'seed', 'c' || n, 'user' || n from generate_series(0, {crowd.users - 1}) n;
    analyze;"""
    trio.run(server.run_sql, script, database)


@contextmanager
def _open(name: str, folder: Path, crowd: Crowd) -> Generator[Side]:
    """One side, up and furnished; stopped and deleted at the end."""
    folder.mkdir(mode=0o711)
    # The sessions of the bare insert are more than a daemon's own server has beside the daemon.
    server = EmbeddedPostgres(folder / "server", settings={"max_connections": "100"})
    try:
        url = trio.run(server.start).url
        trio.run(server.run_sql, LOG_SQL, DATABASE)
        if name != OURS:
            peer_database(server, DATABASE, crowd)
        process = serve(name, url, folder, crowd)
        try:
            side = Side(name, server, process, crowd)
            assert process.get("/health/live").status == 200
            _furnish(side)
            yield side
        finally:
            if process.running:
                with suppress(AssertionError):  # it did not end in time, and was killed
                    process.stop()
    finally:
        trio.run(server.destroy)


@contextmanager
def open_sides(names: Sequence[str], crowd: Crowd) -> Generator[list[Side]]:
    """All of these sides at once, for rounds that take turns."""
    with disk_folder() as folder, ExitStack() as stack:
        yield [
            stack.enter_context(_open(name, folder / f"{number}-{name}", crowd))
            for number, name in enumerate(names)
        ]

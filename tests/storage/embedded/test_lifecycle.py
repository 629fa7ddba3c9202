"""Starting, adopting, surviving and stopping, against the real programs.

Source: design.md 7, third bullet; interface.md 2.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from comptoir.storage import _postmaster
from comptoir.storage._place import CLUSTER
from comptoir.storage.embedded import EmbeddedPostgres, Running
from comptoir.storage.embedded_testing import keep, kept, processes_below, reported_by, starter
from comptoir.storage.errors import (
    StorageUnavailable,
)


async def test_from_nothing_to_an_answer(disk: Path) -> None:
    """One call makes, starts and readies a database that is durable and checked (design.md 7)."""
    postgres = EmbeddedPostgres(disk / "data")
    running = await postgres.start()
    assert not running.adopted
    assert running.boot_ms < 30_000
    answer = await postgres.run_sql(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('data_checksums'), current_setting('listen_addresses') = '',"
        " current_setting('client_connection_check_interval'), current_setting('TimeZone'),"
        " pg_encoding_to_char(encoding), datlocprovider, datlocale, datdba::regrole"
        " FROM pg_database WHERE datname = 'comptoir';"
    )
    assert answer == "on|on|on|t|1s|UTC|UTF8|b|C.UTF-8|comptoir"
    rights = await postgres.run_sql(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " FROM pg_roles WHERE rolname = 'comptoir';"
    )
    assert rights == "f|t|t|f|f", "the role of the DSN is no superuser"
    assert running.url == postgres.url() == postgres.status().url
    await postgres.destroy()


async def test_stop_leaves_no_process_and_all_data(furnished: EmbeddedPostgres) -> None:
    """A graceful stop ends the server; the next start finds what was committed (interface.md 2)."""
    async with furnished.session() as running:
        await keep(furnished, 7)
        assert os.getsid(running.pid) == running.pid != os.getsid(0)
    assert processes_below(furnished.data_dir) == []
    assert furnished.status().state == "stopped"
    assert await furnished.stop(), "again is harmless"
    async with furnished.session() as again:
        assert not again.adopted
        assert await kept(furnished) == "7"


async def test_the_next_start_adopts_what_a_killed_daemon_left(furnished: EmbeddedPostgres) -> None:
    """SIGKILL of the daemon leaves PostgreSQL running, and the next one adopts it (design.md 7)."""
    with starter(furnished.data_dir, "stop") as daemon:
        left = await reported_by(daemon)
        await keep(furnished, 1)
        daemon.kill()
    assert furnished.status().state == "running"
    running = await furnished.start()
    assert (running.adopted, running.pid) == (True, left["pid"])
    assert await kept(furnished) == "1"
    assert await furnished.stop()
    assert processes_below(furnished.data_dir) == []


async def test_the_last_one_out_stops_it(furnished: EmbeddedPostgres) -> None:
    """A daemon that stops leaves the server to its standby (interface.md 2: two daemons)."""
    with starter(furnished.data_dir, "stop") as standby:
        await reported_by(standby)
        assert (await furnished.start()).adopted
        assert not await furnished.stop()
        assert furnished.status().state == "running"
        standby.communicate("")
    assert furnished.status().state == "stopped"


async def test_two_starters_make_one_server(postgres: EmbeddedPostgres) -> None:
    """Two daemons at once on an empty folder: one makes the cluster, the other adopts it."""
    with starter(postgres.data_dir, "leave") as one, starter(postgres.data_dir, "leave") as two:
        first, second = await reported_by(one), await reported_by(two)
        assert first["pid"] == second["pid"]
        assert {first["adopted"], second["adopted"]} == {True, False}
        one.communicate("")
        two.communicate("")


async def test_a_start_that_is_cancelled_leaves_no_initdb(postgres: EmbeddedPostgres) -> None:
    """A daemon that is told to stop while it makes its cluster ends at once (interface.md 2)."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(postgres.start)
        with trio.fail_after(20):
            while not list(postgres.data_dir.rglob("PG_VERSION")):
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        while processes_below(postgres.data_dir):
            await trio.lowlevel.checkpoint()
    assert not (await postgres.start()).adopted


WRITE_ON = """
import contextlib, itertools, pathlib, sys
for number in itertools.count():
    with contextlib.suppress(OSError):
        folder = pathlib.Path(sys.argv[1], "base")
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath(str(number % 1000)).touch()
"""


async def test_the_half_made_cluster_of_a_killed_start_is_in_nobodys_way(
    postgres: EmbeddedPostgres,
) -> None:
    """Not even while the initdb of that start still writes into it (S71)."""
    half = postgres.data_dir / f"{CLUSTER}.new-killed"
    half.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", WRITE_ON, half]) as initdb:
        try:
            while not (half / "base" / "999").exists():
                await trio.lowlevel.checkpoint()
            assert not (await postgres.start()).adopted
        finally:
            initdb.kill()
    await keep(postgres, 1)
    assert await kept(postgres) == "1"


async def test_recovers_from_sigkill_of_the_server(furnished: EmbeddedPostgres) -> None:
    """After SIGKILL of the postmaster, with a backend still busy, every commit is there."""
    running = await furnished.start()
    await keep(furnished, 3)
    said: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_busy, furnished)
        await _until_busy(furnished)
        os.kill(running.pid, signal.SIGKILL)
        again = await furnished.start(said.append)
    assert not again.adopted
    assert again.pid != running.pid
    assert await kept(furnished) == "3"
    assert any("recovery" in line for line in said), "recovery is reported"


async def _busy(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(StorageUnavailable):
        await postgres.run_sql("SELECT count(*) FROM generate_series(1, 1000000000);")


async def _until_busy(postgres: EmbeddedPostgres) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ 'generate_s'"
    with trio.fail_after(10):
        while await postgres.run_sql(f"{query} AND pid <> pg_backend_pid();") != "1":
            await trio.lowlevel.checkpoint()


async def test_recovers_from_an_immediate_restart(furnished: EmbeddedPostgres) -> None:
    """An immediate restart loses nothing that was committed (issue: 10 immediate restarts)."""
    before = await furnished.start()
    await keep(furnished, 5)
    after = await furnished.restart_immediately()
    assert after.pid != before.pid
    assert await kept(furnished) == "5"


async def test_watch_starts_it_again(furnished: EmbeddedPostgres) -> None:
    """A server that dies under a living daemon comes back by itself (design.md 7)."""
    running = await furnished.start()
    seen = trio.Event()

    def on_progress(line: str) -> None:
        if "starting it again" in line:
            seen.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(furnished.watch, on_progress)
        await trio.testing.wait_all_tasks_blocked()
        os.kill(running.pid, signal.SIGKILL)
        with trio.fail_after(30):
            await seen.wait()
            again = await furnished.start()
        nursery.cancel_scope.cancel()
    assert again.pid != running.pid
    assert furnished.statistics().restarts == 1


async def test_a_start_that_takes_too_long_is_adopted_later(postgres: EmbeddedPostgres) -> None:
    """The start timeout is kept, and what was begun is not lost (interface.md 2, exit 3)."""
    hasty = EmbeddedPostgres(postgres.data_dir, start_timeout_s=0.02)
    with pytest.raises(StorageUnavailable) as refused:
        await hasty.start()
    assert refused.value.code == "DATABASE_START_TIMEOUT"
    assert (await postgres.start()).pid > 0


async def test_a_fresh_database_per_test(furnished: EmbeddedPostgres) -> None:
    """Databases are made from a template and dropped with their clients; odd names are refused."""
    await furnished.start()
    await keep(furnished, 4)
    url = await furnished.create_database("copy_1", template="comptoir")
    assert url.startswith("postgresql://comptoir@/copy_1?host=/")
    assert await furnished.run_sql("SELECT value FROM kept;", "copy_1") == "4"
    await furnished.drop_database("copy_1")
    await furnished.drop_database("copy_1")
    with pytest.raises(StorageUnavailable, match="copy_1"):
        await furnished.run_sql("SELECT 1;", "copy_1")
    for name in ("", "Copy", "a-b", "a; DROP", "é", "a" * 64):
        with pytest.raises(ValueError, match="not a database name"):
            await furnished.create_database(name)
    with pytest.raises(ValueError, match="not a database to drop"):
        await furnished.drop_database("comptoir")


async def test_the_log_holds_no_value_of_a_statement(furnished: EmbeddedPostgres) -> None:
    """Failing statements leave neither text, key nor row in the log (design.md 9, invariant 8)."""
    await furnished.start()
    await furnished.run_sql("CREATE TABLE t (iban text CHECK (length(iban) < 9));")
    for statement in (
        "SELECT 'FR7630006000011234567890189'::int;",
        "INSERT INTO t VALUES ('FR7630006000011234567890189');",
    ):
        with pytest.raises(StorageUnavailable, match="FR76"):
            await furnished.run_sql(statement)
    log = furnished.status().log.read_text()
    assert "ready to accept connections" in log
    assert "FR76" not in log


async def test_never_started_is_absent(ground: Path) -> None:
    """Asking about a database that was never made answers, and makes nothing."""
    postgres = EmbeddedPostgres(ground / "data")
    assert postgres.status().state == "absent"
    assert await postgres.stop()
    await postgres.destroy()
    with pytest.raises(StorageUnavailable, match="no database"):
        postgres.url()
    assert not (ground / "data").exists()


@given(
    lines=st.lists(st.text("ab é", min_size=1, max_size=9), max_size=30),
    cuts=st.sets(st.integers(0, 300)),
)
def test_the_log_is_read_line_by_line_once(lines: list[str], cuts: set[int]) -> None:
    """However the server's writes fall, every whole line is passed on once and in order."""
    data = "".join(line + "\n" for line in lines).encode()
    seen: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.touch()
        offset = begin = 0
        for cut in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
            with log.open("ab") as file:
                file.write(data[begin:cut])
            begin = cut
            got, offset = _postmaster.log_lines(log, offset)
            seen += got
    assert seen == lines


def test_the_log_is_bounded(ground: Path) -> None:
    """A log over its bound is moved to its one predecessor; the server's handle stays good."""
    log = ground / "postgres.log"
    with log.open("ab") as server:
        server.write(b"x" * (_postmaster.LOG_BYTES_MAX + 1))
        server.flush()
        _postmaster.rotate(log)
        server.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    assert (ground / "postgres.log.1").stat().st_size == _postmaster.LOG_BYTES_MAX + 1


def test_running_is_plain_data() -> None:
    """What a start gives can be compared and not changed (style.md 14)."""
    assert Running("u", 1, False, 2) == Running("u", 1, False, 2)

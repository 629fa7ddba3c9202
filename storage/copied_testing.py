"""Clusters of embedded servers that are copied instead of made, where several runs of tests have one folder.

Rule: a copy is what the embedded server made itself, started once and stopped in order; it costs a ninth of another
initdb. Whoever names no folder (TESTS_CLUSTERS) makes each anew, as before; what is tested of making one does.
Source: tools/run_tests.py; PostgreSQL manual 25.2 (a server that is stopped may be copied as files).
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trio

from comptoir.storage import _locate, _place
from comptoir.storage.embedded import EmbeddedPostgres

__all__ = ["open_server", "take_copy"]

SHARED = "TESTS_CLUSTERS"


async def take_copy(server: EmbeddedPostgres) -> None:
    """Give a server that was never started its cluster, if runs share one to copy."""
    shared = os.environ.get(SHARED)
    if not shared:
        return
    model = EmbeddedPostgres(Path(shared) / "embedded")
    with (Path(shared) / "embedded.lock").open("ab") as lock:
        await trio.to_thread.run_sync(fcntl.flock, lock, fcntl.LOCK_EX)
        if model.status().state == "absent":
            await model.start()
            await model.stop()
    found = model.status()
    assert (found.state, found.cluster is not None) == ("stopped", True), (
        "it was not stopped in order"
    )
    _place.make_data_dir(server.data_dir)
    place = _place.choose(server.data_dir, _locate.account_for(None, None))
    _place.remember(place)
    await trio.run_process(["cp", "-a", str(found.cluster), str(place.cluster)])


@contextmanager
def open_server(settings: Mapping[str, str]) -> Generator[EmbeddedPostgres]:
    """A server with these settings that runs, for who is in no loop; nothing of it is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder, settings=settings)
    try:
        trio.run(take_copy, server)
        trio.run(server.start)
        yield server
    finally:
        trio.run(server.destroy)
        shutil.rmtree(folder, ignore_errors=True)

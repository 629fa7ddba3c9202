"""A paper that is under inspection for as long as a scene wants, so that a daemon can be killed in the middle for certain.

Rule: nothing of the daemon is changed. In its folder of documents pipes stand in for the paper: whoever proves it reads it from
the first, and whoever inspects it then waits at the second, which nobody writes to.
Source: issue 9, "must show" (a SIGKILL in every phase); spec.md S19; interface.md 8; fifo(7).
"""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from comptoir.http.contract_testing import eventually
from tests.contract.documents import folder_of
from tests.contract.scene import Scene

__all__ = ["killed_while_inspecting"]

HEAD_BYTES = 16_384
"""All that a proof reads, and what a pipe takes at once."""


@contextmanager
def killed_while_inspecting(scene: Scene, doc_type: str) -> Generator[str]:
    """A client's paper is sent, proven and under inspection until the scope ends: by a SIGKILL, and the next daemon.

    Args:
        scene: of the file, whose daemon keeps documents in its folder.
        doc_type: what the paper is.

    Yields:
        The path of the document.
    """
    objects = folder_of(scene.daemon) / "objects"
    had = {*objects.glob("??/*")}
    document = scene.uploads(doc_type)
    (place,) = {*objects.glob("??/*")} - had
    kept, pipe = scene.folder / "kept", scene.folder / "pipe"
    os.link(place, kept)
    try:
        _stands_in(pipe, place)
        scene.says_sent(document)
        _proven(place, pipe, kept.read_bytes()[:HEAD_BYTES])
        eventually(lambda: scene.browser.get(document).json()["status"] == "inspecting")
        yield document
        assert scene.browser.get(document).json()["status"] == "inspecting"
    finally:
        scene.daemon.kill()
        kept.replace(place)
        scene.daemon.start()
    scene.sign_in()


def _stands_in(pipe: Path, place: Path) -> None:
    os.mkfifo(pipe, 0o600)
    pipe.replace(place)


def _proven(place: Path, pipe: Path, head: bytes) -> None:
    """Who proves it is at the first pipe; the second one is there before they have read."""
    found: list[int] = []

    def is_read() -> bool:
        try:
            found.append(os.open(place, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody is there yet
                raise
        return bool(found)

    eventually(is_read)
    try:
        _stands_in(pipe, place)
        assert os.write(found[0], head) == len(head)
    finally:
        os.close(found[0])

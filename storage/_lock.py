"""A lock between programs, by a file: exclusive while something is done, shared while in use.

Rule: the kernel frees it when its holder dies, however it dies; nothing has to be cleaned up.
`flock` is taken and not POSIX `lockf`, because the latter is lost when the program closes any
other handle of the same file, and does not keep two objects of one program apart.
Source: flock(2); design.md 7 (two daemons on one data folder).
"""

import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

# A waiting start looks this often; a start takes a second, so this costs nothing noticeable.
POLL_SECONDS = 0.02


class Lock:
    """One handle on a lock file; it is free, shared or exclusive."""

    def __init__(self, path: Path) -> None:
        """Remember the path; the file is made when the lock is first asked for."""
        self._path = path
        self._handle: int | None = None

    async def take(self) -> None:
        """Take it exclusively, waiting as long as the caller's deadline allows."""
        while True:
            handle = self._open()
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                await trio.sleep(POLL_SECONDS)
                continue
            except BaseException:
                os.close(handle)
                raise
            if self._is_current(handle):
                self._handle = handle
                return
            os.close(handle)  # its holder deleted the file meanwhile: take the new one

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Hold it exclusively for a block."""
        await self.take()
        try:
            yield
        finally:
            self.release()

    def share(self) -> None:
        """Hold it together with others until `release` or our end; again is harmless.

        Raises:
            BlockingIOError: somebody holds it exclusively.
        """
        if self._handle is not None:
            return
        handle = self._open()
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def taken(self) -> bool:
        """Say whether anybody else holds it, shared or exclusively."""
        handle = self._open()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(handle)

    def release(self) -> None:
        """Let go; again is harmless."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        """Delete the file."""
        self.release()
        self._path.unlink(missing_ok=True)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def _is_current(self, handle: int) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        held = os.fstat(handle)
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)

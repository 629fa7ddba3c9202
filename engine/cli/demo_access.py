"""How the demo gets in: with tokens that it asks for as any user does, by `comptoir token`.

Rule: nothing of the daemon is opened for the demo. Whoever reads the wallets is a person of OPERATIONS, and
another one at each reading, since S62 lets one caller ask 1,000 times a minute.
Source: interface.md 9; spec.md S34, S62, X7.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import trio

from comptoir.engine.cli.demo_place import DemoPlace
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError

__all__ = ["as_a_user_would", "sign_in"]

READS_EVERY_WALLET = "OPERATIONS"


async def sign_in(
    client: httpx.AsyncClient, place: DemoPlace, sub: str, role: str = READS_EVERY_WALLET
) -> None:
    """Have every request of this client carry a token of `sub`, who has this role.

    Raises:
        CommandError: the command refused.
    """
    done = await trio.run_process(
        _command(sub, role),
        env=dict(place.daemon.environment),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    if done.returncode:
        raise _refused(done)
    client.headers["Authorization"] = f"Bearer {done.stdout.decode().strip()}"


def as_a_user_would(place: DemoPlace, sub: str, url: str) -> str:
    """The line of a shell by which `sub`, a client, reads what is theirs at `url`."""
    folder = shlex.quote(str(place.settings.storage.data_dir))
    token = shlex.join(_command(sub, "CLIENT"))
    return f'curl -H "Authorization: Bearer $(COMPTOIR_STORAGE__DATA_DIR={folder} {token})" {url}'


def _command(sub: str, role: str) -> list[str]:
    program = Path(sys.executable).parent / "comptoir"
    return [str(program), "token", "--sub", sub, "--role", role]


def _refused(done: "subprocess.CompletedProcess[bytes]") -> CommandError:
    """Its own line where it has said one."""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    parts = said[-1].split(": ", 3) if said else []
    if len(parts) == 4:  # noqa: PLR2004  program, code, text, remedy
        return CommandError(parts[1], parts[2], parts[3], exit_status=EXIT_OTHER)
    text = f"comptoir token ended with status {done.returncode}"
    return CommandError("TOKEN_REFUSED", text, "see the daemon's log", exit_status=EXIT_OTHER)

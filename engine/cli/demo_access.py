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
import orjson
import trio

from comptoir.engine.cli.demo_place import DemoPlace
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError

__all__ = ["as_a_user_would", "sign_in", "sign_in_service"]

READS_EVERY_WALLET = "OPERATIONS"


async def sign_in_service(
    client: httpx.AsyncClient, place: DemoPlace, name: str, scope: str
) -> None:
    """Have every request of this client carry a token of a new service with this scope, as RFC 6749 4.4 has it.

    Raises:
        CommandError: the command refused.
        httpx.HTTPError: the daemon did.
    """
    made = orjson.loads(await _said(place, ["client", "add", name, "--scope", scope]))
    form = {
        "grant_type": "client_credentials", "client_id": made["clientId"],
        "client_secret": made["clientSecret"],
    }  # fmt: skip
    answer = (await client.post("/oauth/token", data=form)).raise_for_status()
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


async def sign_in(
    client: httpx.AsyncClient, place: DemoPlace, sub: str, role: str = READS_EVERY_WALLET
) -> None:
    """Have every request of this client carry a token of `sub`, who has this role.

    Raises:
        CommandError: the command refused.
    """
    token = await _said(place, _token(sub, role))
    client.headers["Authorization"] = f"Bearer {token}"


def as_a_user_would(place: DemoPlace, sub: str, url: str) -> str:
    """The line of a shell by which `sub`, a client, reads what is theirs at `url`."""
    folder = shlex.quote(str(place.settings.storage.data_dir))
    token = shlex.join([_program(), *_token(sub, "CLIENT")])
    return f'curl -H "Authorization: Bearer $(COMPTOIR_STORAGE__DATA_DIR={folder} {token})" {url}'


async def _said(place: DemoPlace, arguments: list[str]) -> str:
    """What a command of ours has to say, run as whoever runs the daemon."""
    done = await trio.run_process(
        [_program(), *arguments],
        env=dict(place.daemon.environment),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    if done.returncode:
        raise _refused(done)
    return done.stdout.decode().strip()


def _program() -> str:
    return str(Path(sys.executable).parent / "comptoir")


def _token(sub: str, role: str) -> list[str]:
    return ["token", "--sub", sub, "--role", role]


def _refused(done: "subprocess.CompletedProcess[bytes]") -> CommandError:
    """Its own line where it has said one."""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    parts = said[-1].split(": ", 3) if said else []
    if len(parts) == 4:  # noqa: PLR2004  program, code, text, remedy
        return CommandError(parts[1], parts[2], parts[3], exit_status=EXIT_OTHER)
    text = f"a command ended with status {done.returncode}"
    return CommandError("TOKEN_REFUSED", text, "see the daemon's log", exit_status=EXIT_OTHER)

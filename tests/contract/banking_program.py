"""A program that opens one account, or waits until accounts are open: to be killed in the middle (test_core_banking_killed.py)."""

import json
import sys
from pathlib import Path

import structlog
import trio

from comptoir.actors.account.messages import AccountProfile, DescribeAccount, OpenAccount
from comptoir.engine import Address
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings

PROFILE = AccountProfile(
    "Marie", "Tremblay", "SSN", "123-45-6789", "123 rue Sherbrooke", "Montréal", "QC", "H3A 1B1"
)
STEP_S = 61


async def main(url: str, folder: str, mainframe: str, clients: list[str], *, opens: bool) -> None:
    """Open them, and stay; or let time pass until all are there, and tell their numbers."""
    env = {
        "COMPTOIR_STORAGE__URL": url, "COMPTOIR_STORAGE__DATA_DIR": folder, "COMPTOIR_HTTP__PORT": "0",
        "COMPTOIR_INGEST__PORT": "0", "COMPTOIR_CLOCK__MODE": "manual",
        "COMPTOIR_PROVIDERS__MAINFRAME__BASE_URL": mainframe,
        "COMPTOIR_BREAKERS__DEFAULT__RECOVERY_S": "0.2", "COMPTOIR_STORAGE__LEASE_S": "2",
    }  # fmt: skip
    async with Engine.open(Settings.load(None, env)) as engine:
        if opens:
            for client in clients:
                await engine.ask(Address("account", client), OpenAccount(client, PROFILE))
            _say("asked")
            await trio.sleep_forever()
        with trio.fail_after(60):
            while True:
                told = [await engine.ask(Address("account", x), DescribeAccount()) for x in clients]
                if all(one.reply.status == "created" for one in told):
                    break
                await engine.advance_clock(STEP_S)
                await trio.sleep(0.05)
        _say([[one.reply.account_number, one.reply.attempts] for one in told])


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # lines of ours go out
    word, url, folder, mainframe, *clients = sys.argv[1:]
    assert Path(folder).is_dir()
    trio.run(lambda: main(url, folder, mainframe, clients, opens=word == "open"))

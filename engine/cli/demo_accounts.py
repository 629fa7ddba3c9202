"""What the ten of the demo do after the decision: sign in the portal, and have an account on the mainframe.

Rule: one of them declines and signs what is issued anew, and one has the mainframe answer after eight minutes; which, is
foretold in the table of applicants. The house's certificate is the sandbox authority's, fetched before the daemon starts.
Source: issue "client onboarding, second half"; spec.md S4, S7, S28, S29, S31, X5, X9.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import httpx
import trio

from comptoir.engine.cli.daemons import client_of
from comptoir.engine.cli.demo_people import Asker
from comptoir.engine.cli.demo_place import DemoPlace

__all__ = ["LATE_SECONDS", "Signer", "fetch_house", "open_late"]

LATE_SECONDS: Final = 480
"""After which the mainframe answers once: sixteen times MQ's wait (S31, X9)."""
POLL_SECONDS: Final = 0.5
CODE: Final = re.compile(r"\b[0-9]{6}\b")


async def fetch_house(place: DemoPlace) -> None:
    """Keep the house's key and the authority's root where the daemon looks for them."""
    async with client_of(place.sandbox_url) as sandbox:
        for file in (place.house, place.root):
            found = (await sandbox.get(f"/control/trust/{file.name}")).raise_for_status()
            file.write_bytes(found.content)
            file.chmod(0o600)
        # Its program is compiled at the first question, which is not to be a client's: seconds on a busy machine.
        (await sandbox.get("/control/mainframe")).raise_for_status()


class Signer:
    """One client and their advisor, from the decision on."""

    def __init__(self, path: str, phone: str, sandbox: httpx.AsyncClient) -> None:
        """Make them.

        Args:
            path: of the file.
            phone: where the client's codes go.
            sandbox: where they are read.
        """
        self._path, self._phone, self._sandbox = path, phone, sandbox
        self._number = path.rpartition("/")[2]

    async def declines(self, client: Asker, advisor: Asker) -> None:
        """The client does not want it so; the advisor has it issued anew."""
        await client.post(f"{self._path}/signature/decline", {"reason": "the fee"})
        await self._until(advisor, lambda shown: shown["signature"]["status"] == "declined")
        await advisor.post(f"{self._path}/signature/reissue")
        await self._until(advisor, lambda shown: shown["signature"]["status"] == "sent")

    async def signs(self, client: Asker) -> None:
        """They read it, type another code, and agree to every text."""
        await client.ask("GET", f"{self._path}/signature/contract")
        had = len(await self._codes())
        await client.ask("POST", "/portal/session/code/new", {"onboardingId": self._number})
        while len(codes := await self._codes()) <= had:  # noqa: ASYNC110  another process's
            await trio.sleep(POLL_SECONDS)
        entered = {"onboardingId": self._number, "code": codes[-1]}
        await client.ask("POST", "/portal/session/code", entered)
        found = await client.get(f"{self._path}/signature")
        agreed = {
            "documentSha256": found["documentSha256"],
            "consents": [one["version"] for one in found["consents"]],
        }
        await client.post(f"{self._path}/signature/sign", agreed)

    async def is_approved(self, advisor: Asker, *, late: bool) -> str:
        """The advisor has the last word; the status then, or that of COMPLETED where nothing is late."""
        await self._until(advisor, lambda shown: shown["status"] == "SIGNED")
        if late:
            script = {"clientId": self._number, "reply": "SUCCESS", "delaySeconds": LATE_SECONDS}
            answer = await self._sandbox.post("/control/mainframe/replies", json=script)
            answer.raise_for_status()
        word = {"decision": "approve", "reason": "as agreed with the client"}
        await advisor.post(f"{self._path}/approval", word)
        if late:
            return "ACCOUNT_CREATION_PENDING"
        shown = await self._until(advisor, lambda shown: shown["status"] == "COMPLETED")
        return str(shown["status"])

    async def _until(
        self, advisor: Asker, stands: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        while True:
            shown: dict[str, Any] = await advisor.get(self._path)
            if stands(shown):
                return shown
            await trio.sleep(2 * POLL_SECONDS)

    async def _codes(self) -> list[str]:
        """All that were sent, the oldest first."""
        query = {"channel": "sms", "to": self._phone}
        answer = (await self._sandbox.get("/control/inbox", params=query)).raise_for_status()
        bodies = (item["body"] for item in answer.json()["items"])
        return [found[0] for body in bodies if (found := CODE.search(body))]


async def open_late(daemon: httpx.AsyncClient, sandbox: httpx.AsyncClient) -> None:
    """Eight minutes go by, here and there: what is late comes."""
    for path, client in (("/dev/v1/clock", daemon), ("/control/clock", sandbox)):
        answer = await client.post(path, json={"advanceSeconds": LATE_SECONDS + 1})
        answer.raise_for_status()

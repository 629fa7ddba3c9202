"""People of the demo, each with a token of their own: what they ask, and what must come of it.

Rule: they use the doors that any person of that role has; an answer that is not the expected one ends the
demo with what was said. Source: interface.md 7 and 9.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import trio

from comptoir.engine.cli.daemons import client_of
from comptoir.engine.cli.demo_access import sign_in, sign_in_service
from comptoir.engine.cli.demo_place import DemoPlace
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError

__all__ = ["Asker", "person", "service"]

TEXT_CHARACTERS_MAX = 200
PATIENT_TIMES = 10
"""Of one request: a fast machine reads two thousand wallets and takes ten clients on within one minute's limit (S62)."""


class Asker:
    """Somebody, or a program, that asks and is sure of the answer."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str) -> Any:
        """What is there, from JSON."""
        return (await self.ask("GET", path)).json()

    async def post(self, path: str, body: object = None) -> Any:
        """What came of it, from JSON."""
        return (await self.ask("POST", path, body)).json()

    async def put(self, path: str, body: object) -> Any:
        """What is there from now on, from JSON."""
        return (await self.ask("PUT", path, body)).json()

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """An answer that is a success; who has asked too often waits as long as is said, and asks again.

        Raises:
            CommandError: DEMO_REFUSED, with what was answered.
            httpx.HTTPError: nobody answered.
        """
        answer = await self._client.request(method, path, json=body)
        for _ in range(PATIENT_TIMES):
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            await trio.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = await self._client.request(method, path, json=body)
        return self._good(answer)

    async def send(self, path: str, document: bytes, media_type: str) -> httpx.Response:
        """POST a document; otherwise as `ask`."""
        headers = {"Content-Type": media_type}
        return self._good(await self._client.post(path, content=document, headers=headers))

    @staticmethod
    def _good(answer: httpx.Response) -> httpx.Response:
        if not answer.is_success:
            # A problem's texts hold nothing personal (RFC 9457; docs/architecture.md).
            said = answer.text[:TEXT_CHARACTERS_MAX]
            asked = f"{answer.request.method} {answer.request.url.path}"
            text = f"{asked}: {HTTPStatus(answer.status_code).phrase}: {said}"
            raise CommandError("DEMO_REFUSED", text, "see the daemon's log", exit_status=EXIT_OTHER)
        return answer


@asynccontextmanager
async def person(place: DemoPlace, sub: str, role: str) -> AsyncGenerator[Asker]:
    """Somebody who has signed in, as long as the context lasts."""
    async with client_of(place.daemon_url) as client:
        await sign_in(client, place, sub, role)
        yield Asker(client)


@asynccontextmanager
async def service(place: DemoPlace, name: str, scope: str) -> AsyncGenerator[Asker]:
    """A program of a partner's, with credentials of its own."""
    async with client_of(place.daemon_url) as client:
        await sign_in_service(client, place, name, scope)
        yield Asker(client)

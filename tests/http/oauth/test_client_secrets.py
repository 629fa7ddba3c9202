"""Who shows a wrong secret learns nothing from the work that it caused (X7, S62).

Rule: what is compared is what was done, counted: digests, comparisons and their lengths, questions to
actors, what was written. A clock would compare machines.
"""

import hmac
from collections import Counter
from types import SimpleNamespace

import httpx
import pytest

from comptoir.actors.clients import machine
from comptoir.actors.clients.messages import CLIENTS, RegisterClient
from comptoir.engine.values import Address, Message
from comptoir.http.oauth import client_secrets
from comptoir.http.oauth.client_secrets import digest_of, draw_client
from comptoir.http.testing import FakeAnswer
from tests.http.asking import any_call
from tests.http.oauth.conftest import Server

Work = Counter[tuple[str, int]]


@pytest.fixture
def work(server: Server, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Everything that is done for a request, from now on: what, and how much of it."""
    done: Work = Counter()
    ask = server.daemon.asked
    assert ask is not None

    def compare(one: bytes, other: bytes) -> bool:
        done["compared", len(one) * len(other)] += 1
        return hmac.compare_digest(one, other)

    def digest(secret: str) -> str:
        done["digested", len(secret)] += 1
        return digest_of(secret)

    async def counted(address: Address, message: Message) -> FakeAnswer:
        done[f"asked {address.kind} {type(message).__name__}", 1] += 1
        before = server.engine.statistics().journal
        try:
            return await ask(address, message)
        finally:
            after = server.engine.statistics().journal
            done["batches", after.batches_total - before.batches_total] += 1

    monkeypatch.setattr(machine, "hmac", SimpleNamespace(compare_digest=compare))
    monkeypatch.setattr(client_secrets, "digest_of", digest)
    monkeypatch.setattr(server.daemon, "asked", counted)
    return done


async def _registered(server: Server) -> tuple[str, str]:
    client_id, secret = draw_client(any_call())
    message = RegisterClient(client_id, "acme", ("a:b",), digest_of(secret))
    await server.engine.ask(CLIENTS, message)
    return client_id, secret


async def _tried(server: Server, client_id: str, secret: str, path: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "token": "x"}
    return await server.client.post(path, data=form, auth=(client_id, secret))


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
async def test_who_is_not_there_costs_what_who_is_does(
    server: Server, work: Work, path: str
) -> None:
    """X7, S62: a wrong secret of a client, one of a client that nobody knows and one of a client that was
    revoked are refused alike, after the same work.
    """
    known, secret = await _registered(server)
    unknown, wrong = draw_client(any_call())
    seen: list[tuple[int, dict[str, str], bytes, Work]] = []
    for client_id in (known, unknown, "x"):
        work.clear()
        answer = await _tried(server, client_id, wrong, path)
        heard = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("date", "x-request-id")
        }
        seen.append((answer.status_code, heard, answer.content, work.copy()))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] == 401
    counted = seen[0][3]
    assert counted["digested", len(wrong)] == 1
    assert sum(times for (what, _), times in counted.items() if what == "compared") == 1
    assert counted["asked clients AuthenticateClient", 1] == 1
    right = await _tried(server, known, secret, path)
    assert right.status_code == 200, "the count is of a door that opens"

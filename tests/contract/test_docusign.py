"""A contract signed by DocuSign: daemon and DocuSign as programs of their own, from the contract to the kept document.

Rule: the daemon runs in this process (interface.md 11), so that a signature can be asked for without a whole file before it;
what is said and heard goes over sockets: the API, and webhooks signed by DocuSign's keys.
Source: issue 9, part 1; spec.md S28, S63, E6; interface.md 6 and 10; protocols.md 5.3.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.actors.gateways.signing_messages import SIGNING
from comptoir.actors.signature.messages import (
    KIND,
    DescribeSigning,
    EnvelopeReported,
    EnvelopeTaken,
    OpenSigning,
    Signer,
    SigningDescribed,
    VoidSigning,
)
from comptoir.engine import Address
from comptoir.engine.boot.daemon import Daemon
from comptoir.engine.objects import ObjectKey
from comptoir.engine.settings import Settings
from comptoir.engine.testing import Process
from tests.contract.test_embedding import settings_of

OLD, NEW = ("docusign-key-number-one-0123456789", "docusign-key-number-two-0123456789")
SIGNER = Signer("Ada", "Lovelace", "ada@example.org", "+33612345678", "fr", "usr_1")
HOUR_S = 3_600
SECONDS_MAX = 60


class House:
    """A daemon with DocuSign beside it."""

    def __init__(self, daemon: Daemon, sandbox: Process) -> None:
        assert daemon.engine is not None
        self.daemon, self.engine, self.sandbox = daemon, daemon.engine, sandbox
        self._files = 0

    def hooked(self, *keys: str) -> None:
        """DocuSign signs by these keys."""
        url = f"{self.engine.http_url}/webhooks/docusign"
        self.says("docusign/webhooks", url=url, secrets=list(keys))

    def says(self, path: str, **document: Any) -> dict[str, Any]:
        """A word of a test to the sandbox."""
        answer = self.sandbox.post(f"/control/{path}", document)
        assert answer.status < 300, answer
        found: dict[str, Any] = answer.json()
        return found

    async def ends(self, file: str, **how: Any) -> list[int]:
        """Its client does this; what the daemon answered to each webhook."""
        told = await trio.to_thread.run_sync(lambda: self.says(f"signatures/{file}", **how))
        return [one["status"] for one in told["answers"]]

    def envelopes(self, file: str) -> list[dict[str, Any]]:
        """Those of a file, as DocuSign has them."""
        items = self.sandbox.get("/control/signatures").json()["items"]
        return [one for one in items if one["reference"].startswith(f"{file}:")]

    async def begins(self) -> str:
        """A file whose contract is asked for; its number."""
        self._files += 1
        file = f"ONB-2026-{self._files:05d}"
        await self.engine.tell(Address(KIND, file), OpenSigning(1, "management-individual", "INDIVIDUAL", SIGNER, {}))  # fmt: skip
        return file

    async def shown(self, file: str) -> SigningDescribed:
        """How far it is."""
        reply = (await self.engine.ask(Address(KIND, file), DescribeSigning())).reply
        assert isinstance(reply, SigningDescribed)
        return reply

    async def reaches(self, file: str, status: str, passes: int = 0) -> SigningDescribed:
        """Wait until it has come to this; `passes` seconds of business time go by at every look."""

        async def there() -> bool:
            if passes:
                await self.engine.advance_clock(passes)
            return (await self.shown(file)).status == status

        await until(there)
        return await self.shown(file)


async def until(there: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so."""
    with trio.fail_after(SECONDS_MAX):
        while not await there():  # noqa: ASYNC110 (what it looks at is another program's)
            await trio.sleep(0.05)


def settings(url: str, folder: Path, sandbox: Process) -> Settings:
    """A house that has contracts signed by DocuSign."""
    return settings_of(
        url, folder,
        COMPTOIR_SIGNING__PROVIDER="docusign",
        COMPTOIR_PROVIDERS__DOCUSIGN__BASE_URL=f"{sandbox.url}/docusign",
        COMPTOIR_PROVIDERS__DOCUSIGN__TIMEOUT_S="10",
        COMPTOIR_WEBHOOKS__DOCUSIGN__SECRETS=json.dumps([NEW, OLD]),
        COMPTOIR_AUTH__MODE="loopback",
    )  # fmt: skip


@asynccontextmanager
async def house(url: str, folder: Path, sandbox: Process) -> AsyncGenerator[House]:
    """One, with its webhooks set."""
    sandbox.post("/control/reset", {})
    async with Daemon(settings(url, folder, sandbox)).open() as daemon:
        one = House(daemon, sandbox)
        one.hooked(OLD)
        yield one


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Callable[..., Process]) -> Process:
    """DocuSign."""
    return comptoir_sandbox_shared()


async def test_a_contract_is_signed(
    comptoir_postgres: str, tmp_path: Path, sandbox: Process
) -> None:
    """S28, E6: sent by mail, signed, and kept; told by webhook, or read where the webhook was lost; declined, and nothing
    that comes late undoes it; with keys that are replaced meanwhile.
    """
    async with house(comptoir_postgres, tmp_path, sandbox) as one:
        signed, lost, declined = [await one.begins() for _ in range(3)]
        for file in (signed, lost, declined):
            await one.reaches(file, "sent")
        # Signed, and told: by the old key, by both, by the new one.
        one.hooked(OLD, NEW)
        assert (await one.ends(signed, outcome="viewed"))[-1] in (200, 202)
        one.hooked(NEW)
        assert (await one.ends(signed, outcome="signed"))[-1] == 202
        kept = await one.reaches(signed, "signed")
        await until(lambda: _is_kept(one, signed))
        kept = await one.shown(signed)
        assert await stored(one, kept.signed_path) == kept.signed_sha256
        # Again, from whoever has it: nothing.
        assert await one.ends(signed, outcome="signed", times=2) == [200, 200]
        # Nobody was told: it is asked after.
        await one.ends(lost, outcome="signed", webhook=False)
        assert (await one.shown(lost)).status == "sent"
        await one.reaches(lost, "signed", passes=HOUR_S)
        # Declined; what was sent before comes after, and is old.
        assert (await one.ends(declined, outcome="declined", reason="trop cher"))[-1] == 202
        (envelope,) = one.envelopes(declined)
        late = EnvelopeReported("docusign", envelope["envelopeId"], "viewed", 1)
        answer = await one.engine.ask(Address(KIND, declined), late)
        assert isinstance(answer.reply, EnvelopeTaken)
        assert answer.reply.status == "duplicate"
        assert (await one.reaches(declined, "declined")).status == "declined"
        await no_word_of(one, "trop cher")


async def _is_kept(one: House, file: str) -> bool:
    return bool((await one.shown(file)).signed_sha256)


async def stored(one: House, path: str) -> str:
    """The digest of a document that is kept."""
    key = ObjectKey.read(path)
    assert key is not None
    facts = await one.daemon.documents.store.facts(key)
    assert facts is not None
    return str(facts.sha256)


async def no_word_of(one: House, secret: str) -> None:
    """S36: why somebody has declined is on nobody's record in clear."""
    async with aclosing(one.engine.events(after=0)) as events:
        for _ in range(10):
            event = await anext(events)
            assert secret not in repr(event)


async def test_a_lost_answer_is_one_envelope_and_limits_are_waited_for(
    comptoir_postgres: str, tmp_path: Path, sandbox: Process
) -> None:
    """Issue 9, ADR 0053: an answer that was lost after its effect, one that never arrived, an outage, a token that is over, a
    signature against a void: each file has one envelope, and each ends as one thing.
    """
    async with house(comptoir_postgres, tmp_path, sandbox) as one:
        for fault in ({"fault": "drop_after_effect"}, {"fault": "status", "status": 503}):
            row = {"party": "docusign", "operation": "envelopes.create", "count": 1, **fault}
            body, kind = json.dumps([row]).encode(), {"Content-Type": "application/json"}
            assert sandbox.request("PUT", "/control/faults", body, kind).status == 200
            file = await one.begins()
            await one.reaches(file, "sent", passes=10)
            assert len(one.envelopes(file)) == 1, fault
        sandbox.request("DELETE", "/control/docusign/tokens")
        # The file says void; its client has signed a moment before, and the webhook is lost.
        await one.ends(file, outcome="signed", webhook=False)
        await one.engine.tell(Address(KIND, file), VoidSigning("FILE_REFUSED"))
        await one.reaches(file, "signed")
        # And the other way round: it is voided, and cannot be signed.
        other = f"ONB-2026-{1:05d}"
        await one.engine.tell(Address(KIND, other), VoidSigning("FILE_REFUSED"))
        await until(lambda: _voided_there(one, other))
        await one.ends(other, outcome="signed")
        assert (await one.shown(other)).status == "voided"
        statistics = {gateway.kind: gateway for gateway in one.engine.statistics().gateways}
        assert statistics[SIGNING.kind].held_total == 0


async def _voided_there(one: House, file: str) -> bool:
    return [envelope["status"] for envelope in one.envelopes(file)] == ["voided"]

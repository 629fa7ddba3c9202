"""A contract from its template to a sealed PDF that anybody can verify: the actor, its gateways and their programs in one engine
(S28).
"""

import hashlib
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trio

from comptoir.actors.gateways.signing import signing_gateway
from comptoir.actors.gateways.signing_messages import CreateEnvelope, FetchSigned, SignedFetched
from comptoir.actors.signature.consents import CONSENTS
from comptoir.actors.signature.messages import (
    DescribeSigning,
    Evidence,
    OpenSigning,
    ShowContract,
    SignContract,
    Signer,
    SigningDescribed,
    VoidSigning,
)
from comptoir.actors.signature.studio import Studio
from comptoir.engine import Address, Message, Refused
from comptoir.engine.boot import Daemon, contracts
from comptoir.engine.boot.contracts import ContractStore
from comptoir.engine.boot.sealing import Embedded, open_house
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from comptoir.engine.objects import ObjectKey
from comptoir.engine.settings import Secret, Settings, SettingsError
from comptoir.sandbox.parties.trust import PASSWORD
from comptoir.storage.testing import MemoryJournal
from comptoir.storage.vault import Vault
from tests.actors.gateways.docusign import DIGEST, Contracts
from tests.actors.signature.authority import Serving, serving

FILE = Address("signature", "ONB-2026-00001")
SIGNER = Signer("Zoë", "Łukasz", "zoe@example.org", "", "fr", "u1")
OPEN = OpenSigning(1, "management-individual", "INDIVIDUAL", SIGNER, {"dateOfBirth": "1980-05-15"})


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    """An authority."""
    with serving() as one:
        yield one


def settings_of(folder: Path, served: Serving) -> Settings:
    """A house that seals by itself."""
    (folder / "data").mkdir()
    (folder / "house.p12").write_bytes(served.authority.pkcs12())
    return Settings().having({
        ("clock", "mode"): "manual",
        ("storage", "data_dir"): folder / "data",
        ("signing", "provider"): "embedded",
        ("signing", "certificate"): str(folder / "house.p12"),
        ("signing", "password"): Secret(PASSWORD),
        ("providers", "tsa", "base_url"): f"{served.address}/trust/tsa",
    })  # fmt: skip


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Daemon]:
    """A daemon in memory, whose documents are in a folder."""
    daemon = Daemon(settings)
    async with AsyncExitStack() as stack:
        await daemon.documents.open(Vault({"k1": os.urandom(32)}), stack)
        journal = await stack.enter_async_context(MemoryJournal().open())
        daemon.engine = Engine(await daemon.parts(journal, stack))
        await stack.enter_async_context(daemon.engine.running())
        yield daemon


async def _say(daemon: Daemon, message: Message) -> SigningDescribed:
    assert daemon.engine is not None
    reply = (await daemon.engine.ask(FILE, message)).reply
    assert isinstance(reply, SigningDescribed)
    return reply


async def _settled(daemon: Daemon) -> SigningDescribed:
    assert daemon.engine is not None
    assert await daemon.engine.quiesce(120)
    return await _say(daemon, DescribeSigning())


async def _read(daemon: Daemon, path: str) -> bytes:
    key = ObjectKey.read(path)
    assert key is not None
    async with daemon.objects.read(key) as parts:
        return b"".join([part async for part in parts])


async def test_a_contract_is_signed_and_anybody_can_prove_it(
    tmp_path: Path, served: Serving
) -> None:
    """S28: drawn in its signer's language, opened, signed by a code, sealed when the authority is there again, and good, also
    years later; with one byte changed it is not.
    """
    async with opened(settings_of(tmp_path, served)) as daemon:
        await _say(daemon, OPEN)
        sent = await _settled(daemon)
        contract = await _read(daemon, sent.document_path)
        assert (sent.status, sent.provider) == ("sent", "embedded")
        assert hashlib.sha256(contract).hexdigest() == sent.document_sha256

        now = int(datetime.now(UTC).timestamp() * 1000)
        await _say(daemon, ShowContract("u1", now))
        evidence = Evidence(
            "u1", sent.document_sha256, CONSENTS, "fr", ("mca", "otp", "sms"), now, "e" * 64
        )
        with pytest.raises(Refused, match="SIGNATURE_CODE_NEEDED"):
            await _say(daemon, SignContract(_with_code_of(evidence, now - 60_000)))
        served.away = "tsa"
        signed = await _say(daemon, SignContract(evidence))
        assert (signed.status, signed.signed_path) == ("signed", "")
        assert daemon.engine is not None
        served.away = ""
        for _ in range(3):  # what failed is tried again
            assert await daemon.engine.quiesce(120)
            await daemon.engine.advance_clock(3600)
        kept = await _settled(daemon)
        sealed = await _read(daemon, kept.signed_path)
        assert hashlib.sha256(sealed).hexdigest() == kept.signed_sha256

        verdict = await daemon.verify_pdf(sealed)
        assert (verdict.valid, verdict.problems) == (True, ())
        assert sent.document_sha256 in verdict.signers[0].evidence
        await daemon.engine.advance_clock(5 * 366 * 86_400)
        assert (await daemon.verify_pdf(sealed)).valid
        changed = bytearray(sealed)
        changed[len(sealed) // 3] ^= 1
        assert not (await daemon.verify_pdf(bytes(changed))).valid
        await _say_void(daemon)
        assert (await _settled(daemon)).status == "signed"


async def _say_void(daemon: Daemon) -> None:
    assert daemon.engine is not None
    await daemon.engine.ask(FILE, VoidSigning("FILE_REFUSED"))


def _with_code_of(evidence: Evidence, at: int) -> Evidence:
    return Evidence(
        evidence.user_id,
        evidence.document_sha256,
        evidence.consents,
        "fr",
        evidence.methods,
        at,
        "",
    )


async def test_what_is_kept_is_never_replaced(tmp_path: Path, served: Serving) -> None:
    """S18, S28: of two that keep a contract under one key one wins, both are told of it, and its bytes stay."""
    path = "ONB-2026-00001/CONTRACT/signed_1.pdf"
    async with opened(settings_of(tmp_path, served)) as daemon, httpx.AsyncClient() as client:
        store = ContractStore(daemon.documents, client)
        told: list[str] = []

        async def keep(data: bytes) -> None:
            told.append(await store.keep(path, "application/pdf", data))

        assert await store.digest(path) is None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep, b"%PDF-1")
            nursery.start_soon(keep, b"%PDF-2")
        first = await _read(daemon, path)
        await keep(b"%PDF-3")
        assert await _read(daemon, path) == first
        assert told == [hashlib.sha256(first).hexdigest()] * 3
        assert await store.digest(path) == told[0]


async def test_what_is_sealed_is_not_sealed_again(served: Serving, tmp_path: Path) -> None:
    """S28: a call that comes again, from a dead letter or after an outage, is answered with what is kept."""
    settings = settings_of(tmp_path, served)
    provider = Embedded(Contracts(), Studio(1, 1, 1.0), open_house(settings), settings)
    again = FetchSigned("ONB-2026-00001:1", "e", "c", "none", None)
    assert await provider.fetch(again, CallContext(0, 1, "")) == SignedFetched(
        again.reference, DIGEST, "c"
    )


class Unknown:
    """A provider whose answer is lost, and that cannot be asked what became of it."""

    async def create(self, _message: CreateEnvelope, _context: CallContext) -> Message:
        """Away."""
        raise CallFault("SIGNING_UNREACHABLE", retryable=True)

    find = read = fetch = void = create


def _nobody_answers(*_args: object) -> Unknown:
    return Unknown()


async def test_a_file_is_not_stuck_where_nobody_knows_what_became_of_its_envelope(
    tmp_path: Path, served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S28: it is held for a person, and ends as failed, so that its advisor may have it issued anew."""
    monkeypatch.setattr(contracts, "_provider", _nobody_answers)
    async with opened(settings_of(tmp_path, served)) as daemon:
        await _say(daemon, OPEN)
        assert daemon.engine is not None
        for _ in range(6):
            assert await daemon.engine.quiesce(120)
            await daemon.engine.advance_clock(300)
        assert (await _settled(daemon)).status == "failed"


def test_what_is_fetched_again_anyway_waits_for_nobody() -> None:
    """S28, S65: while the party is away a fetch is given up, not parked: the actor's timer asks again."""
    fetch = FetchSigned("ONB-2026-00001:1", "e", "c", "none", None)
    assert signing_gateway(None, GatewayBounds()).operations[FetchSigned].expendable(fetch)


async def test_where_nobody_signs_it_is_refused_by_name(tmp_path: Path) -> None:
    """S28: without a provider, and without a store of documents, a signing ends as failed, and nothing waits."""
    (tmp_path / "data").mkdir()
    settings = Settings().having({
        ("clock", "mode"): "manual", ("storage", "data_dir"): tmp_path / "data",
    })  # fmt: skip
    async with opened(settings) as daemon:
        await _say(daemon, OPEN)
        assert (await _settled(daemon)).status == "failed"


async def test_what_cannot_seal_does_not_start(tmp_path: Path, served: Serving) -> None:
    """S28: a wrong password, a file that is no key, and a template that is not there refuse the start."""
    settings = settings_of(tmp_path, served)
    (tmp_path / "none.p12").write_bytes(b"none")
    for name, value in (
        ("password", Secret("another")),
        ("certificate", str(tmp_path / "none.p12")),
        ("trust", str(tmp_path / "absent.pem")),
        ("templates", str(tmp_path / "absent")),
    ):
        wrong: dict[tuple[str, ...], object] = {("signing", name): value}
        with pytest.raises(SettingsError):
            async with Daemon(settings.having(wrong)).open(listen=False):
                pass

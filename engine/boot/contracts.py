"""Contracts of a daemon: the templates, who draws them, where they are kept, and who has them signed.

Rule: a template that is missing or wrong refuses the start; a contract is drawn and signed through gateways as everything
of the outside is: a durable row until it is answered, bounded tries, a breaker.
Source: design.md 6; spec.md S1, S28, S63; docs/signature.md.
"""

import hashlib
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from prometheus_client import CollectorRegistry

from comptoir.actors.gateways.signing import Signing, signing_gateway
from comptoir.actors.gateways.signing_desk import SigningDesk, SigningPlace, SigningView
from comptoir.actors.gateways.signing_messages import (
    CONTRACTS,
    ContractMade,
    MakeContract,
    SigningRefused,
)
from comptoir.actors.signature.messages import EMBEDDED
from comptoir.actors.signature.sheet import Verdict
from comptoir.actors.signature.studio import Studio, StudioFailed
from comptoir.actors.signature.templates import (
    SHIPPED,
    Incomplete,
    Template,
    TemplateError,
    filled,
    read_templates,
)
from comptoir.engine.boot.documents import DocumentDesk
from comptoir.engine.boot.docusign import Signers, open_docusign, signing_desk
from comptoir.engine.boot.sealing import Embedded, House, open_house
from comptoir.engine.errors import Stopping
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.objects import ObjectKey, ObjectsUnavailable, UploadRefused, UploadTerms
from comptoir.engine.settings import Problem, Settings, SettingsError
from comptoir.engine.trust import trust_of
from comptoir.engine.values import Message
from comptoir.storage.errors import StorageError

__all__ = [
    "ContractStore", "Verifier", "Verifying", "check_contracts", "contracts_gateway", "open_contracts", "templates_of",
]  # fmt: skip

PDF: Final = "application/pdf"
CONTRACT_BYTES_MAX: Final = 64 * 1024 * 1024
MINUTE_MS: Final = 60_000
SLACK_S: Final = 30.0
"""Between the end of a program and the deadline of its call."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ContractStore:
    """Contracts in the store of documents, whichever it is."""

    def __init__(self, desk: DocumentDesk, client: httpx.AsyncClient) -> None:
        """Keep them there; what S3 is sent goes through this client."""
        self._desk = desk
        self._client = client

    async def read(self, path: str) -> bytes:
        """As `Contracts.read`."""
        key = ObjectKey.read(path)
        assert key is not None, "made by the machine"
        whole = bytearray()
        try:
            async with self._desk.store.read(key) as parts:
                async for part in parts:
                    whole += part
                    if len(whole) > CONTRACT_BYTES_MAX:
                        raise CallFault("CONTRACT_TOO_LARGE", retryable=False, sick=False)
        except (ObjectsUnavailable, Stopping) as error:
            raise CallFault(error.code, retryable=True) from error
        except StorageError as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        return bytes(whole)

    async def digest(self, path: str) -> str | None:
        """As `Contracts.digest`."""
        key = ObjectKey.read(path)
        assert key is not None, "made by the machine"
        try:
            there = await self._desk.store.facts(key)
        except (ObjectsUnavailable, Stopping) as error:
            raise CallFault(error.code, retryable=True) from error
        except StorageError as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        return None if there is None else there.sha256

    async def keep(self, path: str, media_type: str, data: bytes) -> str:
        """As `Contracts.keep`. Nothing is ever deleted: whoever was told of what is there may rely on it."""
        there = await self.digest(path)
        if there is not None:
            return there
        try:
            return await self._kept(path, media_type, data)
        except CallFault:
            there = await self.digest(path)  # another was faster, or the store's answer was lost
            if there is None:
                raise
            return there

    async def _kept(self, path: str, media_type: str, data: bytes) -> str:
        key = ObjectKey.read(path)
        assert key is not None, "made by the machine"
        digest = hashlib.sha256(data).hexdigest()
        try:
            await self._put(UploadTerms(key, media_type, len(data), digest, MINUTE_MS), data)
        except (ObjectsUnavailable, Stopping) as error:
            raise CallFault(error.code, retryable=True) from error
        except (UploadRefused, StorageError) as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        return digest

    async def _put(self, terms: UploadTerms, data: bytes) -> None:
        door = self._desk.door
        if door is not None:
            async with door.receive(terms) as arrival:
                await arrival.write(data)
                await arrival.finish()
            return
        address = self._desk.store.presign(terms, "", 0)
        try:
            answer = await self._client.put(
                address.url, content=data, headers=dict(address.headers)
            )
        except httpx.HTTPError as error:
            raise ObjectsUnavailable("the object store does not answer") from error
        if not answer.is_success:
            raise CallFault("OBJECTS_REFUSED", retryable=answer.is_server_error)


def templates_of(settings: Settings) -> "dict[str, dict[str, Template]]":
    """The shipped ones and the house's own.

    Raises:
        SettingsError: one is wrong, or a client type's is missing where contracts are signed at all.
    """
    folders = (
        SHIPPED,
        *((Path(settings.signing.templates),) if settings.signing.templates else ()),
    )
    try:
        found = read_templates(folders)
    except TemplateError as error:
        raise _refused("signing.templates", str(error), "correct the template") from error
    for name, kind in settings.onboarding.types.items():
        if settings.signing.provider and kind.contract not in found:
            raise _refused(
                f"onboarding.types.{name}.contract", f"has no template {kind.contract}",
                "add it to signing.templates, or name one that is there",
            )  # fmt: skip
    return {name: dict(languages) for name, languages in found.items()}


def check_contracts(settings: Settings) -> None:
    """See that contracts can be drawn and sealed, before anything is started, where they are made at all.

    Raises:
        SettingsError: a template, the key or a root is missing, or wrong.
    """
    if settings.signing.provider:
        templates_of(settings)
        open_house(settings)


def _refused(place: str, text: str, remedy: str) -> SettingsError:
    return SettingsError((Problem("CONFIG_RULE_BROKEN", place, f"{place}: {text}", remedy),))


def contracts_gateway(settings: Settings, store: ContractStore, studio: Studio) -> GatewaySpec:
    """The gateway to whoever draws contracts."""
    templates, house = templates_of(settings), settings.signing.house

    async def make(message: MakeContract, _context: CallContext) -> Message:
        languages = templates.get(message.template)
        if languages is None:
            return SigningRefused(message.reference, "TEMPLATE_UNKNOWN")
        signer, file = message.signer, message.reference.partition(":")[0]
        date = (_EPOCH + timedelta(milliseconds=message.at)).date().isoformat()
        values = {
            **message.values, "house": house, "number": file, "date": date,
            "clientType": message.client_type, "firstName": signer.first_name, "lastName": signer.last_name,
        }  # fmt: skip
        try:
            sheet = filled(languages[signer.language], signer.language, values, message.at)
            drawn = await studio.draw(sheet)
        except Incomplete:
            return SigningRefused(message.reference, "CONTRACT_INCOMPLETE")
        except StudioFailed as error:
            raise CallFault(error.code, retryable=error.retryable, sick=False) from error
        digest = await store.keep(message.path, PDF, drawn.pdf)
        return ContractMade(message.reference, digest, drawn.pages, sheet.title, message.path)

    def failed(message: MakeContract, code: str) -> Message:
        return SigningRefused(message.reference, code)

    return GatewaySpec(
        CONTRACTS.kind,
        {MakeContract: Operation(make, lambda x: f"make:{x.path}", failed=failed)},
        GatewayBounds(deadline_s=settings.signing.seconds_max + SLACK_S, calls_max=2),
        dead_queue="dlq:onboarding",
    )


class Verifying:
    """That part of a daemon which says where contracts are signed, and what is to be said of the signatures of a PDF."""

    verifier: "Verifier | None" = None
    signing_desk: SigningDesk | None = None

    @property
    def sends_signers(self) -> bool:
        """Whether clients are sent from here to where they sign."""
        return self.signing_desk is not None and self.signing_desk.is_open

    async def signing_address(self, place: SigningPlace) -> SigningView:
        """Where one of them signs."""
        if self.signing_desk is None:
            raise Stopping("it is not open yet")
        return await self.signing_desk.address(place)

    async def verify_pdf(self, pdf: bytes) -> Verdict:
        """Say it. The time is now: no earlier than it really is, as nothing was signed later than that.

        Raises:
            Stopping: it is not open yet.
            StudioFailed: too many wait, or it took too long.
        """
        if self.verifier is None:
            raise Stopping("it is not open yet")
        at = max(self.now_ms(), int(datetime.now(UTC).timestamp() * 1000))
        trust = self.verifier
        return await trust.studio.verify(pdf, trust.roots, at, trust.stamp_roots)

    def now_ms(self) -> int:
        """Business time."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who verifies, and whom they trust."""

    studio: Studio
    roots: tuple[bytes, ...]
    """Of signers."""
    stamp_roots: tuple[bytes, ...]
    """Further ones, of time stamps alone."""


class Opened(NamedTuple):
    """All of it."""

    gateways: list[GatewaySpec]
    verifier: Verifier
    signing: SigningDesk


async def open_contracts(
    settings: Settings, desk: DocumentDesk, registry: CollectorRegistry, stack: AsyncExitStack
) -> Opened:
    """Who draws contracts, who has them signed, and who verifies; connections end with the stack.

    Raises:
        SettingsError: a template, the key or a root is missing, or wrong.
    """
    seconds = settings.signing.seconds_max
    trust = trust_of("https://", environment=False)
    client = httpx.AsyncClient(timeout=seconds, trust_env=False, verify=trust)
    await stack.enter_async_context(client)
    store = ContractStore(desk, client)
    studio = Studio(1, 64, seconds)
    bounds = GatewayBounds(deadline_s=seconds + SLACK_S, calls_max=2)
    house = open_house(settings)
    signers = (
        await open_docusign(settings, store, stack)
        if settings.signing.provider == "docusign"
        else Signers(signing_gateway(_provider(settings, store, studio, house), bounds), None)
    )
    verifying = Studio(1, settings.signing.verify_waiting_max, seconds)
    return Opened(
        [contracts_gateway(settings, store, studio), signers.gateway],
        Verifier(verifying, house.roots, house.stamp_roots),
        signing_desk(settings, signers.adapter, registry),
    )


def _provider(
    settings: Settings, store: ContractStore, studio: Studio, house: House
) -> Signing | None:
    """Who is configured."""
    if settings.signing.provider == EMBEDDED:
        return Embedded(store, studio, house, settings)
    return None

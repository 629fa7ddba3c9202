"""The store of documents of a daemon: which one its settings name, and the gateway by which actors ask of it.

Rule: it is opened when this daemon is the writer, since what a killed one left is removed then, and the folder
may be another's until then. Actors ask of it through a gateway as of every outside party: a durable row until
it is answered, bounded tries, a breaker. Source: design.md 6 and 7; spec.md S12, X30; docs/uploads.md.
"""

from contextlib import AsyncExitStack
from typing import Final

import httpx

from comptoir.actors.gateways.document_messages import (
    OBJECTS,
    DeleteObject,
    ObjectAbsent,
    ObjectFound,
    ProveObject,
)
from comptoir.engine.errors import Stopping
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.objects import ObjectKey, ObjectStore, ObjectsUnavailable, UploadDoor
from comptoir.engine.settings import Settings
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.trust import trust_of
from comptoir.engine.values import Message
from comptoir.storage.errors import StorageError
from comptoir.storage.objects.folder import FolderOptions, FolderStore
from comptoir.storage.objects.s3 import S3Options, S3Store
from comptoir.storage.sealing import Sealer

__all__ = ["DocumentDesk", "objects_gateway"]

OWNER_KIND: Final = "onboarding"
"""Whose documents they are: the file, whose key seals them (X13)."""
BOUNDS: Final = GatewayBounds(deadline_s=300.0, calls_max=4)
"""A document of the largest size is read to be hashed where S3 has no digest of it."""


class DocumentDesk:
    """The store of one daemon, once it is open, and what is counted of uploads."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._counter = telemetry.counter(
            "comptoir_uploads", "Uploads to our folder by result and code.", ("result", "code")
        )
        self._store: ObjectStore | None = None
        self._door: UploadDoor | None = None

    async def open(self, sealer: Sealer, stack: AsyncExitStack) -> None:
        """Open what the settings name; it is closed with the stack.

        Raises:
            ObjectsUnavailable: the disk does not let us.
        """
        documents = self._settings.documents
        if documents.store == "s3":
            self._store = await self._open_s3(stack)
            return
        root = self._settings.storage.data_dir.resolve() / "documents"
        options = FolderOptions(root, documents.bucket, documents.folder_bytes_max, OWNER_KIND)
        self._store = self._door = await FolderStore.open(options, sealer)

    async def _open_s3(self, stack: AsyncExitStack) -> S3Store:
        from comptoir.storage.objects.sigv4 import BotocoreSigner, credentials_of  # its own cost

        s3 = self._settings.documents.s3
        encryption = "" if s3.encryption == "none" else s3.encryption
        options = S3Options(
            self._settings.documents.bucket, s3.region, s3.endpoint_url, encryption, s3.kms_key_id
        )
        credentials = credentials_of(s3.access_key_id, s3.secret_access_key.reveal())
        trust = trust_of(s3.endpoint_url or "https://", environment=False)
        client = httpx.AsyncClient(timeout=s3.timeout_s, trust_env=False, verify=trust)
        await stack.enter_async_context(client)
        return S3Store(options, BotocoreSigner(credentials, s3.region), client)

    @property
    def store(self) -> ObjectStore:
        """Where documents are.

        Raises:
            Stopping: it is not open.
        """
        if self._store is None:
            raise Stopping("the store of documents is not open")
        return self._store

    @property
    def door(self) -> UploadDoor | None:
        """Who takes uploads that come to this daemon.

        Raises:
            Stopping: it is not open.
        """
        assert self.store is not None
        return self._door

    def count(self, result: str, code: str) -> None:
        """Count one upload."""
        self._counter.of(result, code).value += 1


def objects_gateway(desk: DocumentDesk) -> GatewaySpec:
    """The gateway over the store."""

    async def prove(message: ProveObject, _context: CallContext) -> Message | None:
        key = ObjectKey.read(message.path)
        assert key is not None, "made by the machine"
        try:
            facts = await desk.store.facts(key)
        except (ObjectsUnavailable, Stopping) as error:
            raise CallFault(error.code, retryable=True) from error
        except StorageError as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        if facts is None:
            return ObjectAbsent(message.reference, "UPLOAD_MISSING")
        return ObjectFound(message.reference, facts.size_bytes, facts.media_type, facts.sha256)

    async def delete(message: DeleteObject, _context: CallContext) -> Message | None:
        key = ObjectKey.read(message.path)
        assert key is not None, "made by the machine"
        try:
            await desk.store.delete(key)
        except (ObjectsUnavailable, Stopping) as error:
            raise CallFault(error.code, retryable=True) from error
        except StorageError as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        return None

    def failed(message: ProveObject, code: str) -> Message:
        return ObjectAbsent(message.reference, code)

    return GatewaySpec(
        OBJECTS.kind,
        {
            ProveObject: Operation(prove, lambda message: message.reference, failed=failed),
            DeleteObject: Operation(delete, lambda message: f"delete:{message.path}"),
        },
        BOUNDS,
        dead_queue="dlq:documents",
    )

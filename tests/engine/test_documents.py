"""The gateway by which actors ask the store of documents: what becomes of each of its answers.

Source: design.md 6; spec.md S12, S63; docs/uploads.md.
"""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from comptoir.actors.gateways.document_messages import (
    DeleteObject,
    ObjectAbsent,
    ObjectFound,
    ProveObject,
)
from comptoir.engine.boot.documents import DocumentDesk, objects_gateway
from comptoir.engine.errors import Stopping
from comptoir.engine.gateway_spec import CallContext, CallFault
from comptoir.engine.objects import (
    ObjectFacts,
    ObjectKey,
    ObjectStore,
    ObjectsUnavailable,
    UploadAddress,
    UploadTerms,
)
from comptoir.engine.settings import Secret, Settings
from comptoir.engine.telemetry import Telemetry
from comptoir.storage.objects.errors import ObjectTampered
from comptoir.storage.objects.folder import FolderStore
from comptoir.storage.objects.s3 import S3Store
from comptoir.storage.vault import Vault

PATH = "ONB-2026-00001/IDENTITY/doc_1.pdf"
CONTEXT = CallContext(0, 1, "key")
PROVE, DELETE = ProveObject("doc_1", PATH), DeleteObject(PATH)


class Shelf:
    """A store that answers as it is told."""

    def __init__(self, answer: ObjectFacts | Exception | None) -> None:
        self.answer = answer
        self.deleted: list[str] = []

    async def facts(self, key: ObjectKey) -> ObjectFacts | None:
        """As told."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def delete(self, key: ObjectKey) -> None:
        """As told."""
        if isinstance(self.answer, Exception):
            raise self.answer
        self.deleted.append(key.path)

    def presign(self, terms: UploadTerms, base_url: str, now_ms: int) -> UploadAddress:
        """It is not asked."""
        raise AssertionError(terms, base_url, now_ms)

    def read(self, key: ObjectKey) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """It is not asked."""
        raise AssertionError(key)


def desk_over(store: ObjectStore) -> DocumentDesk:
    """A desk with this store, open."""
    desk = DocumentDesk(Settings(), Telemetry())
    desk._store = store
    return desk


async def call(desk: DocumentDesk, message: ProveObject | DeleteObject) -> object:
    """What the gateway answers."""
    operation = objects_gateway(desk).operations[type(message)]
    return await operation.call(message, CONTEXT)


async def test_what_lies_there_is_told_and_what_does_not() -> None:
    """S12: size, type and digest, or that there is nothing; deleting is done by key."""
    found = ObjectFacts(300, "application/pdf", "ab")
    assert await call(desk_over(Shelf(found)), PROVE) == ObjectFound(
        "doc_1", 300, "application/pdf", "ab"
    )
    assert await call(desk_over(Shelf(None)), PROVE) == ObjectAbsent("doc_1", "UPLOAD_MISSING")
    shelf = Shelf(None)
    assert await call(desk_over(shelf), DELETE) is None
    assert shelf.deleted == [PATH]


@pytest.mark.parametrize("message", [PROVE, DELETE])
@pytest.mark.parametrize(
    ("fault", "retryable", "sick"),
    [
        (ObjectsUnavailable(), True, True),
        (ObjectTampered("it is not what was stored"), False, False),
    ],
)
async def test_a_store_that_is_away_is_asked_again_and_one_that_says_no_is_not(
    fault: Exception, retryable: bool, sick: bool, message: ProveObject | DeleteObject
) -> None:
    """S63: an outage is retried and parked; what is broken for good is told to whoever asked, by its code."""
    with pytest.raises(CallFault) as raised:
        await call(desk_over(Shelf(fault)), message)
    assert (raised.value.retryable, raised.value.sick) == (retryable, sick)
    failed = objects_gateway(desk_over(Shelf(fault))).operations[ProveObject].failed
    assert failed(PROVE, raised.value.code) == ObjectAbsent("doc_1", raised.value.code)


async def test_before_it_is_open_nothing_is_asked_of_it() -> None:
    """interface.md 2: a daemon that starts or stands by has no store, and says so."""
    desk = DocumentDesk(Settings(), Telemetry())
    for ask in (lambda: desk.store, lambda: desk.door):
        with pytest.raises(Stopping):
            ask()
    with pytest.raises(CallFault) as raised:
        await call(desk, PROVE)
    assert raised.value.retryable


@pytest.mark.parametrize(("store", "kind"), [("folder", FolderStore), ("s3", S3Store)])
async def test_the_settings_name_the_store(store: str, kind: type, tmp_path: Path) -> None:
    """X30: the folder is the default, and takes uploads itself; S3 is one word, and does not."""
    values: dict[tuple[str, ...], object] = {
        ("storage", "data_dir"): tmp_path,
        ("documents", "store"): store,
        ("documents", "s3", "region"): "eu-west-3",
        ("documents", "s3", "access_key_id"): "AKID",
        ("documents", "s3", "secret_access_key"): Secret("s3cret"),
    }
    settings = Settings().having(values)
    async with AsyncExitStack() as stack:
        desk = DocumentDesk(settings, Telemetry())
        await desk.open(Vault({"k1": bytes(range(32))}), stack)
        assert isinstance(desk.store, kind)
        assert (desk.door is None) == (store == "s3")

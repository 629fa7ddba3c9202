"""The gateway of inspections: from the store, through a cell, to what its file is told.

Source: design.md 6; spec.md S12, S19, S20; docs/documents.md.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from comptoir.actors.gateways.document_messages import (
    DocumentInspected,
    InspectDocument,
    ObjectAbsent,
)
from comptoir.engine.boot.documents import DocumentDesk
from comptoir.engine.boot.inspection import inspection_gateway
from comptoir.engine.gateway_spec import CallContext, CallFault
from comptoir.engine.objects import ObjectKey, ObjectsUnavailable
from comptoir.engine.settings import Settings
from comptoir.engine.telemetry import Telemetry
from comptoir.storage.objects.errors import ObjectMissing, ObjectTampered
from tests.actors.inspection.hostile import jpeg
from tests.engine.test_sightings import Register

CONTEXT = CallContext(1_796_083_200_000, 1, "key")
QUESTION = InspectDocument(
    "doc_1", "ONB-2026-00001/CONTRACT/doc_1.jpg", "CONTRACT", "mine.pdf", "image/jpeg", "Marie",
    "Tremblay", "1980-05-15",
)  # fmt: skip


class Shelf:
    """A store that has one document, or a fault."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content = content

    @asynccontextmanager
    async def read(self, key: ObjectKey) -> AsyncGenerator[AsyncGenerator[bytes]]:
        """As told."""
        if isinstance(self.content, Exception):
            raise self.content
        yield self._parts(self.content)

    async def _parts(self, content: bytes) -> AsyncGenerator[bytes]:
        yield content


async def asked(content: bytes | Exception) -> object:
    """What the gateway answers."""
    desk = DocumentDesk(Settings(), Telemetry())
    desk._store = Shelf(content)  # type: ignore[assignment]  # as much of one as is asked
    operation = inspection_gateway(desk, Settings().documents, Register().sightings).operations[
        InspectDocument
    ]
    return await operation.call(QUESTION, CONTEXT)


async def test_a_document_is_looked_at_where_it_lies() -> None:
    """S19: what its sender called it is held against what it is; the digest is that of the bytes that were looked at."""
    found = await asked(jpeg())
    assert isinstance(found, DocumentInspected)
    assert (found.reference, found.flags, found.fields) == ("doc_1", ("EXTENSION_MISMATCH",), {})
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("fault", "retryable"), [(ObjectsUnavailable(), True), (ObjectTampered("x"), False)]
)
async def test_a_store_that_fails_is_no_finding(fault: Exception, retryable: bool) -> None:
    """design.md 6: away is waited for; changed under us is for good."""
    with pytest.raises(CallFault) as caught:
        await asked(fault)
    assert caught.value.retryable is retryable


async def test_what_is_gone_or_given_up_is_told() -> None:
    """S16: nothing there, and tries that are spent: the file hears of either, and no document waits for ever."""
    assert await asked(ObjectMissing("x")) == ObjectAbsent("doc_1", "UPLOAD_MISSING")
    desk = DocumentDesk(Settings(), Telemetry())
    operation = inspection_gateway(desk, Settings().documents, Register().sightings).operations[
        InspectDocument
    ]
    assert operation.failed(QUESTION, "OBJECTS_UNAVAILABLE") == ObjectAbsent(
        "doc_1", "OBJECTS_UNAVAILABLE"
    )
    assert operation.business_key(QUESTION) == f"{QUESTION.path}:doc_1"

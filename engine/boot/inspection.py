"""The gateway by which a client's file has its documents inspected: bytes from the store, through a cell, to a judgement.

Rule: a durable row until it is answered, as of every outside party: a daemon that dies while a document is looked at looks at
it again. A document that kills its cell is judged by that; a store that is away is waited for. Source: design.md 6; spec.md
S19, S20; docs/documents.md.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from comptoir.actors.gateways.document_messages import (
    INSPECTION,
    DocumentInspected,
    InspectDocument,
    ObjectAbsent,
)
from comptoir.actors.inspection.forkserver import Forkserver
from comptoir.actors.inspection.inspector import Inspector, task_of
from comptoir.actors.inspection.judging import READ_TYPES, Declared, judge
from comptoir.actors.inspection.report import LOOK, READ
from comptoir.actors.sighting.messages import Seen
from comptoir.engine.boot.documents import DocumentDesk
from comptoir.engine.boot.sightings import Sightings
from comptoir.engine.errors import EngineError, Stopping
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.objects import ObjectKey, ObjectsUnavailable
from comptoir.engine.settings.documents import Documents
from comptoir.engine.values import Message
from comptoir.storage.errors import StorageError
from comptoir.storage.objects.errors import ObjectMissing

__all__ = ["inspection_gateway"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SLACK_S: Final = 30.0
"""Between the end of an inspection and the deadline of its call: a child that is killed has to be buried."""


def inspection_gateway(
    desk: DocumentDesk, documents: Documents, sightings: Sightings
) -> GatewaySpec:
    """The gateway over the cells.

    Args:
        desk: where documents are.
        documents: bounds of their inspection.
        sightings: who knows where else they were seen.
    """
    inspector = Inspector(documents.inspections_max, documents.inspection_seconds_max, Forkserver())

    async def inspect(message: InspectDocument, context: CallContext) -> Message | None:
        key = ObjectKey.read(message.path)
        assert key is not None, "made by the machine"
        work = READ if message.doc_type in READ_TYPES else LOOK
        task = task_of(work, message.filename, message.media_type)
        try:
            async with desk.store.read(key) as parts:
                report = await inspector.inspect(parts, task)
        except ObjectMissing:
            return ObjectAbsent(message.reference, "UPLOAD_MISSING")
        except (ObjectsUnavailable, Stopping) as error:
            raise CallFault(error.code, retryable=True) from error
        except StorageError as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        declared = Declared(message.first_name, message.last_name, message.date_of_birth)
        today = (_EPOCH + timedelta(milliseconds=context.now)).date()
        found = judge(report, message.doc_type, declared, today)
        try:
            seen = Seen(key.owner, message.reference, message.doc_type)
            twins = await sightings.look_up(seen, declared, report, found)
        except EngineError as error:
            raise CallFault(error.code, retryable=True, sick=False) from error
        return DocumentInspected(
            message.reference, report.sha256, report.look, (*found.flags, *twins.flags),
            found.fields, twins.marks, twins.files,
        )  # fmt: skip

    def failed(message: InspectDocument, code: str) -> Message:
        return ObjectAbsent(message.reference, code)

    return GatewaySpec(
        INSPECTION.kind,
        {InspectDocument: Operation(inspect, lambda x: f"{x.path}:{x.reference}", failed=failed)},
        GatewayBounds(
            deadline_s=documents.inspection_seconds_max + SLACK_S,
            calls_max=documents.inspections_max,
        ),
        dead_queue="dlq:documents",
    )

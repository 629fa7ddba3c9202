"""What of a document is shown to whom. Source: spec.md S19, S34, E3; interface.md 8; docs/documents.md."""

from typing import cast

import msgspec
import pytest

from comptoir.actors.onboarding.messages import DocumentStatus, FileDescribed
from comptoir.engine.envelope import Answer
from comptoir.http.onboarding import show, show_document
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Principal, Role
from tests.actors.filed import OPENED, document

PAPER = document(
    DocumentStatus.ACCEPTED, reasons=("DOCUMENT_EXPIRED", "DUPLICATE_IDENTITY"), elsewhere=("ONB-2026-00002",)
)  # fmt: skip
FILE = FileDescribed("DOCUMENTS_PENDING", OPENED, (PAPER,), (), (), 0, 0, 0)


class OneFile:
    """A port behind which there is one file."""

    file = FILE

    async def ask(self, *_: object) -> Answer:
        """Describe it."""
        return Answer(self.file)


def call_of(principal: Principal | None) -> Call:
    """Of one who may see the file."""
    path = {"onboardingId": "ONB-2026-00001", "documentId": "doc_1"}
    return Call("t", path, {}, "", b"", principal=principal)


@pytest.mark.parametrize(
    ("roles", "inside"),
    [({Role.CLIENT}, False), ({Role.CONSEILLER}, False), ({Role.COMPLIANCE}, True), (None, True)],
)
async def test_where_else_it_was_seen_is_for_compliance_alone(
    roles: set[Role] | None, inside: bool
) -> None:
    """S34, E3: neither the client nor the advisor hears of another client, or that somebody was found out."""
    principal = None if roles is None else Principal("x", "iss", frozenset(roles))
    port = cast("Port", OneFile())
    alone = msgspec.json.decode((await show_document(port, call_of(principal))).body)
    listed = msgspec.json.decode((await show(port, call_of(principal))).body)["documents"][0]
    assert alone == listed
    told = ["DOCUMENT_EXPIRED", *(["DUPLICATE_IDENTITY"] if inside else [])]
    assert [one["code"] for one in alone["reasons"]] == told
    assert alone.get("elsewhere") == (["ONB-2026-00002"] if inside else None)


@pytest.mark.parametrize("status", DocumentStatus)
async def test_what_is_complete_is_being_inspected(status: DocumentStatus) -> None:
    """S20, interface.md 8: after `complete` a document is inspecting, accepted, refused or to be done again; there is no other word."""
    port = OneFile()
    port.file = msgspec.structs.replace(FILE, documents=(document(status),))
    shown = msgspec.json.decode((await show_document(cast("Port", port), call_of(None))).body)
    expected = "inspecting" if status is DocumentStatus.VERIFYING else status.value
    assert shown["status"] == expected
    assert expected in ("awaiting_upload", "inspecting", "accepted", "refused", "redo")

"""The half of a fake daemon that has to do with documents (testing.py): files with their owners, and a store that
keeps nothing, unless a test gives a real one.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.actors.onboarding.keeping_messages import (
    AskErasure,
    EndRelation,
    ErasureAnswered,
)
from comptoir.actors.onboarding.messages import KIND as FILE
from comptoir.actors.onboarding.messages import (
    ChangeProfile,
    DescribeProfile,
    Document,
    FileDescribed,
    InitiateFile,
    Opened,
    ProfileDescribed,
    RequestUpload,
    Said,
    Submitted,
    UploadGranted,
)
from comptoir.actors.onboarding.onward_messages import (
    AccountKept,
    ApprovalKept,
    Onward,
    SigningKept,
)
from comptoir.engine import Address, Message, Refused, Reply
from comptoir.engine.objects import (
    Incoming,
    ObjectFacts,
    ObjectKey,
    ObjectStore,
    UploadAddress,
    UploadDoor,
    UploadTerms,
)
from comptoir.http.kyc_testing import of_case
from comptoir.http.matching_testing import FakeMatching

__all__ = ["DOCUMENT_ID", "Closed", "FakeUploads"]


NOW: Final = 1_763_994_600_000
DOCUMENT_ID: Final = "doc_" + "0" * 20
_DOCUMENT: Final = Document(
    DOCUMENT_ID, "IDENTITY", "passeport.pdf", "application/pdf", 300, "", NOW + 3_600_000
)
_ONWARD: Final = Onward(
    SigningKept("sent", 1, "embedded", due_at=NOW + 1000, at=NOW),
    ApprovalKept(NOW),
    AccountKept("created", "123456789", asked_at=NOW, at=NOW),
)
"""More than a file has at once, so that all of it is shown."""
_SAID: Final = {
    "address/city": (
        Said("Paris", "client", "cli_1", NOW), Said("Pari", "advisor", "adv-1", NOW - 1),
    ),
    "nationalId/number": (Said("046454286", "client", "cli_1", NOW),),
}  # fmt: skip


def _described(opened: Opened, now: int, digest: str = "") -> FileDescribed:
    """A file that has just begun, with a document, and perhaps a submission."""
    one = Submitted(digest, 1, NOW, "a.b.c")
    return FileDescribed(
        "INITIATED", opened, (_DOCUMENT,), (), (), now, now + 1000, now, submissions=(one,),
        onward=_ONWARD,
    )  # fmt: skip


class FakeStore:
    """Gives out addresses that lead nowhere."""

    def presign(self, terms: UploadTerms, base_url: str, now_ms: int) -> UploadAddress:
        """One."""
        del now_ms
        return UploadAddress(f"{base_url}/uploads/{terms.key.path}", {})

    async def facts(self, key: ObjectKey) -> ObjectFacts | None:
        """It is not asked."""
        raise AssertionError(key)

    async def delete(self, key: ObjectKey) -> None:
        """It is not asked."""
        raise AssertionError(key)

    @asynccontextmanager
    async def read(self, key: ObjectKey) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Contracts, in two parts; nothing else is asked for."""
        assert key.kind == "CONTRACT", key

        async def parts() -> AsyncIterator[bytes]:
            for part in (b"%PDF-1.7\n", b"%%EOF\n"):
                yield part

        yield parts()


class Closed:
    """A door that knows no address."""

    def judge(self, path: str, query: Mapping[str, str]) -> None:
        """None is ours."""
        del path, query

    async def is_used(self, key: ObjectKey) -> bool:
        """It is not asked."""
        raise AssertionError(key)

    def receive(self, terms: UploadTerms) -> AbstractAsyncContextManager[Incoming]:
        """It is not asked."""
        raise AssertionError(terms)


class FakeUploads(FakeMatching):
    """Files as a test names them."""

    store: ObjectStore = FakeStore()
    upload_door: UploadDoor | None = Closed()

    def __init__(self) -> None:
        super().__init__()
        self.uploads: list[tuple[str, str]] = []
        self.submitted: str | None = None
        """The file to which partners' references lead."""
        self.file_owners: dict[str, str] = {}
        """Files: whose they are, client and advisor in one."""

    @property
    def objects(self) -> ObjectStore:
        """Where documents are."""
        return self.store

    def of_matching(self, address: Address, message: Message) -> Reply | None:
        """As it does; and a series of numbers, the files that a test has named, and their assessments.

        Raises:
            Refused: there is no such file.
        """
        if isinstance(message, DrawNumber):
            return NumberDrawn(123)
        if address.kind == CASE:
            return of_case(message)
        if address.kind != FILE:
            return super().of_matching(address, message)
        if isinstance(message, InitiateFile):
            return _described(message.opened, NOW, message.submission)
        owner = self.file_owners.get(address.key)
        if owner is None:
            raise Refused("NOT_FOUND")
        if isinstance(message, RequestUpload):
            return UploadGranted(_DOCUMENT)
        if isinstance(message, (AskErasure, EndRelation)):
            return ErasureAnswered("", NOW if isinstance(message, EndRelation) else 0)
        if isinstance(message, (DescribeProfile, ChangeProfile)):
            opened = Opened("INDIVIDUAL", "CONSEILLER", owner, "", owner, "", "")
            return ProfileDescribed(opened, _SAID, (), ("entity/name",), 3)
        return _described(Opened("INDIVIDUAL", "CONSEILLER", owner, "", owner, "", ""), NOW)

    async def submission(self, place: str) -> str | None:
        """Every reference leads to the file that a test has named; to none before."""
        del place
        return self.submitted

    async def cases(self, after: str, limit: int) -> Sequence[str]:
        """Every file was assessed."""
        return [name for name in sorted(self.file_owners) if name > after][:limit]

    def count_upload(self, result: str, code: str) -> None:
        """Keep the count."""
        self.uploads.append((result, code))

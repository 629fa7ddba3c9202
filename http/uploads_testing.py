"""The half of a fake daemon that has to do with documents (testing.py): a store, where a test has given one."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from comptoir.engine.objects import Incoming, ObjectKey, ObjectStore, UploadDoor, UploadTerms

__all__ = ["FakeUploads"]


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


class FakeUploads:
    """No store of its own: a test gives a real one."""

    store: ObjectStore | None = None
    upload_door: UploadDoor | None = Closed()

    def __init__(self) -> None:
        super().__init__()
        self.uploads: list[tuple[str, str]] = []

    @property
    def objects(self) -> ObjectStore:
        """Where documents are."""
        assert self.store is not None, "a test that needs one gives it"
        return self.store

    def count_upload(self, result: str, code: str) -> None:
        """Keep the count."""
        self.uploads.append((result, code))

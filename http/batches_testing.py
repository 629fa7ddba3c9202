"""Batches of payouts for tests of the edge: what a test sets, and what real actors would say.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.port.
"""

import zlib
from collections.abc import Sequence

from comptoir.actors.payout_batch.messages import KIND as BATCH
from comptoir.actors.payout_batch.messages import (
    BatchDescribed,
    DownloadNoted,
    NoteDownload,
    listed_key,
)
from comptoir.actors.payout_file.messages import FileRead, ReadFile
from comptoir.actors.payout_report.messages import ReportDescribed, TakeReport
from comptoir.actors.sepa.pain001 import digest_of
from comptoir.engine import Address, Message, Refused, Reply
from comptoir.http.port import BatchRow

__all__ = ["BATCH_ID", "FakeBatches"]

BATCH_ID = "PB-202511241300-001"
DOCUMENT = b"<Document/>"


class FakeBatches:
    """The batches of a daemon that a test makes up."""

    def __init__(self) -> None:
        super().__init__()
        self.batch_ids: list[str] = []
        self.batch_transfers: list[BatchRow] = []

    async def batches(self, after: str, limit: int) -> Sequence[str]:
        """As set, the newest first."""
        return [one for one in sorted(map(listed_key, self.batch_ids)) if one > after][:limit]

    async def batch_rows(self, name: str, after: str, limit: int) -> Sequence[BatchRow]:
        """As set."""
        del name
        return [one for one in self.batch_transfers if one.reference > after][:limit]

    def of_batches(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to these actors; None: it is said to others."""
        if isinstance(message, TakeReport):
            return ReportDescribed(
                message.kind, message.message_id, message.digest, message.part + 1, True,
                len(message.findings), 0, message.ignored, (), 1,
            )  # fmt: skip
        if isinstance(message, ReadFile):
            return FileRead(digest_of(DOCUMENT), zlib.compress(DOCUMENT))
        if address.kind != BATCH:
            return None
        if address.key not in self.batch_ids:
            raise Refused("CONFLICT", "there is no batch of this id")
        if isinstance(message, NoteDownload):
            return DownloadNoted(digest_of(DOCUMENT))
        return BatchDescribed(
            "approved", 1, 950, "EUR", 1, 1, "max", "eva", "", digest_of(DOCUMENT), "2025-11-24", 0, False, 0
        )  # fmt: skip

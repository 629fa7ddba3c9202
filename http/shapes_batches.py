"""The bodies of batches of payouts as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b2); spec.md S50, E14, X26, X27; docs/payouts.md.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Cents, Count, Currency, Time

__all__ = ["Batch", "BatchPage", "BatchTransfer", "BatchWhole", "Rejection", "ReportLeftover", "ReportTaken"]  # fmt: skip

Status = Annotated[
    Literal["open", "closing", "awaiting_approval", "approved", "dissolving", "rejected", "expired", "empty"],
    Meta(description="`empty`: all of its transfers had left before it closed."),
]  # fmt: skip
BatchId = Annotated[str, Meta(pattern=r"^PB-[0-9]{12}-[0-9]{3}$", description="Its file's MsgId.")]


Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class Batch(_Shape, frozen=True):
    """Transfers that are paid by one file."""

    batch_id: BatchId
    status: Status
    transfers: Count
    sum_cents: Cents
    currency: Currency | None
    cut_off_at: Time
    closed_at: Time | None
    closed_by: Annotated[str | None, Meta(description="null: its cut-off, or nobody yet.")]
    released_by: Annotated[
        str | None,
        Meta(
            description="Who stands for what its cut-off has closed; null: nobody has, or had to."
        ),
    ]
    decided_by: Annotated[str | None, Meta(description="Who approved or rejected it.")]
    reason: str | None
    digest: Annotated[Digest | None, Meta(description="SHA-256 of the approved file.")]
    execution_on: Annotated[Day | None, Meta(description="`ReqdExctnDt`.")]
    decide_by: Annotated[
        Time | None, Meta(description="Then its points go back, unless somebody has decided.")
    ]
    escalated: bool
    downloads: Annotated[Count, Meta(description="How often the file was taken.")]


class BatchPage(_Shape, frozen=True):
    """A page of batches, the newest first."""

    items: list[Batch]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class BatchTransfer(_Shape, frozen=True):
    """One row of it."""

    withdrawal_id: Annotated[str, Meta(pattern=r"^wd_[0-9a-f]{20}$")]
    reference: Annotated[str, Meta(max_length=35)]
    amount_cents: Cents
    currency: Currency
    iban_masked: Annotated[
        str | None, Meta(description="null: whoever was paid has been erased since.")
    ]
    status: Annotated[str | None, Meta(description="Of the withdrawal, now.")]


class BatchWhole(_Shape, frozen=True):
    """A batch, and a page of its rows."""

    batch: Batch
    items: list[BatchTransfer]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class Rejection(_Shape, frozen=True, forbid_unknown_fields=True):
    """Why nobody is paid by it."""

    reason: Annotated[str, Meta(min_length=1, max_length=256, description="On one line.")]


class ReportLeftover(_Shape, frozen=True):
    """What is for a person to look at."""

    code: Annotated[
        Literal["PAYMENT_UNKNOWN", "PAYMENT_DIFFERS"],
        Meta(description="Nothing of ours is called so; or it was of another amount or batch."),
    ]
    reference: Annotated[str | None, Meta(description="EndToEndId.")]
    batch_id: Annotated[str | None, Meta(description="As the bank calls the batch.")]


class ReportTaken(_Shape, frozen=True):
    """What became of a report."""

    report_id: Annotated[str, Meta(pattern=r"^pr_[0-9a-f]{20}$")]
    kind: Annotated[str, Meta(description="Such as `pain.002.001.10`.")]
    message_id: Annotated[str, Meta(description="As the bank calls it.")]
    digest: Annotated[Digest, Meta(description="SHA-256 of the file.")]
    applied: Annotated[Count, Meta(description="Passed on to what it is about.")]
    unmatched: Annotated[Count, Meta(description="Letters in dlq:withdrawals.")]
    ignored: Annotated[Count, Meta(description="What says nothing of a payment of ours.")]
    leftovers: Annotated[list[ReportLeftover], Meta(description="The first of the unmatched.")]
    taken_at: Time

"""Batches of payouts: looked at, closed before their time, signed, approved by a second person, taken to the bank.

The rule: what is approved is a file, by its digest, and it is made from the rows as they are once the batch has
closed; the file that is given out is the one that was kept then, and who took it is on record before they have
it. An account number is shown masked, and in clear in the file alone.
Source: interface.md 7 (rows b2, "403 for the maker"); spec.md S50, S58, E14, X27; docs/payouts.md; adr/0043.
"""

import re
import zlib
from collections.abc import Callable
from operator import attrgetter
from typing import Final

import msgspec
import trio

from comptoir.actors.cutoffs import is_batch_id
from comptoir.actors.payout_batch.messages import (
    KIND,
    ApproveBatch,
    BatchDescribed,
    CloseBatch,
    DescribeBatch,
    DownloadNoted,
    NoteDownload,
    RejectBatch,
)
from comptoir.actors.payout_file.messages import KIND as FILE
from comptoir.actors.payout_file.messages import FileRead, ReadFile
from comptoir.actors.sepa.pain001 import FileOrder, Transfer, digest_of, written
from comptoir.actors.withdrawal.iban import Iban
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.actors.withdrawal.messages import DescribeWithdrawal, WithdrawalDescribed
from comptoir.engine import Address, Erased, Message, Refused
from comptoir.http.answers import Response, json_response, response
from comptoir.http.approvals import is_nobody, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import Call
from comptoir.http.port import BatchRow, Port
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, Placed, name_at, placed
from comptoir.http.shapes_batches import Rejection
from comptoir.http.times import rfc3339

__all__ = ["approve", "close", "download", "listed", "reject", "shown"]

_REJECTION: Final = msgspec.json.Decoder(Rejection)
_PLACE: Final = re.compile(r"PB-[0-9]{12}-[0-9]{3}:PB-[0-9]{12}-[0-9]{3}").fullmatch
_REFERENCE: Final = re.compile(r"[A-Z0-9-]{1,35}").fullmatch
ROWS_PER_LOOK: Final = 500
ASKS_AT_ONCE: Final = 64
"""As an import's: enough to fill a batch of the journal, far from filling any bound of the engine."""
ASK_SECONDS: Final = 60.0
COMPRESSION: Final = 6
XML: Final = b"application/xml"


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/payouts/batches, the newest first."""
    wanted = _wanted(port, call, _PLACE)
    if isinstance(wanted, Response):
        return wanted
    read = await port.batches(wanted.after, wanted.to_read)
    places, following = wanted.cut(read, str)
    items = [_shown(name, await _described(port, name)) for name in map(name_at, places)]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


def _wanted(port: Port, call: Call, place: Callable[[str], object]) -> Placed | Response:
    """After which key, and how many."""
    rules = port.rules
    try:
        return placed(call.query, rules.page_items_default, rules.page_items_max, place)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/payouts/batches/{batchId}, with a page of its rows."""
    name = call.path["batchId"]
    wanted = _wanted(port, call, _REFERENCE)
    if isinstance(wanted, Response):
        return wanted
    if not is_batch_id(name):
        return problem("NOT_FOUND", call.ticket)
    found = await _known(port, name)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    read = await port.batch_rows(name, wanted.after, wanted.to_read)
    rows, following = wanted.cut(read, attrgetter("reference"))
    items = [await _row(port, one) for one in rows if one.is_in]
    answer = {"batch": _shown(name, found), "items": items, "nextCursor": following}
    return json_response(200, answer, call.ticket)


async def close(port: Port, call: Call) -> Response:
    """POST /api/v1/payouts/batches/{batchId}/close: before its cut-off."""
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    return await _told(port, call, CloseBatch(who_calls(call)[0]))


async def reject(port: Port, call: Call) -> Response:
    """POST /api/v1/payouts/batches/{batchId}/reject."""
    wanted = read_body(call, _REJECTION)
    if isinstance(wanted, Response):
        return wanted
    reason = wanted.reason.strip()
    if not reason or not reason.isprintable():
        errors = [fault("/reason", "one line that says why")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    return await _told(port, call, RejectBatch(who_calls(call)[0], reason))


async def approve(port: Port, call: Call) -> Response:
    """POST /api/v1/payouts/batches/{batchId}/approve: the second signature, by which its file is made, and fixed; of
    what its cut-off has closed the first one, by which it has a maker.
    """
    name, (checker, roles) = call.path["batchId"], who_calls(call)
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    found = await _known(port, name) if is_batch_id(name) else None
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    if found.status != "awaiting_approval" or found.maker in ("", checker):
        # Nothing has to be made for a first signature, or for what the machine refuses or has done already.
        return await _told(port, call, ApproveBatch(checker, roles, "", "", b""))
    day = port.rules.batches.cutoffs.execution_day(port.now_ms()).isoformat()
    transfers = await _transfers(port, name)
    if transfers is None:
        return problem("CONFLICT", call.ticket)
    order = FileOrder(name, found.closed_at, day, port.rules.batches.debtor, transfers)
    assert (len(transfers), order.sum_cents) == (found.transfers, found.sum_cents), "control sums"
    digest, document = await trio.to_thread.run_sync(_made, order)
    return await _told(port, call, ApproveBatch(checker, roles, digest, day, document))


def _made(order: FileOrder) -> tuple[str, bytes]:
    """The file, in a thread: for ten thousand transfers it takes a tenth of a second."""
    document = b"".join(written(order))
    return digest_of(document), zlib.compress(document, COMPRESSION)


async def _transfers(port: Port, name: str) -> list[Transfer] | None:
    """What is paid by it, in the order of references; None: somebody in it was erased."""
    rows: list[BatchRow] = []
    while True:
        after = rows[-1].reference if rows else ""
        found = await port.batch_rows(name, after, ROWS_PER_LOOK)
        rows += found
        if len(found) < ROWS_PER_LOOK:
            break
    paid = [one for one in rows if one.is_in]
    orders: dict[str, WithdrawalDescribed] = {}
    waiting = iter(paid)

    async def look() -> None:
        for one in waiting:  # shared: each takes the next one
            described = await _withdrawal(port, one.withdrawal_id)
            if described is not None:
                orders[one.withdrawal_id] = described

    async with trio.open_nursery() as nursery:
        for _ in range(min(ASKS_AT_ONCE, len(paid))):
            nursery.start_soon(look)
    if len(orders) < len(paid):
        return None
    return [_transfer(one, orders[one.withdrawal_id]) for one in paid]


def _transfer(one: BatchRow, found: WithdrawalDescribed) -> Transfer:
    order = found.order
    kept = (order.reference, order.net_cents, order.currency)
    assert kept == (one.reference, one.amount_cents, one.currency), "a row is what was ordered"
    instruction = one.withdrawal_id.removeprefix("wd_")  # SEPA's set has no underscore
    return Transfer(
        instruction, order.reference, order.net_cents, order.currency, order.beneficiary, order.iban
    )


async def download(port: Port, call: Call) -> Response:
    """GET /api/v1/payouts/batches/{batchId}/pain001."""
    name = call.path["batchId"]
    if not is_batch_id(name) or await _known(port, name) is None:
        return problem("NOT_FOUND", call.ticket)
    noted = (await port.ask(Address(KIND, name), NoteDownload(who_calls(call)[0]))).reply
    assert isinstance(noted, DownloadNoted)
    kept = (await port.ask(Address(FILE, name), ReadFile(), ASK_SECONDS)).reply
    assert isinstance(kept, FileRead)
    document = await trio.to_thread.run_sync(zlib.decompress, kept.document)
    digest = await trio.to_thread.run_sync(digest_of, document)
    assert digest == kept.digest == noted.digest, "the file is the one that was approved"
    answer = response(200, XML, document, call.ticket)
    saved = f'attachment; filename="{name}.xml"'.encode("ascii")
    answer.headers.append((b"content-disposition", saved))
    return answer


async def _told(port: Port, call: Call, message: Message) -> Response:
    name = call.path["batchId"]
    if not is_batch_id(name) or await _known(port, name) is None:
        return problem("NOT_FOUND", call.ticket)
    found = (await port.ask(Address(KIND, name), message, ASK_SECONDS)).reply
    assert isinstance(found, BatchDescribed)
    return json_response(200, _shown(name, found), call.ticket)


async def _known(port: Port, name: str) -> BatchDescribed | None:
    try:
        return await _described(port, name)
    except Refused:
        return None


async def _described(port: Port, name: str) -> BatchDescribed:
    found = (await port.ask(Address(KIND, name), DescribeBatch())).reply
    assert isinstance(found, BatchDescribed)
    return found


async def _withdrawal(port: Port, name: str) -> WithdrawalDescribed | None:
    try:
        found = (await port.ask(Address(WITHDRAWAL, name), DescribeWithdrawal(), ASK_SECONDS)).reply
    except (Erased, Refused):
        return None
    assert isinstance(found, WithdrawalDescribed)
    return found


async def _row(port: Port, one: BatchRow) -> dict[str, object]:
    found = await _withdrawal(port, one.withdrawal_id)
    return {
        "withdrawalId": one.withdrawal_id,
        "reference": one.reference,
        "amountCents": one.amount_cents,
        "currency": one.currency,
        "ibanMasked": None if found is None else Iban(found.order.iban).masked,
        "status": None if found is None else found.status,
    }


def _shown(name: str, found: BatchDescribed) -> dict[str, object]:
    return {
        "batchId": name,
        "status": found.status,
        "transfers": found.transfers,
        "sumCents": found.sum_cents,
        "currency": found.currency or None,
        "cutOffAt": rfc3339(found.cutoff_at),
        "closedAt": rfc3339(found.closed_at) if found.closed_at else None,
        "closedBy": (found.maker or None) if not found.released else None,
        "releasedBy": found.maker if found.released else None,
        "decidedBy": found.checker or None,
        "reason": found.reason or None,
        "digest": found.digest or None,
        "executionOn": found.execution_on or None,
        "decideBy": rfc3339(found.decide_by) if found.decide_by else None,
        "escalated": found.escalated,
        "downloads": found.downloads,
    }

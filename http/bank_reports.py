"""Reports of the bank on batches, read back: pain.002 and camt.054.

The rule: a file is read as a whole, in a thread and within bounds, and is about our account, before anything is
passed on; then it is passed on part by part, each durable before the next. Whoever brings it again goes on where
it ended, and hears the same.
Source: interface.md 7; spec.md X26, X27, S64; docs/payouts.md; adr/0043.
"""

from typing import Final

import trio

from comptoir.actors.payout_report.messages import (
    FINDINGS_MAX,
    KIND,
    ReportDescribed,
    TakeReport,
    report_key,
)
from comptoir.actors.sepa.pain001 import digest_of
from comptoir.actors.sepa.reports import BadXml, Report, read_report
from comptoir.engine import Address
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import fault
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.times import rfc3339

__all__ = ["REPORTS_PATH", "take"]

REPORTS_PATH: Final = "/api/v1/payouts/reports"
MEDIA_TYPES: Final = ("application/xml", "text/xml")
ASK_SECONDS: Final = 60.0


async def take(port: Port, call: Call) -> Response:
    """POST /api/v1/payouts/reports."""
    if call.media_type not in MEDIA_TYPES:
        return problem("MEDIA_TYPE_UNSUPPORTED", call.ticket)
    try:
        report = await trio.to_thread.run_sync(read_report, call.body)
    except BadXml as bad:
        return problem("REPORT_MALFORMED", call.ticket, errors=[fault("", str(bad))])
    if report.accounts - {port.rules.batches.debtor.iban}:
        return problem("REPORT_ACCOUNT_OTHER", call.ticket)
    key = report_key(report.kind, report.message_id)
    digest = await trio.to_thread.run_sync(digest_of, call.body)
    taken = None
    for part in _parts(report, digest):
        taken = (await port.ask(Address(KIND, key), part, ASK_SECONDS)).reply
    assert isinstance(taken, ReportDescribed), "a report has one part at least"
    return json_response(200, _shown(key, taken), call.ticket)


def _parts(report: Report, digest: str) -> list[TakeReport]:
    """The parts, each within the bound of a message; an empty report has one."""
    found = report.findings
    begins = range(0, max(1, len(found)), FINDINGS_MAX)
    pages = [tuple(found[begin : begin + FINDINGS_MAX]) for begin in begins]
    return [
        TakeReport(
            report.kind, report.message_id, digest, part, part == len(pages) - 1, page,
            report.ignored,
        )
        for part, page in enumerate(pages)
    ]  # fmt: skip


def _shown(key: str, found: ReportDescribed) -> dict[str, object]:
    return {
        "reportId": key,
        "kind": found.kind,
        "messageId": found.message_id,
        "digest": found.digest,
        "applied": found.applied,
        "unmatched": found.unmatched,
        "ignored": found.ignored,
        "leftovers": [
            {"code": one.code, "reference": one.reference or None, "batchId": one.batch or None}
            for one in found.leftovers
        ],
        "takenAt": rfc3339(found.taken_at),
    }

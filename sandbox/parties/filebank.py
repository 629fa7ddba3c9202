"""A bank that takes files: pain.001 in, pain.002 and camt.054 out, as somebody tells it by the control API.

Rule: it reads a file by itself, as a bank does, and finds fault with what does not add up (numbers, sums, ids,
account numbers, characters); what it says of it is what it was told to say, mistakes included. Nothing is sent:
a person downloads and uploads, as with a bank that has no channel.
Source: ISO 20022 pain.001.001.09, pain.002.001.10, camt.054.001.08; EPC132-08; protocols.md 5.6; interface.md 10.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.parties import filebank_said
from comptoir.sandbox.parties.filebank_shapes import (
    Filed,
    Ordered,
    StatementWanted,
    StatusWanted,
)
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

NAMESPACE = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
FILES_MAX = 1000
LATIN = re.compile(r"[A-Za-z0-9/?:().,'+ -]*")
ID_CHARACTERS_MAX = 35
NAME_CHARACTERS_MAX = 70
MODULUS = 97
CENTS = 100
DAY_CHARACTERS = 10


@dataclass(slots=True)
class FileBank:
    """All files that were taken."""

    stage: Stage
    _files: dict[str, Filed] = field(default_factory=dict[str, Filed])
    _said: int = 0

    def routes(self) -> list[Route]:
        """What a treasurer, or a test in their place, does by hand."""
        return [
            Route("POST", "/control/filebank/submit", self._submit),
            Route("POST", "/control/filebank/status", self._status),
            Route("POST", "/control/filebank/statement", self._statement),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        self._files.clear()

    async def _submit(self, call: Call) -> Outcome:
        read = read_file(call.request.body, frozenset(self._files))
        if len(self._files) >= FILES_MAX:
            raise Refused(409, "CONFLICT", "a thousand files are kept: reset")
        self._files.setdefault(read.message_id, read)
        return json_reply(
            200,
            {
                "messageId": read.message_id,
                "account": read.account,
                "sumCents": read.cents,
                "faults": list(read.faults),
                "transfers": [
                    {
                        "reference": one.reference,
                        "instruction": one.instruction,
                        "cents": one.cents,
                        "currency": one.currency,
                        "name": one.name,
                        "iban": one.iban,
                    }
                    for one in read.transfers
                ],
            },
        )

    async def _status(self, call: Call) -> Outcome:
        wanted = decode(call.request.body, StatusWanted)
        filed, report, at = self._about(wanted.message_id, wanted.id)
        return _xml(filebank_said.status(filed, wanted, report, at))

    async def _statement(self, call: Call) -> Outcome:
        wanted = decode(call.request.body, StatementWanted)
        filed, report, at = self._about(wanted.message_id, wanted.id)
        return _xml(filebank_said.statement(filed, wanted, report, at))

    def _about(self, message_id: str, report: str) -> tuple[Filed, str, str]:
        filed = self._files.get(message_id)
        if filed is None:
            raise Refused(404, "NOT_FOUND", "no such file was submitted")
        self._said += 1
        at = rfc3339(self.stage.clock.now_ms())
        return filed, report or f"BANK-{self._said:06d}-{at[:DAY_CHARACTERS]}", at


def _xml(text: str) -> Reply:
    return Reply(200, text.encode(), content_type="application/xml")


def read_file(body: bytes, before: frozenset[str]) -> Filed:
    """A file as a bank reads it, with what it finds wrong.

    Raises:
        Refused: it is no pain.001.001.09 at all.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException):
        raise Refused(422, "REQUEST_INVALID", "no XML that a bank would read") from None
    whole = root.find(f"{NAMESPACE}CstmrCdtTrfInitn")
    if whole is None:
        raise Refused(422, "REQUEST_INVALID", "no pain.001.001.09")
    payments = whole.findall(f"{NAMESPACE}PmtInf")
    header = whole.find(f"{NAMESPACE}GrpHdr")
    transfers = tuple(_ordered(one) for one in whole.iter(f"{NAMESPACE}CdtTrfTxInf"))
    message_id = _text(header, "MsgId")
    payment = payments[0] if payments else None
    faults = [
        *_sums(header, transfers, "file"),
        *(fault for one in payments for fault in _of_payment(one)),
        *_faults(transfers),
        *(["AM05: a file of this MsgId was taken before"] * (message_id in before)),
    ]
    account = _text(payment, "DbtrAcct/Id/IBAN")
    if not _holds(account):
        faults.append("AC01: the debtor's account number")
    return Filed(message_id, _text(payment, "PmtInfId"), account, transfers, tuple(faults))


def _of_payment(payment: Any) -> list[str]:
    """What is wrong with one PmtInf by itself."""
    inside = tuple(_ordered(one) for one in payment.iter(f"{NAMESPACE}CdtTrfTxInf"))
    wanted = {"PmtMtd": "TRF", "PmtTpInf/SvcLvl/Cd": "SEPA", "ChrgBr": "SLEV"}
    return [
        *_sums(payment, inside, "payment"),
        *(f"FF01: {path}" for path, value in wanted.items() if _text(payment, path) != value),
    ]


def _sums(node: Any, transfers: tuple[Ordered, ...], where: str) -> list[str]:
    total = sum(one.cents for one in transfers)
    faults: list[str] = []
    if _text(node, "NbOfTxs") != str(len(transfers)):
        faults.append(f"AM19: NbOfTxs of the {where}")
    if _cents(_text(node, "CtrlSum")) != total:
        faults.append(f"AM10: CtrlSum of the {where}")
    return faults


def _faults(transfers: tuple[Ordered, ...]) -> list[str]:
    faults: list[str] = []
    if len({one.reference for one in transfers}) != len(transfers):
        faults.append("AM05: an EndToEndId twice")
    for place, one in enumerate(transfers):
        texts = (one.reference, one.instruction, one.name)
        if not all(LATIN.fullmatch(text) for text in texts):
            faults.append(f"FF01: characters of transfer {place}")
        if not 0 < len(one.reference) <= ID_CHARACTERS_MAX or len(one.name) > NAME_CHARACTERS_MAX:
            faults.append(f"FF01: lengths of transfer {place}")
        if not _holds(one.iban):
            faults.append(f"AC01: account number of transfer {place}")
        if one.cents <= 0 or one.currency != "EUR":
            faults.append(f"AM01: amount of transfer {place}")
    return faults


def _ordered(node: Any) -> Ordered:
    amount = node.find(f"{NAMESPACE}Amt/{NAMESPACE}InstdAmt")
    return Ordered(
        _text(node, "PmtId/EndToEndId"),
        _text(node, "PmtId/InstrId"),
        0 if amount is None else _cents(amount.text or ""),
        "" if amount is None else amount.get("Ccy", ""),
        _text(node, "Cdtr/Nm"),
        _text(node, "CdtrAcct/Id/IBAN"),
    )


def _text(node: Any, path: str) -> str:
    found = (
        None if node is None else node.find("/".join(NAMESPACE + name for name in path.split("/")))
    )
    return "" if found is None else (found.text or "")


def _cents(text: str) -> int:
    """Whole cents; -1: it is no such amount."""
    try:
        cents = Decimal(text) * CENTS
    except InvalidOperation:
        return -1
    return int(cents) if cents == int(cents) else -1


def _holds(iban: str) -> bool:
    """ISO 7064, MOD 97-10."""
    if not iban.isalnum() or not iban.isascii():
        return False
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % MODULUS == 1

"""What a bank says of a batch, in our words: pain.002 (taken, or rejected) and camt.054 (booked, or returned).

The rule: a status has one word, by the table of words.py, which docs/payouts.md shows; one that is not in it, and
an entry that is about nothing of ours, is counted and means nothing. Whose account a file is about is read, so
that one of another is refused as a whole.
Source: ISO 20022 pain.002.001.03 and .10, camt.054.001.02, .04 and .08, External Code Sets
(ExternalPaymentTransactionStatus1Code, ExternalStatusReason1Code, ExternalReturnReason1Code); EPC132-08;
protocols.md 5.6.
"""

import re
from typing import Final, NamedTuple

from comptoir.actors.sepa.tree import BadXml, Node, read_tree
from comptoir.actors.sepa.words import STATUSES, Finding
from comptoir.actors.withdrawal.messages import COMPLETED, RETURNED

__all__ = ["BadXml", "Report", "read_report"]

_SCHEMA: Final = re.compile(
    r"urn:iso:std:iso:20022:tech:xsd:(pain\.002\.001\.(?:03|10)|camt\.054\.001\.(?:02|04|08))"
).fullmatch
_AMOUNT: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2})0{0,3})?").fullmatch
_CURRENCY: Final = re.compile(r"[A-Z]{3}").fullmatch
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,4}").fullmatch
_ID: Final = re.compile(r"[\x20-\x7e]{1,35}").fullmatch
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").match
_SUBFAMILY: Final = "BkTxCd/Domn/Fmly/SubFmlyCd"
_RETURN: Final = "RRTN"
"""The sub-family of a returned credit transfer, in the codes of bank transactions."""


class Report(NamedTuple):
    """A file, read."""

    kind: str
    """Such as `pain.002.001.10`."""
    message_id: str
    accounts: frozenset[str]
    """IBANs that it is about; a status report may name none."""
    findings: list[Finding]
    ignored: int
    """Statuses without a word, entries that are not booked, and incoming payments."""


class _Reading:
    """What was found so far."""

    def __init__(self) -> None:
        self.message_id = ""
        self.accounts: set[str] = set()
        self.findings: list[Finding] = []
        self.ignored = 0
        self.batch = ""
        self.details: list[Node] = []

    def header(self, node: Node, _path: list[Node]) -> None:
        """GrpHdr of either."""
        self.message_id = _id(node.told("MsgId"), "MsgId")

    def group(self, node: Node, _path: list[Node]) -> None:
        """OrgnlGrpInfAndSts: of the whole file."""
        self.batch = _id(node.told("OrgnlMsgId"), "OrgnlMsgId")
        self._of_batch(self.batch, node.told("GrpSts"), _reason(node))

    def status(self, node: Node, path: list[Node]) -> None:
        """TxInfAndSts: of one transfer."""
        account = node.told("OrgnlTxRef/DbtrAcct/Id/IBAN")
        self.accounts |= {account} - {""}
        word = STATUSES.get(node.told("TxSts"))
        if word is None:
            self.ignored += 1
            return
        around = path[-1].told("OrgnlPmtInfId") or self.batch
        reference = _id(node.told("OrgnlEndToEndId"), "OrgnlEndToEndId")
        amount = _amount(node.first("OrgnlTxRef/Amt/InstdAmt"))
        self.findings.append(Finding(word, reference, around, *amount, _reason(node)))

    def payment(self, node: Node, _path: list[Node]) -> None:
        """OrgnlPmtInfAndSts: of the part of a file; ours have one."""
        name = _id(node.told("OrgnlPmtInfId"), "OrgnlPmtInfId")
        self._of_batch(name, node.told("PmtInfSts"), _reason(node))

    def _of_batch(self, name: str, status: str, reason: str) -> None:
        word = STATUSES.get(status)
        if word is not None:
            self.findings.append(Finding(word, batch=name, reason=reason))
        elif status not in ("", "PART"):  # those say: look below
            self.ignored += 1

    def account(self, node: Node, path: list[Node]) -> None:
        """Acct of a notification."""
        if path[-1].tag == "Ntfctn":
            self.accounts.add(node.told("Id/IBAN", "Id/Othr/Id"))

    def detail(self, node: Node, _path: list[Node]) -> None:
        """TxDtls: kept until its entry is over, without what nobody reads."""
        kept = {"Refs", "Amt", "AmtDtls", "CdtDbtInd", "RtrInf", "BkTxCd"}
        node.children = [one for one in node.children if one.tag in kept]
        self.details.append(node)

    def entry(self, node: Node, _path: list[Node]) -> None:
        """Ntry: one booking, of one transfer or of many."""
        details, self.details = self.details, []
        if node.told("Sts/Cd", "Sts") != "BOOK":
            self.ignored += 1
            return
        day = node.told("BookgDt/Dt", "BookgDt/DtTm")
        if not _DATE(day):
            raise BadXml("a booked entry without its day")
        if not details:
            self._bulk(node, day[:10])
        for one in details:
            self._booked(node, one, day[:10], alone=len(details) == 1)

    def _bulk(self, node: Node, day: str) -> None:
        """One booking of a whole batch, whose transfers are not named."""
        name = node.told("NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId")
        if node.told("CdtDbtInd") != "DBIT" or node.told("RvslInd") == "true":
            self.ignored += 1
            return
        amount = _amount(node.first("Amt"))
        name = _id(name, "PmtInfId") if name else ""
        self.findings.append(Finding(COMPLETED, "", name, *amount, booked_on=day, direction="DBIT"))

    def _booked(self, entry: Node, detail: Node, day: str, *, alone: bool) -> None:
        direction = detail.told("CdtDbtInd") or entry.told("CdtDbtInd")
        codes = (detail.told(_SUBFAMILY), entry.told(_SUBFAMILY))
        reason = _code(detail.told("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"))
        back = detail.first("RtrInf") is not None or _RETURN in codes
        back = back or entry.told("RvslInd") == "true"
        if (direction == "CRDT") != back or direction not in ("CRDT", "DBIT"):
            self.ignored += 1  # somebody else's money that came, or went back to them
            return
        own = detail.first("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
        amount = _amount(own or (entry.first("Amt") if alone else None))
        given = detail.told("Refs/EndToEndId")
        reference = _id(given, "EndToEndId") if given else "NOTPROVIDED"
        word = RETURNED if back else COMPLETED
        batch = detail.told("Refs/PmtInfId")
        batch = _id(batch, "PmtInfId") if batch else ""
        self.findings.append(Finding(word, reference, batch, *amount, reason, day, direction))


def _id(text: str, name: str) -> str:
    if not _ID(text):
        raise BadXml(f"{name} is missing, or is no text of up to 35 characters")
    return text


def _code(text: str) -> str:
    return text if _CODE(text) else ""


def _reason(node: Node) -> str:
    return _code(node.told("StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry"))


def _amount(node: Node | None) -> tuple[int | None, str]:
    """Cents and currency, where they are told."""
    if node is None:
        return None, ""
    found, currency = _AMOUNT(node.text.strip()), node.attributes.get("Ccy", "")
    if found is None or not _CURRENCY(currency):
        raise BadXml("an amount that is not of whole cents, or without its currency")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")), currency


def read_report(body: bytes) -> Report:
    """Read a file of either kind.

    Raises:
        BadXml: it is none, or misses what each has.
    """
    reading = _Reading()
    namespace = read_tree(
        body,
        {
            "GrpHdr": reading.header, "OrgnlGrpInfAndSts": reading.group, "TxInfAndSts": reading.status,
            "OrgnlPmtInfAndSts": reading.payment, "Acct": reading.account, "TxDtls": reading.detail,
            "Ntry": reading.entry,
        },
    )  # fmt: skip
    found = _SCHEMA(namespace)
    if found is None:
        raise BadXml("neither pain.002.001.03 or .10 nor camt.054.001.02, .04 or .08")
    if not reading.message_id:
        raise BadXml("it has no GrpHdr")
    accounts = frozenset(reading.accounts)
    return Report(found[1], reading.message_id, accounts, reading.findings, reading.ignored)

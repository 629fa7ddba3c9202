"""What the bank that takes files says: pain.002.001.10 and camt.054.001.08.

Rule: as the published schemas have it, of what is needed; every value of a file is one that was read from it.
Source: ISO 20022 pain.002.001.10, camt.054.001.08; EPC132-08.
"""

from xml.sax.saxutils import escape

from comptoir.sandbox.parties.filebank_shapes import (
    Filed,
    Ordered,
    StatementWanted,
    StatusWanted,
)

XSD = "urn:iso:std:iso:20022:tech:xsd:"
DAY = 10
CENTS = 100


def _amount(cents: int) -> str:
    return f"{cents // CENTS}.{cents % CENTS:02d}"


def _reason(code: str) -> str:
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""


def status(filed: Filed, wanted: StatusWanted, report: str, at: str) -> str:
    """A status report, at the level that was wanted."""
    group = payment = rows = ""
    if wanted.reject or wanted.level == "transaction":
        group = "<GrpSts>PART</GrpSts>"
        payment = "<PmtInfSts>PART</PmtInfSts>"
        account = wanted.account or filed.account
        said = {
            one.reference: (wanted.status, wanted.reason)
            for one in filed.transfers
            if wanted.level == "transaction"
            and (wanted.references is None or one.reference in wanted.references)
        }
        said |= {reference: ("RJCT", code) for reference, code in wanted.reject.items()}
        rows = "".join(
            _transaction(one, said[one.reference], account)
            for one in filed.transfers
            if one.reference in said
        )
    elif wanted.level == "payment":
        payment = f"<PmtInfSts>{wanted.status}</PmtInfSts>{_reason(wanted.reason)}"
    else:
        group = f"<GrpSts>{wanted.status}</GrpSts>{_reason(wanted.reason)}"
    below = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{escape(filed.payment_id)}</OrgnlPmtInfId>{payment}{rows}"
    below = f"{below}</OrgnlPmtInfAndSts>" if payment else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{XSD}pain.002.001.10"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>{escape(report)}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(filed.message_id)}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>{below}"
        "</CstmrPmtStsRpt></Document>\n"
    )


def _transaction(one: Ordered, said: tuple[str, str], account: str) -> str:
    word, reason = said
    return (
        f"<TxInfAndSts><OrgnlInstrId>{escape(one.instruction)}</OrgnlInstrId>"
        f"<OrgnlEndToEndId>{escape(one.reference)}</OrgnlEndToEndId><TxSts>{word}</TxSts>{_reason(reason)}"
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="{one.currency}">{_amount(one.cents)}</InstdAmt></Amt>'
        f"<DbtrAcct><Id><IBAN>{escape(account)}</IBAN></Id></DbtrAcct></OrgnlTxRef></TxInfAndSts>"
    )


def statement(filed: Filed, wanted: StatementWanted, report: str, at: str) -> str:
    """A notification of bookings."""
    chosen = [
        one
        for one in filed.transfers
        if (one.reference in wanted.returns if wanted.returns else True)
        and (wanted.references is None or one.reference in wanted.references)
    ]
    booked = [(one, wanted.amounts.get(one.reference, one.cents)) for one in chosen]
    if wanted.returns or wanted.booking == "single":
        entries = "".join(_entry(filed, wanted, [one], at) for one in booked)
    else:
        entries = _entry(filed, wanted, booked, at)
    account = escape(wanted.account or filed.account)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{XSD}camt.054.001.08">'
        f"<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>{escape(report)}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>"
        f"<Ntfctn><Id>{escape(report)}</Id><CreDtTm>{at}</CreDtTm><Acct><Id><IBAN>{account}</IBAN></Id></Acct>"
        f"{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>\n"
    )


def _entry(
    filed: Filed, wanted: StatementWanted, booked: list[tuple[Ordered, int]], at: str
) -> str:
    back = bool(wanted.returns)
    direction, family = ("CRDT", "RRTN") if back else ("DBIT", "ESCT")
    total = _amount(sum(cents for _, cents in booked))
    batch = (
        f"<Btch><PmtInfId>{escape(filed.payment_id)}</PmtInfId><NbOfTxs>{len(booked)}</NbOfTxs></Btch>"
        if wanted.booking == "batch" or len(booked) > 1
        else ""
    )
    details = ""
    if wanted.booking != "batch" or back:
        details = "".join(
            _detail(filed, one, cents, wanted.returns.get(one.reference, ""), direction)
            for one, cents in booked
        )
    code = f"<Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{family}</SubFmlyCd></Fmly></Domn>"
    return (
        f'<Ntry><Amt Ccy="EUR">{total}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{at[:DAY]}</Dt></BookgDt><BkTxCd>{code}</BkTxCd>"
        f"<NtryDtls>{batch}{details}</NtryDtls></Ntry>"
    )


def _detail(filed: Filed, one: Ordered, cents: int, reason: str, direction: str) -> str:
    back = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    return (
        f"<TxDtls><Refs><PmtInfId>{escape(filed.payment_id)}</PmtInfId>"
        f"<EndToEndId>{escape(one.reference)}</EndToEndId></Refs>"
        f'<Amt Ccy="{one.currency}">{_amount(cents)}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{back}</TxDtls>'
    )

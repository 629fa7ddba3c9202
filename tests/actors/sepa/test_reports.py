"""What a bank says, read: every status, every level, and what is no report.

Source: ISO 20022 pain.002.001.10 and camt.054; spec.md X26, X27; docs/payouts.md.
"""

from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.sepa.reports import BadXml, read_report
from comptoir.actors.sepa.words import STATUSES, Finding

XSD = "urn:iso:std:iso:20022:tech:xsd:"
BATCH = "PB-202511241300-001"
REFERENCE = "REWAPP-WD-2025-11-24-001"
IBAN = "FR1420041010050500013M02606"
DOCS = Path(__file__).resolve().parents[3] / "docs" / "payouts.md"


def status(group: str = "", below: str = "", version: str = "10") -> bytes:
    """A pain.002."""
    return (
        f'<Document xmlns="{XSD}pain.002.001.{version}"><CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId></GrpHdr>'
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{BATCH}</OrgnlMsgId>{group}</OrgnlGrpInfAndSts>{below}"
        "</CstmrPmtStsRpt></Document>"
    ).encode()


def payment(inside: str) -> str:
    """Its part."""
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{BATCH}</OrgnlPmtInfId>{inside}</OrgnlPmtInfAndSts>"


def one(word: str, code: str = "", amount: str = "9.50") -> str:
    """One transfer."""
    reason = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{REFERENCE}</OrgnlEndToEndId><TxSts>{word}</TxSts>{reason}"
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt>'
        f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id></DbtrAcct></OrgnlTxRef></TxInfAndSts>"
    )


def booked(entries: str, version: str = "08") -> bytes:
    """A camt.054."""
    return (
        f'<Document xmlns="{XSD}camt.054.001.{version}"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>C1</MsgId>'
        f"</GrpHdr><Ntfctn><Id>n</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{entries}</Ntfctn>"
        "</BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def entry(
    details: str, direction: str = "DBIT", state: str = "<Cd>BOOK</Cd>", more: str = ""
) -> str:
    """One booking."""
    return (
        f'<Ntry><Amt Ccy="EUR">9.50</Amt><CdtDbtInd>{direction}</CdtDbtInd>{more}<Sts>{state}</Sts>'
        f"<BookgDt><Dt>2025-11-25</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(more: str = "") -> str:
    """One transfer of it."""
    return f"<TxDtls><Refs><PmtInfId>{BATCH}</PmtInfId><EndToEndId>{REFERENCE}</EndToEndId></Refs>{more}</TxDtls>"


@pytest.mark.parametrize("code", STATUSES)
def test_every_status_has_its_word_at_every_level(code: str) -> None:
    """X26: of the file, of its part, of one transfer; and the page says the same."""
    word = STATUSES[code]
    whole = Finding(word, batch=BATCH)
    assert read_report(status(f"<GrpSts>{code}</GrpSts>")).findings == [whole]
    part = payment(f"<PmtInfSts>{code}</PmtInfSts>")
    assert read_report(status("", part)).findings == [whole]
    found = read_report(status("<GrpSts>PART</GrpSts>", payment(one(code, "AC04"))))
    assert found.findings == [Finding(word, REFERENCE, BATCH, 950, "EUR", "AC04")]
    assert found.accounts == {IBAN}
    assert f"| {code} | {word} |" in DOCS.read_text()


def test_what_says_nothing_is_counted() -> None:
    """X26: a status that nobody knows, an entry that is not booked, money that comes in."""
    assert read_report(status("<GrpSts>XXXX</GrpSts>")).ignored == 1
    assert read_report(status("", payment(one("XXXX")))).ignored == 1
    for unbooked in ("<Cd>PDNG</Cd>", "INFO"):
        found = read_report(booked(entry(detail(), state=unbooked)))
        assert (found.findings, found.ignored) == ([], 1)
    found = read_report(booked(entry(detail(), "CRDT")))
    assert (found.findings, found.ignored) == ([], 1)


@pytest.mark.parametrize("version", ["02", "04", "08"])
def test_bookings_of_every_version(version: str) -> None:
    """X27: a debit completes; a credit that is a return brings it back, however that is told."""
    state = "BOOK" if version == "02" else "<Cd>BOOK</Cd>"
    debit = read_report(booked(entry(detail(), state=state), version))
    assert debit.findings == [
        Finding("completed", REFERENCE, BATCH, 950, "EUR", "", "2025-11-25", "DBIT")
    ]
    assert debit.kind == f"camt.054.001.{version}"
    back = "<RtrInf><Rsn><Cd>AC06</Cd></Rsn></RtrInf>"
    family = "<BkTxCd><Domn><Fmly><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"
    for more, code in ((back, "AC06"), (family, "")):
        credit = read_report(booked(entry(detail(more), "CRDT", state), version))
        assert credit.findings == [
            Finding("returned", REFERENCE, BATCH, 950, "EUR", code, "2025-11-25", "CRDT")
        ]
    reversal = entry(detail(), "CRDT", state, "<RvslInd>true</RvslInd>")
    assert read_report(booked(reversal, version)).findings[0].word == "returned"


def test_details_have_amounts_of_their_own() -> None:
    """X27: of several in one booking each is what it says, and none is the sum."""
    own = detail('<Amt Ccy="EUR">4.00</Amt>') + detail(
        '<AmtDtls><TxAmt><Amt Ccy="EUR">5.5</Amt></TxAmt></AmtDtls>'
    )
    found = read_report(booked(entry(own)))
    assert [one.amount_cents for one in found.findings] == [400, 550]
    none = read_report(booked(entry(detail() + detail())))
    assert [one.amount_cents for one in none.findings] == [None, None]
    bulk = read_report(booked(entry(f"<Btch><PmtInfId>{BATCH}</PmtInfId></Btch>")))
    assert bulk.findings == [Finding("completed", "", BATCH, 950, "EUR", "", "2025-11-25", "DBIT")]


BOMB = (
    b'<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><Document>&c;</Document>'
)
WRONG = {
    "nothing": b"",
    "no XML": b"hello",
    "half": status()[:-20],
    "billion laughs": BOMB,
    "a file of ours": b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>',
    "a DTD elsewhere": b'<!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd"><Document/>',
    "another kind": status().replace(b"pain.002.001.10", b"pain.001.001.09"),
    "two namespaces": status("<x:a xmlns:x='urn:x'/>"),
    "deep": b"<a>" * 100_000,
    "wide": status("<GrpSts/>" * 60_000),
    "long": status(f"<AddtlInf>{'x' * 5000}</AddtlInf>"),
    "no header": b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"/>',
    "half a cent": status("", payment(one("RJCT", amount="9.505"))),
    "an amount of words": status("", payment(one("RJCT", amount="nine"))),
    "no id": status().replace(b"<MsgId>S1</MsgId>", b"<MsgId/>"),
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><Document/>',
    "UTF-16 half": "<Document/>".encode("utf-16")[:-3],
    "booked on no day": booked(entry(detail())).replace(b"2025-11-25", b"yesterday"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_report_is_refused(name: str) -> None:
    """X27, invariant 5: no entity, no network, no bomb; and the text repeats nothing of it."""
    began = perf_counter()
    with pytest.raises(BadXml) as refused:
        read_report(WRONG[name])
    assert perf_counter() - began < 5
    assert "passwd" not in str(refused.value)
    assert "lol" not in str(refused.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Invariant 5: never anything else."""
    with pytest.raises(BadXml):
        read_report(body)


def test_ten_thousand_rejections_are_read() -> None:
    """Issue 7: as many as a file has; entries are forgotten as they are read."""
    found = read_report(status("<GrpSts>PART</GrpSts>", payment(one("RJCT", "AC04") * 10_000)))
    assert len(found.findings) == 10_000

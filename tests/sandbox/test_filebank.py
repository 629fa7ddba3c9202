"""The bank that takes files: it reads by itself, and says what it is told to say.

Source: interface.md 10; ISO 20022 pain.001.001.09; docs/sandbox.md.
"""

from typing import Any

import pytest

IBAN = "FR1420041010050500013M02606"
XSD = "urn:iso:std:iso:20022:tech:xsd:"
ROW = (
    "<CdtTrfTxInf><PmtId><InstrId>{id}</InstrId><EndToEndId>R-{id}</EndToEndId></PmtId>"
    '<Amt><InstdAmt Ccy="EUR">9.50</InstdAmt></Amt><Cdtr><Nm>Ada</Nm></Cdtr>'
    f"<CdtrAcct><Id><IBAN>{IBAN}</IBAN></Id></CdtrAcct></CdtTrfTxInf>"
)
SUMS = "<NbOfTxs>2</NbOfTxs><CtrlSum>19.00</CtrlSum>"
FILE = (
    f'<Document xmlns="{XSD}pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>PB-1</MsgId>{SUMS}</GrpHdr>'
    f"<PmtInf><PmtInfId>PB-1</PmtInfId><PmtMtd>TRF</PmtMtd>{SUMS}"
    "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>"
    f"<DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id></DbtrAcct><ChrgBr>SLEV</ChrgBr>"
    f"{ROW.format(id=1)}{ROW.format(id=2)}</PmtInf></CstmrCdtTrfInitn></Document>"
)


async def submitted(driver: Any, text: str = FILE) -> Any:
    """What it reads."""
    answer = await driver.client.post("/control/filebank/submit", content=text.encode())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def said(driver: Any, kind: str, **wanted: Any) -> str:
    """What it says."""
    body = {"messageId": "PB-1", **wanted}
    answer = await driver.client.post(f"/control/filebank/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


async def test_a_right_file_has_no_faults(driver: Any) -> None:
    """X27: numbers, sums, account and rows as they are; a second time it is the same file."""
    read = await submitted(driver)
    assert (read["faults"], read["sumCents"], read["account"]) == ([], 1900, IBAN)
    assert [one["reference"] for one in read["transfers"]] == ["R-1", "R-2"]
    again = await submitted(driver)
    assert again["faults"] == ["AM05: a file of this MsgId was taken before"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<GrpHdr><MsgId>PB-1</MsgId><NbOfTxs>2", "<GrpHdr><MsgId>PB-1</MsgId><NbOfTxs>3", "AM19: NbOfTxs of the file"),
        ("<CtrlSum>19.00</CtrlSum></GrpHdr>", "<CtrlSum>19.01</CtrlSum></GrpHdr>", "AM10: CtrlSum of the file"),
        ("<CtrlSum>19.00</CtrlSum><PmtTpInf>", "<CtrlSum>x</CtrlSum><PmtTpInf>", "AM10: CtrlSum of the payment"),
        ("<EndToEndId>R-2<", "<EndToEndId>R-1<", "AM05: an EndToEndId twice"),
        ("<Nm>Ada</Nm>", "<Nm>Ad\u00e4</Nm>", "FF01: characters of transfer 0"),
        (f"<CdtrAcct><Id><IBAN>{IBAN}", f"<CdtrAcct><Id><IBAN>{IBAN[:-1]}7", "AC01: account number of transfer 0"),
        ('Ccy="EUR">9.50', 'Ccy="CHF">9.50', "AM01: amount of transfer 0"),
        ("<ChrgBr>SLEV", "<ChrgBr>DEBT", "FF01: ChrgBr"),
    ],
)  # fmt: skip
async def test_a_bank_finds_what_is_wrong(driver: Any, old: str, new: str, fault: str) -> None:
    """X27: each fault has the code that a bank would give it."""
    assert old in FILE
    assert fault in (await submitted(driver, FILE.replace(old, new, 1)))["faults"]


async def test_it_says_what_it_is_told(driver: Any) -> None:
    """X26: a status at each level, bookings and returns; mistakes included."""
    await submitted(driver)
    assert "<GrpSts>RJCT</GrpSts>" in await said(driver, "status", status="RJCT", reason="AM10")
    assert "<PmtInfSts>ACCP</PmtInfSts>" in await said(driver, "status", level="payment")
    part = await said(driver, "status", reject={"R-2": "AC04"})
    assert part.count("<TxInfAndSts>") == 1
    assert "<Cd>AC04</Cd>" in part
    booked = await said(driver, "statement")
    assert (booked.count("<Ntry>"), booked.count("<TxDtls>")) == (1, 2)
    assert ">19.00</Amt>" in booked
    assert "<TxDtls>" not in await said(driver, "statement", booking="batch")
    back = await said(driver, "statement", returns={"R-1": "AC06"}, amounts={"R-1": 1})
    assert (back.count("<Ntry>"), back.count("CRDT")) == (1, 2)
    assert ">0.01</Amt>" in back


async def test_what_it_cannot_read_is_refused(driver: Any) -> None:
    """Interface.md 10: nothing is kept; and it says nothing of what it does not have."""
    for text in (
        "",
        "<a/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        FILE.replace("001.09", "001.03"),
    ):
        answer = await driver.client.post("/control/filebank/submit", content=text.encode())
        assert answer.status_code == 422
    answer = await driver.client.post("/control/filebank/status", json={"messageId": "PB-1"})
    assert answer.status_code == 404
    await submitted(driver)
    await driver.client.post("/control/reset")
    answer = await driver.client.post("/control/filebank/status", json={"messageId": "PB-1"})
    assert answer.status_code == 404

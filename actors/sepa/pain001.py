"""The order to pay a batch: pain.001.001.09, a SEPA credit transfer for each of its rows.

The rule: the bytes are a function of the order alone, so the same batch has the same file for ever, and its
SHA-256 names it. `FORMAT` names the function: whoever changes a byte of what it writes raises it. The text is
put together from escaped values rather than by a tree: 10,000 transfers take a twentieth of the time, and what
it has to be is judged by the published schema in tests, not by whatever a library makes of it.
Source: ISO 20022 pain.001.001.09; EPC132-08 (SCT customer-to-PSP guidelines 2023: SvcLvl SEPA, ChrgBr SLEV,
names of 70 characters, NOTPROVIDED for a bank without BIC); protocols.md 5.6; spec.md S56, X27.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.sepa.latin import NOTPROVIDED, latin

__all__ = ["FORMAT", "Debtor", "FileOrder", "Transfer", "digest_of", "written"]

FORMAT: Final = 1
"""Which bytes are written for an order."""
NAME_MAX: Final = 70
"""Of EPC132-08; the schema would take 140."""
NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
TRANSFERS_PER_PIECE: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Debtor(msgspec.Struct, frozen=True):
    """Who pays, from which account."""

    name: str = ""
    iban: str = ""
    """Electronic format."""
    bic: str = ""
    """Empty: the bank knows who it is."""


class Transfer(msgspec.Struct, frozen=True):
    """One row."""

    instruction: str
    """InstrId: ours, and never shown to whoever is paid."""
    reference: str
    """EndToEndId, and what the beneficiary reads."""
    amount_cents: int
    currency: str
    name: str
    iban: str


class FileOrder(msgspec.Struct, frozen=True):
    """What is written."""

    message_id: str
    """MsgId and PmtInfId: the batch's name."""
    created_at: int
    """Business time, ms."""
    execution_on: str
    """YYYY-MM-DD."""
    debtor: Debtor
    transfers: Sequence[Transfer]

    @property
    def sum_cents(self) -> int:
        """The control sum."""
        return sum(one.amount_cents for one in self.transfers)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _amount(cents: int) -> str:
    units, rest = divmod(cents, 100)
    return f"{units}.{rest:02d}"


def _name(text: str) -> str:
    return _escaped(latin(text, NAME_MAX))


def _head(order: FileOrder) -> str:
    created = (_EPOCH + timedelta(milliseconds=order.created_at)).strftime("%Y-%m-%dT%H:%M:%SZ")
    debtor, count, total = order.debtor, len(order.transfers), _amount(order.sum_cents)
    bank = f"<BICFI>{debtor.bic}</BICFI>" if debtor.bic else f"<Othr><Id>{NOTPROVIDED}</Id></Othr>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>\n'
        f"<GrpHdr><MsgId>{order.message_id}</MsgId><CreDtTm>{created}</CreDtTm><NbOfTxs>{count}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>{_name(debtor.name)}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{order.message_id}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>"
        f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
        f"<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>"
        f"<ReqdExctnDt><Dt>{order.execution_on}</Dt></ReqdExctnDt><Dbtr><Nm>{_name(debtor.name)}</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{debtor.iban}</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId>{bank}</FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>\n"
    )


def _row(one: Transfer) -> str:
    reference = _escaped(one.reference)
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>{one.instruction}</InstrId><EndToEndId>{reference}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{one.currency}">{_amount(one.amount_cents)}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{_name(one.name)}</Nm></Cdtr><CdtrAcct><Id><IBAN>{one.iban}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{reference}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )


def written(order: FileOrder) -> Iterable[bytes]:
    """The file, piece by piece, so that whoever writes it can let others work in between."""
    assert order.transfers, "an order without transfers is none"
    yield _head(order).encode("ascii")
    rows = order.transfers
    for begin in range(0, len(rows), TRANSFERS_PER_PIECE):
        yield "".join(map(_row, rows[begin : begin + TRANSFERS_PER_PIECE])).encode("ascii")
    yield b"</PmtInf></CstmrCdtTrfInitn></Document>\n"


def digest_of(document: bytes) -> str:
    """What names a file: SHA-256, hex."""
    return sha256(document).hexdigest()

"""How long a batch of ten thousand transfers takes: to fill, to close, to sign, and to be told that it was booked.

The actors of a daemon over an in-memory journal, and the edge's own functions before them: what is computed, not
what a disk takes. Also how long the loop was kept from others at most meanwhile.
Run: `python bench/payout_batch.py`.
"""

import time
from collections.abc import Awaitable, Sequence
from typing import Any, cast

import trio

from comptoir.actors.payout_batch.messages import KIND, ROWS, DescribeBatch, row_key
from comptoir.actors.withdrawal.messages import BeginWithdrawal, Order
from comptoir.engine import Address, Message
from comptoir.engine.boot import memory_engine
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings
from comptoir.http import bank_reports, batches
from comptoir.http.answers import Response
from comptoir.http.operation import Call
from comptoir.http.port import BatchRow
from comptoir.http.principal import Principal, Role
from comptoir.http.rules import EdgeRules

TRANSFERS = 10_000
IBAN = "FR1420041010050500013M02606"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
PROGRAMME = Settings().having(
    {
        ("clock", "mode"): "manual",
        ("withdrawals", "payout"): "pain001",
        ("payouts", "debtor_name"): "REWAPP SAS",
        ("payouts", "debtor_iban"): IBAN,
        ("engine", "resident_actors_max"): 2 * TRANSFERS,
    }
)


class Port:
    """What the edge needs of a daemon here."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.rules = EdgeRules.of(PROGRAMME)
        self.seconds: dict[str, tuple[float, float]] = {}
        """By step: what it took, and for how long the loop was kept at most."""
        self.kept = 0.0

    async def ask(self, address: Address, message: Message, timeout_s: float = 60.0) -> Any:
        """As a daemon."""
        return await self.engine.ask(address, message, timeout_s)

    def now_ms(self) -> int:
        """As a daemon."""
        return self.engine.now()

    async def batch_rows(self, name: str, after: str, limit: int) -> Sequence[BatchRow]:
        """As a daemon."""
        mine = row_key(name)
        found = await self.engine.journal.scan(ROWS, mine + after, limit)
        return [
            BatchRow(key.removeprefix(mine), one["withdrawal"], one["cents"], one["currency"], one["in"])
            for key, one in found
            if key.startswith(mine)
        ]  # fmt: skip

    async def timed(self, what: str, work: Awaitable[Any]) -> Any:
        """Its answer, and everything that follows of it."""
        began, self.kept = time.perf_counter(), 0.0
        answer = await work
        assert await self.engine.quiesce(600)
        self.seconds[what] = time.perf_counter() - began, self.kept
        return answer

    async def watch(self) -> None:
        """How late a task is that wants to run each millisecond; until cancelled."""
        while True:
            began = time.perf_counter()
            await trio.sleep(0.001)
            self.kept = max(self.kept, time.perf_counter() - began - 0.001)


def reference(number: int) -> str:
    """As S56 has it."""
    return f"REWAPP-WD-2026-12-01-{number:05d}"


async def begin(port: Port, numbers: Sequence[int]) -> None:
    """These withdraw."""
    for number in numbers:
        order = Order(
            f"u{number}", 950, 1, 950, 0, 950, "EUR", IBAN, "Ada Lovelace", reference(number), 1000
        )  # fmt: skip
        await port.ask(
            Address("withdrawal", f"wd_{number:020x}"), BeginWithdrawal(order, port.now_ms())
        )


async def fill(port: Port) -> None:
    """All of them, as many at once as an edge would have."""
    async with trio.open_nursery() as nursery:
        for first in range(64):
            nursery.start_soon(begin, port, range(first, TRANSFERS, 64))
    await port.engine.advance_clock(2, 600)


def call(who: str, name: str = "", body: bytes = b"") -> Call:
    """A request of somebody's."""
    principal = Principal(who, "bench", frozenset((Role.OPERATIONS,)))
    return Call("bench", {"batchId": name}, {}, "application/xml", body, principal=principal)


def booked(name: str) -> bytes:
    """A camt.054 with every transfer of it."""
    details = "".join(
        f"<TxDtls><Refs><PmtInfId>{name}</PmtInfId><EndToEndId>{reference(number)}</EndToEndId></Refs>"
        f'<Amt Ccy="EUR">9.50</Amt></TxDtls>'
        for number in range(TRANSFERS)
    )
    return (
        f'<Document xmlns="{NAMESPACE}"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>B1</MsgId></GrpHdr><Ntfctn>'
        f'<Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct><Ntry><Amt Ccy="EUR">95000.00</Amt>'
        "<CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-02</Dt></BookgDt>"
        f"<NtryDtls>{details}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


async def main() -> None:
    """Print what each step took."""
    async with memory_engine(PROGRAMME) as engine, trio.open_nursery() as nursery:
        port = Port(engine)
        nursery.start_soon(port.watch)
        await port.timed("fill", fill(port))
        name = port.rules.batches.cutoffs.after(port.now_ms())
        batch = f"PB-{time.strftime('%Y%m%d%H%M', time.gmtime(name / 1000))}-001"
        edge = cast("Any", port)
        await port.timed("close", batches.close(edge, call("max", batch)))
        signed: Response = await port.timed("sign", batches.approve(edge, call("eva", batch)))
        assert signed.status == 200, signed
        file: Response = await port.timed("download", batches.download(edge, call("eva", batch)))
        report = booked(batch)
        told: Response = await port.timed(
            "report", bank_reports.take(edge, call("eva", body=report))
        )
        assert told.status == 200, told
        found = (await port.ask(Address(KIND, batch), DescribeBatch())).reply
        print(f"{TRANSFERS} transfers, {found.sum_cents} cents, {len(file.body) / 2**20:.1f} MiB")
        print(f"report of {len(report) / 2**20:.1f} MiB")
        for what, (seconds, kept) in port.seconds.items():
            print(f"{what:>9} {seconds:6.2f} s, the loop kept for {kept * 1000:4.0f} ms at most")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)

"""The journal alone on a PostgreSQL of its own, and one wallet with 10 lots beside one with 10,000.

What is printed: decisions a second for growing numbers of actors, the two wallets' credits a second, which must
be the same (a credit looks at no lot but its own), and what a debit takes of each.
"""

import os
import tempfile

import trio

from bench.debit import measure_debits
from bench.journal import measure
from bench.results import write
from comptoir.storage.embedded import EmbeddedPostgres

__all__ = ["main"]


async def _measured(folder: str) -> None:
    server = EmbeddedPostgres(folder)
    try:
        running = await server.start()
        figures = await measure(running.url)
        debits = await measure_debits(await server.create_database("debits"))
    finally:
        with trio.CancelScope(shield=True):
            await server.destroy()
    for row in figures["journal"]:
        print("  journal: " + ", ".join(f"{name} {value}" for name, value in row.items()))
    few = figures["one_wallet_10_lots_credits_per_second"]
    many = figures["one_wallet_10000_lots_credits_per_second"]
    print(
        f"one wallet, one credit at a time: {few:,} /s with 10 lots, {many:,} /s with 10,000 "
        f"(ratio {many / few:.2f}, aim 1)"
    )
    print(
        f"one debit: {debits['10']} ms with 10 lots, {debits['10000']} ms with 10,000; of all 10,000 at once "
        f"{debits['all']} ms"
    )
    write("lots", {"10": few, "10000": many, "journal": figures["journal"], "debit_ms": debits})


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="ctb-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101  # the database's account must pass
        trio.run(_measured, folder)


if __name__ == "__main__":
    main()

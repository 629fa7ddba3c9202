"""A batch of payouts in the demo: closed by one, signed by another, read by the bank, booked.

Rule: as in a house that pays so: the file is carried by a person, and what the bank says is brought back.
Source: spec.md X25 to X27, E14; docs/payouts.md.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from comptoir.engine.cli.demo_people import Asker
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError

__all__ = ["pay_by_file"]

BATCHES: Final = "/api/v1/payouts/batches"
XML: Final = "application/xml"


async def pay_by_file(
    maker: Asker, treasurer: Asker, bank: Asker, quiet: Callable[[], Awaitable[None]]
) -> str:
    """Pay the batch that is open, to the end; its name.

    Args:
        maker: closes it.
        treasurer: somebody else; signs it, and carries the files.
        bank: the sandbox's.
        quiet: waits until nothing is due.

    Raises:
        CommandError: the bank finds something wrong with the file, or somebody refuses.
    """
    opened = [
        one["batchId"] for one in (await treasurer.get(BATCHES))["items"] if one["status"] == "open"
    ]
    name = str(opened[0])
    await maker.post(f"{BATCHES}/{name}/close")
    await quiet()
    await treasurer.post(f"{BATCHES}/{name}/approve")
    await quiet()
    file = await treasurer.ask("GET", f"{BATCHES}/{name}/pain001")
    read = (await bank.send("/control/filebank/submit", file.content, XML)).json()
    if read["faults"]:
        text = f"the bank refuses {name}: {read['faults'][0]}"
        raise CommandError("FILE_REFUSED", text, "report it", exit_status=EXIT_OTHER)
    for kind in ("status", "statement"):
        said = await bank.ask("POST", f"/control/filebank/{kind}", {"messageId": name})
        await treasurer.send("/api/v1/payouts/reports", said.content, XML)
        await quiet()
    return name

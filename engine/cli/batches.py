"""`comptoir payouts`: batches of payouts, through the API of a running daemon.

Rule: as `comptoir dlq`: a token of OPERATIONS for a minute, for what looks and carries. Closing, approving and
rejecting are acts of people who have signed in, and have no command: a machine is nobody's second pair of eyes.
Source: interface.md 7; spec.md E14, X27; docs/payouts.md.
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote

import typer

from comptoir.engine.cli.access import ClientUrl
from comptoir.engine.cli.errors import CommandError
from comptoir.engine.cli.options import HELP, Config

if TYPE_CHECKING:
    import httpx

__all__ = ["payouts"]

PATH: Final = "/api/v1/payouts"

payouts = typer.Typer(
    help="Batches of payouts: which there are, their files, and the bank's reports.", context_settings=HELP
)  # fmt: skip
Form = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A table, or a line of JSON each.")
]
BatchId = Annotated[str, typer.Argument(metavar="BATCH_ID", help="As it was listed.")]


def _asked(
    work: "Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]",
    url: str | None,
    config: Path | None,
) -> dict[str, Any]:
    from comptoir.engine.cli.clients import asked
    from comptoir.http.principal import Role

    return asked(work, url, config, role=Role.OPERATIONS)


@payouts.command("list", epilog="Example: [bold]comptoir payouts list[/bold]")
def list_batches(
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    form: Form = "table",
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """List batches, the newest first."""
    from comptoir.engine.cli.tables import print_table

    path = f"{PATH}/batches?limit={limit}"
    items = _asked(lambda client: client.get(path), url, config)["items"]
    if form == "json":
        for item in items:
            typer.echo(json.dumps(item, ensure_ascii=False))
        return
    rows = [
        (x["batchId"], x["status"], str(x["transfers"]), str(x["sumCents"]), x["currency"] or "",
         x["cutOffAt"], x["decidedBy"] or "")
        for x in items
    ]  # fmt: skip
    print_table(("batch", "status", "transfers", "cents", "", "cut-off", "decided by"), rows)


@payouts.command("show", epilog="Example: [bold]comptoir payouts show PB-202612011300-001[/bold]")
def show_batch(
    batch_id: BatchId,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Rows at most.")] = 50,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Print a batch and its first rows as JSON; account numbers are masked."""
    path = f"{PATH}/batches/{quote(batch_id, safe='')}?limit={limit}"
    found = _asked(lambda client: client.get(path), url, config)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


@payouts.command(
    "download", epilog="Example: [bold]comptoir payouts download PB-202612011300-001 out.xml[/bold]"
)
def download_file(
    batch_id: BatchId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there.")],
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Take the approved file of a batch: it has names and account numbers, and taking it is on record."""
    path = f"{PATH}/batches/{quote(batch_id, safe='')}/pain001"
    kept: list[bytes] = []

    async def work(client: "httpx.AsyncClient") -> "httpx.Response":
        answer = await client.get(path)
        kept.append(answer.content)
        return answer

    try:
        with file.open("xb") as made:  # before it is asked for: a file that is lost was taken
            file.chmod(0o600)
            _asked(work, url, config)
            made.write(kept[-1])
    except FileExistsError:
        text = "a file is never overwritten"
        raise CommandError("USAGE", f"{file} is there: {text}", "give another name") from None
    except OSError as error:
        raise CommandError("USAGE", f"{file}: {error.strerror}", "give another name") from None
    except CommandError:
        file.unlink(missing_ok=True)
        raise


@payouts.command("report", epilog="Example: [bold]comptoir payouts report camt054.xml[/bold]")
def take_report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="pain.002 or camt.054.")],
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Bring what the bank says of batches; print what became of it as JSON."""
    try:
        document = file.read_bytes()
    except OSError as error:
        raise CommandError("USAGE", f"{file}: {error.strerror}", "give a file to read") from None
    headers = {"content-type": "application/xml"}
    found = _asked(
        lambda client: client.post(f"{PATH}/reports", content=document, headers=headers),
        url,
        config,
    )
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))

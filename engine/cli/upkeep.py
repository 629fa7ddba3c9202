"""The commands about dead letters and outages.

Rule: as in `app.py`, nothing heavy is imported here.
Source: interface.md 7; spec.md S64, E5, E14.
"""

from typing import Annotated, Literal

import typer

from comptoir.engine.cli.access import ClientUrl
from comptoir.engine.cli.options import HELP, Config, MyToken

__all__ = ["dlq", "reconcile", "show_parking"]

dlq = typer.Typer(
    help="Dead letters: messages that were given up, with their reason.", context_settings=HELP
)

Form = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A table, or a line of JSON each.")
]
Queue = Annotated[
    str | None,
    typer.Option(metavar="QUEUE", help="Such as dlq:transactions, dlq:points, hold."),
]
Code = Annotated[str | None, typer.Option(metavar="CODE", help="Why they died.")]
Kind = Annotated[
    str | None, typer.Option(metavar="KIND", help="Addressed to it, such as wallet or bank_seed.")
]
OlderThan = Annotated[
    str | None, typer.Option(metavar="AGE", help="Died before so long, such as 90s, 15m, 2h, 7d.")
]
NewerThan = Annotated[str | None, typer.Option(metavar="AGE", help="Died since so long.")]
LetterId = Annotated[str, typer.Argument(metavar="LETTER_ID", help="As it was listed.")]


@dlq.command(
    "list", epilog="Example: [bold]comptoir dlq list --queue dlq:points --older-than 2h[/bold]"
)
def list_letters(
    queue: Queue = None,
    code: Code = None,
    kind: Kind = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    form: Form = "table",
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """List dead letters, newest first: reason, attempts, times; not what they say."""
    from comptoir.engine.cli.letters import Wanted, run_list

    run_list(Wanted(queue, code, kind, older_than, newer_than), limit, form, (url, config))


@dlq.command("queues", epilog="Example: [bold]comptoir dlq queues[/bold]")
def list_queues(form: Form = "table", url: ClientUrl = None, config: Config = None) -> None:
    """Tell what lies in each queue, by reason."""
    from comptoir.engine.cli.letters import run_queues

    run_queues(form, (url, config))


@dlq.command("show", epilog="Example: [bold]comptoir dlq show dl_0000010000000007[/bold]")
def show_letter(
    letter_id: LetterId, form: Form = "table", url: ClientUrl = None, config: Config = None
) -> None:
    """Print one dead letter and what it says, without what lets anybody in."""
    from comptoir.engine.cli.letters import run_show

    run_show(letter_id, form, (url, config))


@dlq.command(
    "replay",
    epilog="Example: [bold]comptoir dlq replay dl_0000010000000007[/bold], "
    "or of many [bold]comptoir dlq replay --queue dlq:notifications --token-file mine[/bold]",
)
def replay_letters(
    letter_id: Annotated[
        str | None, typer.Argument(metavar="LETTER_ID", help="One, as it was listed.")
    ] = None,
    queue: Queue = None,
    code: Code = None,
    kind: Kind = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    token: MyToken = None,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Deliver one again; or ask for many with your own token, which a second person approves.

    Prints one line of JSON: `dispositionId` says how far it is (dlq disposition), and `approvalId`, where
    there is one, what a second person sends to comptoir approval approve. Replayed twice is replayed once.
    """
    from comptoir.engine.cli.letters import Wanted, run_replay

    wanted = Wanted(queue, code, kind, older_than, newer_than)
    run_replay(letter_id, wanted, (url, config), token)


@dlq.command(
    "discard",
    epilog="Example: [bold]comptoir dlq discard dl_0000010000000007 --reason 'paid by hand'[/bold]",
)
def discard_letter(
    letter_id: LetterId,
    reason: Annotated[str, typer.Option(help="Why, in one line; it stands in the record.")],
    token: MyToken = None,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Give one up. A call whose outcome nobody knows (queue hold) is asked for with your own token, and needs a second person."""
    from comptoir.engine.cli.letters import run_discard

    run_discard(letter_id, reason, (url, config), token)


@dlq.command(
    "disposition", epilog="Example: [bold]comptoir dlq disposition dl_0000010000000007[/bold]"
)
def show_disposition(
    disposition_id: Annotated[
        str, typer.Argument(metavar="DISPOSITION_ID", help="As it was printed.")
    ],
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Print what was decided about letters, by whom, and how far it is."""
    from comptoir.engine.cli.letters import run_disposition

    run_disposition(disposition_id, (url, config))


@dlq.command("reports", epilog="Example: [bold]comptoir dlq reports --format json[/bold]")
def list_reports(form: Form = "table", url: ClientUrl = None, config: Config = None) -> None:
    """Print the daily reports of dlq:transactions, newest first (dead_letters.report_to)."""
    from comptoir.engine.cli.letters import run_reports

    run_reports(form, (url, config))


def show_parking(form: Form = "table", url: ClientUrl = None, config: Config = None) -> None:
    """Tell how outside parties are doing, what waits for them, and about until when."""
    from comptoir.engine.cli.letters import run_parking

    run_parking(form, (url, config))


def reconcile(
    day: Annotated[
        str | None, typer.Option(metavar="DAY", help="One day, in UTC; else the newest.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many days.")] = 7,
    form: Form = "table",
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Tell whether what we think was paid is what is said to have been paid; exit 1 where it is not."""
    from comptoir.engine.cli.reconciling import run_reconcile

    run_reconcile(day, limit, form, (url, config))

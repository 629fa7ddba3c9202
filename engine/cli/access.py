"""The commands about who may call: credentials of services, and people of the house.

Rule: as in `app.py`, nothing heavy is imported here.
Source: interface.md 9.
"""

from typing import Annotated

import typer

from comptoir.engine.cli.kinds import ROLES, complete
from comptoir.engine.cli.options import HELP, Config, MyToken, TokenFile

__all__ = ["approval", "client", "person", "staff"]

client = typer.Typer(help="Credentials of services.", context_settings=HELP)
staff = typer.Typer(help="People of the house who sign in.", context_settings=HELP)
person = typer.Typer(help="People, whoever they are.", context_settings=HELP)
approval = typer.Typer(help="What one person asks for and another approves.", context_settings=HELP)

ClientUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The daemon's address; else that of the settings, or where it listened last.",
        show_default=False,
    ),
]


@client.command(
    "add", epilog="Example: [bold]comptoir client add acme --scope partner:submit[/bold]"
)
def add_client(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call the service.")],
    scope: Annotated[list[str], typer.Option(help="Such as partner:submit; may be repeated.")],
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Register a service with a running daemon, and print its id and secret, once."""
    from comptoir.engine.cli.clients import run_add

    run_add(name, tuple(scope), url, config)


@client.command("list", epilog="Example: [bold]comptoir client list[/bold]")
def list_clients(url: ClientUrl = None, config: Config = None) -> None:
    """Print every registered service, a line of JSON each."""
    from comptoir.engine.cli.clients import run_list

    run_list(url, config)


@client.command("revoke", epilog="Example: [bold]comptoir client revoke cl_0123456789[/bold]")
def revoke_client(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="As it was printed.")],
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Give a service no more tokens, and refuse those that it has."""
    from comptoir.engine.cli.clients import run_revoke

    run_revoke(client_id, url, config)


@staff.command("add", epilog="Example: [bold]comptoir staff add m.durand --role COMPLIANCE[/bold]")
def add_staff(
    sub: Annotated[str, typer.Argument(metavar="SUB", help="Who they are in tokens and records.")],
    role: Annotated[
        list[str],
        typer.Option(
            help=f"One of {', '.join(ROLES[1:])}; may be repeated.",
            autocompletion=complete(ROLES[1:]),
        ),
    ],
    token: MyToken = None,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Print a link, once, by which somebody enrols; what they had before is over.

    A role that reads other people's data, or gives rights, is asked for with your own token, and given when a second person
    has approved it.
    """
    from comptoir.engine.cli.staff import run_add_staff

    run_add_staff(sub, tuple(role), token, url, config)


@staff.command("list", epilog="Example: [bold]comptoir staff list[/bold]")
def list_staff(url: ClientUrl = None, config: Config = None) -> None:
    """Print the people of the house, a line of JSON each."""
    from comptoir.engine.cli.staff import run_list

    run_list("/api/v1/staff", url, config)


@staff.command("remove", epilog="Example: [bold]comptoir staff remove m.durand[/bold]")
def remove_staff(
    sub: Annotated[str, typer.Argument(metavar="SUB", help="Who is of the house no longer.")],
    token: MyToken = None,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """End all that somebody has, at once: sign-in, links, sessions, tokens.

    An ADMIN beside whom there is another is dismissed with your own token.
    """
    from comptoir.engine.cli.staff import run_remove_staff

    run_remove_staff(sub, token, url, config)


@person.command(
    "erase", epilog="Example: [bold]comptoir person erase m.durand --token-file mine[/bold]"
)
def erase_person(
    sub: Annotated[str, typer.Argument(metavar="SUB", help="Who is to be erased.")],
    token: TokenFile,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Ask for the destruction of somebody's keys, for ever; a second person approves it."""
    from comptoir.engine.cli.staff import run_erase

    run_erase(sub, token, url, config)


ApprovalId = Annotated[str, typer.Argument(metavar="APPROVAL_ID", help="As it was printed.")]


@approval.command("list", epilog="Example: [bold]comptoir approval list[/bold]")
def list_approvals(url: ClientUrl = None, config: Config = None) -> None:
    """Print what waits for a second person, the first to end first, a line of JSON each."""
    from comptoir.engine.cli.staff import run_list

    run_list("/api/v1/approvals", url, config)


@approval.command("show", epilog="Example: [bold]comptoir approval show apr_0123456789[/bold]")
def show_approval(approval_id: ApprovalId, url: ClientUrl = None, config: Config = None) -> None:
    """Print what was asked for, by whom, and what became of it."""
    from comptoir.engine.cli.staff import run_approval

    run_approval(approval_id, "show", None, url, config)


@approval.command(
    "approve",
    epilog="Example: [bold]comptoir approval approve apr_0123456789 --token-file mine[/bold]",
)
def approve_approval(
    approval_id: ApprovalId, token: TokenFile, url: ClientUrl = None, config: Config = None
) -> None:
    """Let it be done; whoever asked for it may not."""
    from comptoir.engine.cli.staff import run_approval

    run_approval(approval_id, "approve", token, url, config)


@approval.command(
    "reject",
    epilog="Example: [bold]comptoir approval reject apr_0123456789 --token-file mine[/bold]",
)
def reject_approval(
    approval_id: ApprovalId, token: TokenFile, url: ClientUrl = None, config: Config = None
) -> None:
    """Have it not done."""
    from comptoir.engine.cli.staff import run_approval

    run_approval(approval_id, "reject", token, url, config)

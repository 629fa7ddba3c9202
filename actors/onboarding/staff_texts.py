"""What advisors and operations are told of a file by mail, and its client when the account is there. Pure, plain text.

The rule: staff's mails name a file by its number and nobody by name; a client's has no name, and no number but in the
address of the page that it is to open, which lets nobody in.
Both languages in one mail: a file does not know its client's, and staff are a team. Source: S7, S18, E14.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = [
    "account_mail",
    "approval_mail",
    "contract_mail",
    "held_mail",
    "lost_mail",
    "orphan_mail",
    "ready_mail",
    "signature_mail",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENDED: Final[Mapping[str, tuple[str, str]]] = {
    "declined": ("a été refusé par le client", "was declined by the client"),
    "expired": ("n'a pas été signé à temps", "was not signed in time"),
    "failed": ("n'a pas pu être émis", "could not be issued"),
}


def _moment(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%d %H:%M UTC")


def signature_mail(file: str, outcome: str) -> tuple[str, str]:
    """Subject and text when a contract will not be signed in this round.

    Args:
        file: its number.
        outcome: `declined`, `expired`, `failed`.
    """
    french, english = _ENDED[outcome]
    return f"{file} : contrat non signé / contract not signed", (
        f"Le contrat du dossier {file} {french}. Il peut être émis à nouveau.\n---\n\n"
        f"The contract of file {file} {english}. It can be issued anew.\n"
    )


def earlier_mail(file: str, number: int) -> tuple[str, str]:
    """Subject and text when a contract that was issued anew turns out to be signed.

    Args:
        file: its number.
        number: the round of that contract.
    """
    return f"{file} : un contrat antérieur a été signé / an earlier contract was signed", (
        f"Le client du dossier {file} avait signé le contrat n° {number} avant qu'il soit remplacé. Ce contrat signé est conservé "
        "comme preuve ; il ne remplace pas le contrat émis depuis. Informez le client.\n---\n\n"
        f"The client of file {file} had signed contract no. {number} before it was replaced. That signed contract is kept as "
        "evidence; it does not stand for the one that was issued since. Tell the client.\n"
    )


def contract_mail(page: str) -> tuple[str, str]:
    """The client's mail when the contract can be signed in our own portal (S7, S28).

    Args:
        page: its address; empty: where we are reached is not configured.
    """
    at_fr, at_en = (f" :\n\n{page}\n", f":\n\n{page}\n") if page else (".", ".")
    return "Votre contrat vous attend / Your contract is waiting for you", (
        f"Bonjour,\n\nvotre contrat est prêt à être lu et signé dans votre espace{at_fr}\nPour y accéder, utilisez le "
        "lien que vous avez reçu ; s'il a déjà servi, demandez-en un autre à votre conseiller.\n---\n\n"
        f"Hello,\n\nyour contract is ready to be read and signed in your portal{at_en}\nTo get to it, use the link that "
        "you were sent; if it has been used, ask your advisor for another one.\n"
    )


def approval_mail(file: str, due_at: int, *, overdue: bool) -> tuple[str, str]:
    """Likewise of a signed file that waits for the last word of an advisor; `due_at`: business time, ms."""
    until = _moment(due_at)
    if overdue:
        return f"{file} : approbation en retard / approval overdue", (
            f"Le dossier {file} est signé ; son approbation était à rendre avant le {until}.\n---\n\n"
            f"File {file} is signed; its approval was due by {until}.\n"
        )
    return f"{file} : approbation demandée / approval wanted", (
        f"Le dossier {file} est signé et attend l'approbation finale, à rendre avant le {until}.\n---\n\n"
        f"File {file} is signed and waits for the final approval, due by {until}.\n"
    )


def account_mail(file: str, code: str) -> tuple[str, str]:
    """Likewise of an account that the mainframe refuses for good; `code`: stable, as no words of the mainframe's are."""
    return f"{file} : compte refusé / account refused", (
        f"Le système central refuse le compte du dossier {file} ({code}). Rien n'a été créé ; le dossier est clos, "
        "le contrat signé est conservé.\n---\n\n"
        f"The mainframe refuses the account of file {file} ({code}). Nothing was created; the file is closed, the "
        "signed contract is kept.\n"
    )


def orphan_mail(file: str) -> tuple[str, str]:
    """Likewise of an account that was created for a file that has ended meanwhile."""
    return f"{file} : compte à fermer / account to be closed", (
        f"Un compte a été créé pour le dossier {file}, qui n'a pas abouti. Il est à fermer.\n---\n\n"
        f"An account was created for file {file}, which has come to nothing. It has to be closed.\n"
    )


def held_mail(file: str, code: str) -> tuple[str, str]:
    """Operations' mail when nobody but people can find out what is true of an account; `code`: stable."""
    return f"{file} : compte à vérifier / account to be checked", (
        f"Le compte du dossier {file} est en suspens ({code}). Rien n'avance avant qu'il soit vérifié sur le système central "
        f"et réglé par deux personnes (comptoir core-banking reconcile).\n---\n\n"
        f"The account of file {file} is held ({code}). Nothing goes on before it is checked on the mainframe and settled by "
        f"two people (comptoir core-banking reconcile).\n"
    )


def lost_mail(file: str) -> tuple[str, str]:
    """Advisor's and operations' mail when a completed file turns out to have no account."""
    return f"{file} : dossier complet sans compte / completed file without an account", (
        f"Le dossier {file} est complet, mais vérification faite le système central n'a pas de compte. Le client est à "
        f"informer, et un autre dossier à ouvrir.\n---\n\n"
        f"File {file} is completed, but it was found that the mainframe has no account. The client has to be told, and "
        f"another file begun.\n"
    )


def ready_mail() -> tuple[str, str]:
    """The client's mail when the account is there (S7)."""
    return "Votre compte est ouvert / Your account is ready", (
        "Bonjour,\n\nvotre compte est ouvert. Votre conseiller reste à votre disposition.\n---\n\n"
        "Hello,\n\nyour account is ready. Your advisor is at your disposal.\n"
    )

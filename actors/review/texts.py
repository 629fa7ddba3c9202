"""What compliance is told by mail, in French and English. Pure functions, plain text.

The rule: a mail goes through other people's machines, so it names a file by its number and nobody by name, and says
that the file waits, not what a search has found: whoever has the right to know looks it up. Source: S7, S11, E3.
"""

from datetime import UTC, datetime, timedelta

__all__ = ["opened_mail", "overdue_mail", "second_mail"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%d %H:%M UTC")


def opened_mail(file: str, due_at: int, *, accelerated: bool) -> tuple[str, str]:
    """Subject and text when a review begins: both languages in one, since it goes to a team.

    Args:
        file: its number.
        due_at: business time, ms.
        accelerated: whether a partner has attested it (X31).
    """
    french = "Le dossier est d'un partenaire : examen accéléré.\n" if accelerated else ""
    english = "A partner has brought the file: its review is accelerated.\n" if accelerated else ""
    subject = f"{file} : examen demandé / review wanted"
    return subject, (
        f"Le dossier {file} attend l'examen de la conformité, à rendre avant le {_moment(due_at)}.\n{french}"
        "Les motifs se lisent dans la file d'examen.\n---\n\n"
        f"File {file} waits for review by compliance, due by {_moment(due_at)}.\n{english}"
        "Its reasons stand in the review queue.\n"
    )


def second_mail(file: str, due_at: int) -> tuple[str, str]:
    """Likewise when one person has approved what takes two."""
    subject = f"{file} : seconde approbation demandée / second approval wanted"
    return subject, (
        f"L'examen du dossier {file} attend une seconde personne, avant le {_moment(due_at)}.\n---\n\n"
        f"The review of file {file} waits for a second person, due by {_moment(due_at)}.\n"
    )


def overdue_mail(file: str, due_at: int, *, claimed: bool) -> tuple[str, str]:
    """Likewise when it is overdue."""
    french = "Une personne s'en occupe." if claimed else "Personne ne s'en occupe."
    english = "Somebody has claimed it." if claimed else "Nobody has claimed it."
    subject = f"{file} : examen en retard / review overdue"
    return subject, (
        f"L'examen du dossier {file} était à rendre avant le {_moment(due_at)}. {french}\n---\n\n"
        f"The review of file {file} was due by {_moment(due_at)}. {english}\n"
    )

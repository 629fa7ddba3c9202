"""What an invitation says to the client, in French and English. Pure functions, plain text.

Source: spec.md S7, S44; OWASP ASVS 5, V6.6.1 (a code tells what it is for, and to keep it).
"""

from datetime import UTC, datetime, timedelta

from comptoir.actors.invitation.messages import Language

__all__ = ["code_mail", "code_sms", "link_mail"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_MS = 60_000


def link_mail(language: Language, link: str, expires_at: int) -> tuple[str, str]:
    """Subject and text of the mail with the link.

    Args:
        language: of the client.
        link: the whole address.
        expires_at: business time, ms since 1970.
    """
    until = (_EPOCH + timedelta(milliseconds=expires_at)).strftime("%Y-%m-%d %H:%M UTC")
    if language == "fr":
        return "Votre accès à votre dossier", (
            "Bonjour,\n\nvotre conseiller a ouvert votre dossier. Pour y accéder :\n\n"
            f"{link}\n\nCe lien est personnel, ne sert qu'une fois et expire le {until}. Un code à "
            "six chiffres vous sera ensuite envoyé. Ne transmettez ni l'un ni l'autre : personne de "
            "chez nous ne vous les demandera.\n"
        )
    return "Your access to your file", (
        "Hello,\n\nyour advisor has opened your file. To get to it:\n\n"
        f"{link}\n\nThis link is yours alone, works once and ends on {until}. A code of six digits "
        "will then be sent to you. Give neither to anybody: none of us will ever ask for them.\n"
    )


def code_sms(language: Language, code: str, life_ms: int) -> str:
    """The text message with the code; it lives so many ms."""
    minutes = life_ms // MINUTE_MS
    if language == "fr":
        return f"Votre code d'accès : {code}. Valable {minutes} min. Ne le transmettez à personne."
    return f"Your access code: {code}. Good for {minutes} min. Give it to nobody."


def code_mail(language: Language, code: str, life_ms: int) -> tuple[str, str]:
    """Subject and text of the mail with the code, where there is no phone. No code in a subject:
    telephones show those while they are locked.
    """
    subject = "Votre code d'accès" if language == "fr" else "Your access code"
    return subject, code_sms(language, code, life_ms) + "\n"

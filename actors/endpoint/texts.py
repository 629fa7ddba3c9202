"""What whoever registered an endpoint is told when it is disabled, in French and English. Pure functions, plain text."""

from typing import Final

__all__ = ["disabled_mail"]

_FRENCH: Final = {
    "gone": "il répond 410 : plus personne n'y écoute",
    "failing": "aucun envoi n'a abouti depuis plusieurs jours",
}
_ENGLISH: Final = {
    "gone": "it answers 410: nobody listens there any more",
    "failing": "no delivery has succeeded for days",
}


def disabled_mail(endpoint_id: str, cause: str) -> tuple[str, str]:
    """Subject and text, both languages in one. The address itself is not in it: it may have a secret in its path.

    Args:
        endpoint_id: which.
        cause: `gone` or `failing`.
    """
    subject = f"Webhook {endpoint_id} : désactivé / disabled"
    french = (
        f"Le webhook {endpoint_id} est désactivé : {_FRENCH[cause]}.\nRien n'est perdu : une fois réactivé"
        f" (PATCH /api/v1/webhook-endpoints/{endpoint_id}), il reprend où il en était.\n"
    )
    english = (
        f"The webhook endpoint {endpoint_id} is disabled: {_ENGLISH[cause]}.\nNothing is lost: enabled again"
        f" (PATCH /api/v1/webhook-endpoints/{endpoint_id}), it goes on where it was.\n"
    )
    return subject, f"{french}\n---\n\n{english}"

"""Errors as the outside sees them: RFC 9457 problems, one row per stable code.

The rule: whatever goes wrong, the caller gets a row of this table and nothing else: no exception's
text, no traceback, no name of ours. `code` is stable; `title` and `detail` may change. A code that
is not in the table is still answered: as a conflict if a machine refused by that name, else as
INTERNAL. tests/http/test_problems.py holds the table total over the engine's errors.
Source: interface.md 1; RFC 9457; spec.md S66 (the French user actions are the source's own), X29.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict

import orjson

from comptoir.engine import EngineError, Refused
from comptoir.http.answers import COMMON, Response
from comptoir.http.problem_rows import (
    FIX_EN,
    FIX_FR,
    LATER_EN,
    LATER_FR,
    SIGNED_IN_EN,
    SIGNED_IN_FR,
    SUPPORT_EN,
    SUPPORT_FR,
    Problem,
)
from comptoir.http.problems_batches import OF_BATCHES
from comptoir.http.problems_documents import OF_DOCUMENTS
from comptoir.http.problems_events import OF_EVENTS
from comptoir.http.problems_onward import OF_ONWARD
from comptoir.http.problems_payouts import OF_PAYOUTS
from comptoir.http.problems_profiles import OF_PROFILES
from comptoir.http.problems_review import OF_REVIEWS
from comptoir.http.problems_signing import OF_SIGNING

__all__ = [
    "PROBLEMS",
    "FieldError",
    "Problem",
    "code_of",
    "problem",
    "problem_of",
    "row_of",
    "status_of",
]


class FieldError(TypedDict):
    """One wrong place in the input: a JSON pointer (RFC 6901), a stable code, a text."""

    pointer: str
    code: str
    detail: str


PROBLEMS: dict[str, Problem] = {
    # General (interface.md 1)
    "REQUEST_MALFORMED": Problem(
        400, "Request malformed", "The request could not be read.", FIX_FR, FIX_EN
    ),
    "REQUEST_INVALID": Problem(
        422, "Request invalid", "The request was read; its values are wrong.", FIX_FR, FIX_EN
    ),
    "UNAUTHENTICATED": Problem(
        401, "Not signed in", "A valid access token is needed.", SIGNED_IN_FR, SIGNED_IN_EN
    ),
    "STEP_UP_REQUIRED": Problem(
        401, "Another sign-in is needed",
        "This wants two factors, and perhaps a sign-in of the last minutes; WWW-Authenticate says which.",
        SIGNED_IN_FR, SIGNED_IN_EN,
    ),
    "SIGN_IN_STALE": Problem(
        403, "Signed in too long ago", "This wants a sign-in of the last quarter of an hour.",
        SIGNED_IN_FR, SIGNED_IN_EN,
    ),
    "FORBIDDEN": Problem(
        403, "Forbidden", "The caller may not do this.", "Demander l'accès", "Ask for access"
    ),
    "SOURCE_FORBIDDEN": Problem(
        403, "Source not allowed", "Requests from this address are not answered here.",
        "Demander l'accès", "Ask for access",
    ),
    "FOUR_EYES": Problem(
        403, "A second person is needed", "Whoever has asked for it does not approve it as well.",
        "Demander à une autre personne", "Ask another person",
    ),
    "NOT_FOUND": Problem(
        404, "Not found", "There is nothing here.", "Vérifier l'adresse", "Check the address"
    ),
    "METHOD_NOT_ALLOWED": Problem(
        405, "Method not allowed", "The Allow header names the methods.", FIX_FR, FIX_EN
    ),
    "REQUEST_TIMEOUT": Problem(
        408, "Request too slow", "The request did not arrive in time.", "Réessayer", "Try again", True
    ),
    "CONFLICT": Problem(
        409, "Conflict", "The present state does not allow this.", "Actualiser", "Refresh"
    ),
    "DEAD_LETTER_DECIDED": Problem(
        409, "Decided otherwise", "Something else was decided about this dead letter before.",
        "Consulter la décision", "Look at the decision",
    ),
    "PARTNER_UNKNOWN": Problem(
        409, "No such partner", "There is no partner of this id.",
        "Créer le partenaire, ou en choisir un autre", "Add the partner, or choose another one",
    ),
    "PARTNER_NOT_VALID": Problem(
        409, "Partner not valid then", "The partner's agreement does not cover the day of the purchase.",
        "Vérifier les dates de l'accord", "Check the days of the agreement",
    ),
    "PARTNER_PERIODS_TOO_MANY": Problem(
        409, "Too many periods", "A partner may have 120 periods; one without a first day replaces them all.",
        "Regrouper les périodes", "Join periods into fewer",
    ),
    "VAULT_STORE_NONE": Problem(
        409, "No key store", "Keys of single persons are not kept here (vault.store).",
        "Configurer vault.store", "Set vault.store",
    ),
    "ERASURE_REFUSED": Problem(
        409, "Not erased yet", "They still have a wallet, or the law keeps it: `errors` says why and until when.",
        "Clôturer le portefeuille, ou attendre la fin du délai légal", "Close the wallet, or wait until the law lets it go",
    ),
    "VAULT_ERASED": Problem(
        410, "Erased", "The person was erased: nobody can read this again.",
        "Aucune : la personne a été effacée", "None: the person was erased",
    ),
    "PAYLOAD_TOO_LARGE": Problem(
        413, "Body too large", "The body is larger than the limit.", "Réduire la taille de l'envoi",
        "Send less",
    ),
    "EXPECTATION_FAILED": Problem(
        417, "Expectation not met", "Of the Expect header only 100-continue is known.",
        FIX_FR, FIX_EN,
    ),
    "HEADERS_TOO_LARGE": Problem(
        431, "Header too large", "Request line and header fields are larger than the limit.",
        "Réduire la taille de l'envoi", "Send less",
    ),
    "VERSION_UNSUPPORTED": Problem(
        505, "HTTP version not supported", "This port speaks HTTP/1.1 and HTTP/1.0.",
        FIX_FR, FIX_EN,
    ),
    "MEDIA_TYPE_UNSUPPORTED": Problem(
        415, "Media type unsupported",
        "The body must be application/json in UTF-8 without a content encoding, or text/csv where "
        "the operation says so.",
        FIX_FR, FIX_EN,
    ),
    "IDEMPOTENCY_KEY_REUSED": Problem(
        422, "Idempotency key reused", "This Idempotency-Key belongs to another request.",
        "Utiliser une nouvelle clé", "Use a new key",
    ),
    "IDEMPOTENCY_IN_PROGRESS": Problem(
        409, "Request in progress", "The first request with this Idempotency-Key is not done yet.",
        "Réessayer", "Try again", True,
    ),
    "RATE_LIMITED": Problem(
        429, "Too many requests", "The caller's limit is reached.", LATER_FR, LATER_EN, True, 60
    ),
    "OVERLOADED": Problem(
        503, "Overloaded", "There is more work than can be taken now; nothing was changed, or the "
        "answer is still on its way: send the same request again.",
        LATER_FR, LATER_EN, True, 1,
    ),
    "STORAGE_UNAVAILABLE": Problem(
        503, "Storage unavailable", "The database does not answer. Send it again: what was taken already is not taken twice.",
        LATER_FR, LATER_EN, True, 5,
    ),
    "ISSUER_UNAVAILABLE": Problem(
        503, "Issuer unavailable", "The token cannot be verified now: its issuer does not answer.",
        LATER_FR, LATER_EN, True, 10,
    ),
    "QUIESCE_TIMEOUT": Problem(
        504, "Still working", "Messages were still due at the end of the time given.",
        LATER_FR, LATER_EN, True,
    ),
    "INTERNAL": Problem(
        500, "Internal error", "Something went wrong here. It was recorded under requestId.",
        SUPPORT_FR, SUPPORT_EN,
    ),
    # What a client's way into the portal may meet (X8)
    "PORTAL_LINK_OVER": Problem(
        410, "Link over", "The link was used, is over, was replaced by a newer one, or never was.",
        "Demander un nouveau lien à votre conseiller", "Ask your advisor for a new link",
    ),
    "PORTAL_CODE_WRONG": Problem(
        403, "Code wrong", "It is not the code that was sent last, or too late for it.",
        "Vérifier le code, ou en demander un autre", "Check the code, or ask for another one",
    ),
    "PORTAL_CODES_USED_UP": Problem(
        409, "No more codes", "No more codes are sent for this link.",
        "Demander un nouveau lien à votre conseiller", "Ask your advisor for a new link",
    ),
    "CONTACT_CODES_USED_UP": Problem(
        409, "No more codes", "So many codes as are sent for one person in a day were sent.",
        "Réessayer demain", "Try again tomorrow",
    ),
    "CONTACT_CODE_WRONG": Problem(
        409, "Wrong code", "It is not the newest code, its time is over, or too many were tried.",
        "Vérifier le code, ou en demander un autre", "Check the code, or ask for another one",
    ),
    "MAIL_NOT_CONFIGURED": Problem(
        409, "No mail", "Nobody carries mail for this daemon: no provider of mail has an address.",
        "Configurer l'envoi de courriels", "Configure who carries mail",
    ),
    "SMS_NOT_CONFIGURED": Problem(
        409, "No text messages",
        "Nobody carries text messages for this daemon: providers.twilio.base_url is empty.",
        "Configurer l'envoi de SMS, ou ne pas donner de téléphone",
        "Configure who carries text messages, or give no phone",
    ),
    **OF_DOCUMENTS,
    **OF_PROFILES,
    **OF_BATCHES,
    **OF_EVENTS,
    **OF_ONWARD,
    **OF_REVIEWS,
    **OF_SIGNING,
    **OF_PAYOUTS,
    # What the bank side may answer
    "BANK_CARD_LINKING_FAILED": Problem(
        400, "Card linking failed", "The card could not be linked.", "Réessayer", "Try again"
    ),
    "BANK_CARD_ALREADY_LINKED": Problem(
        409, "Card already linked", "This card is linked already.",
        "Utiliser carte existante", "Use the linked card",
    ),
    "BANK_CONNECTION_EXPIRED": Problem(
        401, "Consent expired", "The consent for this bank connection has expired.",
        "Reconnecter", "Reconnect",
    ),
    "BANK_PROVIDER_UNAVAILABLE": Problem(
        503, "Bank provider unavailable", "The bank provider does not answer.",
        LATER_FR, LATER_EN, True, 30,
    ),
    "BANK_IBAN_INVALID": Problem(
        400, "IBAN invalid", "The IBAN is not valid.", "Corriger IBAN", "Correct the IBAN"
    ),
    "BANK_WITHDRAWAL_MINIMUM": Problem(
        400, "Balance below the minimum", "The balance is below the minimum of a withdrawal.",
        "Accumuler plus de points", "Collect more points",
    ),
    "BANK_WITHDRAWAL_PENDING": Problem(
        409, "Withdrawal pending", "Another withdrawal is under way.",
        "Attendre fin traitement", "Wait until it is done",
    ),
    "POINTS_INSUFFICIENT": Problem(
        409, "Not enough points", "There are fewer points available than were asked for.",
        "Demander moins de points", "Ask for fewer points",
    ),
    # What a webhook may be told: S66 and interface.md 6
    "WEBHOOK_SOURCE_FORBIDDEN": Problem(
        403, "Source not allowed", "The source address may not send webhooks.",
        "Log sécurité", "Logged for security",
    ),
    "WEBHOOK_SIGNATURE_INVALID": Problem(
        401, "Signature invalid", "The signature or its time is missing, doubled, not of the form, "
        "or made with another secret or over another body.",
        "Log sécurité", "Logged for security",
    ),
    "WEBHOOK_TIMESTAMP_EXPIRED": Problem(
        401, "Timestamp outside the window", "The signed time is too far from now, either way.",
        "Log (replay attack)", "Logged (replay attack)",
    ),
    "WEBHOOK_PAYLOAD_MALFORMED": Problem(
        400, "Payload malformed", "The body is not well-formed JSON in UTF-8, names a key twice, "
        "is nested too deep, or holds a character that cannot be kept.",
        FIX_FR, FIX_EN,
    ),
    "WEBHOOK_PAYLOAD_INVALID": Problem(
        422, "Payload invalid", "The body is JSON; `errors` names what is wrong in it.",
        FIX_FR, FIX_EN,
    ),
    "WEBHOOK_EVENT_UNSUPPORTED": Problem(
        422, "Event not supported", "The event is not known, or not served yet.",
        "Désactiver cet événement chez le fournisseur", "Switch this event off at the provider",
    ),
}  # fmt: skip
"""Every code that the edge can give. The order is interface.md's."""


def code_of(error: EngineError) -> str:
    """The code to count and to log for an engine's error."""
    return error.code


def status_of(code: str) -> int:
    """The status of a code; one that is not in the table is a machine's own refusal."""
    return PROBLEMS.get(code, _REFUSED).status


def row_of(code: str) -> Problem:
    """What a code means; one that is not in the table is a machine's own refusal."""
    return PROBLEMS.get(code, _REFUSED)


def problem_of(error: EngineError, request: str) -> Response:
    """The answer for an engine's error; its text stays inside."""
    code = code_of(error)
    if code not in PROBLEMS and isinstance(error, Refused):
        return _answer(code, _REFUSED, request, (), None)
    return problem(code, request, retry_after_s=error.retry_after_s)


def problem(
    code: str,
    request: str,
    *,
    errors: Sequence[FieldError] = (),
    retry_after_s: int | None = None,
) -> Response:
    """The answer for a stable code.

    Args:
        code: a key of `PROBLEMS`; anything else becomes INTERNAL.
        request: the request id.
        errors: what is wrong where, for codes of validation.
        retry_after_s: instead of the row's own.
    """
    row = PROBLEMS.get(code)
    if row is None:
        code, row = "INTERNAL", PROBLEMS["INTERNAL"]
    return _answer(code, row, request, errors, retry_after_s)


_REFUSED = PROBLEMS["CONFLICT"]
_COMMON = list(COMMON)


@lru_cache(maxsize=512)  # the codes of the table and those that machines declare
def _head(code: str, row: Problem) -> bytes:
    """The body up to the value of requestId; it is written last, so that this can be kept."""
    return (
        orjson.dumps(
            {
                "type": f"/problems/{code}",
                "title": row.title,
                "status": row.status,
                "code": code,
                "detail": row.detail,
                "userAction": {"fr": row.fr, "en": row.en},
                "retryable": row.retryable,
            }
        )[:-1]
        + b',"requestId":"'
    )


def _answer(
    code: str,
    row: Problem,
    request: str,
    errors: Sequence[FieldError],
    retry_after_s: int | None,
) -> Response:
    """Put an answer together; a request id holds no character that JSON would escape."""
    tail = b'","errors":' + orjson.dumps(list(errors)) + b"}" if errors else b'"}'
    body = _head(code, row) + request.encode("ascii") + tail
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request.encode("ascii")),
        *_COMMON,
    ]
    if row.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % (retry_after_s or row.retry_after_s)))
    return Response(row.status, headers, body)

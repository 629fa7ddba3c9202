"""What a webhook of DocuSign Connect says (JSON SIM), read: how an envelope of ours stands.

Rules:
- JSON with one meaning (strict_json.py), every word bounded; keys that are not named here are not read;
- an envelope is ours where the account is ours and it carries our custom field; of any other envelope of any account
  nothing is taken, and the sender is told so in an answer that makes it stop;
- the custom field says which file to ask, and nothing more: whether the envelope is that file's, its signature knows,
  which was told the envelope's id when it was created;
- what an event says is its status; the summary beside it adds when, and why. What is there of any other event of
  DocuSign's is passed over, since an account's configuration may name more than is needed here.

Source: protocols.md 5.3; developers.docusign.com/platform/webhooks/connect/json-sim-event-model; DocuSign's
connect.schema-v2.json; interface.md 6 (rows 6 to 8).
"""

import re
from typing import Any, Final, NamedTuple, cast

from comptoir.actors.gateways.docusign_meaning import (
    EVENTS,
    PASSED_OVER,
    PROVIDER,
    REFERENCE,
    stands,
    time_ms,
)
from comptoir.actors.signature.messages import EnvelopeReported
from comptoir.http.payload_fields import (
    ID_CHARACTERS_MAX,
    MALFORMED,
    UNSUPPORTED,
    BadBody,
    Fields,
    stop_if_any,
)
from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Malformed, parse

__all__ = ["Told", "read"]

REASON_CHARACTERS_MAX: Final = 4000
FIELDS_MAX: Final = 100
"""Custom fields that are looked at: DocuSign has no more of one envelope."""
_REFERENCE: Final = re.compile(r"([A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}):[0-9]{1,6}").fullmatch


class Told(NamedTuple):
    """A right body: of which file it speaks, and how its envelope stands; None: it is none of ours, or says nothing."""

    file: str
    report: EnvelopeReported | None


NOTHING: Final = Told("", None)


def read(body: bytes, account_id: str) -> Told:
    """Read a body, within its bound.

    Args:
        body: as received.
        account_id: ours at DocuSign.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies; of row 7 every fault.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = Fields(value, "", found)
    event = top.text("event", (1, ID_CHARACTERS_MAX))
    stop_if_any(found)
    if event not in EVENTS and not PASSED_OVER(event):
        raise BadBody(UNSUPPORTED)
    generated = top.text("generatedDateTime", (1, ID_CHARACTERS_MAX))
    data = top.inside("data")
    account, envelope = data.identifier("accountId"), data.identifier("envelopeId")
    summary = data.inside("envelopeSummary") if data.has("envelopeSummary") else Fields({}, "", [])
    changed = summary.text("statusChangedDateTime", (1, ID_CHARACTERS_MAX), required=False)
    voided = summary.text("voidedReason", (0, REASON_CHARACTERS_MAX), required=False)
    at = _at(changed or generated, found, "/generatedDateTime")
    stop_if_any(found)
    status = EVENTS.get(event)
    file = _file(value) if account_id and account.lower() == account_id.lower() else ""
    if status is None or not file:
        return NOTHING
    reason = _declined(value) if status == "declined" else voided
    word = stands(status, voided)
    return Told(file, EnvelopeReported(PROVIDER, envelope, word, at, reason))


def _at(text: str, found: list[FieldError], place: str) -> int:
    at = time_ms(text)
    if at is None or at < 0:
        if text:
            found.append(FieldError(pointer=place, code="DATE_INVALID", detail="an ISO 8601 time"))
        return 0
    return at


def _file(value: object) -> str:
    """The number of the file in our custom field, if it is there once, and has the form that ours have."""
    listed = _under(value, "data", "envelopeSummary", "customFields", "textCustomFields")
    fields = cast("list[object]", listed)[:FIELDS_MAX] if isinstance(listed, list) else []
    ours = [_under(one, "value") for one in fields if _under(one, "name") == REFERENCE]
    form = _REFERENCE(ours[0]) if len(ours) == 1 and isinstance(ours[0], str) else None
    return "" if form is None else form[1]


def _declined(value: object) -> str:
    """Why its signer has declined, as far as that is told."""
    listed = _under(value, "data", "envelopeSummary", "recipients", "signers")
    signers = cast("list[object]", listed)[:FIELDS_MAX] if isinstance(listed, list) else []
    reasons = [_under(one, "declinedReason") for one in signers]
    said = [one for one in reasons if isinstance(one, str) and one]
    return said[0][:REASON_CHARACTERS_MAX] if said else ""


def _under(value: object, *path: str) -> object:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(key)
    return value

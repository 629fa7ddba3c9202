"""On what terms somebody withdraws: how much, to whom, and what was said of whose account it is.

The rule: terms are either those of a quote, for as long as it holds and for what it was given for, or those of
now. What is owed is rounded once, the fee down, in favour of whoever is paid (X21, X32). A quote lies with its
person, and says nothing to anybody else (docs/adr/0042-a-quote-is-sealed-and-kept-by-its-person.md).
Source: interface.md 7 (rows b2); spec.md S46, S50, S66, E18, X21.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

import msgspec

from comptoir.actors.gateways.payee import VerifyPayee
from comptoir.actors.withdrawal.iban import Iban, IbanInvalid, read_iban
from comptoir.actors.withdrawal.messages import (
    CLOSE_MATCH,
    NO_MATCH,
    UNAVAILABLE,
    PayeeShown,
)
from comptoir.http.answers import Response
from comptoir.http.bodies import fault
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import plausible_id
from comptoir.http.rules import PayoutRules
from comptoir.http.shapes_payouts import QUOTE_CHARACTERS_MAX, NewQuote, NewWithdrawal

__all__ = ["Terms", "Wanted", "confirmed", "read_wanted", "seal", "terms_now", "terms_of"]

BASIS_POINTS: Final = 10_000
REFERENCE_BYTES: Final = 16
_ID: Final = re.compile(rf"wq_[A-Za-z0-9_-]{{1,{QUOTE_CHARACTERS_MAX}}}").fullmatch


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants paid, judged as far as it can be without asking anybody."""

    user_id: str
    points: int
    iban: Iban
    name: str


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """On what terms: what a quote holds, sealed."""

    user_id: str
    points: int
    iban: str
    name: str
    rate_cents: int
    gross_cents: int
    fee_cents: int
    currency: str
    answer: str
    """What was said of whose account it is."""
    bank_name: str
    """The name that the bank has; on a close match alone."""
    checked_at: int
    """Business time, ms; the quote is of then, too."""
    expires_at: int

    @property
    def net_cents(self) -> int:
        """What is paid."""
        return self.gross_cents - self.fee_cents

    def shown(self, *, accepted: bool, quoted: bool) -> PayeeShown:
        """For the record: what its person saw, and what they said to it."""
        name = self.bank_name if quoted else ""
        return PayeeShown(self.answer, name, self.checked_at, accepted, quoted)


def read_wanted(port: Port, call: Call, body: NewWithdrawal | NewQuote) -> Wanted | Response:
    """What is wanted, or what is wrong with it; also that nobody pays it."""
    user_id, name = call.access.user_id or body.user_id, body.beneficiary_name.strip()
    errors = [
        *([fault("/userId", "whose points they are", "FIELD_MISSING")] * (user_id is None)),
        *(
            [fault("/beneficiaryName", "a name, on one line")]
            * (not name or not name.isprintable())
        ),
    ]
    if errors or user_id is None:
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(body.user_id or user_id) or not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    try:
        iban = read_iban(body.iban)
    except IbanInvalid as wrong:
        return problem("BANK_IBAN_INVALID", call.ticket, errors=[fault("/iban", str(wrong))])
    if not iban.sepa:
        text = f"no SEPA transfer reaches an account of {iban.country}"
        return problem("BANK_IBAN_INVALID", call.ticket, errors=[fault("/iban", text)])
    if not port.rules.payouts.served:
        return problem("BANK_PROVIDER_UNAVAILABLE", call.ticket)
    return Wanted(user_id, body.points, iban, name)


async def terms_now(port: Port, call: Call, wanted: Wanted) -> Terms | Response:
    """The terms of now; whose account it is, is asked, for a few seconds at most."""
    rules, now = port.rules.payouts, port.now_ms()
    gross = wanted.points * rules.value_cents
    fee = gross * rules.fee_bp // BASIS_POINTS
    if gross <= fee:
        return problem("BANK_WITHDRAWAL_MINIMUM", call.ticket)
    reference = call.draw("payee")[:REFERENCE_BYTES]
    asked = VerifyPayee(wanted.iban.number, wanted.name, reference, now)
    found = await port.verify_payee(asked, wanted.user_id)
    return Terms(
        wanted.user_id, wanted.points, wanted.iban.number, wanted.name, rules.value_cents, gross, fee,
        rules.currency, found.answer, found.name, now, now + rules.quote_ms,
    )  # fmt: skip


def terms_of(port: Port, call: Call, wanted: Wanted, quote_id: str) -> Terms | Response:
    """Those of a quote, if it is this person's, holds still, and is for this."""
    terms = _opened(port, quote_id)
    if terms is None or terms.user_id != wanted.user_id:  # another's is as one that never was
        errors = [fault("/quoteId", "a quote that was given to this person")]
        return problem("QUOTE_INVALID", call.ticket, errors=errors)
    if terms.expires_at <= port.now_ms():
        return problem("QUOTE_EXPIRED", call.ticket)
    pairs = {
        "/points": (terms.points, wanted.points),
        "/iban": (terms.iban, wanted.iban.number),
        "/beneficiaryName": (terms.name, wanted.name),
    }
    errors = [
        fault(at, "not as quoted") for at, (quoted, asked) in pairs.items() if quoted != asked
    ]
    return problem("QUOTE_CHANGED", call.ticket, errors=errors) if errors else terms


def confirmed(call: Call, terms: Terms, rules: PayoutRules, *, accepted: bool) -> Response | None:
    """What is told where its person has to confirm first whose account it is; None: they need not, or have."""
    wants = terms.answer in (CLOSE_MATCH, NO_MATCH) or (
        terms.answer == UNAVAILABLE and rules.confirm_unavailable
    )
    if accepted or not wants:
        return None
    code = f"PAYEE_{terms.answer.upper()}"
    errors = [fault("/acceptPayeeCheck", "true, once the person has seen what was said", code)]
    return problem("PAYEE_CHECK_NOT_CONFIRMED", call.ticket, errors=errors)


def seal(port: Port, terms: Terms) -> str:
    """A quote's id, which is the quote."""
    sealed = port.seal_quote(terms.user_id, msgspec.msgpack.encode(terms))
    return f"wq_{urlsafe_b64encode(sealed).rstrip(b'=').decode('ascii')}"


def _opened(port: Port, quote_id: str) -> Terms | None:
    if not _ID(quote_id):
        return None
    text = quote_id.removeprefix("wq_")
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    found = port.open_quote(sealed)
    return None if found is None else msgspec.msgpack.decode(found, type=Terms)

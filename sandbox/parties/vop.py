"""Verification of payee: a gateway of the European Payments Council's scheme, and all banks behind it.

Rule: it plays the inter-PSP API's one operation, strictly: headers, fields and answers as the scheme has them; the
name that a bank has is told on a close match alone. Whose an account is, is put there by tests
(`PUT /control/vop/holders`); of an account that nobody has put there, a check is not possible.

How names match is each bank's own; this one's is plain. Case, accents, punctuation, titles and the order of names
do not count. What is close: an initial for a name, a name left out beside the last one, a letter or two.

Source: portal.epc-vop.banfico.io/developers/responder/vop; docs.apicunia.com/docs/api/verification-of-payee;
docs.oracle.com "Inward VOP Requests - Name / Identifier Match Status Population"; interface.md 10; spec.md E18.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Effect, Inbound, Party
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, json_reply

NAME = "vop"
VERIFY = Operation("payees.verify", Direction.INBOUND)
HOLDERS_MAX = 10_000
TITLES = frozenset((
    "m", "mr", "mrs", "ms", "mme", "mlle", "dr", "prof", "herr", "frau", "monsieur", "madame", "mademoiselle",
    "mister",
))  # fmt: skip
LETTERS_MAX = 2
"""That differ in what is still close."""
SHORT_LETTERS = 4
"""A name of fewer is another name with one letter changed."""

_Max140 = Annotated[str, Meta(min_length=1, max_length=140)]
_Iban = Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}\Z")]
_Bic = Annotated[str, Meta(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?\Z")]


class _Given(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """A body that is read whole."""


class PartyName(_Given, frozen=True):
    """Who is to be paid."""

    name: _Max140


class Account(_Given, frozen=True):
    """Where to."""

    iban: _Iban


class Institution(_Given, frozen=True):
    """A participant."""

    bicfi: _Bic


class Agent(_Given, frozen=True):
    """A participant, in the words of ISO 20022."""

    financial_institution_id: Institution


class Verify(_Given, frozen=True):
    """`POST /v1/payee-verifications`, the check of a name."""

    party: PartyName
    party_account: Account
    requesting_agent: Agent
    party_agent: Agent | None = None
    """A gateway looks it up by the IBAN."""
    unstructured_remittance_information: Annotated[list[_Max140], Meta(max_length=1)] = (
        msgspec.field(default_factory=list[_Max140])
    )


class Holder(_Given, frozen=True):
    """Whose an account is."""

    iban: _Iban
    names: Annotated[list[_Max140], Meta(min_length=1, max_length=10)]
    """More than one: a joint account."""


class Holders(_Given, frozen=True):
    """`PUT /control/vop/holders`: added to those that are there."""

    items: Annotated[list[Holder], Meta(max_length=HOLDERS_MAX)]


@dataclass(slots=True)
class Vop:
    """Whose accounts are."""

    _holders: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def party(self) -> Party:
        """What it is asked."""
        path = "/vop/v1/payee-verifications"
        return Party(NAME, inbound=(Inbound(VERIFY, "POST", path, self._verify),))

    def routes(self) -> list[Route]:
        """What tests put there."""
        return [Route("PUT", "/control/vop/holders", self._put)]

    def reset(self) -> None:
        """Nobody has an account."""
        self._holders.clear()

    async def _put(self, call: Call) -> Outcome:
        given = decode(call.request.body, Holders)
        if len({*self._holders, *(one.iban for one in given.items)}) > HOLDERS_MAX:
            raise Refused(422, "REQUEST_INVALID", f"{HOLDERS_MAX} accounts at most")
        self._holders.update({one.iban: list(one.names) for one in given.items})
        return json_reply(200, {"accounts": len(self._holders)})

    def _verify(self, call: Call) -> Effect:
        headers = call.request.headers
        try:
            _require(headers)
            asked = decode(call.request.body, Verify)
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)
        names = self._holders.get(asked.party_account.iban)
        told: dict[str, Any] = {"partyNameMatch": "NOAP"}
        if names is not None:
            word, name = max((_judged(asked.party.name, one), one) for one in names)
            told = {"partyNameMatch": WORDS[word]}
            if WORDS[word] == "CMTC":
                told["matchedName"] = name
        more = (("X-Request-ID", headers["x-request-id"]),)
        return Effect(json_reply(200, told, more), happened=False)


WORDS = ("NMTC", "CMTC", "MTCH")


def _require(headers: Mapping[str, str]) -> None:
    """Hold what every request shows.

    Raises:
        Refused: it does not.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401, "CLIENT_UNKNOWN", "a bearer token")
    try:
        UUID(headers.get("x-request-id", ""))
        moment = datetime.fromisoformat(headers.get("x-request-timestamp", ""))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(400, "FORMAT_ERROR", "X-Request-ID is a UUID, X-Request-Timestamp a time")


def _judged(asked: str, held: str) -> int:
    """Place in `WORDS`: how well a name is the one that the bank has."""
    ours, theirs = _words(asked), _words(held)
    if not ours or not theirs:
        return 0
    if sorted(ours) == sorted(theirs):
        return 2
    return 1 if _is_close(ours, theirs) else 0


def _words(name: str) -> list[str]:
    """Its words, as far as they tell people apart."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe").replace("æ", "ae"))
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    words = re.findall(r"[^\W_]+", letters)
    return [word for word in words if word not in TITLES] or words


def _is_close(ours: list[str], theirs: list[str]) -> bool:
    fewer, more = sorted((ours, theirs), key=len)
    left = list(more)
    differ = 0
    whole = 0
    """Words that are the same."""
    for word in fewer:
        cost, best = min((_cost(word, one), one) for one in left)
        differ += cost
        whole += word == best
        left.remove(best)
    if len(fewer) == len(more):
        return differ <= LETTERS_MAX
    # A name was left out: the others must be there, the last one among them, and not it alone.
    return whole == len(fewer) > 1 and theirs[-1] in ours


def _cost(one: str, other: str) -> int:
    """How far two words are apart; an initial stands for its name, and costs one."""
    if one == other:
        return 0
    if 1 in (len(one), len(other)) and one[0] == other[0]:
        return 1
    if min(len(one), len(other)) < SHORT_LETTERS:
        return LETTERS_MAX + 1
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]

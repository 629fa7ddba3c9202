"""Verification of payee as the European Payments Council's scheme has it, through a gateway of it.

Rule: one `POST {base}/v1/payee-verifications` for one check, in the inter-PSP API's own fields: `party.name`,
`partyAccount.iban`, `partyAgent` and `requestingAgent` by BIC, `X-Request-ID` and `X-Request-Timestamp`; what is
answered is `partyNameMatch`, one of MTCH, CMTC (with `matchedName`), NMTC and NOAP. `partyAgent` is left out where
the registry of IBANs names no BIC: a gateway looks it up. Any other answer is none.

We are no PSP, and so no participant of the scheme: a participant, or a provider of routing and verification (RVM),
asks for us. That is why we show a bearer token; who must show a QWAC puts a proxy of their own in between.
Source: spec.md E18; EPC "Verification Of Payee Scheme Inter-PSP API Specifications" as told by
portal.epc-vop.banfico.io/developers/responder/vop, docs.apicunia.com (verification-of-payee/standard and /gateway),
docs.verification-of-payee.com/02-integration/endpoints/01-verification and documentation.finapi.io/vopservice.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from comptoir.actors.gateways.bank import SERVER_ERRORS, TOO_MANY_REQUESTS
from comptoir.actors.gateways.payee import PayeeVerified, VerifyPayee
from comptoir.actors.withdrawal.messages import CLOSE_MATCH, MATCH, NO_MATCH, UNAVAILABLE
from comptoir.engine.gateway_spec import CallFault

__all__ = ["VopPayees"]

PATH: Final = "/v1/payee-verifications"
ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {"MTCH": MATCH, "CMTC": CLOSE_MATCH, "NMTC": NO_MATCH, "NOAP": UNAVAILABLE}
)
TIMESTAMP_MS: Final = 1000


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of an answer."""

    party_name_match: str
    matched_name: str | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class VopPayees:
    """The scheme, by one of its gateways."""

    def __init__(self, client: httpx.AsyncClient, token: str, agent_bic: str) -> None:
        """Speak to it.

        Args:
            client: with the gateway's base URL.
            token: what proves who we are there.
            agent_bic: of the institution that asks for us.
        """
        self._client, self._token, self._agent = client, token, agent_bic

    def __repr__(self) -> str:
        return f"<VopPayees {self._agent}>"

    async def verify(self, wanted: VerifyPayee) -> PayeeVerified:
        """Ask once.

        Raises:
            CallFault: PAYEE_UNREACHABLE, PAYEE_UNAVAILABLE, PAYEE_CHECK_REFUSED or PAYEE_ANSWER_INVALID.
        """
        moment = datetime.fromtimestamp(wanted.at / TIMESTAMP_MS, UTC)
        headers = {
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
            "x-request-id": str(UUID(bytes=wanted.reference, version=4)),
            "x-request-timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        body = msgspec.json.encode(self._question(wanted))
        try:
            response = await self._client.post(PATH, content=body, headers=headers)
        except httpx.RequestError as error:
            raise CallFault("PAYEE_UNREACHABLE", retryable=True) from error
        if response.status_code >= SERVER_ERRORS or response.status_code == TOO_MANY_REQUESTS:
            raise CallFault("PAYEE_UNAVAILABLE", retryable=True)
        if not response.is_success:
            raise CallFault("PAYEE_CHECK_REFUSED", retryable=False, sick=False)
        return _read(response)

    def _question(self, wanted: VerifyPayee) -> dict[str, Any]:
        question: dict[str, Any] = {
            "party": {"name": wanted.name},
            "partyAccount": {"iban": wanted.iban},
            "requestingAgent": _agent(self._agent),
        }
        bic = _bic_of(wanted.iban)
        return {**question, "partyAgent": _agent(bic)} if bic else question


def _read(response: httpx.Response) -> PayeeVerified:
    try:
        found = _ANSWER.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallFault("PAYEE_ANSWER_INVALID", retryable=True) from error
    answer = ANSWERS.get(found.party_name_match)
    if answer is None:
        raise CallFault("PAYEE_ANSWER_INVALID", retryable=True)
    return PayeeVerified(answer, found.matched_name or "")


def _agent(bic: str) -> dict[str, Any]:
    return {"financialInstitutionId": {"bicfi": bic}}


def _bic_of(iban: str) -> str:
    """The BIC of whoever keeps the account, as far as the registry names one."""
    try:
        bic = IBAN(iban).bic
    except SchwiftyException:
        return ""
    return "" if bic is None else str(bic)

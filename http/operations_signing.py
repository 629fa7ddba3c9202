"""The rows of contracts, their signature and the proof of it (operations.py has the rule).

Source: interface.md 8 (rows c2) and 9; spec.md S6, S28, S34; docs/authorization.md; docs/signature.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import sending_signers, signing, verifying
from comptoir.http import shapes_signing as shapes
from comptoir.http.oauth.requests import FORM
from comptoir.http.operation import Body, Door, Handler, Operation, Owner, Parameter, Reach
from comptoir.http.operations_documents import ONE_FILE, SEES, THE_FILE
from comptoir.http.page import HTML
from comptoir.http.portal import contract
from comptoir.http.portal.rows import FILE
from comptoir.http.principal import Role

__all__ = ["SIGNING"]

_SIGNS: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
"""Nobody signs for a client."""
_READ: Final = ("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE")
_ACTS: Final = (*_READ, "REQUEST_MALFORMED", "REQUEST_INVALID")
_SIGNATURE: Final = f"{ONE_FILE}/signature"
_PAGE: Final = "/portal/{onboardingId}/contract"
_OF_PAGES: Final = ("NOT_FOUND", "REQUEST_MALFORMED", "VAULT_ERASED", "STORAGE_UNAVAILABLE")
_SHOWN: Final = {
    200: Body("A page.", None, HTML, headers=("Set-Cookie",)),
    403: Body("The code was not accepted.", None, HTML),
    409: Body("It cannot be done as it stands.", None, HTML),
    410: Body("It is over.", None, HTML),
    429: Body("It was asked for too often.", None, HTML),
    503: Body("It cannot be done just now.", None, HTML),
}  # fmt: skip


def _form(name: str, path: str, summary: str, handle: Handler) -> Operation:
    return Operation(
        name, "POST", f"{_PAGE}/{path}", summary, "portal", Door.OPEN, _SHOWN,
        handle, problems=_OF_PAGES, parameters=(FILE,),
        body=Body("A form.", shapes.SigningForm, FORM, required=False),
    )  # fmt: skip


SIGNING: Final = (
    Operation(
        "getContract", "GET", _SIGNATURE, "How far the signature of the contract is", "onboarding",
        Door.TOKEN, {200: Body("It.", shapes.Contract)}, signing.show, problems=_READ, grants=SEES,
        owner=Owner.ANSWER, parameters=(THE_FILE,),
    ),
    Operation(
        "readContract", "GET", f"{_SIGNATURE}/contract", "The contract, signed where it is signed",
        "onboarding", Door.TOKEN, {200: Body("The PDF.", None, signing.PDF)}, signing.document,
        problems=(*_READ, "OBJECTS_UNAVAILABLE"), grants=SEES, owner=Owner.ANSWER, parameters=(THE_FILE,),
    ),
    Operation(
        "signContract", "POST", f"{_SIGNATURE}/sign", "Its client signs it", "onboarding", Door.TOKEN,
        {200: Body("It is signed.", shapes.Contract)}, signing.sign,
        problems=(
            *_ACTS, "SIGNATURE_OVER", "SIGNATURE_UNREAD", "SIGNATURE_STALE", "CONSENT_MISSING", "SIGNATURE_CODE_NEEDED",
        ),
        grants=_SIGNS, owner=Owner.ANSWER, parameters=(THE_FILE,), body=Body("What.", shapes.ContractSigned),
    ),
    Operation(
        "sendSigner", "POST", f"{_SIGNATURE}/address", "Where its client signs, on the provider's page", "onboarding",
        Door.TOKEN, {200: Body("An address, good once and for five minutes.", shapes.SigningAddress)},
        sending_signers.address,
        problems=(
            *_READ, "SIGNATURE_ELSEWHERE", "SIGNATURE_NOT_READY", "SIGNATURE_OVER", "SIGNATURE_CODE_NEEDED",
            "SIGNING_UNAVAILABLE", "RATE_LIMITED",
        ),
        grants=_SIGNS, owner=Owner.ANSWER, parameters=(THE_FILE,), kept=False,
    ),
    Operation(
        "declineContract", "POST", f"{_SIGNATURE}/decline", "Its client does not sign it", "onboarding",
        Door.TOKEN, {200: Body("It is declined.", shapes.Contract)}, signing.decline, problems=_ACTS,
        grants=_SIGNS, owner=Owner.ANSWER, parameters=(THE_FILE,),
        body=Body("Why.", shapes.ContractDeclined, required=False),
    ),
    Operation(
        "getContractPage", "GET", _PAGE, "The page where a client reads and signs", "portal", Door.OPEN,
        {200: Body("A page.", None, HTML)}, contract.show, problems=_OF_PAGES,
        parameters=(
            FILE,
            Parameter("event", "query", "What the provider's page sends along; it proves nothing.", {"type": "string"}),
        ),
    ),
    _form("wantSigningCode", "code", "A code to sign with", contract.want_code),
    _form("signContractByForm", "sign", "What that page sends", contract.sign),
    _form("sendSignerByForm", "address", "A client goes on to the provider's page", contract.send_on),
    _form("declineContractByForm", "decline", "Likewise", contract.decline),
    Operation(
        "getVerifyPage", "GET", verifying.VERIFY_PATH, "A page where anybody has a signed PDF verified",
        "verification", Door.OPEN, {200: Body("A page.", None, HTML)}, verifying.show,
    ),
    Operation(
        "verifyDocument", "POST", verifying.VERIFY_PATH, "Whether a signed PDF is what was signed",
        "verification", Door.OPEN,
        {200: Body("What is to be said; a page to whoever sends the form.", shapes.Verified, also=(HTML,))},
        verifying.verify, problems=("REQUEST_MALFORMED",),
        body=Body("The PDF.", None, signing.PDF, also=(verifying.FORM_DATA,)),
    ),
)  # fmt: skip

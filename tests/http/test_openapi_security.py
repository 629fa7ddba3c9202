"""The description says of every operation who may call it, and by which way; whoever generates code reads it.

Rule: what is described is compared with the doors that are executed, with the paths of the same document,
and with what discovery announces. That the daemon keeps to it: schemathesis (test_fuzz.py), test_policy.py.
Source: OpenAPI 3.1.0 sections 4.8.27 to 4.8.30; RFC 6750 section 3; interface.md 9.
"""

from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from comptoir.http.identity.documents import openid_configuration
from comptoir.http.oauth.discovery import ENDPOINTS_SERVED
from comptoir.http.oauth.sessions import COOKIE_NAMES
from comptoir.http.openapi import described
from comptoir.http.openapi_security import alternatives, schemes
from comptoir.http.operation import Assurance, Body, Door, Operation, Proof, Reach
from comptoir.http.operations import OPERATIONS
from comptoir.http.principal import Role

DOCUMENT: dict[str, Any] = orjson.loads(described(OPERATIONS, 50, 500))
SCHEMES: dict[str, Any] = DOCUMENT["components"]["securitySchemes"]
ISSUER = "https://comptoir.example"


def _shown(operation: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return shown


def _answer(operation: Operation, status: int) -> dict[str, Any]:
    """What is said of a status, wherever it stands."""
    answer: dict[str, Any] = _shown(operation)["responses"][str(status)]
    name = answer.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["responses"][name] if name else answer


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_every_operation_says_what_it_takes(operation: Operation) -> None:
    """Interface.md 5 and 9, S34: a token, a client's secret, a browser's session, a signature, or nothing."""
    security: list[dict[str, list[str]]] = _shown(operation)["security"]
    kinds = {frozenset(SCHEMES[name]["type"] for name in one) for one in security}
    match operation.door, operation.proof:
        case Door.TOKEN, None:
            assert security[0] == {"accessToken": []}
            assert kinds == {frozenset({kind}) for kind in ("http", "oauth2", "openIdConnect")}
            assert {} not in security, "nobody gets by without"
        case Door.SIGNED, Proof.SEED:
            assert [sorted(one) for one in security] == [["webhookSignature", "webhookTimestamp"]]
        case Door.SIGNED, Proof.POWENS:
            assert [sorted(one) for one in security] == [["powensDate", "powensSignature"]]
        case Door.SIGNED, Proof.PLAID:
            assert security == [{"plaidVerification": []}]
        case Door.SIGNED, Proof.TINK:
            assert security == [{"tinkSignature": []}]
        case Door.SIGNED, Proof.DOCUSIGN:
            assert security == [{"docusignSignature": []}]
        case Door.SIGNED, Proof.UPLOAD:
            assert security == [{"uploadSignature": []}]
        case Door.OPEN, Proof.CLIENT:
            assert security == [{"clientSecret": []}, {}], "public clients have no secret"
        case Door.OPEN, Proof.SESSION:
            assert [*(SCHEMES[name]["name"] for one in security for name in one)] == [*COOKIE_NAMES]
            assert security[-1] == {}, "who is not signed in is led to where they can"
        case _:
            assert security == []
            assert operation.door in (Door.OPEN, Door.LOCAL)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_refusals_are_described(operation: Operation) -> None:
    """RFC 6750 section 3, RFC 6749 section 5.2: whoever must show something hears 401 where it does not hold,
    with a challenge but from senders of webhooks, and whoever may not hears 403.
    """
    statuses = _shown(operation)["responses"].keys()
    if operation.door in (Door.TOKEN, Door.SIGNED):
        assert {"401", "403"} <= statuses
    if operation.door is Door.TOKEN:
        for status, code in ((401, "UNAUTHENTICATED"), (403, "FORBIDDEN")):
            answer = _answer(operation, status)
            assert code in answer["description"]
            assert "WWW-Authenticate" in answer["headers"]
    if operation.proof is Proof.CLIENT:
        assert "WWW-Authenticate" in _answer(operation, 401)["headers"]


def test_addresses_of_the_flows_are_operations_and_announced() -> None:
    """RFC 6749 section 3, Discovery 1.0: every address is a path of this document, by its method, and the
    one that discovery names.
    """
    announced = openid_configuration(ISSUER, ENDPOINTS_SERVED)
    flows = SCHEMES["oauth2"]["flows"]
    assert flows.keys() == {"authorizationCode", "clientCredentials"}
    code = flows["authorizationCode"]
    found = {
        "authorization_endpoint": (str(code["authorizationUrl"]), "get"),
        "token_endpoint": (str(code["tokenUrl"]), "post"),
    }
    assert code["refreshUrl"] == code["tokenUrl"] == flows["clientCredentials"]["tokenUrl"]
    for name, (address, method) in found.items():
        assert not urlsplit(address).netloc, "wherever the daemon is reached"
        assert method in DOCUMENT["paths"][address]
        assert announced[name] == ISSUER + address
    assert "get" in DOCUMENT["paths"][SCHEMES["openIdConnect"]["openIdConnectUrl"]]


def test_no_scheme_is_there_for_nothing() -> None:
    """S73: each scheme is one that an operation takes, and has a text for people."""
    used = {name for one in OPERATIONS for way in alternatives(one) for name in way}
    assert used == SCHEMES.keys()
    assert all(scheme["description"] for scheme in SCHEMES.values())
    assert schemes(()) == {}


def test_a_service_needs_one_of_the_scopes() -> None:
    """X7: where a row names scopes, a service's token has one of them; a person's needs none."""
    row = Operation(
        "x", "POST", "/x", "s", "t", Door.TOKEN, {200: Body("b")}, OPERATIONS[0].handle,
        grants={Role.ADMIN: Reach.ANY}, scopes={"a:b": Reach.ANY, "c:d": Reach.ANY},
        assurance=Assurance.TWO_FACTORS,
    )  # fmt: skip
    ways = [[], ["a:b"], ["c:d"]]
    assert alternatives(row) == [
        {"accessToken": []}, *({"oauth2": way} for way in ways),
        *({"openIdConnect": way} for way in ways),
    ]  # fmt: skip
    flow = schemes((row,))["oauth2"]["flows"]["clientCredentials"]
    assert flow["scopes"].keys() == {"a:b", "c:d"}

"""Published vectors: tokens and keys that others wrote down, and what must become of them.

Rule: a vector that this profile takes is taken, one of another algorithm is refused by its name.
Source: RFC 7515 appendix A, RFC 7517 appendix A, RFC 7519 sections 3.1 and 6.1, RFC 7638 section 3.1,
RFC 8037 appendix A.4; Project Wycheproof, json_web_key_test.json and json_web_signature_test.json.
"""

from typing import Any

import pytest

from comptoir.http.identity import claims
from comptoir.http.identity.checks import check_jwk, check_jwt
from comptoir.http.identity.compact import take_apart
from comptoir.http.identity.keys import KeySet, public_key
from comptoir.http.identity.refused import KeyRefused, TokenRefused
from comptoir.http.identity.tokens import signature_holds
from tests.http.identity.forge import Forge, key

PAYLOAD = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
CLAIMS = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
RFC7515_A2_KEY = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0"
    "Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5r"
    "exMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXF"
    "vUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "e": "AQAB",
}
RFC7515_A2 = (
    f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju"
    "jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
    "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
    "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
OTHER_ALGORITHMS = {
    "RFC 7515 A.1, HS256": "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    f"{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "RFC 7515 A.3, ES256": f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    "RFC 8037 A.4, EdDSA": "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
}
RFC7517_A1_RSA = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
    "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvzq"
    "Y368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
RFC7517_A1_EC = {
    "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "enc", "kid": "1",
}  # fmt: skip
RFC7517_A3 = {"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"}
WYCHEPROOF_RSA = {
    "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "kid-rsa-sign", "e": "AQAB",
    "n": "kqGboBfAWttWPCA-0cGRgsY6SaYoIARt0B_PkaEcIq9HPYNdu9n6UuWHuuTHrjF_ZoQW97r5HaAorNvrMEGTGdxCHZ"
    "dEtkHvNVVmrtxTBLiQCbCozXhFoIrVcr3qUBrdGnNn_M3jJi7Wg7p_-x62nS5gNG875oyheRkutHsQXikFZwsN3q_TsPNO"
    "VlCiHy8mxzaFTUQGm-X8UYexFyAivlDSjgDJLAZSWfxd7k9Gxuwa3AUfQqQcVcegmgKGCaErQ3qQbh1x7WB6iopE3_-GZ8"
    "HMAVtR9AmrVscqYsnjhaCehfAI0iKKs8zXr8tISc0ORbaalrkk03H1ZrsEnDKEWQ",
}  # fmt: skip
WYCHEPROOF_TOKEN = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtpZC1yc2Etc2lnbiJ9.Zm9v."
    "HUwxI1-cZrZgcuOgBQ7G7NE-GrqK79l6GV1KT4DKXnSMFwC8pfZCzE7pmLE7mYpLCIvzC87yuOjuhT0uW5oe6aaAEtR978"
    "cm-q8dfly45flqMrd_ifhi9GCsMlyi8dpQ42Ou1etZljFZuWjfyk8CN1c5DaHRwhqjScAPIFp6xmzKIRUJ_xdQfUSfSluj"
    "LaixtScU518EoNP4oo1v7E8RAz6ZO4g2N4Xqs8OvSxYydcoTEg42QnLHe9JnXgI37Q5gSwinwaPsG3Ry56UYiLoL8mCUa7"
    "4S51y02VsIgVmmGWgaXjM-i_lCiKQDBiBnvWlka4XhVuvd6ZWibM9cbCPtPg"
)
WYCHEPROOF_ROCA = {
    "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "kid-rsa-roca-sign", "e": "AQAB",
    "n": "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId"
    "7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs"
    "3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg"
    "_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE",
}  # fmt: skip
WYCHEPROOF_1024 = {
    "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "RS256_1024", "e": "AQAB",
    "n": "rJBIp6T1YK-RtPyvYqFFlcucqewSAA_IReSFchE8qyiQrbARqRlXWkB2DR8j_pJQnIpYELbQWZC5Cd0PTGAU8rMbar"
    "2AW6zpmBbi7aQf17lUBdt8XI9M9rq7FPVQ1dDdUXm1SVH_9qqWhvMPR422SbfHBEzCAtzK0ANDRo6qz78",
}  # fmt: skip


def test_rfc_7515_a2() -> None:
    """RFC 7515 A.2 (S62): the RS256 example is verified, with its line breaks, and without any `kid`."""
    asked: dict[str, Any] = {"token": RFC7515_A2, "jwks": {"keys": [RFC7515_A2_KEY]}}
    assert check_jwt(asked) == {"ok": True, "claims": CLAIMS}
    assert check_jwt({**asked, "issuer": "joe", "now": 1300819380})["ok"] is True
    assert check_jwt({**asked, "now": 1300819380.75})["ok"] is True
    late = check_jwt({**asked, "issuer": "joe", "now": 1300819380 + claims.SKEW_S})
    assert late["error"]["code"] == "TOKEN_EXPIRED"
    # The library behind it was asked about this very signature.
    assert signature_holds(take_apart(RFC7515_A2), public_key(RFC7515_A2_KEY))
    assert not signature_holds(take_apart(RFC7515_A2), public_key(RFC7517_A1_RSA))


@pytest.mark.parametrize("name", OTHER_ALGORITHMS)
def test_other_algorithms(name: str) -> None:
    """S62: examples of other algorithms are refused before a key is looked for."""
    with pytest.raises(TokenRefused) as caught:
        take_apart(OTHER_ALGORITHMS[name])
    assert caught.value.reason == "algorithm_unsupported"


def test_unsecured() -> None:
    """RFC 7519 6.1, RFC 7515 A.5 (S62): the unsecured example proves nothing."""
    with pytest.raises(TokenRefused) as caught:
        take_apart(f"eyJhbGciOiJub25lIn0.{PAYLOAD}.")
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        (RFC7517_A1_RSA, None),
        (RFC7515_A2_KEY, None),
        (WYCHEPROOF_RSA, None),
        (RFC7517_A1_EC, "KEY_TYPE_UNSUPPORTED"),
        ({**RFC7517_A1_RSA, "d": "AQAB"}, "KEY_PRIVATE"),
        (RFC7517_A3, "KEY_PRIVATE"),
        (WYCHEPROOF_ROCA, "KEY_WEAK"),
        (WYCHEPROOF_1024, "KEY_WEAK"),
        ({**WYCHEPROOF_RSA, "e": "AQ"}, "KEY_WEAK"),
        ({**WYCHEPROOF_RSA, "use": "enc", "alg": "RSA1_5"}, "KEY_USE_REFUSED"),
        ({**RFC7517_A1_EC, "kty": "RSA"}, "KEY_USE_REFUSED"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
         "KEY_TYPE_UNSUPPORTED"),
    ],
)  # fmt: skip
def test_published_keys(jwk: dict[str, Any], code: str | None) -> None:
    """RFC 7517 A, RFC 8037 A.2, Wycheproof (S62): sound RSA keys for signatures, and no others."""
    answer = check_jwk({"jwk": jwk})
    assert answer["ok"] is (code is None)
    assert answer.get("error", {}).get("code") == code


def test_wycheproof_signature() -> None:
    """Wycheproof tcId 33 to 40 (S62): the valid signature holds, and none of its modifications."""
    keys = KeySet.of({"keys": [WYCHEPROOF_RSA]})
    token = take_apart(WYCHEPROOF_TOKEN)
    found = keys.find(token.key_id)
    assert found is not None
    assert signature_holds(token, found)
    header, _, signature = WYCHEPROOF_TOKEN.split(".")
    for changed in (f"{header}.Zm9v.X{signature[1:]}", f"{header}.WG9v.{signature}"):
        assert not signature_holds(take_apart(changed), found)
    other = take_apart(f"eyJhbGciOiJSUzI1NiIsImtpZCI6IlhpZC1yc2Etc2lnbiJ9.Zm9v.{signature}")
    assert keys.find(other.key_id) is None
    # Its payload, "foo", is no claims: the signature is not all.
    answer = check_jwt({"token": WYCHEPROOF_TOKEN, "jwks": {"keys": [WYCHEPROOF_RSA]}})
    assert answer["error"]["code"] == "TOKEN_MALFORMED"


def test_wycheproof_key_sets() -> None:
    """Wycheproof, MixedKeySet and DuplicateKid (S62): a set with a secret is refused whole, a `kid` that
    two keys have names neither.
    """
    for secret in (RFC7517_A3, {**RFC7517_A1_RSA, "d": "AQAB"}):
        with pytest.raises(KeyRefused):
            KeySet.of({"keys": [WYCHEPROOF_RSA, secret]})
    twin = {**RFC7517_A1_RSA, "kid": "kid-rsa-sign"}
    assert KeySet.of({"keys": [WYCHEPROOF_RSA, twin]}).find("kid-rsa-sign") is None


def test_rfc_7638_thumbprint() -> None:
    """RFC 7638 3.1 (S62): the thumbprint that our `kid`s are."""
    found = public_key(RFC7517_A1_RSA).key.thumbprint()
    assert found == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_rfc_7519_claims() -> None:
    """RFC 7519 3.1 (S34): its example of claims, signed as ours are, is read as it stands."""
    raw = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
    token = take_apart(Forge(header={"alg": "RS256"}, raw_payload=raw, signer=key("ours")).token())
    assert claims.judge(claims.read(token.payload), claims.Expected()) == CLAIMS

"""Tokens that must not be taken are not: by the authenticator, and by `comptoir check jwt`.

Rule: every attack is refused for its own reason, and none causes an outgoing connection.
Source: attacks.py; S34, S62; RFC 8725.
"""

import io
import json
from typing import Any

import pytest

from comptoir.engine.cli.checking import run_check
from comptoir.http.identity.authenticator import TokenAuthenticator
from comptoir.http.identity.claims import Claims
from comptoir.http.identity.compact import TypeRule, take_apart
from comptoir.http.identity.keys import KeySet, PublicKey
from comptoir.http.identity.refused import TOKEN_REASONS
from comptoir.http.principal import Principal, Role, Unauthenticated
from tests.http.identity.attacks import ATTACKS, Attack
from tests.http.identity.forge import ISSUER, NOW, Forge, having, right_claims

pytestmark = pytest.mark.usefixtures("no_network")


OTHERWISE = {"keys_unavailable", "revoked", "revocations_unknown"}
"""Words that no token earns by what it says."""


class Known:
    """An issuer whose keys are at hand."""

    name = ISSUER
    audience = "comptoir"
    roles_claim = "roles"
    type_rule: TypeRule = "rfc9068"

    def __init__(self, jwks: dict[str, Any]) -> None:
        self._keys = KeySet.of(jwks)

    async def find(self, key_id: str | None, now: int) -> PublicKey | None:
        """The key of that `kid`."""
        assert now == NOW
        return self._keys.find(key_id)

    def hold(self, claims: Claims) -> None:
        """Nothing is ended here before its time."""


@pytest.fixture
def authenticator(jwks: dict[str, Any]) -> TokenAuthenticator:
    """One that knows our issuer's keys."""
    return TokenAuthenticator([Known(jwks)], now=lambda: NOW)


def test_there_are_enough() -> None:
    """S62: at least sixty attacks, each with a name of its own, over every word of a refusal."""
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.reason for attack in ATTACKS} == TOKEN_REASONS - OTHERWISE


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_attack(authenticator: TokenAuthenticator, attack: Attack) -> None:
    """S34, S62: it is refused for what is wrong with it, by a word that repeats nothing of it."""
    token = attack.make()
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.principal([f"Bearer {token}"])
    # What no Authorization header could carry is refused before it is a token.
    assert caught.value.reason in (attack.reason, "not_bearer")
    assert (caught.value.reason == "not_bearer") <= (attack.reason == "malformed")
    assert caught.value.__context__ is None
    assert str(caught.value) == caught.value.reason


async def test_the_right_token(authenticator: TokenAuthenticator) -> None:
    """S34: the token that the attacks are made from is taken, and says who asks."""
    assert await authenticator.principal([f"Bearer {Forge().token()}"]) == Principal(
        subject="u1", issuer=ISSUER, roles=frozenset({Role.CLIENT}),
        scopes=frozenset({"wallet:read"}), methods=frozenset({"pwd"}), client_id="app",
        expires_at=NOW + 890,
    )  # fmt: skip


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("one of several audiences", {"aud": ["other", "comptoir"]}),
    ("expired within the skew", {"exp": NOW - 59, "iat": NOW - 900}),
    ("dated within the skew", {"iat": NOW + 60, "nbf": NOW + 60}),
    ("no scope", {"scope": ""}),
    ("no roles", {"roles": []}),
    ("claims that nobody knows", {"x": {"y": [1, 1.5, None, True]}}),
    ("the longest subject", {"sub": "u" * 255}),
]


@pytest.mark.parametrize(("name", "members"), RIGHT)
async def test_right_tokens(
    authenticator: TokenAuthenticator, name: str, members: dict[str, Any]
) -> None:
    """S34: strictness refuses none of what the standards allow and people need."""
    principal = await authenticator.principal([f"Bearer {Forge(claims=having(**members)).token()}"])
    assert principal.issuer == ISSUER, name


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_right_types(authenticator: TokenAuthenticator, typ: str) -> None:
    """RFC 9068 section 2.1, S34: the type of access tokens, with or without `application/`."""
    header = {"alg": "RS256", "typ": typ, "kid": "ours-1", "x5t": "AA"}
    principal = await authenticator.principal([f"bearer {Forge(header=header).token()}"])
    assert principal.subject == "u1"


@pytest.mark.parametrize("claim", ["client_id", "scope", "roles", "jti", "iat", "amr"])
async def test_claims_that_may_be_missing(authenticator: TokenAuthenticator, claim: str) -> None:
    """S34: what a token does not say grants nothing and refuses nothing."""
    claims = {name: value for name, value in right_claims().items() if name != claim}
    principal = await authenticator.principal([f"Bearer {Forge(claims=claims).token()}"])
    assert principal.subject == "u1"


async def test_unknown_roles_grant_nothing(authenticator: TokenAuthenticator) -> None:
    """S34, X7: words that are no roles here are passed over, whatever they look like."""
    words = [
        "admin",
        "ADMIN ",
        "ROOT",
        "OPERATIONS",
        "offline_access",
        "CLIENT\u200b",
        "ADMIN,CLIENT",
    ]
    words = [word for word in words if word.isprintable()]
    principal = await authenticator.principal(
        [f"Bearer {Forge(claims=having(roles=words)).token()}"]
    )
    assert principal.roles == {Role.OPERATIONS}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "missing"),
        (["Bearer {}", "Bearer {}"], "repeated"),
        ([""], "not_bearer"),
        (["{}"], "not_bearer"),
        (["Bearer"], "not_bearer"),
        (["Bearer "], "not_bearer"),
        (["Bearer  {}"], "not_bearer"),
        (["Bearer {} "], "not_bearer"),
        (["Bearer {},{}"], "not_bearer"),
        (["Basic {}"], "not_bearer"),
        (["DPoP {}"], "not_bearer"),
        (["Bearer\t{}"], "not_bearer"),
    ],
)
async def test_headers(authenticator: TokenAuthenticator, headers: list[str], reason: str) -> None:
    """RFC 6750 section 2.1, S34: exactly one header, one scheme, one token."""
    token = Forge().token()
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.principal([header.replace("{}", token) for header in headers])
    assert caught.value.reason == reason


def test_a_token_is_not_shown() -> None:
    """S62: a token that is on its way through has no text that a log could show."""
    token = Forge().token()
    shown = repr(take_apart(token))
    assert token[-20:] not in shown
    assert "u1" not in shown


async def test_what_became_of_tokens_is_counted(authenticator: TokenAuthenticator) -> None:
    """Style 14 (S62): accepted ones, and refused ones by their word, of which there are not many."""
    await authenticator.principal([f"Bearer {Forge().token()}"])
    for attack in ATTACKS[:60]:
        with pytest.raises(Unauthenticated):
            await authenticator.principal([f"Bearer {attack.make()}"])
    found = authenticator.statistics()
    assert (found.accepted, sum(found.refused.values())) == (1, 60)
    assert found.refused.keys() <= TOKEN_REASONS | {"missing", "repeated", "not_bearer"}


def test_the_check_refuses_the_same(jwks: dict[str, Any]) -> None:
    """S62: `comptoir check jwt` refuses what the daemon does, one answer a line, each with its code."""
    attacks = [attack for attack in ATTACKS if attack.check]
    asked = {"jwks": jwks, "issuer": ISSUER, "audience": "comptoir", "now": NOW}
    tokens = [attack.make() for attack in attacks] + [Forge().token()]
    source = io.BytesIO(
        b"".join(json.dumps({**asked, "token": t}).encode() + b"\n" for t in tokens)
    )
    sink = io.BytesIO()
    run_check("jwt", source, sink)
    *answers, right = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert right == {"ok": True, "claims": right_claims()}
    assert len(answers) == len(attacks) >= 60
    for attack, answer in zip(attacks, answers, strict=True):
        assert answer["ok"] is False, attack
        # A token that does not say whose it is: the daemon cannot look for a key, the check can.
        allowed = {f"TOKEN_{attack.reason.upper()}"}
        if attack.reason == "issuer_unknown":
            allowed.add("TOKEN_CLAIMS_INVALID")
        assert answer["error"]["code"] in allowed, (attack, answer)

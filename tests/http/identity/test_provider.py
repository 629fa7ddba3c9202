"""An external provider's keys: found, kept, fetched anew, and never by a token's word.

Rule: the provider is a fake that counts what it is asked, time is trio's own and jumps; the real one is
in test_oidc.py. Source: provider.py, fetching.py; S34, S62; OpenID Connect Discovery 4, Core 10.1.1.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.settings import AuthExternal
from comptoir.http.identity.authenticator import ExternalIssuer, TokenAuthenticator
from comptoir.http.identity.fetching import ANSWER_BYTES_MAX, client
from comptoir.http.identity.provider import Provider, ProviderRules
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.principal import Role, Unauthenticated
from tests.http.identity.attacks import ATTACKS
from tests.http.identity.forge import ISSUER, NOW, Forge, having, heading, key, public_jwk

HOME = "https://login.example/realm"
KEYS = "https://keys.example/jwks"
RULES = ProviderRules.of(AuthExternal(issuer=HOME, audience="api", token_type="lenient"))
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Party:
    """A provider that is asked; what it answers can be changed."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys = [public_jwk(key("ours"), kid="k1")]
        self.metadata: dict[str, Any] = {"issuer": HOME, "jwks_uri": KEYS}
        self.instead: Answer | None = None
        self.delay_s = 0.0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(str(request.url))
        assert request.headers["accept-encoding"] == "identity"
        await trio.sleep(self.delay_s)
        if self.instead is not None:
            return await self.instead(request)
        document = {"keys": self.keys} if str(request.url) == KEYS else self.metadata
        return httpx.Response(200, content=orjson.dumps(document))


@pytest.fixture
def party() -> Party:
    """A provider with one key."""
    return Party()


@pytest.fixture
async def provider(party: Party) -> AsyncIterator[Provider]:
    """Its keys, not fetched yet."""
    async with client(RULES.timeout_s, httpx.MockTransport(party)) as plain:
        yield Provider(RULES, plain)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.sampled_from([HOME, KEYS, "RSA", "k1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["issuer", "jwks_uri", "keys", "kty", "kid"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
_DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"issuer": st.just(HOME) | _VALUES, "jwks_uri": _VALUES, "keys": _VALUES}
)
METADATA = f"{HOME}/.well-known/openid-configuration"


async def test_keys_are_found_by_the_issuer(provider: Provider, party: Party) -> None:
    """Discovery 4 (S34): metadata first, then its keys, once for many tokens."""
    found = await provider.find("k1")
    assert found is not None
    assert found.key_id == "k1"
    for _ in range(5):
        await provider.find("k1")
    assert party.asked == [METADATA, KEYS]
    assert provider.statistics().keys == 1


async def test_many_at_once_share_one_fetch(
    provider: Provider, party: Party, autojump_clock: Any
) -> None:
    """S34: a hundred requests that find no key wait for one fetch."""
    party.delay_s = 1.0
    found: list[object] = []

    async def ask() -> None:
        found.append(await provider.find("k1"))

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(ask)
    assert party.asked == [METADATA, KEYS]
    assert len(found) == 100
    assert None not in found


async def test_rotation(provider: Provider, party: Party, autojump_clock: Any) -> None:
    """Core 10.1.1 (S34): a new `kid` is fetched at once, an old one is gone with the set."""
    await provider.find("k1")
    party.keys = [public_jwk(key("second"), kid="k2"), public_jwk(key("ours"), kid="k1")]
    await trio.sleep(RULES.retry_s)
    assert await provider.find("k2") is not None
    assert await provider.find("k1") is not None
    party.keys = party.keys[:1]
    await trio.sleep(RULES.refresh_s + 1)
    assert await provider.find("k1") is None
    assert await provider.find("k2") is not None


async def test_unknown_kids_cause_few_fetches(
    provider: Provider, party: Party, autojump_clock: Any
) -> None:
    """S62: however many tokens name keys that are not there, it is asked once in `keys_retry_s`."""
    for number in range(1000):
        assert await provider.find(f"none-{number}") is None
        await trio.sleep(RULES.retry_s / 100)
    seconds = 1000 * RULES.retry_s / 100
    assert provider.statistics().fetches <= seconds / RULES.retry_s + 1
    assert party.asked.count(METADATA) == 1
    assert set(party.asked) == {METADATA, KEYS}


async def test_keys_outlive_their_provider(
    provider: Provider, party: Party, autojump_clock: Any
) -> None:
    """S34: while it is away its keys verify up to `keys_stale_s`, are tried for in vain, and then no more."""

    async def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    await provider.find("k1")
    party.instead = away
    await trio.sleep(RULES.stale_s - 1)
    assert await provider.find("k1") is not None
    assert provider.statistics().failures == 1
    await trio.sleep(RULES.retry_s)
    with pytest.raises(TokenRefused) as caught:
        await provider.find("k1")
    assert caught.value.reason == "keys_unavailable"
    party.instead = None
    await trio.sleep(RULES.retry_s)
    assert await provider.find("k1") is not None


async def test_a_slow_provider_delays_one(
    provider: Provider, party: Party, autojump_clock: Any
) -> None:
    """S34: while old keys are fetched anew, others go on with them at once; the fetch ends in time."""
    await provider.find("k1")
    await trio.sleep(RULES.refresh_s + 1)
    party.delay_s = 1_000.0
    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        nursery.start_soon(provider.find, "k1")
        await trio.testing.wait_all_tasks_blocked()
        assert await provider.find("k1") is not None
        assert trio.current_time() == began
    assert trio.current_time() - began <= RULES.timeout_s


def _json(document: object) -> bytes:
    return orjson.dumps(document)


async def _endless(_: httpx.Request) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(ANSWER_BYTES_MAX // 1024 + 2):
            await trio.lowlevel.checkpoint()
            yield b" " * 1024
        raise AssertionError("read on beyond the bound")

    return httpx.Response(200, content=chunks())


async def _dripping(_: httpx.Request) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            await trio.sleep(1.0)
            yield b" "

    return httpx.Response(200, content=chunks())


def _answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(
            status, content=body, headers={n.replace("_", "-"): v for n, v in headers.items()}
        )

    return answer


BAD: dict[str, Answer] = {
    "endless": _endless,
    "dripping": _dripping,
    "redirect": _answer(302, location="https://attacker.example/"),
    "permanent redirect": _answer(308, location=METADATA),
    "error": _answer(500),
    "no content": _answer(204, b""),
    "compressed": _answer(body=b"\x1f\x8b", content_encoding="gzip"),
    "no JSON": _answer(body=b"<html>"),
    "a list": _answer(body=b"[]"),
    "no issuer": _answer(body=_json({"jwks_uri": KEYS})),
    "a member twice": _answer(
        body=b'{"issuer":"x",' + _json({"issuer": HOME, "jwks_uri": KEYS})[1:]
    ),
    "another issuer": _answer(body=_json({"issuer": HOME + "/", "jwks_uri": KEYS})),
    "an issuer in capitals": _answer(body=_json({"issuer": HOME.upper(), "jwks_uri": KEYS})),
}
ADDRESSES: list[Any] = [
    None, 1, "", "jwks", "/jwks", "http://keys.example/jwks", "http://127.0.0.1/jwks", "file:///etc/passwd",
    "ftp://keys.example/", "https://", "https://u:p@keys.example/", "https://[::1", "https://keys.example/\n",
    "gopher://127.0.0.1/", "https://k" + "e" * 2048,
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer(
    provider: Provider, party: Party, name: str, autojump_clock: Any
) -> None:
    """S34, S62: is no keys, within time and size, asks nobody else, and is tried again later."""
    party.instead = BAD[name]
    began = trio.current_time()
    with pytest.raises(TokenRefused) as caught:
        await provider.find("k1")
    assert caught.value.reason == "keys_unavailable"
    assert trio.current_time() - began <= RULES.timeout_s
    assert party.asked == [METADATA]
    party.instead = None
    await trio.sleep(RULES.retry_s)
    assert await provider.find("k1") is not None


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda value: str(value)[:30])
async def test_an_address_that_is_not_asked(
    provider: Provider, party: Party, address: object
) -> None:
    """S62: keys come over https, from an address that is one."""
    party.metadata = {"issuer": HOME, "jwks_uri": address}
    with pytest.raises(TokenRefused):
        await provider.find("k1")
    assert party.asked == [METADATA]


REFUSED_SETS: dict[str, list[Any]] = {
    "private": [public_jwk(key("ours"), kid="k1", d="AQAB")],
    "symmetric": [{"kty": "oct", "k": "AAAA", "kid": "k1"}],
    "too many": [{}] * 65,
}


@pytest.mark.parametrize("name", REFUSED_SETS)
async def test_a_set_that_is_refused(provider: Provider, party: Party, name: str) -> None:
    """S62: a set with a secret, or without bound, verifies nothing."""
    party.keys = REFUSED_SETS[name]
    with pytest.raises(TokenRefused) as caught:
        await provider.find("k1")
    assert caught.value.reason == "keys_unavailable"


@given(st.binary(max_size=60) | _DOCUMENTS.map(orjson.dumps), st.booleans())
async def test_any_answer_is_judged(body: bytes, metadata: bool) -> None:
    """Invariant 5, S34: whatever a provider answers is keys or none, and never another error."""
    party = Party()

    async def answer(request: httpx.Request) -> httpx.Response:
        if metadata or str(request.url) == KEYS:
            return httpx.Response(200, content=body)
        return httpx.Response(200, content=orjson.dumps(party.metadata))

    party.instead = answer
    async with client(RULES.timeout_s, httpx.MockTransport(party)) as plain:
        provider = Provider(RULES, plain)
        try:
            found = await provider.find("k1")
        except TokenRefused as refused:
            reason = refused.reason
        else:
            reason = "found" if found is not None else "key_unknown"
    assert reason in {"keys_unavailable", "key_unknown", "found"}
    assert reason != "found" or b'"n"' in body


async def test_its_tokens(provider: Provider, party: Party) -> None:
    """S34: roles are where the settings say, the audience is theirs, and another issuer is nobody."""
    rules = ProviderRules.of(
        AuthExternal(
            issuer=HOME, audience="api", token_type="lenient", roles_claim="/realm_access/roles"
        )
    )
    provider.rules = rules
    authenticator = TokenAuthenticator([ExternalIssuer(provider)], now=lambda: NOW)

    async def ask(forge: Forge) -> Any:
        return await authenticator.principal([f"Bearer {forge.token()}"])

    def forge(**members: Any) -> Forge:
        claims = having(iss=HOME, aud=["account", "api"], azp="web", **members)
        del claims["client_id"]
        return Forge(header={"alg": "RS256", "typ": "JWT", "kid": "k1"}, claims=claims)

    inside = {"realm_access": {"roles": ["COMPLIANCE", "offline_access"]}}
    principal = await ask(forge(**inside, roles=["ADMIN"]))
    assert (principal.issuer, principal.roles, principal.client_id) == (
        HOME,
        {Role.COMPLIANCE},
        "web",
    )
    assert (await ask(forge())).roles == set()
    assert (await ask(forge(realm_access={}))).roles == set()
    for wrong in ("x", {"roles": "ADMIN"}, {"roles": [1]}, ["ADMIN"]):
        with pytest.raises(Unauthenticated, match="claims_invalid"):
            await ask(forge(realm_access=wrong))
    with pytest.raises(Unauthenticated, match="issuer_unknown"):
        await ask(Forge(header=heading(kid="k1")))
    assert party.asked == [METADATA, KEYS]


async def test_no_attack_makes_a_request(party: Party) -> None:
    """S62, RFC 8725: every attack that there is, played at a provider's issuer: none is taken, and however many
    come, the provider is asked for its metadata and its keys, once, and nobody else for anything.
    """
    rules = ProviderRules.of(AuthExternal(issuer=ISSUER, audience="comptoir", token_type="rfc9068"))
    party.metadata = {"issuer": ISSUER, "jwks_uri": KEYS}
    names = {"ours": "ours-1", "second": "ours-0"}
    party.keys = [public_jwk(key(name), kid=kid) for name, kid in names.items()]
    async with client(rules.timeout_s, httpx.MockTransport(party)) as plain:
        external = ExternalIssuer(Provider(rules, plain))
        authenticator = TokenAuthenticator([external], now=lambda: NOW)
        right = await authenticator.principal([f"Bearer {Forge().token()}"])
        assert right.subject == "u1", "what the attacks are made from is taken"
        asked = list(party.asked)
        for attack in ATTACKS:
            with pytest.raises(Unauthenticated):
                await authenticator.principal([f"Bearer {attack.make()}"])
    assert len(ATTACKS) >= 60
    assert party.asked == asked == [f"{ISSUER}/.well-known/openid-configuration", KEYS]


async def test_addresses_in_a_token_are_not_called(provider: Provider, party: Party) -> None:
    """RFC 8725 3.10 (S62): whatever a token says of keys, only the provider is asked, and no more often."""
    authenticator = TokenAuthenticator([ExternalIssuer(provider)], now=lambda: NOW)
    evil = "https://attacker.example/"
    headers = [
        heading(jku=evil), heading(x5u=evil), heading(kid=evil), heading(kid="k1", jku=evil),
        heading(jwk=public_jwk(key("stranger"))),
    ]  # fmt: skip
    for issuer in (HOME, evil, f"{HOME}@attacker.example", f"{HOME}/../../x"):
        for header in headers:
            token = Forge(header=header, claims=having(iss=issuer, aud="api")).token()
            with pytest.raises(Unauthenticated):
                await authenticator.principal([f"Bearer {token}"])
    assert party.asked == [METADATA, KEYS]

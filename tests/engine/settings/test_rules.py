"""What may not stand together, and what a start must have.

Source: S53, S54, S62, S23; the outside's promise of exit status 5 for weak secrets.
"""

import secrets
from base64 import b64encode
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.settings import (
    DEMO_WEBHOOK_SECRET,
    DatabaseUrl,
    Secret,
    Settings,
    SettingsError,
    Tier,
    check_start,
    is_loopback,
)

Values = dict[tuple[str, ...], object]
GOOD = Secret("b7d9f2a41c6e8035d1f4a7c2e95b8063")
OTHER = Secret("40e1c93b7a5d2f8816b0fa97d34c5e62")


def broken(values: Values) -> list[str]:
    """The places of the rules that these values break."""
    with pytest.raises(SettingsError) as caught:
        Settings().having(values)
    assert {found.code for found in caught.value.problems} == {"CONFIG_RULE_BROKEN"}
    assert caught.value.exit_status == 2
    return [found.place for found in caught.value.problems]


def test_accounts_are_the_default() -> None:
    """Interface.md 3, since d; S34: nothing is said of access, so there are accounts, and limits with them."""
    for settings in (Settings(), Settings.load(None, {})):
        assert settings.auth.mode == "on"
        assert settings.http.rate_limits == "auto"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "comptoir.example", "::ffff:7f00:1"])
def test_loopback_mode_binds_loopback_only(host: str) -> None:
    """S34: without tokens, neither listener leaves this machine; a closed lane does not count."""
    without: Values = {("auth", "mode"): "loopback"}
    assert broken({**without, ("http", "host"): host}) == ["http.host"]
    assert broken({**without, ("ingest", "host"): host}) == ["ingest.host"]
    Settings().having({**without, ("ingest", "host"): host, ("ingest", "enabled"): False})
    on: Values = {("http", "host"): host, ("auth", "mode"): "on"}
    on[("http", "trusted_proxies")] = (ip_network("10.0.0.1"),)
    assert broken(on) == ["http.host"]  # development tokens are still allowed
    Settings().having({**on, ("auth", "dev_tokens"): False})


def test_manual_clock_needs_loopback() -> None:
    """S55: a clock that anyone could move would open the replay window."""
    values: Values = {
        ("http", "host"): "0.0.0.0",
        ("auth", "mode"): "on",
        ("auth", "dev_tokens"): False,
        ("http", "trusted_proxies"): (ip_network("10.0.0.1"),),
        ("clock", "mode"): "manual",
    }
    assert broken(values) == ["http.host"]
    Settings().having({**values, ("http", "host"): "127.0.0.1"})


@given(address=st.ip_addresses())
def test_loopback_is_what_the_library_says(address: object) -> None:
    """S53: an address is loopback exactly when 127.0.0.0/8 or ::1."""
    text = str(address)
    assert is_loopback(text) == (text.startswith("127.") or text == "::1")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1/x",
        "postgresql://u:p@localhost:5432/x?sslmode=disable",
        "postgresql://[::1]:5432,127.0.0.1/x",
        "postgresql:///x?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/x",
        "postgresql://db.example/x?sslmode=verify-full",
        "postgresql://a.example:1,b.example:2/x?sslmode=verify-full&target_session_attrs=any",
    ],
)
def test_database_addresses_taken(url: str) -> None:
    """S62: this machine as it is, another one with a verified server."""
    assert Settings().having({("storage", "url"): DatabaseUrl(url)}).storage.url.reveal() == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example/x",
        "postgresql://db.example/x?sslmode=require",
        "postgresql://db.example/x?sslmode=disable&sslmode=verify-full",
        "postgresql://db.example/x?sslmode=verify-full&sslmode=disable",
        "postgresql://127.0.0.1,db.example/x",
        "postgresql://127.0.0.1/x?host=db.example",
        "postgresql://127.0.0.1/x?hostaddr=10.0.0.1",
        "postgresql://u:127.0.0.1@db.example/x",
        "postgresql://127.0.0.1@db.example/x",
        "postgresql:///x",
    ],
)
def test_database_addresses_refused(url: str) -> None:
    """S62: any host beyond this machine wants verify-full, once; the address is not repeated."""
    with pytest.raises(SettingsError) as caught:
        Settings().having({("storage", "url"): DatabaseUrl(url)})
    assert [found.place for found in caught.value.problems] == ["storage.url"]
    assert "db.example" not in str(caught.value)


@pytest.mark.parametrize("key", [("auth", "issuer"), ("auth", "external", "issuer")])
def test_issuers(key: tuple[str, ...]) -> None:
    """S34, S62: whoever vouches for callers is reached by https, but for this machine."""
    for right in (
        "",
        "https://id.example",
        "http://127.0.0.1:9/x",
        "http://[::1]:9",
        "http://localhost",
    ):
        Settings().having({key: right})
    for wrong in ("http://id.example", "http://10.0.0.1", "http://127.0.0.1.example"):
        assert broken({key: wrong}) == [".".join(key)]


def test_two_issuers_have_two_names() -> None:
    """S34: a provider under our own name would make its tokens ours."""
    same = "https://id.example"
    both: Values = {("auth", "issuer"): same, ("auth", "external", "issuer"): same}
    assert broken(both) == ["auth.external.issuer"]


def test_points() -> None:
    """S47, X21: tiers rise from 0 with names of their own; the currency exists and has cents."""
    low, high = Tier(), Tier("gold", "Gold", 5, 10_000)
    place = ["points.tiers"]
    assert broken({("points", "tiers"): (high, low)}) == place
    assert broken({("points", "tiers"): (high,)}) == place
    assert broken({("points", "tiers"): (low, Tier("base", "Again", 7, 1))}) == place
    Settings().having({("points", "tiers"): (low, high)})
    assert broken({("points", "currency"): "EUX"}) == ["points.currency"]
    assert broken({("points", "currency"): "JPY"}) == ["points.currency"]


def test_bands() -> None:
    """S23, X2: bands of the score do not cross; pages stay within their bound."""
    assert broken({("scoring", "review_from"): 81}) == ["scoring.review_from"]
    assert broken({("scoring", "medium_risk_from"): 81}) == ["scoring.medium_risk_from"]
    assert broken({("http", "page_items_max"): 49}) == ["http.page_items_default"]


def refused(values: Values) -> list[tuple[str, str]]:
    """Codes and places that keep a start outside the demo from happening, with exit status 5."""
    settings = Settings().having(values)
    check_start(settings, demo=True)
    with pytest.raises(SettingsError) as caught:
        check_start(settings, demo=False)
    assert caught.value.exit_status == 5
    return [(found.code, found.place) for found in caught.value.problems]


def test_secret_missing() -> None:
    """S54: without a webhook secret the daemon starts in the demo only."""
    assert refused({}) == [("WEBHOOK_SECRET_MISSING", "webhooks.seed.secrets")]


@pytest.mark.parametrize(
    "weak",
    [
        "x", "fifteen bytes!!", "a" * 64, "abababababababababab", "Change-Me-Change-Me",
        "0123456789abcdef", DEMO_WEBHOOK_SECRET, DEMO_WEBHOOK_SECRET.upper(), "secretsecretsecret",
        "your-webhook-secret", "passwordpassword",
    ],
)  # fmt: skip
@pytest.mark.parametrize("sender", ["seed", "kyc", "powens", "docusign"])
def test_secret_weak(weak: str, sender: str) -> None:
    """S54: short, repeating and known secrets are refused with their position, never shown."""
    values: Values = {("webhooks", "seed", "secrets"): (GOOD,)}
    good = GOOD if sender == "seed" else OTHER
    values[("webhooks", sender, "secrets")] = (good, Secret(weak))
    assert refused(values) == [("WEBHOOK_SECRET_WEAK", f"webhooks.{sender}.secrets[1]")]


def test_secret_good() -> None:
    """S54: what a generator makes is taken: 1,000 hex secrets of 128 and of 256 bits."""
    for size in (16, 32):
        for _ in range(500):
            secret = Secret(secrets.token_hex(size))
            check_start(Settings().having({("webhooks", "seed", "secrets"): (secret,)}), False)


def test_vault_key_weak() -> None:
    """S45: bytes that nobody drew are no key: hardly any different ones, counted, typed, repeated."""
    counted, half = bytes(range(32)), secrets.token_bytes(16)
    for weak in (bytes(32), counted, counted[::-1], b"correct horse battery staple 42!", half * 2):
        values: Values = {
            ("webhooks", "seed", "secrets"): (GOOD,),
            ("vault", "keys"): {"k1": drawn(), "k2": Secret(b64encode(weak).decode())},
        }
        assert refused(values) == [("VAULT_KEY_WEAK", "vault.keys.k2")]


def test_vault_key_twice() -> None:
    """S45, X14: a rotation to the same key is none."""
    key = drawn()
    values: Values = {
        ("webhooks", "seed", "secrets"): (GOOD,),
        ("vault", "keys"): {"k1": key, "k2": drawn(), "k3": key},
    }
    assert refused(values) == [("VAULT_KEY_WEAK", "vault.keys.k3")]


def test_vault_key_good() -> None:
    """S45: what a generator makes is taken, a thousand times."""
    for _ in range(1000):
        values: Values = {
            ("webhooks", "seed", "secrets"): (GOOD,),
            ("vault", "keys"): {"k1": drawn()},
        }
        check_start(Settings().having(values), demo=False)


def drawn() -> Secret:
    """A key of the vault as openssl would make it."""
    return Secret(b64encode(secrets.token_bytes(32)).decode())


def test_secret_shared() -> None:
    """S54: who may sign as one sender may not sign as another; rotation may keep one's own."""
    values: Values = {
        ("webhooks", "seed", "secrets"): (OTHER, GOOD),
        ("webhooks", "kyc", "secrets"): (GOOD,),
    }
    assert refused(values) == [("WEBHOOK_SECRET_SHARED", "webhooks.kyc.secrets[0]")]


FAR = "postgresql://{}@db.example/town?sslmode=verify-full{}"


@pytest.mark.parametrize(
    "url",
    [
        FAR.format("town:changeme", ""),
        FAR.format("town:password", ""),
        FAR.format("town:short", ""),
        FAR.format("a-town-of-many-people:a-town-of-many-people", ""),
        FAR.format("town", "&password=supersecret"),
        FAR.format("town:%63hange-me-change-me", ""),
    ],
)
def test_database_password_weak(url: str) -> None:
    """S62: where others can try it, a known or short password ends the start; it is not shown."""
    values: Values = {
        ("webhooks", "seed", "secrets"): (GOOD,),
        ("storage", "url"): DatabaseUrl(url),
    }
    assert refused(values) == [("DATABASE_PASSWORD_WEAK", "storage.url")]
    with pytest.raises(SettingsError) as caught:
        check_start(Settings().having(values), demo=False)
    assert "change" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        FAR.format(f"town:{GOOD.reveal()}", ""),
        FAR.format("town", ""),  # a certificate, a password file
        "postgresql://town:changeme@127.0.0.1/town",
        "postgresql://town:changeme@/town?host=/run/postgresql",
    ],
)
def test_database_password_taken(url: str) -> None:
    """S62: drawn ones, none, and those that only this machine could try."""
    values: Values = {
        ("webhooks", "seed", "secrets"): (GOOD,),
        ("storage", "url"): DatabaseUrl(url),
    }
    check_start(Settings().having(values), demo=False)


TLS = {"tls_certificate": "c.pem", "tls_key": "k.pem"}


@pytest.mark.parametrize("section", ["http", "ingest"])
class TestTls:
    """S62: what leaves this machine is under TLS, by us or by a gateway that is named."""

    def test_beyond_loopback(self, section: str) -> None:
        """S62, X28: refused without; the error names both remedies; each of them is enough."""
        values: Values = {
            (section, "host"): "0.0.0.0", ("auth", "mode"): "on", ("auth", "dev_tokens"): False,
        }  # fmt: skip
        assert broken(values) == [f"{section}.host"]
        with pytest.raises(SettingsError) as caught:
            Settings().having(values)
        for remedy in (f"{section}.tls_certificate", f"{section}.tls_key", "http.trusted_proxies"):
            assert remedy in str(caught.value)
        Settings().having({**values, **{(section, name): TLS[name] for name in TLS}})
        Settings().having({**values, ("http", "trusted_proxies"): (ip_network("10.0.0.1"),)})

    def test_of_the_other_listener(self, section: str) -> None:
        """S62: the certificate of one listener protects that one only."""
        other = "ingest" if section == "http" else "http"
        values: Values = {
            (section, "host"): "::", ("auth", "mode"): "on", ("auth", "dev_tokens"): False,
            **{(other, name): TLS[name] for name in TLS},
        }  # fmt: skip
        assert broken(values) == [f"{section}.host"]

    def test_whole(self, section: str) -> None:
        """S62: a certificate has a key, and callers' authorities have a certificate."""
        assert broken({(section, "tls_key"): "k.pem"}) == [f"{section}.tls_certificate"]
        assert broken({(section, "tls_certificate"): "c.pem"}) == [f"{section}.tls_key"]
        assert broken({(section, "tls_client_ca"): "a.pem"}) == [f"{section}.tls_certificate"]


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({("vault", "provider"): "aws-kms"}, "vault.aws_kms.key_id"),
        ({("vault", "provider"): "transit"}, "vault.transit.url"),
        (
            {("vault", "provider"): "transit", ("vault", "transit", "url"): "https://vault:8200"},
            "vault.transit.token",
        ),
        (
            {
                ("vault", "provider"): "aws-kms",
                ("vault", "aws_kms", "key_id"): "alias/comptoir",
                ("storage", "url"): DatabaseUrl("postgresql://u@127.0.0.1/x"),
            },
            "vault.store",
        ),
    ],
)
def test_a_key_service_has_what_it_needs(values: Values, place: str) -> None:
    """S35, X14: what wraps is named, reachable, and has a store of keys to wrap."""
    assert broken(values) == [place]


TRANSIT: Values = {
    ("vault", "provider"): "transit",
    ("vault", "transit", "url"): "https://vault.example:8200",
    ("vault", "transit", "token"): GOOD,
}


@pytest.mark.parametrize("name", ["transit.url", "aws_kms.endpoint_url"])
def test_a_key_service_is_asked_under_tls(name: str) -> None:
    """S35, S62: beyond this machine the keys' holder is asked by https only."""
    path = ("vault", *name.split("."))
    assert broken({**TRANSIT, path: "http://keys.example"}) == [f"vault.{name}"]
    Settings().having({**TRANSIT, path: "http://127.0.0.1:8200"})
    Settings().having({**TRANSIT, path: "https://keys.example"})


def test_token_of_vault_weak() -> None:
    """S35: the token of a development server ends the start, where others can try it."""
    values: Values = {**TRANSIT, ("webhooks", "seed", "secrets"): (GOOD,)}
    check_start(Settings().having(values), demo=False)
    values[("vault", "transit", "token")] = Secret("root")
    assert refused(values) == [("VAULT_TOKEN_WEAK", "vault.transit.token")]
    values[("vault", "transit", "url")] = "http://127.0.0.1:8200"
    check_start(Settings().having(values), demo=False)

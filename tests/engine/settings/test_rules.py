"""What may not stand together, and what a start must have.

Source: S53, S54, S62, S23; the outside's promise of exit status 5 for weak secrets.
"""

import secrets

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


def broken(values: Values) -> list[str]:
    """The places of the rules that these values break."""
    with pytest.raises(SettingsError) as caught:
        Settings().having(values)
    assert {found.code for found in caught.value.problems} == {"CONFIG_RULE_BROKEN"}
    assert caught.value.exit_status == 2
    return [found.place for found in caught.value.problems]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "comptoir.example", "::ffff:7f00:1"])
def test_loopback_mode_binds_loopback_only(host: str) -> None:
    """S34: without tokens, neither listener leaves this machine; a closed lane does not count."""
    assert broken({("http", "host"): host}) == ["http.host"]
    assert broken({("ingest", "host"): host}) == ["ingest.host"]
    Settings().having({("ingest", "host"): host, ("ingest", "enabled"): False})
    on: Values = {("http", "host"): host, ("auth", "mode"): "on"}
    assert broken(on) == ["http.host"]  # development tokens are still allowed
    Settings().having({**on, ("auth", "dev_tokens"): False})


def test_manual_clock_needs_loopback() -> None:
    """S55: a clock that anyone could move would open the replay window."""
    values: Values = {
        ("http", "host"): "0.0.0.0",
        ("auth", "mode"): "on",
        ("auth", "dev_tokens"): False,
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
    values[("webhooks", sender, "secrets")] = (GOOD, Secret(weak))
    assert refused(values) == [("WEBHOOK_SECRET_WEAK", f"webhooks.{sender}.secrets[1]")]


def test_secret_good() -> None:
    """S54: what a generator makes is taken: 1,000 hex secrets of 128 and of 256 bits."""
    for size in (16, 32):
        for _ in range(500):
            secret = Secret(secrets.token_hex(size))
            check_start(Settings().having({("webhooks", "seed", "secrets"): (secret,)}), False)


def test_vault_key_weak() -> None:
    """S45: a key of hardly any different bytes is no key."""
    values: Values = {
        ("webhooks", "seed", "secrets"): (GOOD,),
        ("vault", "keys"): {"k1": Secret("A" * 43 + "=")},
    }
    assert refused(values) == [("VAULT_KEY_WEAK", "vault.keys.k1")]

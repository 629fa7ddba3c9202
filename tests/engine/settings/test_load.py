"""Settings are read from defaults, file and environment, whole, exactly, or refused by name.

Rule: the tests enumerate the rows of the settings, so that a new key is tested by being declared.
Source: S73 (keys in the environment), S74 (what is undocumented is configuration).
"""

import string
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import assume, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from comptoir.engine.settings import (
    DatabaseUrl,
    PlaidEnvironment,
    Problem,
    Secret,
    Settings,
    SettingsError,
    Tier,
    as_environment,
    as_toml,
)
from comptoir.engine.settings.client_types import CLIENT_TYPES
from comptoir.engine.settings.fields import keys
from comptoir.engine.settings.kinds import (
    ChoiceKind,
    FlagKind,
    IntegerKind,
    Kind,
    NumberKind,
    TextKind,
)
from comptoir.engine.settings.kinds_made import (
    ListKind,
    MapKind,
    NetworkKind,
    PathKind,
    SecretKind,
    UrlKind,
)
from comptoir.engine.settings.screening import WatchList
from tests.engine.settings.test_rules_of_parties import ACCOUNT

KEYS = tuple(keys(Settings()))
BY_NAME = {key.dotted: key for key in KEYS}
PATH = st.text(string.ascii_letters + "/._- é", min_size=1, max_size=20).map(str.strip)
COUNTRIES = st.lists(st.sampled_from(["FR", "CH", "CA"]), unique=True).map(tuple)
REDIRECTS = st.sampled_from(
    ["https://app.example/back", "http://[::1]:5173/", "fr.example.app:/signed-in"]
)

# Values that the rules between settings tie together, or whose form a pattern only hints at.
TIED: dict[str, st.SearchStrategy[object]] = {
    "signing.provider": st.sampled_from(["", "docusign"]),  # ours wants a certificate beside it
    "http.host": st.sampled_from(["127.0.0.1", "::1", "localhost", "127.8.9.1"]),
    "ingest.host": st.sampled_from(["127.0.0.1", "::1"]),
    "http.page_items_default": st.integers(1, 50),
    "http.page_items_max": st.integers(50, 10_000),
    "storage.url": st.sampled_from(
        [
            "",
            "postgresql://127.0.0.1/app",
            "postgresql:///app?host=/run/postgresql",
            "postgres://u:p%20w@[::1]:5433/app?sslmode=disable",
            "postgresql://u:p'\"\\w@db.example/app?sslmode=verify-full",
        ]
    ).map(DatabaseUrl),
    "http.cors_origins": st.lists(
        st.sampled_from(["https://app.example", "https://a-b.c:8443", "http://[::1]:5173"]),
        unique=True,
    ).map(tuple),
    "auth.clients": st.dictionaries(
        st.text("k1_-", min_size=1, max_size=9),
        st.lists(REDIRECTS, min_size=1, unique=True).map(tuple),
    ),
    "connections.redirect_uris": st.lists(REDIRECTS, unique=True).map(tuple),
    "dead_letters.report_to": st.sampled_from(["", "ops@example.org", "o+1%2@a-b.example"]),
    "onboarding.partner_advisor_email": st.sampled_from(["", "advisor@example.org"]),
    "onboarding.operations_emails": st.lists(
        st.sampled_from(["ops@example.org", "o+1%2@a-b.example"]), unique=True
    ).map(tuple),
    "onboarding.compliance_emails": st.lists(
        st.sampled_from(["kyc@example.org", "o+1%2@a-b.example"]), unique=True
    ).map(tuple),
    "core_banking.bus": st.just("table"),  # the other one wants brokers
    "kafka.bootstrap_servers": st.sampled_from(
        ["", "127.0.0.1:9092", "a.example:9093,b-c.example:19093"]
    ),
    "points.currency": st.sampled_from(["EUR", "CHF", "USD"]),
    **{
        f"providers.docusign.{name}": st.uuids().map(str)
        for name in ("integration_key", "user_id", "account_id")
    },
    "providers.docusign.private_key": st.sampled_from(["", "-----BEGIN ..."]).map(Secret),
    "points.tiers": st.lists(st.integers(1, 10**15), unique=True, max_size=5).map(
        lambda steps: tuple(
            Tier(f"t{step}", f'Tier "é" \\ {step}', step, step % 1000)
            for step in (0, *sorted(steps))
        )
    ),
    "scoring.review_from": st.integers(0, 50),
    "scoring.approve_from": st.integers(50, 100),
    "scoring.medium_risk_from": st.integers(0, 50),
    "scoring.low_risk_from": st.integers(50, 100),
    "statements.time_zone": st.sampled_from(["Europe/Paris", "UTC", "America/Montreal"]),
    "scoring.manual_countries": COUNTRIES,
    "scoring.high_risk_countries": COUNTRIES,
    "withdrawals.payout": st.just("seed"),  # the other needs who pays (tests/contract/paying.py)
    "withdrawals.reference_prefix": st.text("ABC-", min_size=1, max_size=16),
    "payouts.debtor_name": st.just("REWAPP SAS"),
    "payouts.debtor_iban": st.just("FR1420041010050500013M02606"),
    "payouts.debtor_bic": st.sampled_from(["", "PSSTFRPP", "PSSTFRPPXXX"]),
    "payouts.time_zone": st.sampled_from(["Europe/Paris", "UTC", "America/Montreal"]),
    "payouts.cut_offs": st.lists(
        st.sampled_from(["00:00", "09:30", "23:59"]), min_size=1, unique=True
    ).map(tuple),
    "documents.bucket": st.text("abc-", max_size=9).map(lambda text: f"a{text}z9"),
    "documents.store": st.just("folder"),  # the other needs a region (test_documents.py)
    "vault.provider": st.just("local"),  # the others need keys beside them (test_rules.py)
    "onboarding.types": st.sampled_from(
        [CLIENT_TYPES, MappingProxyType({**CLIENT_TYPES, "PARTNERSHIP": CLIENT_TYPES["COMPANY"]})]
    ),
    "onboarding.number_prefix": st.text("ABC", min_size=1, max_size=5),  # CorrelId
    "providers.powens.webview_url": st.sampled_from(
        ["http://127.0.0.1:8090/webview", "https://webview.powens.com"]
    ),
    "providers.tink.link_url": st.sampled_from(["http://127.0.0.1:8090", "https://link.tink.com"]),
    "providers.tink.market": st.sampled_from(["FR", "SE"]),
    "providers.tink.locale": st.sampled_from(["fr_FR", "en_US"]),
    "providers.plaid.language": st.sampled_from(["fr", "en"]),
    "providers.plaid.country_codes": st.lists(
        st.sampled_from(["FR", "BE", "CA"]), min_size=1, unique=True
    ).map(tuple),
    "webhooks.plaid.environments": st.lists(
        st.builds(
            PlaidEnvironment,
            st.sampled_from(["https://production.plaid.com", "http://127.0.0.1:8090"]),
            st.text("abc", min_size=1, max_size=9),
            st.text("s3cret'\"\\", min_size=1, max_size=9).map(Secret),
        ),
        max_size=3,
        unique=True,
    ).map(tuple),
    "screening.lists": st.lists(
        st.builds(WatchList, st.sampled_from(["ofac", "own-1", "un"]), PATH.filter(bool).map(Path)),
        max_size=3,
        unique_by=lambda one: one.name,
    ).map(tuple),
    "notifications.time_zone": st.sampled_from(["UTC", "America/Montreal"]),
    "notifications.mail_order": st.sampled_from([("brevo",), ("brevo", "sendgrid")]),
    "providers.fcm.service_account": st.sampled_from([Secret(""), Secret(ACCOUNT)]),
    "providers.brevo.from_address": st.sampled_from(["a@b.fr", "news+1@mail.example.com"]),
    "providers.sendgrid.from_address": st.sampled_from(["a@b.fr", "news+1@mail.example.com"]),
    "providers.twilio.account_sid": st.sampled_from(["", "AC" + "0f" * 16]),
    "providers.vop.agent_bic": st.sampled_from(["", "DEUTDEFF", "PSSTFRPPXXX"]),
    "providers.twilio.from_number": st.sampled_from(["+33612345678", "Comptoir"]),
}
TLS = {
    section: tuple((section, f"tls_{name}") for name in ("certificate", "key", "client_ca"))
    for section in ("http", "ingest")
}
SECRETS = st.text(min_size=1, max_size=40).filter(lambda text: text.isascii() or text.isprintable())
NETWORKS = st.ip_addresses().map(str).map(ip_network)


def typed(kind: Kind) -> st.SearchStrategy[object]:  # noqa: C901, PLR0912 - one case for each kind
    """Every right value of a kind, or a good part of them."""
    match kind:
        case FlagKind():
            return st.booleans()
        case IntegerKind():
            return st.integers(kind.least, kind.most)
        case NumberKind():
            return st.floats(kind.least, kind.most).map(lambda number: round(number, 6))
        case ChoiceKind():
            return st.sampled_from(kind.choices)
        case UrlKind():
            return st.sampled_from(["", "http://127.0.0.1:8090", "https://[::1]/a/b"])
        case PathKind():
            return PATH.filter(bool).map(Path)
        case NetworkKind():
            return NETWORKS
        case SecretKind() if "base64" in kind.what:
            return st.sampled_from("AbZ09+/").map(lambda letter: Secret(letter * 43 + "="))
        case SecretKind():
            return SECRETS.map(Secret)
        case TextKind():
            return st.text("ABC", min_size=1, max_size=8)
        case MapKind():
            return st.dictionaries(st.text("k1_-", min_size=1, max_size=9), typed(kind.item))
        case ListKind():
            most = min(kind.most, 6)
            unique = not kind.repeats
            return st.lists(
                typed(kind.item), min_size=kind.least, max_size=most, unique=unique
            ).map(tuple)
        case _:
            raise AssertionError(kind)


@st.composite
def settings_drawn(draw: st.DrawFn) -> Settings:
    """Right settings that differ from the defaults in up to 40 keys."""
    names = draw(st.lists(st.sampled_from(sorted(BY_NAME)), max_size=40, unique=True))
    values: dict[tuple[str, ...], object] = {}
    for name in names:
        key = BY_NAME[name]
        values[key.path] = draw(TIED[name] if name in TIED else typed(key.option.kind))
    for paths in TLS.values():  # a certificate without its key is refused
        if not all(path in values for path in paths):
            values = {path: value for path, value in values.items() if path not in paths}
    ours, theirs = ("auth", "issuer"), ("auth", "external", "issuer")
    if ours in values and values[ours] == values.get(theirs):  # another one than ours
        del values[theirs]
    return Settings().having(values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for configuration files."""
    return tmp_path_factory.mktemp("config")


def problems(path: Path | None, env: dict[str, str]) -> tuple[Problem, ...]:
    """Load what must be refused."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(path, env)
    return caught.value.problems


def written(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


class TestRoundTrip:
    """What was written is what is read."""

    @given(drawn=settings_drawn())
    def test_file(self, folder: Path, drawn: Settings) -> None:
        """S74: any settings written to TOML and loaded again are equal."""
        assert Settings.load(written(folder, as_toml(drawn)), {}) == drawn

    @given(drawn=settings_drawn())
    def test_environment(self, drawn: Settings) -> None:
        """S73: any settings written to variables and loaded again are equal."""
        assert Settings.load(None, as_environment(drawn)) == drawn

    @given(low=settings_drawn(), high=settings_drawn())
    def test_environment_wins(self, folder: Path, low: Settings, high: Settings) -> None:
        """S73: a variable overrides the file, a key without one keeps the file's value."""
        file = written(folder, as_toml(low))
        env = as_environment(high)
        loaded = Settings.load(file, env)
        mine, theirs = (dict.fromkeys(key.dotted for key in keys(part)) for part in (low, high))
        assert mine == theirs
        for key, below, above in zip(keys(loaded), keys(low), keys(high), strict=True):
            assert key.value == (above.value if key.variable in env else below.value), key.dotted


class TestWhere:
    """Where the file is looked for."""

    def test_order(self, folder: Path, tmp_path: Path) -> None:
        """S74: --config, else $COMPTOIR_CONFIG, else ./config.toml, else the defaults."""
        named = written(folder, "[http]\nport = 1\n")
        (tmp_path / "other.toml").write_text("[http]\nport = 2\n")
        env = {"COMPTOIR_CONFIG": str(tmp_path / "other.toml")}
        assert Settings.load(None, {}).http.port == 8080
        (tmp_path / "config.toml").write_text("[http]\nport = 3\n")
        assert Settings.load(None, {}).http.port == 3
        assert Settings.load(None, env).http.port == 2
        assert Settings.load(named, env).http.port == 1

    @pytest.mark.parametrize("by_variable", [True, False])
    def test_missing(self, tmp_path: Path, by_variable: bool) -> None:
        """S74: a named file must exist, whoever named it."""
        path = tmp_path / "nowhere.toml"
        env = {"COMPTOIR_CONFIG": str(path)} if by_variable else {}
        (found,) = problems(None if by_variable else path, env)
        assert found.code == "CONFIG_FILE_MISSING"
        assert str(path) in found.line()

    @pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 5000])
    def test_unreadable(self, name: str) -> None:
        """S74: what is no file is refused by name, never with a traceback."""
        (found,) = problems(None, {"COMPTOIR_CONFIG": name})
        assert found.code == "CONFIG_FILE_UNREADABLE"
        assert "\n" not in found.line()

    @pytest.mark.parametrize(
        ("raw", "line"),
        [
            (b"[http]\nport = \n", 2),
            (b"[http]\nport = 1\nport = 2\n", 3),
            (b"[http]\nhost = 'a\xff'\n", 2),
            (b"[http\n", 1),
            (b"[http]\nport = 1" + b"0" * 5000, 0),
            (b"a = " + b"[" * 5000, 0),
            (b"a = '''", 1),
        ],
    )
    def test_malformed(self, tmp_path: Path, raw: bytes, line: int) -> None:
        """S74: a file that is not TOML is refused with its line, where the parser tells it."""
        file = tmp_path / "bad.toml"
        file.write_bytes(raw)
        (found,) = problems(file, {})
        assert found.code == "CONFIG_FILE_MALFORMED"
        assert found.place == (f"{file}:{line}" if line else str(file))

    def test_too_large(self, tmp_path: Path) -> None:
        """S74: a file over 1 MiB is not read into memory."""
        file = tmp_path / "big.toml"
        file.write_bytes(b"#" * 1_048_577)
        assert [found.code for found in problems(file, {})] == ["CONFIG_FILE_UNREADABLE"]


class TestSecretFiles:
    """The variable with _FILE reads the value from a file."""

    def test_text(self, tmp_path: Path) -> None:
        """S73: the value is the file's text, less one line end."""
        file = tmp_path / "value"
        for end in ("", "\n", "\r\n"):
            file.write_bytes(f'["a secret of a file"]{end}'.encode())
            loaded = Settings.load(None, {"COMPTOIR_WEBHOOKS__SEED__SECRETS_FILE": str(file)})
            assert loaded.webhooks.seed.secrets == (Secret("a secret of a file"),)

    @budget(max_examples=20)
    @given(drawn=settings_drawn())
    def test_every_key(self, folder: Path, drawn: Settings) -> None:
        """S73: every key has the form, and tells that its value came from a file; one that ends with a line's end has none."""
        assume(not any(text.endswith(("\n", "\r")) for text in as_environment(drawn).values()))
        env: dict[str, str] = {}
        for variable, text in as_environment(drawn).items():
            file = folder / variable
            file.write_bytes(text.encode())
            env[f"{variable}_FILE"] = str(file)
        loaded = Settings.load(None, env)
        assert loaded == drawn
        assert set(loaded.origins.values()) == {f"secret file {name}" for name in env}

    @pytest.mark.parametrize("content", [None, b"\xff", b"x" * 1_048_577])
    def test_unreadable(self, tmp_path: Path, content: bytes | None) -> None:
        """S73: a file that cannot be read is refused, by the variable's name."""
        file = tmp_path / "value"
        if content is not None:
            file.write_bytes(content)
        (found,) = problems(None, {"COMPTOIR_VAULT__KEYS_FILE": str(file)})
        assert (found.code, found.place) == ("CONFIG_SECRET_FILE", "COMPTOIR_VAULT__KEYS_FILE")

    def test_both(self, tmp_path: Path) -> None:
        """S73: value and file at once is refused, for one of them would be ignored."""
        env = {"COMPTOIR_VAULT__KEYS": "{}", "COMPTOIR_VAULT__KEYS_FILE": str(tmp_path / "x")}
        (found,) = problems(None, env)
        assert found.code == "CONFIG_ENV_TWICE"

"""A value of another type, or out of range, is refused by the name of its key.

Rule: the tests enumerate the rows of the settings, so that a new key is tested by being declared.
Source: S73 (keys in the environment), S74 (what is undocumented is configuration).
"""

import datetime
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from comptoir.engine.settings import (
    Http,
    Problem,
    Retry,
    Secret,
    Settings,
    SettingsError,
    Tier,
    Vault,
    WebhooksParty,
)
from comptoir.engine.settings.fields import Key, TableKind, keys
from comptoir.engine.settings.kinds import FlagKind, IntegerKind, Kind, NumberKind
from comptoir.engine.settings.kinds_made import ListKind, MapKind

Refused = Callable[..., tuple[Problem, ...]]
KEYS = tuple(keys(Settings()))

TOLD_MAX = 100
"""Problems that one refusal tells; of others it says how many they are."""

# A raw value of each type that TOML has, as TOML text and as what it is.
RAW: dict[type, str] = {
    bool: "true",
    int: "7",
    float: "1.5",
    str: '"a text"',
    list: "[{}]",
    dict: "{ a = [] }",
    datetime.date: "2026-01-01",
}


def right_types(kind: Kind) -> tuple[type, ...]:
    """The TOML types that a kind reads."""
    match kind:
        case FlagKind():
            return (bool,)
        case IntegerKind():
            return (int,)
        case NumberKind():
            return (int, float)
        case ListKind():
            return (list,)
        case MapKind() | TableKind():
            return (dict,)
        case _:
            return (str,)


class TestWrongTypes:
    """Nothing is coerced."""

    @pytest.mark.parametrize("given_type", RAW)
    def test_every_key(self, refused: Refused, given_type: type) -> None:
        """S74: every key refuses every other type, by its own name, as many at once as are told."""
        wrong = [key for key in KEYS if given_type not in right_types(key.option.kind)]
        for first in range(0, len(wrong), TOLD_MAX):
            some = [key.dotted for key in wrong[first : first + TOLD_MAX]]
            told = refused("".join(f"{name} = {RAW[given_type]}\n" for name in some))
            assert [found.place for found in told] == some
            for found in told:
                assert found.code == "CONFIG_VALUE_TYPE", found.place
                assert found.place in found.text
                assert found.remedy.startswith("give ")

    def test_all_at_once(self, tmp_path: Path) -> None:
        """S74: every problem is reported, and beyond 100 their number."""
        wrong = {
            key.dotted: "true" if right_types(key.option.kind) != (bool,) else "1" for key in KEYS
        }
        file = tmp_path / "wrong.toml"
        file.write_text("".join(f"{name} = {value}\n" for name, value in wrong.items()))
        with pytest.raises(SettingsError) as caught:
            Settings.load(file, {})
        assert [found.place for found in caught.value.problems] == list(wrong)[:100]
        assert caught.value.left_out == len(wrong) - 100
        assert str(len(wrong) - 100) in caught.value.lines()[-1]
        assert caught.value.exit_status == 2

    @pytest.mark.parametrize("key", [k for k in KEYS if isinstance(k.option.kind, ListKind)])
    def test_entries(self, refused: Refused, key: Key) -> None:
        """S74: an entry of another type is refused with its position."""
        (found,) = refused(f"{key.dotted} = [[]]")
        assert (found.code, found.place) == ("CONFIG_VALUE_TYPE", key.dotted)
        assert f"{key.dotted}[0]" in found.text

    @pytest.mark.parametrize(
        "text", ["", "seven", "7.0", "0x7", "1_0", " 7", "+7", "\u0667", "true"]
    )
    def test_integer_variable(self, refused: Refused, text: str) -> None:
        """S73: a variable's integer is decimal digits and nothing that Python also takes."""
        (found,) = refused(None, {"COMPTOIR_HTTP__PORT": text})
        assert (found.code, found.place) == ("CONFIG_VALUE_TYPE", "COMPTOIR_HTTP__PORT")

    @pytest.mark.parametrize("text", ["", "1e3", "nan", "inf", "-", ".5", "5.", "1_0", " 1"])
    def test_duration_variable(self, refused: Refused, text: str) -> None:
        """S73: a variable's duration is decimal digits with an optional point."""
        (found,) = refused(None, {"COMPTOIR_STORAGE__START_TIMEOUT_S": text})
        assert found.code == "CONFIG_VALUE_TYPE"
        assert found.place == "COMPTOIR_STORAGE__START_TIMEOUT_S"

    @pytest.mark.parametrize("text", ["", "True", "1", "yes", "on", "TRUE"])
    def test_flag_variable(self, refused: Refused, text: str) -> None:
        """S73: a variable's switch is true or false."""
        (found,) = refused(None, {"COMPTOIR_INGEST__ENABLED": text})
        assert (found.code, found.place) == ("CONFIG_VALUE_TYPE", "COMPTOIR_INGEST__ENABLED")

    @pytest.mark.parametrize("text", ["", "127.0.0.1", "[", '{"a": 1}', "[NaN]", "[1]"])
    def test_list_variable(self, refused: Refused, text: str) -> None:
        """S73: a variable's list is JSON."""
        (found,) = refused(None, {"COMPTOIR_WEBHOOKS__ALLOWED_IPS": text})
        assert (found.code, found.place) == ("CONFIG_VALUE_TYPE", "COMPTOIR_WEBHOOKS__ALLOWED_IPS")


class TestRanges:
    """Every bound is held, and said."""

    def test_every_integer(self, refused: Refused) -> None:
        """S74: each integer takes its bounds and refuses what is one beyond, with the bounds."""
        for key in KEYS:
            kind = key.option.kind
            if not isinstance(kind, IntegerKind):
                continue
            assert kind.read(kind.least) == kind.least
            assert kind.read(kind.most) == kind.most
            for value in (kind.least - 1, kind.most + 1, 10**400):
                (found,) = refused(f"{key.dotted} = {value}")
                assert (found.code, found.place) == ("CONFIG_VALUE_RANGE", key.dotted)
                assert f"{kind.least} to {kind.most}" in found.remedy

    @pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "0", "1e300", "1" + "0" * 400])
    def test_every_duration(self, refused: Refused, value: str) -> None:
        """S74: each duration refuses what no clock can wait for."""
        for key in KEYS:
            if isinstance(key.option.kind, NumberKind):
                (found,) = refused(f"{key.dotted} = {value}")
                assert (found.code, found.place) == ("CONFIG_VALUE_RANGE", key.dotted)

    @pytest.mark.parametrize(
        "entry", ["10.0.0.0/33", "10.0.0.1/8", "300.1.1.1", "::1/129", "localhost", "", "10.0.0"]
    )
    def test_networks(self, refused: Refused, entry: str) -> None:
        """S53, X28: a wrong address of the allow-list or of the proxies is named."""
        for name in ("webhooks.allowed_ips", "http.trusted_proxies"):
            text = f'{name} = ["10.0.0.0/8", "{entry}"]'
            (found,) = refused(text)
            assert found.code == "CONFIG_VALUE_RANGE"
            assert f"{name}[1] is '{entry}'" in found.text

    @pytest.mark.parametrize(
        "value",
        ["ftp://h", "http://", "http://u:p@h", "http://h?q", "http://h#f", "http://h:99999", "h",
         "http://h:0", "http://a b", "http://[::1", " http://h"],
    )  # fmt: skip
    def test_addresses(self, refused: Refused, value: str) -> None:
        """S42: an address of a party is bare http(s); a refused one is not repeated."""
        (found,) = refused(f'providers.seed.base_url = "{value}"')
        assert (found.code, found.place) == ("CONFIG_VALUE_RANGE", "providers.seed.base_url")
        assert f"'{value}'" not in found.line()

    @pytest.mark.parametrize("value", ["a\\nb", "\\u007f", " a", "a ", "", "\\u2028"])
    def test_texts(self, refused: Refused, value: str) -> None:
        """S74: a text has no line break, no control character, no blank around it."""
        (found,) = refused(f'alerts.critical_channel = "{value}"')
        assert found.code == "CONFIG_VALUE_RANGE"
        assert "\n" not in found.line()

    @pytest.mark.parametrize(
        "url",
        ["mysql://h/d", "h", "postgresql://[::1/x", "postgresql://h /x", "postgresql://h\\n/x"],
    )
    def test_database(self, refused: Refused, url: str) -> None:
        """S62: what is no address of PostgreSQL is refused and not repeated."""
        (found,) = refused(f'storage.url = "{url}"')
        assert (found.code, found.place) == ("CONFIG_VALUE_RANGE", "storage.url")
        assert f"{url}'" not in found.line()

    def test_keys(self, refused: Refused) -> None:
        """S45: a key of the vault is the base64 of 32 bytes under a plain name, 100 at most."""
        right = "A" * 43 + "="
        for entry in (f'k1 = "{right[1:]}"', f'"k 1" = "{right}"', 'k1 = ""',
                      ", ".join(f'k{n} = "{right}"' for n in range(101))):  # fmt: skip
            (found,) = refused(f"vault.keys = {{ {entry} }}")
            assert (found.code, found.place) == ("CONFIG_VALUE_RANGE", "vault.keys")
            assert right not in found.line()

    def test_choices_and_forms(self, refused: Refused) -> None:
        """S74: a word that is no choice, a text of another form and an over-long one are refused."""
        for text in (
            'log.format = "xml"',
            'points.currency = "eur"',
            'core_banking.request_queue = "A QUEUE"',
            f'alerts.critical_channel = "{"x" * 4097}"',
            "points.tiers = [1]",
        ):
            (found,) = refused(text)
            assert found.code in ("CONFIG_VALUE_RANGE", "CONFIG_VALUE_TYPE")
            assert found.place == text.partition(" ")[0]
            assert len(found.line()) < 500

    def test_tiers(self, refused: Refused) -> None:
        """S47: a tier with a wrong, an unknown or a missing key is named with its position."""
        good = 'id = "a", name = "A", threshold_points = 0'
        for entry, code, named in (
            (f"{good}, multiplier_bp = 1.5", "CONFIG_VALUE_TYPE", "points.tiers[0].multiplier_bp"),
            (f"{good}, multiplier_bp = -1", "CONFIG_VALUE_RANGE", "points.tiers[0].multiplier_bp"),
            (f"{good}, multiplyer_bp = 1", "CONFIG_KEY_UNKNOWN", "did you mean multiplier_bp?"),
            (good, "CONFIG_VALUE_TYPE", "points.tiers[0] lacks the key multiplier_bp"),
        ):
            (found,) = refused(f"points.tiers = [{{ {entry} }}]")
            assert found.code == code
            assert named in found.line()

    def test_constructor(self) -> None:
        """S74: a value out of range cannot be constructed either."""
        with pytest.raises(SettingsError, match=r"Tier\.multiplier_bp is -1"):
            Tier(multiplier_bp=-1)
        with pytest.raises(SettingsError, match=r"Http\.port"):
            Settings().having({("http", "port"): 65_536})
        with pytest.raises(SettingsError, match=r"Http\.port is too long to show"):
            Http(port=10**5000)

    def test_constructor_types(self) -> None:
        """S74: a value of another type cannot be constructed, whatever a type checker was told."""
        defaults = Settings()
        for key, value in product(KEYS, (object(), None, [1])):
            with pytest.raises(SettingsError) as caught:
                defaults.having({key.path: value})
            (found,) = caught.value.problems
            assert found.code == "CONFIG_VALUE_TYPE", key.dotted
            assert key.path[-1] in found.text

    def test_constructor_lists(self) -> None:
        """S74: a list's bounds and entries are held in code too."""
        for build in (
            lambda: Retry(delays_s=()),
            lambda: Retry(delays_s=(1.0, 0.0)),
            lambda: WebhooksParty(secrets=(Secret("a"), Secret("a"))),
            lambda: Vault(keys={"k1": Secret("short")}),
        ):
            with pytest.raises(SettingsError) as caught:
                build()
            assert [found.code for found in caught.value.problems] == ["CONFIG_VALUE_RANGE"]

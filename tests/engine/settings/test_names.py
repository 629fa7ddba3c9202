"""A name that is not known stops the start with the nearest right one; no secret is ever repeated.

Rule: the tests enumerate the rows of the settings, so that a new key is tested by being declared.
Source: S72 (tokens never exposed), S73 (keys in the environment).
"""

from collections.abc import Callable, Iterator
from difflib import get_close_matches

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from comptoir.engine.settings import Problem, Settings, SettingsError
from comptoir.engine.settings.fields import keys
from comptoir.engine.settings.problems import NEAREST_RATIO, nearest

Refused = Callable[..., tuple[Problem, ...]]
KEYS = tuple(keys(Settings()))


def misspellings(name: str) -> Iterator[str]:
    """Every text that is one letter away: one left out, one too many, two exchanged."""
    for at in range(len(name)):
        yield name[:at] + name[at + 1 :]
        yield name[:at] + "q" + name[at:]
        if at + 1 < len(name) and name[at] != name[at + 1]:
            yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]


class TestUnknown:
    """A name that is not known stops the start with the nearest right one."""

    def test_every_key(self, refused: Refused) -> None:
        """S74: every key that is one letter off is refused and its right name suggested."""
        for key in KEYS:
            right = key.path[-1]
            names = sorted({name for name in misspellings(right) if name and name[0] != "_"})
            names = [name for name in names if name != right]
            text = f"[{'.'.join(key.path[:-1])}]\n" + "".join(f"{name} = 1\n" for name in names)
            found = refused(text)
            assert {one.code for one in found} == {"CONFIG_KEY_UNKNOWN"}, key.dotted
            assert {one.remedy for one in found} == {f"did you mean {right}?"}, key.dotted
            assert len(found) == min(len(names), 100), key.dotted

    def test_every_section(self, refused: Refused) -> None:
        """S74: every section that is one letter off is refused and its right name suggested."""
        for name in {part for key in KEYS for part in key.path[:1]}:
            for wrong in set(misspellings(name)) - {name}:
                (found,) = refused(f"[{wrong}]\n")
                assert found.code == "CONFIG_KEY_UNKNOWN"
                assert found.remedy == f"did you mean {name}?", wrong

    @pytest.mark.parametrize("suffix", ["", "_FILE"])
    def test_every_variable(self, refused: Refused, suffix: str) -> None:
        """S73: every variable that is one letter off is refused and its right name suggested."""
        for key in KEYS:
            bare = key.variable.removeprefix("COMPTOIR_")
            names = {f"COMPTOIR_{wrong}{suffix}" for wrong in misspellings(bare)}
            some = sorted(names)[len(bare) % 40 :: 40]  # of each: all take minutes
            found = refused(None, dict.fromkeys(some, "1")) if some else ()
            assert [one.place for one in found] == some
            assert {one.code for one in found} <= {"CONFIG_ENV_UNKNOWN"}
            assert {one.remedy for one in found} <= {f"did you mean {key.variable}{suffix}?"}

    @pytest.mark.parametrize(
        ("variable", "right"),
        [
            ("COMPTOIR_HTTP_PORT", "COMPTOIR_HTTP__PORT"),
            ("COMPTOIR_CONFG", "COMPTOIR_CONFIG"),
            ("COMPTOIR_http__port", None),
            ("COMPTOIR_", None),
            ("COMPTOIR_\udcff\n", None),
        ],
    )
    def test_variables(self, refused: Refused, variable: str, right: str | None) -> None:
        """S73: one underscore for two, lower case, garbage: refused on one printable line."""
        (found,) = refused(None, {variable: "1"})
        assert found.code == "CONFIG_ENV_UNKNOWN"
        assert found.line().isprintable()
        if right:
            assert found.remedy == f"did you mean {right}?"

    @given(
        name=st.text("ABC_", max_size=9),
        names=st.lists(st.text("ABC_", min_size=1, max_size=9), max_size=9),
    )
    def test_the_nearest(self, name: str, names: list[str]) -> None:
        """S74: the name that is suggested is the one that the standard library finds nearest, of those that one slip leads
        from, if there are any.
        """
        slips = [one for one in names if OSA.distance(name, one) <= 1] if len(name) > 3 else []
        found = get_close_matches(name, slips or names, n=1, cutoff=0.0 if slips else NEAREST_RATIO)
        assert nearest(name, names) == (found[0] if found else None)

    def test_foreign_variables(self) -> None:
        """S73: variables of others are left alone."""
        assert Settings.load(None, {"PATH": "/", "comptoir_x": "", "XCOMPTOIR_Y": ""}) == Settings()

    def test_section_for_a_value(self, refused: Refused) -> None:
        """S74: a section given as a value is refused."""
        (found,) = refused("http = 3")
        assert (found.code, found.place) == ("CONFIG_VALUE_TYPE", "http")


class TestSecrets:
    """No secret is ever seen."""

    @budget(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(secret=st.text("0123456789abcdefé\"'\\", min_size=12, max_size=40))
    def test_in_problems(self, refused: Refused, secret: str) -> None:
        """S72: a refused secret is in no error, whatever is wrong with it and wherever it stood."""
        quoted = as_toml_text(secret)
        for text in (
            f"webhooks.seed.secrets = {quoted}",
            f"webhooks.seed.secrets = [{quoted}, 3]",
            f"webhooks.seed.secrets = [{quoted}, {quoted}]",
            f"webhooks.seed.secrets = [{quoted}",
            f"vault.keys = {{ k1 = {quoted} }}",
            f"vault.keys = {{ {quoted} = 'x' }}",
            f"vault.keys = {quoted}",
            f"storage.url = {quoted}",
            f"storage.url = [{quoted}]",
            f"http.prot = {quoted}",
            f"storage.url = 'postgresql://u:{secret.encode().hex()}@db.example/x'",
        ):
            seen = " ".join(found.line() for found in refused(text))
            assert secret not in seen
            assert ascii(secret)[1:-1] not in seen
            assert secret.encode().hex() not in seen
        for variable in ("WEBHOOKS__SEED__SECRETS", "VAULT__KEYS", "STORAGE__URL"):
            with pytest.raises(SettingsError) as caught:
                Settings.load(None, {f"COMPTOIR_{variable}": secret})
            assert secret not in str(caught.value)
            assert caught.value.__context__ is None


def as_toml_text(text: str) -> str:
    """Quote a text for TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""What the tests of the settings share.

Rule: no test finds a config.toml by chance; each runs in an empty folder.
Source: the order in which a configuration file is looked for (--config, variable, folder).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from comptoir.engine.settings import Problem, Settings, SettingsError

NOTHING: Mapping[str, str] = MappingProxyType({})


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., tuple[Problem, ...]]:
    """Load what must be refused, a file's text or an environment, and give its problems."""

    def load(text: str | None, env: Mapping[str, str] = NOTHING) -> tuple[Problem, ...]:
        file = None if text is None else tmp_path / "given.toml"
        if file is not None and text is not None:
            file.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            Settings.load(file, env)
        return caught.value.problems

    return load

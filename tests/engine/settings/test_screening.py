"""Settings of watch lists (S21, S27)."""

from pathlib import Path

import pytest

from comptoir.engine.settings import Settings, SettingsError
from comptoir.engine.settings.screening import WatchList

LISTS = ("screening", "lists")


def test_a_list_has_a_name_of_its_own() -> None:
    """S21, S27: what was decided about a client names the list, so no two have one name."""
    own = WatchList("own", Path("own.csv"))
    Settings().having({LISTS: (own, WatchList("ofac", Path("ofac")))})
    with pytest.raises(SettingsError, match=r"screening\.lists"):
        Settings().having({LISTS: (own, WatchList("own", Path("other.csv")))})


@pytest.mark.parametrize("name", ["", "Own", "9a", "a_b", "../x", "a" * 33])
def test_a_list_is_called_by_a_plain_word(name: str) -> None:
    """S62: its name is part of a file's and of an address's."""
    with pytest.raises(SettingsError):
        WatchList(name, Path("own.csv"))

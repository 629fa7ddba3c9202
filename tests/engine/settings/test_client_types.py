"""Types of clients as blocks of the configuration: one more is a block more.

Source: spec.md S1; docs/onboarding.md.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.settings import (
    ClientType,
    PartyRole,
    Problem,
    Settings,
    as_environment,
    as_toml,
)
from comptoir.engine.settings.client_types import CLIENT_TYPES

BLOCK = """
[onboarding.types.PARTNERSHIP]
documents = ["REGISTER_EXTRACT", "IDENTITY"]
needs = ["entity"]
entity = true
parties = [{ role = "beneficial_owner", least = 2, most = 5 }]
contract = "management-partnership"
"""
PARTNERSHIP = ClientType(
    ("REGISTER_EXTRACT", "IDENTITY"), ("entity",), True,
    (PartyRole("beneficial_owner", 2, 5),), "management-partnership",
)  # fmt: skip
Refused = Callable[..., tuple[Problem, ...]]


def test_the_four_of_the_source_are_there() -> None:
    """S1: individual, company, foundation, trust."""
    assert list(Settings().onboarding.types) == ["INDIVIDUAL", "COMPANY", "FOUNDATION", "TRUST"]


def test_a_block_adds_a_type_and_takes_none_away(tmp_path: Path) -> None:
    """S1: below the shipped file as well as alone; written again, it is the same, in a file and in variables."""
    file = tmp_path / "a.toml"
    for before in ("", as_toml(Settings())):
        file.write_text(before + BLOCK, encoding="utf-8")
        loaded = Settings.load(file, {})
        assert loaded.onboarding.types == {**CLIENT_TYPES, "PARTNERSHIP": PARTNERSHIP}
    file.write_text(as_toml(loaded), encoding="utf-8")
    assert Settings.load(file, {}) == loaded
    file.write_text("", encoding="utf-8")
    assert Settings.load(file, as_environment(loaded)) == loaded


def test_a_block_of_a_known_name_takes_its_place(tmp_path: Path) -> None:
    """S1, S4: what an individual needs is configuration."""
    file = tmp_path / "a.toml"
    block = tomllib.loads(BLOCK)["onboarding"]["types"]["PARTNERSHIP"]
    assert block["contract"] == "management-partnership"
    file.write_text(BLOCK.replace("PARTNERSHIP", "TRUST"), encoding="utf-8")
    types = Settings.load(file, {}).onboarding.types
    assert types["TRUST"] == PARTNERSHIP
    assert len(types) == 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("PARTNERSHIP", "partnership"),
        ('"REGISTER_EXTRACT"', '"SELFIE"'),
        ("entity = true", "entity = false"),
        ("least = 2, most = 5", "least = 6, most = 5"),
        ("most = 5 }", 'most = 5 }, { role = "beneficial_owner", least = 0, most = 1 }'),
        ("least = 2", "least = 31"),
        ('"beneficial_owner"', '"client"'),
        ('contract = "management-partnership"', ""),
        ("management-partnership", "Management Partnership"),
        ("documents", "document"),
    ],
)
def test_a_wrong_block_is_refused_with_its_place(refused: Refused, before: Any, after: Any) -> None:
    """S1, interface.md 3: nothing is guessed: an unknown document, a role twice, an entity of a person."""
    (problem, *_) = refused(BLOCK.replace(before, after))
    assert problem.place.startswith("onboarding.types")

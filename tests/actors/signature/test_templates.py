"""The texts of contracts are data: known places, both languages, or the daemon does not start (S1, S28)."""

from pathlib import Path

import pytest

from comptoir.actors.signature.consents import CONSENTS, TEXTS
from comptoir.actors.signature.templates import (
    LANGUAGES,
    PLACES,
    SHIPPED,
    Incomplete,
    TemplateError,
    filled,
    read_templates,
)
from comptoir.engine.settings.client_types import CLIENT_TYPES

WHOLE = """
[{0}]
title = "{1}"
signature = "Signed:"
[[{0}.parts]]
heading = "One"
text = ["{2}"]
"""


def test_every_type_of_client_has_its_contract() -> None:
    """S1: each shipped type names a template that is there, in both languages."""
    found = read_templates((SHIPPED,))
    assert {one.contract for one in CLIENT_TYPES.values()} <= set(found)
    assert all(set(one) == set(LANGUAGES) for one in found.values())


@pytest.mark.parametrize("name", sorted(x.stem for x in SHIPPED.glob("*.toml")))
def test_every_place_of_a_shipped_contract_is_filled(name: str) -> None:
    """S28: with all that may be said nothing is left of a place."""
    values = {place: f"<{place}>" for place in PLACES}
    for language, template in read_templates((SHIPPED,))[name].items():
        sheet = filled(template, language, values, 0)
        said = " ".join(text for part in sheet.parts for text in part.text)
        assert "<firstName> <lastName>" in said
        assert "{" not in said


def _write(folder: Path, text: str = "Hello {firstName}.", title: str = "Mandate") -> None:
    whole = "".join(WHOLE.format(language, title, text) for language in LANGUAGES)
    (folder / "own.toml").write_text(whole, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "why"),
    [("{nobody}", "nobody knows"), ("a } b", "a brace"), ("{first name}", "a brace"), ("", "without words")],
)  # fmt: skip
def test_a_wrong_template_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """S28: a place that nobody knows is found when the daemon starts, not when somebody signs."""
    _write(tmp_path, text)
    with pytest.raises(TemplateError, match=why):
        read_templates((tmp_path,))


@pytest.mark.parametrize("content", ["[fr", "[fr]\ntitle = 1\n", WHOLE.format("fr", "t", "x")])
def test_what_is_no_template_is_refused(tmp_path: Path, content: str) -> None:
    """S28: no TOML, other values, or a language that is missing."""
    (tmp_path / "own.toml").write_text(content, encoding="utf-8")
    with pytest.raises(TemplateError, match="own"):
        read_templates((tmp_path,))


def test_a_paragraph_whose_place_is_empty_is_left_out(tmp_path: Path) -> None:
    """S28: what has to be filled refuses the contract; what may stay empty takes its paragraph with it."""
    _write(tmp_path, "Lives in {address/city?}.")
    template = read_templates((tmp_path,))["own"]["en"]
    assert filled(template, "en", {}, 0).parts[0].text == ()
    assert filled(template, "en", {"address/city": "Paris"}, 0).parts[0].text == (
        "Lives in Paris.",
    )
    _write(tmp_path)
    with pytest.raises(Incomplete, match="firstName"):
        filled(read_templates((tmp_path,))["own"]["en"], "en", {}, 0)


def test_what_is_filled_in_is_not_filled_again(tmp_path: Path) -> None:
    """S28: a name that looks like a place is a name."""
    _write(tmp_path)
    sheet = filled(
        read_templates((tmp_path,))["own"]["en"],
        "en",
        {"firstName": "{lastName}", "lastName": "X"},
        0,
    )
    assert sheet.parts[0].text == ("Hello {lastName}.",)


def test_what_is_agreed_to_is_there_in_both_languages() -> None:
    """15 U.S.C. 7001(c): every text of today is there, word for word."""
    assert all(set(TEXTS[one]) == set(LANGUAGES) for one in CONSENTS)

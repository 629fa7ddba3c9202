"""What is said of a client: merged as RFC 7396 says, by whom, and nothing that was said is lost.

Rule: the oracle is the pseudo-code of RFC 7396 section 2, written out here; the examples are those of its appendix A.
Source: spec.md S5, E16; RFC 7396; docs/onboarding.md.
"""

from typing import Any, cast

import pycountry  # the countries of the standard, from the library that reads IBANs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.onboarding.countries import COUNTRIES, alpha2
from comptoir.actors.onboarding.messages import Document, Said
from comptoir.actors.onboarding.profile import (
    contested,
    said_by,
    taken_over,
    values,
    with_said,
)
from comptoir.actors.onboarding.reading import suggested
from comptoir.http.profile_leaves import flattened, nested
from tests.actors.filed import document

NAMES = st.sampled_from("abc")
LEAVES = st.one_of(st.integers(0, 3), st.text("xy", max_size=2), st.lists(st.just("z"), max_size=2))
DOCUMENTS = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PATCHES = st.recursive(
    st.dictionaries(NAMES, st.one_of(LEAVES, st.none()), max_size=3),
    lambda inner: st.dictionaries(NAMES, st.one_of(inner, st.none()), max_size=3),
    max_leaves=8,
)
SOURCES = ("mainframe", "partner:cl_1", "client", "advisor", "document:doc_1")
SPEECH = st.lists(
    st.tuples(
        st.sampled_from(SOURCES),
        st.dictionaries(
            st.sampled_from(["a", "b", "c/x", "c/y", "c"]),
            st.one_of(st.none(), st.integers(0, 3)),
            max_size=4,
        ),
    ),
    max_size=12,
)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 section 2, as it stands there."""
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Any] = (
        dict(cast("dict[str, Any]", target)) if isinstance(target, dict) else {}
    )
    for name, value in cast("dict[str, Any]", patch).items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def pruned(value: Any) -> Any:
    """Without objects that are empty: a profile has fields, and no empty drawers; lists are tuples."""
    if isinstance(value, list):
        return tuple(cast("tuple[Any, ...]", value))
    if not isinstance(value, dict):
        return value
    inner = {name: pruned(one) for name, one in cast("dict[str, Any]", value).items()}
    return {name: one for name, one in inner.items() if one != {}}


def said(source: str, at: int = 1) -> Said:
    """Who, and when."""
    return Said(None, source, "somebody", at)


def patched(target: Any, patch: Any) -> Any:
    """By ours: one speaker, who says the one and then the other."""
    first = with_said({}, dict(flattened(target)), said("client"))
    return nested(values(with_said(first, dict(flattened(patch)), said("client", 2))))


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"e": "x"}, {"a": 1}, {"e": "x", "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {}),
    ],
)
def test_the_examples_of_the_standard(target: Any, patch: Any, result: Any) -> None:
    """RFC 7396 appendix A: those whose target and patch are objects, and whose lists hold no objects."""
    assert patched(target, patch) == pruned(result)
    assert pruned(merge_patch(target, patch)) == pruned(result)


def _shape(value: Any, path: str = "") -> dict[str, bool]:
    """Which paths are objects."""
    found: dict[str, bool] = {}
    if isinstance(value, dict):
        for name, one in cast("dict[str, Any]", value).items():
            found[f"{path}/{name}"] = isinstance(one, dict)
            found |= _shape(one, f"{path}/{name}")
    return found


@given(DOCUMENTS, PATCHES)
def test_one_speaker_is_a_merge_patch(target: Any, patch: Any) -> None:
    """RFC 7396: as its own pseudo-code, for all that keeps a value a value and an object an object."""
    before, after = _shape(target), _shape(patch)
    if any(
        before[path] != after[path]
        for path in before.keys() & after.keys()
        if patch_at(patch, path) is not None
    ):
        return  # a shape never changes: the edge refuses it before
    assert patched(target, patch) == pruned(merge_patch(target, patch))


def patch_at(patch: Any, path: str) -> Any:
    """What a patch says there."""
    for name in path.split("/")[1:]:
        patch = patch[name]
    return patch


def _keeps_others(before: Any, after: Any, source: str) -> bool:
    """Whether nobody's word but this source's was touched."""
    theirs = [(path, one) for path in before for one in before[path] if one.source != source]
    return all(one in after[path] for path, one in theirs)


def _spoken(last: Any, source: str, changes: dict[str, Any], at: int) -> None:
    """What each source has said last, by a model of its own."""
    for path, value in changes.items():
        if value is None:
            gone = [x for x in last if x[0] == source and f"{x[1]}/".startswith(f"{path}/")]
            for pair in gone:
                del last[pair]
        elif last.get((source, path), (None, 0))[0] != value:
            last[source, path] = (value, at)


@given(SPEECH)
def test_nothing_that_was_said_is_lost(speech: list[tuple[str, dict[str, Any]]]) -> None:
    """E16: whatever is said in whatever order, each source's last word on each field is there, with who and when,
    until it takes it back itself; what stands is that of the first of them; no field is without a source.
    """
    statements: Any = {}
    last: dict[tuple[str, str], tuple[Any, int]] = {}
    for at, (source, changes) in enumerate(speech, 1):
        before, statements = statements, with_said(statements, changes, said(source, at))
        assert _keeps_others(before, statements, source), "nobody writes over another"
        _spoken(last, source, changes, at)
    for (source, path), (value, at) in last.items():
        one = said_by(statements, source)[path]
        assert (one.value, one.at, one.by) == (value, at, "somebody")
    for several in statements.values():
        ranks = [SOURCES.index(one.source) for one in several]
        assert ranks
        assert ranks == sorted(set(ranks))


def test_what_a_partner_attested_is_contested_and_not_written_over() -> None:
    """E16: the partner's word stands, the client's is beside it; agreeing, or the partner's amending, ends it."""
    attested = with_said({}, {"tax/year": 2025}, said("partner:cl_1"))
    against = with_said(attested, {"tax/year": 2024}, said("client", 2))
    assert values(against) == {"tax/year": 2025}
    assert contested(against["tax/year"])
    assert [one.source for one in against["tax/year"]] == ["partner:cl_1", "client"]
    denied = with_said(attested, {"tax": None}, said("client", 2))
    assert contested(denied["tax/year"]), "to say that there is none is to contradict"
    agreed = with_said(against, {"tax/year": 2025}, said("client", 3))
    amended = taken_over(against, {"tax/year": 2024}, said("partner:cl_1", 3))
    assert not contested(agreed["tax/year"])
    assert not contested(amended["tax/year"])
    read = with_said(attested, {"tax/year": 2023}, said("document:doc_1", 2))
    assert not contested(read["tax/year"]), "a document is only read"


def test_the_client_corrects_its_advisor_and_what_was_read() -> None:
    """S5: of those who do not attest, the client knows best; what it takes back again, the others say still."""
    read = with_said({}, {"address/city": "Lyon"}, said("document:doc_1"))
    typed = with_said(read, {"address/city": "Pari"}, said("advisor", 2))
    right = with_said(typed, {"address/city": "Paris"}, said("client", 3))
    assert values(right) == {"address/city": "Paris"}
    assert [one.value for one in right["address/city"]] == ["Paris", "Pari", "Lyon"]


def test_a_submission_is_a_whole() -> None:
    """S5: what a partner does not say any more it has not said; what others said stays."""
    first = with_said({}, {"a": 1, "b": 2}, said("partner:cl_1"))
    spoken = with_said(first, {"b": 3}, said("client", 2))
    after = taken_over(spoken, {"a": 1}, said("partner:cl_1", 3))
    assert values(after) == {"a": 1, "b": 3}
    assert after["a"][0].at == 1, "said again, it was said when it was said first"


@pytest.mark.parametrize(
    ("fields", "residence", "found"),
    [
        ({"address": "12 rue des Lilas, 75011 Paris"}, "FR",
         {"address/street": "12 rue des Lilas", "address/postalCode": "75011", "address/city": "Paris",
          "address/country": "FR"}),
        ({"address": "12 rue des Lilas, 75011 Paris"}, "CA",
         {"address/street": "12 rue des Lilas", "address/postalCode": "75011", "address/city": "Paris"}),
        ({"address": "1001 rue Sherbrooke, Montréal QC H3A 1B1"}, "CA",
         {"address/street": "1001 rue Sherbrooke", "address/city": "Montréal", "address/province": "QC",
          "address/postalCode": "H3A 1B1", "address/country": "CA"}),
        ({"address": "somewhere"}, "FR", {}),
        ({}, "FR", {}),
    ],
)  # fmt: skip
def test_a_proof_of_residence_suggests_an_address(
    fields: dict[str, str], residence: str, found: dict[str, str]
) -> None:
    """S5, S19: only what can be told apart is suggested, and no country that the address does not say."""
    one: Document = document(doc_type="PROOF_OF_RESIDENCE", fields=fields)
    assert suggested(one, residence) == found


def test_a_passport_suggests_a_nationality() -> None:
    """S19: three letters become two; what is no country (a stateless person) suggests nothing."""
    assert suggested(document(fields={"nationality": "CAN"}), "CA") == {"nationality": "CA"}
    assert suggested(document(fields={"nationality": "XXA"}), "CA") == {}
    assert alpha2("D<<") == "DE"


def test_the_countries_are_those_of_the_standard() -> None:
    """ISO 3166-1, by another's table."""
    assert {one.alpha_3: one.alpha_2 for one in pycountry.countries} | {"D": "DE"} == COUNTRIES

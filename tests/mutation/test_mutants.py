"""A safeguard that no test misses is no safeguard: each is taken away, and a named test must fail.

The mutants are declared in mutants.toml, and listed with the tests that catch them in
docs/mutants.md. Source: issue 3, deliver 3 and "Must show"; design.md 7 and 9.
"""

import re

import pytest

from tests.mutation.conftest import FOLDERS, PYTEST_FAILED, Laboratory, Trial, read_trials

NOT_RUNNING = re.compile(r"\b(Name|UnboundLocal|Syntax|Indentation|Import|Type|Attribute)Error: ")
"""What a mutant that is merely broken dies of: it would prove nothing."""


def _hold_applies(trial: Trial) -> None:
    for mutant in trial.mutants:
        assert mutant.applies == 1, (
            f"the mutant no longer applies: its text stands {mutant.applies} times in "
            f"{mutant.file}: update {mutant.name} in tests/mutation/mutants.toml"
        )
        assert mutant.old != mutant.new


def test_every_named_test_is_in_a_folder_of_these() -> None:
    """None of them is left out where the unchanged tree is tried."""
    strangers = [one.test for one in read_trials() if not one.test.startswith(FOLDERS)]
    assert strangers == []


def test_mutant_still_applies(trial: Trial) -> None:
    """The text that a mutant takes away stands in its file exactly once."""
    _hold_applies(trial)


def test_unchanged_tree_passes(laboratory: Laboratory, folder: str) -> None:
    """In the same copy, run the same way, every named test passes: so a failure means the mutant."""
    if not laboratory.tries(folder):
        pytest.skip("no mutant of it was asked for")
    verdict = laboratory.verdict(folder)
    assert verdict.status == 0, verdict.output
    assert not verdict.strangers, f"tested another tree\n{verdict.output}"
    assert {how for how, _ in verdict.ended.values()} <= {"passed"}, verdict.output


def test_mutant_is_caught(laboratory: Laboratory, trial: Trial, tell: list[str]) -> None:
    """With this safeguard taken away, the named test fails (design.md 9: each invariant has one)."""
    _hold_applies(trial)
    verdict = laboratory.verdict(trial.name)
    lost = "; ".join(mutant.takes_away for mutant in trial.mutants)
    assert verdict.status == PYTEST_FAILED, f"survived: {lost}\n{verdict.output}"
    assert not verdict.strangers, f"tested another tree: {verdict.strangers}\n{verdict.output}"
    how, why = verdict.ended.get(trial.test, ("not run", ""))
    assert how == "failed", f"{trial.test}: {how} {why}\n{verdict.output}"
    assert not NOT_RUNNING.search(why), f"the mutant does not run: {why}"
    tell.append(f"{trial.name}{'' if verdict.swapped else ' (copied)'}: {why[:160]}")

"""What becomes of an error. Source: interface.md 2 (one line, exit statuses)."""

import stat
from pathlib import Path

import pytest

from comptoir.engine.cli.errors import CommandError, explain, nearest, one_line
from comptoir.engine.settings import Settings, SettingsError
from comptoir.storage.errors import DatabaseNewer


def test_what_a_person_can_mend_is_found_in_a_group() -> None:
    """Of a group of errors the one with a code and a remedy is told, with its status."""
    group = ExceptionGroup(
        "a nursery's", [RuntimeError("x"), ExceptionGroup("inner", [DatabaseNewer("newer\ntext")])]
    )
    (line,), status = explain(group)
    assert line.startswith("comptoir: DATABASE_NEWER: newer text: install the newer release")
    assert status == 3
    lines, status = explain(CommandError("A_CODE", "text", "remedy", exit_status=4))
    assert (lines, status) == (["comptoir: A_CODE: text: remedy"], 4)


def test_settings_are_told_whole() -> None:
    """Every problem of the settings has its line."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(None, {"COMPTOIR_X": "1", "COMPTOIR_HTTP__PORT": "no"})
    lines, status = explain(ExceptionGroup("a nursery's", [caught.value]))
    assert (len(lines), status) == (2, 2)


def test_an_interrupt_is_silent() -> None:
    """Ctrl-C needs no explanation, alone or in a group."""
    for error in (KeyboardInterrupt(), BaseExceptionGroup("x", [KeyboardInterrupt()])):
        assert explain(error) == ([], 130)


def test_a_bug_leaves_its_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is one line that names a file of mode 0600; no value of anybody is on the terminal."""
    monkeypatch.setenv("COMPTOIR_STORAGE__DATA_DIR", str(tmp_path))
    try:
        raise ValueError("Jeanne Martin, FR7630006000011234567890189")
    except ValueError as error:
        (line,), status = explain(error)
    assert status == 1
    assert line.startswith("comptoir: INTERNAL: ValueError, a bug of ours: report it with ")
    assert "Jeanne" not in line
    (log,) = (tmp_path / "logs").iterdir()
    assert str(log) in line
    assert "test_errors.py" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_one_line_is_one_line() -> None:
    """Whatever an error says, its line has no break, no control and an end."""
    assert one_line("a\nb\x1b[31m\tc") == "a b?[31m c"
    assert len(one_line("x" * 10_000)) == 500


def test_nearest_name() -> None:
    """A name that comes near is found, and none that does not."""
    assert nearest("lable", ["label", "points"]) == "label"
    assert nearest("zzz", ["label", "points"]) is None

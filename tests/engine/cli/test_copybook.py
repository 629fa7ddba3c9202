"""`comptoir copybook show` and `copybook diff`: every field with offset, bytes and meaning (E11)."""

import json
from pathlib import Path
from typing import Any

from comptoir.actors.gateways.account_record import AccountReply, reply_of

PAGE = ("--code-page", "cp1140")
CREATED = reply_of(AccountReply("ONB-2025-00123", "created", "WM-0000017"), "cp1140")
REFUSED = reply_of(AccountReply("ONB-2025-00123", "refused", reason="UNSUCCESSFUL"), "cp1140")


def test_a_record_is_shown_field_by_field(run: Any, tmp_path: Path) -> None:
    """Offset, hex and meaning of each, a condition's name with its value; a byte too many is shown too (E11)."""
    (tmp_path / "reply.bin").write_bytes(CREATED)
    shown = run("copybook", "show", "ACCOUNT-REPLY", "reply.bin", *PAGE)
    assert shown.status == 0
    (line,) = [line for line in shown.out.splitlines() if "STATUS-CODE" in line]
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "STATUS-CODE", "24", "X(2)", "f0f0", "'00' = ACCOUNT-CREATED",
    ]  # fmt: skip
    long = run(
        "copybook", "show", "account-reply", "-", *PAGE, "--format", "json", stdin=CREATED + b"\x00"
    )
    assert long.status == 1
    *_, last = map(json.loads, long.out.splitlines())
    assert (last["field"], last["wrong"]) == ("(left over)", "RECORD_LENGTH_WRONG")
    assert (last["offset"], last["hex"]) == (80, "00")


def test_two_records_are_compared(run: Any, tmp_path: Path) -> None:
    """The fields whose bytes differ, both sides; status 1, as `diff` has it (E11)."""
    (tmp_path / "a.bin").write_bytes(CREATED)
    (tmp_path / "b.bin").write_bytes(REFUSED)
    words = ("copybook", "diff", "ACCOUNT-REPLY", "a.bin")
    shown = run(*words, "b.bin", *PAGE, "--format", "json")
    assert shown.status == 1
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["left"]["field"] for row in rows] == ["STATUS-CODE", "ACCOUNT-NUMBER", "REASON"]
    assert (rows[0]["left"]["meaning"], rows[0]["right"]["meaning"]) == (
        "'00' = ACCOUNT-CREATED",
        "'08' = ACCOUNT-REFUSED",
    )
    table = run(*words, "b.bin", *PAGE)
    assert table.out.splitlines()[-1] == "5 fields, 3 differ"
    assert run(*words, "a.bin", *PAGE).status == 0


def test_what_cannot_be_read_is_one_line_with_a_remedy(run: Any, tmp_path: Path) -> None:
    """A copybook that is none, a file that is not there, a page that is none: status 2, and what helps."""
    (tmp_path / "wrong.cpy").write_text("01 R.\n 05 A PIC Z(3).\n")
    (tmp_path / "a.bin").write_bytes(CREATED)
    wrong = {
        ("wrong.cpy", "a.bin"): "PICTURE_EDITED: Z(3): edits what it shows - line 2, column 11: ",
        (
            "ACCOUNT-REPLI",
            "a.bin",
        ): "FILE_UNREADABLE: ACCOUNT-REPLI is no file: did you mean ACCOUNT-REPLY?",
        ("ACCOUNT-REPLY", "b.bin"): "FILE_UNREADABLE: ",
        ("ACCOUNT-REPLY", "a.bin", "--code-page", "utf-8"): "CODE_PAGE_UNKNOWN: ",
        ("ACCOUNT-REPLY", "a.bin", "--number", "2"): "RECORD_MISSING: ",
    }
    for words, said in wrong.items():
        shown = run("copybook", "show", *words)
        assert (shown.status, shown.out) == (2, "")
        assert shown.err.startswith(f"comptoir: {said}")

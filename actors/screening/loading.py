"""The program that reads a watch list: started for each version, told what to read, ended with its answer.

The rules:
- a task comes in on standard input as one line; lines of JSON go out: how many names are in so far, and in the
  end what the index is of, or why there is none. A list is read whole or not at all, and its line is told;
- the index is written under the name of what it holds (`LIST.VERSION.idx`), beside the others, and appears when
  it is whole: whoever searches an earlier one goes on with it;
- a source that is an index already is copied, so that nobody changes it under those who have it mapped;
- it gives way to the daemon (priority.py), and ends when nobody listens any more.
Source: issue 8, deliver 3; docs/screening.md.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from comptoir.actors.priority import give_way
from comptoir.actors.screening.entries import ListInvalid
from comptoir.actors.screening.index import Header, Index, IndexInvalid, build_index
from comptoir.actors.screening.reading import read_list

__all__ = ["UNREADABLE", "WRONG", "Said", "Task", "index_path", "main"]

TASK_BYTES_MAX: Final = 16_384
WRONG: Final = "LIST_INVALID"
UNREADABLE: Final = "LIST_UNREADABLE"
TEXT_CHARS_MAX: Final = 300


class Task(msgspec.Struct, frozen=True):
    """What to read, and where its index goes."""

    name: str
    source: str
    folder: str


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the answer."""

    names: int = 0
    """Read so far; with a version, all."""
    version: str = ""
    """The index is there."""
    entries: int = 0
    code: str = ""
    """There will be none, and why."""
    detail: str = ""


def index_path(folder: Path, name: str, version: str) -> Path:
    """Where the index of a version of a list is."""
    return folder / f"{name}.{version}.idx"


def main() -> None:
    """Do one task."""
    give_way()
    task = msgspec.json.decode(sys.stdin.buffer.readline(TASK_BYTES_MAX), type=Task)
    _say(_load(task))


def _load(task: Task) -> Said:
    source, folder = Path(task.source), Path(task.folder)
    handle, made = tempfile.mkstemp(dir=folder, prefix=f".{task.name}.")
    os.close(handle)
    draft = Path(made)
    try:
        header = _index(source, draft)
        draft.replace(index_path(folder, task.name, header.version))
    except (ListInvalid, IndexInvalid, ValueError) as error:
        return Said(code=WRONG, detail=str(error)[:TEXT_CHARS_MAX])
    except OSError as error:
        return Said(code=UNREADABLE, detail=(error.strerror or "")[:TEXT_CHARS_MAX])
    finally:
        draft.unlink(missing_ok=True)
    return Said(names=header.names, version=header.version, entries=header.entries)


def _index(source: Path, draft: Path) -> Header:
    """Have the index of a source at `draft`."""
    if source.is_file() and _is_index(source):
        shutil.copyfile(source, draft)
        with Index(draft) as copied:
            return copied.header
    return build_index(read_list(source), draft, lambda names: _say(Said(names=names)))


def _is_index(source: Path) -> bool:
    try:
        with Index(source):
            return True
    except IndexInvalid:
        return False


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

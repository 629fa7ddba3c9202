"""The demo's watch list: who of its clients is on it (S21, X3)."""

from pathlib import Path

from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Index, build_index
from comptoir.actors.screening.reading import read_list
from comptoir.engine.cli.demo_applicants import APPLICANTS
from comptoir.engine.cli.demo_lists import watch_list_csv


def test_one_client_of_the_demo_has_a_namesake(tmp_path: Path) -> None:
    """S21, X3: one is held for the list's sake, and no other."""
    source, index = tmp_path / "watch-list.csv", tmp_path / "index"
    source.write_text(watch_list_csv(), encoding="utf-8")
    build_index(read_list(source), index)
    with Index(index) as opened:
        held = [
            (who.name, hit.entry.id, hit.entry.topics)
            for who in APPLICANTS
            for hit in opened.search("Person", Subject((who.name,), (who.birth,)))
        ]
    assert held == [("Andrea Liste", "demo-1", ("sanction",))]

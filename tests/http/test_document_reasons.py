"""Every code that may stand with a document has a sentence for whoever sent it. Source: interface.md 8; docs/documents.md."""

from pathlib import Path

from comptoir.actors.inspection.flags import FLAGS, Weight
from comptoir.http.document_reasons import REASONS, reason_of


def test_every_finding_has_a_sentence_and_no_other() -> None:
    """interface.md 8: `reasons` are code and text; what became of an upload is told in the words of its problem."""
    assert REASONS.keys() == FLAGS.keys()
    assert reason_of("DAMAGED") == {"code": "DAMAGED", "text": REASONS["DAMAGED"]}
    assert "arrived" in reason_of("UPLOAD_MISSING")["text"]


def test_the_page_says_of_every_code_what_it_does() -> None:
    """docs/documents.md has a row for each, with its weight."""
    page = (Path(__file__).parents[2] / "docs" / "documents.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    said = {Weight.NOTE: "noted", Weight.REDO: "asked for again", Weight.REFUSE: "refused"}
    for code, weight in FLAGS.items():
        row = next(
            (line for line in rows if code in line.split("|")[1].replace(",", " ").split()), ""
        )
        assert said[weight] in row, code

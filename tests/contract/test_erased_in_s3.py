"""A file is erased whose documents are in S3: nothing of them is left in the bucket, whose versions are kept.

Rule: the bucket is looked at by its owner, over S3's own protocol, and not by the daemon.
Source: spec.md S12, X13, X30, E13; docs/erasure.md.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer
from comptoir.storage.objects.versions import read_versions
from tests.contract.documents import in_s3, make_pdf, to_people
from tests.contract.test_erased import Registry
from tests.storage.objects.seaweed import Seaweed
from tests.storage.objects.test_versions import VERSIONED, asks


def test_nothing_of_an_erased_file_is_left_in_the_bucket(
    comptoir_daemon: Callable[..., Process],
    carrier: Process,
    comptoir_postgres_server: Any,
    s3_server: Seaweed,
    tmp_path: Path,
) -> None:
    """X13, E13: a client has sent two documents: after the erasure of their file there is
    no object, no version and no mark of a deletion below its number; another file's are untouched.
    """
    assert asks(s3_server, "PUT", "?versioning", VERSIONED).status_code == 200
    daemon = comptoir_daemon(
        **to_people(carrier),
        **in_s3(s3_server),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_VAULT__STORE=str(tmp_path / "keys.db"),
    )
    registry = Registry(daemon, carrier, comptoir_postgres_server)
    paper = make_pdf(tmp_path / "passport.pdf", 0.01)
    file, stays = registry.begins(), "ONB-1999-00001"
    gone = str(file.begun["onboardingId"])
    with closing(registry.signs_in(file)) as browser:
        for doc_type in ("IDENTITY", "TAX_DECLARATION"):
            wanted = {
                "docType": doc_type, "filename": "a.pdf", "contentType": paper.media_type,
                "sizeBytes": paper.size, "sha256": paper.sha256,
            }  # fmt: skip
            address = browser.post(f"{file.path}/documents", json=wanted).json()
            assert address["uploadUrl"].startswith(s3_server.url)
            assert file.upload(address, paper).status_code == 200
    assert asks(s3_server, "PUT", f"/{stays}/IDENTITY/doc.pdf", b"x").status_code == 200
    assert len(_below(s3_server, gone)) == 2
    Customer(daemon).advance(3_700)
    registry.sign_in()
    registry.erased(file)
    assert _below(s3_server, gone) == []
    assert len(_below(s3_server, stays)) == 1


def _below(server: Seaweed, number: str) -> list[tuple[str, str]]:
    """Every version and every mark of a file's objects."""
    return read_versions(asks(server, "GET", f"?prefix={number}%2F&versions=").content).versions

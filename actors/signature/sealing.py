"""Seals a contract for the long term; a program of its own, which the daemon starts for each (studio.py).

The rules: what is sealed is the contract with the evidence of how its client signed it, in one revision; a time stamp of an
authority says when, and is in the file, as is word that no certificate was revoked then; a second time stamp seals that
(PAdES B-LTA). Without any of these there is no seal. The appearance is text in fonts that are in the file.
Source: ETSI EN 319 142-1 (PAdES baseline, B-LTA); ISO 32000-2, 12.8; RFC 3161; spec.md S28; docs/adr/0052.
"""

# What these libraries hold has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio  # noqa: TID251 - a program of its own, and pyHanko speaks asyncio
import io
import sys
from datetime import timedelta
from typing import Any, Final

import httpx
import msgspec
from asn1crypto import x509

from comptoir.actors.inspection.confinement import bound, follow_reader, lose_reader
from comptoir.actors.signature.drawing import FIELD_HEIGHT, FIELD_WIDTH
from comptoir.actors.signature.fetching import Fetching, Outside, OutsideFailed, Stamper
from comptoir.actors.signature.sheet import EVIDENCE, FIELD, Seal, Sealed
from comptoir.engine.trust import trust_of

__all__ = ["main", "seal"]

MEMORY_BYTES_MAX: Final = 2 << 30
CPU_SECONDS_MAX: Final = 60
DIGEST: Final = "sha256"
TOLERANCE: Final = timedelta(minutes=1)
"""Between our clock and that of the time stamping authority."""
_STAMP: Final = b"""
#let stamp = json(bytes(sys.inputs.stamp))
#set page(width: 240pt, height: 72pt, margin: 6pt, fill: none)
#set text(lang: stamp.language, size: 8.5pt, font: "Libertinus Serif")
#set par(leading: 0.5em, spacing: 0.55em)
#for line in stamp.lines { par(line) }
"""


class _KeyUnusable(Exception):
    """The file of the key cannot be opened."""


def seal(task: Seal) -> Sealed:
    """The sealed file, or why there is none."""
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.timestamps.common_utils import TimestampRequestError
    from pyhanko_certvalidator.errors import PathError

    timeout = httpx.Timeout(task.seconds_max)
    with httpx.Client(
        timeout=timeout, verify=trust_of(task.tsa_url), trust_env=False, follow_redirects=False
    ) as client:
        try:
            return Sealed(asyncio.run(_seal(task, Outside(client))))
        except OutsideFailed as error:
            return Sealed(b"", error.code, retryable=True)
        except TimestampRequestError:
            return Sealed(b"", "TSA_REFUSED", retryable=True)
        except (PathError, SigningError):
            return Sealed(b"", "SEAL_CHAIN_UNPROVEN", retryable=True)
        except _KeyUnusable:
            return Sealed(b"", "SEAL_KEY_UNUSABLE")


async def _seal(task: Seal, outside: Outside) -> bytes:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, PdfSigner
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko.sign.signers.pdf_signer import DSSContentSettings, TimestampDSSContentSettings
    from pyhanko.stamp import StaticStampStyle
    from pyhanko_certvalidator import ValidationContext

    try:
        signer = SimpleSigner.load_pkcs12_data(task.pkcs12, (), task.password.encode())
    except ValueError as error:
        raise _KeyUnusable from error
    own_roots = [x for x in signer.cert_registry if x.self_issued]
    roots = [*own_roots, *(x509.Certificate.load(one) for one in task.trust)]
    context = ValidationContext(
        trust_roots=roots, allow_fetching=True, fetchers=Fetching(outside).get_fetchers(),
        revocation_mode="hard-fail", time_tolerance=TOLERANCE,
        other_certs=list(signer.cert_registry),
    )  # fmt: skip
    writer = IncrementalPdfFileWriter(io.BytesIO(task.pdf))
    _attach(writer, task.evidence)
    stamper = Stamper(outside, task.tsa_url)
    signing = PdfSigner(
        PdfSignatureMetadata(
            field_name=FIELD, md_algorithm=DIGEST, subfilter=SigSeedSubFilter.PADES, embed_validation_info=True,
            use_pades_lta=True, validation_context=context, timestamp_field_name=f"{FIELD}Time",
            signer_key_usage={"non_repudiation"}, dss_settings=DSSContentSettings(
                next_ts_settings=TimestampDSSContentSettings(include_vri=False, update_before_ts=True)
            ),
        ),
        signer=signer,
        timestamper=stamper,
        stamp_style=StaticStampStyle(background=_appearance(task), border_width=0),
    )  # fmt: skip
    out = io.BytesIO()
    await signing.async_sign_pdf(writer, output=out)
    return out.getvalue()


def _attach(writer: Any, evidence: bytes) -> None:
    from pyhanko.pdf_utils import embed
    from pyhanko.pdf_utils.generic import pdf_name

    data = embed.EmbeddedFileObject.from_file_data(
        writer, data=evidence, mime_type="application/json"
    )
    spec = embed.FileSpec(
        EVIDENCE, EVIDENCE, data, "How it was signed", af_relationship=pdf_name("/Supplement")
    )
    embed.embed_file(writer, spec)


def _appearance(task: Seal) -> Any:
    """What is seen where it is signed, with its fonts."""
    import typst
    from pyhanko.pdf_utils.content import PdfContent
    from pyhanko.pdf_utils.layout import BoxConstraints
    from pyhanko.pdf_utils.reader import PdfFileReader

    told = {"language": task.language, "lines": task.stamp}
    page = typst.compile(
        _STAMP, format="pdf", sys_inputs={"stamp": msgspec.json.encode(told).decode()},
        ignore_system_fonts=True, timestamp=0, pdf_tags=False,
    )  # fmt: skip
    assert isinstance(page, bytes)

    class Page(PdfContent):
        """That page, as it is drawn into the field."""

        def render(self) -> bytes:
            writer = self._ensure_writer
            drawn = writer.import_page_as_xobject(PdfFileReader(io.BytesIO(page)), page_ix=0)
            self.resources.xobject["/Stamp"] = drawn
            self.box = BoxConstraints(width=FIELD_WIDTH, height=FIELD_HEIGHT)
            return b"/Stamp Do"

    return Page()


def main() -> None:
    """Read a task, write what came of it: the program. The key is in the task, and goes nowhere else."""
    bound(MEMORY_BYTES_MAX, CPU_SECONDS_MAX)
    follow_reader()
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Seal)
    sealed = msgspec.msgpack.encode(seal(task))
    lose_reader()
    sys.stdout.buffer.write(sealed)


if __name__ == "__main__":
    main()

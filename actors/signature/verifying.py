"""Says what is to be said of the signatures of a PDF; a program of its own, confined, which the daemon starts for each (studio.py).

The rules: anybody's bytes are looked at, so the program has no file, no network and no more than its bounds (actors/inspection/
confinement.py); what proves a signature is in the file, or it is not proven; a signature whose certificate has expired
since is good if time stamps and lists of revocations in the file prove that it was good then (PAdES B-LTA); every byte
is either signed, or keeps what is signed valid; whoever signs must have a certificate that is for signing, under a root of
signers: the root of a time stamping authority is one of time stamps alone. Problems are stable codes.
Source: ETSI EN 319 102-1, 5.6 (validation of long-term signatures); RFC 5280, 4.2.1.3 and 4.2.1.12; ISO 32000-2, 12.8; spec.md S28; docs/signature.md.
"""

# What these libraries hold has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio  # noqa: TID251 - a program of its own, and pyHanko speaks asyncio
import hashlib
import io
import sys
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final, TypeVar

import msgspec
from asn1crypto import x509

from comptoir.actors.inspection.confinement import bound, follow_reader, lock, lose_reader
from comptoir.actors.signature.sheet import EVIDENCE, SignerSeen, Verdict

__all__ = ["main", "verify"]

MEMORY_BYTES_MAX: Final = 2 << 30
CPU_SECONDS_MAX: Final = 30
SIGNATURES_MAX: Final = 20
EVIDENCE_BYTES_MAX: Final = 64 * 1024
USAGE: Final = "non_repudiation"
LISTS_KEPT: Final = timedelta(days=36_500)
NOT_A_PDF: Final = "NOT_A_PDF"
UNSIGNED: Final = "NOT_SIGNED"
CHANGED: Final = "CONTENT_CHANGED"
ADDED: Final = "CONTENT_ADDED"
UNTRUSTED: Final = "SIGNER_NOT_TRUSTED"
UNPROVEN: Final = "VALIDITY_NOT_PROVEN"
STAMP_BROKEN: Final = "TIME_STAMP_BROKEN"
TOO_MANY: Final = "TOO_MANY_SIGNATURES"
LATE: Final = (
    "pyhanko.pdf_utils.reader", "pyhanko.sign.ades.report", "pyhanko.sign.diff_analysis", "pyhanko.sign.validation.ades",
    "pyhanko.sign.validation.status", "pyhanko_certvalidator.ltv.ades_past", "pyhanko.pdf_utils.filters", "cryptography.hazmat.backends.openssl.backend",
    "lxml.etree", "gzip",
)  # fmt: skip
"""Modules that bring all others with them."""
T = TypeVar("T")
Found = tuple[SignerSeen, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Trust:
    """To whom certificates must lead."""

    signers: list[x509.Certificate]
    stamps: list[x509.Certificate]


def verify(
    pdf: bytes, roots: Iterable[bytes], at: int, stamp_roots: Iterable[bytes] = ()
) -> Verdict:
    """What is to be said of it.

    Args:
        pdf: anybody's bytes.
        roots: certificates that signers must lead to, in DER; time stamps may.
        at: when it is asked, ms since 1970.
        stamp_roots: further ones that time stamps may lead to, and no signer.
    """
    signers = [x509.Certificate.load(one) for one in roots]
    trusted = _Trust(signers, [*signers, *(x509.Certificate.load(one) for one in stamp_roots)])
    moment = datetime.fromtimestamp(at / 1000, UTC)
    try:
        return _driven(_verify(pdf, trusted, moment))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a parser given anybody's bytes may raise anything; all of it means this
        return Verdict(False, (), (NOT_A_PDF if not pdf[:1024].count(b"%PDF-") else CHANGED,))


class _Nothing:
    """What a loop listens to that hears of nothing outside."""

    def select(self, timeout: float | None) -> list[Any]:
        """Nothing, at once."""
        assert timeout is not None, "it waits for what is not there"
        return []


class _Loop(asyncio.BaseEventLoop):
    """A loop of events without files of its own, which a confined program cannot have: all that proves a signature is in its
    file, so nothing outside is ever waited for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Nothing()

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps."""


def _driven(work: Coroutine[Any, Any, T]) -> T:
    """What it comes to."""
    loop = _Loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def _verify(pdf: bytes, trust: _Trust, moment: datetime) -> Verdict:
    from pyhanko.pdf_utils.reader import PdfFileReader

    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    signatures, stamps = reader.embedded_regular_signatures, reader.embedded_timestamp_signatures
    if not signatures:
        return Verdict(False, (), (UNSIGNED,))
    if len(signatures) + len(stamps) > SIGNATURES_MAX:
        return Verdict(False, (), (TOO_MANY,))
    found = [await _judge(reader, one, trust, moment) for one in signatures]
    problems = [code for _, codes in found for code in codes]
    problems += [STAMP_BROKEN for stamp in stamps if not _intact(stamp)]
    problems += [ADDED for stamp in stamps if not _is_whole(stamp)]
    told = tuple(dict.fromkeys(problems))
    return Verdict(not told, tuple(seen for seen, _ in found), told)


def _is_whole(signature: Any) -> bool:
    """Whether nothing was added after it but what keeps it valid."""
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    signature.compute_integrity_info()
    if signature.coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return True
    level = getattr(signature.diff_result, "modification_level", None)
    followed = signature.reader.total_revisions > signature.signed_revision + 1
    return followed and level in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES)


def _intact(signature: Any) -> bool:
    from pyhanko.sign.diff_analysis import SuspiciousModification
    from pyhanko.sign.validation.errors import SignatureValidationError

    try:
        signature.compute_integrity_info()
    except (SignatureValidationError, SuspiciousModification):
        return False
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    info = signature.signer_info
    raw = signature.compute_digest()
    content = signature.signed_data["encap_content_info"]
    if signature.sig_object_type == "/DocTimeStamp":
        imprint = content["content"].parsed["message_imprint"]["hashed_message"].native
        if imprint != raw:
            return False
        md = info["digest_algorithm"]["algorithm"].native
        raw = hashlib.new(md, bytes(content["content"])).digest()
    intact, valid = validate_sig_integrity(
        info, signature.signer_cert, content["content_type"].native, raw
    )
    return bool(intact and valid)


async def _judge(reader: Any, signature: Any, trust: _Trust, moment: datetime) -> Found:
    from pyhanko.sign.ades.report import AdESPassed
    from pyhanko.sign.validation.ades import ades_lta_validation
    from pyhanko_certvalidator.ltv.types import ValidationTimingInfo

    intact = _intact(signature)
    whole = _is_whole(signature)
    timing = ValidationTimingInfo(
        moment, best_signature_time=moment, point_in_time_validation=False
    )
    result = await ades_lta_validation(signature, _policy(trust), timing)
    proven = result.ades_subindic is AdESPassed.OK
    status = result.api_status
    certificate = signature.signer_cert
    led = proven or (status is not None and status.trusted)
    trusted = bool(led and _may_sign(certificate))
    stamp = result.signature_timestamp_status
    stamped = stamp is not None and stamp.ades_subindic is AdESPassed.OK
    problems = [
        *((CHANGED,) if not intact else ()),
        *((ADDED,) if not whole else ()),
        *((UNTRUSTED,) if intact and not trusted else ()),
        *((UNPROVEN,) if intact and trusted and not proven else ()),
    ]
    seen = SignerSeen(
        _name(certificate.subject), _name(certificate.issuer), _moment(stamp) if stamped else None,
        _level(reader, signature), intact, trusted, whole, _evidence(reader, signature),
    )  # fmt: skip
    return seen, tuple(problems)


def _may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is for signing, which no root and no way of validation makes up for: its owner stands by what is signed, and
    it is not for time stamps alone.
    """
    usage, purposes = certificate.key_usage_value, certificate.extended_key_usage_value
    stands = usage is not None and USAGE in usage.native
    return stands and (purposes is None or set(purposes.native) != {"time_stamping"})


def _policy(trusted: _Trust) -> Any:
    """Nothing is asked of the outside: what the file has is the word that counts. The last time stamp is followed by no other,
    so of its authority the list in the file is the newest there can be, however old (LISTS_KEPT).
    """
    from pyhanko.sign.validation.policy_decl import (
        LocalKnowledge,
        PdfSignatureValidationSpec,
        RevinfoOnlineFetchingRule,
        RevocationInfoGatheringSpec,
        SignatureValidationSpec,
    )
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator.context import CertValidationPolicySpec
    from pyhanko_certvalidator.policy_decl import (
        CertRevTrustPolicy,
        FreshnessReqType,
        RevocationCheckingPolicy,
    )
    from pyhanko_certvalidator.registry import SimpleTrustManager

    trust = SimpleTrustManager.build(trusted.signers)
    stamp_trust = SimpleTrustManager.build(trusted.stamps)
    hard = RevocationCheckingPolicy.from_legacy("hard-fail")
    of_stamps = CertRevTrustPolicy(
        hard,
        freshness=LISTS_KEPT,
        freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
    )

    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            CertValidationPolicySpec(trust, CertRevTrustPolicy(hard)),
            RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
            ts_cert_validation_policy=CertValidationPolicySpec(stamp_trust, of_stamps),
            key_usage_settings=KeyUsageConstraints(key_usage={USAGE}),
            local_knowledge=LocalKnowledge(),
        )
    )


def _name(name: x509.Name) -> str:
    """As people know it."""
    native = name.native
    found = native.get("common_name") or native.get("organization_name") or name.human_friendly
    return str(found)[:200]


def _moment(stamp: Any) -> int | None:
    status = stamp.api_status
    return None if status is None else int(status.timestamp.timestamp() * 1000)


def _level(reader: Any, signature: Any) -> str:
    """By what is in the file, whether or not it is good."""
    from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

    if not any(True for _ in extract_tst_data_iter(signature.signer_info, signed=False)):
        return "B-B"
    if "/DSS" not in reader.root:
        return "B-T"
    later = [
        x
        for x in reader.embedded_timestamp_signatures
        if x.signed_revision > signature.signed_revision
    ]
    return "B-LTA" if later else "B-LT"


def _evidence(reader: Any, signature: Any) -> str:
    """The attachment that was signed with it: as it was in that revision, whatever was added later."""
    root = reader.get_historical_root(signature.signed_revision)
    try:
        names = root["/Names"]["/EmbeddedFiles"]["/Names"]
        for number in range(0, len(names), 2):
            if str(names[number]) == EVIDENCE:
                data: bytes = names[number + 1]["/EF"]["/F"].data
                return data[:EVIDENCE_BYTES_MAX].decode("utf-8")
    except (KeyError, TypeError, UnicodeDecodeError):
        return ""
    return ""


def main() -> None:
    """Read a task, write what is to be said: the program."""
    bound(MEMORY_BYTES_MAX, CPU_SECONDS_MAX)
    follow_reader()
    roots, stamp_roots, at, pdf = msgspec.msgpack.decode(
        sys.stdin.buffer.read(), type=tuple[tuple[bytes, ...], tuple[bytes, ...], int, bytes]
    )
    _warm()
    lock()
    verdict = msgspec.msgpack.encode(verify(pdf, roots, at, stamp_roots))
    lose_reader()
    sys.stdout.buffer.write(verdict)


def _warm() -> None:
    """Load all that is loaded late: afterwards there is no file to be had."""
    for name in LATE:
        import_module(name)


if __name__ == "__main__":
    main()

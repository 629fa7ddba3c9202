"""The certificate of a listener: read, judged, renewed while connections go on, and watched.

The rule: TLS 1.3 and nothing below. A listener always has the newest pair that was good: files are
looked at again at a pace and on SIGHUP, a pair that is not good is refused with a log line and a
count, and the old one stays. A connection keeps the certificate that it began with, so none is
dropped by a renewal.

Where there is a file of client authorities, a caller must prove a certificate of theirs in the
handshake, before a byte of HTTP is read from it: required, never optional, because one that may be
left out keeps nobody out. It opens the door and is nobody's name: tokens, signatures and limits are
judged behind it as they are without it. There are no revocation lists: whoever must not come back is
shut out by an authority of one's own for the partners, whose file is renewed like the certificate.
Source: spec.md S35, S37, S62; RFC 8446; RFC 5280 4.1.2.5; RFC 9325.
"""

import ssl
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
import trio
from cryptography import x509
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from comptoir.http.listener import BindError

__all__ = [
    "AllCertificates",
    "CertificateStatistics",
    "Certificates",
    "TlsFiles",
    "open_certificates",
]

LOOK_SECONDS: Final = 5.0
"""Between two looks at the files. What has changed is read when it has stayed the same for one look,
because a certificate and its key are written one after the other."""
SOON_SECONDS: Final = 14 * 86_400
"""Before its end a certificate is named by /health/ready: whoever renews at two thirds of ninety days
has failed for a fortnight by then."""
PROTOCOLS: Final = ["http/1.1"]

_log = structlog.stdlib.get_logger("comptoir.http.certificates")

_Marks = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of each file; None where it cannot be seen."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where a listener's certificate lies."""

    section: str
    """Of the settings, `http` or `ingest`: how the listener is named."""
    certificate: str
    """PEM, the certificate first, then its chain."""
    key: str
    client_ca: str = ""
    """PEM of the authorities of callers; empty: none is asked for a certificate."""

    @property
    def paths(self) -> list[str]:
        """Every file that there is."""
        return [path for path in (self.certificate, self.key, self.client_ca) if path]


@dataclass(frozen=True, slots=True)
class CertificateStatistics:
    """How a listener's certificate is."""

    section: str
    not_after_s: float
    """Its end, seconds since 1970."""
    reloads_total: int
    refused_total: int
    """New files that were not taken."""
    handshakes_done_total: int
    handshakes_failed_total: int
    """Other versions, no certificate, no TLS at all, too slow, gone, given up."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    context: ssl.SSLContext
    not_after_s: float


def open_certificates(files: TlsFiles) -> "Certificates | None":
    """The certificate in these files; None if none is named, and the listener is in the clear.

    Raises:
        BindError: see `Certificates`.
    """
    return Certificates(files) if files.certificate else None


class Certificates:
    """What one listener shows its callers."""

    def __init__(self, files: TlsFiles) -> None:
        """Read them.

        Raises:
            BindError: TLS_UNREADABLE, TLS_KEY_EXPOSED or TLS_CERTIFICATE_INVALID, exit status 2.
        """
        self._files = files
        self._seen = _marks(files)
        self._loaded = _load(files, time.time())
        self._told = trio.Event()
        self._reloads = 0
        self._refused = 0
        self._shaken = 0
        self._failed = 0

    def __repr__(self) -> str:
        """Show whose it is and how often it was renewed; no path."""
        return f"Certificates({self._files.section}, {self._reloads} renewed)"

    @property
    def context(self) -> ssl.SSLContext:
        """For the next handshake."""
        return self._loaded.context

    def statistics(self) -> CertificateStatistics:
        """How it is now."""
        return CertificateStatistics(
            section=self._files.section,
            not_after_s=self._loaded.not_after_s,
            reloads_total=self._reloads,
            refused_total=self._refused,
            handshakes_done_total=self._shaken,
            handshakes_failed_total=self._failed,
        )

    def count_handshake(self, *, done: bool) -> None:
        """Count one that came to its end, or to nothing."""
        if done:
            self._shaken += 1
        else:
            self._failed += 1

    def check(self, now_s: float) -> str:
        """What /health/ready says of it at this time (seconds since 1970)."""
        left = self._loaded.not_after_s - now_s
        if left <= 0:
            return "certificate has expired"
        return "ok" if left > SOON_SECONDS else f"certificate expires in {int(left // 86_400)} days"

    def reload(self) -> None:
        """Have `watch` read the files now, changed or not."""
        self._told.set()

    async def watch(self) -> None:
        """Renew from the files, for ever."""
        before = self._seen
        while True:
            with trio.move_on_after(LOOK_SECONDS):
                await self._told.wait()
            told = self._told.is_set()  # also in the moment in which the wait was over by itself
            self._told = trio.Event()
            # In a thread: the files may lie on a volume of another machine.
            now = await trio.to_thread.run_sync(_marks, self._files)
            settled = now == before and now != self._seen
            before = now
            if told or settled:
                self._seen = now
                await self._renew()

    async def _renew(self) -> None:
        """Take what the files hold now, if it is good."""
        section = self._files.section
        try:
            self._loaded = await trio.to_thread.run_sync(_load, self._files, time.time())
        except BindError as error:
            self._refused += 1
            _log.error("certificate_refused", listener=section, code=error.code, why=error.text)
            return
        self._reloads += 1
        _log.info("certificate_renewed", listener=section, not_after_s=self._loaded.not_after_s)


class AllCertificates(Collector):
    """Those of all listeners of one daemon: their metrics, their checks, their renewal."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Have none yet."""
        self._all: list[Certificates] = []
        registry.register(self)

    def add(self, certificates: Certificates | None) -> None:
        """A listener's; None: it is in the clear."""
        if certificates is not None:
            self._all.append(certificates)

    def __len__(self) -> int:
        """How many listeners show one."""
        return len(self._all)

    def checks(self) -> dict[str, str]:
        """What /health/ready says of each; none of it takes the daemon out of rotation."""
        return {f"tls.{one.statistics().section}": one.check(time.time()) for one in self._all}

    def reload(self) -> None:
        """Have all read their files now."""
        for one in self._all:
            one.reload()

    def collect(self) -> Iterable[Metric]:
        """Each listener's, now."""
        label = ["listener"]
        ends = GaugeMetricFamily(
            "comptoir_tls_certificate_not_after_timestamp_seconds",
            "End of a listener's certificate, seconds since 1970.",
            labels=label,
        )
        reloads = CounterMetricFamily(
            "comptoir_tls_reloads", "Certificates renewed without a restart.", labels=label
        )
        refused = CounterMetricFamily(
            "comptoir_tls_reloads_refused", "New files that were not taken.", labels=label
        )
        handshakes = CounterMetricFamily(
            "comptoir_tls_handshakes", "Handshakes by how they ended.", labels=[*label, "result"]
        )
        for one in (each.statistics() for each in self._all):
            ends.add_metric([one.section], one.not_after_s)
            reloads.add_metric([one.section], one.reloads_total)
            refused.add_metric([one.section], one.refused_total)
            handshakes.add_metric([one.section, "done"], one.handshakes_done_total)
            handshakes.add_metric([one.section, "failed"], one.handshakes_failed_total)
        yield from (ends, reloads, refused, handshakes)


def _marks(files: TlsFiles) -> _Marks:
    """What tells that files have changed."""
    return tuple(_mark(path) for path in files.paths)


def _mark(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _load(files: TlsFiles, now_s: float) -> _Loaded:
    """Read the files and judge them.

    Raises:
        BindError: they are not good; nothing of their content is in it.
    """
    section = files.section
    try:
        exposed = stat.S_IMODE(Path(files.key).stat().st_mode) & stat.S_IRWXO
        end = _validity(files, now_s)
        context = _context(files)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        also = f" (or {section}.tls_client_ca holds no certificate)" if files.client_ca else ""
        raise BindError(
            "TLS_UNREADABLE",
            f"{section}.tls_certificate and {section}.tls_key are no certificate and its key{also}",
            "give PEM files that this account may read, the key without a passphrase, RSA from 2048 bits",
            2,
        ) from error
    if exposed:
        raise BindError(
            "TLS_KEY_EXPOSED",
            f"everybody on this machine may use the file of {section}.tls_key",
            "take the rights of others away (chmod o-rwx), and have a new key made",
            2,
        )
    return _Loaded(context, end)


def _validity(files: TlsFiles, now_s: float) -> float:
    """The end of a certificate that is valid now."""
    section = files.section
    first = x509.load_pem_x509_certificates(Path(files.certificate).read_bytes())[0]
    begin, end = first.not_valid_before_utc.timestamp(), first.not_valid_after_utc.timestamp()
    if not begin <= now_s < end:
        state = "has expired" if now_s >= end else "is not valid yet"
        raise BindError(
            "TLS_CERTIFICATE_INVALID",
            f"the certificate of {section}.tls_certificate {state}",
            "have it renewed, and look at the clock of this machine",
            2,
        )
    return end


def _context(files: TlsFiles) -> ssl.SSLContext:
    """What TLS is here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(PROTOCOLS)
    # An empty passphrase: left alone, OpenSSL would ask the terminal, and the start would hang.
    context.load_cert_chain(files.certificate, files.key, password="")
    if files.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files.client_ca)
        # A resumed session would not show its certificate again, which may have ended meanwhile.
        context.num_tickets = 0
    return context

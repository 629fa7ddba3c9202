"""TLS as an operator and another program see it: openssl and curl against the real daemon.

Source: interface.md 2, 3, 5; spec.md S35, S37, S62.
"""

import json
import shutil
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from comptoir.http.testing_tls import Authority

Start = Callable[..., Process]
OPENSSL = shutil.which("openssl")
CURL = shutil.which("curl")


@pytest.fixture
def secured(comptoir_daemon: Start, tmp_path: Path) -> tuple[Process, Authority, Path]:
    """Give a daemon whose listeners are both under TLS, its authority, and where the files are."""
    authority = Authority()
    authority.write(tmp_path)
    certificate, key = (str(path) for path in authority.pair(tmp_path))
    named = {
        f"COMPTOIR_{section}__TLS_{name}": value
        for section in ("HTTP", "INGEST")
        for name, value in (("CERTIFICATE", certificate), ("KEY", key))
    }
    return comptoir_daemon(**named), authority, tmp_path


def asked(url: str, folder: Path) -> tuple[int, str]:
    """Status and text of an answer, under TLS that our authority vouches for."""
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    with urllib.request.urlopen(url, context=context, timeout=10) as answer:
        return answer.status, answer.read().decode()


@pytest.mark.skipif(OPENSSL is None, reason="the oracle is openssl's own client")
def test_openssl_and_curl(secured: tuple[Process, Authority, Path]) -> None:
    """S35, S37, S62: both listeners take TLS 1.3 and refuse 1.2; curl reads the API and its HSTS."""
    process, _, folder = secured
    for url in (process.url, process.ingest_url):
        assert url.startswith("https://")
        for version, taken in (("-tls1_3", True), ("-tls1_2", False)):
            done = subprocess.run(
                [str(OPENSSL), "s_client", "-connect", url.rpartition("/")[2], version,
                 "-CAfile", str(folder / "authority.pem"), "-verify_return_error"],
                input=b"", capture_output=True, timeout=20, check=False,
            )  # fmt: skip
            assert (done.returncode == 0) is taken, done.stderr
            assert (b"Cipher is TLS_" in done.stdout) is taken
    if CURL is not None:
        done = subprocess.run(
            [CURL, "-sSi", "--cacert", str(folder / "authority.pem"), f"{process.url}/docs"],
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert b"strict-transport-security: max-age=" in done.stdout.lower()


def test_renewed_on_sighup(secured: tuple[Process, Authority, Path]) -> None:
    """S35: SIGHUP reads the files again; the end of the certificate is in /metrics and in readiness."""
    process, authority, folder = secured
    name = 'comptoir_tls_certificate_not_after_timestamp_seconds{listener="ingest"}'

    def value_of(metric: str) -> float:
        lines = asked(f"{process.url}/metrics", folder)[1].splitlines()
        return float(next(line for line in lines if line.startswith(metric)).split()[-1])

    before = value_of(name)
    checks = json.loads(asked(f"{process.url}/health/ready", folder)[1])["checks"]
    assert (checks["tls.http"], checks["tls.ingest"]) == ("ok", "ok")
    authority.pair(folder, days=(-1, 5))
    process.send_signal(signal.SIGHUP)
    eventually(lambda: value_of(name) < before - 20 * 86_400)

    def ends_soon() -> bool:
        shown = json.loads(asked(f"{process.url}/health/ready", folder)[1])["checks"]
        return bool(shown["tls.http"] == "certificate expires in 4 days")

    eventually(ends_soon)  # each listener reads by itself
    (folder / "server.key").unlink()
    process.send_signal(signal.SIGHUP)
    refused = 'comptoir_tls_reloads_refused_total{listener="http"}'
    eventually(lambda: value_of(refused) >= 1)
    assert process.running
    assert "TLS_UNREADABLE" in process.said()


def test_import_under_tls(secured: tuple[Process, Authority, Path]) -> None:
    """S62, interface.md 4: the command line finds the daemon under TLS, by the certificate it shows."""
    process, authority, folder = secured
    partners = folder / "partners.csv"
    partners.write_text("id,name,rate_bp\np1,Boulangerie,500\n")
    port = process.url.rpartition(":")[2]
    process.env["COMPTOIR_HTTP__PORT"] = port
    done = process.ran("import", "partners", str(partners))
    assert json.loads(done.stdout.splitlines()[-1])["imported"] == 1, done.stderr
    # One that shows another certificate is not taken for ours.
    stranger = authority.pair(folder, "stranger")
    process.env["COMPTOIR_HTTP__TLS_CERTIFICATE"] = str(stranger[0])
    done = process.ran("import", "partners", str(partners))
    assert done.returncode != 0


@pytest.mark.parametrize("section", ["HTTP", "INGEST"])
def test_beyond_loopback(comptoir_daemon: Start, section: str) -> None:
    """S62: a bind that others reach, without TLS and without a named proxy, ends with 2 and says how."""
    process = comptoir_daemon(
        start=False,
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_AUTH__DEV_TOKENS="false",
        COMPTOIR_CLOCK__MODE="wall",
        **{f"COMPTOIR_{section}__HOST": "0.0.0.0"},
    )
    process.spawn()
    assert process.ended() == 2, process.said()
    said = process.said()
    assert f"{section.lower()}.tls_certificate" in said
    assert "http.trusted_proxies" in said

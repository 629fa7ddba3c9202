"""Signature Version 4 beside AWS's own published examples.

Source: AWS S3 API reference, "Authenticating Requests: Using the Authorization Header" and "… Using Query
Parameters", with their example credentials and time.
"""

import datetime
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest

from comptoir.storage.objects.errors import ObjectsRefused
from comptoir.storage.objects.sigv4 import BotocoreSigner, credentials_of

EXAMPLE = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOON = datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC)
URL = "http://examplebucket.s3.amazonaws.com"


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> BotocoreSigner:
    """The one of the examples, at their time."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOON)
    return BotocoreSigner(credentials_of(*EXAMPLE), "us-east-1")


def test_a_pre_signed_address_is_that_of_aws(signer: BotocoreSigner) -> None:
    """S12: AWS's example of query parameters: GET test.txt for a day."""
    url = signer.presign("GET", f"{URL}/test.txt", {}, 86_400)
    given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert given == {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
        "X-Amz-Date": "20130524T000000Z",
        "X-Amz-Expires": "86400",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    }


@pytest.mark.parametrize(
    ("path", "headers", "signature"),
    [
        (
            "/test.txt", {"Range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        ("?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "?max-keys=2&prefix=J", {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)  # fmt: skip
def test_a_signed_header_is_that_of_aws(
    signer: BotocoreSigner, path: str, headers: dict[str, str], signature: str
) -> None:
    """S12: AWS's examples of the Authorization header without a body."""
    signed = signer.sign("GET", URL + path if path[0] == "/" else f"{URL}/{path}", headers)
    assert signed["Authorization"].endswith(f"Signature={signature}")
    assert signed["X-Amz-Date"] == "20130524T000000Z"


def test_what_is_to_be_sent_with_it_is_signed(signer: BotocoreSigner) -> None:
    """S12: type, length, digest, encryption and the one use are signed headers: none can be exchanged."""
    headers = {
        "Content-Type": "application/pdf", "Content-Length": "7", "If-None-Match": "*",
        "x-amz-checksum-sha256": "AA==", "x-amz-server-side-encryption": "AES256",
    }  # fmt: skip
    signed = parse_qs(urlsplit(signer.presign("PUT", f"{URL}/a", headers, 60)).query)
    named = set(signed["X-Amz-SignedHeaders"][0].split(";"))
    assert named == {"host", *(name.lower() for name in headers)}


def test_nobody_is_told_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: str) -> None:
    """S12: without credentials anywhere nothing is signed, and the text says where they would be."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    signer = BotocoreSigner(credentials_of("", ""), "us-east-1")
    with pytest.raises(ObjectsRefused) as refused:
        signer.sign("GET", f"{URL}/test.txt", {})
    assert "documents.s3" in refused.value.remedy

"""Addresses that the daemon signs for uploads to its own folder, with the meaning that S3's have.

The rule: an address says what may be uploaded (method, bucket and key, type, size, digest, until when), and an
HMAC over all of it, so that none of it can be changed; whoever has it needs no token, and can do nothing else
with it. Unlike S3's, the terms stand in the address and not only in its signature, so that whoever sends
something else hears what is wrong with it. Nothing in it is a person's. The signature is compared in constant
time. Source: spec.md S12; RFC 2104; AWS Signature Version 4 (query parameters), for the meaning.
"""

import hmac
from collections.abc import Mapping
from hashlib import blake2b, sha256
from typing import Final
from urllib.parse import urlencode

from comptoir.engine.objects import ObjectKey, UploadAddress, UploadTerms

__all__ = ["METHOD", "PREFIX", "UploadSigner"]

METHOD: Final = "PUT"
PREFIX: Final = "/uploads/"
PARAMETERS: Final = frozenset({"type", "size", "sha256", "expires", "signature"})
NUMBER_DIGITS_MAX: Final = 15
SECOND_MS: Final = 1000


class UploadSigner:
    """Signs, and judges what comes back."""

    def __init__(self, secret: bytes, bucket: str) -> None:
        """Sign for one bucket, under a key of 32 bytes or more that serves nothing else."""
        self._bucket = bucket
        self._key = blake2b(secret, digest_size=32, person=b"upload address").digest()

    def __repr__(self) -> str:
        return f"<UploadSigner of {self._bucket}>"

    def sign(self, terms: UploadTerms, base_url: str) -> UploadAddress:
        """The address for these terms; its end is told in whole seconds."""
        expires = terms.expires_at // SECOND_MS
        given = {
            "type": terms.media_type,
            "size": str(terms.size_bytes),
            **({"sha256": terms.sha256} if terms.sha256 else {}),
            "expires": str(expires),
            "signature": self._signature(terms, expires),
        }
        path = f"{PREFIX}{self._bucket}/{terms.key.path}"
        headers = {"Content-Type": terms.media_type, "Content-Length": str(terms.size_bytes)}
        return UploadAddress(f"{base_url}{path}?{urlencode(given)}", headers)

    def judge(self, path: str, query: Mapping[str, str]) -> UploadTerms | None:
        """The terms of an address; None if we did not sign it."""
        bucket, _, rest = path.removeprefix(PREFIX).partition("/")
        key = ObjectKey.read(rest)
        size, expires = query.get("size", ""), query.get("expires", "")
        signature = query.get("signature", "")
        if key is None or bucket != self._bucket or not PARAMETERS.issuperset(query):
            return None
        if not (_is_number(size) and _is_number(expires) and signature.isascii()):
            return None
        media_type, digest = query.get("type", ""), query.get("sha256", "")
        terms = UploadTerms(key, media_type, int(size), digest, int(expires) * SECOND_MS)
        good = hmac.compare_digest(signature, self._signature(terms, int(expires)))
        return terms if good else None

    def _signature(self, terms: UploadTerms, expires: int) -> str:
        """No part holds a line feed: keys and numbers cannot, and what is signed was checked before."""
        parts = (
            METHOD, self._bucket, terms.key.path, terms.media_type, str(terms.size_bytes),
            terms.sha256, str(expires),
        )  # fmt: skip
        text = "\n".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, sha256).hexdigest()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX

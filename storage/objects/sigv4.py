"""Signature Version 4, as botocore computes it.

The rule: the algorithm is AWS's, and so is the code: it is a dependency already (AWS KMS), computes without
any I/O, and is held to AWS's own published examples by tests/storage/objects/test_sigv4.py. Credentials are
read for each signature, because those of a machine's role are replaced while we run.
Source: AWS General Reference, "Signature Version 4 signing process"; docs/adr/0036-documents-pass-the-actors-by.md.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from comptoir.storage.objects.errors import ObjectsRefused

__all__ = ["BotocoreSigner", "credentials_of"]

SERVICE: Final = "s3"


class BotocoreSigner:
    """A `Signer` for S3 in one region."""

    def __init__(self, credentials: Callable[[], Any], region: str) -> None:
        """Args: what gives botocore's credentials now; the region of the bucket."""
        self._credentials = credentials
        self._region = region

    def __repr__(self) -> str:
        return f"<BotocoreSigner {self._region}>"

    def presign(self, method: str, url: str, headers: Mapping[str, str], seconds: int) -> str:
        """As `Signer.presign`."""
        from botocore.auth import S3SigV4QueryAuth  # loaded only where S3 is used
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method=method, url=url, headers=dict(headers))
        signing = S3SigV4QueryAuth(self._credentials(), SERVICE, self._region, expires=seconds)
        signing.add_auth(request)
        return str(request.url)

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """As `Signer.sign`."""
        from botocore.auth import S3SigV4Auth  # as above
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method=method, url=url, headers=dict(headers))
        S3SigV4Auth(self._credentials(), SERVICE, self._region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}


def credentials_of(access_key_id: str, secret_access_key: str) -> Callable[[], Any]:
    """Who we are: by this key, or, where it is empty, as AWS's tools find it.

    Raises (when called):
        ObjectsRefused: they find nobody.
    """
    from botocore.credentials import Credentials  # as above
    from botocore.session import get_session

    if access_key_id:
        given = Credentials(access_key_id, secret_access_key)
        return lambda: given
    session: Any = get_session()

    def found() -> Any:
        credentials = session.get_credentials()
        if credentials is None:
            raise ObjectsRefused("nobody is known to sign for S3")
        return credentials

    return found

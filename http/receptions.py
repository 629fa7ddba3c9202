"""Which reception a webhook comes to: the one table of paths and senders (interface.md 6)."""

from collections.abc import Mapping

from comptoir.http.docusign import DOCUSIGN_PATH, DocusignReception
from comptoir.http.kyc_webhook import KYC_PATH, KycReception
from comptoir.http.plaid import PLAID_PATH, PlaidReception
from comptoir.http.port import Port
from comptoir.http.powens import POWENS_PATH, PowensReception
from comptoir.http.tink import TINK_PATH, TinkReception
from comptoir.http.webhooks import Reception

__all__ = ["OwnReception", "own_receptions"]

OwnReception = DocusignReception | KycReception | PlaidReception | PowensReception | TinkReception


def own_receptions(port: Port, shared: Reception) -> Mapping[str, OwnReception]:
    """The receptions of senders with a scheme of their own, by path; every other path is the shared one's.

    Args:
        port: the daemon.
        shared: whose bounds they share.
    """
    return {
        DOCUSIGN_PATH: DocusignReception(port, shared),
        KYC_PATH: KycReception(port, shared),
        PLAID_PATH: PlaidReception(port, shared),
        POWENS_PATH: PowensReception(port, shared),
        TINK_PATH: TinkReception(port, shared),
    }

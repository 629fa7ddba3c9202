"""Files that DocuSign has signed, from their beginning to the account: on its page, by its mail, lost, declined, expired, killed.

Rule: daemon and sandbox are processes of their own, one each for all of these files; what may be lost or killed is: a webhook, an answer,
the daemon.
Source: issue 9, "must show"; spec.md S4, S7, S13, S18, S28, S34, S36, E6; interface.md 8 and 10; protocols.md 5.3.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.opening import advance, codes, types_code
from tests.contract.signing_there import File, settings_of

Start = Callable[..., Process]
HOUR_S = 3_600
DAY_S = 86_400


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """DocuSign, and everybody else."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def bank(
    comptoir_daemon_shared: Start, sandbox: Process, tmp_path_factory: pytest.TempPathFactory
) -> Process:
    """A daemon whose clients sign on DocuSign's page."""
    folder = tmp_path_factory.mktemp("bank")
    return comptoir_daemon_shared(**settings_of(sandbox, folder))


@pytest.fixture
def file(bank: Process, sandbox: Process, tmp_path: Path) -> Iterator[File]:
    """A new file, at its contract."""
    one = File(bank, sandbox, tmp_path)
    yield one.begins()
    one.faults()
    one.browser.close()


def test_signed_on_docusigns_page(file: File) -> None:
    """S7, S28, S34, S36: we write, since DocuSign does not; the client goes on from our page by a code that they typed since, comes back,
    and has an account. The address is another one each time, under one Idempotency-Key too, and stands in no log; what comes back with the client proves nothing.
    """
    file.dies()
    page = f"{file.daemon.url}/portal/{file.number}/contract"
    eventually(lambda: any(page in body for body in file.mails()))
    assert not any("/docusign/sign/" in body for body in file.mails())
    assert 'action="/portal/' in file.browser.get(page).text
    early = file.browser.post(f"{file.path}/signature/address")
    assert (early.status_code, early.json()["code"]) == (403, "SIGNATURE_CODE_NEEDED")
    types_code(file)
    first, again = file.address("once"), file.address("once")
    assert first != again
    hinted = file.browser.get(f"{page}?event=signing_complete")
    assert (hinted.status_code, file.contract()["status"]) == (200, "sent")
    back = file.presses(again)
    assert back == f"{page}?event=signing_complete"
    file.completes()
    assert "Conserver" in file.comes_back(back) or "Keep" in file.comes_back(back)
    over = file.browser.post(f"{file.path}/signature/address")
    assert (over.status_code, over.json()["code"]) == (410, "SIGNATURE_OVER")
    assert not any(one.partition("token=")[2] in file.daemon.said() for one in (first, again))
    of_staff = file.by("advisor", "POST", f"{file.path}/signature/address")
    assert of_staff.status == 403


def test_signed_from_a_real_browser(file: File, chromium: Browser) -> None:
    """S28, S34: our page's policy lets its button lead to DocuSign, without a script, and the client comes back and is still in."""
    context = chromium.new_context(java_script_enabled=False, locale="fr-FR")
    context.add_cookies([
        {"name": one.name, "value": one.value or "", "url": file.daemon.url} for one in file.browser.cookies.jar
    ])  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    ours = file.daemon.url  # DocuSign's page here has no icon
    page.on(
        "console",
        lambda told: (
            faults.append(told.text)
            if told.type == "error" and told.location["url"].startswith(ours)
            else None
        ),
    )
    page.goto(f"{file.daemon.url}/portal/{file.number}/contract")
    had = len(codes(file))
    page.get_by_role("button", name="Lire et signer le contrat").click()
    eventually(lambda: len(codes(file)) > had)
    page.get_by_label("Code à six chiffres").fill(codes(file)[-1])
    page.get_by_role("button", name="Lire et signer le contrat").click()
    page.get_by_role("button", name="Je signe").click()
    page.wait_for_url("**/contract?event=signing_complete")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.startswith(file.daemon.url)
    assert faults == []
    context.close()
    file.completes()


def test_declined_issued_anew_and_told_by_nobody(file: File) -> None:
    """S13, S28, E6: declined on the page, issued anew, signed with the webhook lost: it is asked after, and a SIGKILL before the signed
    document is there loses nothing.
    """
    types_code(file)
    file.presses(file.address(), "decline", "les frais")
    file.stands("declined", 1)
    assert file.by("advisor", "POST", f"{file.path}/signature/reissue").status == 200
    file.stands("sent", 2)
    file.faults({"operation": "documents.get", "fault": "status", "status": 503})
    file.ends(outcome="signed", webhook=False)
    assert file.contract()["status"] == "sent"

    def is_signed() -> bool:
        advance(file, HOUR_S)
        return bool(file.contract()["status"] == "signed")

    eventually(is_signed, 60.0)
    healed = Customer(file.daemon).metric("comptoir_webhooks_healed_total", provider="docusign")
    assert healed == 1
    assert (file.contract()["signedSha256"], file.file()["status"]) == (None, "SIGNATURE_PENDING")
    file.dies()
    file.faults()
    file.stands("signed", 2, passes=HOUR_S)
    file.completes()
    assert [one["status"] for one in file.envelopes()] == ["declined", "completed"]


def test_voided_while_docusign_is_away(file: File) -> None:
    """S18, S28: issued anew while the first one is with its signer: that one is voided, after a SIGKILL before DocuSign has heard of it; and
    the client signs the second.
    """
    file.faults({"operation": "envelopes.update", "fault": "status", "status": 503, "count": 2})
    assert file.by("advisor", "POST", f"{file.path}/signature/reissue").status == 200
    file.stands("sent", 2)
    file.dies()
    file.faults()

    def is_voided() -> bool:
        advance(file, 5)
        return [one["status"] for one in file.envelopes()] == ["voided", "sent"]

    eventually(is_voided, 60.0)
    types_code(file)
    file.presses(file.address())
    file.completes()


def test_expired_and_issued_anew(file: File) -> None:
    """S14, S28: nobody has signed in time: DocuSign's envelope is over, the file waits for its advisor, and the next one is signed."""
    advance(file, 14 * DAY_S + HOUR_S)
    file.sign_in()
    file.stands("expired", 1)
    assert file.by("advisor", "POST", f"{file.path}/signature/reissue").status == 200
    file.stands("sent", 2)
    file.ends(outcome="signed")
    file.completes()
    assert [one["status"] for one in file.envelopes()] == ["voided", "completed"]


def test_signed_by_docusigns_mail(bank: Process, sandbox: Process, tmp_path: Path) -> None:
    """S7, S28: with signing by mail DocuSign writes, and we do not; nobody is sent on from our page; the link of the mail leads to the account."""
    bank.stop()
    bank.env["COMPTOIR_PROVIDERS__DOCUSIGN__SIGNING"] = "email"
    bank.start()
    file = File(bank, sandbox, tmp_path).begins()
    page = f"/portal/{file.number}/contract"
    assert f"{page}/address" not in file.browser.get(page).text
    refused = file.browser.post(f"{file.path}/signature/address")
    assert (refused.status_code, refused.json()["code"]) == (409, "SIGNATURE_ELSEWHERE")
    file.presses(file.link_of_docusign())
    file.completes()
    assert not any(page in body for body in file.mails())
    file.browser.close()

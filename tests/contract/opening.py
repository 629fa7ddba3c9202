"""A client's way from the decision to the account, as people and parties go it over HTTP: for scenes of files.

Source: interface.md 8 and 10; spec.md S28 to S32, X5, X9.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.documents import to_people
from tests.contract.scene import SECRET, Scene
from tests.contract.test_beginnings import TAX

__all__ = [
    "PROFILE",
    "advance",
    "approves",
    "cobol_answers",
    "codes",
    "comes_again",
    "contract",
    "is_invited",
    "links",
    "mainframe",
    "moves",
    "signs",
    "submitted",
    "to_accounts",
    "to_everybody",
    "types_code",
]

PROFILE = {
    "nationalId": {"type": "SIN", "country": "CA", "number": "046 454 286"},
    "address": {
        "street": "123 rue Sherbrooke", "city": "Montréal", "province": "QC", "postalCode": "H3A 1B1",
        "country": "CA",
    },
}  # fmt: skip
"""What an account wants of a client."""


def to_accounts(sandbox: Process, folder: Path) -> dict[str, str]:
    """A daemon that has contracts signed in its own portal, and accounts opened on the sandbox's mainframe."""
    shown = sandbox.get("/control/mainframe").json()  # its program is compiled now
    assert not shown["accounts"]
    cobol_answers(shown)
    for name in ("house.p12", "root.pem"):
        (folder / name).write_bytes(sandbox.get(f"/control/trust/{name}").body)
    return {
        "COMPTOIR_SIGNING__PROVIDER": "embedded",
        "COMPTOIR_SIGNING__CERTIFICATE": str(folder / "house.p12"),
        "COMPTOIR_SIGNING__PASSWORD": "sandbox",
        "COMPTOIR_SIGNING__TRUST": str(folder / "root.pem"),
        "COMPTOIR_PROVIDERS__TSA__BASE_URL": f"{sandbox.url}/trust/tsa",
        "COMPTOIR_PROVIDERS__MAINFRAME__BASE_URL": sandbox.url,
    }


def to_everybody(sandbox: Process, folder: Path) -> dict[str, str]:
    """A daemon with accounts that asks everybody of a sandbox: its people, its mainframe, who verifies, who rates, the press."""
    return {
        **to_people(sandbox),
        **to_accounts(sandbox, folder),
        "COMPTOIR_AUTH__MODE": "on",
        "COMPTOIR_HTTP__RATE_LIMITS": "off",
        "COMPTOIR_PROVIDERS__KYC__BASE_URL": f"{sandbox.url}/kyc",
        "COMPTOIR_PROVIDERS__CREDIT__BASE_URL": f"{sandbox.url}/credit",
        "COMPTOIR_PROVIDERS__ADVERSE_MEDIA__BASE_URL": f"{sandbox.url}/media",
        "COMPTOIR_PROVIDERS__ADDRESSES_CANADA_POST__BASE_URL": sandbox.url,
        "COMPTOIR_WEBHOOKS__KYC__SECRETS": json.dumps([SECRET]),
        "COMPTOIR_ONBOARDING__PARTNER_ADVISOR": "advisor",
    }


def submitted(scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """A partner submits its client, whose taxes it attests (X31): what it sent, and what it was answered."""
    submission = {
        "reference": "cabinet-17", "clientType": "INDIVIDUAL", "clientInfo": scene.info(),
        "profile": {"tax": TAX},
    }  # fmt: skip
    taken = scene.by("partner", "POST", "/api/v1/partner/submissions", submission)
    assert taken.status == 201, taken
    answered: dict[str, Any] = taken.json()
    scene.number = answered["onboardingId"]
    return submission, answered


def cobol_answers(shown: Mapping[str, Any]) -> None:
    """Where there is a COBOL compiler, or has to be one, it is a COBOL program that reads our records and answers.

    Args:
        shown: what `GET /control/mainframe` says.
    """
    if os.environ.get("TESTS_REQUIRE_COBC") or shutil.which("cobc"):
        assert shown["program"] == "gnucobol", "the sandbox has fallen back to Python"


def contract(scene: Scene) -> dict[str, Any]:
    """The contract of its file, as its client sees it."""
    shown = scene.browser.get(f"/api/v1/onboarding/{scene.number}/signature")
    assert shown.status_code == 200, shown.text
    found: dict[str, Any] = shown.json()
    return found


def signs(scene: Scene) -> None:
    """The client opens it, types another code, and agrees to every text."""
    path = f"/api/v1/onboarding/{scene.number}/signature"
    assert scene.browser.get(f"{path}/contract").content.startswith(b"%PDF-")
    types_code(scene)
    found = contract(scene)
    agreed = {
        "documentSha256": found["documentSha256"],
        "consents": [one["version"] for one in found["consents"]],
    }
    signed = scene.browser.post(f"{path}/sign", json=agreed)
    assert signed.status_code == 200, signed.text


def types_code(scene: Scene) -> None:
    """The client has another code sent, and is in by it anew."""
    had = len(codes(scene))
    asked = scene.browser.post("/portal/session/code/new", json={"onboardingId": scene.number})
    assert asked.status_code == 204, asked.text
    eventually(lambda: len(codes(scene)) > had)
    typed = scene.browser.post(
        "/portal/session/code", json={"onboardingId": scene.number, "code": codes(scene)[-1]}
    )
    assert typed.status_code == 204, typed.text


def is_invited(scene: Scene, user_id: str) -> None:
    """Its client, whose session is over, has another link from the advisor.

    Args:
        scene: of the file.
        user_id: who its client is.
    """
    who = {"userId": user_id, "email": scene.mail, "phone": scene.phone}
    asked = scene.by("advisor", "POST", f"/api/v1/onboarding/{scene.number}/invitations", who)
    assert asked.status == 201, asked


def comes_again(scene: Scene, had: int) -> None:
    """Its client comes in by the newest link.

    Args:
        scene: of the file.
        had: links that they had before it.
    """
    sent, file = len(codes(scene)), {"onboardingId": scene.number}
    eventually(lambda: len(links(scene)) > had)
    began = scene.browser.post("/portal/session", json={**file, "token": links(scene)[-1]})
    assert began.status_code == 204, began.text
    eventually(lambda: len(codes(scene)) > sent)
    typed = scene.browser.post("/portal/session/code", json={**file, "code": codes(scene)[-1]})
    assert typed.status_code == 204, typed.text


def links(scene: Scene) -> list[str]:
    """Tokens of all links that were mailed to the client, the oldest first."""
    inbox = scene.sandbox.get(f"/control/inbox?channel=mail&to={scene.mail}")
    bodies = (str(one["body"]) for one in inbox.json()["items"])
    return [hit[1] for body in bodies if (hit := re.search(r"token=([\w-]+)", body))]


def codes(scene: Scene) -> list[str]:
    """All that were sent to the client's telephone, the oldest first."""
    inbox = scene.sandbox.get(f"/control/inbox?channel=sms&to={scene.phone.replace('+', '%2B')}")
    bodies = (str(one["body"]) for one in inbox.json()["items"])
    return [hit[0] for body in bodies if (hit := re.search(r"\b\d{6}\b", body))]


def approves(scene: Scene, who: str = "advisor") -> Any:
    """The last word; what is answered."""
    body = {"decision": "approve", "reason": "as agreed with the client"}
    return scene.by(who, "POST", f"/api/v1/onboarding/{scene.number}/approval", body)


def advance(scene: Scene, seconds: int) -> None:
    """Time goes on, here and at the parties."""
    Customer(scene.daemon).advance(seconds)
    scene.tells("POST", "/control/clock", {"advanceSeconds": seconds})


def moves(scene: Scene) -> list[str]:
    """Every status that the file came to, the oldest first."""
    path = f"/api/v1/onboarding/{scene.number}/history"
    items = json.loads(scene.by("compliance", "GET", path).body)["items"]
    return [str(one["to"]) for one in reversed(items)]


def mainframe(scene: Scene) -> dict[str, dict[str, Any]]:
    """What it has."""
    found: dict[str, dict[str, Any]] = scene.sandbox.get("/control/mainframe").json()
    return found

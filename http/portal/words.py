"""What the pages of the portal say, in French and English.

Source: spec.md S2, S3; WCAG 2.2 (3.1.5: short sentences); OWASP ASVS 5, V6.6.1 (what a code is for).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from comptoir.http.page import Language

__all__ = ["WORDS", "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """All texts in one language; plain, to be escaped."""

    title: str
    welcome: str
    go_on_text: str
    go_on: str
    code_title: str
    code_by_sms: str
    code_by_mail: str
    code_label: str
    code_warning: str
    sign_in: str
    another: str
    wrong: str
    used_up: str
    over_title: str
    over_text: str
    want_text: str
    want: str
    wanted_title: str
    wanted_text: str
    in_title: str
    in_text: str
    missing: str
    out: str
    sessions: str


WORDS: Final = MappingProxyType[Language, Words](
    {
        "fr": Words(
            title="Votre dossier",
            welcome="Accéder à votre dossier",
            go_on_text="Ce lien ne sert qu'une fois. Continuez avec l'appareil que vous voulez utiliser.",
            go_on="Recevoir mon code",
            code_title="Votre code",
            code_by_sms="Un code à six chiffres a été envoyé par SMS à votre téléphone.",
            code_by_mail="Un code à six chiffres a été envoyé à votre adresse électronique.",
            code_label="Code à six chiffres",
            code_warning="Ne le transmettez à personne : personne de chez nous ne vous le demandera.",
            sign_in="Entrer",
            another="Recevoir un autre code",
            wrong="Ce code n'a pas été accepté. Vérifiez-le ; seul le dernier envoyé est valable. Essais "
            "restants : {left}.",
            used_up="Il n'est plus envoyé de code pour ce lien. Le dernier reste valable quelques minutes ; "
            "sinon, rouvrez ensuite votre lien : sa page vous dit comment en avoir un autre.",
            over_title="Ce lien n'est plus valable",
            over_text="Il a servi, il a expiré, ou un autre l'a remplacé. Rouvrez le dernier lien que vous avez "
            "reçu, ou adressez-vous à votre conseiller.",
            want_text="Nous pouvons aussi vous en envoyer un autre, à l'adresse électronique de votre dossier.",
            want="Recevoir un autre lien",
            wanted_title="Consultez votre messagerie",
            wanted_text="Si ce lien était le vôtre et que votre dossier est ouvert, un autre part à l'adresse de "
            "votre dossier. Rien ne vient ? Un lien plus récent ou un code vaut peut-être encore, ou vous êtes déjà connecté "
            "ailleurs ; et il n'en est envoyé que quelques-uns par jour. Sinon, adressez-vous à votre conseiller.",
            in_title="Vous êtes connecté",
            in_text="Votre session se ferme d'elle-même quand vous ne l'utilisez plus.",
            missing="Ce qui manque à votre dossier",
            out="Se déconnecter",
            sessions="Où vous êtes connecté",
        ),
        "en": Words(
            title="Your file",
            welcome="Get to your file",
            go_on_text="This link works once. Go on with the device that you want to use.",
            go_on="Send me my code",
            code_title="Your code",
            code_by_sms="A code of six digits was sent to your telephone.",
            code_by_mail="A code of six digits was sent to your mail address.",
            code_label="Code of six digits",
            code_warning="Give it to nobody: none of us will ever ask for it.",
            sign_in="Enter",
            another="Send me another code",
            wrong="This code was not accepted. Check it; only the last one sent is good. Tries left: {left}.",
            used_up="No more codes are sent for this link. The last one stays good for some minutes; else "
            "open your link again after that: its page tells you how to get another one.",
            over_title="This link is over",
            over_text="It was used, its time has passed, or another one has replaced it. Open the last link that "
            "you were sent, or ask your advisor.",
            want_text="We can send you another one as well, to the mail address of your file.",
            want="Send me another link",
            wanted_title="Look into your mail",
            wanted_text="If this link was yours and your file is open, another one goes to the address of your file. "
            "Nothing comes? A newer link or a code may still be good, or you are in elsewhere; and only some are sent in a "
            "day. Else ask your advisor.",
            in_title="You are in",
            in_text="Your session closes by itself when you no longer use it.",
            missing="What your file still wants",
            out="Sign out",
            sessions="Where you are signed in",
        ),
    }
)

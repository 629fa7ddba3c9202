"""What banks, wallets and acquirers print before the merchant's name, and how it is taken off.

The rule: a prefix is taken off only where it stands as whole words at the start of what is left,
each one is a step of its own, and the label is matched from every step (catalogue.py), so that a
partner whose own name begins like a prefix (`Carte Noire`) keeps its name. Order on a statement:
bank words, dates, card numbers and wallets in any mix, then one acquirer, then `www.`. After an
acquirer's mark only the merchant speaks, so nothing of the bank is taken off there.

The list is bounded and closed: direct debits (`PRLV`, `DOMICILIERING`), transfers (`VIR`, `OVERSCHRIJVING`)
and cash withdrawals (`RETRAIT DAB`, `GELDAFHALING`) are absent on purpose, because they are not card purchases.

Source: issue 2, deliver 4; ISO 8583 field 43 as French banks print it; the acquirers' own pages on
soft descriptors ("statement descriptor").
"""

import re
from typing import Final, Literal

import msgspec

from comptoir.actors.merchants.normalise import words

__all__ = ["PREFIXES", "STEPS_MAX", "Prefix", "Step", "Stripped", "strip"]

STEPS_MAX: Final = 8
"""Prefixes taken off one label. The longest seen has five: bank, card, date, wallet, acquirer."""


class Prefix(msgspec.Struct, frozen=True):
    """One prefix in folded words, and why it is in the list."""

    text: str
    """Folded words, one blank between them."""
    kind: Literal["bank", "wallet", "acquirer"]
    why: str
    marked: bool = False
    """Whether a `*` must follow: for words too short or too common to be taken off without it."""


PREFIXES: Final[tuple[Prefix, ...]] = (
    Prefix("paiement par carte bancaire", "bank", "long form of the next"),
    Prefix("paiement par carte", "bank", "Crédit Agricole: PAIEMENT PAR CARTE X1234"),
    Prefix("paiement par cb", "bank", "spelling of the same"),
    Prefix("paiement carte", "bank", "spelling of the same"),
    Prefix("paiement cb", "bank", "Crédit Mutuel, CIC: PAIEMENT CB 2311"),
    Prefix("paiement psc", "bank", "Crédit Mutuel, CIC: contactless (paiement sans contact)"),
    Prefix("paiement sans contact", "bank", "contactless, written out"),
    Prefix("paiement internet", "bank", "card not present"),
    Prefix("paiement mobile", "bank", "by telephone"),
    Prefix("paiement", "bank", "shortened by an aggregator"),
    Prefix("achat par carte", "bank", "spelling of the next"),
    Prefix("achat par cb", "bank", "spelling of the next"),
    Prefix("achat carte", "bank", "spelling of the next"),
    Prefix("achat cb", "bank", "La Banque Postale: ACHAT CB"),
    Prefix("achat sans contact", "bank", "contactless"),
    Prefix("achat internet", "bank", "card not present"),
    Prefix(
        "achat bancontact avec carte",
        "bank",
        "Belfius, BNP Paribas Fortis, KBC: with the card's number",
    ),
    Prefix("achat bancontact", "bank", "the same without"),
    Prefix("achat maestro", "bank", "Belgian banks, the former scheme"),
    Prefix("achat en ligne", "bank", "card not present"),
    Prefix("paiement bancontact", "bank", "ING Belgium"),
    Prefix("paiement maestro", "bank", "Belgian banks, the former scheme"),
    Prefix("paiement debit mastercard", "bank", "Belgian banks, the scheme after it"),
    Prefix("paiement visa debit", "bank", "likewise"),
    Prefix("aankoop bancontact met kaart", "bank", "Belfius, BNP Paribas Fortis, KBC in Dutch"),
    Prefix("aankoop bancontact online", "bank", "likewise, card not present"),
    Prefix("aankoop bancontact", "bank", "likewise"),
    Prefix("aankoop maestro", "bank", "likewise, the former scheme"),
    Prefix("aankoop met kaart", "bank", "likewise, without the scheme"),
    Prefix("betaling via bancontact", "bank", "ING Belgium in Dutch"),
    Prefix("betaling met kaart", "bank", "likewise"),
    Prefix("betaling via", "bank", "ING Belgium in Dutch; a wallet follows"),
    Prefix("bancontact", "bank", "the Belgian scheme alone"),
    Prefix("maestro", "bank", "the former scheme alone"),
    Prefix("achat interac", "bank", "Québec banks: ACHAT INTERAC - 1234"),
    Prefix("achat pdv", "bank", "Québec banks: point de vente"),
    Prefix("achat au pdv", "bank", "spelling of the same"),
    Prefix(
        "retrait au pdv",
        "bank",
        "Québec banks call a purchase by debit card so; not a cash withdrawal",
    ),
    Prefix("interac", "bank", "the Québec debit scheme alone"),
    Prefix("achat", "bank", "shortened by an aggregator"),
    Prefix("facture carte", "bank", "BNP Paribas: FACTURE CARTE DU 231124"),
    Prefix("facture cb", "bank", "spelling of the same"),
    Prefix("carte bancaire", "bank", "written out"),
    Prefix("carte bleue", "bank", "the former scheme's name"),
    Prefix("carte sans contact", "bank", "contactless"),
    Prefix("carte", "bank", "Société Générale: CARTE X1234 23/11; Boursorama: CARTE 23/11/24"),
    Prefix("cb sans contact", "bank", "contactless"),
    Prefix("cb internet", "bank", "card not present"),
    Prefix("cb", "bank", "LCL, Caisse d'Epargne: CB"),
    Prefix("avoir carte", "bank", "a refund names its merchant in the same way"),
    Prefix("avoir cb", "bank", "refund"),
    Prefix("remboursement carte", "bank", "refund"),
    Prefix("remboursement cb", "bank", "refund"),
    Prefix("credit carte", "bank", "refund"),
    Prefix("credit cb", "bank", "refund"),
    Prefix("annulation carte", "bank", "reversal"),
    Prefix("annulation cb", "bank", "reversal"),
    Prefix("card payment", "bank", "aggregators' English wording"),
    Prefix("card purchase", "bank", "aggregators' English wording"),
    Prefix("apple pay", "wallet", "APPLE PAY: and without colon"),
    Prefix("google pay", "wallet", "GOOGLE PAY; GOOGLE * is the shop and stays"),
    Prefix("gpay", "wallet", "short for the same"),
    Prefix("samsung pay", "wallet", "telephone wallet"),
    Prefix("garmin pay", "wallet", "watch wallet"),
    Prefix("lyf pay", "wallet", "French wallet"),
    Prefix("paylib", "wallet", "French banks' wallet"),
    Prefix("payconiq", "wallet", "Belgian wallet"),
    Prefix("samsung wallet", "wallet", "telephone wallet"),
    Prefix("fitbit pay", "wallet", "watch wallet"),
    Prefix("paypal", "acquirer", "PAYPAL *; some banks drop the star, the word is unmistakable"),
    Prefix("pay pal", "acquirer", "the same in two words", marked=True),
    Prefix("sumup", "acquirer", "SUMUP *; unmistakable without star"),
    Prefix("sum up", "acquirer", "the same in two words", marked=True),
    Prefix("zettle", "acquirer", "ZETTLE_*; unmistakable without star"),
    Prefix("izettle", "acquirer", "the former name"),
    Prefix("iz", "acquirer", "iZettle: IZ *", marked=True),
    Prefix("ztl", "acquirer", "Zettle: ZTL*", marked=True),
    Prefix("sq", "acquirer", "Square: SQ *", marked=True),
    Prefix("sp", "acquirer", "Shopify Payments: SP *", marked=True),
    Prefix("stripe", "acquirer", "Stripe: shops seldom print it; star only", marked=True),
    Prefix("cko", "acquirer", "Checkout.com: CKO*", marked=True),
    Prefix("ady", "acquirer", "Adyen: ADY*", marked=True),
    Prefix("adyen", "acquirer", "Adyen, written out", marked=True),
    Prefix("wl", "acquirer", "Worldline: WL *", marked=True),
    Prefix("worldline", "acquirer", "Worldline, written out; unmistakable without star"),
    Prefix("ccv", "acquirer", "CCV (Benelux): CCV*", marked=True),
    Prefix("mollie", "acquirer", "Mollie (Benelux): MOLLIE*", marked=True),
    Prefix("multisafepay", "acquirer", "Benelux; unmistakable without star"),
    Prefix("buckaroo", "acquirer", "Benelux: BUCKAROO*", marked=True),
    Prefix("moneris", "acquirer", "Canada: MONERIS*", marked=True),
    Prefix("nuvei", "acquirer", "Canada: NUVEI*", marked=True),
    Prefix("nya", "acquirer", "Nayax (vending machines): NYA*", marked=True),
    Prefix("nyx", "acquirer", "Nayax: NYX*", marked=True),
    Prefix("ls", "acquirer", "Lightspeed: LS *", marked=True),
    Prefix("tst", "acquirer", "Toast: TST*", marked=True),
    Prefix("mypos", "acquirer", "myPOS *", marked=True),
    Prefix("viva wallet", "acquirer", "VIVA WALLET *", marked=True),
    Prefix("payplug", "acquirer", "PAYPLUG*", marked=True),
    Prefix("hipay", "acquirer", "HIPAY*", marked=True),
    Prefix("paygreen", "acquirer", "PAYGREEN*", marked=True),
    Prefix("mangopay", "acquirer", "MANGOPAY*", marked=True),
    Prefix("lemonway", "acquirer", "LEMONWAY*", marked=True),
    Prefix("klarna", "acquirer", "pay-later: KLARNA*", marked=True),
    Prefix("alma", "acquirer", "pay-later: ALMA *", marked=True),
    Prefix("lyf", "acquirer", "LYF*", marked=True),
    Prefix("oney", "acquirer", "pay-later; unmistakable without star"),
    Prefix("floa", "acquirer", "pay-later: FLOA*", marked=True),
    Prefix("scalapay", "acquirer", "pay-later: SCALAPAY*", marked=True),
    Prefix("afterpay", "acquirer", "pay-later: AFTERPAY*", marked=True),
    Prefix("sezzle", "acquirer", "pay-later in Canada: SEZZLE*", marked=True),
    Prefix("paddle net", "acquirer", "PADDLE.NET*", marked=True),
    Prefix("fs", "acquirer", "FastSpring: FS *", marked=True),
)


class Step(msgspec.Struct, frozen=True):
    """One thing taken off the front of a label."""

    kind: str
    """bank, wallet, acquirer, date, card, city or web."""
    words: tuple[str, ...]


class Stripped(msgspec.Struct, frozen=True):
    """A folded label in its parts: the steps, in order, and what is left."""

    steps: tuple[Step, ...]
    rest: str


_GAP: Final = r"[\W_]*"
_END: Final = r"(?!'?[^\W_])"
"""End of a whole word; `CB'S` is not the word `CB`."""


def _alternatives(kind: str, *, marked: bool) -> str:
    texts = [prefix.text for prefix in PREFIXES if (prefix.kind, prefix.marked) == (kind, marked)]
    texts.sort(key=len, reverse=True)  # the first alternative that fits wins: longest first
    return "|".join(text.replace(" ", r"[\W_]+") for text in texts)


_BANK: Final = re.compile(rf"{_GAP}(?:{_alternatives('bank', marked=False)}){_END}")
_WALLET: Final = re.compile(rf"{_GAP}(?:{_alternatives('wallet', marked=False)}){_END}")
_ACQUIRER: Final = re.compile(
    rf"{_GAP}(?:(?:{_alternatives('acquirer', marked=False)}){_END}[\s_.:-]*\*?"
    rf"|(?:{_alternatives('acquirer', marked=True)})[\s_.:-]*\*)"
)
_WEB: Final = re.compile(rf"{_GAP}www[\W_]+(?=[^\W_])")
_TIME: Final = r"(?:[\W_]+(?:a[\W_]+)?[0-2][0-9][h:][0-5][0-9])?"
_DAY: Final = r"(?:0[1-9]|[12][0-9]|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_DATE: Final = re.compile(
    rf"{_GAP}(?:{_DAY}([/.-]){_MONTH}(?:\1(?:20)?[0-9]{{2}})?|20[0-9]{{2}}-{_MONTH}-{_DAY}"
    rf"|{_DAY}{_MONTH}(?:20)?[0-9]{{2}}){_END}(?![/.-][0-9]){_TIME}{_END}"
)
_BANK_DATE: Final = re.compile(
    rf"{_GAP}(?:(?:du|le)[\W_]+)?(?:{_DAY}([/.-]){_MONTH}(?:\1(?:20)?[0-9]{{2}})?"
    rf"|{_DAY}{_MONTH}(?:(?:20)?[0-9]{{2}})?){_END}(?![/.-][0-9]){_TIME}{_END}"
)
"""After the bank's words a date may lack the year and every mark: PAIEMENT CB 2311."""
_CARD: Final = re.compile(
    r"[^\w*]*(?:(?:numero|num|no|n)[\W_]*[x*]{0,12}[0-9]{3,4}"
    r"|(?:[0-9]{4,6})?[x*]{1,12}[0-9]{3,4}"
    rf"|(?:[0-9]{{4}}[\W_])?(?:[x*]{{4}}[\W_]){{1,3}}[0-9]{{4}}){_END}"
)
_CARD_TAIL: Final = re.compile(rf"{_GAP}[0-9]{{4}}{_END}")
"""Four bare digits are a card's only right after a word for it, or after Interac's dash."""
_CARD_WORDS: Final = frozenset(("carte", "kaart"))
_INTERAC_TAIL: Final = re.compile(rf"[^\S\n]*-[^\S\n]*[0-9]{{4}}{_END}")
_WORD: Final = re.compile(r"[^\W_]+")


def strip(folded: str, city: str | None = None) -> Stripped:
    """Take prefixes off a folded label, one step at a time.

    Args:
        folded: the label after `normalise.fold`.
        city: the folded city of the purchase. Crédit Mutuel prints it between the date and the
            merchant (PAIEMENT PSC 2311 STRASBOURG SUPER U), so it is a step after a bank's date.

    Returns:
        At most `STEPS_MAX` steps, and the rest of the label.
    """
    steps: list[Step] = []
    position = 0
    kind, end = _first(folded)
    while kind and len(steps) < STEPS_MAX:
        steps.append(Step(kind, tuple(words(folded[position:end]))))
        position = end
        kind, end = _next(folded, position, steps, city)
    return Stripped(tuple(steps), folded[position:])


def _first(folded: str) -> tuple[str, int]:
    for kind, pattern in (("bank", _BANK), ("date", _DATE)):
        if found := pattern.match(folded):
            return kind, found.end()
    return _after_bank(folded, 0)


def _next(folded: str, position: int, steps: list[Step], city: str | None) -> tuple[str, int]:
    """Find the next step at a position, given the steps before: (kind, end), or ("", position)."""
    last = steps[-1]
    if last.kind == "web":
        return "", position
    if last.kind == "acquirer":
        found = _WEB.match(folded, position)
        return ("web", found.end()) if found else ("", position)
    banked = any(step.kind == "bank" for step in steps)
    if found := (_BANK_DATE if banked else _DATE).match(folded, position):
        return "date", found.end()
    if banked:
        tail = _card_tail(folded, position, last.words[-1])
        if found := _CARD.match(folded, position) or tail:
            return "card", found.end()
        if last.kind == "date" and city and (end := _city_end(folded, position, city)):
            return "city", end
    if found := _BANK.match(folded, position):
        return "bank", found.end()
    return _after_bank(folded, position)


def _card_tail(folded: str, position: int, last_word: str) -> re.Match[str] | None:
    if last_word in _CARD_WORDS:
        return _CARD_TAIL.match(folded, position)
    return _INTERAC_TAIL.match(folded, position) if last_word == "interac" else None


def _after_bank(folded: str, position: int) -> tuple[str, int]:
    for kind, pattern in (("wallet", _WALLET), ("acquirer", _ACQUIRER), ("web", _WEB)):
        if found := pattern.match(folded, position):
            return kind, found.end()
    return "", position


def _city_end(folded: str, position: int, city: str) -> int:
    """Where the city's words end if the label goes on with them, else 0."""
    end = 0
    wanted = words(city)
    for want, found in zip(wanted, _WORD.finditer(folded, position), strict=False):
        if found[0] != want:
            return 0
        end = found.end()
    return end if words(folded[end:]) else 0

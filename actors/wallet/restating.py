"""What a wallet does with the words of a provider that may tell a purchase more than once (E8).

Rules:
- a purchase has one document, under the id by which it was credited; another id of the same purchase has
  a document that stands for it, so whoever names either means the same points;
- the provider's last word holds: of two words with numbers the greater, of two with the same number the one
  that takes it back, then the greater amount; without numbers the one that came last, for such providers
  tell them in order. A word about an id that another one has replaced is void;
- what it earned is brought to what it earns now: more of it is a lot of its own with the rates of then,
  less of it is taken from its very lot, as a refund is;
- two links of one person that show the same card digits are of one account: what the second tells of the same
  day, partner and amount is counted and not credited, each one once; the purchase follows the first;
- what it did not earn here needs no taking back, and is not waited for.

Source: spec.md S52, X24, E7, E8; docs/adr/0033.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from comptoir.actors.programme import programme_of
from comptoir.actors.wallet import crediting
from comptoir.actors.wallet.crediting import Outcome, recover, under_cap
from comptoir.actors.wallet.lots import draw_lot, end_of_lot, settle_shortfall, watch
from comptoir.actors.wallet.messages import (
    STANDS_FOR,
    TAGS,
    TRANSACTIONS,
    Credit,
    ReleasePoints,
    Restate,
    TakeBack,
    document_key,
)
from comptoir.actors.wallet.purchase import (
    entitled,
    is_held,
    net_points,
    refunded,
    status_of,
    told_of,
)
from comptoir.actors.wallet.standing import change_of, earned, tier_now
from comptoir.actors.wallet.state import (
    ISSUED,
    Books,
    PurchaseRecognised,
    PurchaseRestated,
    PurchaseTakenBack,
    RefundFacts,
    WalletState,
)
from comptoir.engine import Decision, LotOpened, Outgoing, Put
from comptoir.engine.machine import Context

__all__ = ["restate", "take_back"]


class _Word(msgspec.Struct, frozen=True):
    """What is said of a purchase that is known."""

    key: str
    """Document key of the id by which it is told."""
    revision: int
    credit: Credit | None
    """As it is now; None: it never happened."""
    pending: bool = False
    document: Mapping[str, Any] = {}

    def rank(self, purchase: Mapping[str, Any]) -> tuple[int, bool, int]:
        """Its place among the words that have numbers."""
        if self.credit is None:
            return self.revision, True, int(purchase.get("amount_cents", 0))
        return self.revision, False, self.credit.amount_cents


def restate(state: WalletState, message: Restate, context: Context) -> Outcome:
    """Credit it if it was not credited, else bring it to what it is now."""
    facts: RefundFacts = context.facts
    told = message.credit
    state = crediting.remember(state, told)
    if not told_of(facts.purchase):
        if message.removed:
            return _note_removal(state, message, context)
        elsewhere = crediting.tags_elsewhere(state, told)
        if elsewhere and message.elsewhere is None:
            again = msgspec.structs.replace(message, elsewhere=elsewhere)
            return Decision(state, messages=(Outgoing(context.address, again),))
        return _credit(state, message, context)
    if facts.twin == "elsewhere":
        return _recognise(state, message, facts, context)
    word = _Word(
        _key(told),
        message.revision,
        None if message.removed else told,
        message.pending,
        message.document,
    )
    if not _is_current(message, facts):
        alias = () if message.removed else _alias(word, facts, facts.purchase, context)
        return Decision(state, documents=alias)
    if _is_stale(word, facts.purchase):
        return Decision(state)
    if "eligible_cents" not in facts.purchase:
        return (
            _note_removal(state, message, context)
            if message.removed
            else _credit(state, message, context)
        )
    return _bring(state, word, facts, context)


def take_back(state: WalletState, message: TakeBack, context: Context) -> Outcome:
    """It never happened: what it earned goes."""
    facts: RefundFacts = context.facts
    word = _Word(document_key(message.provider, message.transaction_id), message.revision, None)
    purchase = facts.purchase
    current = purchase.get("told_as", facts.key) == word.key
    if "eligible_cents" not in purchase or not current or _is_stale(word, purchase):
        return Decision(state)
    return _bring(state, word, facts, context)


def _is_current(message: Restate, facts: RefundFacts) -> bool:
    """Whether the id by which it is told is its last one, or a new one of the link that it follows."""
    told, current = message.credit, facts.purchase.get("told_as", facts.key)
    anew = facts.twin in ("booked", "replaced")
    return _key(told) == current or (anew and facts.purchase.get("link", told.link) == told.link)


def _is_stale(word: _Word, purchase: Mapping[str, Any]) -> bool:
    """Whether a later word was heard before. A word without a number yields to any that has one."""
    revision = int(purchase.get("revision", 0))
    if not word.revision:
        return revision > 0
    known = (revision, bool(purchase.get("taken_back")), int(purchase.get("amount_cents", 0)))
    return word.rank(purchase) < known


def _credit(state: WalletState, message: Restate, context: Context) -> Outcome:
    """It is told for the first time, or was heard of as one that never happened."""
    told, owner = message.credit, context.address.key
    decision = crediting.grant(state, told, context)
    heard = {
        "told_as": _key(told),
        "revision": message.revision,
        "told_pending": message.pending,
        "taken_back": False,
        "link": told.link,
    }
    shown = Put(TRANSACTIONS, _key(told), {**message.document, **heard}, owner)
    documents = [shown, *decision.documents]
    if message.replaces != told.transaction_id:
        # Its pending twin may still come, and is not to earn.
        twin = {
            **message.document,
            "transaction_id": message.replaces,
            STANDS_FOR: _key(told),
        }
        documents.append(
            Put(TRANSACTIONS, document_key(told.provider, message.replaces), twin, owner)
        )
    return msgspec.structs.replace(decision, documents=tuple(documents))


def _note_removal(state: WalletState, message: Restate, context: Context) -> Outcome:
    """It never happened, and was not credited: remembered, for an earlier word of it may still come."""
    if not message.document or not message.revision:
        return Decision(state)
    fields = {
        **message.document,
        "status": "ignored",
        "taken_back": True,
        "revision": message.revision,
        "told_as": _key(message.credit),
    }
    return Decision(
        state,
        documents=(Put(TRANSACTIONS, _key(message.credit), fields, context.address.key),),
    )


def _recognise(
    state: WalletState, message: Restate, facts: RefundFacts, context: Context
) -> Outcome:
    """Another link of the account has told it before."""
    told, purchase = message.credit, facts.purchase
    word = _Word(_key(told), message.revision, told, message.pending, message.document)
    seen_by = [*purchase.get("twins", ()), told.link]
    event = PurchaseRecognised(str(purchase["transaction_id"]), told.transaction_id)
    return Decision(
        state,
        events=(event,),
        documents=(
            Put(TRANSACTIONS, facts.key, {"twins": seen_by}, context.address.key),
            *_alias(word, facts, purchase, context),
        ),
    )


def _bring(state: WalletState, word: _Word, facts: RefundFacts, context: Context) -> Outcome:
    """Bring what it earned to what it earns by this word."""
    programme, purchase, told = programme_of(context), facts.purchase, word.credit
    owner, original = context.address.key, str(facts.purchase["transaction_id"])
    freed = _without(state, purchase)
    held = is_held(purchase, programme, context.now)
    now: dict[str, Any] = {**purchase, "taken_back": told is None}
    capped = freed.capped
    if told is None:
        now["eligible_cents"] = 0
    else:
        now["eligible_cents"], capped = under_cap(freed, told)
        now["amount_cents"] = told.amount_cents
        if told.partner_id != purchase.get("partner_id", told.partner_id):
            now.update(partner_id=told.partner_id, rate_bp=told.rate_bp)
        now.update({k: word.document[k] for k in ("date", "merchant_name") if k in word.document})
    more = entitled(now, programme.value_cents) - net_points(purchase)
    books = Books.of(state, owner)
    lots: tuple[LotOpened, ...] = ()
    messages: tuple[Outgoing, ...] = ()
    short, expiry_at = 0, state.expiry_at
    # What had expired before it was taken back does not come to life by being told anew.
    gained = max(0, more - int(purchase.get("lapsed_points", 0)))
    if gained and told is not None:
        lots, messages = _grant(books, now, (gained, told.tag), facts, context)
        now["lot_id"] = purchase.get("lot_id") or lots[0].id
        expiry_at, timed = watch(state, lots[0].expires_at, context)
        messages = (*messages, *timed)
    elif more < 0:
        short = _recover(books, -more, now, facts, context)
    if more > gained:
        now["lapsed_points"] = int(purchase["lapsed_points"]) - (more - gained)
    now["points"] = int(purchase["points"]) + max(0, more)
    now["clawed_points"] = int(purchase.get("clawed_points", 0)) + max(0, -more)
    now["refunded_cents"] = refunded(now)
    now["status"] = status_of(now, held=held)
    now["revision"] = max(word.revision, int(purchase.get("revision", 0)))
    if told is not None:
        now.update(told_as=word.key, told_pending=word.pending)
    changed = {name: value for name, value in now.items() if purchase.get(name) != value}
    if not changed:
        return Decision(state)
    event: PurchaseRestated | PurchaseTakenBack
    if told is None:
        event = PurchaseTakenBack(original, -more, short)
    else:
        told_as = told.transaction_id
        event = PurchaseRestated(original, told_as, told.amount_cents, more, short)
    total, years = earned(state, more, int(purchase.get("credited_at") or context.now), programme)
    after = books.state(
        state,
        context.now,
        earned_total=total,
        earned_years=years,
        capped=capped,
        expiry_at=expiry_at,
    )
    before = tier_now(state, programme, context.now)
    change = change_of(before, after, context, f"{original}:{context.version}")
    return Decision(
        after,
        events=(event, *change.events),
        messages=(*messages, *change.messages),
        transfers=tuple(books.transfers),
        lots=lots,
        documents=(
            Put(TRANSACTIONS, facts.key, changed, owner),
            *_alias(word, facts, now, context),
            *_pointer(told, facts, context),
        ),
    )


def _key(told: Credit) -> str:
    return document_key(told.provider, told.transaction_id)


def _alias(
    word: _Word, facts: RefundFacts, now: Mapping[str, Any], context: Context
) -> tuple[Put, ...]:
    """The document of another id of the purchase, where it has one."""
    if word.key == facts.key:
        return ()
    fields = {
        **word.document,
        STANDS_FOR: facts.key,
        "status": now["status"],
        "points": now["points"],
        "credited_at": now.get("credited_at"),
    }
    return (Put(TRANSACTIONS, word.key, fields, context.address.key),)


def _pointer(told: Credit | None, facts: RefundFacts, context: Context) -> tuple[Put, ...]:
    """So that it is found by its new amount, too."""
    if told is None or told.amount_cents == int(facts.purchase["amount_cents"]):
        return ()
    owner = context.address.key
    return (Put(TAGS, f"{owner}:{told.tag}", {facts.key: True}, owner),)


def _without(state: WalletState, purchase: Mapping[str, Any]) -> WalletState:
    """The wallet before this purchase used up a part of its partner's month."""
    slot = f"{purchase.get('partner_id')}:{str(purchase.get('date', ''))[:7]}"
    if slot not in state.capped:
        return state
    left = max(0, state.capped[slot] - int(purchase["eligible_cents"]))
    return msgspec.structs.replace(state, capped={**state.capped, slot: left})


def _grant(
    books: Books,
    now: Mapping[str, Any],
    gained: tuple[int, str],
    facts: RefundFacts,
    context: Context,
) -> tuple[tuple[LotOpened, ...], tuple[Outgoing, ...]]:
    """It earns more (points, and their tag): a lot with its rates, held as long as the first."""
    me, programme = context.address, programme_of(context)
    points, tag = gained
    source = str(now["transaction_id"])
    lot_id = draw_lot(context)
    held = is_held(facts.purchase, programme, context.now)
    book = "pending" if held else "available"
    books.move(ISSUED, book, points, "credit", lot=lot_id, transaction=source)
    due = int(now["credited_at"]) + programme.hold_ms if held else context.now
    lot = LotOpened(
        lot_id, me.key, source, tag, points, int(now["amount_cents"]), int(now["rate_bp"]),
        int(now["multiplier_bp"]), context.now, end_of_lot(programme, due),
    )  # fmt: skip
    if not held:
        settle_shortfall(books, points, lot_id, source)
        return (lot,), ()
    release = ReleasePoints(lot_id, source, facts.key)
    return (lot,), (Outgoing(me, release, due, f"release:{lot_id}"),)


def _recover(
    books: Books, due: int, now: dict[str, Any], facts: RefundFacts, context: Context
) -> int:
    """It earns less: what the wallet does not have is owed, and returned."""
    found = recover(books, due, facts, context)
    if found.lapsed:
        now["lapsed_points"] = int(now.get("lapsed_points", 0)) + found.lapsed
    return found.short

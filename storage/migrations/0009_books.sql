-- What leads from withdrawals and lots to their transfers. Partial, so that a credit (and the release that ends
-- its hold) has no entry in either: for it they cost the comparison that says so. Source: engine/books.py; ADR 0014.

create index transfer_withdrawal on comptoir.transfer (withdrawal_id) where withdrawal_id is not null;
create index transfer_lot on comptoir.transfer (lot_id) where kind not in ('credit', 'release');

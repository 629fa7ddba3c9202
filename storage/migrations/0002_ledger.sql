-- The points ledger: double entry, one row per transfer, zero by construction.
-- A lot is inserted with remaining = 0 and nobody may write that column: only the trigger on
-- transfer changes lots and balances, by deltas, never by a sum over all lots. So a credit costs the
-- same whether a wallet has ten lots or ten thousand, and no lot moves without a transfer.
-- Source: design.md 7; spec.md S47, E7.

create table comptoir.lot (
    id            text collate "C" primary key,
    owner         text collate "C" not null,
    source        text collate "C" not null,
    tag           text collate "C" not null,
    points        bigint      not null check (points > 0),
    remaining     bigint      not null default 0,
    basis_cents   bigint      not null check (basis_cents >= 0),
    rate_bp       integer     not null check (rate_bp >= 0),
    multiplier_bp integer     not null check (multiplier_bp >= 0),
    earned_at     timestamptz not null,
    expires_at    timestamptz,
    constraint lot_remaining check (remaining between 0 and points)
) with (fillfactor = 45); -- each row is written twice at once: in place, since remaining is in no index
create index lot_fifo on comptoir.lot (owner, earned_at, id);
create index lot_source on comptoir.lot (owner, source);
create index lot_tag on comptoir.lot (owner, tag);

create table comptoir.transfer (
    entry_id        bigint      primary key,
    set_id          bigint      not null, -- the first entry of the same decision
    at              timestamptz not null,
    owner           text collate "C" not null,
    kind            text collate "C" not null,
    debit           text collate "C" not null,
    credit          text collate "C" not null,
    points          bigint      not null,
    lot_id          text collate "C",
    transaction_id  text,
    withdrawal_id   text,
    after_available bigint      not null check (after_available >= 0),
    after_pending   bigint      not null check (after_pending >= 0),
    after_blocked   bigint      not null check (after_blocked >= 0),
    after_shortfall bigint      not null check (after_shortfall >= 0),
    constraint transfer_points check (points > 0),
    constraint transfer_two_accounts check (debit <> credit),
    constraint transfer_kind check (kind in ('credit', 'release', 'clawback', 'expiry', 'hold',
        'hold_released', 'payout', 'adjustment')),
    constraint transfer_owner_takes_part check (
        substr(debit, strpos(debit, ':') + 1) = owner
        or substr(credit, strpos(credit, ':') + 1) = owner)
);
create index transfer_owner on comptoir.transfer (owner, entry_id);

create table comptoir.balance (
    account text collate "C" primary key,
    points  bigint not null,
    book    text   not null generated always as (split_part(account, ':', 1)) stored,
    owner   text collate "C" not null generated always as (substr(account, strpos(account, ':') + 1)) stored,
    constraint balance_book check (book in ('available', 'pending', 'blocked', 'shortfall',
        'issued', 'paid', 'expired')),
    constraint balance_not_negative check (
        book not in ('available', 'pending', 'blocked') or points >= 0),
    constraint balance_shortfall_not_positive check (book <> 'shortfall' or points <= 0)
) with (fillfactor = 50);
create index balance_owner on comptoir.balance (owner, book);

create function comptoir.post_transfers() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    lots_named bigint;
    lots_moved bigint;
begin
    with change as (
        select lot_id, owner,
               sum(case when credit in ('available:' || owner, 'pending:' || owner)
                        then points else 0 end
                 - case when debit in ('available:' || owner, 'pending:' || owner)
                        then points else 0 end)::bigint as points
        from posted where lot_id is not null
        group by lot_id, owner
    ), moved as (
        update comptoir.lot l set remaining = l.remaining + c.points
        from change c where l.id = c.lot_id and l.owner = c.owner
        returning 1
    )
    select (select count(*) from change), (select count(*) from moved)
      into lots_named, lots_moved;
    if lots_named <> lots_moved then
        raise exception using errcode = 'CT005', constraint = 'transfer_lot_of_owner',
            message = 'a transfer names a lot that its owner does not have';
    end if;

    with change as (
        select account, sum(points)::bigint as points
        from (select credit as account, points from posted
              union all
              select debit, -points from posted) side
        group by account
    ), moved as (
        update comptoir.balance b set points = b.points + c.points
        from change c where b.account = c.account
        returning b.account
    )
    insert into comptoir.balance (account, points)
    select account, points from change
    where account not in (select account from moved)
    order by account;
    return null;
end $$;

create trigger transfer_posts after insert on comptoir.transfer
    referencing new table as posted
    for each statement execute function comptoir.post_transfers();

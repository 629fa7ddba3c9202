-- What both peers write to: the least that the promise needs, with the indices that it needs.
-- Double entry: a transfer is one row that names what is debited and what is credited, so the sum
-- over report.posting is zero by construction. Only the customer's account keeps a balance: one row
-- for the programme's side would be locked by every webhook until its flush.

create table partner (id text primary key, name text not null, rate_bp integer not null);

create table connection (
    provider text not null, connection_id text not null, user_id text not null,
    primary key (provider, connection_id));

create table transaction (
    provider text not null, event text not null, transaction_id text not null,
    user_id text, partner_id text, amount_cents bigint not null, currency text not null,
    direction text not null, date date not null, merchant_name text not null,
    status text not null, points bigint not null,
    received_at timestamptz not null default now(), credited_at timestamptz,
    primary key (provider, event, transaction_id)); -- what is taken once

create table lot (
    id bigint generated always as identity primary key,
    user_id text not null, transaction_id text not null,
    points bigint not null check (points > 0),
    remaining bigint not null check (remaining between 0 and points),
    earned_at timestamptz not null default now());
create index lot_fifo on lot (user_id, earned_at, id);

create table transfer (
    entry_id bigint generated always as identity primary key,
    at timestamptz not null default now(), user_id text not null, kind text not null,
    debit text not null, credit text not null check (credit <> debit),
    points bigint not null check (points > 0), lot_id bigint not null, transaction_id text not null);
create index transfer_user on transfer (user_id, entry_id);

create table balance (
    user_id text primary key, available bigint not null check (available >= 0)
) with (fillfactor = 50);

create schema report; -- the auditor's views, as the daemon has them: one check for all
create view report.wallet as select user_id, available, 0::bigint as pending from balance;
create view report.entry as
select entry_id, user_id, kind, points, lot_id::text, transaction_id, at from transfer;
create view report.lot as select id::text as lot_id, user_id, transaction_id, points, remaining from lot;
create view report.transaction as
select provider, transaction_id, user_id, partner_id, amount_cents, currency, status, points,
       received_at, credited_at from transaction;
create view report.posting as
select entry_id as set_id, credit as account, points from transfer
union all select entry_id, debit, -points from transfer;

-- gdpr: holds
create table if not exists gdpr.legal_holds (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  reason text not null,
  placed_at timestamptz not null default core.now(),
  released_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint reason_is_valid check (char_length(reason) between 1 and 500)
);
create index if not exists legal_holds_user_id_idx on gdpr.legal_holds (user_id);
create unique index if not exists legal_holds_open_idx on gdpr.legal_holds (user_id) where released_at is null;

-- gdpr: requests
create table if not exists gdpr.subject_requests (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null,
  received_at timestamptz not null default core.now(),
  due_at timestamptz not null,
  closed_at timestamptz,
  outcome text,
  updated_at timestamptz not null default now(),
  constraint kind_is_valid
    check (kind in ('access', 'portability', 'erasure', 'rectification', 'restriction', 'objection')),
  constraint outcome_is_valid check (outcome in ('fulfilled', 'withdrawn', 'refused')),
  constraint closed_has_outcome check ((closed_at is null) = (outcome is null))
);
create index if not exists subject_requests_user_id_idx on gdpr.subject_requests (user_id);
create index if not exists subject_requests_due_at_idx on gdpr.subject_requests (due_at) where closed_at is null;
create unique index if not exists subject_requests_open_idx on gdpr.subject_requests (user_id, kind) where closed_at is null;

-- gdpr: deletion
alter table core.users add column if not exists closing_at timestamptz;
create index if not exists users_closing_at_idx on core.users (closing_at) where closing_at is not null;
alter table core.mails add column if not exists facts jsonb not null default '{}';
alter table core.mails add column if not exists sealed_recipient bytea;
alter table core.mails drop constraint if exists facts_is_valid;
alter table core.mails add constraint facts_is_valid check (jsonb_typeof(facts) = 'object');
alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'invitation', 'totp_enabled', 'totp_disabled',
  'recovery_code_used', 'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked',
  'deletion_requested', 'deletion_soon', 'deletion_cancelled', 'deletion_held', 'account_erased'
));
-- It takes the facts of a mail too.
drop function if exists private.queue_mail(text, uuid, text, uuid, uuid, uuid);
drop function if exists gdpr.erase_rows(name, name, text, text, uuid);
drop function if exists gdpr.erase_account(uuid);

create unique index if not exists subject_requests_id_user_id_key on gdpr.subject_requests (id, user_id);
create table if not exists gdpr.deletion_requests (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  subject_request_id uuid not null,
  state text not null default 'waiting',
  requested_at timestamptz not null default core.now(),
  erase_at timestamptz not null,
  reminded_at timestamptz,
  held_at timestamptz,
  problem text,
  finished_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint deletion_requests_subject_request_id_fkey foreign key (subject_request_id, user_id)
    references gdpr.subject_requests (id, user_id) on delete cascade,
  constraint state_is_valid check (state in ('waiting', 'held', 'erasing', 'erased', 'cancelled')),
  constraint problem_is_valid check (problem ~ '^[a-z][a-z0-9_]{1,62}$'),
  constraint finished_at_comes_with_final_state check ((finished_at is not null) = (state in ('erased', 'cancelled')))
);
create index if not exists deletion_requests_user_id_idx on gdpr.deletion_requests (user_id);
create index if not exists deletion_requests_subject_request_id_idx on gdpr.deletion_requests (subject_request_id, user_id);
create index if not exists deletion_requests_erase_at_idx on gdpr.deletion_requests (erase_at) where finished_at is null;
create unique index if not exists deletion_requests_open_idx on gdpr.deletion_requests (user_id) where finished_at is null;

-- gdpr: erasure
create table if not exists gdpr.erasures (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  is_anonymization boolean not null default false,
  step text not null default 'rows',
  position integer not null default 0,
  row_counts jsonb not null default '{}',
  audit_events_blanked bigint not null default 0,
  batch_transaction xid8,
  -- Of the outbox; no key, because that mail is nobody's and goes after a month.
  farewell_mail_id uuid,
  started_at timestamptz not null default core.now(),
  rows_at timestamptz,
  erased_at timestamptz,
  statistics_at timestamptz,
  finished_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint erasures_user_id_key unique (user_id),
  constraint step_is_valid check (step in ('rows', 'log', 'account', 'statistics', 'done')),
  constraint position_is_valid check (position >= 0),
  constraint row_counts_is_valid check (jsonb_typeof(row_counts) = 'object'),
  constraint finished_at_comes_with_last_step check ((finished_at is not null) = (step = 'done'))
);

create table if not exists gdpr.erasure_obstacles (
  source text primary key,
  description text not null
);

-- gdpr: anonymization
create table if not exists gdpr.anonymous_sources (
  name text primary key,
  source text not null,
  description text not null,
  counted_until date,
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{1,62}$')
);
create table if not exists gdpr.anonymous_counts (
  name text not null references gdpr.anonymous_sources (name) on delete cascade,
  label text not null,
  day date not null,
  people_count bigint not null,
  primary key (name, label, day),
  constraint people_count_is_valid check (people_count > 0)
);

-- gdpr: recipients
create table if not exists gdpr.recipients (
  name text primary key,
  description text not null,
  source text,
  nothing_to_tell text,
  webhook_url text,
  webhook_secret bytea,
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{1,62}$'),
  constraint source_or_reason check ((source is null) = (nothing_to_tell is not null)),
  constraint webhook_url_is_valid check (webhook_url ~ '^https?://[^[:space:]]+$' and char_length(webhook_url) <= 2000),
  constraint webhook_has_secret check ((webhook_url is null) = (webhook_secret is null))
);
create table if not exists gdpr.recipient_notices (
  id uuid primary key default core.new_id(),
  erasure_id uuid not null references gdpr.erasures (id) on delete cascade,
  recipient text not null references gdpr.recipients (name) on delete restrict,
  state text not null,
  sealed_references bytea,
  reference_count integer not null,
  attempt_count integer not null default 0,
  last_error text,
  told_at timestamptz,
  created_at timestamptz not null default core.now(),
  updated_at timestamptz not null default now(),
  constraint recipient_notices_erasure_id_recipient_key unique (erasure_id, recipient),
  constraint state_is_valid check (state in ('waiting', 'told', 'by_hand', 'failed')),
  constraint told_at_comes_with_state check ((told_at is not null) = (state = 'told')),
  constraint references_go_when_told check ((sealed_references is null) = (state = 'told')),
  constraint last_error_is_valid check (char_length(last_error) <= 500)
);
create index if not exists recipient_notices_recipient_idx on gdpr.recipient_notices (recipient);

--!include index.sql

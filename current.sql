-- Accounts beyond signing in: pending sign-ups, one-time tokens, and the mails that carry them.

alter table core.sessions drop constraint if exists revoked_reason_is_valid;
alter table core.sessions add constraint revoked_reason_is_valid check (revoked_reason in (
  'signed_out', 'signed_out_everywhere', 'ended_by_user', 'refresh_token_reused', 'password_changed', 'password_reset',
  'suspended', 'role_changed', 'ended_by_admin', 'erased'
)) not valid;
alter table core.sessions validate constraint revoked_reason_is_valid;
-- For keys that carry the owner along: a mail about a session is about its own account's.
create unique index if not exists sessions_id_user_id_idx on core.sessions (id, user_id);

-- Someone who asked for an account where a mail decides. No account exists before the mail's link is opened.
create table if not exists private.sign_up_requests (
  id uuid primary key default core.new_id(),
  email text not null,
  email_key text not null generated always as (core.email_key(email)) stored,
  password_hash text not null,
  display_name text,
  timezone text not null,
  locale text not null,
  created_at timestamptz not null default now(),
  constraint email_is_valid check (core.is_email(email)),
  constraint password_hash_is_valid check (password_hash ~ '^\$2[aby]\$[0-9]{2}\$.{53}$'),
  constraint display_name_is_valid check (char_length(display_name) between 1 and 80),
  constraint timezone_is_valid check (core.is_time_zone(timezone)),
  constraint locale_is_valid check (locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$')
);
create index if not exists sign_up_requests_email_key_idx on private.sign_up_requests (email_key);
create index if not exists sign_up_requests_created_at_idx on private.sign_up_requests (created_at);

create table if not exists private.one_time_tokens (
  token_hash bytea primary key,
  purpose text not null,
  user_id uuid references core.users (id) on delete cascade,
  sign_up_request_id uuid references private.sign_up_requests (id) on delete cascade,
  email text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  constraint purpose_is_valid check (purpose in ('sign_up', 'verify_email', 'reset_password', 'change_email')),
  constraint email_is_valid check (core.is_email(email)),
  constraint expires_at_is_after_created_at check (expires_at > created_at),
  constraint token_has_one_subject check (num_nonnulls(user_id, sign_up_request_id) = 1)
);
-- One living token an account and purpose: a new one takes the place of the old one.
create unique index if not exists one_time_tokens_user_id_purpose_idx
  on private.one_time_tokens (user_id, purpose) where used_at is null;
create index if not exists one_time_tokens_user_id_idx on private.one_time_tokens (user_id);
create index if not exists one_time_tokens_sign_up_request_id_idx on private.one_time_tokens (sign_up_request_id);
create index if not exists one_time_tokens_expires_at_idx on private.one_time_tokens (expires_at);

-- The outbox. Holds what a mail is about, never its text and never a token.
create table if not exists core.mails (
  id uuid primary key default core.new_id(),
  kind text not null,
  user_id uuid references core.users (id) on delete cascade,
  session_id uuid,
  sign_up_request_id uuid references private.sign_up_requests (id) on delete set null,
  recipient text,
  state text not null default 'waiting',
  last_error text,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint mails_session_id_fkey foreign key (session_id, user_id)
    references core.sessions (id, user_id) on delete set null (session_id),
  constraint kind_is_valid check (kind in (
    'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed',
    'change_email', 'email_change_requested', 'email_changed', 'new_device'
  )),
  constraint recipient_is_valid check (core.is_email(recipient)),
  constraint state_is_valid check (state in ('waiting', 'sending', 'sent', 'failed', 'unknown', 'skipped')),
  constraint last_error_is_valid check (char_length(last_error) <= 500),
  constraint finished_at_comes_with_final_state check (
    (finished_at is not null) = (state in ('sent', 'failed', 'unknown', 'skipped'))
  )
);
create index if not exists mails_user_id_idx on core.mails (user_id);
create index if not exists mails_session_id_user_id_idx on core.mails (session_id, user_id);
create index if not exists mails_sign_up_request_id_idx on core.mails (sign_up_request_id);
create index if not exists mails_created_at_idx on core.mails (created_at);

-- The audit log: what was changed by whom, sealed in batches. docs/audit.md tells how it works.

create sequence if not exists core.audit_log_id_seq;

create table if not exists core.audit_log (
  id bigint not null default nextval('core.audit_log_id_seq'),
  occurred_at timestamptz not null,
  transaction_id xid8 not null,
  kind text not null,
  relation text,
  operation text not null,
  actor_user_id uuid,
  actor_session_id uuid,
  subject_id uuid,
  tenant_id uuid,
  database_role text not null,
  acting_role text not null,
  job_id bigint,
  request_id text not null,
  key jsonb,
  old_values jsonb,
  new_values jsonb,
  salt bytea,
  payload_hash bytea not null,
  row_hash bytea not null,
  blanked_by bigint,
  -- Leads with what seals and their verification read by; the partition key has to be part of it.
  constraint audit_log_pkey primary key (transaction_id, id, occurred_at),
  constraint kind_is_valid check (kind in ('data', 'security')),
  constraint data_has_relation check ((kind = 'data') = (relation is not null)),
  constraint operation_is_valid check (operation ~ '^[a-z][a-z_]{1,62}$'),
  constraint payload_hash_is_valid check (octet_length(payload_hash) = 32),
  constraint row_hash_is_valid check (octet_length(row_hash) = 32)
) partition by range (occurred_at);
-- The log only grows, so a few bytes a block find an event by its number.
create index if not exists audit_log_id_idx on core.audit_log using brin (id) with (pages_per_range = 16);
-- By a hash: a key may be longer than an entry of an index.
create index if not exists audit_log_relation_key_idx on core.audit_log (relation, hashtextextended(key::text, 0));
-- Many events are about no person and by no person.
create index if not exists audit_log_subject_id_idx on core.audit_log (subject_id) where subject_id is not null;
create index if not exists audit_log_actor_user_id_idx on core.audit_log (actor_user_id)
  where actor_user_id is not null and actor_user_id is distinct from subject_id;
alter table core.audit_log enable row level security;

create table if not exists core.audit_seals (
  number bigint not null,
  from_transaction xid8 not null,
  until_transaction xid8 not null,
  first_event bigint not null,
  event_count bigint not null,
  sealed_at timestamptz not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_seals_pkey primary key (number),
  constraint number_is_valid check (number >= 1),
  constraint event_count_is_valid check (event_count >= 1),
  constraint until_transaction_is_after_from_transaction check (until_transaction > from_transaction),
  constraint previous_hash_is_valid check (octet_length(previous_hash) = 32),
  constraint hash_is_valid check (octet_length(hash) = 32)
);

create table if not exists core.audited_tables (
  schema_name name not null,
  table_name name not null,
  is_audited boolean not null,
  reason text,
  constraint audited_tables_pkey primary key (schema_name, table_name),
  constraint unaudited_table_has_reason check (is_audited = (reason is null))
);

-- The months exist before the first audited write, which comes with the declarations below.
insert into ops.partitioned_tables (schema_name, table_name, key_column, months_ahead, retention_months)
values ('core', 'audit_log', 'occurred_at', 12, 84)
on conflict on constraint partitioned_tables_pkey do nothing;
select ops.create_monthly_partitions('core.audit_log');

--!include index.sql

-- Again: now the log has its guards, and every month of it gets them.
select ops.create_monthly_partitions();

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

-- gdpr: record, retention, view_columns
create table if not exists gdpr.processing_activities (
  name text primary key,
  title text not null,
  purpose text not null,
  legal_basis text not null,
  basis_reason text not null,
  special_category_condition text,
  people text[] not null,
  recipients text[] not null default '{}',
  transfers text[] not null default '{}',
  added_recipients text[] not null default '{}',
  added_transfers text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{1,62}$'),
  constraint title_is_valid check (char_length(title) between 1 and 80),
  constraint purpose_is_valid check (char_length(purpose) between 1 and 500),
  constraint basis_reason_is_valid check (char_length(basis_reason) between 1 and 500),
  constraint legal_basis_is_valid check (legal_basis in
    ('consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests')),
  constraint special_category_condition_is_valid check (special_category_condition in
    ('explicit_consent', 'employment', 'vital_interests', 'non_profit', 'made_public', 'legal_claims',
     'public_interest', 'health_care', 'public_health', 'archiving')),
  constraint people_is_valid check (cardinality(people) > 0)
);

create table if not exists gdpr.retention_policies (
  name text primary key,
  schema_name name,
  table_name name,
  summary text not null,
  action text not null,
  aged_from text,
  condition text,
  assignments jsonb,
  handler text,
  setting text,
  keep interval,
  declared_keep interval,
  least_keep interval not null default '0',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{1,62}$'),
  constraint summary_is_valid check (char_length(summary) between 1 and 300),
  constraint action_is_valid check (action in ('delete', 'overwrite', 'call', 'drop_partitions', 'erase_account')),
  constraint keep_is_valid check (keep >= least_keep and least_keep >= '0'),
  constraint relation_is_whole check ((schema_name is null) = (table_name is null)),
  constraint aged_rows_have_a_relation check ((aged_from is null) or (table_name is not null)),
  constraint overwriting_says_with_what check ((action = 'overwrite') = (assignments is not null)),
  constraint calling_says_what check ((action = 'call') = (handler is not null)),
  -- Partitions keep what ops.partitioned_tables says, accounts live until they are erased, the rest one of two ways.
  constraint time_is_said_once
    check (num_nonnulls(keep, setting) = case when action in ('drop_partitions', 'erase_account') then 0 else 1 end)
);

create table if not exists gdpr.view_columns (
  schema_name name not null,
  view_name name not null,
  column_name name not null,
  class text not null,
  reason text not null,
  primary key (schema_name, view_name, column_name),
  constraint class_is_valid check (class in ('none', 'personal', 'sensitive', 'secret')),
  constraint reason_is_valid check (char_length(reason) between 1 and 300)
);

create table if not exists gdpr.processing_record_versions (
  number integer primary key,
  hash bytea not null,
  record jsonb not null,
  recorded_at timestamptz not null default core.now(),
  constraint hash_is_valid check (octet_length(hash) = 32)
);

alter table gdpr.column_policies add column if not exists purpose text;
alter table gdpr.column_policies add column if not exists retention text;

-- The cleaner, and whoever measures it, finds what is due without reading the table.
create index if not exists sessions_ended_at_idx on core.sessions (least(expires_at, revoked_at));
create index if not exists refresh_tokens_rotated_at_idx on private.refresh_tokens (rotated_at) where rotated_at is not null;
create index if not exists totp_factors_created_at_idx on private.totp_factors (created_at) where confirmed_at is null;
create index if not exists notification_tokens_disabled_at_idx on core.notification_tokens (disabled_at) where disabled_at is not null;
create index if not exists organization_domains_expires_at_idx on core.organization_domains (expires_at) where verified_at is null;
create index if not exists alerts_resolved_at_idx on ops.alerts (resolved_at) where resolved_at is not null;
create index if not exists subject_requests_closed_at_idx on gdpr.subject_requests (closed_at) where closed_at is not null;

-- It answers more columns.
drop function if exists gdpr.generate_user_data_inventory();

-- Their rows go by gdpr.retention_policies.
drop function if exists core.clean_up_mails(), core.clean_up_tenancy(), core.clean_up_billing_events(),
  ops.clean_up_monitoring();
revoke execute on function ops.cleanup_expired_sessions() from howdah_worker;

--!include index.sql

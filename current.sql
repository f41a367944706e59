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
-- gdpr: deletion
alter table core.users add column if not exists closing_at timestamptz;
create index if not exists users_closing_at_idx on core.users (closing_at) where closing_at is not null;
alter table core.mails add column if not exists facts jsonb not null default '{}';
alter table core.mails add column if not exists sealed_recipient bytea;
alter table core.mails drop constraint if exists facts_is_valid;
alter table core.mails add constraint facts_is_valid check (jsonb_typeof(facts) = 'object');
-- gdpr: data_exports
-- PostgREST serves a function's bytea as bytes where its type is named like the media type.
do $$
begin
  if to_regtype('api."application/octet-stream"') is null then
    create domain api."application/octet-stream" as bytea;
  end if;
end
$$;
comment on domain api."application/octet-stream" is 'Bytes, answered as they are to whoever accepts application/octet-stream.';

create unique index if not exists subject_requests_id_user_id_idx on gdpr.subject_requests (id, user_id);
create table if not exists gdpr.data_exports (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  request_id uuid not null,
  kind text not null,
  state text not null default 'waiting',
  attempt_count integer not null default 0,
  table_count integer,
  exported_table_count integer not null default 0,
  exported_row_count bigint not null default 0,
  part_count integer,
  size_bytes bigint,
  sha256 bytea,
  manifest jsonb,
  error_key text,
  download_hash bytea,
  download_expires_at timestamptz,
  served_part integer,
  requested_at timestamptz not null default core.now(),
  data_as_of timestamptz,
  ready_at timestamptz,
  expires_at timestamptz,
  finished_at timestamptz,
  updated_at timestamptz not null default now(),
  foreign key (request_id, user_id) references gdpr.subject_requests (id, user_id) on delete cascade,
  constraint kind_is_valid check (kind in ('access', 'portability')),
  constraint state_is_valid check (state in ('waiting', 'running', 'ready', 'downloaded', 'expired', 'failed')),
  constraint error_key_is_valid check (char_length(error_key) <= 100),
  constraint ready_has_file check (
    state <> 'ready' or num_nulls(part_count, size_bytes, sha256, manifest, ready_at, expires_at) = 0
  ),
  constraint download_hash_comes_with_expiry check ((download_hash is null) = (download_expires_at is null)),
  constraint finished_at_comes_with_final_state
    check ((finished_at is not null) = (state in ('downloaded', 'expired', 'failed')))
);
create index if not exists data_exports_user_id_idx on gdpr.data_exports (user_id);
create index if not exists data_exports_request_id_user_id_idx on gdpr.data_exports (request_id, user_id);
-- One at a time for each account.
create unique index if not exists data_exports_open_idx on gdpr.data_exports (user_id)
  where state in ('waiting', 'running', 'ready');

create table if not exists gdpr.data_export_parts (
  export_id uuid not null references gdpr.data_exports (id) on delete cascade,
  number integer not null,
  content bytea not null,
  sha256 bytea not null generated always as (sha256(content)) stored,
  primary key (export_id, number),
  constraint number_is_valid check (number >= 0),
  constraint content_is_valid check (octet_length(content) between 1 and 1048576)
);
-- It is compressed already.
alter table gdpr.data_export_parts alter column content set storage external;

--!include primitives.sql

-- core: tokens with which a monitoring tool scrapes
create table if not exists core.scrape_tokens (
  id uuid primary key default core.new_id(),
  name text not null,
  created_at timestamptz not null default core.now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  constraint name_is_valid check (char_length(name) between 1 and 80),
  constraint expires_at_is_after_created_at check (expires_at > created_at)
);

-- core: a function that answers with this writes its own Content-Type (PostgREST's handler of any media type)
do $$
begin
  if to_regtype('core."*/*"') is null then
    create domain core."*/*" as text;
    comment on domain core."*/*" is 'Text that is answered as it is, whatever media type was asked for.';
  end if;
end
$$;

-- core: mails to operators
alter table core.mails add column if not exists content jsonb;
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

create table if not exists gdpr.deletion_requests (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  subject_request_id uuid not null references gdpr.subject_requests (id) on delete cascade,
  state text not null default 'waiting',
  requested_at timestamptz not null default core.now(),
  erase_at timestamptz not null,
  reminded_at timestamptz,
  held_at timestamptz,
  problem text,
  finished_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint state_is_valid check (state in ('waiting', 'held', 'erasing', 'erased', 'cancelled')),
  constraint problem_is_valid check (problem ~ '^[a-z][a-z0-9_]{1,62}$'),
  constraint finished_at_comes_with_final_state check ((finished_at is not null) = (state in ('erased', 'cancelled')))
);
create index if not exists deletion_requests_user_id_idx on gdpr.deletion_requests (user_id);
create index if not exists deletion_requests_subject_request_id_idx on gdpr.deletion_requests (subject_request_id);
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
  farewell_mail_id uuid references core.mails (id) on delete set null,
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
create index if not exists erasures_farewell_mail_id_idx on gdpr.erasures (farewell_mail_id);

create table if not exists gdpr.erasure_obstacles (
  source text primary key,
  error_key text not null
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
  'recovery_code_used', 'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked', 'data_export_ready'
));
-- ops: partitions
-- Views and functions that the new columns and signatures replace.
drop function if exists ops.declare_partitioned_table(text, text, integer, integer);
alter table ops.partitioned_tables add column if not exists is_dropped_by_clock boolean not null default true;

-- ops: upkeep
drop function if exists ops.finish_task_run(bigint, text);
alter table ops.task_runs
  add column if not exists row_count bigint constraint row_count_is_valid check (row_count >= 0),
  add column if not exists took_seconds numeric
    generated always as (round(extract(epoch from finished_at - started_at), 3)) stored;

-- What was measured every five minutes, for looking back; older values are thinned.
create table if not exists ops.metric_samples (
  metric text not null,
  labels jsonb not null default '{}',
  value numeric not null,
  sampled_at timestamptz not null default core.now(),
  primary key (metric, labels, sampled_at),
  constraint metric_is_valid check (char_length(metric) between 1 and 100)
);
create index if not exists metric_samples_sampled_at_idx on ops.metric_samples (sampled_at);

-- Transactions that were seen running for long. Which statement it was is a number: its text may be about people.
create table if not exists ops.long_queries (
  pid integer not null,
  started_at timestamptz not null,
  query_id bigint,
  role name,
  application text not null,
  state text not null,
  waits_for text,
  blocked_by integer[] not null default '{}',
  seen_at timestamptz not null,
  running_seconds numeric not null,
  primary key (pid, started_at),
  constraint running_seconds_is_valid check (running_seconds >= 0)
);
create index if not exists long_queries_seen_at_idx on ops.long_queries (seen_at);

-- ops: materialized views
create table if not exists ops.materialized_views (
  schema_name name not null,
  view_name name not null,
  period_seconds integer not null,
  declared_at timestamptz not null default core.now(),
  refreshed_at timestamptz,
  took_seconds numeric,
  row_count bigint,
  failed_at timestamptz,
  error_code text,
  primary key (schema_name, view_name),
  constraint period_seconds_is_valid check (period_seconds between 60 and 31536000)
);

--!include ops/materialized_views/user_activity.sql
create materialized view if not exists ops.user_statistics as
  select a.day, a.sign_up_count, a.sign_in_count, a.active_user_count from ops.user_activity(30) as a;
create unique index if not exists user_statistics_day_idx on ops.user_statistics (day);
-- gdpr: requests, the rest of what the register holds
alter table gdpr.subject_requests
  add column if not exists origin text not null default 'account',
  add column if not exists details text,
  add column if not exists extended_at timestamptz,
  add column if not exists extension_reason text,
  add column if not exists refusal_reason text;
alter table gdpr.subject_requests
  drop constraint if exists origin_is_valid,
  add constraint origin_is_valid check (origin in ('account', 'letter')),
  drop constraint if exists details_is_valid,
  add constraint details_is_valid check (char_length(details) between 1 and 2000),
  drop constraint if exists extended_has_reason,
  add constraint extended_has_reason check ((extended_at is null) = (extension_reason is null)),
  drop constraint if exists extension_reason_is_valid,
  add constraint extension_reason_is_valid check (char_length(extension_reason) between 1 and 500),
  drop constraint if exists refusal_reason_is_valid,
  add constraint refusal_reason_is_valid check (char_length(refusal_reason) between 1 and 500);
drop function if exists gdpr.open_subject_request(uuid, text);

-- gdpr: restriction
alter table core.users add column if not exists processing_restricted_until timestamptz;
create table if not exists gdpr.restrictions (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  origin text not null,
  reason text,
  restricted_at timestamptz not null default core.now(),
  lifted_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint origin_is_valid check (origin in ('account', 'operator')),
  constraint reason_is_valid check (char_length(reason) between 1 and 500),
  constraint lifted_at_is_after_restricted_at check (lifted_at >= restricted_at)
);
create index if not exists restrictions_user_id_idx on gdpr.restrictions (user_id);
create unique index if not exists restrictions_open_idx on gdpr.restrictions (user_id) where lifted_at is null;

-- gdpr: consents
alter table core.notification_kinds add column if not exists consent_purpose text;
drop function if exists core.declare_notification_kind(text, text, text[], boolean);
create table if not exists gdpr.consent_purposes (
  name text not null,
  version integer not null,
  texts jsonb not null,
  is_required boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (name, version),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint version_is_valid check (version between 1 and 10000),
  constraint texts_is_valid
    check (jsonb_typeof(texts) = 'object' and texts ? 'en' and pg_column_size(texts) <= 16384)
);
create table if not exists gdpr.consents (
  -- Two words within one instant have an order too.
  id bigint not null generated always as identity,
  user_id uuid not null references core.users (id) on delete cascade,
  purpose text not null,
  version integer not null,
  action text not null,
  recorded_at timestamptz not null default core.now(),
  session_id uuid,
  request_id text not null,
  primary key (user_id, id),
  foreign key (purpose, version) references gdpr.consent_purposes (name, version) on delete restrict,
  constraint action_is_valid check (action in ('given', 'withdrawn')),
  constraint request_id_is_valid check (char_length(request_id) between 1 and 100)
);
create index if not exists consents_user_id_purpose_idx on gdpr.consents (user_id, purpose, id desc);
create index if not exists consents_purpose_version_idx on gdpr.consents (purpose, version);

-- gdpr: breaches
create table if not exists gdpr.breaches (
  id uuid primary key default core.new_id(),
  facts text not null,
  effects text,
  measures text,
  leak jsonb not null,
  noticed_at timestamptz not null,
  due_at timestamptz not null,
  exposed_from timestamptz,
  exposed_until timestamptz,
  person_count integer not null,
  reported_at timestamptz,
  delay_reason text,
  no_report_reason text,
  closed_at timestamptz,
  created_at timestamptz not null default core.now(),
  updated_at timestamptz not null default now(),
  constraint facts_is_valid check (char_length(facts) between 1 and 10000),
  constraint effects_is_valid check (char_length(effects) between 1 and 10000),
  constraint measures_is_valid check (char_length(measures) between 1 and 10000),
  constraint leak_is_valid check (jsonb_typeof(leak) = 'object'),
  constraint person_count_is_valid check (person_count >= 0),
  constraint exposed_until_is_after_exposed_from check (exposed_until >= exposed_from),
  constraint delay_reason_is_valid check (char_length(delay_reason) between 1 and 2000),
  constraint no_report_reason_is_valid check (char_length(no_report_reason) between 1 and 2000),
  constraint late_has_delay_reason check (reported_at is null or reported_at <= due_at or delay_reason is not null),
  constraint closed_is_answered check (
    closed_at is null
    or effects is not null and measures is not null and (reported_at is not null or no_report_reason is not null)
  )
);
create index if not exists breaches_due_at_idx on gdpr.breaches (due_at)
  where reported_at is null and closed_at is null;
create table if not exists gdpr.breach_people (
  breach_id uuid not null references gdpr.breaches (id) on delete restrict,
  user_id uuid not null references core.users (id) on delete cascade,
  columns jsonb not null,
  primary key (breach_id, user_id),
  constraint columns_is_valid check (jsonb_typeof(columns) = 'object')
);
create index if not exists breach_people_user_id_idx on gdpr.breach_people (user_id);
-- gdpr: proof
create table if not exists gdpr.erasure_ledger (
  id uuid primary key default core.new_id(),
  user_id uuid not null,
  erased_at timestamptz not null default core.now(),
  state text not null default 'erased',
  copied_at timestamptz,
  verified_at timestamptz,
  proof jsonb,
  signature text,
  signing_key text,
  -- No foreign key: the ledger also knows accounts that a restored backup does not.
  constraint erasure_ledger_user_id_key unique (user_id),
  constraint state_is_valid check (state in ('erased', 'verified', 'failed')),
  constraint signature_names_its_key check ((signature is null) = (signing_key is null))
);
create index if not exists erasure_ledger_open_idx on gdpr.erasure_ledger (erased_at) where state <> 'verified' or copied_at is null;
-- Unlogged: what is searched for is in no WAL, no base backup and on no replica.
create unlogged table if not exists private.erasure_words (
  erasure_id uuid not null references gdpr.erasure_ledger (id) on delete cascade,
  word text not null,
  origin text not null,
  is_identity boolean not null,
  constraint erasure_words_pkey primary key (erasure_id, word)
);
-- ops/backups: what the instance knows of its backups
create table if not exists ops.backups (
  name text not null constraint backups_pkey primary key constraint name_is_short check (length(name) between 1 and 200),
  kind text not null constraint kind_is_valid check (kind in ('base', 'external')),
  created_at timestamptz not null,
  size_bytes bigint constraint size_bytes_is_not_negative check (size_bytes >= 0),
  verified_at timestamptz,
  problem text,
  removed_at timestamptz
);
comment on table ops.backups is $$Backups of this instance, those that are gone included.$$;
comment on column ops.backups.name is $$Folder or file.$$;
comment on column ops.backups.kind is $$base: made by npm run backup:create; external: by another program.$$;
comment on column ops.backups.created_at is $$When it was begun.$$;
comment on column ops.backups.size_bytes is $$Bytes of its files.$$;
comment on column ops.backups.verified_at is $$When a restore of it was last tried.$$;
comment on column ops.backups.problem is $$What is wrong with it; null: nothing is known.$$;
comment on column ops.backups.removed_at is $$When it was found to be gone.$$;

--!include index.sql

-- Default partitions, and months for what lies in them.
select ops.create_monthly_partitions();
  'recovery_code_used', 'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked', 'alert'
));
alter table core.mails drop constraint if exists content_comes_with_alert;
alter table core.mails add constraint content_comes_with_alert check ((content is not null) = (kind = 'alert'));

-- ops: samples of metrics
create table if not exists ops.metric_samples (metric text not null references ops.metrics (name) on delete cascade, labels jsonb not null default '{}', value numeric not null, sampled_at timestamptz not null default core.now(), primary key (metric, labels, sampled_at));

-- ops: what alerts were told to whom
create table if not exists ops.alert_deliveries (
  id uuid primary key default core.new_id(),
  alert_id uuid not null references ops.alerts (id) on delete cascade,
  channel text not null,
  event text not null,
  severity text not null,
  content jsonb not null,
  state text not null default 'waiting',
  attempt_count integer not null default 0,
  next_attempt_at timestamptz not null default core.now(),
  last_error text,
  mail_id uuid,
  created_at timestamptz not null default core.now(),
  finished_at timestamptz,
  constraint channel_is_valid check (channel in ('webhook', 'mail')),
  constraint event_is_valid check (event in ('opened', 'changed', 'resolved')),
  constraint severity_is_valid check (severity in ('warn', 'critical')),
  constraint state_is_valid check (state in ('waiting', 'sending', 'sent', 'queued', 'failed', 'skipped')),
  constraint last_error_is_valid check (char_length(last_error) <= 100),
  constraint finished_at_comes_with_final_state check (
    (finished_at is not null) = (state in ('sent', 'queued', 'failed', 'skipped'))
  )
);
create index if not exists alert_deliveries_alert_id_idx on ops.alert_deliveries (alert_id);
create index if not exists alert_deliveries_created_at_idx on ops.alert_deliveries (created_at);

-- ops: how full the disks are that a worker can see
create table if not exists ops.disk_usage (
  place text primary key,
  total_bytes numeric not null,
  free_bytes numeric not null,
  sampled_at timestamptz not null default core.now(),
  constraint place_is_valid check (place ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint free_bytes_is_valid check (free_bytes between 0 and total_bytes and total_bytes > 0)
);

--!include index.sql

-- ops: a threshold that this metric did not have; one that an operator set stays
update ops.metrics set warn_at = 1, critical_at = 10 where name = 'slow_queries' and warn_at is null and critical_at is null;

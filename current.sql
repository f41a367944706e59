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

alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'invitation', 'totp_enabled', 'totp_disabled',
  'recovery_code_used', 'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked', 'data_export_ready'
));

--!include index.sql

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
  number bigint not null generated always as identity,
  user_id uuid not null references core.users (id) on delete cascade,
  purpose text not null,
  version integer not null,
  action text not null,
  recorded_at timestamptz not null default core.now(),
  session_id uuid,
  request_id text not null,
  primary key (user_id, number),
  foreign key (purpose, version) references gdpr.consent_purposes (name, version) on delete restrict,
  constraint action_is_valid check (action in ('given', 'withdrawn')),
  constraint request_id_is_valid check (char_length(request_id) between 1 and 100)
);
create index if not exists consents_user_id_purpose_idx on gdpr.consents (user_id, purpose, number desc);
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

--!include index.sql

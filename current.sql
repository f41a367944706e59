--!include primitives.sql

-- Tenancy: organizations and their members.
create table if not exists core.organizations (
  id uuid primary key default core.new_id(),
  name text not null,
  slug text not null unique,
  settings jsonb not null default '{}',
  branding jsonb not null default '{}',
  created_by uuid references core.users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^\S(.*\S)?$' and name !~ '[[:cntrl:]]' and char_length(name) between 1 and 120),
  constraint slug_is_valid check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) between 3 and 63),
  constraint settings_is_valid check (jsonb_typeof(settings) = 'object' and octet_length(settings::text) <= 16384),
  constraint branding_is_valid check (core.matches_json_schema(branding, core.branding_schema()))
);
create index if not exists organizations_created_by_idx on core.organizations (created_by);

create table if not exists core.organization_members (
  organization_id uuid not null references core.organizations on delete cascade,
  user_id uuid not null references core.users on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id),
  constraint role_is_valid check (role in ('owner', 'admin', 'member', 'billing'))
);
create index if not exists organization_members_user_id_idx on core.organization_members (user_id);

-- Who was removed comes back by an invitation only, not by an address at a verified domain.
create table if not exists core.organization_exclusions (
  organization_id uuid not null references core.organizations on delete cascade,
  user_id uuid not null references core.users on delete cascade,
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index if not exists organization_exclusions_user_id_idx on core.organization_exclusions (user_id);

create table if not exists core.invitations (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  organization_name text not null,
  email text not null,
  email_key text not null generated always as (core.email_key(email)) stored,
  role text not null,
  state text not null default 'pending',
  token_hash bytea,
  invited_by uuid references core.users on delete set null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint organization_name_is_valid check (char_length(organization_name) between 1 and 120),
  constraint email_is_valid check (core.is_email(email)),
  constraint role_is_valid check (role in ('admin', 'member', 'billing')),
  constraint state_is_valid check (state in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
  constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  constraint token_hash_is_for_pending check (token_hash is null or state = 'pending')
);
-- One open invitation for an address in an organization.
create unique index if not exists invitations_organization_id_email_key_idx
  on core.invitations (organization_id, email_key) where state = 'pending';
create unique index if not exists invitations_token_hash_idx on core.invitations (token_hash);
create index if not exists invitations_organization_id_idx on core.invitations (organization_id);
create index if not exists invitations_email_key_idx on core.invitations (email_key);
create index if not exists invitations_invited_by_idx on core.invitations (invited_by);
create index if not exists invitations_expires_at_idx on core.invitations (expires_at);

create table if not exists core.organization_domains (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  domain text not null,
  token text not null,
  has_auto_join boolean not null default false,
  verified_at timestamptz,
  expires_at timestamptz not null,
  next_check_at timestamptz not null,
  last_checked_at timestamptz,
  failure_count integer not null default 0,
  last_problem text,
  created_by uuid references core.users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, domain),
  constraint domain_is_valid check (core.is_domain(domain)),
  constraint token_is_valid check (token ~ '^[A-Za-z0-9_-]{43}$'),
  constraint failure_count_is_valid check (failure_count >= 0),
  constraint last_problem_is_valid check (last_problem in ('record_missing', 'dns_failed', 'verified_elsewhere')),
  constraint auto_join_needs_proof check (not has_auto_join or verified_at is not null)
);
-- Anybody may claim a domain; one organization can have proven it.
create unique index if not exists organization_domains_domain_idx
  on core.organization_domains (domain) where verified_at is not null;
create index if not exists organization_domains_next_check_at_idx on core.organization_domains (next_check_at);
create index if not exists organization_domains_created_by_idx on core.organization_domains (created_by);

-- The mail of an invitation.
alter table core.mails add column if not exists invitation_id uuid references core.invitations on delete set null;
create index if not exists mails_invitation_id_idx on core.mails (invitation_id);
alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'invitation'
));
drop function if exists private.queue_mail(text, uuid, text, uuid, uuid);

-- Workspaces: teams and workspaces inside an organization. Each key carries the organization, so that no row can point
-- into another one; with their membership of it people lose everything inside.
create table if not exists core.teams (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  constraint name_is_valid check (name ~ '^\S(.*\S)?$' and name !~ '[[:cntrl:]]' and char_length(name) between 1 and 80)
);
create unique index if not exists teams_organization_id_name_idx on core.teams (organization_id, lower(name));

create table if not exists core.team_members (
  organization_id uuid not null,
  team_id uuid not null,
  -- Said twice: the key below carries the organization, this one tells audit and erasure whose the row is.
  user_id uuid not null references core.users on delete cascade,
  role text not null default 'member',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (team_id, user_id),
  foreign key (organization_id, team_id) references core.teams (organization_id, id) on delete cascade,
  foreign key (organization_id, user_id) references core.organization_members (organization_id, user_id)
    on delete cascade,
  constraint role_is_valid check (role in ('lead', 'member'))
);
create index if not exists team_members_organization_id_team_id_idx on core.team_members (organization_id, team_id);
create index if not exists team_members_user_id_organization_id_idx on core.team_members (user_id, organization_id);

create table if not exists core.workspaces (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  name text not null,
  slug text not null,
  settings jsonb not null default '{}',
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  unique (organization_id, slug),
  constraint name_is_valid check (name ~ '^\S(.*\S)?$' and name !~ '[[:cntrl:]]' and char_length(name) between 1 and 80),
  constraint slug_is_valid check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) between 3 and 63),
  constraint settings_is_valid check (jsonb_typeof(settings) = 'object' and octet_length(settings::text) <= 16384)
);

create table if not exists core.workspace_members (
  organization_id uuid not null,
  workspace_id uuid not null,
  -- Said twice: the key below carries the organization, this one tells audit and erasure whose the row is.
  user_id uuid not null references core.users on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, user_id),
  foreign key (organization_id, workspace_id) references core.workspaces (organization_id, id) on delete cascade,
  foreign key (organization_id, user_id) references core.organization_members (organization_id, user_id)
    on delete cascade,
  constraint role_is_valid check (role in ('owner', 'editor', 'viewer'))
);
create index if not exists workspace_members_organization_id_workspace_id_idx
  on core.workspace_members (organization_id, workspace_id);
create index if not exists workspace_members_user_id_organization_id_idx
  on core.workspace_members (user_id, organization_id);

-- Subscriptions: plans, who has which, and what the billing provider reports.
create table if not exists core.plans (
  key text primary key,
  name text not null,
  description text not null default '',
  audience text not null,
  limits jsonb not null default '{}',
  features jsonb not null default '{}',
  trial_days integer not null default 0,
  price_cents integer not null default 0,
  currency text not null default 'EUR',
  billing_interval text not null default 'month',
  is_public boolean not null default false,
  position integer not null default 0,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- What subscriptions point at: an account never has an organization's plan.
  constraint plans_key_audience_key unique (key, audience),
  constraint key_is_valid check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint name_is_valid check (char_length(name) between 1 and 80),
  constraint description_is_valid check (char_length(description) <= 500),
  constraint audience_is_valid check (audience in ('user', 'organization')),
  constraint limits_is_valid check (core.matches_json_schema(limits, core.plan_limits_schema())),
  constraint features_is_valid check (core.is_feature_set(features)),
  constraint trial_days_is_valid check (trial_days between 0 and 365),
  constraint price_cents_is_valid check (price_cents >= 0),
  constraint currency_is_valid check (currency ~ '^[A-Z]{3}$'),
  constraint billing_interval_is_valid check (billing_interval in ('month', 'year')),
  constraint archived_is_not_public check (archived_at is null or not is_public)
);
-- What is for sale, in its order.
create index if not exists plans_is_public_position_idx on core.plans (is_public, position);

create table if not exists core.plan_prices (
  provider text not null,
  provider_price_id text not null,
  plan text not null references core.plans on delete cascade,
  created_at timestamptz not null default now(),
  primary key (provider, provider_price_id),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint provider_price_id_is_valid check (char_length(provider_price_id) between 1 and 255)
);
create index if not exists plan_prices_plan_idx on core.plan_prices (plan);

create table if not exists core.subscriptions (
  id uuid primary key default core.new_id(),
  user_id uuid references core.users on delete cascade,
  organization_id uuid references core.organizations on delete cascade,
  audience text generated always as (case when user_id is null then 'organization' else 'user' end) stored,
  plan text not null,
  state text not null,
  is_comped boolean not null default false,
  is_surplus boolean not null default false,
  trial_ends_at timestamptz,
  current_period_start timestamptz,
  current_period_end timestamptz,
  cancel_at_period_end boolean not null default false,
  canceled_at timestamptz,
  past_due_at timestamptz,
  provider text,
  provider_customer_id text,
  provider_subscription_id text,
  provider_status text,
  provider_created_at timestamptz,
  provider_updated_at timestamptz,
  provider_order text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider, provider_subscription_id),
  constraint subscriptions_plan_fkey foreign key (plan, audience) references core.plans (key, audience)
    on delete restrict,
  constraint subject_is_one check (num_nonnulls(user_id, organization_id) = 1),
  constraint state_is_valid check (state in ('trialing', 'active', 'past_due', 'canceled')),
  constraint canceled_at_comes_with_state check ((canceled_at is not null) = (state = 'canceled')),
  constraint past_due_at_comes_with_state check ((past_due_at is not null) = (state = 'past_due')),
  constraint trial_has_an_end check (state <> 'trialing' or provider is not null or trial_ends_at is not null),
  constraint is_surplus_only_while_it_lives check (state <> 'canceled' or not is_surplus),
  constraint is_comped_without_provider check (not is_comped or provider is null),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint provider_is_whole check (
    num_nonnulls(provider, provider_customer_id, provider_subscription_id, provider_status, provider_updated_at,
      provider_order) in (0, 6)
  )
);
-- One that counts for each account and each organization, whoever writes.
create unique index if not exists subscriptions_user_id_idx on core.subscriptions (user_id)
  where state <> 'canceled' and not is_surplus;
create unique index if not exists subscriptions_organization_id_idx on core.subscriptions (organization_id)
  where state <> 'canceled' and not is_surplus;
-- One trial of our own in a life.
create unique index if not exists subscriptions_user_trial_idx on core.subscriptions (user_id)
  where provider is null and not is_comped;
create unique index if not exists subscriptions_organization_trial_idx on core.subscriptions (organization_id)
  where provider is null and not is_comped;
create index if not exists subscriptions_user_id_created_at_idx on core.subscriptions (user_id, created_at);
create index if not exists subscriptions_organization_id_created_at_idx
  on core.subscriptions (organization_id, created_at);
create index if not exists subscriptions_plan_audience_idx on core.subscriptions (plan, audience);
create index if not exists subscriptions_provider_customer_id_idx on core.subscriptions (provider_customer_id);
-- What expires by the clock.
create index if not exists subscriptions_trial_ends_at_idx on core.subscriptions (trial_ends_at)
  where state = 'trialing' and provider is null;

create table if not exists core.billing_customers (
  provider text not null,
  provider_customer_id text not null,
  user_id uuid references core.users on delete cascade,
  organization_id uuid references core.organizations on delete cascade,
  linked_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, provider_customer_id),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint subject_is_one check (num_nonnulls(user_id, organization_id) = 1)
);
create index if not exists billing_customers_user_id_idx on core.billing_customers (user_id);
create index if not exists billing_customers_organization_id_idx on core.billing_customers (organization_id);

create table if not exists core.billing_events (
  provider text not null,
  provider_event_id text not null,
  kind text not null,
  occurred_at timestamptz not null,
  facts jsonb not null,
  customer_id text generated always as (facts ->> 'customer_id') stored,
  subscription_id text generated always as (facts ->> 'subscription_id') stored,
  user_id uuid references core.users on delete set null,
  organization_id uuid references core.organizations on delete set null,
  outcome text not null,
  error text,
  attempt_count integer not null default 0,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  primary key (provider, provider_event_id),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint outcome_is_valid check (
    outcome in ('received', 'processed', 'superseded', 'ignored', 'unmatched', 'failed')
  ),
  constraint error_is_valid check (char_length(error) <= 500)
);
create index if not exists billing_events_customer_id_idx on core.billing_events (customer_id);
create index if not exists billing_events_subscription_id_idx on core.billing_events (subscription_id);
create index if not exists billing_events_user_id_idx on core.billing_events (user_id);
create index if not exists billing_events_organization_id_idx on core.billing_events (organization_id);
create index if not exists billing_events_received_at_idx on core.billing_events (received_at);
-- What is tried again.
create index if not exists billing_events_failed_idx on core.billing_events (occurred_at) where outcome = 'failed';

--!include index.sql

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
  constraint billing_interval_is_valid check (billing_interval in ('month', 'year'))
);

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

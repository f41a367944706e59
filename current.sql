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
-- notifications: registered devices, the outbox of messages, one delivery a device, and what people want to get when.
create table if not exists core.notification_kinds (
  name text primary key,
  description text not null,
  default_channels text[] not null,
  is_urgent boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint description_is_valid check (char_length(description) between 1 and 200),
  constraint default_channels_is_valid check (default_channels <@ array['inbox', 'push'])
);

create table if not exists core.notification_preferences (
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null references core.notification_kinds (name) on delete cascade,
  channels text[] not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, kind),
  constraint channels_is_valid check (channels <@ array['inbox', 'push'] and cardinality(channels) <= 2)
);
create index if not exists notification_preferences_kind_idx on core.notification_preferences (kind);

create table if not exists core.quiet_hours (
  user_id uuid primary key references core.users (id) on delete cascade,
  starts_at text not null,
  ends_at text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint starts_at_is_valid check (starts_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  constraint ends_at_is_valid check (ends_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  constraint ends_at_is_not_starts_at check (ends_at <> starts_at)
);

create table if not exists core.notification_tokens (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  session_id uuid,
  platform text not null,
  -- Web: the endpoint of the PushSubscription, and beside it the two keys that its messages are encrypted for.
  token text not null,
  token_hash bytea not null generated always as (extensions.digest(platform || ':' || token, 'sha256')) stored,
  web_p256dh bytea,
  web_auth bytea,
  device_name text,
  app_version text,
  locale text,
  disabled_reason text,
  disabled_at timestamptz,
  last_seen_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notification_tokens_token_hash_key unique (token_hash),
  constraint notification_tokens_id_user_id_key unique (id, user_id),
  constraint notification_tokens_session_id_fkey foreign key (session_id, user_id)
    references core.sessions (id, user_id) on delete cascade,
  constraint platform_is_valid check (platform in ('ios', 'android', 'web')),
  constraint token_is_valid check (case platform
    when 'ios' then token ~ '^[0-9a-f]{64,200}$'
    when 'android' then token ~ '^[A-Za-z0-9_:.-]+$' and char_length(token) between 20 and 1000
    else token ~ '^https://[a-z0-9.-]+(:[0-9]{1,5})?/[!-~]*$' and char_length(token) <= 2000
  end),
  constraint web_keys_come_with_web check (
    (web_p256dh is not null) = (platform = 'web') and (web_auth is not null) = (platform = 'web')
  ),
  -- An uncompressed point of P-256, and 16 random bytes. Source: RFC 8291 sections 2 and 3.
  constraint web_p256dh_is_valid check (octet_length(web_p256dh) = 65 and get_byte(web_p256dh, 0) = 4),
  constraint web_auth_is_valid check (octet_length(web_auth) = 16),
  constraint device_name_is_valid check (char_length(device_name) between 1 and 120),
  constraint app_version_is_valid check (char_length(app_version) between 1 and 40),
  constraint locale_is_valid check (locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
  constraint disabled_reason_is_valid check (disabled_reason in ('gone', 'invalid', 'session_ended', 'stale')),
  constraint disabled_reason_comes_with_disabled_at check ((disabled_reason is null) = (disabled_at is null))
);
create index if not exists notification_tokens_user_id_idx on core.notification_tokens (user_id);
create index if not exists notification_tokens_session_id_user_id_idx on core.notification_tokens (session_id, user_id);

create table if not exists core.notifications (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null references core.notification_kinds (name) on delete restrict,
  title text not null,
  body text not null default '',
  data jsonb not null default '{}',
  -- What the person had switched on for this kind when it was made.
  channels text[] not null,
  dedupe_key text,
  collapse_key text,
  not_before timestamptz not null default now(),
  expires_at timestamptz not null,
  read_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notifications_user_id_dedupe_key_key unique (user_id, dedupe_key),
  constraint notifications_id_user_id_key unique (id, user_id),
  constraint title_is_valid check (char_length(title) between 1 and 200 and title !~ '[[:cntrl:]]'),
  constraint body_is_valid check (char_length(body) <= 1000),
  constraint data_is_object check (jsonb_typeof(data) = 'object'),
  -- As JSON; the push services take 4,096 bytes with everything that comes around it.
  constraint message_is_small check (
    octet_length(to_jsonb(title)::text) + octet_length(to_jsonb(body)::text) + octet_length(data::text) <= 3000
  ),
  constraint channels_is_valid check (channels <@ array['inbox', 'push']),
  constraint dedupe_key_is_valid check (char_length(dedupe_key) between 1 and 200),
  constraint collapse_key_is_valid check (collapse_key ~ '^[A-Za-z0-9_-]{1,32}$'),
  constraint expires_at_is_after_not_before check (expires_at > not_before)
);
create index if not exists notifications_user_id_created_at_idx on core.notifications (user_id, created_at);
create index if not exists notifications_kind_idx on core.notifications (kind);
create index if not exists notifications_created_at_idx on core.notifications (created_at);

create table if not exists core.notification_deliveries (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  notification_id uuid not null,
  token_id uuid not null,
  state text not null default 'waiting',
  attempt_count integer not null default 0,
  last_error text,
  next_attempt_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notification_deliveries_notification_id_token_id_key unique (notification_id, token_id),
  constraint notification_deliveries_notification_id_fkey foreign key (notification_id, user_id)
    references core.notifications (id, user_id) on delete cascade,
  constraint notification_deliveries_token_id_fkey foreign key (token_id, user_id)
    references core.notification_tokens (id, user_id) on delete cascade,
  constraint state_is_valid check (
    state in ('waiting', 'sending', 'sent', 'failed', 'unknown', 'skipped', 'expired')
  ),
  constraint last_error_is_valid check (char_length(last_error) <= 500),
  constraint finished_at_comes_with_final_state check (
    (finished_at is not null) = (state in ('sent', 'failed', 'unknown', 'skipped', 'expired'))
  )
);
create index if not exists notification_deliveries_notification_id_user_id_idx
  on core.notification_deliveries (notification_id, user_id);
create index if not exists notification_deliveries_token_id_user_id_idx
  on core.notification_deliveries (token_id, user_id);
create index if not exists notification_deliveries_user_id_idx on core.notification_deliveries (user_id);
-- The sweep looks for what a dead worker left behind.
create index if not exists notification_deliveries_sending_idx
  on core.notification_deliveries (started_at) where state = 'sending';
-- Accounts: the second factor, outside identities, the help desk, common passwords.

-- It takes the address too.
drop function if exists private.require_password(text);

alter table core.users drop constraint if exists role_is_valid;
alter table core.users add constraint role_is_valid check (role in ('user', 'support', 'admin'));

-- In small letters; seeds/reference/core.sql fills it.
create table if not exists private.common_passwords (password text primary key);

alter table core.sessions drop constraint if exists revoked_reason_is_valid;
alter table core.sessions add constraint revoked_reason_is_valid check (revoked_reason in (
  'signed_out', 'signed_out_everywhere', 'ended_by_user', 'refresh_token_reused', 'password_changed', 'password_reset',
  'suspended', 'role_changed', 'ended_by_admin', 'erased', 'second_factor_changed',
  'identity_unlinked'
));
alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'totp_enabled', 'totp_disabled', 'recovery_code_used',
  'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked'
));

-- The secret is kept as it is: the database has to compute codes with it, so a key to it would lie beside it.
create table if not exists private.totp_factors (
  user_id uuid primary key references core.users on delete cascade,
  secret bytea not null constraint secret_is_valid check (octet_length(secret) = 20),
  -- The half minute of the newest code that was taken: neither it nor an earlier one counts again.
  last_step bigint,
  confirmed_at timestamptz,
  created_at timestamptz not null default now()
);

create table if not exists private.recovery_codes (
  user_id uuid not null references core.users on delete cascade,
  code_hash bytea not null constraint code_hash_is_valid check (octet_length(code_hash) = 32),
  created_at timestamptz not null default now(),
  primary key (user_id, code_hash)
);

create table if not exists private.sign_in_challenges (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users on delete cascade,
  secret_hash bytea not null constraint secret_hash_is_valid check (octet_length(secret_hash) = 32),
  -- Where the password's attempt is counted; given back when the second factor is right.
  attempt_bucket bytea not null,
  attempt_count integer not null default 0,
  device_fingerprint text
    constraint device_fingerprint_is_valid check (char_length(device_fingerprint) between 8 and 200),
  device_name text constraint device_name_is_valid check (char_length(device_name) between 1 and 120),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint expires_at_is_after_created_at check (expires_at > created_at)
);
create index if not exists sign_in_challenges_user_id_idx on private.sign_in_challenges (user_id);
create index if not exists sign_in_challenges_expires_at_idx on private.sign_in_challenges (expires_at);

create table if not exists core.identity_issuers (
  -- As its tokens write iss, to the letter.
  issuer text primary key constraint issuer_is_valid check (char_length(issuer) between 1 and 500),
  audiences text[] not null constraint audiences_is_valid check (cardinality(audiences) between 1 and 20),
  -- Keys over plain http could be anybody's; loopback is for tests.
  jwks_url text not null constraint jwks_url_is_valid check (
    jwks_url ~ '^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?)/\S*$'
    and octet_length(jwks_url) <= 2000
  ),
  is_email_trusted boolean not null default true,
  is_active boolean not null default true,
  next_fetch_at timestamptz not null default now(),
  attempted_at timestamptz,
  fetched_at timestamptz,
  last_error text constraint last_error_is_valid check (char_length(last_error) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists core.identity_keys (
  issuer text not null references core.identity_issuers on delete cascade,
  kid text not null constraint kid_is_valid check (char_length(kid) between 1 and 200),
  algorithm text not null constraint algorithm_is_valid check (algorithm in ('RS256')),
  modulus bytea not null constraint modulus_is_valid check (octet_length(modulus) between 256 and 512),
  created_at timestamptz not null default now(),
  primary key (issuer, kid)
);

create table if not exists core.identities (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users on delete cascade,
  issuer text not null references core.identity_issuers on delete restrict,
  subject text not null constraint subject_is_valid check (char_length(subject) between 1 and 255),
  -- What the issuer said when it was linked; nothing is ever found or mailed by it.
  email text constraint email_is_valid check (core.is_email(email)),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  unique (issuer, subject)
);
create index if not exists identities_user_id_idx on core.identities (user_id);

create table if not exists private.used_identity_tokens (
  token_hash bytea primary key constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  used_at timestamptz not null
);
create index if not exists used_identity_tokens_used_at_idx on private.used_identity_tokens (used_at);

-- core/audit: verification from a seal, dropped months, noted restores
drop function if exists ops.verify_audit(jsonb);
-- roles
-- ops: monitoring
create table if not exists ops.metrics (
  name text primary key,
  area text not null,
  unit text not null,
  source_schema name not null,
  source_function name not null,
  summary text not null,
  warn_at numeric,
  critical_at numeric,
  is_low_bad boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{2,62}$'),
  constraint area_is_valid check (area in ('database', 'performance', 'product')),
  constraint unit_is_valid check (unit in ('ratio', 'seconds', 'days', 'milliseconds', 'bytes', 'count')),
  constraint summary_is_valid check (char_length(summary) between 1 and 200)
);

create table if not exists ops.alerts (
  id uuid primary key default core.new_id(),
  metric text not null references ops.metrics (name) on delete cascade,
  labels jsonb not null default '{}',
  severity text not null,
  value numeric not null,
  opened_at timestamptz not null default core.now(),
  evaluated_at timestamptz not null default core.now(),
  resolved_at timestamptz,
  constraint severity_is_valid check (severity in ('warn', 'critical'))
);
-- Open once: a second one for the same thing would tell nothing new.
create unique index if not exists alerts_metric_labels_idx on ops.alerts (metric, labels) where resolved_at is null;
create index if not exists alerts_metric_idx on ops.alerts (metric);

create table if not exists ops.scheduled_tasks (
  task text primary key,
  period_seconds integer not null,
  declared_at timestamptz not null default core.now(),
  constraint task_is_valid check (char_length(task) between 1 and 100),
  constraint period_seconds_is_valid check (period_seconds > 0)
);

create table if not exists ops.task_runs (
  id bigint primary key generated always as identity,
  task text not null,
  job_id bigint not null,
  started_at timestamptz not null default core.now(),
  finished_at timestamptz,
  error text,
  constraint task_is_valid check (char_length(task) between 1 and 100),
  constraint error_is_valid check (char_length(error) <= 200)
);
create index if not exists task_runs_task_started_at_idx on ops.task_runs (task, started_at);
create index if not exists task_runs_started_at_idx on ops.task_runs (started_at);

-- gdpr: what a column becomes when its person is erased
alter table gdpr.column_policies add column if not exists erased_with text;

--!include index.sql

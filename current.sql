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

--!include index.sql

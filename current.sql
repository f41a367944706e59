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

--!include index.sql

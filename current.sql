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

--!include index.sql

-- Two accounts to play with. For machines where nobody else can reach the API: their password is public.
with people (email, display_name, timezone, locale) as (
  values
    ('ada@example.com', 'Ada', 'Europe/Berlin', 'en'),
    ('bob@example.com', 'Bob', 'America/New_York', 'en')
), created as (
  insert into core.users (email, email_verified_at, display_name, timezone, locale, has_onboarded)
  select p.email, core.now(), p.display_name, p.timezone, p.locale, true
  from people as p
  on conflict on constraint users_email_key_key do nothing
  returning id
)
insert into private.passwords (user_id, password_hash)
select c.id, private.hash_password('correct horse battery') from created as c;

-- An organization of the two, with a team and a workspace. Once made it is theirs to change.
with people as (
  select
    (select u.id from core.users as u where u.email_key = core.email_key('ada@example.com')) as ada,
    (select u.id from core.users as u where u.email_key = core.email_key('bob@example.com')) as bob
), organization as (
  insert into core.organizations (name, slug, created_by)
  select 'Difference Engines', 'difference-engines', p.ada from people as p
  where p.ada is not null and p.bob is not null
  on conflict on constraint organizations_slug_key do nothing
  returning id
), members as (
  insert into core.organization_members (organization_id, user_id, role)
  select o.id, m.user_id, m.role
  from organization as o, people as p, lateral (values (p.ada, 'owner'), (p.bob, 'member')) as m (user_id, role)
), team as (
  insert into core.teams (organization_id, name) select o.id, 'Gears' from organization as o
  returning organization_id, id
), team_members as (
  insert into core.team_members (organization_id, team_id, user_id, role)
  select t.organization_id, t.id, m.user_id, m.role
  from team as t, people as p, lateral (values (p.ada, 'lead'), (p.bob, 'member')) as m (user_id, role)
), workspace as (
  insert into core.workspaces (organization_id, name, slug) select o.id, 'Workshop', 'workshop' from organization as o
  returning organization_id, id
)
insert into core.workspace_members (organization_id, workspace_id, user_id, role)
select w.organization_id, w.id, m.user_id, m.role
from workspace as w, people as p, lateral (values (p.ada, 'owner'), (p.bob, 'editor')) as m (user_id, role);

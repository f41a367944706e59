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

-- One organization, with Ada as its owner and Bob in it, a team and a workspace. Once made it is theirs to change.
with people as (
  select u.id, u.email_key = core.email_key('ada@example.com') as is_ada
  from core.users as u
  where u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com'))
), made as (
  insert into core.organizations (name, slug, branding, created_by)
  select
    'Lantern Works', 'lantern-works', '{"primary_color": "#1f4d3a", "tagline": "Light for small places."}', p.id
  from people as p
  where p.is_ada
  on conflict on constraint organizations_slug_key do nothing
  returning id
), members as (
  insert into core.organization_members (organization_id, user_id, role)
  select m.id, p.id, case when p.is_ada then 'owner' else 'member' end from made as m, people as p
), team as (
  insert into core.teams (organization_id, name) select m.id, 'Glass' from made as m returning organization_id, id
), team_members as (
  insert into core.team_members (organization_id, team_id, user_id, role)
  select t.organization_id, t.id, p.id, case when p.is_ada then 'lead' else 'member' end from team as t, people as p
), workspace as (
  insert into core.workspaces (organization_id, name, slug) select m.id, 'Workshop', 'workshop' from made as m
  returning organization_id, id
)
insert into core.workspace_members (organization_id, workspace_id, user_id, role)
select w.organization_id, w.id, p.id, case when p.is_ada then 'owner' else 'editor' end from workspace as w, people as p;

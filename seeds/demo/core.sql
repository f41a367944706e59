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

-- One organization, with Ada as its owner and Bob in it.
with made as (
  insert into core.organizations (name, slug, branding, created_by)
  select
    'Lantern Works', 'lantern-works', '{"primary_color": "#1f4d3a", "tagline": "Light for small places."}', u.id
  from core.users as u
  where u.email_key = core.email_key('ada@example.com')
  on conflict on constraint organizations_slug_key do nothing
  returning id
)
insert into core.organization_members (organization_id, user_id, role)
select m.id, u.id, case when u.email_key = core.email_key('ada@example.com') then 'owner' else 'member' end
from made as m
join core.users as u on u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com'));

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

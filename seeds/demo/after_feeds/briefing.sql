-- Ada follows two of the demo sources, and both accounts find today's briefing ready.
insert into briefing.followed_sources (user_id, source_id)
select u.id, s.id
from core.users as u
join briefing.content_sources as s on s.kind = 'file' and s.url in ('file:perigee-notes.atom', 'file:laternenblatt.xml')
where u.email_key = core.email_key('ada@example.com')
on conflict on constraint followed_sources_pkey do nothing;

select briefing.generate_for_user(u.id, (core.now() at time zone u.timezone)::date)
from core.users as u
where u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com')) and u.status = 'active';

-- Removes the demo accounts, those of seeds/perf and the organizations that only they own; all that is theirs goes too.
with gone as (
  select u.id
  from core.users as u
  where u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com'))
    or u.email like 'perf-%@perf.example.com'
)
delete from core.organizations as o
where (
  select bool_and(m.user_id in (select g.id from gone as g))
  from core.organization_members as m
  where m.organization_id = o.id and m.role = 'owner'
);

delete from core.users as u
where u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com'))
  or u.email like 'perf-%@perf.example.com';

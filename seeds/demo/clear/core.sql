-- Removes the demo accounts, their organization, and those of seeds/perf; all that is theirs goes with them.
-- The organization goes first: it would not let its only owner go.
delete from core.organizations as o where o.slug = 'lantern-works';
delete from core.users as u
where u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com'))
  or u.email like 'perf-%@perf.example.com';

-- Removes the demo accounts and those of seeds/perf; all that is theirs goes with them.
delete from core.users as u
where u.email_key in (core.email_key('ada@example.com'), core.email_key('bob@example.com'))
  or u.email like 'perf-%@perf.example.com';

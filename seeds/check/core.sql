-- Plans are there, and nobody pays twice without noticing.
select 'default plans that do not exist' as what, '0' as expected, count(*)::text as found, count(*) = 0 as is_ok
from unnest(array['default_user_plan', 'default_organization_plan']) as d (name)
where not exists (select from core.plans as p where p.key = core.setting(d.name) #>> '{}')
union all
select 'events of the billing provider that failed', '0', count(*)::text, count(*) = 0
from core.billing_events as e where e.outcome = 'failed'
union all
select 'subscriptions billed although another one counts', '0', count(*)::text, count(*) = 0
from core.subscriptions as s where s.is_surplus and s.provider is not null;

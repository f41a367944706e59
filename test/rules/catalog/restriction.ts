/** The rule about restricted processing: whatever the worker starts asks before it works with people's data. */
import { OUR_FUNCTION } from './ours.ts'
import { sqlRule } from './rule.ts'

/** Nothing is made of the data; they only become less. */
const TAKES_AWAY = 'takes away what has had its time, and makes nothing of it'
const ORGANIZATION = 'about a domain of an organization; who entered it is not looked at'
const LOG = 'about the log as a whole, whose integrity is everybody’s'

export const asksBeforeWork = sqlRule({
  name: 'G-15 restriction',
  says: 'function of the worker that reaches people’s rows, itself or through others, asks core.processing_allowed()',
  query: `with recursive ours as materialized (
      select p.oid, p.oid::regprocedure::text as object, n.nspname || '.' || p.proname as name,
        lower(p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')) as source
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION}
        -- Texts for people, which name tables.
        and p.proname <> 'error_catalogue'
    ), people as materialized (
      select distinct format('%s.%s', schema_name, table_name) as name from gdpr.column_policies where subject is not null
    ), calls as materialized (
      select distinct o.oid as caller, c.oid as callee
      from ours o cross join lateral regexp_matches(o.source, '([a-z_]+\\.[a-z_0-9]+)\\(', 'g') m (found)
      join ours c on c.name = m.found[1] and c.oid <> o.oid
    ), reaches as (
      select o.oid from ours o join people t on o.source ~ ('(from|join|update|into)\\s+' || replace(t.name, '.', '\\.') || '\\M')
      union
      select c.caller from calls c join reaches r on r.oid = c.callee
    ), asks as (
      select o.oid from ours o where o.name = 'core.processing_allowed'
      union
      select c.caller from calls c join asks a on a.oid = c.callee
    )
    select o.object, case when o.oid not in (select oid from asks)
      then 'works with people and asks for none whether it may: core.processing_allowed(user_id)' end as problem
    from ours o
    where has_function_privilege('howdah_worker', o.oid, 'execute') and o.oid in (select oid from reaches)
      -- What people are owed by law about their data is not what a restriction stops (Article 18(2)).
      and o.name not like 'gdpr.%'`,
  exceptions: {
    'briefing.generate_for_user(uuid,date,text,boolean)':
      'one person’s, asked for by themselves; generate_due_briefings() asks for those who are due',
    'core.claim_due_domains(integer)': ORGANIZATION,
    'core.domain_to_check(uuid)': ORGANIZATION,
    'core.record_domain_check(uuid,text[])': ORGANIZATION,
    'core.clean_up_notifications()': TAKES_AWAY,
    'ops.drop_old_partitions(text,integer)': TAKES_AWAY,
    'ops.evaluate_alerts()': 'tells operators about the system; people’s rows are only counted',
    'core.finish_delivery(uuid,text,text,integer)': 'notes what became of what begin_delivery() let pass',
    'core.finish_mail(uuid,text,text)': 'notes what became of what begin_mail() let pass',
    'core.retry_billing_events()': 'notes what the provider says was paid; the contract goes on',
    'core.find_copied_seal(bigint,text)': LOG,
    'core.note_server_start()': LOG,
    'core.seal_audit()': LOG,
  },
  defects: {
    'a job that forgot': `create function core.seed() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
        as 'select count(*) from core.users';
      grant execute on function core.seed() to howdah_worker`,
    'a job that leaves it to another': `create function core.seeded() returns bigint language sql set search_path = pg_catalog, pg_temp
        as 'select count(*) from core.notifications as n';
      create function core.seed() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
        as 'select core.seeded()';
      grant execute on function core.seed() to howdah_worker`,
    'a job that lost its question': `create or replace function core.processing_allowed(user_id uuid) returns boolean language sql stable
        return true;
      create or replace function core.may_notify(user_id uuid, kind text) returns boolean language sql stable return true`,
  },
})

/** All of them. */
export const restrictionRules = [asksBeforeWork]

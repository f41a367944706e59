/** Somebody of whom every table that an export reads holds something, in every column where that is possible. */
import type { PoolClient } from 'pg'
import type { TestDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'

/** Adds what the cast of the attacks does not have: it has it as organizations only. */
export async function completePerson(db: TestDatabase, { id }: Person): Promise<void> {
  await db.owner.query('update core.users set email_verified_at = now() where id = $1', [id])
  await db.owner.query(
    `with plan as (
         insert into core.plans (key, name, audience) values ('export', 'Export', 'user') returning key),
       customer as (
         insert into core.billing_customers (provider, provider_customer_id, user_id, linked_by)
         values ('stripe', 'cus_canary-member-a', $1, 'metadata')),
       event as (
         insert into core.billing_events (provider, provider_event_id, kind, occurred_at, facts, user_id, outcome)
         values ('stripe', 'evt_canary-member-a', 'invoice.paid', now(), '{"customer_id": "cus_canary-member-a", "subscription_id": "sub_canary-member-a"}', $1, 'processed')),
       invited as (
         insert into core.invitations (organization_id, organization_name, email, role, invited_by, expires_at)
         select o.id, 'Acme', u.email, 'member', $1, now()
         from core.organizations as o, core.users as u where u.id = $1 limit 1)
     insert into core.subscriptions (user_id, plan, state) select $1, key, 'active' from plan`,
    [id],
  )
}

/** A value for a column that is empty, by its type. Texts carry the person's own word. */
const VALUES: Readonly<Record<string, (word: string) => string>> = {
  text: (word) => `'${word}'`,
  'text[]': (word) => `array['${word}']`,
  uuid: () => 'gen_random_uuid()',
  boolean: () => 'true',
  integer: () => '7',
  bigint: () => '7',
  numeric: () => '7.5',
  'double precision': () => '7.5',
  jsonb: (word) => `'{"word": "${word}"}'`,
  inet: () => `'192.0.2.7'`,
  date: () => `'2026-02-03'`,
  bytea: () => `'\\x0102'`,
  'timestamp with time zone': () => `'2026-02-03T04:05:06Z'`,
  'time without time zone': () => `'04:05:06'`,
}

type EmptyColumn = { relation: string; name: string; type: string; filter: string }

/**
 * Fills every exported column that is empty in all of the person's rows. What the rules of a row say stands aside for it:
 * a value that no rule allows today is one that an export must carry all the same. Answers with what stays empty.
 */
export async function fillEmptyColumns(db: TestDatabase, { id }: Person, label: string): Promise<string[]> {
  const { rows: columns } = await db.owner.query<EmptyColumn>(
    `select p.schema_name || '.' || p.table_name as relation, p.column_name as name,
       format_type(a.atttypid, null) as type, gdpr.subject_filter(p.schema_name, p.table_name) as filter
     from gdpr.column_policies as p
     join pg_attribute as a on a.attname = p.column_name
       and a.attrelid = format('%I.%I', p.schema_name, p.table_name)::regclass
     where p.on_export = 'include'
     order by 1, a.attnum`,
  )
  const client = await db.superuser.connect()
  try {
    await client.query('set session_replication_role = replica')
    await dropChecks(client, [...new Set(columns.map(({ relation }) => relation))])
    const left: string[] = []
    for (const { relation, name, type, filter } of columns) {
      const held = await client.query(
        `select from ${relation} where (${filter}) and "${name}" is not null limit 1`,
        [id],
      )
      if (held.rowCount) continue
      const value = VALUES[type]?.(`canary-${label}-${relation.split('.')[1]}-${name}`.replaceAll('_', '-'))
      const filled = value
        ? await client.query(`update ${relation} set "${name}" = ${value} where ${filter}`, [id])
        : undefined
      if (!filled?.rowCount) left.push(`${relation}.${name}`)
    }
    return left
  } finally {
    await client.query('reset session_replication_role')
    client.release()
  }
}

async function dropChecks(client: PoolClient, relations: string[]): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `select format('alter table %s drop constraint %I', k.conrelid::regclass, k.conname) as statement
     from pg_constraint as k
     where k.contype = 'c' and k.coninhcount = 0 and k.conrelid = any ($1::regclass[])`,
    [relations],
  )
  for (const { statement } of rows) await client.query(statement)
}

/** Somebody with rows in every table who has asked to be deleted, and what is left of them. */
import type { TestApi } from '../../setup/api.ts'
import type { TestDatabase } from '../../setup/database.ts'
import type { Person } from '../../setup/story.ts'

/** Asks for the deletion, due at once. */
export async function askToLeave(db: TestDatabase, api: TestApi, person: Person): Promise<string> {
  const { token, password } = person
  const answer = await api.rpc('request_account_deletion', { password }, token)
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  const { rows } = await db.owner.query(
    `update gdpr.deletion_requests set erase_at = now() - interval '1 minute'
     where user_id = $1 and state = 'waiting' returning id`,
    [person.id],
  )
  return rows[0].id
}

/** Rows of every table that the plan of an erasure finds for an account, and of the log that still tell something. */
export async function rowsLeft(db: TestDatabase, userId: string): Promise<Record<string, number>> {
  const plan = await db.owner.query(
    `select schema_name || '.' || table_name as name, filter from gdpr.tables_to_erase() where assignments is null`,
  )
  const left: Record<string, number> = {}
  for (const { name, filter } of plan.rows) {
    const { rows } = await db.owner.query(`select count(*)::int as count from ${name} where ${filter}`, [
      userId,
    ])
    if (rows[0].count > 0) left[name] = rows[0].count
  }
  const { rows } = await db.owner.query(
    `select count(*)::int as count from core.audit_events_about($1) as a (id)
     join core.audit_log as e on e.id = a.id where e.operation <> 'account_erased'
       -- The register says that they asked and were answered.
       and coalesce(e.relation, '') not in ('gdpr.deletion_requests', 'gdpr.subject_requests')`,
    [userId],
  )
  if (rows[0].count > 0) left['core.audit_log'] = rows[0].count
  return left
}

/** The mail that says it is done is theirs, though no row of theirs leads to it. */
const BUT: Record<string, string> = { 'core.mails': `and kind <> 'account_erased'` }
/** Every row of every table but the log's that is not this person's. */
// The log and the proof of an erasure grow by what it is about.
export async function rowsOfOthers(db: TestDatabase, userId: string): Promise<Map<string, string[]>> {
  const { rows } = await db.owner.query(`
    select n.nspname || '.' || c.relname as name, (
      select gdpr.subject_filter(n.nspname, c.relname) from gdpr.column_policies as p
      where (p.schema_name, p.table_name) = (n.nspname, c.relname) and p.class <> 'none' limit 1
    ) as filter
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ '^audit_|^erasure_words$|^erasure_ledger$'
      and n.nspname in ('core', 'briefing', 'private', 'gdpr', 'ops')`)
  const held = new Map<string, string[]>()
  for (const { name, filter } of rows) {
    const others = filter ? `not coalesce((${filter}), false)` : '$1::uuid is not null'
    const content = await db.owner.query(
      `select t::text as row from ${name} as t where ${others} ${BUT[name] ?? ''} order by 1`,
      [userId],
    )
    held.set(
      name,
      content.rows.map(({ row }) => row),
    )
  }
  return held
}

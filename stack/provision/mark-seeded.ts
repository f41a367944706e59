/** A database is new until its first seeds are in, also when the start that made it was killed in between. */
import type pg from 'pg'
import { escapeIdentifier } from 'pg'
import { adminUrlFor, type Target } from './target.ts'
import { withClient } from './with-client.ts'

/** The comment that a database bears from its making to markSeeded(). */
const UNSEEDED = 'Howdah has not loaded the first seeds yet.'

/** Notes that nothing is in the database yet. */
export async function markUnseeded(client: pg.Client, database: string): Promise<void> {
  await client.query(`comment on database ${escapeIdentifier(database)} is '${UNSEEDED}'`)
}

/** Whether the database was made by us and its first seeds never ended. */
export async function isUnseeded(client: pg.Client, database: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select 1 from pg_database where datname = $1 and shobj_description(oid, 'pg_database') = $2`,
    [database, UNSEEDED],
  )
  return rowCount === 1
}

/** Takes the note away. */
export async function markSeeded(target: Target): Promise<void> {
  await withClient(adminUrlFor(target, target.database), async (admin) => {
    if (!(await isUnseeded(admin, target.database))) return
    await admin.query(`comment on database ${escapeIdentifier(target.database)} is null`)
  })
}

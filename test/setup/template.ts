/** The template database of a run: provisioned once, then copied for every test file. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { escapeIdentifier } from 'pg'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { MAINTENANCE_DATABASE, provision } from '../../stack/provision/provision.ts'
import { adminUrlFor, type Target, urlFor } from '../../stack/provision/target.ts'
import { withClient } from '../../stack/provision/with-client.ts'

/** bcrypt's smallest cost: 1 ms a password instead of 86. */
const TEST_HASH_COST = 4

/** Provisions the template and closes it to connections, which is what copying needs. */
export async function provisionTemplate(target: Target): Promise<void> {
  await provision(target, PROJECT_DIR)
  await withClient(urlFor(target, 'howdah_migrations'), (owner) =>
    owner.query(`select ops.set_setting('password_hash_cost', to_jsonb($1::int))`, [TEST_HASH_COST]),
  )
  await withClient(adminUrlFor(target, MAINTENANCE_DATABASE), async (admin) => {
    await sessionsGone(admin, target.database)
    await admin.query(`alter database ${escapeIdentifier(target.database)} with allow_connections false`)
  })
}

/** Drops every database whose name starts with the run's prefix. */
export async function dropDatabases(adminUrl: string, prefix: string): Promise<void> {
  await withClient(adminUrlFor({ adminUrl }, MAINTENANCE_DATABASE), async (admin) => {
    const { rows } = await admin.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    )
    for (const { datname } of rows)
      await admin.query(`drop database ${escapeIdentifier(datname)} with (force)`)
  })
}

/** graphile-migrate keeps its connections a moment longer than it needs them, and exits the process if they are cut. */
async function sessionsGone(admin: pg.Client, database: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { rowCount } = await admin.query('select 1 from pg_stat_activity where datname = $1', [database])
    if (!rowCount) return
    await sleep(20)
  }
  throw new Error(`After 4 seconds there are still sessions in ${database}; it cannot serve as a template.`)
}

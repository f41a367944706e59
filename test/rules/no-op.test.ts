/** Law "no-op": the database is what the fixtures say. Running them again changes nothing. */
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../setup/database.ts'
import { FINGERPRINT_KINDS, fingerprint } from './catalog/fingerprint.ts'
import { fixturesText } from './catalog/fixtures-text.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import type { Queryable } from './catalog/rule.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** What running the fixtures, as graphile-migrate does, adds and takes away. */
async function changesOf(client: Queryable): Promise<string[]> {
  const before = await fingerprint(client)
  await client.query('set local role howdah_migrations; set local search_path = pg_catalog')
  await client.query(fixturesText())
  await client.query('reset role')
  const after = await fingerprint(client)
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ]
}

it('running fixtures/index.sql again changes nothing', async () => {
  await rolledBack(db, async (client) => {
    const lines = await fingerprint(client)
    console.log(`no-op: ${lines.length} objects compared`)
    expect(lines.length).toBeGreaterThan(500)
    expect(FINGERPRINT_KINDS.filter((kind) => !lines.some((line) => line.startsWith(`${kind} `)))).toEqual([])
    expect(await changesOf(client)).toEqual([])
  })
})

describe('finds what drifted', () => {
  const DRIFTS = {
    'a changed body': `create or replace function core.is_admin() returns boolean language sql stable return true`,
    'a changed view': 'alter view api.users set (security_invoker = false)',
    'a dropped policy': 'drop policy select_own on core.users',
    'a changed policy': 'alter policy select_own on core.users using (true)',
    'a policy for more roles': 'alter policy select_own on core.users to howdah_user, howdah_anon',
    'a taken grant': 'revoke select on api.users from howdah_user',
    'a function opened to public': 'grant execute on function api.me() to public',
    'a dropped trigger': 'drop trigger _100_touch_updated_at on core.users',
    'a disabled row level security': 'alter table core.users disable row level security',
    'a lost comment': 'comment on view api.users is null',
    'a lost declaration': `delete from gdpr.column_policies where table_name = 'users' and column_name = 'email'`,
    'a table that is not audited any more': 'drop trigger _900_audit_row on core.users',
    'a lost reason': `update core.audited_tables set reason = 'none' where not is_audited`,
    'a function without its path': 'alter function core.check_request() reset search_path',
  }
  it.each(Object.entries(DRIFTS))('%s', async (_what, sql) => {
    await rolledBack(db, async (client) => {
      await client.query(sql)
      expect((await changesOf(client)).length).toBeGreaterThan(0)
    })
  })
})

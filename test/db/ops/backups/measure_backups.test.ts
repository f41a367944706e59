/** What the instance knows of its backups, who hears of missing ones, and since when. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setClock } from '../../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

/** Values in hours, as whole ones; the clock goes on while the test runs. */
const levels = async () => {
  const { rows } = await db.owner.query<{ metric: string; value: number; status: string; unit: string }>(
    `select metric, value::float8, status, unit from service_levels where metric ~ '^backup' order by metric`,
  )
  return Object.fromEntries(
    rows.map(({ metric, value, status, unit }) => [
      metric,
      { value: unit === 'seconds' ? Math.round(value / 3600) : value, status },
    ]),
  )
}
const set = (name: string, value: string) =>
  db.owner.query('select ops.set_setting($1, $2)', [name, JSON.stringify(value)])

/** A backup of so many hours ago, by the moved clock. */
type Made = { name: string; made: number; proven?: number; problem?: string }
const record = (backups: Made[]) =>
  db.owner.query(
    `select ops.record_backups(coalesce(jsonb_agg(jsonb_build_object(
       'name', b.name, 'created_at', core.now() - make_interval(hours => b.made), 'size_bytes', 1,
       'verified_at', core.now() - make_interval(hours => b.proven), 'problem', b.problem)), '[]'))
     from jsonb_to_recordset($1) as b (name text, made int, proven int, problem text)`,
    [JSON.stringify(backups)],
  )

test('a stack on a desk is not asked for backups, a system in use is, from its first day on', async () => {
  expect(await levels()).toEqual({
    backups_damaged: { value: 0, status: 'ok' },
    backups_past_retention: { value: 0, status: 'ok' },
  })
  await set('app_url', 'https://app.example.com')
  await setClock(db, '4 days')
  expect(await levels()).toMatchObject({
    backup_age_seconds: { value: 96, status: 'critical' },
    backup_verified_age_seconds: { value: 96, status: 'ok' },
  })
  await set('backups', 'elsewhere')
  expect(Object.keys(await levels())).not.toContain('backup_age_seconds')
  await set('app_url', 'http://localhost:5173')
  await set('backups', 'required')
  expect((await levels())['backup_age_seconds']?.status).toBe('critical')
  await set('backups', 'auto')
  expect(Object.keys(await levels())).not.toContain('backup_age_seconds')
})

test('ages are of the last good one and of the last that a restore has proven', async () => {
  await record([
    { name: 'a', made: 240, proven: 216 },
    { name: 'b', made: 48 },
    { name: 'c', made: 1, proven: 0, problem: 'PG_VERSION is empty' },
  ])
  expect(await levels()).toEqual({
    backup_age_seconds: { value: 48, status: 'warn' },
    backup_verified_age_seconds: { value: 216, status: 'warn' },
    backups_damaged: { value: 1, status: 'critical' },
    backups_past_retention: { value: 0, status: 'ok' },
  })
  const opened = await db.owner.query(
    `select metric, severity from ops.evaluate_alerts() where event = 'opened' and metric ~ '^backup' order by 1`,
  )
  expect(opened.rows).toEqual([
    { metric: 'backup_age_seconds', severity: 'warn' },
    { metric: 'backup_verified_age_seconds', severity: 'warn' },
    { metric: 'backups_damaged', severity: 'critical' },
  ])
  await record([{ name: 'd', made: 2, proven: 1 }])
  expect(await levels()).toMatchObject({
    backup_age_seconds: { value: 2, status: 'ok' },
    backup_verified_age_seconds: { value: 1, status: 'ok' },
    backups_damaged: { value: 0 },
  })
  const resolved = await db.owner.query(
    `select metric from ops.evaluate_alerts() where event = 'resolved' and metric ~ '^backup'`,
  )
  expect(resolved.rows).toHaveLength(3)
})

test('what is not in the folder any more is gone, comes back when it does, and is too old one day', async () => {
  await record([{ name: 'e', made: 1 }])
  const gone = await db.owner.query('select name from ops.backups where removed_at is not null order by 1')
  expect(gone.rows.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
  await record([
    { name: 'd', made: 2 },
    { name: 'e', made: 1 },
  ])
  const { rows } = await db.owner.query(
    `select name, verified_at is not null as is_proven from ops.backups where removed_at is null order by 1`,
  )
  // That a restore proved it once stays known.
  expect(rows).toEqual([
    { name: 'd', is_proven: true },
    { name: 'e', is_proven: false },
  ])
  await setClock(db, '33 days 23 hours 40 minutes')
  expect((await levels())['backups_past_retention']).toEqual({ value: 1, status: 'warn' })
})

test('backups of other programs are noted as well, and a folder does not forget them', async () => {
  await db.owner.query(`select record_backup('night.dump', core.now() - interval '9 hours')`)
  await record([])
  expect((await levels())['backup_age_seconds']).toEqual({ value: 9, status: 'ok' })
})

test('after a restore everybody is signed out', async () => {
  const credentials = JSON.stringify({ email: 'grace@example.com', password: 'correct horse battery' })
  await db
    .as('howdah_anon')
    .query(`select api.sign_up($1::jsonb ->> 'email', $1::jsonb ->> 'password')`, [credentials])
  const living = () =>
    db.owner.query('select from core.sessions where revoked_at is null and expires_at > core.now()')
  expect((await living()).rowCount).toBe(1)
  expect((await db.owner.query('select end_every_session()::int as count')).rows).toEqual([{ count: 1 }])
  expect((await living()).rowCount).toBe(0)
})

test.each(['howdah_worker', 'howdah_anon', 'howdah_user', 'howdah_admin'] as const)(
  '%s neither reads nor notes backups',
  async (role) => {
    await db.session({ role }, async (client) => {
      await expect(client.query('select from ops.backups')).rejects.toMatchObject({ code: '42501' })
    })
    await db.session({ role }, async (client) => {
      await expect(client.query(`select ops.record_backups('[]')`)).rejects.toMatchObject({ code: '42501' })
    })
  },
)

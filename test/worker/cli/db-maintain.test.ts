/** npm run db:maintain as operators type it, on a server of one's own; its runs count as the worker's. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
let folder: string
beforeAll(async () => {
  db = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'howdah-maintain-'))
  await writeFile(join(folder, 'secrets.json'), JSON.stringify(inject('howdah').secrets))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await db.drop()
})

test('vacuums what is worth it, and the runs are noted', async () => {
  await db.owner.query(`
    create table ops.churned (id int primary key) with (autovacuum_enabled = off);
    insert into ops.churned select generate_series(1, 5000)`)
  await db.owner.query('delete from ops.churned where id > 10; select pg_stat_force_next_flush()')
  await expect
    .poll(async () => (await db.owner.query('select relation from ops.tables_to_vacuum()')).rows)
    .toEqual([{ relation: 'ops.churned' }])
  const path = fileURLToPath(new URL('../../../worker/cli/db-maintain.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [path], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOWDAH_DATABASE_URL: db.url('superuser'),
      HOWDAH_DATA_DIR: folder,
    },
  })
  expect(stdout).toMatch(
    /ops\.churned[\s\S]*vacuumed a table[\s\S]*ops\/vacuum_tables: 1\nops\/rebuild_indexes: 0\n/,
  )
  const { rows } = await db.owner.query('select task, row_count, error from ops.task_runs order by id')
  expect(rows).toEqual([
    { task: 'ops/vacuum_tables', row_count: '1', error: null },
    { task: 'ops/rebuild_indexes', row_count: '0', error: null },
  ])
})

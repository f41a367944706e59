/** core/seal_audit: each seal is copied out once, in order, and a database that lost seals is told from one that did not. */
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WorkerServices } from '../../../worker/define-task.ts'
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { poolOfJob } from '../../../worker/running/job-pool.ts'
import { task } from '../../../worker/tasks/core/seal_audit.ts'
import { sealAll } from '../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { taskContext } from '../support/task-context.ts'

let db: TestDatabase
let services: WorkerServices
let path: string
beforeAll(async () => {
  db = await testDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'howdah-seals-'))
  path = join(dataDir, 'audit-seals.jsonl')
  services = { pool: db.as('howdah_worker'), reader: createFeedReader(), allow: parseFetchAllow(''), dataDir }
})
afterAll(async () => {
  await services.reader[Symbol.asyncDispose]()
  await db.drop()
  await rm(services.dataDir, { recursive: true })
})

const work = () => task({}, taskContext(services))
const lines = async () =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const write = async () => {
  await db.owner.query(`select ops.set_setting('jwt_issuer', to_jsonb(gen_random_uuid()::text))`)
  await sealAll(db)
}
const isVerified = async () =>
  (await db.owner.query('select is_ok from ops.verify_audit($1)', [JSON.stringify(await lines())])).rows[0]
    .is_ok

test('copies what is new, once, also after a turn that died', async () => {
  await write()
  await write()
  await work()
  await work()
  const first = await lines()
  expect(first.map(({ seal }) => seal)).toEqual(first.map((_, index) => index + 1))
  await write()
  await work()
  expect((await lines()).length).toBe(first.length + 1)
  expect(await isVerified()).toBe(true)

  // The disk got only half of the last line.
  const whole = await readFile(path, 'utf8')
  await truncate(path, whole.length - 20)
  await work()
  expect(await readFile(path, 'utf8')).toBe(whole)
})

test('refuses to go on when the database lost a seal or has another (audit_seals_differ)', async () => {
  const whole = await readFile(path, 'utf8')
  const last = (await lines()).at(-1)
  await appendFile(path, `${JSON.stringify({ ...last, seal: last.seal + 1 })}\n`)
  await expect(work()).rejects.toMatchObject({ key: 'audit_seals_differ' })
  expect(await isVerified()).toBe(false)
  await writeFile(path, whole.replace(last.hash, 'ab'.repeat(32)))
  await expect(work()).rejects.toMatchObject({ key: 'audit_seals_differ' })
  await writeFile(path, `${whole}something else\n`)
  await expect(work()).rejects.toMatchObject({ key: 'audit_seals_differ' })
  await writeFile(path, whole)
  await work()
})

test('goes on in the same file once somebody answers for a restore', async () => {
  await write()
  await work()
  const last = (await lines()).at(-1)
  await appendFile(path, `${JSON.stringify({ ...last, seal: last.seal + 1, hash: 'cd'.repeat(32) })}\n`)
  await expect(work()).rejects.toMatchObject({ key: 'audit_seals_differ' })
  await db.owner.query('select ops.record_audit_recovery($1, $2)', [
    JSON.stringify(await lines()),
    'A backup was restored.',
  ])
  await work()
  await sealAll(db)
  await work()
  expect((await lines()).map(({ seal }) => seal).slice(-3)).toEqual([last.seal, last.seal + 1, last.seal + 1])
  expect(await isVerified()).toBe(true)
})

test('says in the log what server it found, once', async () => {
  const { rows } = await db.owner.query(
    `select operation from core.audit_log where operation like 'server\\_%' and subject_id is null`,
  )
  expect(rows).toEqual([{ operation: 'server_started' }])
})

test('whatever a job writes carries its id, by query and by connection', async () => {
  const pool = poolOfJob(services.pool, '4711')
  const id = `select nullif(current_setting('howdah.job_id', true), '') as id`
  expect((await pool.query(id)).rows).toEqual([{ id: '4711' }])
  const client = await pool.connect()
  expect((await client.query(id)).rows).toEqual([{ id: '4711' }])
  client.release()
  expect((await poolOfJob(services.pool, '4712').query(id)).rows).toEqual([{ id: '4712' }])
})

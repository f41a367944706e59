/** ops.release_dead_workers: a worker is dead when nobody holds its lock, whoever asks. */
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.drop())

/** A job that a worker took so long ago. */
async function lockedJob(workerId: string, age: string): Promise<string> {
  const { rows } = await db.owner.query(`select id from graphile_worker.add_job('x')`)
  await db.superuser.query(
    'update graphile_worker._private_jobs set locked_by = $2, locked_at = now() - $3::interval where id = $1',
    [rows[0].id, workerId, age],
  )
  return rows[0].id
}
const isLocked = async (id: string) =>
  (
    await db.superuser.query(
      'select locked_by is not null as it from graphile_worker._private_jobs where id = $1',
      [id],
    )
  ).rows[0].it
const release = async (client: pg.PoolClient | pg.Pool) =>
  (await client.query('select ops.release_dead_workers() as n')).rows[0].n

test('frees the jobs of a dead worker, and leaves those of a living one alone, also when it asks itself', async () => {
  // Keys of both signs and with a high bit in either half: the catalog shows a key as two unsigned numbers.
  const ids = Array.from({ length: 40 }, () => `worker-${randomBytes(6).toString('hex')}`)
  const alive = await db.as('howdah_worker').connect()
  try {
    const jobs = []
    for (const id of ids) {
      await alive.query('select pg_advisory_lock(ops.worker_lock_key($1))', [id])
      jobs.push(await lockedJob(id, '1 hour'))
    }
    expect(await release(alive)).toBe(0)
    expect(await release(db.as('howdah_worker'))).toBe(0)
    expect(await Promise.all(jobs.map(isLocked))).toEqual(jobs.map(() => true))

    await alive.query('select pg_advisory_unlock_all()')
    expect(await release(db.as('howdah_worker'))).toBe(ids.length)
    expect(await Promise.all(jobs.map(isLocked))).toEqual(jobs.map(() => false))
  } finally {
    alive.release(true)
  }
})

test('gives a worker that has just begun fifteen seconds to show that it lives', async () => {
  const job = await lockedJob('worker-just-begun', '5 seconds')
  expect(await release(db.as('howdah_worker'))).toBe(0)
  expect(await isLocked(job)).toBe(true)
})

/** The worker as a process: ready, graceful stop, lost database, and what happens to the jobs of a killed one. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type HangingFeeds, startHangingFeeds } from '../support/hanging-feeds.ts'
import { spawnWorker, startWorkerProcess } from '../support/worker-process.ts'

let db: TestDatabase
let feeds: HangingFeeds

beforeAll(async () => {
  db = await testDatabase()
  feeds = await startHangingFeeds()
})
afterAll(async () => {
  await feeds[Symbol.asyncDispose]()
  await db.drop()
})

const start = () => startWorkerProcess(db.url('howdah_worker'), { HOWDAH_FETCH_ALLOW: '127.0.0.1' })

test('says it is ready, makes partitions at once, and stops with code 0 on SIGTERM', async () => {
  await using worker = await start()
  await worker.line((line) => line['task'] === 'ops/create_partitions')
  await worker.line((line) => line['task'] === 'ops/release_dead_workers')
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
  expect(worker.lines.at(-1)?.message).toBe('worker stopped')
  expect(worker.lines.filter((line) => line.level !== 'info')).toEqual([])
})

test('SIGINT twice, as from Ctrl-C in a stack, stops with code 0 too', async () => {
  await using worker = await start()
  worker.kill('SIGINT')
  worker.kill('SIGINT')
  expect(await worker.exited).toBe(0)
})

test('SIGTERM amid 20 hanging jobs returns them all and blames no feed (J-15)', async () => {
  const ids = await addFeedJobs(20, 'stop')
  await using worker = await start()
  await feeds.asked(5, 'stop')
  const started = performance.now()
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
  expect(performance.now() - started).toBeLessThan(25_000)
  expect(await jobs('stop')).toEqual({ total: 20, locked: 0 })
  const { rows } = await db.owner.query(
    'select count(*)::int as failed from briefing.content_sources where id = any($1) and failure_count > 0',
    [ids],
  )
  expect(rows).toEqual([{ failed: 0 }])
  await db.superuser.query(`delete from graphile_worker._private_jobs where key like 'stop%'`)
})

test('a lost database ends the worker with code 1, and the end is said once', async () => {
  await using worker = await start()
  await db.endSessions()
  expect(await worker.exited).toBe(1)
  // Whatever job was amid its work tells of its own failure too, before or after; which ones, the minute decides.
  const ends = worker.lines.filter((line) => line.message === 'the worker stopped')
  expect(ends.map((line) => line.level)).toEqual(['error'])
})

test('without a database, or without its address, it ends with code 1 and says why', async () => {
  await using nowhere = spawnWorker('postgres://howdah_worker@127.0.0.1:1/none')
  expect(await nowhere.exited).toBe(1)
  expect(nowhere.lines.map((line) => line.level)).toEqual(['error'])
  await using unnamed = spawnWorker('')
  expect(await unnamed.exited).toBe(1)
  expect(unnamed.lines[0]).toMatchObject({ error: { key: 'settings_invalid' } })
})

test('the job of a killed worker runs again within a minute; a slow one is left alone (J-03)', async () => {
  await using killed = await start()
  await addFeedJobs(1, 'killed')
  await feeds.asked(1, 'killed')
  killed.kill('SIGKILL')
  await killed.exited
  const started = performance.now()

  await using survivor = await start()
  await addFeedJobs(1, 'slow')
  await feeds.asked(1, 'slow')
  await feeds.asked(2, 'killed')
  expect(performance.now() - started).toBeLessThan(60_000)
  expect(feeds.count('slow')).toBe(1)
  expect(await jobs('slow')).toEqual({ total: 1, locked: 1 })
  feeds.answer()
  await survivor.line((line) => line['task'] === 'briefing/fetch_source')
  await expect.poll(() => jobs('killed')).toEqual({ total: 0, locked: 0 })
  await expect.poll(() => jobs('slow')).toEqual({ total: 0, locked: 0 })
}, 70_000)

/** Adds sources and a fetch job for each; the label is in their addresses and job keys. */
async function addFeedJobs(count: number, label: string): Promise<string[]> {
  const ids: string[] = []
  for (let number = 0; number < count; number++) {
    const url = `${feeds.url}/${label}/${number}`
    const { rows } = await db.as('howdah_worker').query('select briefing.add_source($1, $1) as id', [url])
    ids.push(rows[0].id)
    await db
      .as('howdah_worker')
      .query(`select graphile_worker.add_job('briefing/fetch_source', $1, job_key => $2)`, [
        JSON.stringify({ source_id: rows[0].id }),
        `${label}:${number}`,
      ])
  }
  return ids
}

async function jobs(label: string): Promise<{ total: number; locked: number }> {
  const { rows } = await db.superuser.query(
    `select count(*)::int as total, count(locked_by)::int as locked
    from graphile_worker._private_jobs where key like $1 || ':%'`,
    [label],
  )
  return rows[0]
}

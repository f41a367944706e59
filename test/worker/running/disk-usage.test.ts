/** The worker says how full the disks are that it sees: as df does, and with each evaluation of alerts. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WorkerServices } from '../../../worker/define-task.ts'
import { createFeedReader } from '../../../worker/feeds/feed-reader.ts'
import { ALLOW_NOTHING } from '../../../worker/outgoing/fetch-allow.ts'
import { diskUsage } from '../../../worker/running/disk-usage.ts'
import { task } from '../../../worker/tasks/ops/evaluate_alerts.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { taskContext } from '../support/task-context.ts'

let db: TestDatabase
let folder: string
let services: WorkerServices

beforeAll(async () => {
  db = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'howdah-disk-'))
  services = {
    pool: db.as('howdah_worker'),
    reader: createFeedReader(),
    allow: ALLOW_NOTHING,
    dataDir: folder,
    clusterDir: tmpdir(),
  }
})
afterAll(async () => {
  await services.reader[Symbol.asyncDispose]()
  await db.drop()
  await rm(folder, { recursive: true })
})

const places = async () =>
  (
    await db.owner.query(
      `select labels ->> 'place' as place, value::float8 from service_levels where metric = 'disk_used_ratio' order by 1`,
    )
  ).rows

test('as df does', async () => {
  const found = await diskUsage(folder)
  const df = execFileSync('df', ['-Pk', folder], { encoding: 'utf8' }).split('\n')[1]?.split(/\s+/) ?? []
  const [used, free] = [Number(df[2]) * 1024, Number(df[3]) * 1024]
  if (!found) throw new Error('nothing was measured')
  // Others write to this disk, too.
  expect(Math.abs(found.total - (used + free)) / found.total).toBeLessThan(0.01)
  expect(Math.abs(found.free - free) / found.total).toBeLessThan(0.01)
  expect(await diskUsage(join(folder, 'not there'))).toBeUndefined()
})

test('with each evaluation; a folder that is gone stops no evaluation', async () => {
  await task({}, taskContext(services))
  const usage = await diskUsage(folder)
  const ratio = 1 - (usage?.free ?? 0) / (usage?.total ?? 1)
  expect(await places()).toEqual([
    { place: 'postgres', value: expect.closeTo(ratio, 1) },
    { place: 'worker', value: expect.closeTo(ratio, 1) },
  ])
  await db.owner.query('delete from ops.disk_usage')
  await task({}, taskContext({ ...services, clusterDir: undefined, dataDir: join(folder, 'gone') }))
  expect(await places()).toEqual([])
})

test('a disk that fills up opens an alert at 80 percent, a worse one at 85, and it resolves (O-18)', async () => {
  const disk = join(folder, 'disk')
  await mkdir(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return console.log('disk: nothing can be mounted here; a disk that really fills up was not tried')
  }
  try {
    const levels = async () => {
      await task({}, taskContext({ ...services, clusterDir: undefined, dataDir: disk }))
      const { rows } = await db.owner.query(
        `select severity from ops.alerts where metric = 'disk_used_ratio' and resolved_at is null`,
      )
      return rows.map(({ severity }) => severity)
    }
    const fill = (percent: number) =>
      writeFile(join(disk, 'full'), Buffer.alloc(Math.round((10 * 1024 * 1024 * percent) / 100)))
    const seen: unknown[] = []
    for (const percent of [79, 80.5, 86, 40]) {
      await fill(percent)
      seen.push([percent, ...(await levels())])
    }
    console.log(`disk: filled to 79, 80.5, 86 and 40 percent: ${JSON.stringify(seen)}`)
    expect(seen).toEqual([[79], [80.5, 'warn'], [86, 'critical'], [40]])
  } finally {
    execFileSync('umount', [disk])
  }
})

/** O-03 and O-04: twenty moments come back exactly, and twenty times kill -9 lose nothing that was acknowledged. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { restoreBaseBackup } from '../../../stack/backup/restore-base-backup.ts'
import { takeBaseBackup } from '../../../stack/backup/take-base-backup.ts'
import { postmasterOn } from '../../../stack/postgres/postmaster-pid.ts'
import {
  archiveEverything,
  committedBy,
  idsAt,
  LEDGER_PARAMETERS,
  makeLedger,
  writeLedger,
} from '../../stack/backup/ledger.ts'
import { type ScratchCluster, scratchCluster } from '../../stack/backup/scratch-cluster.ts'

const MOMENTS = 20
const KILLS = 20

let cluster: ScratchCluster
beforeAll(async () => {
  // As npm start runs it: fsync and synchronous_commit on.
  cluster = await scratchCluster(LEDGER_PARAMETERS)
  await makeLedger(cluster)
})
afterAll(() => cluster.remove())

test('twenty random moments during the load', async () => {
  const from = join(cluster.home, 'backup')
  const load = writeLedger(cluster)
  await takeBaseBackup({ dataDir: cluster.dataDir, connectionString: cluster.url, into: from })
  const began = Date.now()
  await load.more(8000)
  const until = Date.now()
  await load.more(100)
  await load.stop()
  await archiveEverything(cluster)
  let [missing, tooMany, replayed] = [0, 0, 0]
  for (let count = 0; count < MOMENTS; count += 1) {
    const time = new Date(began + Math.random() * (until - began))
    const expected = await committedBy(cluster, time)
    let found: string[] = []
    await restoreBaseBackup(
      {
        from,
        into: join(cluster.home, `moment ${count}`),
        walArchive: cluster.walArchive,
        target: { kind: 'time', time },
        programs: cluster.programs,
        steps: [],
        isThrowaway: true,
      },
      async (adminUrl) => {
        found = await idsAt(adminUrl)
      },
    )
    const [wanted, there] = [new Set(expected), new Set(found)]
    missing += expected.filter((id) => !there.has(id)).length
    tooMany += found.filter((id) => !wanted.has(id)).length
    replayed += found.length
  }
  console.log(
    `${MOMENTS} moments, ${replayed} rows compared: ${missing} missing before, ${tooMany} present after`,
  )
  expect([missing, tooMany]).toEqual([0, 0])
})

test('twenty times kill -9 amid writing', async () => {
  const acknowledged = new Set<string>()
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = acknowledged.size
    const writers = Array.from({ length: 8 }, () => writeUntilDeath(acknowledged))
    while (acknowledged.size < before + 50) await sleep(5)
    await sleep(Math.random() * 200)
    const pid = postmasterOn(cluster.dataDir)
    if (pid === undefined) throw new Error('No postmaster to kill.')
    process.kill(pid, 'SIGKILL')
    await Promise.all(writers)
    await cluster.server().child.exited
    await cluster.start()
  }
  const there = new Set(
    (await cluster.sql<{ id: string }>('select id::text from ledger')).map(({ id }) => id),
  )
  const lost = [...acknowledged].filter((id) => !there.has(id))
  console.log(`${KILLS} times kill -9: ${acknowledged.size} transactions acknowledged, ${lost.length} lost`)
  expect(acknowledged.size).toBeGreaterThan(KILLS * 50)
  expect(lost).toEqual([])
})

/** Notes each row as soon as the server has said that it is committed; ends with the server. */
async function writeUntilDeath(acknowledged: Set<string>): Promise<void> {
  const client = new pg.Client(cluster.url)
  client.on('error', () => {})
  try {
    await client.connect()
    for (;;) {
      const { rows } = await client.query<{ id: string }>(
        `insert into ledger (note) values ('kill') returning id::text`,
      )
      acknowledged.add(rows[0]?.id ?? '')
    }
  } catch {
    await client.end().catch(() => {})
  }
}

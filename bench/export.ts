/** npm run bench:export: the copy of much data, made by a real worker: how long it takes, and in how much memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from 'commander'
import type pg from 'pg'
import { z } from 'zod'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { startWorkerProcess } from '../test/worker/support/worker-process.ts'
import { makePersonWithRows } from './person-with-rows.ts'
import { printFigures } from './print-figures.ts'
import { growthWhile, residentBytes } from './process-memory.ts'
import { withThrowawayDatabase } from './throwaway-database.ts'

/** What the worker, and each session it has in the database, may grow by. */
const MEMORY_TARGET = 100 * 1024 * 1024

const made = z.tuple([
  z.object({
    state: z.string(),
    row_count: z.coerce.number(),
    table_count: z.int().nullable(),
    part_count: z.int().nullable(),
    size_bytes: z.coerce.number().nullable(),
    read_bytes: z.coerce.number().nullable(),
  }),
])

program
  .name('bench:export')
  .option('--rows <count>', 'rows that are held about the account', '100000')
  .action(async (options: unknown) => {
    const { rows } = z.object({ rows: z.coerce.number().int().min(100).max(10_000_000) }).parse(options)
    try {
      process.exitCode = await withThrowawayDatabase((target) => measure(target, rows))
    } catch (error) {
      printError(error)
      process.exitCode = 1
    }
  })

function measure(target: Target, rowCount: number): Promise<number> {
  return withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    const userId = await makePersonWithRows(owner, 'much@example.com', rowCount)
    await using worker = await startWorkerProcess(urlFor(target, 'howdah_worker'))
    // What a worker loads with its first export and first mail stays loaded: no matter how much an export holds.
    await exported(owner, await makePersonWithRows(owner, 'little@example.com', 100))
    await worker.line((line) => line['task'] === 'core/send_mail')
    const before = (await residentBytes(worker.pid, 'VmRSS')) ?? 0
    const startedAt = performance.now()
    const { result: found, growth } = await growthWhile(
      async () => [
        { pid: worker.pid, field: 'VmRSS', before },
        ...(await backendsOfWorker(owner)).map((pid) => ({ pid, field: 'RssAnon' as const, before: 0 })),
      ],
      () => exported(owner, userId),
    )
    const seconds = (performance.now() - startedAt) / 1000
    const ofWorker = growth.get(worker.pid) ?? 0
    const ofBackend = Math.max(...[...growth].filter(([pid]) => pid !== worker.pid).map(([, bytes]) => bytes))
    const control = await memoryOfOneStatement(target)
    return printFigures([
      { what: 'rows exported', found: `${found.row_count} of ${found.table_count} tables` },
      {
        what: 'files, and the ZIP',
        found: `${megabytes(found.read_bytes ?? 0)}, ${megabytes(found.size_bytes ?? 0)} in ${found.part_count} parts`,
      },
      { what: 'time', found: `${seconds.toFixed(1)} s` },
      ceiling('worker: resident memory grew by', ofWorker),
      ceiling('largest session in Postgres: own memory', ofBackend),
      { what: 'the same as one statement, export_user_data()', found: megabytes(control) },
    ])
  })
}

/** Asks for an export and waits until the worker has made it. */
async function exported(owner: pg.Client, userId: string): Promise<z.infer<typeof made>[0]> {
  const id = await request(owner, userId)
  for (;;) {
    const [status] = made.parse((await owner.query(STATUS, [id])).rows)
    if (status.state === 'ready') return status
    if (status.state === 'failed') throw new Error('The export failed; the log of the worker says why.')
    await sleep(50)
  }
}

const STATUS = `select state, exported_row_count as row_count, table_count, part_count, size_bytes,
  (select sum((f.value ->> 'size_bytes')::bigint)
   from jsonb_array_elements(manifest -> 'tables') as t, jsonb_each(t) as f where f.key in ('json', 'csv')) as read_bytes
  from gdpr.data_exports where id = $1`

async function request(owner: pg.Client, userId: string): Promise<string> {
  const { rows } = await owner.query<{ id: string }>(
    `with made as (
       insert into gdpr.data_exports (user_id, request_id, kind)
       values ($1, gdpr.open_subject_request($1, 'access'), 'access') returning id)
     select id, core.enqueue_job('gdpr/export_data', jsonb_build_object('export_id', id)) from made`,
    [userId],
  )
  return rows[0]?.id ?? ''
}

async function backendsOfWorker(owner: pg.Client): Promise<number[]> {
  const { rows } = await owner.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'howdah-worker'`,
  )
  return rows.map(({ pid }) => pid)
}

/** The control: what a session takes that builds everything at once. */
function memoryOfOneStatement(target: Target): Promise<number> {
  return withClient(urlFor(target, 'howdah_migrations'), async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const pid = rows[0]?.pid ?? 0
    const { growth } = await growthWhile(
      async () => [{ pid, field: 'RssAnon', before: 0 }],
      () => client.query(`select length(gdpr.export_user_data('much@example.com')::text)`),
    )
    return growth.get(pid) ?? 0
  })
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`
const ceiling = (what: string, bytes: number) => ({
  what,
  found: megabytes(bytes),
  target: `< ${megabytes(MEMORY_TARGET)}`,
  isOk: bytes > 0 && bytes < MEMORY_TARGET,
})

await program.parseAsync()

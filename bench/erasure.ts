/**
 * npm run bench:erasure: how long it takes to erase somebody with 100,000 rows over all tables, step by step as the worker
 * does, and how long anybody else waits meanwhile: readers, writers, people who sign up, the seals of the audit log.
 */
import { readFileSync } from 'node:fs'
import { program } from 'commander'
import type pg from 'pg'
import { z } from 'zod'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { fillAllTables } from './fill-all-tables.ts'
import { type Figure, printFigures } from './print-figures.ts'
import { withThrowawayDatabase } from './throwaway-database.ts'

const ERASE_TARGET_SECONDS = 5
/** What the erasure may add to anybody's slowest act. */
const WAIT_TARGET_MS = 100

program
  .name('bench:erasure')
  .option('--rows <count>', 'rows of the person who is erased', '100000')
  .action(async (options: unknown) => {
    const { rows } = z.object({ rows: z.coerce.number().int().min(1000).max(1_000_000) }).parse(options)
    try {
      process.exitCode = await withThrowawayDatabase((target) => run(target, rows))
    } catch (error) {
      printError(error)
      process.exitCode = 1
    }
  })

async function run(target: Target, rows: number): Promise<number> {
  const owner = urlFor(target, 'howdah_migrations')
  return withClient(owner, async (client) => {
    const person = await signUp(client, 'leaving@example.com')
    const other = await signUp(client, 'staying@example.com')
    const held = await fillAllTables(client, person, rows)
    await fillAllTables(client, other, Math.trunc(rows / 10))
    await client.query('vacuum analyze')
    const seal = await client.query('select from core.seal_audit()')
    if (seal.rowCount !== 1) throw new Error('The log could not be sealed; nothing was measured.')

    const { rows: self } = await client.query('select pg_backend_pid() as pid')
    const eraser = self[0].pid
    const calm = await others(
      target,
      other,
      eraser,
      () => new Promise((resolve) => setTimeout(resolve, 4000)),
    )
    const times = new Map<string, number[]>()
    const cpuBefore = cpuSeconds(eraser)
    const busy = await others(target, other, eraser, () => erase(client, person, times))
    const cpu = cpuSeconds(eraser) - cpuBefore
    const left = await rowsLeft(client, person)
    if (left > 0) throw new Error(`${left} rows of the person are left; nothing was measured.`)

    const sum = (steps: string[]) =>
      steps.flatMap((step) => times.get(step) ?? []).reduce((a, b) => a + b, 0) / 1000
    const seconds = sum(['begin', 'rows', 'log', 'account'])
    const figures: Figure[] = [
      { what: `rows of the person, in ${held.tables} tables`, found: String(held.rows) },
      {
        what: 'until nothing of them is left',
        found: `${seconds.toFixed(1)} s`,
        target: `< ${ERASE_TARGET_SECONDS} s`,
        isOk: seconds < ERASE_TARGET_SECONDS,
      },
      {
        what: '  of that and the statistics, on a processor',
        found: Number.isNaN(cpu) ? 'unknown' : `${cpu.toFixed(1)} s`,
      },
      ...[...times].map(([step, ms]) => ({
        what: `  step ${step}: ${ms.length} transactions, ${(ms.reduce((a, b) => a + b, 0) / 1000).toFixed(1)} s, the longest`,
        found: `${Math.max(...ms).toFixed(0)} ms`,
      })),
      ...busy.waits.map(({ what, ms }) => ({
        what: `${what}: waited for a lock, at most`,
        found: `${ms.toFixed(0)} ms`,
        target: `< ${WAIT_TARGET_MS} ms`,
        isOk: ms < WAIT_TARGET_MS,
      })),
      ...busy.slowest.map(({ what, ms, count }, at) => ({
        what: `${what}: slowest of ${count} (calm: ${calm.slowest[at]?.ms.toFixed(0)} ms)`,
        found: `${ms.toFixed(0)} ms`,
      })),
    ]
    return printFigures(figures)
  })
}

async function signUp(client: pg.Client, email: string): Promise<string> {
  const { rows } = await client.query(
    `select api.sign_up($1, 'correct horse battery') -> 'user' ->> 'id' as id`,
    [email],
  )
  return rows[0].id
}

async function erase(client: pg.Client, person: string, times: Map<string, number[]>): Promise<void> {
  const timed = async (step: string, sql: string, values: unknown[]) => {
    const from = performance.now()
    const { rows } = await client.query(sql, values)
    times.set(step, [...(times.get(step) ?? []), performance.now() - from])
    return rows[0]
  }
  const request = await client.query(
    `select set_config('request.jwt.claims', json_build_object('sub', $1::text)::text, false)`,
    [person],
  )
  if (request.rowCount !== 1) throw new Error('Nobody is asking.')
  await client.query(`select gdpr.open_deletion($1)`, [person])
  await client.query(`select set_config('request.jwt.claims', '', false)`)
  const made = await client.query(
    'update gdpr.deletion_requests set erase_at = now() where user_id = $1 returning id',
    [person],
  )
  let { erasure, step } = {
    ...(await timed('begin', `select gdpr.begin_deletion($1) as erasure`, [made.rows[0].id])),
    step: 'rows',
  }
  while (step !== 'done') {
    const next = await timed(step, 'select gdpr.continue_erasure($1) as step', [erasure])
    step = next.step
  }
}

type Waits = {
  slowest: { what: string; ms: number; count: number }[]
  waits: { what: string; ms: number }[]
}

/** What everybody else does on the same tables meanwhile, each on a connection of their own. */
async function others(
  target: Target,
  other: string,
  eraser: number,
  work: () => Promise<void>,
): Promise<Waits> {
  const acts: [string, string, (n: number) => unknown[]][] = [
    [
      'reads their events',
      'select count(*) from (select from core.analytics_events where user_id = $1 limit 100) e',
      () => [other],
    ],
    ['gets a notification', `select core.notify($1, 'announcement', 'Hello')`, () => [other]],
    ['saves a profile', 'update core.users set display_name = $2 where id = $1', (n) => [other, `Name ${n}`]],
    ['signs up', `insert into core.users (email) values ($1)`, (n) => [`new-${n}-${Date.now()}@example.com`]],
    ['the audit log is sealed', 'select from core.seal_audit()', () => []],
  ]
  let isOver = false
  const slowest: Waits['slowest'] = []
  const waits = new Map<string, number>()
  const running = acts.map(([what, sql, values]) =>
    withClient(urlFor(target, 'howdah_migrations'), async (client) => {
      await client.query(`select set_config('application_name', $1, false)`, [what])
      const seen = { what, ms: 0, count: 0 }
      while (!isOver) {
        const from = performance.now()
        await client.query(sql, values(seen.count))
        seen.ms = Math.max(seen.ms, performance.now() - from)
        seen.count++
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      slowest.push(seen)
    }),
  )
  // Two cores: the slowest act is slow for many reasons. What waits for a lock says so in pg_stat_activity.
  const watching = withClient(urlFor(target, 'howdah_migrations'), async (client) => {
    const since = new Map<string, number>()
    while (!isOver) {
      const { rows } = await client.query<{ what: string; is_waiting: boolean }>(
        `select application_name as what, $2 = any (pg_blocking_pids(pid)) as is_waiting from pg_stat_activity
         where application_name = any ($1)`,
        [acts.map(([what]) => what), eraser],
      )
      for (const { what, is_waiting } of rows) {
        if (!is_waiting) since.delete(what)
        else if (!since.has(what)) since.set(what, performance.now())
        waits.set(
          what,
          Math.max(waits.get(what) ?? 0, performance.now() - (since.get(what) ?? performance.now())),
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  try {
    await work()
  } finally {
    isOver = true
    await Promise.all([...running, watching])
  }
  const order = acts.map(([what]) => what)
  slowest.sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what))
  return { slowest, waits: order.map((what) => ({ what, ms: waits.get(what) ?? 0 })) }
}

/** What a process has used so far; where the system does not tell, NaN. The clock on the wall counts others' work too. */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

async function rowsLeft(client: pg.Client, person: string): Promise<number> {
  const plan = await client.query(
    `select format('%I.%I', schema_name, table_name) as name, filter from gdpr.tables_to_erase() where assignments is null`,
  )
  let left = 0
  for (const { name, filter } of plan.rows) {
    const { rows } = await client.query(`select count(*)::int as count from ${name} where ${filter}`, [
      person,
    ])
    left += rows[0].count
  }
  return left
}

await program.parseAsync()

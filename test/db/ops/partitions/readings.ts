/** A partitioned table of people's rows, and people who read and write it without a pause while something is done to it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { TestDatabase } from '../../../setup/database.ts'

/** Makes ops.readings: months by `read_at`, rows that belong to people. */
export async function makeReadings(
  owner: Pick<pg.ClientBase, 'query'>,
  { people = 1, retention = 24 } = {},
): Promise<string[]> {
  await owner.query(`
    create table ops.readings (
      id bigint not null, user_id uuid not null references core.users (id) on delete cascade,
      read_at timestamptz not null, note text not null default '', doubled bigint generated always as (id * 2) stored,
      primary key (user_id, id, read_at)
    ) partition by range (read_at);`)
  await owner.query(`
    create sequence ops.readings_id_seq;
    alter table ops.readings alter column id set default nextval('ops.readings_id_seq');
    alter table ops.readings enable row level security;
    select ops.declare_partitioned_table('ops.readings', 'read_at', 3, ${retention});
    select gdpr.declare_columns('ops.readings', 'user_id', '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
      '{"id": {}, "user_id": {}, "read_at": {}, "note": {}, "doubled": {}}');
    select ops.create_monthly_partitions('ops.readings')`)
  const { rows } = await owner.query<{ id: string }>(
    `insert into core.users (email) select format('reader-%s@example.com', n) from generate_series(1, $1) n returning id`,
    [people],
  )
  return rows.map(({ id }) => id)
}

/** What `traffic` saw. */
export type Seen = { slowestMs: number; slowest: string; errors: string[]; done: number; written: number }

/** Runs the statements over and over, each in a session of its own, until stopped. */
export async function traffic(
  db: TestDatabase,
  statements: Record<string, string>,
): Promise<() => Promise<Seen>> {
  const seen: Seen = { slowestMs: 0, slowest: '', errors: [], done: 0, written: 0 }
  let isOver = false
  const clients = await Promise.all(
    Object.entries(statements).map(async ([name, sql]) => [name, sql, await db.superuser.connect()] as const),
  )
  const one = async (name: string, sql: string, client: pg.PoolClient) => {
    while (!isOver) {
      const startedAt = performance.now()
      try {
        const { command, rowCount } = await client.query(sql)
        if (command === 'INSERT') seen.written += rowCount ?? 0
      } catch (error) {
        seen.errors.push(`${name}: ${error instanceof Error ? error.message : error}`)
      }
      const ms = performance.now() - startedAt
      if (ms > seen.slowestMs) Object.assign(seen, { slowestMs: Math.round(ms), slowest: name })
      seen.done++
      await sleep(1)
    }
  }
  const all = clients.map(([name, sql, client]) => one(name, sql, client))
  return async () => {
    isOver = true
    await Promise.all(all)
    for (const [, , client] of clients) client.release()
    return seen
  }
}

/** Names and bounds' months of the table's partitions, without the default one. */
export async function months(db: TestDatabase, table = 'ops.readings'): Promise<string[]> {
  const { rows } = await db.owner.query<{ month: string }>(
    `select right(partition::text, 7) as month from ops.partitions_of($1::regclass) where not is_default order by lower_bound`,
    [table],
  )
  return rows.map(({ month }) => month)
}

/** How many rows lie in the default partition of ops.readings. */
export async function strays(db: TestDatabase): Promise<number> {
  const { rows } = await db.owner.query<{ n: number }>('select count(*)::int as n from ops.readings_default')
  return rows[0]?.n ?? 0
}

/** Ways in which a superuser could forge events of the log (T-05), each as SQL with an aim drawn from a seed. */
import type pg from 'pg'
import type { Draw } from './draw.ts'

/** What was aimed at: the numbers a verdict may name. */
export type Aim = { seals: number[]; events: number[] }
export type Attack = (client: pg.PoolClient) => Promise<Aim>
/** An attack whose aim is drawn; round n of a kind may differ from the others. */
export type Kind = (draw: Draw, round: number) => Attack

type Sealed = { id: number; seal: number; transaction_id: string }

/** A sealed event, drawn. */
export async function pick(client: pg.PoolClient, draw: Draw, where = 'true'): Promise<Sealed> {
  const from = `from core.audit_log e
    join core.audit_seals s on e.transaction_id >= s.from_transaction and e.transaction_id < s.until_transaction
    where ${where}`
  const { rows: counted } = await client.query(`select count(*)::int as n ${from}`)
  const { rows } = await client.query<Sealed>(
    `select e.id::int, s.number::int as seal, e.transaction_id::text ${from} order by e.id offset $1 limit 1`,
    [draw(counted[0].n)],
  )
  if (!rows[0]) throw new Error('Nothing is sealed, so nothing can be forged.')
  return rows[0]
}

/** How each column is changed a little. */
const FLIPS: Record<string, string> = {
  id: `id + 1000000`,
  occurred_at: `occurred_at + interval '1 microsecond'`,
  transaction_id: `(transaction_id::text::bigint + 1)::text::xid8`,
  kind: `case kind when 'data' then 'security' else 'data' end, relation = case kind when 'data' then null else 'core.users' end`,
  relation: `overlay(coalesce(relation, 'x') placing 'X' from 1), kind = 'data'`,
  operation: `operation || 'x'`,
  actor_user_id: `md5(id::text)::uuid`,
  actor_session_id: `md5(id::text)::uuid`,
  subject_id: `md5(id::text)::uuid`,
  tenant_id: `md5(id::text)::uuid`,
  database_role: `database_role || 'x'`,
  acting_role: `acting_role || 'x'`,
  job_id: `coalesce(job_id, 0) + 1`,
  request_id: `request_id || 'x'`,
  key: `coalesce(key, '{}') || '{"x": 1}'`,
  old_values: `coalesce(old_values, '{}') || '{"x": 1}'`,
  new_values: `coalesce(new_values, '{}') || '{"x": 1}'`,
  // A blank event has none.
  salt: `coalesce(set_byte(salt, 0, (get_byte(salt, 0) + 1) % 256), decode(repeat('00', 16), 'hex'))`,
  payload_hash: `set_byte(payload_hash, 3, (get_byte(payload_hash, 3) + 1) % 256)`,
  row_hash: `set_byte(row_hash, 31, (get_byte(row_hash, 31) + 1) % 256)`,
  blanked_by: `id`,
}
/** Every column, in the order in which rounds try them. */
export const COLUMNS: readonly string[] = Object.keys(FLIPS)

/** Changes a column of a random event; round n takes column n. */
export const flip: Kind = (draw, round) => async (client) => {
  const { id, seal } = await pick(client, draw)
  const column = COLUMNS[round % COLUMNS.length] ?? ''
  await client.query(`update core.audit_log set ${column} = ${FLIPS[column]} where id = $1`, [id])
  return { seals: [seal, seal + 1], events: [id, id + 1_000_000] }
}

const remove: Kind = (draw) => async (client) => {
  const { id, seal } = await pick(client, draw)
  await client.query('delete from core.audit_log where id = $1', [id])
  return { seals: [seal], events: [] }
}

/** Two events change places: each gets the other's payload, hashes and all. */
const swap: Kind = (draw) => async (client) => {
  const a = await pick(client, draw)
  const b = await pick(client, draw, `e.id <> ${a.id}`)
  await client.query(
    `update core.audit_log t set key = o.key, old_values = o.old_values, new_values = o.new_values, salt = o.salt,
       payload_hash = o.payload_hash, row_hash = o.row_hash
     from core.audit_log o where (t.id, o.id) in (($1, $2), ($2, $1))`,
    [a.id, b.id],
  )
  return { seals: [Math.min(a.seal, b.seal)], events: [a.id, b.id] }
}

/** A made-up event with hashes that fit, among those that are sealed. */
const insert: Kind = (draw) => async (client) => {
  const { id, seal } = await pick(client, draw)
  await copyOf(client, id, `id + 2000000`, 'transaction_id', 'occurred_at')
  await rehashRow(client, id + 2_000_000)
  return { seals: [seal], events: [] }
}

/** A true event is changed and its hashes made to fit. */
const refit =
  (change: string): Kind =>
  (draw) =>
  async (client) => {
    const { id, seal } = await pick(client, draw)
    await client.query(`update core.audit_log set ${change} where id = $1`, [id])
    await rehashRow(client, id)
    return { seals: [seal], events: [] }
  }

/** From one event on everything is rewritten: hashes and seals fit each other again. */
const rehashSuffix: Kind = (draw) => async (client) => {
  const { id, seal } = await pick(client, draw)
  await client.query(`update core.audit_log set operation = 'forged' where id = $1`, [id])
  await rehashRow(client, id)
  await remakeSeals(client, seal)
  return { seals: [seal], events: [] }
}

/** An old event once more, as if it had just happened, with the hashes it had. */
const replay: Kind = (draw) => async (client) => {
  const { id } = await pick(client, draw)
  const { rows } = await client.query('select nextval($1)::int as id', ['core.audit_log_id_seq'])
  await copyOf(client, id, String(rows[0].id), 'pg_current_xact_id()', 'clock_timestamp()')
  return { seals: [], events: [rows[0].id] }
}

/** The last n events go, with the seals over them. */
export function cut(count: number): Attack {
  return async (client) => {
    const { rows } = await client.query(
      `with gone as (delete from core.audit_log where id in (
         select id from core.audit_log order by transaction_id desc, id desc limit $1) returning transaction_id)
       select min(transaction_id::text::bigint) as first from gone`,
      [count],
    )
    const { rows: seals } = await client.query(
      'delete from core.audit_seals where until_transaction > $1::text::xid8 returning number::int',
      [rows[0].first],
    )
    return { seals: seals.map(({ number }) => number), events: [] }
  }
}

async function copyOf(
  client: pg.PoolClient,
  id: number,
  newId: string,
  transaction: string,
  time: string,
): Promise<void> {
  await client.query(
    `insert into core.audit_log select ${newId}, ${time}, ${transaction}, kind, relation, operation, actor_user_id, actor_session_id,
       subject_id, tenant_id, database_role, acting_role, job_id, request_id, key, old_values, new_values, salt, payload_hash,
       row_hash, blanked_by from core.audit_log where id = $1`,
    [id],
  )
}

async function rehashRow(client: pg.PoolClient, id: number): Promise<void> {
  await client.query('update core.audit_log e set row_hash = core.audit_row_hash(e) where id = $1', [id])
}

/** Makes hashes of seals fit what is under them, from one seal on. */
export async function remakeSeals(client: pg.PoolClient, from: number): Promise<void> {
  await client.query(
    `do $$ declare s core.audit_seals; before bytea; events bytea; begin
       for s in select * from core.audit_seals where number >= ${from} order by number loop
         select hash into before from core.audit_seals where number = s.number - 1;
         s.previous_hash := coalesce(before, decode(repeat('00', 32), 'hex'));
         select count(*), sha256(string_agg(row_hash, ''::bytea order by transaction_id, id)) into s.event_count, events from core.audit_log
           where transaction_id >= s.from_transaction and transaction_id < s.until_transaction;
         update core.audit_seals set previous_hash = s.previous_hash, event_count = s.event_count,
           hash = core.audit_seal_hash(s, events) where number = s.number;
       end loop; end $$`,
  )
}

/** Forgeries of events. */
export const EVENT_ATTACKS: Record<string, Kind> = {
  'one column changed': flip,
  'another actor, hashes made to fit': refit('actor_user_id = md5(id::text)::uuid'),
  'an event back-dated, hashes made to fit': refit(`occurred_at = occurred_at - interval '3 seconds'`),
  'an event removed': remove,
  'two events swapped': swap,
  'an event inserted': insert,
  'everything rewritten from one event on, seals re-made': rehashSuffix,
  'an old event replayed': replay,
  'the end cut off': (draw, round) => cut(round % 2 === 0 ? 1 : 50 + draw(50)),
}

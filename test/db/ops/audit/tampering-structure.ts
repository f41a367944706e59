/** Ways in which a superuser could forge what holds the events together (T-05): seals, blankings, months. */
import type pg from 'pg'
import type { Draw } from './draw.ts'
import { type Kind, pick, remakeSeals } from './tampering.ts'

/** How each column of a seal is changed a little. */
export const SEAL_FLIPS: Record<string, string> = {
  number: 'number + 1000',
  from_transaction: `(from_transaction::text::bigint + 1)::text::xid8`,
  until_transaction: `(until_transaction::text::bigint + 1)::text::xid8`,
  first_event: 'first_event + 1',
  event_count: 'event_count + 1',
  sealed_at: `sealed_at + interval '1 microsecond'`,
  previous_hash: 'sha256(previous_hash)',
  hash: 'sha256(hash)',
}

const sealChanged: Kind = (draw, round) => async (client) => {
  const seal = await pickSeal(client, draw)
  const columns = Object.entries(SEAL_FLIPS)
  const [column, value] = columns[round % columns.length] ?? []
  await client.query(`update core.audit_seals set ${column} = ${value} where number = $1`, [seal])
  return { seals: [seal, seal + 1, seal + 1000], events: [] }
}

const sealRemoved: Kind = (draw) => async (client) => {
  const seal = await pickSeal(client, draw)
  await client.query('delete from core.audit_seals where number = $1', [seal])
  return { seals: [seal, seal + 1], events: [] }
}

/** An event goes, and every seal from there on is counted and chained anew. */
const removedAndSealedAnew: Kind = (draw) => async (client) => {
  const { id, seal } = await pick(client, draw)
  await client.query('delete from core.audit_log where id = $1', [id])
  await remakeSeals(client, seal)
  return { seals: [seal, seal + 1], events: [] }
}

const BLANK = 'key = null, old_values = null, new_values = null, salt = null'

/** No event says that this one was blanked. */
const blankedInSecret: Kind = (draw) => async (client) => {
  const { id } = await pick(client, draw, 'e.blanked_by is null')
  await client.query(`update core.audit_log set ${BLANK}, blanked_by = id where id = $1`, [id])
  return { seals: [], events: [id] }
}

/** An event says that others were blanked. */
const blankedUnderAFalseName: Kind = (draw) => async (client) => {
  const { id } = await pick(client, draw, `e.blanked_by is null and e.operation <> 'audit_blanked'`)
  await client.query(
    `update core.audit_log set ${BLANK}, blanked_by = (select max(id) from core.audit_log where operation = 'audit_blanked') where id = $1`,
    [id],
  )
  return { seals: [], events: [id] }
}

const monthDropped: Kind = (draw) => async (client) => {
  const { month, seal } = await pickMonth(client, draw)
  // With a month go the events which say that older ones are rightly blank.
  const { rows } = await client.query<{ id: number }>(
    `select id::int from core.audit_log where blanked_by in (select id from ${month})`,
  )
  await client.query(`drop table ${month}`)
  return { seals: [seal], events: rows.map(({ id }) => id) }
}

/** In place of a month stands a copy of it in which one event is missing, or says something else. */
const monthSwapped: Kind = (draw, round) => async (client) => {
  const { month, bounds } = await pickMonth(client, draw)
  const { id, seal } = await pick(client, draw, `e.tableoid = '${month}'::regclass`)
  await client.query(
    `create temp table copied on commit drop as select * from ${month};
     alter table core.audit_log detach partition ${month}; drop table ${month};
     create table ${month} partition of core.audit_log ${bounds};
     insert into ${month} select * from copied where id <> ${id} or ${round % 2} = 1;
     update ${month} set request_id = request_id || 'x' where id = ${id}`,
  )
  return { seals: [seal], events: round % 2 === 1 ? [id] : [] }
}

/** Forgeries of what holds the events together. */
export const STRUCTURE_ATTACKS: Record<string, Kind> = {
  'one column of a seal changed': sealChanged,
  'a seal removed': sealRemoved,
  'an event removed, seals re-made': removedAndSealedAnew,
  'a payload blanked in secret': blankedInSecret,
  'a payload blanked under a false name': blankedUnderAFalseName,
  'a month dropped': monthDropped,
  'a month swapped for a copy': monthSwapped,
}

async function pickSeal(client: pg.PoolClient, draw: Draw): Promise<number> {
  const { rows } = await client.query('select count(*)::int as n from core.audit_seals')
  return 1 + draw(rows[0].n)
}

/** A month in which something happened, and the first seal over it. */
async function pickMonth(
  client: pg.PoolClient,
  draw: Draw,
): Promise<{ month: string; bounds: string; seal: number }> {
  const { rows } = await client.query<{ month: string; bounds: string; seal: number }>(
    `select e.tableoid::regclass::text as month, pg_get_expr(c.relpartbound, c.oid) as bounds, min(s.number)::int as seal
     from core.audit_log e
     join pg_class c on c.oid = e.tableoid
     join core.audit_seals s on e.transaction_id >= s.from_transaction and e.transaction_id < s.until_transaction
     group by e.tableoid, c.oid, c.relpartbound order by 1`,
  )
  const found = rows[draw(rows.length)]
  if (!found) throw new Error('No month of the log is sealed.')
  return found
}

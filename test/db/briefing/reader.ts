/** Someone with an account, acting the way PostgREST lets them: as howdah_user with their own claims. */
import { randomBytes } from 'node:crypto'
import type { QueryResultRow } from 'pg'
import { z } from 'zod'
import type { TestDatabase } from '../../setup/database.ts'

const card = z.strictObject({
  id: z.guid(),
  type: z.string(),
  title: z.string(),
  summary: z.string(),
  url: z.string().nullable(),
  source: z.strictObject({ id: z.guid(), title: z.string() }),
  topics: z.array(z.string()),
  image: z.string().nullable(),
  published_at: z.iso.datetime(),
  score: z.number(),
  reason: z.string(),
  position: z.int(),
})

/** A card of a briefing. */
export type Card = z.infer<typeof card>

/** A person; every call is a transaction of its own. */
export type Reader = {
  id: string
  query<R extends QueryResultRow>(sql: string, values?: unknown[]): Promise<R[]>
  /** The cards of generate_briefing with these arguments. */
  generate(args?: string): Promise<Card[]>
  today(): Promise<Card[]>
  give(cardId: string, kind: string, dwellSeconds?: number): Promise<QueryResultRow>
  prefer(preferences: Record<string, unknown>): Promise<QueryResultRow>
}

/** Makes the account of a reader. */
export async function newReader(
  db: TestDatabase,
  preferences: Record<string, unknown> = {},
  timezone = 'UTC',
): Promise<Reader> {
  const email = `reader-${randomBytes(4).toString('hex')}@example.com`
  const { rows } = await db.owner.query(
    'insert into core.users (email, timezone) values ($1, $2) returning id',
    [email, timezone],
  )
  const reader = readerWithId(db, rows[0].id)
  if (Object.keys(preferences).length > 0) await reader.prefer(preferences)
  return reader
}

function readerWithId(db: TestDatabase, id: string): Reader {
  const query = async <R extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<R[]> => {
    const client = await db.as('howdah_user').connect()
    try {
      await client.query('begin')
      await client.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub: id })])
      const { rows } = await client.query<R>(sql, values)
      await client.query('commit')
      return rows
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
  const one = async (sql: string, values: unknown[] = []) => {
    const [row] = await query(sql, values)
    if (!row) throw new Error(`no row from ${sql}`)
    return row
  }
  const cards = async (sql: string) => z.array(card).parse((await one(sql))['cards'])
  return {
    id,
    query,
    generate: (args = '') => cards(`select cards from api.generate_briefing(${args})`),
    today: () => cards('select cards from api.today_briefing()'),
    give: (cardId, kind, dwellSeconds) =>
      one('select * from api.give_feedback($1, $2, $3)', [cardId, kind, dwellSeconds ?? null]),
    prefer: (preferences) =>
      one('select * from api.update_briefing_preferences($1)', [JSON.stringify(preferences)]),
  }
}

/** Objects planted into a test database, in a transaction that is rolled back. */
import type pg from 'pg'
import { readModel } from '../../../sdk/generator/generate-sdk.ts'
import type { Model } from '../../../sdk/generator/model/model.ts'
import type { TestDatabase } from '../../setup/database.ts'

/** The model of the database with `sql` in it. The generator's own begin and rollback become a savepoint. */
export async function modelWith(db: TestDatabase, sql: string): Promise<Model> {
  return planted(db, sql, readModel)
}

/** Runs `work` on a connection that sees `sql`, and forgets it all. */
export async function planted<T>(
  db: TestDatabase,
  sql: string,
  work: (client: Pick<pg.ClientBase, 'query'>) => Promise<T>,
): Promise<T> {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await client.query(sql)
    const nested = {
      query: (text: string, values?: unknown[]) => {
        if (text.startsWith('begin')) return client.query('savepoint generator')
        if (text === 'rollback') return client.query('rollback to savepoint generator')
        return client.query(text, values)
      },
    }
    return await work(nested as Pick<pg.ClientBase, 'query'>)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

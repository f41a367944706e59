/** Moves the clock that SQL reads through core.now(), instead of waiting. */
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { TestDatabase } from './database.ts'

/**
 * Sets how far core.now() is ahead of now() ('1 day', '-2 hours', '0'). Not added to an earlier call. Every session ends,
 * the APIs start anew, and new sessions see the moved clock; do not hold a client over this call.
 */
export async function setClock(database: TestDatabase, offset: string): Promise<void> {
  const name = escapeIdentifier(database.name)
  await database.superuser.query(`alter database ${name} set howdah.clock_offset = ${escapeLiteral(offset)}`)
  await database.endSessions()
  await Promise.all([...database.apis].map((api) => api.restart()))
}

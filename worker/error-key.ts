/** A stable word for what went wrong: keys and codes, never a message, which may hold what it is about. */
import pg from 'pg'
import { isWorkerError } from './worker-error.ts'

/** The key of a failure, for tables and logs. */
export function errorKey(error: unknown): string {
  if (isWorkerError(error)) return error.key
  // What SQL raises by name has the key as its message and a code that begins with PT.
  if (error instanceof pg.DatabaseError)
    return (error.code?.startsWith('PT') ? error.message : error.code) ?? error.name
  return error instanceof Error ? error.name : 'unknown'
}

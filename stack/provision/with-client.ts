/** One connection for one piece of work, closed whatever happens. */
import pg from 'pg'
import { withoutPassword } from '../connection-url.ts'
import { StackError } from '../stack-error.ts'

/** invalid_password. Source: PostgreSQL, Appendix A. */
const WRONG_PASSWORD = '28P01'

/**
 * Connects, works, disconnects.
 * @throws server_unreachable when the connection cannot be made; otherwise what `work` throws
 */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // A connection the server ends outside a query must not take the process down; the next query says it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    await client.end().catch(() => {})
    throw new StackError(
      'server_unreachable',
      `Could not connect to ${withoutPassword(url)}: ${reasonOf(cause)}`,
      remedyFor(cause),
      { cause },
    )
  }
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function remedyFor(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (code !== WRONG_PASSWORD) return 'Is the server running? npm run stack:status shows what runs here.'
  return (
    'The password on record does not fit this server. On the embedded Postgres: was secrets.json replaced? Restore it, ' +
    'or begin anew with npm start -- --fresh. On your own server: type npm run db:init, or correct HOWDAH_DATABASE_URL.'
  )
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

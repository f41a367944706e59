/** One connection for one piece of work, closed whatever happens. */
import pg from 'pg'
import { withoutPassword } from '../connection-url.ts'
import { StackError } from '../stack-error.ts'

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
      'Is the server running, and are user and password right? npm run stack:status shows what runs here.',
      { cause },
    )
  }
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** What older servers see differently. */
import type { TestDatabase } from '../setup/database.ts'

/** The server's version as a number, for instance 180004. */
export async function serverVersion(db: TestDatabase): Promise<number> {
  const { rows } = await db.owner.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  )
  return rows[0]?.version ?? 0
}

/**
 * Before 17 there is no builtin locale, and the C library decides what white space is: for these it has a mind of its
 * own. The embedded stack and the images of docker-compose have the builtin one.
 */
export function isSeenAlike(value: unknown, version: number): boolean {
  return version >= 170_000 || !/[\u0085\u00a0\u2007\u202f]/.test(JSON.stringify(value))
}

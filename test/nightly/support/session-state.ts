/** What the database holds of one person's sessions. */
import type { TestDatabase } from '../../setup/database.ts'

/** Sessions that were ended, and refresh tokens that can still be traded in. */
export async function sessionState(
  db: TestDatabase,
  userId: string,
): Promise<{ revoked: number; live: number }> {
  const { rows } = await db.owner.query<{ revoked: number; live: number }>(
    `select (select count(*)::int from core.sessions s where s.user_id = $1 and s.revoked_at is not null) as revoked,
       (select count(*)::int from private.refresh_tokens t join core.sessions s on s.id = t.session_id
        where s.user_id = $1 and s.revoked_at is null and t.rotated_at is null) as live`,
    [userId],
  )
  return rows[0] ?? { revoked: -1, live: -1 }
}

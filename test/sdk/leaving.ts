/** Asking for the end of an account, and taking it back, as examples for the calls of every function. */
import type { TestDatabase } from '../setup/database.ts'

/** A request of somebody's that is over, so that there is one to see. */
export async function askedOnce(db: TestDatabase, userId: string): Promise<void> {
  await db.owner.query(
    `insert into gdpr.deletion_requests (user_id, subject_request_id, state, erase_at, finished_at)
     select $1, gdpr.open_subject_request($1, 'erasure'), 'cancelled', now(), now()`,
    [userId],
  )
}

/** The two calls, in their order. Nobody may depend on the account by then. */
export const leaving = (db: TestDatabase, password: string) => ({
  request_account_deletion: async () => {
    await db.owner.query('delete from core.organizations')
    return { password }
  },
  cancel_account_deletion: () => ({}),
})

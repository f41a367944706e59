/** Writes the audit log with its seals to a file, for deploy/verify_audit.py and for keeping elsewhere. */
import { type FileHandle, open } from 'node:fs/promises'
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { StackError } from '../stack-error.ts'

const LINES_AT_ONCE = 5000

/**
 * Dumps in one snapshot; a log of any size needs the memory of a few thousand lines. Returns how many lines.
 * `fromSeal` leaves out what that seal and those before it cover: for verifying with --from-seal.
 * @throws refused when the file cannot be written
 */
export async function dumpAudit(target: Target, path: string, fromSeal = 0): Promise<number> {
  const file = await openForWriting(path)
  try {
    return await withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
      await owner.query('begin isolation level repeatable read read only')
      // Seals stand at the transaction where they end, events at their own. Which lines of the copy a restore has lost
      // is always told.
      await owner.query(
        `declare dump no scroll cursor for select d.line from ops.audit_dump as d where d.position >= coalesce(
           (select s.until_transaction from core.audit_seals as s where s.number = $1), '0')
           or d.number in (select e.id from core.audit_landmarks('recovery') as e)`,
        [fromSeal],
      )
      let count = 0
      for (;;) {
        const { rows } = await owner.query<{ line: string }>(`fetch ${LINES_AT_ONCE} from dump`)
        if (rows.length === 0) return count
        await file.write(rows.map(({ line }) => `${line}\n`).join(''))
        count += rows.length
      }
    })
  } finally {
    await file.close()
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o600)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new StackError(
      'refused',
      `The file cannot be written: ${problem}.`,
      'Check the path; its folder must exist.',
      { cause },
    )
  }
}

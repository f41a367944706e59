/** Searches the bytes of every file that the stack has: tables, log of the server, logs, mails, the ledger. */
import { join } from 'node:path'
import { scrub } from '../stack/gdpr/scrub.ts'
import { adminUrlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import type { Stack } from '../stack/stack.ts'
import type { Findings } from './promise.ts'
import { hitCount, scanFiles } from './scan-files.ts'
import type { ScratchStack } from './scratch-stack.ts'
import { MALFORMED_ID, type Subject } from './seed-people.ts'

/** After VACUUM, where bytes may remain, and after the tables were written anew, where none may. */
export async function lookIntoFiles(
  stack: Stack,
  { settings, cluster }: ScratchStack,
  { words }: Subject,
  findings: Findings,
): Promise<void> {
  const tables = () => scanFiles(cluster(), words, (path) => path.startsWith('pg_wal'))
  await withClient(adminUrlFor(stack.target, stack.target.database), async (superuser) => {
    await superuser.query('vacuum')
    await superuser.query('checkpoint')
    const vacuumed = await tables()
    findings.add({
      what: 'files of tables, after VACUUM',
      promised: '-',
      seen: `${hitCount(vacuumed)} hits in ${Object.keys(vacuumed.hits).length} of ${vacuumed.files} files: room that is free and not yet overwritten`,
      isKept: undefined,
      details: vacuumed.hits,
    })
    const report = await scrub(superuser)
    const scrubbed = await tables()
    findings.none(
      `files of tables, after gdpr:scrub (${report.rewritten.length} tables)`,
      hitCount(scrubbed),
      {
        hits: scrubbed.hits,
        skipped: report.skipped,
      },
    )
    const { rows } = await superuser.query<{ ends: string }>(
      `select to_char(max(gdpr.backups_end_at(erased_at)), 'YYYY-MM-DD') as ends from gdpr.erasure_ledger`,
    )
    const wal = await scanFiles(join(cluster(), 'pg_wal'), words)
    findings.add({
      what: 'the write-ahead log',
      promised: `archived segments end ${rows[0]?.ends}`,
      seen: `${hitCount(wal)} hits in ${Object.keys(wal.hits).length} of ${wal.files} segments`,
      isKept: undefined,
      details: wal.hits,
    })
  })
  const logs = await scanFiles(join(settings.dataDir, 'logs'), words)
  // Postgres repeats a value that cannot be read as the type it should have, and an id can be anything.
  const malformed = await scanFiles(join(settings.dataDir, 'logs'), [MALFORMED_ID])
  findings.none(
    `logs of Postgres, PostgREST and the worker (${logs.files} files)`,
    hitCount(logs) - hitCount(malformed),
    logs.hits,
  )
  findings.add({
    what: "Postgres' log: what was sent in place of an id",
    promised: '-',
    seen: `${hitCount(malformed)} hits`,
    isKept: undefined,
  })
  const rest = await scanFiles(settings.dataDir, words, (path) => /^(postgres|logs|mail)($|\/)/.test(path))
  findings.none(`everything else in the data folder (${rest.files} files)`, hitCount(rest), rest.hits)
  const mails = await scanFiles(settings.dataDir, words, (path) => !/^mail($|\/)/.test(path))
  findings.add({
    what: 'mails that were sent',
    promised: '-',
    seen: `${hitCount(mails)} hits in ${Object.keys(mails.hits).length} files: without a mail server, mails are kept as files`,
    isKept: undefined,
  })
}

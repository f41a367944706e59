/** The whole story of an erasure, in order: what is promised is looked at where it could break. */

import { join } from 'node:path'
import { restoreBaseBackup } from '../stack/backup/restore-base-backup.ts'
import { takeBaseBackup } from '../stack/backup/take-base-backup.ts'
import { adminUrlFor, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { type Stack, startStack } from '../stack/stack.ts'
import { runControls } from './controls.ts'
import { eraseAndProve, waitForCertificate } from './erase-and-prove.ts'
import { lookIntoFiles } from './look-into-files.ts'
import { lookIntoTables } from './look-into-tables.ts'
import { type Finding, Findings } from './promise.ts'
import { type ScratchStack, scratchStack } from './scratch-stack.ts'
import { call, type Subject, seedPeople } from './seed-people.ts'

/** What stays by declaration. */
export type Kept = { column: string; rows: number; reason: string }

/** The report. */
export type DrillReport = { findings: Finding[]; kept: Kept[]; broken: number; seconds: number }

/** Runs it. `say` hears what happens; `isKept` leaves the folder for who wants to look. */
export async function runDrill(say: (line: string) => void, isKept = false): Promise<DrillReport> {
  const from = performance.now()
  const scratch = await scratchStack()
  const findings = new Findings(say)
  let stack: Stack | undefined
  try {
    say('A stack of its own, with people who have a word of their own in every column …')
    stack = await startStack(scratch.settings, say)
    const subject = await seedPeople(stack)
    const backup = join(scratch.home, 'backup')
    await beforeErasing(stack, scratch, subject, findings, backup)
    const kept = await eraseAndProve(stack, subject, findings, scratch.settings.dataDir)
    await lookIntoTables(stack, subject, findings, 'after erasing')
    await lookIntoFiles(stack, scratch, subject, findings)
    await stack.stop()
    stack = undefined

    say('The old backup comes back …')
    stack = await restoreByHand(scratch, backup, say)
    await withClient(urlFor(stack.target, 'howdah_migrations'), (owner) =>
      waitForCertificate(owner, subject.id),
    )
    await lookIntoTables(stack, subject, findings, 'after a restore by hand and npm start')
    await knockAtTheDoor(stack, subject, findings)
    await stack.stop()
    stack = undefined
    await restoreByCommand(scratch, backup, subject, findings, say)
    const seconds = Math.round((performance.now() - from) / 1000)
    return { findings: findings.all, kept, broken: findings.broken.length, seconds }
  } finally {
    await stack?.stop()
    if (isKept) say(`Everything lies in ${scratch.home}.`)
    else scratch.remove()
  }
}

async function beforeErasing(
  stack: Stack,
  scratch: ScratchStack,
  subject: Subject,
  findings: Findings,
  backup: string,
): Promise<void> {
  await withClient(urlFor(stack.target, 'howdah_migrations'), async (owner) => {
    const { rows } = await owner.query<{ held: number; columns: number }>(
      `select (select count(distinct w.origin)::int from gdpr.personal_words($1) as w) as held,
         (select count(*)::int from gdpr.find_traces($2)) as columns`,
      [subject.id, subject.words],
    )
    findings.add({
      what: 'before erasing',
      promised: 'found',
      seen: `words of theirs in ${rows[0]?.held} columns; found in ${rows[0]?.columns} relations`,
      isKept: (rows[0]?.held ?? 0) > 30,
    })
    await runControls(owner, subject, findings)
  })
  await takeBaseBackup({
    dataDir: scratch.cluster(),
    connectionString: adminUrlFor(stack.target, stack.target.database),
    into: backup,
    isDurable: false,
  })
}

/** Somebody copies the old cluster into place and knows nothing of a ledger. */
async function restoreByHand(
  scratch: ScratchStack,
  backup: string,
  say: (line: string) => void,
): Promise<Stack> {
  const folder = `${scratch.cluster()}.restored`
  await restoreBaseBackup({ from: backup, into: folder, steps: [] })
  scratch.replaceCluster(folder)
  return startStack(scratch.settings, say)
}

async function knockAtTheDoor(stack: Stack, subject: Subject, findings: Findings): Promise<void> {
  const { status } = await call(stack, 'sign_in', { email: subject.email, password: subject.password })
  const held = await call(stack, 'me', {}, subject.token)
  findings.add({
    what: 'signing in after the restore, and the old token',
    promised: '401, 401',
    seen: `${status}, ${held.status}`,
    isKept: status === 401 && held.status === 401,
  })
}

/** backup:restore replays by itself, behind its closed door. */
async function restoreByCommand(
  scratch: ScratchStack,
  backup: string,
  subject: Subject,
  findings: Findings,
  say: (line: string) => void,
): Promise<void> {
  const into = `${scratch.cluster()}.again`
  const options = { from: backup, into, keptOutside: scratch.settings.dataDir, isThrowaway: true, say }
  await restoreBaseBackup(options, async (adminUrl) => {
    const hits = await withClient(adminUrl, async (superuser) => {
      const { rows } = await superuser.query<{ relation: string; row_count: number }>(
        'select relation, row_count::int as row_count from gdpr.find_traces($1)',
        [subject.words],
      )
      return rows
    })
    findings.none('after backup:restore, before anybody may come in', hits.length, hits)
  })
}

/** Erases, waits until the worker has proven it, and lets others judge the proof. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { z } from 'zod'
import { PROJECT_DIR } from '../stack/project-dir.ts'
import { urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import type { Stack } from '../stack/stack.ts'
import { loadSigningKey } from '../worker/proof/signing-key.ts'
import { stateOfOthers } from './others.ts'
import type { Findings } from './promise.ts'
import type { Kept } from './run-drill.ts'
import type { Subject } from './seed-people.ts'

const PATIENCE_MS = 30_000

const certificate = z.object({
  certificate: z.looseObject({
    relations: z.record(z.string(), z.number()),
    words: z.looseObject({ searched: z.number(), forms: z.number() }),
    hits: z.array(z.unknown()),
    kept: z.array(z.object({ column: z.string(), rows: z.number(), reason: z.string() })),
  }),
})

/** Returns what stays by declaration, as the certificate names it. */
export async function eraseAndProve(
  stack: Stack,
  subject: Subject,
  findings: Findings,
  dataDir: string,
): Promise<Kept[]> {
  return withClient(urlFor(stack.target, 'howdah_migrations'), async (owner) => {
    const before = await stateOfOthers(owner, subject.id)
    await owner.query('select gdpr.erase_account($1)', [subject.id])
    const after = await stateOfOthers(owner, subject.id)
    const changed = Object.keys(before).filter((table) => before[table] !== after[table])
    findings.add({
      what: 'rows of others',
      promised: 'unchanged',
      seen: `${Object.keys(before).length} tables, ${changed.length} differ`,
      isKept: changed.length === 0,
      details: changed,
    })
    const raw = await waitForCertificate(owner, subject.id)
    const { certificate: proof } = certificate.parse(raw)
    const rows = Object.values(proof.relations).reduce((sum, count) => sum + count, 0)
    findings.add({
      what: 'the worker proves it',
      promised: '0 hits',
      seen: `${proof.hits.length} hits; ${proof.words.searched} words in ${proof.words.forms} forms, ${rows} rows of ${Object.keys(proof.relations).length} relations`,
      isKept: proof.hits.length === 0,
    })
    verifyCertificate(raw, dataDir, findings)
    await verifyLog(owner, findings)
    const { rows: words } = await owner.query<{ count: number }>(
      'select count(*)::int as count from private.erasure_words',
    )
    findings.none('words that were searched for, afterwards', words[0]?.count ?? -1)
    return proof.kept
  })
}

/** Waits for the worker. */
export async function waitForCertificate(owner: pg.Client, userId: string): Promise<unknown> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const { rows } = await owner.query<{ certificate: unknown; problem: string | null }>(
      `select case when l.signature is not null then gdpr.erasure_certificate(l.id) end as certificate,
         (select j.last_error from graphile_worker._private_jobs as j where j.key = 'gdpr/prove_erasure:' || l.id) as problem
       from gdpr.erasure_ledger as l where l.user_id = $1`,
      [userId],
    )
    if (rows[0]?.certificate) return rows[0].certificate
    if (performance.now() > until) {
      throw new Error(
        `The worker has not proven the erasure in ${PATIENCE_MS / 1000} s: ${rows[0]?.problem ?? 'it waits'}`,
      )
    }
    await sleep(100)
  }
}

/** By a program of another language, that knows nothing but the certificate and the public key. */
function verifyCertificate(raw: unknown, dataDir: string, findings: Findings): void {
  const folder = mkdtempSync(join(tmpdir(), 'howdah-certificate-'))
  try {
    const [file, key] = [join(folder, 'certificate.json'), join(folder, 'key.pem')]
    writeFileSync(file, JSON.stringify(raw))
    writeFileSync(key, loadSigningKey(dataDir).current.pem)
    const run = spawnSync('python3', [join(PROJECT_DIR, 'deploy', 'verify_certificate.py'), file, key], {
      encoding: 'utf8',
    })
    const isMissing = run.error !== undefined
    findings.add({
      what: 'the certificate, verified by Python',
      promised: 'valid',
      seen: isMissing
        ? 'there is no python3 here'
        : run.status === 0
          ? 'valid'
          : `refused: ${run.stdout}${run.stderr}`,
      isKept: isMissing ? undefined : run.status === 0,
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function verifyLog(owner: pg.Client, findings: Findings): Promise<void> {
  await owner.query('select from core.seal_audit()')
  const { rows } = await owner.query<{ is_ok: boolean; blank: number }>(
    `select v.is_ok, (select count(*)::int from core.audit_log as e where e.blanked_by is not null) as blank
     from ops.verify_audit() as v`,
  )
  findings.add({
    what: 'the audit log',
    promised: 'verifies',
    seen: `${rows[0]?.is_ok ? 'verifies' : 'does not verify'}, ${rows[0]?.blank} events blank`,
    isKept: rows[0]?.is_ok === true && (rows[0]?.blank ?? 0) > 0,
  })
}

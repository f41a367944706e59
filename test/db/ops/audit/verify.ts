/** Both verifiers, asked in the same words: the database's own and the one in Python. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { z } from 'zod'
import { dumpAudit } from '../../../../stack/db/audit-dump.ts'
import { PROJECT_DIR } from '../../../../stack/project-dir.ts'
import type { TestDatabase } from '../../../setup/database.ts'

const number = z.union([z.number(), z.string().transform(Number)]).nullable()
const verdict = z.object({ is_ok: z.boolean(), problem: z.string().nullable(), seal: number, event: number })

/** What a verifier says. */
export type Verdict = z.infer<typeof verdict>

/** A line of the copy outside the database. */
export type SealCopy = { seal: number; hash: string }

/** ops.verify_audit, in the session of `client`. */
export async function verifyInSql(
  client: pg.Pool | pg.PoolClient,
  expected?: SealCopy[] | SealCopy,
  fromSeal?: number,
): Promise<Verdict> {
  const { rows } = await client.query('select is_ok, problem, seal, event from ops.verify_audit($1, $2)', [
    expected === undefined ? null : JSON.stringify(expected),
    fromSeal ?? null,
  ])
  return verdict.parse(rows[0])
}

const run = promisify(execFile)

/** deploy/verify_audit.py on a fresh dump of what is committed; `alter` may forge the dump first. */
export async function verifyInPython(
  db: TestDatabase,
  expected: SealCopy[],
  alter: (lines: string[]) => string[] = (lines) => lines,
  fromSeal = 0,
): Promise<Verdict & { events_per_second: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'howdah-audit-'))
  try {
    const [dump, copy] = [join(folder, 'audit.jsonl'), join(folder, 'audit-seals.jsonl')]
    await dumpAudit(db.target, dump, fromSeal)
    const lines = (await readFile(dump, 'utf8')).trimEnd().split('\n')
    await writeFile(
      dump,
      alter(lines)
        .map((line) => `${line}\n`)
        .join(''),
    )
    await writeFile(copy, expected.map((seal) => `${JSON.stringify(seal)}\n`).join(''))
    const script = join(PROJECT_DIR, 'deploy', 'verify_audit.py')
    const { stdout } = await run('python3', [
      script,
      dump,
      copy,
      ...(fromSeal ? ['--from-seal', String(fromSeal)] : []),
    ]).catch((error: { code?: unknown; stdout?: string }) => {
      // 1 is a verdict; anything else is a failure of the script.
      if (error.code === 1) return { stdout: error.stdout ?? '' }
      throw error
    })
    return verdict.extend({ events_per_second: z.number() }).parse(JSON.parse(stdout))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The seals as the worker copies them. */
export async function sealCopies(client: pg.Pool | pg.PoolClient): Promise<SealCopy[]> {
  const { rows } = await client.query('select seal::int, hash from core.list_audit_seals(0, 100000)')
  return rows
}

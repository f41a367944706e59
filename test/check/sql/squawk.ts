/** squawk on the committed migrations: locks and rewrites that hurt a table with rows. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { withoutIncluded } from './parse.ts'
import type { SqlFile } from './sql-file.ts'

/** Runs squawk over a migration; answers with its complaints, one a line. */
export function runSquawk(projectDir: string, file: SqlFile): string[] {
  const binary = join(projectDir, 'node_modules', '.bin', 'squawk')
  const options = ['--config', join(projectDir, '.squawk.toml'), '--reporter', 'gcc']
  const done = spawnSync(binary, [...options, '--stdin-filepath', file.path], {
    cwd: projectDir,
    encoding: 'utf8',
    input: withoutIncluded(file.text),
  })
  if (done.error) throw new Error(`Could not run ${binary}: ${done.error.message}. Run npm ci.`)
  const lines = done.stdout.split('\n').filter(Boolean)
  if (done.status !== 0 && lines.length === 0)
    throw new Error(`squawk failed on ${file.path}: ${done.stderr}`)
  return lines
}

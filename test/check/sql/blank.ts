/** Law "blank": on main the open migration holds nothing but comments, once anything was committed. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './finding.ts'

/** What is not a comment in an open migration. An include line is a comment to SQL but work to graphile-migrate. */
export function blankFindings(text: string): Finding[] {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .split('\n')
    .flatMap((line, index) => {
      const isBlank = /^\s*(--.*)?$/.test(line) && !/^--!\s*include\b/.test(line)
      const sentence = `"${line.trim()}" is still open on main; run npm run db:commit before merging`
      return isBlank ? [] : [{ file: 'current.sql', line: index + 1, rule: 'blank', sentence }]
    })
    .slice(0, 1)
}

/**
 * The open migration as it is on main: with CI_MAIN set the checkout itself is main; otherwise git is asked.
 * Undefined where no main can be seen (an unpacked archive, a shallow clone of a branch).
 */
export function currentOnMain(projectDir: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env['CI_MAIN']) return readFileSync(join(projectDir, 'current.sql'), 'utf8')
  for (const ref of ['origin/main', 'main']) {
    try {
      return execFileSync('git', ['show', `${ref}:current.sql`], {
        cwd: projectDir,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    } catch {
      // No such branch here; the next one may be.
    }
  }
  return undefined
}

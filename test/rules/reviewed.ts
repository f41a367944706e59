/**
 * Files under reviewed/ say what a person has agreed to. A test compares; a missing file fails.
 * HOWDAH_ACCEPT_REVIEWED=1 writes what is there now: then read the diff before committing it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'

const FOLDER = join(PROJECT_DIR, 'test', 'rules', 'reviewed')

/** What was agreed to; empty when nothing ever was. */
export function reviewed(name: string): string {
  const path = join(FOLDER, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Fails when `actual` is not what test/rules/reviewed/<name> says. */
export function expectReviewed(name: string, actual: string): void {
  if (process.env['HOWDAH_ACCEPT_REVIEWED'] === '1') writeFileSync(join(FOLDER, name), actual)
  const hint = `differs from test/rules/reviewed/${name}; read the difference, then HOWDAH_ACCEPT_REVIEWED=1 npx vitest run test/rules`
  expect(actual.split('\n').length, 'nothing was looked at').toBeGreaterThan(3)
  expect(actual, hint).toBe(reviewed(name))
}

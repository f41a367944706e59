/** docs/security.md is a list of claims: each names a test or command that exists and the day it was seen, or says "not met". */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'

const page = readFileSync(join(PROJECT_DIR, 'docs', 'security.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(PROJECT_DIR, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

/** What is wrong with a page. */
function problems(text: string): string[] {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| id |'))
    .map((line) => line.split('|').slice(1, -1))
  return rows.flatMap((cells) => {
    const [id = '', , figure = '', where = '', seen = ''] = cells.map((cell) => cell.trim())
    const found: string[] = []
    if (cells.length !== 5) found.push(`${id}: ${cells.length} cells`)
    if (!seen && !figure.includes('**Not met**')) found.push(`${id}: neither seen nor said to be not met`)
    if (seen && !/^20\d\d-\d\d-\d\d$/.test(seen)) found.push(`${id}: ${seen} is no day`)
    if (seen && !where) found.push(`${id}: names no place`)
    for (const [, name = ''] of where.matchAll(/`([^`]+)`/g)) {
      const script = /^npm run ([\w:-]+)$/.exec(name)?.[1]
      const isThere = script ? script in scripts : existsSync(join(PROJECT_DIR, name))
      if (!isThere) found.push(`${id}: there is no ${name}`)
    }
    return found
  })
}

it('names what exists', () => {
  expect(page.split('\n').filter((line) => line.startsWith('| ')).length).toBeGreaterThan(60)
  expect(problems(page)).toEqual([])
})

it('is red when a test goes, a day is missing or a figure is a promise', () => {
  const row = (where: string, seen: string) => problems(`| X-01 | what | 1 of 1 | ${where} | ${seen} |`)
  expect(row('`test/gone.test.ts`', '2026-11-20')).toHaveLength(1)
  expect(row('`npm run gone`', '2026-11-20')).toHaveLength(1)
  expect(row('`npm run check`', 'soon')).toHaveLength(1)
  expect(row('`npm run check`', '')).toHaveLength(1)
  expect(row('', '2026-11-20')).toHaveLength(1)
})

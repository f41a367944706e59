/** Law "complete", the half that needs no database: one place for each object, and every fixture is reached. */
import { definitionsIn } from './definitions.ts'
import type { Finding } from './finding.ts'
import type { ParsedFile } from './parse.ts'
import type { Rule } from './rule.ts'

const FIXTURES = 'migrations/fixtures/'
const INDEX = `${FIXTURES}index.sql`
/** May name files a second time: they are needed before the tables. */
const PRIMITIVES = `${FIXTURES}primitives.sql`
const INCLUDE = /^--!\s*include[ \t]+(\S+)[ \t]*$/gm

/** Every function, view, trigger and policy is defined in exactly one fixture. */
export const definedOnce: Rule = (files) => {
  const first = new Map<string, string>()
  const findings: Finding[] = []
  for (const { kind, name, file, line } of definitionsIn(files.filter((file) => file.kind === 'fixture'))) {
    const key = `${kind} ${name}`
    const place = first.get(key)
    if (place)
      findings.push({
        file,
        line,
        rule: 'complete',
        sentence: `${key} is already defined in ${place}; keep one`,
      })
    else first.set(key, `${file}:${line}`)
    if (name.startsWith('UNQUALIFIED.') || !/^[^( ]+\./.test(name)) {
      findings.push({ file, line, rule: 'complete', sentence: `${key} is written without its schema` })
    }
  }
  return findings
}

/** Objects that fixtures hold are not defined in migrations. */
export const definedInFixtures: Rule = (files) =>
  definitionsIn(files.filter(({ kind }) => kind === 'current' || kind === 'committed')).map(
    ({ kind, name, file, line }) => ({
      file,
      line,
      rule: 'complete',
      sentence: `${kind} ${name} stands in a migration; write it into a fixture and include that`,
    }),
  )

/** Every fixture is reached from index.sql, exactly once, and every include leads somewhere. */
export const reached: Rule = (files) => {
  const fixtures = new Map(files.filter(({ kind }) => kind === 'fixture').map((file) => [file.path, file]))
  const findings: Finding[] = []
  const seen = new Set<string>()
  const visit = (path: string, isRepeatable: boolean) => {
    const file = fixtures.get(path)
    for (const { name, line } of file ? includes(file) : []) {
      const target = FIXTURES + name
      const say = (sentence: string) => findings.push({ file: path, line, rule: 'complete', sentence })
      if (!fixtures.has(target)) say(`includes ${name}, which is no file in ${FIXTURES}`)
      else if (isRepeatable) continue
      else if (seen.has(target)) say(`includes ${name} a second time`)
      else {
        seen.add(target)
        visit(target, false)
      }
    }
  }
  visit(PRIMITIVES, true)
  visit(INDEX, false)
  for (const path of fixtures.keys()) {
    if (path === INDEX || path === PRIMITIVES || seen.has(path)) continue
    findings.push({
      file: path,
      line: 1,
      rule: 'complete',
      sentence: 'is not reached from migrations/fixtures/index.sql',
    })
  }
  return findings
}

/** The include lines of a file. */
export function includes(file: Pick<ParsedFile, 'text'>): { name: string; line: number }[] {
  return [...file.text.matchAll(INCLUDE)].map((match) => ({
    name: match[1] ?? '',
    line: file.text.slice(0, match.index).split('\n').length,
  }))
}

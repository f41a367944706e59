/** no caller writes SQL, and no caller decides who is asking. */

import { constantText } from './ast.ts'
import { callsIn } from './calls.ts'
import type { Finding } from './finding.ts'
import type { ParsedFile } from './parse.ts'
import { embeddedIn } from './plpgsql.ts'
import { REVIEWED_EXECUTES, type Reviewed } from './reviewed-executes/reviewed.ts'

/** Settings a session is believed by. */
const IDENTITY = /^(request\.|role$|session_authorization$|search_path$|row_security$|howdah\.)/

/** Every place that must be on the reviewed list. */
export function dynamicPlaces(files: ParsedFile[]): { file: string; line: number; sql: string }[] {
  return files.flatMap((file) => [
    ...embeddedIn(file)
      .filter(({ isDynamic }) => isDynamic)
      .map(({ sql, line }) => ({ file: file.path, line, sql: fold(sql) })),
    ...callsIn(file)
      .filter(({ name }) => /^(pg_catalog\.)?set_config$/.test(name))
      .map(({ line, args }) => ({ file: file.path, line, setting: constantText(args[0]) }))
      .filter(({ setting }) => setting === undefined || IDENTITY.test(setting))
      .map(({ file: path, line, setting }) => ({
        file: path,
        line,
        sql: `set_config('${setting ?? '(computed)'}', …)`,
      })),
  ])
}

/** Compares what is there with what was reviewed, both ways. */
export function dynamicSql(reviewed: readonly Reviewed[] = REVIEWED_EXECUTES) {
  return (files: ParsedFile[]): Finding[] => {
    const places = dynamicPlaces(files.filter(({ kind }) => kind !== 'committed'))
    const findings: Finding[] = []
    for (const { file, line, sql } of places) {
      const say = (sentence: string) => findings.push({ file, line, rule: 'dynamic-sql', sentence })
      const entry = reviewed.find((one) => one.file === file && one.sql === sql)
      if (!entry) say(`"${sql}" is not on the reviewed list (test/check/sq./reviewed-executes/reviewed.ts)`)
      if ((/%(\d+\$)?-?\d*s/.test(sql) || /\|\|/.test(sql)) && !entry?.unquoted) {
        say(`"${sql}" puts text into a statement unquoted; use %I, %L or "using"`)
      }
    }
    for (const { file, sql } of reviewed) {
      const isThere =
        files.some(({ path }) => path === file) &&
        places.some((place) => place.file === file && place.sql === sql)
      if (!isThere) {
        findings.push({
          file,
          line: 1,
          rule: 'dynamic-sql',
          sentence: `the reviewed list names "${sql}", which is not there any more`,
        })
      }
    }
    return findings
  }
}

function fold(sql: string): string {
  return sql.replace(/\s+/g, ' ').trim()
}
